/* log_follow.c - see log_follow.h. */
#include "bin/cadmus/log_follow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/output.h"

#define BUSY_FIRST_MS 1 /* while a transaction is being written: until it can be read */
#define BUSY_MOST_MS 20
#define CHANGES (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF)

struct follow {
	const struct verb_context *context;
	const struct log_filter *filter;
	journal_visit *show;
	void *user;
	char path[PATH_MAX], folder[PATH_MAX];
	const char *name; /* in the folder */
	int events;
	struct journal_reader *reader; /* NULL: there is no file */
	struct stat file, wal; /* as they were when it was opened; of what is not there, all 0 */
	uint64_t last;    /* shown, or passed over */
	struct hash hash; /* of that record */
	bool fresh;       /* just opened: whether it was being written then is not known */
	bool gone;        /* there is none, and that was said */
};

/* ---- the file ---- */

static int take_hash(void *user, const struct journal_record *r) {
	struct follow *f = user;
	if (r->seq == f->last)
		f->hash = r->hash;
	return 1;
}

/* So that a copy of this file is known as such. */
static int note_place(struct follow *f) {
	f->hash = (struct hash){ { 0 } };
	int rc = f->last ? journal_each(f->reader, f->last, 1, take_hash, f) : 0;
	return rc < 0 ? rc : 0;
}

static void say(const struct follow *f, const char *what) {
	if (!f->context->json)
		fprintf(stderr, "cadmus log: %s\n", what);
}

static void look_up(const char *path, const char *ending, struct stat *out) {
	char name[PATH_MAX + 8];
	snprintf(name, sizeof(name), "%s%s", path, ending);
	if (stat(name, out) < 0)
		*out = (struct stat){ .st_ino = 0 };
}

static bool same_file(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A log that is no longer the one we hold is not where a writer writes: a copy may have come beside an old one. */
static bool is_the_same(const struct follow *f) {
	struct stat file, wal;
	look_up(f->path, "", &file);
	look_up(f->path, "-wal", &wal);
	return same_file(&file, &f->file) && (f->wal.st_ino == 0 || same_file(&wal, &f->wal));
}

/* The file that has the name now. */
static int reopen(struct follow *f) {
	struct hash before = f->hash;
	bool first = f->file.st_ino == 0;
	journal_read_close(&f->reader);
	f->fresh = true;
	if (stat(f->path, &f->file) < 0)
		return -errno;
	look_up(f->path, "-wal", &f->wal);
	int rc = journal_read_open(f->path, &f->reader, NULL);
	if (rc == 0)
		rc = note_place(f);
	if (rc < 0 || first)
		return rc;
	if (f->last && memcmp(&before, &f->hash, sizeof(before)) != 0) {
		f->last = 0;
		say(f, "the file is another one now; it is shown from its first record");
	}
	return 0;
}

/* 0: its file is open; -ENOENT: it has none. */
static int have_file(struct follow *f) {
	if (f->reader && is_the_same(f))
		return 0;
	int rc = reopen(f);
	if (rc == -ENOENT && !f->gone)
		say(f, "the file is gone; waiting for another one");
	f->gone = rc == -ENOENT;
	return rc;
}

/* ---- what is new ---- */

static int look(struct follow *f) {
	int rc = have_file(f);
	if (rc == -ENOENT)
		return 0;
	struct log_walked walked = { .last = f->last };
	if (rc == 0)
		rc = log_read(f->reader, f->filter, f->last + 1, UINT64_MAX, 0, f->show, f->user, &walked);
	if (rc == 0 && walked.last != f->last) {
		f->last = walked.last;
		rc = note_place(f);
	}
	return rc;
}

/* Take all that has come; is any of it of ours? < 0: the folder is gone. */
static int take_events(struct follow *f) {
	char room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	size_t n = strlen(f->name);
	bool ours = false;
	ssize_t bytes;
	while ((bytes = read(f->events, room, sizeof(room))) > 0)
		for (char *p = room; p < room + bytes;) {
			const struct inotify_event *e = (const struct inotify_event *)(const void *)p;
			if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT))
				return -ENOENT;
			bool named = e->len && strncmp(e->name, f->name, n) == 0;
			ours = ours || (e->mask & IN_Q_OVERFLOW) ||
			       (named && (e->name[n] == 0 || strcmp(e->name + n, "-wal") == 0));
			p += sizeof(*e) + e->len;
		}
	return ours;
}

/* 1: something of ours has changed, or the time is over; 0: something else has. */
static int wait_for_change(struct follow *f, int patience_ms) {
	struct pollfd p[2] = { { .fd = f->events, .events = POLLIN }, { .fd = STDOUT_FILENO, .events = 0 } };
	int n = poll(p, 2, patience_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[1].revents & (POLLERR | POLLHUP)) {
		raise(SIGPIPE); /* nobody reads any more, and nothing need come for us to end */
		return -EPIPE;
	}
	if (n == 0)
		return 1;
	return p[0].revents ? take_events(f) : 0;
}

static int end(const struct follow *f, int rc) {
	if (rc > 0 || output_flush() < 0)
		return 0; /* main() tells */
	if (rc == -EPIPE)
		return verb_failed("log", rc, "nobody reads what is written");
	if (rc == -ENOENT)
		return verb_failed("log", rc, "the folder %s is gone", f->folder);
	return verb_failed_hint("log", rc, "`cadmus state verify` says more", "%s cannot be followed: %s", f->path,
			err_text(rc));
}

/*
 * What was written is seen by a reader when its transaction is over, and nothing tells when that is.  So if one was
 * under way before we looked, we look again, soon; else all is seen, and there is nothing to do until the kernel wakes
 * us.
 */
static int run(struct follow *f) {
	int patience_ms = BUSY_FIRST_MS;
	for (;;) {
		bool busy = !f->reader || journal_read_busy(f->reader);
		int rc = look(f);
		if (rc != 0 && rc != -EBUSY)
			return rc;
		busy = (busy && f->reader) || f->fresh || rc == -EBUSY;
		f->fresh = false;
		patience_ms = patience_ms < BUSY_MOST_MS ? 2 * patience_ms : BUSY_MOST_MS;
		if (!busy)
			patience_ms = BUSY_FIRST_MS;
		do
			rc = wait_for_change(f, busy ? patience_ms : -1);
		while (rc == 0 && !busy);
		if (rc < 0)
			return rc;
	}
}

int log_follow(const struct verb_context *c, const char *path, const struct log_filter *filter, uint64_t last,
		journal_visit *show, void *user) {
	struct follow f = { .context = c, .filter = filter, .last = last, .show = show, .user = user };
	if (!realpath(path, f.path))
		return verb_failed("log", -errno, "%s: %s", path, strerror(errno));
	f.name = strrchr(f.path, '/') + 1;
	snprintf(f.folder, sizeof(f.folder), "%.*s", (int)(f.name - f.path), f.path);
	f.events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int rc = f.events < 0 || inotify_add_watch(f.events, f.folder, CHANGES | IN_ONLYDIR) < 0 ? -errno : 0;
	output_interruptible(NULL);
	if (rc == 0)
		rc = run(&f);
	journal_read_close(&f.reader);
	io_close(&f.events);
	return end(&f, rc);
}

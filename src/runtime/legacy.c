/* legacy.c - see legacy.h. */
#include "runtime/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"

#define LEGACY_MAGIC 0x7967656cu /* "legy" */

/* Each descriptor in turn; 0, or what `visit` said first that is not 0. */
static int each(struct legacy *l, int (*visit)(int32_t *fd, void *with), void *with) {
	int rc = visit(&l->plan, with);
	if (rc == 0)
		rc = visit(&l->starter, with);
	for (unsigned i = 0; rc == 0 && i < DOORS_COUNT; i++)
		rc = visit(&l->doors[i], with);
	for (unsigned p = 0; rc == 0 && p < PLAN_PROCESSES_MAX; p++) {
		struct legacy_seat *s = &l->seats[p];
		rc = visit(&s->socket, with);
		if (rc == 0)
			rc = visit(&s->end, with);
		for (unsigned k = 0; rc == 0 && k < PLAN_PARTS_MAX; k++)
			rc = visit(&s->segment.fd[k], with);
	}
	return rc;
}

static int set_none(int32_t *fd, void *with) {
	(void)with;
	*fd = -1;
	return 0;
}

static int close_one(int32_t *fd, void *with) {
	(void)with;
	io_close(fd);
	return 0;
}

void legacy_init(struct legacy *l) {
	*l = (struct legacy){ .magic = LEGACY_MAGIC, .abi = SEAT_ABI };
	(void)each(l, set_none, NULL);
}

void legacy_fini(struct legacy *l) {
	(void)each(l, close_one, NULL);
}

/* ---- core ---- */

static void exchange(int32_t *at, int fd) {
	io_close(at);
	*at = fd;
}

static void keep_seat(struct legacy_seat *s, const struct seat_event *e) {
	unsigned n = 0;
	s->epoch = e->epoch;
	exchange(&s->socket, e->value & SEAT_KEEP_SOCKET ? e->kept[n++] : -1);
	exchange(&s->end, e->value & SEAT_KEEP_END ? e->kept[n++] : -1);
	for (unsigned k = 0; k < PLAN_PARTS_MAX; k++)
		exchange(&s->segment.fd[k], n < e->kept_count ? e->kept[n++] : -1);
}

void legacy_keep(struct legacy *l, const struct seat_event *e) {
	if (e->kind == SEAT_EVENT_KEEP) {
		keep_seat(&l->seats[e->process], e);
		return;
	}
	for (unsigned i = 0; i < DOORS_COUNT; i++)
		exchange(&l->doors[i], e->kept[i]);
	exchange(&l->starter, e->kept_count > DOORS_COUNT ? e->kept[DOORS_COUNT] : -1);
}

bool legacy_is_whole(const struct legacy *l) {
	return l->doors[DOORS_ATTACH] >= 0;
}

int legacy_write(const struct legacy *l) {
	int fd = io_memory("cadmus:legacy", sizeof(*l));
	if (fd < 0)
		return fd;
	ssize_t n = pwrite(fd, l, sizeof(*l), 0);
	int rc = n < 0 ? err_last() : n == sizeof(*l) ? 0 : -ENOSPC;
	if (rc < 0)
		io_close(&fd);
	return rc < 0 ? rc : fd;
}

/* Onto itself: which takes close-on-exec from it. */
static int stay_open(int32_t *fd, void *actions) {
	return *fd < 0 ? 0 : -posix_spawn_file_actions_adddup2(actions, *fd, *fd);
}

int legacy_pass_on(const struct legacy *l, posix_spawn_file_actions_t *actions) {
	return each((struct legacy *)(uintptr_t)l, stay_open, actions); /* which changes nothing in it */
}

/* ---- the next parent ---- */

static int take_one(int32_t *fd, void *with) {
	(void)with;
	return *fd < 0 || fcntl(*fd, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -EPROTO;
}

int legacy_read(struct legacy *l, int fd, struct cdm_diag *diag) {
	bool right = io_memory_size(fd) == sizeof(*l) && pread(fd, l, sizeof(*l), 0) == sizeof(*l) &&
			l->magic == LEGACY_MAGIC && l->abi == SEAT_ABI;
	if (!right) {
		legacy_init(l);
		cdm_diag_add(diag, CDM_ERROR, "R0105", "what the last parent left is of another version");
		return -EPROTO;
	}
	int rc = each(l, take_one, NULL);
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "R0105", "what the last parent left is not all here");
	return rc;
}

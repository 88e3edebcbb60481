/*
 * fly_state.c - the memory of the machine that flies: a flight begins without one, and gives back what was there.
 *
 *      NAME.journal                  the user's -> NAME.journal.before-WHEN -> NAME.journal again
 *      NAME.flight.journal           what the last flight left: read with --machine NAME.flight
 *
 * Files are renamed, never copied and never over one another, but for what the flight before left.  A journal is a
 * file with, after a crash, a -wal that belongs to it.  That one goes first where the file goes away, and last where
 * it comes: nobody who starts a machine in between finds a -wal without its file, and takes it for a remnant.
 * The index of its memory (NAME.journal.memory) goes with it, in the same order.
 * fly_state_back() runs in a signal handler as well: nothing in it allocates or prints with stdio.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "bin/cadmus/fly.h"
#include "client/control.h"
#include "client/state_path.h"
#include "journal/journal.h"

enum { PARTS = 7 };
static const char *const endings[PARTS] = { "", "-wal", "-shm", ".memory", ".memory-wal", ".memory-shm",
	".memory.lock" };

struct memory {
	char part[PARTS][1300];
};

static struct memory own, before, flown;
static bool was_there, is_away;

static void name_parts(struct memory *m, const char *path, const char *after) {
	for (int i = 0; i < PARTS; i++)
		snprintf(m->part[i], sizeof(m->part[i]), "%s%s%s", path, after, endings[i]);
}

static int move_part(const struct memory *from, const struct memory *to, int i) {
	bool moved = renameat2(AT_FDCWD, from->part[i], AT_FDCWD, to->part[i], RENAME_NOREPLACE) == 0;
	return moved || errno == ENOENT ? 0 : -errno;
}

static int move_away(const struct memory *from, const struct memory *to) {
	int rc = 0;
	for (int i = PARTS - 1; i >= 0 && rc == 0; i--)
		rc = move_part(from, to, i);
	return rc;
}

static int move_in(const struct memory *from, const struct memory *to) {
	int rc = 0;
	for (int i = 0; i < PARTS && rc == 0; i++)
		rc = move_part(from, to, i);
	return rc;
}

/* Nobody may be using it: neither a machine nor anyone who has the file.  Opened and closed, it is one file. */
static int check_unused(const char *machine, const char *path) {
	static struct cdm_diag diag;
	struct journal *j = NULL;
	int fd = control_connect(machine);
	bool runs = fd >= 0;
	io_close(&fd);
	if (runs)
		return verb_failed_hint("fly", -EBUSY, "end it with: cadmus down",
				"a machine named '%s' is running already", machine);
	if (access(path, F_OK) < 0)
		return 0;
	int rc = journal_open(path, NULL, &j, &diag);
	journal_stop(&j);
	return rc == -EBUSY ? verb_failed_diag("fly", rc, &diag, "its journal is in use") : 0;
}

int fly_state_away(const char *machine) {
	char path[1024], name[CDM_NAME_MAX + 16], flight[1024], after[CLOCK_TEXT_MAX + 16], when[CLOCK_TEXT_MAX];
	snprintf(name, sizeof(name), "%s.flight", machine);
	if (state_path(machine, path, sizeof(path)) < 0 || state_path(name, flight, sizeof(flight)) < 0)
		return verb_failed("fly", -E2BIG, "the path of its state is too long");
	if (check_unused(machine, path))
		return 1;
	clock_text(clock_wall(), when);
	snprintf(after, sizeof(after), ".before-%s", when);
	name_parts(&own, path, "");
	name_parts(&before, path, after);
	name_parts(&flown, flight, "");
	was_there = access(path, F_OK) == 0;
	int rc = move_away(&own, &before);
	is_away = rc == 0;
	if (rc < 0)
		(void)!move_in(&before, &own);
	return rc < 0 ? verb_failed("fly", rc, "the old state could not be moved aside: %s", strerror(-rc)) : 0;
}

const char *fly_state_kept(void) {
	return is_away && was_there ? before.part[0] : NULL;
}

int fly_state_back(void) {
	if (!is_away)
		return 0;
	is_away = false;
	for (int i = 0; access(own.part[0], F_OK) == 0 && i < PARTS; i++)
		unlink(flown.part[i]);
	int rc = move_away(&own, &flown);
	return rc < 0 ? rc : move_in(&before, &own);
}

void fly_state_tell(int rc) {
	if (rc < 0)
		verb_failed("fly", rc, "the state that was there could not be put back (%s): it is kept as %s",
				strerror(-rc), before.part[0]);
	else
		fprintf(stderr, "%s; what the flight left is kept as %s\n", was_there
				? "the state that was there is back" : "the machine has no state again", flown.part[0]);
}

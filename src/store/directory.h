/*
 * directory.h - who lives: one small memory file that the parent writes and everybody maps.
 *
 *      FREE -> STARTING -> LIVE -> DEAD or STOPPED -> STARTING (epoch + 1) ...
 *
 * State and epoch are one word, so that a death makes every sample of the dead an ORPHAN, and every
 * lease of the dead void, in one store.  Only the kernel's word (pidfd, hang-up) may kill an entry.
 *
 * One thread of the parent sets; any thread of anybody gets, without a lock.
 */
#ifndef STORE_DIRECTORY_H
#define STORE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "schema/layout.h"
#include "schema/plan.h"

enum directory_state {
	DIRECTORY_FREE,     /* never started, or a client's seat that nobody holds */
	DIRECTORY_STARTING, /* exists, has not said READY */
	DIRECTORY_LIVE,
	DIRECTORY_DEAD,     /* ended without being told to */
	DIRECTORY_STOPPED,  /* ended in good order */
	DIRECTORY_SUSPECT,  /* was live and does not run (SIGSTOP): it keeps all that it has, for as long as it takes */
	DIRECTORY_STATE_COUNT
};

/* A mapping; shared NULL: none, and then everybody counts as alive. */
struct directory {
	struct layout_directory *shared;
	bool writable;
	bool lost; /* atomic: of a parent that was killed, and that none follows */
};

struct directory_entry {
	enum directory_state state;
	uint32_t epoch;    /* 0: never started */
	int32_t pid;
	uint32_t restarts; /* starts after a death */
	struct cdm_mono started, died; /* 0: never */
};

/* A memory file for the directory; -errno. */
MUST_CHECK int directory_create(void);
/* Map, format and freeze it (parent); fd is borrowed.  -EPROTO, -EPERM, -errno. */
MUST_CHECK int directory_map_writer(struct directory *d, const struct plan *p, int fd);
/* -EPROTO: not a directory of this plan. */
MUST_CHECK int directory_map_reader(struct directory *d, const struct plan *p, int fd);
/*
 * Map another parent's directory in the place of the one that is mapped, under readers: each get sees one or the
 * other.  Who sleeps on the old one's word is for the caller to wake.  -EPROTO, -errno: the old one stays.
 */
MUST_CHECK int directory_follow(struct directory *d, const struct plan *p, int fd);
/* Nobody writes it any more, nor will: what is read is an ORPHAN from now on, while desks count as before. */
static inline void directory_lose(struct directory *d) {
	__atomic_store_n(&d->lost, true, __ATOMIC_RELEASE);
}
void directory_unmap(struct directory *d);

/* A process is being started: STARTING, epoch + 1.  Returns that epoch. */
uint32_t directory_starting(struct directory *d, uint16_t process, int32_t pid, struct cdm_mono now);
/* Change the state within the epoch; DEAD and STOPPED note the time, FREE forgets the pid. */
void directory_set(struct directory *d, uint16_t process, enum directory_state state, struct cdm_mono now);
/* An entry as another directory had it. */
void directory_restore(struct directory *d, uint16_t process, const struct directory_entry *e);
/* The pid, when it is known only after directory_starting(). */
void directory_set_pid(struct directory *d, uint16_t process, int32_t pid);

/* A copy; what a hostile writer left is clamped to the enum.  Process is below PLAN_PROCESSES_MAX. */
struct directory_entry directory_get(const struct directory *d, uint16_t process);
/* Does a process in that state exist? */
static inline bool directory_is_alive(uint32_t state) {
	return state == DIRECTORY_STARTING || state == DIRECTORY_LIVE || state == DIRECTORY_SUSPECT;
}

/* Is this generation of the process over: dead, stopped, or followed by another?  Asked with each sample. */
static inline bool directory_is_over(const struct directory *d, uint16_t process, uint32_t epoch) {
	CHECK(process < PLAN_PROCESSES_MAX);
	if (!d->shared)
		return false;
	uint64_t life = __atomic_load_n(&d->shared->at[process].life, __ATOMIC_ACQUIRE);
	uint32_t state = (uint32_t)life;
	return life >> 32 != epoch || !directory_is_alive(state);
}
/* Is a sample of that generation an ORPHAN: is its writer over, or does nobody know? */
static inline bool directory_is_orphan(const struct directory *d, uint16_t process, uint32_t epoch) {
	return __atomic_load_n(&d->lost, __ATOMIC_ACQUIRE) || directory_is_over(d, process, epoch);
}

/* "live" ...; "?" outside the enum. */
const char *directory_state_text(unsigned state);

#endif

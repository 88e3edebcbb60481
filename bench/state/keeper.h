/*
 * keeper.h - what a way of keeping records must be able to do, so that keep.c can measure it beside the others.
 *
 * A keeper is one file that defines `keeper`; it is linked with keep.c into a program of its own.  One thread calls all
 * of this.  Whoever finds something broken calls die(): a measurement does not go on after an error.
 */
#ifndef BENCH_STATE_KEEPER_H
#define BENCH_STATE_KEEPER_H

#include <stddef.h>
#include <stdint.h>
#include "bench/lib/die.h"

#define KEEPER_TOGETHER_MAX 64u

struct keeper {
	const char *version; /* of what keeps; "-" where that says nothing */
	/* Once: files in `dir`, for records of so many bytes; variant: the rest of the keeper's name, or "". */
	void (*begin)(const char *dir, uint32_t bytes, const char *variant);
	/* `n` records more, 1..KEEPER_TOGETHER_MAX, all of them asked for at once; back when all are on the disk. */
	void (*keep)(uint32_t n);
	/* Commits so far; NULL: each keep() is one. */
	uint64_t (*commits)(void);
	void (*end)(void); /* may be NULL */
};

extern const struct keeper keeper;

/* The next record: `bytes` letters that differ from those of the one before.  Good until the next call. */
const char *keeper_record(uint32_t bytes);
/* DIR/NAME.  Good until the next call. */
const char *keeper_path(const char *dir, const char *name);

#endif

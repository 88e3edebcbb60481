/*
 * transport.h - what a way of sending samples must be able to do, so that node.c can measure it beside the others.
 *
 * A transport is one file that defines `transport`; it is linked with node.c into a program of its own, so that no
 * library is in a process that does not use it.  Samples go through *channels*: one writer, one or more readers, each
 * in a process of its own, all samples of one size.  A ping-pong is two channels, a fan-out is one.
 *
 * One thread calls all of this.  Whoever cannot do something calls refuse() with the reason and returns NULL; whoever
 * finds something broken calls die(): a measurement does not go on after an error.
 */
#ifndef BENCH_DATA_PLANE_TRANSPORT_H
#define BENCH_DATA_PLANE_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bench/lib/die.h"

#define PATIENCE_MS 10000 /* a blocking receive that gets nothing for so long is an error */

/* One end of a channel; each transport has its own. */
struct end;

/* Which channel, and which end of it. */
struct channel {
	const char *name;
	uint32_t bytes;    /* of each sample, at least 8 */
	unsigned readers;  /* how many there are in all */
	unsigned reader;   /* which of them this is, from 0; nothing to a writer */
};

struct transport {
	const char *version;
	bool threads; /* the library has threads on the way, which need a processor: who polls must yield */

	/* Once.  dir: a folder that all processes of this run share; as: the role of this one, "ping", "pong", "fan",
	   "reader0" ...; variant: the rest of the transport's name, or "". */
	void (*begin)(const char *dir, const char *as, const char *variant);
	/* The driver opens the writer of a channel before its readers. */
	struct end *(*writer)(const struct channel *c);
	struct end *(*reader)(const struct channel *c);

	/* Memory for the next sample, 8-aligned, with any contents; then send it. */
	void *(*loan)(struct end *e);
	void (*send)(struct end *e);
	/* The next sample in order, good until release().  NULL: there is none now; or, if it may block, none came for
	   PATIENCE_MS. */
	const void *(*receive)(struct end *e, bool block);
	void (*release)(struct end *e);

	/* Only floors have these, and then nothing of the above but `begin`: the bare exchange of one word. */
	void (*swap)(bool block, uint64_t word);   /* store it and wait until it comes back */
	uint64_t (*echo)(bool block);              /* wait for a word that is new, and give it back */
	double (*copy_ns)(uint32_t bytes);         /* how long a copy of so many bytes takes */
};

extern const struct transport transport;

void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* 4 KiB that all nodes of the folder share under that name, zero at first; ends the program when it cannot be had. */
void *shared_page(const char *dir, const char *name);

#endif

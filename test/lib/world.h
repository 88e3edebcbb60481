/*
 * world.h - all processes of a small plan inside one test: segments, peers and a directory, no parent.
 *
 * world_open() makes everybody live in epoch 1 and known to everybody.  Each peers table maps the
 * others' memory of its own, as processes do; for ThreadSanitizer, which knows memory by its
 * address, let writer and readers be the same process.
 */
#ifndef TEST_LIB_WORLD_H
#define TEST_LIB_WORLD_H

#include <stdlib.h>
#include "base/clock.h"
#include "base/io.h"
#include "store/event.h"
#include "store/wait.h"
#include "test/lib/plan_builder.h"

struct world {
	struct plan *plan;
	int directory_fd;
	struct directory directory;
	unsigned count;
	struct segment_files files[PLAN_BUILDER_PROCESSES];
	struct peers at[PLAN_BUILDER_PROCESSES];
};

/* Give process p a new segment and the next epoch, and tell the others if `tell`. */
static inline void world_start(struct world *w, uint16_t p, bool tell) {
	segment_close_files(&w->files[p]);
	CHECK(segment_create(w->plan, p, &w->files[p]) == 0);
	uint32_t epoch = directory_starting(&w->directory, p, 1000 + p, clock_mono());
	peers_init(&w->at[p], w->plan, p);
	CHECK(peers_own(&w->at[p], epoch, &w->files[p]) == 0);
	CHECK(peers_directory(&w->at[p], w->directory_fd) == 0);
	directory_set(&w->directory, p, DIRECTORY_LIVE, clock_mono());
	for (uint16_t o = 0; tell && o < w->count; o++) {
		if (o == p || !w->at[o].own.base)
			continue;
		CHECK(peers_replace(&w->at[p], o, w->at[o].own.epoch, &w->files[o]) == 0);
		CHECK(peers_replace(&w->at[o], p, epoch, &w->files[p]) == 0);
	}
}

static inline void world_stop(struct world *w, uint16_t p) {
	peers_fini(&w->at[p]);
	w->at[p].own.base = NULL;
}

static inline void world_open(struct world *w, struct plan_builder *b) {
	*w = (struct world){ .plan = plan_builder_finish(b) };
	w->count = w->plan->processes.count;
	w->directory_fd = directory_create();
	CHECK(w->directory_fd >= 0 && directory_map_writer(&w->directory, w->plan, w->directory_fd) == 0);
	for (unsigned i = 0; i < w->count; i++)
		w->files[i] = segment_no_files();
	for (uint16_t i = 0; i < w->count; i++)
		world_start(w, i, true);
}

static inline void world_close(struct world *w) {
	for (uint16_t i = 0; i < w->count; i++) {
		world_stop(w, i);
		segment_close_files(&w->files[i]);
	}
	directory_unmap(&w->directory);
	io_close(&w->directory_fd);
	free(w->plan);
}

#endif

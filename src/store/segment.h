/*
 * segment.h - the memory of one process: created by the parent, written by its owner, read by others.
 *
 *      parent    segment_create()              sealed memory files, one for each part, sized by the plan
 *      owner     segment_map_writer()          maps, formats, and freezes them: nobody maps them writable again
 *      others    segment_map_reader()          map what they may read, read-only, and check all that they will rely on
 *
 * The parts lie behind each other in one range of addresses, so what stands where is arithmetic of the plan alone.
 * Parts that a reader has no right to are holes in it: he never gets their files, and addresses in them fault.
 *
 * A reader trusts nothing in it: places and sizes come from the plan, the size of the file from the
 * kernel, and what is written once is compared here, once.
 *
 *                  | map, unmap | counter_add | counter_get
 *      map, unmap  |     x      |      x      |      x        x  the caller keeps them apart
 *      counter_*   |     x      |      -      |      -        -  any threads at the same time
 */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "schema/layout.h"
#include "schema/plan.h"

enum counter {
#define COUNTER(name, meaning) COUNTER_##name,
#define SUM(name, doing, word, meaning) COUNTER_##name,
#include "store/counter.def"
#undef COUNTER
#undef SUM
	COUNTER_COUNT
};

/* The memory files of a segment, by part; -1: none, or not ours to have. */
struct segment_files {
	int fd[PLAN_PARTS_MAX];
};

struct segment_files segment_no_files(void);
void segment_close_files(struct segment_files *f);

/* A mapping.  base NULL: none. */
struct segment {
	unsigned char *base; /* read-only memory unless `writable`, with holes */
	size_t bytes;
	uint16_t process;
	bool writable;
	uint32_t parts;       /* set of those that are mapped */
	struct layout_desk *desk; /* in it */
	uint32_t tally_count;
	struct layout_tally *tallies; /* in it */
	uint32_t epoch;      /* 1 or more */
	bool emptied;         /* by segment_empty(), as peers.c notes it */
	struct segment *next; /* of those that peers.c retires */
	uint32_t users;       /* atomic: handles that hold it, as peers.c counts them */
};

/* Memory files for `process`; they are the caller's, all of them or none; -errno. */
MUST_CHECK int segment_create(const struct plan *p, uint16_t process, struct segment_files *out);
/* Set of the parts (bit k: part k) that `reader` may map: of his own all. */
uint32_t segment_parts_for(const struct plan *p, uint16_t process, uint16_t reader);
/*
 * Map one's own segment writable, format it, and freeze it.  The files are borrowed and not needed any more
 * afterwards.  -EPROTO: a size is not that of the plan, or can change; -EPERM: frozen already; -errno.
 */
MUST_CHECK int segment_map_writer(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch,
		const struct segment_files *files);
/*
 * Map what `reader` may read of somebody's segment; other files need not be there.  -EPROTO: it is not the segment of
 * that process, epoch and plan, not formatted, or can still change its size or be mapped writable; -errno.
 */
MUST_CHECK int segment_map_reader(struct segment *s, const struct plan *p, uint16_t process, uint32_t epoch,
		const struct segment_files *files, uint16_t reader);
/* No-op on none. */
void segment_unmap(struct segment *s);
/*
 * Give back the memory behind a mapping of a reader, and keep its addresses: they read as zeros from now on.  Whoever
 * reads meanwhile reads what was there up to some moment, and zeros after it: a load that finds zeros here comes after
 * every load that found memory.  -errno: it is as it was.
 */
MUST_CHECK int segment_empty(const struct segment *s);

/* Has the owner frozen all of it?  For the parent, before it hands a segment to others. */
bool segment_is_frozen(const struct plan *p, uint16_t process, const struct segment_files *files);

uint64_t counter_get(const struct segment *s, enum counter c);
/* Is it one that tallies hold, and nobody adds to? */
bool counter_is_sum(unsigned c);
/* "drops"; "?" outside the enum. */
const char *counter_name(unsigned c);
const char *counter_text(unsigned c);

static inline struct layout_head *segment_head(const struct segment *s) {
	return (struct layout_head *)(void *)s->base;
}

/* Count in one's own segment; s may be none.  One relaxed add. */
static inline void counter_add(const struct segment *s, enum counter c, uint64_t n) {
	CHECK(c < COUNTER_COUNT && !counter_is_sum(c));
	if (s->base && s->writable)
		__atomic_fetch_add(&segment_head(s)->counters[c], n, __ATOMIC_RELAXED);
}

#endif

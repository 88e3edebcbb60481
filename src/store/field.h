/*
 * field.h - publish and read the samples of a field.
 *
 * A field is a ring of slots with one writer and any number of readers.  The writer never waits
 * for anybody; a reader sees whole samples or says that it could not.  Two ways to read: by copy
 * (check, copy, check again), and by lease, which borrows the sample where it stands until
 * field_release(), for large ones.  Two orders: the latest, or each in its turn.
 *
 *                   | write | read       write   field_loan .. field_publish, field_write: one thread
 *      same handle  |   x   |   x                per struct field_writer, one writer per field
 *      other handle |   -   |   -        read    one thread per struct field, any number of them
 *                                        x  the caller keeps them apart   -  at the same time
 *
 * No call allocates or locks.  System calls: one in publish if somebody sleeps; those of wait.
 *
 * Errors of all reading calls: -EAGAIN no (new) sample, or the writer was faster 16 times; -EPROTO
 * the writer's memory is broken (counted, and never followed); -E2BIG `capacity` is too small.
 */
#ifndef STORE_FIELD_H
#define STORE_FIELD_H

#include "store/desk.h"

/* What a writer says of its sample. */
struct field_meta {
	struct cdm_mono source_time; /* when the world was like this; kept within 0 and now */
	float trust;                 /* 0..1; NaN counts as 0 */
	uint16_t source;             /* entity */
	uint16_t status;             /* enum cdm_status: CDM_OK or CDM_DEGRADED; others when sources are so */
};

/* A sample that starts here: now, full trust, OK. */
struct field_meta field_meta_of(uint16_t source);
/*
 * A derived sample: begin with field_meta_of(), then merge the info of each source.  It keeps the
 * oldest source time, the lowest trust and the worst status: a derived sample is never fresher or
 * more trusted than what it was made from.
 */
void field_meta_merge(struct field_meta *m, const struct cdm_info *source);
/* The same with what was merged before: m is held to `sum` too. */
void field_meta_join(struct field_meta *m, const struct field_meta *sum);

/* Where the parts of a field stand in a mapping.  (A reader's are read-only memory.) */
struct field_ring {
	uint64_t *head;
	struct layout_slot *slots;
	unsigned char *payloads;
	size_t stride;  /* from payload to payload */
	uint32_t count; /* of slots */
};

/* ---- writing ------------------------------------------------------------------------------------- */

#define FIELD_NO_SLOT UINT32_MAX

struct field_writer {
	const struct plan_field *plan;
	struct peers *peers;
	uint16_t index;
	uint64_t version;  /* of the newest sample; 0: none yet */
	uint32_t newest;   /* its slot */
	uint32_t next;     /* the slot claimed for the next one, or FIELD_NO_SLOT: all are leased */
	bool loaned;       /* it is being filled */
	uint64_t drops;    /* samples lost because every slot was leased */
	uint64_t wakes;    /* system calls made to wake readers */
	uint64_t degraded; /* samples published DEGRADED */
	struct field_writer *company; /* the next one of a group */
	struct field_ring ring;
	struct layout_field *shared;
	struct layout_tally *tally; /* what we count */
	struct desk_view desks; /* of its readers */
	uint64_t readers;       /* ourselves among them */
};

/* May we write it, `alone` or with its group?  -EINVAL: no such field, or not alone; -EACCES: another process does. */
MUST_CHECK int field_may_write(const struct peers *t, uint16_t field, bool alone);
/* `peers` has its own segment.  Errors as above. */
MUST_CHECK int field_writer_open(struct field_writer *w, struct peers *t, uint16_t field);
/* Let go of what it holds of readers; nothing is loaned.  No-op on a zeroed or closed one. */
void field_writer_close(struct field_writer *w);

/*
 * Borrow the memory of the next sample (plan->bytes of it, old contents) to fill it in place; 8-aligned, 64-aligned
 * above 88 bytes, page-aligned above 4096.  NULL: all slots are leased, and a drop is counted.  Then publish, or
 * abandon it.
 */
void *field_loan(struct field_writer *w);
/* Make the loan the newest sample, with `bytes` of it valid; wakes who waits.  Returns its version. */
uint64_t field_publish(struct field_writer *w, uint32_t bytes, const struct field_meta *m, struct cdm_mono now);
void field_abandon(struct field_writer *w);
/* Copy a sample in and publish it.  -EAGAIN: all slots are leased (counted); -E2BIG. */
MUST_CHECK int field_write(struct field_writer *w, const void *data, uint32_t bytes,
		const struct field_meta *m, struct cdm_mono now);

/*
 * Fields that are published together: each has a sample in every commit, and whoever reads them sees all of a commit
 * or nothing of it.  Calls as above, with one entry for each of the `count` fields, in the order of `at`; one
 * thread for the whole group.
 */
#define FIELD_GROUP_MAX PLAN_GROUP_MAX

struct field_group {
	unsigned count;
	struct field_writer at[FIELD_GROUP_MAX]; /* the first is the one whose head they share */
};

/* Of a field of it; one that is alone is a group of one.  -EINVAL: no such field; -EACCES. */
MUST_CHECK int field_group_open(struct field_group *g, struct peers *t, uint16_t field);
void field_group_close(struct field_group *g);
/* out[i] is NULL, and the result false, when every slot has a field that is leased; a drop is counted for each. */
bool field_group_loan(struct field_group *g, void *out[]);
uint64_t field_group_publish(struct field_group *g, const uint32_t bytes[], const struct field_meta m[],
		struct cdm_mono now);
void field_group_abandon(struct field_group *g);

/* ---- reading ------------------------------------------------------------------------------------- */

struct field {
	const struct plan_field *plan;
	struct peers *peers;
	const struct segment *segment; /* of the writer, as peers.h lets a handle hold it */
	struct field_ring ring;        /* in it */
	struct layout_tally *tally;    /* what we count */
	uint16_t index;
	bool grouped;      /* not alone under its head */
	bool unheard;      /* the last lease was refused: the writer had not heard of us */
	uint32_t slot;     /* where the last one stood */
	uint32_t epoch;    /* of the last sample taken; 0: none yet */
	uint64_t version;  /* of the last sample taken in that epoch */
	uint64_t known;    /* newest version seen in that epoch */
	uint64_t missed;   /* samples that field_next() had to skip, in all */
	uint32_t generation; /* of the peers, as the last wait told it */
	uint32_t over_told;  /* epoch whose end a wait has told; 0: none */
	struct cdm_mono at;  /* inside field_read_at() */
	uint64_t wanted;     /* inside field_read_version() */
	uint64_t *ahead;     /* a lease for the sample that comes next; NULL: none */
	uint64_t ahead_version;
	uint32_t ahead_slot, ahead_epoch;
};

/* The field need not have a writer yet.  -EINVAL: no such field; -EACCES: the plan does not let us read it. */
MUST_CHECK int field_open(struct field *f, struct peers *t, uint16_t field);
/* Let go of the writer's memory; what was leased stays leased.  No-op on a zeroed or closed one. */
void field_close(struct field *f);

/*
 * Copy the latest sample out.  `now` (clock_mono()) decides what is STALE.  Info may be NULL; its
 * status is the worst of what the writer said, STALE (older than the plan's max_age) and ORPHAN
 * (its writer is dead, stopped or followed by another).  0 or an error.
 */
MUST_CHECK int field_read(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info);
/* The info alone. */
MUST_CHECK int field_peek(struct field *f, struct cdm_mono now, struct cdm_info *info);
/*
 * Copy the next one in order; a new reader begins with sample 1, or half a lap behind the newest
 * (see field_skip), and anew when the writer was restarted.  Returns how many were missed just before
 * this one (0: none): a lapped reader goes on half a lap behind the newest.
 */
MUST_CHECK int field_next(struct field *f, void *out, size_t capacity, struct cdm_mono now, struct cdm_info *info);
/* The newest sample with source time <= at; -EAGAIN also when history does not reach that far.  Takes nothing. */
MUST_CHECK int field_read_at(struct field *f, struct cdm_mono at, void *out, size_t capacity,
		struct cdm_mono now, struct cdm_info *info);
/* That very sample of the present life.  -ENOENT: not there any more; -EAGAIN: not yet.  Takes nothing. */
MUST_CHECK int field_read_version(struct field *f, uint64_t version, void *out, size_t capacity, struct cdm_mono now,
		struct cdm_info *info);
/* Take what is there as taken: field_next() and wait_field() go on with what comes after. */
void field_skip(struct field *f);
/* One that counts nothing: for field_follow() and field_news(), and field_counts().  As field_open(). */
MUST_CHECK int field_watch_open(struct field *f, struct peers *t, uint16_t field);
/* Be where `other`, a handle of the same field, is. */
void field_follow(struct field *f, const struct field *other);
/* 1: there is a sample newer than the last one taken, and not only one that was asked for by lease and cannot be
   borrowed yet.  0, or -EPROTO. */
MUST_CHECK int field_news(struct field *f);

/* What the writer of the field has counted, in its present epoch. */
struct field_counts {
	uint64_t publishes, drops, wakes, degraded;
};

/* 0, or -EAGAIN: there is no writer yet, or it has been faster too often; -EPROTO. */
MUST_CHECK int field_counts(struct field *f, struct field_counts *out);

/* A borrowed sample.  The writer will not touch it; other than hostile ones cannot. */
struct field_lease {
	const void *data;     /* info.bytes of it */
	struct cdm_info info;
	uint64_t *word;       /* in our desk; NULL: nothing held */
};

/*
 * Borrow the latest, or the next in order (returns as field_next; when there is none, a word of our quota is kept
 * ready for it until it was had, or the handle is closed).  Hold it briefly and in any
 * thread.  -EBUSY: our quota is used up; -ENOTSUP: the plan makes the field copy-only, or we have no segment; -EAGAIN
 * also while the writer has not heard of us yet.
 */
MUST_CHECK int field_lease(struct field *f, struct cdm_mono now, struct field_lease *l);
MUST_CHECK int field_lease_next(struct field *f, struct cdm_mono now, struct field_lease *l);
/* Give it back; l->data is void afterwards.  No-op when nothing is held. */
void field_release(struct field_lease *l);

#endif

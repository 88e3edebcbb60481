/*
 * view.h - several fields as they were at one time.
 *
 * Of each field the newest sample is taken whose source time is not after T; T is the latest time that all of them can
 * speak of, or one that is asked for.  What they hold is then of one moment, but for the skew that is left,
 * which the terms bound.  A view is whole and coherent, or there is a reason and the field that it is due to.
 *
 * Fields of one group are taken from one commit.  One thread for all the handles of a view; nothing is allocated.
 */
#ifndef STORE_VIEW_H
#define STORE_VIEW_H

#include "store/field.h"

#define VIEW_PARTS_MAX 64

struct view_terms {
	int64_t max_skew_ns; /* between the oldest and the newest source time; 0: any */
	int64_t max_age_ns;  /* of the oldest; 0: any */
	float min_trust;     /* of each */
	struct cdm_mono at;  /* T; 0: the latest they all know */
};

enum view_reason {
	VIEW_COHERENT = 0,
	VIEW_EMPTY,   /* the field has no sample yet */
	VIEW_HISTORY, /* its history does not reach back to T */
	VIEW_SKEW,    /* it is the oldest, and too far from the newest */
	VIEW_AGE,     /* it is the oldest, and too old */
	VIEW_TRUST,   /* it is trusted the least, and too little */
	VIEW_BROKEN,  /* its writer's memory is not what it must be: -EPROTO */
};

struct view_part {
	struct field *field;
	void *out;                /* a copy goes here; NULL: it is borrowed, see lease */
	size_t capacity;
	struct cdm_info info;
	struct field_lease lease; /* the caller's to release after a view that was had */
};

struct view_refusal {
	enum view_reason reason;
	unsigned part;  /* whose fault it is */
	int64_t ns;     /* the skew or age that was found */
	float trust;    /* that was found */
};

/*
 * Take a view of 1 to VIEW_PARTS_MAX parts.  0; -ESTALE: there is none under these terms, *why says why, nothing is
 * borrowed; -EAGAIN: the writers were faster 16 times; -E2BIG, -EBUSY, -ENOTSUP, -EPROTO as reading.  Whatever comes
 * out, what the fields had counts as taken, so that wait_any() sleeps until there is something new.
 */
MUST_CHECK int view_take(struct view_part *parts, unsigned count, const struct view_terms *terms, struct cdm_mono now,
		struct view_refusal *why);

/* "coherent", "skew" ...; "?" outside the enum. */
const char *view_reason_text(unsigned reason);

#endif

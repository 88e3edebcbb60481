/*
 * rerun.h - the rules of a plan run again on what a recording has of their sources, beside what they said then.
 *
 *     rerun_open(&x, recording, plan, &hooks, &diag);
 *     while ((rc = rerun_step(x)) == 0)
 *             ;
 *     ... rerun_target(x, i), rerun_hash(x) ...
 *
 * Samples go in as they were published, one a step; each is a step of the rules that read its field, and what those say
 * goes at once to the rules that read that.  There is no clock and no thread: two runs of one file say the same, byte
 * by byte, and rerun_hash() is of all that was said.
 *
 * What the recording has of the targets is held against it: by source time, in order.  A recording seldom begins with
 * the machine.  Where the first recorded sample of a target is not the first that its rule made, and wherever core was
 * restarted, the re-run goes on from that sample (RERUN_GIVEN), or from one of the next, when its rules have what they
 * had then of their sources.  What follows is the same to the byte.
 *
 * A target whose rules read what the recording does not have, themselves or through what other rules make, is not run
 * again as it was (rerun_lacks()): what is recorded of it before the re-run could go on is UNCOMPARED, not GIVEN.
 *
 * What a recording does not have: when a writer died whose sample of before still counts in a rule of several sources
 * (live it is left out from then on, here until its field goes on in another life).
 *
 * One thread.
 */
#ifndef REPLAY_RERUN_H
#define REPLAY_RERUN_H

#include "base/hash.h"
#include "replay/recording.h"

#define RERUN_TRIES_MAX 16 /* samples given in one life of core, where some show what their rule knew then */

enum rerun_verdict {
	RERUN_UNCOMPARED, /* the recording does not have the target, or not what its rules read */
	RERUN_GIVEN,      /* the re-run goes on from it */
	RERUN_IDENTICAL,  /* value, source time, trust and status, to the byte */
	RERUN_DIFFERENT,
	RERUN_MISSING,    /* recorded, and not made again */
	RERUN_ADDITIONAL, /* made, and not recorded */
	RERUN_BEYOND,     /* made of the last samples: the recording ended before it, or began anew */
	RERUN_VERDICTS
};

struct rerun_value {
	float value;
	struct cdm_mono source_time;
	float trust;
	uint16_t status;
};

struct rerun_target {
	const struct plan_field *field;
	unsigned recorded;           /* place in the recording; UINT_MAX: it is not there */
	unsigned lacks;              /* fields that it reads, and that the recording does not have: rerun_lacks() */
	uint64_t made;               /* samples, but for those of before the re-run could go on from one */
	uint64_t count[RERUN_VERDICTS];
	uint64_t lives;              /* times that core was restarted within the recording */
	bool began;                  /* the re-run had something to begin with, or to go on from */
	bool differs;                /* the first that was DIFFERENT: */
	struct rerun_value first_made, first_recorded;
};

/* What is told while it goes on; members may be NULL.  Pointers are valid during the call. */
struct rerun_hooks {
	void *ctx;
	void (*took)(void *ctx, const struct plan_field *f, const struct recording_sample *x);
	void (*made)(void *ctx, const struct rerun_target *t, const struct rerun_value *v, struct cdm_mono published);
	/* Each sample that was made, and each that was recorded, is settled once; NULL: there is none on that side. */
	void (*settled)(void *ctx, const struct rerun_target *t, enum rerun_verdict verdict,
			const struct rerun_value *made, const struct rerun_value *recorded);
};

/*
 * A stretch of the recording, on the clock of the machine that was recorded.  What lies before it goes in, and is
 * neither told nor counted: so what is made within is what is made of the whole.
 */
struct rerun_stretch {
	struct cdm_mono from, until; /* 0: its begin; its end */
};

struct rerun;

/*
 * All is borrowed until rerun_close().  The recording is sought, and its selection of fields changed.
 * -E2BIG: a rule reads samples that are too large; -ENOMEM, and what reading the recording says.
 */
MUST_CHECK int rerun_open(struct rerun **out, struct recording *rec, const struct plan *plan,
		const struct rerun_stretch *s, const struct rerun_hooks *hooks);
/* Accepts NULL; sets *x NULL. */
void rerun_close(struct rerun **x);

/* One sample of the recording, of a source or a target.  1: it was a source's; 0: a target's, or of before the
   stretch; -ENODATA: there are no more, and all is settled; -ELOOP: rules that make themselves; -errno. */
MUST_CHECK int rerun_step(struct rerun *x);

unsigned rerun_targets(const struct rerun *x);
const struct rerun_target *rerun_target(const struct rerun *x, unsigned i);
/* Does a rule read that field of the plan, and no rule make it? */
bool rerun_is_source(const struct rerun *x, uint16_t field);
/* Do the rules of that target read the field of the plan, themselves or through what other rules make, and no rule
   makes it, nor does the recording have it in that form? */
bool rerun_lacks(const struct rerun *x, unsigned target, uint16_t field);
/* So far the re-run found no sample of that target to go on from, where one that can would have: all its sources are
   recorded, and none shows what its rules knew (they were apart all along, say). */
bool rerun_never_began(const struct rerun_target *t);
/* Source samples that went in; of them those that were recorded after their writer's death.  (Live, too, they
   count.) */
uint64_t rerun_taken(const struct rerun *x, uint64_t *orphans);
/* Of all that was made so far, in order. */
struct hash rerun_hash(const struct rerun *x);
const char *rerun_verdict_text(enum rerun_verdict v);

#endif

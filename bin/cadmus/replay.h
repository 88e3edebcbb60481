/*
 * replay.h - what the parts of `cadmus replay` share; src/replay does the work that needs no machine.
 *
 *     cmd_replay.c      options, the recording, the plan
 *     replay_offline.c  rules run again: step by step, as lines of JSON, into a file
 *     replay_report.c   what came out of that
 *     replay_lacks.c    what could not be run again as it was, and why
 *     replay_output.c   the re-run as a recording
 *     replay_live.c     a machine whose sources are played from the recording
 *     replay_player.c   one entity that is played
 */
#ifndef CADMUS_REPLAY_H
#define CADMUS_REPLAY_H

#include <jansson.h>
#include "bin/cadmus/source.h"
#include "bin/cadmus/verb.h"
#include "replay/rerun.h"

struct replay {
	const struct verb_context *context;
	const char *path, *output, *cdl; /* output, cdl: NULL: none */
	bool step, loop, stay;
	double speed;
	int fd;
	struct recording *rec;
	struct source source;      /* of cdl */
	const struct plan *plan;   /* the recording's, or that of `source` */
	struct rerun_stretch stretch;
	struct cdm_mono first;     /* when the recording begins: what times are told from */
};

/* Exit codes. */
MUST_CHECK int replay_offline(struct replay *r);
MUST_CHECK int replay_live(struct replay *r);

/* Seconds since the recording began. */
double replay_seconds(const struct replay *r, struct cdm_mono t);
/* Wait for Enter on standard input; false: it has ended, or says "q". */
bool replay_enter(void);

/* ---- replay_report.c ---- */

/* Before it begins, for people: what is run again, what is told as recorded, and what is neither; what of the recording
   has no place in the plan, and the other way round. */
void replay_tell_places(const struct replay *r, const struct rerun *x);
/* What came out, for people or as JSON; an exit code.  `left`: before the end. */
MUST_CHECK int replay_report(const struct replay *r, const struct rerun *x, bool left);
/* A line of names on standard error; none where there are none.  Takes them. */
void replay_tell(const char *what, json_t *names);
/* What no replay does again: the journal has it, with who said it. */
#define REPLAY_NOT_RUN "not done again, and in the journal with who said so (cadmus log)"
json_t *replay_not_run(void);
json_t *replay_value_json(const struct rerun_value *v);
/* Fields of the recording that are not in the plan, or of another sort there. */
json_t *replay_unplaced(const struct replay *r);
/* Why what comes out of it cannot be all that was: NULL: it can. */
const char *replay_doubt(const struct replay *r);

/* ---- replay_lacks.c ---- */

/* Targets with samples in the recording that were not made again as they were then: {field, needs: null or a field
   that is not there for it, why, text, hint}, for each such field.  why: "unrecorded"; "unknown": the recorded machine
   has no field `needs`; "form": it was recorded in another one; "unmade": no rule makes the target now; "unbegun". */
json_t *replay_lacks(const struct replay *r, const struct rerun *x);

/* ---- replay_output.c ---- */

struct replay_output;

/* Explained when it fails: an exit code. */
MUST_CHECK int replay_output_open(const struct replay *r, const struct rerun *x, struct replay_output **out);
/* What cannot be written is told by the end. */
void replay_output_took(struct replay_output *o, const struct recording_sample *x);
void replay_output_made(struct replay_output *o, const struct rerun_target *t, const struct rerun_value *v,
		struct cdm_mono published);
/* Explained when something was not written: an exit code.  Accepts NULL; sets *o NULL. */
MUST_CHECK int replay_output_end(const struct replay *r, struct replay_output **o);

#endif

/*
 * fly.h - a flight: a scenario file, performed on a real machine, narrated and judged.
 *
 *      script    YAML -> steps -> actions with their arguments, checked before anything starts
 *      actions   what each action does (fly.def lists them); one function each
 *      talk      requests to core that outlive core: asked again with the same id when it dies
 *      witness   the actuator's bus, seen with our own eyes
 *      state     the machine's own memory, out of the way meanwhile
 *      report    the narration, and the table of latencies at the end
 *
 * An action passes or fails with a sentence; the first failure ends the flight, and the machine.
 */
#ifndef CADMUS_FLY_H
#define CADMUS_FLY_H

#include <jansson.h>
#include <libfyaml.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"
#include "base/clock.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/source.h"
#include "cadmus/bus.h"
#include "cadmus/can.h"

struct flight;

/* ---- script ---- */

#define FLY_STEPS_MAX 32
#define FLY_TEXT_MAX (256u << 10)
#define FLY_ACTIONS_MAX 64

struct fly_action {
	const struct fly_kind *kind;
	struct fy_node *args; /* a mapping or sequence; NULL: none */
	unsigned line;
};

struct fly_step {
	const char *name, *why;
	unsigned count;
	struct fly_action actions[FLY_ACTIONS_MAX];
};

struct fly_script {
	struct fy_document *document;
	char *text; /* what it was read from, which it borrows */
	const char *title;
	char machine[1024]; /* path of the description */
	bool fresh;         /* begin without a state; the old one is moved aside */
	unsigned count;
	struct fly_step steps[FLY_STEPS_MAX];
};

enum fly_value {
	FLY_IS_TEXT,
	FLY_IS_WORD,    /* one only */
	FLY_IS_NUMBER,
	FLY_IS_MS,
	FLY_IS_COUNT,   /* of samples */
	FLY_IS_FLAG,
	FLY_IS_LIST,    /* of texts */
	FLY_IS_FACTS,   /* a map of texts */
	FLY_IS_MEASURE, /* a map with a name and a target */
	FLY_IS_ITEMS,   /* a list of what is read for itself */
};

struct fly_key {
	const char *name; /* NULL: the last one was before */
	enum fly_value value;
	const char *word; /* of FLY_IS_WORD */
};

/* One row of fly.def. */
struct fly_kind {
	const char *name;
	bool names; /* it takes a list of names, and no keys */
	struct fly_key keys[20]; /* the rest is zero, and so their end */
};

extern const struct fly_kind fly_kinds[];

/* Read and check the text of `path`, which is taken; 0, or 1 after explaining.  Either way fly_script_free(). */
int fly_script_parse(struct fly_script *s, const char *path, char *take_text, size_t bytes);
void fly_script_free(struct fly_script *s);

/* Arguments, as they were checked.  Texts are borrowed from the document. */
const char *fly_text(const struct fly_action *a, const char *key);
double fly_number(const struct fly_action *a, const char *key, double otherwise);
bool fly_flag(const struct fly_action *a, const char *key);
/* The n-th name of a sequence, or NULL; and the n-th pair of the map under `key`. */
const char *fly_item(const struct fly_action *a, unsigned n);
bool fly_pair(const struct fly_action *a, const char *key, unsigned n, const char **name, const char **value);
/* A copy of the action whose arguments are the map under `key`; false: there is none. */
bool fly_inner(const struct fly_action *a, const char *key, struct fly_action *out);
/* An action's own title, or `otherwise`. */
const char *fly_title(const struct fly_action *a, const char *otherwise);

/* ---- report ---- */

#define FLY_MEASURES 16
#define FLY_SAMPLES 256

struct fly_measure {
	char name[48];
	double target_ms; /* of the source report; 0: it names none */
	unsigned count;
	double ms[FLY_SAMPLES];
};

void fly_measure(struct flight *f, const char *name, double target_ms, double ms);
void fly_say(struct flight *f, const char *format, ...) PRINTF_LIKE(2, 3);
/* The reason of a failure; returns 1, so that an action can return it. */
int fly_fail(struct flight *f, const char *format, ...) PRINTF_LIKE(2, 3);
void fly_begin_step(struct flight *f, unsigned number, const struct fly_step *s);
void fly_passed(struct flight *f, const char *action, int64_t ns);
void fly_failed(struct flight *f, const char *action, unsigned line);
void fly_table(const struct flight *f);
/* The same as an array; the caller's. */
json_t *fly_table_json(const struct flight *f);

/* ---- talk ---- */

#define FLY_REPLY_MAX 65536

struct fly_talk {
	int fd;             /* -1: not connected */
	bool open;          /* a request waits for its `done` */
	uint64_t id;
	uint8_t message[16384];
	int bytes;
	uint8_t reply[FLY_REPLY_MAX]; /* the last `done` */
	int reply_bytes;
	bool outcome_seen;
	uint8_t outcome[1024];
	int outcome_bytes;
	unsigned asked;     /* times it had to be asked */
	struct cdm_mono sent;
	const struct fly_action *action; /* whose expectations it must meet */
};

/* Send; then wait for `done`, or an error, asking again when core dies. */
int fly_ask(struct flight *f, struct fly_talk *t);
int fly_await(struct flight *f, struct fly_talk *t, int64_t timeout_ns);
int fly_await_outcome(struct flight *f, struct fly_talk *t, int64_t timeout_ns);
const char *fly_reply_text(const struct fly_talk *t, const char *key, char *out, size_t capacity);

/* ---- witness ---- */

#define FLY_NODES 256

struct fly_witness {
	struct cdm_bus *bus;
	int16_t position[FLY_NODES];
	bool known[FLY_NODES], holding[FLY_NODES];
	int16_t still_at[FLY_NODES];    /* positions when the current stillness began */
	struct cdm_mono still_since;    /* ns 0: no feedback yet */
	struct cdm_mono heard;          /* last feedback */
	struct cdm_mono first_setpoint; /* since it was last cleared; ns 0: none */
	uint64_t setpoints;
};

int fly_witness_open(struct flight *f);
/* Take all that waits on the bus. */
void fly_witness_look(struct flight *f);
/* How long no joint has moved by more than half a degree. */
int64_t fly_witness_still_ns(struct flight *f);
/* Does every joint say that it holds, because its lease ran out? */
bool fly_witness_holds(const struct flight *f);
/* Wait for the bus, at most so long. */
void fly_witness_wait(struct flight *f, int64_t timeout_ns);

/* ---- state ---- */

/* Move the machine's memory aside; 0, or 1 after explaining, and then it stands where it stood. */
int fly_state_away(const char *machine);
/* Where it is meanwhile; NULL: there was none, or it is back. */
const char *fly_state_kept(void);
/* What the flight left aside, what was there back.  Once; 0 also when nothing was moved.  Signal handlers may. */
int fly_state_back(void);
/* Say what fly_state_back() has done. */
void fly_state_tell(int rc);

/* ---- all of it ---- */

struct flight {
	const struct verb_context *context;
	struct fly_script script;
	struct source source;
	pid_t daemon;
	bool stay; /* it is to outlive us */
	int start_notes;        /* what could not start, as machine_start() leaves it to us; -1: no more */
	char not_started[4096]; /* ... "NAME: WHY" lines */
	bool attached;
	struct seat seat;
	struct fly_witness witness;
	struct fly_talk talk, other; /* the running say; the one that `begin` left open */
	struct fly_measure measures[FLY_MEASURES];
	unsigned measure_count;
	double tokens_per_s[64];
	unsigned rates;
	char notes[4][512]; /* what the current action has to tell */
	unsigned note_count;
	char failure[1024];
	char remembered[HASH_TEXT_MAX]; /* a state hash, by action `state` */
	uint64_t remembered_seq;
	char remembered_facts[8192];
	json_t *results; /* with --json */
	uint64_t next_id;
	struct cdm_mono began;
};

/* Perform an action; 0, or 1 after fly_fail(). */
int fly_do(struct flight *f, const struct fly_action *a);
/* What must be put in order when the flight is interrupted. */
void fly_note_daemon(pid_t pid);
/* An interruption waits until what must be put in order is known. */
void fly_hold_interrupts(bool hold);
void fly_note_frozen(pid_t pid);
/* Process whatever the parent has sent: new segments. */
void fly_look(struct flight *f);
/* Index of a process by name; < 0 after fly_fail(). */
int fly_process(struct flight *f, const char *name);
/* The plan's only actuator, or NULL. */
const struct plan_actuator *fly_actuator(const struct flight *f);

#endif

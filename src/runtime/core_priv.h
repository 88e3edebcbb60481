/*
 * core_priv.h - how the parts of core see each other.
 *
 *      session  who asks, over which door           view    what a model is shown
 *      turn     one exchange with a model           models  which model is there to answer
 *      patience how long a model may be silent
 *      stop     stop words, without any model         turn_write   a turn for the journal and for who asked
 *      act      symbols -> verdict                  motion  verdict -> set-points for the guard
 *      ledger   what waits for the disk             rules   the data thread
 *      scribe   what core writes as it begins       samples what fields have, written down
 *      gap      what could not be written down      forget  what is erased, and what is let go
 *      recall   what only the file still knows      remind  what was said that a question is about
 *      embed    the model that makes the memory's vectors
 *      heir     another parent, when ours was killed dream  consolidation, while nothing is asked
 *
 * A request comes in by session, becomes a turn or an act, is committed by the ledger, and is answered
 * by session.  Everything here belongs to the control thread, but for struct rules.
 */
#ifndef RUNTIME_CORE_PRIV_H
#define RUNTIME_CORE_PRIV_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "client/seat.h"
#include "journal/journal.h"
#include "journal/journal_read.h"
#include "journal/state.h"
#include "model/model_client.h"
#include "rules/rules.h"
#include "runtime/core.h"
#include "runtime/aware.h"
#include "runtime/finder.h"
#include "runtime/gone.h"
#include "runtime/keeper.h"
#include "runtime/legacy.h"
#include "runtime/request.h"
#include "schema/plan.h"
#include "sem/belief.h"
#include "sem/gait.h"
#include "sem/gate.h"
#include "sem/level.h"
#include "sem/lifecycle.h"
#include "sem/support.h"
#include "sem/utterance.h"
#include "store/event.h"
#include "store/field.h"

struct core;
struct model_slot;

/* ---- session: who asks ---- */

#define CORE_SESSIONS 32
#define CORE_MESSAGE_MAX 65536

struct session {
	int fd;            /* -1: free */
	uint16_t entity;   /* the principal that this door belongs to */
	uint32_t serial;   /* grows with each use of the place, so that a late answer finds nobody */
	struct cdm_mono heard; /* its newest word, or when it came */
};

/* Where an answer goes.  `id` is the client's. */
struct reply_to {
	uint16_t session;
	uint32_t serial;
	uint64_t id;
};

/* Everything known of who wants something: the least of door and `as`. */
struct speaker {
	uint16_t principal; /* of the door */
	uint16_t entity;    /* who is said to speak */
	unsigned rights;    /* of both */
};

/* A client at the control door finds place while one of them is silent.  -EBUSY: none is; -errno: fd stays yours. */
int session_open(struct core *c, int fd, uint16_t entity);
void session_close(struct core *c, unsigned index);
void session_readable(struct core *c, unsigned index);
bool session_is(const struct core *c, const struct reply_to *to);
/* Begin a reply map of `pairs` beside id and ev; then add them and send. */
void session_begin(struct core *c, struct mp_out *o, const struct reply_to *to, const char *ev, unsigned pairs);
void session_send(struct core *c, const struct mp_out *o, const struct reply_to *to);
/* Does it keep up, so that a reply which can wait should be sent now? */
bool session_keeps_up(const struct core *c, const struct reply_to *to);
void session_done(struct core *c, const struct reply_to *to);
void session_error(struct core *c, const struct reply_to *to, int rc, const char *format, ...)
		PRINTF_LIKE(4, 5);
/* -EEXIST: its request has a record, of something else, or, erased or let go, of nobody knows what any more. */
void session_used(struct core *c, const struct reply_to *to, uint64_t seq);
/* The same for what is too old, or not here yet: -ESTALE that is no fault of the journal's file. */
void session_stale(struct core *c, const struct reply_to *to, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same of any code, with `cause`: a word for programs. */
void session_refused(struct core *c, const struct reply_to *to, int rc, const char *cause, const char *format, ...)
		PRINTF_LIKE(5, 6);
/* "; WHAT" for whoever is refused because of the journal's file or its disk; "" of other codes.  Static. */
const char *session_what_to_do(int rc);

/* ---- ledger: what waits for the disk ---- */

#define CORE_PENDING 64

typedef void ledger_done(struct core *c, void *who, int rc, uint64_t seq);

struct pending {
	uint64_t ticket; /* 0: free */
	ledger_done *done;
	void *who;
};

/* Submit; `done` (may be NULL) is called when it is on the disk, or not.  -EAGAIN: too much waits. */
MUST_CHECK int ledger_submit(struct core *c, const struct journal_entry *e, unsigned n, ledger_done *done, void *who);
/* As a class that the caller knows better. */
MUST_CHECK int ledger_submit_as(struct core *c, const struct journal_entry *e, unsigned n, enum journal_class class,
		ledger_done *done, void *who);
/* scribe.c: what comes before all else of this core.  D2. */
MUST_CHECK int ledger_submit_first(struct core *c, const struct journal_entry *e, unsigned n, ledger_done *done,
		void *who);
/* What happened, and nobody waits for that it is written down: where it cannot be, a gap will say so. */
void ledger_note(struct core *c, const struct journal_entry *e, unsigned n);
/* What the plan says of durability; once, before anything is submitted. */
void ledger_policy(struct core *c);
/* The class of a kind of records; D0: none is written. */
enum journal_class ledger_class(const struct core *c, enum journal_kind kind);
/* The same for journal_erase() and journal_compact(). */
MUST_CHECK int ledger_erase(struct core *c, uint64_t seq, const struct journal_entry *note, ledger_done *done,
		void *who);
uint64_t ledger_newest(const struct core *c); /* ticket of what waits for the disk; 0: nothing does */
bool ledger_owes(const struct core *c, uint64_t ticket); /* does it, or one before, still wait? */
MUST_CHECK int ledger_compact(struct core *c, const struct journal_entry *note, ledger_done *done, void *who);
void ledger_readable(struct core *c);
/* Are there so many records behind the newest snapshot?  Another one, of what is there now, where it can be had. */
bool ledger_is_long(const struct core *c, uint64_t records);
void ledger_snapshot(struct core *c);
/* The last thing before the journal is given up: so that the next start has little to fold. */
void ledger_close(struct core *c);

/* recall.c: the whole of what was said or answered in a turn, from the file.  0; -EEXIST: that record is no turn;
   -ESTALE: it was erased; -errno.  Then there is nothing in `out`. */
enum recall { RECALL_USER, RECALL_ANSWER };
MUST_CHECK int recall_text(struct core *c, uint64_t seq, enum recall what, char *out, size_t capacity);
/* Once our epoch is written: each command that has no outcome gets `interrupted`. */
void recall_interrupted(struct core *c);
/* The record that answered this request, however long ago; 0: none did. */
uint64_t recall_request(struct core *c, const char *principal, const char *id);
/* When that record was written; where it has been let go, the one before that is left.  -ENOENT, -EIO, -EBADMSG. */
MUST_CHECK int recall_when(struct core *c, uint64_t seq, struct cdm_wall *when);
/* What was decided: by the record itself, or by the one that was written with a turn.  -ENOENT: nothing, or it is gone;
   -ESTALE: its body was erased; *out is then VERDICT_NONE. */
struct recalled;
MUST_CHECK int recall_verdict(struct core *c, uint64_t seq, struct recalled *out);

/* ---- remind: what was said that a question is about ---- */

#define REMINDERS_MAX FINDER_QUESTIONS_MAX

/* What was found, the best first, borrowed for the call: none also when it took too long. */
typedef void remind_done(struct core *c, void *who, uint64_t id, const struct memory_hit *hits, unsigned count);

struct reminder {
	uint64_t id;         /* 0: free */
	struct cdm_mono due; /* then it goes on without an answer */
	bool stale;          /* something was erased since it was asked */
	remind_done *done;
	void *who;
	struct finder_question question;
};

struct remind {
	struct finder *finder; /* NULL until it is needed */
	int timer;
	int64_t patience_ns;   /* with it */
	uint64_t last_id;
	unsigned unfollowed;   /* records that the finder was not woken for */
	bool told;             /* what is wrong with it */
	struct reminder at[REMINDERS_MAX];
};

MUST_CHECK int remind_open(struct core *c);
void remind_close(struct core *c);
/* What the speaker may know that answers the text: `done` is called, later and once.  Its id; 0: nobody is asked. */
uint64_t remind_ask(struct core *c, const struct speaker *s, const char *text, remind_done *done, void *who);
/* This is on the disk. */
void remind_stored(struct core *c, const struct journal_result *stored);
/* Is there nothing of what was erased up to that record in the index?  0; -EAGAIN: forget_indexed() follows; -errno. */
MUST_CHECK int remind_await(struct core *c, uint64_t seq);
void remind_found(struct core *c); /* the finder has news */
void remind_late(struct core *c);  /* its timer fired */

/* ---- embed: the model that makes the memory's vectors ---- */

struct embed {
	uint16_t entity; /* PLAN_NONE: there is none */
	char name[CDM_NAME_MAX];
	bool cancelled;  /* that it is not wanted now was said */
	bool given_up;
	unsigned deaths;
};

/* Before remind_open(). */
void embed_open(struct core *c);
/* As the memory knows it; NULL: there is none. */
const char *embed_name(const struct core *c);
/* Has it time for a question's vector? */
bool embed_is_free(struct core *c);
/* Something is wanted of it, or it has time: ask it if both is so. */
void embed_pump(struct core *c);
/* It has something better to do. */
void embed_cancel(struct core *c, struct model_slot *m);
void embed_loaded(struct core *c); /* it may be there, and the finder is */
void embed_lost(struct core *c, struct model_slot *m); /* before its step changes */
void embed_heard(struct core *c, struct model_slot *m, const struct model_event *e); /* of m->embedding */

/* ---- scribe: what core writes by itself ---- */

/*
 * The plan where it is new, the epoch, how long nothing was written, new symbol tables.  Waits for the disk.  Where
 * that is full, a core that takes the place of another one begins without: c->unwritten, until scribe_retry() has
 * found room.
 */
MUST_CHECK int scribe_begin(struct core *c);
void scribe_retry(struct core *c);
#define SCRIBE_SYMBOLS_BYTES 512u
/* The record that symbols were seen, if such records are written: its number, 0 or 1.  The body in `room`. */
unsigned scribe_symbols(const struct core *c, const char *symbols, uint16_t by, double trust, struct journal_entry *e,
		uint8_t room[SCRIBE_SYMBOLS_BYTES]);

/* samples.c: fields that are written down, as the plan says. */
MUST_CHECK int samples_open(struct core *c);
void samples_due(struct core *c);
void samples_close(struct core *c);

/* gap.c: what could not be written down. */
#define GAPS_MAX (JOURNAL_KIND_COUNT + 1 + PLAN_DURABLE_MAX) /* kinds, one that is none, and fields */
#define GAP_TIME "time" /* what is missing is not records, but milliseconds in which none could be written */

struct gap {
	const char *what; /* name of a kind or of a field of the plan */
	uint64_t lost, writing; /* in all; of them, those that a gap on its way speaks of */
	int why;          /* of the newest */
};

struct gaps {
	int timer;
	bool open, armed, writing, writing_time;
	struct cdm_mono full; /* since then the disk has had no room; ns 0: it has */
	unsigned count;
	struct gap at[GAPS_MAX];
};

MUST_CHECK int gap_open(struct core *c);
void gap_close(struct core *c);
/* So many of `what` were not written down, for that reason (-errno). */
void gap_add(struct core *c, const char *what, uint64_t count, int rc);
/* The disk is full: from now on it is asked each second whether that is over, and for how long is written down. */
void gap_full(struct core *c);
/* It is over, and somebody else has written how long it was. */
void gap_room(struct core *c);
/* There may be room again. */
void gap_write(struct core *c);
void gap_retry(struct core *c); /* its timer fired */

/* ---- heir: another parent, when ours was killed ---- */

void heir_know_parent(struct core *c, pid_t pid);
/*
 * The seat hung up: start another parent, and sit down with it.  -EPIPE: ours lives, or left too little to follow it;
 * -EAGAIN: several died at once; -errno.  Then the machine ends.
 */
MUST_CHECK int heir_find(struct core *c);

/* ---- models ---- */

enum model_step { MODEL_ABSENT, MODEL_STARTING, MODEL_READY, MODEL_ENDING };

struct model_slot {
	enum model_step step;
	bool loaded;       /* it said so, on the channel that it has */
	int channel; /* -1: none */
	struct model_client client;
	uint64_t request;  /* being answered; 0: none */
	uint64_t embedding; /* the vector that it makes; 0: none */
	uint32_t dims;     /* of its vectors */
	struct cdm_mono asked; /* to start, or to start again */
	int64_t load_ns;
	unsigned deaths; /* while loading, in a row */
};

/* ---- turn ---- */

/* What became of symbols. */
struct verdict {
	enum { VERDICT_NONE, VERDICT_STARTED, VERDICT_REFUSED, VERDICT_STOPPED } what;
	struct refusal refusal;
	uint64_t command;
	uint16_t actuator;            /* index in the plan's actuators */
	struct cdm_mono at, deadline; /* when it was decided; when it is void */
};

/* The same as the journal has it. */
struct recalled {
	int what; /* of a verdict */
	uint64_t command;
	char reason[CDM_NAME_MAX], detail[BODY_VALUE_MAX + 1];
	char source[CDM_NAME_MAX];        /* of an `act` with a request: who asked */
	char symbols[BODY_ASKED_MAX + 1]; /* and for what */
};

#define TURN_TEXT_MAX REQUEST_TEXT_MAX
#define TURN_TRIES 3

enum turn_step { TURN_FREE, TURN_WAITING, TURN_GENERATING, TURN_COMMITTING };

/* Loading and unloading wait for their turn too: no model is exchanged under one that answers. */
enum turn_work { TURN_SAY, TURN_LOAD, TURN_UNLOAD };

struct turn {
	enum turn_step step;
	enum turn_work work;
	uint64_t order;     /* first come, first served */
	struct reply_to to;
	struct speaker speaker;
	uint16_t model;     /* entity */
	bool blind;         /* sees no state, leaves none */
	bool cancelled;     /* who asked takes it back */
	bool cut;           /* the answer is longer than there is room */
	unsigned tries, max_tokens;
	char request[REQUEST_ID_MAX], session[BODY_KEY_MAX + 1];
	char user[TURN_TEXT_MAX], answer[TURN_TEXT_MAX], text[TURN_TEXT_MAX];
	size_t answer_bytes, told_bytes; /* there, and of that sent as tokens */
	char view[TURN_TEXT_MAX];
	struct hash view_hash;
	double view_trust;  /* least trust of what instructed */
	struct belief_reply reply;
	unsigned unheard;   /* facts that the model stated and nobody told it */
	uint64_t reminder;  /* while it is looked up what it is about; 0: it is not */
	struct model_result result;
	struct cdm_mono began, answered, submitted;
	struct cdm_mono heard, token; /* the model's last word and last token; before them: when it was asked */
	struct cdm_mono pinged; /* since it was heard; ns 0: not */
	int64_t load_ns;
};

/* What becomes of the symbols of a turn. */
struct decision {
	struct utterance utterance;
	struct verdict verdict;
	double trust;
};

MUST_CHECK int turn_ask(struct core *c, const struct turn *t);
void turn_pump(struct core *c);
/* What became of the model that the current turn waits for. */
void turn_token(struct core *c, const char *text, size_t bytes);
void turn_answered(struct core *c, const struct model_result *r);
void turn_model_failed(struct core *c, uint16_t model, int rc, const char *text);
void turn_model_lost(struct core *c, uint16_t model);
void turn_model_lives(struct core *c, uint16_t model);
/* The current turn has waited too long for its model: that is ended, and the turn tried again or failed. */
void turn_model_hangs(struct core *c, const char *text);
/* Somebody hung up: what was asked by those who are gone is not done. */
void turn_look_for_askers(struct core *c);
/* Who asked for that takes it back; what is not open any more stays as it is. */
void turn_cancel(struct core *c, const struct reply_to *of);
/* The machine goes down: what has no answer yet gets none. */
void turn_go_down(struct core *c);

/* patience.c: whatever changed, see to it that the timer is right; and do what is due when it fires. */
void patience_look(struct core *c);
void patience_over(struct core *c);

/* turn_write.c: submit it with its decision, whose trust is filled in; `done` as of ledger_submit(). */
MUST_CHECK int turn_write(struct core *c, struct turn *t, struct decision *d, ledger_done *done, void *who);
void turn_reply(struct core *c, const struct turn *t, uint64_t seq, const struct verdict *v);
/* Its request id was answered before, to other words, or to words that were erased. */
bool turn_has_other_words(struct core *c, const struct turn *t);
/*
 * Its request was answered before: tell the same again, with the verdict of then, and nothing happens twice (-EEXIST
 * when it was asked with other words then); else false.
 */
bool turn_repeat(struct core *c, const struct turn *t);

/* ---- stop words ---- */

/* Does it say nothing but that everything shall stop?  Then motion_estop() comes before anything else. */
bool stop_is_said(struct core *c, const struct request *q);
/* Is `word` a name of the machine or of a part of it?  A line_name; self is the core. */
bool stop_is_name(void *core, const char *word);
/* That it was stopped: written down, then told. */
void stop_tell(struct core *c, const struct request *q, const struct speaker *s, const struct reply_to *to);

/* ---- act and motion ---- */

#define CORE_LIMBS PLAN_ACTUATORS_MAX

/* How core and the guard speak of one actuator. */
struct limb {
	struct field_writer command;
	struct field feedback, state;
	struct cdm_mono commanded; /* when its newest motion began, or it was stopped since; ns 0: neither was */
};

struct motion {
	bool moving;
	bool seen_moving;    /* the guard has reported that it moves */
	bool let_go;         /* and, once it was released, that it does not any more */
	struct cdm_mono released; /* its last word to the guard; ns 0: there are more */
	uint16_t actuator;   /* index in the plan's actuators */
	uint64_t command;    /* journal's number of it */
	uint64_t sequence;
	struct cdm_mono issued; /* when its verdict was: a stop after that ends it, begun or not */
	struct cdm_mono started;
	struct gait gait;
	struct cdm_mono began;
	struct utterance_intent intents[UTTERANCE_INTENTS_MAX];
	unsigned intent_count, intent_next;
	struct reply_to to;
	struct speaker speaker;
	double trust;
	float from_x, from_y, from_heading;
};

/*
 * Judge symbols that were asked for at `asked`.  A stop is carried out here; anything else is started
 * by motion_start() once the entries of act_entries() are on the disk.
 */
struct verdict act_judge(struct core *c, const struct speaker *s, double view_trust, uint16_t model,
		struct cdm_mono asked, const char *symbols, size_t bytes, struct utterance *u);
/* A verdict that did not come to the disk: what it promised may be given to another. */
void act_dropped(struct core *c, const struct verdict *v);
/* The records of a verdict, at most ACT_ENTRIES_MAX: a refusal, a stop, or a command for each
   primitive.  The first has `asked`, NULL where a turn has it.  Bodies in `room`. */
#define ACT_ENTRIES_MAX UTTERANCE_INTENTS_MAX
#define ACT_ROOM_BYTES 6144u
struct act_asked {
	const char *request, *symbols; /* request "": neither is written down */
};
unsigned act_entries(struct core *c, const struct speaker *s, const struct utterance *u, struct verdict *v,
		double trust, const struct act_asked *asked, struct journal_entry *e, uint8_t *room, size_t capacity);
void act_reply(struct mp_out *o, const struct verdict *v); /* adds verdict, reason, detail, command: 4 pairs */
void act_reply_again(struct mp_out *o, const struct recalled *r); /* the same */
#define ACT_REPLY_PAIRS 4u
double act_trust(const struct core *c, const struct speaker *s, uint16_t model, unsigned safety_class);
/* In what a speaker tells: the least of the door and of who is said to speak, each in its own role. */
double act_told_trust(const struct core *c, const struct speaker *s);
/* How much the word of somebody counts beside that of others (sem/weight.h); PLAN_NONE: one that no plan knows. */
double act_trust_weight(const struct core *c, uint16_t entity, struct cdm_wall now);

/* The fields of all actuators. */
MUST_CHECK int motion_open(struct core *c);
/* Once the verdict is on the disk, and answered.  A stop since, or its deadline, ends it before it begins. */
void motion_start(struct core *c, const struct speaker *s, const struct utterance *u, const struct verdict *v,
		double trust, const struct reply_to *to);
#define MOTION_GOING_DOWN "the machine goes down"
void motion_stop(struct core *c, const char *reason);
void motion_tick(struct core *c);
/* Tell the guard to stop everything, latched. */
void motion_estop(struct core *c);

/* ---- view ---- */

/* Whose turn it is in the journal, and whose facts and requests: who is said to speak.  Only the operator's own door
   speaks for the operator: what another door says as the operator stays that door's. */
const char *view_owner(const struct core *c, const struct speaker *s);

/* Who may see what is written down on behalf of the speaker: what the operator tells, and what a part of the machine
   states, the machine knows; what others tell stays theirs, through whichever door. */
enum journal_visibility view_visibility(const struct core *c, const struct speaker *s);
/* A model, a sensor, an actuator: what it states is the machine's (principal ""), not a person's. */
bool view_is_part(const struct core *c, uint16_t entity);
/* Which claims, and what of what was said, count for the speaker.  Names of the plan's. */
struct claims_asker view_asker(const struct core *c, const struct speaker *s);

/* What is believed of a key, of the claims that count for the speaker; borrowed until the next record. */
struct view_belief {
	const struct state_fact *fact, *against; /* against: NULL, or who says otherwise */
	struct support support;
};
/* -ENOENT: nothing that the speaker may know. */
MUST_CHECK int view_believed(const struct core *c, const struct speaker *s, const char *key, struct view_belief *out);

/* The next key of the state's facts, from *next on; false: the speaker may know nothing of that one. */
bool view_next_belief(const struct core *c, const struct speaker *s, unsigned *next, struct view_belief *out);
/* What the plan calls the things that this field's model finds ("face"), or NULL. */
const char *view_things(const struct core *c, const struct plan_field *f);
/* "one face", of such a field; false: there is nothing to be said of it now. */
bool view_perceive(struct core *c, struct field *f, char *out, size_t capacity, struct cdm_info *info);

/* brief.c: what may be shown of the machine, in words and within a budget. */
struct brief_ask {
	const struct speaker *speaker;
	const char *session, *question; /* "": none */
	uint32_t budget;                /* tokens */
	uint64_t since;                 /* a record: only what changed after it; 0: all */
	struct cdm_wall since_wall;     /* when that was written */
	const struct memory_hit *hits;  /* what was said that the question is about */
	unsigned hit_count;
};
struct briefing_account;
MUST_CHECK int brief_render(struct core *c, const struct brief_ask *ask, char *out, size_t capacity,
		struct briefing_account *account);
/* So much of a model's context is for what it is shown; PLAN_NONE: of none in particular. */
uint32_t brief_budget(const struct core *c, uint16_t model);

/* Facts that the speaker may see, and what is perceived now; their number. */
unsigned view_facts(struct core *c, const struct speaker *s, struct belief_fact *out, unsigned max);
/* Is it shown what was said of old? */
bool view_recalls(const struct core *c, const struct turn *t);
int view_render(struct core *c, struct turn *t, const struct memory_hit *hits, unsigned hit_count);

/* ---- all of it ---- */

enum core_source { CORE_ON_SEAT, CORE_ON_DOOR, CORE_ON_SESSION, CORE_ON_MODEL, CORE_ON_JOURNAL, CORE_ON_TICK,
	CORE_ON_PATIENCE, CORE_ON_KEEPER, CORE_ON_SAMPLES, CORE_ON_GAPS, CORE_ON_LOOK, CORE_ON_DREAM, CORE_ON_FINDER,
	CORE_ON_REMIND };

/* session.c: symbols without a model, judged as what the speaker itself says. */
struct direct_act {
	bool used;
	struct reply_to to;
	struct speaker speaker;
	struct verdict verdict;
	struct utterance utterance;
	double trust;
	struct cdm_mono at; /* when the symbols came */
	char request[REQUEST_ID_MAX], symbols[REQUEST_SYMBOLS_MAX];
};
_Static_assert(REQUEST_SYMBOLS_MAX - 1 <= BODY_ASKED_MAX, "what is asked fits its record");

/* stop.c: a stop word that is being written down. */
struct telling {
	bool used;
	struct turn turn;
	struct decision decision;
};

/* settings.c: a field that is being set. */
struct change {
	bool used;
	const char *name;
	uint16_t field;
	double value;
	struct reply_to to;
};

/* vital.c: what the machine is about. */
struct vital {
	enum lifecycle_state state;
	struct cdm_mono entered;  /* the state */
	struct cdm_mono changed;  /* when something was last asked, or felt */
	double pace;              /* of its clock, by ours: 1, but in tests */
	double load;              /* of the computer, as tests say it; < 0: as it is */
	unsigned causes;          /* of a crisis, that hold: enum lifecycle_cause */
	bool was_ready;           /* nothing that starts with the machine was missing, once */
	bool stopped;             /* an emergency stop was the last thing that was asked of the legs */
};

/* dream.c: consolidation that has been begun because nothing was asked. */
struct dream {
	int timer;
	bool open, armed, on;
};

/* tell.c: a fact or a goal that is being written down. */
struct note {
	bool used;
	struct reply_to to;
	/* What `fact` and `goal` point to, but for their request. */
	char key[BODY_KEY_MAX + 1], value[BODY_VALUE_MAX + 1];
	enum journal_kind kind; /* which of them it is */
	struct body_fact fact;
	const char *owner; /* whose claim it is; the plan's */
	bool held; /* it is no surer, and no younger, than all it derives from */
	struct body_goal goal;
};

/* brief.c: a view that is asked for, while it is looked up what it is about. */
struct viewing {
	uint64_t reminder; /* 0: free */
	struct reply_to to;
	struct speaker speaker;
	char text[REQUEST_TEXT_MAX], session[BODY_KEY_MAX + 1];
	uint64_t after;
	uint32_t budget;
	struct cdm_mono began;
};

/* forget.c: a body that is being erased, or records that are let go; one at a time. */
struct erasure {
	enum { ERASURE_NONE, ERASURE_SCANNING, ERASURE_WRITING, ERASURE_FOLDING, ERASURE_INDEXING, ERASURE_PLANNING,
		ERASURE_LETTING_GO }
			step;
	bool own;       /* nobody asked: it is what the plan says */
	struct reply_to to;
	char principal[CDM_NAME_MAX], reason[BODY_VALUE_MAX + 1];
	uint64_t seq;   /* to be erased; or the last record that may go */
	uint64_t seqs[KEEPER_SEQS_MAX + 1]; /* with all that was made of it */
	uint64_t looked; /* up to there it was looked for what was made of it; 0: nowhere yet */
	uint64_t await;  /* once what has this ticket is on the disk it is looked further; 0: nothing is awaited */
	unsigned count, done;
	int failed;     /* why it went no further, once some of them were gone; 0: it did not fail */
	uint64_t note;  /* the record that says so */
	uint64_t going, removed, kept; /* records that go now, all that went, and those that stay */
};

struct core {
	struct seat *seat;
	const struct plan *plan;
	struct peers *peers;
	int epoll, door, tick, patience, guard_channel;
	int parent_end;         /* a handle of our parent; -ESRCH: it has ended; other < 0: not known */
	bool quit, failed;
	bool going_down;        /* nothing begins any more */
	bool asked_down;        /* somebody wants the machine to end, and our parent was told */
	struct legacy legacy;   /* what our parent would leave */
	unsigned heirs;         /* parents that came in a row, each soon after the one before */
	struct cdm_mono heir_came;
	struct journal *journal;
	char journal_path[1024];
	struct journal_reader *reader; /* of the same file */
	uint64_t snapped;       /* the last record in the newest snapshot */
	uint64_t unsnapped;     /* bytes of bodies since, of this life */
	struct journal_stats journal_told; /* what our counters have of it */
	bool all_at_once;       /* durability: full */
	uint8_t class_said[JOURNAL_KIND_COUNT]; /* by the plan of a kind: 1 + enum journal_class; 0: nothing */
	int refused;            /* why the journal did not take the newest transaction; 0: it did */
	bool unwritten;         /* the disk has had no room for our epoch yet: nothing else is written before it */
	struct gaps gaps;
	struct samples *samples; /* NULL: no field is written down */
	int look;               /* timer */
	int64_t keep_days;      /* 0: for ever */
	uint64_t keep_bytes;    /* 0: no limit */
	bool told_stays;        /* that what never goes is more than that */
	bool keep_due;          /* what need not be kept is to be let go, when there is time */
	unsigned looks_missed;  /* since when there was none */
	bool snapping;          /* a snapshot is on its way to the disk */
	struct dream dream;
	struct journal_state *state;
	struct pending pending[CORE_PENDING];
	struct session sessions[CORE_SESSIONS];
	struct model_slot models[PLAN_PROCESSES_MAX]; /* by process */
	uint16_t active;        /* entity of the model that answers, or PLAN_NONE */
	uint16_t noted_active;  /* the last one of which the journal was told that it is so */
	struct turn turns[CORE_TURNS];
	struct turn *current;
	struct decision decision; /* of the current turn */
	struct direct_act direct[CORE_TURNS];
	struct telling tellings[CORE_TURNS];
	struct change changes[CORE_PENDING];
	struct note notes[CORE_PENDING];
	struct vital vital;
	struct erasure erasure, erasure_next; /* the other one: asked while core lets go by itself */
	struct keeper *keeper;  /* NULL until it is needed */
	struct gone gone;
	struct remind remind;
	struct embed embed;
	struct viewing viewings[REMINDERS_MAX];
	uint64_t turn_order;
	uint64_t last_command; /* number of the newest one; from the state after a restart */
	struct motion motion;
	uint64_t promised;        /* command that is allowed, and on its way to the disk; 0: none */
	struct cdm_mono stopped;  /* the newest stop */
	struct limb limbs[CORE_LIMBS];
	struct field_writer *settings; /* by index of field, NULL plan where not */
	struct field *seen;      /* fields with detections */
	uint16_t seen_count;
	struct field *shown;     /* fields that models are shown */
	unsigned shown_count;
	struct utterance_lexicon lexicon;
	bool has_lexicon;
	struct event_writer events;
	struct rules *rules;
	struct aware *aware;
	uint8_t message[CORE_MESSAGE_MAX], out[CORE_MESSAGE_MAX];
};

bool core_follows_another(const struct core *c); /* another core was there before us, in the life of this machine */
int core_watch(struct core *c, int fd, enum core_source s, unsigned index);
void core_tick_at(struct core *c, int64_t period_ns); /* 0: no tick */

/* models.c */
int models_want(struct core *c, uint16_t entity); /* 0 ready, -EAGAIN on its way, else why not */
int models_generate(struct core *c, const struct turn *t);
void models_cancel(struct core *c, uint16_t entity); /* what it answers now is not wanted any more */
void models_end(struct core *c, uint16_t entity);    /* its process, whatever it does */
void models_listen(struct core *c, uint16_t entity); /* take what it has said by now */
void models_ping(struct core *c, uint16_t entity);   /* turn_model_lives() when it answers */
bool models_loads(const struct core *c, uint16_t entity, struct cdm_mono *since);
int models_unload(struct core *c, uint16_t entity); /* 0 gone, -EAGAIN on its way */
void models_ask_again(struct core *c, uint16_t process); /* of a parent that may not know what was asked */
void models_stopped(struct core *c, uint16_t process); /* the parent: it is gone, and stays so until it is asked for */
void models_channel(struct core *c, uint16_t process, int fd);
void models_readable(struct core *c, uint16_t process);
uint16_t models_process(const struct core *c, uint16_t entity);

/* What session.c hands on: a request, where its answer goes, and who asks. */
struct asked {
	const struct request *q;
	struct reply_to to;
	struct speaker speaker;
};

/* How much an answer of `read` promises: spec/guarantees.md. */
enum tell_level { TELL_LATEST, TELL_SNAPSHOT, TELL_CAUSAL, TELL_LINEARIZABLE };

/* brief.c: op `view`. */
void brief_answer(struct core *c, const struct asked *r);

/* tell.c: ops `tell`, `goal` and `read`. */
void tell_fact(struct core *c, const struct asked *r);
void tell_goal(struct core *c, const struct asked *r);
void tell_read(struct core *c, const struct asked *r);

/* forget.c: ops `erase` and `compact`, and what the keeper has to say. */
void forget_erase(struct core *c, const struct asked *r);
void forget_compact(struct core *c, const struct asked *r);
void forget_keeper(struct core *c);
/* Is the state that of the journal?  Not while what was erased is out of it, and what that had replaced is not back. */
bool forget_is_exact(const struct core *c);
bool forget_takes(const struct core *c, uint64_t seq); /* it is being erased: nothing is to be made of it any more */
void forget_settled(struct core *c); /* something is on the disk */
void forget_indexed(struct core *c); /* index, or the journal's log, may be without what was erased */
/* What the plan says is kept. */
MUST_CHECK int forget_open(struct core *c);
void forget_look(struct core *c);    /* its timer fired: c->keep_due, or it is overdue */
void forget_snapped(struct core *c); /* there is another snapshot */
void forget_keep(struct core *c);    /* let go what need not be kept, unless something is under way */
void forget_yield(struct core *c);   /* not now: what is being read for that is read another time */

/* dream.c */
MUST_CHECK int dream_open(struct core *c);
void dream_close(struct core *c);
unsigned dream_chores(const struct core *c);  /* pieces of consolidation to be done */
double dream_budget(const struct core *c);    /* places for the disk that are free, 0..1 */
void dream_wait(struct core *c);   /* there may be chores */
void dream_due(struct core *c);    /* its timer fired */
void dream_go_on(struct core *c);  /* one of them has ended */
void dream_end(struct core *c);    /* somebody stirs */

/* vital.c */
void vital_open(struct core *c);
/* Something was asked, or felt. */
void vital_changed(struct core *c);
/* So long until the lifecycle may be DREAM; > 0. */
int64_t vital_until_dream_ns(const struct core *c);
/* Look at everything: the level now; the lifecycle takes the moves that are due. */
void vital_look(struct core *c, struct level *out);
/* Why it is CRISIS, in words, by the last look; "": it is not, or the cause is gone and it lasts for its second. */
const char *vital_why(const struct core *c, char *out, size_t room);

/* settings.c */
int settings_open(struct core *c);
int settings_set(struct core *c, const struct asked *r);
void settings_restore(struct core *c);
/* Publish those that the state has otherwise than what is published: it was folded anew. */
void settings_follow(struct core *c);
/* What a setting may be: the plan's word within what its type holds. */
struct settings_range {
	double least, most;
};
struct settings_range settings_range(const struct core *c, uint16_t field);

/* A number that the plan says of Cadmus itself. */
int64_t core_option(const struct core *c, const char *key, int64_t otherwise);
/* Name of an entity; "" for PLAN_NONE. */
const char *core_entity_name(const struct core *c, uint16_t entity);

#endif

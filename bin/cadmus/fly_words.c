/* fly_words.c - actions that talk: say, act, begin, finish; and what is expected of the answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/msgpack.h"
#include "bin/cadmus/fly_priv.h"

#define ANSWER_NS (60 * NS_PER_S)
#define MOTION_NS (120 * NS_PER_S)

/* ---- asking ---- */

static void put(struct mp_out *o, const struct fly_action *a, const char *key) {
	if (fly_text(a, key))
		mp_kv_str(o, key, fly_text(a, key));
}

static unsigned has(const struct fly_action *a, const char *key) {
	return fly_text(a, key) != NULL;
}

/* `say` or `act`, with an id that is this flight's alone. */
static int ask(struct flight *f, struct fly_talk *t, const struct fly_action *a, const char *op, const char *what) {
	struct mp_out o;
	char request[64];
	bool blind = fly_flag(a, "blind"), say = strcmp(op, "say") == 0;
	if (!has(a, what))
		return fly_fail(f, "it needs `%s`", what);
	t->id = ++f->next_id;
	t->asked = 0;
	t->action = a;
	snprintf(request, sizeof(request), "flight-%d-%lld-%llu", (int)getpid(), (long long)f->began.ns,
			(unsigned long long)t->id);
	mp_begin(&o, t->message, sizeof(t->message));
	mp_map(&o, 3 + has(a, "model") + has(a, "as") + say + blind);
	mp_kv_str(&o, "op", op);
	mp_kv_uint(&o, "id", t->id);
	put(&o, a, what);
	put(&o, a, "model");
	put(&o, a, "as");
	if (say)
		mp_kv_str(&o, "request", request);
	if (blind)
		mp_kv_bool(&o, "blind", true);
	t->bytes = mp_done(&o);
	f->witness.first_setpoint.ns = 0;
	return t->bytes < 0 ? fly_fail(f, "that is too long") : fly_ask(f, t);
}

/* ---- judging ---- */

static int is_error(struct flight *f, const struct fly_talk *t) {
	char ev[16], text[512];
	if (strcmp(fly_reply_text(t, "ev", ev, sizeof(ev)), "error") != 0)
		return 0;
	return fly_fail(f, "core says: %s", fly_reply_text(t, "text", text, sizeof(text)));
}

/* Is [key, value] among the reply's facts? */
static bool has_fact(const struct fly_talk *t, const char *key, const char *value) {
	struct mp_in i;
	uint32_t n, pair;
	const char *k, *v;
	size_t kn, vn;
	if (mp_find(t->reply, (size_t)t->reply_bytes, "facts", &i) < 0 || mp_get_array(&i, &n) < 0)
		return false;
	while (n-- > 0) {
		if (mp_get_array(&i, &pair) < 0 || pair != 2 || mp_get_str(&i, &k, &kn) < 0 ||
				mp_get_str(&i, &v, &vn) < 0)
			return false;
		if (kn == strlen(key) && memcmp(k, key, kn) == 0 && vn == strlen(value) && memcmp(v, value, vn) == 0)
			return true;
	}
	return false;
}

static int check_answer(struct flight *f, const struct fly_talk *t, const struct fly_action *a) {
	char answer[8192], symbols[1024];
	const char *want = fly_text(a, "contains"), *lacks = fly_text(a, "lacks"), *signs = fly_text(a, "symbols");
	const char *key, *value;
	fly_reply_text(t, "answer", answer, sizeof(answer));
	fly_reply_text(t, "symbols", symbols, sizeof(symbols));
	if (want && !strstr(answer, want))
		return fly_fail(f, "'%s' was answered, without '%s'", answer, want);
	if (lacks && strstr(answer, lacks))
		return fly_fail(f, "'%s' was answered, with '%s'", answer, lacks);
	if (signs && strcmp(signs, symbols) != 0)
		return fly_fail(f, "the symbols are '%s', not '%s'", symbols, signs);
	for (unsigned i = 0; fly_pair(a, "fact", i, &key, &value); i++)
		if (!value || !has_fact(t, key, value))
			return fly_fail(f, "'%s' was answered, and %s = %s was not noted", answer, key, value ? value
					: "?");
	return 0;
}

/* How the motion must end; NULL: any way.  Whoever says how far it must come wants it done. */
static const char *wanted_outcome(const struct fly_action *a) {
	const char *want = fly_text(a, "outcome");
	return want ? want : has(a, "advance_m") || has(a, "turn_deg") ? "done" : NULL;
}

static int check_verdict(struct flight *f, const struct fly_talk *t, const struct fly_action *a) {
	char verdict[16], reason[64], detail[512];
	const char *refused = fly_text(a, "refused");
	fly_reply_text(t, "verdict", verdict, sizeof(verdict));
	fly_reply_text(t, "reason", reason, sizeof(reason));
	fly_reply_text(t, "detail", detail, sizeof(detail));
	if (refused && strcmp(reason, refused) != 0)
		return fly_fail(f, "expected the refusal %s, but it was %s %s", refused, verdict, reason);
	if (refused)
		fly_say(f, "refused: %s", detail);
	bool must_move = wanted_outcome(a) || has(a, "until");
	if (must_move && strcmp(verdict, "started") != 0)
		return fly_fail(f, "it did not move: %s %s", verdict, detail);
	return 0;
}

static double reply_number(const uint8_t *m, int n, const char *key) {
	double v = 0.0;
	return mp_find_f64(m, (size_t)n, key, &v) == 0 ? v : 0.0;
}

/* From the moment the symbols were complete to the first set-point on the bus. */
static int measure_action(struct flight *f, const struct fly_talk *t, const struct fly_action *a) {
	struct fly_action inner;
	int64_t symbols;
	if (!fly_inner(a, "latency", &inner))
		return 0;
	struct cdm_mono began = clock_mono();
	while (f->witness.first_setpoint.ns == 0 && mono_since(began, clock_mono()) < 2 * NS_PER_S)
		fly_witness_wait(f, 100 * NS_PER_MS);
	if (f->witness.first_setpoint.ns == 0)
		return fly_fail(f, "no set-point came on the bus");
	if (mp_find_int(t->reply, (size_t)t->reply_bytes, "symbols_ns", &symbols) < 0)
		return fly_fail(f, "core does not say when the symbols were complete");
	double ms = ns_to_ms(f->witness.first_setpoint.ns - symbols);
	const char *name = fly_text(&inner, "name");
	fly_measure(f, name ? name : "symbol to action", fly_number(&inner, "target_ms", 0.0), ms);
	fly_say(f, "%.1f ms from the symbols to the first set-point on the bus", ms);
	return 0;
}

static int check_outcome(struct flight *f, struct fly_talk *t, const struct fly_action *a) {
	char what[16] = "", reason[128] = "";
	const char *want = wanted_outcome(a);
	if (!want)
		return 0;
	if (fly_await_outcome(f, t, MOTION_NS))
		return 1;
	double advance = reply_number(t->outcome, t->outcome_bytes, "advance_m");
	double turned = reply_number(t->outcome, t->outcome_bytes, "turn_rad") * 57.29577951308232;
	if (mp_find_str(t->outcome, (size_t)t->outcome_bytes, "what", what, sizeof(what)) < 0 ||
			mp_find_str(t->outcome, (size_t)t->outcome_bytes, "reason", reason, sizeof(reason)) < 0 ||
			strcmp(what, want) != 0)
		return fly_fail(f, "the motion ended as '%s' (%s), not '%s'", what, reason, want);
	if (has(a, "advance_m") && advance < fly_number(a, "advance_m", 0.0))
		return fly_fail(f, "the body advanced %.3f m only", advance);
	if (has(a, "turn_deg") && fabs(turned) < fly_number(a, "turn_deg", 0.0))
		return fly_fail(f, "the body turned %.1f degrees only", turned);
	fly_say(f, "the odometry says: %+.3f m, %+.1f degrees", advance, turned);
	return 0;
}

#define MOVING_NS (800 * NS_PER_MS) /* long enough to be in the middle of a step */

/* Wait until the bus has shown joints in motion for a while. */
static int wait_moving(struct flight *f, const struct fly_action *a) {
	struct cdm_mono began = clock_mono(), since = began;
	if (!has(a, "until"))
		return 0;
	while (mono_since(began, clock_mono()) < 5 * NS_PER_S) {
		fly_witness_wait(f, 20 * NS_PER_MS);
		if (fly_witness_still_ns(f) > 100 * NS_PER_MS)
			since = clock_mono();
		if (mono_since(since, clock_mono()) > MOVING_NS)
			return fly_say(f, "joints have moved for %.0f ms", ns_to_ms(MOVING_NS)), 0;
	}
	char reason[128] = "core says nothing of it";
	if (fly_await_outcome(f, &f->talk, NS_PER_MS) == 0 &&
			mp_find_str(f->talk.outcome, (size_t)f->talk.outcome_bytes, "reason", reason,
					sizeof(reason)) < 0)
		reason[0] = 0;
	return fly_fail(f, "no joint moved within 5 s: %s", reason);
}

static void tell(struct flight *f, const struct fly_talk *t, const struct fly_action *a) {
	char answer[400], model[CDM_NAME_MAX];
	const char *title = fly_title(a, ""), *as = fly_text(a, "as"), *text = fly_text(a, "text");
	fly_reply_text(t, "answer", answer, sizeof(answer));
	fly_reply_text(t, "model", model, sizeof(model));
	if (text)
		fly_say(f, "%s%s%s \"%s\" -> %s: %s", title, title[0] ? ": " : "", as ? as : "person", text, model,
				answer);
	else
		fly_say(f, "%s%s\"%s\"", title, title[0] ? ": " : "", fly_text(a, "symbols"));
}

static void measure_turn(struct flight *f, const struct fly_talk *t) {
	double out = reply_number(t->reply, t->reply_bytes, "tokens_out");
	double eval = reply_number(t->reply, t->reply_bytes, "eval_ns");
	double commit = reply_number(t->reply, t->reply_bytes, "commit_ns");
	double load = reply_number(t->reply, t->reply_bytes, "load_ns");
	if (commit > 0.0)
		fly_measure(f, "turn: answer to durable", 0.0, commit / 1e6);
	if (load > 5e6 && t->asked == 1)
		fly_measure(f, "model switch: asked to ready", 0.0, load / 1e6);
	if (out > 1.0 && eval > 0.0)
		f->tokens_per_s[f->rates++ % COUNT_OF(f->tokens_per_s)] = out * 1e9 / eval;
}

static int judge(struct flight *f, struct fly_talk *t, const struct fly_action *a) {
	if (is_error(f, t))
		return 1;
	tell(f, t, a);
	measure_turn(f, t);
	if (check_answer(f, t, a) || check_verdict(f, t, a) || measure_action(f, t, a) || wait_moving(f, a))
		return 1;
	return check_outcome(f, t, a);
}

/* ---- the actions ---- */

int fly_do_say(struct flight *f, const struct fly_action *a) {
	if (ask(f, &f->talk, a, "say", "text") || fly_await(f, &f->talk, ANSWER_NS))
		return 1;
	return judge(f, &f->talk, a);
}

int fly_do_act(struct flight *f, const struct fly_action *a) {
	if (ask(f, &f->talk, a, "act", "symbols") || fly_await(f, &f->talk, ANSWER_NS))
		return 1;
	if (is_error(f, &f->talk))
		return 1;
	tell(f, &f->talk, a);
	return check_verdict(f, &f->talk, a) || check_outcome(f, &f->talk, a);
}

int fly_do_begin(struct flight *f, const struct fly_action *a) {
	fly_say(f, "person \"%s\" -> ...", fly_text(a, "text") ? fly_text(a, "text") : "");
	return ask(f, &f->other, a, "say", "text");
}

int fly_do_finish(struct flight *f, const struct fly_action *a) {
	(void)a;
	if (!f->other.action)
		return fly_fail(f, "nothing was begun");
	if (fly_await(f, &f->other, ANSWER_NS))
		return 1;
	fly_say(f, "asked %u time%s with one id", f->other.asked, f->other.asked == 1 ? "" : "s");
	return judge(f, &f->other, f->other.action);
}

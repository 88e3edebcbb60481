/*
 * turn_write.c - a turn as it stands in the journal, and as it is told to who asked.
 *
 * The turn and what the gate said of its symbols are one transaction: what was decided stands beside
 * what was said, or neither does.
 */
#include <errno.h>
#include <string.h>
#include "base/log.h"
#include "runtime/core_priv.h"

/* ---- for who asked ---- */

static void put_facts(struct mp_out *o, const struct belief_reply *r) {
	mp_str(o, "facts");
	mp_array(o, r->count);
	for (unsigned i = 0; i < r->count; i++) {
		mp_array(o, 2);
		mp_str(o, r->facts[i].key);
		mp_str(o, r->facts[i].value);
	}
}

void turn_reply(struct core *c, const struct turn *t, uint64_t seq, const struct verdict *v) {
	struct mp_out o;
	struct cdm_mono now = clock_mono();
	session_begin(c, &o, &t->to, "done", 15 + ACT_REPLY_PAIRS);
	mp_kv_str(&o, "answer", t->text);
	mp_kv_str(&o, "model", core_entity_name(c, t->model));
	mp_kv_uint(&o, "seq", seq);
	put_facts(&o, &t->reply);
	mp_kv_uint(&o, "unheard", t->unheard);
	mp_kv_str(&o, "symbols", t->reply.utterance ? t->text : "");
	mp_kv_int(&o, "symbols_ns", t->answered.ns);
	mp_kv_str(&o, "view", t->view);
	mp_kv_str(&o, "finish", wire_finish_text(t->result.finish));
	mp_kv_uint(&o, "tokens_in", t->result.tokens_in);
	mp_kv_uint(&o, "tokens_out", t->result.tokens_out);
	mp_kv_int(&o, "load_ns", t->load_ns);
	mp_kv_int(&o, "prompt_ns", t->result.prompt_ns);
	mp_kv_int(&o, "eval_ns", t->result.eval_ns);
	mp_kv_int(&o, "commit_ns", t->submitted.ns ? mono_since(t->submitted, now) : 0);
	act_reply(&o, v);
	session_send(c, &o, &t->to);
}

/* The record that answered it before; 0: none. */
static uint64_t known(struct core *c, const struct turn *t) {
	if (!t->request[0] || t->blind)
		return 0;
	const char *owner = view_owner(c, &t->speaker);
	const struct state_request *r = state_request(c->state, owner, t->request);
	return r ? r->seq : recall_request(c, owner, t->request);
}

/* What was answered then: the whole, or what is left of it and *cut. */
static const char *answer_of(struct core *c, const struct turn *t, uint64_t seq, bool *cut) {
	static char whole[TURN_TEXT_MAX];
	const struct state_request *r = state_request(c->state, view_owner(c, &t->speaker), t->request);
	*cut = (!r || r->cut) && recall_text(c, seq, RECALL_ANSWER, whole, sizeof(whole)) < 0;
	return *cut ? r ? r->answer : "" : r && !r->cut ? r->answer : whole;
}

/* Was that asked before?  0: yes, as far as can be known; -EEXIST: something else was; -ESTALE: it was erased since. */
static int compare_words(struct core *c, const struct turn *t, uint64_t seq) {
	static char before[TURN_TEXT_MAX];
	int rc = recall_text(c, seq, RECALL_USER, before, sizeof(before));
	if (rc == 0 && strcmp(before, t->user) != 0)
		rc = -EEXIST;
	return rc == -EEXIST || rc == -ESTALE ? rc : 0;
}

bool turn_has_other_words(struct core *c, const struct turn *t) {
	uint64_t seq = known(c, t);
	return seq && compare_words(c, t, seq) < 0;
}

/* What of the verdict cannot be read back: a stop was one. */
static void verdict_of(struct core *c, const struct turn *t, uint64_t seq, struct recalled *out) {
	int rc = recall_verdict(c, seq, out);
	if (rc < 0 && rc != -ENOENT && rc != -ESTALE)
		log_warn("what was decided with record %llu cannot be read back: %s", (unsigned long long)seq,
				strerror(-rc));
	if (rc < 0 && t->reply.stop)
		out->what = VERDICT_STOPPED;
}

bool turn_repeat(struct core *c, const struct turn *t) {
	struct recalled verdict;
	uint64_t seq = known(c, t);
	struct mp_out o;
	bool cut;
	if (!seq)
		return false;
	int rc = compare_words(c, t, seq);
	if (rc == -ESTALE)
		session_used(c, &t->to, seq);
	else if (rc < 0)
		session_error(c, &t->to, -EEXIST, "request '%s' was asked with other words before", t->request);
	if (rc < 0)
		return true;
	const char *answer = answer_of(c, t, seq, &cut);
	verdict_of(c, t, seq, &verdict);
	session_begin(c, &o, &t->to, "done", 4 + ACT_REPLY_PAIRS);
	mp_kv_str(&o, "answer", answer);
	mp_kv_bool(&o, "cut", cut);
	mp_kv_uint(&o, "seq", seq);
	mp_kv_bool(&o, "repeat", true);
	act_reply_again(&o, &verdict);
	session_send(c, &o, &t->to);
	return true;
}

/* ---- for the journal ---- */

static void fill_body(const struct core *c, const struct turn *t, double trust, struct body_turn *b) {
	bool is_utterance = t->reply.utterance && strlen(t->text) <= BODY_SYMBOLS_MAX;
	*b = (struct body_turn){ .request = body_text(t->request),
		.speaker = body_text(core_entity_name(c, t->speaker.entity)),
		.model = body_text(core_entity_name(c, t->model)),
		.user = body_text(t->user),
		.answer = body_text(t->text),
		.view_hash = t->view_hash,
		.trust_ppm = body_ppm(trust),
		.fact_count = t->reply.count,
		.symbols = body_text(is_utterance ? t->text : ""),
		.session = body_text(t->session) };
	for (unsigned i = 0; i < t->reply.count; i++)
		b->facts[i] = (struct body_said){ body_text(t->reply.facts[i].key),
			body_text(t->reply.facts[i].value), body_ppm(trust) };
}

int turn_write(struct core *c, struct turn *t, struct decision *d, ledger_done *done, void *who) {
	static uint8_t body[4 * TURN_TEXT_MAX];
	uint8_t room[ACT_ROOM_BYTES];
	struct body_turn b;
	struct journal_entry e[1 + ACT_ENTRIES_MAX];
	d->trust = act_trust(c, &t->speaker, t->model, 1);
	fill_body(c, t, d->trust, &b);
	int n = body_build_turn(&b, body, sizeof(body));
	if (n < 0)
		return n;
	const char *by = core_entity_name(c, t->model == PLAN_NONE ? 0 : t->model);
	e[0] = (struct journal_entry){ JOURNAL_TURN, view_visibility(c, &t->speaker), by,
		view_owner(c, &t->speaker), body, (size_t)n, t->request };
	unsigned more = act_entries(c, &t->speaker, &d->utterance, &d->verdict, d->trust, NULL, &e[1], room,
			sizeof(room));
	if (d->verdict.what == VERDICT_STARTED && more == 0)
		return -E2BIG;
	t->submitted = clock_mono();
	return ledger_submit(c, e, 1 + more, done, who);
}

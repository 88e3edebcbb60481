/*
 * turn.c - one exchange with a model, as one journaled transaction.
 *
 *      FREE -> WAITING -> GENERATING -> COMMITTING -> FREE
 *                 ^            |
 *                 +------------+   the model died, or hung: asked again, at most TURN_TRIES times
 *
 * While it is WAITING, and its model is there, it is looked up what was said of old that it is about (remind.c).
 *
 * FREE again, and nothing of it written, when who asked is gone before the answer is there.
 *
 * One turn is in the works at a time; others wait in the order they came, and so do loading and
 * unloading.  A turn is answered ("done") when it is on the disk, together with what the gate said of
 * its symbols.  A request text that was answered before, by this core or one before it, gets the
 * recorded answer again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/err.h"
#include "base/log.h"
#include "base/utf8.h"
#include "runtime/core_priv.h"
#include "sem/phoenician.h"

static void finish(struct core *c) {
	c->current->step = TURN_FREE;
	c->current = NULL;
	turn_pump(c);
}

static void fail(struct core *c, int rc, const char *text) {
	struct reply_to to = c->current->to;
	act_dropped(c, &c->decision.verdict);
	session_error(c, &to, rc, "%s", text);
	finish(c);
}

int turn_ask(struct core *c, const struct turn *asked) {
	if (c->going_down)
		return -ESHUTDOWN;
	for (size_t i = 0; i < CORE_TURNS; i++) {
		struct turn *t = &c->turns[i];
		if (t->step != TURN_FREE)
			continue;
		*t = *asked;
		t->step = TURN_WAITING;
		t->order = ++c->turn_order;
		t->began = clock_mono();
		turn_pump(c);
		return 0;
	}
	return -EBUSY;
}

/* ---- the answer ---- */

static void tell(struct core *c, const struct turn *t, const char *text, size_t bytes) {
	struct mp_out o;
	if (bytes == 0)
		return;
	session_begin(c, &o, &t->to, "token", 1);
	mp_str(&o, "text");
	mp_strn(&o, text, bytes);
	session_send(c, &o, &t->to);
}

/* White space before the answer, which is no part of its text. */
static size_t lead(const struct turn *t) {
	size_t n = 0;
	while (n < t->answer_bytes && t->answer[n] && strchr(" \t\r\n", t->answer[n]))
		n++;
	return n;
}

/*
 * What is there, not yet told, and no clause, as one token: a client that is slower than the model gets longer ones.
 * A fact is told when it is on the disk.
 */
static void tell_sure(struct core *c, struct turn *t) {
	size_t from = t->told_bytes ? t->told_bytes : lead(t), sure = belief_sure(t->answer, t->answer_bytes, from);
	tell(c, t, t->answer + from, sure - from);
	if (sure > from)
		t->told_bytes = sure;
}

/* Now it is known what of the rest is text. */
static void tell_rest(struct core *c, struct turn *t) {
	size_t begin = lead(t), told = t->told_bytes ? t->told_bytes - begin : 0;
	if (told <= t->reply.text_bytes && memcmp(t->text, t->answer + begin, told) == 0)
		tell(c, t, t->text + told, t->reply.text_bytes - told);
}

static void committed(struct core *c, void *who, int rc, uint64_t seq) {
	struct turn *t = who;
	CHECK(t == c->current && t->step == TURN_COMMITTING);
	if (rc == -EEXIST && turn_repeat(c, t)) { /* another of the same request was quicker */
		act_dropped(c, &c->decision.verdict);
		return finish(c);
	}
	if (rc < 0)
		return fail(c, rc, "the answer could not be written down, so it does not count");
	aware_heard(c->aware, t->model, c->decision.trust, t->answered);
	turn_reply(c, t, seq, &c->decision.verdict);
	if (c->decision.verdict.what == VERDICT_STARTED)
		motion_start(c, &t->speaker, &c->decision.utterance, &c->decision.verdict, c->decision.trust, &t->to);
	finish(c);
}

static void commit(struct core *c, struct turn *t) {
	t->step = TURN_COMMITTING;
	int rc = turn_write(c, t, &c->decision, committed, t);
	if (rc < 0)
		fail(c, rc, rc == -EAGAIN ? "too much waits for the disk"
				: "the answer cannot be written down, so nothing was done");
}

/* Of the facts that the model states, those that it was told; in blind turns none. */
static void believe(const struct core *c, struct turn *t) {
	if (t->blind)
		t->reply.count = 0;
	t->unheard = belief_keep_heard(&t->reply, t->user);
	if (t->unheard)
		log_info("%s stated %u facts that nobody told it; they do not count", core_entity_name(c, t->model),
				t->unheard);
}

void turn_answered(struct core *c, const struct model_result *r) {
	struct turn *t = c->current;
	if (!t || t->step != TURN_GENERATING)
		return;
	t->result = *r;
	if (t->cut)
		t->result.finish = CDM_FINISH_LENGTH;
	t->answered = clock_mono();
	if (belief_parse(t->answer, t->answer_bytes, t->text, sizeof(t->text), &t->reply) < 0)
		return fail(c, -E2BIG, "the model's answer is too long");
	tell_rest(c, t);
	c->decision.verdict = (struct verdict){ .what = VERDICT_NONE };
	believe(c, t);
	if (t->blind) {
		if (t->reply.stop) {
			motion_estop(c);
			c->decision.verdict.what = VERDICT_STOPPED;
		}
		turn_reply(c, t, 0, &c->decision.verdict);
		return finish(c);
	}
	if (t->reply.utterance || t->reply.stop)
		c->decision.verdict = act_judge(c, &t->speaker, t->view_trust, t->model, t->began, t->text,
				strlen(t->text), &c->decision.utterance);
	commit(c, t);
}

static void heard(struct turn *t) {
	t->heard = clock_mono();
	t->pinged = (struct cdm_mono){ 0 };
}

/* What of it the answer still has room for, in whole characters; an answer that is cut says `length`. */
static size_t room_for(struct turn *t, const char *text, size_t bytes) {
	size_t room = t->cut ? 0 : sizeof(t->answer) - 1 - t->answer_bytes;
	t->cut = t->cut || bytes > room;
	return utf8_cut(text, bytes, room);
}

void turn_token(struct core *c, const char *text, size_t bytes) {
	struct turn *t = c->current;
	if (!t || t->step != TURN_GENERATING)
		return;
	heard(t);
	t->token = t->heard;
	bytes = room_for(t, text, bytes);
	if (bytes == 0)
		return;
	memcpy(t->answer + t->answer_bytes, text, bytes);
	t->answer_bytes += bytes;
	if (session_keeps_up(c, &t->to))
		tell_sure(c, t);
	if (!session_is(c, &t->to))
		turn_look_for_askers(c);
}

/* ---- the model ---- */

void turn_model_failed(struct core *c, uint16_t model, int rc, const char *text) {
	const struct turn *t = c->current;
	if (t && t->model == model && t->step != TURN_COMMITTING && t->work != TURN_UNLOAD)
		fail(c, rc, text);
}

/* Nothing of what it said counts. */
static void again(struct core *c, struct turn *t) {
	struct mp_out o;
	session_begin(c, &o, &t->to, "again", 0);
	session_send(c, &o, &t->to);
	t->answer_bytes = t->told_bytes = 0;
	t->cut = false;
	t->step = TURN_WAITING;
}

void turn_model_lost(struct core *c, uint16_t model) {
	struct turn *t = c->current;
	if (!t || t->model != model || t->step != TURN_GENERATING)
		return;
	if (++t->tries >= TURN_TRIES)
		return fail(c, -EIO, "the model died each time it was asked");
	log_info("%s died while it answered; it is asked again", core_entity_name(c, model));
	again(c, t);
}

void turn_model_lives(struct core *c, uint16_t model) {
	if (c->current && c->current->model == model)
		heard(c->current);
}

void turn_model_hangs(struct core *c, const char *text) {
	struct turn *t = c->current;
	models_end(c, t->model);
	if (t->step != TURN_GENERATING || ++t->tries >= TURN_TRIES)
		return fail(c, -ETIMEDOUT, text);
	again(c, t);
	turn_pump(c);
}

/* ---- the queue ---- */

/* Is it for somebody who hung up, or wants it no more?  Whoever loads or unloads a model need not stay to see it. */
static bool is_for_nobody(const struct core *c, const struct turn *t) {
	bool open = t->step == TURN_WAITING || t->step == TURN_GENERATING;
	return t->work == TURN_SAY && open && (t->cancelled || !session_is(c, &t->to));
}

static bool is_same(const struct reply_to *a, const struct reply_to *b) {
	return a->session == b->session && a->serial == b->serial && a->id == b->id;
}

void turn_cancel(struct core *c, const struct reply_to *of) {
	for (size_t i = 0; i < CORE_TURNS; i++) {
		struct turn *t = &c->turns[i];
		bool open = t->work == TURN_SAY && (t->step == TURN_WAITING || t->step == TURN_GENERATING);
		if (!open || t->cancelled || !is_same(&t->to, of))
			continue;
		t->cancelled = true;
		session_error(c, &t->to, -ECANCELED, "it was cancelled");
	}
	turn_look_for_askers(c);
}

/* A turn that is on its way to the disk is answered when it is there. */
void turn_go_down(struct core *c) {
	struct turn *t = c->current;
	for (size_t i = 0; i < CORE_TURNS; i++) {
		if (c->turns[i].step != TURN_WAITING || &c->turns[i] == t)
			continue;
		c->turns[i].step = TURN_FREE;
		session_error(c, &c->turns[i].to, -ESHUTDOWN, "%s", err_text(-ESHUTDOWN));
	}
	if (t && t->step != TURN_COMMITTING)
		fail(c, -ESHUTDOWN, err_text(-ESHUTDOWN));
}

void turn_look_for_askers(struct core *c) {
	struct turn *t = c->current;
	for (size_t i = 0; i < CORE_TURNS; i++)
		if (&c->turns[i] != t && is_for_nobody(c, &c->turns[i]))
			c->turns[i].step = TURN_FREE;
	if (!t || !is_for_nobody(c, t))
		return;
	if (t->step == TURN_GENERATING)
		models_cancel(c, t->model);
	finish(c);
}

static struct turn *next(struct core *c) {
	struct turn *first = NULL;
	for (size_t i = 0; i < CORE_TURNS; i++)
		if (c->turns[i].step == TURN_WAITING && (!first || c->turns[i].order < first->order))
			first = &c->turns[i];
	return first;
}

static void generate(struct core *c, struct turn *t, const struct memory_hit *hits, unsigned hit_count) {
	int rc = view_render(c, t, hits, hit_count);
	if (rc == 0)
		rc = models_generate(c, t);
	if (rc == -EPIPE)
		return; /* it died just now: its hang-up is on its way, and then this turn is tried again */
	if (rc < 0)
		return fail(c, rc, "the model could not be asked");
	t->step = TURN_GENERATING;
	heard(t);
	t->token = t->heard;
}

static void reminded(struct core *c, void *who, uint64_t id, const struct memory_hit *hits, unsigned count);

/* False: it is being looked up. */
static bool is_reminded(struct core *c, struct turn *t) {
	if (t->reminder)
		return false;
	t->load_ns = mono_since(t->began, clock_mono());
	if (view_recalls(c, t))
		t->reminder = remind_ask(c, &t->speaker, t->user, reminded, t);
	return !t->reminder;
}

/* True: the model is there, and can be asked, or has nothing to be asked. */
static bool is_ready(struct core *c, struct turn *t) {
	if (is_for_nobody(c, t) || (t->work == TURN_SAY && turn_repeat(c, t))) {
		finish(c);
		return false;
	}
	int rc = t->work == TURN_UNLOAD ? models_unload(c, t->model) : models_want(c, t->model);
	if (rc < 0 && rc != -EAGAIN)
		fail(c, rc, err_text(rc));
	return rc == 0;
}

/* A model that went away meanwhile is waited for once more, and then it is looked up again: hits do not keep. */
static void reminded(struct core *c, void *who, uint64_t id, const struct memory_hit *hits, unsigned count) {
	struct turn *t = who;
	if (t != c->current || t->step != TURN_WAITING || t->reminder != id)
		return;
	t->reminder = 0;
	if (is_ready(c, t))
		generate(c, t, hits, count);
	patience_look(c);
}

/* What can be done with the current turn now. */
static void work(struct core *c, struct turn *t) {
	if (!is_ready(c, t))
		return;
	if (t->work == TURN_SAY) {
		if (is_reminded(c, t))
			generate(c, t, NULL, 0);
		return;
	}
	session_done(c, &t->to);
	finish(c);
}

void turn_pump(struct core *c) {
	if (!c->current && (c->current = next(c)))
		c->decision.verdict = (struct verdict){ .what = VERDICT_NONE };
	struct turn *t = c->current;
	if (t && t->step == TURN_WAITING)
		work(c, t);
	else if (!t)
		embed_pump(c);
	patience_look(c);
}

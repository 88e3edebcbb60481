/*
 * stop.c - stop words: whoever says "stop" to any model is obeyed here and now, and no model is asked.
 *
 * session.c stops before it looks at anything else of the request: not at rights, nor at who is said to
 * speak, nor at whether there is such a model.  That it was said then becomes a turn of the journal like any
 * other, with the answer TAU; it waits for the disk, and for no model, so it is answered while one hangs.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "base/err.h"
#include "runtime/core_priv.h"
#include "sem/halt.h"

#define STOP_SIGN "\U00010915"

/* "Parrot, stop!" */
bool stop_is_name(void *core, const char *word) {
	const struct plan *plan = ((const struct core *)core)->plan;
	if (strcasecmp(plan->machine, word) == 0)
		return true;
	for (uint32_t i = 0; i < plan->entities.count; i++)
		if (strcasecmp(plan_entities(plan)[i].name, word) == 0)
			return true;
	return false;
}

bool stop_is_said(struct core *c, const struct request *q) {
	return q->op == REQUEST_OP_say && halt_is_asked(q->text, strlen(q->text), stop_is_name, c);
}

static void settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct telling *s = who;
	s->used = false;
	if (rc < 0)
		gap_add(c, record_kind_name(JOURNAL_COMMAND), 1, rc);
	if (rc < 0)
		return session_error(c, &s->turn.to, rc, "it is stopped, but that could not be written down: %s",
				err_text(rc));
	turn_reply(c, &s->turn, seq, &s->decision.verdict);
}

static struct telling *free_telling(struct core *c) {
	for (size_t i = 0; i < COUNT_OF(c->tellings); i++)
		if (!c->tellings[i].used)
			return &c->tellings[i];
	return NULL;
}

static void fill(struct core *c, struct telling *s, const struct request *q, const struct speaker *speaker,
		const struct reply_to *to) {
	struct turn *t = &s->turn;
	memset(s, 0, sizeof(*s));
	s->used = true;
	t->to = *to;
	t->speaker = *speaker;
	t->model = PLAN_NONE;
	t->blind = q->blind;
	t->began = t->answered = c->stopped;
	t->reply.utterance = t->reply.stop = true;
	memcpy(t->user, q->text, sizeof(t->user));
	memcpy(t->request, q->request, sizeof(t->request));
	memcpy(t->session, q->session, sizeof(t->session));
	strcpy(t->text, STOP_SIGN);
	s->decision.verdict = (struct verdict){ .what = VERDICT_STOPPED, .at = c->stopped };
}

void stop_tell(struct core *c, const struct request *q, const struct speaker *speaker, const struct reply_to *to) {
	struct telling *s = free_telling(c);
	if (!s)
		gap_add(c, record_kind_name(JOURNAL_COMMAND), 1, -EAGAIN);
	if (!s)
		return session_error(c, to, -EBUSY,
				"it is stopped; but too much waits for the disk to write that down, too");
	fill(c, s, q, speaker, to);
	if (turn_has_other_words(c, &s->turn))
		s->turn.request[0] = 0; /* somebody else's id: the stop is written down without one */
	if (turn_repeat(c, &s->turn))
		s->used = false;
	else if (q->blind)
		settled(c, s, 0, 0);
	else {
		s->decision.verdict.command = ++c->last_command;
		int rc = turn_write(c, &s->turn, &s->decision, settled, s);
		if (rc < 0)
			settled(c, s, rc, 0);
	}
}

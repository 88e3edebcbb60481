/* why_command.c - a command: the turn that it came from, what the gate said, and how it ended. */
#include <errno.h>
#include "bin/cadmus/json.h"
#include "bin/cadmus/trace.h"
#include "bin/cadmus/why.h"

struct chain {
	uint64_t id;
	uint64_t turn, command, outcome; /* records; 0: there is none */
	uint64_t last_turn;
	struct cdm_wall last_wall; /* what was submitted together has one time: the turn and what the gate said of it */
};

static int gather(void *user, const struct journal_record *r) {
	struct chain *c = user;
	struct body_command command;
	struct body_outcome outcome;
	if (r->kind == JOURNAL_TURN) {
		c->last_turn = r->seq;
		c->last_wall = r->wall;
	}
	if (r->erased)
		return 0;
	if (r->kind == JOURNAL_COMMAND && body_parse_command(r->body, r->body_bytes, &command) == 0 &&
			command.id == c->id) {
		c->command = r->seq;
		c->turn = c->last_wall.ns == r->wall.ns ? c->last_turn : 0;
		c->outcome = 0;
	}
	if (r->kind == JOURNAL_OUTCOME && body_parse_outcome(r->body, r->body_bytes, &outcome) == 0 &&
			outcome.id == c->id)
		c->outcome = r->seq;
	return 0;
}

static json_t *node(struct trace *t, uint64_t seq) {
	return seq ? trace_record(t, seq) : json_null();
}

static void print(const struct why *w, const struct chain *c, const json_t *j) {
	past_print(w->past, w->moment, w->state);
	if (c->turn)
		trace_print(json_object_get(j, "turn"), 0, "said: ");
	else
		printf("no turn: it was handed to the gate, or the turn is not there any more\n");
	trace_print(json_object_get(j, "command"), 0, "the gate let it pass: ");
	if (c->outcome)
		trace_print(json_object_get(j, "outcome"), 0, "it ended: ");
	else
		printf("it had no outcome then\n");
}

int why_command(const struct why *w, uint64_t id) {
	struct chain c = { .id = id };
	struct trace t = trace_begin(w->past, w->state, w->asker);
	int code = past_each(w->past, 1, w->state->seq, gather, &c);
	if (code)
		return code;
	if (!c.command)
		return verb_failed_hint("why", -ENOENT,
				"`cadmus log --kind command` shows them; what was let go is not there",
				"there is no record of a command %llu; the last one was %llu", (unsigned long long)id,
				(unsigned long long)w->state->command_id_max);
	json_t *turn = node(&t, c.turn), *command = node(&t, c.command);
	json_t *j = json_pack("{s:I,s:o,s:o,s:o}", "id", (json_int_t)id, "turn", turn, "command", command, "outcome",
			node(&t, c.outcome));
	if (!w->c->json) {
		json_clean(j);
		print(w, &c, j);
		json_decref(j);
		return 0;
	}
	json_t *all = past_json(w->past, w->moment, w->state);
	json_object_update(all, j);
	json_decref(j);
	return json_print(all);
}

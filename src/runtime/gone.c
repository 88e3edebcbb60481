/* gone.c - see gone.h. */
#include "runtime/gone.h"

#include <stdio.h>

static void add(struct gone *g, const struct journal_record *r, struct body_text key, struct body_text who) {
	struct gone_thing *t = &g->at[g->end++ % GONE_MAX];
	if (g->end > GONE_MAX)
		g->from = t->seq;
	*t = (struct gone_thing){ .seq = r->seq, .when = r->wall, .is_goal = r->kind == JOURNAL_GOAL,
		.visibility = r->visibility };
	snprintf(t->key, sizeof(t->key), "%.*s", (int)key.bytes, key.bytes ? key.at : "");
	snprintf(t->who, sizeof(t->who), "%.*s", (int)who.bytes, who.bytes ? who.at : r->entity);
	snprintf(t->principal, sizeof(t->principal), "%s", r->principal);
	if (t->is_goal)
		snprintf(t->who, sizeof(t->who), "%s", r->principal);
}

static void note_turn(struct gone *g, const struct journal_record *r) {
	struct body_turn b;
	if (body_parse_turn(r->body, r->body_bytes, &b) < 0)
		return;
	for (uint32_t i = 0; i < b.fact_count; i++)
		if (b.facts[i].value.bytes == 0)
			add(g, r, b.facts[i].key, b.speaker);
}

static void note_fact(struct gone *g, const struct journal_record *r) {
	struct body_fact b;
	if (body_parse_fact(r->body, r->body_bytes, &b) == 0 && b.value.bytes == 0)
		add(g, r, b.key, b.source);
}

static void note_goal(struct gone *g, const struct journal_record *r) {
	struct body_goal b;
	if (body_parse_goal(r->body, r->body_bytes, &b) == 0 && b.what != BODY_OPEN)
		add(g, r, b.id, b.id);
}

/* Entries that made room have no names here; those of other tables are in no view. */
static bool made_room(const struct journal_state *s, const struct journal_record *r, uint64_t dropped) {
	bool facts = s->fact_count == STATE_FACTS_MAX && (r->kind == JOURNAL_FACT || r->kind == JOURNAL_TURN);
	bool goals = s->goal_count == STATE_GOALS_MAX && r->kind == JOURNAL_GOAL;
	return s->dropped != dropped && (facts || goals);
}

void gone_begin(struct gone *g, uint64_t seq) {
	*g = (struct gone){ .from = seq };
}

void gone_note(struct gone *g, const struct journal_state *s, const struct journal_record *r, uint64_t dropped) {
	if (r->kind == JOURNAL_TURN)
		note_turn(g, r);
	else if (r->kind == JOURNAL_FACT)
		note_fact(g, r);
	else if (r->kind == JOURNAL_GOAL)
		note_goal(g, r);
	if (r->kind == JOURNAL_ERASE || made_room(s, r, dropped))
		g->from = r->seq;
}

const struct gone_thing *gone_back(const struct gone *g, unsigned back, uint64_t since) {
	if (back >= GONE_MAX || back >= g->end)
		return NULL;
	const struct gone_thing *t = &g->at[(g->end - 1 - back) % GONE_MAX];
	return t->seq > since ? t : NULL;
}

/* gone.c - see gone.h. */
#include "runtime/gone.h"

#include <stdio.h>

static struct gone_thing thing(const struct journal_record *r, struct body_text key, struct body_text who) {
	struct gone_thing t = { .seq = r->seq, .when = r->wall, .is_goal = r->kind == JOURNAL_GOAL,
		.visibility = r->visibility };
	snprintf(t.key, sizeof(t.key), "%.*s", (int)key.bytes, key.bytes ? key.at : "");
	snprintf(t.who, sizeof(t.who), "%.*s", (int)who.bytes, who.bytes ? who.at : r->entity);
	snprintf(t.principal, sizeof(t.principal), "%s", r->principal);
	return t;
}

static void add(struct gone *g, struct gone_thing t) {
	struct gone_thing *oldest = &g->at[g->end++ % GONE_MAX];
	if (g->end > GONE_MAX)
		g->from = oldest->seq;
	*oldest = t;
}

/* What was taken back too late, or claimed anew in the same turn, is there still. */
static void note_claim(struct gone *g, const struct journal_state *s, struct gone_thing t) {
	if (!state_fact(s, t.key, t.principal, t.who))
		add(g, t);
}

static void note_turn(struct gone *g, const struct journal_state *s, const struct journal_record *r) {
	struct body_turn b;
	if (body_parse_turn(r->body, r->body_bytes, &b) < 0)
		return;
	for (uint32_t i = 0; i < b.fact_count; i++)
		if (b.facts[i].value.bytes == 0)
			note_claim(g, s, thing(r, b.facts[i].key, b.speaker));
}

static void note_fact(struct gone *g, const struct journal_state *s, const struct journal_record *r) {
	struct body_fact b;
	if (body_parse_fact(r->body, r->body_bytes, &b) == 0 && b.value.bytes == 0)
		note_claim(g, s, thing(r, b.key, b.source));
}

static void note_goal(struct gone *g, const struct journal_record *r) {
	struct body_goal b;
	if (body_parse_goal(r->body, r->body_bytes, &b) == 0 && b.what != BODY_OPEN)
		add(g, thing(r, b.id, body_text(r->principal)));
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
		note_turn(g, s, r);
	else if (r->kind == JOURNAL_FACT)
		note_fact(g, s, r);
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

/* gone.c - see gone.h. */
#include "runtime/gone.h"

#include <stdio.h>

_Static_assert(BODY_FACTS_MAX <= 32, "a set of them");

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

/* What is taken back is gone if it was there before, and is not now: neither too late, nor claimed anew beside it. */
typedef void visit_claim(struct gone *g, const struct journal_state *s, unsigned number, struct gone_thing t);

static void look_at(struct gone *g, const struct journal_state *s, unsigned number, struct gone_thing t) {
	if (state_fact(s, t.key, t.principal, t.who))
		g->there |= UINT32_C(1) << number;
}

static void note_claim(struct gone *g, const struct journal_state *s, unsigned number, struct gone_thing t) {
	if (g->there >> number & 1 && !state_fact(s, t.key, t.principal, t.who))
		add(g, t);
}

static void each_taken_back(struct gone *g, const struct journal_state *s, const struct journal_record *r,
		visit_claim *visit) {
	struct body_turn turn;
	struct body_fact fact;
	if (r->kind == JOURNAL_FACT && body_parse_fact(r->body, r->body_bytes, &fact) == 0 && fact.value.bytes == 0)
		visit(g, s, 0, thing(r, fact.key, fact.source));
	if (r->kind != JOURNAL_TURN || body_parse_turn(r->body, r->body_bytes, &turn) < 0)
		return;
	for (uint32_t i = 0; i < turn.fact_count; i++)
		if (turn.facts[i].value.bytes == 0)
			visit(g, s, i, thing(r, turn.facts[i].key, turn.speaker));
}

void gone_look(struct gone *g, const struct journal_state *s, const struct journal_record *r) {
	g->there = 0;
	each_taken_back(g, s, r, look_at);
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
	each_taken_back(g, s, r, note_claim);
	if (r->kind == JOURNAL_GOAL)
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

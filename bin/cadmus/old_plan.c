/* old_plan.c - see old_plan.h.  Parts of a plan follow each other in the journal; the last one makes it known. */
#include "bin/cadmus/old_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"
#include "client/control.h"
#include "client/seat.h"
#include "lang/near.h"

struct parts_of_plan {
	uint64_t last;    /* the record that ends it */
	uint64_t next;    /* the part that is wanted now */
	struct hash hash; /* of the plan whose parts are being gathered */
	char *bytes;      /* 8-aligned, as malloc() gives it */
	size_t used;
	bool whole;
};

static int take_part(void *user, const struct journal_record *r) {
	struct parts_of_plan *g = user;
	struct body_plan b;
	if (r->kind != JOURNAL_PLAN || r->erased || body_parse_plan(r->body, r->body_bytes, &b) < 0)
		return 0;
	if (b.part == 1) {
		g->next = 1;
		g->used = 0;
		g->hash = b.hash;
	}
	if (b.part != g->next || !hash_equal(&b.hash, &g->hash) || g->used + b.data.bytes > PLAN_BYTES_MAX) {
		g->next = 0;
		return 0;
	}
	char *more = realloc(g->bytes, g->used + b.data.bytes);
	if (!more)
		return -ENOMEM;
	g->bytes = more;
	memcpy(g->bytes + g->used, b.data.at, b.data.bytes);
	g->used += b.data.bytes;
	g->next++;
	g->whole = r->seq == g->last && b.part == b.parts;
	return 0;
}

/* Few other records stand between its parts; if more do, all are looked at. */
#define PARTS_WINDOW 1024u

static struct plan *gather(const struct past *p, uint64_t from, uint64_t last, const struct hash *want) {
	struct parts_of_plan g = { .last = last };
	int code = past_each(p, from, last, take_part, &g);
	struct plan *plan = (struct plan *)(void *)g.bytes;
	if (code == 0 && g.whole && plan_verify(plan, g.used, NULL) == 0 && hash_equal(&plan->hash, want))
		return plan;
	free(g.bytes);
	return NULL;
}

static struct plan *of_running(const struct past *p, const struct hash *want) {
	struct seat s;
	struct plan *copy = NULL;
	int fd = control_connect(p->machine);
	if (fd < 0)
		return NULL; /* it is down, and nobody need wait for it */
	io_close(&fd);
	if (seat_attach(&s, p->machine, NULL) < 0)
		return NULL;
	if (hash_equal(&s.plan->hash, want) && (copy = malloc(s.plan->bytes)) != NULL)
		memcpy(copy, s.plan, s.plan->bytes);
	seat_close(&s);
	return copy;
}

struct plan *old_plan(const struct past *p, const struct journal_state *s) {
	struct plan *plan = NULL;
	if (s->plan_seq > PARTS_WINDOW)
		plan = gather(p, s->plan_seq - PARTS_WINDOW, s->plan_seq, &s->plan_hash);
	if (!plan && s->plan_seq)
		plan = gather(p, 1, s->plan_seq, &s->plan_hash);
	return plan ? plan : of_running(p, &s->plan_hash);
}

static bool has_told(const struct journal_state *s, const char *who) {
	bool has = false;
	for (unsigned i = 0; i < s->fact_count && !has; i++)
		has = strcmp(state_fact_at(s, i)->principal, who) == 0;
	for (unsigned i = 0; i < s->session_count && !has; i++)
		has = strcmp(state_session_at(s, i)->principal, who) == 0;
	return has;
}

int old_plan_has(const struct past *p, const struct journal_state *s, const char *who) {
	struct near n = { .word = who };
	char hint[128] = "`cadmus ps` and the description show who there is";
	struct plan *plan = who && !has_told(s, who) ? old_plan(p, s) : NULL;
	bool has = !plan || plan_find_entity(plan, who) != PLAN_NONE;
	for (uint16_t i = 0; !has && i < plan->entities.count; i++)
		near_offer(&n, plan_entities(plan)[i].name);
	if (n.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", n.best);
	int code = has ? 0 : verb_failed_hint(p->verb, -ENOENT, hint, "the plan of then names no '%s'", who);
	free(plan);
	return code;
}

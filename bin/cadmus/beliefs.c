/* beliefs.c - see beliefs.h. */
#include "bin/cadmus/beliefs.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/when.h"
#include "sem/decay.h"
#include "sem/weight.h"

/* There is a journal here and no plan: of a source no more is known than that it said so (sem/weight.h). */
static double weight(int64_t now_ns) {
	return weight_trust(NULL, UINT32_MAX, TRUST_COMMANDER, NULL, 1, now_ns);
}

static void weigh(struct belief *b) {
	struct support_claim of[CLAIMS_MAX];
	int64_t newest = b->claims[0]->seen.ns;
	for (unsigned i = 0; i < b->count; i++) {
		const struct state_fact *f = b->claims[i];
		of[i] = (struct support_claim){ f->value, f->trust_ppm / 1e6, f->confidence_ppm / 1e6,
			weight(clock_wall().ns), f->seen.ns, f->seq };
		newest = f->seen.ns > newest ? f->seen.ns : newest;
	}
	for (unsigned i = 0; i < b->count; i++) {
		b->worth[i] = support_worth(&of[i], newest);
		b->recency[i] = decay_factor(newest - of[i].seen_ns, SUPPORT_HALF_LIFE_NS);
	}
	support_of(of, b->count, &b->is);
}

/* Private claims, and not all of one person. */
static bool is_mixed(const struct belief *b) {
	const char *owner = NULL;
	for (unsigned i = 0; i < b->count && !owner; i++)
		owner = b->claims[i]->visibility == JOURNAL_PRIVATE ? b->claims[i]->principal : NULL;
	for (unsigned i = 0; i < b->count && owner; i++)
		if (!record_visible(b->claims[i]->principal, b->claims[i]->visibility, owner))
			return true;
	return false;
}

bool beliefs_next(const struct journal_state *s, const struct claims_asker *a, unsigned *next, struct belief *out) {
	const struct state_fact *first = state_fact_at(s, *next);
	if (!first)
		return false;
	out->key = first->key;
	out->count = claims_next(s, a, next, out->claims);
	if (out->count)
		weigh(out);
	out->mixed = is_mixed(out);
	return out->count > 0;
}

bool beliefs_of(const struct journal_state *s, const struct claims_asker *a, const char *key, struct belief *out) {
	unsigned first, n = state_claims(s, key, &first);
	return n > 0 && beliefs_next(s, a, &first, out);
}

unsigned beliefs_count(const struct journal_state *s, const struct claims_asker *a) {
	const struct state_fact *claims[CLAIMS_MAX];
	unsigned n = 0;
	for (unsigned next = 0; next < s->fact_count;)
		n += claims_next(s, a, &next, claims) > 0;
	return n;
}

const struct claims_asker *beliefs_asker(const char *who, struct claims_asker *room) {
	if (!who)
		return NULL;
	*room = (struct claims_asker){ who, { who, who } };
	return room;
}

bool beliefs_agrees(const struct belief *b, unsigned claim) {
	return strcmp(b->claims[claim]->value, b->claims[b->is.best]->value) == 0;
}

static bool before(const struct belief *b, unsigned x, unsigned y) {
	bool ax = beliefs_agrees(b, x), ay = beliefs_agrees(b, y);
	if (ax != ay)
		return ax;
	if (b->worth[x] > b->worth[y] || b->worth[x] < b->worth[y])
		return b->worth[x] > b->worth[y];
	return b->claims[x]->seq > b->claims[y]->seq;
}

void beliefs_order(const struct belief *b, unsigned order[CLAIMS_MAX]) {
	for (unsigned i = 0; i < b->count; i++) {
		unsigned at = i;
		for (; at > 0 && before(b, i, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* ---- showing: claims are the words of others, and none of them moves the terminal ---- */

static void print_who(const struct state_fact *f) {
	char name[CDM_NAME_MAX];
	printf("said by %s", f->source[0] ? output_text(f->source, name, sizeof(name)) : "?");
	if (f->via[0] && strcmp(f->via, f->source) != 0)
		printf(", through %s", output_text(f->via, name, sizeof(name)));
}

/* Claims of other values than what is believed, but for the strongest, which is named. */
static unsigned more_rivals(const struct belief *b) {
	unsigned n = 0;
	for (unsigned i = 0; i < b->count; i++)
		n += strcmp(b->claims[i]->value, b->claims[b->is.best]->value) != 0;
	return n ? n - 1 : 0;
}

void beliefs_print(const struct belief *b) {
	const struct state_fact *f = b->claims[b->is.best], *other = b->claims[b->is.against];
	char key[sizeof(f->key)], value[sizeof(f->value)], when[WHEN_TEXT_MAX];
	printf("  %-20s = %-20s  %.2f, ", output_text(b->key, key, sizeof(key)),
			output_text(f->value, value, sizeof(value)), b->is.degree);
	print_who(f);
	if (b->is.witnesses > 1)
		printf(" and %u more", b->is.witnesses - 1);
	printf(", seen %s, trust %.2f, record %llu\n", when_text(f->seen, when), f->trust_ppm / 1e6,
			(unsigned long long)f->seq);
	if (b->mixed)
		printf("  %-20s   (%s)\n", "", BELIEFS_MIXED);
	if (!b->is.contested)
		return;
	printf("  %-20s   otherwise: %s, %.2f, ", "", output_text(other->value, value, sizeof(value)),
			b->is.against_degree);
	print_who(other);
	printf(", record %llu", (unsigned long long)other->seq);
	if (more_rivals(b))
		printf("; and %u more", more_rivals(b));
	putchar('\n');
}

json_t *beliefs_claim_json(const struct state_fact *f) {
	char when[CLOCK_TEXT_MAX];
	json_t *from = json_array();
	for (uint32_t i = 0; i < f->from.count; i++)
		json_array_append_new(from, json_integer((json_int_t)f->from.at[i]));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:f,s:I,s:s,s:o}", "key", f->key, "value", f->value, "principal",
			f->principal, "source", f->source, "via", f->via, "visibility",
			record_visibility_name(f->visibility),
			"trust", f->trust_ppm / 1e6, "confidence", f->confidence_ppm / 1e6, "seq", (json_int_t)f->seq,
			"seen", clock_text(f->seen, when), "from", from);
}

json_t *beliefs_json(const struct belief *b, bool claims) {
	char when[CLOCK_TEXT_MAX];
	const struct state_fact *f = b->claims[b->is.best], *other = b->claims[b->is.against];
	json_t *against = NULL, *list = claims ? json_array() : NULL;
	unsigned order[CLAIMS_MAX];
	if (b->is.contested)
		against = json_pack("{s:s,s:f,s:s,s:I}", "value", other->value, "support", b->is.against_degree,
				"source", other->source, "seq", (json_int_t)other->seq);
	beliefs_order(b, order);
	for (unsigned i = 0; claims && i < b->count; i++) {
		json_t *one = beliefs_claim_json(b->claims[order[i]]);
		json_object_set_new(one, "support", json_real(b->worth[order[i]]));
		json_object_set_new(one, "recency", json_real(b->recency[order[i]]));
		json_array_append_new(list, one);
	}
	return json_pack("{s:s,s:s,s:f,s:s,s:s,s:s,s:I,s:i,s:b,s:o?,s:o*}", "key", b->key, "value", f->value, "support",
			b->is.degree, "source", f->source, "via", f->via, "seen", clock_text(f->seen, when), "seq",
			(json_int_t)f->seq, "witnesses", (int)b->is.witnesses, "mixed", b->mixed, "against", against,
			"claims", list);
}

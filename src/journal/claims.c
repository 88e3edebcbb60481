/* claims.c - see claims.h. */
#include "journal/claims.h"

static bool is_own(const struct state_fact *f, const struct claims_asker *a) {
	return strcmp(f->principal, a->owner) == 0;
}

bool claims_may_see(const struct claims_asker *a, const char *principal, unsigned visibility) {
	return strcmp(principal, a->owner) == 0 || (record_visible(principal, visibility, a->sees[0]) &&
								   record_visible(principal, visibility, a->sees[1]));
}

static bool counts(const struct state_fact *f, const struct claims_asker *a, bool has_own) {
	if (!a)
		return true;
	return claims_may_see(a, f->principal, f->visibility) && (!has_own || is_own(f, a) || f->principal[0] == 0);
}

/* In a full list the oldest makes room; the order of the others stays. */
static unsigned add(const struct state_fact *out[CLAIMS_MAX], unsigned n, const struct state_fact *f) {
	if (n < CLAIMS_MAX) {
		out[n] = f;
		return n + 1;
	}
	unsigned oldest = 0;
	for (unsigned i = 1; i < n; i++)
		oldest = out[i]->seq < out[oldest]->seq ? i : oldest;
	if (f->seq < out[oldest]->seq)
		return n;
	for (unsigned i = oldest; i + 1 < n; i++)
		out[i] = out[i + 1];
	out[n - 1] = f;
	return n;
}

unsigned claims_next(const struct journal_state *s, const struct claims_asker *a, unsigned *next,
		const struct state_fact *out[CLAIMS_MAX]) {
	const struct state_fact *first = state_fact_at(s, *next), *f = first;
	unsigned end = *next, n = 0;
	bool has_own = false;
	for (; f && strcmp(f->key, first->key) == 0; f = state_fact_at(s, ++end))
		has_own = has_own || (a && is_own(f, a));
	for (unsigned i = *next; i < end; i++)
		if (counts(state_fact_at(s, i), a, has_own))
			n = add(out, n, state_fact_at(s, i));
	*next = end;
	return n;
}

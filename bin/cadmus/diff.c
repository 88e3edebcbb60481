/* diff.c - see diff.h.  Lists are sorted by their keys first, so that one pass over both finds what is in which. */
#include "bin/cadmus/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/parts.h"

struct keyed {
	char key[PARTS_KEY_MAX];
	json_t *item; /* of the list */
};

static int by_key(const void *a, const void *b) {
	return strcmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

/* The items of a list by key; the caller's to free(). */
static struct keyed *sorted(const struct part *p, const json_t *list) {
	size_t n = json_array_size(list);
	struct keyed *all = calloc(n + 1, sizeof(*all));
	CHECK(all != NULL); /* some thousand items at most */
	for (size_t i = 0; i < n; i++) {
		all[i].item = json_array_get(list, i);
		parts_key(p, all[i].item, all[i].key);
	}
	qsort(all, n, sizeof(*all), by_key);
	return all;
}

/* ---- why another thing is believed ---- */

static bool stands(const struct journal_state *s, const struct state_fact *f) {
	const struct state_fact *now = state_fact(s, f->key, f->principal, f->source);
	return now && now->seq == f->seq;
}

/* Of a claim that is not there: was it taken back?  Where claims made room as well, the two states do not tell. */
static const char *gone(const struct journal_state *a, const struct journal_state *b) {
	return b->dropped == a->dropped ? "does not say any more what it said in"
					: "has taken back, or it made room for others, what it said in";
}

static json_t *say(const struct state_fact *f, const char *what) {
	char text[256];
	snprintf(text, sizeof(text), "%s %s record %llu", f->source, what, (unsigned long long)f->seq);
	return json_string(text);
}

/* Of a belief that is another one, or supported otherwise, in b than in a. */
static json_t *why(const struct journal_state *a, const struct journal_state *b, const struct claims_asker *asker,
		const char *key) {
	struct belief was, is;
	bool had = beliefs_of(a, asker, key, &was), has = beliefs_of(b, asker, key, &is);
	if (has && is.claims[is.is.best]->seq > a->seq)
		return say(is.claims[is.is.best], "says so:");
	const struct state_fact *old = had ? was.claims[was.is.best] : NULL;
	const struct state_fact *now = old ? state_fact(b, key, old->principal, old->source) : NULL;
	if (old && now && now->seq != old->seq)
		return say(now, "says something else:");
	if (old && !now)
		return say(old, gone(a, b));
	for (unsigned i = 0; has && i < is.count; i++)
		if (is.claims[i]->seq > a->seq)
			return say(is.claims[i], "has said something of it:");
	for (unsigned i = 0; had && i < was.count; i++)
		if (!stands(b, was.claims[i]))
			return say(was.claims[i], gone(a, b));
	return json_string("");
}

/* ---- one part ---- */

struct pair {
	const struct journal_state *a, *b;
	const struct claims_asker *asker;
};

static void add(json_t *into, const struct pair *s, enum parts_id id, json_t *old, json_t *new) {
	json_t *one = json_pack("{s:O?,s:O?}", "old", old, "new", new);
	const char *key = json_string_value(json_object_get(new ? new : old, "key"));
	if (id == PARTS_BELIEFS && key)
		json_object_set_new(one, "why", why(s->a, s->b, s->asker, key));
	json_array_append_new(into, one);
}

static json_t *changes(const struct pair *s, enum parts_id id) {
	const struct part *p = &parts[id];
	json_t *was = p->list(s->a, s->asker), *is = p->list(s->b, s->asker), *out = json_array();
	struct keyed *x = sorted(p, was), *y = sorted(p, is);
	for (size_t i = 0, j = 0; x[i].item || y[j].item;) {
		int order = !x[i].item ? 1 : !y[j].item ? -1 : strcmp(x[i].key, y[j].key);
		json_t *old = order <= 0 ? x[i++].item : NULL, *new = order >= 0 ? y[j++].item : NULL;
		if (!old || !new || !json_equal(old, new))
			add(out, s, id, old, new);
	}
	free(x);
	free(y);
	json_decref(was);
	json_decref(is);
	return out;
}

json_t *diff_parts(const struct journal_state *a, const struct journal_state *b, const struct claims_asker *asker) {
	struct pair s = { a, b, asker };
	json_t *out = json_object();
	for (unsigned id = 0; id < PARTS_COUNT; id++) {
		json_t *list = changes(&s, (enum parts_id)id);
		if (json_array_size(list))
			json_object_set(out, parts[id].name, list);
		json_decref(list);
	}
	return out;
}

json_t *diff_records(const struct journal_state *a, const struct journal_state *b) {
	json_t *out = json_object();
	for (unsigned k = 0; k <= JOURNAL_KIND_COUNT; k++)
		if (b->kinds[k] > a->kinds[k])
			json_object_set_new(out, record_kind_name(k),
					json_integer((json_int_t)(b->kinds[k] - a->kinds[k])));
	return out;
}

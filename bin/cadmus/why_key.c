/*
 * why_key.c - what is believed of a key, and the chain of records behind it.
 *
 * The state has the claims that stand.  What their sources said before is found by one walk over the records; so are
 * those who said something and took it back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/clock.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/trace.h"
#include "bin/cadmus/why.h"
#include "lang/near.h"

#define EARLIER_SHOWN 8u /* of one source, for people */

/* ---- what was said of the key, ever ---- */

struct said {
	uint64_t seq;
	struct cdm_wall wall;
	char principal[CDM_NAME_MAX], source[CDM_NAME_MAX];
	char value[BODY_VALUE_MAX + 1]; /* "": taken back */
	bool dated;  /* its source says when it was so: told late, it changes nothing */
	int64_t seen_ms;
	bool late;   /* it was */
};

struct history {
	const struct why *why;
	const char *key;
	struct said *all; /* in the order of the journal */
	size_t count, capacity;
};

static bool is_text(struct body_text t, const char *s) {
	return t.bytes == strlen(s) && (t.bytes == 0 || memcmp(t.at, s, t.bytes) == 0);
}

static void copy(char *out, size_t capacity, struct body_text t) {
	snprintf(out, capacity, "%.*s", (int)t.bytes, t.bytes ? t.at : "");
}

static int note(struct history *h, const struct journal_record *r, struct body_text source, struct body_text value,
		uint64_t seen_ms, bool derives) {
	struct said *all = array_grow(h->all, h->count, &h->capacity, sizeof(*all));
	if (!all)
		return -ENOMEM;
	h->all = all;
	struct said *s = &h->all[h->count++];
	int64_t told_ms = r->wall.ns / NS_PER_MS; /* nothing is seen later */
	*s = (struct said){ .seq = r->seq, .wall = r->wall, .dated = seen_ms && !derives,
		.seen_ms = seen_ms && (int64_t)seen_ms < told_ms ? (int64_t)seen_ms : told_ms };
	snprintf(s->principal, sizeof(s->principal), "%s", r->principal);
	copy(s->source, sizeof(s->source), source.bytes ? source : body_text(r->entity));
	copy(s->value, sizeof(s->value), value);
	return 0;
}

static int gather(void *user, const struct journal_record *r) {
	struct history *h = user;
	struct body_turn turn;
	struct body_fact fact;
	int rc = 0;
	if (r->erased || (h->why->asker && !record_visible(r->principal, r->visibility, h->why->asker->owner)))
		return 0;
	if (r->kind == JOURNAL_FACT && body_parse_fact(r->body, r->body_bytes, &fact) == 0 && is_text(fact.key, h->key))
		return note(h, r, fact.source, fact.value, fact.seen_ms, fact.from.count > 0);
	if (r->kind != JOURNAL_TURN || body_parse_turn(r->body, r->body_bytes, &turn) < 0)
		return 0;
	for (uint32_t i = 0; rc == 0 && i < turn.fact_count; i++)
		if (is_text(turn.facts[i].key, h->key))
			rc = note(h, r, turn.speaker, turn.facts[i].value, turn.said_ms, false);
	return rc;
}

static bool same_source(const struct said *s, const char *principal, const char *source) {
	return strcmp(s->principal, principal) == 0 && strcmp(s->source, source) == 0;
}

/* What its source had claimed just before number i, without what was late; NULL: nothing. */
static const struct said *before(const struct history *h, size_t i) {
	for (size_t k = i; k > 0; k--) {
		const struct said *s = &h->all[k - 1];
		if (!s->late && same_source(s, h->all[i].principal, h->all[i].source))
			return s;
	}
	return NULL;
}

/* Which of them the fold passed over, as their source had said something of a later time (journal/state.c). */
static void find_late(struct history *h) {
	for (size_t i = 0; i < h->count; i++) {
		struct said *s = &h->all[i];
		const struct said *known = s->dated ? before(h, i) : NULL;
		s->late = known && known->value[0] && s->seen_ms < known->seen_ms;
	}
}

/* What that source said of it but record `seq`, the last first: before, or late. */
static json_t *earlier(const struct history *h, const char *principal, const char *source, uint64_t seq) {
	json_t *list = json_array();
	char at[CLOCK_TEXT_MAX];
	for (size_t i = h->count; i-- > 0;) {
		const struct said *s = &h->all[i];
		if ((s->seq < seq || s->late) && same_source(s, principal, source))
			json_array_append_new(list, json_pack("{s:I,s:s,s:s?,s:b}", "seq", (json_int_t)s->seq, "time",
					clock_text(s->wall, at), "value", s->value[0] ? s->value : NULL, "late",
					s->late));
	}
	return list;
}

/* Did it make room for others?  Who takes a claim back says so; else what stands nowhere was not held. */
static bool made_room(const struct why *w, const struct said *last) {
	return last->value[0] && w->state->dropped > 0;
}

/* Those who have said something of it and have no claim that stands. */
static json_t *withdrawn(const struct why *w, const struct history *h) {
	json_t *list = json_array();
	for (size_t i = 0; i < h->count; i++) {
		const struct said *s = &h->all[i];
		bool again = state_fact(w->state, h->key, s->principal, s->source) != NULL;
		for (size_t k = i + 1; k < h->count && !again; k++)
			again = same_source(&h->all[k], s->principal, s->source);
		if (!again)
			json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:o}", "principal", s->principal, "source",
					s->source, "made_room", made_room(w, s), "said",
					earlier(h, s->principal, s->source, UINT64_MAX)));
	}
	return list;
}

/* ---- all of it ---- */

static json_t *claim(const struct why *w, const struct history *h, const struct belief *b, unsigned i,
		struct trace *t) {
	const struct state_fact *f = b->claims[i];
	json_t *j = beliefs_claim_json(f);
	json_object_set_new(j, "agrees", json_boolean(beliefs_agrees(b, i)));
	json_object_set_new(j, "support", json_real(b->worth[i]));
	json_object_set_new(j, "recency", json_real(b->recency[i]));
	json_object_set_new(j, "record", trace_record(t, f->seq));
	json_object_set_new(j, "earlier", earlier(h, f->principal, f->source, f->seq));
	(void)w;
	return j;
}

static json_t *explain(const struct why *w, const struct history *h, const struct belief *b) {
	struct trace t = trace_begin(w->past, w->state, w->asker);
	json_t *claims = json_array();
	unsigned order[CLAIMS_MAX];
	if (b)
		beliefs_order(b, order);
	for (unsigned i = 0; b && i < b->count; i++)
		json_array_append_new(claims, claim(w, h, b, order[i], &t));
	return json_pack("{s:s,s:o?,s:o,s:o}", "key", h->key, "belief", b ? beliefs_json(b, false) : NULL, "claims",
			claims,
			"withdrawn", withdrawn(w, h));
}

/* ---- for people ---- */

static const char *text_of(const json_t *o, const char *member) {
	const char *s = json_string_value(json_object_get(o, member));
	return s ? s : "";
}

static double number_of(const json_t *o, const char *member) {
	return json_number_value(json_object_get(o, member));
}

static void print_earlier(const json_t *list, const char *before) {
	char words[TRACE_WORDS_MAX];
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n && i < EARLIER_SHOWN; i++) {
		const json_t *one = json_array_get(list, i);
		const char *value = json_string_value(json_object_get(one, "value"));
		printf("%s%s (record %lld%s)", i ? ", " : before,
				value ? trace_words(value, words) : "nothing any more",
				(long long)json_integer_value(json_object_get(one, "seq")),
				json_is_true(json_object_get(one, "late")) ? ", told late" : "");
	}
	if (n > EARLIER_SHOWN)
		printf(", and %zu more", n - EARLIER_SHOWN);
	if (n)
		printf("\n");
}

static void print_claim(const json_t *j) {
	char value[TRACE_WORDS_MAX];
	const char *via = text_of(j, "via");
	printf("%c %s  %.3f = trust %.3f x confidence %.3f x recency %.3f\n",
			json_is_true(json_object_get(j, "agrees")) ? '+' : '-', trace_words(text_of(j, "value"), value),
			number_of(j, "support"), number_of(j, "trust"), number_of(j, "confidence"), number_of(j,
			"recency"));
	printf("    said by %s%s%s, seen %s\n", text_of(j, "source"), via[0] ? ", through " : "", via, text_of(j,
			"seen"));
	trace_print(json_object_get(j, "record"), 4, "");
	print_earlier(json_object_get(j, "earlier"), "    before that it said ");
}

static void print(const struct why *w, const struct belief *b, const json_t *j) {
	char key[TRACE_WORDS_MAX], value[TRACE_WORDS_MAX];
	const json_t *one;
	size_t i;
	past_print(w->past, w->moment, w->state);
	trace_words(text_of(j, "key"), key);
	if (!b)
		printf("nothing is believed of %s\n", key);
	else
		printf("%s = %s is believed, %.3f, by %u of %u\n", key, trace_words(b->claims[b->is.best]->value,
				value), b->is.degree, b->is.witnesses, b->count);
	if (b && b->mixed)
		printf("(%s)\n", BELIEFS_MIXED);
	if (b && b->is.contested)
		printf("against it: %s, %.3f\n", trace_words(b->claims[b->is.against]->value, value),
				b->is.against_degree);
	json_array_foreach(json_object_get(j, "claims"), i, one)
		print_claim(one);
	json_array_foreach(json_object_get(j, "withdrawn"), i, one) {
		if (json_is_true(json_object_get(one, "made_room")))
			printf("  what %s said is not held any more, it made room for others", text_of(one, "source"));
		else if (json_is_string(json_object_get(json_array_get(json_object_get(one, "said"), 0), "value")))
			printf("  what %s said does not count", text_of(one, "source"));
		else
			printf("  %s says nothing of it any more", text_of(one, "source"));
		print_earlier(json_object_get(one, "said"), "; it said, the last first: ");
	}
}

/* ---- asked ---- */

static int nothing(const struct why *w, const char *key) {
	struct near n = { .word = key };
	struct belief b;
	char hint[256] = "`cadmus state` shows what is believed";
	for (unsigned next = 0; next < w->state->fact_count;)
		if (beliefs_next(w->state, w->asker, &next, &b))
			near_offer(&n, b.key);
	if (n.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", n.best);
	if (!w->moment->when.is_now)
		return verb_failed_hint("why", -ENOENT, hint, "nothing had been said of '%s' then", key);
	if (w->state->erased)
		return verb_failed_hint("why", -ENOENT, hint,
				"nothing is there that was said of '%s'; what %llu erased record%s said is not known",
				key, (unsigned long long)w->state->erased, w->state->erased == 1 ? "" : "s");
	return verb_failed_hint("why", -ENOENT, hint, "nothing was ever said of '%s'", key);
}

int why_key(const struct why *w, const char *key) {
	struct history h = { .why = w, .key = key };
	struct belief b;
	bool believed = beliefs_of(w->state, w->asker, key, &b);
	int code = past_each(w->past, 1, w->state->seq, gather, &h);
	find_late(&h);
	if (code == 0 && !believed && h.count == 0)
		code = nothing(w, key);
	if (code == 0) {
		json_t *j = explain(w, &h, believed ? &b : NULL);
		if (w->c->json) {
			json_t *all = past_json(w->past, w->moment, w->state);
			json_object_update(all, j);
			code = json_print(all);
		} else {
			json_clean(j);
			print(w, believed ? &b : NULL, j);
		}
		json_decref(j);
	}
	free(h.all);
	return code;
}

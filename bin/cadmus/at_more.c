/* at_more.c - facts, goals, sessions and models as they were. */
#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "bin/cadmus/at.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/parts.h"
#include "bin/cadmus/trace.h"
#include "lang/near.h"

/* ---- facts ---- */

static int no_fact(const struct at *a, const char *key) {
	struct near n = { .word = key };
	struct belief b;
	char hint[256] = "`cadmus why KEY` shows whether anything was said of it";
	for (unsigned next = 0; next < a->state->fact_count;)
		if (beliefs_next(a->state, a->asker, &next, &b))
			near_offer(&n, b.key);
	if (n.best)
		snprintf(hint, sizeof(hint), "did you mean '%s'?", n.best);
	if (a->state->dropped)
		return verb_failed_hint("at", -ENOENT, hint,
				"nothing was held of '%s' then; some of what was held had made room", key);
	return verb_failed_hint("at", -ENOENT, hint, "nothing was believed of '%s' then", key);
}

int at_fact(const struct at *a, const char *name) {
	struct belief b;
	char key[256];
	unsigned order[CLAIMS_MAX];
	char line[PARTS_LINE_MAX];
	snprintf(key, sizeof(key), "%s", name);
	body_fold_key(key);
	if (!beliefs_of(a->state, a->asker, key, &b))
		return no_fact(a, key);
	if (a->into) {
		json_object_set_new(a->into, "belief", beliefs_json(&b, true));
		return 0;
	}
	at_begin(a);
	beliefs_print(&b);
	beliefs_order(&b, order);
	printf("claims\n");
	for (unsigned i = 0; i < b.count; i++) {
		json_t *j = beliefs_claim_json(b.claims[order[i]]);
		printf("  %.2f  %s\n", b.worth[order[i]], parts_line(&parts[PARTS_CLAIMS], j, line));
		json_decref(j);
	}
	return 0;
}

/* ---- lists, or one of them ---- */

/* Items of a part, those alone whose member `member` is `name` if it is not NULL. */
static json_t *items(const struct at *a, enum parts_id id, const char *member, const char *name) {
	json_t *all = parts[id].list(a->state, a->asker), *some = json_array(), *item;
	size_t i;
	json_array_foreach(all, i, item) {
		const char *is = json_string_value(json_object_get(item, member));
		if (!name || (is && strcmp(is, name) == 0))
			json_array_append(some, item);
	}
	json_decref(all);
	return some;
}

static int show(const struct at *a, enum parts_id id, json_t *list) {
	char line[PARTS_LINE_MAX];
	json_t *item;
	size_t i;
	if (a->into) {
		json_object_set_new(a->into, parts[id].name, list);
		return 0;
	}
	at_begin(a);
	printf("%s%s\n", parts[id].name, json_array_size(list) ? "" : ": none");
	json_array_foreach(list, i, item)
		printf("  %s\n", parts_line(&parts[id], item, line));
	json_decref(list);
	return 0;
}

static int some(const struct at *a, enum parts_id id, const char *member, const char *name, const char *one) {
	json_t *list = items(a, id, member, name);
	if (!name || json_array_size(list))
		return show(a, id, list);
	json_decref(list);
	char hint[64];
	snprintf(hint, sizeof(hint), "`cadmus at WHEN %s` lists them", one);
	return verb_failed_hint("at", -ENOENT, hint, "there was no %s%s '%s' then", id == PARTS_GOALS ? "open " : "",
			one, name);
}

int at_goal(const struct at *a, const char *name) {
	char id[256];
	snprintf(id, sizeof(id), "%s", name ? name : "");
	body_fold_key(id);
	return some(a, PARTS_GOALS, "id", name ? id : NULL, "goal");
}

int at_model(const struct at *a, const char *name) {
	return some(a, PARTS_MODELS, "name", name, "model");
}

/* ---- a session, and what was said in it ---- */

#define TURNS_SHOWN 20u

struct said {
	const struct at *at;
	const char *session;
	json_t *turns;
};

static json_t *text_of(struct body_text t) {
	return json_stringn(t.bytes ? t.at : "", t.bytes);
}

static int take_turn(void *user, const struct journal_record *r) {
	struct said *s = user;
	struct body_turn b;
	char at[CLOCK_TEXT_MAX];
	if (r->kind != JOURNAL_TURN || r->erased || body_parse_turn(r->body, r->body_bytes, &b) < 0)
		return 0;
	if (b.session.bytes != strlen(s->session) || memcmp(b.session.at, s->session, b.session.bytes) != 0)
		return 0;
	if (s->at->asker && !record_visible(r->principal, r->visibility, s->at->asker->owner))
		return 0;
	json_array_append_new(s->turns, json_pack("{s:I,s:s,s:s,s:o,s:o,s:o,s:o}", "seq", (json_int_t)r->seq, "time",
			clock_text(r->wall, at), "principal", r->principal, "speaker", text_of(b.speaker), "model",
			text_of(b.model), "user", text_of(b.user), "answer", text_of(b.answer)));
	return 0;
}

static const char *text_at(const json_t *turn, const char *member) {
	return json_string_value(json_object_get(turn, member));
}

static void print_turns(const json_t *turns) {
	size_t n = json_array_size(turns);
	if (n > TURNS_SHOWN)
		printf("  ... and %zu turns before\n", n - TURNS_SHOWN);
	for (size_t i = n > TURNS_SHOWN ? n - TURNS_SHOWN : 0; i < n; i++) {
		const json_t *t = json_array_get(turns, i);
		char text[TRACE_WORDS_MAX];
		printf("  record %lld, %s: %s\n", (long long)json_integer_value(json_object_get(t, "seq")),
				text_at(t, "speaker"), trace_words(text_at(t, "user"), text));
		printf("    %s: %s\n", text_at(t, "model"), trace_words(text_at(t, "answer"), text));
	}
}

int at_session(const struct at *a, const char *id) {
	int code = some(a, PARTS_SESSIONS, "id", id, "session");
	if (code || !id)
		return code;
	struct said s = { a, id, json_array() };
	code = past_each(a->past, 1, a->state->seq, take_turn, &s);
	if (a->into) {
		json_object_set(a->into, "said", s.turns);
	} else {
		json_clean(s.turns);
		print_turns(s.turns);
	}
	json_decref(s.turns);
	return code;
}

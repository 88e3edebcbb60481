/* parts.c - see parts.h. */
#include "bin/cadmus/parts.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/utf8.h"
#include "bin/cadmus/beliefs.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/when.h"

#define VALUE_SHOWN 200u /* bytes of a text on a line */
#define HASH_SHOWN 12u

typedef const struct journal_state state;
typedef const struct claims_asker asker;

/* ---- one list a part ---- */

static const char *time_of(struct cdm_wall t, char out[CLOCK_TEXT_MAX]) {
	return clock_text(t, out);
}

static json_t *list_beliefs(state *s, asker *a) {
	json_t *list = json_array();
	struct belief b;
	for (unsigned next = 0; next < s->fact_count;)
		if (beliefs_next(s, a, &next, &b))
			json_array_append_new(list, beliefs_json(&b, false));
	return list;
}

static bool may_see(asker *a, const char *principal, unsigned visibility) {
	return !a || record_visible(principal, visibility, a->owner);
}

static json_t *list_claims(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_fact *f;
	for (unsigned i = 0; (f = state_fact_at(s, i)) != NULL; i++)
		if (may_see(a, f->principal, f->visibility))
			json_array_append_new(list, beliefs_claim_json(f));
	return list;
}

static json_t *list_settings(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_setting *v;
	char at[CLOCK_TEXT_MAX];
	(void)a;
	for (unsigned i = 0; (v = state_setting_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:I}", "field", v->field, "value", v->value,
				"principal", v->principal, "time", time_of(v->wall, at), "seq", (json_int_t)v->seq));
	return list;
}

static json_t *list_goals(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_goal *g;
	for (unsigned i = 0; (g = state_goal_at(s, i)) != NULL; i++) {
		char at[CLOCK_TEXT_MAX], due[CLOCK_TEXT_MAX];
		bool fits = g->due_ms && g->due_ms < (uint64_t)(INT64_MAX / NS_PER_MS);
		if (!may_see(a, g->principal, g->visibility))
			continue;
		clock_text((struct cdm_wall){ fits ? (int64_t)g->due_ms * NS_PER_MS : 0 }, due);
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:f,s:s?,s:s,s:I}", "id", g->id, "principal",
				g->principal, "text", g->text, "weight", g->weight_ppm / 1e6, "due", fits ? due : NULL,
				"time", time_of(g->wall, at), "seq", (json_int_t)g->seq));
	}
	return list;
}

static json_t *list_sessions(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_session *v;
	char at[CLOCK_TEXT_MAX];
	for (unsigned i = 0; (v = state_session_at(s, i)) != NULL; i++)
		if (may_see(a, v->principal, JOURNAL_PRIVATE))
			json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I,s:s,s:I}", "principal", v->principal,
					"id", v->id, "turns", (json_int_t)v->turns, "first", (json_int_t)v->first_seq,
					"time", time_of(v->wall, at), "seq", (json_int_t)v->seq));
	return list;
}

static json_t *list_commands(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_command *v;
	(void)a;
	for (unsigned i = 0; (v = state_command_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:I,s:s,s:I}", "id", (json_int_t)v->id, "principal",
				v->principal,
				"seq", (json_int_t)v->seq));
	return list;
}

static json_t *list_models(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_model *m;
	(void)a;
	for (unsigned i = 0; (m = state_model_at(s, i)) != NULL; i++) {
		bool active = strcmp(m->name, s->active_model) == 0;
		json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I}", "name", m->name, "state",
				active ? "active" : m->loaded ? "loaded" : "unloaded", "loads", (json_int_t)m->loads,
				"seq", (json_int_t)m->seq));
	}
	return list;
}

static json_t *list_dictionaries(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_dictionary *d;
	char hex[HASH_TEXT_MAX];
	(void)a;
	for (unsigned i = 0; (d = state_dictionary_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:s,s:I}", "table", d->table, "version",
				(json_int_t)d->version, "changes", (json_int_t)d->changes, "hash",
				hash_text(&d->hash, 64, hex), "seq", (json_int_t)d->seq));
	return list;
}

static json_t *list_evidence(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_evidence *e;
	(void)a;
	for (unsigned i = 0; (e = state_evidence_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:f,s:f,s:I,s:I}", "subject", e->subject, "role",
				e->role,
				"dim", e->dim, "p", (double)e->p_ppm / 1e6, "n", (double)e->n_ppm / 1e6, "count",
				(json_int_t)e->count, "seq", (json_int_t)e->seq));
	return list;
}

static json_t *list_samples(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_sample *v;
	char hex[HASH_TEXT_MAX], seen[CLOCK_TEXT_MAX];
	(void)a;
	for (unsigned i = 0; (v = state_sample_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:I,s:I,s:f,s:s,s:I}", "field", v->field, "hash",
				hash_text(&v->hash, 64, hex), "status", v->status, "version", (json_int_t)v->version,
				"bytes", (json_int_t)v->bytes, "trust", v->trust_ppm / 1e6, "seen",
				time_of(v->seen, seen), "seq", (json_int_t)v->seq));
	return list;
}

static json_t *list_gaps(state *s, asker *a) {
	json_t *list = json_array();
	const struct state_gap *g;
	(void)a;
	for (unsigned i = 0; (g = state_gap_at(s, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:I}", "what", g->what, "count",
				(json_int_t)g->count,
				"times", (json_int_t)g->times, "seq", (json_int_t)g->seq));
	return list;
}

static json_t *list_counters(state *s, asker *a) {
	const struct {
		const char *name;
		uint64_t value;
	} all[] = { { "epoch", s->epoch }, { "turns", s->turns_end }, { "requests", s->requests_end },
		{ "symbols", s->symbols_end }, { "last command", s->command_id_max }, { "erasures", s->erased_end },
		{ "erased", s->erased }, { "broken", s->broken }, { "duplicates", s->duplicates }, { "dropped",
		s->dropped }, { "compacted", s->compacted }, { "plan", s->plan_seq } };
	json_t *list = json_array();
	(void)a;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		json_array_append_new(list, json_pack("{s:s,s:I}", "name", all[i].name, "value",
				(json_int_t)all[i].value));
	return list;
}

#define KEYS(...) { __VA_ARGS__ }
#define PART(ID, id, keys_, value_) { .name = #id, .keys = keys_, .value = value_, .list = list_##id },
const struct part parts[PARTS_COUNT] = {
#include "bin/cadmus/parts.def"
};
#undef PART
#undef KEYS

/* ---- one line an item ---- */

struct line {
	char *out;
	size_t used, capacity;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...) {
	va_list args;
	va_start(args, format);
	int n = vsnprintf(l->out + l->used, l->capacity - l->used, format, args);
	va_end(args);
	if (n > 0)
		l->used += (size_t)n < l->capacity - l->used ? (size_t)n : l->capacity - l->used - 1;
}

static void add_value(struct line *l, const char *name, const json_t *v) {
	const char *text = json_string_value(v);
	if (json_is_real(v))
		add(l, "%.3g", json_real_value(v));
	else if (json_is_integer(v))
		add(l, "%lld", (long long)json_integer_value(v));
	else if (text) {
		size_t bytes = json_string_length(v), room = strcmp(name, "hash") == 0 ? HASH_SHOWN : VALUE_SHOWN;
		size_t n = utf8_cut(text, bytes, room);
		add(l, "%.*s%s", (int)n, text, n < bytes && room == VALUE_SHOWN ? "..." : "");
	}
}

static bool is_key(const struct part *p, const char *name) {
	for (unsigned i = 0; i < COUNT_OF(p->keys) && p->keys[i]; i++)
		if (strcmp(p->keys[i], name) == 0)
			return true;
	return false;
}

/* Nothing to say: null, "", an empty list; a key that another has already said. */
static bool is_empty(const json_t *v) {
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

static void add_list(struct line *l, const json_t *list) {
	const json_t *v;
	size_t i;
	json_array_foreach(list, i, v)
		add(l, "%s%lld", i ? " " : "", (long long)json_integer_value(v));
}

static void add_rest(struct line *l, const struct part *p, const json_t *item) {
	const char *name;
	json_t *v;
	unsigned n = 0;
	json_object_foreach((json_t *)(uintptr_t)item, name, v) {
		if (is_key(p, name) || is_empty(v) || (p->value && strcmp(name, p->value) == 0))
			continue;
		add(l, "%s%s ", n++ ? ", " : "  (", strcmp(name, "seq") == 0 ? "record" : name);
		if (json_is_object(v)) { /* against */
			add_value(l, "value", json_object_get(v, "value"));
			add(l, " ");
			add_value(l, "support", json_object_get(v, "support"));
			add(l, " by ");
			add_value(l, "source", json_object_get(v, "source"));
		} else if (json_is_array(v))
			add_list(l, v);
		else
			add_value(l, name, v);
	}
	if (n)
		add(l, ")");
}

const char *parts_key(const struct part *p, const json_t *item, char out[PARTS_KEY_MAX]) {
	struct line l = { out, 0, PARTS_KEY_MAX };
	out[0] = 0;
	for (unsigned i = 0; i < COUNT_OF(p->keys) && p->keys[i]; i++) {
		const json_t *v = json_object_get(item, p->keys[i]);
		if (is_empty(v))
			continue;
		if (l.used)
			add(&l, " ");
		add_value(&l, p->keys[i], v);
	}
	return out;
}

const char *parts_line(const struct part *p, const json_t *item, char out[PARTS_LINE_MAX]) {
	char key[PARTS_KEY_MAX];
	struct line l = { out, 0, PARTS_LINE_MAX };
	add(&l, "%s", parts_key(p, item, key));
	if (p->value) {
		add(&l, " = ");
		add_value(&l, p->value, json_object_get(item, p->value));
	}
	add_rest(&l, p, item);
	return output_clean(out, false);
}

/* ---- a state as a whole ---- */

static void print_part(const struct part *p, const struct journal_state *s, const struct claims_asker *a) {
	char line[PARTS_LINE_MAX];
	json_t *list = p->list(s, a), *item;
	size_t i;
	if (json_array_size(list))
		printf("%s\n", p->name);
	json_array_foreach(list, i, item)
		printf("  %s\n", parts_line(p, item, line));
	json_decref(list);
}

static void print_beliefs(const struct journal_state *s, const struct claims_asker *a) {
	struct belief b;
	if (beliefs_count(s, a))
		printf("beliefs\n");
	for (unsigned next = 0; next < s->fact_count;)
		if (beliefs_next(s, a, &next, &b))
			beliefs_print(&b);
}

static const enum parts_id shown[] = { PARTS_SETTINGS, PARTS_GOALS, PARTS_SESSIONS, PARTS_COMMANDS, PARTS_MODELS,
	PARTS_GAPS };

void parts_print(const struct journal_state *s, const struct claims_asker *a) {
	printf("turns %llu  model %s  samples %u  dictionaries %u  evidence %u\n", (unsigned long long)s->turns_end,
			s->active_model[0] ? s->active_model : "-", s->sample_count, s->dictionary_count,
			s->evidence_count);
	print_beliefs(s, a);
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		print_part(&parts[shown[i]], s, a);
}

void parts_json(const struct journal_state *s, const struct claims_asker *a, json_t *into) {
	json_t *settings = json_object();
	const struct state_setting *v;
	for (unsigned i = 0; (v = state_setting_at(s, i)) != NULL; i++)
		json_object_set_new(settings, v->field, json_string(v->value));
	json_object_set_new(into, "turns", json_integer((json_int_t)s->turns_end));
	json_object_set_new(into, "model", json_string(s->active_model));
	json_object_set_new(into, "beliefs", list_beliefs(s, a));
	json_object_set_new(into, "facts", list_claims(s, a));
	json_object_set_new(into, "settings", settings);
	for (size_t i = 1; i < COUNT_OF(shown); i++)
		json_object_set_new(into, parts[shown[i]].name, parts[shown[i]].list(s, a));
	json_object_set_new(into, "samples", json_integer(s->sample_count));
	json_object_set_new(into, "dictionaries", json_integer(s->dictionary_count));
	json_object_set_new(into, "evidence", json_integer(s->evidence_count));
}

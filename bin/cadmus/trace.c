/* trace.c - see trace.h. */
#include "bin/cadmus/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/utf8.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/output.h"

struct trace trace_begin(const struct past *p, const struct journal_state *s, const struct claims_asker *a) {
	return (struct trace){ .past = p, .asker = a, .upto = s->seq, .compacted = s->compacted };
}

/* ---- looking ---- */

struct found {
	struct trace *t;
	uint64_t seq;
	json_t *node; /* NULL: it is not there */
	struct body_seqs from;
};

static void fill(struct found *f, const struct journal_record *r) {
	char at[CLOCK_TEXT_MAX];
	struct body_fact fact;
	bool hidden = f->t->asker && !record_visible(r->principal, r->visibility, f->t->asker->owner);
	const char *is = hidden ? "hidden" : r->erased ? "erased" : "whole";
	f->node = json_pack("{s:I,s:s,s:s,s:s}", "seq", (json_int_t)r->seq, "is", is, "time", clock_text(r->wall, at),
			"kind", r->kind_name);
	if (hidden || !f->node)
		return;
	json_object_set_new(f->node, "entity", json_string(r->entity));
	json_object_set_new(f->node, "principal", json_string(r->principal));
	json_object_set_new(f->node, "visibility", json_string(record_visibility_name(r->visibility)));
	if (r->erased)
		return;
	json_object_set_new(f->node, "body", json_from_msgpack(r->body, r->body_bytes));
	if (r->kind == JOURNAL_FACT && body_parse_fact(r->body, r->body_bytes, &fact) == 0)
		f->from = fact.from;
}

static int look(void *user, const struct journal_record *r) {
	struct found *f = user;
	if (r->seq == f->seq)
		fill(f, r);
	return 1;
}

static json_t *only(uint64_t seq, const char *is) {
	return json_pack("{s:I,s:s}", "seq", (json_int_t)seq, "is", is);
}

static bool is_seen(struct trace *t, uint64_t seq) {
	for (unsigned i = 0; i < t->count; i++)
		if (t->seen[i] == seq)
			return true;
	return false;
}

static json_t *follow(struct trace *t, uint64_t seq, uint64_t before, unsigned depth) {
	struct found f = { .t = t, .seq = seq };
	if (seq == 0 || seq >= before)
		return only(seq, "not earlier");
	if (is_seen(t, seq))
		return only(seq, "above");
	if (depth == TRACE_DEPTH_MAX || t->count == TRACE_RECORDS_MAX)
		return only(seq, "too far");
	t->seen[t->count++] = seq;
	(void)!past_each(t->past, seq, t->upto, look, &f);
	if (!f.node)
		return only(seq, seq <= t->compacted ? "let go" : "not there");
	json_t *from = f.from.count ? json_array() : NULL;
	for (uint32_t i = 0; i < f.from.count; i++)
		json_array_append_new(from, follow(t, f.from.at[i], seq, depth + 1));
	if (from)
		json_object_set_new(f.node, "from", from);
	return f.node;
}

json_t *trace_record(struct trace *t, uint64_t seq) {
	return follow(t, seq, t->upto == UINT64_MAX ? UINT64_MAX : t->upto + 1, 0);
}

/* ---- showing ---- */

static const char *cut(const char *text, const char *quote, char out[TRACE_WORDS_MAX]) {
	size_t bytes = strlen(text), n = utf8_cut(text, bytes, TRACE_WORDS_MAX - 8);
	snprintf(out, TRACE_WORDS_MAX, "%s%.*s%s%s", quote, (int)n, text, n < bytes ? "..." : "", quote);
	for (char *c = out; *c; c++)
		*c = *c == '\n' || *c == '\t' ? ' ' : *c;
	return output_clean(out, false);
}

const char *trace_words(const char *text, char out[TRACE_WORDS_MAX]) {
	return cut(text, "\"", out);
}

static const char *text_of(const json_t *o, const char *member) {
	const char *s = json_string_value(json_object_get(o, member));
	return s ? s : "";
}

static double ppm_of(const json_t *o, const char *member) {
	return (double)json_integer_value(json_object_get(o, member)) / 1e6;
}

static void print_turn(const json_t *node, const json_t *body, unsigned indent) {
	char words[TRACE_WORDS_MAX];
	const char *model = text_of(body, "model"), *speaker = text_of(body, "speaker");
	printf("\n%*s%s said: %s\n", (int)indent + 2, "", speaker[0] ? speaker : text_of(node, "entity"),
			trace_words(text_of(body, "user"), words));
	if (model[0])
		printf("%*s%s answered: %s\n", (int)indent + 2, "", model, trace_words(text_of(body, "answer"), words));
}

static void print_fact(const json_t *body) {
	char key[TRACE_WORDS_MAX], value[TRACE_WORDS_MAX];
	const char *v = text_of(body, "value");
	printf(": %s = %s, trust %.2f, confidence %.2f\n", trace_words(text_of(body, "key"), key),
			v[0] ? trace_words(v, value) : "(taken back)", ppm_of(body, "trust"), ppm_of(body,
			"confidence"));
}

static void print_other(const json_t *body) {
	char words[TRACE_WORDS_MAX];
	char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	printf(": %s\n", text ? cut(text, "", words) : "(damaged)");
	free(text);
}

static const char *explained(const char *is) {
	static const char *const words[][2] = { { "erased", "its body was erased" }, { "let go", "it was let go" },
		{ "hidden", "not to be seen by who asks" }, { "not there", "there is no such record" },
		{ "not earlier", "it is not earlier than what derives from it: that cannot be" },
		{ "above", "see above" }, { "too far", "not followed any further" } };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (strcmp(words[i][0], is) == 0)
			return words[i][1];
	return "";
}

static void print_one(const json_t *node, unsigned indent, const char *how) {
	const char *is = text_of(node, "is"), *kind = text_of(node, "kind"), *who = text_of(node, "principal");
	const json_t *body = json_object_get(node, "body");
	printf("%*s%srecord %lld", (int)indent, "", how, (long long)json_integer_value(json_object_get(node, "seq")));
	if (kind[0])
		printf(", %s, %s", text_of(node, "time"), kind);
	if (text_of(node, "entity")[0])
		printf(" by %s%s%s (%s)", text_of(node, "entity"), who[0] ? " for " : "", who, text_of(node,
				"visibility"));
	if (strcmp(is, "whole") != 0)
		printf(": %s\n", explained(is));
	else if (strcmp(kind, "turn") == 0)
		print_turn(node, body, indent);
	else if (strcmp(kind, "fact") == 0)
		print_fact(body);
	else
		print_other(body);
}

/* As deep as follow() went. */
void trace_print(const json_t *node, unsigned indent, const char *how) {
	const json_t *one;
	size_t i;
	print_one(node, indent, how);
	json_array_foreach(json_object_get(node, "from"), i, one)
		trace_print(one, indent + 2, "from ");
}

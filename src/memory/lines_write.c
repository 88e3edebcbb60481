/* lines_write.c - see lines.h: journal to JSON Lines. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "journal/state.h"
#include "memory/lines.h"
#include "memory/passage.h"

/* ---- what was written already ---- */

/* Hashes in an open table that doubles. */
struct seen {
	uint64_t *at;
	size_t count, room;
};

static bool seen_put(struct seen *s, uint64_t h) {
	size_t i = h % s->room;
	while (s->at[i] && s->at[i] != h)
		i = (i + 1) % s->room;
	bool is_new = s->at[i] == 0;
	s->at[i] = h;
	s->count += is_new;
	return is_new;
}

static uint64_t seen_key(const struct hash *hash_of_it) {
	uint64_t h;
	memcpy(&h, hash_of_it->bytes, sizeof(h));
	return h ? h : 1;
}

static bool seen_has(const struct seen *s, const struct hash *hash_of_it) {
	uint64_t h = seen_key(hash_of_it);
	size_t i = s->room ? h % s->room : 0;
	while (s->room && s->at[i] && s->at[i] != h)
		i = (i + 1) % s->room;
	return s->room && s->at[i];
}

/* 1: it is new; 0: it is not; -ENOMEM. */
static int seen_add(struct seen *s, const struct hash *hash_of_it) {
	if (2 * s->count >= s->room) {
		struct seen more = { .room = s->room ? 2 * s->room : 1024 };
		more.at = calloc(more.room, sizeof(more.at[0]));
		if (!more.at)
			return -ENOMEM;
		for (size_t i = 0; i < s->room; i++)
			if (s->at[i])
				(void)seen_put(&more, s->at[i]);
		free(s->at);
		*s = more;
	}
	return seen_put(s, seen_key(hash_of_it));
}

/* ---- values ---- */

/* jansson refuses what is not UTF-8: NULL, and the whole line is. */
static json_t *text(struct body_text t) {
	return json_stringn(t.bytes ? t.at : "", t.bytes);
}

static json_t *hash(const struct hash *h) {
	char hex[HASH_TEXT_MAX];
	return json_string(hash_text(h, 64, hex));
}

static json_t *facts_of(const struct body_turn *b) {
	json_t *all = json_array();
	for (uint32_t i = 0; i < b->fact_count; i++) {
		json_t *one = json_pack("{s:o?,s:o?,s:I}", "key", text(b->facts[i].key), "value",
				text(b->facts[i].value),
				"trust_ppm", (json_int_t)b->facts[i].trust_ppm);
		bool whole = one && json_object_size(one) == 3 && !json_is_null(json_object_get(one, "key")) &&
			     !json_is_null(json_object_get(one, "value"));
		if (!whole || json_array_append_new(all, one) < 0) {
			if (!whole)
				json_decref(one);
			json_decref(all);
			return NULL;
		}
	}
	return all;
}

static int identify(void *user, const struct journal_record *r) {
	return passage_identity(r, user);
}

/* What a fact derives from by their identities; null: what has no line, or comes only later.  `written` may be NULL. */
static json_t *from_of(struct journal_reader *r, const struct body_seqs *from, uint64_t before,
		const struct seen *written) {
	json_t *all = json_array();
	for (uint32_t i = 0; i < from->count; i++) {
		struct hash h;
		int rc = r && from->at[i] < before ? journal_one(r, from->at[i], identify, &h) : -ENOENT;
		bool has_line = rc == 0 && (!written || seen_has(written, &h));
		json_array_append_new(all, has_line ? hash(&h) : json_null());
	}
	return all;
}

/* ---- lines ---- */

static bool is_whole(const json_t *o) {
	const char *key;
	json_t *v;
	if (!o)
		return false;
	json_object_foreach((json_t *)(uintptr_t)o, key, v)
		if (json_is_null(v))
			return false;
	return true;
}

static json_t *turn_line(const struct journal_record *r, const struct body_turn *b, const struct hash *id) {
	return json_pack("{s:s,s:o,s:I,s:s,s:s,s:s,s:o?,s:o?,s:o?,s:o?,s:o?,s:I,s:o?,s:o,s:o?}", "type", "turn", "id",
			hash(id), "at_ms", (json_int_t)passage_turn_ms(r, b), "entity", r->entity, "principal",
					r->principal,
			"visibility", record_visibility_name(r->visibility), "speaker", text(b->speaker), "model",
			text(b->model), "session", text(b->session), "user", text(b->user), "answer", text(b->answer),
			"trust_ppm", (json_int_t)b->trust_ppm, "symbols", text(b->symbols), "view", hash(&b->view_hash),
			"facts", facts_of(b));
}

static json_t *fact_line(struct journal_reader *reader, const struct journal_record *r, const struct body_fact *b,
		const struct hash *id, const struct seen *written) {
	return json_pack("{s:s,s:o,s:I,s:s,s:s,s:s,s:o?,s:o?,s:o?,s:o?,s:I,s:I,s:o}", "type", "fact", "id", hash(id),
			"at_ms", (json_int_t)passage_fact_ms(r, b), "entity", r->entity, "principal", r->principal,
			"visibility", record_visibility_name(r->visibility), "source", text(b->source), "via",
					text(b->via),
			"key", text(b->key), "value", text(b->value), "trust_ppm", (json_int_t)b->trust_ppm,
					"confidence_ppm",
			(json_int_t)b->confidence_ppm, "from", from_of(reader, &b->from, r->seq, written));
}

static int line_of(struct journal_reader *reader, const struct journal_record *r, const struct seen *written,
		char **out) {
	struct body_turn turn;
	struct body_fact fact;
	struct hash id;
	json_t *line = NULL;
	*out = NULL;
	int rc = passage_identity(r, &id);
	if (rc < 0)
		return rc;
	if (r->kind == JOURNAL_TURN && body_parse_turn(r->body, r->body_bytes, &turn) == 0)
		line = turn_line(r, &turn, &id);
	else if (r->kind == JOURNAL_FACT && body_parse_fact(r->body, r->body_bytes, &fact) == 0)
		line = fact_line(reader, r, &fact, &id, written);
	if (is_whole(line))
		*out = json_dumps(line, JSON_COMPACT);
	bool broken = !is_whole(line);
	json_decref(line);
	return *out ? 0 : broken ? -EILSEQ : -ENOMEM;
}

int lines_of_record(struct journal_reader *reader, const struct journal_record *r, char **out) {
	return line_of(reader, r, NULL, out);
}

struct export {
	struct journal_reader *reader;
	FILE *out;
	struct lines_report *report;
	struct seen seen;
	uint64_t erased[STATE_ERASED_MAX]; /* whose bodies were, as records before say */
	size_t erasures;
};

static void note_erasure(struct export *e, const struct journal_record *r) {
	struct body_erase b;
	if (!r->erased && body_parse_erase(r->body, r->body_bytes, &b) == 0)
		e->erased[e->erasures++ % COUNT_OF(e->erased)] = b.seq;
}

/* Of what was erased nothing new is made: so the fold says, which does not hold it either. */
static bool derives_from_erased(const struct export *e, const struct journal_record *r) {
	struct body_fact b;
	size_t known = e->erasures < COUNT_OF(e->erased) ? e->erasures : COUNT_OF(e->erased);
	if (r->kind != JOURNAL_FACT || r->erased || body_parse_fact(r->body, r->body_bytes, &b) < 0)
		return false;
	for (uint32_t i = 0; i < b.from.count; i++)
		for (size_t n = 0; n < known; n++)
			if (e->erased[n] == b.from.at[i])
				return true;
	return false;
}

static int put_json(struct export *e, json_t *line) {
	char *dumped = line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (!dumped)
		return -ENOMEM;
	int rc = fprintf(e->out, "%s\n", dumped) < 0 ? -EIO : 0;
	free(dumped);
	return rc;
}

/* A session stands before its first turn. */
static int put_session(struct export *e, const struct journal_record *r, const struct body_turn *b) {
	char name[CDM_NAME_MAX + BODY_KEY_MAX + 2];
	int n = snprintf(name, sizeof(name), "%s\n%.*s", r->principal, (int)b->session.bytes,
			b->session.bytes ? b->session.at : "");
	struct hash h = hash_of(name, (size_t)n);
	int is_new = b->session.bytes ? seen_add(&e->seen, &h) : 0;
	if (is_new <= 0)
		return is_new;
	e->report->sessions++;
	return put_json(e, json_pack("{s:s,s:s,s:o,s:I}", "type", "session", "principal", r->principal, "session",
			text(b->session), "at_ms", (json_int_t)passage_turn_ms(r, b)));
}

static int put_record(struct export *e, const struct journal_record *r, const char *line) {
	struct body_turn b;
	bool is_turn = r->kind == JOURNAL_TURN && body_parse_turn(r->body, r->body_bytes, &b) == 0;
	int rc = is_turn ? put_session(e, r, &b) : 0;
	if (rc < 0)
		return rc;
	e->report->turns += is_turn;
	e->report->facts += !is_turn;
	return fprintf(e->out, "%s\n", line) < 0 ? -EIO : 0;
}

static int export_record(struct export *e, const struct journal_record *r) {
	struct hash id;
	char *line = NULL;
	if (r->kind == JOURNAL_ERASE)
		note_erasure(e, r);
	if (r->kind != JOURNAL_TURN && r->kind != JOURNAL_FACT)
		return 0;
	if (!record_is_whole(r))
		return -EBADMSG;
	int rc = derives_from_erased(e, r) ? -ENOENT : passage_identity(r, &id);
	if (rc == 0)
		rc = line_of(e->reader, r, &e->seen, &line);
	int is_new = rc == 0 ? seen_add(&e->seen, &id) : 0;
	if (is_new < 0)
		rc = is_new;
	if (is_new == 0 && (rc == 0 || rc == -ENOENT || rc == -EILSEQ)) {
		e->report->skipped++;
		rc = 0;
	} else if (rc == 0) {
		rc = put_record(e, r, line);
	}
	free(line);
	return rc;
}

struct visiting {
	struct export *e;
	int rc;
};

static int visit(void *user, const struct journal_record *r) {
	struct visiting *v = user;
	v->rc = export_record(v->e, r);
	return v->rc < 0;
}

int lines_export(struct journal_reader *r, FILE *out, struct lines_report *report) {
	*report = (struct lines_report){ .turns = 0 };
	struct export e = { .reader = r, .out = out, .report = report };
	struct visiting v = { &e, put_json(&e, json_pack("{s:s,s:i}", "schema", LINES_SCHEMA, "version",
			LINES_VERSION)) };
	int rc = v.rc < 0 ? 0 : journal_each(r, 1, 0, visit, &v);
	free(e.seen.at);
	return rc < 0 ? rc : v.rc;
}

/* lines_test.c - JSON Lines out of a journal and into another one: the same lines again, and nothing twice. */
#include <errno.h>
#include "memory/lines.h"
#include "memory/memory_testing.h"
#include "test/lib/pace.h"

static struct told w, v;

struct lines {
	char *at;
	size_t bytes;
	struct lines_report report;
};

static struct lines export_of(const struct told *t) {
	struct lines l = { NULL, 0, { 0 } };
	struct journal_reader *r;
	FILE *out = open_memstream(&l.at, &l.bytes);
	CHECK(out && journal_read_open(t->t.path, &r, NULL) == 0);
	CHECK(lines_export(r, out, &l.report) == 0 && fclose(out) == 0);
	journal_read_close(&r);
	return l;
}

/* All lines into t; how many became records. */
static unsigned import_into(struct told *t, const struct lines *l) {
	static struct cdm_diag diag;
	struct lines_import i;
	unsigned added = 0;
	CHECK(lines_import_begin(&i, t->m) == 0);
	for (const char *at = l->at, *end; (end = strchr(at, '\n')) != NULL;) {
		int rc = lines_import_line(&i, at, (size_t)(end - at) + 1, &diag);
		if (rc == -EAGAIN) {
			CHECK(memory_follow(t->m, 0) >= 0);
			continue;
		}
		CHECK(rc >= 0 && diag.count == 0);
		if (rc == 1)
			told_submit(t, &i.entry);
		added += rc == 1;
		at = end + 1;
	}
	CHECK(added == i.turns + i.facts);
	lines_import_end(&i);
	told_follow(t);
	return added;
}

static void tell_all_sorts(void) {
	struct body_turn b = { .request = body_text("r-1"), .speaker = body_text("ada"), .model = body_text("scribe"),
		.user = body_text("call me \"Ada\"\n\xe2\x82\xac \xf0\x90\xa4\x80"), .answer = body_text("Hello\tAda"),
		.view_hash = hash_of("view", 4), .trust_ppm = 540001, .fact_count = 2,
				.symbols = body_text("\xf0\x90\xa4\x80"),
		.session = body_text("s1") };
	b.facts[0] = (struct body_said){ body_text("name"), body_text("Ada"), 900000 };
	b.facts[1] = (struct body_said){ body_text("mood"), body_text(""), 1 };
	uint64_t turn = told_turn_of(&w, &b, "ada", JOURNAL_PRIVATE);
	testing_settle(w.j, testing_submit_set(w.j, "speed", "1", JOURNAL_D2), NULL);
	struct body_fact f = { .key = body_text("door"), .value = body_text("locked"), .source = body_text("camera"),
		.via = body_text("eye"), .trust_ppm = 800000, .confidence_ppm = 700000, .seen_ms = 1600000000000,
		.from = { 3, { turn, 2, 999 } } };
	uint64_t fact = told_fact_of(&w, &f, "", JOURNAL_PUBLIC);
	f = (struct body_fact){ .key = body_text("house"), .value = body_text("safe"), .trust_ppm = 5,
		.from = { 2, { fact, 5000 } } };
	told_fact_of(&w, &f, "ada", JOURNAL_MACHINE); /* no source: the entity */
	uint64_t erased = told_turn(&w, "ada", "s1", "forget this", "I will");
	told_turn(&w, "bob", "s1", "I am Bob", "Hello Bob.");
	told_turn(&w, "ada", "s2", "", "");
	b.request = body_text("r-2"); /* told twice, at once */
	b.said_ms = 1700000000000;
	told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	told_turn_of(&w, &b, "ada", JOURNAL_MACHINE);
	told_erase(&w, erased);
}

static void what_goes_out_comes_in(void) {
	told_begin(&w);
	tell_all_sorts();
	told_begin(&v);
	told_follow(&v);
	struct lines first = export_of(&w);
	CHECK(first.report.sessions == 3 && first.report.turns == 4 && first.report.facts == 2 &&
			first.report.skipped == 2);
	CHECK(!strstr(first.at, "forget this") && strstr(first.at, "\"at_ms\":1600000000000"));
	CHECK(import_into(&v, &first) == 6);
	struct lines second = export_of(&v);
	CHECK(first.bytes == second.bytes && memcmp(first.at, second.at, first.bytes) == 0);
	CHECK(import_into(&v, &first) == 0); /* twice changes nothing */
	told_follow(&w);
	CHECK(import_into(&w, &second) == 0); /* nor does it where it came from */
	struct claims_asker ada = { "ada", { "ada", "ada" } };
	struct memory_query q = { .text = "door locked", .asker = &ada };
	CHECK(memory_search(v.m, &q, v.hits, 4) >= 1 && v.hits[0].of.when.ns == INT64_C(1600000000000000000));
	CHECK(strcmp(v.hits[0].of.speaker, "camera") == 0 && v.hits[0].of.trust_ppm == 560000);
	free(first.at);
	free(second.at);
	told_end(&v);
	told_end(&w);
}

/* A fact is held to what it derives from in the new journal, too: by seqs that are true there. */
static int from_is(void *user, const struct journal_record *r) {
	struct body_fact b;
	uint64_t *from = user;
	CHECK(r->kind != JOURNAL_FACT || body_parse_fact(r->body, r->body_bytes, &b) == 0);
	if (r->kind == JOURNAL_FACT && b.from.count == 3)
		memcpy(from, b.from.at, 3 * sizeof(*from));
	return 0;
}

static void what_derives_still_does(void) {
	struct journal_reader *r;
	uint64_t from[3] = { 7, 7, 7 };
	told_begin(&w);
	tell_all_sorts();
	told_begin(&v);
	told_turn(&v, "eve", "", "I was here before", "yes");
	told_follow(&v);
	struct lines l = export_of(&w);
	CHECK(import_into(&v, &l) == 6 && journal_read_open(v.t.path, &r, NULL) == 0);
	CHECK(journal_each(r, 1, 0, from_is, from) == 0 && from[0] == 2 && from[1] == 0 && from[2] == 0);
	journal_read_close(&r);
	free(l.at);
	told_end(&v);
	told_end(&w);
}

/* ---- any journal ---- */

static uint64_t dice = 21;

static unsigned roll(unsigned below) {
	return (unsigned)(testing_random(&dice) % below);
}

static const char *const who[] = { "ada", "bob", "" }, *const what[] = { "door", "lamp", "cat", "mood" };

static void tell_any_turn(unsigned n) {
	char text[64], request[16];
	snprintf(text, sizeof(text), "number %u \"\xe2\x82\xac\"\n", n);
	snprintf(request, sizeof(request), "r%u", n);
	const char *principal = who[roll(3)];
	struct body_turn b = { .request = body_text(roll(2) ? request : ""), .speaker = body_text(who[roll(3)]),
		.model = body_text(roll(2) ? "scribe" : ""), .user = body_text(text),
		.answer = body_text(roll(2) ? "yes" : ""), .trust_ppm = roll(BODY_PPM),
		.session = body_text(roll(2) ? what[roll(4)] : ""), .fact_count = roll(3) };
	for (uint32_t i = 0; i < b.fact_count; i++)
		b.facts[i] = (struct body_said){ body_text(what[roll(4)]), body_text(roll(4) ? text : ""),
			roll(BODY_PPM) };
	told_turn_of(&w, &b, principal, (enum journal_visibility)roll(JOURNAL_VISIBILITY_COUNT));
}

/* 0: now; some time ago, or a second ahead of now, as another clock may be. */
static uint64_t any_time(unsigned n) {
	uint64_t now_ms = (uint64_t)(clock_wall().ns / NS_PER_MS);
	return roll(2) ? 0 : roll(3) ? UINT64_C(1600000000000) + 997 * n + roll(3000) : now_ms - 500 + roll(1500);
}

/* Of now or of some time before, and of records before it, or of one that nobody has. */
static void tell_any_fact(unsigned n) {
	char text[64];
	snprintf(text, sizeof(text), "value %u", n);
	struct body_fact b = { .key = body_text(what[roll(4)]), .value = body_text(roll(5) ? text : ""),
		.source = body_text(who[roll(3)]), .via = body_text(roll(3) ? "" : "scribe"),
		.trust_ppm = roll(BODY_PPM), .confidence_ppm = roll(BODY_PPM),
		.seen_ms = any_time(n),
		.from.count = roll(2) ? roll(3) : 0 };
	for (uint32_t i = 0; i < b.from.count; i++)
		b.from.at[i] = 1 + roll((unsigned)w.last + 2);
	b.held_at = b.from.count && roll(2) ? w.last : 0;
	told_fact_of(&w, &b, who[roll(3)], (enum journal_visibility)roll(JOURNAL_VISIBILITY_COUNT));
}

static void tell_anything(void) {
	told_begin(&w);
	for (unsigned n = 0; n < 60; n++) {
		unsigned kind = roll(10);
		if (kind < 4)
			tell_any_turn(n);
		else if (kind < 8)
			tell_any_fact(n);
		else if (kind < 9)
			testing_settle(w.j, testing_submit_set(w.j, "speed", "1", JOURNAL_D2), NULL), w.last++;
		else if (w.last > 4)
			told_erase(&w, 1 + roll((unsigned)w.last));
	}
}

static struct journal_state *state_of(const struct told *t) {
	struct journal_state *s = testing_state();
	struct journal_reader *r;
	CHECK(journal_read_open(t->t.path, &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	journal_read_close(&r);
	return s;
}

static bool is_trusted(const struct journal_state *s, uint64_t seq) {
	bool held = false;
	for (unsigned i = 0; i < s->fact_count; i++) {
		const struct state_fact *f = state_fact_at(s, i);
		if (f->seq == seq && f->trust_ppm == 0)
			return false;
		held = held || f->seq == seq;
	}
	return held;
}

/* It derives from something that is not there: it has no line, or stood no more; or that derives from such. */
static bool has_lost_a_source(const struct journal_state *s, const struct state_fact *f) {
	bool lost = false;
	for (unsigned i = 0; i < f->from.count; i++)
		lost = lost || !is_trusted(s, f->from.at[i]);
	return lost;
}

/* `s`: of `b`. */
static bool same_claim(const struct state_fact *a, const struct state_fact *b, const struct journal_state *s) {
	return strcmp(a->key, b->key) == 0 && strcmp(a->principal, b->principal) == 0 &&
	       strcmp(a->source, b->source) == 0 && strcmp(a->value, b->value) == 0 && strcmp(a->via, b->via) == 0 &&
	       a->visibility == b->visibility &&
	       (a->trust_ppm == b->trust_ppm || (has_lost_a_source(s, b) && b->trust_ppm == 0)) &&
	       a->confidence_ppm == b->confidence_ppm && a->from.count == b->from.count &&
	       a->seen.ns / NS_PER_MS == b->seen.ns / NS_PER_MS;
}

static bool same_turn(const struct state_turn *a, const struct state_turn *b) {
	return strcmp(a->user, b->user) == 0 && strcmp(a->answer, b->answer) == 0 &&
	       strcmp(a->speaker, b->speaker) == 0 && strcmp(a->session, b->session) == 0 &&
	       strcmp(a->principal, b->principal) == 0 &&
	       a->trust_ppm == b->trust_ppm && a->wall.ns / NS_PER_MS == b->wall.ns / NS_PER_MS;
}

static unsigned whole_derivations; /* that came in with the trust that they had */

/*
 * The same is known: what is claimed, by whom, how far trusted and of when; what was said, and in which session.  But
 * what derives is not trusted where its source is not there, though it was held to it before.
 */
static void check_same(void) {
	struct journal_state *a = state_of(&w), *b = state_of(&v);
	CHECK(a->fact_count == b->fact_count && a->turns_end == b->turns_end && a->session_count == b->session_count);
	for (unsigned i = 0; i < a->fact_count; i++) {
		const struct state_fact *f = state_fact_at(b, i);
		CHECK(same_claim(state_fact_at(a, i), f, b));
		whole_derivations += f->from.count && f->trust_ppm > 0;
	}
	for (unsigned back = 0; state_turn(a, back); back++)
		CHECK(same_turn(state_turn(a, back), state_turn(b, back)));
	for (unsigned i = 0; i < a->session_count; i++)
		CHECK(state_session_at(a, i)->turns == state_session_at(b, i)->turns &&
				strcmp(state_session_at(a, i)->id, state_session_at(b, i)->id) == 0);
	free(a);
	free(b);
}

static void whatever_goes_out_comes_in(void) {
	enum { JOURNALS = PACE(60, 10) };
	for (unsigned i = 0; i < JOURNALS; i++) {
		tell_anything();
		told_begin(&v);
		told_follow(&v);
		struct lines first = export_of(&w);
		CHECK(import_into(&v, &first) == first.report.turns + first.report.facts);
		struct lines second = export_of(&v);
		CHECK(first.bytes == second.bytes && memcmp(first.at, second.at, first.bytes) == 0);
		CHECK(first.report.sessions == second.report.sessions && second.report.skipped == 0);
		check_same();
		CHECK(import_into(&v, &first) == 0);
		check_same();
		free(first.at);
		free(second.at);
		told_end(&v);
		told_end(&w);
	}
	CHECK(whole_derivations > 0);
}

static void what_is_not_utf8_is_left_out(void) {
	told_begin(&w);
	told_turn(&w, "ada", "", "broken \xff\xfe bytes", "yes");
	told_turn(&w, "ada", "", "whole", "yes");
	struct body_fact f = { .key = body_text("made"), .value = body_text("of it"), .from = { 2, { 1, 2 } } };
	told_fact_of(&w, &f, "ada", JOURNAL_MACHINE);
	struct lines l = export_of(&w);
	CHECK(l.report.turns == 1 && l.report.skipped == 1 && strstr(l.at, "\"from\":[null,\""));
	free(l.at);
	told_end(&w);
}

static void a_full_disk_is_told(void) {
	struct lines_report report;
	struct journal_reader *r;
	told_begin(&w);
	told_turn(&w, "ada", "", "whole", "yes");
	FILE *full = fopen("/dev/full", "w");
	CHECK(full && setvbuf(full, NULL, _IONBF, 0) == 0 && journal_read_open(w.t.path, &r, NULL) == 0);
	CHECK(lines_export(r, full, &report) == -EIO);
	fclose(full);
	journal_read_close(&r);
	told_end(&w);
}

/* ---- lines of anybody ---- */

#define SCHEMA "{\"schema\":\"cadmus.memory\",\"version\":1}"
#define TURN "\"type\":\"turn\",\"at_ms\":5,\"visibility\":\"machine\""
#define NULLS_8 "null,null,null,null,null,null,null,null"
#define FACT "\"type\":\"fact\",\"at_ms\":5,\"visibility\":\"machine\",\"key\":\"k\""

static int try(const char *line, bool begun) {
	struct lines_import i;
	struct cdm_diag *diag = calloc(1, sizeof(*diag));
	CHECK(diag && lines_import_begin(&i, NULL) == 0);
	if (begun)
		CHECK(lines_import_line(&i, SCHEMA, strlen(SCHEMA), diag) == 0);
	int rc = lines_import_line(&i, line, strlen(line), diag);
	CHECK((rc < 0) == (diag->count == 1));
	CHECK(rc >= 0 || strstr(diag->at[0].text, begun ? "line 2: " : "line 1: "));
	lines_import_end(&i);
	free(diag);
	return rc;
}

static void lines_are_checked(void) {
	static const struct {
		const char *line;
		int rc;
	} lines[] = {
		{ "{" TURN "}", 1 }, { "{" FACT "}", 1 }, { "{\"type\":\"session\"}", 0 }, { "{\"type\":\"later\"}",
				0 },
		{ "{" TURN ",\"more\":[1,{}]}", 1 }, { "", -EPROTO }, { "[]", -EPROTO }, { "{" TURN, -EPROTO },
		{ "{" TURN "} x", -EPROTO }, { "{}", -EPROTO }, { "{\"type\":7}", -EPROTO },
		{ "{\"type\":\"turn\",\"visibility\":\"machine\"}", -EPROTO }, /* no time */
		{ "{\"type\":\"turn\",\"at_ms\":5}", -EPROTO },
		{ "{\"type\":\"turn\",\"at_ms\":5,\"visibility\":\"all\"}", -EPROTO },
		{ "{\"type\":\"turn\",\"at_ms\":5.5,\"visibility\":\"machine\"}", -EPROTO },
		{ "{\"type\":\"turn\",\"at_ms\":9223372036854775807,\"visibility\":\"machine\"}", -EPROTO },
		{ "{\"type\":\"turn\",\"at_ms\":-5,\"visibility\":\"machine\"}", -EPROTO },
		{ "{\"type\":\"turn\",\"at_ms\":99999999999999999999,\"visibility\":\"machine\"}", -EPROTO },
		{ "{" TURN ",\"type\":\"fact\"}", -EPROTO }, { "{" TURN ",\"user\":\"\\u0000\"}", -EPROTO },
		{ "{" TURN ",\"user\":\"\xff\"}", -EPROTO }, { "{" TURN ",\"user\":null}", -EPROTO },
		{ "{" TURN ",\"trust_ppm\":1000001}", -EPROTO }, { "{" TURN ",\"trust_ppm\":true}", -EPROTO },
		{ "{" TURN ",\"id\":\"00\"}", -EPROTO }, { "{" TURN ",\"view\":\"00\"}", -EPROTO },
		{ "{" TURN ",\"facts\":{}}", -EPROTO }, { "{" TURN ",\"facts\":[7]}", -EPROTO },
		{ "{" TURN ",\"facts\":[{\"key\":\"\"}]}", -EPROTO }, { "{" TURN ",\"facts\":[{\"key\":\"k\"}]}", 1 },
		{ "{\"type\":\"fact\",\"at_ms\":5,\"visibility\":\"machine\"}", -EPROTO },
		{ "{" FACT ",\"from\":[7]}", -EPROTO }, { "{" FACT ",\"from\":[null,null]}", 1 },
		{ "{" FACT ",\"from\":[" NULLS_8 "," NULLS_8 ",null]}", -E2BIG },
		{ "{" FACT ",\"entity\":\"a name that is far too long for any entity of a plan\"}", -E2BIG },
		{ SCHEMA, -EPROTO }, { "{" FACT ",\"via\":\"Zo\u00eb\"}", 1 },
		{ "{" FACT ",\"via\":\"\\u001b[2J\"}", -EPROTO },
		{ "{" TURN ",\"entity\":\"a\\nb\"}", -EPROTO }, { "{" TURN ",\"speaker\":\"\u202e\"}", -EPROTO },
		{ "{" TURN ",\"principal\":\"\u200b\"}", -EPROTO }, { "{" TURN ",\"model\":\"\\u0007\"}", -EPROTO },
	};
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		CHECK(try(lines[i].line, true) == lines[i].rc);
	CHECK(try(SCHEMA, false) == 0 && try("{" TURN "}", false) == -EPROTO);
	CHECK(try("{\"schema\":\"other\",\"version\":1}", false) == -EPROTO);
	CHECK(try("{\"schema\":\"cadmus.memory\",\"version\":2}", false) == -EPROTO);
	CHECK(try("{\"schema\":\"cadmus.memory\"}", false) == -EPROTO);
}

static void long_lines_are_refused(void) {
	char *line = malloc(LINES_BYTES_MAX + 64);
	CHECK(line);
	int n = sprintf(line, "{" TURN ",\"user\":\"");
	memset(line + n, 'a', BODY_UTTERANCE_MAX + 1);
	strcpy(line + n + BODY_UTTERANCE_MAX, "\"}");
	CHECK(try(line, true) == 1);
	strcpy(line + n + BODY_UTTERANCE_MAX + 1, "\"}");
	line[n + BODY_UTTERANCE_MAX] = 'a';
	CHECK(try(line, true) == -E2BIG);
	memset(line, ' ', LINES_BYTES_MAX + 1);
	line[LINES_BYTES_MAX + 1] = 0;
	CHECK(try(line, true) == -E2BIG);
	memset(line, '[', 100000); /* jansson bounds its depth */
	line[100000] = 0;
	CHECK(try(line, true) == -EPROTO);
	free(line);
}

int main(void) {
	what_goes_out_comes_in();
	what_derives_still_does();
	whatever_goes_out_comes_in();
	what_is_not_utf8_is_left_out();
	a_full_disk_is_told();
	lines_are_checked();
	long_lines_are_refused();
	return 0;
}

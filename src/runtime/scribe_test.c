/*
 * scribe_test.c - what core writes as it begins: the plan, once; the epoch; how long it was away; symbol tables; and
 * that symbols were seen.
 */
#include "journal/journal_testing.h"
#include "runtime/core_priv.h"
#include "runtime/core_testing.h"

static uint64_t next_id = 1;

/* ---- a real core ---- */

#define STAND "𐤎"
#define WALK "𐤌"

static void with_letters(void) {
	plan_builder_sense(&b, STAND, "stand", PLAN_VERB_STAND);
	plan_builder_sense(&b, WALK, "walk", PLAN_VERB_WALK);
}

static void with_other_letters(void) {
	with_letters();
	plan_builder_sense(&b, "𐤏", "scan", PLAN_VERB_SCAN);
}

static void with_letters_unwritten(void) {
	with_letters();
	plan_builder_option(&b, 0, "journal.symbol", "volatile");
}

static struct journal_state *state_now(void) {
	struct journal_reader *r;
	struct journal_state *s = testing_state();
	CHECK(journal_read_open(journal_path(), &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	journal_read_close(&r);
	return s;
}

struct found {
	unsigned count, parts;
	struct hash hash;
	uint8_t bytes[1 << 20];
	size_t at;
};

static int gather_plan(void *user, const struct journal_record *r) {
	struct found *f = user;
	struct body_plan p;
	if (r->kind != JOURNAL_PLAN)
		return 0;
	CHECK(body_parse_plan(r->body, r->body_bytes, &p) == 0);
	if (p.part == 1)
		f->at = 0;
	CHECK(f->at + p.data.bytes <= sizeof(f->bytes));
	memcpy(f->bytes + f->at, p.data.at, p.data.bytes);
	f->at += p.data.bytes;
	f->parts = (unsigned)p.parts;
	f->hash = p.hash;
	f->count += p.part == p.parts;
	return 0;
}

/* The newest plan in the file is this one, whole; `count` plans are there. */
static void plan_is(const char *path, const struct plan *p, unsigned count, unsigned parts) {
	static struct found f;
	struct journal_reader *r;
	memset(&f, 0, sizeof(f));
	CHECK(journal_read_open(path, &r, NULL) == 0 && journal_each(r, 0, 0, gather_plan, &f) == 0);
	journal_read_close(&r);
	CHECK(f.count == count && f.parts == parts && hash_equal(&f.hash, &p->hash));
	CHECK(f.at == p->bytes && memcmp(f.bytes, p, f.at) == 0);
}

static void a_plan_is_written_once(void) {
	begin();
	plan_is(journal_path(), w.plan, 1, 1);
	over();
	begin();
	plan_is(journal_path(), w.plan, 1, 1);
	core_dies();
	start();
	plan_is(journal_path(), w.plan, 1, 1);
	over();
	core_more = with_letters; /* another plan */
	begin();
	plan_is(journal_path(), w.plan, 2, 1);
	struct journal_state *s = state_now();
	CHECK(hash_equal(&s->plan_hash, &w.plan->hash) && s->plan_seq > 0 && s->epoch == 4);
	free(s);
	over();
	core_more = NULL; /* the first one again: it comes into force again */
	begin();
	plan_is(journal_path(), w.plan, 3, 1);
	over();
	testing_verified(journal_path());
}

static void a_table_is_adopted_when_its_text_is_new(void) {
	core_more = with_letters;
	begin();
	over();
	begin();
	struct journal_state *s = state_now();
	const struct state_dictionary *d = state_dictionary(s, "letters");
	CHECK(d && d->version == 1 && d->changes == 1 && hash_equal(&d->hash, &plan_tables(w.plan)->hash));
	free(s);
	over();
	core_more = with_other_letters;
	begin();
	over();
	begin();
	s = state_now();
	d = state_dictionary(s, "letters");
	CHECK(d && d->version == 2 && d->changes == 2 && hash_equal(&d->hash, &plan_tables(w.plan)->hash));
	CHECK(s->kinds[JOURNAL_DICTIONARY] == 2);
	free(s);
	over();
}

static void act(const char *symbols) {
	put(++next_id, (struct question){ .op = "act", .symbols = symbols });
	CHECK(hear("done") == next_id);
}

static unsigned symbols_seen(char last[BODY_SYMBOLS_MAX + 1]) {
	struct journal_state *s = state_now();
	const struct state_symbol *y = state_symbol(s, 0);
	unsigned n = (unsigned)s->symbols_end;
	snprintf(last, BODY_SYMBOLS_MAX + 1, "%s", y ? y->text : "");
	CHECK(!y || strcmp(y->source, "web") == 0);
	free(s);
	return n;
}

/* Whatever the gate says of them; but what is no symbol is none. */
static void symbols_are_seen(void) {
	char last[BODY_SYMBOLS_MAX + 1];
	core_more = with_letters;
	begin();
	act(STAND);
	CHECK(is("verdict", "refused") && symbols_seen(last) == 1 && strcmp(last, STAND) == 0);
	act("xyz");
	CHECK(is("verdict", "refused") && symbols_seen(last) == 1);
	act("𐤕");
	CHECK(is("verdict", "stopped") && symbols_seen(last) == 2 && strcmp(last, "𐤕") == 0);
	CHECK(is_stopped());
	over();
	core_more = with_letters_unwritten;
	begin();
	act(STAND);
	CHECK(is("verdict", "refused") && symbols_seen(last) == 2);
	over();
}

static uint64_t gap_count(const char *what) {
	struct journal_state *s = state_now();
	uint64_t n = 0;
	for (unsigned i = 0; i < s->gap_count; i++)
		if (strcmp(state_gap_at(s, i)->what, what) == 0)
			n = state_gap_at(s, i)->count;
	free(s);
	return n;
}

static void write_one(int64_t shift_ns) {
	struct journal *j = testing_open_at(journal_path(), shift_ns);
	CHECK(testing_settle(j, testing_submit_set(j, "speed", "1", JOURNAL_D2), NULL) == 0);
	journal_stop(&j);
}

/* A record of ten minutes ago, then core: in between nobody wrote. */
static void how_long_it_was_away(void) {
	write_one(-600 * NS_PER_S);
	begin();
	uint64_t ms = gap_count("time");
	CHECK(ms >= 600000 && ms < 660000);
	core_dies();
	start();
	uint64_t again = gap_count("time");
	CHECK(again == ms || again < ms + 60000); /* at once, or this computer was slow */
	over();
}

/* A clock that was set back says nothing of how long it was. */
static void a_clock_that_was_ahead(void) {
	write_one(600 * NS_PER_S);
	begin();
	CHECK(gap_count("time") == 0);
	over();
}

/* ---- a plan of several parts, and a disk that breaks off ---- */

static struct core c;
static struct peers nobody;
static struct testing files;

/* One with so many options that it takes `parts` records. */
static struct plan *large_plan(unsigned parts) {
	plan_builder_begin(&b, "robot");
	struct plan *small = plan_builder_finish(&b);
	uint32_t options = (parts - 1) * BODY_PART_MAX / sizeof(struct plan_option) + 10;
	size_t bytes = small->bytes + options * sizeof(struct plan_option);
	struct plan *p = calloc(1, bytes);
	CHECK(p);
	memcpy(p, small, small->bytes);
	p->options = (struct plan_span){ small->bytes, options };
	p->bytes = (uint32_t)bytes;
	struct plan_option *o = (struct plan_option *)(void *)((char *)p + p->options.at);
	for (uint32_t i = 0; i < options; i++)
		snprintf(o[i].key, sizeof(o[i].key), "key.%u", i);
	p->hash = plan_hash(p);
	CHECK(plan_verify(p, p->bytes, NULL) == 0);
	free(small);
	return p;
}

static void open_files(const struct plan *p) {
	memset(&c, 0, sizeof(c));
	c.plan = p;
	c.peers = &nobody;
	c.journal = testing_open(&files);
	c.state = testing_state();
	CHECK(journal_read_open(files.path, &c.reader, NULL) == 0);
	if (journal_tail(c.journal)->seq > 0)
		CHECK(journal_state_at(c.reader, UINT64_MAX, c.state, NULL) == 0);
}

static void close_files(void) {
	journal_read_close(&c.reader);
	journal_stop(&c.journal);
	free(c.state);
}

/* The last part and the epoch are one transaction: at no record is there an epoch without its plan. */
static int plan_before_epoch(void *user, const struct journal_record *r) {
	struct journal_state *s = user;
	CHECK(state_apply(s, r) == 0);
	CHECK(r->kind != JOURNAL_EPOCH || s->plan_seq > 0);
	return 0;
}

static void a_plan_in_parts(void) {
	struct plan *p = large_plan(3);
	struct journal_state *s = testing_state();
	files = testing_begin();
	open_files(p);
	CHECK(scribe_begin(&c) == 0);
	CHECK(c.state->epoch == 1 && c.state->plan_seq == 3 && c.state->seq == 4);
	CHECK(hash_equal(&c.state->plan_hash, &p->hash));
	plan_is(files.path, p, 1, 3);
	CHECK(journal_each(c.reader, 0, 0, plan_before_epoch, s) == 0);
	close_files();
	open_files(p);
	CHECK(scribe_begin(&c) == 0 && c.state->epoch == 2 && c.state->kinds[JOURNAL_PLAN] == 3);
	/* What it says is gone: it is written again. */
	uint8_t room[64];
	struct body_erase b_ = { 3, body_text("") };
	struct journal_entry note = testing_entry(JOURNAL_ERASE, room, body_build_erase(&b_, room, sizeof(room)));
	uint64_t ticket;
	CHECK(journal_erase(c.journal, 3, &note, &ticket) == 0 && testing_settle(c.journal, ticket, NULL) == 0);
	close_files();
	open_files(p);
	CHECK(scribe_begin(&c) == 0 && c.state->kinds[JOURNAL_PLAN] == 6);
	close_files();
	testing_end(&files);
	free(s);
	free(p);
}

/* Cut off between the parts: the plan before it stays the one in force, and the next start writes it whole. */
static void a_plan_that_breaks_off(void) {
	struct plan *old = large_plan(1), *p = large_plan(2);
	static uint8_t room[JOURNAL_BODY_MAX];
	files = testing_begin();
	open_files(old);
	CHECK(scribe_begin(&c) == 0 && c.state->plan_seq == 1);
	struct body_plan part = { p->hash, 1, 2, { (const char *)p, BODY_PART_MAX } };
	struct journal_entry e = testing_entry(JOURNAL_PLAN, room, body_build_plan(&part, room, sizeof(room)));
	uint64_t ticket;
	CHECK(journal_submit(c.journal, &e, 1, JOURNAL_D2, &ticket) == 0);
	CHECK(testing_settle(c.journal, ticket, NULL) == 0);
	close_files();
	open_files(p);
	CHECK(c.state->plan_seq == 1 && hash_equal(&c.state->plan_hash, &old->hash));
	CHECK(scribe_begin(&c) == 0 && hash_equal(&c.state->plan_hash, &p->hash));
	plan_is(files.path, p, 2, 2);
	close_files();
	testing_end(&files);
	free(old);
	free(p);
}

int main(void) {
	void (*const tests[])(void) = { a_plan_is_written_once, a_table_is_adopted_when_its_text_is_new,
		symbols_are_seen, how_long_it_was_away, a_clock_that_was_ahead };
	a_plan_in_parts();
	a_plan_that_breaks_off();
	int rc = core_tests(tests, COUNT_OF(tests));
	puts("scribe_test: ok");
	return rc;
}

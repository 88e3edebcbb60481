/*
 * body_test.c - what is built parses to the same; bounds hold on both sides; hostile bytes are
 * refused.
 */
#include "journal/body.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/msgpack.h"

static uint8_t room[JOURNAL_BODY_MAX];

static int same(struct body_text a, struct body_text b) {
	return a.bytes == b.bytes && memcmp(a.at, b.at, a.bytes) == 0;
}

static struct body_turn a_turn(void) {
	struct body_turn t = { .request = body_text("r-17"),
		.speaker = body_text("ada"),
		.model = body_text("phi3"),
		.user = body_text("call me Ada"),
		.answer = body_text("Hello Ada"),
		.view_hash = hash_of("view", 4),
		.trust_ppm = 540000,
		.fact_count = 2,
		.symbols = body_text("\xf0\x90\xa4\x80"),
		.said_ms = 1700000000123 };
	t.facts[0] = (struct body_said){ body_text("name"), body_text("Ada"), 900000 };
	t.facts[1] = (struct body_said){ body_text("mood"), body_text(""), 1 };
	return t;
}

static void a_turn_survives(void) {
	struct body_turn t = a_turn(), u;
	int n = body_build_turn(&t, room, sizeof(room));
	CHECK(n > 0 && body_parse_turn(room, (size_t)n, &u) == 0);
	CHECK(same(t.request, u.request) && same(t.speaker, u.speaker) && same(t.model, u.model));
	CHECK(same(t.user, u.user) && same(t.answer, u.answer) && same(t.symbols, u.symbols));
	CHECK(hash_equal(&t.view_hash, &u.view_hash) && u.trust_ppm == 540000 && u.fact_count == 2);
	CHECK(u.said_ms == 1700000000123);
	CHECK(same(u.facts[0].key, body_text("name")) && same(u.facts[0].value, body_text("Ada")));
	CHECK(u.facts[0].trust_ppm == 900000 && u.facts[1].value.bytes == 0);
	uint8_t again[1024];
	CHECK(body_build_turn(&u, again, sizeof(again)) == n &&
			memcmp(again, room, (size_t)n) == 0);
}

static void the_others_survive(void) {
	struct body_epoch epoch = { 7, hash_of("plan", 4) }, epoch2;
	int n = body_build_epoch(&epoch, room, sizeof(room));
	CHECK(n > 0 && body_parse_epoch(room, (size_t)n, &epoch2) == 0 && epoch2.epoch == 7);
	CHECK(hash_equal(&epoch.plan_hash, &epoch2.plan_hash));

	struct body_set set = { body_text("speed"), body_text("0.5"), { NULL, 0 } }, set2;
	n = body_build_set(&set, room, sizeof(room));
	CHECK(n > 0 && body_parse_set(room, (size_t)n, &set2) == 0 && same(set.value, set2.value));

	for (uint64_t what = BODY_LOADED; what <= BODY_ACTIVE; what++) {
		struct body_model model = { body_text("phi3"), what }, model2;
		n = body_build_model(&model, room, sizeof(room));
		CHECK(n > 0 && body_parse_model(room, (size_t)n, &model2) == 0 &&
				model2.what == what);
	}
	CHECK(strcmp(body_what_name(BODY_ACTIVE), "active") == 0 &&
			strcmp(body_what_name(0), "?") == 0);

	struct body_evidence ev = { body_text("phi3"), body_text("talker"), body_text("talent"),
		UINT64_MAX, 3, 1000 },
			     ev2;
	n = body_build_evidence(&ev, room, sizeof(room));
	CHECK(n > 0 && body_parse_evidence(room, (size_t)n, &ev2) == 0 && ev2.p_ppm == UINT64_MAX);
	CHECK(ev2.n_ppm == 3 && ev2.half_life_ms == 1000 && same(ev.dim, ev2.dim));
}

static void commands_survive(void) {
	struct body_command c = { 9, body_text("walk"), -30, body_text("control"), 1, body_text(""), body_text("xy") },
			    c2;
	int n = body_build_command(&c, room, sizeof(room));
	CHECK(n > 0 && body_parse_command(room, (size_t)n, &c2) == 0);
	CHECK(c2.id == 9 && c2.number == -30 && c2.trust_ppm == 1 && same(c.verb, c2.verb));
	CHECK(same(c.symbols, c2.symbols));

	struct body_outcome o = { 9, body_text("failed"), body_text("joint 3 stuck") }, o2;
	n = body_build_outcome(&o, room, sizeof(room));
	CHECK(n > 0 && body_parse_outcome(room, (size_t)n, &o2) == 0 && same(o.reason, o2.reason));

	struct body_refusal r = { body_text("trust"), body_text("0.3 < 0.5"), { NULL, 0 }, body_text("ana"),
		body_text("xy") }, r2;
	n = body_build_refusal(&r, room, sizeof(room));
	CHECK(n > 0 && body_parse_refusal(room, (size_t)n, &r2) == 0 && same(r.detail, r2.detail));
	CHECK(same(r.source, r2.source) && same(r.symbols, r2.symbols));

	struct body_erase e = { 12, body_text("asked to") }, e2;
	n = body_build_erase(&e, room, sizeof(room));
	CHECK(n > 0 && body_parse_erase(room, (size_t)n, &e2) == 0 && e2.seq == 12);
}

static void bounds_hold_when_building(void) {
	static char big[BODY_UTTERANCE_MAX + 2];
	memset(big, 'x', sizeof(big) - 1);
	struct body_turn t = a_turn();
	t.user = (struct body_text){ big, BODY_UTTERANCE_MAX };
	CHECK(body_build_turn(&t, room, sizeof(room)) > 0);
	t.user.bytes++;
	CHECK(body_build_turn(&t, room, sizeof(room)) == -E2BIG);
	t = a_turn();
	CHECK(body_build_turn(&t, room, 20) == -E2BIG);
	t.fact_count = BODY_FACTS_MAX + 1;
	CHECK(body_build_turn(&t, room, sizeof(room)) == -E2BIG);
	t = a_turn();
	t.facts[0].key = body_text("");
	CHECK(body_build_turn(&t, room, sizeof(room)) == -EINVAL);
	t = a_turn();
	t.user = (struct body_text){ "a\0b", 3 };
	CHECK(body_build_turn(&t, room, sizeof(room)) == -EINVAL);
	t = a_turn();
	t.user = t.answer = (struct body_text){ big, BODY_UTTERANCE_MAX };
	t.fact_count = BODY_FACTS_MAX;
	for (int i = 0; i < BODY_FACTS_MAX; i++)
		t.facts[i] = (struct body_said){ { big, BODY_KEY_MAX }, { big, BODY_VALUE_MAX },
			0 };
	CHECK(body_build_turn(&t, room, sizeof(room)) ==
			-E2BIG); /* each fits, the whole does not */

	struct body_set s = { body_text(""), body_text("1"), { NULL, 0 } };
	CHECK(body_build_set(&s, room, sizeof(room)) == -EINVAL);
	struct body_model m = { body_text("phi3"), 0 };
	CHECK(body_build_model(&m, room, sizeof(room)) == -EINVAL);
	m.what = BODY_OPEN; /* of a goal */
	CHECK(body_build_model(&m, room, sizeof(room)) == -EINVAL);
}

static void trust_stays_between_0_and_1(void) {
	CHECK(body_ppm(0.54) == 540000 && body_ppm(1) == BODY_PPM && body_ppm(7) == BODY_PPM);
	CHECK(body_ppm(-1) == 0 && body_ppm(0) == 0 && body_ppm(NAN) == 0 &&
			body_ppm(INFINITY) == BODY_PPM);
	struct body_turn t = a_turn(), u;
	t.trust_ppm = 2 * BODY_PPM;
	int n = body_build_turn(&t, room, sizeof(room));
	CHECK(n > 0 && body_parse_turn(room, (size_t)n, &u) == 0 && u.trust_ppm == BODY_PPM);
}

/* Written by a newer program, or an older one. */
static void unknown_and_missing_keys_are_no_error(void) {
	struct mp_out o;
	struct body_set s;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 3);
	mp_kv_str(&o, "mood", "new here");
	mp_kv_str(&o, "field", "speed");
	mp_str(&o, "more");
	mp_array(&o, 2);
	mp_uint(&o, 1);
	mp_nil(&o);
	int n = mp_done(&o);
	CHECK(n > 0 && body_parse_set(room, (size_t)n, &s) == 0);
	CHECK(same(s.field, body_text("speed")) && s.value.bytes == 0);
	CHECK(body_parse_set("\x80", 1, &s) == -EPROTO); /* the field itself is required */
	struct body_model m;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 1);
	mp_kv_str(&o, "name", "phi3");
	n = mp_done(&o);
	CHECK(n > 0 && body_parse_model(room, (size_t)n, &m) == -EPROTO);
}

static int parse_value(const char *key, void (*value)(struct mp_out *)) {
	struct mp_out o;
	struct body_turn t;
	mp_begin(&o, room, sizeof(room));
	mp_map(&o, 1);
	mp_str(&o, key);
	value(&o);
	int n = mp_done(&o);
	CHECK(n > 0);
	return body_parse_turn(room, (size_t)n, &t);
}

static void put_number(struct mp_out *o) {
	mp_uint(o, 1);
}
static void put_large_number(struct mp_out *o) {
	mp_uint(o, BODY_PPM + 1);
}
static void put_zero_byte(struct mp_out *o) {
	mp_strn(o, "a\0b", 3);
}
static void put_long_text(struct mp_out *o) {
	static const char text[BODY_SYMBOLS_MAX + 1] = { ' ' };
	mp_strn(o, text, sizeof(text));
}
static void put_short_hash(struct mp_out *o) {
	mp_bin(o, "abc", 3);
}
static void put_many_facts(struct mp_out *o) {
	mp_array(o, BODY_FACTS_MAX + 1);
	for (int i = 0; i <= BODY_FACTS_MAX; i++) {
		mp_map(o, 1);
		mp_kv_str(o, "key", "k");
	}
}
static void put_fact_without_key(struct mp_out *o) {
	mp_array(o, 1);
	mp_map(o, 1);
	mp_kv_str(o, "value", "v");
}
static void put_long_fact(struct mp_out *o, size_t key, size_t value) {
	static char text[BODY_VALUE_MAX + 1];
	memset(text, 'x', sizeof(text));
	mp_array(o, 1);
	mp_map(o, 2);
	mp_str(o, "key");
	mp_strn(o, text, key);
	mp_str(o, "value");
	mp_strn(o, text, value);
}
static void put_longest_fact(struct mp_out *o) {
	put_long_fact(o, BODY_KEY_MAX, BODY_VALUE_MAX);
}
static void put_fact_with_long_key(struct mp_out *o) {
	put_long_fact(o, BODY_KEY_MAX + 1, 1);
}
static void put_fact_with_long_value(struct mp_out *o) {
	put_long_fact(o, 1, BODY_VALUE_MAX + 1);
}
static void put_fact_that_is_a_number(struct mp_out *o) {
	mp_array(o, 1);
	mp_uint(o, 1);
}

static void wrong_values_are_refused(void) {
	CHECK(parse_value("trust", put_number) == 0 && parse_value("any", put_number) == 0);
	CHECK(parse_value("trust", put_large_number) == -EPROTO);
	CHECK(parse_value("user", put_number) == -EPROTO);
	CHECK(parse_value("user", put_zero_byte) == -EPROTO);
	CHECK(parse_value("symbols", put_long_text) == -EPROTO);
	CHECK(parse_value("view_hash", put_short_hash) == -EPROTO);
	CHECK(parse_value("view_hash", put_number) == -EPROTO);
	CHECK(parse_value("facts", put_number) == -EPROTO);
	CHECK(parse_value("facts", put_many_facts) == -EPROTO);
	CHECK(parse_value("facts", put_fact_without_key) == -EPROTO);
	CHECK(parse_value("facts", put_fact_that_is_a_number) == -EPROTO);
	CHECK(parse_value("facts", put_longest_fact) == 0);
	CHECK(parse_value("facts", put_fact_with_long_key) == -EPROTO);
	CHECK(parse_value("facts", put_fact_with_long_value) == -EPROTO);
}

/* Every beginning of a body is refused, and so is one with more behind it. */
static void cut_and_longer_bodies_are_refused(void) {
	struct body_turn t = a_turn(), u;
	int n = body_build_turn(&t, room, sizeof(room));
	CHECK(n > 0);
	for (int cut = 0; cut < n; cut++) {
		uint8_t *exact = malloc((size_t)cut + 1); /* so that a read past the end shows */
		CHECK(exact != NULL);
		memcpy(exact, room, (size_t)cut);
		CHECK(body_parse_turn(exact, (size_t)cut, &u) == -EPROTO);
		free(exact);
	}
	room[n] = 0xc0;
	CHECK(body_parse_turn(room, (size_t)n + 1, &u) == -EPROTO);
}

static void requests_are_found_in_bodies(void) {
	uint8_t bytes[256];
	struct body_text found;
	struct body_set set = { body_text("speed"), body_text("1"), body_text("r1") };
	int n = body_build_set(&set, bytes, sizeof(bytes));
	CHECK(n > 0 && body_request(JOURNAL_SET, bytes, (size_t)n, &found) == 0 && body_text_is(found, "r1"));
	CHECK(body_request(JOURNAL_KIND_COUNT, bytes, (size_t)n, &found) == 0 && body_text_is(found, "r1")); /* newer */
	CHECK(body_request(JOURNAL_GAP, bytes, (size_t)n, &found) == 0 && found.bytes == 0); /* it has none */
	CHECK(body_request(JOURNAL_SET, bytes, (size_t)n - 1, &found) == -EPROTO);
	set.request = body_text("");
	n = body_build_set(&set, bytes, sizeof(bytes));
	CHECK(n > 0 && body_request(JOURNAL_SET, bytes, (size_t)n, &found) == 0 && found.bytes == 0);
}

int main(void) {
	a_turn_survives();
	the_others_survive();
	commands_survive();
	bounds_hold_when_building();
	trust_stays_between_0_and_1();
	unknown_and_missing_keys_are_no_error();
	wrong_values_are_refused();
	cut_and_longer_bodies_are_refused();
	requests_are_found_in_bodies();
	puts("body_test: ok");
}

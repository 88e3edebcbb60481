/*
 * state_test.c - what each kind of record does to the state, where its bounds are, and what its
 * hash sees.
 */
#include "journal/state.h"

#include <math.h>
#include "journal/claims.h"
#include "journal/journal_testing.h"
#include "test/lib/pace.h"

static struct journal_state *s, *other;
static uint8_t room[JOURNAL_BODY_MAX];

static struct journal_record record(uint64_t seq, enum journal_kind kind, int bytes) {
	struct journal_record r = { .seq = seq,
		.epoch = 1,
		.hlc = seq << 16,
		.wall = { (int64_t)(1000000 + seq) * 1000000 },
		.kind = (uint16_t)kind,
		.visibility = JOURNAL_PRIVATE,
		.class = JOURNAL_D2,
		.entity = "core",
		.principal = "ada",
		.body = room,
		.body_bytes = (uint32_t)bytes };
	CHECK(bytes > 0);
	return r;
}

static void apply(struct journal_state *to, enum journal_kind kind, int bytes) {
	struct journal_record r = record(to->seq + 1, kind, bytes);
	CHECK(state_apply(to, &r) == 0);
}

static int turn(const char *request, const char *user, const char *answer, const char *key,
		const char *value) {
	struct body_turn t = { .request = body_text(request),
		.speaker = body_text("ada"),
		.model = body_text("phi3"),
		.user = body_text(user),
		.answer = body_text(answer),
		.trust_ppm = 500000,
		.fact_count = key != NULL };
	t.facts[0] = (struct body_said){ body_text(key), body_text(value), 400000 };
	return body_build_turn(&t, room, sizeof(room));
}

static int set(const char *field, const char *value) {
	struct body_set b = { body_text(field), body_text(value), { NULL, 0 } };
	return body_build_set(&b, room, sizeof(room));
}

static int evidence(uint64_t p, uint64_t n, uint64_t half_life_ms) {
	struct body_evidence b = { body_text("phi3"), body_text("talker"), body_text("talent"), p,
		n, half_life_ms };
	return body_build_evidence(&b, room, sizeof(room));
}

static bool differ(void) {
	struct hash a = state_hash(s), b = state_hash(other);
	return !hash_equal(&a, &b);
}

static void the_beginning_is_empty(void) {
	state_init(s);
	state_init(other);
	CHECK(!differ() && !state_turn(s, 0) && !state_fact_at(s, 0) && !state_setting_at(s, 0));
	CHECK(!state_evidence_at(s, 0) && !state_fact(s, "name", "ada", "ada") &&
			!state_request(s, "ada", ""));
}

static void records_apply_once_and_in_order(void) {
	state_init(s);
	struct journal_record r = record(5, JOURNAL_SET, set("speed", "1"));
	CHECK(state_apply(s, &r) == 0 && s->seq == 5 && s->kinds[JOURNAL_SET] == 1);
	*other = *s;
	CHECK(state_apply(s, &r) == -ESTALE);
	r.seq = 4;
	CHECK(state_apply(s, &r) == -ESTALE && !differ() && s->kinds[JOURNAL_SET] == 1);
}

static void an_epoch_names_the_plan(void) {
	struct body_epoch b = { 9, hash_of("plan", 4) };
	state_init(s);
	struct journal_record r =
			record(1, JOURNAL_EPOCH, body_build_epoch(&b, room, sizeof(room)));
	r.epoch = 9;
	CHECK(state_apply(s, &r) == 0 && s->epoch == 9 && hash_equal(&s->plan_hash, &b.plan_hash));
}

static void facts_belong_to_who_said_them(void) {
	state_init(s);
	apply(s, JOURNAL_TURN, turn("", "call me Ada", "Hello", "name", "Ada"));
	struct journal_record r =
			record(2, JOURNAL_TURN, turn("", "call me Bob", "Hello", "name", "Bob"));
	snprintf(r.principal, sizeof(r.principal), "bob");
	r.visibility = JOURNAL_MACHINE;
	CHECK(state_apply(s, &r) == 0 && s->fact_count == 2);
	const struct state_fact *ada = state_fact(s, "name", "ada", "ada"),
				*bob = state_fact(s, "name", "bob", "ada");
	CHECK(ada && bob && strcmp(ada->value, "Ada") == 0 && strcmp(bob->value, "Bob") == 0);
	CHECK(ada->seq == 1 && ada->trust_ppm == 400000 && ada->confidence_ppm == BODY_PPM);
	CHECK(ada->seen.ns == INT64_C(1000001000000));
	CHECK(strcmp(ada->source, "ada") == 0 && strcmp(ada->via, "phi3") == 0);
	CHECK(ada->visibility == JOURNAL_PRIVATE && bob->visibility == JOURNAL_MACHINE);
	CHECK(state_fact_at(s, 0) == ada && state_fact_at(s, 1) == bob && !state_fact_at(s, 2));
	apply(s, JOURNAL_TURN, turn("", "Ada Lovelace", "Noted", "name", "Ada Lovelace"));
	CHECK(s->fact_count == 2 &&
			strcmp(state_fact(s, "name", "ada", "ada")->value, "Ada Lovelace") == 0);
	apply(s, JOURNAL_TURN, turn("", "forget it", "Done", "name", ""));
	CHECK(s->fact_count == 1 && !state_fact(s, "name", "ada", "ada") && state_fact(s, "name", "bob", "ada"));
}

static void the_oldest_fact_makes_room(void) {
	char key[16];
	state_init(s);
	for (int i = 0; i < STATE_FACTS_MAX + 3; i++) {
		snprintf(key, sizeof(key), "k%04d", i);
		apply(s, JOURNAL_TURN, turn("", "u", "a", key, "v"));
		if (i == 100)
			apply(s, JOURNAL_TURN, turn("", "u", "a", "k0001", "said again"));
	}
	CHECK(s->fact_count == STATE_FACTS_MAX && s->dropped == 3);
	CHECK(!state_fact(s, "k0000", "ada", "ada") && state_fact(s, "k0001", "ada", "ada"));
	CHECK(!state_fact(s, "k0002", "ada", "ada") && !state_fact(s, "k0003", "ada", "ada") &&
			state_fact(s, "k0004", "ada", "ada"));
}

static void says(const char *principal, const char *source, const char *key, uint32_t trust_ppm) {
	struct body_fact b = { .key = body_text(key), .value = body_text("v"), .source = body_text(source),
		.trust_ppm = trust_ppm, .confidence_ppm = BODY_PPM };
	struct journal_record r = record(s->seq + 1, JOURNAL_FACT, body_build_fact(&b, room, sizeof(room)));
	snprintf(r.principal, sizeof(r.principal), "%s", principal);
	CHECK(state_apply(s, &r) == 0);
}

static void says_many(const char *principal, const char *source, unsigned count, uint32_t trust_ppm) {
	char key[24];
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "%.3s%06u", source, i);
		says(principal, source, key, trust_ppm);
	}
}

static unsigned held_by(const char *principal, const char *source) {
	unsigned n = 0;
	for (unsigned i = 0; i < s->fact_count; i++)
		n += strcmp(s->facts[i].principal, principal) == 0 && strcmp(s->facts[i].source, source) == 0;
	return n;
}

/* However much a stranger says, the operator's word stays, and the machine's; and of that what a quiet sensor said. */
static void a_flood_pushes_out_its_own(void) {
	state_init(s);
	says_many("ana", "ana", 300, 900000);
	says_many("", "ear", 20, 500000);
	says_many("eve", "eve", STATE_FACTS_MAX + 500, 200000);
	CHECK(s->fact_count == STATE_FACTS_MAX && s->dropped == 300 + 20 + 500);
	CHECK(held_by("ana", "ana") == 300 && held_by("", "ear") == 20);
	CHECK(!state_fact(s, "eve000000", "eve", "eve") && state_fact(s, "eve004595", "eve", "eve"));
	says_many("", "eye", 2 * STATE_FACTS_MAX, 500000);
	CHECK(held_by("ana", "ana") == 300 && held_by("", "ear") == 20 && held_by("eve", "eve") == 1898);
	CHECK(held_by("", "eye") == 1878 && !state_fact(s, "eye006313", "", "eye"));
	CHECK(state_fact(s, "eye006314", "", "eye") != NULL);
	says("bob", "bob", "first", 100000); /* whoever comes late finds room, too */
	CHECK(held_by("bob", "bob") == 1 && held_by("eve", "eve") == 1897);
}

/* Where two hold as much, whoever's oldest is trusted least makes room, else the oldest. */
static void of_equals_the_least_trusted_makes_room(void) {
	state_init(s);
	says_many("ana", "ana", STATE_FACTS_MAX / 2, 900000);
	says_many("eve", "eve", STATE_FACTS_MAX / 2, 200000);
	says("bob", "bob", "first", 500000);
	CHECK(held_by("eve", "eve") == STATE_FACTS_MAX / 2 - 1 && !state_fact(s, "eve000000", "eve", "eve"));
	says("bob", "bob", "second", 500000); /* now ana holds the most */
	CHECK(held_by("ana", "ana") == STATE_FACTS_MAX / 2 - 1 && !state_fact(s, "ana000000", "ana", "ana"));
	state_init(s);
	says_many("ana", "ana", STATE_FACTS_MAX / 2, 200000);
	says_many("eve", "eve", STATE_FACTS_MAX / 2, 200000);
	says("bob", "bob", "first", 500000);
	CHECK(held_by("ana", "ana") == STATE_FACTS_MAX / 2 - 1 && held_by("eve", "eve") == STATE_FACTS_MAX / 2);
	says("ana", "ana", "more", 200000); /* is counted with what it brings: both hold as many then */
	CHECK(held_by("ana", "ana") == STATE_FACTS_MAX / 2 - 1 && !state_fact(s, "ana000001", "ana", "ana"));
}

static void wants(const char *principal, const char *id) {
	struct body_goal b = { .id = body_text(id), .text = body_text("look"), .what = BODY_OPEN };
	struct journal_record r = record(s->seq + 1, JOURNAL_GOAL, body_build_goal(&b, room, sizeof(room)));
	snprintf(r.principal, sizeof(r.principal), "%s", principal);
	CHECK(state_apply(s, &r) == 0);
}

static void a_flood_of_goals_pushes_out_its_own(void) {
	char id[16];
	state_init(s);
	wants("ana", "patrol");
	wants("ana", "rest");
	for (unsigned i = 0; i < 3 * STATE_GOALS_MAX; i++) {
		snprintf(id, sizeof(id), "e%u", i);
		wants("eve", id);
	}
	CHECK(s->goal_count == STATE_GOALS_MAX && state_goal(s, "patrol", "ana") && state_goal(s, "rest", "ana"));
	CHECK(!state_goal(s, "e129", "eve") && state_goal(s, "e130", "eve") && s->dropped == 2 * STATE_GOALS_MAX + 2);
}

static void turns_are_a_window(void) {
	char user[24];
	state_init(s);
	for (int i = 0; i < STATE_TURNS_MAX + 5; i++) {
		snprintf(user, sizeof(user), "turn %d", i);
		apply(s, JOURNAL_TURN, turn("", user, "a", NULL, ""));
	}
	CHECK(s->turns_end == STATE_TURNS_MAX + 5 && s->kinds[JOURNAL_TURN] == s->turns_end);
	CHECK(strcmp(state_turn(s, 0)->user, "turn 68") == 0);
	CHECK(strcmp(state_turn(s, STATE_TURNS_MAX - 1)->user, "turn 5") == 0 &&
			!state_turn(s, STATE_TURNS_MAX));
}

/* Two bytes a character: a cut at an odd place must not halve one. */
static void long_texts_are_cut_between_characters(void) {
	static char text[2 * STATE_TEXT_MAX + 1];
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	state_init(s);
	apply(s, JOURNAL_TURN, turn("r1", text, "short", NULL, ""));
	CHECK(state_turn(s, 0)->cut && strlen(state_turn(s, 0)->user) == STATE_TEXT_MAX - 2);
	CHECK(!state_request(s, "ada", "r1")->cut);
	apply(s, JOURNAL_TURN, turn("r2", "short", text, NULL, ""));
	CHECK(state_turn(s, 0)->cut && state_request(s, "ada", "r2")->cut);
	CHECK(strlen(state_request(s, "ada", "r2")->answer) == STATE_ANSWER_MAX - 2);
	apply(s, JOURNAL_TURN, turn("r3", "short", "short", NULL, ""));
	CHECK(!state_turn(s, 0)->cut);
}

static void a_retried_request_is_applied_once(void) {
	state_init(s);
	apply(s, JOURNAL_TURN, turn("r1", "u", "first", "k", "1"));
	apply(s, JOURNAL_TURN, turn("r1", "u", "second", "k", "2"));
	CHECK(s->duplicates == 1 && s->turns_end == 1 &&
			strcmp(state_fact(s, "k", "ada", "ada")->value, "1") == 0);
	const struct state_request *q = state_request(s, "ada", "r1");
	CHECK(q && q->seq == 1 && strcmp(q->answer, "first") == 0 &&
			!state_request(s, "bob", "r1"));
	struct journal_record r = record(3, JOURNAL_TURN, turn("r1", "u", "mine", NULL, ""));
	snprintf(r.principal, sizeof(r.principal), "bob"); /* another's request of the same name */
	CHECK(state_apply(s, &r) == 0 && s->turns_end == 2 &&
			state_request(s, "bob", "r1")->seq == 3);
	char id[24];
	for (int i = 0; i < STATE_REQUESTS_MAX; i++) {
		snprintf(id, sizeof(id), "later %d", i);
		apply(s, JOURNAL_TURN, turn(id, "u", "a", NULL, ""));
	}
	CHECK(!state_request(s, "ada", "r1") && state_request(s, "ada", "later 0"));
	apply(s, JOURNAL_TURN, turn("", "u", "a", NULL, ""));
	apply(s, JOURNAL_TURN, turn("", "u", "a", NULL, "")); /* no id: never a duplicate */
	CHECK(s->duplicates == 1);
}

static void settings_and_models(void) {
	state_init(s);
	apply(s, JOURNAL_SET, set("speed", "1"));
	apply(s, JOURNAL_SET, set("light", "on"));
	apply(s, JOURNAL_SET, set("speed", "2"));
	CHECK(s->setting_count == 2 && strcmp(state_setting(s, "speed")->value, "2") == 0);
	CHECK(strcmp(state_setting_at(s, 0)->field, "light") == 0 && !state_setting(s, "sound"));
	static char longer[2 * CDM_NAME_MAX];
	memset(longer, 'x', sizeof(longer) - 1);
	CHECK(!state_setting(s, longer) && !state_fact(s, longer, longer, longer) &&
			!state_request(s, longer, longer));
	struct body_model m = { body_text("phi3"), BODY_LOADED };
	apply(s, JOURNAL_MODEL, body_build_model(&m, room, sizeof(room)));
	CHECK(s->active_model[0] == 0);
	m.what = BODY_ACTIVE;
	apply(s, JOURNAL_MODEL, body_build_model(&m, room, sizeof(room)));
	CHECK(strcmp(s->active_model, "phi3") == 0 && s->kinds[JOURNAL_MODEL] == 2);
}

static void evidence_at_ms(uint64_t ms, uint64_t p, uint64_t n, uint64_t half_life) {
	struct journal_record r = record(s->seq + 1, JOURNAL_EVIDENCE, evidence(p, n, half_life));
	r.hlc = ms << 16;
	CHECK(state_apply(s, &r) == 0);
}

/* The integer decay against libm, over ages and half-lives of every size. */
static void evidence_decays_as_two_to_the_minus_t(void) {
	static const uint64_t half_lives[] = { 1, 7, 1000, 60000, UINT64_C(2592000000),
		UINT64_C(1) << 40 };
	for (size_t h = 0; h < COUNT_OF(half_lives); h++)
		for (double age = 0; age < 70; age += 0.37) {
			uint64_t passed = (uint64_t)(age * (double)half_lives[h]);
			double exact = 8e12 * exp2(-(double)passed / (double)half_lives[h]);
			state_init(s);
			evidence_at_ms(5, UINT64_C(8000000000000), 0, 0);
			evidence_at_ms(5 + passed, 0, 1, half_lives[h]);
			const struct state_evidence *e =
					state_evidence(s, "phi3", "talker", "talent");
			CHECK(e && e->count == 2 && e->n_ppm == 1 && e->at_ms == 5 + passed);
			CHECK(fabs((double)e->p_ppm - exact) <= 2e-5 * exact + 17);
		}
}

/* Half-lives beyond 32 bits lose their low bits, and must not lose the whole halving with them. */
static void decays_to_the_last_moment_of_a_long_half_life(void) {
	for (unsigned bits = 32; bits < 47; bits++) { /* of the 48 that a time has */
		uint64_t half_life = (UINT64_C(1) << bits) + 1;
		state_init(s);
		evidence_at_ms(0, 1000000, 0, 0);
		evidence_at_ms(half_life - 1, 0, 0, half_life);
		const struct state_evidence *e = state_evidence(s, "phi3", "talker", "talent");
		CHECK(e->p_ppm >= 499973 && e->p_ppm <= 500027); /* as exact as above */
	}
}

static void evidence_adds_up_and_never_wraps(void) {
	state_init(s);
	evidence_at_ms(10, 1000000, 500000, 0);
	evidence_at_ms(20, 1000000, 0, 0);
	const struct state_evidence *e = state_evidence(s, "phi3", "talker", "talent");
	CHECK(e->p_ppm == 2000000 && e->n_ppm == 500000 && s->evidence_count == 1 && e->seq == 2);
	CHECK(!state_evidence(s, "phi3", "talker", "training"));
	evidence_at_ms(15, UINT64_MAX, 0, 1); /* a clock that went back: nothing decays */
	CHECK(state_evidence(s, "phi3", "talker", "talent")->p_ppm == UINT64_MAX);
}

static void commands_are_counted(void) {
	struct body_command c = { .id = 41, .verb = body_text("walk"), .number = 1, .source = body_text("x") };
	struct body_outcome o = { 41, body_text("done"), body_text("") };
	struct body_refusal f = { .reason = body_text("trust") };
	struct body_erase e = { 1, body_text("") };
	state_init(s);
	apply(s, JOURNAL_COMMAND, body_build_command(&c, room, sizeof(room)));
	c.id = 7;
	apply(s, JOURNAL_COMMAND, body_build_command(&c, room, sizeof(room)));
	apply(s, JOURNAL_OUTCOME, body_build_outcome(&o, room, sizeof(room)));
	apply(s, JOURNAL_REFUSAL, body_build_refusal(&f, room, sizeof(room)));
	apply(s, JOURNAL_ERASE, body_build_erase(&e, room, sizeof(room)));
	CHECK(s->command_id_max == 41 && s->kinds[JOURNAL_COMMAND] == 2 &&
			s->kinds[JOURNAL_OUTCOME] == 1);
	CHECK(s->kinds[JOURNAL_REFUSAL] == 1 && s->kinds[JOURNAL_ERASE] == 1 && s->broken == 0);
}

#define APPLY(KIND, kind, ...) \
	do { \
		struct body_##kind body_ = { __VA_ARGS__ }; \
		apply(s, JOURNAL_##KIND, body_build_##kind(&body_, room, sizeof(room))); \
	} while (0)

static void claim(const char *principal, const char *source, const char *key, const char *value, uint32_t trust,
		uint64_t seen_ms) {
	struct body_fact b = { .key = body_text(key), .value = body_text(value), .source = body_text(source),
		.trust_ppm = trust, .confidence_ppm = BODY_PPM, .seen_ms = seen_ms };
	struct journal_record r = record(s->seq + 1, JOURNAL_FACT, body_build_fact(&b, room, sizeof(room)));
	snprintf(r.principal, sizeof(r.principal), "%s", principal);
	r.visibility = JOURNAL_MACHINE;
	CHECK(state_apply(s, &r) == 0);
}

/* "Ana said locked at 10:02, camera saw open at 10:05." */
static void contradictions_stand_beside_each_other(void) {
	unsigned first;
	state_init(s);
	claim("ana", "ana", "door", "locked", 900000, 1000);
	claim("", "camera", "door", "open", 800000, 4000);
	claim("", "camera", "door", "ajar", 700000, 5000);
	claim("ana", "ana", "cat", "Tom", 900000, 0);
	CHECK(s->fact_count == 3 && state_claims(s, "door", &first) == 2 && first == 1);
	CHECK(strcmp(state_fact_at(s, 1)->value, "ajar") == 0 && state_fact_at(s, 1)->seen.ns == 5000000000);
	CHECK(strcmp(state_fact_at(s, 2)->value, "locked") == 0 && state_claims(s, "dog", &first) == 0);
	claim("ana", "ana", "door", "", 0, 0);
	CHECK(state_claims(s, "door", &first) == 1 && !state_fact(s, "door", "ana", "ana"));
}

/* Nothing is seen before it is so: whose clock is ahead spoke of now. */
static void no_claim_is_of_the_future(void) {
	state_init(s);
	claim("ana", "ana", "door", "open", 900000, UINT64_C(9999999999));
	CHECK(state_fact(s, "door", "ana", "ana")->seen.ns == INT64_C(1000001000000));
	claim("ana", "ana", "door", "shut", 900000, 1000002);
	CHECK(strcmp(state_fact(s, "door", "ana", "ana")->value, "shut") == 0);
}

/* Who says when it was so does not unsay what he said of later; who says nothing of when speaks of now. */
static void late_news_change_nothing(void) {
	const struct state_fact *f;
	state_init(s);
	claim("ana", "ana", "door", "open", 900000, 2000);
	claim("ana", "ana", "door", "locked", 900000, 1999);
	claim("ana", "ana", "door", "", 0, 1999);
	f = state_fact(s, "door", "ana", "ana");
	CHECK(f && strcmp(f->value, "open") == 0 && f->seq == 1 && s->seq == 3 && s->kinds[JOURNAL_FACT] == 3);
	claim("", "camera", "door", "locked", 1, 1000);
	claim("bob", "ana", "door", "ajar", 1, 1000);
	CHECK(s->fact_count == 3 && strcmp(f->value, "open") == 0); /* others are others */
	claim("ana", "ana", "door", "ajar", 900000, 2000);
	CHECK(strcmp(state_fact(s, "door", "ana", "ana")->value, "ajar") == 0);
	s->facts[0].seen.ns += 999999; /* of the same millisecond */
	s->facts[1].seen.ns += 999999;
	s->facts[2].seen.ns += 999999;
	claim("ana", "ana", "door", "shut", 900000, 2000);
	CHECK(strcmp(state_fact(s, "door", "ana", "ana")->value, "shut") == 0);
	struct body_fact now = { .key = body_text("door"), .value = body_text("open"), .source = body_text("ana") };
	struct journal_record r = record(s->seq + 1, JOURNAL_FACT, body_build_fact(&now, room, sizeof(room)));
	snprintf(r.principal, sizeof(r.principal), "ana");
	r.wall.ns = 1; /* the calendar was set back */
	CHECK(state_apply(s, &r) == 0 && strcmp(state_fact(s, "door", "ana", "ana")->value, "open") == 0);
	claim("ana", "ana", "door", "", 0, 1);
	CHECK(!state_fact(s, "door", "ana", "ana"));
	claim("ana", "ana", "door", "locked", 900000, 500); /* what was taken away leaves no time */
	CHECK(state_fact(s, "door", "ana", "ana") != NULL);
}

static unsigned counted(const char *owner, const char *door, const char *speaker, const char *sources) {
	const struct state_fact *of[CLAIMS_MAX];
	const struct claims_asker a = { owner, { door, speaker } };
	unsigned next = 0, n = claims_next(s, &a, &next, of);
	char all[64] = "";
	for (unsigned i = 0; i < n; i++)
		strcat(strcat(all, of[i]->source), " ");
	CHECK(strcmp(all, sources) == 0 && next == s->fact_count);
	return n;
}

static void whose_claims_count(void) {
	const struct state_fact *of[CLAIMS_MAX];
	unsigned next = 0;
	state_init(s);
	claim("ana", "ana", "name", "Ana", 900000, 0);
	claim("bob", "bob", "name", "Bob", 900000, 0);
	claim("", "camera", "name", "Eve", 100000, 0);
	counted("ana", "ana", "ana", "camera ana ");
	counted("bob", "ana", "bob", "camera bob ");
	counted("eve", "eve", "eve", "camera ana bob ");
	CHECK(claims_next(s, NULL, &next, of) == 3);
	s->facts[0].visibility = JOURNAL_PRIVATE; /* ana's */
	counted("eve", "ana", "eve", "camera bob ");
	counted("ana", "door", "ana", "camera ana ");
	for (unsigned i = 0; i < CLAIMS_MAX + 2; i++) {
		char source[8];
		snprintf(source, sizeof(source), "s%02u", i);
		claim("", source, "name", "X", 1, 0);
	}
	next = 0;
	CHECK(claims_next(s, NULL, &next, of) == CLAIMS_MAX && of[0]->seq > 4); /* the newest */
}

static void derive(const char *key, uint32_t trust, uint64_t seen_ms, unsigned count, uint64_t a, uint64_t b) {
	struct body_fact f = { .key = body_text(key), .value = body_text("v"), .source = body_text("core"),
		.trust_ppm = trust, .confidence_ppm = BODY_PPM, .seen_ms = seen_ms, .from = { count, { a, b } } };
	apply(s, JOURNAL_FACT, body_build_fact(&f, room, sizeof(room)));
}

/* Neither trust nor freshness is laundered. */
static void what_is_derived_is_held_to_its_sources(void) {
	state_init(s);
	claim("ana", "ana", "door", "locked", 900000, 5000);
	claim("", "camera", "light", "on", 300000, 2000);
	derive("safe", 1000000, 9000, 2, 1, 2);
	const struct state_fact *f = state_fact(s, "safe", "ada", "core");
	CHECK(f->trust_ppm == 300000 && f->seen.ns == 2000000000 && f->from.count == 2);
	derive("safe", 100000, 1000, 2, 1, 2);
	CHECK(f->trust_ppm == 100000 && f->seen.ns == 1000000000);
	derive("safe", 1000000, 9000, 2, 1, 77); /* nobody knows record 77 */
	CHECK(f->trust_ppm == 0);
	derive("safe", 1000000, 9000, 1, 0, 0); /* nor what another journal had */
	CHECK(f->trust_ppm == 0 && f->seq == s->seq);
	APPLY(SAMPLE, sample, .field = body_text("faces"), .trust_ppm = 500000, .seen_ms = 3000);
	derive("seen", 1000000, 9000, 1, s->seq, 0);
	CHECK(state_fact(s, "seen", "ada", "core")->trust_ppm == 500000);
	CHECK(state_fact(s, "seen", "ada", "core")->seen.ns == 3000000000);
	APPLY(ERASE, erase, 1, body_text(""));
	derive("late", 1000000, 0, 1, 1, 0); /* of what was erased nothing new is made */
	CHECK(!state_fact(s, "late", "ada", "core") && s->erased_end == 1);
}

/* What comes between the look at a source and the fold takes nothing away; else what is gone vouches for nothing. */
static void what_was_held_before_stays(void) {
	state_init(s);
	APPLY(SAMPLE, sample, .field = body_text("faces"), .trust_ppm = 500000, .seen_ms = 3000);
	APPLY(SAMPLE, sample, .field = body_text("faces"), .trust_ppm = 900000, .seen_ms = 4000);
	struct body_fact f = { .key = body_text("moving"), .value = body_text("yes"), .source = body_text("core"),
		.trust_ppm = 500000, .confidence_ppm = BODY_PPM, .seen_ms = 3000, .from = { 1, { 1 } }, .held_at = 1 };
	apply(s, JOURNAL_FACT, body_build_fact(&f, room, sizeof(room)));
	CHECK(state_fact(s, "moving", "ada", "core")->trust_ppm == 500000);
	f.trust_ppm = f.confidence_ppm = BODY_PPM;
	f.from.at[0] = f.held_at = 2; /* is there still, and is held to again */
	apply(s, JOURNAL_FACT, body_build_fact(&f, room, sizeof(room)));
	CHECK(state_fact(s, "moving", "ada", "core")->trust_ppm == 900000);
	f.from.at[0] = 1, f.held_at = 0;
	apply(s, JOURNAL_FACT, body_build_fact(&f, room, sizeof(room)));
	CHECK(state_fact(s, "moving", "ada", "core")->trust_ppm == 0);
}

/* Random derivations of any depth: none is worth more than a source was when it was told, nor fresher. */
static void no_derivation_is_worth_more_than_its_sources(void) {
	enum { KEYS = 40, STEPS = PACE(20000, 5000) };
	static struct state_worth at[STEPS + 1]; /* by seq */
	unsigned deep[STEPS + 1] = { 0 }, deepest = 0;
	uint64_t seed = 7;
	state_init(s);
	for (uint64_t seq = 1; seq <= STEPS; seq++) {
		char key[8];
		unsigned one = (unsigned)(testing_random(&seed) % KEYS), count = (unsigned)(testing_random(&seed) % 4);
		snprintf(key, sizeof(key), "k%u", one);
		uint32_t trust = (uint32_t)(testing_random(&seed) % (BODY_PPM + 1));
		if (testing_random(&seed) % 8 == 0) {
			APPLY(SAMPLE, sample, .field = body_text(key), .trust_ppm = trust, .seen_ms = 1 + seq);
			at[seq] = (struct state_worth){ trust, BODY_PPM, { (int64_t)(1 + seq) * 1000000 } };
			continue;
		}
		struct body_fact f = { .key = body_text(key), .value = body_text("v"), .source = body_text("core"),
			.trust_ppm = BODY_PPM - trust / 8, .confidence_ppm = BODY_PPM - trust / 9, .seen_ms = 1 + seq };
		for (; f.from.count < count && f.from.count < s->fact_count; f.from.count++) {
			unsigned n = (unsigned)(testing_random(&seed) % s->fact_count);
			f.from.at[f.from.count] = s->sample_count && testing_random(&seed) % 4 == 0
					? s->samples[testing_random(&seed) % s->sample_count].seq : s->facts[n].seq;
		}
		apply(s, JOURNAL_FACT, body_build_fact(&f, room, sizeof(room)));
		const struct state_fact *have = state_fact(s, key, "ada", "core");
		CHECK(have && have->seq == seq && have->from.count == f.from.count);
		at[seq] = (struct state_worth){ have->trust_ppm, have->confidence_ppm, have->seen };
		uint64_t worth = (uint64_t)have->trust_ppm * have->confidence_ppm;
		for (unsigned i = 0; i < f.from.count; i++) {
			const struct state_worth *of = &at[f.from.at[i]];
			CHECK(have->trust_ppm <= of->trust_ppm && have->confidence_ppm <= of->confidence_ppm);
			CHECK(have->seen.ns <= of->seen.ns && worth <= (uint64_t)of->trust_ppm * of->confidence_ppm);
			deep[seq] = deep[f.from.at[i]] + 1 > deep[seq] ? deep[f.from.at[i]] + 1 : deep[seq];
		}
		deepest = deep[seq] > deepest ? deep[seq] : deepest;
	}
	CHECK(deepest > 20 && s->broken == 0);
}

static void goals_are_open_until_they_are_not(void) {
	state_init(s);
	APPLY(GOAL, goal, .id = body_text("patrol"), .text = body_text("look"), .what = BODY_OPEN, .weight_ppm = 5);
	CHECK(s->goal_count == 1 && state_goal(s, "patrol", "ada")->weight_ppm == 5 && !state_goal(s, "patrol", "bob"));
	APPLY(GOAL, goal, .id = body_text("patrol"), .text = body_text("look again"), .what = BODY_OPEN, .due_ms = 9);
	CHECK(s->goal_count == 1 && state_goal_at(s, 0)->due_ms == 9);
	APPLY(GOAL, goal, .id = body_text("patrol"), .what = BODY_DONE);
	CHECK(s->goal_count == 0 && !state_goal_at(s, 0));
}

static void commands_are_open_until_their_outcome(void) {
	state_init(s);
	APPLY(COMMAND, command, .id = 41, .verb = body_text("walk"));
	APPLY(COMMAND, command, .id = 41, .verb = body_text("turn"));
	APPLY(COMMAND, command, .id = 42, .verb = body_text("stop"));
	CHECK(s->command_count == 1 && state_command_at(s, 0)->id == 41 && s->command_id_max == 42);
	APPLY(OUTCOME, outcome, 41, body_text("done"), body_text(""));
	CHECK(s->command_count == 0);
}

static void sessions_gather_turns(void) {
	struct body_turn t = { .session = body_text("s1"), .user = body_text("u") };
	state_init(s);
	for (int i = 0; i < 3; i++)
		apply(s, JOURNAL_TURN, body_build_turn(&t, room, sizeof(room)));
	const struct state_session *e = state_session(s, "ada", "s1");
	CHECK(e && e->turns == 3 && e->first_seq == 1 && e->seq == 3 && s->session_count == 1);
	CHECK(strcmp(state_turn(s, 0)->session, "s1") == 0 && !state_session(s, "bob", "s1"));
}

/* What is told late is no fresher for it: a turn that says when it was said, and its claims, are of then. */
static void turns_have_their_own_time(void) {
	struct body_turn t = { .speaker = body_text("ada"), .session = body_text("s1"), .user = body_text("u"),
		.fact_count = 1, .said_ms = 5000 };
	t.facts[0] = (struct body_said){ body_text("door"), body_text("locked"), 900000 };
	state_init(s);
	apply(s, JOURNAL_TURN, body_build_turn(&t, room, sizeof(room)));
	CHECK(state_turn(s, 0)->wall.ns == INT64_C(5000000000));
	CHECK(state_fact(s, "door", "ada", "ada")->seen.ns == INT64_C(5000000000));
	CHECK(state_session(s, "ada", "s1")->wall.ns == INT64_C(5000000000));
}

static void the_rest_is_remembered(void) {
	state_init(s);
	APPLY(SYMBOL, symbol, body_text("\xf0\x90\xa4\x80"), body_text("camera"), 7);
	CHECK(state_symbol(s, 0)->trust_ppm == 7 && !state_symbol(s, 1));
	APPLY(DICTIONARY, dictionary, .table = body_text("v2"), .what = BODY_ADOPTED, .version = 3);
	APPLY(DICTIONARY, dictionary, .table = body_text("v2"), .what = BODY_CHANGED, .version = 4);
	CHECK(state_dictionary(s, "v2")->version == 4 && state_dictionary(s, "v2")->changes == 2);
	APPLY(PLAN, plan, hash_of("p", 1), 1, 2, body_text("abc"));
	CHECK(s->plan_seq == 0);
	APPLY(PLAN, plan, hash_of("p", 1), 2, 2, body_text("def"));
	CHECK(s->plan_seq == s->seq);
	APPLY(SAMPLE, sample, .field = body_text("faces"), .version = 9, .status = body_text("ok"), .bytes = 3,
			.data = body_text("abc"));
	CHECK(state_sample(s, "faces")->kept == 3 && memcmp(state_sample(s, "faces")->data, "abc", 3) == 0);
	APPLY(GAP, gap, body_text("evidence"), 5, body_text("full"));
	APPLY(GAP, gap, body_text("evidence"), 2, body_text("full"));
	CHECK(state_gap_at(s, 0)->count == 7 && state_gap_at(s, 0)->times == 2);
	APPLY(MODEL, model, body_text("phi3"), BODY_LOADED);
	CHECK(state_model_at(s, 0)->loaded && state_model_at(s, 0)->loads == 1);
	APPLY(MODEL, model, body_text("phi3"), BODY_UNLOADED);
	CHECK(!state_model_at(s, 0)->loaded);
	APPLY(COMPACT, compact, .upto = 4);
	CHECK(s->compacted == 4 && s->broken == 0);
}

static void odd_records_are_counted_and_passed(void) {
	state_init(s);
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++) {
		struct journal_record r = record(s->seq + 1, k, 1);
		room[0] = 0xc1; /* no such tag in MessagePack */
		CHECK(state_apply(s, &r) == -EPROTO);
	}
	CHECK(s->broken == JOURNAL_KIND_COUNT && s->seq == JOURNAL_KIND_COUNT);
	struct journal_record r = record(s->seq + 1, JOURNAL_KIND_COUNT, 1);
	CHECK(state_apply(s, &r) == 0 && s->kinds[JOURNAL_KIND_COUNT] == 1);
	r = record(s->seq + 1, JOURNAL_TURN, 1);
	r.erased = true;
	r.body = NULL;
	r.body_bytes = 0;
	CHECK(state_apply(s, &r) == 0 && s->erased == 1 && s->turns_end == 0);
}

/* The same said at another time is the same state; anything else is another. */
static void the_hash_sees_values_not_the_calendar(void) {
	state_init(s);
	state_init(other);
	for (uint64_t i = 1; i <= 2; i++) {
		struct journal_record r =
				i == 1 ? record(i, JOURNAL_TURN, turn("r", "u", "a", "k", "v"))
				       : record(i, JOURNAL_SET, set("speed", "1"));
		CHECK(state_apply(s, &r) == 0);
		r.wall.ns += 1000;
		r.hlc += 1000;
		r.hash.bytes[0] = 1;
		CHECK(state_apply(other, &r) == 0);
	}
	CHECK(!differ());
#define SEES(change)                                                                               \
	do {                                                                                       \
		struct journal_state *keep = malloc(sizeof(*keep));                                \
		CHECK(keep != NULL);                                                               \
		*keep = *other;                                                                    \
		change;                                                                            \
		CHECK(differ());                                                                   \
		*other = *keep;                                                                    \
		CHECK(!differ());                                                                  \
		free(keep);                                                                        \
	} while (0)
	SEES(other->seq++);
	SEES(other->epoch++);
	SEES(other->plan_hash.bytes[3] ^= 1);
	SEES(other->active_model[0] = 'x');
	SEES(other->command_id_max++);
	SEES(other->kinds[JOURNAL_OUTCOME]++);
	SEES(other->facts[0].value[0] = 'w');
	SEES(other->facts[0].trust_ppm++);
	SEES(other->facts[0].visibility = JOURNAL_PUBLIC);
	SEES(other->facts[0].source[0] = 'x');
	SEES(other->settings[0].value[0] = '2');
	SEES(other->turns[0].answer[0] = 'b');
	SEES(other->turns[0].view_hash.bytes[0] ^= 1);
	SEES(other->requests[0].answer[0] = 'b');
	SEES(other->duplicates++);
#undef SEES
}

/* Tables do not remember in which order their entries came, only what they are. */
static void the_hash_does_not_see_places(void) {
	static const char *const keys[] = { "a", "b", "c", "d" };
	state_init(s);
	state_init(other);
	for (int i = 0; i < 4; i++) {
		apply(s, JOURNAL_SET, set(keys[i], "1"));
		apply(other, JOURNAL_SET, set(keys[3 - i], "1"));
	}
	for (unsigned i = 0; i < 4; i++)
		s->settings[i].seq = other->settings[i].seq = 1;
	CHECK(strcmp(s->settings[0].field, other->settings[0].field) != 0 && !differ());
}

struct bytes {
	uint8_t *at;
	size_t count, room;
};

static void gather(void *user, const void *bytes, size_t count) {
	struct bytes *b = user;
	while (b->room - b->count < count)
		CHECK((b->at = realloc(b->at, b->room = 2 * b->room + 4096)) != NULL);
	memcpy(b->at + b->count, bytes, count);
	b->count += count;
}

static void fill_everything(void) {
	state_init(s);
	for (int i = 0; i < 70; i++) {
		char text[32];
		snprintf(text, sizeof(text), "%d", i * 37 % 70);
		struct body_turn t = { .request = body_text(text), .session = body_text(text), .user = body_text("u"),
			.answer = body_text(text), .view_hash = hash_of(text, 2), .speaker = body_text("ada") };
		apply(s, JOURNAL_TURN, body_build_turn(&t, room, sizeof(room)));
		claim("ana", "camera", text, "v", 5, (uint64_t)i);
		APPLY(GOAL, goal, .id = body_text(text), .what = BODY_OPEN);
		APPLY(SAMPLE, sample, .field = body_text(text), .data = body_text("xyz"), .seen_ms = 77);
		APPLY(SET, set, body_text(text), body_text("1"), body_text(""));
		APPLY(COMMAND, command, .id = (uint64_t)(i * 37 % 70), .verb = body_text("walk"));
		APPLY(MODEL, model, body_text(text), BODY_LOADED);
		APPLY(GAP, gap, body_text(text), 1, body_text(""));
		APPLY(SYMBOL, symbol, .text = body_text(text));
		APPLY(EVIDENCE, evidence, body_text(text), body_text("r"), body_text("d"), 1, 2, 3);
		APPLY(DICTIONARY, dictionary, .table = body_text(text), .what = BODY_ADOPTED);
		APPLY(ERASE, erase, (uint64_t)i, body_text(""));
		derive("d", 7, 0, 2, 1, 2);
	}
	CHECK(s->broken == 0 && s->dropped > 0);
}

/* A fold that begins in the middle ends where one from the beginning does. */
static void a_state_that_is_read_back_goes_on(void) {
	struct bytes b = { NULL, 0, 0 }, again = { NULL, 0, 0 };
	fill_everything();
	s->hlc = 99;
	s->head = hash_of("head", 4);
	state_encode(s, gather, &b);
	CHECK(state_decode(other, b.at, b.count) == 0 && !differ());
	state_encode(other, gather, &again);
	CHECK(again.count == b.count && memcmp(again.at, b.at, b.count) == 0);
	CHECK(other->hlc == 99 && hash_equal(&other->head, &s->head) && state_request(other, "ada", "7"));
	for (int i = 0; i < 200; i++) {
		char key[16];
		snprintf(key, sizeof(key), "n%d", i);
		apply(s, JOURNAL_TURN, turn(key, "u", "a", key, "v"));
		apply(other, JOURNAL_TURN, turn(key, "u", "a", key, "v"));
		apply(s, JOURNAL_SET, set(key, "v"));
		apply(other, JOURNAL_SET, set(key, "v"));
		evidence_at_ms(1000 + (uint64_t)i, 5, 5, 100);
		struct journal_record r = record(other->seq + 1, JOURNAL_EVIDENCE, evidence(5, 5, 100));
		r.hlc = (1000 + (uint64_t)i) << 16;
		CHECK(state_apply(other, &r) == 0);
	}
	CHECK(!differ() && s->dropped == other->dropped);
	struct journal_state *third = testing_state();
	state_copy(third, s);
	struct journal_state *keep = other;
	other = third;
	CHECK(!differ());
	other = keep;
	free(third);
	free(b.at);
	free(again.at);
}

/* Every cut and every flipped byte gives a state or a refusal, never a crash, nor more than a table holds. */
static void odd_bytes_are_no_state(void) {
	struct bytes b = { NULL, 0, 0 };
	fill_everything();
	state_encode(s, gather, &b);
	for (size_t n = 0; n < b.count; n += n < 600 ? 1 : 97)
		CHECK(state_decode(other, b.at, n) == -EPROTO && other->seq == 0 && other->fact_count == 0);
	for (size_t i = 0; i < b.count; i += i < 600 ? 1 : 61) {
		b.at[i] ^= 0x81;
		int rc = state_decode(other, b.at, b.count);
		CHECK(rc == 0 || rc == -EPROTO);
		b.at[i] ^= 0x81;
	}
	const size_t fold = b.at[0] == 0xdc ? 3 : 1; /* behind the head of the array */
	CHECK(b.at[fold] == STATE_FOLD && state_fold(b.at, b.count) == STATE_FOLD && state_fold(b.at, fold) == 0);
	b.at[fold]++;
	CHECK(state_decode(other, b.at, b.count) == -EPROTO);
	b.at[fold] = STATE_FOLD_READ;
	CHECK(state_decode(other, b.at, b.count) == 0 && !differ());
	free(b.at);
}

static void scrubbing_takes_out_one_record(void) {
	state_init(s);
	claim("ana", "ana", "door", "locked", 1, 0);
	apply(s, JOURNAL_TURN, turn("r1", "my pin is 1234", "Noted", "pin", "1234"));
	apply(s, JOURNAL_TURN, turn("r2", "hello", "hello", NULL, ""));
	state_scrub(s, 2);
	CHECK(s->fact_count == 1 && !state_fact(s, "pin", "ada", "ada") && !state_request(s, "ada", "r1"));
	CHECK(state_turn(s, 1)->seq == 0 && state_turn(s, 1)->user[0] == 0 && state_request(s, "ada", "r2"));
	static const char secret[] = "1234";
	CHECK(memmem(s->facts, sizeof(s->facts[0]) * 2, secret, 4) == NULL);
	CHECK(memmem(s->turns, sizeof(s->turns), secret, 4) == NULL);
	struct body_model m = { body_text("phi3"), BODY_ACTIVE };
	apply(s, JOURNAL_MODEL, body_build_model(&m, room, sizeof(room)));
	state_scrub(s, 3);
	CHECK(strcmp(s->active_model, "phi3") == 0);
	state_scrub(s, 4);
	CHECK(s->active_model[0] == 0 && s->model_count == 0);
}

int main(void) {
	s = testing_state();
	other = testing_state();
	the_beginning_is_empty();
	records_apply_once_and_in_order();
	an_epoch_names_the_plan();
	facts_belong_to_who_said_them();
	the_oldest_fact_makes_room();
	a_flood_pushes_out_its_own();
	of_equals_the_least_trusted_makes_room();
	a_flood_of_goals_pushes_out_its_own();
	turns_are_a_window();
	long_texts_are_cut_between_characters();
	a_retried_request_is_applied_once();
	settings_and_models();
	evidence_decays_as_two_to_the_minus_t();
	decays_to_the_last_moment_of_a_long_half_life();
	evidence_adds_up_and_never_wraps();
	commands_are_counted();
	odd_records_are_counted_and_passed();
	the_hash_sees_values_not_the_calendar();
	the_hash_does_not_see_places();
	contradictions_stand_beside_each_other();
	late_news_change_nothing();
	no_claim_is_of_the_future();
	whose_claims_count();
	what_is_derived_is_held_to_its_sources();
	what_was_held_before_stays();
	no_derivation_is_worth_more_than_its_sources();
	goals_are_open_until_they_are_not();
	commands_are_open_until_their_outcome();
	sessions_gather_turns();
	turns_have_their_own_time();
	the_rest_is_remembered();
	a_state_that_is_read_back_goes_on();
	odd_bytes_are_no_state();
	scrubbing_takes_out_one_record();
	free(s);
	free(other);
	puts("state_test: ok");
}

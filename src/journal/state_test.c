/*
 * state_test.c - what each kind of record does to the state, where its bounds are, and what its
 * hash sees.
 */
#include "journal/state.h"

#include <math.h>
#include "journal/journal_testing.h"

static struct journal_state *s, *other;
static uint8_t room[JOURNAL_BODY_MAX];

static struct journal_record record(uint64_t seq, enum journal_kind kind, int bytes) {
	struct journal_record r = { .seq = seq,
		.epoch = 1,
		.hlc = seq << 16,
		.wall = { (int64_t)seq },
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
	t.facts[0] = (struct body_fact){ body_text(key), body_text(value), 400000 };
	return body_build_turn(&t, room, sizeof(room));
}

static int set(const char *field, const char *value) {
	struct body_set b = { body_text(field), body_text(value) };
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
	CHECK(!state_evidence_at(s, 0) && !state_fact(s, "ada", "name") &&
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
	const struct state_fact *ada = state_fact(s, "ada", "name"),
				*bob = state_fact(s, "bob", "name");
	CHECK(ada && bob && strcmp(ada->value, "Ada") == 0 && strcmp(bob->value, "Bob") == 0);
	CHECK(ada->seq == 1 && ada->trust_ppm == 400000 && ada->wall.ns == 1 &&
			strcmp(ada->source, "phi3") == 0);
	CHECK(ada->visibility == JOURNAL_PRIVATE && bob->visibility == JOURNAL_MACHINE);
	CHECK(state_fact_at(s, 0) == ada && state_fact_at(s, 1) == bob && !state_fact_at(s, 2));
	apply(s, JOURNAL_TURN, turn("", "Ada Lovelace", "Noted", "name", "Ada Lovelace"));
	CHECK(s->fact_count == 2 &&
			strcmp(state_fact(s, "ada", "name")->value, "Ada Lovelace") == 0);
	apply(s, JOURNAL_TURN, turn("", "forget it", "Done", "name", ""));
	CHECK(s->fact_count == 1 && !state_fact(s, "ada", "name") && state_fact(s, "bob", "name"));
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
	CHECK(!state_fact(s, "ada", "k0000") && state_fact(s, "ada", "k0001"));
	CHECK(!state_fact(s, "ada", "k0002") && !state_fact(s, "ada", "k0003") &&
			state_fact(s, "ada", "k0004"));
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
			strcmp(state_fact(s, "ada", "k")->value, "1") == 0);
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
	CHECK(!state_setting(s, longer) && !state_fact(s, longer, longer) &&
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
	struct body_command c = { 41, body_text("walk"), 1, body_text("x"), 1 };
	struct body_outcome o = { 41, body_text("done"), body_text("") };
	struct body_refusal f = { body_text("trust"), body_text("") };
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

int main(void) {
	s = testing_state();
	other = testing_state();
	the_beginning_is_empty();
	records_apply_once_and_in_order();
	an_epoch_names_the_plan();
	facts_belong_to_who_said_them();
	the_oldest_fact_makes_room();
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
	free(s);
	free(other);
	puts("state_test: ok");
}

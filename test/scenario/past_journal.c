/*
 * past_journal.c - for time_test.py: a journal in which the same things happened at the same moments every time.
 *
 *      past_journal FILE PLAN             an hour of a machine, from 2026-11-30T09:00:00Z on; PLAN of `cadmus plan`
 *      past_journal FILE PLAN compact     the same, and records of kind gap up to 09:20 are let go
 *      past_journal FILE PLAN erase       the same, and what ana said at 09:08 is erased
 *      past_journal FILE PLAN flood       the same, and the operator says at 09:21 more than the state holds
 *      past_journal FILE set N            N settings more, at the end
 *
 * The clock of the journal stands still but where tick() is called: a minute at a time.
 */
#include "base/clock.h"
#include "env/env.h"
#include "journal/journal_testing.h"
#include "schema/plan.h"
#include "sem/trust.h"

#define BEGIN_S INT64_C(1796029200) /* 2026-11-30T09:00:00Z */

static struct cdm_wall now;
static struct env world;
static struct journal *j;
static struct journal_state *state;
static uint8_t room[4][JOURNAL_BODY_MAX];

static struct cdm_wall wall(const struct env *e) {
	(void)e;
	return now;
}

static void tick(void) {
	now.ns += 60 * NS_PER_S;
}

static void submit(const struct journal_entry *e, unsigned count) {
	uint64_t ticket;
	CHECK(journal_submit(j, e, count, JOURNAL_D2, &ticket) == 0);
	CHECK(testing_settle(j, ticket, state) == 0);
}

static struct journal_entry entry(enum journal_kind kind, unsigned at, int bytes, const char *entity,
		const char *principal, enum journal_visibility visibility) {
	CHECK(bytes > 0);
	return (struct journal_entry){ kind, visibility, entity, principal, room[at], (size_t)bytes, NULL };
}

/* ---- what happens ---- */

static void fact(const char *key, const char *value, const char *source, const char *via, double trust,
		const char *principal, enum journal_visibility visibility, const struct body_seqs *from) {
	struct body_fact b = { .key = body_text(key), .value = body_text(value), .source = body_text(source),
		.via = body_text(via), .trust_ppm = body_ppm(trust), .confidence_ppm = BODY_PPM };
	if (from)
		b.from = *from;
	struct journal_entry e = entry(JOURNAL_FACT, 0, body_build_fact(&b, room[0], sizeof(room[0])), "core",
			principal, visibility);
	submit(&e, 1);
}

static struct journal_entry turn(const char *user, const char *key, const char *value, const char *who) {
	struct body_turn b = { .speaker = body_text(who), .model = body_text("parrot"), .user = body_text(user),
		.answer = body_text("I \033[31msee\nit"), .trust_ppm = 900000, .session = body_text("s1"),
		.fact_count = key ? 1 : 0 };
	b.facts[0] = (struct body_said){ body_text(key), body_text(value), 900000 };
	return entry(JOURNAL_TURN, 0, body_build_turn(&b, room[0], sizeof(room[0])), "parrot", who,
			strcmp(who, "operator") == 0 ? JOURNAL_MACHINE : JOURNAL_PRIVATE);
}

static void say(const char *user, const char *key, const char *value, const char *who) {
	struct journal_entry e = turn(user, key, value, who);
	submit(&e, 1);
}

static void set(const char *field, const char *value) {
	struct body_set b = { body_text(field), body_text(value), { NULL, 0 } };
	struct journal_entry e = entry(JOURNAL_SET, 0, body_build_set(&b, room[0], sizeof(room[0])), "core", "operator",
			JOURNAL_MACHINE);
	submit(&e, 1);
}

static void goal(const char *id, const char *text, uint64_t what) {
	struct body_goal b = { .id = body_text(id), .text = body_text(text), .what = what, .weight_ppm = 500000 };
	struct journal_entry e = entry(JOURNAL_GOAL, 0, body_build_goal(&b, room[0], sizeof(room[0])), "core",
			"operator", JOURNAL_MACHINE);
	submit(&e, 1);
}

static void sample(const char *field, const float *values, unsigned count) {
	size_t bytes = count * sizeof(float);
	struct body_sample b = { .field = body_text(field), .version = 7, .epoch = 1,
		.seen_ms = (uint64_t)(now.ns / NS_PER_MS), .status = body_text("ok"), .trust_ppm = 750000,
		.bytes = bytes, .hash = hash_of(values, bytes), .data = { (const char *)values, bytes } };
	struct journal_entry e = entry(JOURNAL_SAMPLE, 0, body_build_sample(&b, room[0], sizeof(room[0])), "core", "",
			JOURNAL_MACHINE);
	submit(&e, 1);
}

static void evidence(const char *subject, enum trust_role role, double p, double n) {
	struct body_evidence b = { .subject = body_text(subject), .role = body_text(trust_role_text(role)),
		.dim = body_text("talent"), .p_ppm = (uint64_t)(p * BODY_PPM), .n_ppm = (uint64_t)(n * BODY_PPM),
		.half_life_ms = (uint64_t)(trust_half_life_ns(role) / NS_PER_MS) };
	struct journal_entry e = entry(JOURNAL_EVIDENCE, 0, body_build_evidence(&b, room[0], sizeof(room[0])), "core",
			"", JOURNAL_MACHINE);
	submit(&e, 1);
}

static void gap(const char *what) {
	struct body_gap b = { body_text(what), 3, body_text("the queue was full") };
	struct journal_entry e = entry(JOURNAL_GAP, 0, body_build_gap(&b, room[0], sizeof(room[0])), "core", "",
			JOURNAL_MACHINE);
	submit(&e, 1);
}

/* A turn and what the gate said of it are one transaction. */
static void walk(void) {
	struct journal_entry e[2] = { turn("walk three steps", NULL, NULL, "operator") };
	struct body_command b = { .id = 17, .verb = body_text("walk"), .number = 3, .source = body_text("operator"),
		.trust_ppm = 800000 };
	e[1] = entry(JOURNAL_COMMAND, 1, body_build_command(&b, room[1], sizeof(room[1])), "core", "operator",
			JOURNAL_MACHINE);
	submit(e, 2);
	tick();
	struct body_outcome o = { 17, body_text("done"), body_text("three steps") };
	struct journal_entry end = entry(JOURNAL_OUTCOME, 0, body_build_outcome(&o, room[0], sizeof(room[0])), "core",
			"operator", JOURNAL_MACHINE);
	submit(&end, 1);
}

static void begin(const char *path) {
	static char bytes[PLAN_BYTES_MAX] __attribute__((aligned(8)));
	FILE *f = fopen(path, "rb");
	CHECK(f);
	size_t n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	CHECK(plan_verify(bytes, n, NULL) == 0);
	const struct plan *plan = (const struct plan *)(const void *)bytes;
	struct body_epoch epoch = { 1, plan->hash };
	struct journal_entry e = entry(JOURNAL_EPOCH, 0, body_build_epoch(&epoch, room[0], sizeof(room[0])), "core", "",
			JOURNAL_MACHINE);
	submit(&e, 1);
	const size_t part = 8192; /* so that there are several */
	for (size_t at = 0, k = 1; at < n; at += part, k++) {
		struct body_plan b = { plan->hash, k, (n + part - 1) / part, { bytes + at, n - at < part ? n - at
				: part } };
		e = entry(JOURNAL_PLAN, 0, body_build_plan(&b, room[0], sizeof(room[0])), "core", "", JOURNAL_MACHINE);
		submit(&e, 1);
	}
}

static uint64_t the_secret;

static void an_hour(const char *plan) {
	static const float feedback[24] = { 1.5f, 2.5f };
	begin(plan);
	tick(); /* 09:01 */
	fact("door", "open", "camera", "detector", 0.8, "", JOURNAL_MACHINE, NULL);
	gap("samples");
	tick(); /* 09:02 */
	say("the door is locked", "door", "locked", "operator");
	uint64_t said = state->seq;
	tick(); /* 09:03 */
	fact("door", "ajar", "camera", "detector", 0.8, "", JOURNAL_MACHINE, NULL);
	tick(); /* 09:04 */
	struct body_seqs from = { 2, { said, state->seq } };
	fact("house", "safe", "core", "", 1.0, "", JOURNAL_MACHINE, &from);
	tick(); /* 09:05 */
	struct body_seqs more = { 3, { state->seq, said, 999999 } };
	fact("street", "safe", "core", "", 1.0, "", JOURNAL_MACHINE, &more);
	tick(); /* 09:06 */
	set("goal_bearing", "45");
	goal("g1", "find the door", BODY_OPEN);
	sample("legs.feedback", feedback, COUNT_OF(feedback));
	sample("nobody.knows", feedback, 2);
	tick(); /* 09:07 */
	evidence("camera", TRUST_SENSOR, 1.0, 0.5);
	evidence("parrot", TRUST_MODEL, 2.0, 0.0);
	tick(); /* 09:08 */
	say("my name is Ana, my pin is 4711", "name", "Ana", "ana");
	the_secret = state->seq;
	struct body_seqs of_ana = { 1, { state->seq } };
	fact("guest", "Ana", "core", "", 0.9, "", JOURNAL_MACHINE, &of_ana);
	tick(); /* 09:09 */
	walk(); /* ends at 09:10 */
	tick(); /* 09:11 */
	say("the window is open", "window", "open", "operator");
	tick(); /* 09:12 */
	say("never mind the window", "window", "", "operator");
	set("goal_bearing", "90");
	goal("g1", "", BODY_DONE);
	now.ns += 8 * 60 * NS_PER_S; /* 09:20 */
	gap("samples");
}

static void compact(const char *path) {
	struct journal_reader *r;
	struct journal_compaction plan;
	uint64_t ticket;
	CHECK(journal_snapshot(j, state, "core", &ticket) == 0 && testing_settle(j, ticket, state) == 0);
	CHECK(journal_read_open(path, &r, NULL) == 0);
	CHECK(journal_plan_compaction(r, UINT64_MAX, UINT64_C(1) << JOURNAL_GAP, &plan) == 0);
	journal_read_close(&r);
	tick(); /* 09:21 */
	struct journal_entry e = entry(JOURNAL_COMPACT, 0, body_build_compact(&plan.body, room[0], sizeof(room[0])),
			"core",
			"", JOURNAL_MACHINE);
	CHECK(journal_compact(j, &e, &ticket) == 0 && testing_settle(j, ticket, state) == 0);
}

/* What is let go is removed when nothing else is to be done; who ends before leaves that to the next owner. */
static void wait_until_gone(const char *path) {
	const struct journal_options stepped = { .stepped = true };
	journal_stop(&j);
	CHECK(journal_open(path, &stepped, &j, NULL) == 0);
	while (journal_step(j))
		;
}

static void erase(uint64_t seq) {
	struct body_erase b = { seq, body_text("she asked for it") };
	uint64_t ticket;
	tick(); /* 09:21 */
	struct journal_entry e = entry(JOURNAL_ERASE, 0, body_build_erase(&b, room[0], sizeof(room[0])), "core",
			"operator", JOURNAL_MACHINE);
	CHECK(journal_erase(j, seq, &e, &ticket) == 0 && testing_settle(j, ticket, NULL) == 0);
}

static void flood(void) {
	static char keys[BODY_FACTS_MAX][16];
	tick(); /* 09:21 */
	for (unsigned n = 0; n < STATE_FACTS_MAX; n += BODY_FACTS_MAX) {
		struct body_turn b = { .speaker = body_text("operator"), .fact_count = BODY_FACTS_MAX };
		for (unsigned i = 0; i < BODY_FACTS_MAX; i++) {
			snprintf(keys[i], sizeof(keys[i]), "reading %u", n + i);
			b.facts[i] = (struct body_said){ body_text(keys[i]), body_text("dull"), 900000 };
		}
		struct journal_entry e = entry(JOURNAL_TURN, 0, body_build_turn(&b, room[0], sizeof(room[0])), "parrot",
				"operator", JOURNAL_MACHINE);
		submit(&e, 1);
	}
}

int main(int argc, char **argv) {
	CHECK(argc >= 3);
	world = *env_real();
	world.wall = wall;
	now.ns = BEGIN_S * NS_PER_S;
	const struct journal_options options = { .env = &world };
	static struct cdm_diag diag;
	state = testing_state();
	if (journal_open(argv[1], &options, &j, &diag) < 0) {
		fprintf(stderr, "past_journal: %s\n", diag.count ? diag.at[0].text : "it cannot be opened");
		return 1;
	}
	journal_set_epoch(j, 1);
	if (strcmp(argv[2], "set") == 0) {
		CHECK(argc == 4);
		now = clock_wall();
		for (long i = 0, n = strtol(argv[3], NULL, 10); i < n; i++)
			set("goal_bearing", i % 2 ? "1" : "2");
	} else {
		an_hour(argv[2]);
	}
	if (argc > 3 && strcmp(argv[3], "compact") == 0) {
		compact(argv[1]);
		wait_until_gone(argv[1]);
	}
	if (argc > 3 && strcmp(argv[3], "flood") == 0)
		flood();
	if (argc > 3 && strcmp(argv[3], "erase") == 0)
		erase(the_secret);
	journal_stop(&j);
	free(state);
	return 0;
}

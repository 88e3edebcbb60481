/* tell_test.c - what is told without a model: claims, goals, retries, and what a read promises. */
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"
#include "journal/journal_read.h"

static void add_people(void) {
	uint16_t e = plan_builder_entity(&b, "visitor", PLAN_PERSON);
	plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	e = plan_builder_entity(&b, "camera", PLAN_SENSOR);
	b.entities[e].trust[0] = b.entities[e].trust[1] = b.entities[e].trust[2] = 0.9;
	b.entities[e].trust_strength = 50;
	plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	plan_builder_entity(&b, "mute", PLAN_PERSON); /* no grant */
}

static void start_with_people(void) {
	core_more = add_people;
	begin();
}

static uint64_t next_id = 1;

static uint64_t tell(const char *as, const char *key, const char *value, const char *request) {
	put(++next_id, (struct question){ .op = "tell", .as = as, .key = key, .text = value, .request = request });
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

static void read_key(const char *as, const char *key) {
	put(++next_id, (struct question){ .op = "read", .as = as, .key = key });
}

static bool believes(const char *as, const char *key, const char *value) {
	read_key(as, key);
	return hear("done") == next_id && is("value", value);
}

static bool knows_nothing(const char *as, const char *key) {
	read_key(as, key);
	return hear("error") == next_id && is("code", "ENOENT");
}

static bool refused(struct question q, const char *code) {
	put(++next_id, q);
	return hear("error") == next_id && is("code", code);
}

/* Ana said locked, the camera saw open: both stand, and the answer says whose word it is. */
static void what_contradicts_stands_beside_it(void) {
	start_with_people();
	uint64_t locked = tell(NULL, " Door  ", "locked", NULL);
	uint64_t open = tell("camera", "door", "open", NULL);
	CHECK(open == locked + 1 && believes(NULL, "door", "open") && is("source", "camera"));
	struct mp_in in;
	CHECK(mp_find(message, message_bytes, "against", &in) == 0);
	CHECK(heard_number("seq") == open && heard_number("at") == open && heard_number("witnesses") == 1);
	tell("camera", "door", "", NULL);
	CHECK(believes(NULL, "door", "locked") && is("source", "web"));
	CHECK(mp_find(message, message_bytes, "against", &in) == -ENOENT);
	over();
}

static void a_claim_is_seen_by_whom_it_may(void) {
	start_with_people();
	tell("visitor", "pin", "1234", NULL);
	CHECK(believes("visitor", "pin", "1234") && knows_nothing(NULL, "pin") && knows_nothing("camera", "pin"));
	tell("camera", "light", "on", NULL);
	CHECK(believes("visitor", "light", "on") && believes(NULL, "light", "on"));
	over();
}

static void set_goal(const char *as, const char *key, const char *text) {
	put(++next_id, (struct question){ .op = "goal", .as = as, .key = key, .text = text });
	CHECK(hear("done") == next_id);
}

static bool is_shown(const char *as, const char *text) {
	put(++next_id, (struct question){ .op = "view", .as = as });
	CHECK(hear("done") == next_id);
	return strstr(heard("view"), text) != NULL;
}

static void a_goal_is_shown_to_whom_it_may(void) {
	start_with_people();
	set_goal("visitor", "gift", "find a gift for Ana");
	set_goal("camera", "watch", "watch the door");
	CHECK(is_shown("visitor", "- find a gift for Ana (visitor, ") && !is_shown(NULL, "gift"));
	CHECK(!is_shown("camera", "gift"));
	CHECK(is_shown("visitor", "- watch the door (") && is_shown(NULL, "- watch the door ("));
	over();
}

static void a_retry_changes_nothing(void) {
	bool repeat = true;
	start_with_people();
	uint64_t first = tell(NULL, "cat", "Tom", "r1");
	CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && !repeat);
	tell(NULL, "cat", "Tim", "r2");
	CHECK(tell(NULL, "cat", "Tom", "r1") == first);
	CHECK(mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
	CHECK(believes(NULL, "cat", "Tim"));
	CHECK(refused((struct question){ .op = "tell", .key = "cat", .text = "Joe", .request = "r1" }, "EEXIST"));
	uint64_t gone = tell(NULL, "cat", "Tam", "r3");
	put(++next_id, (struct question){ .op = "erase", .seq = gone });
	CHECK(hear("done") == next_id);
	CHECK(refused((struct question){ .op = "tell", .key = "cat", .text = "Tam", .request = "r3" }, "EEXIST"));
	CHECK(strstr(heard("text"), "was erased"));
	core_dies();
	start();
	CHECK(tell(NULL, "cat", "Tom", "r1") == first && believes(NULL, "cat", "Tim"));
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .text = "look", .request = "g1" });
	CHECK(hear("done") == next_id);
	uint64_t goal = heard_number("seq");
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .text = "look", .request = "g1" });
	CHECK(hear("done") == next_id && heard_number("seq") == goal);
	CHECK(refused((struct question){ .op = "goal", .key = "patrol", .text = "sleep", .request = "g1" }, "EEXIST"));
	over();
}

/* Who misspells what he wants to end is told so; keys are the same in any letters. */
static void what_is_not_there_does_not_end(void) {
	bool repeat = false;
	start_with_people();
	CHECK(refused((struct question){ .op = "goal", .key = "patrol", .what = "done" }, "ENOENT"));
	CHECK(refused((struct question){ .op = "tell", .key = "door", .text = "" }, "ENOENT"));
	tell("camera", "door", "open", NULL);
	CHECK(refused((struct question){ .op = "tell", .key = "door", .text = "" }, "ENOENT")); /* another's claim */
	put(++next_id, (struct question){ .op = "goal", .key = "Patrol", .text = "look" });
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .what = "done", .request = "g" });
	CHECK(hear("done") == next_id - 1 && hear("done") == next_id); /* one right behind the other */
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .what = "done", .request = "g" });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "repeat", &repeat) == 0 && repeat);
	CHECK(refused((struct question){ .op = "goal", .key = "patrol", .what = "dropped" }, "ENOENT"));
	uint64_t seq = tell(NULL, "LAMP", "Lit", NULL);
	put(++next_id, (struct question){ .op = "read", .key = "Lamp", .level = 2, .after = seq });
	CHECK(hear("done") == next_id && is("key", "lamp") && is("value", "Lit"));
	over();
}

static bool is_other(struct question q) {
	q.request = "r1";
	return refused(q, "EEXIST");
}

/* All that a request says makes it the same: a claim that is less sure is another one, and so is one of a goal. */
static void a_retry_that_says_something_else(void) {
	start_with_people();
	uint64_t light = tell("camera", "light", "on", NULL), lamp = tell("camera", "lamp", "on", NULL);
	const struct question first = { .op = "tell", .key = "awake", .text = "yes", .request = "r1", .confidence = 0.5,
		.seen_ms = 1000, .from = light };
	struct question q = first;
	put(++next_id, q);
	CHECK(hear("done") == next_id);
	uint64_t seq = heard_number("seq");
	q.confidence = 0.2;
	CHECK(is_other(q));
	q = first, q.confidence = 0;
	CHECK(is_other(q));
	q = first, q.seen_ms = 2000;
	CHECK(is_other(q));
	q = first, q.from = lamp;
	CHECK(is_other(q));
	q = first, q.from = 0;
	CHECK(is_other(q));
	q = first, q.text = "";
	CHECK(is_other(q));
	q = first, q.op = "goal";
	CHECK(is_other(q));
	put(++next_id, first);
	CHECK(hear("done") == next_id && heard_number("seq") == seq);
	tell("camera", "cat", "in", "part");
	q = (struct question){ .op = "tell", .as = "lark", .key = "cat", .text = "in", .request = "part" };
	CHECK(refused(q, "EEXIST")); /* another part of the machine */
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .text = "look", .request = "g1" });
	CHECK(hear("done") == next_id);
	q = (struct question){ .op = "goal", .key = "patrol", .text = "look", .what = "done", .request = "g1" };
	CHECK(refused(q, "EEXIST"));
	CHECK(refused((struct question){ .op = "tell", .key = "patrol", .text = "look", .request = "g1" }, "EEXIST"));
	over();
}

static void what_derives_from_nothing_known_is_refused(void) {
	start_with_people();
	uint64_t first = tell("camera", "light", "on", NULL);
	put(++next_id, (struct question){ .op = "tell", .key = "awake", .text = "yes", .from = first });
	CHECK(hear("done") == next_id && believes(NULL, "awake", "yes"));
	double derived, of;
	CHECK(mp_find_f64(message, message_bytes, "trust", &derived) == 0);
	CHECK(believes(NULL, "light", "on") && mp_find_f64(message, message_bytes, "trust", &of) == 0 && derived <= of);
	CHECK(refused((struct question){ .op = "tell", .key = "awake", .text = "no", .from = first + 77 }, "ESTALE"));
	tell("camera", "light", "off", NULL);
	CHECK(refused((struct question){ .op = "tell", .key = "awake", .text = "no", .from = first }, "ESTALE"));
	over();
}

/* Done, or refused as -ESTALE? */
static bool was_done(void) {
	ssize_t n = control_receive(gate, message, sizeof(message), PATIENCE_MS * NS_PER_MS);
	char kind[16];
	CHECK(n > 0);
	message_bytes = (size_t)n;
	CHECK(mp_find_str(message, message_bytes, "ev", kind, sizeof(kind)) == 0);
	return strcmp(kind, "done") == 0 || !is("code", "ESTALE");
}

/*
 * What takes the place of a source is on its way to the disk while the next is told of that source: refused, or
 * believed as far as the source was when it was looked at, and never acknowledged for nothing.
 */
static void what_is_acknowledged_is_worth_something(void) {
	unsigned acknowledged = 0;
	start_with_people();
	for (unsigned i = 0; i < 64; i++) {
		uint64_t of = tell("camera", "light", i % 2 ? "on" : "off", NULL);
		put(++next_id, (struct question){ .op = "tell", .as = "camera", .key = "light", .text = "dim",
					  .confidence = 0.25 });
		const char *awake = i % 2 ? "yes" : "no";
		put(++next_id, (struct question){ .op = "tell", .key = "awake", .text = awake, .from = of });
		CHECK(hear("done") == next_id - 1);
		if (!was_done())
			continue;
		double degree, confidence;
		acknowledged++;
		CHECK(believes(NULL, "awake", awake));
		CHECK(mp_find_f64(message, message_bytes, "degree", &degree) == 0 && degree > 0.1);
		CHECK(mp_find_f64(message, message_bytes, "confidence", &confidence) == 0 && confidence > 0.25);
	}
	CHECK(acknowledged > 0);
	over();
}

/* A belief is not surer than what it is made of. */
static void what_derives_is_no_surer(void) {
	double confidence;
	start_with_people();
	put(++next_id, (struct question){ .op = "tell", .key = "lamp", .text = "on", .confidence = 0.1 });
	CHECK(hear("done") == next_id);
	put(++next_id, (struct question){ .op = "tell", .key = "room", .text = "bright", .from = heard_number("seq") });
	CHECK(hear("done") == next_id && believes(NULL, "room", "bright"));
	CHECK(mp_find_f64(message, message_bytes, "confidence", &confidence) == 0 && confidence < 0.1001);
	over();
}

static void bounds_are_said(void) {
	static char longer[600];
	memset(longer, 'x', sizeof(longer) - 1);
	start_with_people();
	CHECK(refused((struct question){ .op = "tell", .key = "k", .text = longer }, "E2BIG"));
	CHECK(refused((struct question){ .op = "goal", .key = "k", .text = longer }, "E2BIG"));
	CHECK(refused((struct question){ .op = "tell", .key = longer, .text = "v" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .key = " ", .text = "v" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .text = "v" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .key = "k", .text = "v", .confidence = 1.5 }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .key = "k", .text = "v", .seen_ms = UINT64_MAX / 4 }, "EINVAL"));
	CHECK(refused((struct question){ .op = "goal", .key = "k", .text = "v", .what = "maybe" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .key = "k", .text = "v", .as = "mute" }, "EACCES"));
	CHECK(refused((struct question){ .op = "read", .key = "k", .level = 4 }, "EINVAL"));
	over();
}

static bool refused_for(struct question q, const char *code, const char *cause) {
	return refused(q, code) && is("cause", cause);
}

/* However it is asked for: also by a number that no signed one can hold. */
static void a_read_is_no_older_than_asked(void) {
	start_with_people();
	put(++next_id, (struct question){ .op = "tell", .key = "old", .text = "news", .seen_ms = 1000 });
	CHECK(hear("done") == next_id);
	CHECK(refused_for((struct question){ .op = "read", .key = "old", .max_age_ms = 60000 }, "ESTALE", "age"));
	CHECK(strstr(heard("text"), "'old'") && strstr(heard("text"), "60.000 s"));
	put(++next_id, (struct question){ .op = "read", .key = "old", .max_age_ms = UINT64_MAX });
	CHECK(hear("done") == next_id && is("value", "news"));
	put(++next_id, (struct question){ .op = "read", .key = "old", .max_age_ms = UINT64_C(1) << 63 });
	CHECK(hear("done") == next_id && is("value", "news") && believes(NULL, "old", "news"));
	over();
}

/* -ESTALE rather than a lie. */
static void a_read_promises_what_it_says(void) {
	start_with_people();
	uint64_t at = tell(NULL, "door", "locked", NULL);
	for (uint64_t level = 0; level < 4; level++) {
		put(++next_id, (struct question){ .op = "read", .key = "door", .level = level, .after = at });
		CHECK(hear("done") == next_id && heard_number("at") == at);
		struct question later = { .op = "read", .key = "door", .level = level, .after = at + 1 };
		CHECK(refused_for(later, "ESTALE", "after"));
		put(++next_id, (struct question){ .op = "read", .key = "door", .level = level });
		CHECK(level == 2 ? hear("error") == next_id && is("code", "EINVAL") : hear("done") == next_id);
	}
	CHECK(refused_for((struct question){ .op = "read", .key = "door", .min_trust = 1 }, "EACCES", "trust"));
	CHECK(refused_for((struct question){ .op = "read", .key = "roof" }, "ENOENT", "nothing"));
	bool late;
	put(++next_id, (struct question){ .op = "tell", .key = "late", .text = "newer", .seen_ms = 2000 });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "late", &late) == -ENOENT);
	put(++next_id, (struct question){ .op = "tell", .key = "late", .text = "older", .seen_ms = 1000 });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "late", &late) == 0 && late);
	put(++next_id, (struct question){ .op = "read", .key = "late" });
	CHECK(hear("done") == next_id && strcmp(heard("value"), "newer") == 0);
	char path[96], away[96];
	snprintf(path, sizeof(path), "%s/robot.journal", folder);
	snprintf(away, sizeof(away), "%s/away", folder);
	CHECK(rename(path, away) == 0); /* somebody else may own what stands there next */
	CHECK(refused_for((struct question){ .op = "read", .key = "door", .level = 3 }, "ESTALE", "file"));
	CHECK(strstr(heard("text"), "put it back"));
	CHECK(believes(NULL, "door", "locked"));
	CHECK(rename(away, path) == 0);
	put(++next_id, (struct question){ .op = "read", .key = "door", .level = 3 });
	CHECK(hear("done") == next_id);
	over();
}

/* In a full state nobody can say that nothing was told. */
static void of_a_full_state_nothing_is_denied(void) {
	static const char *const sources[2] = { "camera", "web" };
	start_with_people();
	core_dies();
	testing_write_facts(journal_path(), NULL, sources, 0, STATE_FACTS_MAX);
	start();
	CHECK(refused_for((struct question){ .op = "read", .key = "roof" }, "ESTALE", "room"));
	CHECK(believes(NULL, "reading 4095", "nothing new"));
	over();
}

/* Several keys of one state, each as if it had been asked for alone. */
static void a_read_of_several(void) {
	static const char *const all[] = { "door", "cat", "old", NULL }, *const none[] = { NULL },
		*const nine[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL },
		*const blank[] = { "door", " ", NULL };
	static const char *const want[3][4] = { { "value", "open", "key", "door" },
		{ "code", "ENOENT", "cause", "nothing" }, { "code", "ESTALE", "cause", "age" } };
	struct mp_in in;
	uint32_t count;
	char text[16];
	start_with_people();
	put(++next_id, (struct question){ .op = "tell", .key = "old", .text = "news", .seen_ms = 1000 });
	CHECK(hear("done") == next_id);
	uint64_t at = tell("camera", "door", "open", NULL);
	put(++next_id, (struct question){ .op = "read", .keys = all, .level = 1, .max_age_ms = 60000 });
	CHECK(hear("done") == next_id && heard_number("at") == at);
	CHECK(mp_find(message, message_bytes, "beliefs", &in) == 0 && mp_get_array(&in, &count) == 0 && count == 3);
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *one = in.at;
		CHECK(mp_skip(&in) == 0);
		size_t bytes = (size_t)(in.at - one);
		CHECK(mp_find_str(one, bytes, "key", text, sizeof(text)) == 0 && strcmp(text, all[i]) == 0);
		for (unsigned k = 0; k < 4; k += 2)
			CHECK(mp_find_str(one, bytes, want[i][k], text, sizeof(text)) == 0 &&
					strcmp(text, want[i][k + 1]) == 0);
	}
	CHECK(refused((struct question){ .op = "read", .keys = all, .after = at + 1 }, "ESTALE"));
	CHECK(refused((struct question){ .op = "read", .keys = none }, "EINVAL"));
	CHECK(refused((struct question){ .op = "read", .keys = nine }, "EINVAL"));
	CHECK(refused((struct question){ .op = "read", .keys = blank }, "EINVAL"));
	CHECK(refused((struct question){ .op = "tell", .keys = all, .text = "v" }, "EINVAL"));
	CHECK(refused((struct question){ .op = "read" }, "EINVAL"));
	over();
}

static void turns_have_a_session(void) {
	start_with_people();
	model_comes(LARK);
	put(++next_id, (struct question){ .op = "say", .text = "hello", .model = "lark", .session = "s1" });
	model_says(LARK, generate(LARK), "hi");
	CHECK(hear("done") == next_id);
	core_dies();
	struct journal_reader *r;
	struct journal_state *s = calloc(1, sizeof(*s));
	char path[96];
	snprintf(path, sizeof(path), "%s/robot.journal", folder);
	CHECK(s && journal_read_open(path, &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	CHECK(s->session_count == 1 && strcmp(state_session_at(s, 0)->id, "s1") == 0);
	journal_read_close(&r);
	free(s);
	start();
	over();
}

int main(void) {
	void (*const tests[])(void) = { what_contradicts_stands_beside_it, a_claim_is_seen_by_whom_it_may,
		a_goal_is_shown_to_whom_it_may, a_retry_changes_nothing, a_retry_that_says_something_else,
		what_derives_from_nothing_known_is_refused, what_is_acknowledged_is_worth_something,
		what_derives_is_no_surer, bounds_are_said,
		what_is_not_there_does_not_end, a_read_is_no_older_than_asked, a_read_promises_what_it_says,
		of_a_full_state_nothing_is_denied, a_read_of_several, turns_have_a_session };
	return core_tests(tests, COUNT_OF(tests));
}

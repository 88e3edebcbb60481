/* brief_test.c - what is gathered for a view: all that changed since a look, and no more. */
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"
#include "runtime/gone.h"
#include "sem/briefing.h"
#include "sem/tokens.h"

enum { LIGHT, SOUND }; /* fields, both written by FINCH */

static uint64_t next_id = 1;
static struct field_writer writers[SOUND + 1];

static void add_senses(void) {
	uint16_t e = plan_builder_entity(&b, "camera", PLAN_SENSOR);
	plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	e = plan_builder_entity(&b, "radar", PLAN_SENSOR);
	plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	CHECK(plan_builder_field(&b, "light", CDM_U8, 1, 4, 0, FINCH, PLAN_BUILDER_ALL) == LIGHT);
	CHECK(plan_builder_field(&b, "sound", CDM_U8, 1, 4, 0, FINCH, PLAN_BUILDER_ALL) == SOUND);
}

static void start_with_senses(void) {
	core_more = add_senses;
	begin();
	neighbour_comes(FINCH);
	for (uint16_t f = LIGHT; f <= SOUND; f++)
		CHECK(field_writer_open(&writers[f], &w.at[FINCH], f) == 0);
}

static void end(void) {
	for (uint16_t f = LIGHT; f <= SOUND; f++)
		field_writer_close(&writers[f]);
	over();
}

static void publish(uint16_t f, uint8_t value) {
	struct field_meta m = field_meta_of(0);
	CHECK(field_write(&writers[f], &value, 1, &m, clock_mono()) == 0);
}

static uint64_t tell(const char *as, const char *key, const char *value) {
	put(++next_id, (struct question){ .op = "tell", .as = as, .key = key, .text = value });
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

static const char *view(uint64_t after) {
	put(++next_id, (struct question){ .op = "view", .after = after, .max = 4096 });
	CHECK(hear("done") == next_id);
	return heard("view");
}

/* A record that was written in another millisecond, which is how fine its stamp is. */
static uint64_t look_later(void) {
	struct cdm_mono began = clock_mono();
	uint64_t seq;
	do
		seq = tell(NULL, "clock", "ticks");
	while (mono_since(began, clock_mono()) < 3 * NS_PER_MS);
	return seq;
}

static bool has(const char *text, const char *what) {
	if (strstr(text, what))
		return true;
	fprintf(stderr, "no '%s' in:\n%s", what, text);
	return false;
}

static void what_changed_since_a_look(void) {
	start_with_senses();
	publish(LIGHT, 1);
	publish(SOUND, 1);
	tell("camera", "door", "open");
	const char *all = view(0);
	CHECK(has(all, "- light = 1 (") && has(all, "- sound = 1 (") && has(all, "- door = open ("));
	uint64_t look = look_later();
	CHECK(has(view(look), "Nothing has changed since you last looked (now, r"));
	publish(LIGHT, 2);
	const char *field = view(look);
	CHECK(has(field, "Since you last looked (now, r") && has(field, "- light = 2 (") && !strstr(field, "sound"));
	tell("camera", "window", "shut");
	const char *both = view(look);
	CHECK(has(both, "- light = 2 (") && has(both, "- window = shut (") && !strstr(both, "door"));
	CHECK(has(view(1), "- sound = 1 (")); /* since the epoch */
	for (unsigned i = 3; i < 300; i++) { /* at once, whatever comes between */
		char line[32];
		uint64_t last = tell(NULL, "clock", "ticks");
		publish(LIGHT, (uint8_t)(i % 200));
		snprintf(line, sizeof(line), "- light = %u (", i % 200);
		CHECK(has(view(last), line));
	}
	end();
}

static void goal(const char *text, const char *what) {
	put(++next_id, (struct question){ .op = "goal", .key = "patrol", .text = text, .what = what });
	CHECK(hear("done") == next_id);
}

/* What is not there any more has changed as well. */
static void what_ceased_since_a_look(void) {
	start_with_senses();
	uint64_t door = tell("camera", "door", "open");
	tell("radar", "wall", "near");
	tell("camera", "wall", "far");
	goal("walk around the house", NULL);
	uint64_t look = look_later();
	CHECK(has(view(look), "Nothing has changed since you last looked (now, r"));
	put(++next_id, (struct question){ .op = "tell", .as = "camera", .key = "door", .text = "", .seen_ms = 1000 });
	CHECK(hear("done") == next_id); /* so late that it changes nothing */
	CHECK(has(view(look), "Nothing has changed since you last looked (now, r"));
	put(++next_id, (struct question){ .op = "tell", .as = "camera", .key = "unicorn", .text = "" });
	CHECK(hear("error") == next_id); /* nobody has ever said anything of it */
	tell("camera", "door", "");
	tell("camera", "wall", "");
	goal(NULL, "done");
	const char *gone = view(look);
	CHECK(has(gone, "Since you last looked (now, r") && has(gone, "- door is no longer known (camera, now, r"));
	CHECK(has(gone, "- wall = near (radar, ") && has(gone, "- patrol is no longer a goal ("));
	uint64_t later = look_later();
	CHECK(has(view(later), "Nothing has changed since you last looked (now, r"));
	tell("camera", "door", "shut");
	goal("walk around the house", NULL);
	const char *again = view(look);
	CHECK(has(again, "- door = shut (") && !strstr(again, "no longer") && has(again, "- walk around the house ("));
	CHECK(has(again, "- wall = near ("));
	put(++next_id, (struct question){ .op = "erase", .seq = door, .text = "asked to" });
	CHECK(hear("done") == next_id); /* what that took away has no name: all is shown */
	const char *all = view(look);
	CHECK(has(all, "- door = shut (") && !strstr(all, "since you last looked") && !strstr(all, "Since you last"));
	CHECK(has(view(look_later()), "Nothing has changed since you last looked (now, r"));
	end();
}

/* Of more than core remembers, and of a core before this one, all is shown. */
static void what_ceased_long_ago(void) {
	start_with_senses();
	uint64_t look = look_later();
	for (unsigned i = 0; i < GONE_MAX + 1; i++) {
		char key[32];
		snprintf(key, sizeof(key), "thing %u", i);
		tell("camera", key, "there");
		tell("camera", key, "");
		const char *v = view(look);
		CHECK(i < GONE_MAX ? has(v, "Since you last looked") && strstr(v, key) : !strstr(v, "ince you last"));
	}
	end();
}

/* ---- many facts ---- */

#define LOOKS 200u

static const char *const sources[] = { "radar", "camera" };

static int by_size(const void *one, const void *other) {
	uint64_t x = *(const uint64_t *)one, y = *(const uint64_t *)other;
	return x < y ? -1 : x > y;
}

/* What a view took, in ns: the fastest of many, and half of them. */
static uint64_t fastest(uint64_t *half) {
	static uint64_t took[LOOKS];
	for (unsigned i = 0; i < LOOKS; i++) {
		view(0);
		took[i] = heard_number("took_ns");
	}
	qsort(took, LOOKS, sizeof(took[0]), by_size);
	*half = took[LOOKS / 2];
	return took[0];
}

/* However much is known, it is the newest that is looked at, each key once; what that costs is told. */
static void of_many_facts_the_newest(void) {
	uint64_t few_half, many_half;
	start_with_senses();
	core_dies();
	testing_write_facts(journal_path(), NULL, sources, 0, 128);
	start();
	CHECK(has(view(0), "- reading 127 = nothing new (") && heard_number("shown") + heard_number("left_out") == 128);
	uint64_t few = fastest(&few_half);
	core_dies();
	testing_write_facts(journal_path(), NULL, sources, 128, STATE_FACTS_MAX - 1);
	start();
	tell("camera", "reading 10", "something"); /* which is news, though the radar is believed */
	CHECK(has(view(0), "; camera said something now") && !strstr(heard("view"), "- reading 11 ="));
	CHECK(heard_number("shown") + heard_number("left_out") == 128);
	uint64_t many = fastest(&many_half);
	printf("brief_test: a view of 128 facts: fastest %.0f us, half within %.0f us; of %u: %.0f, %.0f us\n",
			(double)few / 1e3, (double)few_half / 1e3, (unsigned)STATE_FACTS_MAX, (double)many / 1e3,
			(double)many_half / 1e3);
	end();
}

static void add_small_context(void) {
	add_senses();
	plan_builder_option(&b, b.processes[LARK].entity, "context", "16");
}

/* What stands in front costs more than half of such a context: there is room for what is known besides. */
static void a_small_context_is_shown_something(void) {
	core_more = add_small_context;
	begin();
	put(++next_id, (struct question){ .op = "view", .model = "lark" });
	CHECK(hear("done") == next_id && has(heard("view"), "Nothing is known yet."));
	tell("camera", "door", "open");
	put(++next_id, (struct question){ .op = "view", .model = "lark" });
	CHECK(hear("done") == next_id && has(heard("view"), "- door = open ("));
	over();
}

/* ---- what is asked for ---- */

static uint32_t seed = 2463534242;

static uint32_t any(uint32_t below) {
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

static const char *view_within(const char *question, uint32_t tokens) {
	put(++next_id, (struct question){ .op = "view", .text = question, .max = tokens });
	CHECK(hear("done") == next_id);
	return heard("view");
}

/* Tokens that a view of this line alone takes, however much older it is by the end of a test. */
static uint32_t tokens_of(const char *line) {
	enum { OLDER = 8 };
	static const char head[] = "## Believed\n";
	return briefing_frame_tokens() + tokens_most(head, sizeof(head) - 1) +
	       tokens_most(line, strcspn(line, "\n") + 1) + OLDER;
}

/* From the least budget that holds it on: whatever else there is, and however little room. */
static void is_shown_first(const char *question, const char *line) {
	const char *all = view_within(question, 16000);
	unsigned tight = 0;
	CHECK(has(all, line));
	for (uint32_t least = tokens_of(strstr(all, line)), tokens = least; tokens < least + 300; tokens += 3) {
		CHECK(has(view_within(question, tokens), line));
		tight += heard_number("left_out") > 0;
	}
	CHECK(tight > 10);
}

static void the_door_is_shown_when_it_is_asked_for(void) {
	start_with_senses();
	tell("camera", "door state", "open");
	tell("camera", "cat", "asleep on the sofa");
	tell("camera", "sensors", "four of five are awake");
	tell("radar", "garden", "nobody is there");
	tell("radar", "lamp", "lit since noon");
	goal("walk around the house", NULL);
	is_shown_first("what is the state of the door?", "- door state = open (camera, ");
	is_shown_first("where does the CAT sleep?", "- cat = asleep on the sofa (camera, ");
	end();
}

static bool in_order(const char *text, const char *const *lines, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (!has(text, lines[i]) || (i > 0 && strstr(text, lines[i]) < strstr(text, lines[i - 1])))
			return false;
	return true;
}

/* The more words of the question are shared the heavier; none of them, and it weighs nothing more, however new. */
static void weighs_by_the_words_that_are_shared(void) {
	static const char *const asked[] = { "- door state = ", "- door = ", "- kennel = ", "- apple = ",
		"- zebra = " };
	static const char *const by_key[] = { "- apple = ", "- door = ", "- door state = ", "- kennel = ",
		"- zebra = " };
	start_with_senses();
	tell("camera", "apple", "green");
	tell("camera", "door state", "open");
	tell("camera", "door", "oak");
	tell("camera", "kennel", "behind the door of the yard and far from all else");
	tell("camera", "zebra", "away");
	CHECK(in_order(view_within("what is the state of the door?", 16000), asked, COUNT_OF(asked)));
	CHECK(in_order(view_within("may giraffes swim?", 16000), by_key, COUNT_OF(by_key)));
	CHECK(in_order(view_within("", 16000), by_key, COUNT_OF(by_key)));
	end();
}

/* Facts of any number of words, and somewhere among them the one that is asked for. */
static void tell_of_a_room(unsigned room, unsigned facts) {
	static const char *const words[] = { "warm", "still", "empty", "painted", "locked" };
	unsigned when = any(facts);
	for (unsigned i = 0; i < facts; i++) {
		char key[32], value[128] = "";
		snprintf(key, sizeof(key), "room %u place %02u", room, i);
		for (unsigned n = 0, count = 1 + any(7); n < count; n++)
			strcat(strcat(value, words[any(COUNT_OF(words))]), " ");
		tell(sources[any(2)], key, value);
		if (i != when)
			continue;
		snprintf(key, sizeof(key), "lid%u", room);
		tell("camera", key, "up");
	}
}

/* Whatever else is known, how much of it, and told when: what the question names is there. */
static void what_is_asked_for_is_shown_first(void) {
	start_with_senses();
	for (unsigned room = 0; room < 6; room++) {
		char question[64], line[32];
		tell_of_a_room(room, 3 + any(25));
		snprintf(question, sizeof(question), "is lid%u locked, or what?", room);
		snprintf(line, sizeof(line), "- lid%u = up (camera, ", room);
		is_shown_first(question, line);
	}
	end();
}

int main(void) {
	static void (*const tests[])(void) = { what_changed_since_a_look, what_ceased_since_a_look,
		what_ceased_long_ago, of_many_facts_the_newest, a_small_context_is_shown_something,
		the_door_is_shown_when_it_is_asked_for, weighs_by_the_words_that_are_shared,
		what_is_asked_for_is_shown_first };
	return core_tests(tests, COUNT_OF(tests));
}

/* remind_test.c - what was said long ago is before the model when it is asked about it; and nobody waits for that. */
#include <sqlite3.h>
#include <sys/stat.h>
#include "journal/journal_testing.h"
#include "runtime/core_testing.h"
#include "sem/briefing.h"
#include "sem/tokens.h"

#define FILLERS 20u /* turns: more than the recent ones that every model is shown */
#define SECRET "behind the stove"

static uint64_t next_id = 1;
static const char *patience; /* NULL: that of every machine */

static void add_people(void) {
	for (uint32_t i = 0; i < b.head.options.count; i++)
		if (strcmp(b.options[i].key, "prompt") == 0)
			strcpy(b.options[i].value, "chat");
	plan_builder_option(&b, b.processes[LARK].entity, "context", "4096");
	if (patience)
		plan_builder_option(&b, 0, "memory.patience_ms", patience);
	for (const char *const *name = (const char *const[]){ "visitor", "guest", NULL }; *name; name++) {
		uint16_t e = plan_builder_entity(&b, *name, PLAN_PERSON);
		plan_builder_grant(&b, e, PLAN_MAY_SAY, PLAN_NONE);
	}
}

/* However busy this computer is, an answer of the memory's is waited for: what is found is what is tested. */
static void start_patient(void) {
	patience = "15000";
	core_more = add_people;
	begin();
	model_comes(LARK);
}

static void start_as_is(void) {
	patience = NULL;
	core_more = add_people;
	begin();
	model_comes(LARK);
}

static void say(const char *as, const char *session, const char *text) {
	put(++next_id, (struct question){ .op = "say", .as = as, .session = session, .text = text, .model = "lark" });
}

static const char *prompt_of(uint64_t *id) {
	static char prompt[65536];
	struct wire_message m;
	do {
		CHECK(readable(models[0]));
		ssize_t n = io_receive(models[0], message, sizeof(message), NULL, NULL, 0);
		CHECK(n > 0 && wire_read(message, (size_t)n, &m) == 0);
	} while (m.kind != WIRE_GENERATE); /* pings, and what is taken back */
	wire_text_copy(m.prompt, prompt, sizeof(prompt));
	*id = m.id;
	return prompt;
}

/* One turn: its seq. */
static uint64_t turn(const char *as, const char *session, const char *text, const char *answer) {
	uint64_t id;
	say(as, session, text);
	(void)prompt_of(&id);
	model_says(LARK, id, answer);
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

/* Does the model see `what` when it is asked that? */
static bool sees(const char *as, const char *session, const char *text, const char *what) {
	uint64_t id;
	say(as, session, text);
	bool seen = strstr(prompt_of(&id), what) != NULL;
	model_says(LARK, id, "I see.");
	CHECK(hear("done") == next_id);
	return seen;
}

static void talk_of_the_weather(const char *as) {
	for (unsigned i = 0; i < FILLERS; i++) {
		char text[64];
		snprintf(text, sizeof(text), "will it rain on day %u of this month", i);
		turn(as, "weather", text, "Perhaps.");
	}
}

static uint64_t hang_the_key(const char *as) {
	return turn(as, "kitchen", "I hung the key of the shed " SECRET, "Noted.");
}

#define ASKED "where is the key of the shed?"

static bool index_holds(const char *secret) {
	static const char *const endings[] = { ".memory", ".memory-wal" };
	static char all[8 << 20];
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		char name[128];
		snprintf(name, sizeof(name), "%s%s", journal_path(), endings[i]);
		FILE *f = fopen(name, "rb");
		size_t n = f ? fread(all, 1, sizeof(all), f) : 0;
		if (f)
			fclose(f);
		if (memmem(all, n, secret, strlen(secret)))
			return true;
	}
	return false;
}

/* What was taken in for a question is written down soon, though nobody asks again. */
static void index_comes_to_hold(const char *word) {
	struct cdm_mono began = clock_mono();
	while (!index_holds(word))
		CHECK(mono_since(began, clock_mono()) < PATIENCE_MS * NS_PER_MS);
}

static uint64_t went_without(void) {
	struct segment core;
	uint32_t epoch = directory_get(&w.directory, CORE).epoch;
	CHECK(segment_map_reader(&core, w.plan, CORE, epoch, &w.files[CORE], GUARD) == 0);
	uint64_t n = counter_get(&core, COUNTER_recalls_late);
	segment_unmap(&core);
	return n;
}

/* ---- what is found ---- */

static void what_was_said_long_ago(void) {
	start_patient();
	uint64_t id;
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	CHECK(sees(NULL, "garden", ASKED, SECRET));
	CHECK(!sees(NULL, "garden2", "may giraffes swim?", SECRET));
	say(NULL, "kitchen", ASKED);
	const char *prompt = prompt_of(&id), *once = strstr(prompt, SECRET);
	CHECK(once && !strstr(once + 1, SECRET)); /* recent and relevant is shown once */
	model_says(LARK, id, "There.");
	CHECK(hear("done") == next_id);
	put(++next_id, (struct question){ .op = "view", .text = ASKED });
	CHECK(hear("done") == next_id && strstr(heard("view"), SECRET));
	core_dies();
	start();
	model_comes(LARK);
	CHECK(sees(NULL, "attic", ASKED, SECRET));
	over();
}

static const char *view_within(uint32_t tokens) {
	put(++next_id, (struct question){ .op = "view", .session = "weather", .text = ASKED, .max = tokens });
	CHECK(hear("done") == next_id);
	return heard("view");
}

/* Where no fact shares a word with the question, what was said of it has room before all facts and newer turns. */
static void what_was_said_has_room_first(void) {
	enum { OLDER = 8 };
	static const char head[] = "## Said before\n";
	unsigned tight = 0;
	start_patient();
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	for (unsigned i = 0; i < 20; i++) {
		char key[32];
		snprintf(key, sizeof(key), "reading %u", i);
		put(++next_id, (struct question){ .op = "tell", .key = key, .text = "nothing new" });
		CHECK(hear("done") == next_id);
	}
	const char *line = strstr(view_within(16000), SECRET);
	CHECK(line);
	while (line[-1] != '\n')
		line--;
	uint32_t least = briefing_frame_tokens() + tokens_most(head, sizeof(head) - 1) +
			 tokens_most(line, strcspn(line, "\n") + 1) + OLDER;
	for (uint32_t tokens = least; tokens < least + 300; tokens += 10) {
		CHECK(strstr(view_within(tokens), SECRET));
		tight += heard_number("left_out") > 0;
	}
	CHECK(tight > 10);
	over();
}

static void not_for_those_who_may_not_see_it(void) {
	start_patient();
	hang_the_key("visitor");
	talk_of_the_weather("visitor");
	CHECK(sees("visitor", "a", ASKED, SECRET));
	CHECK(!sees("guest", "b", ASKED, SECRET) && !sees(NULL, "c", ASKED, SECRET));
	over();
}

static void not_after_it_was_erased(void) {
	bool wiped = false;
	start_patient();
	uint64_t seq = hang_the_key(NULL);
	talk_of_the_weather(NULL);
	CHECK(sees(NULL, "a", ASKED, SECRET));
	index_comes_to_hold("stove");
	put(++next_id, (struct question){ .op = "erase", .seq = seq });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "wiped", &wiped) == 0);
	CHECK(!wiped || !index_holds("stove"));
	CHECK(!sees(NULL, "b", ASKED, SECRET));
	core_dies();
	start();
	model_comes(LARK);
	CHECK(!sees(NULL, "c", ASKED, SECRET) && !index_holds("stove"));
	over();
}

/* Who asks the same again and again hears of what else was said, and of his question once. */
static void the_same_question_again_and_again(void) {
	uint64_t id;
	start_patient();
	hang_the_key(NULL);
	for (unsigned i = 0; i < 400; i++)
		turn(NULL, "weather", ASKED, "I do not know.");
	say(NULL, "", ASKED);
	const char *prompt = prompt_of(&id), *once = strstr(prompt, ASKED "\" answered");
	CHECK(strstr(prompt, SECRET) && once && !strstr(once + 1, ASKED "\" answered"));
	over();
}

/* Of more facts than a briefing looks at, the one that is asked for. */
static void a_fact_of_long_ago(void) {
	char key[32];
	start_patient();
	put(++next_id, (struct question){ .op = "tell", .key = "colour of the shed", .text = "ultramarine" });
	CHECK(hear("done") == next_id);
	for (unsigned i = 0; i < 150; i++) {
		snprintf(key, sizeof(key), "reading %u", i);
		put(++next_id, (struct question){ .op = "tell", .key = key, .text = "nothing new" });
		CHECK(hear("done") == next_id);
	}
	CHECK(sees(NULL, "a", "what is the colour of the shed?", "= ultramarine"));
	over();
}

/* Of more facts than the live state holds. */
static void a_fact_that_the_state_has_let_go(void) {
	start_patient();
	put(++next_id, (struct question){ .op = "tell", .key = "colour of the shed", .text = "ultramarine" });
	CHECK(hear("done") == next_id);
	core_dies();
	testing_write_facts(journal_path(), "web", (const char *const[2]){ "web", "web" }, 0, STATE_FACTS_MAX);
	start();
	model_comes(LARK);
	put(++next_id, (struct question){ .op = "read", .key = "colour of the shed" });
	CHECK(hear("error") == next_id && is("code", "ESTALE"));
	uint64_t id;
	bool seen = false;
	for (unsigned i = 0; i < 200 && !seen; i++) { /* until what was written meanwhile is in the index */
		put(++next_id, (struct question){ .op = "view", .text = "what is the colour of the shed?" });
		CHECK(hear("done") == next_id);
		seen = strstr(heard("view"), "- colour of the shed = ultramarine (web, ") != NULL;
	}
	CHECK(seen);
	say(NULL, "", "what is the colour of the shed?");
	CHECK(strstr(prompt_of(&id), "- colour of the shed = ultramarine (web, "));
	model_says(LARK, id, "Ultramarine.");
	CHECK(hear("done") == next_id);
	put(++next_id, (struct question){ .op = "tell", .key = "colour of the shed", .text = "" }); /* taken back */
	CHECK(hear("done") == next_id);
	for (unsigned i = 0; i < 200 && seen; i++) {
		put(++next_id, (struct question){ .op = "view", .text = "what is the colour of the shed?" });
		CHECK(hear("done") == next_id);
		seen = strstr(heard("view"), "- colour of the shed = ultramarine (web, ") != NULL;
	}
	CHECK(!seen);
	over();
}

/* However much a stranger says, what others said is held. */
static void a_flood_takes_nothing_of_others(void) {
	start_patient();
	put(++next_id, (struct question){ .op = "tell", .key = "name", .text = "Ana" });
	CHECK(hear("done") == next_id);
	core_dies();
	testing_write_facts(journal_path(), "eve", (const char *const[2]){ "eve", "eve" }, 0, 2 * STATE_FACTS_MAX);
	start();
	put(++next_id, (struct question){ .op = "read", .key = "name" });
	CHECK(hear("done") == next_id && is("value", "Ana"));
	put(++next_id, (struct question){ .op = "read", .key = "reading 1" }); /* hers, and let go */
	CHECK(hear("error") == next_id && is("code", "ESTALE"));
	over();
}

/* ---- nobody waits ---- */

static sqlite3 *lock_index(void) {
	sqlite3 *db;
	char name[128];
	snprintf(name, sizeof(name), "%s.memory", journal_path());
	CHECK(sqlite3_open(name, &db) == SQLITE_OK && sqlite3_busy_timeout(db, PATIENCE_MS) == SQLITE_OK);
	CHECK(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
	return db;
}

static void a_locked_index_delays_nobody(void) {
	start_as_is();
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	sqlite3 *db = lock_index();
	uint64_t before = went_without();
	turn(NULL, "weather", "it is cold", "Yes."); /* which it cannot take in */
	for (unsigned i = 0; i < 6; i++) {
		struct cdm_mono asked = clock_mono();
		CHECK(sees(NULL, "weather", "do I have to wear a hat?", "it is cold"));
		CHECK(mono_since(asked, clock_mono()) < 2 * NS_PER_S); /* some tens of ms, on a computer that is free */
	}
	CHECK(went_without() > before);
	CHECK(sqlite3_close(db) == SQLITE_OK);
	over();
}

/* What is erased is not shown, and it is said that the index's file could not be wiped; that follows by itself. */
static void an_erasure_waits_for_no_lock(void) {
	bool wiped = true;
	start_patient();
	uint64_t seq = hang_the_key(NULL);
	CHECK(sees(NULL, "a", ASKED, SECRET));
	sqlite3 *db = lock_index();
	put(++next_id, (struct question){ .op = "erase", .seq = seq });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "wiped", &wiped) == 0 && !wiped);
	CHECK(!sees(NULL, "b", ASKED, SECRET) && index_holds("stove"));
	CHECK(sqlite3_close(db) == SQLITE_OK);
	seq = turn(NULL, "c", "it is cold", "Yes.");
	put(++next_id, (struct question){ .op = "erase", .seq = seq });
	CHECK(hear("done") == next_id && mp_find_bool(message, message_bytes, "wiped", &wiped) == 0 && wiped);
	CHECK(!index_holds("stove") && !index_holds("cold"));
	over();
}

static void what_is_no_index(void) {
	char name[128];
	start_patient();
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	core_dies();
	snprintf(name, sizeof(name), "%s.memory", journal_path());
	FILE *f = fopen(name, "wb");
	CHECK(f && fputs("this was an index once", f) >= 0 && fclose(f) == 0);
	start();
	model_comes(LARK);
	CHECK(sees(NULL, "a", ASKED, SECRET));
	f = fopen(name, "r+b"); /* and under it, while it works */
	static const char rubbish[65536] = "rubbish";
	CHECK(f && fwrite(rubbish, 1, sizeof(rubbish), f) == sizeof(rubbish) && fclose(f) == 0);
	turn(NULL, "kitchen", "it is cold", "Yes.");
	CHECK(sees(NULL, "kitchen", "do I have to wear a hat?", "it is cold"));
	over();
}

/* Where no file can be, a memory without one will do. */
static void no_index_can_be(void) {
	char name[128];
	start_patient();
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	core_dies();
	static const char *const endings[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		snprintf(name, sizeof(name), "%s.memory%s", journal_path(), endings[i]);
		CHECK(unlink(name) == 0 || errno == ENOENT);
	}
	snprintf(name, sizeof(name), "%s.memory", journal_path());
	CHECK(mkdir(name, 0700) == 0);
	start();
	model_comes(LARK);
	CHECK(sees(NULL, "a", ASKED, SECRET));
	over();
}

/* The end of the machine does not wait for what is being looked up either. */
static void it_goes_down_while_it_looks(void) {
	start_patient();
	hang_the_key(NULL);
	sqlite3 *db = lock_index();
	turn(NULL, "weather", "it is cold", "Yes.");
	say(NULL, "a", ASKED);
	put(++next_id, (struct question){ .op = "view", .text = ASKED });
	over();
	CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* Who hangs up while it is looked up what his question is about; what he asked for hinders nobody. */
static void taken_back_meanwhile(void) {
	start_patient();
	hang_the_key(NULL);
	talk_of_the_weather(NULL);
	for (unsigned i = 0; i < 8; i++) {
		int other = channel(GATE, NULL, 0);
		say(NULL, "a", "a question of somebody who does not wait");
		close(gate);
		gate = other;
	}
	uint64_t id;
	say(NULL, "b", ASKED);
	while (!strstr(prompt_of(&id), ASKED "\nAnswer:"))
		;
	model_says(LARK, id, "There.");
	CHECK(hear("done") == next_id);
	bool seen = false;
	for (unsigned i = 0; i < 200 && !seen; i++) { /* until there is a place again: some are still looked up */
		put(++next_id, (struct question){ .op = "view", .text = ASKED });
		CHECK(hear("done") == next_id);
		seen = strstr(heard("view"), SECRET) != NULL;
	}
	CHECK(seen && sees(NULL, "c", ASKED, SECRET));
	over();
}

int main(void) {
	static void (*const tests[])(void) = { what_was_said_long_ago, what_was_said_has_room_first,
		not_for_those_who_may_not_see_it,
		not_after_it_was_erased, a_fact_of_long_ago, a_fact_that_the_state_has_let_go,
		a_flood_takes_nothing_of_others,
		the_same_question_again_and_again, a_locked_index_delays_nobody,
		an_erasure_waits_for_no_lock, what_is_no_index,
		no_index_can_be, it_goes_down_while_it_looks, taken_back_meanwhile };
	return core_tests(tests, COUNT_OF(tests));
}

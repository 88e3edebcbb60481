/* embed_test.c - what means alike is found, by the vectors of a model; and nobody waits for that model. */
#include <sqlite3.h>
#include "runtime/core_testing.h"

#define DIMS 40 /* no multiple of 32 */
#define ROOF "the kitten sleeps on the warm roof"
#define ASKED "where do felines rest?" /* no word of it, and hardly a letter */

static uint64_t next_id = 1;
static const char *patience;
static bool embeds; /* the plan says so */
static const char *weights; /* what stands in the model's file; NULL: there is none */

/* What the model of this test was asked for. */
static unsigned asked_for;
static char newest[WIRE_TEXT_MAX + 1];
static int refuses;      /* the code of its answer; 0: it makes a vector */
static bool is_silent;   /* it gives none */

static void write_weights(const char *text) {
	char path[96];
	snprintf(path, sizeof(path), "%s/lark.gguf", folder);
	FILE *f = fopen(path, "wb");
	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void add_model(void) {
	for (uint32_t i = 0; i < b.head.options.count; i++)
		if (strcmp(b.options[i].key, "prompt") == 0)
			strcpy(b.options[i].value, "chat");
	uint16_t e = b.processes[LARK].entity;
	plan_builder_option(&b, e, "context", "4096");
	if (embeds)
		plan_builder_option(&b, e, "embeds", "true");
	char path[96];
	snprintf(path, sizeof(path), "%s/lark.gguf", folder);
	if (weights)
		plan_builder_option(&b, e, "file", path);
	plan_builder_option(&b, 0, "memory.patience_ms", patience);
}

static void begin_with(const char *ms) {
	patience = ms;
	embeds = true;
	core_more = add_model;
	core_dims = DIMS;
	asked_for = 0;
	refuses = 0;
	is_silent = false;
	if (weights)
		write_weights(weights);
	begin();
	model_comes(LARK);
}

/* ---- the model ---- */

/* Cats lie in one direction, weather in another, all else in a third. */
static void say_vector(uint64_t id, const char *text) {
	static uint8_t numbers[4 * DIMS];
	bool cats = strstr(text, "kitten") || strstr(text, "feline"), weather = strstr(text, "rain") != NULL;
	for (unsigned i = 0; i < DIMS; i++)
		wire_put_float(i == (cats ? 5 : weather ? 6 : DIMS - 1), numbers + 4 * (size_t)i);
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_EMBEDDING, .id = id, .vector = { numbers, DIMS } });
}

static void hear_embed(const struct wire_message *m) {
	asked_for++;
	wire_text_copy(m->text, newest, sizeof(newest));
	if (is_silent)
		return;
	if (refuses)
		model_sends(LARK, &(struct wire_message){ .kind = WIRE_ERROR, .id = m->id, .code = refuses,
			.text = wire_text_of("not this one") });
	else
		say_vector(m->id, newest);
}

/* One message from core, and what the model says to it. */
static enum wire_kind hear_core(uint64_t *id, char prompt[65536]) {
	struct wire_message m;
	CHECK(readable(models[0]));
	ssize_t n = io_receive(models[0], message, sizeof(message), NULL, NULL, 0);
	CHECK(n > 0 && wire_read(message, (size_t)n, &m) == 0);
	if (m.kind == WIRE_EMBED)
		hear_embed(&m);
	*id = m.id;
	if (prompt && m.kind == WIRE_GENERATE)
		wire_text_copy(m.prompt, prompt, 65536);
	return m.kind;
}

static const char *prompt_of(uint64_t *id) {
	static char prompt[65536];
	while (hear_core(id, prompt) != WIRE_GENERATE)
		;
	return prompt;
}

static void serve_until(const char *text) {
	uint64_t id;
	while (hear_core(&id, NULL) != WIRE_EMBED || !strstr(newest, text))
		;
}

static const char *say(const char *session, const char *text, uint64_t *id) {
	put(++next_id, (struct question){ .op = "say", .session = session, .text = text, .model = "lark" });
	return prompt_of(id);
}

static uint64_t turn(const char *session, const char *text, const char *answer) {
	uint64_t id;
	(void)say(session, text, &id);
	model_says(LARK, id, answer);
	CHECK(hear("done") == next_id);
	return heard_number("seq");
}

static bool model_is_first(void) {
	struct pollfd p[2] = { { .fd = gate, .events = POLLIN }, { .fd = models[0], .events = POLLIN } };
	CHECK(poll(p, 2, PATIENCE_MS) > 0);
	return !p[0].revents;
}

/* The view of a question, while the model is there to make vectors. */
static bool finds(const char *question, const char *what) {
	uint64_t id;
	put(++next_id, (struct question){ .op = "view", .text = question });
	while (model_is_first())
		(void)hear_core(&id, NULL);
	CHECK(hear("done") == next_id);
	return strstr(heard("view"), what) != NULL;
}

#define FILLERS 20u /* turns: more than the recent ones that every view shows */

/* What was said so long ago that it has to be found, and all of it has its vector. */
static void said_of_old(void) {
	turn("kitchen", ROOF, "Sweet.");
	for (unsigned i = 1; i <= FILLERS; i++) {
		char text[64];
		snprintf(text, sizeof(text), "will it rain on day %u of this month", i);
		turn("weather", text, i < FILLERS ? "Perhaps." : "Hardly.");
	}
	if (embeds && core_dims && !is_silent)
		serve_until("Hardly.");
}

/* Does the index, as it is on the disk, begin its answer with that? */
static bool index_says(const char *query, const char *what) {
	sqlite3 *db;
	sqlite3_stmt *s;
	char path[128];
	snprintf(path, sizeof(path), "%s.memory", journal_path());
	CHECK(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_busy_timeout(db, PATIENCE_MS) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, query, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW);
	bool is = strncmp((const char *)sqlite3_column_text(s, 0), what, strlen(what)) == 0;
	sqlite3_finalize(s);
	CHECK(sqlite3_close(db) == SQLITE_OK);
	return is;
}

static bool is_embedder(const char *name) {
	return index_says("SELECT embedder FROM position", name);
}

/* ---- what is found ---- */

static void what_means_alike(void) {
	begin_with("15000");
	said_of_old();
	CHECK(finds(ASKED, ROOF) && !finds("do trains run on Sunday?", ROOF));
	uint64_t id;
	CHECK(strstr(say("attic", ASKED, &id), ROOF));
	model_says(LARK, id, "There.");
	CHECK(hear("done") == next_id);
	serve_until(ASKED "\nThere.");
	while (!index_says("SELECT vectors = next FROM position", "1")) /* answers come before the index is written */
		CHECK(finds(ASKED, ROOF));
	core_dies(); /* and the vectors stay, also while the model is not there */
	start();
	put(++next_id, (struct question){ .op = "view", .text = ASKED });
	CHECK(hear("done") == next_id && !strstr(heard("view"), ROOF));
	put(++next_id, (struct question){ .op = "view", .text = "a warm roof" });
	CHECK(hear("done") == next_id && strstr(heard("view"), ROOF) && is_embedder("lark."));
	asked_for = 0;
	model_comes(LARK);
	while (!finds(ASKED, ROOF))
		; /* until core has heard that it is there */
	CHECK(strcmp(newest, ASKED) == 0);
	unsigned before = asked_for;
	CHECK(finds(ASKED, ROOF) && asked_for == before + 1); /* of nothing else */
	over();
}

/* A plan without an embedder, or a model that makes none after all: letters. */
static void without_a_model(void) {
	begin_with("15000");
	said_of_old();
	CHECK(finds(ASKED, ROOF) && is_embedder("lark."));
	over();
	embeds = false;
	begin();
	model_comes(LARK);
	asked_for = 0;
	CHECK(!finds(ASKED, ROOF));
	CHECK(finds("a warm roof", ROOF));
	CHECK(asked_for == 0 && is_embedder("ngrams"));
	over();
	embeds = true;
	core_dims = 0;
	begin();
	model_comes(LARK);
	CHECK(!finds(ASKED, ROOF));
	CHECK(finds("a warm roof", ROOF));
	CHECK(asked_for == 0 && is_embedder("ngrams"));
	over();
}

/* Vectors of other weights are another embedder's, whatever its name is. */
static void with_other_weights(void) {
	weights = "these are weights";
	begin_with("15000");
	said_of_old();
	CHECK(finds(ASKED, ROOF) && is_embedder("lark."));
	io_close(&models[0]);
	write_weights("and these others");
	asked_for = 0;
	model_comes(LARK); /* under a core that does not know them */
	turn("kitchen", "it is late", "Yes.");
	CHECK(finds("a warm roof", ROOF) && !finds(ASKED, ROOF) && asked_for == 0 && is_embedder("lark."));
	core_dies();
	start();
	model_comes(LARK);
	serve_until(ROOF "\nSweet."); /* all anew */
	serve_until("it is late\nYes.");
	CHECK(finds(ASKED, ROOF) && is_embedder("lark."));
	weights = NULL;
	over();
}

/* What has no vector for a reason of its own is found by its words, and not asked for again. */
static void a_text_without_a_vector(void) {
	begin_with("15000");
	refuses = -EIO;
	said_of_old();
	refuses = asked_for = 0;
	CHECK(finds("a warm roof", ROOF) && !finds(ASKED, ROOF));
	CHECK(asked_for == 2 && strcmp(newest, ASKED) == 0);
	over();
}

/* What is erased while it waits is not shown to the model any more. */
static void a_text_that_is_erased_meanwhile(void) {
	uint64_t vector, id;
	begin_with("15000");
	turn("kitchen", ROOF, "Sweet.");
	is_silent = true;
	CHECK(hear_core(&vector, NULL) == WIRE_EMBED && strcmp(newest, ROOF "\nSweet.") == 0);
	put(++next_id, (struct question){ .op = "tell", .key = "pin", .text = "4711" });
	CHECK(hear("done") == next_id);
	put(++next_id, (struct question){ .op = "erase", .seq = heard_number("seq") });
	CHECK(hear("done") == next_id);
	put(++next_id, (struct question){ .op = "tell", .key = "light", .text = "green" });
	CHECK(hear("done") == next_id);
	is_silent = false;
	say_vector(vector, ROOF);
	CHECK(hear_core(&id, NULL) == WIRE_EMBED && strcmp(newest, "light\ngreen") == 0);
	over();
}

/* ---- nobody waits ---- */

static void a_silent_model_delays_nobody(void) {
	uint64_t id, vector;
	begin_with("2000");
	said_of_old();
	turn("kitchen", "it is late", "Yes.");
	is_silent = true;
	CHECK(hear_core(&vector, NULL) == WIRE_EMBED && strcmp(newest, "it is late\nYes.") == 0);
	put(++next_id, (struct question){ .op = "say", .text = "a warm roof", .model = "lark" });
	CHECK(hear_core(&id, NULL) == WIRE_CANCEL && id == vector); /* a question comes before a passage */
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_ERROR, .id = vector, .code = -ECANCELED,
		.text = wire_text_of("cancelled") });
	CHECK(hear_core(&vector, NULL) == WIRE_EMBED && strcmp(newest, "a warm roof") == 0);
	static char prompt[65536];
	CHECK(hear_core(&id, prompt) == WIRE_CANCEL && id == vector); /* and an answer before both */
	CHECK(hear_core(&id, prompt) == WIRE_GENERATE && strstr(prompt, ROOF));
	model_sends(LARK, &(struct wire_message){ .kind = WIRE_ERROR, .id = vector, .code = -ECANCELED,
		.text = wire_text_of("cancelled") });
	is_silent = false;
	model_says(LARK, id, "Is it?");
	CHECK(hear("done") == next_id);
	serve_until("Is it?");
	CHECK(finds(ASKED, ROOF));
	over();
}

static void a_model_that_dies_of_it(void) {
	uint64_t id;
	begin_with("15000");
	turn("kitchen", ROOF, "Sweet.");
	is_silent = true;
	for (unsigned i = 0; i < 3; i++) {
		CHECK(hear_core(&id, NULL) == WIRE_EMBED && strcmp(newest, ROOF "\nSweet.") == 0);
		io_close(&models[0]);
		model_comes(LARK);
	}
	said_of_old();
	CHECK(finds("a warm roof", ROOF) && asked_for == 4); /* a question, and thrice its turn: then it is let live */
	over();
}

/* Unloaded, and loaded again, it goes on where it was. */
static void a_model_that_goes_away(void) {
	uint64_t vector;
	begin_with("15000");
	said_of_old();
	turn("kitchen", "it is late", "Yes.");
	is_silent = true;
	CHECK(hear_core(&vector, NULL) == WIRE_EMBED);
	put(++next_id, (struct question){ .op = "unload", .model = "lark" });
	asked_of_parent(SEAT_STOP, LARK);
	model_ends(LARK);
	CHECK(hear("done") == next_id);
	is_silent = false;
	put(++next_id, (struct question){ .op = "view", .text = "a warm roof" });
	CHECK(hear("done") == next_id && strstr(heard("view"), ROOF));
	model_comes(LARK);
	while (!finds(ASKED, ROOF))
		;
	over();
}

int main(void) {
	static void (*const tests[])(void) = { what_means_alike, without_a_model, with_other_weights,
		a_text_without_a_vector, a_text_that_is_erased_meanwhile, a_silent_model_delays_nobody,
		a_model_that_dies_of_it, a_model_that_goes_away };
	return core_tests(tests, COUNT_OF(tests));
}

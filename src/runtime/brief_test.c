/* brief_test.c - what is gathered for a view: all that changed since a look, and no more. */
#include "runtime/core_testing.h"

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
	uint32_t epoch = directory_get(&w.directory, CORE).epoch;
	CHECK(peers_replace(&w.at[FINCH], CORE, epoch, &w.files[CORE]) == 0);
	CHECK(seat_send_peer(parent, FINCH, w.at[FINCH].own.epoch, &w.files[FINCH],
			segment_parts_for(w.plan, FINCH, CORE)) == 0);
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
	end();
}

int main(void) {
	static void (*const tests[])(void) = { what_changed_since_a_look };
	return core_tests(tests, COUNT_OF(tests));
}

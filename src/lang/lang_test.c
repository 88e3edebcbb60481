/*
 * lang_test.c - what golden files cannot show: the printed forms, what options do, and hostile texts.
 *
 * The language itself is tested by example in golden_test.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lang/clean.h"
#include "lang/lang.h"
#include "schema/layout.h"

static const char *example, *symbols_file, *spec_file;
static struct cdm_diag diag;

static char *read_file(const char *path, size_t *bytes) {
	FILE *f = fopen(path, "rb");
	CHECK(f);
	char *text = malloc(LANG_TEXT_MAX + 1);
	CHECK(text);
	*bytes = fread(text, 1, LANG_TEXT_MAX, f);
	text[*bytes] = 0;
	fclose(f);
	return text;
}

static int find_symbols(void *ctx, const char *name, char **text, size_t *bytes) {
	unsigned *asked = ctx;
	if (asked)
		++*asked;
	if (strcmp(name, "phoenician_v2") != 0)
		return -ENOENT;
	*text = read_file(symbols_file, bytes);
	return 0;
}

static const char *environment(void *ctx, const char *name) {
	(void)ctx;
	return strcmp(name, "CADMUS_MODELS") == 0 ? "/models" : strcmp(name, "CADMUS_PHOTOS") == 0 ? "/photos" : NULL;
}

static struct lang_options options(void) {
	return (struct lang_options){ .file = "first-flight.cdl.yaml", .folder = "/home/ana/robot/examples",
		.symbols = find_symbols, .environment = environment, .cores = 2, .memory_bytes = UINT64_C(2) << 30 };
}

static struct plan *compile_text(const char *text, size_t bytes, const struct lang_options *o) {
	struct plan *p;
	memset(&diag, 0, sizeof(diag));
	int rc = lang_compile(text, bytes, o, &p, &diag);
	CHECK(rc == (diag.errors ? -EINVAL : 0) && (rc == 0) == (p != NULL));
	if (p)
		CHECK(plan_verify(p, p->bytes, NULL) == 0);
	return p;
}

static struct plan *compile(const char *text) {
	struct lang_options o = options();
	return compile_text(text, strlen(text), &o);
}

static struct plan *compile_example(const struct lang_options *o) {
	size_t bytes;
	char *text = read_file(example, &bytes);
	struct plan *p = compile_text(text, bytes, o);
	free(text);
	return p;
}

static bool said(const char *code) {
	for (uint32_t i = 0; i < diag.count; i++)
		if (strcmp(diag.at[i].id, code) == 0)
			return true;
	return false;
}

/* ---- the first flight ---- */

static const struct plan_process *process(const struct plan *p, const char *name) {
	uint16_t i = plan_find_process(p, name);
	CHECK(i != PLAN_NONE);
	return &plan_processes(p)[i];
}

static const struct plan_field *field(const struct plan *p, const char *name) {
	uint16_t i = plan_find_field(p, name);
	CHECK(i != PLAN_NONE);
	return &plan_fields(p)[i];
}

static bool reads(const struct plan *p, const char *name, const struct plan_field *f) {
	return f->readers >> plan_find_process(p, name) & 1;
}

static void check_processes(const struct plan *p) {
	CHECK(process(p, "core")->role == PLAN_CORE && process(p, "guard")->role == PLAN_GUARD);
	CHECK(process(p, "camera_0")->role == PLAN_HOST && process(p, "camera_0")->start);
	CHECK(process(p, "hexapod_legs.sim")->role == PLAN_HOST);
	CHECK(process(p, "scribe")->role == PLAN_WORKER && process(p, "scribe")->start);
	CHECK(!process(p, "oracle")->start && process(p, "face_finder")->start);
	CHECK(process(p, "ollama")->role == PLAN_GATEWAY);
	CHECK(process(p, "client_7")->role == PLAN_CLIENT && plan_find_process(p, "client_8") == PLAN_NONE);
	CHECK(process(p, "scribe")->threads + process(p, "face_finder")->threads == 2);
	CHECK(p->first_model == plan_find_entity(p, "scribe"));
	CHECK(p->operator_entity == plan_find_entity(p, "operator"));
}

static void check_fields(const struct plan *p) {
	const struct plan_field *frame = field(p, "camera_0.frame"), *command = field(p, "hexapod_legs.command");
	const struct plan_field *feedback = field(p, "hexapod_legs.feedback"), *visual = field(p, "visual");
	CHECK(frame->dtype == CDM_U8 && frame->dims == 3 && frame->bytes == 512 * 512 * 3);
	CHECK(frame->leases == 2 && frame->slots == 5 && frame->max_age_ns == 500000000);
	CHECK(reads(p, "core", frame) && reads(p, "face_finder", frame) && reads(p, "client_0", frame));
	CHECK(reads(p, "ollama", frame) && !reads(p, "scribe", frame) && !reads(p, "camera_0", frame));
	CHECK(command->process == p->core && command->bytes == 256 && command->slots == 9);
	CHECK(command->readers == UINT64_C(1) << p->guard);
	CHECK(feedback->process == p->guard && feedback->leases == 0 && feedback->bytes == 24 * sizeof(float));
	CHECK(visual->kind == PLAN_AWARENESS && visual->half_life_ns == 500000000 && visual->process == p->core);
	CHECK(field(p, "kinesthetic")->half_life_ns == 100000000);
	CHECK(field(p, "semantic")->half_life_ns == INT64_C(60000000000));
	CHECK(field(p, "goal_bearing")->kind == PLAN_SETTING);
	CHECK(field(p, "faces")->entity == plan_find_entity(p, "face_finder"));
}

static void check_rest(const struct plan *p) {
	const struct plan_actuator *a = plan_actuators(p);
	const struct plan_rule *r = plan_rules(p);
	CHECK(p->actuators.count == 1 && a->safe_verb == PLAN_VERB_STAND && a->lease_ns == 200000000);
	CHECK(a->verb_max[PLAN_VERB_WALK] == 20 && a->verb_max[PLAN_VERB_STOP] == -1);
	CHECK(a->joint_min_cdeg[2] == -14000 && a->joint_max_cdeg[2] == 4000 && a->joint_rate_cdeg_s[0] == 20000);
	CHECK(a->awareness == plan_find_field(p, "kinesthetic"));
	CHECK(p->rules.count == 3 && r[0].min_trust > 0.29 && r[0].target == plan_find_field(p, "visual"));
	CHECK(r[2].operation == PLAN_OP_SYMBOL_TO_MOTION && r[2].actuator == a->entity && r[2].target == PLAN_NONE);
	unsigned http = plan_rights(p, plan_find_entity(p, "ollama"));
	CHECK(http == PLAN_MAY_SAY); /* nobody walks the robot by HTTP unless granted */
	CHECK(plan_rights(p, p->operator_entity) == 15);
	CHECK(plan_may_set(p, p->operator_entity, plan_find_field(p, "goal_bearing")));
	CHECK(p->tables.count == 1 && plan_entities(p)[a->entity].symbols == 0);
}

static const char *option(const struct plan *p, const char *entity, const char *key) {
	const char *v = plan_find_option(p, plan_find_entity(p, entity), key);
	return v ? v : "";
}

static void check_options(const struct plan *p) {
	CHECK(strcmp(option(p, "scribe", "file"), "/home/ana/robot/models/cadmus-a.gguf") == 0);
	CHECK(strcmp(option(p, "camera_0", "source"), "/photos") == 0);
	CHECK(strcmp(option(p, "face_finder", "reads"), "camera_0.frame") == 0);
	CHECK(strcmp(option(p, "ollama", "gateway"), "http") == 0);
	CHECK(strcmp(option(p, "hexapod_legs", "simulator"), "hexapod_sim") == 0);
	CHECK(strcmp(option(p, "hexapod_legs", "bus"), "auto") == 0);
	CHECK(strcmp(option(p, "cadmus", "goal_bearing.min"), "-180") == 0);
	CHECK(strcmp(option(p, "cadmus", "durability"), "group") == 0);
	CHECK(strcmp(option(p, "operator", "trust_anchor"), "yes") == 0);
	CHECK(option(p, "scribe", "memory_mb")[0] == 0); /* the plan itself holds that */
}

static void compiles_the_first_flight(void) {
	struct lang_options o = options();
	struct plan *p = compile_example(&o);
	CHECK(p && diag.count == 0); /* without a warning */
	check_processes(p);
	check_fields(p);
	check_rest(p);
	check_options(p);
	plan_free(p);
}

/* The lexicon that the flight needs: which letter does what, and which compound is refused. */
static void pins_its_symbols(void) {
	static const struct {
		const char *form;
		unsigned verb, number;
	} want[] = { { "𐤌", PLAN_VERB_WALK, 1 }, { "𐤈", PLAN_VERB_TURN, 1 }, { "𐤎", PLAN_VERB_STAND, 0 },
		{ "𐤇", PLAN_VERB_CROUCH, 0 }, { "𐤕", PLAN_VERB_STOP, 0 }, { "𐤍", PLAN_VERB_RISE, 0 },
		{ "𐤏", PLAN_VERB_SCAN, 1 } };
	struct lang_options o = options();
	struct plan *p = compile_example(&o);
	size_t bytes;
	char *text = read_file(symbols_file, &bytes);
	struct hash h = hash_of(text, bytes);
	const struct plan_table *t = plan_tables(p);
	unsigned acting = 0, twice = 0;
	CHECK(hash_equal(&h, &t->hash));
	for (uint32_t i = 0; i < t->senses.count; i++) {
		const struct plan_sense *s = &plan_senses(p)[t->senses.at + i];
		twice += strcmp(s->form, "𐤀𐤕") == 0 && s->verb == PLAN_VERB_NONE;
		for (size_t k = 0; k < COUNT_OF(want); k++)
			if (s->verb != PLAN_VERB_NONE && strcmp(s->form, want[k].form) == 0) {
				CHECK(s->verb == want[k].verb && s->takes_number == want[k].number);
				CHECK((int)s->evidence_p == 20);
				acting++;
			}
	}
	CHECK(acting == COUNT_OF(want) && twice == 2);
	free(text);
	plan_free(p);
}

/* Neither the order of calls, nor addresses, nor what was in memory may show. */
static void is_deterministic(void) {
	struct lang_options o = options();
	struct plan *a = compile_example(&o);
	for (int i = 0; i < 20; i++) {
		void *noise = malloc(100000);
		CHECK(noise);
		memset(noise, i, 100000);
		struct plan *b = compile_example(&o);
		CHECK(a->bytes == b->bytes && memcmp(a, b, a->bytes) == 0);
		plan_free(b);
		free(noise);
	}
	o.folder = "/elsewhere/examples";
	struct plan *c = compile_example(&o);
	CHECK(!hash_equal(&a->hash, &c->hash));
	plan_free(c);
	plan_free(a);
}

#define HEAD "machine: m\nversion: 1.0\nentities:\n  people: [{id: ana}]\n"
#define TAIL "trust_anchors: [ana]\ngrants: [{to: ana, rights: [say, actuate, set, control]}]\n"

/* ---- arithmetic ---- */

static const struct cdm_message *message(const char *code) {
	for (uint32_t i = 0; i < diag.count; i++)
		if (strcmp(diag.at[i].id, code) == 0)
			return &diag.at[i];
	fprintf(stderr, "%s was not said\n", code);
	abort();
}

static void shows_its_arithmetic(void) {
	static const char text[] = HEAD "  models:\n"
		"    - {id: a, consciousness_type: linguistic, backend: x, file: f, memory_mb: 100, threads: 3}\n"
		"    - {id: b, consciousness_type: linguistic, backend: x, file: f, memory_mb: 300, threads: 1}\n"
		"    - {id: c, consciousness_type: visual, backend: x, file: f, memory_mb: 700, threads: 2,\n"
		"       writes: [{field: d, dtype: f32}]}\n" TAIL "clients: 0\n";
	struct lang_options o = options();
	o.memory_bytes = UINT64_C(1000) << 20;
	CHECK(!compile_text(text, strlen(text), &o) && diag.errors == 2);
	/* a, which has most threads, and not b; b, which needs most memory, and not a */
	CHECK(strcmp(message("C0401")->text, "models would keep 5 cores busy at once, and there are 2") == 0);
	CHECK(strcmp(message("C0401")->hint, "a 3 + c 2") == 0);
	CHECK(strcmp(message("C0402")->hint, "core 64 + guard 8 + b 300 + c 700 + shared 1") == 0);
	CHECK(strcmp(message("C0402")->text, "the machine needs 1073 MiB of memory, and there are 1000") == 0);
	o.cores = 5;
	o.memory_bytes = UINT64_C(1073) << 20;
	plan_free(compile_text(text, strlen(text), &o));
	CHECK(diag.count == 0);
}

static void lays_fields_out_as_the_store_expects(void) {
	struct lang_options o = options();
	struct plan *p = compile_example(&o);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < p->processes.count; i++) {
		const struct plan_process *s = &plan_processes(p)[i];
		uint64_t end = s->event_offset + layout_events_bytes();
		CHECK(s->desk_offset == LAYOUT_HEAD_BYTES && s->event_offset % LAYOUT_ALIGN == 0);
		CHECK(s->tally_offset == s->desk_offset + layout_desk_bytes(s->lease_quota));
		CHECK(s->event_offset == s->tally_offset + layout_tallies_bytes(s->tallies));
		for (uint32_t part = 1; part < s->part_count; part++) {
			CHECK(s->parts[part].at >= end && s->parts[part].at < end + LAYOUT_PAGE);
			end = s->parts[part].at;
			for (uint32_t k = 0; k < p->fields.count; k++) {
				const struct plan_field *f = &plan_fields(p)[k];
				if (f->process != i || f->part != part)
					continue;
				CHECK(f->offset >= end && f->offset < end + LAYOUT_ALIGN);
				CHECK(f->readers == s->parts[part].readers);
				end = f->offset + layout_field_bytes(f->slots, f->bytes);
			}
		}
		CHECK(s->segment_bytes >= end && s->segment_bytes < end + LAYOUT_PAGE);
		sum += s->segment_bytes + s->memory_bytes;
	}
	CHECK(sum == p->memory_bytes);
	plan_free(p);
}

/* ---- printing ---- */

static char *printed(const char *text, bool colour) {
	char *out = NULL;
	size_t bytes;
	FILE *f = open_memstream(&out, &bytes);
	CHECK(f);
	lang_print_diag(f, &diag, text, strlen(text), "robot.yaml", colour);
	fclose(f);
	return out;
}

static void prints_lines_and_carets(void) {
	static const char text[] = "machine: m\nversion: 1.0\nentities:\n"
		"  people: [{id: ana, trust_vektor: [1, 1, 1]}]\n" TAIL;
	CHECK(!compile(text));
	char *out = printed(text, false);
	CHECK(strcmp(out, "robot.yaml:4:22: error C0201: 'trust_vektor' is not a key of a person\n"
			"     4 |   people: [{id: ana, trust_vektor: [1, 1, 1]}]\n"
			"       |                      ^~~~~~~~~~~~\n"
			"         hint: did you mean 'trust_vector'?\n") == 0);
	free(out);
	out = printed(text, true);
	CHECK(strstr(out, "\033[1;31merror C0201\033[0m") && strstr(out, "\033[1;32m^~~~"));
	free(out);
	out = printed("one line only", false); /* not the text that was compiled: no line 4 */
	CHECK(strstr(out, "C0201") && !strstr(out, "^"));
	free(out);
}

/* Columns count characters, not bytes; tabs, long lines, bad bytes and controls do no harm. */
static void prints_strange_lines(void) {
	char line[400] = "";
	CHECK(!compile("# 𐤀𐤁\n\"𐤀𐤁\": 1\n"));
	CHECK(diag.at[0].column == 1 && diag.at[0].length == 4);
	CHECK(!compile(HEAD TAIL "𐤀𐤁𐤂: [1, 2, {x: &a 1}]\n") && said("C0105"));
	CHECK(message("C0105")->column == 17);
	for (int i = 0; i < 30; i++)
		strcat(line, "a long lin\t");
	memset(&diag, 0, sizeof(diag));
	struct cdm_message *m = cdm_diag_add(&diag, CDM_ERROR, "C9999", "x");
	m->line = 1;
	m->column = 300;
	m->length = 4000;
	line[290] = '\033';
	line[295] = (char)0xff;
	char *out = printed(line, false);
	CHECK(!strchr(out, '\033') && !strchr(out, (char)0xff) && strlen(out) < 400);
	free(out);
	m->column = 0;
	m->length = 0;
	free(printed("", false));
	diag.dropped = 3;
	out = printed("", false);
	CHECK(strstr(out, "and 3 more"));
	free(out);
}

static void speaks_json(void) {
	CHECK(!compile(HEAD TAIL "cleints: 3\n"));
	json_t *j = lang_diag_json(&diag, "robot.yaml");
	json_t *m = json_array_get(json_object_get(j, "messages"), 0);
	CHECK(json_integer_value(json_object_get(j, "errors")) == 1);
	CHECK(strcmp(json_string_value(json_object_get(m, "code")), "C0201") == 0);
	CHECK(json_integer_value(json_object_get(m, "line")) == 7);
	CHECK(strcmp(json_string_value(json_object_get(m, "severity")), "error") == 0);
	CHECK(strcmp(json_string_value(json_object_get(m, "hint")), "did you mean 'clients'?") == 0);
	json_decref(j);
}

static void shows_the_plan(void) {
	struct lang_options o = options();
	struct plan *p = compile_example(&o);
	char *out = NULL, hash[HASH_TEXT_MAX];
	size_t bytes;
	FILE *f = open_memstream(&out, &bytes);
	lang_plan_print(f, p);
	fclose(f);
	CHECK(strstr(out, "machine first_flight") && strstr(out, "camera_0.frame") && strstr(out, "u8[512,512,3]"));
	CHECK(strstr(out, "walk[20]") && strstr(out, "holds the control socket"));
	json_t *j = lang_plan_json(p);
	CHECK(j && json_array_size(json_object_get(j, "fields")) == p->fields.count);
	CHECK(json_array_size(json_object_get(j, "processes")) == p->processes.count);
	CHECK(json_array_size(json_object_get(j, "options")) == p->options.count);
	CHECK(strcmp(json_string_value(json_object_get(j, "hash")), hash_text(&p->hash, 64, hash)) == 0);
	json_t *rule = json_array_get(json_object_get(j, "rules"), 0);
	CHECK(strcmp(json_string_value(json_object_get(rule, "target")), "visual") == 0);
	json_decref(j);
	free(out);
	plan_free(p);
}

static void cleans_what_it_shows(void) {
	char out[CLEAN_MAX], long_text[400];
	CHECK(strcmp(clean_text("plain 𐤀 text", out), "plain 𐤀 text") == 0);
	CHECK(strcmp(clean_text("\033[31m\n\xff\xf0\x90", out), "?[31m????") == 0);
	memset(long_text, 'x', sizeof(long_text));
	long_text[399] = 0;
	CHECK(strlen(clean_text(long_text, out)) < CLEAN_MAX);
}

/* ---- the tables of the language ---- */

/* What a person is told to do next, where the text alone does not say it. */
static struct plan *compile_with(const char *table, const char *settings) {
	char text[512];
	snprintf(text, sizeof(text), "version: 1.0\nentities:\n  models: [{id: talker, "
			"consciousness_type: linguistic, backend: echo, file: a, memory_mb: 1, "
			"symbol_recognition: %s}]\n%s", table, settings);
	return compile(text);
}

static void hints_at_the_way_out(void) {
	CHECK(!compile_with("phoenician_v3@0123456789abcdef", ""));
	CHECK(strcmp(message("C0213")->text, "there is no symbol table 'phoenician_v3'") == 0);
	CHECK(strcmp(message("C0213")->hint, "it would be the file symbols/phoenician_v3.yaml, beside the "
			"description, in one of the two folders above it, or where Cadmus is installed") == 0);
	CHECK(!compile_with("../secret", "") && !said("C0213"));
	CHECK(strcmp(message("C0204")->text, "'../secret' is not a proper name") == 0);
	CHECK(!compile_with("phoenician_v2", "settings: [{id: a_setting_of_20_byte}]\n"));
	CHECK(strcmp(message("C0205")->text, "the name 'a_setting_of_20_byte' is longer than 19 bytes") == 0);
	CHECK(strcmp(message("C0205")->hint, "a setting's bounds are kept under names like its own with "
			".default behind it, and those have 27 bytes") == 0);
	struct plan *p = compile_with("phoenician_v2", "settings: [{id: a_setting_of_19_byt}]\n");
	CHECK(p);
	plan_free(p);
}

/* What is to be written down, how often, and what that costs: a frame of which only the hash is kept is borrowed. */
static void keeps_what_is_asked_for(void) {
	struct plan *p = compile("version: 1.0\nentities:\n  sensors: [{id: eye, driver: external, frame: {width: 80, "
			"height: 60, leases: 3, durability: full, journal_ms: 5000}, writes: ["
			"{field: light, dtype: f32, durability: group}, {field: dark, dtype: f32}, "
			"{field: map, dtype: u8, shape: [4097], leases: 0, durability: group}]}]\n"
			"journal: {keep_days: 0, keep_mb: 12, classes: {turn: group, sample: volatile}}\n");
	CHECK(p);
	const struct plan_field *frame = field(p, "eye.frame"), *light = field(p, "light"), *map = field(p, "map");
	CHECK(frame->durability == PLAN_FULL && frame->journal_ms == 5000 && frame->leases == 4);
	CHECK(light->durability == PLAN_GROUP && light->journal_ms == 1000 && light->leases == 0);
	CHECK(map->durability == PLAN_GROUP && map->leases == 1);
	CHECK(field(p, "dark")->durability == PLAN_VOLATILE && field(p, "dark")->journal_ms == 0);
	CHECK(strcmp(option(p, "cadmus", "journal.keep_days"), "0") == 0);
	CHECK(strcmp(option(p, "cadmus", "journal.keep_mb"), "12") == 0);
	CHECK(strcmp(option(p, "cadmus", "journal.turn"), "group") == 0);
	CHECK(strcmp(option(p, "cadmus", "journal.sample"), "volatile") == 0);
	CHECK(option(p, "cadmus", "journal.fact")[0] == 0);
	plan_free(p);
}

/* spec/cdl.md holds the table of keys as it is printed: nobody edits it by hand, nobody forgets it. */
static void documents_itself(void) {
	char *out = NULL, *spec;
	size_t bytes, spec_bytes;
	FILE *f = open_memstream(&out, &bytes);
	lang_print_keys(f);
	fclose(f);
	spec = read_file(spec_file, &spec_bytes);
	CHECK(strstr(out, "| `trust_vector` | a list of three numbers, 0 to 1 |"));
	if (!strstr(spec, out)) {
		fputs("spec/cdl.md does not hold the keys as `lang_test --keys` prints them\n", stderr);
		abort();
	}
	free(out);
	f = open_memstream(&out, &bytes);
	lang_print_codes(f);
	fclose(f);
	for (char *line = out, *nl; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
		char code[8] = "";
		memcpy(code, line, 5);
		CHECK(lang_code_text(code));
		CHECK(strstr(spec, code));
	}
	CHECK(lang_code_text("C9999") == NULL);
	free(out);
	free(spec);
}

static void has_a_schema(void) {
	json_t *j = lang_schema_json();
	json_t *properties = json_object_get(j, "properties");
	json_t *entities = json_object_get(json_object_get(properties, "entities"), "properties");
	json_t *model = json_object_get(json_object_get(entities, "models"), "items");
	CHECK(json_object_get(json_object_get(model, "properties"), "backend"));
	CHECK(json_is_false(json_object_get(j, "additionalProperties")));
	CHECK(json_array_size(json_object_get(j, "required")) == 2);
	char *text = json_dumps(j, 0);
	CHECK(text && strstr(text, "\"consciousness_type\""));
	free(text);
	json_decref(j);
}

/* ---- hostile texts ---- */

static void survives_every_cut(void) {
	struct lang_options o = options();
	size_t bytes;
	char *text = read_file(example, &bytes);
	for (size_t n = 0; n < bytes; n += 7)
		plan_free(compile_text(text, n, &o));
	free(text);
}

/* One byte wrong: an answer, and if it is a plan, one that verifies. */
static void survives_every_changed_byte(void) {
	static const char bytes_to_try[] = { '\0', '\n', ':', '{', '-', '"', '&', '\t', (char)0xf0 };
	struct lang_options o = options();
	size_t bytes;
	char *text = read_file(example, &bytes);
	for (size_t n = 0; n < bytes; n += 11) {
		char was = text[n];
		text[n] = bytes_to_try[n / 11 % sizeof(bytes_to_try)];
		plan_free(compile_text(text, bytes, &o));
		text[n] = was;
	}
	free(text);
}

static void refuses_what_is_too_much(void) {
	char *big = malloc(LANG_TEXT_MAX + 2);
	CHECK(big);
	memset(big, '#', LANG_TEXT_MAX + 2);
	CHECK(!compile_text(big, LANG_TEXT_MAX + 1, NULL) && said("C0101"));
	CHECK(!compile_text(big, LANG_TEXT_MAX, NULL) && said("C0111"));
	memset(big, '[', LANG_TEXT_MAX);
	CHECK(!compile_text(big, LANG_TEXT_MAX, NULL) && said("C0107"));
	for (size_t i = 0; i < LANG_TEXT_MAX; i++)
		big[i] = "a: b\n"[i % 5];
	CHECK(!compile_text(big, LANG_TEXT_MAX - LANG_TEXT_MAX % 5, NULL) && said("C0109"));
	free(big);
}

/* A list of messages that is full of warnings still shows the errors. */
static void lets_errors_take_the_place_of_warnings(void) {
	char *text = malloc(65536);
	CHECK(text);
	size_t n = (size_t)sprintf(text, HEAD "  models:\n");
	for (int i = 0; i < 100; i++)
		n += (size_t)sprintf(text + n, "    - {id: m%d, consciousness_type: linguistic}\n", i);
	sprintf(text + n, TAIL "clients: many\n");
	CHECK(!compile(text));
	CHECK(diag.errors == 1 && said("C0301") && diag.count == CDM_DIAG_MAX && diag.dropped == 37);
	free(text);
}

static void takes_no_options_and_no_diag(void) {
	struct plan *p;
	CHECK(lang_compile(HEAD TAIL, strlen(HEAD TAIL), NULL, &p, NULL) == 0);
	plan_free(p);
	CHECK(lang_compile("nonsense", 8, NULL, &p, NULL) == -EINVAL && !p);
	CHECK(lang_compile(NULL, 0, NULL, &p, NULL) == -EINVAL && !p);
	CHECK(lang_check_symbols("nonsense", 8, NULL) == -EINVAL);
	plan_free(NULL);
}

/* A diag that holds messages already keeps them, in front. */
static void adds_to_a_diag(void) {
	struct plan *p;
	memset(&diag, 0, sizeof(diag));
	cdm_diag_add(&diag, CDM_NOTE, "N0001", "from before")->line = 99;
	CHECK(lang_compile("a: 1\nb: 2\n", 10, NULL, &p, &diag) == -EINVAL);
	CHECK(strcmp(diag.at[0].id, "N0001") == 0 && diag.count > 3);
	for (uint32_t i = 2; i < diag.count; i++)
		CHECK(diag.at[i].line == 0 || diag.at[i - 1].line <= diag.at[i].line);
}

static void reads_a_table_once(void) {
	unsigned asked = 0;
	char *text = malloc(65536);
	CHECK(text);
	size_t n = (size_t)sprintf(text, HEAD "  models:\n");
	for (int i = 0; i < 20; i++)
		n += (size_t)sprintf(text + n, "    - {id: m%d, consciousness_type: visual, "
				"symbol_recognition: phoenician_v2}\n", i);
	sprintf(text + n, TAIL);
	struct lang_options o = options();
	o.ctx = &asked;
	plan_free(compile_text(text, strlen(text), &o));
	CHECK(asked == 1);
	free(text);
}

int main(int argc, char **argv) {
	if (argc == 2 && strcmp(argv[1], "--keys") == 0)
		return lang_print_keys(stdout), 0;
	CHECK(argc == 4);
	example = argv[1];
	symbols_file = argv[2];
	spec_file = argv[3];
	compiles_the_first_flight();
	pins_its_symbols();
	is_deterministic();
	shows_its_arithmetic();
	lays_fields_out_as_the_store_expects();
	prints_lines_and_carets();
	prints_strange_lines();
	speaks_json();
	shows_the_plan();
	cleans_what_it_shows();
	hints_at_the_way_out();
	keeps_what_is_asked_for();
	documents_itself();
	has_a_schema();
	survives_every_cut();
	survives_every_changed_byte();
	refuses_what_is_too_much();
	lets_errors_take_the_place_of_warnings();
	takes_no_options_and_no_diag();
	adds_to_a_diag();
	reads_a_table_once();
	puts("lang_test: ok");
}

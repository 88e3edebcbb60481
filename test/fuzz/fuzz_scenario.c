/*
 * fuzz_scenario.c - any text as a scenario: one error with its place, or steps whose arguments are of their kinds.
 *
 * What the command would print (complain.c) ends here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/fly.h"

#define PATH "folder/x.fly.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* As in fuzz_cdl.c. */
const char *__lsan_default_suppressions(void) {
	return "leak:libfyaml";
}

static unsigned said;

__attribute__((format(printf, 1, 0))) static int say(const char *format, va_list args) {
	char text[2048];
	CHECK(vsnprintf(text, sizeof(text), format, args) > 0);
	CHECK(strncmp(text, PATH, sizeof(PATH) - 1) == 0);
	said++;
	return 1;
}

int verb_failed(const char *verb, int rc, const char *format, ...) {
	va_list args;
	CHECK(strcmp(verb, "fly") == 0 && rc < 0);
	va_start(args, format);
	int code = say(format, args);
	va_end(args);
	return code;
}

int verb_failed_hint(const char *verb, int rc, const char *hint, const char *format, ...) {
	va_list args;
	CHECK(strcmp(verb, "fly") == 0 && rc < 0 && hint);
	va_start(args, format);
	int code = say(format, args);
	va_end(args);
	return code;
}

/* args.c has it of options, and of those there are none here. */
int verb_wrong(const char *verb, const char *format, ...) {
	(void)verb, (void)format;
	abort();
}

static void look_at_key(const struct fly_action *a, const struct fly_key *key) {
	struct fly_action inner;
	const char *name, *value, *text = fly_text(a, key->name);
	bool scalar = key->value < FLY_IS_LIST;
	CHECK(!text || (scalar && text[0]));
	CHECK(!text || !key->word || strcmp(text, key->word) == 0);
	CHECK(!text || key->value != FLY_IS_COUNT || fly_number(a, key->name, 0.0) >= 1.0);
	CHECK(!text || key->value != FLY_IS_MS || fly_number(a, key->name, -1.0) >= 0.0);
	CHECK(!fly_flag(a, key->name) || strcmp(text, "true") == 0);
	for (unsigned i = 0; !scalar && fly_pair(a, key->name, i, &name, &value); i++)
		CHECK(name[0] && (key->value == FLY_IS_LIST || value));
	if (key->value == FLY_IS_MEASURE && fly_inner(a, key->name, &inner))
		CHECK(fly_number(&inner, "target_ms", 0.0) >= 0.0);
}

static void look_at(const struct fly_action *a) {
	CHECK(a->kind && a->line > 0 && fly_title(a, "none")[0]);
	CHECK(!fly_item(a, 0) == !a->kind->names);
	for (const struct fly_key *key = a->kind->keys; key->name; key++)
		look_at_key(a, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct fly_script s;
	char *text = malloc(size ? size : 1); /* just its size, so that a byte read behind it is seen */
	CHECK(text);
	memcpy(text, data, size);
	said = 0;
	int code = fly_script_parse(&s, PATH, text, size);
	CHECK(code == 0 ? said == 0 && s.count > 0 && s.machine[0] : code == 1 && said == 1);
	for (unsigned i = 0; code == 0 && i < s.count; i++) {
		CHECK(s.steps[i].name && s.steps[i].why && s.steps[i].count > 0);
		for (unsigned k = 0; k < s.steps[i].count; k++)
			look_at(&s.steps[i].actions[k]);
	}
	fly_script_free(&s);
	return 0;
}

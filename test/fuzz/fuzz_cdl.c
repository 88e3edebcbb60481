/*
 * fuzz_cdl.c - any text as a machine: an answer, never a crash; and what is a plan verifies, prints, and comes out the
 * same again.
 *
 * What stands behind a form feed (which no CDL may contain) is the text of every symbol table.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses the buffer of a long quoted scalar that it gives up on: at most the text's size. */
const char *__lsan_default_suppressions(void) {
	return "leak:libfyaml";
}

struct input {
	const char *text, *table;
	size_t bytes, table_bytes;
};

static int find_symbols(void *ctx, const char *name, char **text, size_t *bytes) {
	const struct input *in = ctx;
	(void)name;
	if (!in->table)
		return -ENOENT;
	*bytes = in->table_bytes;
	*text = malloc(*bytes + 1);
	CHECK(*text);
	memcpy(*text, in->table, *bytes);
	return 0;
}

static const char *environment(void *ctx, const char *name) {
	(void)ctx;
	return name[0] == 'C' ? "/somewhere" : name[0] == 'X' ? "\033[31m" : NULL;
}

static void print_all(const struct input *in, const struct plan *p, const struct cdm_diag *diag) {
	static FILE *nowhere;
	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere);
	lang_print_diag(nowhere, diag, in->text, in->bytes, "fuzz.cdl.yaml", true);
	json_t *j = lang_diag_json(diag, "fuzz.cdl.yaml");
	CHECK(j); /* so every text in it is valid UTF-8 */
	json_decref(j);
	if (!p)
		return;
	lang_plan_print(nowhere, p);
	j = lang_plan_json(p);
	CHECK(j);
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct cdm_diag diag;
	const char *feed = size ? memchr(data, '\f', size) : NULL;
	struct input in = { .text = (const char *)data, .bytes = feed ? (size_t)(feed - (const char *)data) : size };
	if (feed) {
		in.table = feed + 1;
		in.table_bytes = size - in.bytes - 1;
		memset(&diag, 0, sizeof(diag));
		CHECK(lang_check_symbols(in.table, in.table_bytes, &diag) == (diag.errors ? -EINVAL : 0));
	}
	struct lang_options o = { .file = "fuzz.cdl.yaml", .folder = size % 2 ? "/home/ana" : NULL,
		.symbols = find_symbols, .environment = environment, .ctx = &in, .cores = 4,
		.memory_bytes = UINT64_C(8) << 30 };
	struct plan *a, *b;
	memset(&diag, 0, sizeof(diag));
	int rc = lang_compile(in.text, in.bytes, &o, &a, &diag);
	CHECK(rc == (diag.errors ? -EINVAL : 0) && (rc == 0) == (a != NULL));
	print_all(&in, a, &diag);
	if (a) {
		CHECK(plan_verify(a, a->bytes, NULL) == 0);
		CHECK(lang_compile(in.text, in.bytes, &o, &b, NULL) == 0);
		CHECK(a->bytes == b->bytes && memcmp(a, b, a->bytes) == 0);
		plan_free(b);
	}
	plan_free(a);
	return 0;
}

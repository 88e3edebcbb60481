/*
 * golden_test.c - the language by example: every file of test/lang is compiled, and says itself what comes out.
 *
 *      # expect: CODE[:COLUMN[:LENGTH]] ...    messages whose place is this line
 *      # expect-file: CODE ...                 messages without a place
 *      # with: cores=N memory_mb=N file=NAME NAME=VALUE ...    options; upper-case names are the environment
 *      # errors-only                           warnings are not looked at
 *      #repeat N TEXT                          this line is TEXT, N times, with the number in place of each %
 *
 * NAME.expect beside NAME.cdl.yaml, if there, lists all messages with their texts instead: files that
 * must stay as they are can be tested, too.  NAME.symbols.yaml are symbol tables.
 *
 * Every code of diag.def must be met; a file without expectations must compile without a word; and what
 * compiles must compile to the same bytes a second time.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "lang/lang.h"

#define TEXT_MAX (3u << 20)
#define EXPECT_MAX 128

struct expectation {
	char code[8];
	unsigned line, column, length; /* 0: any */
	bool met;
};

struct golden {
	const char *name;
	char *text;
	size_t bytes;
	struct expectation expect[EXPECT_MAX];
	unsigned expect_count;
	struct lang_options opt;
	char variables[16][2][64];
	unsigned variable_count;
	char file[64], place[64];
	bool errors_only;
};

static const char *folder, *shared_symbols;
static struct golden golden;
static struct cdm_diag diag, again;
static unsigned failures;
static char met[256][8];
static unsigned met_count;

static char *read_file(const char *dir, const char *name, size_t *bytes) {
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	char *text = malloc(TEXT_MAX);
	CHECK(text);
	*bytes = fread(text, 1, TEXT_MAX - 1, f);
	text[*bytes] = 0;
	fclose(f);
	return text;
}

static int find_symbols(void *ctx, const char *name, char **text, size_t *bytes) {
	char file[128];
	(void)ctx;
	snprintf(file, sizeof(file), "%s.yaml", name);
	*text = read_file(shared_symbols, file, bytes);
	if (!*text) {
		snprintf(file, sizeof(file), "%s.symbols.yaml", name);
		*text = read_file(folder, file, bytes);
	}
	return *text ? 0 : -ENOENT;
}

static const char *environment(void *ctx, const char *name) {
	(void)ctx;
	for (unsigned i = 0; i < golden.variable_count; i++)
		if (strcmp(golden.variables[i][0], name) == 0)
			return golden.variables[i][1];
	return strcmp(name, "RED") == 0 ? "\033[31m" : NULL; /* what no golden file may contain */
}

static void fail(const char *what) {
	fprintf(stderr, "%s: %s\n", golden.name, what);
	failures++;
}

/* ---- reading what a file says of itself ---- */

static void append(const char *s, size_t n) {
	CHECK(golden.bytes + n < TEXT_MAX);
	memcpy(golden.text + golden.bytes, s, n);
	golden.bytes += n;
	golden.text[golden.bytes] = 0;
}

/* Lines, with #repeat expanded. */
static void expand(const char *raw, size_t bytes) {
	const char *end = raw + bytes;
	golden.text = malloc(TEXT_MAX);
	CHECK(golden.text);
	while (raw < end) {
		const char *nl = memchr(raw, '\n', (size_t)(end - raw));
		size_t n = (size_t)((nl ? nl + 1 : end) - raw);
		unsigned times = 0;
		int skip = 0;
		if (sscanf(raw, "#repeat %u%n", &times, &skip) == 1 && skip++)
			for (unsigned i = 0; i < times; i++) {
				char number[16];
				snprintf(number, sizeof(number), "%u", i);
				for (size_t k = (size_t)skip; k < n; k++)
					raw[k] == '%' ? append(number, strlen(number)) : append(raw + k, 1);
			}
		else
			append(raw, n);
		raw += n;
	}
}

static void read_expectations(const char *at, unsigned line) {
	char word[64];
	int n;
	for (; sscanf(at, "%63[C0-9:]%n", word, &n) == 1; at += n, at += strspn(at, " ")) {
		CHECK(golden.expect_count < EXPECT_MAX);
		struct expectation *e = &golden.expect[golden.expect_count++];
		*e = (struct expectation){ .line = line };
		CHECK(sscanf(word, "%7[C0-9]:%u:%u", e->code, &e->column, &e->length) >= 1);
	}
}

static void read_options(const char *at) {
	char key[64], value[64];
	int n;
	for (; sscanf(at, "%63[A-Za-z_]=%63[^ \n]%n", key, value, &n) == 2; at += n, at += strspn(at, " ")) {
		if (strcmp(key, "cores") == 0)
			golden.opt.cores = (unsigned)atoi(value);
		else if (strcmp(key, "memory_mb") == 0)
			golden.opt.memory_bytes = strtoull(value, NULL, 10) << 20;
		else if (strcmp(key, "folder") == 0)
			golden.opt.folder = memcpy(golden.place, value, sizeof(value));
		else if (strcmp(key, "file") == 0)
			golden.opt.file = memcpy(golden.file, value, sizeof(value));
		else {
			CHECK(golden.variable_count < COUNT_OF(golden.variables));
			memcpy(golden.variables[golden.variable_count][0], key, sizeof(key));
			memcpy(golden.variables[golden.variable_count++][1], value, sizeof(value));
		}
	}
}

static void read_comments(void) {
	unsigned line = 1;
	for (char *at = golden.text, *nl; *at; at = nl + 1, line++) {
		nl = strchr(at, '\n');
		CHECK(nl); /* a golden file ends with a newline */
		*nl = 0;
		char *e = strstr(at, "# expect: "), *f = strstr(at, "# expect-file: "), *w = strstr(at, "# with: ");
		if (strstr(at, "# errors-only"))
			golden.errors_only = true;
		if (e)
			read_expectations(e + 10, line);
		if (f)
			read_expectations(f + 15, 0);
		if (w)
			read_options(w + 8);
		*nl = '\n';
	}
}

/* ---- comparing ---- */

static bool meets(struct expectation *e, const struct cdm_message *m) {
	bool same = !e->met && strcmp(e->code, m->id) == 0 && e->line == m->line &&
		(!e->column || e->column == m->column) && (!e->length || e->length == m->length);
	e->met = e->met || same;
	return same;
}

static void remember(const char *code) {
	for (unsigned i = 0; i < met_count; i++)
		if (strcmp(met[i], code) == 0)
			return;
	CHECK(met_count < COUNT_OF(met));
	snprintf(met[met_count++], sizeof(met[0]), "%s", code);
}

static void compare_comments(void) {
	bool all = true;
	for (uint32_t i = 0; i < diag.count; i++) {
		bool expected = golden.errors_only && diag.at[i].severity != CDM_ERROR;
		for (unsigned k = 0; k < golden.expect_count && !expected; k++)
			expected = meets(&golden.expect[k], &diag.at[i]);
		if (expected)
			remember(diag.at[i].id);
		else
			fail("a message that is not expected");
		all = all && expected;
	}
	for (unsigned k = 0; k < golden.expect_count; k++)
		if (!golden.expect[k].met) {
			fprintf(stderr, "%s:%u: %s did not come\n", golden.name, golden.expect[k].line,
					golden.expect[k].code);
			all = false;
			failures++;
		}
	if (!all)
		lang_print_diag(stderr, &diag, golden.text, golden.bytes, golden.name, false);
}

/* All messages, one a line, as in NAME.expect. */
static void compare_list(const char *expected) {
	char *list = NULL;
	size_t bytes;
	FILE *f = open_memstream(&list, &bytes);
	CHECK(f);
	for (uint32_t i = 0; i < diag.count; i++) {
		const struct cdm_message *m = &diag.at[i];
		fprintf(f, "%u:%u:%u %s %s\n", m->line, m->column, m->length, m->id, m->text);
		remember(m->id);
	}
	fclose(f);
	if (strcmp(list, expected) != 0) {
		fail("other messages than in its .expect file:");
		fputs(list, stderr);
	}
	free(list);
}

static void compile(void) {
	struct plan *a, *b;
	int rc = lang_compile(golden.text, golden.bytes, &golden.opt, &a, &diag);
	if (rc != (diag.errors ? -EINVAL : 0) || (rc == 0) != (a != NULL))
		fail("return value, messages and plan do not agree");
	int rc2 = lang_compile(golden.text, golden.bytes, &golden.opt, &b, &again);
	if (rc != rc2 || memcmp(&diag, &again, sizeof(diag)) != 0)
		fail("the second time, other messages");
	if (a && (a->bytes != b->bytes || memcmp(a, b, a->bytes) != 0))
		fail("the second time, another plan");
	plan_free(a);
	plan_free(b);
}

static void run(const char *name, bool symbols) {
	char file[256];
	size_t bytes = 0, list_bytes = 0;
	char *raw = read_file(folder, name, &bytes);
	CHECK(raw);
	memset(&diag, 0, sizeof(diag));
	memset(&again, 0, sizeof(again));
	memset(&golden, 0, sizeof(golden));
	golden.name = name;
	golden.opt = (struct lang_options){ .file = name, .symbols = find_symbols, .environment = environment,
		.cores = 2, .memory_bytes = UINT64_C(4) << 30 };
	expand(raw, bytes);
	read_comments();
	if (symbols) {
		int rc = lang_check_symbols(golden.text, golden.bytes, &diag);
		if (rc != (diag.errors ? -EINVAL : 0))
			fail("return value and messages do not agree");
	} else {
		compile();
	}
	snprintf(file, sizeof(file), "%.*s.expect", (int)strcspn(name, "."), name);
	char *list = read_file(folder, file, &list_bytes);
	if (list)
		compare_list(list);
	else
		compare_comments();
	free(list);
	free(raw);
	free(golden.text);
}

/* Every code has been met: ask lang for all of them. */
static void check_codes(void) {
	char *list = NULL, *line, *rest;
	size_t bytes;
	FILE *f = open_memstream(&list, &bytes);
	CHECK(f);
	lang_print_codes(f);
	fclose(f);
	for (line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		bool found = false;
		line[5] = 0;
		CHECK(lang_code_text(line) != NULL);
		for (unsigned i = 0; i < met_count && !found; i++)
			found = strcmp(met[i], line) == 0;
		if (!found) {
			fprintf(stderr, "%s has no test in %s\n", line, folder);
			failures++;
		}
	}
	free(list);
}

static bool ends_with(const char *s, const char *end) {
	size_t a = strlen(s), b = strlen(end);
	return a > b && strcmp(s + a - b, end) == 0;
}

int main(int argc, char **argv) {
	unsigned files = 0;
	CHECK(argc == 3);
	folder = argv[1];
	shared_symbols = argv[2];
	DIR *d = opendir(folder);
	CHECK(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		bool symbols = ends_with(e->d_name, ".symbols.yaml");
		if (!symbols && !ends_with(e->d_name, ".cdl.yaml"))
			continue;
		run(e->d_name, symbols);
		files++;
	}
	closedir(d);
	CHECK(files > 0);
	check_codes();
	if (failures)
		fprintf(stderr, "%u failures\n", failures);
	else
		printf("golden_test: %u files, %u codes: ok\n", files, met_count);
	return failures != 0;
}

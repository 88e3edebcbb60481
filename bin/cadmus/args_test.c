/* args_test.c - arguments: what is taken, and what is refused with which words. */
#include "bin/cadmus/args.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bin/cadmus/output.h"

/* ---- numbers ---- */

static void counts(void) {
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1x", "0x10", "1e3", "1.0", "abc",
			"18446744073709551616",
		"99999999999999999999999", "１" };
	uint64_t v;
	CHECK(args_count("0", 0, 5, &v) && v == 0);
	CHECK(args_count("5", 1, 5, &v) && v == 5);
	CHECK(args_count("007", 1, 9, &v) && v == 7);
	CHECK(args_count("18446744073709551615", 0, UINT64_MAX, &v) && v == UINT64_MAX);
	CHECK(!args_count("6", 1, 5, &v) && !args_count("0", 1, 5, &v));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!args_count(bad[i], 0, UINT64_MAX, &v));
}

static void numbers(void) {
	static const struct {
		const char *text;
		double value;
	} good[] = { { "0", 0.0 }, { "-45", -45.0 }, { "+1.5", 1.5 }, { ".5", 0.5 }, { "5.", 5.0 }, { "1e3", 1000.0 },
		{ "1.25E-2", 0.0125 }, { "1e+2", 100.0 }, { "1e-999", 0.0 } };
	static const char *const bad[] = { "", "-", "+", ".", "e5", "1e", "1e+", "nan", "-nan", "inf", "infinity",
			"-inf", "0x10",
		"0x1p3", "1e999", "-1e999", "1,5", "1 ", " 1", "1x", "1.2.3", "--1", "north", "1e5e5" };
	double v;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		CHECK(args_number(good[i].text, &v) && fabs(v - good[i].value) < 1e-12);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK(!args_number(bad[i], &v));
}

/* ---- options and words ---- */

static struct {
	bool flag;
	const char *text;
	uint64_t count;
	struct args_counts counts;
} got;

static const struct args_option options[] = {
	{ "--flag", ARGS_FLAG, &got.flag, 0, 0 },
	{ "--model", ARGS_TEXT, &got.text, 0, 0 },
	{ "-n", ARGS_COUNT, &got.count, 1, 100 },
	{ "--from", ARGS_COUNTS, &got.counts, 1, 100 },
	{ .name = NULL },
};

static char said[4096]; /* on standard error, by the last take() */

/* Take "verb" and then the words of `line`, which are separated by '|'; its result. */
static int take(struct args *a, unsigned min, unsigned max, const char *line) {
	static char copy[512];
	char *argv[32] = { "verb" }, *save = NULL;
	int argc = 1, kept = dup(2), pipes[2];
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, "|", &save); w; w = strtok_r(NULL, "|", &save))
		argv[argc++] = strcmp(w, "EMPTY") == 0 ? "" : w;
	memset(&got, 0, sizeof(got));
	*a = (struct args){ .verb = "verb", .options = options, .words_min = min, .words_max = max,
		.wanted = "give a word" };
	CHECK(pipe2(pipes, O_NONBLOCK) == 0 && dup2(pipes[1], 2) == 2);
	int rc = args_take(a, argc, argv);
	ssize_t n = read(pipes[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = 0;
	CHECK(dup2(kept, 2) == 2 && close(kept) == 0 && close(pipes[0]) == 0 && close(pipes[1]) == 0);
	return rc;
}

static void taken(void) {
	struct args a;
	CHECK(take(&a, 0, 1, "") == 0 && !a.words[0] && !got.flag);
	CHECK(take(&a, 1, 2, "one|--flag|two") == 0 && strcmp(a.words[0], "one") == 0 &&
			strcmp(a.words[1], "two") == 0 && got.flag);
	CHECK(take(&a, 1, 1, "--model|x|one") == 0 && strcmp(got.text, "x") == 0 && strcmp(a.words[0], "one") == 0);
	CHECK(take(&a, 0, 0, "--model=a=b") == 0 && strcmp(got.text, "a=b") == 0);
	CHECK(take(&a, 0, 0, "--model=--x") == 0 && strcmp(got.text, "--x") == 0);
	CHECK(take(&a, 0, 0, "-n|5|--flag|--flag") == 0 && got.count == 5 && got.flag);
	CHECK(take(&a, 0, 0, "--from|5|--from=7") == 0 && got.counts.count == 2 && got.counts.at[1] == 7);
	CHECK(take(&a, 2, 2, "field|-45") == 0 && strcmp(a.words[1], "-45") == 0);
	CHECK(take(&a, 1, 1, "-.5") == 0 && take(&a, 1, 1, "-") == 0);
	CHECK(take(&a, 2, 2, "--|--flag|--") == 0 && strcmp(a.words[0], "--flag") == 0 &&
			strcmp(a.words[1], "--") == 0 && !got.flag);
	CHECK(take(&a, 1, 1, "EMPTY") == 0 && a.words[0][0] == 0);
}

#define FROMS4 "--from=1|--from=2|--from=3|--from=4"
#define FROMS FROMS4 "|" FROMS4 "|" FROMS4 "|" FROMS4

static void refused(void) {
	static const struct {
		const char *line, *words;
	} cases[] = {
		{ "--modle|x", "there is no option '--modle'; did you mean '--model'?\n" },
		{ "-x", "there is no option '-x'\n" },
		{ "--quite-another", "there is no option '--quite-another'\n" },
		{ "--model", "--model needs a value\n" },
		{ "--model|--flag", "--model needs a value\n" },
		{ "--model|EMPTY", "the value of --model is empty\n" },
		{ "--model=", "the value of --model is empty\n" },
		{ "--flag=yes", "--flag takes no value\n" },
		{ "-n", "-n needs a value\n" },
		{ "-n|abc", "-n takes a whole number from 1 to 100, not 'abc'\n" },
		{ "-n|-3", "-n takes a whole number from 1 to 100, not '-3'\n" },
		{ "-n|0", "-n takes a whole number from 1 to 100, not '0'\n" },
		{ "-n|101", "-n takes a whole number from 1 to 100, not '101'\n" },
		{ "-n|5|-n|7", "-n is given twice\n" },
		{ "--model|a|one|--model=a", "--model is given twice\n" },
		{ "--from|0", "--from takes a whole number from 1 to 100, not '0'\n" },
		{ "-n|5x", "-n takes a whole number from 1 to 100, not '5x'\n" },
		{ "-n|EMPTY", "-n takes a whole number from 1 to 100, not ''\n" },
		{ "one|two", "'two' is one argument too many\n" },
		{ "", "give a word\n" },
		{ "--no\033[2Jsuch", "there is no option '--no?[2Jsuch'\n" },
		{ "--no\xff" "such", "there is no option '--no?such'\n" },
	};
	struct args a;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CHECK(take(&a, 1, 1, cases[i].line) == 2);
		if (!strstr(said, cases[i].words))
			fprintf(stderr, "'%s' was answered with %s", cases[i].line, said);
		CHECK(strncmp(said, "cadmus verb: ", 13) == 0 && strstr(said, cases[i].words));
		CHECK(strstr(said, "\ntry: cadmus verb --help\n"));
	}
	CHECK(take(&a, 0, 0, FROMS) == 0 && got.counts.count == ARGS_TIMES_MAX);
	CHECK(take(&a, 0, 0, FROMS "|--from=1") == 2 && strstr(said, "--from is given at most 16 times\n"));
	CHECK(take(&a, 0, 0, "x") == 2 && strstr(said, "it takes no arguments, not 'x'"));
}

/* ---- what others wrote, for a terminal ---- */

static void cleaned(void) {
	static const struct {
		const char *text, *clean, *lines;
	} cases[] = {
		{ "", "", "" },
		{ "Ana 𐤌𐤟𐤛 é", "Ana 𐤌𐤟𐤛 é", "Ana 𐤌𐤟𐤛 é" },
		{ "a\nb\tc", "a?b?c", "a\nb\tc" },
		{ "\033[2J\r\x7f\a", "?[2J???", "?[2J???" },
		{ "\xc2\x9b" "2J", "??2J", "??2J" },
		{ "\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80", "?? ??? ????", "?? ??? ????" },
		{ "cut \xf0\x90\xa4", "cut ???", "cut ???" },
		{ "a\u202eb\u2066c\u200f", "a???b???c???", "a???b???c???" }, /* turns what follows round */
		{ "\u061c \ufeff", "?? ???", "?? ???" },
		{ "👩\u200d🔧", "👩\u200d🔧", "👩\u200d🔧" },
	};
	char text[64];
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		strcpy(text, cases[i].text);
		CHECK(strcmp(output_clean(text, false), cases[i].clean) == 0);
		strcpy(text, cases[i].text);
		CHECK(strcmp(output_clean(text, true), cases[i].lines) == 0);
	}
}

int main(void) {
	counts();
	numbers();
	taken();
	refused();
	cleaned();
	return 0;
}

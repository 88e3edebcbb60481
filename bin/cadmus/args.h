/*
 * args.h - the arguments of a verb: options from a table, words, and numbers read strictly.
 *
 *      static const ... struct args_option options[] = {
 *              { "--model", ARGS_TEXT, &model, 0, 0 }, { "-n", ARGS_COUNT, &n, 1, 1000 }, { NULL } };
 *
 * `--option VALUE` and `--option=VALUE` are the same; one with a value is given once, but ARGS_COUNTS.  After `--`
 * everything is a word, and so is what begins with '-' and a digit.  What is wrong is explained on standard error.  One
 * thread.
 */
#ifndef CADMUS_ARGS_H
#define CADMUS_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include "base/check.h"

#define ARGS_WORDS_MAX 64
#define ARGS_COUNT_MAX UINT64_C(1000000000)

enum args_kind {
	ARGS_FLAG,  /* bool *: true when it is there */
	ARGS_TEXT,  /* const char **: borrowed from argv */
	ARGS_COUNT, /* uint64_t *: a whole number from min to max */
	ARGS_COUNTS, /* struct args_counts *: whole numbers from min to max, one each time it is given */
};

#define ARGS_TIMES_MAX 16

struct args_counts {
	uint64_t at[ARGS_TIMES_MAX];
	uint32_t count;
};

struct args_option {
	const char *name; /* NULL ends the table */
	enum args_kind kind;
	void *into;       /* unchanged when the option is not there */
	uint64_t min, max;
};

struct args {
	const char *verb;
	const struct args_option *options; /* NULL: none */
	unsigned words_min, words_max;     /* at most ARGS_WORDS_MAX */
	const char *wanted;                /* what to say when there are too few words: "give a field" */
	const char *words[ARGS_WORDS_MAX]; /* out; NULL: not given */
	uint64_t given;                    /* which options were, by their places in the table */
};

/* Take them all.  0, or 2 after explaining. */
MUST_CHECK int args_take(struct args *a, int argc, char **argv);

/* The whole text is a decimal whole number from min to max: no sign, no blank, no other base. */
bool args_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* The whole text is a decimal number that a double can hold: [-+]12.5e3; no "nan", "inf", hexadecimal. */
bool args_number(const char *text, double *out);

#endif

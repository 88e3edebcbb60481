/* args.c - see args.h. */
#include "bin/cadmus/args.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/verb.h"
#include "lang/near.h"

/* ---- numbers ---- */

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

bool args_count(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
	uint64_t v = 0;
	if (!*text)
		return false;
	for (const char *p = text; *p; p++)
		if (!is_digit(*p) || __builtin_mul_overflow(v, 10u, &v) ||
				__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*out = v;
	return v >= min && v <= max;
}

static const char *skip_digits(const char *p, unsigned *count) {
	for (; is_digit(*p); p++)
		++*count;
	return p;
}

bool args_number(const char *text, double *out) {
	unsigned digits = 0, exponent = 1;
	const char *p = text + (*text == '-' || *text == '+');
	p = skip_digits(p, &digits);
	if (*p == '.')
		p = skip_digits(p + 1, &digits);
	if (digits && (*p == 'e' || *p == 'E')) {
		exponent = 0;
		p += p[1] == '-' || p[1] == '+' ? 2 : 1;
		p = skip_digits(p, &exponent);
	}
	if (*p || digits == 0 || exponent == 0)
		return false;
	*out = strtod(text, NULL);
	return isfinite(*out);
}

/* ---- options and words ---- */

static const struct args_option *find(const struct args *a, const char *arg, size_t length) {
	for (const struct args_option *o = a->options; o && o->name; o++)
		if (strlen(o->name) == length && memcmp(o->name, arg, length) == 0)
			return o;
	return NULL;
}

static int unknown(const struct args *a, const char *arg) {
	struct near n = { .word = arg };
	for (const struct args_option *o = a->options; o && o->name && strlen(arg) > 3; o++)
		near_offer(&n, o->name);
	if (n.best)
		return verb_wrong(a->verb, "there is no option '%s'; did you mean '%s'?", arg, n.best);
	return verb_wrong(a->verb, "there is no option '%s'", arg);
}

static int take_count(const struct args *a, const struct args_option *o, const char *value, uint64_t *out) {
	if (args_count(value, o->min, o->max, out))
		return 0;
	return verb_wrong(a->verb, "%s takes a whole number from %llu to %llu, not '%s'", o->name,
			(unsigned long long)o->min, (unsigned long long)o->max, value);
}

static int take_one_more(const struct args *a, const struct args_option *o, const char *value) {
	struct args_counts *counts = o->into;
	if (counts->count == ARGS_TIMES_MAX)
		return verb_wrong(a->verb, "%s is given at most %d times", o->name, ARGS_TIMES_MAX);
	return take_count(a, o, value, &counts->at[counts->count++]);
}

static int take_value(struct args *a, const struct args_option *o, const char *value) {
	uint64_t place = UINT64_C(1) << (o - a->options);
	if (o->kind == ARGS_COUNTS)
		return take_one_more(a, o, value);
	if (a->given & place)
		return verb_wrong(a->verb, "%s is given twice", o->name);
	a->given |= place;
	if (o->kind == ARGS_COUNT)
		return take_count(a, o, value, o->into);
	if (!*value)
		return verb_wrong(a->verb, "the value of %s is empty", o->name);
	*(const char **)o->into = value;
	return 0;
}

/* The option at argv[*i], and the value that may follow it. */
static int take_option(struct args *a, int argc, char **argv, int *i) {
	const char *arg = argv[*i], *equals = strchr(arg, '=');
	size_t length = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct args_option *o = find(a, arg, length);
	if (!o)
		return unknown(a, arg);
	if (o->kind == ARGS_FLAG) {
		*(bool *)o->into = true;
		return equals ? verb_wrong(a->verb, "%s takes no value", o->name) : 0;
	}
	if (equals)
		return take_value(a, o, equals + 1);
	if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0)
		return verb_wrong(a->verb, "%s needs a value", o->name);
	return take_value(a, o, argv[++*i]);
}

static bool is_option(const char *arg) {
	return arg[0] == '-' && arg[1] && !is_digit(arg[1]) && !(arg[1] == '.' && is_digit(arg[2]));
}

static unsigned count_options(const struct args *a) {
	unsigned n = 0;
	while (a->options && a->options[n].name)
		n++;
	return n;
}

int args_take(struct args *a, int argc, char **argv) {
	unsigned words = 0;
	bool only_words = false;
	CHECK(a->words_max <= ARGS_WORDS_MAX && count_options(a) <= 64); /* bits of `given` */
	for (int i = 1; i < argc; i++) {
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && is_option(argv[i])) {
			if (take_option(a, argc, argv, &i))
				return 2;
		} else if (words == a->words_max)
			return verb_wrong(a->verb, words ? "'%s' is one argument too many"
					: "it takes no arguments, not '%s'", argv[i]);
		else
			a->words[words++] = argv[i];
	}
	return words < a->words_min ? verb_wrong(a->verb, "%s", a->wanted) : 0;
}

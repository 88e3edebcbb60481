/* line_test.c - which words, and which marks between them; nothing behind the end is read. */
#include "sem/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

/* The words of a text with what stands before each: "," parts, "?", "!", "-" minus, "." point. */
static const char *read(const char *text) {
	static const char signs[] = ",?!-.";
	static char out[512];
	struct line l;
	size_t n = 0;
	bool more = true;
	line_begin(&l, text, strlen(text));
	while (more) {
		more = line_next(&l);
		for (unsigned i = 0; signs[i]; i++)
			if (l.before & (1u << i))
				out[n++] = signs[i];
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s", more ? l.word : "");
		if (more)
			out[n++] = '|';
	}
	out[n] = 0;
	return out;
}

static bool is(const char *text, const char *words) {
	if (strcmp(read(text), words) != 0)
		fprintf(stderr, "%s: %s\n", text, read(text));
	return strcmp(read(text), words) == 0;
}

static void finds_words(void) {
	CHECK(is("", "") && is(" \t", "") && is("Walk  ON", "walk|on|") && is("a1 b2", "a1|b2|"));
	CHECK(is("STOOOP freeeze noo", "stop|freze|noo|") && is("1000 11", "1000|11|"));
	CHECK(is("don't Don’t donʼt don`t", "don't|don't|don't|don't|") && is("'stop' ‘stop’", "stop|stop|"));
	CHECK(is("Äpfel 𐤕🛑", "Äpfel|𐤕🛑|") && is("e-stop non-stop", "e|stop|non|stop|"));
	CHECK(is("a\u00a0b\u200bc\u3000d", "a|b|c|d|") && is("90°", "90|"));
}

static void finds_marks(void) {
	CHECK(is("a, b. c; d\ne", "a|,b|,c|,d|,e|") && is("a? b! c?!", "a|,?b|,!c|,?!"));
	CHECK(is("a - b", "a|,b|") && is("a – b — c", "a|,b|,c|") && is("a-b", "a|b|") && is("a？b！", "a|,?b|,!"));
	CHECK(is("?a", ",?a|") && is("\"a\" (b)", "a|b|"));
}

static void finds_signs_of_numbers(void) {
	CHECK(is("-3", "-3|") && is("a -3", "a|,-3|") && is("a −3", "a|,-3|") && is("3-5", "3|5|") && is("a-3",
	"a|3|"));
	CHECK(is("0.5", "0|,.5|") && is("1/2", "1|.2|") && is("2,5", "2|,.5|") && is("a .5", "a|,.5|"));
	CHECK(is("3. 5", "3|,5|") && is("a,3", "a|,3|") && is("-a", "a|") && is("3 -", "3|,"));
}

static void reads_no_further(void) {
	static const char *const texts[] = { "don't", "don\u2019t", "a\u2014", "1.5", "\u22123",
	"\xf0\x90\xa4\x95" };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		for (size_t n = 0; n <= strlen(texts[i]); n++) {
			char *exact = malloc(n + 1); /* the sanitizer sees a read behind it */
			struct line l;
			CHECK(exact);
			memcpy(exact + 1, texts[i], n);
			line_begin(&l, exact + 1, n);
			while (line_next(&l))
				CHECK(strlen(l.word) < LINE_WORD_MAX);
			free(exact);
		}
	struct line l;
	line_begin(&l, NULL, 0);
	CHECK(!line_next(&l) && !line_next(&l));
}

static void long_words_are_none(void) {
	char text[300];
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 25);
	memcpy(text + 200, " not", 4);
	struct line l;
	line_begin(&l, text, 204);
	CHECK(line_next(&l) && !*l.word && line_next(&l) && strcmp(l.word, "not") == 0 && !line_next(&l));
	line_begin(&l, text, LINE_WORD_MAX - 1);
	CHECK(line_next(&l) && strlen(l.word) == LINE_WORD_MAX - 1);
	line_begin(&l, text, LINE_WORD_MAX);
	CHECK(line_next(&l) && !*l.word);
}

static void knows_negations(void) {
	CHECK(line_is_negation("not") && line_is_negation("won't") && line_is_negation("n't")
	&& line_is_negation("dont"));
	CHECK(!line_is_negation("") && !line_is_negation("no") && !line_is_negation("knot") && !line_is_negation("t"));
}

int main(void) {
	finds_words();
	finds_marks();
	finds_signs_of_numbers();
	reads_no_further();
	long_words_are_none();
	knows_negations();
	puts("line_test: ok");
}

/*
 * tokens_test.c - the rules of tokens.h one by one, and what budgets rely on: never more than bytes, never more for a
 * whole than for its parts, wherever it is cut.
 */
#include "sem/tokens.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

static uint32_t most(const char *text) {
	return tokens_most(text, strlen(text));
}

static void counts_by_script(void) {
	static const struct {
		const char *text;
		uint32_t tokens;
	} rows[] = {
		{ "", 0 }, { "a", 1 }, { "the", 1 }, { "door", 2 }, { "locked", 2 }, { "PIN", 2 },
		{ "USA", 2 }, { "Ana", 2 },
		{ "1234", 4 },
		{ "a b", 2 }, { "a 1", 3 }, { "a  b", 3 }, { " a", 1 }, { "a ", 2 }, { " ", 1 }, { "\n", 1 },
		{ "a\n\n", 3 }, { "= ;", 2 }, { "door = locked", 5 },
		{ "é", 1 }, { "naïve", 3 }, { "дверь", 5 },
		{ "שלום", 8 }, { "سلام", 8 },
		{ "門", 2 }, { "ドア", 4 }, { "문", 3 }, { "źle", 3 }, { "ναι", 6 }, { "นก", 6 }, { "दर", 6 }, { "’", 3 },
		{ "𐤌𐤟", 8 }, { "🙂", 4 }, { "\xff\xfe", 2 }, { "\xc3", 1 }, { "\xf0\x90", 2 },
		{ "\xe2\x80", 2 }, { " é", 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (most(rows[i].text) != rows[i].tokens) {
			printf("\"%s\": %u\n", rows[i].text, (unsigned)most(rows[i].text));
			CHECK(false);
		}
	CHECK(tokens_most("a\0b", 3) == 3);
}

static void parts_are_never_less_than_the_whole(void) {
	static const char *const texts[] = { "The front door = locked (camera_0, 3 min ago, 0.87, r1234).\n",
		"Die Tür ist  zu, GEGEN 12:30 дверь ’закрыта’ 𐤌𐤟𐤛 門 \xff\xe2\x80 x",
		"   12  AB\ncd\xc3\xa9\xf0\x90\xa4" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		size_t n = strlen(texts[i]);
		for (size_t from = 0; from <= n; from++)
			for (size_t to = from; to <= n; to++) {
				uint32_t whole = tokens_most(texts[i] + from, to - from);
				CHECK(whole <= to - from);
				for (size_t cut = from; cut <= to; cut++)
					CHECK(tokens_most(texts[i] + from, cut - from) +
							tokens_most(texts[i] + cut, to - cut) >= whole);
			}
	}
}

int main(void) {
	counts_by_script();
	parts_are_never_less_than_the_whole();
	puts("tokens_test: ok");
}

/* pieces_test.c - answers in every possible cut: what was shown and the rest are the answer. */
#include "gateways/http/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char shown[512];

static void hear(struct pieces *p, const char *text, size_t n) {
	char part[256];
	const char *piece;
	memcpy(part, text, n);
	part[n] = 0;
	CHECK(pieces_hear(p, part, &piece) == 0);
	strcat(shown, piece);
}

/* The model says `said`, core makes `answer` of it; `early`: what is shown before core has spoken. */
static void in_two(const char *said, const char *answer, const char *early) {
	size_t n = strlen(said);
	for (size_t cut = 0; cut <= n; cut++) {
		struct pieces p = { 0 };
		const char *rest;
		shown[0] = 0;
		hear(&p, said, cut);
		CHECK(strncmp(answer, shown, strlen(shown)) == 0);
		hear(&p, said + cut, n - cut);
		CHECK(strcmp(shown, early) == 0);
		CHECK(pieces_end(&p, answer, &rest));
		strcat(shown, rest);
		CHECK(strcmp(shown, answer) == 0);
		pieces_fini(&p);
	}
}

static void byte_by_byte(const char *said, const char *answer) {
	struct pieces p = { 0 };
	const char *rest;
	shown[0] = 0;
	for (const char *s = said; *s; s++)
		hear(&p, s, 1);
	CHECK(pieces_end(&p, answer, &rest));
	strcat(shown, rest);
	CHECK(strcmp(shown, answer) == 0);
	pieces_fini(&p);
}

static void hides_clauses(void) {
	in_two("Hello.", "Hello.", "Hello.");
	in_two("  Hello there.  ", "Hello there.", "Hello there.");
	in_two("Noted, the door is locked. #door = locked", "Noted, the door is locked.", "Noted, the door is locked.");
	in_two("Fine. #a = 1 #b = 2", "Fine.", "Fine.");
	in_two("#name = Ana", "", "");
	in_two("", "", "");
	in_two("𐤌𐤟𐤛", "𐤌𐤟𐤛", "𐤌𐤟𐤛");
}

static void shows_what_is_no_clause(void) {
	in_two("Gate #12, please", "Gate #12, please", "Gate #12, please");
	in_two("Play C# = fun", "Play C# = fun", "Play C# = fun");
	in_two("Use #Tag = x", "Use #Tag = x", "Use #Tag = x");
	in_two("It is #one", "It is #one", "It is"); /* it could have become one */
	byte_by_byte("Gate #12, please #gate = 12", "Gate #12, please");
	byte_by_byte("  a # b # c", "a # b # c");
}

static void begins_anew(void) {
	struct pieces p = { 0 };
	const char *rest;
	shown[0] = 0;
	hear(&p, "Your name", 9);
	pieces_again(&p);
	hear(&p, "Your", 4);
	hear(&p, " name is Ana.", 13);
	CHECK(strcmp(shown, "Your name is Ana.") == 0);
	CHECK(pieces_end(&p, "Your name is Ana.", &rest) && rest[0] == 0);
	pieces_again(&p);
	hear(&p, "I do not know.", 14);
	CHECK(strcmp(shown, "Your name is Ana.") == 0);
	CHECK(!pieces_end(&p, "I do not know.", &rest) && rest[0] == 0);
	CHECK(!pieces_end(&p, "Your", &rest) && rest[0] == 0);
	pieces_fini(&p);
	pieces_fini(&p);
}

int main(void) {
	hides_clauses();
	shows_what_is_no_clause();
	begins_anew();
	puts("pieces_test: ok");
}

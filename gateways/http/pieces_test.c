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

/* Core tells `told`, cut anywhere: all of it is shown as it comes, and the rest when the answer is known. */
static void in_two(const char *told, const char *answer) {
	size_t n = strlen(told);
	for (size_t cut = 0; cut <= n; cut++) {
		struct pieces p = { 0 };
		const char *rest;
		shown[0] = 0;
		hear(&p, told, cut);
		CHECK(strlen(shown) == cut);
		hear(&p, told + cut, n - cut);
		CHECK(strcmp(shown, told) == 0);
		CHECK(pieces_end(&p, answer, &rest));
		strcat(shown, rest);
		CHECK(strcmp(shown, answer) == 0);
		pieces_fini(&p);
	}
}

static void shows_what_core_tells(void) {
	in_two("Hello.", "Hello.");
	in_two("", "");
	in_two("It is", "It is #one");
	in_two("It is room #5", "It is room #5."); /* what is a clause is core's to say, and it says so by silence */
	in_two("Use #Tag = x", "Use #Tag = x");
	in_two("𐤌𐤟𐤛", "𐤌𐤟𐤛");
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
	shows_what_core_tells();
	begins_anew();
	puts("pieces_test: ok");
}

/*
 * fuzz_phoenician.c - any bytes as an utterance: decoded, parsed, resolved, gated.  The first byte
 * chooses the flags. Nothing acts unless it was clean from end to end, and then only as the table
 * says.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/check.h"
#include "sem/gate.h"
#include "sem/phoenician.h"
#include "sem/utterance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORD(f)                                                                                    \
	{ .form = f, .gloss = "word" }
#define ACT(f, v, class, takes)                                                                    \
	{                                                                                          \
		.form = f, .gloss = #v, .verb = PLAN_VERB_##v, .safety_class = class,              \
		.takes_number = takes, .number_default = 1                                         \
	}

static const struct plan_sense senses[] = {
	ACT("𐤌", WALK, 1, 1),
	ACT("𐤈", TURN, 1, 2),
	ACT("𐤎", STAND, 0, 0),
	ACT("𐤇", CROUCH, 0, 0),
	ACT("𐤕", STOP, 0, 0),
	ACT("𐤏", SCAN, 0, 1),
	ACT("𐤎𐤎", STAND, 2, 0),
	WORD("𐤀"),
	WORD("𐤁"),
	WORD("𐤂"),
	WORD("𐤄"),
	WORD("𐤅"),
	WORD("𐤊"),
	WORD("𐤄𐤀"),
	WORD("𐤂𐤅"),
	WORD("𐤊𐤅𐤊"),
	ACT("𐤔", RISE, 0, 0),
	WORD("𐤔"),
};

static struct utterance_lexicon lexicon;

/* What decodes encodes, and decodes to the same. */
static void goes_round(const char *text, size_t size, unsigned flags) {
	static struct phoenician_text t, again;
	struct phoenician_error e;
	char script[8 * PHOENICIAN_SIGNS_MAX];
	int rc = phoenician_decode(text, size, flags, &t, &e);
	CHECK((rc == 0) == (e.code == PHOENICIAN_OK) && e.at <= size);
	CHECK(t.sign_count <= PHOENICIAN_SIGNS_MAX && t.token_count <= PHOENICIAN_SIGNS_MAX);
	for (unsigned i = 0; i < t.token_count; i++)
		CHECK((size_t)t.tokens[i].at + t.tokens[i].bytes <= size &&
				t.tokens[i].first + t.tokens[i].count <= t.sign_count);
	if (rc < 0)
		return;
	int n = phoenician_encode(&t, 0, script, sizeof(script));
	CHECK(n > 0);
	rc = phoenician_decode(script, (size_t)n, PHOENICIAN_STRICT, &again, &e);
	if (rc == -E2BIG) /* separators count as well, and the canonical text has more of them */
		return;
	CHECK(rc == 0 && again.token_count == t.token_count);
	for (unsigned i = 0; i < t.token_count; i++)
		CHECK(again.tokens[i].kind == t.tokens[i].kind &&
				again.tokens[i].number == t.tokens[i].number);
}

static void check_intent(const struct utterance *u, const struct utterance_intent *i, size_t size) {
	CHECK(u->refusal.code == REFUSAL_NONE && u->parse_count > 0 &&
			u->margin >= UTTERANCE_MARGIN_MIN);
	CHECK(i->sense < COUNT_OF(senses) && senses[i->sense].verb == i->verb &&
			i->verb != PLAN_VERB_NONE);
	CHECK(i->safety_class == senses[i->sense].safety_class && i->at < size);
	CHECK(!i->has_number || (i->number >= 1 && i->number <= PHOENICIAN_NUMBER_MAX));
	struct gate_request r = {
		.intent = *i, .parse_count = u->parse_count, .margin = u->margin
	};
	CHECK(gate_decide(&r).allowed ==
			(i->verb == PLAN_VERB_STOP && !i->negated)); /* nobody vouched for it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct utterance u;
	char line[REFUSAL_TEXT_MAX];
	if (lexicon.count == 0)
		CHECK(utterance_lexicon_init(&lexicon, senses, 0, COUNT_OF(senses), NULL) == 0);
	if (size == 0)
		return 0;
	const char *text = (const char *)data + 1;
	unsigned flags = data[0] & (PHOENICIAN_LATIN | PHOENICIAN_STRICT);
	size--;
	goes_round(text, size, flags);
	utterance_resolve(&lexicon, text, size, flags, &u);
	CHECK(u.stop == phoenician_has_stop(text, size, flags));
	CHECK(strlen(refusal_line(&u.refusal, line)) < REFUSAL_TEXT_MAX);
	if (u.stop)
		CHECK(u.count == 1 && u.intents[0].verb == PLAN_VERB_STOP);
	else
		CHECK((u.count > 0) == (u.refusal.code == REFUSAL_NONE));
	for (unsigned i = 0; i < u.count && !u.stop; i++)
		check_intent(&u, &u.intents[i], size);
	return 0;
}

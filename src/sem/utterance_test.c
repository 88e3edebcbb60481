/*
 * utterance_test.c - the table of the hexapod, a word of every construction, every refusal, and
 * rubble: nothing that is not understood to the end ever gives an intent, and a bare TAU always
 * gives a stop.
 */
#include "sem/utterance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "sem/phoenician.h"

#define WORD(f)                                                                                    \
	{ .form = f, .gloss = "word" }
#define ACT(f, v, class, number, fallback)                                                         \
	{                                                                                          \
		.form = f, .gloss = #v, .verb = PLAN_VERB_##v, .safety_class = class,              \
		.takes_number = number, .number_default = fallback                                 \
	}

static const struct plan_sense senses[] = {
	WORD("𐤁"), /* outside the span: not in the table */
	ACT("𐤌", WALK, 1, 1, 2), ACT("𐤈", TURN, 1, 2, 0), ACT("𐤎", STAND, 0, 0, 0),
	ACT("𐤇", CROUCH, 0, 0, 0), ACT("𐤕", STOP, 0, 0, 0), ACT("𐤍", RISE, 1, 0, 0),
	ACT("𐤏", SCAN, 0, 1, 1), ACT("𐤎𐤎", STAND, 0, 0, 0), WORD("𐤀"), WORD("𐤁"), WORD("𐤂"),
	WORD("𐤄"), WORD("𐤅"), WORD("𐤊"), WORD("𐤋"), WORD("𐤄𐤀"), WORD("𐤊𐤋"), WORD("𐤊𐤋𐤏"), WORD("𐤋𐤈"),
	WORD("𐤅𐤈𐤅"), ACT("𐤔", SCAN, 0, 0, 1), WORD("𐤔"), /* one compound, two senses */
};

static struct utterance_lexicon lexicon;
static struct utterance u;

static void resolve(const char *text, unsigned flags) {
	utterance_resolve(&lexicon, text, strlen(text), flags, &u);
	CHECK(u.refusal.code == REFUSAL_NONE || u.stop || u.count == 0);
	for (unsigned i = 1; i < u.parse_count; i++)
		CHECK(u.parses[i].score <= u.parses[i - 1].score);
}

static void commands_become_intents(void) {
	resolve("𐤌𐤟𐤛", 0);
	CHECK(u.refusal.code == REFUSAL_NONE && u.count == 1 && u.parse_count == 1 &&
			u.margin == 100);
	CHECK(u.intents[0].verb == PLAN_VERB_WALK && u.intents[0].number == 3 &&
			u.intents[0].has_number);
	CHECK(u.intents[0].sense == 1 && u.intents[0].safety_class == 1 && !u.intents[0].negated &&
			!u.stop);
	resolve("𐤌", 0);
	CHECK(u.count == 1 && u.intents[0].number == 2 && !u.intents[0].has_number);
	resolve("m.3", PHOENICIAN_LATIN);
	CHECK(u.count == 1 && u.intents[0].number == 3);
	resolve("m3", PHOENICIAN_LATIN);
	CHECK(u.count == 1 && u.intents[0].number == 3);
	resolve("ss", PHOENICIAN_LATIN);
	CHECK(u.count == 1 && u.intents[0].sense == 8);
	resolve("m.3", 0);
	CHECK(u.refusal.code == REFUSAL_UNKNOWN_SYMBOL && u.refusal.at == 0);
}

static void sequences_keep_their_order(void) {
	static const char *const same[] = { "m.3 T.9 s", "m.3.w.T.9.w.s", "m3T9s" };
	for (size_t i = 0; i < COUNT_OF(same); i++) {
		resolve(same[i], PHOENICIAN_LATIN);
		CHECK(u.refusal.code == REFUSAL_NONE && u.count == 3);
		CHECK(u.intents[0].verb == PLAN_VERB_WALK && u.intents[0].number == 3);
		CHECK(u.intents[1].verb == PLAN_VERB_TURN && u.intents[1].number == 9);
		CHECK(u.intents[2].verb == PLAN_VERB_STAND && u.intents[0].at == 0 &&
				u.intents[2].at > u.intents[1].at);
	}
	resolve("swH", PHOENICIAN_LATIN);
	CHECK(u.count == 2 && u.intents[0].verb == PLAN_VERB_STAND &&
			u.intents[1].verb == PLAN_VERB_CROUCH);
	CHECK(strcmp(u.parses[0].shape, "and(s,H)") == 0 && u.parses[0].score == 80);
	resolve("swHwO.4", PHOENICIAN_LATIN); /* a number belongs to the last one */
	CHECK(u.count == 3 && u.intents[2].number == 4 && u.intents[2].has_number &&
			!u.intents[1].has_number);
	resolve("w.s", PHOENICIAN_LATIN); /* nothing to join */
	CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION && u.refusal.at == 0);
	resolve("s.w", PHOENICIAN_LATIN);
	CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION && u.refusal.at == 2);
}

/* 16 motions are as many as there may be. */
static void counts_motions(void) {
	char text[64] = "";
	for (int i = 0; i < 17; i++) {
		memcpy(text + 2 * i, "s.", 3);
		resolve(text, PHOENICIAN_LATIN);
		CHECK(i < 16 ? u.count == i + 1
			     : u.refusal.code == REFUSAL_LIMIT && u.refusal.at == 32);
	}
}

static void words_are_read_by_the_first_construction_that_fits(void) {
	static const struct {
		const char *text, *shape;
		int score;
	} words[] = {
		{ "h'", "h'", 100 },
		{ "klO", "klO", 100 },
		{ "bkb", "within(k)", 80 },
		{ "bhblb", "contains(h,l)", 80 },
		{ "bbb'b", "contains(b,')", 80 },
		{ "lgwk", "causes(l,k)", 80 },
		{ "hgk", "becomes(h,k)", 80 },
		{ "knh'", "emerges(k,h')", 80 },
		{ "lmk", "flows(l,k)", 80 },
		{ "hwlT", "and(h,lT)", 80 },
		{ "h'gwklwl", "causes(h',and(kl,l))", 80 },
		{ "kh", "modify(k,h)", 50 },
		{ "klk", "modify(kl,k)", 50 },
		{ "klh'O", "modify(kl,h',O)", 50 },
		{ "lTt", "not(lT)", 90 },
		{ "'kt", "not(k)", 90 },
		{ "hwTw", "modify(h,wTw)", 50 },
		{ "gk", "modify(g,k)", 50 },
		{ "kg", "modify(k,g)", 50 },
		{ "kgwhgl", "causes(k,becomes(h,l))", 80 },
		{ "bkbwbhb", "contains(k,modify(w,b,h))", 50 },
		{ "gwk", "and(g,k)", 80 },
		{ "kgw", "becomes(k,w)", 80 },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		resolve(words[i].text, PHOENICIAN_LATIN);
		CHECK(u.parse_count >= 1 && u.parses[0].score == words[i].score);
		CHECK(strcmp(u.parses[0].shape, words[i].shape) == 0);
		CHECK(u.count == 0);
	}
}

static void only_and_joins_actions(void) {
	static const char *const idle[] = { "mgwT", "mgT", "mnT", "Tms", "bmb", "bmbTb", "kT", "hm",
		"h", "mwh", "sk" };
	for (size_t i = 0; i < COUNT_OF(idle); i++) {
		resolve(idle[i], PHOENICIAN_LATIN);
		CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION && u.count == 0 &&
				u.parses[0].count == 0);
	}
	resolve("m.3 h'", PHOENICIAN_LATIN);
	CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION && u.refusal.at == 4 && u.count == 0);
}

static void negation_is_carried_to_the_gate(void) {
	resolve("mt", PHOENICIAN_LATIN);
	CHECK(u.count == 1 && u.intents[0].verb == PLAN_VERB_WALK && u.intents[0].negated &&
			!u.stop);
	resolve("'st", PHOENICIAN_LATIN); /* the long form alone: ALF does not modify */
	CHECK(u.refusal.code == REFUSAL_AMBIGUOUS || u.intents[0].negated);
}

static void what_has_two_meanings_is_refused(void) {
	static const struct {
		const char *text;
		int margin;
	} vague[] = {
		{ "'t", 0 },   /* "does not exist" and "is complete" */
		{ "S", 0 },    /* two senses in the table */
		{ "swS", 0 },  /* inside a construction as well */
		{ "'gt", 10 }, /* becomes(ALF,TAU), or the long form not(GAML) */
		{ "'mt", 10 },
	};
	for (size_t i = 0; i < COUNT_OF(vague); i++) {
		resolve(vague[i].text, PHOENICIAN_LATIN);
		CHECK(u.refusal.code == REFUSAL_AMBIGUOUS && u.margin == vague[i].margin &&
				u.parse_count >= 2);
		CHECK(u.refusal.asked == vague[i].margin && u.refusal.allowed == 20);
	}
	resolve("s.S", PHOENICIAN_LATIN);
	CHECK(u.refusal.code == REFUSAL_AMBIGUOUS && u.refusal.at == 2);
	resolve("sws wt", PHOENICIAN_LATIN); /* not(w) is no action, and says so */
	CHECK(u.refusal.code == REFUSAL_NOT_AN_ACTION);
	/* and(m,t) against not(modify(m,w)): enough for class 0, not for class 1 */
	resolve("mwt", PHOENICIAN_LATIN);
	CHECK(u.refusal.code == REFUSAL_AMBIGUOUS && u.margin == 30);
	resolve("swt", PHOENICIAN_LATIN);
	CHECK(u.refusal.code == REFUSAL_NONE && u.count == 2 &&
			u.intents[1].verb == PLAN_VERB_STOP);
}

static void numbers_stand_where_they_belong(void) {
	static const struct {
		const char *text;
		enum refusal_code code;
		uint32_t at;
	} numbers[] = {
		{ "3.m", REFUSAL_BAD_NUMBER, 0 },
		{ "m.3.4", REFUSAL_BAD_NUMBER, 4 },
		{ "s.3", REFUSAL_BAD_NUMBER, 0 },
		{ "T", REFUSAL_BAD_NUMBER, 0 },
		{ "m.3 T", REFUSAL_BAD_NUMBER, 4 },
		{ "m.0", REFUSAL_BAD_NUMBER, 2 },
		{ "m.1000", REFUSAL_BAD_NUMBER, 2 },
		{ "s.w.3.s", REFUSAL_NOT_AN_ACTION, 2 },
		{ "3", REFUSAL_BAD_NUMBER, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		resolve(numbers[i].text, PHOENICIAN_LATIN);
		CHECK(u.refusal.code == numbers[i].code && u.count == 0);
		CHECK(u.refusal.at == numbers[i].at);
	}
	resolve("m.999", PHOENICIAN_LATIN);
	CHECK(u.count == 1 && u.intents[0].number == 999);
}

static void refuses_with_reason_and_place(void) {
	static const struct {
		const char *text;
		enum refusal_code code;
		uint32_t at;
		const char *what;
	} bad[] = {
		{ "", REFUSAL_MALFORMED, 0, "E_EMPTY" },
		{ "𐤌\xff", REFUSAL_MALFORMED, 4, "E_BAD_UTF8" },
		{ "𐤌\\u", REFUSAL_MALFORMED, 4, "E_BAD_ESCAPE" },
		{ "𐤌 walk", REFUSAL_UNKNOWN_SYMBOL, 5, "E_UNKNOWN_SYMBOL" },
		{ "𐤌 𐤒", REFUSAL_UNKNOWN_SYMBOL, 5, "𐤒" },
		{ "𐤎𐤅𐤒", REFUSAL_UNKNOWN_SYMBOL, 0, "𐤒" },
		{ "𐤌𐤗𐤗", REFUSAL_BAD_NUMBER, 4, "E_NUMERAL" },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		resolve(bad[i].text, 0);
		CHECK(u.refusal.code == bad[i].code && u.refusal.at == bad[i].at && u.count == 0);
		CHECK(strcmp(u.refusal.what, bad[i].what) == 0);
	}
	char line[REFUSAL_TEXT_MAX];
	CHECK(strcmp(refusal_line(&u.refusal, line),
			      "BAD_NUMBER: a number where none belongs, none where one must be, "
			      "or one that is no number: E_NUMERAL (number 0, allowed 0, byte "
			      "4)") == 0);
	struct refusal r = refusal_make(REFUSAL_LEASE, REFUSAL_NOWHERE, 0, 0, NULL);
	CHECK(strcmp(refusal_line(&r, line), "LEASE: the lease of the actuator is not held") == 0);
	CHECK(strcmp(refusal_name(REFUSAL_CODE_COUNT), "?") == 0 &&
			strcmp(refusal_unit(REFUSAL_LEASE), "") == 0);
	char what[REFUSAL_WHAT_MAX + 8];
	memset(what, 'x', sizeof(what));
	memcpy(what + REFUSAL_WHAT_MAX - 3, "𐤌", 5);
	r = refusal_make(REFUSAL_LEASE, 0, 0, 0, what);
	CHECK(strlen(r.what) == REFUSAL_WHAT_MAX - 3); /* cut where a character begins */
}

static void nesting_has_an_end(void) {
	char text[512] = "s";
	for (int i = 0; i < 20; i++) {
		strcat(text, "ws");
		resolve(text, PHOENICIAN_LATIN);
		if (i < 8)
			CHECK(u.count == i + 2);
		else
			CHECK(u.refusal.code == REFUSAL_LIMIT);
	}
	memset(text, 'w', 255);
	text[255] = 0;
	resolve(text, PHOENICIAN_LATIN);
	CHECK(u.count == 0 && u.refusal.code != REFUSAL_NONE);
	memset(text, 'b', 255);
	resolve(text, PHOENICIAN_LATIN);
	CHECK(u.count == 0 && u.refusal.code == REFUSAL_LIMIT);
}

static void a_bare_tau_stops(void) {
	static const char *const stops[] = { "𐤕", "𐤌𐤟𐤛𐤟𐤕", "𐤕 and then nonsense", "\xff 𐤕", "𐤒 𐤕",
		"𐤕𐤕", "𐤕𐤛", "𐤗𐤗 𐤕" };
	for (size_t i = 0; i < COUNT_OF(stops); i++) {
		resolve(stops[i], 0);
		CHECK(u.stop && u.count == 1 && u.intents[0].verb == PLAN_VERB_STOP &&
				!u.intents[0].negated);
	}
	struct utterance_lexicon empty;
	CHECK(utterance_lexicon_init(&empty, senses, 0, 0, NULL) == 0);
	utterance_resolve(&empty, "𐤕", 4, 0, &u);
	CHECK(u.stop && u.count == 1 &&
			u.refusal.code == REFUSAL_UNKNOWN_SYMBOL); /* no table is needed to stop */
	resolve("𐤀𐤕", 0);
	CHECK(!u.stop);
}

static void refuses_tables_that_cannot_be(void) {
	static struct plan_sense many[UTTERANCE_SENSES_MAX + 1];
	struct utterance_lexicon l;
	uint32_t bad = 0;
	static const char *const forms[] = { "", "𐤌 𐤌", "𐤌𐤛", "𐤛", "walk", "𐤌\xf0",
		"𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌\xf0" };
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct plan_sense two[2] = { WORD("𐤌") };
		memcpy(two[1].form, forms[i], strlen(forms[i]));
		CHECK(utterance_lexicon_init(&l, two, 0, 2, &bad) == -EPROTO && bad == 1);
	}
	for (size_t i = 0; i < COUNT_OF(many); i++)
		memcpy(many[i].form, "𐤌", 5);
	CHECK(utterance_lexicon_init(&l, many, 0, UTTERANCE_SENSES_MAX, NULL) == 0);
	utterance_resolve(&l, "𐤌", 4, 0, &u);
	CHECK(u.parse_count == UTTERANCE_PARSES_MAX && u.count == 0);
	CHECK(utterance_lexicon_init(&l, many, 0, UTTERANCE_SENSES_MAX + 1, NULL) == -E2BIG);
	CHECK(utterance_lexicon_init(&l, many, UINT32_MAX, 2, NULL) == -E2BIG);
	struct plan_sense longest = { .gloss = "fifteen signs" };
	memcpy(longest.form, "𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌𐤌", 60);
	CHECK(utterance_lexicon_init(&l, &longest, 0, 1, NULL) == 0 && l.entries[0].length == 15);
}

static uint64_t seed = 7;

static unsigned random_below(unsigned n) {
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/*
 * Random rows of signs: an intent is only what the table binds, at an offset inside, and only when
 * nothing is refused.
 */
static void random_texts_never_act_by_accident(void) {
	static const char alphabet[] = "'bgdhwzHTyklmnsOpCqrSt.. 0123456789";
	char text[64];
	unsigned acted = 0, refused = 0;
	for (int i = 0; i < 100000; i++) {
		size_t n = 1 + random_below(12);
		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[random_below(sizeof(alphabet) - 1)];
		utterance_resolve(&lexicon, text, n, PHOENICIAN_LATIN, &u);
		acted += u.count > 0 && !u.stop;
		refused += u.count == 0;
		CHECK(u.count > 0 || u.refusal.code != REFUSAL_NONE);
		CHECK(u.stop == phoenician_has_stop(text, n, PHOENICIAN_LATIN));
		for (unsigned k = 0; k < u.count && !u.stop; k++) {
			const struct utterance_intent *t = &u.intents[k];
			CHECK(u.refusal.code == REFUSAL_NONE && u.margin >= UTTERANCE_MARGIN_MIN);
			CHECK(t->sense >= 1 && t->sense < COUNT_OF(senses) &&
					senses[t->sense].verb == t->verb);
			CHECK(t->verb != PLAN_VERB_NONE && t->at < n);
			CHECK(t->safety_class == 0 || u.parse_count == 1);
		}
	}
	CHECK(acted > 100 && refused > 10000);
}

int main(void) {
	CHECK(utterance_lexicon_init(&lexicon, senses, 1, COUNT_OF(senses) - 1, NULL) == 0);
	commands_become_intents();
	sequences_keep_their_order();
	counts_motions();
	words_are_read_by_the_first_construction_that_fits();
	only_and_joins_actions();
	negation_is_carried_to_the_gate();
	what_has_two_meanings_is_refused();
	numbers_stand_where_they_belong();
	refuses_with_reason_and_place();
	nesting_has_an_end();
	a_bare_tau_stops();
	refuses_tables_that_cannot_be();
	random_texts_never_act_by_accident();
	puts("utterance_test: ok");
}

/*
 * phoenician_test.c - every sign, every number, random texts both ways, and what must be refused
 * where. Then the same bytes damaged at random: nothing may crash, and a stop is found in any
 * rubble.
 */
#include "sem/phoenician.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RTL_MARK "\u200f"

static uint64_t seed = 42;

static unsigned random_below(unsigned n) {
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static struct phoenician_text text;
static struct phoenician_error error;

static int decode(const char *s, unsigned flags) {
	return phoenician_decode(s, strlen(s), flags, &text, &error);
}

static void knows_all_29_signs(void) {
	unsigned letters = 0, numbers = 0, separators = 0;
	for (unsigned i = 0; i < 64; i++) {
		const struct phoenician_sign *s = phoenician_sign(i);
		CHECK((s != NULL) == (i <= 0x1b || i == 0x1f));
		if (!s)
			continue;
		CHECK(s->code_point == PHOENICIAN_FIRST + i);
		letters += s->kind == PHOENICIAN_LETTER;
		numbers += s->kind == PHOENICIAN_NUMBER;
		separators += s->kind == PHOENICIAN_SEPARATOR;
		CHECK(phoenician_find(s->name) == (int)i);
		for (unsigned k = 0; k < i; k++) {
			const struct phoenician_sign *other = phoenician_sign(k);
			CHECK(!other || !s->ascii || other->ascii != s->ascii);
		}
	}
	CHECK(letters == 22 && numbers == 6 && separators == 1);
}

static void finds_signs_by_any_of_their_names(void) {
	static const struct {
		const char *name;
		int sign;
	} names[] = {
		{ "aleph", 0 },
		{ "Alf", 0 },
		{ "gimel", 2 },
		{ "WAW", 5 },
		{ "zen", 6 },
		{ "ayn", 15 },
		{ "resh", 19 },
		{ "res", 19 },
		{ "sin", 20 },
		{ "taw", 21 },
		{ "tet", 8 },
		{ "mem", 12 },
		{ "word separator", 31 },
		{ "number twenty", 24 },
		{ "twenty", 24 },
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		CHECK(phoenician_find(names[i].name) == names[i].sign);
	CHECK(phoenician_find("") == -ENOENT);
	CHECK(phoenician_find("al") == -ENOENT);
	CHECK(phoenician_find("aleph alif") == -ENOENT);
}

/* No two aliases name different signs. */
static void names_are_unambiguous(void) {
	for (unsigned i = 0; i < 32; i++) {
		const struct phoenician_sign *s = phoenician_sign(i);
		if (!s)
			continue;
		char list[64], *save = NULL;
		snprintf(list, sizeof(list), "%s", s->aliases);
		for (char *name = strtok_r(list, " ", &save); name;
				name = strtok_r(NULL, " ", &save))
			CHECK(phoenician_find(name) == (int)i);
	}
}

static void numbers_go_round(void) {
	uint8_t row[PHOENICIAN_NUMBER_SIGNS_MAX];
	char script[64], latin[8], decimal[8];
	for (unsigned n = 1; n <= 999; n++) {
		int count = phoenician_number_signs(n, row);
		CHECK(count > 0 && count <= 12);
		CHECK(phoenician_number_value(row, (size_t)count, true) == (int)n);
		CHECK(phoenician_number_value(row, (size_t)count, false) == (int)n);
		snprintf(decimal, sizeof(decimal), "%u", n);
		CHECK(decode(decimal, PHOENICIAN_LATIN | PHOENICIAN_STRICT) == 0 &&
				text.tokens[0].number == n);
		CHECK(phoenician_encode(&text, 0, script, sizeof(script)) == 4 * count);
		CHECK(decode(script, PHOENICIAN_STRICT) == 0);
		CHECK(text.token_count == 1 && text.tokens[0].number == n &&
				text.tokens[0].count == count);
		CHECK(phoenician_encode(&text, PHOENICIAN_LATIN, latin, sizeof(latin)) > 0);
		CHECK(strcmp(latin, decimal) == 0);
	}
	CHECK(phoenician_number_signs(0, row) == -EINVAL);
	CHECK(phoenician_number_signs(1000, row) == -EINVAL);
}

static void reads_numbers_as_the_script_writes_them(void) {
	static const struct {
		const char *text;
		int value, strict;
	} numbers[] = {
		{ "𐤛", 3, 3 },
		{ "𐤛𐤖", 4, 4 },
		{ "𐤛𐤛𐤛", 9, 9 },
		{ "𐤗𐤖", 11, 11 },
		{ "𐤘𐤘𐤛", 43, 43 },
		{ "𐤙𐤘𐤘𐤛", 143, 143 },
		{ "𐤛𐤙", 300, 300 },
		{ "𐤛𐤛𐤛𐤙𐤘𐤘𐤘𐤘𐤗𐤛𐤛𐤛", 999, 999 },
		{ "𐤖𐤖𐤖𐤖", 4, 0 },
		{ "𐤖𐤖𐤖𐤖𐤖𐤖𐤖𐤖𐤖", 9, 0 },
		{ "𐤖𐤙", 100, 0 },
		{ "𐤖𐤖𐤙𐤖𐤖", 202, 0 },
		{ "𐤛𐤖𐤖", 5, 0 },
		{ "𐤖𐤖𐤖𐤖𐤖𐤖𐤖𐤖𐤖𐤖", 0, 0 },
		{ "𐤛𐤛𐤛𐤖", 0, 0 },
		{ "𐤛𐤛𐤛𐤛", 0, 0 },
		{ "𐤚𐤚", 0, 0 },
		{ "𐤖𐤛", 0, 0 },
		{ "𐤖𐤗", 0, 0 },
		{ "𐤗𐤘", 0, 0 },
		{ "𐤗𐤗", 0, 0 },
		{ "𐤘𐤘𐤘𐤘𐤘", 0, 0 },
		{ "𐤙𐤙", 0, 0 },
		{ "𐤗𐤙", 0, 0 },
		{ "𐤘𐤙", 0, 0 },
		{ "𐤚𐤖", 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		int rc = decode(numbers[i].text, 0);
		CHECK(rc == (numbers[i].value ? 0 : -EPROTO));
		CHECK(numbers[i].value ? text.tokens[0].number == numbers[i].value
				       : error.code == PHOENICIAN_E_NUMERAL &&
								text.token_count == 0);
		rc = decode(numbers[i].text, PHOENICIAN_STRICT);
		CHECK(rc == (numbers[i].strict ? 0 : -EPROTO));
		if (rc < 0)
			CHECK(error.code == (numbers[i].value ? PHOENICIAN_E_NUMERAL_FORM
							      : PHOENICIAN_E_NUMERAL));
	}
}

/*
 * Every run of at most four number signs: a value, if any, has one canonical form, and that is
 * strict.
 */
static void strict_numbers_are_the_canonical_ones(void) {
	unsigned strict = 0;
	for (unsigned i = 0; i < 6 * 6 * 6 * 6; i++) {
		uint8_t row[4], canonical[PHOENICIAN_NUMBER_SIGNS_MAX];
		for (unsigned k = 0, v = i; k < 4; k++, v /= 6)
			row[k] = (uint8_t)(PHOENICIAN_ONE + v % 6);
		int value = phoenician_number_value(row, 4, false);
		int exact = phoenician_number_value(row, 4, true);
		CHECK(value == -EINVAL || (value >= 1 && value <= 999));
		CHECK(exact == -EINVAL || exact == value);
		bool same = value > 0 && phoenician_number_signs((unsigned)value, canonical) == 4 &&
			    memcmp(canonical, row, 4) == 0;
		CHECK(same == (exact > 0));
		strict += exact > 0;
	}
	CHECK(strict > 0);
}

static void letters_go_round(void) {
	char script[8], latin[4], one[2] = "";
	for (unsigned i = 0; i < 22; i++) {
		one[0] = phoenician_sign(i)->ascii;
		CHECK(decode(one, PHOENICIAN_LATIN) == 0 && text.sign_count == 1 &&
				text.signs[0] == i);
		CHECK(phoenician_encode(&text, 0, script, sizeof(script)) == 4);
		CHECK(decode(script, 0) == 0 && text.sign_count == 1 && text.signs[0] == i);
		CHECK(phoenician_encode(&text, PHOENICIAN_LATIN, latin, sizeof(latin)) == 1 &&
				latin[0] == one[0]);
	}
}

/* A random canonical text in Latin letters: words and numbers between dots. */
static void random_latin(char *out, size_t capacity) {
	size_t n = 0;
	unsigned tokens = 1 + random_below(12);
	for (unsigned t = 0; t < tokens; t++) {
		if (t)
			out[n++] = '.';
		if (random_below(3) == 0) {
			n += (size_t)snprintf(out + n, capacity - n, "%u", 1 + random_below(999));
			continue;
		}
		for (unsigned k = 1 + random_below(6); k > 0; k--)
			out[n++] = phoenician_sign(random_below(22))->ascii;
	}
	out[n] = 0;
}

static void texts_go_round(void) {
	char latin[256], script[1024], again[256], twice[1100];
	for (int i = 0; i < 20000; i++) {
		random_latin(latin, sizeof(latin));
		CHECK(decode(latin, PHOENICIAN_LATIN | PHOENICIAN_STRICT) == 0);
		CHECK(phoenician_encode(&text, 0, script, sizeof(script)) > 0);
		CHECK(decode(script, PHOENICIAN_STRICT) == 0);
		CHECK(phoenician_is_utterance(script, strlen(script)) ==
				(strspn(latin, "0123456789.") != strlen(latin)));
		CHECK(phoenician_encode(&text, PHOENICIAN_LATIN, again, sizeof(again)) ==
				(int)strlen(latin));
		CHECK(strcmp(latin, again) == 0);
		CHECK(phoenician_encode(&text, PHOENICIAN_ISOLATED, twice, sizeof(twice)) ==
				(int)strlen(script) + 6);
		CHECK(decode(twice, PHOENICIAN_STRICT) == 0);
		CHECK(phoenician_encode(&text, 0, twice, sizeof(twice)) > 0 &&
				strcmp(script, twice) == 0);
	}
}

static void cuts_into_tokens(void) {
	CHECK(decode("𐤌𐤟𐤛 𐤄𐤀𐤘𐤖\t𐤕\u3000𐤁" RTL_MARK "𐤂\n", 0) == 0);
	static const struct {
		unsigned kind, first, count, number, at, bytes;
	} want[] = {
		{ PHOENICIAN_LETTER, 0, 1, 0, 0, 4 },
		{ PHOENICIAN_NUMBER, 1, 1, 3, 8, 4 },
		{ PHOENICIAN_LETTER, 2, 2, 0, 13, 8 },
		{ PHOENICIAN_NUMBER, 4, 2, 21, 21, 8 },
		{ PHOENICIAN_LETTER, 6, 1, 0, 30, 4 },
		{ PHOENICIAN_LETTER, 7, 2, 0, 37, 11 },
	};
	CHECK(text.token_count == COUNT_OF(want));
	for (unsigned i = 0; i < COUNT_OF(want); i++) {
		const struct phoenician_token *t = &text.tokens[i];
		CHECK(t->kind == want[i].kind && t->first == want[i].first &&
				t->count == want[i].count);
		CHECK(t->number == want[i].number && t->at == want[i].at &&
				t->bytes == want[i].bytes);
	}
}

static void takes_escapes_for_what_they_name(void) {
	CHECK(decode("\\ud802\\uDD0C\\ud802\\udd1f\\uD802\\udd1b", 0) == 0);
	CHECK(text.token_count == 2 && text.signs[0] == PHOENICIAN_MEM &&
			text.tokens[1].number == 3);
	CHECK(decode("𐤌\\u0020𐤌\\u200f", 0) == 0 && text.token_count == 2);
	static const char *const bad[] = { "\\ud802", "\\ud802𐤌", "\\udd00", "\\ud802\\ud802",
		"\\ud802\\u0041", "\\ud8", "\\", "\\n", "\\ud80g\\udd00", "\\ud802\\udd0" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CHECK(decode(bad[i], 0) == -EPROTO);
		CHECK(error.code == PHOENICIAN_E_BAD_ESCAPE && error.at == 0);
	}
}

static void reads_the_letters_of_the_literature(void) {
	CHECK(decode("ʾ ʿ ḥ ṭ ṣ š A `", PHOENICIAN_LATIN) == 0);
	static const uint8_t want[] = { 0, 15, 7, 8, 17, 20, 0, 15 };
	CHECK(text.sign_count == sizeof(want) && memcmp(text.signs, want, sizeof(want)) == 0);
	CHECK(decode("h\u0323 t\u0323 s\u0323 s\u030c h t s", PHOENICIAN_LATIN) == 0);
	static const uint8_t apart[] = { 7, 8, 17, 20, 4, 21, 14 };
	CHECK(text.sign_count == sizeof(apart) && memcmp(text.signs, apart, sizeof(apart)) == 0);
	CHECK(decode("m\u0323", PHOENICIAN_LATIN) == -EPROTO && error.at == 1 &&
			error.code_point == 0x323);
	CHECK(decode("m3T2", PHOENICIAN_LATIN) == 0 && text.token_count == 4);
}

static void says_what_is_wrong_and_where(void) {
	static const struct {
		const char *text;
		unsigned flags;
		int rc;
		enum phoenician_code code;
		uint32_t at, point;
	} bad[] = {
		{ "", 0, -EPROTO, PHOENICIAN_E_EMPTY, 0, 0 },
		{ " 𐤟 ", 0, -EPROTO, PHOENICIAN_E_EMPTY, 6, 0 },
		{ "𐤌x", 0, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 4, 'x' },
		{ "𐤌 5", 0, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 5, '5' },
		{ "𐤌\xf0\x90\xa4\x9c", 0, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 4, 0x1091c },
		{ "\u200b𐤌", 0, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 0, 0x200b },
		{ "\ufeff𐤌", 0, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 0, 0xfeff },
		{ "𐤗𐤗x", 0, -EPROTO, PHOENICIAN_E_NUMERAL, 0, 0 },
		{ "𐤌\xf0\x90\xa4", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 4, 0 },
		{ "\xc0\x80", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "\xed\xa0\x82\xed\xb4\x80", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "\xf0\x82\x90\xa4", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "\xe0\x90\xa4", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "\xf4\x90\x80\x80", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "\xf8\x90\xa4\x80", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 0, 0 },
		{ "𐤌\x80", 0, -EPROTO, PHOENICIAN_E_BAD_UTF8, 4, 0 },
		{ "m.e", PHOENICIAN_LATIN, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 2, 'e' },
		{ "m.0", PHOENICIAN_LATIN, -EPROTO, PHOENICIAN_E_NUMERAL, 2, 0 },
		{ "m.1000", PHOENICIAN_LATIN, -EPROTO, PHOENICIAN_E_NUMERAL, 2, 0 },
		{ "m.99999999999999999999", PHOENICIAN_LATIN, -EPROTO, PHOENICIAN_E_NUMERAL, 2, 0 },
		{ "m.007", PHOENICIAN_LATIN | PHOENICIAN_STRICT, -EPROTO, PHOENICIAN_E_NUMERAL_FORM,
				2, 0 },
		{ "m.𐤛", PHOENICIAN_LATIN, -EPROTO, PHOENICIAN_E_UNKNOWN_SYMBOL, 2, 0x1091b },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		CHECK(decode(bad[i].text, bad[i].flags) == bad[i].rc);
		CHECK(error.code == bad[i].code && error.at == bad[i].at);
		CHECK(bad[i].point == 0 || error.code_point == bad[i].point);
	}
	CHECK(decode("m.007", PHOENICIAN_LATIN) == 0 && text.tokens[1].number == 7);
	CHECK(phoenician_decode("𐤌\0𐤌", 9, 0, &text, NULL) == -EPROTO);
	CHECK(strcmp(phoenician_code_name(PHOENICIAN_E_NUMERAL), "E_NUMERAL") == 0);
	CHECK(strcmp(phoenician_code_name(PHOENICIAN_OK), "OK") == 0);
	CHECK(strcmp(phoenician_code_text(PHOENICIAN_CODE_COUNT), "?") == 0);
}

static void holds_256_signs_and_no_more(void) {
	char script[4 * 300 + 1] = "";
	for (int i = 0; i < 257; i++)
		memcpy(script + 4 * i, i % 2 ? "𐤟" : "𐤌", 5);
	CHECK(phoenician_decode(script, 4 * 256, 0, &text, &error) == 0 && text.token_count == 128);
	CHECK(phoenician_decode(script, 4 * 257, 0, &text, &error) == -E2BIG);
	CHECK(error.code == PHOENICIAN_E_TOO_LONG && error.at == 4 * 256);
	char latin[3 * 200 + 1] = "";
	for (int i = 0; i < 200; i++)
		memcpy(latin + 3 * i, "m9", 3), latin[3 * i + 2] = '.';
	CHECK(phoenician_decode(latin, sizeof(latin) - 1, PHOENICIAN_LATIN, &text, &error) ==
			-E2BIG);
	for (int i = 0; i < 500; i++)
		latin[i] = ' ';
	latin[500] = 'm';
	CHECK(phoenician_decode(latin, 501, PHOENICIAN_LATIN, &text, &error) == 0);
}

static void encodes_into_what_there_is(void) {
	char out[32];
	CHECK(decode("𐤌𐤟𐤛", 0) == 0);
	CHECK(phoenician_encode(&text, 0, out, 12) == -E2BIG);
	CHECK(phoenician_encode(&text, 0, out, 13) == 12 && strlen(out) == 12);
	CHECK(phoenician_encode(&text, PHOENICIAN_LATIN, out, 1) == -E2BIG);
	CHECK(phoenician_encode_signs(text.signs, 1, PHOENICIAN_LATIN, out, 2) == 1 &&
			strcmp(out, "m") == 0);
	CHECK(phoenician_encode_signs(text.signs, 2, PHOENICIAN_LATIN, out, sizeof(out)) ==
			-EINVAL);
	CHECK(phoenician_encode_signs((const uint8_t[]){ 0x1d }, 1, 0, out, sizeof(out)) ==
			-EINVAL);
}

static bool stops(const char *s, unsigned flags) {
	return phoenician_has_stop(s, strlen(s), flags);
}

static void finds_a_stop_in_any_rubble(void) {
	static const char *const yes[] = { "𐤕", " 𐤕 ", "𐤌𐤟𐤕", "x𐤕x", "garbage \xff\xfe 𐤕",
		"\xf0\x90\xa4𐤕", "𐤕𐤛", "\\ud802\\udd15", "\\\\ud802\\udd15", "\\ud802 𐤕", "𐤕\xf0",
		"𐤕\u200f", "\u202e𐤕", "𐤕𐤕𐤕", "𐤗𐤗𐤗 𐤕", "𐤕 𐤌" };
	static const char *const no[] = { "", "𐤌", "𐤀𐤕", "𐤕𐤀", "𐤀\u200f𐤕", "t", "stop",
		"\xf0\x90\xa4", "𐤕𐤀 𐤀𐤕", "\\ud802\\udd14" };
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		CHECK(stops(yes[i], 0));
	for (size_t i = 0; i < COUNT_OF(no); i++)
		CHECK(!stops(no[i], 0));
	CHECK(stops("m.t", PHOENICIAN_LATIN) && stops("oh, t!", PHOENICIAN_LATIN) &&
			!stops("mt", PHOENICIAN_LATIN));
	CHECK(!stops("t\u0323", PHOENICIAN_LATIN)); /* that is TET */
	char many[4096];
	for (size_t i = 0; i + 4 < sizeof(many); i += 4)
		memcpy(many + i, "𐤌", 4);
	memcpy(many + 4092 - 8, "𐤟𐤕", 8);
	CHECK(phoenician_decode(many, 4092, 0, &text, NULL) == -E2BIG);
	CHECK(phoenician_has_stop(many, 4092, 0));
}

static void tells_utterances_from_prose(void) {
	static const char *const yes[] = { "𐤌", "𐤌𐤟𐤛", "  𐤌 𐤛\n", "\u2067𐤌\u2069" };
	static const char *const no[] = { "", "  ", "𐤛", "𐤟", "I say 𐤌", "𐤌.", "hello",
		"𐤌\xf0\x90" };
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		CHECK(phoenician_is_utterance(yes[i], strlen(yes[i])));
	for (size_t i = 0; i < COUNT_OF(no); i++)
		CHECK(!phoenician_is_utterance(no[i], strlen(no[i])));
}

/*
 * Damaged texts: no crash, offsets inside, tokens inside; what decodes, encodes and decodes to the
 * same.
 */
static void survives_damage(void) {
	static const char whole[] = "𐤌𐤟𐤛 \\ud802\\udd0c 𐤀𐤄𐤀 𐤙𐤘 \u200f𐤕𐤟m.12 h\u0323";
	char bytes[sizeof(whole)], script[2048];
	for (int i = 0; i < 200000; i++) {
		size_t n = 1 + random_below(sizeof(whole) - 1);
		memcpy(bytes, whole, sizeof(whole));
		for (unsigned k = random_below(6); k > 0; k--)
			bytes[random_below((unsigned)n)] = (char)random_below(256);
		unsigned flags = random_below(4);
		int rc = phoenician_decode(bytes, n, flags, &text, &error);
		CHECK(rc == 0 || (rc == -EPROTO && error.code && error.at <= n));
		for (unsigned k = 0; k < text.token_count; k++) {
			const struct phoenician_token *t = &text.tokens[k];
			CHECK(t->first + t->count <= text.sign_count &&
					(size_t)t->at + t->bytes <= n && t->count > 0);
		}
		if (rc < 0)
			continue;
		struct phoenician_text first = text;
		CHECK(phoenician_encode(&text, 0, script, sizeof(script)) > 0);
		CHECK(decode(script, PHOENICIAN_STRICT) == 0 &&
				text.token_count == first.token_count);
		for (unsigned k = 0; k < text.token_count; k++)
			CHECK(text.tokens[k].kind == first.tokens[k].kind &&
					text.tokens[k].number == first.tokens[k].number);
	}
}

int main(void) {
	knows_all_29_signs();
	finds_signs_by_any_of_their_names();
	names_are_unambiguous();
	numbers_go_round();
	reads_numbers_as_the_script_writes_them();
	strict_numbers_are_the_canonical_ones();
	letters_go_round();
	texts_go_round();
	cuts_into_tokens();
	takes_escapes_for_what_they_name();
	reads_the_letters_of_the_literature();
	says_what_is_wrong_and_where();
	holds_256_signs_and_no_more();
	encodes_into_what_there_is();
	finds_a_stop_in_any_rubble();
	tells_utterances_from_prose();
	survives_damage();
	puts("phoenician_test: ok");
}

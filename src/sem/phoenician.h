/*
 * phoenician.h - the script in which models command: bytes to signs to tokens, and back.
 *
 * A text is a row of the 29 signs U+10900..U+1091B and U+1091F in logical order.  Adjacent letters
 * are one token, a run of number signs is one token, U+1091F and spaces separate.  Nothing is
 * guessed: the first thing that is not understood is an error with its byte offset.  Bidi
 * controls are dropped (they change what people see, never what machines read), and the escapes
 * of JSON (\ud802\udd00) are taken for what they name.
 *
 * The same with PHOENICIAN_LATIN: letters by the ASCII table of phoenician.def, numbers as
 * decimals,
 * '.' or space between.  Canonical texts of the two kinds correspond one to one.
 *
 * Pure: no state, no allocation, time linear in the bytes.  Any thread.
 */
#ifndef SEM_PHOENICIAN_H
#define SEM_PHOENICIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define PHOENICIAN_SIGNS_MAX 256 /* letters, number signs and separators of one text */
#define PHOENICIAN_FIRST 0x10900u
#define PHOENICIAN_NUMBER_MAX 999
#define PHOENICIAN_NUMBER_SIGNS_MAX 13 /* 999 in canonical form has 12 */

/* A sign is its code point - PHOENICIAN_FIRST: 0..0x1b and 0x1f. */
enum {
	PHOENICIAN_ALF = 0x00,
	PHOENICIAN_BET = 0x01,
	PHOENICIAN_GAML = 0x02,
	PHOENICIAN_WAU = 0x05,
	PHOENICIAN_MEM = 0x0c,
	PHOENICIAN_NUN = 0x0d,
	PHOENICIAN_TAU = 0x15,
	PHOENICIAN_ONE = 0x16,
	PHOENICIAN_TEN,
	PHOENICIAN_TWENTY,
	PHOENICIAN_HUNDRED,
	PHOENICIAN_TWO,
	PHOENICIAN_THREE,
	PHOENICIAN_WORD_SEPARATOR = 0x1f,
};

enum phoenician_kind {
	PHOENICIAN_NOTHING,
	PHOENICIAN_LETTER,
	PHOENICIAN_NUMBER,
	PHOENICIAN_SEPARATOR
};

struct phoenician_sign {
	uint32_t code_point;
	uint8_t kind;        /* enum phoenician_kind */
	char ascii;          /* 0 for numbers */
	uint8_t value;       /* of numbers */
	const char *name;    /* official: "ALF", "NUMBER ONE" */
	const char *aliases; /* "alef aleph alif" */
};

enum phoenician_code {
	PHOENICIAN_OK,
#define PHOENICIAN_ERROR(id, text) PHOENICIAN_##id,
#include "sem/phoenician_error.def"
#undef PHOENICIAN_ERROR
	PHOENICIAN_CODE_COUNT
};

struct phoenician_error {
	enum phoenician_code code;
	uint32_t at;         /* byte offset of the first thing that is wrong */
	uint32_t code_point; /* for E_UNKNOWN_SYMBOL: what stands there */
};

struct phoenician_token {
	uint8_t kind;          /* PHOENICIAN_LETTER or PHOENICIAN_NUMBER */
	uint16_t first, count; /* its signs; for a number too, as they were written */
	uint16_t number;       /* 1..999; 0 for letters */
	uint32_t at, bytes;    /* where it stands in the input */
};

struct phoenician_text {
	uint16_t sign_count, token_count;
	uint8_t signs[PHOENICIAN_SIGNS_MAX]; /* of tokens only, without separators */
	struct phoenician_token tokens[PHOENICIAN_SIGNS_MAX];
};

enum phoenician_flags {
	PHOENICIAN_LATIN = 1,  /* the transliteration instead of the script */
	PHOENICIAN_STRICT = 2, /* numbers in canonical form only: no repeated U+10916 */
	PHOENICIAN_ISOLATED =
			4, /* encoding: wrap in U+2068 ... U+2069, for lines of mixed direction */
};

/* A sign by its number, or NULL for the three that are not assigned.  Static. */
const struct phoenician_sign *phoenician_sign(unsigned sign);
/* A sign by a name in any case: official, or an alias ("aleph", "waw"); -ENOENT. */
MUST_CHECK int phoenician_find(const char *name);

/*
 * Decode.  0; -EPROTO or -E2BIG (E_TOO_LONG) with `error` filled (NULL allowed); `out` then holds
 * the tokens before the error.  `bytes` <= UINT32_MAX; `text` needs no terminating zero.
 */
MUST_CHECK int phoenician_decode(const char *text, size_t bytes, unsigned flags,
		struct phoenician_text *out, struct phoenician_error *error);

/*
 * Does a token made of TAU alone stand anywhere in these bytes?  Reads past every error, so it
 * finds a stop in a text that phoenician_decode() refuses.  Flags: PHOENICIAN_LATIN.
 */
bool phoenician_has_stop(const char *text, size_t bytes, unsigned flags);

/*
 * Only signs, separators, spaces and bidi controls, and at least one letter: an utterance, not
 * prose.
 */
bool phoenician_is_utterance(const char *text, size_t bytes);

/*
 * Canonical text, one separator between tokens, zero terminated.  Bytes without the zero, or
 * -E2BIG.  Flags: PHOENICIAN_LATIN, PHOENICIAN_ISOLATED.
 */
MUST_CHECK int phoenician_encode(
		const struct phoenician_text *text, unsigned flags, char *out, size_t capacity);
/*
 * The same for a row of letters (a compound), e.g. to name it in a message; -EINVAL for other
 * signs.
 */
MUST_CHECK int phoenician_encode_signs(
		const uint8_t *signs, size_t count, unsigned flags, char *out, size_t capacity);

/*
 * Canonical number signs of 1..999 into signs[PHOENICIAN_NUMBER_SIGNS_MAX]; their count, or
 * -EINVAL.
 */
MUST_CHECK int phoenician_number_signs(unsigned number, uint8_t *signs);
/* The value of a run of number signs, or -EINVAL; strict: -EINVAL also unless it is canonical. */
MUST_CHECK int phoenician_number_value(const uint8_t *signs, size_t count, bool strict);

/* "E_NUMERAL" and its sentence; "OK" and "?" outside.  Static. */
const char *phoenician_code_name(enum phoenician_code code);
const char *phoenician_code_text(enum phoenician_code code);

#endif

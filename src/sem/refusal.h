/*
 * refusal.h - a refusal that a program can act on and a person can read.
 *
 * Which condition failed, what was asked, what is allowed, and where in the input.  Values are
 * plain; nothing is owned.  Names and numbers of the codes are stable.
 */
#ifndef SEM_REFUSAL_H
#define SEM_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"

#define REFUSAL_NOWHERE UINT32_MAX
#define REFUSAL_WHAT_MAX 64
#define REFUSAL_TEXT_MAX 320

enum refusal_code {
	REFUSAL_NONE, /* nothing is refused */
#define REFUSAL(id, text, unit) REFUSAL_##id,
#include "sem/refusal.def"
#undef REFUSAL
	REFUSAL_CODE_COUNT
};

struct refusal {
	uint16_t code;               /* enum refusal_code */
	uint32_t at;                 /* byte offset in the utterance, or REFUSAL_NOWHERE */
	double asked, allowed;       /* in the unit of refusal_unit(); 0 when it has none */
	char what[REFUSAL_WHAT_MAX]; /* the sign, parse, verb or participant it is about; UTF-8 */
};

/* Fill one in; `what` may be NULL and is cut at a character. */
struct refusal refusal_make(enum refusal_code code, uint32_t at, double asked, double allowed,
		const char *what);

/* "UNTRUSTED", its sentence, and what its numbers count ("" when nothing); "?" outside.  Static. */
const char *refusal_name(unsigned code);
const char *refusal_text(unsigned code);
const char *refusal_unit(unsigned code);

/*
 * One line for people: "LIMIT: more than is allowed: walk (number 500, allowed 99, byte 4)".
 * Returns out.
 */
const char *refusal_line(const struct refusal *r, char out[REFUSAL_TEXT_MAX]);

#endif

/* refusal.c - see refusal.h. */
#include "sem/refusal.h"

#include <stdio.h>
#include <string.h>
#include "base/utf8.h"

static const struct {
	const char *name, *text, *unit;
} codes[] = {
	{ "NONE", "nothing is refused", "" },
#define REFUSAL(id, text, unit) { #id, text, unit },
#include "sem/refusal.def"
#undef REFUSAL
};

_Static_assert(COUNT_OF(codes) == REFUSAL_CODE_COUNT, "one row a code");

const char *refusal_name(unsigned code) {
	return code < COUNT_OF(codes) ? codes[code].name : "?";
}

const char *refusal_text(unsigned code) {
	return code < COUNT_OF(codes) ? codes[code].text : "?";
}

const char *refusal_unit(unsigned code) {
	return code < COUNT_OF(codes) ? codes[code].unit : "?";
}

/* Copy, cut where a character begins. */
static void copy_text(char *out, size_t capacity, const char *s) {
	size_t n = utf8_cut(s, strlen(s), capacity - 1);
	memcpy(out, s, n);
	out[n] = 0;
}

struct refusal refusal_make(enum refusal_code code, uint32_t at, double asked, double allowed,
		const char *what) {
	struct refusal r = { .code = (uint16_t)code, .at = at, .asked = asked, .allowed = allowed };
	copy_text(r.what, sizeof(r.what), what ? what : "");
	return r;
}

const char *refusal_line(const struct refusal *r, char out[REFUSAL_TEXT_MAX]) {
	const char *unit = refusal_unit(r->code);
	char numbers[160] = "", place[32] = "";
	bool numbered = *unit != 0, placed = r->at != REFUSAL_NOWHERE;
	if (numbered)
		snprintf(numbers, sizeof(numbers), "%s %.6g, allowed %.6g", unit, r->asked,
				r->allowed);
	if (placed)
		snprintf(place, sizeof(place), "%sbyte %u", numbered ? ", " : "", r->at);
	snprintf(out, REFUSAL_TEXT_MAX, "%s: %s%s%s%s%s%s%s", refusal_name(r->code),
			refusal_text(r->code), *r->what ? ": " : "", r->what,
			numbered || placed ? " (" : "", numbers, place,
			numbered || placed ? ")" : "");
	return out;
}

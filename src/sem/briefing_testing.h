/*
 * briefing_testing.h - a briefing taken apart by the grammar of spec/view.md alone: what does not fit it is a bug,
 * whatever was put in.  For briefing_test.c and the fuzzer.
 */
#ifndef SEM_BRIEFING_TESTING_H
#define SEM_BRIEFING_TESTING_H

#include <string.h>
#include "base/utf8.h"
#include "sem/belief.h"
#include "sem/briefing.h"
#include "sem/tokens.h"

/* How many items of each section there are. */
struct briefing_seen {
	uint32_t items[BRIEFING_SECTION_COUNT];
};

static inline unsigned briefing_times(const char *line, size_t bytes, const char *what) {
	unsigned n = 0;
	size_t width = strlen(what);
	for (size_t i = 0; i + width <= bytes; i++)
		n += memcmp(line + i, what, width) == 0;
	return n;
}

/* Our marks, in the numbers that an item of this section has. */
static inline void briefing_check_item(const char *line, size_t n, unsigned section) {
	unsigned opens = briefing_times(line, n, "("), equals = briefing_times(line, n, "=");
	unsigned quotes = briefing_times(line, n, "\""), parts = briefing_times(line, n, ";");
	bool believed = section == BRIEFING_KNOWN || section == BRIEFING_BELIEVED;
	bool gone = believed && briefing_times(line, n, " is no longer known") > 0;
	CHECK(opens <= 1 && briefing_times(line, n, ")") == opens && (opens == 0 || line[n - 1] == ')'));
	CHECK(quotes == 0 || (section == BRIEFING_SAID && (quotes == 2 || quotes == 4) && line[n - 1] == '"'));
	CHECK(!strpbrk(line, "#[]{}<>"));
	CHECK(parts == 0 || (section == BRIEFING_BELIEVED && parts <= 2 && opens == 1));
	if (believed || section == BRIEFING_WORDS || section == BRIEFING_SENSED)
		CHECK(equals == 1 || (gone && equals == 0));
	else
		CHECK(equals == 0);
	if (section == BRIEFING_GOALS || section == BRIEFING_WORDS || section == BRIEFING_KNOWN)
		CHECK(parts == 0);
}

static inline void briefing_check_seen(const char *text, size_t bytes) {
	for (size_t i = 0, n; i < bytes; i += n) {
		uint32_t c;
		n = utf8_next(text + i, bytes - i, &c);
		CHECK(n > 0 && (c >= 0x20 || c == '\n') && !(c >= 0x7f && c < 0xa0));
		CHECK(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
		CHECK(!(c >= 0xe0000 && c <= 0xe0fff));
		CHECK(c != 0x2028 && c != 0x2029 && c != 0x200b && c != 0xfeff);
	}
}

/* Sections in their order, each once and not empty; every line an item; the time at the end. */
static inline struct briefing_seen briefing_check_frame(const char *text, size_t bytes, bool is_delta) {
	struct briefing_seen seen = { { 0 } };
	unsigned section = BRIEFING_SECTION_COUNT, next = 0, items = 0;
	const char *at = text, *end = text + bytes;
	bool told_time = false;
	CHECK(bytes > 0 && end[-1] == '\n' && strlen(text) == bytes);
	briefing_check_seen(text, bytes);
	if (!is_delta) {
		CHECK(strncmp(text, belief_preamble(), strlen(belief_preamble())) == 0);
		at += strlen(belief_preamble());
	}
	at = strchr(at, '\n') + 1; /* how to read it, or since when it is */
	for (const char *stop; at < end; at = stop + 1) {
		char line[2048];
		stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)(stop - at);
		CHECK(n < sizeof(line) && !told_time);
		memcpy(line, at, n);
		line[n] = 0;
		if (strncmp(line, "## ", 3) == 0) {
			CHECK(section == BRIEFING_SECTION_COUNT || items > 0);
			while (next < BRIEFING_SECTION_COUNT && strcmp(line + 3, briefing_title(next)) != 0)
				next++;
			CHECK(next < BRIEFING_SECTION_COUNT);
			section = next++;
			items = 0;
		} else if (strncmp(line, "- ", 2) == 0) {
			CHECK(section < BRIEFING_SECTION_COUNT);
			briefing_check_item(line, n, section);
			seen.items[section]++;
			items++;
		} else if (strncmp(line, "It is ", 6) == 0) {
			CHECK(n == 24 && strcmp(line + 22, "Z.") == 0);
			told_time = true;
		} else {
			CHECK(!is_delta && section == BRIEFING_SECTION_COUNT &&
					(strcmp(line, "Nothing is known yet.") == 0 ||
							strcmp(line, "More is known than there is room for.") == 0));
		}
	}
	CHECK(told_time && (section == BRIEFING_SECTION_COUNT || items > 0));
	return seen;
}

/* Render and hold what came out against all that is promised of it, whatever went in. */
static inline bool briefing_check_render(const struct briefing *b, char *out, size_t capacity,
		struct briefing_account *a) {
	const size_t counts[BRIEFING_SECTION_COUNT] = { b->goal_count, b->word_count, b->belief_count, b->turn_count,
		b->belief_count, b->field_count, b->focus_count };
	size_t sums[BRIEFING_SECTION_COUNT];
	if (briefing_render(b, out, capacity, a) < 0)
		return false;
	CHECK(a->bytes < capacity && out[a->bytes] == 0 && a->tokens <= b->budget);
	CHECK(tokens_most(out, a->bytes) <= a->tokens && a->stable_bytes <= a->bytes);
	struct briefing_seen seen = briefing_check_frame(out, a->bytes, b->is_delta);
	for (unsigned s = 0; s < BRIEFING_SECTION_COUNT; s++) {
		CHECK(seen.items[s] == a->shown[s]);
		sums[s] = (size_t)a->shown[s] + a->left_out[s] + a->unchanged[s];
	}
	CHECK(sums[BRIEFING_KNOWN] + sums[BRIEFING_BELIEVED] == b->belief_count);
	for (unsigned s = 0; s < BRIEFING_SECTION_COUNT; s++)
		CHECK(s == BRIEFING_KNOWN || s == BRIEFING_BELIEVED || sums[s] == counts[s]);
	return true;
}

#endif

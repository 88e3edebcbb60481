/* stream.c - see stream.h. */
#include "stream.h"

#include <errno.h>
#include <string.h>

/* ---- UTF-8: one machine for checking and for repairing ---- */

enum step { STEP_MORE, STEP_WHOLE, STEP_BAD };

/* Bytes of the code point that starts with b; 0: none does. */
static size_t length_of(unsigned char b) {
	if (b < 0x80)
		return 1;
	if (b >= 0xc2 && b <= 0xdf)
		return 2;
	if (b >= 0xe0 && b <= 0xef)
		return 3;
	return b >= 0xf0 && b <= 0xf4 ? 4 : 0;
}

/* May b be the second byte after `lead`?  (No overlong forms, surrogates, or above U+10FFFF.) */
static bool second_fits(unsigned char lead, unsigned char b) {
	switch (lead) {
	case 0xe0: return b >= 0xa0 && b <= 0xbf;
	case 0xed: return b >= 0x80 && b <= 0x9f;
	case 0xf0: return b >= 0x90 && b <= 0xbf;
	case 0xf4: return b >= 0x80 && b <= 0x8f;
	default: return (b & 0xc0) == 0x80;
	}
}

/* Add b to the code point begun in part[0..*n); on STEP_BAD, b was not taken. */
static enum step add_byte(unsigned char part[4], size_t *n, unsigned char b) {
	bool fits = *n == 0 ? length_of(b) != 0 : *n == 1 ? second_fits(part[0], b) : (b & 0xc0) == 0x80;
	if (!fits)
		return STEP_BAD;
	part[(*n)++] = b;
	return *n == length_of(part[0]) ? STEP_WHOLE : STEP_MORE;
}

bool stream_is_utf8(const char *text, size_t bytes) {
	unsigned char part[4];
	size_t n = 0;
	for (size_t i = 0; i < bytes; i++) {
		enum step s = add_byte(part, &n, (unsigned char)text[i]);
		if (s == STEP_BAD)
			return false;
		if (s == STEP_WHOLE)
			n = 0;
	}
	return n == 0;
}

/* ---- stop strings ---- */

static void say(struct stream *s, size_t bytes) {
	if (bytes && !s->cancelled && s->to->on_text(s->to->self, s->held, bytes) != 0)
		s->cancelled = true;
	s->held_bytes -= bytes;
	memmove(s->held, s->held + bytes, s->held_bytes);
}

/* Where in `held` the first stop string starts, or held_bytes. */
static size_t find_stop(const struct stream *s) {
	size_t first = s->held_bytes;
	for (uint32_t k = 0; k < s->to->stop_count; k++) {
		size_t n = strlen(s->to->stop[k]);
		for (size_t at = 0; n <= s->held_bytes && at <= s->held_bytes - n && at < first;
				at++)
			if (memcmp(s->held + at, s->to->stop[k], n) == 0)
				first = at;
	}
	return first;
}

/* From where on could `held` be the start of a stop string? */
static size_t find_start(const struct stream *s) {
	for (size_t at = 0; at < s->held_bytes; at++) {
		size_t left = s->held_bytes - at;
		for (uint32_t k = 0; k < s->to->stop_count; k++)
			if (strlen(s->to->stop[k]) > left &&
					memcmp(s->held + at, s->to->stop[k], left) == 0)
				return at;
	}
	return s->held_bytes;
}

static void drain(struct stream *s) {
	size_t stop = find_stop(s);
	if (stop < s->held_bytes) {
		say(s, stop);
		s->held_bytes = 0;
		s->stopped = true;
		return;
	}
	say(s, find_start(s));
}

static void hold(struct stream *s, const void *text, size_t bytes) {
	if (bytes > sizeof(s->held) - s->held_bytes)
		drain(s); /* leaves less than one stop string */
	if (s->stopped)
		return;
	memcpy(s->held + s->held_bytes, text, bytes);
	s->held_bytes += bytes;
}

static void give_up_part(struct stream *s) {
	if (s->part_bytes)
		hold(s, "\xef\xbf\xbd", 3);
	s->part_bytes = 0;
}

/* ---- the door ---- */

int stream_init(struct stream *s, const struct cdm_request *to) {
	memset(s, 0, sizeof(*s));
	s->to = to;
	if (to->stop_count > CDM_STOPS_MAX)
		return -EINVAL;
	for (uint32_t k = 0; k < to->stop_count; k++)
		if (!to->stop[k] || !to->stop[k][0] || strlen(to->stop[k]) > STREAM_STOP_BYTES_MAX)
			return -EINVAL;
	return 0;
}

void stream_push(struct stream *s, const char *bytes, size_t count) {
	for (size_t i = 0; i < count && !s->stopped; i++) {
		unsigned char b = (unsigned char)bytes[i];
		enum step step = add_byte(s->part, &s->part_bytes, b);
		if (step == STEP_BAD && s->part_bytes) {
			give_up_part(s);
			step = add_byte(s->part, &s->part_bytes, b);
		}
		if (step == STEP_BAD)
			hold(s, "\xef\xbf\xbd", 3);
		if (step != STEP_WHOLE)
			continue;
		hold(s, s->part, s->part_bytes);
		s->part_bytes = 0;
	}
	if (!s->stopped)
		drain(s);
}

void stream_end(struct stream *s) {
	if (s->stopped)
		return;
	give_up_part(s);
	drain(s);
	if (!s->stopped)
		say(s, s->held_bytes);
}

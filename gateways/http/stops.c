/* stops.c - see stops.h. */
#include "gateways/http/stops.h"

#include <errno.h>
#include <string.h>

int stops_add(struct stops *s, const char *word) {
	size_t n = strlen(word);
	if (n == 0 || n >= STOPS_BYTES || s->count == STOPS_MAX)
		return -EINVAL;
	memcpy(s->words[s->count++], word, n + 1);
	return 0;
}

/* Bytes at the end of the text that begin a word, and do not end it. */
static size_t begun(const char *word, const char *text, size_t length) {
	size_t n = strlen(word) - 1;
	for (n = n < length ? n : length; n > 0; n--)
		if (memcmp(text + length - n, word, n) == 0)
			break;
	return n;
}

size_t stops_sure(const struct stops *s, const char *text, bool ended) {
	size_t length = strlen(text), sure = length;
	for (unsigned i = 0; i < s->count; i++) {
		const char *at = strstr(text, s->words[i]);
		size_t here = at ? (size_t)(at - text) : ended ? length : length - begun(s->words[i], text, length);
		sure = here < sure ? here : sure;
	}
	return sure;
}

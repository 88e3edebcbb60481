/* clean.c - see clean.h. */
#include "lang/clean.h"

#include <string.h>
#include "lang/lang_priv.h"

/* Bytes of the longest clean character that begins at s; 0 when none does. */
static size_t clean_character(const char *s, size_t left) {
	for (size_t n = 1; n <= 4 && n <= left; n++)
		if (text_is_clean(s, n))
			return n;
	return 0;
}

const char *clean_text(const char *s, char out[CLEAN_MAX]) {
	size_t used = 0, left = strlen(s);
	while (left && used + 5 < CLEAN_MAX) {
		size_t n = clean_character(s, left);
		bool shown = n > 0 && *s != '\n' && *s != '\r' && *s != '\t';
		if (shown)
			memcpy(out + used, s, n);
		else
			out[used] = '?';
		used += shown ? n : 1;
		s += n ? n : 1;
		left -= n ? n : 1;
	}
	out[used] = 0;
	return out;
}

/* clean.h - strings of a plan for people: a plan need not come from this compiler. */
#ifndef LANG_CLEAN_H
#define LANG_CLEAN_H

#include <stddef.h>

#define CLEAN_MAX 260

/* `s` with everything that is not printable UTF-8 as '?', cut to fit.  Returns out. */
const char *clean_text(const char *s, char out[CLEAN_MAX]);

#endif

/* diag.c - the bounded list of messages behind cadmus/diag.h. */
#include "cadmus/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"

/* The text was cut where its room ended: half a character at its end goes, too. */
static void end_on_a_character(char *text, size_t bytes) {
	size_t last = utf8_cut(text, bytes, bytes - 1);
	if (!utf8_valid(text + last, bytes - last))
		text[last] = 0;
}

struct cdm_message *cdm_diag_add(struct cdm_diag *d, enum cdm_severity s, const char *id,
		const char *format, ...) {
	if (!d)
		return NULL;
	if (s == CDM_ERROR)
		d->errors++;
	if (d->count == CDM_DIAG_MAX) {
		d->dropped++;
		return NULL;
	}
	struct cdm_message *m = &d->at[d->count++];
	memset(m, 0, sizeof(*m));
	m->severity = s;
	m->length = 1;
	snprintf(m->id, sizeof(m->id), "%s", id ? id : "");
	va_list args;
	va_start(args, format);
	int n = vsnprintf(m->text, sizeof(m->text), format, args);
	va_end(args);
	if (n >= (int)sizeof(m->text))
		end_on_a_character(m->text, sizeof(m->text) - 1);
	return m;
}

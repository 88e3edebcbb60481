/* message.c - see message_priv.h. */
#include "journal/message_priv.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *id, *hint;
} messages[] = {
#define JOURNAL_MESSAGE(name, id, hint) { id, hint },
#include "journal/message.def"
#undef JOURNAL_MESSAGE
};

void message_add(struct cdm_diag *diag, enum message m, const char *format, ...) {
	char text[CDM_DIAG_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct cdm_message *e = cdm_diag_add(diag, CDM_ERROR, messages[m].id, "%s", text);
	if (e)
		snprintf(e->hint, sizeof(e->hint), "%s", messages[m].hint);
}

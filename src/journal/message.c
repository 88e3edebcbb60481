/* message.c - see message_priv.h. */
#include "journal/message_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *id, *hint;
} messages[] = {
#define JOURNAL_MESSAGE(name, id, hint) { id, hint },
#include "journal/message.def"
#undef JOURNAL_MESSAGE
};

int message_error(int e) {
	switch (e) {
	case EFBIG:
	case EDQUOT:
	case ENOSPC:
		return -ENOSPC;
	case ENOTDIR:
	case ENOENT:
		return -ENOENT;
	case EROFS:
	case EPERM:
	case EACCES:
		return -EACCES;
	case ENAMETOOLONG:
		return -E2BIG;
	case EISDIR:
	case ELOOP:
		return -EINVAL;
	default:
		return -EIO;
	}
}

void message_add(struct cdm_diag *diag, enum message m, const char *format, ...) {
	char text[CDM_DIAG_TEXT + 1]; /* more than a message holds: it cuts between characters */
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct cdm_message *e = cdm_diag_add(diag, CDM_ERROR, messages[m].id, "%s", text);
	if (e)
		snprintf(e->hint, sizeof(e->hint), "%s", messages[m].hint);
}

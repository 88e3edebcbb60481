/* message_priv.h - what the journal tells people, from message.def. */
#ifndef JOURNAL_MESSAGE_PRIV_H
#define JOURNAL_MESSAGE_PRIV_H

#include "base/check.h"
#include "base/err.h"
#include "cadmus/diag.h"

enum message {
#define JOURNAL_MESSAGE(name, id, hint) MESSAGE_##name,
#include "journal/message.def"
#undef JOURNAL_MESSAGE
};

/* Add an error with its id and hint; diag may be NULL. */
void message_add(struct cdm_diag *diag, enum message m, const char *format, ...) PRINTF_LIKE(3, 4);

/* What a file system said (a positive errno), in our list. */
int message_error(int e);

#endif

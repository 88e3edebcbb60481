/*
 * pieces.h - what of an answer that is still being written may be shown already.
 *
 * Core's tokens hold nothing that the answer will not have (spec/control.md), so each is shown as it comes.  But when
 * the model is asked again its tokens begin anew: what was shown stays shown, and of the new words those that go on
 * from there are shown, as long as both agree.
 *
 * Pure but for memory.  One thread per struct; zeroed is empty.
 */
#ifndef HTTP_PIECES_H
#define HTTP_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"

struct pieces_text {
	char *bytes; /* zero terminated once there are any */
	size_t used, room;
};

struct pieces {
	struct pieces_text heard; /* from core, this time */
	struct pieces_text shown; /* to the client, in all */
};

/* More words: what is to be shown of them in *piece ("": nothing yet), valid until the next call; -ENOMEM. */
MUST_CHECK int pieces_hear(struct pieces *p, const char *text, const char **piece);
/* The tokens begin anew. */
void pieces_again(struct pieces *p);
/* The answer is known: the rest of it in *piece.  false: what was shown is not how it begins; *piece is "". */
bool pieces_end(const struct pieces *p, const char *answer, const char **piece);
void pieces_fini(struct pieces *p);

#endif

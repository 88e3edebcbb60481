/*
 * pieces.h - what of an answer that is still being written may be shown already.
 *
 * A model's words hold clauses (`#door = locked`) that core takes out of the answer; a stream must not show
 * what the answer will not have.  So text is shown up to the first place where a clause could begin, and the
 * rest when the answer is known.  When the model is asked again, what was shown stays shown, and the
 * new words count from where the two agree no more.
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
	struct pieces_text heard; /* from the model, this time */
	struct pieces_text shown; /* to the client, in all */
};

/* More words of the model: what may be shown of them in *piece ("": nothing yet), valid until the next call;
   -ENOMEM. */
MUST_CHECK int pieces_hear(struct pieces *p, const char *text, const char **piece);
/* The model begins anew. */
void pieces_again(struct pieces *p);
/* The answer is known: the rest of it in *piece.  false: what was shown is not how it begins; *piece is "". */
bool pieces_end(const struct pieces *p, const char *answer, const char **piece);
void pieces_fini(struct pieces *p);

#endif

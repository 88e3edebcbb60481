/* pieces.c - see pieces.h. */
#include "gateways/http/pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int append(struct pieces_text *t, const char *bytes, size_t n) {
	if (t->room - t->used <= n) {
		size_t room = 2 * (t->used + n) + 64;
		char *more = realloc(t->bytes, room);
		if (!more)
			return -ENOMEM;
		t->bytes = more;
		t->room = room;
	}
	memcpy(t->bytes + t->used, bytes, n);
	t->used += n;
	t->bytes[t->used] = 0;
	return 0;
}

int pieces_hear(struct pieces *p, const char *text, const char **piece) {
	*piece = "";
	int rc = append(&p->heard, text, strlen(text));
	if (rc < 0)
		return rc;
	size_t before = p->shown.used;
	if (p->heard.used <= before || (before && memcmp(p->heard.bytes, p->shown.bytes, before) != 0))
		return 0;
	if ((rc = append(&p->shown, p->heard.bytes + before, p->heard.used - before)) < 0)
		return rc;
	*piece = p->shown.bytes + before;
	return 0;
}

void pieces_again(struct pieces *p) {
	p->heard.used = 0;
}

bool pieces_end(const struct pieces *p, const char *answer, const char **piece) {
	bool agree = !p->shown.used || strncmp(answer, p->shown.bytes, p->shown.used) == 0;
	*piece = agree ? answer + p->shown.used : "";
	return agree;
}

void pieces_fini(struct pieces *p) {
	free(p->heard.bytes);
	free(p->shown.bytes);
	*p = (struct pieces){ { NULL, 0, 0 }, { NULL, 0, 0 } };
}

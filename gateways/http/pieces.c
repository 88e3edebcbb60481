/* pieces.c - see pieces.h.  What a clause looks like: src/sem/belief.h, spec/http.md. */
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

static bool is_space(char c) {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_key(char c) {
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == ' ' ||
			c == '\t';
}

/* Could a clause begin at this '#', or with what is still to come? */
static bool could_be_clause(const char *hash) {
	const char *p = hash + 1;
	while (is_key(*p))
		p++;
	return *p == '=' || *p == 0;
}

/* Where in `text` that begins at `start` the part ends that will surely be in the answer. */
static const char *sure_end(const char *start) {
	const char *p = start;
	for (; *p; p++)
		if (*p == '#' && (p == start || is_space(p[-1])) && could_be_clause(p))
			break;
	while (p > start && is_space(p[-1]))
		p--;
	return p;
}

int pieces_hear(struct pieces *p, const char *text, const char **piece) {
	*piece = "";
	int rc = append(&p->heard, text, strlen(text));
	if (rc < 0)
		return rc;
	const char *from = p->heard.bytes;
	while (is_space(*from))
		from++;
	size_t sure = (size_t)(sure_end(from) - from), before = p->shown.used;
	if (sure <= before || (before && memcmp(from, p->shown.bytes, before) != 0))
		return 0;
	if ((rc = append(&p->shown, from + before, sure - before)) < 0)
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

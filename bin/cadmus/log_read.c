/* log_read.c - see log_read.h. */
#include "bin/cadmus/log_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "bin/cadmus/verb.h"
#include "lang/near.h"

#define AT_ONCE 64u
#define AT_ONCE_BYTES (4u << 20) /* of bodies; then no more are copied */

/* ---- which ones ---- */

static int unknown(const char *name) {
	struct near n = { .word = name };
	char all[512] = "";
	size_t used = 0;
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++) {
		near_offer(&n, record_kind_name(k));
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", k ? ", " : "", record_kind_name(k));
	}
	if (n.best)
		return verb_wrong("log", "there is no kind '%s'; did you mean '%s'?", name, n.best);
	return verb_wrong("log", "there is no kind '%s'; there are: %s", name, all);
}

int log_filter_kinds(const char *list, uint64_t *kinds) {
	*kinds = 0;
	for (const char *p = list;; p++) {
		char name[64];
		size_t n = strcspn(p, ",");
		snprintf(name, sizeof(name), "%.*s", (int)(n < sizeof(name) ? n : sizeof(name) - 1), p);
		int kind = record_kind_find(name);
		if (kind < 0)
			return unknown(name);
		*kinds |= UINT64_C(1) << kind;
		p += n;
		if (!*p)
			return 0;
	}
}

static bool is_in_session(const struct journal_record *r, const char *session) {
	struct body_turn b;
	return r->kind == JOURNAL_TURN && !r->erased && body_parse_turn(r->body, r->body_bytes, &b) == 0 &&
	       b.session.bytes == strlen(session) && memcmp(b.session.at, session, b.session.bytes) == 0;
}

bool log_filter_takes(const struct log_filter *f, const struct journal_record *r) {
	if (f->kinds && (r->kind >= JOURNAL_KIND_COUNT || !(f->kinds >> r->kind & 1)))
		return false;
	return (!f->principal || strcmp(f->principal, r->principal) == 0) &&
	       (!f->entity || strcmp(f->entity, r->entity) == 0) && (!f->session || is_in_session(r, f->session));
}

/* ---- some at a time ---- */

struct batch {
	const struct log_filter *filter;
	uint64_t to;
	struct log_walked *walked;
	unsigned count, max;
	size_t bytes;
	struct journal_record records[AT_ONCE]; /* their bodies are ours */
};

/* The next one that is there is `seq`; those before it, as far as they were asked for, are not. */
static void note_gone(struct log_walked *w, uint64_t seq, uint64_t to) {
	uint64_t end = seq <= to ? seq - 1 : to;
	w->gone += end > w->last ? end - w->last : 0;
	w->last = end > w->last ? end : w->last;
}

static int take(void *user, const struct journal_record *r) {
	struct batch *b = user;
	if (b->count == b->max || b->bytes > AT_ONCE_BYTES)
		return 1;
	note_gone(b->walked, r->seq, b->to);
	if (r->seq > b->to)
		return 1;
	b->walked->last = r->seq;
	if (!log_filter_takes(b->filter, r))
		return 0;
	struct journal_record *mine = &b->records[b->count];
	*mine = *r;
	mine->body = r->body ? malloc(r->body_bytes) : NULL;
	if (r->body && !mine->body)
		return -ENOMEM;
	if (r->body)
		memcpy((void *)(uintptr_t)mine->body, r->body, r->body_bytes);
	b->count++;
	b->bytes += r->body_bytes;
	return 0;
}

static int show_all(struct batch *b, journal_visit *show, void *user) {
	int rc = 0;
	for (unsigned i = 0; i < b->count; i++) {
		if (rc == 0)
			rc = show(user, &b->records[i]);
		free((void *)(uintptr_t)b->records[i].body);
	}
	return rc;
}

int log_read(struct journal_reader *r, const struct log_filter *f, uint64_t from, uint64_t to, uint64_t limit,
		journal_visit *show, void *user, struct log_walked *out) {
	uint64_t left = limit ? limit : UINT64_MAX;
	int rc = 1;
	*out = (struct log_walked){ .last = from ? from - 1 : 0 };
	while (rc == 1 && left > 0) { /* 1: there may be more */
		struct batch b = { .filter = f, .to = to, .walked = out,
			.max = left < AT_ONCE ? (unsigned)left : AT_ONCE };
		uint64_t last = out->last;
		rc = journal_each(r, last + 1, 0, take, &b);
		int shown = show_all(&b, show, user);
		if (shown)
			return shown;
		out->shown += b.count;
		if (rc == 1 && (out->last >= to || out->last == last))
			return 0; /* the next one lies behind `to` */
		left -= b.count;
	}
	return rc < 0 ? rc : 0;
}

/* ---- the last ones ---- */

struct counted {
	const struct log_filter *filter;
	uint64_t to, count, max;
	uint64_t *seqs; /* of the last `max`, in a ring */
};

static int count(void *user, const struct journal_record *r) {
	struct counted *c = user;
	if (r->seq > c->to)
		return 1;
	if (log_filter_takes(c->filter, r))
		c->seqs[c->count++ % c->max] = r->seq;
	return 0;
}

/* They are looked for in ever larger parts of the end. */
int log_read_from(struct journal_reader *r, const struct log_filter *f, uint64_t to, uint64_t wanted, uint64_t *from) {
	struct counted c = { .filter = f, .to = to, .max = wanted < to ? wanted : to };
	int rc = 0;
	*from = 1;
	if (to == 0)
		return 0;
	c.seqs = calloc(c.max, sizeof(*c.seqs));
	if (!c.seqs)
		return -ENOMEM;
	for (uint64_t span = c.max, begin = 0; rc >= 0 && c.count < c.max && begin != 1; span = span > to / 4 ? to
			: span * 4) {
		begin = span < to ? to - span + 1 : 1;
		c.count = 0;
		rc = journal_each(r, begin, 0, count, &c);
	}
	if (rc >= 0 && c.count >= c.max)
		*from = c.seqs[c.count % c.max];
	free(c.seqs);
	return rc < 0 ? rc : 0;
}

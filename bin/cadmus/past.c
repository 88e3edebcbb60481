/* past.c - see past.h. */
#include "bin/cadmus/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/machine.h"
#include "client/state_path.h"

struct past past_begin(const char *verb) {
	return (struct past){ .verb = verb, .now = clock_wall() };
}

int past_open(const struct verb_context *c, struct past *p) {
	static struct cdm_diag diag;
	int code = machine_journal(c, p->verb, p->machine);
	if (code)
		return code;
	int rc = state_path(p->machine, p->path, sizeof(p->path));
	if (rc == 0)
		rc = journal_read_open(p->path, &p->reader, &diag);
	return rc < 0 ? verb_failed_diag(p->verb, rc, &diag, "no journal can be read") : 0;
}

void past_close(struct past *p) {
	journal_read_close(&p->reader);
}

/* ---- moments ---- */

static int no_moment(const struct past *p, const char *what, const char *text, const char *why) {
	return verb_wrong(p->verb, "%s%s'%s' %s; there are: %s", what ? what : "", what ? ": " : "", text, why,
			WHEN_FORMS);
}

int past_when(const struct past *p, const char *what, const char *text, struct when *out) {
	const char *why;
	return when_parse(text, p->now, out, &why) == 0 ? 0 : no_moment(p, what, text, why);
}

int past_words(const struct past *p, const char *const *words, unsigned count, struct when *out, unsigned *used) {
	char joined[ARGS_WORDS_MAX][256];
	const char *why;
	size_t n = 0;
	*used = 0;
	for (unsigned i = 0; i < count && i < ARGS_WORDS_MAX; i++) {
		int more = snprintf(joined[i], sizeof(joined[i]), "%.*s%s%s", (int)n, i ? joined[i - 1] : "", i
				? " " : "", words[i]);
		n = more < (int)sizeof(joined[i]) ? (size_t)more : sizeof(joined[i]) - 1;
	}
	for (unsigned i = count < ARGS_WORDS_MAX ? count : ARGS_WORDS_MAX; i > 0 && *used == 0; i--)
		if (when_parse(joined[i - 1], p->now, out, &why) == 0)
			*used = i;
	return *used ? 0 : past_when(p, NULL, words[0], out);
}

int past_find(const struct past *p, const struct when *when, struct moment *out) {
	uint64_t last = 0;
	*out = (struct moment){ .when = *when, .seq = when->seq };
	int rc = journal_last(p->reader, &last);
	if (rc == 0 && when->is_now)
		out->seq = last;
	else if (rc == 0 && !when->is_record)
		rc = journal_seq_dated(p->reader, when->at, &out->seq);
	if (rc < 0)
		return verb_failed_hint(p->verb, rc, "`cadmus state verify` says where",
				"the journal cannot be read: %s", err_text(rc));
	if (out->seq <= last)
		return 0;
	return verb_failed(p->verb, -ENOENT, "there is no record %llu; the last one is %llu",
			(unsigned long long)out->seq, (unsigned long long)last);
}

/* ---- states ---- */

/* Which moment can be had, where one cannot. */
static int let_go(const struct past *p, struct journal_state *s) {
	char text[WHEN_TEXT_MAX], hint[128];
	int rc = journal_state_at(p->reader, UINT64_MAX, s, NULL);
	uint64_t upto = s->compacted;
	if (rc == 0)
		rc = journal_state_at(p->reader, upto, s, NULL);
	if (rc < 0)
		return verb_failed(p->verb, -ESTALE, "what was there then was let go");
	snprintf(hint, sizeof(hint), "the earliest that can be had is #%llu, %s", (unsigned long long)upto,
			when_text(past_time(p, s), text));
	return verb_failed_hint(p->verb, -ESTALE, hint, "the records of that time were let go");
}

struct journal_state *past_state(const struct past *p, const struct moment *m) {
	static struct cdm_diag diag;
	struct journal_state *s = calloc(1, sizeof(*s));
	int rc = s ? journal_state_at(p->reader, m->seq, s, &diag) : -ENOMEM;
	if (rc == 0)
		return s;
	if (rc == -ESTALE)
		let_go(p, s);
	else
		verb_failed_diag(p->verb, rc, &diag, "no state can be read");
	free(s);
	return NULL;
}

static int take_wall(void *user, const struct journal_record *r) {
	*(struct cdm_wall *)user = r->wall;
	return 0;
}

struct cdm_wall past_time(const struct past *p, const struct journal_state *s) {
	struct cdm_wall wall;
	return journal_one(p->reader, s->seq, take_wall, &wall) == 0 ? wall : record_hlc_wall(s->hlc);
}

void past_print(const struct past *p, const struct moment *m, const struct journal_state *s) {
	char asked[WHEN_TEXT_MAX], of[WHEN_TEXT_MAX];
	const char *note = when_note_text(m->when.note);
	printf("%s", p->machine);
	if (!m->when.is_record)
		printf(" at %s", when_text(m->when.at, asked));
	if (s->seq)
		printf(": after record %llu, of %s, epoch %llu\n", (unsigned long long)s->seq,
				when_text(past_time(p, s), of), (unsigned long long)s->epoch);
	else
		printf(": before the first record\n");
	if (note[0])
		printf("(%s)\n", note);
}

json_t *past_json(const struct past *p, const struct moment *m, const struct journal_state *s) {
	char asked[CLOCK_TEXT_MAX], of[CLOCK_TEXT_MAX], hex[HASH_TEXT_MAX];
	struct hash h = state_hash(s);
	clock_text(m->when.at, asked);
	clock_text(past_time(p, s), of);
	return json_pack("{s:s,s:s?,s:s?,s:I,s:s?,s:I,s:s}", "machine", p->machine, "asked",
			m->when.is_record ? NULL : asked, "note", m->when.note ? when_note_text(m->when.note) : NULL,
			"record", (json_int_t)s->seq, "time", s->seq ? of : NULL, "epoch", (json_int_t)s->epoch, "hash",
			hash_text(&h, 64, hex));
}

/* ---- records ---- */

struct upto {
	uint64_t to;
	journal_visit *visit;
	void *user;
};

static int visit_upto(void *user, const struct journal_record *r) {
	struct upto *u = user;
	return r->seq > u->to ? 1 : u->visit(u->user, r);
}

int past_each(const struct past *p, uint64_t from, uint64_t to, journal_visit *visit, void *user) {
	struct upto u = { to, visit, user };
	int rc = journal_each(p->reader, from, 0, visit_upto, &u);
	return rc >= 0 ? 0 : verb_failed_hint(p->verb, rc, "`cadmus state verify` says where",
			"the journal cannot be read: %s", err_text(rc));
}

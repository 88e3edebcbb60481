/*
 * recall.c - what only the journal's file still knows: answers too long for the live state, requests older than it
 * remembers, and what was decided with them; when a record was written; and commands whose outcome nobody wrote, as
 * core died before.
 *
 * Reads the file on the control thread, where it is rare and short.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "journal/journal_read.h"
#include "runtime/core_priv.h"

struct wanted {
	uint64_t seq;
	enum recall what;
	char *out;
	size_t capacity;
};

static int take_text(void *user, const struct journal_record *record) {
	struct wanted *w = user;
	struct body_turn b;
	if (record->seq == w->seq && record->kind != JOURNAL_TURN)
		return -EEXIST;
	if (record->seq != w->seq)
		return -ENOENT;
	if (record->erased)
		return -ESTALE;
	if (body_parse_turn(record->body, record->body_bytes, &b) < 0)
		return -EPROTO;
	struct body_text t = w->what == RECALL_USER ? b.user : b.answer;
	if (t.bytes >= w->capacity)
		return -E2BIG;
	memcpy(w->out, t.at, t.bytes);
	w->out[t.bytes] = 0;
	return 1;
}

int recall_text(struct core *c, uint64_t seq, enum recall what, char *out, size_t capacity) {
	struct wanted w = { seq, what, out, capacity };
	int rc = c->reader ? journal_each(c->reader, seq, 1, take_text, &w) : -ENOENT;
	if (rc < 0 && rc != -EEXIST && rc != -ESTALE)
		log_warn("record %llu cannot be read back: %s", (unsigned long long)seq, strerror(-rc));
	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

uint64_t recall_request(struct core *c, const char *principal, const char *id) {
	uint64_t seq = 0;
	int rc = c->reader ? journal_request(c->reader, principal, id, &seq) : -ENOENT;
	if (rc < 0 && rc != -ENOENT)
		log_warn("whether '%s' was asked before cannot be found out: %s", id, strerror(-rc));
	return seq;
}

/* ---- when ---- */

#define WINDOW 64u

struct moment {
	uint64_t seq;
	struct cdm_wall when;
	bool found;
};

static int take_time(void *user, const struct journal_record *record) {
	struct moment *m = user;
	if (record->seq > m->seq)
		return 1;
	m->when = record_hlc_wall(record->hlc);
	m->found = true;
	return 0;
}

int recall_when(struct core *c, uint64_t seq, struct cdm_wall *when) {
	struct moment m = { .seq = seq };
	int rc = c->reader ? 0 : -ENOENT;
	for (uint64_t back = 0, from = seq + 1; rc >= 0 && !m.found && from > 1; back = back ? 2 * back : WINDOW) {
		from = seq > back ? seq - back : 1;
		rc = journal_each(c->reader, from, back + 1, take_time, &m);
	}
	*when = m.when;
	return rc < 0 ? rc : m.found ? 0 : -ENOENT;
}

/* ---- verdicts ---- */

struct decided {
	uint64_t seq;
	bool is_turn;         /* `seq` is one: its verdict stands beside it */
	struct cdm_wall wall; /* then: what was submitted with it has the same */
	struct recalled *out;
};

#define TAKE(to, text) snprintf(to, sizeof(to), "%.*s", (int)(text).bytes, (text).bytes ? (text).at : "")

static int take_command(const struct journal_record *r, struct recalled *out) {
	struct body_command b;
	if (body_parse_command(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	out->what = body_text_is(b.verb, plan_verb_text(PLAN_VERB_STOP)) ? VERDICT_STOPPED : VERDICT_STARTED;
	out->command = b.id;
	TAKE(out->source, b.source);
	TAKE(out->symbols, b.symbols);
	return 1;
}

static int take_refusal(const struct journal_record *r, struct recalled *out) {
	struct body_refusal b;
	if (body_parse_refusal(r->body, r->body_bytes, &b) < 0)
		return -EPROTO;
	out->what = VERDICT_REFUSED;
	TAKE(out->reason, b.reason);
	TAKE(out->detail, b.detail);
	TAKE(out->source, b.source);
	TAKE(out->symbols, b.symbols);
	return 1;
}

static int take_verdict(void *user, const struct journal_record *r) {
	struct decided *d = user;
	if (r->seq == d->seq && r->kind == JOURNAL_TURN) {
		d->is_turn = true;
		d->wall = r->wall;
		return 0;
	}
	bool beside = d->is_turn && r->seq == d->seq + 1 && r->wall.ns == d->wall.ns;
	if (!beside && r->seq != d->seq)
		return -ENOENT;
	if (r->erased)
		return -ESTALE;
	return r->kind == JOURNAL_COMMAND ? take_command(r, d->out)
			: r->kind == JOURNAL_REFUSAL ? take_refusal(r, d->out) : -ENOENT;
}

int recall_verdict(struct core *c, uint64_t seq, struct recalled *out) {
	struct decided d = { .seq = seq, .out = out };
	memset(out, 0, sizeof(*out));
	int rc = c->reader ? journal_each(c->reader, seq, 2, take_verdict, &d) : -ENOENT;
	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

/* ---- what the last core left open ---- */

#define OUTCOMES_AT_ONCE 16u
#define OUTCOME_BYTES 128u

static int write_outcomes(struct core *c, unsigned from, unsigned n) {
	static uint8_t room[OUTCOMES_AT_ONCE][OUTCOME_BYTES];
	struct journal_entry e[OUTCOMES_AT_ONCE];
	for (unsigned i = 0; i < n; i++) {
		const struct state_command *open = state_command_at(c->state, from + i);
		struct body_outcome b = { open->id, body_text("interrupted"),
				body_text("core ended before it was over") };
		int bytes = body_build_outcome(&b, room[i], sizeof(room[i]));
		if (bytes < 0)
			return bytes;
		e[i] = (struct journal_entry){ JOURNAL_OUTCOME, JOURNAL_MACHINE, core_entity_name(c, 0),
			open->principal, room[i], (size_t)bytes, NULL };
	}
	ledger_note(c, e, n);
	return 0;
}

void recall_interrupted(struct core *c) {
	unsigned count = c->state->command_count;
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < count; i += OUTCOMES_AT_ONCE)
		rc = write_outcomes(c, i, count - i < OUTCOMES_AT_ONCE ? count - i : OUTCOMES_AT_ONCE);
	if (count)
		log_info("%u commands were open when core ended; they were interrupted", count);
	if (rc < 0)
		log_error("what became of the commands before cannot be written down: %s", strerror(-rc));
}

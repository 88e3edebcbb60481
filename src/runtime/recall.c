/*
 * recall.c - what only the journal's file still knows: answers too long for the live state, and commands whose
 * outcome nobody wrote, as core died before.
 *
 * Reads the file on the control thread: the one where it is rare and short, the other before core is ready.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/log.h"
#include "client/state_path.h"
#include "journal/journal_read.h"
#include "runtime/core_priv.h"

static int open_file(const struct core *c, struct journal_reader **r) {
	static struct cdm_diag diag;
	char path[1024];
	int rc = state_path(c->plan->machine, path, sizeof(path));
	return rc < 0 ? rc : journal_read_open(path, r, &diag);
}

struct wanted {
	uint64_t seq;
	enum recall what;
	char *out;
	size_t capacity;
};

static int take_text(void *user, const struct journal_record *record) {
	struct wanted *w = user;
	struct body_turn b;
	if (record->seq != w->seq || record->kind != JOURNAL_TURN || record->erased)
		return -ENOENT;
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
	struct journal_reader *r = NULL;
	struct wanted w = { seq, what, out, capacity };
	int rc = open_file(c, &r);
	if (rc == 0)
		rc = journal_each(r, seq, 1, take_text, &w);
	journal_read_close(&r);
	if (rc < 0)
		log_warn("record %llu cannot be read back: %s", (unsigned long long)seq, strerror(-rc));
	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

/* ---- what the last core left open ---- */

#define OPEN_MAX 256u /* more than these are found at the next start */
#define OUTCOMES_AT_ONCE 16u
#define OUTCOME_BYTES 128u

struct open_command {
	uint64_t id;
	char principal[CDM_NAME_MAX];
};

struct open_commands {
	unsigned count;
	struct open_command at[OPEN_MAX];
};

static void forget(struct open_commands *o, uint64_t id) {
	unsigned left = 0;
	for (unsigned i = 0; i < o->count; i++)
		if (o->at[i].id != id)
			o->at[left++] = o->at[i];
	o->count = left;
}

/* One command is a record for each of its primitives.  A stop has no outcome: it is one. */
static void note(struct open_commands *o, const struct journal_record *r, const struct body_command *b) {
	const char *stop = plan_verb_text(PLAN_VERB_STOP);
	if (b->verb.bytes == strlen(stop) && memcmp(b->verb.at, stop, b->verb.bytes) == 0)
		return;
	forget(o, b->id);
	if (o->count == OPEN_MAX)
		forget(o, o->at[0].id);
	struct open_command *c = &o->at[o->count++];
	c->id = b->id;
	snprintf(c->principal, sizeof(c->principal), "%s", r->principal);
}

static int take_command(void *user, const struct journal_record *r) {
	struct body_command b;
	struct body_outcome out;
	if (r->kind == JOURNAL_COMMAND && !r->erased && body_parse_command(r->body, r->body_bytes, &b) == 0)
		note(user, r, &b);
	else if (r->kind == JOURNAL_OUTCOME && !r->erased && body_parse_outcome(r->body, r->body_bytes, &out) == 0)
		forget(user, out.id);
	return 0;
}

static int write_outcomes(struct core *c, const struct open_command *open, unsigned n) {
	static uint8_t room[OUTCOMES_AT_ONCE][OUTCOME_BYTES];
	struct journal_entry e[OUTCOMES_AT_ONCE];
	for (unsigned i = 0; i < n; i++) {
		struct body_outcome b = { open[i].id, body_text("interrupted"),
				body_text("core ended before it was over") };
		int bytes = body_build_outcome(&b, room[i], sizeof(room[i]));
		if (bytes < 0)
			return bytes;
		e[i] = (struct journal_entry){ JOURNAL_OUTCOME, JOURNAL_MACHINE, core_entity_name(c, 0),
				open[i].principal,
			room[i], (size_t)bytes };
	}
	return ledger_submit(c, e, n, NULL, NULL);
}

void recall_interrupted(struct core *c) {
	static struct open_commands open;
	struct journal_reader *r = NULL;
	open.count = 0;
	int rc = c->state->command_id_max ? open_file(c, &r) : 0;
	if (rc == 0 && r)
		rc = journal_each(r, 1, 0, take_command, &open);
	journal_read_close(&r);
	for (unsigned i = 0; rc == 0 && i < open.count; i += OUTCOMES_AT_ONCE) {
		unsigned left = open.count - i;
		rc = write_outcomes(c, &open.at[i], left < OUTCOMES_AT_ONCE ? left : OUTCOMES_AT_ONCE);
	}
	if (open.count)
		log_info("%u commands were open when core ended; they were interrupted", open.count);
	if (rc < 0)
		log_error("what became of the commands before cannot be written down: %s", strerror(-rc));
}

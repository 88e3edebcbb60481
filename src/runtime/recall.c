/*
 * recall.c - what only the journal's file still knows: answers too long for the live state.
 *
 * Reads the file on the control thread, so only where it is rare and short.
 */
#include <errno.h>
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
	char *out;
	size_t capacity;
};

static int take_answer(void *user, const struct journal_record *record) {
	struct wanted *w = user;
	struct body_turn b;
	if (record->seq != w->seq || record->kind != JOURNAL_TURN || record->erased)
		return -ENOENT;
	if (body_parse_turn(record->body, record->body_bytes, &b) < 0)
		return -EPROTO;
	if (b.answer.bytes >= w->capacity)
		return -E2BIG;
	memcpy(w->out, b.answer.at, b.answer.bytes);
	w->out[b.answer.bytes] = 0;
	return 1;
}

int recall_answer(struct core *c, uint64_t seq, char *out, size_t capacity) {
	struct journal_reader *r = NULL;
	struct wanted w = { seq, out, capacity };
	int rc = open_file(c, &r);
	if (rc == 0)
		rc = journal_each(r, seq, 1, take_answer, &w);
	journal_read_close(&r);
	if (rc < 0)
		log_warn("the answer of record %llu cannot be read back: %s", (unsigned long long)seq, strerror(-rc));
	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

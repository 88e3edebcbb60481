/* ours.c - see ours.h. */
#include "bench/state/ours.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/lib/must.h"
#include "journal/body.h"

void ours_open(struct ours *o, const char *path) {
	static struct cdm_diag diag;
	int rc = journal_open(path, NULL, &o->journal, &diag);
	must(rc, diag.count ? diag.at[0].text : path);
	o->state = calloc(1, sizeof(*o->state));
	must(o->state ? 0 : -ENOMEM, "state");
	state_init(o->state);
}

#define SNAPSHOT_RECORDS 4096u /* as src/runtime/ledger.c */

static void keep_snapshot(struct ours *o) {
	if (o->state->seq - o->snapped < SNAPSHOT_RECORDS || journal_snapshot(o->journal, o->state, "core", NULL) < 0)
		return;
	o->snapped = o->state->seq;
}

bool ours_take(struct ours *o, uint64_t *ticket) {
	struct journal_result r;
	bool any = false;
	while (journal_take(o->journal, &r) == 0) {
		must(r.rc, "the journal");
		for (unsigned i = 0; i < r.count; i++)
			must(state_apply(o->state, &r.records[i]), "fold");
		*ticket = r.ticket;
		any = true;
	}
	if (any)
		keep_snapshot(o);
	return any;
}

void ours_sleep(struct ours *o) {
	struct pollfd p = { .fd = journal_event_fd(o->journal), .events = POLLIN };
	must(poll(&p, 1, 30000) == 1 ? 0 : -ETIMEDOUT, "the journal settles nothing");
}

void ours_await(struct ours *o, uint64_t ticket) {
	uint64_t seen = 0;
	while (seen < ticket)
		if (!ours_take(o, &seen))
			ours_sleep(o);
}

/* ---- records ---- */

static struct journal_entry entry(enum journal_kind kind, const void *body, int bytes) {
	must(bytes, "body");
	return (struct journal_entry){ .kind = kind, .visibility = JOURNAL_MACHINE, .entity = "core",
		.principal = "operator", .body = body, .body_bytes = (size_t)bytes };
}

/* A turn as people have it: a question, an answer, now and then a fact; the answer fills it up. */
struct journal_entry ours_turn(uint32_t body_bytes, uint64_t number) {
	static uint8_t body[128 << 10];
	static char answer[64 << 10];
	static char request[24];
	char value[24];
	if (body_bytes > sizeof(answer))
		die("a body of %u bytes", body_bytes);
	memset(answer, 'a' + (int)(number % 26), body_bytes);
	snprintf(request, sizeof(request), "%016llx", (unsigned long long)number);
	snprintf(value, sizeof(value), "shelf %llu", (unsigned long long)number);
	struct body_turn b = { .request = body_text(request), .speaker = body_text("operator"),
		.model = body_text("scribe"), .user = body_text("where did I put the keys?"), .answer = { answer, 0 },
		.trust_ppm = 800000, .fact_count = number % 4 == 0,
		.facts = { { body_text("keys"), body_text(value), 800000 } } };
	int bare = body_build_turn(&b, body, sizeof(body));
	must(bare, "turn");
	b.answer.bytes = (uint32_t)bare < body_bytes ? body_bytes - (uint32_t)bare : 0;
	struct journal_entry e = entry(JOURNAL_TURN, body, body_build_turn(&b, body, sizeof(body)));
	e.request = request;
	return e;
}

struct journal_entry ours_evidence(uint64_t number) {
	static uint8_t body[512];
	char subject[24];
	snprintf(subject, sizeof(subject), "peer_%llu", (unsigned long long)(number % 500));
	struct body_evidence b = { body_text(subject), body_text("speaker"), body_text("training"), 700000, 300000,
		3600000 };
	return entry(JOURNAL_EVIDENCE, body, body_build_evidence(&b, body, sizeof(body)));
}

struct journal_entry ours_command(uint64_t id) {
	static uint8_t body[512];
	struct body_command b = { .id = id, .verb = body_text("walk"), .number = 3, .source = body_text("scribe"),
		.trust_ppm = 800000 };
	return entry(JOURNAL_COMMAND, body, body_build_command(&b, body, sizeof(body)));
}

struct journal_entry ours_outcome(uint64_t id) {
	static uint8_t body[512];
	struct body_outcome b = { id, body_text("done"), body_text("") };
	return entry(JOURNAL_OUTCOME, body, body_build_outcome(&b, body, sizeof(body)));
}

/*
 * fuzz_journal_body.c - any bytes as the bodies of records: the fold never crashes or leaves its
 * bounds.
 *
 * The input is a sequence of records: kind, flags, principal, length (two bytes, little-endian),
 * body.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "journal/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next record; its body is an exact copy, so that a read past its end shows.  0: no more. */
static int next(const uint8_t **data, size_t *size, uint64_t seq, struct journal_record *r) {
	if (*size < 5)
		return 0;
	const uint8_t *d = *data;
	size_t bytes = d[3] | (size_t)d[4] << 8;
	*data += 5;
	*size -= 5;
	bytes = bytes < *size ? bytes : *size;
	*r = (struct journal_record){ .seq = seq,
		.epoch = seq / 9,
		.kind = d[0] % (JOURNAL_KIND_COUNT + 1),
		.hlc = seq * d[2] << 16,
		.visibility = d[1] % JOURNAL_VISIBILITY_COUNT,
		.class = JOURNAL_D2,
		.erased = d[1] >> 7,
		.entity = "core",
		.body_bytes = (uint32_t)bytes };
	r->principal[0] = (char)('a' + d[2] % 3);
	uint8_t *body = malloc(bytes + 1);
	CHECK(body != NULL);
	r->body = memcpy(body, *data, bytes);
	*data += bytes;
	*size -= bytes;
	return 1;
}

/* Tables stay within their bounds and in the order of their keys. */
static void check_tables(const struct journal_state *s) {
	CHECK(s->fact_count <= STATE_FACTS_MAX && s->evidence_count <= STATE_EVIDENCE_MAX);
	CHECK(s->setting_count <= STATE_SETTINGS_MAX);
	for (unsigned i = 1; i < s->fact_count; i++)
		CHECK(strcmp(state_fact_at(s, i - 1)->key, state_fact_at(s, i)->key) <= 0);
	for (unsigned i = 1; i < s->setting_count; i++)
		CHECK(strcmp(state_setting_at(s, i - 1)->field, state_setting_at(s, i)->field) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct journal_state s;
	struct journal_record r;
	state_init(&s);
	for (uint64_t seq = 1; next(&data, &size, seq, &r); seq++) {
		struct hash before = state_hash(&s);
		int rc = state_apply(&s, &r);
		struct hash after = state_hash(&s), again = state_hash(&s);
		CHECK((rc == 0 || rc == -EPROTO) && s.seq == seq && state_apply(&s, &r) == -ESTALE);
		CHECK(!hash_equal(&before, &after) && hash_equal(&after, &again));
		free((void *)(uintptr_t)r.body);
	}
	check_tables(&s);
	return 0;
}

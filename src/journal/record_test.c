/* record_test.c - names in both directions, the hybrid clock, and what the chain notices. */
#include "journal/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"

static void names_go_both_ways(void) {
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++) {
		CHECK(record_kind_find(record_kind_name(k)) == (int)k);
		CHECK(strlen(record_kind_name(k)) < JOURNAL_KIND_NAME_MAX);
		CHECK(record_kind_class(k) != JOURNAL_D0);
	}
	for (unsigned v = 0; v < JOURNAL_VISIBILITY_COUNT; v++)
		CHECK(record_visibility_find(record_visibility_name(v)) == (int)v);
	CHECK(record_class_find("D2") == JOURNAL_D2 &&
			strcmp(record_class_name(JOURNAL_D1), "D1") == 0);
	CHECK(record_kind_find("dance") == -ENOENT && strcmp(record_kind_name(99), "?") == 0);
	CHECK(record_visibility_find("") == -ENOENT &&
			strcmp(record_visibility_name(99), "?") == 0);
	CHECK(record_class_find("D3") == -ENOENT && strcmp(record_class_name(3), "?") == 0);
	CHECK(record_kind_class(JOURNAL_TURN) == JOURNAL_D2 &&
			record_kind_class(JOURNAL_EVIDENCE) == JOURNAL_D1);
}

static void private_things_are_seen_by_their_owner(void) {
	CHECK(record_visible("ada", JOURNAL_PRIVATE, "ada"));
	CHECK(!record_visible("ada", JOURNAL_PRIVATE, "bob"));
	CHECK(!record_visible("ada", JOURNAL_PRIVATE, ""));
	CHECK(record_visible("ada", JOURNAL_MACHINE, "bob") &&
			record_visible("ada", JOURNAL_PUBLIC, "bob"));
}

static struct cdm_wall at_ms(int64_t ms) {
	return (struct cdm_wall){ ms * NS_PER_MS };
}

/* It follows the calendar when that moves on, and grows when it does not. */
static void the_hybrid_clock_only_grows(void) {
	uint64_t a = record_hlc_next(0, at_ms(1000)), b = record_hlc_next(a, at_ms(1000));
	CHECK(a == UINT64_C(1000) << 16 && b == a + 1);
	CHECK(record_hlc_next(b, at_ms(5)) == b + 1);                /* set back */
	CHECK(record_hlc_next(b, (struct cdm_wall){ -7 }) == b + 1); /* before 1970 */
	CHECK(record_hlc_next(b, at_ms(1001)) == UINT64_C(1001) << 16);
	uint64_t h = a;
	for (int i = 0; i < 70000; i++) { /* the counter overflows into the milliseconds */
		uint64_t next = record_hlc_next(h, at_ms(1000));
		CHECK(next > h);
		h = next;
	}
	CHECK(record_hlc_wall(h).ns == 1001 * NS_PER_MS);
}

static struct journal_record linked(uint64_t seq, const struct hash *prev, const char *body) {
	struct journal_record r = { .seq = seq,
		.epoch = 3,
		.hlc = seq << 16,
		.wall = { -5 },
		.kind = JOURNAL_SET,
		.visibility = JOURNAL_PUBLIC,
		.class = JOURNAL_D2,
		.kind_name = "set",
		.entity = "core",
		.principal = "ada",
		.body = body,
		.body_bytes = (uint32_t)strlen(body),
		.prev = *prev };
	r.body_hash = hash_of(body, strlen(body));
	r.hash = record_hash(&r);
	return r;
}

/* Every column is under the hash: change each, and only the body may be missing. */
static void the_chain_notices_every_change(void) {
	struct hash zero = { { 0 } };
	struct journal_record a = linked(1, &zero, "one"), b = linked(2, &a.hash, "two"), c;
	CHECK(record_check(&a, 0, &zero) == 0 && record_check(&b, 1, &a.hash) == 0);
#define NOTICES(change)                                                                            \
	do {                                                                                       \
		c = b;                                                                             \
		change;                                                                            \
		CHECK(record_check(&c, 1, &a.hash) == -EBADMSG);                                   \
	} while (0)
	NOTICES(c.seq = 3);
	NOTICES(c.epoch++);
	NOTICES(c.hlc++);
	NOTICES(c.wall.ns++);
	NOTICES(c.entity[0] = 'x');
	NOTICES(c.principal[3] = 'x');
	NOTICES(c.visibility = JOURNAL_PRIVATE);
	NOTICES(c.class = JOURNAL_D1);
	NOTICES(c.kind_name[0] = 'g');
	NOTICES(c.body = "twa");
	NOTICES(c.body_bytes = 2);
	NOTICES(c.body_hash.bytes[0] ^= 1);
	NOTICES(c.prev.bytes[31] ^= 1);
	NOTICES(c.hash.bytes[5] ^= 1);
#undef NOTICES
	CHECK(record_check(&b, 0, &a.hash) == -EBADMSG && record_check(&b, 1, &zero) == -EBADMSG);
	c = b;
	c.erased = true;
	c.body = NULL;
	c.body_bytes = 0;
	CHECK(record_check(&c, 1, &a.hash) == 0);
}

/* The names that fill their room to the last byte fit into the header that is hashed. */
static void the_longest_header_fits(void) {
	struct journal_record r = { .seq = UINT64_MAX,
		.epoch = UINT64_MAX,
		.hlc = UINT64_MAX,
		.wall = { INT64_MIN },
		.visibility = JOURNAL_MACHINE,
		.class = JOURNAL_D1 };
	memset(r.entity, 'e', sizeof(r.entity) - 1);
	memset(r.principal, 'p', sizeof(r.principal) - 1);
	memset(r.kind_name, 'k', sizeof(r.kind_name) - 1);
	struct hash a = record_hash(&r), zero = { { 0 } };
	CHECK(!hash_equal(&a, &zero));
}

int main(void) {
	names_go_both_ways();
	private_things_are_seen_by_their_owner();
	the_hybrid_clock_only_grows();
	the_chain_notices_every_change();
	the_longest_header_fits();
	puts("record_test: ok");
}

/* newest_test.c - in whatever order facts stand, the newest comes out first, and none of a key that is skipped. */
#include "runtime/newest.h"

#include <stdio.h>
#include <stdlib.h>

static struct journal_state *s;
static struct newest n;
static uint32_t random_state = 1;

static uint32_t any(uint32_t below) {
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % below;
}

/* So many facts of keys that follow each other, in slots and with numbers of any order, some of them equal. */
static void furnish(unsigned count, unsigned keys) {
	s->fact_count = (uint16_t)count;
	for (unsigned i = 0; i < count; i++)
		s->fact_order[i] = (uint16_t)i;
	for (unsigned i = count; i > 1; i--) {
		unsigned k = any(i);
		uint16_t swap = s->fact_order[i - 1];
		s->fact_order[i - 1] = s->fact_order[k];
		s->fact_order[k] = swap;
	}
	for (unsigned i = 0; i < count; i++) {
		struct state_fact *f = &s->facts[s->fact_order[i]];
		snprintf(f->key, sizeof(f->key), "key %05u", i * keys / count);
		snprintf(f->source, sizeof(f->source), "%u", i);
		f->seq = 1 + any(2 * count);
	}
}

static void all_of_them(unsigned count) {
	const struct state_fact *f;
	uint64_t before = UINT64_MAX;
	unsigned taken = 0;
	furnish(count, count);
	newest_begin(&n, s);
	for (; (f = newest_take(&n)); taken++) {
		CHECK(f->seq <= before);
		before = f->seq;
	}
	CHECK(taken == count && !newest_take(&n));
}

/* Each key once, by its newest claim. */
static void each_key_once(unsigned count, unsigned keys) {
	const struct state_fact *f;
	unsigned taken = 0;
	furnish(count, keys);
	newest_begin(&n, s);
	for (; (f = newest_take(&n)); taken++) {
		unsigned first = newest_skip(&n, f->key);
		CHECK(strcmp(state_fact_at(s, first)->key, f->key) == 0);
		CHECK(first == 0 || strcmp(state_fact_at(s, first - 1)->key, f->key) != 0);
		for (unsigned i = first; i < count && strcmp(state_fact_at(s, i)->key, f->key) == 0; i++)
			CHECK(state_fact_at(s, i)->seq <= f->seq);
	}
	CHECK(taken == keys);
}

int main(void) {
	s = calloc(1, sizeof(*s));
	CHECK(s);
	state_init(s);
	for (unsigned count = 0; count < 70; count++)
		all_of_them(count);
	all_of_them(STATE_FACTS_MAX);
	each_key_once(1, 1);
	each_key_once(1000, 1);
	each_key_once(STATE_FACTS_MAX, 77);
	each_key_once(STATE_FACTS_MAX, STATE_FACTS_MAX);
	free(s);
	puts("newest_test: ok");
	return 0;
}

/* table_test.c - the table against a list that is searched from end to end, over random puts and
 * removals. */
#include "journal/table_priv.h"

#include <stdio.h>
#include <string.h>
#include "journal/journal_testing.h"

enum { MAX = 13, KEYS = 30 };

struct thing {
	int key;
	uint64_t seq, value;
};

static int compare(const void *ctx, const void *key, const void *item) {
	(void)ctx;
	const struct thing *a = key, *b = item;
	return (a->key > b->key) - (a->key < b->key);
}

static struct thing items[MAX], model[MAX];
static uint16_t order[MAX], count, model_count;
static const struct table table = { order, &count, items, sizeof(items[0]),
	offsetof(struct thing, seq), MAX, compare, NULL, NULL };

static struct thing *model_find(int key) {
	for (unsigned i = 0; i < model_count; i++)
		if (model[i].key == key)
			return &model[i];
	return NULL;
}

static void model_remove(struct thing *t) {
	*t = model[--model_count];
}

static bool model_put(int key, uint64_t seq, uint64_t value) {
	struct thing *t = model_find(key), *oldest = &model[0];
	bool full = !t && model_count == MAX;
	if (full) {
		for (unsigned i = 1; i < MAX; i++)
			if (model[i].seq < oldest->seq ||
					(model[i].seq == oldest->seq && model[i].key < oldest->key))
				oldest = &model[i];
		model_remove(oldest);
	}
	if (!t)
		t = &model[model_count++];
	*t = (struct thing){ key, seq, value };
	return full;
}

static void same_content(void) {
	CHECK(count == model_count);
	for (unsigned i = 0; i < count; i++) {
		const struct thing *t = &items[order[i]], *m = model_find(t->key);
		CHECK(order[i] < count && m && m->seq == t->seq && m->value == t->value);
		CHECK(i == 0 || items[order[i - 1]].key < t->key);
	}
}

int main(void) {
	uint64_t seed = 42, evictions = 0;
	for (uint64_t step = 1; step < 20000; step++) {
		struct thing key = { .key = (int)(testing_random(&seed) % KEYS) };
		if (testing_random(&seed) % 4 == 0) {
			struct thing *m = model_find(key.key);
			CHECK((table_find(&table, &key) != NULL) == (m != NULL));
			table_remove(&table, &key);
			if (m)
				model_remove(m);
		} else {
			bool evicted, known = model_find(key.key) != NULL;
			uint64_t seq = 1 + step / 3; /* several with the same one: the key decides
							who makes room */
			struct thing *t = table_put(&table, &key, &evicted);
			CHECK(known == (t->seq != 0)); /* a new one comes zeroed */
			*t = (struct thing){ key.key, seq, step };
			CHECK(model_put(key.key, seq, step) == evicted);
			evictions += evicted;
		}
		same_content();
	}
	CHECK(evictions > 1000);
	puts("table_test: ok");
}

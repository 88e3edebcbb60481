/* error_log.c - see error_log.h. */
#include "store/error_log.h"

#include <string.h>
#include "base/hash.h"
#include "base/utf8.h"
#include "store/word.h"

static uint64_t number_of(const char *kind) {
	struct hash h = hash_of(kind, strlen(kind));
	uint64_t n;
	memcpy(&n, h.bytes, sizeof(n));
	return n ? n : 1;
}

/* Whoever takes a free record says what it is; meanwhile others may count in it. */
static void say(struct layout_error *e, struct cdm_mono now, const char *text) {
	uint64_t words[LAYOUT_ERROR_TEXT / 8] = { 0 };
	memcpy(words, text, utf8_cut(text, strlen(text), LAYOUT_ERROR_TEXT - 1));
	for (unsigned i = 0; i < COUNT_OF(words); i++)
		word_poke(&e->text[i], words[i]);
	word_store(&e->first_ns, (uint64_t)now.ns);
}

/* The record of that kind, or a free one that is its own now; NULL: all are others'. */
static struct layout_error *find(const struct segment *own, uint64_t kind, bool *fresh) {
	struct layout_error *errors = segment_head(own)->errors;
	for (unsigned i = 0; i < LAYOUT_ERRORS; i++) {
		uint64_t is = 0;
		*fresh = __atomic_compare_exchange_n(&errors[i].kind, &is, kind, false, __ATOMIC_RELAXED,
				__ATOMIC_RELAXED);
		if (*fresh || is == kind)
			return &errors[i];
	}
	return NULL;
}

void error_note(const struct segment *own, struct cdm_mono now, const char *kind, const char *text) {
	bool fresh;
	if (!own->base || !own->writable)
		return;
	struct layout_error *e = find(own, number_of(kind), &fresh);
	if (!e) {
		counter_add(own, COUNTER_errors_untold, 1);
		return;
	}
	__atomic_fetch_add(&e->count, 1, __ATOMIC_RELAXED);
	word_poke(&e->last_ns, (uint64_t)now.ns);
	if (fresh)
		say(e, now, text);
}

bool error_get(const struct segment *s, unsigned i, struct error_record *out) {
	CHECK(i < LAYOUT_ERRORS);
	const struct layout_error *e = &segment_head(s)->errors[i];
	uint64_t words[LAYOUT_ERROR_TEXT / 8], first = word_load(&e->first_ns);
	if (first == 0)
		return false;
	*out = (struct error_record){ .count = word_peek(&e->count), .first = { (int64_t)first },
		.last = { (int64_t)word_peek(&e->last_ns) } };
	for (unsigned k = 0; k < COUNT_OF(words); k++)
		words[k] = word_peek(&e->text[k]);
	memcpy(out->text, words, sizeof(out->text));
	out->text[LAYOUT_ERROR_TEXT - 1] = 0;
	return true;
}

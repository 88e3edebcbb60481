/* words.c - see words.h. */
#include "memory/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include "base/utf8.h"

/*
 * What is registered; also the one tokenizer that all tables of the connection share: it keeps nothing between calls.
 */
struct words {
	fts5_tokenizer inner;
	Fts5Tokenizer *unicode61;
};

int words_is_dense(uint32_t c) {
	static const struct {
		uint32_t first, last;
	} ranges[] = { { 0x0e00, 0x0eff }, { 0x1000, 0x109f }, { 0x1780, 0x17ff }, { 0x2e80, 0x9fff }, { 0xa960,
			0xa97f },
		{ 0xac00, 0xd7ff }, { 0xf900, 0xfaff }, { 0xff66, 0xffdc }, { 0x20000, 0x3ffff } };
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return 1;
	return 0;
}

uint64_t words_hash(const char *word, size_t bytes) {
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < bytes; i++)
		h = (h ^ (unsigned char)word[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ (h >> 32);
}

/* ---- cutting ---- */

typedef int token_visit(void *user, int flags, const char *word, int bytes, int start, int end);

struct cut {
	void *user;
	token_visit *visit;
};

/* A run of dense characters in pairs; one alone as it is. */
static int cut_dense(const struct cut *c, const char *run, size_t bytes, int start, int end) {
	uint32_t code;
	size_t first = utf8_next(run, bytes, &code);
	if (first >= bytes)
		return c->visit(c->user, 0, run, (int)bytes, start, end);
	for (size_t at = 0; at + first < bytes;) {
		size_t second = utf8_next(run + at + first, bytes - at - first, &code);
		if (second == 0)
			break;
		int rc = c->visit(c->user, 0, run + at, (int)(first + second), start, end);
		if (rc)
			return rc;
		at += first;
		first = second;
	}
	return 0;
}

static int cut_plain(const struct cut *c, const char *run, size_t bytes, int start, int end) {
	return c->visit(c->user, 0, run, (int)utf8_cut(run, bytes, WORDS_BYTES_MAX), start, end);
}

/* How long the run of one sort is that begins here; broken bytes count as plain. */
static size_t run_of(const char *at, size_t bytes, bool *dense) {
	size_t n = 0;
	while (n < bytes) {
		uint32_t code = 0;
		size_t step = utf8_next(at + n, bytes - n, &code);
		bool is = step > 0 && words_is_dense(code);
		if (n == 0)
			*dense = is;
		else if (is != *dense)
			break;
		n += step ? step : 1;
	}
	return n;
}

static int cut_token(void *user, int flags, const char *word, int count, int start, int end) {
	const struct cut *c = user;
	(void)flags;
	for (size_t at = 0, bytes = (size_t)count; at < bytes;) {
		bool dense = false;
		size_t n = run_of(word + at, bytes - at, &dense);
		int rc = (dense ? cut_dense : cut_plain)(c, word + at, n, start, end);
		if (rc)
			return rc;
		at += n;
	}
	return SQLITE_OK;
}

static int tokenize(Fts5Tokenizer *self, void *user, int flags, const char *text, int bytes, token_visit *visit) {
	struct words *w = (struct words *)self;
	struct cut c = { user, visit };
	return w->inner.xTokenize(w->unicode61, &c, flags, text, bytes, cut_token);
}

/* ---- the tokenizer as FTS5 wants it ---- */

static int create(void *context, const char **args, int count, Fts5Tokenizer **out) {
	(void)args;
	(void)count;
	*out = context;
	return SQLITE_OK;
}

static void forget(Fts5Tokenizer *t) {
	(void)t;
}

static void destroy(void *context) {
	struct words *w = context;
	if (w->unicode61)
		w->inner.xDelete(w->unicode61);
	free(w);
}

static fts5_api *find_api(sqlite3 *sql) {
	fts5_api *api = NULL;
	sqlite3_stmt *s = NULL;
	if (sqlite3_prepare_v2(sql, "SELECT fts5(?1)", -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_pointer(s, 1, (void *)&api, "fts5_api_ptr", NULL);
		(void)sqlite3_step(s);
	}
	sqlite3_finalize(s);
	return api;
}

int words_register(sqlite3 *sql, struct words **out) {
	static const char *args[] = { "remove_diacritics", "2" };
	void *context = NULL;
	fts5_tokenizer own = { create, forget, tokenize };
	fts5_api *api = find_api(sql);
	struct words *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	if (!api || api->xFindTokenizer(api, "unicode61", &context, &w->inner) != SQLITE_OK) {
		free(w);
		return -ENOTSUP;
	}
	if (w->inner.xCreate(context, args, COUNT_OF(args), &w->unicode61) != SQLITE_OK) {
		w->unicode61 = NULL;
		destroy(w);
		return -ENOMEM;
	}
	if (api->xCreateTokenizer(api, "cadmus", w, &own, destroy) != SQLITE_OK)
		return -ENOMEM; /* SQLite's own list: it has called destroy(), or leaks some bytes */
	*out = w;
	return 0;
}

/* ---- for callers ---- */

struct walk {
	words_visit *visit;
	void *user;
};

static int pass_on(void *user, int flags, const char *word, int bytes, int start, int end) {
	const struct walk *k = user;
	(void)flags;
	(void)start;
	(void)end;
	return bytes > 0 ? k->visit(k->user, word, (size_t)bytes) : 0;
}

int words_each(struct words *w, const char *text, size_t bytes, words_visit *visit, void *user) {
	struct walk k = { visit, user };
	return tokenize((Fts5Tokenizer *)w, &k, FTS5_TOKENIZE_AUX, text, (int)bytes, pass_on);
}

/* fill.c - records of the journal into the index: passages, words, vectors, and what is taken out again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "memory/bag_priv.h"
#include "memory/memory_priv.h"
#include "memory/vector.h"

static int note_change(struct memory *m, int64_t id, bool live, bool erased) {
	struct memory_change *more = array_grow(m->changes, m->change_count, &m->change_room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->changes = more;
	m->changes[m->change_count++] = (struct memory_change){ id, live, erased };
	return 0;
}

/* ---- words of a passage ---- */

static void count_words(struct memory *m, const void *bag, int bytes, int sign) {
	uint64_t words = bag_length(bag, bytes);
	m->index.at.live += sign > 0 ? 1 : m->index.at.live ? (uint64_t)-1 : 0;
	m->index.at.words = sign > 0 ? m->index.at.words + words :
			m->index.at.words > words ? m->index.at.words - words : 0;
}

static int put_text(struct memory *m, enum index_query q, int64_t id, const char *text, int bytes) {
	sqlite3_stmt *s = index_query(&m->index, q);
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_text(s, 2, text, bytes, SQLITE_TRANSIENT);
	return index_run(&m->index, s);
}

static int set_live(struct memory *m, int64_t id, int live) {
	sqlite3_stmt *s = index_query(&m->index, INDEX_SET_LIVE);
	sqlite3_bind_int(s, 1, live);
	sqlite3_bind_int64(s, 2, id);
	return index_run(&m->index, s);
}

/* ---- claims: of a source one stands, as in the fold (journal/state.c) ---- */

struct claim_name {
	char key[BODY_KEY_MAX + 1], principal[CDM_NAME_MAX], speaker[CDM_NAME_MAX];
};

struct standing {
	int64_t id, when_ns; /* id 0: none stands */
};

static bool is_overtaken(const struct standing *by, bool dated, int64_t when_ns) {
	return by->id && dated && when_ns < by->when_ns;
}

static sqlite3_stmt *query_claims(struct memory *m, enum index_query q, const struct claim_name *name) {
	sqlite3_stmt *s = index_query(&m->index, q);
	sqlite3_bind_text(s, 1, name->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, name->principal, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, name->speaker, -1, SQLITE_STATIC);
	return s;
}

/* After the last row of a query: 0, or what went wrong. */
static int end_rows(struct memory *m, sqlite3_stmt *s, int step) {
	int rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(&m->index);
	sqlite3_reset(s);
	return rc;
}

/* The claim of that name that stands in the index. */
static int find_standing(struct memory *m, const struct claim_name *name, struct standing *out) {
	sqlite3_stmt *s = query_claims(m, INDEX_STANDING, name);
	int step = sqlite3_step(s);
	*out = (struct standing){ .id = 0 };
	if (step == SQLITE_ROW)
		*out = (struct standing){ sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1) };
	return end_rows(m, s, step);
}

/* The one that has to stand, by all that are there. */
static int work_out_standing(struct memory *m, const struct claim_name *name, struct standing *out) {
	sqlite3_stmt *s = query_claims(m, INDEX_CLAIMS, name);
	int step;
	*out = (struct standing){ .id = 0 };
	while ((step = sqlite3_step(s)) == SQLITE_ROW) {
		struct standing next = { sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1) };
		if (is_overtaken(out, sqlite3_column_int(s, 2) != 0, next.when_ns))
			continue;
		*out = sqlite3_column_int(s, 3) ? (struct standing){ .id = 0 } : next;
	}
	return end_rows(m, s, step);
}

/* A claim begins, or ends, to stand. */
static int turn(struct memory *m, int64_t id, bool live) {
	sqlite3_stmt *s = index_query(&m->index, INDEX_WORDS_OF);
	sqlite3_bind_int64(s, 1, id);
	int step = sqlite3_step(s), rc = step == SQLITE_ROW ? 0 : -EBADMSG;
	if (rc == 0) {
		count_words(m, sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1), live ? 1 : -1);
		rc = put_text(m, live ? INDEX_ADD_WORDS : INDEX_DROP_WORDS, id,
				(const char *)sqlite3_column_text(s, 0), sqlite3_column_bytes(s, 0));
	}
	int ended = end_rows(m, s, step);
	rc = ended < 0 ? ended : rc < 0 ? rc : set_live(m, id, live);
	return rc < 0 ? rc : note_change(m, id, live, false);
}

static int stand_again(struct memory *m, const struct claim_name *name) {
	struct standing is, should;
	int rc = find_standing(m, name, &is);
	rc = rc < 0 ? rc : work_out_standing(m, name, &should);
	if (rc < 0 || is.id == should.id)
		return rc;
	rc = is.id ? turn(m, is.id, false) : 0;
	return rc == 0 && should.id ? turn(m, should.id, true) : rc;
}

static void name_claim(struct claim_name *n, const char *key, const char *principal, const char *speaker) {
	memset(n, 0, sizeof(*n));
	strncpy(n->key, key ? key : "", sizeof(n->key) - 1);
	strncpy(n->principal, principal ? principal : "", sizeof(n->principal) - 1);
	strncpy(n->speaker, speaker ? speaker : "", sizeof(n->speaker) - 1);
}

/* ---- adding ---- */

struct adding {
	struct memory *m;
	struct hash identity;
	bool first;
};

/* Of what was said in a turn, without the line's end that stands between that and the answer; 0: nothing was. */
static uint32_t asked_tag(const struct passage *p) {
	size_t n = p->kind == PASSAGE_TURN ? p->first : 0;
	n -= n > 0 && p->text[n - 1] == '\n';
	return n ? (uint32_t)words_hash(p->text, n) | 1 : 0;
}

static void bind_passage(sqlite3_stmt *s, int64_t id, const struct passage *p, bool live) {
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_int64(s, 2, (int64_t)p->seq);
	sqlite3_bind_int64(s, 3, p->claim);
	sqlite3_bind_int64(s, 4, p->part);
	sqlite3_bind_int(s, 5, p->kind);
	sqlite3_bind_int(s, 6, live);
	sqlite3_bind_int64(s, 7, p->when.ns);
	sqlite3_bind_int64(s, 8, p->trust_ppm);
	sqlite3_bind_int(s, 9, p->visibility);
	sqlite3_bind_text(s, 10, p->principal, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 11, p->speaker, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 12, p->model, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 13, p->session, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 14, p->key, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 17, p->taken_back);
	sqlite3_bind_int64(s, 18, asked_tag(p));
	sqlite3_bind_int64(s, 19, (int64_t)(words_hash(p->text, p->bytes) | 1));
	sqlite3_bind_int(s, 20, p->dated);
}

/* What its source claimed until now ends to stand, unless this one is late.  Does this one stand? */
static int make_place(struct memory *m, const struct passage *p, bool *stands) {
	struct claim_name name;
	struct standing until_now;
	*stands = !p->taken_back;
	if (p->kind != PASSAGE_CLAIM)
		return 0;
	name_claim(&name, p->key, p->principal, p->speaker);
	int rc = find_standing(m, &name, &until_now);
	if (rc == 0 && is_overtaken(&until_now, p->dated, p->when.ns))
		*stands = false;
	else if (rc == 0 && until_now.id)
		rc = turn(m, until_now.id, false);
	return rc;
}

static int add_passage(void *user, const struct passage *p) {
	struct adding *a = user;
	struct memory *m = a->m;
	struct bag bag;
	bool stands;
	int rc = make_place(m, p, &stands);
	if (rc >= 0)
		rc = bag_of(&bag, m->index.words, p->text, p->bytes);
	if (rc < 0)
		return rc;
	int64_t id = m->index.at.next++;
	sqlite3_stmt *s = index_query(&m->index, INDEX_ADD);
	bind_passage(s, id, p, stands);
	if (a->first)
		sqlite3_bind_blob(s, 15, a->identity.bytes, HASH_BYTES, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, 15);
	sqlite3_bind_blob(s, 16, bag.at, bag_bytes(&bag), SQLITE_STATIC);
	a->first = false;
	rc = index_run(&m->index, s);
	if (rc == 0)
		rc = put_text(m, INDEX_ADD_TEXT, id, p->text, (int)p->bytes);
	if (rc < 0 || !stands)
		return rc;
	count_words(m, bag.at, bag_bytes(&bag), 1);
	return put_text(m, INDEX_ADD_WORDS, id, p->text, (int)p->bytes);
}

/* A turn that is there already was told twice: a retry, or imported again.  A claim told again stands again. */
static int add_record(struct memory *m, const struct journal_record *r) {
	struct adding a = { .m = m, .first = true };
	uint64_t known = 0;
	int rc = passage_identity(r, &a.identity);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && r->kind == JOURNAL_TURN)
		rc = index_known(&m->index, &a.identity, &known);
	return rc < 0 || known ? rc : passage_each(r, add_passage, &a);
}

/* ---- vectors ---- */

static int write_block(struct memory *m) {
	if (m->block_at < 0)
		return 0;
	sqlite3_stmt *s = index_query(&m->index, INDEX_BLOCK_WRITE);
	sqlite3_bind_int64(s, 1, m->block_at);
	sqlite3_bind_blob(s, 2, m->block, (int)(INDEX_BLOCK * m->shelf.dims), SQLITE_STATIC);
	return index_run(&m->index, s);
}

static int read_block(struct memory *m, int64_t block) {
	size_t bytes = INDEX_BLOCK * m->shelf.dims;
	sqlite3_stmt *s = index_query(&m->index, INDEX_BLOCK_READ);
	sqlite3_bind_int64(s, 1, block);
	int step = sqlite3_step(s), rc = 0;
	if (step == SQLITE_ROW && sqlite3_column_bytes(s, 0) == (int)bytes)
		memcpy(m->block, sqlite3_column_blob(s, 0), bytes);
	else if (step == SQLITE_DONE)
		memset(m->block, 0, bytes);
	else
		rc = step == SQLITE_ROW ? -EBADMSG : index_error(&m->index);
	sqlite3_reset(s);
	m->block_at = block;
	return rc;
}

/* Write the blocks before `block`, and have that one. */
static int go_to_block(struct memory *m, int64_t block) {
	int rc = m->block_at < 0 ? read_block(m, block) : 0;
	while (rc == 0 && m->block_at < block) {
		rc = write_block(m);
		if (rc == 0)
			rc = read_block(m, m->block_at + 1);
	}
	return rc;
}

static int add_hashed(void *user, const char *word, size_t bytes) {
	vector_add_word(user, word, bytes, VECTOR_WEIGHT);
	return 0;
}

int fill_vector_of(struct memory *m, const char *text, size_t bytes, int8_t *out) {
	int32_t sums[VECTOR_DIMS] = { 0 };
	if (!m->embedder.embed) {
		int rc = words_each(m->index.words, text, bytes, add_hashed, sums);
		vector_of_sums(sums, VECTOR_DIMS, out);
		return rc == 0 ? 0 : -ENOMEM;
	}
	int rc = m->embedder.embed(m->embedder.user, text, bytes, m->floats);
	if (rc == 0)
		vector_of_floats(m->floats, m->shelf.dims, out);
	else
		memset(out, 0, m->shelf.dims);
	return rc == -EAGAIN ? -EAGAIN : 0;
}

static int vector_of_row(struct memory *m, sqlite3_stmt *row) {
	int64_t id = sqlite3_column_int64(row, 0);
	int rc = go_to_block(m, id / INDEX_BLOCK);
	const char *text = (const char *)sqlite3_column_text(row, 1);
	int8_t *out = m->block + (size_t)(id % INDEX_BLOCK) * m->shelf.dims;
	if (rc == 0)
		rc = fill_vector_of(m, text ? text : "", (size_t)sqlite3_column_bytes(row, 1), out);
	if (rc == 0)
		m->index.at.vectors = id + 1;
	return rc;
}

/* Those behind one that has to wait, so that the embedder knows of them. */
static int look_ahead(struct memory *m, sqlite3_stmt *row) {
	int step = SQLITE_ROW;
	for (unsigned i = 1; i < MEMORY_AHEAD && (step = sqlite3_step(row)) == SQLITE_ROW; i++) {
		const char *text = (const char *)sqlite3_column_text(row, 1);
		size_t bytes = (size_t)sqlite3_column_bytes(row, 1);
		(void)m->embedder.embed(m->embedder.user, text ? text : "", bytes, m->floats);
	}
	return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(&m->index);
}

/* A model's vectors cost much, and those for which the shelf has no room are of no use. */
static int64_t first_without(const struct memory *m) {
	const struct index_position *at = &m->index.at;
	int64_t oldest = at->next - (int64_t)m->shelf.room;
	return m->embedder.embed && at->vectors < oldest ? oldest : at->vectors;
}

int fill_vectors(struct memory *m, unsigned limit) {
	sqlite3_stmt *row = index_query(&m->index, INDEX_TEXTS);
	int step = SQLITE_DONE, rc = 0;
	unsigned made = 0;
	m->block_at = -1;
	m->index.at.vectors = first_without(m);
	sqlite3_bind_int64(row, 1, m->index.at.vectors);
	sqlite3_bind_int64(row, 2, limit);
	while (rc == 0 && (step = sqlite3_step(row)) == SQLITE_ROW) {
		rc = vector_of_row(m, row);
		made += rc == 0;
	}
	bool waits = rc == -EAGAIN;
	if (waits)
		rc = look_ahead(m, row);
	else if (rc == 0 && step != SQLITE_DONE)
		rc = index_error(&m->index);
	sqlite3_reset(row);
	if (rc == 0 && !waits && made < limit) { /* behind the last passage there may be holes */
		m->index.at.vectors = m->index.at.next;
		rc = made ? go_to_block(m, (m->index.at.next - 1) / INDEX_BLOCK) : 0;
	}
	if (rc == 0 && (made || !waits))
		rc = write_block(m);
	return rc < 0 ? rc : (int)made;
}

static int clear_vector(struct memory *m, int64_t id) {
	if (id >= m->index.at.vectors)
		return 0;
	int rc = read_block(m, id / INDEX_BLOCK);
	memset(m->block + (size_t)(id % INDEX_BLOCK) * m->shelf.dims, 0, m->shelf.dims);
	return rc < 0 ? rc : write_block(m);
}

/* ---- taking out ---- */

/* Let one passage of the record go: 1, or 0: there is none any more.  Its name is kept if it was a claim. */
static int drop_one(struct memory *m, uint64_t seq, struct claim_name *name, bool *was_claim) {
	sqlite3_stmt *s = index_query(&m->index, INDEX_OF_SEQ);
	sqlite3_bind_int64(s, 1, (int64_t)seq);
	int step = sqlite3_step(s), rc = 0;
	int64_t id = step == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
	if (step == SQLITE_ROW && sqlite3_column_int(s, 1)) {
		count_words(m, sqlite3_column_blob(s, 3), sqlite3_column_bytes(s, 3), -1);
		rc = put_text(m, INDEX_DROP_WORDS, id, (const char *)sqlite3_column_text(s, 2),
				sqlite3_column_bytes(s, 2));
	}
	*was_claim = step == SQLITE_ROW && sqlite3_column_int(s, 4) == PASSAGE_CLAIM;
	if (*was_claim)
		name_claim(name, (const char *)sqlite3_column_text(s, 5), (const char *)sqlite3_column_text(s, 6),
				(const char *)sqlite3_column_text(s, 7));
	sqlite3_reset(s);
	if (step != SQLITE_ROW)
		return step == SQLITE_DONE ? 0 : index_error(&m->index);
	for (enum index_query q = INDEX_DROP; q <= INDEX_DROP_TEXT && rc == 0; q++) {
		sqlite3_bind_int64(index_query(&m->index, q), 1, id);
		rc = index_run(&m->index, index_query(&m->index, q));
	}
	rc = rc < 0 ? rc : clear_vector(m, id);
	rc = rc < 0 ? rc : note_change(m, id, false, true);
	return rc < 0 ? rc : 1;
}

static int drop_record(struct memory *m, uint64_t seq) {
	struct claim_name names[BODY_FACTS_MAX];
	unsigned count = 0;
	bool was_claim = false;
	int rc = 1;
	while (rc == 1) {
		struct claim_name name;
		rc = drop_one(m, seq, &name, &was_claim);
		m->erased = m->erased || rc == 1;
		if (rc == 1 && was_claim && count < COUNT_OF(names))
			names[count++] = name;
	}
	for (unsigned i = 0; i < count && rc == 0; i++) /* what its source said before stands again */
		rc = stand_again(m, &names[i]);
	return rc;
}

static int erase(struct memory *m, const struct journal_record *r) {
	struct body_erase b;
	if (r->erased || body_parse_erase(r->body, r->body_bytes, &b) < 0)
		return 0;
	return drop_record(m, b.seq);
}

/* ---- what a compaction let go ---- */

/* The records of the index up to there, and how far the walk over the journal has found them. */
struct present {
	struct memory *m;
	uint64_t at; /* the lowest seq that was not looked for yet */
	uint64_t upto;
	int rc;
};

/* Drop all from `p->at` up to before `end`. */
static int drop_before(struct present *p, uint64_t end) {
	while (p->rc == 0 && p->at < end) {
		sqlite3_stmt *s = index_query(&p->m->index, INDEX_SEQ_FROM);
		sqlite3_bind_int64(s, 1, (int64_t)p->at);
		int step = sqlite3_step(s);
		uint64_t seq = step == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : UINT64_MAX;
		sqlite3_reset(s);
		p->rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(&p->m->index);
		if (seq >= end)
			break;
		if (p->rc == 0)
			p->rc = drop_record(p->m, seq);
		p->at = seq + 1;
	}
	return p->rc;
}

static int look_for(void *user, const struct journal_record *r) {
	struct present *p = user;
	if (drop_before(p, r->seq) < 0)
		return 1;
	p->at = r->seq + 1;
	return r->seq > p->upto;
}

static int compact(struct memory *m, const struct journal_record *r) {
	struct body_compact b;
	if (r->erased || body_parse_compact(r->body, r->body_bytes, &b) < 0 || b.removed == 0 || b.upto >= r->seq)
		return 0;
	struct present p = { .m = m, .at = 1, .upto = b.upto };
	int rc = journal_each(m->reader, 1, 0, look_for, &p);
	return rc < 0 ? 0 : p.rc; /* a journal that cannot be read: the walk that brought us here says so */
}

int fill_record(struct memory *m, const struct journal_record *r) {
	int rc = 0;
	bool says = r->kind == JOURNAL_TURN || r->kind == JOURNAL_FACT;
	if (says && record_is_whole(r)) /* what nobody wrote was not told */
		rc = add_record(m, r);
	else if (r->kind == JOURNAL_ERASE)
		rc = erase(m, r);
	else if (r->kind == JOURNAL_COMPACT)
		rc = compact(m, r);
	if (rc < 0)
		return rc;
	m->index.at.upto = r->seq;
	m->index.at.hash = r->hash;
	return 0;
}

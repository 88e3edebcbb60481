/*
 * search.c - from a question to hits.
 *
 * Its words, each by itself, give the newest passages that have them (some hundred a word, whatever there are); its
 * vector gives those that are nearest among all on the shelf.  Of the union the most promising are read from the
 * index and scored exactly; what wins is read from the journal.  So what a search costs is bounded by the numbers
 * below, and by one pass over the vectors.
 *
 * How many passages have a word is counted where they are few; where they are many, it is estimated from how far
 * back the newest of them reach.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "base/utf8.h"
#include "memory/bag_priv.h"
#include "memory/memory_priv.h"
#include "memory/vector.h"
#include "sem/decay.h"
#include "sem/weight.h"

enum {
	PER_WORD = 256,      /* passages that one word proposes, at most */
	PER_WORD_LEAST = 64, /* ... where there are many words */
	PER_QUESTION = 1024, /* ... that share these */
	STEPS_PER_WORD = 1024, /* ... among so many that it looks at, as some may not be shown */
	STEPS = 6144,        /* ... of all words together */
	COMMON = 32,         /* steps after which a quick search leaves a word that most of the newest have */
	TABLE = 4096,        /* room for what words propose: a power of two, twice as much as there can be */
	BY_WORDS = 192,      /* proposed by words that are read, the most promising */
	BY_SIGNS = 512,      /* proposed by the signs of vectors: those are multiplied out */
	BY_VECTOR = 64,      /* ... and the nearest of them read */
	QUICK = 4,           /* a quick search has a quarter of all these */
};

struct word {
	uint32_t tag;
	uint32_t bytes;
	double weight;
	char text[WORDS_BYTES_MAX];
};

struct proposal {
	int64_t id; /* 0: none */
	double promise;
};

/* Who said what: of the same words of one, one passage is proposed. */
struct saying {
	uint64_t what; /* 0: nothing */
	uint32_t who;
	int64_t id;
};

struct ranked {
	struct score score;
	uint64_t seq;
	uint32_t claim, part;
	uint32_t asked; /* a hash of what was said in a turn; 0: nothing was */
	uint8_t kind;
};

struct search {
	struct word words[MEMORY_QUESTION_WORDS_MAX];
	unsigned word_count;
	double weight; /* of all words */
	unsigned fewer; /* by so much the numbers above are divided */
	unsigned steps, per_word;
	struct proposal table[TABLE];
	struct saying sayings[TABLE];
	unsigned saying_count;
	/* heaps, the least promising first */
	struct proposal by_words[BY_WORDS], by_signs[BY_SIGNS], by_vector[BY_VECTOR];
	unsigned by_words_count, by_signs_count, by_vector_count;
	struct ranked ranked[BY_WORDS + BY_VECTOR];
	struct weight_candidate asks[BY_WORDS + BY_VECTOR]; /* the same, for attention */
	unsigned ranked_count;
	int8_t vector[VECTOR_DIMS_MAX];
	struct vector_probe probe;
	float inverse_length; /* 0: the question has no vector */
	bool *may_see;        /* by owner: what is private of that one */
	size_t may_see_room;
	/* of the question */
	const struct memory_query *q;
	const struct score_weights *weights;
	struct cdm_wall now;
	uint32_t session;
	unsigned kinds;
};

void search_free(struct search **s) {
	if (*s)
		free((*s)->may_see);
	free(*s);
	*s = NULL;
}

_Static_assert(TABLE >= 2 * PER_QUESTION && TABLE >= 2 * PER_WORD_LEAST * MEMORY_QUESTION_WORDS_MAX, "it never fills");

/* ---- what may be shown at all ---- */

static bool fits(const struct search *s, const struct shelf_slot *slot) {
	if (!slot->live || !(s->kinds >> slot->kind & 1) || (s->session && slot->session != s->session))
		return false;
	return !s->q->asker || slot->visibility != JOURNAL_PRIVATE || s->may_see[slot->owner];
}

/* The passage that was proposed in which the same one says the same, else this one, which is that from now on. */
static int64_t said_in(struct search *s, int64_t id, const struct shelf_slot *slot) {
	if (!s->q->distinct || slot->kind != PASSAGE_TURN)
		return id;
	size_t at = (size_t)((slot->whole + slot->owner) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TABLE;
	while (s->sayings[at].what && (s->sayings[at].what != slot->whole || s->sayings[at].who != slot->owner))
		at = (at + 1) % TABLE;
	if (s->sayings[at].what)
		return s->sayings[at].id;
	if (s->saying_count < TABLE / 2) { /* more are heard, and take the place of others */
		s->sayings[at] = (struct saying){ slot->whole, slot->owner, id };
		s->saying_count++;
	}
	return id;
}

static int look_at_owners(struct search *s, const struct shelf *shelf) {
	for (size_t i = 0; i < shelf->owner_count; i++) {
		bool *more = array_grow(s->may_see, i, &s->may_see_room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->may_see = more;
		s->may_see[i] = hit_is_seen(s->q->asker, shelf->owners[i], JOURNAL_PRIVATE);
	}
	return 0;
}

/* ---- the words of the question ---- */

static int take_word(void *user, const char *text, size_t bytes) {
	struct search *s = user;
	uint32_t tag = bag_tag(text, bytes);
	for (unsigned i = 0; i < s->word_count; i++)
		if (s->words[i].tag == tag)
			return 0;
	if (s->word_count == MEMORY_QUESTION_WORDS_MAX || bytes > WORDS_BYTES_MAX)
		return 0;
	struct word *w = &s->words[s->word_count++];
	*w = (struct word){ .tag = tag, .bytes = (uint32_t)bytes };
	memcpy(w->text, text, bytes);
	return 0;
}

static int take_words(struct search *s, struct words *tokens) {
	const char *text = s->q->text ? s->q->text : "";
	size_t bytes = s->q->bytes ? s->q->bytes : strlen(text);
	s->word_count = 0;
	return words_each(tokens, text, utf8_cut(text, bytes, MEMORY_QUESTION_MAX), take_word, s) ? -ENOMEM : 0;
}

/* ---- heaps of proposals ---- */

static bool is_less(const struct proposal *a, const struct proposal *b) {
	return a->promise < b->promise || (a->promise == b->promise && a->id < b->id);
}

static void sink(struct proposal *heap, unsigned count, unsigned at) {
	for (;;) {
		unsigned least = at, left = 2 * at + 1;
		for (unsigned c = left; c < left + 2 && c < count; c++)
			least = is_less(&heap[c], &heap[least]) ? c : least;
		if (least == at)
			return;
		struct proposal p = heap[at];
		heap[at] = heap[least];
		heap[least] = p;
		at = least;
	}
}

static void keep_best(struct proposal *heap, unsigned *count, unsigned room, struct proposal p) {
	if (*count == room) {
		if (!is_less(&heap[0], &p))
			return;
		heap[0] = p;
		sink(heap, room, 0);
		return;
	}
	unsigned at = (*count)++;
	heap[at] = p;
	while (at > 0 && is_less(&heap[at], &heap[(at - 1) / 2])) {
		struct proposal up = heap[(at - 1) / 2];
		heap[(at - 1) / 2] = heap[at];
		heap[at] = up;
		at = (at - 1) / 2;
	}
}

/* ---- proposed by words ---- */

static struct proposal *find(struct search *s, int64_t id) {
	size_t at = (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TABLE;
	while (s->table[at].id && s->table[at].id != id)
		at = (at + 1) % TABLE;
	return &s->table[at];
}

/* The word as FTS5 takes a text for what it is: in quotes. */
static void bind_word(sqlite3_stmt *probe, const struct word *w) {
	char quoted[2 * WORDS_BYTES_MAX + 2];
	int n = 0;
	quoted[n++] = '"';
	for (uint32_t i = 0; i < w->bytes; i++) {
		if (w->text[i] == '"')
			quoted[n++] = '"';
		quoted[n++] = w->text[i];
	}
	quoted[n++] = '"';
	sqlite3_bind_text(probe, 1, quoted, n, SQLITE_TRANSIENT);
}

/* Was the word looked for long enough?  Of the newest `reach` passages `steps` have it, `count` are proposed. */
static bool is_enough(const struct search *s, int64_t reach, unsigned steps, unsigned count) {
	bool common = s->q->quick && steps >= COMMON && count >= COMMON / 2 && reach < 2 * (int64_t)steps;
	return count >= s->per_word || common || steps >= STEPS_PER_WORD / s->fewer || s->steps >= STEPS / s->fewer;
}

/* The newest passages that have a word, as far as they were looked for. */
struct probe {
	const struct word *word;
	int64_t ids[PER_WORD]; /* of those that are proposed */
	unsigned count, steps;
	int64_t at; /* the oldest of them all */
	bool ended; /* there is none before that */
};

static bool has_enough(const struct memory *m, const struct search *s, const struct probe *p) {
	return is_enough(s, m->index.at.next - p->at, p->steps, p->count);
}

/* Those that are not on the shelf are looked at when they are read. */
static void meet(struct memory *m, struct search *s, struct probe *p, int64_t id) {
	const struct shelf_slot *slot = shelf_slot(&m->shelf, id);
	if (!slot || (fits(s, slot) && said_in(s, id, slot) == id))
		p->ids[p->count++] = id;
	p->at = id;
	p->steps++;
	s->steps++;
}

/* Among the newest, whose words are in memory; where they end, the full text goes on: it has those that are live. */
static int64_t probe_recent(struct memory *m, struct search *s, struct probe *p) {
	const struct recent *r = &m->shelf.recent;
	int64_t first = r->first > m->shelf.first ? r->first : m->shelf.first, id = r->end;
	if (r->first == r->end)
		return m->index.at.next;
	while (id > first && !has_enough(m, s, p)) {
		id--;
		if (shelf_slot(&m->shelf, id)->live && recent_has(r, id, p->word->tag))
			meet(m, s, p, id);
	}
	return id;
}

static int probe_full_text(struct memory *m, struct search *s, struct probe *p, int64_t before) {
	sqlite3_stmt *probe = index_query(&m->index, INDEX_PROBE);
	int step = SQLITE_ROW, rc = 0;
	bind_word(probe, p->word);
	sqlite3_bind_int64(probe, 2, before);
	while (!has_enough(m, s, p) && (step = sqlite3_step(probe)) == SQLITE_ROW)
		meet(m, s, p, sqlite3_column_int64(probe, 0));
	p->ended = step == SQLITE_DONE;
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		rc = index_error(&m->index);
	sqlite3_reset(probe);
	return rc;
}

static int probe_word(struct memory *m, struct search *s, struct word *w, struct probe *p) {
	const struct index_position *at = &m->index.at;
	p->word = w;
	p->count = p->steps = 0;
	p->at = at->next;
	p->ended = false;
	int64_t before = probe_recent(m, s, p);
	int rc = has_enough(m, s, p) ? 0 : probe_full_text(m, s, p, before);
	double reach = (double)(at->next - p->at), with = p->steps;
	if (!p->ended && reach > 0)
		with = p->steps * ((double)at->next / reach);
	w->weight = score_word_weight(with, (double)at->live);
	return rc;
}

static int propose_by_words(struct memory *m, struct search *s) {
	struct probe probe;
	int rc = 0;
	memset(s->table, 0, sizeof(s->table));
	s->steps = 0;
	s->weight = 0;
	s->per_word = PER_QUESTION / (s->word_count ? s->word_count : 1);
	s->per_word = s->per_word > PER_WORD ? PER_WORD : s->per_word < PER_WORD_LEAST ? PER_WORD_LEAST : s->per_word;
	s->per_word /= s->fewer;
	for (unsigned i = 0; i < s->word_count && rc == 0; i++) {
		rc = probe_word(m, s, &s->words[i], &probe);
		for (unsigned k = 0; k < probe.count; k++) {
			struct proposal *p = find(s, probe.ids[k]);
			p->id = probe.ids[k];
			p->promise += s->words[i].weight;
		}
		s->weight += s->words[i].weight;
	}
	for (size_t i = 0; i < TABLE && s->word_count; i++)
		if (s->table[i].id)
			keep_best(s->by_words, &s->by_words_count, BY_WORDS / s->fewer, s->table[i]);
	return rc;
}

/* Without a question: what is newest. */
static void propose_newest(struct memory *m, struct search *s) {
	for (size_t i = m->shelf.count; i-- > 0 && s->by_words_count < BY_WORDS / s->fewer;) {
		int64_t id = m->shelf.first + (int64_t)i;
		if (fits(s, &m->shelf.slots[i]) && said_in(s, id, &m->shelf.slots[i]) == id)
			s->by_words[s->by_words_count++] = (struct proposal){ id, 0 };
	}
}

/* ---- proposed by the vector ---- */

static void vector_of_words(struct search *s) {
	int32_t sums[VECTOR_DIMS] = { 0 };
	double most = 0;
	for (unsigned i = 0; i < s->word_count; i++)
		most = s->words[i].weight > most ? s->words[i].weight : most;
	for (unsigned i = 0; i < s->word_count; i++) {
		const struct word *w = &s->words[i];
		double share = most > 0 ? w->weight / most : 1;
		vector_add_word(sums, w->text, w->bytes, (int32_t)(share * 4 * VECTOR_WEIGHT));
	}
	vector_of_sums(sums, VECTOR_DIMS, s->vector);
}

static int take_vector(struct memory *m, struct search *s) {
	const char *text = s->q->text ? s->q->text : "";
	size_t bytes = s->q->bytes ? s->q->bytes : strlen(text);
	s->inverse_length = 0;
	if (s->word_count == 0)
		return 0;
	if (!m->embedder.embed)
		vector_of_words(s);
	else if (fill_vector_of(m, text, utf8_cut(text, bytes, MEMORY_QUESTION_MAX), s->vector) == -EAGAIN)
		return 0;
	s->inverse_length = vector_inverse_length(s->vector, m->shelf.dims);
	return 0;
}

static double nearness(const struct memory *m, const struct search *s, const struct shelf_slot *slot, int32_t dot) {
	double cosine = (double)dot * (double)s->inverse_length * (double)slot->inverse_length;
	return (cosine - m->embedder.floor) / (1 - m->embedder.floor);
}

static double nearness_of(const struct memory *m, const struct search *s, const struct shelf_slot *slot) {
	if (s->inverse_length <= 0)
		return 0;
	return nearness(m, s, slot, vector_dot(s->vector, shelf_vector(&m->shelf, slot), m->shelf.dims));
}

static double recency(const struct search *s, int64_t when_ns) {
	return decay_factor(s->now.ns - when_ns, s->weights->half_life_ns);
}

/* The most promising by the signs alone, the newest first. */
static void propose_by_signs(struct memory *m, struct search *s) {
	int16_t sums[VECTOR_LANES];
	const struct shelf *shelf = &m->shelf;
	unsigned room = BY_SIGNS / s->fewer;
	vector_probe_of(&s->probe, s->vector, shelf->dims);
	for (size_t group = (shelf->count + VECTOR_LANES - 1) / VECTOR_LANES; group-- > 0;) {
		size_t at = group * VECTOR_LANES;
		size_t n = shelf->count - at < VECTOR_LANES ? shelf->count - at : VECTOR_LANES;
		vector_estimates(&s->probe, shelf->signs + at * (shelf->dims / 8), sums);
		double least = s->by_signs_count < room ? 0 : s->by_signs[0].promise;
		for (size_t i = n; i-- > 0;) {
			int64_t id = shelf->first + (int64_t)(at + i);
			const struct shelf_slot *slot = &shelf->slots[at + i];
			if (sums[i] > least && fits(s, slot) && said_in(s, id, slot) == id)
				keep_best(s->by_signs, &s->by_signs_count, room, (struct proposal){ id, sums[i] });
		}
	}
}

/* Of those the best by what their score would be, had they no word of the question. */
static void propose_by_vector(struct memory *m, struct search *s) {
	struct score_weights w = { 1, s->weights->recency, s->weights->trust, 0, 0 };
	propose_by_signs(m, s);
	for (unsigned i = 0; i < s->by_signs_count; i++) {
		const struct shelf_slot *slot = shelf_slot(&m->shelf, s->by_signs[i].id);
		struct score score = { .vector = nearness_of(m, s, slot), .recency = recency(s, slot->when_ns),
			.trust = (double)slot->trust, .attention = 1 };
		score_total(&score, &w, 1);
		if (score.total > 0)
			keep_best(s->by_vector, &s->by_vector_count, BY_VECTOR / s->fewer,
					(struct proposal){ s->by_signs[i].id, score.total });
	}
}

/* ---- scoring ---- */

static double text_score(const struct memory *m, const struct search *s, const void *bag, int bytes) {
	const struct index_position *at = &m->index.at;
	double average = at->live ? (double)at->words / (double)at->live : 0, sum = 0;
	for (unsigned i = 0; i < s->word_count; i++)
		sum += s->words[i].weight * score_word(bag_times(bag, bytes, s->words[i].tag), bag_length(bag, bytes),
				average);
	return s->weight > 0 ? sum / s->weight : 0;
}

static const char *name_of(sqlite3_stmt *row, int column) {
	const char *text = (const char *)sqlite3_column_text(row, column);
	return text ? text : "";
}

static void take_name(char *out, size_t room, sqlite3_stmt *row, int column) {
	strncpy(out, name_of(row, column), room - 1);
	out[room - 1] = 0;
}

static void take_numbers(struct memory_source *of, sqlite3_stmt *row) {
	*of = (struct memory_source){ .seq = (uint64_t)sqlite3_column_int64(row, 0),
		.claim = (uint32_t)sqlite3_column_int64(row, 1),
		.part = (uint32_t)sqlite3_column_int64(row, 2),
		.kind = (uint8_t)sqlite3_column_int(row, 3),
		.when = { sqlite3_column_int64(row, 5) },
		.trust_ppm = (uint32_t)sqlite3_column_int64(row, 6),
		.visibility = (uint8_t)sqlite3_column_int(row, 7) };
}

static void take_names(struct memory_source *of, sqlite3_stmt *row) {
	take_name(of->principal, sizeof(of->principal), row, 8);
	take_name(of->speaker, sizeof(of->speaker), row, 9);
	take_name(of->model, sizeof(of->model), row, 10);
	take_name(of->session, sizeof(of->session), row, 11);
	take_name(of->key, sizeof(of->key), row, 12);
}

static bool row_fits(const struct search *s, const struct memory_source *of, sqlite3_stmt *row) {
	return of->kind < 32 && s->kinds >> of->kind & 1 && hit_is_seen(s->q->asker, name_of(row, 8), of->visibility) &&
	       (!s->session || strcmp(name_of(row, 11), s->q->session) == 0);
}

/* From the row of a passage; nothing is added where it does not fit, or has nothing to do with the question. */
static void rank_row(struct memory *m, struct search *s, int64_t id, sqlite3_stmt *row) {
	struct ranked *r = &s->ranked[s->ranked_count];
	const struct memory_query *q = s->q;
	const struct shelf_slot *slot = shelf_slot(&m->shelf, id);
	struct memory_source of;
	take_numbers(&of, row);
	if (sqlite3_column_int(row, 4) == 0 || !row_fits(s, &of, row))
		return;
	if (q->trust || q->attention)
		take_names(&of, row);
	*r = (struct ranked){ .seq = of.seq, .claim = of.claim, .part = of.part, .kind = of.kind,
		.asked = (uint32_t)sqlite3_column_int64(row, 14) };
	r->score = (struct score){ .text = text_score(m, s, sqlite3_column_blob(row, 13), sqlite3_column_bytes(row,
			13)),
		.vector = slot ? nearness_of(m, s, slot) : 0,
		.recency = recency(s, of.when.ns),
		.trust = q->trust ? q->trust(q->user, &of) : of.trust_ppm / (double)BODY_PPM,
		.attention = q->attention ? q->attention(q->user, &of) : 1 };
	score_total(&r->score, s->weights, s->word_count > 0);
	s->ranked_count += r->score.relevance > 0;
}

static int rank(struct memory *m, struct search *s, int64_t id) {
	sqlite3_stmt *row = index_query(&m->index, INDEX_ROW);
	sqlite3_bind_int64(row, 1, id);
	int step = sqlite3_step(row);
	if (step == SQLITE_ROW)
		rank_row(m, s, id, row);
	int rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(&m->index);
	sqlite3_reset(row);
	return rc;
}

static int by_id(const void *a, const void *b) {
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* In the order in which they stand in the file: neighbours share its pages. */
static int rank_all(struct memory *m, struct search *s) {
	int64_t ids[BY_WORDS + BY_VECTOR];
	unsigned count = 0;
	int rc = 0;
	for (unsigned i = 0; i < s->by_words_count; i++)
		ids[count++] = s->by_words[i].id;
	for (unsigned i = 0; i < s->by_vector_count; i++)
		ids[count++] = s->by_vector[i].id;
	qsort(ids, count, sizeof(ids[0]), by_id);
	for (unsigned i = 0; i < count && rc == 0; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			rc = rank(m, s, ids[i]);
	return rc;
}

/* Of all that are ranked together, in parts of the most that one has. */
static void attend(struct search *s) {
	double most = 0;
	for (unsigned i = 0; i < s->ranked_count; i++) {
		const struct score *score = &s->ranked[i].score;
		s->asks[i] = (struct weight_candidate){ .subject = (uint32_t)s->ranked[i].seq,
			.freshness = score->recency, .trust = score->trust };
	}
	for (unsigned i = 0; i < s->ranked_count; i++) {
		double weight = weight_attention(s->asks, s->ranked_count, i, 0);
		s->ranked[i].score.attention = weight;
		most = weight > most ? weight : most;
	}
	for (unsigned i = 0; i < s->ranked_count; i++) {
		struct score *score = &s->ranked[i].score;
		score->attention = most > 0 ? score->attention / most : 1;
		score_total(score, s->weights, s->word_count > 0);
	}
}

/* The best first; then the newer; then as they stand in the record. */
static int by_score(const void *a, const void *b) {
	const struct ranked *x = a, *y = b;
	if (x->score.total != y->score.total)
		return x->score.total > y->score.total ? -1 : 1;
	if (x->seq != y->seq)
		return x->seq > y->seq ? -1 : 1;
	if (x->claim != y->claim)
		return x->claim < y->claim ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* ---- giving ---- */

/* Another's claim of what the asker has a claim of himself: see claims.h. */
static int is_overruled(struct memory *m, const struct claims_asker *a, const struct memory_source *of, bool *is) {
	*is = false;
	if (!a || of->kind != PASSAGE_CLAIM || of->principal[0] == 0 || strcmp(of->principal, a->owner) == 0)
		return 0;
	sqlite3_stmt *s = index_query(&m->index, INDEX_OWN_CLAIM);
	sqlite3_bind_text(s, 1, of->key, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, a->owner, -1, SQLITE_STATIC);
	int step = sqlite3_step(s);
	*is = step == SQLITE_ROW;
	int rc = step == SQLITE_ROW || step == SQLITE_DONE ? 0 : index_error(&m->index);
	sqlite3_reset(s);
	return rc;
}

/* Of a record one passage is given; of the same that was said in turns the best, where that is asked for. */
static bool is_given(const struct ranked *r, bool distinct, const struct ranked *given[], unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		if (given[i]->seq == r->seq && given[i]->claim == r->claim)
			return true;
		if (distinct && r->asked && given[i]->asked == r->asked)
			return true;
	}
	return false;
}

static int give(struct memory *m, struct search *s, struct memory_hit *hits, unsigned max, int *index_rc) {
	const struct ranked *given[MEMORY_HITS_MAX];
	unsigned count = 0;
	for (unsigned i = 0; i < s->ranked_count && count < max; i++) {
		const struct ranked *r = &s->ranked[i];
		struct memory_hit *h = &hits[count];
		bool overruled = false;
		if (is_given(r, s->q->distinct, given, count))
			continue;
		h->score = r->score;
		h->of = (struct memory_source){ .seq = r->seq, .claim = r->claim, .part = r->part, .kind = r->kind };
		int rc = hit_read(m, s->q->asker, h);
		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		*index_rc = is_overruled(m, s->q->asker, &h->of, &overruled);
		if (*index_rc < 0)
			return 0;
		given[count] = r;
		count += !overruled;
	}
	return (int)count;
}

static int give_together(struct memory *m, struct search *s, struct memory_hit *hits, unsigned max, int *index_rc) {
	int rc = m->reader ? journal_hold(m->reader) : -ENOENT;
	if (rc < 0)
		return rc;
	rc = give(m, s, hits, max, index_rc);
	journal_let_go(m->reader);
	return rc;
}

static int begin(struct memory *m, const struct memory_query *q) {
	if (!m->search)
		m->search = calloc(1, sizeof(*m->search));
	struct search *s = m->search;
	if (!s)
		return -ENOMEM;
	s->q = q;
	s->weights = q->weights ? q->weights : &score_weights_default;
	s->now = q->now.ns ? q->now : m->env->wall(m->env);
	s->session = q->session ? shelf_session_tag(q->session) : 0;
	s->kinds = q->kinds ? q->kinds : ~0u;
	s->fewer = q->quick ? QUICK : 1;
	s->by_words_count = s->by_signs_count = s->by_vector_count = s->ranked_count = s->saying_count = 0;
	if (q->distinct)
		memset(s->sayings, 0, sizeof(s->sayings));
	int rc = q->asker ? look_at_owners(s, &m->shelf) : 0;
	return rc < 0 ? rc : take_words(s, m->index.words);
}

static int propose(struct memory *m, struct search *s) {
	int rc = propose_by_words(m, s);
	if (rc == 0)
		rc = take_vector(m, s);
	if (rc < 0)
		return rc;
	if (s->inverse_length > 0)
		propose_by_vector(m, s);
	if (s->word_count == 0)
		propose_newest(m, s);
	rc = rank_all(m, s);
	if (!s->q->attention)
		attend(s);
	qsort(s->ranked, s->ranked_count, sizeof(s->ranked[0]), by_score);
	return rc;
}

/* What the index said no with, as memory.h says it. */
static int settle(struct memory *m, int rc) {
	if (rc != -EBADMSG)
		return rc;
	rc = memory_renew(m);
	return rc < 0 ? rc : -ESTALE;
}

int memory_search(struct memory *m, const struct memory_query *q, struct memory_hit *hits, unsigned max) {
	if (max > MEMORY_HITS_MAX)
		return -EINVAL;
	int rc = begin(m, q), index_rc = 0;
	if (rc < 0)
		return rc;
	if (!m->loose)
		index_rc = index_run(&m->index, index_query(&m->index, INDEX_READ)); /* else each locks by itself */
	if (index_rc == 0)
		index_rc = propose(m, m->search);
	if (index_rc == 0)
		rc = give_together(m, m->search, hits, max, &index_rc);
	int end = m->loose ? 0 : index_run(&m->index, index_query(&m->index, INDEX_COMMIT));
	index_rc = index_rc < 0 ? index_rc : end;
	return index_rc < 0 ? settle(m, index_rc) : rc;
}

/* ---- a session ---- */

/* Newest first; an erased one, or one that may not be seen, is passed over. */
static int last_turns(struct memory *m, const struct claims_asker *asker, const char *session, struct memory_hit *hits,
		unsigned max, int *index_rc) {
	sqlite3_stmt *s = index_query(&m->index, INDEX_SESSION);
	unsigned count = 0;
	int step = SQLITE_DONE, rc = 0;
	sqlite3_bind_text(s, 1, session, -1, SQLITE_STATIC);
	while (count < max && rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW) {
		const char *principal = (const char *)sqlite3_column_text(s, 1);
		if (!principal || !hit_is_seen(asker, principal, (unsigned)sqlite3_column_int(s, 2)))
			continue;
		hits[count] = (struct memory_hit){ .of = { .seq = (uint64_t)sqlite3_column_int64(s, 0),
			.kind = PASSAGE_TURN } };
		rc = hit_read(m, asker, &hits[count]);
		count += rc == 0;
		rc = rc == -ENOENT ? 0 : rc;
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		*index_rc = index_error(&m->index);
	sqlite3_reset(s);
	return rc < 0 ? rc : (int)count;
}

int memory_session(struct memory *m, const struct claims_asker *asker, const char *session, struct memory_hit *hits,
		unsigned max) {
	int index_rc = 0;
	int count = last_turns(m, asker, session, hits, max, &index_rc);
	if (index_rc < 0)
		return settle(m, index_rc);
	for (int i = 0; i < count / 2; i++) {
		struct memory_hit h = hits[i];
		hits[i] = hits[count - 1 - i];
		hits[count - 1 - i] = h;
	}
	return count;
}

int memory_known(struct memory *m, const struct hash *identity, uint64_t *seq) {
	return settle(m, index_known(&m->index, identity, seq));
}

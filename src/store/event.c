/*
 * event.c - one ring of records under stamps.
 *
 * As in a field: odd stamp, words, even stamp, head.  Record n stands in n % LAYOUT_EVENTS, so a
 * reader finds it without looking, and knows by its stamp whether it still is, or is being, that
 * record.
 */
#include "store/event.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/utf8.h"
#include "store/tally.h"
#include "store/word.h"

#define TRIES 16
#define TURNS 1000 /* looks at a busy ring, each after a moment: who is in it writes, and is out in a few */
#define YIELDS 16 /* looks after that before a record is dropped: who is in it may wait for our processor */

_Static_assert(EVENT_KIND_COUNT <= 64, "a set of kinds is a word");
_Static_assert(sizeof(struct event) == sizeof(struct layout_event), "a record is copied whole");

static struct layout_events *ring_in(const struct segment *s, const struct plan *p) {
	return (struct layout_events *)(void *)(s->base + plan_processes(p)[s->process].event_offset);
}

void event_writer_open(struct event_writer *w, const struct peers *t) {
	CHECK(t->own.writable);
	*w = (struct event_writer){ .own = &t->own, .ring = ring_in(&t->own, t->plan), .desks = { .peers = t } };
	w->number = word_load(&w->ring->head);
	w->refuses = plan_processes(t->plan)[t->self].event_overflow == PLAN_REFUSE;
}

void event_writer_close(struct event_writer *w) {
	desk_view_drop(&w->desks);
}

/* Everybody may read events, and the pair with waits is that of a field's head. */
static bool somebody_waits(struct event_writer *w) {
	const struct plan *p = w->desks.peers->plan;
	uint64_t all = UINT64_MAX >> (64 - p->processes.count);
	return desk_waiting(&w->desks, all, desk_events_of(p, w->own->process));
}

static bool drop(struct event_writer *w) {
	__atomic_fetch_add(&w->ring->drops, 1, __ATOMIC_RELAXED);
	counter_add(w->own, COUNTER_event_drops, 1);
	return false;
}

static bool try_enter(struct event_writer *w) {
	return __atomic_exchange_n(&w->busy, 1, __ATOMIC_ACQUIRE) == 0; /* E1 */
}

static bool enter(struct event_writer *w) {
	for (int i = 0; i < TURNS + YIELDS; i++) {
		if (try_enter(w))
			return true;
		if (i >= TURNS)
			sched_yield();
		else
			word_pause();
	}
	return drop(w);
}

static void leave(struct event_writer *w) {
	__atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE); /* E6 */
}

/*
 * Has everybody taken the record in whose place the next one goes?  Cursors only grow, so one look lasts for a while;
 * not for long, since a new listener begins half a ring behind (next_record).
 */
static bool has_room(struct event_writer *w) {
	uint64_t next = w->number + 1;
	if (!w->refuses)
		return true;
	if (next - w->slowest <= LAYOUT_EVENTS && next - w->looked <= LAYOUT_EVENTS / 8)
		return true;
	w->slowest = desk_slowest_listener(&w->desks, w->number);
	w->looked = next;
	return next - w->slowest <= LAYOUT_EVENTS;
}

/* Zero terminated, and never half a character of UTF-8. */
static void set_text(char out[EVENT_TEXT_MAX], const char *text) {
	memset(out, 0, EVENT_TEXT_MAX);
	if (text)
		snprintf(out, EVENT_TEXT_MAX, "%.*s", (int)utf8_cut(text, strlen(text), EVENT_TEXT_MAX - 1), text);
}

bool event_write(struct event_writer *w, struct cdm_mono now, enum event_kind kind, uint16_t source, uint64_t a,
		uint64_t b, const char *text) {
	struct event e = { .time = now, .kind = (uint16_t)kind, .source = source, .a = a, .b = b };
	uint64_t words[8];

	CHECK(kind < EVENT_KIND_COUNT);
	set_text(e.text, text);
	memcpy(words, &e, sizeof(words));
	if (!enter(w))
		return false;
	if (!has_room(w)) {
		leave(w);
		return drop(w);
	}
	uint64_t n = ++w->number;
	struct layout_event *at = &w->ring->at[n % LAYOUT_EVENTS];
	word_store(&at->stamp, n << 1 | 1); /* E2 */
	for (int i = 0; i < 7; i++)
		word_store(&at->words[i], words[i + 1]); /* E3 */
	word_store(&at->stamp, n << 1); /* E4 */
	word_store_total(&w->ring->head, n); /* E5 */
	bool waited = somebody_waits(w);
	leave(w);
	counter_add(w->own, COUNTER_events, 1);
	if (waited) {
		counter_add(w->own, COUNTER_wakes, 1);
		syscall(SYS_futex, &w->ring->head, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
	return true;
}

static void begin(struct event_reader *r, struct peers *t, uint16_t process, struct layout_tally *tally) {
	CHECK(process < t->plan->processes.count);
	*r = (struct event_reader){ .peers = t, .process = process, .kinds = UINT64_MAX, .source = PLAN_NONE,
		.generation = __atomic_load_n(&t->generation, __ATOMIC_SEQ_CST),
		.late = plan_processes(t->plan)[process].event_overflow == PLAN_REFUSE, .tally = tally };
}

void event_reader_open(struct event_reader *r, struct peers *t, uint16_t process) {
	begin(r, t, process, tally_take(t, LAYOUT_LISTENS, process));
}

void event_watch_open(struct event_reader *r, struct peers *t, uint16_t process) {
	begin(r, t, process, &t->unseen);
}

void event_follow(struct event_reader *r, const struct event_reader *other) {
	CHECK(r->process == other->process && r->peers == other->peers);
	r->epoch = other->epoch;
	r->number = other->number;
	r->first = other->first;
}

void event_reader_close(struct event_reader *r) {
	tally_leave(r->peers, r->tally);
	r->tally = NULL;
	peers_drop(&r->segment);
}

/* Else what we read may be the zeros of a life that was replaced (peers.c). */
static bool is_now(const struct event_reader *r) {
	return peers_is_now(r->peers, r->process, r->segment);
}

/* A writer that waits for its listeners does not wait for us, as long as it does not know us. */
static bool is_too_early(const struct event_reader *r, const struct segment *s) {
	return r->late && s->epoch != r->epoch && r->peers->own.base && !desk_is_heard(r->peers, s);
}

/* The ring as it is now; a new epoch begins with its first record.  NULL: no such process, or it knows us not yet. */
static const struct layout_events *current(struct event_reader *r) {
	const struct segment *s = peers_now(r->peers, r->process, &r->segment);
	if (!s || is_too_early(r, s))
		return NULL;
	const struct layout_events *ring = ring_in(s, r->peers->plan);
	if (s->epoch != r->epoch) {
		uint64_t most = r->epoch && r->late ? LAYOUT_EVENTS : LAYOUT_EVENTS / 2; /* the writer waited for us */
		r->epoch = s->epoch;
		r->number = 0;
		uint64_t head = word_load(&ring->head);
		r->first = head > most ? head - LAYOUT_EVENTS / 2 : 0;
		tally_begin_life(r->tally, s->epoch, r->first);
	}
	return ring;
}

void event_skip(struct event_reader *r) {
	const struct layout_events *ring;
	while ((ring = current(r))) {
		r->number = word_load(&ring->head);
		if (is_now(r))
			break;
	}
	r->gap = 0;
	word_store(&r->tally->cursor, r->number);
}

static bool copy(const struct layout_event *at, uint64_t n, struct event *out) {
	uint64_t words[8] = { n };
	if (word_load(&at->stamp) != n << 1) /* N2 */
		return false;
	for (int i = 0; i < 7; i++)
		words[i + 1] = word_load(&at->words[i]); /* N3 */
	if (word_load(&at->stamp) != n << 1) /* N4 */
		return false;
	memcpy(out, words, sizeof(*out));
	out->text[EVENT_TEXT_MAX - 1] = 0;
	return true;
}

static void count_missed(struct event_reader *r, uint64_t n) {
	if (n == 0)
		return;
	r->missed += n;
	r->gap += n;
	tally_add(&r->tally->laps, 1);
	tally_add(&r->tally->missed, n);
}

/* Told once, with the record behind it, however many were passed over in between. */
static int tell_gap(struct event_reader *r) {
	uint64_t n = r->gap;
	r->gap = 0;
	return n < INT_MAX ? (int)n : INT_MAX;
}

/* The next record, wanted or not; how many were missed before it. */
static int next_record(struct event_reader *r, struct event *out, uint64_t *lost) {
	const struct layout_events *ring;
	bool lapped = false;
	for (int i = 0; i < TRIES && (ring = current(r)); i++) {
		uint64_t head = word_load(&ring->head); /* N1 */
		if (head <= r->number) {
			if (!is_now(r))
				continue;
			if (head == r->number)
				return -EAGAIN;
			counter_add(&r->peers->own, COUNTER_broken, 1);
			return -EPROTO;
		}
		uint64_t n = r->number + 1;
		if (r->number == 0 && r->late) /* not so far behind that the writer would not wait */
			n = r->first + 1;
		if (head - n >= LAYOUT_EVENTS || lapped) /* or about to be: half a lap behind */
			n = head - r->number > LAYOUT_EVENTS / 2 ? head - LAYOUT_EVENTS / 2 + 1 : n;
		lapped = !copy(&ring->at[n % LAYOUT_EVENTS], n, out);
		if (lapped)
			continue;
		*lost += n - r->number - 1;
		r->number = n;
		tally_add(&r->tally->taken, 1);
		word_store(&r->tally->cursor, n); /* its words were read before */
		return 0;
	}
	return -EAGAIN;
}

bool event_is_wanted(const struct event_reader *r, const struct event *e) {
	return e->kind < 64 && r->kinds >> e->kind & 1 && (r->source == PLAN_NONE || r->source == e->source);
}

int event_next(struct event_reader *r, struct event *out) {
	uint64_t lost = 0;
	int rc = -EAGAIN;
	for (unsigned n = 0; n < LAYOUT_EVENTS; n++) { /* a writer that is always ahead does not hold us here */
		rc = next_record(r, out, &lost);
		if (rc < 0 || event_is_wanted(r, out))
			break;
		r->filtered++;
		rc = -EAGAIN;
	}
	count_missed(r, lost);
	return rc < 0 ? rc : tell_gap(r);
}

void event_pass_over(struct event_reader *r, int missed) {
	r->filtered++;
	r->gap += (uint64_t)missed;
}

void event_filter(struct event_reader *r, uint64_t kinds, uint16_t source) {
	r->kinds = kinds;
	r->source = source;
}

int event_news(struct event_reader *r) {
	const struct layout_events *ring;
	while ((ring = current(r))) {
		uint64_t head = word_load_total(&ring->head);
		if (head > r->number)
			return 1;
		if (is_now(r))
			return head < r->number ? -EPROTO : 0;
	}
	return 0;
}

const uint32_t *event_word(const struct event_reader *r) {
	return r->segment ? (const uint32_t *)&ring_in(r->segment, r->peers->plan)->head : NULL;
}

static const struct {
	const char *text, *meaning;
	enum event_about about;
} kinds[] = {
#define EVENT(name, text, about, meaning) { text, meaning, EVENT_ABOUT_##about },
#include "store/event.def"
#undef EVENT
};

const char *event_kind_text(unsigned kind) {
	return kind < EVENT_KIND_COUNT ? kinds[kind].text : "?";
}

const char *event_kind_meaning(unsigned kind) {
	return kind < EVENT_KIND_COUNT ? kinds[kind].meaning : "?";
}

enum event_about event_kind_about(unsigned kind) {
	return kind < EVENT_KIND_COUNT ? kinds[kind].about : EVENT_ABOUT_NUMBER;
}

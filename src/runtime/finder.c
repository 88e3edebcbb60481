/*
 * finder.c - see finder.h.
 *
 *	control thread: slots from `taken` on, up to `answered`, and those that are free     finder's: the others
 *	all of `struct shared`: under `lock`, held for some copies of numbers at most
 *	`work` (control to finder) and `news` (finder to control) are eventfds
 *
 *	`wanted` has a lock of its own
 *
 * A slot is free, asked, answered, and free again: the counters, which only grow, say whose it is.
 */
#include "runtime/finder.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/thread.h"

#define NOT_FOLLOWED UINT64_MAX
#define STEP MEMORY_GLANCE /* records that are taken in at once, before a question that has come is looked at */
#define INDEX_BUSY_MS 100 /* how long somebody who has locked the index is waited for */
#define VECTOR_BYTES ((size_t)8 << 20) /* some 28000 passages; older ones are found by their words */
#define TOGETHER_NS (50 * NS_PER_MS) /* from the first that is new: then all are taken in */
#define MODEL_FLOOR 0.3 /* cosine of texts that a model puts side by side for their form alone: docs/design/0012 */
#define RETRY_FIRST_MS 1000
#define RETRY_LAST_MS 60000
#define CLAIM_NS (60 * NS_PER_S) /* so often the index's file is asked for that another has */

struct slot {
	struct finder_question question;
	struct finder_answer answer;
	uint64_t number; /* of all questions; in `wanted` */
	int64_t until_ns; /* it is answered without its vector then; 0: none is on its way */
};

struct shared {
	bool quit;
	uint64_t awaited; /* 0: nobody waits */
	uint64_t given_up; /* what was awaited, and did not come */
	uint64_t asked, answered, taken;
	uint64_t stored;  /* counts what there is to be taken in: records, and vectors */
	uint64_t upto;    /* what the memory has taken in */
	bool clean;       /* nothing erased is in its file */
	int trouble;
};

struct finder {
	pthread_t thread;
	bool running;
	int work, news;
	pthread_mutex_t lock;
	struct shared shared;
	struct slot slots[FINDER_QUESTIONS_MAX];
	struct wanted *wanted; /* NULL: no model makes the vectors */
	/* the thread's */
	char path[1024];
	struct memory *memory;
	uint64_t followed; /* all that there was at that count of `stored` is in; or NOT_FOLLOWED */
	char embedder[CDM_NAME_MAX];
	unsigned dims; /* that the memory was told; 0: none yet */
	bool searching;
	int64_t unkept_ns; /* since when there is something in the memory that is not in its file; 0: nothing is */
	struct cdm_mono claimed;
	int retry_ms;
};

static void ring(int fd) {
	const uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void hush(int fd) {
	uint64_t n;
	while (read(fd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

static struct shared look(struct finder *f) {
	pthread_mutex_lock(&f->lock);
	struct shared s = f->shared;
	pthread_mutex_unlock(&f->lock);
	return s;
}

/* ---- the thread: the memory ---- */

/* The vector if it is there by now; of a question that was put it is wanted already. */
static int embed(void *user, const char *text, size_t bytes, float *out) {
	struct finder *f = user;
	return f->dims ? wanted_get(f->wanted, text, bytes, !f->searching, out, f->dims) : -EAGAIN;
}

/* The memory takes multiples of 32; further numbers are 0. */
static unsigned dims_of_model(struct finder *f) {
	unsigned dims = f->wanted ? wanted_dims(f->wanted) : 0;
	return (dims + 31) / 32 * 32;
}

static int open_memory(struct finder *f) {
	const struct memory_embedder model = { f->embedder, dims_of_model(f), MODEL_FLOOR, embed, f };
	const struct memory_options o = { .vector_bytes = VECTOR_BYTES, .busy_ms = INDEX_BUSY_MS,
		.embedder = f->wanted ? &model : &memory_hashed };
	f->claimed = clock_mono();
	f->dims = model.dims;
	return memory_open(f->path, &o, &f->memory, NULL);
}

/* What the model said since. */
static int tell_dims(struct finder *f) {
	unsigned dims = dims_of_model(f);
	if (dims == f->dims)
		return 0;
	f->dims = dims;
	f->followed = NOT_FOLLOWED;
	int rc = memory_dims(f->memory, dims);
	if (rc < 0)
		memory_close(&f->memory);
	return rc;
}

/* While another program owns the index's file we work on a copy; it ends some time, as `cadmus recall` does at once. */
static int see_to_memory(struct finder *f) {
	struct memory_stats s;
	if (!f->memory)
		return open_memory(f);
	int rc = tell_dims(f);
	if (rc < 0)
		return rc;
	memory_stats(f->memory, &s);
	if (s.in_file || mono_since(f->claimed, clock_mono()) < CLAIM_NS)
		return 0;
	f->claimed = clock_mono();
	f->followed = NOT_FOLLOWED; /* the file may have less than our copy */
	rc = memory_claim(f->memory);
	return rc == -ENOMEM || rc == -EBADMSG ? rc : 0; /* the copy is as good, but for the next life */
}

/* Take in a step; at a glance: while somebody waits.  > 0: there is more. */
static int take_in(struct finder *f, bool glance) {
	uint64_t stored = look(f).stored;
	int rc = see_to_memory(f);
	if (rc == 0)
		rc = glance ? memory_glance(f->memory) : memory_follow(f->memory, STEP);
	f->followed = rc < 0 ? NOT_FOLLOWED : (unsigned)rc < STEP ? stored : f->followed;
	f->unkept_ns = !glance || !f->memory ? 0 : f->unkept_ns ? f->unkept_ns : clock_mono().ns;
	if (rc >= 0 && f->wanted)
		wanted_pass(f->wanted);
	if (f->wanted && wanted_any(f->wanted))
		ring(f->news);
	return rc < 0 ? rc : rc == STEP;
}

/* Nobody waits. */
static int follow(struct finder *f) {
	int rc = take_in(f, false);
	if (rc <= 0 && f->memory)
		memory_tidy(f->memory);
	return rc;
}

static bool has_news(struct finder *f) {
	return !f->memory || look(f).stored != f->followed;
}

/* How far it is, for who waits for that, and what is wrong. */
static void report(struct finder *f, int rc) {
	struct memory_stats s = { .upto = 0 };
	bool settled = rc < 0 || !f->unkept_ns; /* else what was wrong may be, still */
	if (f->memory)
		memory_stats(f->memory, &s);
	if (rc == 0 && s.wipe_due)
		rc = -EBUSY;
	pthread_mutex_lock(&f->lock);
	struct shared *h = &f->shared;
	h->upto = s.upto;
	h->clean = f->memory && !s.wipe_due;
	h->trouble = settled ? rc : h->trouble;
	bool there = h->upto >= h->awaited && h->clean, news = h->awaited && (there || rc < 0);
	if (news) {
		h->given_up = there ? 0 : h->awaited;
		h->awaited = 0;
	}
	pthread_mutex_unlock(&f->lock);
	if (news)
		ring(f->news);
	if (settled)
		f->retry_ms = rc == 0 ? 0 : !f->retry_ms ? RETRY_FIRST_MS
			: f->retry_ms < RETRY_LAST_MS / 2 ? 2 * f->retry_ms : RETRY_LAST_MS;
}

/* ---- the thread: questions ---- */

static int search(struct finder *f, const struct finder_question *q, struct memory_hit *hits) {
	const struct claims_asker asker = { q->owner, { q->sees[0], q->sees[1] } };
	const struct memory_query query = { .text = q->text, .asker = &asker, .quick = true, .distinct = true };
	f->searching = true;
	int n = memory_search(f->memory, &query, hits, FINDER_HITS_MAX);
	if (n == -ESTALE) { /* it was damaged, and is made again */
		f->followed = NOT_FOLLOWED;
		n = memory_follow(f->memory, STEP);
		n = n < 0 ? n : memory_search(f->memory, &query, hits, FINDER_HITS_MAX);
	}
	f->searching = false;
	return n;
}

/* Who asks quickly one after the other shares the writing; what is erased is wiped at once. */
static int keep(struct finder *f, bool at_once) {
	struct memory_stats s;
	if (!f->memory || !f->unkept_ns)
		return 0;
	memory_stats(f->memory, &s);
	if (!at_once && !s.wipe_due && clock_mono().ns - f->unkept_ns < TOGETHER_NS)
		return 0;
	f->unkept_ns = 0;
	int rc = memory_keep(f->memory);
	if (rc < 0)
		f->followed = NOT_FOLLOWED;
	return rc;
}

/* From what there is: a record that cannot be taken in now is no reason to forget the others. */
static int answer(struct finder *f, struct slot *s) {
	int more = has_news(f) ? take_in(f, true) : see_to_memory(f);
	int n = f->memory ? search(f, &s->question, s->answer.hits) : more;
	if (f->wanted)
		wanted_drop(f->wanted, s->number);
	s->answer.id = s->question.id;
	s->answer.rc = n < 0 ? n : 0;
	s->answer.count = n < 0 ? 0 : (unsigned)n;
	pthread_mutex_lock(&f->lock);
	f->shared.answered++;
	pthread_mutex_unlock(&f->lock);
	ring(f->news);
	int kept = keep(f, more < 0 || n < 0);
	int rc = more < 0 ? more : n < 0 ? n : kept;
	return rc < 0 ? rc : more > 0 || f->followed == NOT_FOLLOWED;
}

/* ---- the thread ---- */

/* So long the first question still waits for its vector; 0: it can be answered; < 0: there is none. */
static int64_t waits_ns(struct finder *f, const struct shared *s) {
	const struct slot *first = &f->slots[s->answered % FINDER_QUESTIONS_MAX];
	if (s->asked == s->answered)
		return -1;
	if (!first->until_ns || !wanted_comes(f->wanted, first->number))
		return 0;
	int64_t left = first->until_ns - clock_mono().ns;
	return left > 0 ? left : 0;
}

/* All that there is to do; false: it is to end. */
static bool work(struct finder *f) {
	int more = 1;
	while (more > 0) {
		struct shared s = look(f);
		if (s.quit)
			return false;
		bool asked = waits_ns(f, &s) == 0;
		more = asked ? answer(f, &f->slots[s.answered % FINDER_QUESTIONS_MAX]) : follow(f);
		report(f, more < 0 ? more : 0);
		s = look(f);
		if (more <= 0)
			more = waits_ns(f, &s) == 0;
	}
	return true;
}

/* So long there is nothing to do, unless somebody rings; < 0: for ever. */
static int64_t idle_ns(struct finder *f, int64_t until_ns) {
	struct shared s = look(f);
	int64_t ns = waits_ns(f, &s), retry = f->retry_ms * NS_PER_MS;
	if (ns < 0 || (retry && retry < ns))
		ns = retry ? retry : -1;
	if (!until_ns)
		return ns;
	int64_t left = until_ns - clock_mono().ns;
	left = left > 0 ? left : 0;
	return ns < 0 || left < ns ? left : ns;
}

/* Until there is something to do; what is merely new has company soon, and is taken in with it. */
static void sleep_well(struct finder *f) {
	struct pollfd p = { .fd = f->work, .events = POLLIN };
	int64_t until_ns = f->unkept_ns ? f->unkept_ns + TOGETHER_NS : 0;
	for (;;) {
		int64_t ns = idle_ns(f, until_ns);
		const struct timespec t = { ns / NS_PER_S, ns % NS_PER_S };
		if (ppoll(&p, 1, ns < 0 ? NULL : &t, NULL) <= 0)
			return;
		hush(f->work);
		struct shared s = look(f);
		if (s.quit || s.awaited || s.asked > s.answered)
			return;
		until_ns = until_ns ? until_ns : clock_mono().ns + TOGETHER_NS;
	}
}

static void *find(void *arg) {
	struct finder *f = arg;
	while (work(f))
		sleep_well(f);
	(void)keep(f, true); /* else it is looked at again */
	memory_close(&f->memory);
	return NULL;
}

/* ---- the control thread ---- */

int finder_open(struct finder **out, const char *path, const char *embedder) {
	struct finder *f = calloc(1, sizeof(*f));
	*out = NULL;
	if (!f)
		return -ENOMEM;
	pthread_mutex_init(&f->lock, NULL);
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->embedder, sizeof(f->embedder), "%s", embedder ? embedder : "");
	f->work = eventfd(0, EFD_CLOEXEC);
	f->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int rc = f->work < 0 || f->news < 0 ? -errno : 0;
	if (rc == 0 && embedder)
		rc = wanted_create(&f->wanted);
	if (rc == 0)
		rc = thread_start(&f->thread, find, f);
	f->running = rc == 0;
	*out = f;
	if (rc < 0)
		finder_close(out);
	return rc;
}

void finder_close(struct finder **at) {
	struct finder *f = *at;
	*at = NULL;
	if (!f)
		return;
	if (f->running) {
		pthread_mutex_lock(&f->lock);
		f->shared.quit = true;
		pthread_mutex_unlock(&f->lock);
		ring(f->work);
		CHECK(pthread_join(f->thread, NULL) == 0);
	}
	wanted_destroy(&f->wanted);
	pthread_mutex_destroy(&f->lock);
	io_close(&f->work);
	io_close(&f->news);
	free(f);
}

int finder_fd(const struct finder *f) {
	return f->news;
}

void finder_follow(struct finder *f) {
	pthread_mutex_lock(&f->lock);
	f->shared.stored++;
	pthread_mutex_unlock(&f->lock);
	ring(f->work);
}

int finder_ask(struct finder *f, const struct finder_question *q) {
	struct shared s = look(f);
	if (s.asked - s.taken == FINDER_QUESTIONS_MAX)
		return -EBUSY;
	struct slot *slot = &f->slots[s.asked % FINDER_QUESTIONS_MAX];
	slot->question = *q;
	slot->number = s.asked + 1;
	slot->until_ns = 0;
	if (f->wanted && q->vector_ns > 0 && wanted_put(f->wanted, slot->number, q->text, strlen(q->text)))
		slot->until_ns = clock_mono().ns + q->vector_ns;
	pthread_mutex_lock(&f->lock);
	f->shared.asked++;
	pthread_mutex_unlock(&f->lock);
	ring(f->work);
	return 0;
}

const struct finder_answer *finder_answer(struct finder *f) {
	hush(f->news);
	struct shared s = look(f);
	return s.taken < s.answered ? &f->slots[s.taken % FINDER_QUESTIONS_MAX].answer : NULL;
}

void finder_taken(struct finder *f) {
	pthread_mutex_lock(&f->lock);
	CHECK(f->shared.taken < f->shared.answered);
	f->shared.taken++;
	pthread_mutex_unlock(&f->lock);
}

int finder_await(struct finder *f, uint64_t seq) {
	pthread_mutex_lock(&f->lock);
	struct shared *s = &f->shared;
	bool there = s->upto >= seq && s->clean, given_up = s->given_up == seq && s->trouble < 0;
	int rc = there ? 0 : given_up ? s->trouble : -EAGAIN;
	s->awaited = rc == -EAGAIN ? seq : 0;
	s->given_up = 0;
	pthread_mutex_unlock(&f->lock);
	if (rc == -EAGAIN)
		ring(f->work);
	return rc;
}

/* ---- the model that makes the vectors ---- */

void finder_model(struct finder *f, unsigned dims) {
	if (!f->wanted)
		return;
	wanted_model(f->wanted, dims);
	ring(f->work);
}

bool finder_wants(struct finder *f, bool any, struct wanted_text *out) {
	return f->wanted && wanted_next(f->wanted, any, out);
}

bool finder_hurries(struct finder *f) {
	return f->wanted && wanted_hurries(f->wanted);
}

void finder_made(struct finder *f, int rc, const struct wire_floats *v) {
	if (wanted_made(f->wanted, rc, v))
		finder_follow(f);
}

int finder_trouble(struct finder *f) {
	return look(f).trouble;
}

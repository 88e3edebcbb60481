/* journal_child.c - see journal_child.h. */
#include "test/fault/journal_child.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

void child_acks_init(struct child_acks *a, size_t room) {
	*a = (struct child_acks){ malloc(room * sizeof(*a->at)), 0, room };
	CHECK(a->at != NULL);
}

void child_acks_fini(struct child_acks *a) {
	free(a->at);
	memset(a, 0, sizeof(*a));
}

/* ---- the child ---- */

struct journal_state *child_state(const char *path) {
	struct journal_state *s = testing_state();
	struct journal_reader *r;
	CHECK(journal_read_open(path, &r, NULL) == 0 && journal_state_at(r, UINT64_MAX, s, NULL) == 0);
	journal_read_close(&r);
	return s;
}

static const enum journal_kind kinds[] = { JOURNAL_SET, JOURNAL_FACT, JOURNAL_TURN, JOURNAL_EVIDENCE, JOURNAL_GOAL,
	JOURNAL_GAP };

struct place { /* of a record: which of how many, in which batch */
	unsigned round, number, index, size;
};

/* In 64 bits, where there is no text. */
static uint64_t packed(struct place p) {
	return (uint64_t)p.round << 40 | (uint64_t)p.number << 16 | p.index << 8 | p.size;
}

static int body_of(enum journal_kind kind, struct place p, const char *text, uint8_t *out, size_t room) {
	char some[32];
	snprintf(some, sizeof(some), "%u.%u", p.number % 11, p.index);
	switch (kind) {
	case JOURNAL_SET: {
		struct body_set b = { body_text("kill"), body_text(text), body_text("") };
		return body_build_set(&b, out, room);
	}
	case JOURNAL_FACT: {
		struct body_fact b = { .key = body_text(some), .value = body_text(text), .source = body_text("eye"),
			.trust_ppm = p.number % BODY_PPM, .confidence_ppm = BODY_PPM,
			.seen_ms = p.number % 3 ? 1700000000000 + p.number * 7919 % 1000 : 0 };
		return body_build_fact(&b, out, room);
	}
	case JOURNAL_TURN: {
		struct body_turn b = { .user = body_text(text), .answer = body_text("yes"), .session = body_text(some),
			.speaker = body_text("ada"), .fact_count = 1 };
		b.facts[0] = (struct body_said){ body_text(some), body_text(p.number % 5 ? "so" : ""), 1 };
		return body_build_turn(&b, out, room);
	}
	case JOURNAL_EVIDENCE: {
		struct body_evidence b = { body_text("eye"), body_text("seer"), body_text(some), packed(p), 1, 1000 };
		return body_build_evidence(&b, out, room);
	}
	case JOURNAL_GOAL: {
		struct body_goal b = { .id = body_text(some), .text = body_text(text),
			.what = p.number % 4 ? BODY_OPEN : BODY_DONE };
		return body_build_goal(&b, out, room);
	}
	default: {
		struct body_gap b = { body_text(some), 1, body_text(text) };
		return body_build_gap(&b, out, room);
	}
	}
}

int child_submit(struct journal *j, unsigned round, unsigned number, uint64_t dice) {
	uint8_t room[CHILD_BATCH_MOST][900];
	struct journal_entry e[CHILD_BATCH_MOST];
	unsigned n = 1 + (unsigned)(dice % CHILD_BATCH_MOST);
	for (unsigned i = 0; i < n; i++) {
		char text[300];
		enum journal_kind kind = kinds[(number + i) % COUNT_OF(kinds)];
		memset(text, 'x', sizeof(text));
		snprintf(text, dice >> 8 & 1 ? sizeof(text) : 64, "%u %u %u %u %*s", round,
				number, i, n, (int)(dice >> 9 & 127), "");
		int bytes = body_of(kind, (struct place){ round, number, i, n }, text, room[i], sizeof(room[i]));
		e[i] = testing_entry(kind, room[i], bytes);
	}
	return journal_submit(j, e, n, dice >> 16 & 1 ? JOURNAL_D2 : JOURNAL_D1, NULL);
}

void child_tell(struct journal *j, struct journal_state *s, int to) {
	struct journal_result r;
	while (journal_take(j, &r) == 0) {
		CHECK(r.rc == 0);
		for (unsigned i = 0; i < r.count; i++) {
			CHECK(state_apply(s, &r.records[i]) == 0);
			struct child_ack a = { r.records[i].seq, r.records[i].hash, i + 1 == r.count, { { 0 } } };
			if (a.ends_batch)
				a.state = state_hash(s);
			if (write(to, &a, sizeof(a)) != sizeof(a))
				_exit(1);
		}
	}
}

static _Noreturn void write_until_killed(const char *path, unsigned round, uint64_t dice, int to) {
	struct journal *j;
	CHECK(journal_open(path, NULL, &j, NULL) == 0);
	struct journal_state *s = child_state(path);
	for (unsigned number = 0;; number++) {
		testing_random(&dice);
		int rc = child_submit(j, round, number, dice);
		struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
		if (rc == -EAGAIN || number % 16 == 15)
			poll(&p, 1, 1000);
		child_tell(j, s, to);
		if (number % 32 == 31 && s->seq)
			(void)!journal_snapshot(j, s, "core", NULL); /* -EAGAIN: there is one on its way */
	}
}

/* ---- the parent ---- */

/* An instant: after some acknowledgements or none, and up to 3 ms later. */
static void await_instant(int from, uint64_t *seed, struct child_acks *acks) {
	size_t want = acks->count + testing_random(seed) % 60;
	if (testing_random(seed) % 5 > 0)
		while (acks->count < want && acks->count < acks->room)
			CHECK(read(from, &acks->at[acks->count++], sizeof(*acks->at)) == sizeof(*acks->at));
	struct timespec rest = { 0, (long)(testing_random(seed) % 3000000) };
	nanosleep(&rest, NULL); /* the instant is what is tested */
}

void child_collect(int from, struct child_acks *acks) {
	while (acks->count < acks->room && read(from, &acks->at[acks->count], sizeof(*acks->at)) == sizeof(*acks->at))
		acks->count++;
	CHECK(acks->count < acks->room);
}

void child_kill_one(const char *path, unsigned round, uint64_t *seed, struct child_acks *acks) {
	int pipes[2];
	CHECK(pipe(pipes) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(pipes[0]);
		write_until_killed(path, round, *seed + round, pipes[1]);
	}
	close(pipes[1]);
	await_instant(pipes[0], seed, acks);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	child_collect(pipes[0], acks);
	close(pipes[0]);
}

static struct place place_in(struct body_text t) {
	struct place p;
	char text[BODY_VALUE_MAX + 1];
	snprintf(text, sizeof(text), "%.*s", (int)t.bytes, t.at);
	CHECK(sscanf(text, "%u %u %u %u", &p.round, &p.number, &p.index, &p.size) == 4);
	return p;
}

#define PLACE(kind, member) \
	({ \
		struct body_##kind body_; \
		CHECK(body_parse_##kind(r->body, r->body_bytes, &body_) == 0); \
		place_in(body_.member); \
	})

static struct place place_of(const struct journal_record *r) {
	struct body_evidence b;
	switch (r->kind) {
	case JOURNAL_SET:
		return PLACE(set, value);
	case JOURNAL_FACT:
		return PLACE(fact, value);
	case JOURNAL_TURN:
		return PLACE(turn, user);
	case JOURNAL_GOAL:
		return PLACE(goal, text);
	case JOURNAL_GAP:
		return PLACE(gap, reason);
	case JOURNAL_SNAPSHOT: /* alone */
		return (struct place){ .size = 1 };
	default:
		CHECK(r->kind == JOURNAL_EVIDENCE && body_parse_evidence(r->body, r->body_bytes, &b) == 0);
		return (struct place){ (unsigned)(b.p_ppm >> 40), (unsigned)(b.p_ppm >> 16 & 0xffffff),
			(unsigned)(b.p_ppm >> 8 & 0xff), (unsigned)(b.p_ppm & 0xff) };
	}
}

int child_visit(void *user, const struct journal_record *r) {
	struct child_walk *w = user;
	struct place p = place_of(r);
	if (w->next < w->size) /* the rest of a batch follows its beginning */
		CHECK(p.round == w->round && p.number == w->number && p.index == w->next && p.size == w->size);
	else
		CHECK(p.index == 0);
	w->round = p.round, w->number = p.number, w->next = p.index + 1, w->size = p.size;
	w->last = r->seq;
	if (w->found < w->acks->count && w->acks->at[w->found].seq == r->seq) {
		CHECK(hash_equal(&w->acks->at[w->found].hash, &r->hash));
		w->found++;
	}
	return 0;
}

/* The state that was told with the last batch among the first `count` is what the file replays to. */
static void check_state(const char *path, const struct child_acks *acks, size_t count) {
	while (count > 0 && !acks->at[count - 1].ends_batch)
		count--;
	if (count == 0)
		return;
	struct hash replayed = testing_replay(path, acks->at[count - 1].seq);
	CHECK(hash_equal(&replayed, &acks->at[count - 1].state));
}

/* The file opens and its records can be walked, or it was never made. */
static struct journal_reader *open_file(const char *path) {
	struct cdm_diag d = { .count = 0 };
	struct journal_reader *r;
	int rc = journal_read_open(path, &r, &d);
	if (rc < 0 && rc != -ENOENT)
		fprintf(stderr, "journal_child: %d: %s\n", rc, d.at[0].text);
	CHECK(rc == 0 || rc == -ENOENT);
	return r;
}

uint64_t child_check(const char *path, const struct child_acks *acks) {
	struct child_walk w = { .acks = acks };
	struct journal_reader *r = open_file(path);
	if (!r) { /* killed before it was made */
		CHECK(acks->count == 0);
		return 0;
	}
	CHECK(journal_each(r, 0, 0, child_visit, &w) == 0);
	CHECK(w.next == w.size); /* the last batch is whole, too */
	CHECK(w.found == acks->count);
	journal_read_close(&r);
	CHECK(testing_verified(path) == w.last);
	check_state(path, acks, acks->count);
	check_state(path, acks, acks->count / 2);
	return w.last;
}

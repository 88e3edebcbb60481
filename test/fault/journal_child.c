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

int child_submit(struct journal *j, unsigned round, unsigned number, uint64_t dice) {
	uint8_t room[CHILD_BATCH_MOST][600];
	struct journal_entry e[CHILD_BATCH_MOST];
	unsigned n = 1 + (unsigned)(dice % CHILD_BATCH_MOST);
	for (unsigned i = 0; i < n; i++) {
		char value[300];
		memset(value, 'x', sizeof(value));
		snprintf(value, dice >> 8 & 1 ? sizeof(value) : 64, "%u %u %u %u %*s", round,
				number, i, n, (int)(dice >> 9 & 127), "");
		e[i] = testing_set("kill", value, room[i], sizeof(room[i]));
	}
	return journal_submit(j, e, n, dice >> 16 & 1 ? JOURNAL_D2 : JOURNAL_D1, NULL);
}

void child_tell(struct journal *j, int to) {
	struct journal_result r;
	while (journal_take(j, &r) == 0) {
		CHECK(r.rc == 0);
		for (unsigned i = 0; i < r.count; i++) {
			struct child_ack a = { r.records[i].seq, r.records[i].hash };
			if (write(to, &a, sizeof(a)) != sizeof(a))
				_exit(1);
		}
	}
}

static _Noreturn void write_until_killed(const char *path, unsigned round, uint64_t dice, int to) {
	struct journal *j;
	CHECK(journal_open(path, NULL, &j, NULL) == 0);
	for (unsigned number = 0;; number++) {
		testing_random(&dice);
		int rc = child_submit(j, round, number, dice);
		struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
		if (rc == -EAGAIN || number % 16 == 15)
			poll(&p, 1, 1000);
		child_tell(j, to);
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

int child_visit(void *user, const struct journal_record *r) {
	struct child_walk *w = user;
	struct body_set b;
	unsigned round, number, index, size;
	char text[BODY_VALUE_MAX + 1];
	CHECK(body_parse_set(r->body, r->body_bytes, &b) == 0);
	snprintf(text, sizeof(text), "%.*s", (int)b.value.bytes, b.value.at);
	CHECK(sscanf(text, "%u %u %u %u", &round, &number, &index, &size) == 4);
	if (w->next < w->size) /* the rest of a batch follows its beginning */
		CHECK(round == w->round && number == w->number && index == w->next && size == w->size);
	else
		CHECK(index == 0);
	w->round = round, w->number = number, w->next = index + 1, w->size = size;
	w->last = r->seq;
	if (w->found < w->acks->count && w->acks->at[w->found].seq == r->seq) {
		CHECK(hash_equal(&w->acks->at[w->found].hash, &r->hash));
		w->found++;
	}
	return 0;
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
	return w.last;
}

/*
 * journal_kill.c - SIGKILL a writing process at random instants: nothing acknowledged is lost.
 *
 * A child opens the journal and writes batches as fast as it can, of both classes; for each one
 *that journal_take() reports as durable it sends its place and hash to the parent.  The parent
 *kills it, at times while it still creates or opens the file, and then checks that
 *
 *	the file opens, and its chain and pages verify
 *	each record that was acknowledged stands where it was said to stand
 *	each batch is there as a whole or not at all
 *
 * JOURNAL_KILLS=n kills n times (100 unless told).
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "base/clock.h"
#include "base/io.h"
#include "journal/journal_testing.h"

enum { KILLS = 100, A_FILE = 20 /* kills before the next one starts anew */, BATCH_MOST = 5 };

struct ack {
	uint64_t seq;
	struct hash hash;
};

static struct testing t;
static uint64_t seed = 99;

/* ---- the child ---- */

/* A batch of settings that say in which batch they are, which of how many. */
static int submit(struct journal *j, unsigned round, unsigned number, uint64_t dice) {
	uint8_t room[BATCH_MOST][600];
	struct journal_entry e[BATCH_MOST];
	unsigned n = 1 + (unsigned)(dice % BATCH_MOST);
	for (unsigned i = 0; i < n; i++) {
		char value[300];
		memset(value, 'x', sizeof(value));
		snprintf(value, dice >> 8 & 1 ? sizeof(value) : 64, "%u %u %u %u %*s", round,
				number, i, n, (int)(dice >> 9 & 127), "");
		e[i] = testing_set("kill", value, room[i], sizeof(room[i]));
	}
	return journal_submit(j, e, n, dice >> 16 & 1 ? JOURNAL_D2 : JOURNAL_D1, NULL);
}

static void acknowledge(struct journal *j, int to) {
	struct journal_result r;
	while (journal_take(j, &r) == 0) {
		CHECK(r.rc == 0);
		for (unsigned i = 0; i < r.count; i++) {
			struct ack a = { r.records[i].seq, r.records[i].hash };
			if (write(to, &a, sizeof(a)) != sizeof(a))
				_exit(1);
		}
	}
}

static _Noreturn void write_until_killed(unsigned round, int to) {
	uint64_t dice = seed + round;
	struct journal *j = testing_open(&t);
	for (unsigned number = 0;; number++) {
		testing_random(&dice);
		int rc = submit(j, round, number, dice);
		struct pollfd p = { .fd = journal_event_fd(j), .events = POLLIN };
		if (rc == -EAGAIN || number % 16 == 15)
			poll(&p, 1, 1000);
		acknowledge(j, to);
	}
}

/* ---- the parent ---- */

struct walk {
	const struct ack *acks;
	size_t count, found;
	unsigned round, number, next,
			size; /* of the batch that is being passed; next == size: none */
	uint64_t last;
};

static int visit(void *user, const struct journal_record *r) {
	struct walk *w = user;
	struct body_set b;
	unsigned round, number, index, size;
	char text[BODY_VALUE_MAX + 1];
	CHECK(body_parse_set(r->body, r->body_bytes, &b) == 0);
	snprintf(text, sizeof(text), "%.*s", (int)b.value.bytes, b.value.at);
	CHECK(sscanf(text, "%u %u %u %u", &round, &number, &index, &size) == 4);
	if (w->next < w->size) /* the rest of a batch follows its beginning */
		CHECK(round == w->round && number == w->number && index == w->next &&
				size == w->size);
	else
		CHECK(index == 0);
	w->round = round, w->number = number, w->next = index + 1, w->size = size;
	w->last = r->seq;
	if (w->found < w->count && w->acks[w->found].seq == r->seq) {
		CHECK(hash_equal(&w->acks[w->found].hash, &r->hash));
		w->found++;
	}
	return 0;
}

/* The file opens and its records can be walked, or it was never made. */
static struct journal_reader *open_file(void) {
	struct cdm_diag d = { .count = 0 };
	struct journal_reader *r;
	int rc = journal_read_open(t.path, &r, &d);
	if (rc < 0 && rc != -ENOENT)
		fprintf(stderr, "journal_kill: %d: %s\n", rc, d.at[0].text);
	CHECK(rc == 0 || rc == -ENOENT);
	return r;
}

static void check_file(const struct ack *acks, size_t count) {
	struct walk w = { .acks = acks, .count = count };
	struct journal_reader *r = open_file();
	if (!r) { /* killed before it was made */
		CHECK(count == 0);
		return;
	}
	CHECK(journal_each(r, 0, 0, visit, &w) == 0);
	CHECK(w.next == w.size); /* the last batch is whole, too */
	CHECK(w.found == count);
	journal_read_close(&r);
	CHECK(testing_verified(t.path) == w.last);
}

/* An instant: after some acknowledgements or none, and up to 3 ms later. */
static void await_instant(int from, struct ack *acks, size_t *count, size_t room) {
	size_t want = *count + testing_random(&seed) % 60;
	if (testing_random(&seed) % 5 > 0)
		while (*count < want && *count < room)
			CHECK(read(from, &acks[(*count)++], sizeof(*acks)) == sizeof(*acks));
	struct timespec rest = { 0, (long)(testing_random(&seed) % 3000000) };
	nanosleep(&rest, NULL); /* the instant is what is tested */
}

static size_t kill_one(unsigned round, struct ack *acks, size_t count, size_t room) {
	int pipes[2];
	CHECK(pipe(pipes) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(pipes[0]);
		write_until_killed(round, pipes[1]);
	}
	close(pipes[1]);
	await_instant(pipes[0], acks, &count, room);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	while (count < room && read(pipes[0], &acks[count], sizeof(*acks)) == sizeof(*acks))
		count++;
	CHECK(count < room);
	close(pipes[0]);
	return count;
}

int main(void) {
	const char *told = getenv("JOURNAL_KILLS");
	unsigned kills = told ? (unsigned)strtoul(told, NULL, 10) : KILLS;
	size_t room = 1u << 20, count = 0, acknowledged = 0;
	struct ack *acks = malloc(room * sizeof(*acks));
	CHECK(acks != NULL);
	t = testing_begin();
	for (unsigned round = 0; round < kills; round++) {
		size_t before = count;
		count = kill_one(round, acks, count, room);
		acknowledged += count - before;
		check_file(acks, count);
		if (round % A_FILE == A_FILE - 1) {
			testing_remove(&t);
			count = 0;
		}
	}
	testing_remove(&t);
	testing_end(&t);
	free(acks);
	CHECK(acknowledged > 5 * (size_t)kills);
	printf("journal_kill: ok, %u kills, %zu records acknowledged, none lost\n", kills,
			acknowledged);
}

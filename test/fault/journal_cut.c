/*
 * journal_cut.c - after a kill, the files are cut short at every class of place: what was acknowledged is found when
 * only other bytes are gone; else a true prefix or a clear error, and never a crash or a wrong state.
 *
 * A child is killed while it writes (journal_child.c).  Of what it leaves the WAL is cut in its header, in headers of
 * frames, in frames, between them, and in and around the frames that end a transaction; the file in its header,
 * between pages and in them.  Where the WAL is cut one can tell exactly what must be found: the records of the last
 * transaction that is there as a whole.
 */
#include "test/fault/journal_child.h"
#include "test/lib/pace.h"

enum {
	KILLS = PACE(30, 10),
	CUTS = 5, /* of each class after each kill */
	WAL_HEADER = 32,
	FRAME_HEADER = 24,
	PAGE = 4096,
	FRAME = FRAME_HEADER + PAGE,
	BYTES_MAX = 8 << 20,
	RECORDS_MAX = 1 << 16
};

struct image {
	uint8_t *bytes;
	size_t size;
};

static struct testing t;
static struct child_acks acks;
static struct image file, wal;
static uint64_t seed = 5;
/* What the whole of both holds: hashes of records and of states by seq, and which records end a transaction. */
static struct hash heads[RECORDS_MAX], states[RECORDS_MAX];
static uint64_t last;
static struct commit { /* transactions in the WAL */
	size_t end;
	uint64_t seq; /* the last record when it is there */
} commits[BYTES_MAX / FRAME];
static size_t commit_count;
static uint64_t base; /* the last record in the file alone */

static void name(char out[100], const char *ending) {
	snprintf(out, 100, "%s%s", t.path, ending);
}

static void load(const char *ending, struct image *out) {
	char path[100];
	name(path, ending);
	FILE *f = fopen(path, "r");
	out->size = f ? fread(out->bytes, 1, BYTES_MAX, f) : 0;
	CHECK(out->size < BYTES_MAX);
	if (f)
		fclose(f);
}

static void save(const char *ending, const struct image *from, size_t size) {
	char path[100];
	name(path, ending);
	FILE *f = fopen(path, "w");
	CHECK(f && fwrite(from->bytes, 1, size, f) == size && fclose(f) == 0);
}

static void put_back(size_t file_size, size_t wal_size) {
	testing_remove(&t);
	save("", &file, file_size);
	save("-wal", &wal, wal_size);
}

/* ---- what the whole holds ---- */

static int remember(void *user, const struct journal_record *r) {
	struct journal_state *s = user;
	CHECK(r->seq < RECORDS_MAX && state_apply(s, r) == 0);
	heads[r->seq] = r->hash;
	states[r->seq] = state_hash(s);
	last = r->seq;
	return 0;
}

static uint64_t last_of(size_t wal_size) {
	struct journal_reader *r;
	uint64_t seq;
	put_back(file.size, wal_size);
	CHECK(journal_read_open(t.path, &r, NULL) == 0 && journal_last(r, &seq) == 0);
	journal_read_close(&r);
	return seq;
}

/*
 * The frames that end a transaction have the size of the file in the second word of their header.  What is behind the
 * last one that is whole is of no transaction, or of an earlier use of the WAL.
 */
static void find_commits(void) {
	commit_count = 0;
	base = last_of(0);
	uint64_t before = base;
	for (size_t at = WAL_HEADER; at + FRAME <= wal.size; at += FRAME) {
		const uint8_t *size = wal.bytes + at + 4;
		if (!(size[0] | size[1] | size[2] | size[3]))
			continue;
		uint64_t seq = last_of(at + FRAME);
		CHECK(seq >= before);
		commits[commit_count++] = (struct commit){ at + FRAME, seq };
		before = seq;
	}
	CHECK(commit_count == 0 || before == last);
}

static bool remember_all(void) {
	struct journal_reader *r;
	struct journal_state *s = testing_state();
	bool there = journal_read_open(t.path, &r, NULL) == 0;
	last = 0;
	if (there) {
		CHECK(journal_each(r, 0, 0, remember, s) == 0);
		journal_read_close(&r);
	}
	states[0] = (struct hash){ { 0 } };
	free(s);
	return there && last > 0;
}

/* ---- what a cut leaves ---- */

/* What is read without an error is a prefix, and its state is that of the prefix; how long it is. */
static uint64_t judge(int *rc) {
	struct cdm_diag d = { .count = 0 };
	struct journal_reader *r;
	struct journal_report report = { 0 };
	*rc = journal_read_open(t.path, &r, &d);
	if (*rc < 0) {
		CHECK(r == NULL && d.errors > 0 && d.at[0].text[0] && d.at[0].hint[0]);
		return 0;
	}
	*rc = journal_verify(r, &report, &d);
	CHECK(*rc == 0 || d.errors > 0);
	CHECK(report.records <= last && (report.records == 0 || hash_equal(&report.head, &heads[report.records])));
	struct journal_state *s = testing_state();
	int folded = journal_state_at(r, UINT64_MAX, s, NULL);
	struct hash h = state_hash(s);
	CHECK(folded < 0 || s->seq >= report.records);
	CHECK(s->seq <= last && (s->seq == 0 || hash_equal(&h, &states[s->seq])));
	free(s);
	journal_read_close(&r);
	return report.records;
}

/* The next owner gets a journal that works and stays a prefix with something added, or an error. */
static void go_on(uint64_t found, int rc) {
	struct cdm_diag d = { .count = 0 };
	struct journal *j;
	int opened = journal_open(t.path, NULL, &j, &d);
	CHECK(opened == 0 ? d.errors == 0 : d.errors > 0);
	CHECK(rc < 0 || opened == 0);
	if (opened == 0) {
		CHECK(journal_tail(j)->seq <= last && (rc < 0 || journal_tail(j)->seq == found));
		int settled = testing_settle(j, testing_submit_set(j, "kill", "0 0 0 1", JOURNAL_D2), NULL);
		CHECK(rc < 0 || settled == 0);
	}
	journal_stop(&j);
	if (rc == 0)
		CHECK(testing_verified(t.path) == found + 1);
}

static void cut_wal(size_t size) {
	uint64_t want = base, acked = acks.count ? acks.at[acks.count - 1].seq : 0;
	size_t acked_end = 0; /* where the transaction ends that has the last acknowledged record */
	int rc;
	for (size_t i = 0; i < commit_count; i++) {
		if (commits[i].end <= size)
			want = commits[i].seq;
		if (commits[i].seq >= acked && acked > base && acked_end == 0)
			acked_end = commits[i].end;
	}
	put_back(file.size, size);
	uint64_t found = judge(&rc);
	CHECK(rc == 0 && found == want);
	CHECK(size < acked_end || found >= acked);
	go_on(found, rc);
}

static void cut_file(size_t size) {
	int rc;
	put_back(size, wal.size);
	uint64_t found = judge(&rc);
	CHECK(rc < 0 || found == last); /* all that is gone stood in the WAL as well */
	go_on(found, rc);
}

/* ---- where ---- */

static size_t dice(size_t below) {
	return (size_t)(testing_random(&seed) % below);
}

enum class {
	IN_WAL_HEADER,
	IN_FRAME_HEADER,
	IN_FRAME,
	BETWEEN_FRAMES,
	AT_COMMIT,
	IN_FILE_HEADER,
	BETWEEN_PAGES,
	IN_PAGE,
	CLASSES
};

static const char *const class_names[] = { "in the header of the WAL", "in headers of frames", "in frames",
	"between frames", "at ends of transactions", "in the header of the file", "between pages", "in pages" };

/* A place of this class; false: there is none. */
static bool place(enum class c, size_t *at) {
	size_t frames = wal.size > WAL_HEADER ? (wal.size - WAL_HEADER) / FRAME : 0, pages = file.size / PAGE;
	if (c <= AT_COMMIT && frames == 0)
		return false;
	size_t frame = WAL_HEADER + dice(frames ? frames : 1) * FRAME;
	switch (c) {
	case IN_WAL_HEADER:
		*at = dice(WAL_HEADER);
		return true;
	case IN_FRAME_HEADER:
		*at = frame + 1 + dice(FRAME_HEADER - 1);
		return true;
	case IN_FRAME:
		*at = frame + FRAME_HEADER + dice(PAGE - 1);
		return true;
	case BETWEEN_FRAMES:
		*at = frame;
		return true;
	case AT_COMMIT: /* just before it is whole, whole, and just behind it */
		if (commit_count == 0)
			return false;
		*at = commits[dice(commit_count)].end - 1 + dice(3);
		return *at <= wal.size;
	case IN_FILE_HEADER:
		*at = dice(100);
		return true;
	case BETWEEN_PAGES:
		*at = dice(pages) * PAGE;
		return true;
	default:
		*at = dice(pages) * PAGE + 1 + dice(PAGE - 1);
		return true;
	}
}

static void cut_everywhere(unsigned of[CLASSES]) {
	for (unsigned c = 0; c < CLASSES; c++)
		for (unsigned i = 0; i < CUTS; i++) {
			size_t at;
			if (!place((enum class)c, &at))
				continue;
			if (c < IN_FILE_HEADER)
				cut_wal(at);
			else
				cut_file(at);
			of[c]++;
		}
}

/* A file that has grown old, its WAL moved into it at times: each child goes on where the last one was killed. */
static void kill_and_cut(unsigned round, unsigned of[CLASSES]) {
	child_kill_one(t.path, round, &seed, &acks);
	load("", &file);
	load("-wal", &wal);
	(void)child_check(t.path, &acks);
	if (remember_all()) {
		find_commits();
		cut_everywhere(of);
	}
	put_back(file.size, wal.size);
	if (file.size == 0 || wal.size > BYTES_MAX / 8 || last > RECORDS_MAX / 2) { /* begin anew */
		testing_remove(&t);
		acks.count = 0;
	}
}

int main(void) {
	unsigned of[CLASSES] = { 0 }, rounds = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	child_acks_init(&acks, 1u << 20);
	file.bytes = malloc(BYTES_MAX);
	wal.bytes = malloc(BYTES_MAX);
	CHECK(file.bytes && wal.bytes);
	t = testing_begin_in(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	for (unsigned round = 0; round < KILLS; round++)
		kill_and_cut(round, of);
	testing_remove(&t);
	testing_end(&t);
	for (unsigned c = 0; c < CLASSES; c++) {
		CHECK(of[c] > 0);
		printf("journal_cut: %u cuts %s\n", of[c], class_names[c]);
		rounds += of[c];
	}
	CHECK(rounds > 25 * KILLS);
	printf("journal_cut: ok, %u cuts after %u kills\n", rounds, (unsigned)KILLS);
	free(file.bytes);
	free(wal.bytes);
	child_acks_fini(&acks);
}

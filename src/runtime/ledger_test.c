/* ledger_test.c - what waits for the disk: its order, its bounds, and a disk that fails. */
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include "journal/journal_testing.h"
#include "runtime/core_priv.h"
#include "test/lib/plan_builder.h"

static struct core c;
static struct peers peers; /* nothing mapped: nothing counted */
static struct testing folder;
static unsigned settled[2 * CORE_PENDING], count;
static int results[2 * CORE_PENDING];
static uint64_t seqs[2 * CORE_PENDING];

static void begin(void) {
	memset(&c, 0, sizeof(c));
	folder = testing_begin();
	c.journal = testing_open(&folder);
	c.state = testing_state();
	c.peers = &peers;
	count = 0;
}

static void over(void) {
	journal_stop(&c.journal);
	free(c.state);
	testing_end(&folder);
}

static void done(struct core *core, void *who, int rc, uint64_t seq) {
	CHECK(core == &c && count < COUNT_OF(settled));
	results[count] = rc;
	seqs[count] = seq;
	settled[count++] = *(unsigned *)who;
}

static int submit(unsigned *who, ledger_done *then, const char *value) {
	uint8_t room[1024];
	struct journal_entry e = testing_set("speed", value, room, sizeof(room));
	return ledger_submit(&c, &e, 1, then, who);
}

static void settle(unsigned until) {
	struct pollfd p = { .fd = journal_event_fd(c.journal), .events = POLLIN };
	while (count < until) {
		CHECK(poll(&p, 1, 30000) == 1);
		ledger_readable(&c);
	}
}

/* Each is told once, in order, with its record's number, and stands in the state before it is told. */
static void in_order(void) {
	static unsigned who[CORE_PENDING];
	begin();
	for (unsigned i = 0; i < CORE_PENDING; i++) {
		char value[16];
		who[i] = i;
		snprintf(value, sizeof(value), "%u", i);
		CHECK(submit(&who[i], done, value) == 0);
	}
	settle(CORE_PENDING);
	for (unsigned i = 0; i < CORE_PENDING; i++)
		CHECK(settled[i] == i && results[i] == 0 && seqs[i] == i + 1);
	CHECK(c.state->seq == CORE_PENDING && strcmp(state_setting(c.state, "speed")->value, "63") == 0);
	over();
}

/* There is room for so many and no more; what was refused leaves no trace, and the room comes back. */
static void bounded(void) {
	static unsigned who;
	begin();
	for (unsigned i = 0; i < CORE_PENDING; i++)
		CHECK(submit(&who, done, "1") == 0);
	CHECK(submit(&who, done, "2") == -EAGAIN && submit(&who, NULL, "2") == -EAGAIN);
	settle(CORE_PENDING);
	CHECK(submit(&who, done, "3") == 0);
	settle(CORE_PENDING + 1);
	CHECK(c.state->seq == CORE_PENDING + 1 && strcmp(state_setting(c.state, "speed")->value, "3") == 0);
	over();
}

static void taken_class(struct core *core, void *who, int rc, uint64_t seq) {
	(void)core, (void)rc, (void)seq;
	*(bool *)who = true;
}

static int last_class(void *class, const struct journal_record *r) {
	*(unsigned *)class = r->class;
	return 0;
}

/* What class the records of `kinds` have in the file. */
static unsigned class_in_file(const enum journal_kind *kinds, unsigned n) {
	uint8_t room[4][256];
	struct journal_entry e[4];
	struct journal_reader *r = NULL;
	bool there = false;
	unsigned class = 0;
	for (unsigned i = 0; i < n; i++) {
		e[i] = testing_set("speed", "1", room[i], sizeof(room[i]));
		e[i].kind = kinds[i];
	}
	CHECK(ledger_submit(&c, e, n, taken_class, &there) == 0);
	struct pollfd p = { .fd = journal_event_fd(c.journal), .events = POLLIN };
	while (!there) {
		CHECK(poll(&p, 1, 30000) == 1);
		ledger_readable(&c);
	}
	CHECK(journal_read_open(folder.path, &r, NULL) == 0);
	CHECK(journal_each(r, c.state->seq, 1, last_class, &class) == 0);
	journal_read_close(&r);
	return class;
}

static void the_highest_class(void) {
	static const enum journal_kind kinds[] = { JOURNAL_EVIDENCE, JOURNAL_EVIDENCE, JOURNAL_SET, JOURNAL_EVIDENCE };
	begin();
	CHECK(class_in_file(kinds, 1) == JOURNAL_D1 && class_in_file(kinds, 2) == JOURNAL_D1);
	CHECK(class_in_file(kinds, 4) == JOURNAL_D2 && class_in_file(kinds + 2, 1) == JOURNAL_D2);
	c.all_at_once = true; /* durability: full */
	CHECK(class_in_file(kinds, 1) == JOURNAL_D2);
	over();
}

/* What the plan says of a kind goes before what it says of all; and safety is not for sale. */
static void the_class_that_the_plan_says(void) {
	static const char *const options[][2] = { { "durability", "full" }, { "journal.set", "group" },
		{ "journal.evidence", "full" }, { "journal.turn", "volatile" }, { "journal.gap", "volatile" },
		{ "journal.command", "group" }, { "journal.epoch", "volatile" }, { "journal.symbol", "volatile" },
		{ "journal.goal", "sometimes" } };
	static const enum journal_kind set[] = { JOURNAL_SET, JOURNAL_SET }, mixed[] = { JOURNAL_SET, JOURNAL_COMMAND };
	static struct plan_builder b;
	begin();
	plan_builder_begin(&b, "robot");
	for (size_t i = 0; i < COUNT_OF(options); i++)
		plan_builder_option(&b, 0, options[i][0], options[i][1]);
	struct plan *p = plan_builder_finish(&b);
	c.plan = p;
	ledger_policy(&c);
	CHECK(ledger_class(&c, JOURNAL_SET) == JOURNAL_D1 && ledger_class(&c, JOURNAL_EVIDENCE) == JOURNAL_D2);
	CHECK(ledger_class(&c, JOURNAL_TURN) == JOURNAL_D2 && ledger_class(&c, JOURNAL_GAP) == JOURNAL_D2);
	CHECK(ledger_class(&c, JOURNAL_COMMAND) == JOURNAL_D2 && ledger_class(&c, JOURNAL_EPOCH) == JOURNAL_D2);
	CHECK(ledger_class(&c, JOURNAL_SYMBOL) == JOURNAL_D0 && ledger_class(&c, JOURNAL_GOAL) == JOURNAL_D2);
	CHECK(class_in_file(set, 2) == JOURNAL_D1 && class_in_file(mixed, 2) == JOURNAL_D2);
	over();
	free(p);
}

static uint64_t lost(const char *what) {
	for (unsigned i = 0; i < c.state->gap_count; i++)
		if (strcmp(state_gap_at(c.state, i)->what, what) == 0)
			return state_gap_at(c.state, i)->count;
	return 0;
}

static void note(enum journal_kind first, enum journal_kind second) {
	uint8_t room[64];
	struct journal_entry e[2] = { testing_set("speed", "1", room, sizeof(room)) };
	e[1] = e[0];
	e[0].kind = first;
	e[1].kind = second;
	ledger_note(&c, e, 2);
}

static bool all_told(void) {
	return c.gaps.count == 0 && !c.gaps.writing;
}

static void settle_gaps(void) {
	struct pollfd p = { .fd = journal_event_fd(c.journal), .events = POLLIN };
	while (!all_told()) {
		CHECK(poll(&p, 1, 30000) == 1);
		ledger_readable(&c);
	}
}

/* What nobody waits for and finds no room is counted by kind, and a gap says so as soon as there is room. */
static void what_is_lost_leaves_a_gap(void) {
	static unsigned who;
	begin();
	c.plan = &(struct plan){ .abi = 0 }; /* nobody's name */
	for (unsigned i = 0; i < CORE_PENDING; i++)
		CHECK(submit(&who, done, "1") == 0);
	note(JOURNAL_OUTCOME, JOURNAL_EVIDENCE);
	note(JOURNAL_MODEL, JOURNAL_EVIDENCE);
	gap_write(&c);
	CHECK(!c.gaps.writing && c.gaps.count == 3);
	settle(CORE_PENDING);
	settle_gaps();
	CHECK(lost("outcome") == 1 && lost("evidence") == 2 && lost("model") == 1 && c.state->kinds[JOURNAL_GAP] == 3);
	note(JOURNAL_SET, JOURNAL_SET); /* there is room: no gap */
	settle_gaps();
	CHECK(submit(&who, done, "1") == 0);
	settle(CORE_PENDING + 1);
	CHECK(c.state->kinds[JOURNAL_GAP] == 3);
	over();
}

/* The same for what the disk refuses later; what is lost while a gap is on its way is not forgotten. */
static void what_the_disk_refuses_leaves_a_gap(void) {
	struct rlimit old, none;
	static unsigned who;
	begin();
	c.plan = &(struct plan){ .abi = 0 };
	CHECK(submit(&who, done, "1") == 0);
	settle(1);
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &old) == 0);
	none = (struct rlimit){ 40 << 10, old.rlim_max };
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	while (results[count - 1] == 0 && count < COUNT_OF(results)) {
		CHECK(submit(&who, done, "2") == 0);
		settle(count + 1);
	}
	CHECK(results[count - 1] == -ENOSPC);
	note(JOURNAL_EVIDENCE, JOURNAL_EVIDENCE);
	while (c.gaps.count == 0)
		ledger_readable(&c);
	CHECK(c.gaps.at[0].lost == 2);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	gap_add(&c, "light", 7, -EAGAIN);
	gap_write(&c);
	gap_add(&c, "evidence", 3, -EAGAIN);
	settle_gaps();
	CHECK(lost("evidence") == 5 && lost("light") == 7);
	over();
}

/* What the journal does not take keeps no place. */
static void what_cannot_be_written(void) {
	static unsigned who;
	uint8_t room[64];
	begin();
	for (unsigned i = 0; i < 2 * CORE_PENDING; i++) {
		struct journal_entry e = testing_set("speed", "1", room, sizeof(room));
		e.kind = (enum journal_kind)99;
		CHECK(ledger_submit(&c, &e, 1, done, &who) == -EINVAL);
		CHECK(ledger_submit(&c, &e, 0, done, &who) < 0);
	}
	CHECK(submit(&who, NULL, "1") == 0 && submit(&who, done, "2") == 0); /* nobody needs to be told */
	settle(1);
	CHECK(c.state->seq == 2 && count == 1);
	over();
}

/* `done` may submit again, also when all places were taken before. */
static void another(struct core *core, void *who, int rc, uint64_t seq) {
	CHECK(submit(who, done, "7") == 0);
	done(core, who, rc, seq);
}

static void from_within(void) {
	static unsigned who;
	begin();
	for (unsigned i = 0; i < CORE_PENDING; i++)
		CHECK(submit(&who, i == 0 ? another : done, "1") == 0);
	settle(CORE_PENDING + 1);
	CHECK(strcmp(state_setting(c.state, "speed")->value, "7") == 0);
	over();
}

/* It is told, nothing of it is believed, and core ends if nobody knows what the file holds. */
static void a_disk_that_fails(void) {
	static unsigned who;
	struct rlimit old, none;
	begin();
	CHECK(submit(&who, done, "1") == 0);
	settle(1);
	CHECK(signal(SIGXFSZ, SIG_IGN) != SIG_ERR && getrlimit(RLIMIT_FSIZE, &old) == 0);
	none = (struct rlimit){ 1, old.rlim_max };
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	CHECK(submit(&who, done, "2") == 0);
	settle(2);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	CHECK(results[1] < 0 && c.state->seq == 1 && strcmp(state_setting(c.state, "speed")->value, "1") == 0);
	CHECK(c.quit == (results[1] == -EIO) && c.failed == c.quit);
	over();
}

int main(void) {
	in_order();
	bounded();
	the_highest_class();
	the_class_that_the_plan_says();
	what_is_lost_leaves_a_gap();
	what_the_disk_refuses_leaves_a_gap();
	what_cannot_be_written();
	from_within();
	a_disk_that_fails();
	puts("ledger_test: ok");
	return 0;
}

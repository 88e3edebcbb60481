/*
 * field_group_test.c - several fields in one commit: all of it is seen, or nothing.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store/wait.h"
#include "test/lib/world.h"

enum { CORE, GUARD, ARM, READER, MANY = 30000, KILLS = 60 };

static uint16_t position, speed, image, alone;
static struct world w;
static struct field_group group;
static bool stop;

static void fresh(uint32_t leases) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	CHECK(plan_builder_process(&b, "arm", PLAN_HOST, 8) == ARM);
	CHECK(plan_builder_process(&b, "reader", PLAN_WORKER, 4) == READER);
	alone = plan_builder_field(&b, "alone", CDM_U64, 1, 3, 0, ARM, 1u << READER);
	position = plan_builder_field(&b, "position", CDM_U64, 3, 6, leases, ARM, 1u << READER);
	speed = plan_builder_field(&b, "speed", CDM_U64, 40, 6, leases, ARM, 1u << READER);
	image = plan_builder_field(&b, "image", CDM_U64, 1000, 6, leases, ARM, 1u << READER);
	b.fields[position].group = b.fields[speed].group = b.fields[image].group = speed;
	world_open(&w, &b);
}

static struct cdm_mono at(int64_t ns) {
	return (struct cdm_mono){ ns };
}

static void put_with(struct field_group *g, uint64_t value, int64_t now_ns) {
	void *out[FIELD_GROUP_MAX];
	uint32_t bytes[FIELD_GROUP_MAX];
	struct field_meta m[FIELD_GROUP_MAX];
	while (!field_group_loan(g, out))
		continue;
	for (unsigned i = 0; i < g->count; i++) {
		bytes[i] = g->at[i].plan->bytes;
		m[i] = (struct field_meta){ .source_time = at((int64_t)value), .trust = 1 };
		for (uint32_t k = 0; k < bytes[i] / 8; k++)
			__atomic_store_n((uint64_t *)out[i] + k, value, __ATOMIC_RELEASE);
	}
	CHECK(field_group_publish(g, bytes, m, at(now_ns)) == g->at[0].version);
}

static void put(uint64_t value) {
	put_with(&group, value, INT64_MAX / 2);
}

static void opens_as_a_whole(void) {
	struct field_writer one;
	struct field_group g;
	fresh(0);
	CHECK(field_writer_open(&one, &w.at[ARM], position) == -EINVAL);
	CHECK(field_writer_open(&one, &w.at[ARM], speed) == -EINVAL);
	CHECK(field_group_open(&g, &w.at[READER], speed) == -EACCES && field_group_open(&g, &w.at[ARM], 99) == -EINVAL);
	CHECK(field_group_open(&g, &w.at[ARM], image) == 0 && g.count == 3);
	CHECK(g.at[0].index == speed && g.at[1].index == position && g.at[2].index == image);
	field_group_close(&g);
	CHECK(field_group_open(&g, &w.at[ARM], alone) == 0 && g.count == 1);
	field_group_close(&g);
	world_close(&w);
}

static void shows_a_commit_at_once(void) {
	struct field in[3];
	uint64_t v[1000];
	void *out[FIELD_GROUP_MAX];
	struct cdm_info info;
	const uint16_t fields[3] = { position, speed, image };
	fresh(0);
	CHECK(field_group_open(&group, &w.at[ARM], speed) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0 && field_news(&in[i]) == 0);
	CHECK(field_group_loan(&group, out));
	for (int i = 0; i < 3; i++) /* being filled: nobody sees it */
		CHECK(field_news(&in[i]) == 0 && field_read(&in[i], v, sizeof(v), at(1), &info) == -EAGAIN);
	field_group_abandon(&group);
	for (uint64_t n = 1; n <= 50; n++) {
		put(n);
		for (int i = 0; i < 3; i++) {
			CHECK(field_news(&in[i]) == 1);
			CHECK(field_next(&in[i], v, sizeof(v), at(1), &info) == 0 && info.version == n && v[0] == n);
			CHECK(info.bytes == in[i].plan->bytes && field_news(&in[i]) == 0);
		}
	}
	/* a stamp that is even before the head moved is not news: the commit is not whole yet */
	struct layout_slot *s = &group.at[1].ring.slots[group.at[1].next];
	s->stamp = 51 << 1;
	CHECK(field_news(&in[0]) == 0 && field_next(&in[0], v, sizeof(v), at(1), NULL) == -EAGAIN);
	field_group_close(&group);
	world_close(&w);
}

/* One field of a sample that is borrowed keeps the others too: they share the slot. */
static void leases_hold_the_whole_slot(void) {
	struct field in, other;
	struct field_lease l;
	uint64_t v[3];
	struct cdm_info info;
	fresh(3);
	CHECK(field_group_open(&group, &w.at[ARM], speed) == 0);
	CHECK(field_open(&in, &w.at[READER], image) == 0 && field_open(&other, &w.at[READER], position) == 0);
	put(1);
	CHECK(field_lease(&in, at(1), &l) == 0);
	for (uint64_t n = 2; n < 100; n++) {
		put(n);
		CHECK(*(const uint64_t *)l.data == 1);
		CHECK(field_read(&other, v, sizeof(v), at(1), &info) == 0 && v[0] == n);
	}
	CHECK(group.at[0].drops == 0);
	field_release(&l);
	struct field own;
	struct field_lease all[5];
	void *out[FIELD_GROUP_MAX];
	CHECK(field_open(&own, &w.at[ARM], image) == 0);
	for (uint64_t i = 0; i < 5; i++) { /* with the newest, every slot but the claimed one */
		CHECK(field_lease(&own, at(1), &all[i]) == 0);
		put(100 + i);
	}
	CHECK(!field_group_loan(&group, out) && !out[0] && !out[2]);
	CHECK(group.at[0].drops == 1 && group.at[1].drops == 1 && group.at[2].drops == 1);
	for (int i = 0; i < 5; i++)
		field_release(&all[i]);
	put(200);
	field_close(&own);
	field_group_close(&group);
	world_close(&w);
}

static void *publish(void *unused) {
	(void)unused;
	for (uint64_t n = 1; n <= MANY; n++)
		put(n);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Who has seen a sample of one field finds the same commit, or a later one, in each of the others. */
static void *follow(void *unused) {
	struct field in[3];
	const uint16_t fields[3] = { image, position, speed };
	uint64_t v[1000];
	struct cdm_info info;
	(void)unused;
	for (int i = 0; i < 3; i++)
		CHECK(field_open(&in[i], &w.at[ARM], fields[i]) == 0);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		uint64_t least = 0;
		for (int i = 0; i < 3; i++) {
			int rc = field_read(&in[i], v, sizeof(v), at(1), &info);
			CHECK(rc == 0 || rc == -EAGAIN);
			if (rc < 0)
				break;
			CHECK(info.version >= least && v[0] == info.version);
			for (uint32_t k = 1; k < info.bytes / 8; k++)
				CHECK(v[k] == v[0]);
			least = info.version;
		}
		CHECK(wait_field(&in[0], NS_PER_MS) != -EPROTO);
	}
	for (int i = 0; i < 3; i++)
		field_close(&in[i]);
	return NULL;
}

static void is_whole_between_threads(void) {
	pthread_t t[3];
	fresh(0);
	stop = false;
	CHECK(field_group_open(&group, &w.at[ARM], speed) == 0);
	CHECK(pthread_create(&t[0], NULL, publish, NULL) == 0);
	for (int i = 1; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, follow, NULL) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	field_group_close(&group);
	world_close(&w);
}

static _Noreturn void publish_until_killed(const struct segment_files *files, uint32_t epoch, int ready) {
	struct peers t;
	struct field_group g;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	peers_init(&t, w.plan, ARM);
	CHECK(peers_own(&t, epoch, files) == 0 && field_group_open(&g, &t, speed) == 0);
	for (uint64_t n = 1;; n++) {
		put_with(&g, n, INT64_MAX / 2);
		if (n == 100)
			CHECK(write(ready, "r", 1) == 1);
	}
}

/* Killed between any two stores: what is left are equal versions. */
static void is_whole_after_a_death(void) {
	struct field in[3];
	uint64_t v[1000];
	struct cdm_info info[3];
	fresh(0);
	const uint16_t fields[3] = { image, position, speed };
	for (int i = 0; i < 3; i++)
		CHECK(field_open(&in[i], &w.at[READER], fields[i]) == 0);
	for (uint32_t round = 0; round < KILLS; round++) {
		struct segment_files files;
		int ready[2];
		uint32_t epoch = directory_starting(&w.directory, ARM, 0, clock_mono());
		char c;
		CHECK(segment_create(w.plan, ARM, &files) == 0 && pipe(ready) == 0);
		pid_t pid = fork();
		if (pid == 0)
			publish_until_killed(&files, epoch, ready[1]);
		CHECK(read(ready[0], &c, 1) == 1);
		for (volatile uint32_t k = 0; k < round * 997 % 20000; k++)
			continue;
		CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
		directory_set(&w.directory, ARM, DIRECTORY_DEAD, clock_mono());
		CHECK(peers_replace(&w.at[READER], ARM, epoch, &files) == 0);
		for (int i = 0; i < 3; i++) {
			CHECK(field_read(&in[i], v, sizeof(v), at(1), &info[i]) == 0);
			CHECK(info[i].version == info[0].version && info[i].status == CDM_ORPHAN && v[0] == v[2]);
		}
		close(ready[0]);
		close(ready[1]);
		segment_close_files(&files);
	}
	world_close(&w);
}

int main(void) {
	opens_as_a_whole();
	shows_a_commit_at_once();
	leases_hold_the_whole_slot();
	is_whole_between_threads();
	is_whole_after_a_death();
	puts("field_group_test: ok");
}

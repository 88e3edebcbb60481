/* directory_test.c - lives and deaths as readers see them. */
#include "store/directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/io.h"
#include "test/lib/plan_builder.h"

static struct plan *plan;
static struct directory parent, reader;
static int fd;

static void is_written_by_one(void) {
	struct directory again;
	fd = directory_create();
	CHECK(fd >= 0);
	CHECK(directory_map_reader(&again, plan, fd) == -EPROTO); /* not frozen */
	CHECK(directory_map_writer(&parent, plan, fd) == 0);
	CHECK(directory_map_writer(&again, plan, fd) == -EPERM && !again.shared);
	CHECK(directory_map_reader(&reader, plan, fd) == 0);
	CHECK(directory_map_reader(&again, plan, -1) == -EPROTO);
	int small = io_memory("small", 4096);
	CHECK(io_memory_freeze_writers(small) == 0);
	CHECK(directory_map_reader(&again, plan, small) == -EPROTO);
	close(small);
}

static void refuses_another_plan(void) {
	static struct plan_builder b;
	struct directory d;
	plan_builder_begin(&b, "other");
	struct plan *other = plan_builder_finish(&b);
	CHECK(directory_map_reader(&d, other, fd) == -EPROTO && !d.shared);
	free(other);
}

static void tells_lives(void) {
	struct directory_entry e = directory_get(&reader, 3);
	CHECK(e.state == DIRECTORY_FREE && e.epoch == 0 && e.pid == 0 && e.restarts == 0);
	CHECK(directory_is_over(&reader, 3, 1));
	for (uint32_t epoch = 1; epoch < 5; epoch++) {
		CHECK(directory_starting(&parent, 3, 0, (struct cdm_mono){ 100 * epoch }) == epoch);
		directory_set_pid(&parent, 3, 77);
		e = directory_get(&reader, 3);
		CHECK(e.state == DIRECTORY_STARTING && e.epoch == epoch && e.pid == 77 && e.died.ns == 0);
		CHECK(e.restarts == epoch / 2 && e.started.ns == 100 * epoch);
		CHECK(!directory_is_over(&reader, 3, epoch) && directory_is_over(&reader, 3, epoch - 1));
		directory_set(&parent, 3, DIRECTORY_LIVE, (struct cdm_mono){ 1 });
		CHECK(!directory_is_over(&reader, 3, epoch) && directory_get(&reader, 3).died.ns == 0);
		enum directory_state end = epoch % 2 ? DIRECTORY_DEAD : DIRECTORY_STOPPED;
		directory_set(&parent, 3, end, (struct cdm_mono){ 100 * epoch + 50 });
		CHECK(directory_is_over(&reader, 3, epoch));
		e = directory_get(&reader, 3);
		CHECK(e.state == end && e.epoch == epoch && e.died.ns == 100 * epoch + 50);
	}
	directory_set(&parent, 3, DIRECTORY_FREE, (struct cdm_mono){ 900 });
	CHECK(directory_is_over(&reader, 3, 4) && directory_get(&reader, 3).pid == 0);
	CHECK(!directory_is_over(&(struct directory){ .shared = NULL }, 3, 4)); /* none: nobody is dead */
}

static void bounds_what_it_reads(void) {
	parent.shared->at[5].life = UINT64_C(7) << 32 | 0xffffffffu;
	struct directory_entry e = directory_get(&reader, 5);
	CHECK(e.state < DIRECTORY_STATE_COUNT && e.epoch == 7);
	CHECK(directory_is_over(&reader, 5, 7));
	CHECK(strcmp(directory_state_text(DIRECTORY_LIVE), "live") == 0);
	CHECK(strcmp(directory_state_text(99), "?") == 0);
}

/* Another parent's directory takes the place of this one, at its address, while somebody reads. */
static void *reads_on(void *stop) {
	while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
		struct directory_entry e = directory_get(&reader, 7);
		CHECK(e.epoch == 9 && e.state == DIRECTORY_LIVE);
	}
	return NULL;
}

static void follows_another_parent(void) {
	bool stop = false;
	pthread_t t;
	struct directory next;
	struct layout_directory *at = reader.shared;
	for (int i = 0; i < 9; i++)
		CHECK(directory_starting(&parent, 7, 70, (struct cdm_mono){ 5 }) == (uint32_t)i + 1);
	directory_set(&parent, 7, DIRECTORY_LIVE, (struct cdm_mono){ 6 });
	CHECK(pthread_create(&t, NULL, reads_on, &stop) == 0);
	for (int i = 0; i < 200; i++) {
		int file = directory_create();
		CHECK(file >= 0 && directory_follow(&reader, plan, file) == -EPROTO); /* not frozen */
		CHECK(directory_map_writer(&next, plan, file) == 0);
		for (uint16_t p = 0; p < PLAN_PROCESSES_MAX; p++) {
			struct directory_entry e = directory_get(&reader, p);
			directory_restore(&next, p, &e);
		}
		CHECK(directory_follow(&reader, plan, file) == 0 && reader.shared == at);
		directory_unmap(&parent);
		parent = next;
		close(file);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	CHECK(pthread_join(t, NULL) == 0);
	struct directory_entry e = directory_get(&reader, 3);
	CHECK(e.state == DIRECTORY_FREE && e.epoch == 4 && e.restarts == 2 && e.started.ns == 400 && e.died.ns == 900);
	e = directory_get(&reader, 7);
	CHECK(e.pid == 70 && e.started.ns == 5 && directory_starting(&parent, 7, 71, (struct cdm_mono){ 7 }) == 10);
	CHECK(directory_is_over(&reader, 7, 9) && !directory_is_over(&reader, 7, 10));
	CHECK(!directory_is_orphan(&reader, 7, 10) && directory_is_orphan(&reader, 7, 9));
	directory_lose(&reader);
	CHECK(directory_is_orphan(&reader, 7, 10) && !directory_is_over(&reader, 7, 10)); /* its desk counts */
}

int main(void) {
	static struct plan_builder b;
	plan_builder_begin(&b, "robot");
	plan = plan_builder_finish(&b);
	is_written_by_one();
	refuses_another_plan();
	tells_lives();
	bounds_what_it_reads();
	follows_another_parent();
	directory_unmap(&parent);
	directory_unmap(&reader);
	directory_unmap(&reader);
	close(fd);
	free(plan);
	puts("directory_test: ok");
}

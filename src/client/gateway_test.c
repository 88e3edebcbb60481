/*
 * gateway_test.c - the place of a gateway, with this test as its parent at the other end of the seat socket.
 */
#include "cadmus/gateway.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "client/seat.h"
#include "test/lib/world.h"

enum { CORE, GUARD, HTTP, VOICE, EYES };

#define MINUTE (60 * NS_PER_S)

static struct world w;
static struct cdm_diag diag;
static uint16_t level;
static int plan_fd, parent, child;
static struct segment_files own;
static uint32_t epoch;

static void name_plan(struct plan_builder *b) {
	plan_builder_begin(b, "robot");
	CHECK(plan_builder_process(b, "ollama", PLAN_GATEWAY, 0) == HTTP);
	CHECK(plan_builder_process(b, "voice", PLAN_WORKER, 0) == VOICE);
	CHECK(plan_builder_process(b, "eyes", PLAN_WORKER, 0) == EYES);
	uint16_t http = plan_builder_entity(b, "ollama", PLAN_COMMUNICATION);
	uint16_t voice = plan_builder_entity(b, "voice", PLAN_MODEL);
	uint16_t eyes = plan_builder_entity(b, "eyes", PLAN_MODEL);
	b->entities[voice].sort = PLAN_LINGUISTIC;
	b->entities[eyes].sort = PLAN_VISUAL;
	b->processes[HTTP].entity = http;
	b->processes[VOICE].entity = voice;
	b->processes[EYES].entity = eyes;
	level = plan_builder_field(b, "level", CDM_F32, 1, 4, 0, CORE, 1u << HTTP);
	plan_builder_option(b, http, "listen", "127.0.0.1:0");
	plan_builder_option(b, voice, "file", "/models/voice.gguf");
}

/* A seat for `process` whose inherited end is `child`, with HELLO on its way. */
static void fresh(uint16_t process) {
	static struct plan_builder b;
	int pair[2];
	char text[SEAT_ENV_TEXT_MAX];
	name_plan(&b);
	world_open(&w, &b);
	world_stop(&w, process);
	plan_fd = seat_plan_file(w.plan);
	CHECK(plan_fd >= 0 && io_pair(pair) == 0);
	parent = pair[0];
	child = pair[1];
	CHECK(segment_create(w.plan, process, &own) == 0);
	epoch = directory_starting(&w.directory, process, getpid(), clock_mono());
	CHECK(seat_send_hello(parent, process, epoch, plan_fd, w.directory_fd, &own) == 0);
	for (uint16_t o = CORE; o <= GUARD; o++)
		CHECK(seat_send_peer(parent, o, w.at[o].own.epoch, &w.files[o],
				segment_parts_for(w.plan, o, process)) == 0);
	seat_env(process, child, text);
	setenv(SEAT_ENV, strchr(text, '=') + 1, 1);
	memset(&diag, 0, sizeof(diag));
}

static void done(void) {
	io_close(&plan_fd);
	io_close(&parent);
	segment_close_files(&own);
	world_close(&w);
}

static void receive(enum seat_kind kind, const char *text) {
	struct seat_message m;
	int fds[SEAT_FDS_MAX];
	unsigned n;
	CHECK(seat_receive(parent, &m, fds, &n) == 1 && m.kind == (uint32_t)kind);
	CHECK(!text || strcmp(m.text, text) == 0);
}

static void needs_a_place(void) {
	struct cdm_machine *m = (void *)1;
	unsetenv(SEAT_ENV);
	memset(&diag, 0, sizeof(diag));
	CHECK(cdm_gateway_open(&m, &diag) == -ENOENT && !m && diag.errors == 1);
	setenv(SEAT_ENV, "2:-4", 1);
	CHECK(cdm_gateway_open(&m, NULL) == -ENOENT && !m);
	fresh(VOICE);
	CHECK(cdm_gateway_open(&m, &diag) == -EPROTO && !m && diag.errors == 1); /* not that of a gateway */
	done();
}

static void knows_itself_and_others(void) {
	struct cdm_machine *m;
	struct cdm_process p;
	fresh(HTTP);
	CHECK(cdm_gateway_open(&m, &diag) == 0);
	CHECK(strcmp(cdm_machine_name(m), "robot") == 0 && strcmp(cdm_gateway_entity(m), "ollama") == 0);
	CHECK(strcmp(cdm_option(m, "ollama", "listen"), "127.0.0.1:0") == 0);
	CHECK(!cdm_option(m, "ollama", "nothing") && !cdm_option(m, "nobody", "listen"));

	CHECK(cdm_model_count(m) == 1 && strcmp(cdm_model_name(m, 0), "voice") == 0);
	CHECK(!cdm_model_name(m, 1) && !cdm_model_name(m, UINT32_MAX));
	CHECK(strcmp(cdm_option(m, cdm_model_name(m, 0), "file"), "/models/voice.gguf") == 0);

	CHECK(cdm_process_count(m) == 5 && cdm_process_at(m, 5, &p) == -EINVAL);
	CHECK(cdm_process_at(m, GUARD, &p) == 0 && p.essential && p.state == CDM_PROCESS_LIVE && p.entity[0] == 0);
	CHECK(p.epoch == 1 && p.index == GUARD && p.pid == 1000 + GUARD && p.started.ns > 0);
	CHECK(cdm_process_at(m, HTTP, &p) == 0 && !p.essential && strcmp(p.entity, "ollama") == 0);
	CHECK(p.state == CDM_PROCESS_STARTING && p.epoch == epoch && p.role == CDM_PROCESS_GATEWAY);
	directory_set(&w.directory, CORE, DIRECTORY_DEAD, clock_mono());
	CHECK(cdm_process_at(m, CORE, &p) == 0 && p.state == CDM_PROCESS_DEAD && p.died.ns > 0);
	CHECK(strcmp(cdm_process_state_name(p.state), "dead") == 0 && strcmp(cdm_process_state_name(99), "?") == 0);
	CHECK(strcmp(cdm_process_role_name(p.role), "core") == 0 && strcmp(cdm_process_role_name(99), "?") == 0);

	CHECK(cdm_gateway_ready(m) == 0);
	receive(SEAT_READY, NULL);
	cdm_gateway_failed(m, "port 1 is in use");
	receive(SEAT_FAILED, "port 1 is in use");
	cdm_detach(m);
	done();
}

/* Wait until the follower has mapped a peer: its first sample then can be waited for. */
static void sees_samples_and_counters(void) {
	struct cdm_machine *m;
	struct cdm_reader *r;
	struct cdm_info info;
	struct field_writer out;
	struct field_meta meta = field_meta_of(0);
	uint64_t n = 99;
	fresh(HTTP);
	CHECK(cdm_gateway_open(&m, &diag) == 0);
	CHECK(cdm_open(m, "level", &r) == 0);
	CHECK(cdm_peek(r, &info) == -EAGAIN);
	CHECK(peers_replace(&w.at[CORE], HTTP, epoch, &own) == 0);
	CHECK(field_writer_open(&out, &w.at[CORE], level) == 0);
	CHECK(field_write(&out, &(float){ 0.5f }, 4, &meta, clock_mono()) == 0);
	CHECK(cdm_wait(r, MINUTE) == 0);
	CHECK(cdm_peek(r, &info) == 0 && info.version == 1 && info.bytes == 4 && info.status == CDM_OK);
	CHECK(cdm_wait(r, 0) == 0); /* a peek takes nothing */

	CHECK(cdm_counter(m, CORE, COUNTER_publishes, &n) == 0 && n == 1);
	CHECK(cdm_counter(m, HTTP, COUNTER_publishes, &n) == 0 && n == 0);
	CHECK(cdm_counter(m, VOICE, COUNTER_publishes, &n) == -EAGAIN); /* nobody told us of it */
	CHECK(cdm_counter(m, 5, 0, &n) == -EINVAL && cdm_counter(m, CORE, cdm_counter_count(), &n) == -EINVAL);
	CHECK(strcmp(cdm_counter_name(COUNTER_publishes), "publishes") == 0 && cdm_counter_text(0)[0]);
	cdm_close(r);
	cdm_detach(m);
	done();
}

static void hand_channel(uint16_t process, int *core_end) {
	int pair[2];
	CHECK(io_pair(pair) == 0 && seat_send_channel(parent, process, pair[1]) == 0);
	close(pair[1]);
	*core_end = pair[0];
}

static void *hand_two(void *ends) {
	hand_channel(GUARD, &((int *)ends)[0]); /* not to core: closed */
	hand_channel(CORE, &((int *)ends)[1]);
	return NULL;
}

static void talks_to_core(void) {
	static const uint8_t ping[] = { 0x82, 0xa2, 'o', 'p', 0xa4, 'p', 'i', 'n', 'g', 0xa2, 'i', 'd', 1 };
	struct cdm_machine *m;
	struct cdm_control *c;
	uint8_t got[64];
	int ends[2], second;
	pthread_t t;
	fresh(HTTP);
	CHECK(cdm_gateway_open(&m, &diag) == 0);
	CHECK(cdm_gateway_channel(m, &c, 0) == -ETIMEDOUT && !c);
	CHECK(pthread_create(&t, NULL, hand_two, ends) == 0);
	CHECK(cdm_gateway_channel(m, &c, MINUTE) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(cdm_control_send(c, ping, sizeof(ping), MINUTE) == 0);
	CHECK(io_receive(ends[1], got, sizeof(got), NULL, NULL, 0) == sizeof(ping));
	CHECK(io_receive(ends[0], got, sizeof(got), NULL, NULL, 0) == 0); /* hung up */
	io_close(&ends[0]);
	io_close(&ends[1]); /* core died; here is another one */
	CHECK(cdm_control_receive(c, got, sizeof(got), MINUTE) == -EPIPE);
	cdm_control_close(c);
	hand_channel(CORE, &second);
	CHECK(cdm_gateway_channel(m, &c, MINUTE) == 0);
	cdm_control_close(c);
	io_close(&second);
	cdm_detach(m);
	done();
}

/* A channel that nobody took is replaced; the one that is left at the end is closed with the machine. */
static void keeps_the_newest(void) {
	struct cdm_machine *m;
	uint8_t byte;
	int first, second;
	fresh(HTTP);
	CHECK(cdm_gateway_open(&m, &diag) == 0);
	hand_channel(CORE, &first);
	hand_channel(CORE, &second);
	CHECK(io_receive(first, &byte, 1, NULL, NULL, 0) == 0);
	cdm_detach(m);
	CHECK(io_receive(second, &byte, 1, NULL, NULL, 0) == 0);
	io_close(&first);
	io_close(&second);
	done();
}

static void *wait_for_channel(void *m) {
	struct cdm_control *c;
	CHECK(cdm_gateway_channel(m, &c, -1) == -ECANCELED && !c);
	return NULL;
}

static void ends(bool politely) {
	struct cdm_machine *m;
	struct cdm_control *c;
	pthread_t t;
	fresh(HTTP);
	CHECK(cdm_gateway_open(&m, &diag) == 0);
	CHECK(pthread_create(&t, NULL, wait_for_channel, m) == 0);
	if (politely)
		CHECK(seat_send_quit(parent) == 0);
	else
		io_close(&parent);
	cdm_gateway_wait(m);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(!cdm_machine_alive(m) && cdm_gateway_channel(m, &c, MINUTE) == -ECANCELED);
	cdm_detach(m);
	done();
}

int main(void) {
	needs_a_place();
	knows_itself_and_others();
	sees_samples_and_counters();
	talks_to_core();
	keeps_the_newest();
	ends(true);
	ends(false);
	puts("gateway_test: ok");
}

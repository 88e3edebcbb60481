/*
 * hexapod_sim_test.c - the robot through its public door and over a real bus, in virtual time.
 *
 * The test speaks as a guard does.  A second handle on the bus is the witness: what it has heard, the
 * robot can hear too, so that nothing depends on how fast this machine is.
 */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cadmus/can.h"
#include "cadmus/driver.h"
#include "legs.h"

extern const struct cdm_driver cdm_driver;

#define MS INT64_C(1000000)
enum { BASE = 40, STAND_FEMUR = 1446, STAND_TIBIA = -10325 };

static struct cdm_mono now = { 77000 * MS };
static char machine[40];
static const char *set[4][2];
static struct cdm_bus *guard, *witness;
static uint8_t counters[JOINTS];
static int position[JOINTS];
static uint8_t flags[JOINTS];
static struct cdm_can_pose pose;
static unsigned positions, poses, beats;

static struct cdm_mono test_now(void) {
	return now;
}

static void test_log(void *of, enum cdm_severity severity, const char *text) {
	(void)of, (void)severity, (void)text;
}

static const char *test_option(void *of, const char *key) {
	assert(of == set);
	for (size_t i = 0; i < 4; i++)
		if (set[i][0] && strcmp(set[i][0], key) == 0)
			return set[i][1];
	return NULL;
}

static struct cdm_driver_config config(void) {
	return (struct cdm_driver_config){ .now = test_now, .log = test_log, .option = test_option, .of = set,
		.machine = machine, .entity = "legs" };
}

static void options(const char *key, const char *value) {
	memset(set, 0, sizeof(set));
	set[0][0] = "bus", set[0][1] = "udp:auto";
	set[1][0] = "node_base", set[1][1] = "40";
	set[2][0] = key, set[2][1] = value;
}

static void *begin(const char *key, const char *value) {
	struct cdm_driver_config cfg = config();
	struct cdm_diag diag = { 0 };
	void *self;
	options(key, value);
	if (cdm_driver.open(&self, &cfg, &diag) < 0)
		fprintf(stderr, "%s\n", diag.at[0].text);
	assert(self && cdm_driver.fd(self) >= 0);
	assert(cdm_bus_open(&guard, "udp:auto", machine, NULL) == 0);
	assert(cdm_bus_open(&witness, "udp:auto", machine, NULL) == 0);
	memset(counters, 0, sizeof(counters));
	positions = poses = beats = 0;
	return self;
}

static void end(void *self) {
	cdm_driver.close(self);
	cdm_bus_close(&guard);
	cdm_bus_close(&witness);
}

static struct cdm_frame next(struct cdm_bus *b) {
	struct cdm_frame f;
	int rc;
	while ((rc = cdm_bus_receive(b, &f)) == -EAGAIN) {
		struct pollfd p = { cdm_bus_fd(b), POLLIN, 0 };
		assert(poll(&p, 1, 20000) == 1);
	}
	assert(rc == 0);
	return f;
}

/* It is on the bus, and so before the robot. */
static void send(const struct cdm_frame *f) {
	struct cdm_frame seen;
	assert(cdm_bus_send(guard, f) == 0);
	do
		seen = next(witness);
	while (memcmp(&seen, f, sizeof(seen)) != 0);
}

static void setpoint(unsigned j, int cdeg, uint16_t motion, uint8_t lease) {
	struct cdm_can m = { .kind = CDM_CAN_SETPOINT, .node = (uint8_t)(BASE + j), .motion = motion,
			.value = (int16_t)cdeg, .rate = 75, .lease = lease, .counter = counters[j] };
	struct cdm_frame f;
	counters[j] = (uint8_t)((counters[j] + 1) % 16);
	assert(cdm_can_encode(&m, &f) == 0);
	send(&f);
}

static void understand(const struct cdm_frame *f) {
	struct cdm_can m;
	assert(cdm_can_decode(f, &m) == 0);
	if (m.kind == CDM_CAN_FEEDBACK) {
		assert(m.node >= BASE && m.node < BASE + JOINTS);
		position[m.node - BASE] = m.value;
		flags[m.node - BASE] = m.flags;
		positions++;
	} else {
		assert(m.node == BASE + JOINTS);
		if (m.kind == CDM_CAN_ODOMETRY)
			pose = cdm_can_get_pose(&m), poses++;
		else
			assert(m.kind == CDM_CAN_HEARTBEAT), beats++;
	}
}

/* `ns` later; then take all that the robot says, up to its next odometry. */
static void step(void *self, int64_t ns) {
	now.ns += ns;
	assert(cdm_driver.poll(self, now) == 0);
	for (unsigned want = poses + 1; poses < want;) {
		struct cdm_frame f = next(guard);
		understand(&f);
	}
}

/* It hears what is on the bus, and has no time to do anything about it. */
static void listen(void *self) {
	now.ns++;
	assert(cdm_driver.poll(self, now) == 0);
}

static void stands_and_reports(void) {
	void *self = begin(NULL, NULL);
	for (int i = 0; i < 50; i++)
		step(self, 20 * MS);
	assert(positions == 50 * JOINTS && poses == 50 && beats >= 19 && beats <= 21);
	for (unsigned j = 0; j < JOINTS; j++) {
		assert(position[j] == (j % 3 == 0 ? 0 : j % 3 == 1 ? STAND_FEMUR : STAND_TIBIA));
		assert(flags[j] == CDM_CAN_HOLDING);
	}
	assert(pose.x_mm == 0 && pose.y_mm == 0 && pose.heading_cdeg == 0);
	end(self);
}

/* Coxas alone: the left tripod swings in the air, the other pushes back, and so on. */
static void walks_while_it_is_told_to(void) {
	enum { SWING = 1000, STEPS = 8, PARTS = 20 };
	void *self = begin(NULL, NULL);
	int x_before = 0;
	for (int s = 0; s < STEPS; s++) {
		for (int i = 1; i <= PARTS; i++) {
			for (unsigned j = 0; j < JOINTS; j++) {
				unsigned leg = j / 3, tripod = leg == 0 || leg == 2 || leg == 4;
				bool air = (unsigned)s % 2 == tripod;
				int side = leg < 3 ? 1 : -1, way = SWING * (2 * i - PARTS) / PARTS;
				int coxa = side * (air ? -way : way); /* left: a positive coxa goes back */
				int femur = STAND_FEMUR + (air && i < PARTS ? 2000 : 0);
				setpoint(j, j % 3 == 0 ? coxa : j % 3 == 1 ? femur : STAND_TIBIA, 1, 20);
			}
			step(self, 20 * MS);
		}
		assert(pose.x_mm > x_before + 10); /* every step brings it on */
		x_before = pose.x_mm;
	}
	/* Two coxas of 130 mm reach at 90, one or two at 45 degrees: 20 degrees push some 35 to 45 mm. */
	assert(pose.x_mm > 8 * 25 && pose.x_mm < 8 * 50);
	assert(abs(pose.y_mm) < 30 && abs(pose.heading_cdeg) < 1000);

	int x = pose.x_mm, coxa = position[0]; /* nobody renews: within the lease it stands */
	for (int i = 0; i < 15; i++)
		step(self, 20 * MS);
	x = pose.x_mm, coxa = position[0];
	for (int i = 0; i < 25; i++)
		step(self, 20 * MS);
	assert(pose.x_mm == x && position[0] == coxa && flags[0] & CDM_CAN_HOLDING);
	end(self);
}

static void holds_when_the_lease_ends_in_mid_motion(void) {
	void *self = begin(NULL, NULL);
	setpoint(0, 0, 1, 5);
	step(self, 20 * MS);
	setpoint(0, 6000, 1, 5); /* 300 degrees a second for 50 ms, and no word more */
	listen(self);
	for (int i = 0; i < 20; i++)
		step(self, 20 * MS);
	assert(position[0] == 1500 && flags[0] & CDM_CAN_HOLDING);
	end(self);
}

static void holds_at_once_on_an_emergency_stop(void) {
	static const struct cdm_frame stop = { .flags = CDM_FRAME_EXTENDED };
	void *self = begin("rate", "100");
	setpoint(3, 0, 9, 20);
	step(self, 20 * MS);
	setpoint(3, 6000, 9, 20);
	listen(self);
	step(self, 50 * MS);
	send(&stop);
	listen(self);
	step(self, 20 * MS);
	assert(position[3] == 500); /* its own 100 degrees a second, not the 300 it was allowed */
	setpoint(3, 6000, 9, 20);
	for (int i = 0; i < 10; i++)
		step(self, 20 * MS);
	assert(position[3] == 500 && flags[3] & CDM_CAN_STOPPED);
	setpoint(3, 600, 10, 20);
	for (int i = 0; i < 10; i++)
		step(self, 20 * MS);
	assert(position[3] == 600 && !(flags[3] & CDM_CAN_STOPPED));
	end(self);
}

/* Frames for others, broken ones and garbage move nothing. */
static void ignores_what_is_not_for_it(void) {
	void *self = begin("pose", "flat");
	for (unsigned i = 0; i < 300; i++) {
		struct cdm_can m = { .kind = (uint8_t)(i % CDM_CAN_KINDS), .value = 3000, .rate = 255, .lease = 255,
				.node = (uint8_t)(i % 2 ? BASE - 1 : BASE + JOINTS), .counter = i / 10 % 16 };
		struct cdm_frame f;
		assert(cdm_can_encode(&m, &f) == 0);
		if (m.kind == CDM_CAN_ESTOP)
			continue;
		if (i % 3 == 0)
			f.data[i % 8] ^= 1;
		assert(cdm_bus_send(guard, &f) == 0);
	}
	for (int i = 0; i < 20; i++)
		step(self, 20 * MS);
	for (unsigned j = 0; j < JOINTS; j++)
		assert(position[j] == 0);
	end(self);
}

static void forgets_a_long_pause(void) {
	void *self = begin(NULL, NULL);
	setpoint(0, 0, 1, 255);
	step(self, 20 * MS);
	setpoint(0, 6000, 1, 255);
	listen(self);
	step(self, INT64_C(3600000) * MS); /* the process was asleep */
	assert(position[0] == 0);
	end(self);
}

static void refuses_options_that_cannot_be(void) {
	static const char *const rows[][2] = { { "rate", "0" }, { "rate", "fast" }, { "rate", "" }, { "rate", "1e9" },
		{ "pose", "upside down" }, { "node_base", "0" }, { "node_base", "238" }, { "bus", "carrier:pigeon" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cdm_driver_config cfg = config();
		struct cdm_diag diag = { 0 };
		void *self = &cfg;
		memset(set, 0, sizeof(set));
		set[0][0] = rows[i][0], set[0][1] = rows[i][1];
		assert(cdm_driver.open(&self, &cfg, &diag) == -EINVAL && self == NULL && diag.errors == 1);
		assert(strstr(diag.at[0].text, rows[i][1]));
	}
	cdm_driver.close(NULL);
}

int main(void) {
	snprintf(machine, sizeof(machine), "hexapod_sim_test.%d", (int)getpid());
	stands_and_reports();
	walks_while_it_is_told_to();
	holds_when_the_lease_ends_in_mid_motion();
	holds_at_once_on_an_emergency_stop();
	ignores_what_is_not_for_it();
	forgets_a_long_pause();
	refuses_options_that_cannot_be();
	puts("hexapod_sim_test: ok");
}

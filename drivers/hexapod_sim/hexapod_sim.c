/*
 * hexapod_sim.c - a hexapod at the other end of the bus: 18 joint nodes, a body, and the ground.
 *
 * It knows only the bus, as a real robot would.  Between two calls it lives through the time that has
 * passed in small steps: joints move, standing feet push, the body goes.  Every 20 ms each node
 * reports its position and the body where it is; every 50 ms the body says that it is there.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "cadmus/bus.h"
#include "cadmus/can.h"
#include "cadmus/driver.h"
#include "legs.h"
#include "node.h"

#define MS INT64_C(1000000)
#define STEP_NS (5 * MS)
#define FEEDBACK_NS (20 * MS)
#define HEARTBEAT_NS (50 * MS)
#define PAUSE_NS_MAX (1000 * MS) /* if nobody called for longer, that time did not exist */
#define FRAMES_PER_CALL 256      /* a flood must not stop the clock of the robot */

struct hexapod {
	struct cdm_driver_config cfg;
	struct cdm_bus *bus;
	unsigned node_base;
	struct node nodes[JOINTS];
	struct legs_pose pose;
	struct cdm_mono now;
	int64_t fed_ns, next_feedback_ns, next_heartbeat_ns;
	uint8_t odometry_counter, heartbeat_counter;
};

static const struct cdm_driver_option options[] = {
	{ "bus", "auto", "the bus it lives on: auto, socketcan:can0, udp:auto, udp:239.74.163.2:43113" },
	{ "node_base", "1", "bus node of its first joint; its body is the one after the last" },
	{ "rate", "360", "fastest joint, degrees per second" },
	{ "pose", "stand", "how it begins: stand, crouch, flat" },
	{ NULL, NULL, NULL },
};

static const char *option(const struct cdm_driver_config *cfg, const char *key) {
	const char *value = cfg->option(cfg->of, key);
	for (const struct cdm_driver_option *o = options; !value && o->key; o++)
		if (strcmp(o->key, key) == 0)
			value = o->fallback;
	return value ? value : "";
}

static int read_number(const struct cdm_driver_config *cfg, const char *key, double min, double max,
		double *out, struct cdm_diag *diag) {
	const char *text = option(cfg, key);
	char *end;
	*out = strtod(text, &end);
	if (*text && *end == 0 && *out >= min && *out <= max)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "D0201", "option '%s' must be %g to %g, not '%s'", key, min, max, text);
	return -EINVAL;
}

static int read_pose(const struct cdm_driver_config *cfg, const double **cdeg, struct cdm_diag *diag) {
	static const struct {
		const char *name;
		double cdeg[LEG_JOINTS];
	} poses[] = { { "stand", { 0, 1446, -10325 } }, { "crouch", { 0, 4595, -12423 } }, { "flat", { 0, 0, 0 } } };
	const char *text = option(cfg, "pose");
	for (size_t i = 0; i < sizeof(poses) / sizeof(poses[0]); i++)
		if (strcmp(poses[i].name, text) == 0) {
			*cdeg = poses[i].cdeg;
			return 0;
		}
	cdm_diag_add(diag, CDM_ERROR, "D0202", "option 'pose' must be stand, crouch or flat, not '%s'", text);
	return -EINVAL;
}

static int prepare(struct hexapod *h, const struct cdm_driver_config *cfg, struct cdm_diag *diag) {
	double base = 1, rate = 360;
	const double *pose = NULL;
	int rc = read_number(cfg, "node_base", 1, 255 - JOINTS, &base, diag);
	if (rc == 0)
		rc = read_number(cfg, "rate", 1, 1020, &rate, diag);
	if (rc == 0)
		rc = read_pose(cfg, &pose, diag);
	if (rc < 0)
		return rc;
	h->node_base = (unsigned)base;
	for (unsigned j = 0; j < JOINTS; j++)
		node_init(&h->nodes[j], pose[j % LEG_JOINTS], rate * 100);
	return cdm_bus_open(&h->bus, option(cfg, "bus"), cfg->machine, diag);
}

static void hexapod_close(void *self) {
	struct hexapod *h = self;
	if (!h)
		return;
	cdm_bus_close(&h->bus);
	free(h);
}

static int hexapod_open(void **self, const struct cdm_driver_config *cfg, struct cdm_diag *diag) {
	struct hexapod *h = calloc(1, sizeof(*h));
	*self = NULL;
	if (!h)
		return -ENOMEM;
	h->cfg = *cfg;
	int rc = prepare(h, cfg, diag);
	if (rc < 0) {
		hexapod_close(h);
		return rc;
	}
	h->now = cfg->now();
	h->fed_ns = h->now.ns;
	h->next_feedback_ns = h->next_heartbeat_ns = h->now.ns;
	*self = h;
	return 0;
}

static void joints_of(const struct hexapod *h, double joints[JOINTS]) {
	for (unsigned j = 0; j < JOINTS; j++)
		joints[j] = h->nodes[j].at_cdeg * M_PI / 18000;
}

/* Live until `now`. */
static void live(struct hexapod *h, struct cdm_mono now) {
	double before[JOINTS], after[JOINTS];
	if (now.ns - h->now.ns > PAUSE_NS_MAX)
		h->now.ns = now.ns - PAUSE_NS_MAX;
	joints_of(h, before);
	while (h->now.ns < now.ns) {
		struct cdm_mono then = h->now;
		h->now.ns = now.ns - then.ns > STEP_NS ? then.ns + STEP_NS : now.ns;
		for (unsigned j = 0; j < JOINTS; j++)
			node_step(&h->nodes[j], then, h->now);
		joints_of(h, after);
		(void)legs_move(&h->pose, before, after);
		memcpy(before, after, sizeof(before));
	}
}

static void hear(struct hexapod *h, const struct cdm_frame *f) {
	struct cdm_can m;
	if (cdm_can_is_estop(f)) {
		for (unsigned j = 0; j < JOINTS; j++)
			node_stop(&h->nodes[j]);
		return;
	}
	if (cdm_can_decode(f, &m) < 0 || m.kind != CDM_CAN_SETPOINT || m.field != 0)
		return;
	if (m.node >= h->node_base && m.node < h->node_base + JOINTS)
		node_hear(&h->nodes[m.node - h->node_base], &m, h->now);
}

static int listen_to_bus(struct hexapod *h) {
	struct cdm_frame f;
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < FRAMES_PER_CALL; i++) {
		rc = cdm_bus_receive(h->bus, &f);
		if (rc == 0)
			hear(h, &f);
	}
	return rc == -EAGAIN ? 0 : rc;
}

/* A full bus loses a report; the next one follows. */
static void say(struct hexapod *h, const struct cdm_can *m) {
	struct cdm_frame f;
	if (cdm_can_encode(m, &f) == 0)
		(void)!cdm_bus_send(h->bus, &f);
}

/* Round to 16 bits, modulo 2^16. */
static int16_t wrap(double value) {
	return (int16_t)(uint16_t)(uint64_t)llround(value);
}

static void report(struct hexapod *h) {
	int64_t elapsed = h->now.ns > h->fed_ns ? h->now.ns - h->fed_ns : FEEDBACK_NS;
	h->fed_ns = h->now.ns;
	for (unsigned j = 0; j < JOINTS; j++) {
		struct cdm_can m = node_feedback(&h->nodes[j], (uint8_t)(h->node_base + j), h->now, elapsed);
		say(h, &m);
	}
	struct cdm_can m = { .kind = CDM_CAN_ODOMETRY, .node = (uint8_t)(h->node_base + JOINTS),
			.counter = h->odometry_counter };
	h->odometry_counter = (uint8_t)((h->odometry_counter + 1u) % CDM_CAN_COUNTERS);
	cdm_can_set_pose(&m, (struct cdm_can_pose){ wrap(h->pose.x), wrap(h->pose.y),
			wrap(h->pose.heading * 18000 / M_PI) });
	say(h, &m);
}

static void beat(struct hexapod *h) {
	struct cdm_can m = { .kind = CDM_CAN_HEARTBEAT, .node = (uint8_t)(h->node_base + JOINTS),
			.counter = h->heartbeat_counter };
	h->heartbeat_counter = (uint8_t)((h->heartbeat_counter + 1u) % CDM_CAN_COUNTERS);
	say(h, &m);
}

static bool is_due(int64_t *next_ns, int64_t now_ns, int64_t period_ns) {
	if (now_ns < *next_ns)
		return false;
	*next_ns += period_ns;
	if (*next_ns <= now_ns)
		*next_ns = now_ns + period_ns;
	return true;
}

static int hexapod_poll(void *self, struct cdm_mono now) {
	struct hexapod *h = self;
	live(h, now);
	int rc = listen_to_bus(h);
	if (is_due(&h->next_feedback_ns, now.ns, FEEDBACK_NS))
		report(h);
	if (is_due(&h->next_heartbeat_ns, now.ns, HEARTBEAT_NS))
		beat(h);
	return rc;
}

static int hexapod_fd(void *self) {
	return cdm_bus_fd(((struct hexapod *)self)->bus);
}

CDM_DRIVER_EXPORT const struct cdm_driver cdm_driver = {
	.abi = CDM_DRIVER_ABI,
	.sort = CDM_DRIVER_DEVICE,
	.name = "hexapod_sim",
	.summary = "a hexapod at the other end of the bus: 18 joints, a body, flat ground",
	.options = options,
	.open = hexapod_open,
	.close = hexapod_close,
	.poll = hexapod_poll,
	.fd = hexapod_fd,
};

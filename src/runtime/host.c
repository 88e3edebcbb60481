/*
 * host.c - see host.h.
 *
 * One thread.  A timer sets the pace of a sensor; each tick loans the next slot of its field, lets the
 * driver fill it in place, and publishes it with the driver's source time: nothing is copied.  A
 * device is polled at its pace and whenever its descriptor is readable; it stands in for hardware, which
 * has a processor of its own, so it runs with real-time priority where that is allowed, below the guard.
 */
#include "runtime/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/program.h"
#include "cadmus/driver.h"
#include "store/field.h"

#define DEVICE_RATE_HZ 100.0
#define DEVICE_PRIORITY 5 /* of SCHED_FIFO; the guard has more */
#define SENSOR_RATE_HZ 10.0
#define RATE_MIN_HZ 0.01
#define RATE_MAX_HZ 1000.0

struct host {
	struct seat *seat;
	uint16_t entity;
	const struct cdm_driver *driver;
	void *self;
	struct field_writer writer; /* of a sensor */
	float trust;                /* lower bound of its declared trust */
	double rate_hz;
	int timer;
	uint64_t faults;            /* samples that could not be had, in a row */
};

static const char *option(void *of, const char *key) {
	const struct host *h = of;
	return plan_find_option(h->seat->plan, h->entity, key);
}

static void driver_log(void *of, enum cdm_severity severity, const char *text) {
	(void)of;
	log_line(severity == CDM_ERROR ? LOG_ERROR : severity == CDM_WARNING ? LOG_WARN : LOG_INFO, "%s", text);
}

/* The first field that this process writes: what a sensor fills. */
static uint16_t own_field(const struct seat *s) {
	for (uint16_t f = 0; f < s->plan->fields.count; f++)
		if (plan_fields(s->plan)[f].process == s->process)
			return f;
	return PLAN_NONE;
}

static int load_driver(struct host *h, struct cdm_diag *diag) {
	char path[1024];
	bool stands_in = plan_entities(h->seat->plan)[h->entity].class == PLAN_ACTUATOR;
	const char *name = option(h, stands_in ? "simulator" : "driver");
	if (!name || program_find(PROGRAM_DRIVER, name, path, sizeof(path)) < 0) {
		cdm_diag_add(diag, CDM_ERROR, "R0301", "there is no driver '%s'", name ? name : "");
		return -ENOENT;
	}
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	h->driver = module ? dlsym(module, CDM_DRIVER_SYMBOL) : NULL;
	if (!h->driver || h->driver->abi != CDM_DRIVER_ABI) {
		cdm_diag_add(diag, CDM_ERROR, "R0302", "driver '%s' cannot be used: %s", name,
				h->driver ? "it is of another version" : dlerror());
		return -ENOTSUP;
	}
	return 0;
}

static int open_driver(struct host *h, struct cdm_diag *diag) {
	const struct seat *s = h->seat;
	struct cdm_driver_config cfg = { .now = clock_mono, .log = driver_log, .option = option, .of = h,
		.machine = s->plan->machine, .entity = plan_entities(s->plan)[h->entity].name, .rate_hz = h->rate_hz };
	if (h->driver->sort == CDM_DRIVER_SENSOR) {
		uint16_t f = own_field(s);
		int rc = field_writer_open(&h->writer, &h->seat->peers, f);
		if (rc < 0) {
			cdm_diag_add(diag, CDM_ERROR, "R0303", "the plan gives this sensor no field to write");
			return rc;
		}
		const struct plan_field *p = h->writer.plan;
		cfg.dtype = (enum cdm_dtype)p->dtype;
		cfg.dims = p->dims;
		memcpy(cfg.shape, p->shape, sizeof(cfg.shape));
		cfg.bytes = p->bytes;
	}
	return h->driver->open(&h->self, &cfg, diag);
}

/* ---- one step ---- */

/* 0, or the device is lost. */
static int sense(struct host *h) {
	struct cdm_info info = { .status = CDM_OK, .trust = 1.0f, .source = h->entity };
	void *slot = field_loan(&h->writer);
	if (!slot)
		return 0; /* every slot is borrowed: counted as a drop */
	int rc = h->driver->fill(h->self, slot, h->writer.plan->bytes, &info);
	if (rc < 0) {
		field_abandon(&h->writer);
		if (rc == -EAGAIN)
			return 0;
		if (h->faults++ == 0)
			log_warn("a sample could not be had: %s", err_text(rc));
		return rc == -EBADMSG || rc == -EIO ? 0 : rc;
	}
	h->faults = 0;
	struct field_meta m = { .source_time = info.source_time, .source = h->entity, .status = info.status,
		.trust = !(info.trust >= h->trust) ? info.trust : h->trust }; /* NaN is none: the store makes it 0 */
	field_publish(&h->writer, info.bytes, &m, clock_mono());
	return 0;
}

static int step(struct host *h, bool due) {
	if (h->driver->sort == CDM_DRIVER_DEVICE)
		return h->driver->poll(h->self, clock_mono());
	return due ? sense(h) : 0;
}

/* Messages of the parent; true when it is time to end. */
static bool told_to_quit(struct host *h) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(h->seat, &e)) > 0) {
		if (e.kind == SEAT_EVENT_QUIT)
			return true;
		io_close(&e.fd);
	}
	return rc < 0;
}

static int loop(struct host *h) {
	/* a sensor goes by its pace: its descriptor would wake us for samples that nobody takes */
	bool polled = h->driver->sort == CDM_DRIVER_DEVICE && h->driver->fd;
	int device = polled ? h->driver->fd(h->self) : -1, rc = 0;
	while (rc == 0) {
		struct pollfd p[3] = { { .fd = seat_fd(h->seat), .events = POLLIN },
			{ .fd = h->timer, .events = POLLIN }, { .fd = device, .events = POLLIN } };
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[0].revents && told_to_quit(h))
			return 0;
		bool due = io_timer_read(h->timer) > 0;
		if (due || p[2].revents)
			rc = step(h, due);
	}
	log_error("the device is lost: %s", err_text(rc));
	return rc;
}

static void play_hardware(void) {
	struct sched_param p = { .sched_priority = DEVICE_PRIORITY };
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		log_info("no real-time priority for the simulated device: a busy computer may make it late");
}

static int start(struct host *h, struct cdm_diag *diag) {
	const char *rate = NULL;
	h->entity = seat_process(h->seat)->entity;
	h->trust = 1.0f;
	if (h->entity == PLAN_NONE) {
		cdm_diag_add(diag, CDM_ERROR, "R0305", "process %s runs no entity", seat_process(h->seat)->name);
		return -EINVAL;
	}
	const struct plan_entity *e = &plan_entities(h->seat->plan)[h->entity];
	for (int d = 0; d < 3; d++)
		h->trust = e->trust[d] < (double)h->trust ? (float)e->trust[d] : h->trust;
	int rc = load_driver(h, diag);
	if (rc < 0)
		return rc;
	bool device = h->driver->sort == CDM_DRIVER_DEVICE;
	rate = option(h, "rate_hz");
	h->rate_hz = rate ? strtod(rate, NULL) : device ? DEVICE_RATE_HZ : SENSOR_RATE_HZ;
	if (!(h->rate_hz >= RATE_MIN_HZ && h->rate_hz <= RATE_MAX_HZ)) {
		cdm_diag_add(diag, CDM_ERROR, "R0304", "rate_hz is '%s': from 0.01 to 1000 can be kept", rate);
		return -EINVAL;
	}
	if ((rc = open_driver(h, diag)) < 0)
		return rc;
	if (device)
		play_hardware();
	h->timer = io_timer((int64_t)(1e9 / h->rate_hz));
	return h->timer < 0 ? h->timer : seat_ready(h->seat);
}

int host_main(struct seat *seat) {
	static struct cdm_diag diag;
	struct host h = { .seat = seat, .timer = -1 };
	int rc = start(&h, &diag);
	if (rc < 0)
		seat_failed(seat, "%s", diag.count ? diag.at[0].text : err_text(rc));
	else
		rc = loop(&h);
	if (h.driver && h.self)
		h.driver->close(h.self);
	io_close(&h.timer);
	return rc < 0;
}

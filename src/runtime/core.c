/*
 * core.c - see core.h: start, the loop, and the end.
 *
 * Start: open the journal, fold it to the state, write down the plan and the new epoch, begin the rules, then say
 * READY; so whoever meets this core meets the state that the last one left.
 */
#include "runtime/core.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "client/state_path.h"
#include "journal/journal_read.h"
#include "runtime/core_priv.h"

#define CORE_COMERS 8u /* at once */

const char *core_entity_name(const struct core *c, uint16_t entity) {
	return entity < c->plan->entities.count ? plan_entities(c->plan)[entity].name : "";
}

int64_t core_option(const struct core *c, const char *key, int64_t otherwise) {
	const char *text = plan_find_option(c->plan, 0, key);
	return text ? strtoll(text, NULL, 10) : otherwise;
}

int core_watch(struct core *c, int fd, enum core_source s, unsigned index) {
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uint64_t)s << 32 | index };
	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -errno;
}

void core_tick_at(struct core *c, int64_t period_ns) {
	struct timespec t = { period_ns / NS_PER_S, period_ns % NS_PER_S };
	struct itimerspec s = { t, t };
	CHECK(timerfd_settime(c->tick, 0, &s, NULL) == 0);
}

/* ---- what comes from the parent ---- */

static void take_channel(struct core *c, uint16_t process, int fd) {
	const struct plan_process *p = &plan_processes(c->plan)[process];
	int rc = 0;
	if (p->role == PLAN_WORKER)
		models_channel(c, process, fd);
	else if (p->role == PLAN_GATEWAY)
		rc = session_open(c, fd, p->entity);
	else if (p->role == PLAN_GUARD) {
		io_close(&c->guard_channel);
		c->guard_channel = fd;
	} else
		rc = -EPROTO;
	if (rc < 0)
		close(fd);
}

/*
 * A second one takes the place of the first: its path was deleted.  The parent may have the first open still, and the
 * epoll would remember it.
 */
static void take_door(struct core *c, enum seat_door door, int fd) {
	if (door != SEAT_DOOR_CONTROL || core_watch(c, fd, CORE_ON_DOOR, 0) < 0) {
		close(fd);
		return;
	}
	if (c->door >= 0)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->door, NULL);
	io_close(&c->door);
	c->door = fd;
}

/* Before anybody is ended: what moves must not go on until the last model has. */
static void go_down(struct core *c) {
	c->going_down = true;
	motion_stop(c, MOTION_GOING_DOWN);
	turn_go_down(c);
}

static void on_seat(struct core *c) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(c->seat, &e)) > 0) {
		if (e.kind == SEAT_EVENT_CHANNEL)
			take_channel(c, e.process, e.fd);
		else if (e.kind == SEAT_EVENT_DOOR)
			take_door(c, e.door, e.fd);
		else if (e.kind == SEAT_EVENT_STOPPED)
			models_stopped(c, e.process);
		else if (e.kind == SEAT_EVENT_DOWN)
			go_down(c);
		else if (e.kind == SEAT_EVENT_KEEP || e.kind == SEAT_EVENT_KEEP_DOORS)
			legacy_keep(&c->legacy, &e);
		else if (e.kind == SEAT_EVENT_QUIT)
			c->quit = true;
	}
	if (rc < 0 && (c->quit || (rc = heir_find(c)) < 0)) {
		log_warn("without a parent there is no machine: %s", err_text(rc));
		c->quit = true;
	}
}

/* The control door is the operator's: whoever runs the machine, or root.  Who came is heard before many more come. */
static void on_door(struct core *c) {
	int fd;
	for (unsigned n = 0; n < CORE_COMERS && (fd = io_accept(c->door)) >= 0; n++) {
		uid_t uid;
		pid_t pid;
		bool ours = io_peer(fd, &uid, &pid) == 0 && (uid == getuid() || uid == 0);
		if (!ours || session_open(c, fd, c->plan->operator_entity) < 0)
			close(fd);
	}
}

static void on_event(struct core *c, uint64_t data) {
	unsigned index = (unsigned)data;
	switch ((enum core_source)(data >> 32)) {
	case CORE_ON_SEAT: on_seat(c); break;
	case CORE_ON_DOOR: on_door(c); break;
	case CORE_ON_SESSION: session_readable(c, index); break;
	case CORE_ON_MODEL: models_readable(c, (uint16_t)index); break;
	case CORE_ON_JOURNAL: ledger_readable(c); break;
	case CORE_ON_TICK:
		if (io_timer_read(c->tick))
			motion_tick(c);
		break;
	case CORE_ON_KEEPER: forget_keeper(c); break;
	case CORE_ON_SAMPLES: samples_due(c); break;
	case CORE_ON_GAPS: gap_retry(c); break;
	case CORE_ON_LOOK: forget_look(c); break;
	case CORE_ON_FINDER: remind_found(c); break;
	case CORE_ON_REMIND: remind_late(c); break;
	case CORE_ON_DREAM: dream_due(c); break;
	case CORE_ON_PATIENCE:
		if (io_timer_read(c->patience))
			patience_over(c);
		break;
	}
}

static void loop(struct core *c) {
	struct epoll_event events[32];
	while (!c->quit) {
		int n = epoll_wait(c->epoll, events, COUNT_OF(events), -1);
		for (int i = 0; i < n; i++)
			on_event(c, events[i].data.u64);
	}
}

/* ---- start and end ---- */

static int recover(struct core *c, const char *path, struct cdm_diag *diag) {
	int rc = journal_read_open(path, &c->reader, diag);
	if (rc == 0 && journal_tail(c->journal)->seq > 0)
		rc = journal_state_at(c->reader, UINT64_MAX, c->state, diag);
	if (rc == 0)
		rc = journal_snapshot_at(c->reader, UINT64_MAX, &c->snapped);
	gone_begin(&c->gone, c->state->seq);
	return rc;
}

bool core_follows_another(const struct core *c) {
	return c->seat->epoch > 1;
}

#define LOOK_FOR_ROOM_MS 500

/*
 * SQLite wants some pages for its index.  A machine that begins is told when there are none; in the life of one they
 * are waited for, as it lives on without core.
 */
static int open_when_there_is_room(struct core *c, struct cdm_diag *diag) {
	struct pollfd parent = { .fd = seat_fd(c->seat), .events = POLLIN };
	int rc;
	bool told = false;
	while ((rc = journal_open(c->journal_path, NULL, &c->journal, diag)) == -ENOSPC && core_follows_another(c)) {
		if (!told)
			log_error("there is no room on the disk to open %s: core waits for it", c->journal_path);
		told = true;
		*diag = (struct cdm_diag){ .count = 0 };
		if (poll(&parent, 1, LOOK_FOR_ROOM_MS) > 0)
			on_seat(c);
		if (c->quit)
			return -ECANCELED;
	}
	return rc;
}

static int open_journal(struct core *c, struct cdm_diag *diag) {
	char path[1024];
	int rc = state_path_make(c->plan->machine, path, sizeof(path));
	if (rc < 0) {
		cdm_diag_add(diag, CDM_ERROR, "R0201", "no folder for the state, %s: %s", path, strerror(-rc));
		return rc;
	}
	snprintf(c->journal_path, sizeof(c->journal_path), "%s", path);
	ledger_policy(c);
	if ((rc = gap_open(c)) < 0)
		return rc;
	if ((rc = open_when_there_is_room(c, diag)) < 0)
		return rc;
	if ((rc = recover(c, path, diag)) < 0)
		return rc;
	c->last_command = c->state->command_id_max;
	uint16_t active = plan_find_entity(c->plan, c->state->active_model);
	if (active != PLAN_NONE && models_process(c, active) != PLAN_NONE)
		c->active = c->noted_active = active;
	if ((rc = scribe_begin(c)) < 0) {
		cdm_diag_add(diag, CDM_ERROR, "R0202", "the journal takes no records: %s", err_text(rc));
		return rc;
	}
	rc = core_watch(c, journal_event_fd(c->journal), CORE_ON_JOURNAL, 0);
	if (rc == 0)
		rc = forget_open(c);
	if (rc == 0)
		rc = remind_open(c);
	return rc < 0 ? rc : dream_open(c);
}

/* The fields core writes and reads itself. */
static int open_fields(struct core *c) {
	int rc = settings_open(c);
	if (rc == 0)
		rc = motion_open(c);
	return rc < 0 ? rc : samples_open(c);
}

static int open_lexicon(struct core *c) {
	if (c->plan->tables.count == 0)
		return 0;
	struct plan_span s = plan_tables(c->plan)[0].senses;
	int rc = utterance_lexicon_init(&c->lexicon, plan_senses(c->plan), s.at, s.count, NULL);
	c->has_lexicon = rc == 0;
	return rc;
}

static void init(struct core *c, struct seat *seat) {
	c->seat = seat;
	c->plan = seat->plan;
	c->peers = &seat->peers;
	vital_open(c);
	legacy_init(&c->legacy);
	c->parent_end = -1;
	heir_know_parent(c, getppid());
	c->door = c->guard_channel = c->epoll = c->tick = c->patience = c->look = c->remind.timer = -1;
	c->active = c->plan->first_model;
	c->noted_active = PLAN_NONE;
	c->embed.entity = PLAN_NONE;
	for (unsigned i = 0; i < CORE_SESSIONS; i++)
		c->sessions[i].fd = -1;
	for (unsigned i = 0; i < PLAN_PROCESSES_MAX; i++)
		c->models[i].channel = -1;
}

static int start(struct core *c, struct cdm_diag *diag) {
	c->state = calloc(1, sizeof(*c->state));
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->tick = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	c->patience = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (!c->state || c->epoll < 0 || c->tick < 0 || c->patience < 0)
		return -ENOMEM;
	state_init(c->state);
	event_writer_open(&c->events, c->peers);
	int rc;
	if ((rc = core_watch(c, seat_fd(c->seat), CORE_ON_SEAT, 0)) < 0 ||
			(rc = core_watch(c, c->tick, CORE_ON_TICK, 0)) < 0 ||
			(rc = core_watch(c, c->patience, CORE_ON_PATIENCE, 0)) < 0 ||
			(rc = open_journal(c, diag)) < 0 || (rc = open_fields(c)) < 0 || (rc = open_lexicon(c)) < 0 ||
			(rc = aware_open(&c->aware, c->peers)) < 0 ||
			(rc = rules_start(&c->rules, c->peers, &c->events)) < 0)
		return rc;
	settings_restore(c);
	return seat_ready(c->seat);
}

static void stop(struct core *c) {
	motion_stop(c, MOTION_GOING_DOWN);
	rules_stop(&c->rules);
	aware_close(&c->aware);
	samples_close(c);
	ledger_close(c);
	keeper_close(&c->keeper);
	remind_close(c);
	journal_read_close(&c->reader);
	journal_stop(&c->journal);
	for (unsigned i = 0; i < CORE_SESSIONS; i++)
		session_close(c, i);
	for (unsigned i = 0; i < PLAN_PROCESSES_MAX; i++)
		io_close(&c->models[i].channel);
	legacy_fini(&c->legacy);
	io_close(&c->parent_end);
	io_close(&c->door);
	io_close(&c->guard_channel);
	io_close(&c->tick);
	io_close(&c->patience);
	io_close(&c->look);
	gap_close(c);
	dream_close(c);
	io_close(&c->epoll);
	free(c->state);
	free(c->settings);
	free(c->seen);
	free(c->shown);
}

/* Why it cannot be; what can be done does not fit into a message to the parent. */
static void tell_failure(struct seat *seat, int rc, const struct cdm_message *why) {
	if (why && why->hint[0])
		log_error("%s; %s", why->text, why->hint);
	seat_failed(seat, "%s", why ? why->text : err_text(rc));
}

int core_main(struct seat *seat) {
	struct cdm_diag *diag = calloc(1, sizeof(*diag));
	struct core *c = calloc(1, sizeof(*c));
	if (!c || !diag) {
		free(c);
		free(diag);
		return 1;
	}
	init(c, seat);
	int rc = start(c, diag);
	if (rc == -ECANCELED && c->quit)
		rc = 0; /* it was told to end before it had begun */
	else if (rc < 0)
		tell_failure(seat, rc, diag->count ? &diag->at[0] : NULL);
	else
		loop(c);
	bool failed = rc < 0 || c->failed;
	stop(c);
	free(c);
	free(diag);
	return failed;
}

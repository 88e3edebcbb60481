/*
 * client.c - the public face of seat, field and control: see cadmus/client.h.
 *
 * A machine has one thread of its own that follows the seat socket, so that peers which were restarted
 * appear under the readers by themselves; it is the control thread that store/peers.h speaks of.
 * A machine is kept by whoever still needs it: the attached program, each reader, each borrowed
 * sample.  The last one takes it down, so no order of closing is wrong.
 */
#include "client/client_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/thread.h"
#include "client/control.h"
#include "store/desk.h"
#include "store/view.h"
#include "store/wait.h"

#define TIDY_MS 500

struct cdm_reader {
	struct cdm_machine *machine;
	uint64_t number; /* 1, 2, 3 ... of the machine: no two have the same */
	struct field field;
	struct client_link *links; /* to writers, by next */
	struct bell *bell;         /* its descriptor, if it was asked for one */
	uint32_t interrupts; /* of the machine, as the last wait told them */
};

_Static_assert(CDM_FIELD_SAMPLES == (int)PLAN_SAMPLES && CDM_FIELD_AWARENESS == (int)PLAN_AWARENESS &&
		CDM_FIELD_SETTING == (int)PLAN_SETTING, "one enum in two places");
_Static_assert(CDM_CONTROL_MESSAGE_MAX == CONTROL_MESSAGE_MAX, "one number in two places");

/* Other languages write these structs down once more (bindings/): a change is a change of CDM_ABI_VERSION. */
_Static_assert(sizeof(struct cdm_info) == 40 && sizeof(struct cdm_sample) == 64 && sizeof(struct cdm_meta) == 16 &&
		sizeof(struct cdm_field) == 272 && sizeof(struct cdm_process) == 176 &&
		sizeof(struct cdm_event) == 72 && sizeof(struct cdm_view_part) == 128 &&
		sizeof(struct cdm_view_terms) == 32 && sizeof(struct cdm_view_refusal) == 24 &&
		sizeof(struct cdm_message) == 664 && offsetof(struct cdm_diag, at) == 12, "an ABI");

uint32_t cdm_abi_version(void) {
	return CDM_ABI_VERSION;
}

/* ---- a machine ---- */

void client_keep(struct cdm_machine *m) {
	__atomic_fetch_add(&m->users, 1, __ATOMIC_RELAXED);
}

/* In a child of fork(): seat and thread are its parent's. */
static bool is_anothers(const struct cdm_machine *m) {
	return m->seat.pid && m->seat.pid != getpid();
}

static void stop_following(struct cdm_machine *m) {
	uint64_t one = 1;
	CHECK(write(m->quit, &one, sizeof(one)) == sizeof(one));
	CHECK(pthread_join(m->follower, NULL) == 0);
}

void client_let_go(struct cdm_machine *m) {
	if (__atomic_sub_fetch(&m->users, 1, __ATOMIC_ACQ_REL) != 0 || is_anothers(m))
		return;
	if (m->local)
		local_leave(m, true); /* not before: what it lends and writes is its own so long */
	if (m->follows)
		stop_following(m); /* nor this: what is read until now is to know who lives */
	bells_fini(&m->bells);
	event_writer_close(&m->events);
	seat_close(&m->seat);
	io_close(&m->quit);
	io_close(&m->channel);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	free(m->loans);
	free(m);
}

/* Nobody tells any more who lives: whoever sleeps hears that. */
static void lose_parent(struct cdm_machine *m) {
	__atomic_store_n(&m->alive, 0, __ATOMIC_SEQ_CST);
	directory_lose(&m->seat.peers.directory);
	peers_interrupt(&m->seat.peers);
	bells_end(&m->bells);
	gateway_over(m);
}

/* Take in what has come; false: the parent is gone. */
static bool follow_once(struct cdm_machine *m) {
	struct seat_event e;
	int rc;
	while ((rc = seat_handle(&m->seat, &e)) > 0) {
		if (m->is_gateway && e.kind == SEAT_EVENT_CHANNEL && e.process == m->seat.plan->core)
			gateway_channel(m, e.fd);
		else
			io_close(&e.fd); /* channels and doors are not for clients */
		if (e.kind == SEAT_EVENT_QUIT)
			return false;
	}
	return rc == 0;
}

static void *follow(void *self) {
	struct cdm_machine *m = self;
	struct pollfd p[2] = { { .fd = seat_fd(&m->seat), .events = POLLIN }, { .fd = m->quit, .events = POLLIN } };
	bool alive = true;
	/* memory of the dead is kept for what is borrowed in it, and not for long after that was given back */
	while (alive && (poll(p, 2, peers_tidy(&m->seat.peers) ? TIDY_MS : -1) >= 0 || errno == EINTR)) {
		if (p[1].revents)
			return NULL;
		alive = follow_once(m);
	}
	lose_parent(m);
	return NULL;
}

int client_begin(struct cdm_machine *m) {
	m->loans = calloc((size_t)seat_process(&m->seat)->lease_quota + 1, sizeof(*m->loans));
	if (!m->loans)
		return -ENOMEM;
	event_writer_open(&m->events, &m->seat.peers);
	return 0;
}

int client_follow(struct cdm_machine *m, struct cdm_diag *diag) {
	int rc = client_begin(m);
	if (rc == 0 && (m->quit = eventfd(0, EFD_CLOEXEC)) < 0)
		rc = -errno;
	if (rc == 0)
		rc = thread_start(&m->follower, follow, m);
	m->follows = rc == 0;
	if (rc < 0)
		cdm_diag_add(diag, CDM_ERROR, "S0117", "cannot follow the machine, by a thread of the library: %s",
				err_text(rc));
	return rc;
}

struct cdm_machine *client_new(void) {
	struct cdm_machine *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->quit = m->channel = m->seat.fd = -1;
	m->alive = m->users = 1;
	bells_init(&m->bells);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return m;
}

static int attach(const char *machine, const char *entity, int64_t wait_ns, struct cdm_machine **out,
		struct cdm_diag *diag) {
	*out = NULL;
	struct cdm_machine *m = client_new();
	if (!m)
		return -ENOMEM;
	int rc = entity ? seat_attach_as(&m->seat, machine, entity, wait_ns, diag)
			: seat_attach(&m->seat, machine, diag);
	if (rc == 0)
		rc = client_follow(m, diag);
	if (rc < 0) {
		client_let_go(m);
		return rc;
	}
	*out = m;
	return 0;
}

int cdm_attach(const char *machine, struct cdm_machine **out, struct cdm_diag *diag) {
	return attach(machine, NULL, 0, out, diag);
}

int cdm_attach_as(const char *machine, const char *entity, int64_t wait_ns, struct cdm_machine **out,
		struct cdm_diag *diag) {
	return attach(machine, entity, wait_ns, out, diag);
}

void cdm_detach(struct cdm_machine *m) {
	if (!m || is_anothers(m)) /* it would leave for its parent */
		return;
	if (m->local) {
		client_let_go(m);
		return;
	}
	seat_leave(&m->seat);
	client_let_go(m);
}

const char *cdm_machine_name(const struct cdm_machine *m) {
	return m->seat.plan->machine;
}

const void *cdm_plan(const struct cdm_machine *m, size_t *bytes) {
	*bytes = m->seat.plan->bytes;
	return m->seat.plan;
}

int cdm_machine_alive(const struct cdm_machine *m) {
	return __atomic_load_n(&m->alive, __ATOMIC_ACQUIRE) != 0;
}

void cdm_interrupt(struct cdm_machine *m) {
	__atomic_fetch_add(&m->interrupts, 1, __ATOMIC_SEQ_CST);
	peers_interrupt(&m->seat.peers);
}

const char *cdm_entity_name(const struct cdm_machine *m, uint32_t entity) {
	const struct plan *p = m->seat.plan;
	return entity < p->entities.count ? plan_entities(p)[entity].name : NULL;
}

/* ---- descriptions ---- */

uint32_t cdm_field_count(const struct cdm_machine *m) {
	return m->seat.plan->fields.count;
}

int cdm_describe(const struct cdm_machine *m, uint32_t index, struct cdm_field *out) {
	const struct plan *p = m->seat.plan;
	if (index >= p->fields.count)
		return -EINVAL;
	const struct plan_field *f = &plan_fields(p)[index];
	*out = (struct cdm_field){ .index = index, .kind = f->kind, .dtype = f->dtype, .dims = f->dims,
		.bytes = f->bytes, .layout = f->layout, .slots = f->slots, .leases = f->leases,
		.readable = f->process == m->seat.process || f->readers >> m->seat.process & 1,
		.half_life_ns = f->half_life_ns,
		.max_age_ns = f->max_age_ns };
	memcpy(out->name, f->name, sizeof(out->name));
	memcpy(out->unit, f->unit, sizeof(out->unit));
	memcpy(out->writer, plan_processes(p)[f->process].name, sizeof(out->writer));
	memcpy(out->entity, plan_entities(p)[f->entity].name, sizeof(out->entity));
	for (unsigned i = 0; i < f->dims; i++)
		out->shape[i] = f->shape[i];
	return 0;
}

int cdm_find(const struct cdm_machine *m, const char *name, struct cdm_field *out) {
	uint16_t index = plan_find_field(m->seat.plan, name);
	return index == PLAN_NONE ? -ENOENT : cdm_describe(m, index, out);
}

/* ---- reading ---- */

int cdm_open(struct cdm_machine *m, const char *field, struct cdm_reader **out) {
	*out = NULL;
	uint16_t index = plan_find_field(m->seat.plan, field);
	if (index == PLAN_NONE)
		return -ENOENT;
	struct cdm_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	int rc = field_open(&r->field, &m->seat.peers, index);
	if (rc < 0) {
		free(r);
		return rc;
	}
	r->machine = m;
	r->number = __atomic_add_fetch(&m->readers, 1, __ATOMIC_RELAXED);
	r->interrupts = __atomic_load_n(&m->interrupts, __ATOMIC_SEQ_CST);
	client_keep(m);
	*out = r;
	return 0;
}

void cdm_close(struct cdm_reader *r) {
	if (!r)
		return;
	for (struct client_link *k = r->links; k; k = k->next)
		k->reader = NULL;
	if (r->bell)
		bell_close(&r->machine->bells, r->bell);
	field_close(&r->field);
	client_let_go(r->machine);
	free(r);
}

/* ---- what writers make of it ---- */

struct cdm_machine *client_machine_of(const struct cdm_reader *r) {
	return r->machine;
}

void client_link(struct client_link *k, struct cdm_reader *r) {
	*k = (struct client_link){ .reader = r, .number = r->number, .next = r->links };
	r->links = k;
}

void client_unlink(struct client_link *k) {
	if (!k->reader)
		return;
	struct client_link **at = &k->reader->links;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
}

bool client_sum_of_loans(const struct cdm_machine *m, uint64_t reader, struct field_meta *sum) {
	bool any = false;
	*sum = field_meta_of(0);
	for (uint32_t i = 0; i < seat_process(&m->seat)->lease_quota; i++) {
		const struct client_loan *l = &m->loans[i];
		if (__atomic_load_n(&l->by, __ATOMIC_ACQUIRE) != reader)
			continue;
		any = true;
		uint32_t trust = (uint32_t)__atomic_load_n(&l->trust, __ATOMIC_RELAXED);
		struct cdm_info info = { .source_time = { (int64_t)__atomic_load_n(&l->source_ns, __ATOMIC_RELAXED) },
			.status = (uint16_t)__atomic_load_n(&l->said, __ATOMIC_RELAXED) };
		memcpy(&info.trust, &trust, sizeof(trust));
		field_meta_merge(sum, &info);
	}
	return any;
}

/* Of a reader that somebody follows: rc of a call that gave out a sample, if it is not negative. */
static int tell_who_follows(struct cdm_reader *r, int rc, const struct cdm_info *info) {
	if (r->bell)
		bell_arm(&r->machine->bells, r->bell, &r->field);
	for (struct client_link *k = rc < 0 ? NULL : r->links; k; k = k->next) {
		if (!k->any || k->published)
			(void)client_sum_of_loans(r->machine, r->number, &k->sum);
		field_meta_merge(&k->sum, info);
		k->any = true;
		k->published = false;
	}
	return rc;
}

/* Most readers have neither descriptor nor writers, and are read some million times a second. */
static inline int taken(struct cdm_reader *r, int rc, const struct cdm_info *info) {
	return r->bell || r->links ? tell_who_follows(r, rc, info) : rc;
}

/* What decides whether it is STALE: the clock is asked where the plan sets an age. */
static struct cdm_mono now_for(const struct cdm_reader *r) {
	return r->field.plan->max_age_ns ? clock_mono() : (struct cdm_mono){ 0 };
}

int cdm_read(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info) {
	struct cdm_info own, *i = info ? info : &own;
	return out ? taken(r, field_read(&r->field, out, capacity, now_for(r), i), i) : -EINVAL;
}

int cdm_next(struct cdm_reader *r, void *out, size_t capacity, struct cdm_info *info) {
	struct cdm_info own, *i = info ? info : &own;
	return out ? taken(r, field_next(&r->field, out, capacity, now_for(r), i), i) : -EINVAL;
}

int cdm_peek(struct cdm_reader *r, struct cdm_info *info) {
	struct cdm_info own;
	return field_peek(&r->field, now_for(r), info ? info : &own);
}

int cdm_read_at(struct cdm_reader *r, struct cdm_mono at, void *out, size_t capacity, struct cdm_info *info) {
	struct cdm_info own, *i = info ? info : &own;
	return out ? taken(r, field_read_at(&r->field, at, out, capacity, now_for(r), i), i) : -EINVAL;
}

int cdm_read_version(struct cdm_reader *r, uint64_t version, void *out, size_t capacity, struct cdm_info *info) {
	struct cdm_info own, *i = info ? info : &own;
	return out ? taken(r, field_read_version(&r->field, version, out, capacity, now_for(r), i), i) : -EINVAL;
}

void cdm_skip(struct cdm_reader *r) {
	field_skip(&r->field);
	if (r->bell)
		bell_arm(&r->machine->bells, r->bell, &r->field);
}

uint64_t cdm_missed(const struct cdm_reader *r) {
	return r->field.missed;
}

static struct client_loan *loan_of(const struct cdm_sample *s) {
	struct cdm_machine *m = s->hold[1];
	return &m->loans[desk_index(&m->seat.peers, s->hold[0])];
}

static void note_loan(const struct cdm_reader *r, const struct cdm_sample *s) {
	struct client_loan *l = loan_of(s);
	uint32_t trust;
	memcpy(&trust, &s->info.trust, sizeof(trust));
	__atomic_store_n(&l->source_ns, (uint64_t)s->info.source_time.ns, __ATOMIC_RELAXED);
	__atomic_store_n(&l->trust, trust, __ATOMIC_RELAXED);
	__atomic_store_n(&l->said, s->info.status, __ATOMIC_RELAXED);
	__atomic_store_n(&l->by, r->number, __ATOMIC_RELEASE);
}

static int hand_out(struct cdm_reader *r, int rc, const struct field_lease *l, struct cdm_sample *out) {
	*out = (struct cdm_sample){ .data = NULL };
	if (rc >= 0) {
		*out = (struct cdm_sample){ .data = l->data, .info = l->info, .hold = { l->word, r->machine } };
		client_keep(r->machine);
		note_loan(r, out);
	}
	return taken(r, rc, &out->info);
}

int cdm_lease(struct cdm_reader *r, struct cdm_sample *out) {
	struct field_lease l;
	return hand_out(r, field_lease(&r->field, now_for(r), &l), &l, out);
}

int cdm_lease_next(struct cdm_reader *r, struct cdm_sample *out) {
	struct field_lease l;
	return hand_out(r, field_lease_next(&r->field, now_for(r), &l), &l, out);
}

void client_share(const struct cdm_sample *s) {
	__atomic_fetch_add(&loan_of(s)->shares, 1, __ATOMIC_RELAXED);
	client_keep(s->hold[1]);
}

/* Is the caller the last who holds the sample?  Then its word is his alone, and begins anew. */
static bool is_last_holder(const struct cdm_sample *s) {
	struct client_loan *l = loan_of(s);
	if (__atomic_fetch_sub(&l->shares, 1, __ATOMIC_ACQ_REL) != 0)
		return false;
	__atomic_store_n(&l->shares, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&l->by, 0, __ATOMIC_RELEASE);
	return true;
}

void cdm_release(struct cdm_sample *s) {
	struct field_lease l = { .word = s->hold[0] };
	struct cdm_machine *m = s->hold[1];
	if (m && is_last_holder(s)) {
		field_release(&l);
		if (m->is_local)
			local_tidy(m);
	}
	*s = (struct cdm_sample){ .data = NULL };
	if (m)
		client_let_go(m);
}

bool client_was_interrupted(const struct cdm_machine *m, uint32_t *told) {
	uint32_t now = __atomic_load_n(&m->interrupts, __ATOMIC_SEQ_CST);
	bool again = now != *told;
	*told = now;
	return again;
}

int64_t client_patience(bool ended, int64_t timeout_ns) {
	return ended ? 1 : timeout_ns;
}

/* Is there one that has not heard of an interruption? */
static bool is_interrupted(struct cdm_reader *const *r, uint32_t count) {
	uint32_t now = __atomic_load_n(&r[0]->machine->interrupts, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < count; i++)
		if (r[i]->interrupts != now)
			return true;
	return false;
}

static int tell_interruption(struct cdm_reader *const *r, uint32_t count) {
	uint32_t now = __atomic_load_n(&r[0]->machine->interrupts, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < count; i++)
		r[i]->interrupts = now;
	return -ECANCELED;
}

static int wait_readers(struct cdm_reader *const *r, struct field *const *f, uint32_t count, int64_t timeout_ns) {
	int64_t until_ns = clock_deadline_ns(timeout_ns);
	for (;;) {
		bool ended = !cdm_machine_alive(r[0]->machine);
		bool interrupted = timeout_ns != 0 && is_interrupted(r, count);
		int rc = wait_any(f, count, interrupted ? 0 : client_patience(ended, timeout_ns));
		if (rc == -ETIMEDOUT && interrupted)
			return tell_interruption(r, count);
		if (rc == -ETIMEDOUT && ended)
			return -ECONNREFUSED;
		if (rc != -ECANCELED)
			return rc;
		timeout_ns = clock_left_ns(until_ns);
	}
}

int cdm_wait(struct cdm_reader *r, int64_t timeout_ns) {
	struct field *f = &r->field;
	int rc = wait_readers(&r, &f, 1, timeout_ns);
	return rc < 0 ? rc : 0;
}

int cdm_wait_any(struct cdm_reader *const *r, uint32_t count, int64_t timeout_ns) {
	struct field *f[WAIT_FIELDS_MAX];
	if (count == 0)
		return -EINVAL;
	if (count > WAIT_FIELDS_MAX)
		return -E2BIG;
	for (uint32_t i = 0; i < count; i++) {
		if (r[i]->machine != r[0]->machine)
			return -EINVAL;
		f[i] = &r[i]->field;
	}
	return wait_readers(r, f, count, timeout_ns);
}

int cdm_fd(struct cdm_reader *r) {
	int rc = r->bell ? 0 : bell_open(&r->machine->bells, &r->field, &r->bell);
	return rc < 0 ? rc : bell_fd(r->bell);
}

/* ---- several at one time ---- */

_Static_assert(CDM_VIEW_EMPTY == (int)VIEW_EMPTY && CDM_VIEW_BROKEN == (int)VIEW_BROKEN, "one enum in two places");

/* Of a view that was not had, too, what the field had counts as taken. */
static void hand_out_part(struct cdm_view_part *p, int rc, const struct view_part *v) {
	if (rc == 0)
		p->info = v->info;
	if (!p->out)
		(void)hand_out(p->reader, rc, &v->lease, &p->sample);
	else
		(void)taken(p->reader, rc, &v->info);
}

int cdm_view(struct cdm_view_part *parts, uint32_t count, const struct cdm_view_terms *terms,
		struct cdm_view_refusal *why) {
	struct view_part v[VIEW_PARTS_MAX];
	struct view_refusal refusal = { .reason = VIEW_COHERENT };
	static const struct cdm_view_terms anything;
	const struct cdm_view_terms *s = terms ? terms : &anything;
	const struct view_terms t = { s->max_skew_ns, s->max_age_ns, s->min_trust, s->at };
	if (why)
		*why = (struct cdm_view_refusal){ .reason = CDM_VIEW_COHERENT };
	if (count == 0 || count > VIEW_PARTS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		parts[i].info = (struct cdm_info){ 0 };
		parts[i].sample = (struct cdm_sample){ .data = NULL };
	}
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].reader->machine != parts[0].reader->machine)
			return -EINVAL;
		v[i] = (struct view_part){ .field = &parts[i].reader->field, .out = parts[i].out,
			.capacity = parts[i].capacity };
	}
	int rc = view_take(v, count, &t, clock_mono(), &refusal);
	for (uint32_t i = 0; i < count; i++)
		hand_out_part(&parts[i], rc, &v[i]);
	if (why)
		*why = (struct cdm_view_refusal){ .reason = refusal.reason, .part = refusal.part, .ns = refusal.ns,
			.trust = refusal.trust };
	return rc;
}

const char *cdm_view_reason_name(uint32_t reason) {
	return view_reason_text(reason);
}

/* ---- talking ---- */

int cdm_control_open(const char *machine, struct cdm_control **out, struct cdm_diag *diag) {
	*out = NULL;
	struct cdm_control *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->fd = control_connect(machine);
	if (c->fd >= 0) {
		*out = c;
		return 0;
	}
	int rc = c->fd;
	cdm_diag_add(diag, CDM_ERROR, "S0110", "cannot talk to %s: %s", machine, err_text(rc));
	free(c);
	return rc;
}

void cdm_control_close(struct cdm_control *c) {
	if (!c)
		return;
	io_close(&c->fd);
	free(c);
}

int cdm_control_fd(const struct cdm_control *c) {
	return c->fd;
}

int cdm_control_send(struct cdm_control *c, const void *message, size_t bytes, int64_t timeout_ns) {
	return control_send(c->fd, message, bytes, timeout_ns);
}

int64_t cdm_control_receive(struct cdm_control *c, void *out, size_t capacity, int64_t timeout_ns) {
	return control_receive(c->fd, out, capacity, timeout_ns);
}

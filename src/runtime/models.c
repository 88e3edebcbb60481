/*
 * models.c - which language model is there to answer.
 *
 *      ABSENT -> STARTING -> READY -> ENDING -> ABSENT
 *                   |          |
 *                   +----------+-> STARTING   its process died: the parent starts it again
 *                   +----------+-> ABSENT     it died too often: the parent does not
 *
 * One language model lives at a time: asking for another ends the first, and only when the parent says that
 * its process is gone, its memory free, is the other one started.  The end of a channel is the word of
 * a death here; the parent decides about restarts, and says when there will be none.
 */
#include <errno.h>
#include <string.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "runtime/core_priv.h"

#define MODELS_AT_ONCE 64u /* messages: then others have their turn */
#define LOAD_TRIES 3 /* deaths while loading after which a request is not kept waiting */

static bool is_language_model(const struct core *c, uint16_t process) {
	const struct plan_process *p = &plan_processes(c->plan)[process];
	return p->role == PLAN_WORKER && p->entity != PLAN_NONE &&
	       plan_entities(c->plan)[p->entity].sort == PLAN_LINGUISTIC;
}

uint16_t models_process(const struct core *c, uint16_t entity) {
	for (uint16_t p = 0; p < c->plan->processes.count; p++)
		if (is_language_model(c, p) && plan_processes(c->plan)[p].entity == entity)
			return p;
	return PLAN_NONE;
}

static uint16_t entity_of(const struct core *c, uint16_t process) {
	return plan_processes(c->plan)[process].entity;
}

static void record(struct core *c, uint16_t entity, enum body_what what) {
	uint8_t room[256];
	struct body_model b = { body_text(core_entity_name(c, entity)), what };
	int n = body_build_model(&b, room, sizeof(room));
	if (n < 0)
		return;
	struct journal_entry e = { JOURNAL_MODEL, JOURNAL_MACHINE, core_entity_name(c, 0), "", room, (size_t)n, NULL };
	ledger_note(c, &e, 1);
}

/* A parent that was killed has heard nothing; the next one is asked again, by heir.c. */
static int as_heard(int rc) {
	return rc == -EPIPE ? 0 : rc;
}

/* ENDING lasts until the parent says that it is gone: see models_stopped(). */
static void end(struct core *c, uint16_t process) {
	struct model_slot *m = &c->models[process];
	if (m->step == MODEL_ENDING)
		return;
	if (as_heard(seat_ask_stop(c->seat, process)) < 0)
		log_error("the parent does not hear that %s should end", plan_processes(c->plan)[process].name);
	else
		m->step = MODEL_ENDING;
}

/* Ask those who are in the way to end; true when nobody is left. */
static bool alone(struct core *c, uint16_t wanted) {
	bool nobody = true;
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		if (!is_language_model(c, p) || p == wanted || c->models[p].step == MODEL_ABSENT)
			continue;
		nobody = false;
		end(c, p);
	}
	return nobody;
}

static int start(struct core *c, uint16_t process) {
	struct model_slot *m = &c->models[process];
	int rc = as_heard(seat_ask_start(c->seat, process));
	if (rc < 0)
		return rc == -EAGAIN ? -EBUSY : rc; /* nobody has heard it, so nothing is on its way */
	m->step = MODEL_STARTING;
	m->asked = clock_mono();
	m->deaths = 0;
	return -EAGAIN;
}

int models_want(struct core *c, uint16_t entity) {
	uint16_t p = models_process(c, entity);
	if (p == PLAN_NONE)
		return -ENOENT;
	if (!alone(c, p))
		return -EAGAIN;
	switch (c->models[p].step) {
	case MODEL_READY:
		if (c->noted_active != entity)
			record(c, entity, BODY_ACTIVE);
		c->active = c->noted_active = entity;
		return 0;
	case MODEL_ABSENT: return start(c, p);
	default: return -EAGAIN;
	}
}

int models_unload(struct core *c, uint16_t entity) {
	uint16_t p = models_process(c, entity);
	if (p == PLAN_NONE)
		return -ENOENT;
	if (c->models[p].step == MODEL_ABSENT)
		return 0;
	end(c, p);
	return -EAGAIN;
}

int models_generate(struct core *c, const struct turn *t) {
	struct model_slot *m = &c->models[models_process(c, t->model)];
	struct model_request r = { .prompt = t->view, .prompt_bytes = strlen(t->view),
		.max_tokens = t->max_tokens, .stop_count = 1, .stop = { "\n" } };
	embed_cancel(c, m);
	return model_client_generate(&m->client, &r, &m->request);
}

void models_cancel(struct core *c, uint16_t entity) {
	uint16_t p = models_process(c, entity);
	struct model_slot *m = &c->models[p];
	if (m->request && model_client_cancel(&m->client, m->request) == -EAGAIN)
		end(c, p); /* it does not even read */
	m->request = 0;
}

void models_end(struct core *c, uint16_t entity) {
	uint16_t p = models_process(c, entity);
	log_warn("%s hangs; it is ended", plan_processes(c->plan)[p].name);
	c->models[p].request = 0;
	end(c, p);
}

void models_ping(struct core *c, uint16_t entity) {
	uint64_t id;
	if (model_client_ping(&c->models[models_process(c, entity)].client, &id) < 0)
		log_debug("%s does not even read", core_entity_name(c, entity));
}

bool models_loads(const struct core *c, uint16_t entity, struct cdm_mono *since) {
	uint16_t p = models_process(c, entity);
	*since = p == PLAN_NONE ? (struct cdm_mono){ 0 } : c->models[p].asked;
	return p != PLAN_NONE && c->models[p].step == MODEL_STARTING;
}

/* ---- channels ---- */

/* It will not do, and who waits for it hears why. */
static void give_up(struct core *c, uint16_t entity, int rc, const char *why) {
	event_write(&c->events, clock_mono(), EVENT_MODEL_FAILED, entity, entity, 0, why);
	turn_model_failed(c, entity, rc, why);
}

static void lost(struct core *c, uint16_t process) {
	struct model_slot *m = &c->models[process];
	uint16_t entity = entity_of(c, process);
	enum model_step was = m->step;
	embed_lost(c, m);
	io_close(&m->channel);
	m->request = 0;
	if (was == MODEL_READY) {
		m->step = MODEL_STARTING;
		m->asked = clock_mono();
	}
	if (m->loaded) {
		record(c, entity, BODY_UNLOADED);
		event_write(&c->events, clock_mono(), EVENT_MODEL_UNLOADED, entity, entity, 0, NULL);
	}
	m->loaded = false;
	if (was == MODEL_STARTING && ++m->deaths >= LOAD_TRIES) {
		end(c, process); /* the parent would go on trying */
		give_up(c, entity, -EIO, "the model's process dies while it loads; see the log");
	}
	turn_model_lost(c, entity);
	turn_pump(c);
}

void models_ask_again(struct core *c, uint16_t process) {
	enum model_step step = c->models[process].step;
	int rc = step == MODEL_STARTING ? seat_ask_start(c->seat, process)
	       : step == MODEL_ENDING ? seat_ask_stop(c->seat, process) : 0;
	if (rc < 0)
		log_error("the new parent does not hear what %s should do", plan_processes(c->plan)[process].name);
}

void models_stopped(struct core *c, uint16_t process) {
	struct model_slot *m = &c->models[process];
	if (!is_language_model(c, process))
		return;
	if (m->channel >= 0)
		models_readable(c, process);
	if (m->channel >= 0)
		lost(c, process);
	enum model_step was = m->step;
	m->step = MODEL_ABSENT;
	m->deaths = 0;
	if (was == MODEL_STARTING)
		give_up(c, entity_of(c, process), -EIO, "the model's process cannot be kept alive; see the log");
	turn_pump(c);
}

void models_channel(struct core *c, uint16_t process, int fd) {
	struct model_slot *m = &c->models[process];
	if (!is_language_model(c, process) || core_watch(c, fd, CORE_ON_MODEL, process) < 0) {
		io_close(&fd); /* those who work on fields need no channel */
		return;
	}
	if (m->channel >= 0)
		models_readable(c, process); /* the last words of the one before */
	if (m->channel >= 0)
		lost(c, process);
	m->channel = fd;
	model_client_open(&m->client, fd);
	if (m->step == MODEL_ABSENT) { /* it was there before this core */
		m->step = MODEL_STARTING;
		m->asked = clock_mono();
	}
}

static void loaded(struct core *c, uint16_t process, const struct model_event *e) {
	struct model_slot *m = &c->models[process];
	uint16_t entity = entity_of(c, process);
	if (m->step != MODEL_STARTING)
		return;
	m->step = MODEL_READY;
	m->loaded = true;
	m->load_ns = e->load_ns;
	m->dims = e->facts.dims;
	m->deaths = 0;
	record(c, entity, BODY_LOADED);
	event_write(&c->events, clock_mono(), EVENT_MODEL_LOADED, entity, entity, (uint64_t)e->load_ns, NULL);
	if (entity == c->embed.entity)
		embed_loaded(c);
	turn_pump(c);
}

static void failed(struct core *c, uint16_t process, const struct model_event *e) {
	char text[512];
	wire_text_copy(e->text, text, sizeof(text));
	log_error("%s: %s", plan_processes(c->plan)[process].name, text);
	end(c, process); /* nobody waits for another try */
	give_up(c, entity_of(c, process), -ENODEV, text);
}

static void take(struct core *c, uint16_t process, const struct model_event *e) {
	struct model_slot *m = &c->models[process];
	if (m->embedding && e->id == m->embedding && (e->kind == MODEL_EMBEDDING || e->kind == MODEL_ERROR)) {
		embed_heard(c, m, e);
		return;
	}
	bool ours = e->id && e->id == m->request && c->current &&
		    c->current->model == entity_of(c, process);
	if (e->id == m->request && (e->kind == MODEL_DONE || e->kind == MODEL_ERROR))
		m->request = 0;
	switch (e->kind) {
	case MODEL_LOADED: loaded(c, process, e); break;
	case MODEL_FAILED: failed(c, process, e); break;
	case MODEL_TOKEN:
		if (ours)
			turn_token(c, e->text.at, e->text.bytes);
		break;
	case MODEL_DONE:
		if (ours)
			turn_answered(c, &e->result);
		break;
	case MODEL_ERROR: {
		char text[512];
		wire_text_copy(e->text, text, sizeof(text));
		if (ours)
			turn_model_failed(c, entity_of(c, process), e->code, text);
		break;
	}
	case MODEL_EMBEDDING: break; /* which nobody waits for */
	case MODEL_PONG: turn_model_lives(c, entity_of(c, process)); break;
	}
}

void models_readable(struct core *c, uint16_t process) {
	static uint8_t buffer[WIRE_MESSAGE_MAX];
	struct model_slot *m = &c->models[process];
	struct model_event e;
	int rc = 0;
	bool seen = true;
	for (unsigned i = 0; seen && i < MODELS_AT_ONCE && m->channel >= 0; i++) {
		rc = model_client_next(&m->client, buffer, sizeof(buffer), &e);
		if ((seen = rc > 0))
			take(c, process, &e);
	}
	if (m->channel >= 0 && rc < 0)
		lost(c, process);
}

void models_listen(struct core *c, uint16_t entity) {
	uint16_t p = models_process(c, entity);
	if (p != PLAN_NONE && c->models[p].channel >= 0)
		models_readable(c, p);
}

/* serve.c - see serve.h. */
#include "model/serve.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "base/utf8.h"

#define LOOK_NS (2 * NS_PER_MS)   /* between two looks at the channel during a computation */
#define FULL_NS (10 * NS_PER_S)   /* how long core may leave its end full before we let it go */

void serve_open(struct serve *s, struct loader *l) {
	memset(s, 0, sizeof(*s));
	s->loader = l;
	s->channel = -1;
}

void serve_close(struct serve *s) {
	io_close(&s->channel);
}

static void drop(struct serve *s, const char *why) {
	if (why)
		log_warn("the channel to core is given up: %s", why);
	io_close(&s->channel);
	s->channel_serial++;
	s->cancelled = true;
}

/* ---- saying ---- */

/* Wait for room; 0, or an error when core does not read for too long. */
static int wait_for_room(const struct serve *s, struct cdm_mono since) {
	struct pollfd p = { .fd = s->channel, .events = POLLOUT };
	if (s->look && s->look(s->self) != 0)
		return -ECANCELED;
	if (mono_since(since, clock_mono()) > FULL_NS)
		return -ETIMEDOUT;
	return poll(&p, 1, 20) < 0 && errno != EINTR ? -errno : 0;
}

static void say(struct serve *s, const struct wire_message *m) {
	struct cdm_mono since = clock_mono();
	uint32_t serial = s->channel_serial;
	int n = wire_write(m, s->out, sizeof(s->out));
	CHECK(n > 0);
	while (s->channel >= 0 && s->channel_serial == serial) {
		int rc = io_send(s->channel, s->out, (size_t)n, NULL, 0, MSG_DONTWAIT);
		if (rc == -EAGAIN)
			rc = wait_for_room(s, since);
		else if (rc == 0)
			return;
		if (rc < 0)
			return drop(s, rc == -EPIPE || rc == -ECANCELED ? NULL : err_text(rc));
	}
}

/* The longest text that one message may hold; more is cut at a code point. */
static struct wire_text cut_text(const char *text, char room[WIRE_TEXT_MAX]) {
	wire_text_copy(wire_text_of(text), room, WIRE_TEXT_MAX);
	return wire_text_of(room);
}

static void say_error(struct serve *s, uint64_t id, int code, const char *text) {
	char room[WIRE_TEXT_MAX];
	struct wire_message m = {
		.kind = WIRE_ERROR, .id = id, .code = code, .text = cut_text(text, room)
	};
	if (strcmp(err_name(code), "EUNKNOWN") == 0)
		m.code = -EIO;
	say(s, &m);
}

static void say_loaded(struct serve *s, uint64_t id) {
	const struct cdm_model_facts *f = &s->loader->facts;
	struct wire_message m = { .kind = WIRE_LOADED,
		.id = id,
		.backend = wire_text_of(s->loader->backend->name),
		.architecture = wire_text_of(f->architecture),
		.description = wire_text_of(f->description),
		.quantization = wire_text_of(f->quantization),
		.engine = wire_text_of(f->engine),
		.parameters = f->parameters,
		.bytes = f->bytes,
		.context = f->context,
		.context_trained = f->context_trained,
		.vocabulary = f->vocabulary,
		.threads = f->threads,
		.load_ns = s->loader->load_ns,
		.samples = s->samples,
		.dims = f->dims };
	say(s, &m);
}

void serve_failed(struct serve *s, const char *text) {
	char room[WIRE_TEXT_MAX];
	struct wire_message m = { .kind = WIRE_FAILED, .text = cut_text(text, room) };
	say(s, &m);
}

void serve_channel(struct serve *s, int fd) {
	if (s->channel >= 0)
		drop(s, NULL);
	s->channel_serial++;
	s->cancelled = true; /* whatever runs was asked by another core */
	s->channel = fd;
	if (s->loader->model)
		say_loaded(s, 0);
}

/* ---- a request in the works ---- */

/* A backend's piece may be longer than a message: say it in parts that end between code points. */
static int on_text(void *self, const char *text, size_t bytes) {
	struct serve *s = self;
	while (bytes > 0 && s->channel_serial == s->asked_serial) {
		size_t n = utf8_cut(text, bytes, WIRE_TEXT_MAX);
		struct wire_message m = { .kind = WIRE_TOKEN, .id = s->id, .text = { text, n } };
		say(s, &m);
		text += n;
		bytes -= n;
	}
	return s->cancelled;
}

static void receive(struct serve *s);

static int on_poll(void *self) {
	struct serve *s = self;
	struct cdm_mono now = clock_mono();
	if (mono_since(s->looked, now) < LOOK_NS)
		return s->cancelled;
	s->looked = now;
	if (s->look && s->look(s->self) != 0)
		s->cancelled = true;
	if (!s->cancelled) /* else what comes, perhaps from another core, is heard when this has ended */
		receive(s);
	return s->cancelled;
}

static void begin(struct serve *s, uint64_t id) {
	s->id = id;
	s->asked_serial = s->channel_serial;
	s->cancelled = false;
}

/* False: who asked is gone. */
static bool end(struct serve *s) {
	s->id = 0;
	return s->channel_serial == s->asked_serial;
}

static void say_why(struct serve *s, uint64_t id, int rc, const struct cdm_diag *d) {
	say_error(s, id, rc, d->count ? d->at[0].text : err_text(rc));
}

static void generate(struct serve *s, const struct wire_message *m) {
	static char prompt[WIRE_PROMPT_MAX], stops[CDM_STOPS_MAX][WIRE_TEXT_MAX + 1];
	static struct cdm_diag diag;
	struct cdm_request rq = { .prompt = prompt,
		.prompt_bytes = m->prompt.bytes,
		.max_tokens = m->max,
		.temperature = (float)m->temperature,
		.seed = m->seed,
		.stop_count = m->stop.count,
		.on_text = on_text,
		.poll = on_poll,
		.self = s };
	struct wire_message done = { .kind = WIRE_DONE, .id = m->id };
	memcpy(prompt, m->prompt.at, m->prompt.bytes); /* the message's buffer is used again meanwhile */
	for (uint32_t i = 0; i < m->stop.count; i++) {
		wire_text_copy(m->stop.at[i], stops[i], sizeof(stops[i]));
		rq.stop[i] = stops[i];
	}
	diag.count = diag.errors = diag.dropped = 0;
	begin(s, m->id);
	int rc = s->loader->backend->generate(s->loader->model, &rq, &done.result, &diag);
	if (!end(s))
		return;
	if (rc < 0)
		say_why(s, done.id, rc, &diag);
	else
		say(s, &done);
}

static void embed(struct serve *s, const struct wire_message *m) {
	static char text[WIRE_TEXT_MAX];
	static float vector[CDM_EMBED_DIMS_MAX];
	static uint8_t numbers[4 * CDM_EMBED_DIMS_MAX];
	static struct cdm_diag diag;
	struct wire_message done = { .kind = WIRE_EMBEDDING, .id = m->id,
		.vector = { numbers, s->loader->facts.dims } };
	struct cdm_request rq = { .prompt = text, .prompt_bytes = m->text.bytes, .poll = on_poll, .self = s };
	memcpy(text, m->text.at, m->text.bytes);
	diag.count = diag.errors = diag.dropped = 0;
	begin(s, m->id);
	int rc = s->loader->backend->embed(s->loader->model, &rq, vector, &diag);
	if (!end(s))
		return;
	if (rc < 0)
		return say_why(s, done.id, rc, &diag);
	for (uint32_t i = 0; i < done.vector.count; i++)
		wire_put_float(isfinite(vector[i]) ? vector[i] : 0, numbers + 4 * (size_t)i);
	say(s, &done);
}

/* ---- hearing ---- */

static void request(struct serve *s, const struct wire_message *m) {
	if (m->id == 0)
		drop(s, "a request without a number");
	else if (s->id)
		say_error(s, m->id, -EBUSY, "the model answers another request");
	else if (m->kind == WIRE_EMBED && s->loader->facts.dims == 0)
		say_error(s, m->id, -ENOTSUP, "this model makes no vectors of texts");
	else if (m->kind == WIRE_EMBED && m->text.bytes == 0)
		say_error(s, m->id, -EINVAL, "there is no text");
	else if (m->kind == WIRE_EMBED)
		embed(s, m);
	else if (!s->loader->backend->generate)
		say_error(s, m->id, -ENOTSUP, "this model works on fields, and does not talk");
	else
		generate(s, m);
}

static void handle(struct serve *s, const struct wire_message *m) {
	struct wire_message pong = { .kind = WIRE_PONG, .id = m->id };
	switch (m->kind) {
	case WIRE_GENERATE:
	case WIRE_EMBED:
		request(s, m);
		break;
	case WIRE_CANCEL:
		s->cancelled = s->cancelled || m->id == s->id;
		break;
	case WIRE_DESCRIBE:
		say_loaded(s, m->id);
		break;
	case WIRE_PING:
		say(s, &pong);
		break;
	default:
		drop(s, "it says what only a worker may say");
	}
}

static void receive(struct serve *s) {
	struct wire_message m;
	while (s->channel >= 0) {
		ssize_t n = io_receive(s->channel, s->in, sizeof(s->in), NULL, NULL, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			return drop(s, n == 0 || n == -EPIPE ? NULL : err_text((int)n));
		if (wire_read(s->in, (size_t)n, &m) < 0)
			return drop(s, "it broke the protocol");
		handle(s, &m);
		if (s->id && s->cancelled)
			return; /* let the computation end first */
	}
}

void serve_readable(struct serve *s) {
	CHECK(s->id == 0);
	receive(s);
}

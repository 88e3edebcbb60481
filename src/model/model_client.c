/* model_client.c - see model_client.h. */
#include "model/model_client.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include "base/io.h"

void model_client_open(struct model_client *m, int fd) {
	m->fd = fd;
	m->id = 0;
}

static int send_message(const struct model_client *m, const struct wire_message *message) {
	static _Thread_local uint8_t buffer[WIRE_MESSAGE_MAX];
	int n = wire_write(message, buffer, sizeof(buffer));
	if (n < 0)
		return n;
	return m->fd < 0 ? -EPIPE : io_send(m->fd, buffer, (size_t)n, NULL, 0, MSG_DONTWAIT);
}

/* Send what gets a fresh id. */
static int ask(struct model_client *m, struct wire_message *message, uint64_t *id) {
	message->id = m->id + 1;
	int rc = send_message(m, message);
	if (rc < 0)
		return rc;
	*id = ++m->id;
	return 0;
}

int model_client_generate(struct model_client *m, const struct model_request *rq, uint64_t *id) {
	struct wire_message w = { .kind = WIRE_GENERATE,
		.prompt = { rq->prompt, rq->prompt_bytes },
		.max = rq->max_tokens,
		.temperature = rq->temperature,
		.seed = rq->seed,
		.stop = { .count = rq->stop_count } };
	if (rq->prompt_bytes > WIRE_PROMPT_MAX)
		return -E2BIG;
	if (rq->stop_count > CDM_STOPS_MAX || !isfinite(rq->temperature) || rq->temperature < 0)
		return -EINVAL;
	for (unsigned i = 0; i < rq->stop_count; i++) {
		w.stop.at[i] = wire_text_of(rq->stop[i]);
		if (w.stop.at[i].bytes == 0 || w.stop.at[i].bytes > WIRE_TEXT_MAX / CDM_STOPS_MAX)
			return -EINVAL;
	}
	return ask(m, &w, id);
}

int model_client_embed(struct model_client *m, const char *text, size_t bytes, uint64_t *id) {
	struct wire_message w = { .kind = WIRE_EMBED, .text = { text, bytes } };
	if (bytes == 0 || bytes > WIRE_TEXT_MAX)
		return bytes ? -E2BIG : -EINVAL;
	return ask(m, &w, id);
}

int model_client_cancel(struct model_client *m, uint64_t id) {
	struct wire_message w = { .kind = WIRE_CANCEL, .id = id };
	return send_message(m, &w);
}

int model_client_describe(struct model_client *m, uint64_t *id) {
	struct wire_message w = { .kind = WIRE_DESCRIBE };
	return ask(m, &w, id);
}

int model_client_ping(struct model_client *m, uint64_t *id) {
	struct wire_message w = { .kind = WIRE_PING };
	return ask(m, &w, id);
}

/* ---- events ---- */

static const int event_of[WIRE_KIND_COUNT] = {
	[WIRE_GENERATE] = -1, [WIRE_EMBED] = -1, [WIRE_CANCEL] = -1, [WIRE_DESCRIBE] = -1, [WIRE_PING] = -1,
	[WIRE_LOADED] = MODEL_LOADED, [WIRE_FAILED] = MODEL_FAILED, [WIRE_TOKEN] = MODEL_TOKEN,
	[WIRE_DONE] = MODEL_DONE, [WIRE_EMBEDDING] = MODEL_EMBEDDING, [WIRE_ERROR] = MODEL_ERROR,
	[WIRE_PONG] = MODEL_PONG,
};

static void take_facts(const struct wire_message *w, struct model_event *e) {
	struct cdm_model_facts *f = &e->facts;
	wire_text_copy(w->backend, e->backend, sizeof(e->backend));
	wire_text_copy(w->architecture, f->architecture, sizeof(f->architecture));
	wire_text_copy(w->description, f->description, sizeof(f->description));
	wire_text_copy(w->quantization, f->quantization, sizeof(f->quantization));
	wire_text_copy(w->engine, f->engine, sizeof(f->engine));
	f->parameters = w->parameters;
	f->bytes = w->bytes;
	f->context = w->context;
	f->context_trained = w->context_trained;
	f->vocabulary = w->vocabulary;
	f->threads = w->threads;
	f->dims = w->dims;
	e->load_ns = w->load_ns;
	e->samples = w->samples;
}

static struct model_result result_of(const struct cdm_result *r) {
	return (struct model_result){ r->finish, r->tokens_in, r->tokens_cached, r->tokens_out,
		r->prompt_ns, r->eval_ns };
}

int model_client_next(
		struct model_client *m, void *buffer, size_t capacity, struct model_event *e) {
	struct wire_message w;
	if (m->fd < 0)
		return -EPIPE;
	ssize_t n = io_receive(m->fd, buffer, capacity, NULL, NULL, MSG_DONTWAIT);
	if (n == -EAGAIN)
		return 0;
	if (n <= 0)
		return n == -E2BIG ? -EPROTO : -EPIPE;
	if (wire_read(buffer, (size_t)n, &w) < 0 || event_of[w.kind] < 0)
		return -EPROTO;
	memset(e, 0, sizeof(*e));
	e->kind = (enum model_event_kind)event_of[w.kind];
	e->id = w.id;
	e->text = w.text;
	e->code = w.code;
	e->result = result_of(&w.result);
	e->vector = w.vector;
	if (w.kind == WIRE_LOADED)
		take_facts(&w, e);
	return 1;
}

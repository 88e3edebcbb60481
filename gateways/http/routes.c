/*
 * routes.c - what is answered: health, and the part of Ollama's API that talks.
 *
 * A turn goes to core as this gateway's own words: what it may do is what the plan grants the gateway,
 * and what it is told is remembered as the gateway's.  The last line of a stream is sent when the turn
 * is on the disk: it is the acknowledgement.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "gateways/http/ollama.h"
#include "gateways/http/pieces.h"
#include "gateways/http/server.h"

#define ANSWER_NS (120 * NS_PER_S)
#define LOOK_NS (250 * NS_PER_MS) /* how often it is looked whether the client is still there */
#define KEY_MAX 48
#define NO_ANSWER "the machine gave no answer"
#define GOING_DOWN "the machine is going down"

/* One answer being given. */
struct answer {
	struct server *server;
	struct exchange *exchange;
	struct ollama_request request;
	int64_t began_ns;
	int client;    /* its socket, to see it go */
	const char *key; /* the client's own id of the request, or NULL; the connection's */
	struct pieces pieces;
	size_t sent;   /* bytes of the answer that the client has */
	char *line;    /* what of the stream is not sent yet */
	size_t at, length;
	bool over;
};

static void release(struct answer *a) {
	door_end(a->exchange);
	pieces_fini(&a->pieces);
	free(a->request.text);
	free(a->line);
	free(a);
}

/* ---- the last object ---- */

static int64_t number(const json_t *m, const char *key) {
	return (int64_t)json_number_value(json_object_get(m, key));
}

static const char *text_of(const json_t *m, const char *key) {
	const char *text = json_string_value(json_object_get(m, key));
	return text ? text : "";
}

static const char *reason_of(const struct answer *a, const json_t *done) {
	const char *finish = text_of(done, "finish");
	if (!a->request.text)
		return a->request.unload ? "unload" : "load";
	return strcmp(finish, "length") == 0 || strcmp(finish, "context") == 0 ? "length" : "stop";
}

/* `differs`: what was streamed is not the answer, which is given here then. */
static json_t *end_of(const struct answer *a, const json_t *done, const char *text, bool differs) {
	char when[CLOCK_TEXT_MAX];
	struct ollama_counts c = { .reason = reason_of(a, done) };
	if (a->request.text)
		c = (struct ollama_counts){ .total_ns = clock_mono().ns - a->began_ns,
			.load_ns = number(done, "load_ns"),
			.prompt_ns = number(done, "prompt_ns"),
			.eval_ns = number(done, "eval_ns"),
			.tokens_in = (uint64_t)number(done, "tokens_in"),
			.tokens_out = (uint64_t)number(done, "tokens_out"),
			.reason = c.reason };
	json_t *o = ollama_end(a->request.call, a->request.asked, clock_text(clock_wall(), when), text, &c);
	json_t *verdict = a->request.text ? ollama_verdict(done) : NULL;
	if (differs)
		json_object_set(verdict, "answer", json_object_get(done, "answer"));
	if (verdict)
		json_object_set_new(o, "cadmus", verdict);
	return o;
}

/* ---- streaming ---- */

static void add_line(struct answer *a, json_t *take_object) {
	char *text = take_object ? json_dumps(take_object, JSON_COMPACT) : NULL;
	json_decref(take_object);
	size_t n = text ? strlen(text) : 0;
	char *more = realloc(a->line, a->length + n + 1);
	if (!more || !text) {
		a->over = true; /* no memory: the stream ends without its last line, as one that broke */
		free(text);
		a->line = more ? more : a->line;
		return;
	}
	memcpy(more + a->length, text, n + 1);
	more[a->length + n] = '\n'; /* in the place of the terminating zero */
	a->length += n + 1;
	a->line = more;
	free(text);
}

static void add_piece(struct answer *a, const char *text) {
	char when[CLOCK_TEXT_MAX];
	if (text[0])
		add_line(a, ollama_piece(a->request.call, a->request.asked, clock_text(clock_wall(), when), text));
}

static void add_error(struct answer *a, const char *text) {
	__atomic_fetch_add(&a->server->errors, 1, __ATOMIC_RELAXED);
	add_line(a, ollama_error(text));
	a->over = true;
}

/* What of the text so far is not sent yet, up to the client's own stop sequences.  false: it was cut there. */
static bool add_sure(struct answer *a, const char *text, bool ended) {
	size_t sure = stops_sure(&a->request.options.stops, text, ended);
	char *piece = sure > a->sent ? strndup(text + a->sent, sure - a->sent) : NULL;
	if (piece) {
		add_piece(a, piece);
		a->sent = sure;
	}
	free(piece);
	return text[sure] == 0;
}

static void add_end(struct answer *a, const json_t *done) {
	const char *rest, *answer = text_of(done, "answer");
	bool agree = pieces_end(&a->pieces, answer, &rest);
	bool whole = add_sure(a, agree ? answer : a->pieces.shown.bytes, true);
	add_line(a, end_of(a, done, NULL, !agree || !whole));
	a->over = true;
}

/* What one reply adds to the stream; maybe nothing. */
static void add_reply(struct answer *a, enum door_kind kind, const json_t *body) {
	const char *piece;
	switch (kind) {
	case DOOR_TOKEN:
		if (pieces_hear(&a->pieces, text_of(body, "text"), &piece) < 0)
			return add_error(a, "no memory");
		add_sure(a, a->pieces.shown.used ? a->pieces.shown.bytes : "", false);
		return;
	case DOOR_AGAIN: return pieces_again(&a->pieces);
	case DOOR_DONE: return add_end(a, body);
	case DOOR_ERROR: return add_error(a, text_of(body, "text"));
	case DOOR_OTHER: return;
	}
}

static bool is_gone(const struct answer *a) {
	struct pollfd p = { .fd = a->client, .events = POLLRDHUP };
	return a->client >= 0 && poll(&p, 1, 0) == 1;
}

/* The next reply; false: none in time, or nobody is there any more to get it. */
static bool wait_reply(struct answer *a, struct door_reply *r) {
	int64_t until = clock_mono().ns + ANSWER_NS;
	while (!door_next(a->exchange, r, LOOK_NS)) {
		if (is_gone(a)) {
			__atomic_fetch_add(&a->server->hung_up, 1, __ATOMIC_RELAXED);
			return false;
		}
		if (door_is_over(a->server->door) || clock_mono().ns > until)
			return false;
	}
	return true;
}

static void next_lines(struct answer *a) {
	struct door_reply r;
	a->at = a->length = 0;
	if (!wait_reply(a, &r))
		return add_error(a, door_is_over(a->server->door) ? GOING_DOWN : NO_ANSWER);
	add_reply(a, r.kind, r.body);
	json_decref(r.body);
}

static ssize_t stream(void *cls, uint64_t position, char *out, size_t room) {
	struct answer *a = cls;
	(void)position;
	while (a->at == a->length) {
		if (a->over)
			return MHD_CONTENT_READER_END_OF_STREAM;
		next_lines(a);
	}
	size_t n = a->length - a->at < room ? a->length - a->at : room;
	memcpy(out, a->line + a->at, n);
	a->at += n;
	return (ssize_t)n;
}

static void stream_over(void *cls) {
	release(cls);
}

static enum MHD_Result answer_stream(struct call *c, struct answer *a, const struct door_reply *first) {
	add_reply(a, first->kind, first->body);
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, stream, a, stream_over);
	if (!r)
		return release(a), MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/x-ndjson");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	enum MHD_Result rc = MHD_queue_response(c->connection, MHD_HTTP_OK, r);
	MHD_destroy_response(r); /* and with it the answer, when all is sent */
	return rc;
}

/* ---- in one piece ---- */

static unsigned status_of(const char *code) {
	static const struct {
		const char *code;
		unsigned status;
	} known[] = { { "ENOENT", MHD_HTTP_NOT_FOUND }, { "EACCES", MHD_HTTP_FORBIDDEN },
		{ "EBUSY", MHD_HTTP_SERVICE_UNAVAILABLE }, { "EAGAIN", MHD_HTTP_SERVICE_UNAVAILABLE },
		{ "ENOSPC", MHD_HTTP_INSUFFICIENT_STORAGE }, { "ESHUTDOWN", MHD_HTTP_SERVICE_UNAVAILABLE },
		{ "EINVAL", MHD_HTTP_BAD_REQUEST }, { "E2BIG", MHD_HTTP_BAD_REQUEST },
		{ "EILSEQ", MHD_HTTP_BAD_REQUEST }, { "EEXIST", MHD_HTTP_CONFLICT } };
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i].status;
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* The next reply that says something; tokens only if they are wanted. */
static bool next_reply(struct answer *a, bool tokens, struct door_reply *r) {
	while (wait_reply(a, r)) {
		if (r->kind == DOOR_DONE || r->kind == DOOR_ERROR || (tokens && r->kind == DOOR_TOKEN))
			return true;
		json_decref(r->body);
	}
	return false;
}

static enum MHD_Result refuse(struct call *c, struct answer *a, unsigned status, const char *why) {
	release(a);
	return server_json(c, status, ollama_error(why));
}

/* Ollama's clients know its own words for a model that is not there, and their key as they gave it. */
static enum MHD_Result answer_error(struct call *c, const struct answer *a, const json_t *error) {
	char text[OLLAMA_MODEL_MAX + KEY_MAX + 64];
	const char *said = text;
	unsigned status = status_of(text_of(error, "code"));
	if (status == MHD_HTTP_NOT_FOUND)
		snprintf(text, sizeof(text), "model '%s' not found", a->request.asked);
	else if (status == MHD_HTTP_CONFLICT && a->key)
		snprintf(text, sizeof(text), "Idempotency-Key '%s' was given with other words before", a->key);
	else
		said = text_of(error, "text");
	return server_json(c, status, ollama_error(said));
}

static enum MHD_Result answer_whole(struct call *c, struct answer *a, const json_t *done) {
	const char *answer = text_of(done, "answer");
	size_t sure = stops_sure(&a->request.options.stops, answer, true);
	char *text = strndup(answer, sure);
	if (!text)
		return MHD_NO;
	enum MHD_Result rc = server_json(c, MHD_HTTP_OK, end_of(a, done, text, answer[sure] != 0));
	free(text);
	return rc;
}

/* Nothing is sent before the first reply: an error that comes at once still gets a status of its own. */
static enum MHD_Result answer(struct call *c, struct answer *a) {
	struct door_reply r;
	bool streams = a->request.stream && a->request.text;
	if (!next_reply(a, streams, &r))
		return door_is_over(c->server->door) ? refuse(c, a, MHD_HTTP_SERVICE_UNAVAILABLE, GOING_DOWN)
				: refuse(c, a, MHD_HTTP_INTERNAL_SERVER_ERROR, NO_ANSWER);
	enum MHD_Result rc;
	if (r.kind == DOOR_ERROR)
		rc = answer_error(c, a, r.body);
	else if (streams)
		rc = answer_stream(c, a, &r);
	else
		rc = answer_whole(c, a, r.body);
	json_decref(r.body);
	if (r.kind == DOOR_ERROR || !streams)
		release(a);
	return rc;
}

/* ---- routes ---- */

static bool is_model(const struct call *c, const char *name) {
	const struct cdm_machine *m = door_machine(c->server->door);
	const char *known;
	for (uint32_t i = 0; (known = cdm_model_name(m, i)) != NULL; i++)
		if (strcmp(known, name) == 0)
			return true;
	return false;
}

/* The client's own id of the request, which makes a repetition harmless; false: it is not one. */
static bool find_key(const struct call *c, const char **key) {
	*key = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Idempotency-Key");
	if (!*key)
		return true;
	size_t n = strlen(*key);
	for (size_t i = 0; i < n; i++)
		if ((*key)[i] <= ' ' || (*key)[i] > '~')
			return false;
	return n > 0 && n <= KEY_MAX;
}

static enum MHD_Result talk(struct call *c, enum ollama_call what) {
	char why[256];
	struct answer *a = calloc(1, sizeof(*a));
	if (!a)
		return MHD_NO;
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*a = (struct answer){ .server = c->server, .began_ns = clock_mono().ns, .client = i ? i->connect_fd : -1 };
	struct ollama_request *r = &a->request;
	struct door_request ask = { .model = r->model };
	if (ollama_parse(what, c->body ? c->body : "", c->bytes, r, why, sizeof(why)) < 0)
		return refuse(c, a, MHD_HTTP_BAD_REQUEST, why);
	if (!find_key(c, &ask.key))
		return refuse(c, a, MHD_HTTP_BAD_REQUEST, "Idempotency-Key must be 1 to 48 visible characters");
	snprintf(why, sizeof(why), "model '%s' not found", r->asked);
	if (!r->text && !is_model(c, r->model)) /* words go to core, who stops for "stop" whatever the model */
		return refuse(c, a, MHD_HTTP_NOT_FOUND, why);
	a->key = ask.key;
	ask.text = r->text;
	ask.unload = r->unload;
	ask.max_tokens = r->options.max_tokens;
	a->exchange = door_ask(c->server->door, &ask);
	if (!a->exchange)
		return refuse(c, a, MHD_HTTP_SERVICE_UNAVAILABLE, GOING_DOWN);
	return answer(c, a);
}

static enum MHD_Result chat(struct call *c) {
	return talk(c, OLLAMA_CHAT);
}

static enum MHD_Result generate(struct call *c) {
	return talk(c, OLLAMA_GENERATE);
}

/* A model whose file cannot be read is still one of the machine's: it is listed without what is not known. */
static json_t *tag_of(struct call *c, const char *name) {
	char when[CLOCK_TEXT_MAX];
	struct catalog_entry e = { .bytes = 0 };
	const char *path = cdm_option(door_machine(c->server->door), name, "file");
	if (path && catalog_find(&c->server->models, path, &e) < 0)
		e.bytes = 0;
	struct ollama_model m = { .name = name, .modified_at = clock_text(e.modified, when), .digest = e.digest,
		.format = e.format, .family = e.family, .bytes = e.bytes };
	return ollama_model(&m);
}

static enum MHD_Result tags(struct call *c) {
	json_t *list = json_array();
	const char *name;
	for (uint32_t i = 0; (name = cdm_model_name(door_machine(c->server->door), i)) != NULL; i++)
		json_array_append_new(list, tag_of(c, name));
	return server_json(c, MHD_HTTP_OK, json_pack("{s:o}", "models", list));
}

static enum MHD_Result version(struct call *c) {
	return server_json(c, MHD_HTTP_OK, json_pack("{s:s}", "version", CADMUS_VERSION));
}

static enum MHD_Result root(struct call *c) {
	return server_text(c, MHD_HTTP_OK, "text/plain; charset=utf-8", "Ollama is running");
}

/* Healthy: core and guard live, and core answers when it is asked.  `reason`: of what is not so the first, or "". */
static enum MHD_Result health(struct call *c) {
	struct cdm_process p;
	char address[96], reason[CDM_NAME_MAX + 32] = "";
	const struct server *s = c->server;
	const struct cdm_machine *m = door_machine(s->door);
	json_t *all = json_object();
	bool connected = door_counts(s->door).connected, answers = connected && door_answers(s->door);
	if (!answers)
		snprintf(reason, sizeof(reason), connected ? "core does not answer" : "core cannot be asked");
	for (uint32_t i = 0; cdm_process_at(m, i, &p) == 0; i++) {
		if (p.state == CDM_PROCESS_FREE)
			continue;
		json_object_set_new(all, p.name, json_string(cdm_process_state_name(p.state)));
		if (!reason[0] && p.essential && p.state != CDM_PROCESS_LIVE)
			snprintf(reason, sizeof(reason), "%s is not live", p.name);
	}
	snprintf(address, sizeof(address), "%s:%u", s->host, s->port);
	bool ok = !reason[0];
	return server_json(c, ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			json_pack("{s:b,s:s,s:s,s:s,s:b,s:b,s:o}", "ok", ok, "reason", reason,
			"machine", cdm_machine_name(m), "address", address, "connected", connected,
			"answers", answers, "processes", all));
}

static const struct {
	const char *method, *path;
	enum MHD_Result (*run)(struct call *c);
} routes[] = {
	{ "GET", "/", root }, { "GET", "/healthz", health }, { "GET", "/metrics", metrics_answer },
	{ "GET", "/api/tags", tags }, { "GET", "/api/version", version },
	{ "POST", "/api/chat", chat }, { "POST", "/api/generate", generate },
};

enum MHD_Result route_dispatch(struct call *c) {
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		if (strcmp(routes[i].path, c->path) != 0)
			continue;
		bool get = strcmp(routes[i].method, "GET") == 0;
		if (strcmp(routes[i].method, c->method) == 0 || (get && strcmp(c->method, "HEAD") == 0))
			return routes[i].run(c);
		c->allow = get ? "GET, HEAD" : "POST"; /* one route a path */
		return server_json(c, MHD_HTTP_METHOD_NOT_ALLOWED, ollama_error("method not allowed"));
	}
	return server_json(c, MHD_HTTP_NOT_FOUND, ollama_error("there is no such path here"));
}

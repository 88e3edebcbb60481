/* model_client_test.c - the client against a hand-made other end of a real socket. */
#include "model/model_client.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/io.h"

static uint8_t buffer[WIRE_MESSAGE_MAX];
static struct model_client client;
static int pair[2];

static void fresh(void) {
	if (client.fd > 0) {
		close(pair[0]);
		close(pair[1]);
	}
	CHECK(io_pair(pair) == 0);
	model_client_open(&client, pair[0]);
}

static struct wire_message heard(void) {
	static uint8_t other[WIRE_MESSAGE_MAX];
	struct wire_message m;
	ssize_t n = io_receive(pair[1], other, sizeof(other), NULL, NULL, MSG_DONTWAIT);
	CHECK(n > 0 && wire_read(other, (size_t)n, &m) == 0);
	return m;
}

static void say(const struct wire_message *m) {
	int n = wire_write(m, buffer, sizeof(buffer));
	CHECK(n > 0 && io_send(pair[1], buffer, (size_t)n, NULL, 0, 0) == 0);
}

static void asks(void) {
	uint64_t id, other;
	struct model_request rq = { .prompt = "hello",
		.prompt_bytes = 5,
		.max_tokens = 9,
		.temperature = 0.5,
		.seed = 3,
		.stop_count = 1,
		.stop = { "\n" } };
	fresh();
	CHECK(model_client_generate(&client, &rq, &id) == 0 && id > 0);
	struct wire_message m = heard();
	CHECK(m.kind == WIRE_GENERATE && m.id == id && m.max == 9 && m.seed == 3 &&
			m.stop.count == 1);
	CHECK(m.prompt.bytes == 5 && memcmp(m.prompt.at, "hello", 5) == 0);
	CHECK(model_client_ping(&client, &other) == 0 && other == id + 1 &&
			heard().kind == WIRE_PING);
	CHECK(model_client_describe(&client, &other) == 0 && other == id + 2 &&
			heard().kind == WIRE_DESCRIBE);
	CHECK(model_client_embed(&client, "a text", 6, &other) == 0 && other == id + 3);
	m = heard();
	CHECK(m.kind == WIRE_EMBED && m.id == other && m.text.bytes == 6 && memcmp(m.text.at, "a text", 6) == 0);
	CHECK(model_client_cancel(&client, id) == 0);
	m = heard();
	CHECK(m.kind == WIRE_CANCEL && m.id == id);
}

static void refuses_requests_that_cannot_be(void) {
	static char longest[WIRE_PROMPT_MAX + 1];
	uint64_t id = 77;
	struct model_request rq = { .prompt = longest, .prompt_bytes = sizeof(longest) };
	fresh();
	memset(longest, 'x', sizeof(longest));
	CHECK(model_client_generate(&client, &rq, &id) == -E2BIG);
	rq.prompt_bytes = 1;
	CHECK(model_client_embed(&client, longest, WIRE_TEXT_MAX + 1, &id) == -E2BIG);
	CHECK(model_client_embed(&client, longest, 0, &id) == -EINVAL);
	rq.stop_count = 1;
	rq.stop[0] = "";
	CHECK(model_client_generate(&client, &rq, &id) == -EINVAL);
	rq.stop_count = CDM_STOPS_MAX + 1;
	CHECK(model_client_generate(&client, &rq, &id) == -EINVAL);
	rq.stop_count = 0;
	rq.temperature = -1;
	CHECK(model_client_generate(&client, &rq, &id) == -EINVAL && id == 77);
	rq.temperature = INFINITY;
	CHECK(model_client_generate(&client, &rq, &id) == -EINVAL);
	rq.temperature = NAN;
	CHECK(model_client_generate(&client, &rq, &id) == -EINVAL && id == 77);
	rq.temperature = 0;
	rq.prompt_bytes = WIRE_PROMPT_MAX;
	CHECK(model_client_generate(&client, &rq, &id) == 0 && id == 1 &&
			heard().prompt.bytes == WIRE_PROMPT_MAX);
}

static void hears_every_event(void) {
	struct model_event e;
	struct wire_message m = {
		.kind = WIRE_LOADED, .id = 4, .load_ns = 5, .context = 512, .samples = 9, .dims = 64
	};
	m.backend = m.architecture = m.description = m.quantization = m.engine =
			wire_text_of("llama");
	fresh();
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 0);
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 &&
			e.kind == MODEL_LOADED && e.id == 4);
	CHECK(strcmp(e.backend, "llama") == 0 && e.facts.context == 512 && e.load_ns == 5 &&
			e.samples == 9 && e.facts.dims == 64);
	m = (struct wire_message){ .kind = WIRE_TOKEN, .id = 1, .text = wire_text_of("word") };
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 &&
			e.kind == MODEL_TOKEN && e.text.bytes == 4);
	m = (struct wire_message){
		.kind = WIRE_DONE, .id = 1, .result = { CDM_FINISH_LENGTH, 1, 2, 3, 4, 5 }
	};
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 && e.kind == MODEL_DONE);
	CHECK(e.result.finish == CDM_FINISH_LENGTH && e.result.tokens_cached == 2 &&
			e.result.eval_ns == 5);
	static const uint8_t vector[] = { 0, 0, 0x80, 0x3f };
	m = (struct wire_message){ .kind = WIRE_EMBEDDING, .id = 2, .vector = { vector, 1 } };
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 && e.kind == MODEL_EMBEDDING && e.id == 2);
	CHECK(e.vector.count == 1 && memcmp(e.vector.at, vector, sizeof(vector)) == 0);
	m = (struct wire_message){
		.kind = WIRE_ERROR, .id = 1, .code = -E2BIG, .text = wire_text_of("too long")
	};
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 &&
			e.kind == MODEL_ERROR && e.code == -E2BIG);
	m = (struct wire_message){ .kind = WIRE_FAILED, .text = wire_text_of("no engine") };
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 &&
			e.kind == MODEL_FAILED && e.id == 0);
	m = (struct wire_message){ .kind = WIRE_PONG, .id = 8 };
	say(&m);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == 1 && e.kind == MODEL_PONG &&
			e.id == 8);
}

static void names_a_peer_that_is_mad_or_gone(void) {
	struct model_event e;
	struct wire_message m = { .kind = WIRE_PING, .id = 1 };
	uint64_t id;
	fresh();
	say(&m); /* what only core may say */
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == -EPROTO);
	CHECK(io_send(pair[1], "nonsense", 8, NULL, 0, 0) == 0);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == -EPROTO);
	CHECK(io_send(pair[1], buffer, sizeof(buffer), NULL, 0, 0) == 0);
	CHECK(model_client_next(&client, buffer, sizeof(buffer) - 1, &e) == -EPROTO); /* more than fits */
	int rc;
	while ((rc = model_client_ping(&client, &id)) == 0)
		; /* nobody reads */
	CHECK(rc == -EAGAIN && id == client.id);
	close(pair[1]);
	CHECK(model_client_ping(&client, &id) == -EPIPE);
	CHECK(model_client_next(&client, buffer, sizeof(buffer), &e) == -EPIPE);
	CHECK(io_pair(pair) == 0);
	model_client_open(&client, -1);
	CHECK(model_client_ping(&client, &id) == -EPIPE &&
			model_client_next(&client, buffer, 9, &e) == -EPIPE);
}

int main(void) {
	asks();
	refuses_requests_that_cannot_be();
	hears_every_event();
	names_a_peer_that_is_mad_or_gone();
	puts("model_client_test: ok");
}

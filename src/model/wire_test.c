/*
 * wire_test.c - what is written is read back, all of it; and what is not exactly a message is none.
 */
#include "model/wire.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/msgpack.h"

static uint8_t bytes[WIRE_MESSAGE_MAX], again[WIRE_MESSAGE_MAX];

static struct wire_message sample(enum wire_kind kind) {
	struct wire_message m = { .kind = kind,
		.id = UINT64_MAX,
		.max = 40,
		.seed = UINT32_MAX,
		.temperature = 0.75,
		.code = -ETIMEDOUT,
		.parameters = UINT64_MAX,
		.bytes = 1,
		.context = 512,
		.context_trained = 4096,
		.vocabulary = 32000,
		.threads = 2,
		.load_ns = INT64_MAX,
		.samples = 3,
		.dims = 192 };
	static const uint8_t vector[] = { 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc1 };
	m.vector = (struct wire_floats){ vector, 2 };
	m.result = (struct cdm_result){ CDM_FINISH_STOP, 1, 2, 3, 4, 5 };
	m.prompt = wire_text_of("> what is my name?\n< ");
	m.text = wire_text_of("it is \xf0\x90\xa4\x95");
	m.backend = m.architecture = m.description = m.quantization = m.engine =
			wire_text_of("engine");
	m.stop = (struct wire_texts){ 2, { wire_text_of("\n"), wire_text_of("</s>") } };
	return m;
}

static int same(struct wire_text a, struct wire_text b) {
	return a.bytes == b.bytes && memcmp(a.at, b.at, a.bytes) == 0;
}

static void carries_every_kind(void) {
	for (unsigned kind = 0; kind < WIRE_KIND_COUNT; kind++) {
		struct wire_message in = sample((enum wire_kind)kind), out;
		int n = wire_write(&in, bytes, sizeof(bytes));
		CHECK(n > 0 && wire_read(bytes, (size_t)n, &out) == 0 && out.kind == in.kind);
		CHECK(wire_write(&out, again, sizeof(again)) == n &&
				memcmp(bytes, again, (size_t)n) == 0);
		for (int cut = 0; cut < n; cut++) {
			CHECK(wire_write(&in, again, (size_t)cut) == -E2BIG);
			uint8_t *exact = malloc((size_t)cut + 1); /* so that reading past the end is seen */
			CHECK(exact != NULL);
			memcpy(exact, bytes, (size_t)cut);
			CHECK(wire_read(exact, (size_t)cut, &out) == -EPROTO);
			free(exact);
		}
		bytes[n] = 0xc0;
		CHECK(wire_read(bytes, (size_t)n + 1, &out) == -EPROTO); /* something behind it */
	}
	CHECK(strcmp(wire_finish_text(5), "?") == 0);
}

static void keeps_the_members_of_a_kind_and_no_others(void) {
	struct wire_message in = sample(WIRE_GENERATE), out;
	int n = wire_write(&in, bytes, sizeof(bytes));
	CHECK(wire_read(bytes, (size_t)n, &out) == 0 && out.id == in.id &&
			same(out.prompt, in.prompt));
	CHECK(out.max == 40 && out.seed == UINT32_MAX && fabs(out.temperature - 0.75) < 1e-9);
	CHECK(out.stop.count == 2 && same(out.stop.at[1], in.stop.at[1]));
	CHECK(out.text.bytes == 0 && out.code == 0 && out.parameters == 0 &&
			out.result.tokens_in == 0);
	in = sample(WIRE_DONE);
	n = wire_write(&in, bytes, sizeof(bytes));
	CHECK(wire_read(bytes, (size_t)n, &out) == 0 &&
			memcmp(&out.result, &in.result, sizeof(in.result)) == 0);
	in = sample(WIRE_ERROR);
	n = wire_write(&in, bytes, sizeof(bytes));
	CHECK(wire_read(bytes, (size_t)n, &out) == 0 && out.code == -ETIMEDOUT &&
			same(out.text, in.text));
	in = sample(WIRE_EMBEDDING);
	n = wire_write(&in, bytes, sizeof(bytes));
	CHECK(wire_read(bytes, (size_t)n, &out) == 0 && out.id == in.id && out.vector.count == 2);
	CHECK(fabs(wire_float(&out.vector, 0) - 1.0) < 1e-9 && fabs(wire_float(&out.vector, 1) + 10.0) < 1e-9);
	wire_put_float(-10, again);
	CHECK(memcmp(again, in.vector.at + 4, 4) == 0);
}

/* {"m": kind, key: value written by the caller} */
static struct mp_out begin(const char *kind, uint32_t pairs) {
	struct mp_out o;
	mp_begin(&o, bytes, sizeof(bytes));
	mp_map(&o, pairs);
	mp_kv_str(&o, "m", kind);
	return o;
}

static int reads(const struct mp_out *o) {
	struct wire_message m;
	int n = mp_done(o);
	CHECK(n > 0);
	return wire_read(bytes, (size_t)n, &m);
}

static void refuses_keys_that_do_not_belong(void) {
	struct mp_out o = begin("cancel", 2);
	mp_kv_uint(&o, "id", 1);
	CHECK(reads(&o) == 0);
	o = begin("cancel", 1);
	CHECK(reads(&o) == -EPROTO); /* no id */
	o = begin("cancel", 3);
	mp_kv_uint(&o, "id", 1);
	mp_kv_uint(&o, "seed", 1);
	CHECK(reads(&o) == -EPROTO); /* a key of another kind */
	o = begin("error", 4);
	mp_kv_uint(&o, "id", 1);
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "text", "x");
	CHECK(reads(&o) == -EPROTO); /* twice, and one missing */
	o = begin("cancel", 2);
	mp_kv_str(&o, "m", "ping");
	CHECK(reads(&o) == -EPROTO); /* two kinds */
	o = begin("dance", 2);
	mp_kv_uint(&o, "id", 1);
	CHECK(reads(&o) == -EPROTO);
	o = begin("a word that is longer than any kind has", 2);
	mp_kv_uint(&o, "id", 1);
	CHECK(reads(&o) == -EPROTO);
	mp_begin(&o, bytes, sizeof(bytes));
	mp_array(&o, 1);
	mp_str(&o, "m");
	CHECK(reads(&o) == -EPROTO);
}

static void refuses_values_out_of_range(void) {
	struct mp_out o = begin("cancel", 2);
	mp_kv_int(&o, "id", -1);
	CHECK(reads(&o) == -EPROTO);
	o = begin("cancel", 2);
	mp_kv_str(&o, "id", "1");
	CHECK(reads(&o) == -EPROTO);
	o = begin("error", 4);
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "code", "EWHATEVER");
	mp_kv_str(&o, "text", "");
	CHECK(reads(&o) == -EPROTO);
	o = begin("error", 4);
	mp_kv_uint(&o, "id", 1);
	mp_kv_str(&o, "code", "OK");
	mp_kv_str(&o, "text", "");
	CHECK(reads(&o) == -EPROTO); /* no error is no error */
}

/* `change` of a generate: 0 nothing, else what is out of range. */
static int generate(int change) {
	static char longest[WIRE_PROMPT_MAX + 1];
	memset(longest, 'a', sizeof(longest));
	struct mp_out o = begin("generate", 7);
	mp_kv_uint(&o, "id", 1);
	mp_str(&o, "prompt");
	mp_strn(&o, longest, change == 1 ? WIRE_PROMPT_MAX + 1 : WIRE_PROMPT_MAX);
	mp_kv_uint(&o, "max", change == 2 ? UINT64_C(1) << 32 : 5);
	const double temperatures[] = { [3] = (double)NAN, [4] = -0.5, [5] = (double)INFINITY };
	mp_kv_f64(&o, "temperature", change >= 3 && change <= 5 ? temperatures[change] : 0);
	mp_kv_uint(&o, "seed", 7);
	mp_str(&o, "stop");
	mp_array(&o, change == 6 ? CDM_STOPS_MAX + 1 : CDM_STOPS_MAX);
	for (int i = 0; i < CDM_STOPS_MAX + (change == 6); i++)
		mp_strn(&o, longest, change == 7 ? WIRE_TEXT_MAX + 1 : change == 8 ? 0 : 10);
	return mp_done(&o) > 0 ? reads(&o) : -EPROTO;
}

static void refuses_requests_out_of_range(void) {
	CHECK(generate(0) == 0);
	for (int change = 1; change <= 8; change++)
		CHECK(generate(change) == -EPROTO);
}

static int embedding(const void *vector, size_t size) {
	struct mp_out o = begin("embedding", 3);
	mp_kv_uint(&o, "id", 1);
	mp_str(&o, "vector");
	mp_bin(&o, vector, size);
	return reads(&o);
}

static void refuses_vectors_that_are_none(void) {
	static const uint8_t zeros[4 * CDM_EMBED_DIMS_MAX + 4];
	static const uint8_t inf[] = { 0, 0, 0, 0, 0, 0, 0x80, 0x7f }, nan_[] = { 1, 0, 0x80, 0xff };
	CHECK(embedding(zeros, 4) == 0 && embedding(zeros, 4 * CDM_EMBED_DIMS_MAX) == 0);
	CHECK(embedding(zeros, 0) == -EPROTO && embedding(zeros, 6) == -EPROTO);
	CHECK(embedding(zeros, sizeof(zeros)) == -EPROTO);
	CHECK(embedding(inf, sizeof(inf)) == -EPROTO && embedding(nan_, sizeof(nan_)) == -EPROTO);
}

static void cuts_texts_at_code_points(void) {
	char out[8];
	wire_text_copy(wire_text_of("abcdefghij"), out, sizeof(out));
	CHECK(strcmp(out, "abcdefg") == 0);
	wire_text_copy(wire_text_of("abcdef\xc3\xa4"), out, sizeof(out));
	CHECK(strcmp(out, "abcdef") == 0);
	wire_text_copy((struct wire_text){ NULL, 0 }, out, sizeof(out));
	CHECK(out[0] == 0);
}

/* Every byte of every kind, turned to other values: an error or a message, never more. */
static void survives_every_changed_byte(void) {
	static const uint8_t junk[] = { 0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xc1, 0xc6, 0xcf, 0xd9, 0xdb,
		0xdf, 0xff };
	unsigned accepted = 0;
	for (unsigned kind = 0; kind < WIRE_KIND_COUNT; kind++) {
		struct wire_message in = sample((enum wire_kind)kind), out;
		int n = wire_write(&in, bytes, sizeof(bytes));
		for (int at = 0; at < n; at++)
			for (size_t j = 0; j < COUNT_OF(junk); j++) {
				uint8_t *exact = malloc((size_t)n);
				CHECK(exact != NULL);
				memcpy(exact, bytes, (size_t)n);
				exact[at] = junk[j];
				int rc = wire_read(exact, (size_t)n, &out);
				CHECK(rc == 0 || rc == -EPROTO);
				accepted += rc == 0;
				CHECK(rc < 0 || wire_write(&out, again, sizeof(again)) > 0);
				free(exact);
			}
	}
	CHECK(accepted > 0);
}

int main(void) {
	carries_every_kind();
	keeps_the_members_of_a_kind_and_no_others();
	refuses_keys_that_do_not_belong();
	refuses_values_out_of_range();
	refuses_requests_out_of_range();
	refuses_vectors_that_are_none();
	cuts_texts_at_code_points();
	survives_every_changed_byte();
	puts("wire_test: ok");
}

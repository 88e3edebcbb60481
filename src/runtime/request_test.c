/* request_test.c - what a control message may be, and what it may not. */
#include "runtime/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "base/msgpack.h"
#include "schema/plan.h"

static uint8_t buffer[32768];
static struct request r;
static const char *why;

static void begin(struct mp_out *o, unsigned pairs, const char *op) {
	mp_begin(o, buffer, sizeof(buffer));
	mp_map(o, pairs + 2);
	mp_kv_str(o, "op", op);
	mp_kv_uint(o, "id", 9);
}

static void takes_a_request_apart(void) {
	struct mp_out o;
	begin(&o, 5, "say");
	mp_kv_str(&o, "text", "my name is Ana");
	mp_kv_str(&o, "as", "stranger");
	mp_kv_bool(&o, "blind", true);
	mp_kv_uint(&o, "max", 1u << 20);
	mp_kv_str(&o, "unknown", "ignored");
	CHECK(request_parse(buffer, o.length, &r, &why) == 0);
	CHECK(r.op == REQUEST_OP_say && r.id == 9 && strcmp(r.text, "my name is Ana") == 0);
	CHECK(r.has == (REQUEST_TEXT | REQUEST_AS) && r.blind && r.max == REQUEST_TOKENS_MAX && !r.request[0]);
	CHECK(request_op_right(r.op) == PLAN_MAY_SAY && strcmp(request_op_name(r.op), "say") == 0);
}

static void a_number_of_tokens_is_one(void) {
	struct mp_out o;
	begin(&o, 1, "view");
	mp_kv_uint(&o, "max", REQUEST_TOKENS_DEFAULT);
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && r.has_max && r.max == REQUEST_TOKENS_DEFAULT);
	begin(&o, 1, "view");
	mp_kv_uint(&o, "max", 0); /* as none */
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && !r.has_max && r.max == REQUEST_TOKENS_DEFAULT);
	begin(&o, 0, "view");
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && !r.has_max && r.max == REQUEST_TOKENS_DEFAULT);
}

/* Nothing said of its age: it may be of any; 0 said: of none. */
static void an_age_of_nothing_is_one(void) {
	struct mp_out o;
	begin(&o, 1, "read");
	mp_kv_str(&o, "key", "door");
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && r.max_age_ms == UINT64_MAX);
	begin(&o, 2, "read");
	mp_kv_str(&o, "key", "door");
	mp_kv_uint(&o, "max_age_ms", 0);
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && r.max_age_ms == 0);
}

/* It would end the text early; what stands behind it is still looked at for stop words. */
static void a_zero_byte_is_refused(void) {
	struct mp_out o;
	begin(&o, 1, "say");
	mp_str(&o, "text");
	mp_strn(&o, "hello\0 please stop", 18);
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL && strstr(why, "`text` has a zero byte"));
	CHECK(r.op == REQUEST_OP_say && strcmp(r.text, "hello  please stop") == 0);
	begin(&o, 2, "tell");
	mp_str(&o, "key");
	mp_strn(&o, "door\0x", 6);
	mp_kv_str(&o, "text", "open");
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL && strstr(why, "zero byte"));
}

static void knows_every_op(void) {
	static const char *const names[] = { "ping", "say", "act", "set", "tell", "goal", "read", "view",
		"erase", "compact", "load", "unload", "state", "cancel", "stop",
		"down" };
	CHECK(COUNT_OF(names) == REQUEST_OP_COUNT);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct mp_out o;
		begin(&o, 8, names[i]);
		mp_kv_str(&o, "key", "k");
		mp_kv_uint(&o, "seq", 1);
		mp_kv_uint(&o, "target", 7);
		mp_kv_str(&o, "text", "t");
		mp_kv_str(&o, "symbols", "s");
		mp_kv_str(&o, "field", "f");
		mp_kv_str(&o, "model", "m");
		mp_kv_f64(&o, "value", 1.5);
		CHECK(request_parse(buffer, o.length, &r, &why) == 0 && r.op == (enum request_op)i && r.value == 1.5);
	}
}

static void says_what_is_missing(void) {
	struct mp_out o;
	begin(&o, 0, "say");
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL && strstr(why, "missing") && r.id == 9);
	begin(&o, 0, "dance");
	CHECK(request_parse(buffer, o.length, &r, &why) == -ENOTSUP && strstr(why, "no such op"));
	begin(&o, 1, "say");
	mp_kv_uint(&o, "text", 3);
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL && strstr(why, "wrong type"));
	begin(&o, 2, "set");
	mp_kv_str(&o, "field", "f");
	mp_kv_f64(&o, "value", 1.0 / 0.0);
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL);
	mp_begin(&o, buffer, sizeof(buffer));
	mp_map(&o, 1);
	mp_kv_str(&o, "op", "ping");
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL);
}

static int from(uint32_t count, uint64_t first) {
	struct mp_out o;
	begin(&o, 3, "tell");
	mp_kv_str(&o, "key", "house");
	mp_kv_str(&o, "text", "safe");
	mp_str(&o, "from");
	mp_array(&o, count);
	for (uint32_t i = 0; i < count; i++)
		mp_uint(&o, first + i);
	return request_parse(buffer, o.length, &r, &why);
}

static void sources_are_records(void) {
	CHECK(from(2, 7) == 0 && r.from.count == 2 && r.from.at[1] == 8);
	CHECK(from(BODY_SOURCES_MAX, 1) == 0 && from(0, 0) == 0 && r.from.count == 0);
	CHECK(from(1, 0) == -EINVAL && strstr(why, "from") && r.from.count == 0); /* there is no record 0 */
	CHECK(from(BODY_SOURCES_MAX + 1, 1) == -EINVAL);
}

static void refuses_what_is_too_long(void) {
	static char text[REQUEST_TEXT_MAX + 1];
	struct mp_out o;
	memset(text, 'x', sizeof(text) - 1);
	begin(&o, 1, "say");
	mp_kv_str(&o, "text", text);
	CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL);
	text[REQUEST_TEXT_MAX - 1] = 0;
	begin(&o, 1, "say");
	mp_kv_str(&o, "text", text);
	CHECK(request_parse(buffer, o.length, &r, &why) == 0 && strlen(r.text) == REQUEST_TEXT_MAX - 1);
}

static void refuses_texts_that_are_none(void) {
	static const char *const bad[] = { "", "  \n", "\xff\xfe", "cut \xf0\x90\xa4" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct mp_out o;
		begin(&o, 1, "say");
		mp_kv_str(&o, "text", bad[i]);
		CHECK(request_parse(buffer, o.length, &r, &why) == -EINVAL && why[0]);
	}
}

static void ends_with_whom_it_does_not_understand(void) {
	struct mp_out o;
	begin(&o, 1, "say");
	mp_kv_str(&o, "text", "t");
	for (size_t cut = 0; cut < o.length; cut++)
		CHECK(request_parse(buffer, cut, &r, &why) == -EPROTO);
	CHECK(request_parse(buffer, o.length + 1, &r, &why) == -EPROTO); /* something behind the map */
	CHECK(request_parse("\x93\x01\x02\x03", 4, &r, &why) == -EPROTO);
}

int main(void) {
	takes_a_request_apart();
	a_number_of_tokens_is_one();
	an_age_of_nothing_is_one();
	a_zero_byte_is_refused();
	knows_every_op();
	says_what_is_missing();
	sources_are_records();
	refuses_what_is_too_long();
	refuses_texts_that_are_none();
	ends_with_whom_it_does_not_understand();
	puts("request_test: ok");
}

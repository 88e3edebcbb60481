/* mp_json_test.c - messages of core as JSON, whole ones and broken ones. */
#include "gateways/lib/mp_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/msgpack.h"

static uint8_t room[4096];
static struct mp_out o;

static void is(const char *expected) {
	int n = mp_done(&o);
	CHECK(n > 0);
	json_t *j = mp_json(room, (size_t)n);
	char *text = j ? json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	if (!text || strcmp(text, expected) != 0)
		fprintf(stderr, "%s instead of %s\n", text ? text : "nothing", expected);
	CHECK(text && strcmp(text, expected) == 0);
	free(text);
	json_decref(j);
	/* cut anywhere it is broken; with more behind it, too */
	for (int cut = 0; cut < n; cut++)
		CHECK(!mp_json(room, (size_t)cut));
	room[n] = 0xc0;
	CHECK(!mp_json(room, (size_t)n + 1));
}

static void begin(void) {
	mp_begin(&o, room, sizeof(room) - 1);
}

static void scalars(void) {
	begin(), mp_uint(&o, 7), is("7");
	begin(), mp_uint(&o, INT64_MAX), is("9223372036854775807");
	begin(), mp_uint(&o, UINT64_MAX), is("null");
	begin(), mp_int(&o, INT64_MIN), is("-9223372036854775808");
	begin(), mp_f64(&o, 0.5), is("0.5");
	begin(), mp_f64(&o, (double)NAN), is("null");
	begin(), mp_f64(&o, (double)INFINITY), is("null");
	begin(), mp_bool(&o, true), is("true");
	begin(), mp_nil(&o), is("null");
	begin(), mp_bin(&o, "x", 1), is("null");
	begin(), mp_str(&o, "walk 𐤌"), is("\"walk 𐤌\"");
	begin(), mp_strn(&o, "\xff", 1), is("null");
	begin(), mp_strn(&o, "a\0b", 3), is("\"a\\u0000b\"");
}

static void nested(void) {
	begin();
	mp_map(&o, 3);
	mp_kv_str(&o, "ev", "done");
	mp_str(&o, "facts");
	mp_array(&o, 1);
	mp_array(&o, 2);
	mp_str(&o, "name");
	mp_str(&o, "Ana");
	mp_kv_bool(&o, "repeat", false);
	is("{\"ev\":\"done\",\"facts\":[[\"name\",\"Ana\"]],\"repeat\":false}");
}

static void refused(void) {
	static const uint8_t number_key[] = { 0x81, 1, 1 }, bad_key[] = { 0x81, 0xa1, 0xff, 1 },
			     many[] = { 0xdd, 0xff, 0xff, 0xff, 0xff, 1 },
			     keys[] = { 0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 'a', 1 };
	CHECK(!mp_json(number_key, sizeof(number_key)) && !mp_json(bad_key, sizeof(bad_key)));
	CHECK(!mp_json(many, sizeof(many)) && !mp_json(keys, sizeof(keys)));
	memset(room, 0x91, 200); /* an array in an array in ... */
	room[MP_DEPTH_MAX - 1] = room[MP_DEPTH_MAX] = 1;
	json_t *deepest = mp_json(room, MP_DEPTH_MAX);
	CHECK(deepest);
	json_decref(deepest);
	room[MP_DEPTH_MAX - 1] = 0x91;
	CHECK(!mp_json(room, MP_DEPTH_MAX + 1)); /* here and for mp_skip() alike */
	room[MP_DEPTH_MAX] = 0x91;
	room[200] = 1;
	CHECK(!mp_json(room, 201));
	CHECK(!mp_json(room, 0));
}

int main(void) {
	scalars();
	nested();
	refused();
	puts("mp_json_test: ok");
}

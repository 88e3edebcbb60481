/*
 * msgpack_test.c - does it keep values, in their shortest form; and what can a hostile message do
 * (run under AddressSanitizer)?
 */
#include "base/msgpack.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static uint8_t buffer[4096];

static void keeps_integers_in_their_shortest_form(void) {
	static const struct {
		int64_t v;
		int bytes;
	} cases[] = {
		{ 0, 1 }, { 127, 1 }, { 128, 2 }, { 255, 2 }, { 256, 3 }, { 65535, 3 }, { 65536, 5 },
		{ UINT32_MAX, 5 }, { (int64_t)UINT32_MAX + 1, 9 }, { INT64_MAX, 9 }, { -1, 1 }, { -32, 1 },
		{ -33, 2 }, { -128, 2 }, { -129, 3 }, { -32768, 3 }, { -32769, 5 }, { INT32_MIN, 5 },
		{ (int64_t)INT32_MIN - 1, 9 }, { INT64_MIN, 9 },
	};
	for (size_t k = 0; k < COUNT_OF(cases); k++) {
		struct mp_out o;
		struct mp_in i;
		int64_t back;
		mp_begin(&o, buffer, sizeof(buffer));
		mp_int(&o, cases[k].v);
		CHECK(mp_done(&o) == cases[k].bytes);
		mp_open(&i, buffer, o.length);
		CHECK(mp_get_int(&i, &back) == 0 && back == cases[k].v && i.at == i.end);
	}
}

static void keeps_strings_of_every_length_class(void) {
	static const size_t lengths[] = { 0, 1, 31, 32, 255, 256, 3000 };
	static char text[3000];
	memset(text, 'x', sizeof(text));
	for (size_t k = 0; k < COUNT_OF(lengths); k++) {
		struct mp_out o;
		struct mp_in i;
		const char *s;
		const void *b;
		size_t n;
		mp_begin(&o, buffer, sizeof(buffer));
		mp_strn(&o, text, lengths[k]);
		CHECK(mp_done(&o) > 0);
		mp_open(&i, buffer, o.length);
		CHECK(mp_get_str(&i, &s, &n) == 0 && n == lengths[k] && memcmp(s, text, n) == 0);
		mp_begin(&o, buffer, sizeof(buffer));
		mp_bin(&o, text, lengths[k]);
		mp_open(&i, buffer, o.length);
		CHECK(mp_get_bin(&i, &b, &n) == 0 && n == lengths[k] && i.at == i.end);
	}
}

static size_t message(void) {
	struct mp_out o;
	mp_begin(&o, buffer, sizeof(buffer));
	mp_map(&o, 6);
	mp_kv_str(&o, "op", "say");
	mp_kv_uint(&o, "id", 7);
	mp_kv_int(&o, "by", -7);
	mp_str(&o, "deep");
	mp_array(&o, 2);
	mp_map(&o, 1);
	mp_kv_f64(&o, "x", 0.5);
	mp_nil(&o);
	mp_kv_f64(&o, "trust", 0.25);
	mp_kv_bool(&o, "ok", true);
	CHECK(mp_done(&o) > 0);
	return o.length;
}

static void finds_values_by_key(void) {
	size_t n = message();
	char text[8];
	uint64_t u;
	int64_t s;
	double f;
	bool b;
	CHECK(mp_find_str(buffer, n, "op", text, sizeof(text)) == 0 && strcmp(text, "say") == 0);
	CHECK(mp_find_str(buffer, n, "op", text, 3) == -E2BIG);
	static const uint8_t cut[] = { 0x81, 0xa2, 'o', 'p', 0xa3, 's', 0, 'y' };
	CHECK(mp_find_str(cut, sizeof(cut), "op", text, sizeof(text)) == -EILSEQ);
	CHECK(mp_find_uint(buffer, n, "id", &u) == 0 && u == 7);
	CHECK(mp_find_int(buffer, n, "by", &s) == 0 && s == -7);
	CHECK(mp_find_uint(buffer, n, "by", &u) == -EPROTO);
	CHECK(mp_find_f64(buffer, n, "trust", &f) == 0 && f == 0.25);
	CHECK(mp_find_f64(buffer, n, "id", &f) == 0 && f == 7.0);
	CHECK(mp_find_bool(buffer, n, "ok", &b) == 0 && b);
	CHECK(mp_find_bool(buffer, n, "none", &b) == -ENOENT);
	CHECK(mp_find_uint(buffer, n, "op", &u) == -EPROTO);
	CHECK(mp_find_uint(buffer, 0, "op", &u) == -EPROTO);
}

static void reports_overflow_once_and_for_good(void) {
	struct mp_out o;
	mp_begin(&o, buffer, 4);
	mp_str(&o, "four");
	CHECK(mp_done(&o) == -E2BIG);
	mp_nil(&o);
	CHECK(mp_done(&o) == -E2BIG && o.length <= 4);
}

static void refuses_every_truncation(void) {
	size_t n = message();
	struct mp_in i;
	for (size_t cut = 0; cut < n; cut++) {
		mp_open(&i, buffer, cut);
		CHECK(mp_skip(&i) == -EPROTO);
		CHECK(i.bad);
	}
	mp_open(&i, buffer, n);
	CHECK(mp_skip(&i) == 0 && i.at == i.end);
}

static void refuses_depth_and_lies_about_length(void) {
	struct mp_in i;
	memset(buffer, 0x91, MP_DEPTH_MAX + 4); /* arrays in arrays */
	mp_open(&i, buffer, MP_DEPTH_MAX + 4);
	CHECK(mp_skip(&i) == -EPROTO);
	static const uint8_t lies[][6] = {
		{ 0xdb, 0xff, 0xff, 0xff, 0xff, 'x' }, { 0xdd, 0xff, 0xff, 0xff, 0xff, 0 },
		{ 0xdf, 0xff, 0xff, 0xff, 0xff, 0 }, { 0xc6, 0, 0, 0, 2, 0 }, { 0xc9, 0, 0, 0, 9, 1 },
		{ 0xc1, 0, 0, 0, 0, 0 },
	};
	for (size_t k = 0; k < COUNT_OF(lies); k++) {
		mp_open(&i, lies[k], sizeof(lies[k]));
		CHECK(mp_skip(&i) == -EPROTO);
		CHECK(mp_peek(&i) == MP_BAD);
	}
}

/* Any bytes: calls end, and stay inside (the sanitizer's business). */
static void survives_noise(void) {
	uint64_t seed = 88172645463325252u;
	for (int round = 0; round < 200000; round++) {
		uint8_t noise[24];
		for (size_t k = 0; k < sizeof(noise); k++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			noise[k] = (uint8_t)seed;
		}
		size_t n = noise[0] % sizeof(noise);
		struct mp_in i;
		char out[8];
		mp_open(&i, noise + 1, n);
		int rc = mp_skip(&i);
		CHECK(rc == 0 || rc == -EPROTO);
		rc = mp_find_str(noise + 1, n, "a", out, sizeof(out));
		CHECK(rc == 0 || rc == -EPROTO || rc == -ENOENT || rc == -E2BIG);
	}
}

static void reads_what_others_write(void) {
	static const uint8_t f32[] = { 0xca, 0x3f, 0x80, 0, 0 }, wide[] = { 0xd2, 0, 0, 0, 5 };
	struct mp_in i;
	double f;
	uint64_t u;
	mp_open(&i, f32, sizeof(f32));
	CHECK(mp_get_f64(&i, &f) == 0 && fabs(f - 1.0) < 1e-12);
	mp_open(&i, wide, sizeof(wide)); /* a positive number in a signed form */
	CHECK(mp_get_uint(&i, &u) == 0 && u == 5);
}

int main(void) {
	keeps_integers_in_their_shortest_form();
	keeps_strings_of_every_length_class();
	finds_values_by_key();
	reports_overflow_once_and_for_good();
	refuses_every_truncation();
	refuses_depth_and_lies_about_length();
	survives_noise();
	reads_what_others_write();
	puts("msgpack_test: ok");
}

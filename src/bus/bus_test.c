/*
 * bus_test.c - the wire format byte by byte, and two real buses at once on the loopback interface.
 *
 * SocketCAN runs where there is a vcan0 or can0 (see tools for such a machine); elsewhere its refusal is
 * what is tested.
 */
#include "bus/bus_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/msgpack.h"

static char machine[32]; /* no other test of this computer has the same */

static const struct cdm_frame frames[] = {
	{ .id = 0x1fffffff, .flags = CDM_FRAME_EXTENDED, .length = 8, .data = { 1, 2, 3, 4, 5, 6, 7, 255 } },
	{ .id = 0x7ff, .flags = 0, .length = 0 },
	{ .id = 0, .flags = CDM_FRAME_EXTENDED, .length = 1, .data = { 0x80 } },
	{ .id = 0x123, .flags = CDM_FRAME_REMOTE, .length = 4 },
};

static void writes_what_it_reads(void) {
	uint8_t d[BUS_UDP_DATAGRAM_MAX];
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		struct cdm_frame out;
		size_t n = bus_udp_encode(&frames[i], d);
		CHECK(bus_udp_decode(d, n, &out) == 0);
		CHECK(memcmp(&out, &frames[i], sizeof(out)) == 0);
		for (size_t cut = 0; cut < n; cut++)
			CHECK(bus_udp_decode(d, cut, &out) == -EPROTO);
		d[n] = 0xc0;
		CHECK(bus_udp_decode(d, n + 1, &out) == -EPROTO);
	}
}

/* One datagram with the given numbers; what is not said has python-can's default. */
static size_t craft(uint8_t *d, uint64_t id, uint64_t dlc, size_t data, const char *flag) {
	struct mp_out o;
	mp_begin(&o, d, BUS_UDP_DATAGRAM_MAX);
	mp_map(&o, flag ? 4 : 3);
	mp_kv_uint(&o, "arbitration_id", id);
	mp_kv_uint(&o, "dlc", dlc);
	mp_str(&o, "data");
	mp_bin(&o, "0123456789abcdef", data);
	if (flag)
		mp_kv_bool(&o, flag, true);
	int n = mp_done(&o);
	CHECK(n > 0);
	return (size_t)n;
}

static void refuses_what_is_no_classic_frame(void) {
	static const struct {
		uint64_t id, dlc;
		size_t data;
		const char *flag;
		int expected;
	} rows[] = {
		{ 1, 8, 8, NULL, 0 }, { 1, 9, 9, NULL, -EPROTO }, { 1, 8, 7, NULL, -EPROTO },
		{ 1, 0, 1, NULL, -EPROTO }, { 0x1fffffff, 0, 0, NULL, 0 }, { 0x20000000, 0, 0, NULL, -EPROTO },
		{ UINT64_MAX, 0, 0, NULL, -EPROTO }, { 1, UINT64_MAX, 8, NULL, -EPROTO },
		{ 1, 1, 1, "is_error_frame", -EPROTO }, { 1, 1, 1, "is_fd", -EPROTO },
		{ 1, 1, 1, "is_remote_frame", -EPROTO }, { 1, 1, 0, "is_remote_frame", 0 },
		{ 1, 1, 1, "an_unknown_word", 0 },
	};
	uint8_t d[BUS_UDP_DATAGRAM_MAX];
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cdm_frame f;
		size_t n = craft(d, rows[i].id, rows[i].dlc, rows[i].data, rows[i].flag);
		CHECK(bus_udp_decode(d, n, &f) == rows[i].expected);
	}
}

static void survives_any_change_of_a_datagram(void) {
	uint8_t good[BUS_UDP_DATAGRAM_MAX], d[BUS_UDP_DATAGRAM_MAX];
	size_t n = bus_udp_encode(&frames[0], good);
	for (size_t at = 0; at < n; at++)
		for (unsigned v = 0; v < 256; v++) {
			struct cdm_frame f;
			memcpy(d, good, n);
			d[at] = (uint8_t)v;
			int rc = bus_udp_decode(d, n, &f);
			CHECK(rc == -EPROTO || (rc == 0 && f.length <= 8 && f.id <= 0x1fffffff));
		}
}

static void refuses_addresses_that_are_none(void) {
	static const char *const bad[] = { "", "auto ", "can0", "udp", "udp:", "udp:239.74.163.2",
			"udp:239.74.163.2:", "udp:239.74.163.2:0", "udp:239.74.163.2:65536", "udp:10.0.0.1:4000",
			"udp:239.74.163.2:99x", "udp:239.74.163.256:1000", "udp:[ff15::1]:5", "carrier:pigeon" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct cdm_diag diag = { 0 };
		struct cdm_bus *b;
		CHECK(cdm_bus_open(&b, bad[i], machine, &diag) == -EINVAL);
		CHECK(b == NULL && diag.errors == 1);
		CHECK(cdm_bus_open(&b, bad[i], machine, NULL) == -EINVAL);
	}
	struct cdm_bus *none = NULL;
	cdm_bus_close(&none);
}

static struct cdm_bus *open_bus(const char *address) {
	struct cdm_bus *b;
	struct cdm_diag diag = { 0 };
	int rc = cdm_bus_open(&b, address, machine, &diag);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", address, diag.at[0].text);
	CHECK(rc == 0);
	return b;
}

static struct cdm_frame next_frame(struct cdm_bus *b) {
	struct cdm_frame f;
	int rc;
	while ((rc = cdm_bus_receive(b, &f)) == -EAGAIN) {
		struct pollfd p = { cdm_bus_fd(b), POLLIN, 0 };
		CHECK(poll(&p, 1, 20000) == 1);
	}
	CHECK(rc == 0);
	return f;
}

static void carries_frames_both_ways(const char *address) {
	struct cdm_bus *a = open_bus(address), *b = open_bus(cdm_bus_address(a));
	struct cdm_frame f;
	CHECK(strcmp(cdm_bus_address(a), cdm_bus_address(b)) == 0);
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		CHECK(cdm_bus_send(a, &frames[i]) == 0);
		CHECK(cdm_bus_send(b, &frames[i]) == 0);
	}
	for (size_t i = 0; i < COUNT_OF(frames); i++) {
		struct cdm_frame at_a = next_frame(a), at_b = next_frame(b);
		CHECK(memcmp(&at_a, &frames[i], sizeof(f)) == 0);
		CHECK(memcmp(&at_b, &frames[i], sizeof(f)) == 0);
	}
	CHECK(cdm_bus_receive(a, &f) == -EAGAIN); /* nothing of its own */
	CHECK(cdm_bus_counts(a).sent == COUNT_OF(frames) && cdm_bus_counts(a).received == COUNT_OF(frames));

	f = (struct cdm_frame){ .length = 9 };
	CHECK(cdm_bus_send(a, &f) == -EINVAL);
	f = (struct cdm_frame){ .id = 0x800 };
	CHECK(cdm_bus_send(a, &f) == -EINVAL);
	f = (struct cdm_frame){ .id = 1u << 29, .flags = CDM_FRAME_EXTENDED };
	CHECK(cdm_bus_send(a, &f) == -EINVAL);
	f = (struct cdm_frame){ .flags = 4 };
	CHECK(cdm_bus_send(a, &f) == -EINVAL);
	CHECK(cdm_bus_counts(a).refused == 0);
	cdm_bus_close(&a);
	cdm_bus_close(&b);
	CHECK(a == NULL && b == NULL);
}

/* Garbage on the group's port is counted and dropped, and the frame behind it still arrives. */
static void drops_garbage(void) {
	struct cdm_bus *a = open_bus("udp:auto"), *b = open_bus("udp:auto");
	uint8_t junk[2000];
	memset(junk, 0xc1, sizeof(junk));
	for (size_t n = 0; n < 300; n++)
		CHECK(send(a->tx, junk, n < 299 ? n : sizeof(junk), 0) >= 0);
	CHECK(cdm_bus_send(a, &frames[0]) == 0);
	struct cdm_frame f = next_frame(b);
	CHECK(f.id == frames[0].id);
	CHECK(cdm_bus_counts(b).malformed == 300 && cdm_bus_counts(b).received == 1);
	CHECK(cdm_bus_receive(a, &f) == -EAGAIN); /* 64 of our own dropped, the rest still there */
	while (cdm_bus_counts(a).own < 301)
		CHECK(cdm_bus_receive(a, &f) == -EAGAIN);
	CHECK(cdm_bus_counts(a).malformed == 0);
	cdm_bus_close(&a);
	cdm_bus_close(&b);
}

static void keeps_two_machines_apart(void) {
	struct cdm_bus *a, *b, *c;
	CHECK(cdm_bus_open(&a, "udp:auto", "one", NULL) == 0);
	CHECK(cdm_bus_open(&b, "udp:auto", "two", NULL) == 0);
	CHECK(strcmp(cdm_bus_address(a), cdm_bus_address(b)) != 0);
	CHECK(setenv("CADMUS_RUN_DIR", "/somewhere/else", 1) == 0);
	CHECK(cdm_bus_open(&c, "udp:auto", "one", NULL) == 0);
	CHECK(unsetenv("CADMUS_RUN_DIR") == 0);
	CHECK(strcmp(cdm_bus_address(a), cdm_bus_address(c)) != 0);
	cdm_bus_close(&a);
	cdm_bus_close(&b);
	cdm_bus_close(&c);
}

static void runs_or_refuses_socketcan(void) {
	static const char *const interfaces[] = { "can0", "vcan0" };
	struct cdm_diag diag = { 0 };
	struct cdm_bus *b;
	int rc = cdm_bus_open(&b, "socketcan:no-such-one", machine, &diag);
	CHECK(rc == -ENOTSUP || rc == -ENODEV || rc == -EPERM);
	CHECK(b == NULL && diag.errors == 1);
	bool found = false;
	for (size_t i = 0; i < COUNT_OF(interfaces); i++)
		if (bus_socketcan_has(interfaces[i])) {
			char address[32];
			snprintf(address, sizeof(address), "socketcan:%s", interfaces[i]);
			carries_frames_both_ways(address);
			found = true;
		}
	printf("bus_test: socketcan %s\n", found ? "run" : diag.at[0].text);
	b = open_bus("auto");
	CHECK(strncmp(cdm_bus_address(b), found ? "socketcan:" : "udp:", 4) == 0);
	cdm_bus_close(&b);
}

int main(void) {
	snprintf(machine, sizeof(machine), "bus_test.%d", (int)getpid());
	writes_what_it_reads();
	refuses_what_is_no_classic_frame();
	survives_any_change_of_a_datagram();
	refuses_addresses_that_are_none();
	carries_frames_both_ways("udp:auto");
	drops_garbage();
	keeps_two_machines_apart();
	runs_or_refuses_socketcan();
	puts("bus_test: ok");
}

/*
 * bus_udp.c - a bus without CAN hardware: UDP multicast that never leaves this machine.
 *
 * A datagram is one MessagePack map with the keys of python-can's message.  Two sockets: one that
 * hears the group, one that speaks to it from a port of its own, by which we know, and drop, our
 * own words.  Both are tied to the loopback interface by socket options, with a time to live of
 * 0; what came in from anywhere else is dropped.
 */
#include "bus/bus_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/hash.h"
#include "base/msgpack.h"

#define DEFAULT_GROUP "239.74.163.2" /* python-can's */

/* Ports for "auto": below the range from which kernels pick ports for clients. */
enum { AUTO_PORT_FIRST = 20000, AUTO_PORTS = 10000, RECEIVE_BUFFER = 1 << 20 };

size_t bus_udp_encode(const struct cdm_frame *f, uint8_t out[BUS_UDP_DATAGRAM_MAX]) {
	struct mp_out o;
	bool remote = f->flags & CDM_FRAME_REMOTE;
	mp_begin(&o, out, BUS_UDP_DATAGRAM_MAX);
	mp_map(&o, 11);
	mp_kv_f64(&o, "timestamp", 0.0); /* receivers put the time of arrival in its place */
	mp_kv_uint(&o, "arbitration_id", f->id);
	mp_kv_bool(&o, "is_extended_id", f->flags & CDM_FRAME_EXTENDED);
	mp_kv_bool(&o, "is_remote_frame", remote);
	mp_kv_bool(&o, "is_error_frame", false);
	mp_str(&o, "channel");
	mp_nil(&o);
	mp_kv_uint(&o, "dlc", f->length);
	mp_str(&o, "data");
	mp_bin(&o, f->data, remote ? 0 : f->length);
	mp_kv_bool(&o, "is_fd", false);
	mp_kv_bool(&o, "bitrate_switch", false);
	mp_kv_bool(&o, "error_state_indicator", false);
	int n = mp_done(&o);
	CHECK(n > 0);
	return (size_t)n;
}

/* A datagram as far as it has been read; python-can's defaults. */
struct parsed {
	uint64_t id, length;
	const void *data;
	size_t data_bytes;
	bool extended, remote, error, fd, has_id;
};

static bool is_key(const char *key, size_t bytes, const char *name) {
	return bytes == strlen(name) && memcmp(key, name, bytes) == 0;
}

static int parse_value(struct mp_in *in, const char *key, size_t n, struct parsed *p) {
	if (is_key(key, n, "arbitration_id")) {
		p->has_id = true;
		return mp_get_uint(in, &p->id);
	}
	if (is_key(key, n, "dlc"))
		return mp_get_uint(in, &p->length);
	if (is_key(key, n, "data"))
		return mp_get_bin(in, &p->data, &p->data_bytes);
	if (is_key(key, n, "is_extended_id"))
		return mp_get_bool(in, &p->extended);
	if (is_key(key, n, "is_remote_frame"))
		return mp_get_bool(in, &p->remote);
	if (is_key(key, n, "is_error_frame"))
		return mp_get_bool(in, &p->error);
	if (is_key(key, n, "is_fd"))
		return mp_get_bool(in, &p->fd);
	return mp_skip(in);
}

static int parse(const void *datagram, size_t bytes, struct parsed *p) {
	struct mp_in in;
	uint32_t pairs;
	mp_open(&in, datagram, bytes);
	if (mp_get_map(&in, &pairs) < 0)
		return -EPROTO;
	for (uint32_t i = 0; i < pairs; i++) {
		const char *key;
		size_t n;
		if (mp_get_str(&in, &key, &n) < 0 || parse_value(&in, key, n, p) < 0)
			return -EPROTO;
	}
	return in.at == in.end && p->has_id ? 0 : -EPROTO;
}

int bus_udp_decode(const void *datagram, size_t bytes, struct cdm_frame *f) {
	struct parsed p = { .extended = true };
	if (parse(datagram, bytes, &p) < 0 || p.error || p.fd || p.length > 8 ||
			p.id > (p.extended ? 0x1fffffffu : 0x7ffu))
		return -EPROTO;
	if (p.data_bytes != (p.remote ? 0 : p.length))
		return -EPROTO;
	memset(f, 0, sizeof(*f));
	f->id = (uint32_t)p.id;
	f->flags = (uint8_t)((p.extended ? CDM_FRAME_EXTENDED : 0) | (p.remote ? CDM_FRAME_REMOTE : 0));
	f->length = (uint8_t)p.length;
	if (p.data_bytes)
		memcpy(f->data, p.data, p.data_bytes);
	return 0;
}

/* The same for all processes of one running machine, different for others on this computer. */
static uint16_t auto_port(const char *machine) {
	const char *run = getenv("CADMUS_RUN_DIR");
	struct hash h = hash_pair(machine, strlen(machine), run ? run : "", run ? strlen(run) : 0);
	unsigned n = (unsigned)h.bytes[0] | (unsigned)h.bytes[1] << 8 | (unsigned)h.bytes[2] << 16;
	return (uint16_t)(AUTO_PORT_FIRST + n % AUTO_PORTS);
}

static int parse_place(struct cdm_bus *b, const char *place, const char *machine) {
	char group[INET_ADDRSTRLEN], rest;
	unsigned port;
	b->group.sin_family = AF_INET;
	if (strcmp(place, "auto") == 0) {
		snprintf(group, sizeof(group), DEFAULT_GROUP);
		port = auto_port(machine);
	} else if (sscanf(place, "%15[0-9.]:%5u%c", group, &port, &rest) != 2) {
		return -EINVAL;
	}
	if (port == 0 || port > 65535 || inet_pton(AF_INET, group, &b->group.sin_addr) != 1 ||
			!IN_MULTICAST(ntohl(b->group.sin_addr.s_addr)))
		return -EINVAL;
	b->group.sin_port = htons((uint16_t)port);
	snprintf(b->address, sizeof(b->address), "udp:%s:%u", group, port);
	return 0;
}

static int set(int fd, int level, int option, int value) {
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int open_receiver(struct cdm_bus *b) {
	struct ip_mreqn m = { .imr_multiaddr = b->group.sin_addr,
			.imr_address.s_addr = htonl(INADDR_LOOPBACK) };
	b->rx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->rx < 0 || set(b->rx, SOL_SOCKET, SO_REUSEADDR, 1) < 0 ||
			bind(b->rx, (struct sockaddr *)&b->group, sizeof(b->group)) < 0 ||
			set(b->rx, IPPROTO_IP, IP_MULTICAST_ALL, 0) < 0 ||
			setsockopt(b->rx, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) < 0)
		return -errno;
	(void)set(b->rx, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER); /* as much of it as is allowed */
	return 0;
}

static int open_sender(struct cdm_bus *b) {
	struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(b->self);
	b->self = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = loopback };
	b->tx = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->tx < 0 || setsockopt(b->tx, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)) < 0 ||
			set(b->tx, IPPROTO_IP, IP_MULTICAST_TTL, 0) < 0 ||
			set(b->tx, IPPROTO_IP, IP_MULTICAST_LOOP, 1) < 0 ||
			bind(b->tx, (struct sockaddr *)&b->self, sizeof(b->self)) < 0 ||
			getsockname(b->tx, (struct sockaddr *)&b->self, &n) < 0 ||
			connect(b->tx, (struct sockaddr *)&b->group, sizeof(b->group)) < 0)
		return -errno;
	return 0;
}

static int udp_open(struct cdm_bus *b, const char *place, const char *machine, struct cdm_diag *diag) {
	if (parse_place(b, place, machine) < 0) {
		cdm_diag_add(diag, CDM_ERROR, "A0106", "'udp:%s' is not a multicast group and a port, "
				"like udp:239.74.163.2:43113", place);
		return -EINVAL;
	}
	int rc = open_receiver(b);
	if (rc == 0)
		rc = open_sender(b);
	if (rc == 0)
		return 0;
	cdm_diag_add(diag, CDM_ERROR, "A0107", "%s: %s", b->address, strerror(-rc));
	return rc == -EPERM || rc == -EACCES ? -EPERM : rc == -EADDRINUSE ? -EBUSY : -EIO;
}

static int udp_send(struct cdm_bus *b, const struct cdm_frame *f) {
	uint8_t datagram[BUS_UDP_DATAGRAM_MAX];
	size_t bytes = bus_udp_encode(f, datagram);
	ssize_t n = send(b->tx, datagram, bytes, MSG_NOSIGNAL);
	if (n >= 0)
		return n == (ssize_t)bytes ? 0 : -EIO;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -EAGAIN : -EIO;
}

static bool is_own(const struct cdm_bus *b, const struct sockaddr_in *from) {
	return from->sin_port == b->self.sin_port && from->sin_addr.s_addr == b->self.sin_addr.s_addr;
}

static bool is_local(const struct sockaddr_in *from) {
	return ntohl(from->sin_addr.s_addr) >> 24 == 127;
}

static int udp_receive(struct cdm_bus *b, struct cdm_frame *f) {
	uint8_t datagram[BUS_UDP_DATAGRAM_MAX];
	struct sockaddr_in from = { 0 };
	socklen_t n = sizeof(from);
	ssize_t bytes = recvfrom(b->rx, datagram, sizeof(datagram), MSG_TRUNC, (struct sockaddr *)&from, &n);
	if (bytes < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EIO;
	if (is_own(b, &from)) {
		b->counts.own++;
		return 0;
	}
	if (bytes > (ssize_t)sizeof(datagram) || !is_local(&from) ||
			bus_udp_decode(datagram, (size_t)bytes, f) < 0) {
		b->counts.malformed++;
		return 0;
	}
	return 1;
}

const struct bus_ops bus_udp = { "udp", udp_open, udp_send, udp_receive };

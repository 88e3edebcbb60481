/* bus_priv.h - what a kind of bus offers to bus.c, and the wire format of one of them to its tests. */
#ifndef BUS_BUS_PRIV_H
#define BUS_BUS_PRIV_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/check.h"
#include "cadmus/bus.h"

struct cdm_bus;

/* One kind of bus.  `place` is the address after its colon. */
struct bus_ops {
	const char *name;
	/* Fill fds and address; on failure what was opened is closed by close(). */
	int (*open)(struct cdm_bus *b, const char *place, const char *machine, struct cdm_diag *diag);
	int (*send)(struct cdm_bus *b, const struct cdm_frame *f);
	/* One message off the carrier: 1 a frame, 0 dropped and counted, -EAGAIN none, -EIO. */
	int (*receive)(struct cdm_bus *b, struct cdm_frame *f);
};

struct cdm_bus {
	const struct bus_ops *ops;
	int rx, tx; /* the same one where a carrier needs only one */
	struct sockaddr_in group, self;
	struct cdm_bus_counts counts;
	char address[CDM_BUS_ADDRESS_MAX];
};

extern const struct bus_ops bus_socketcan, bus_udp;

/* Does this kernel have that CAN interface? */
bool bus_socketcan_has(const char *interface);

#define BUS_UDP_DATAGRAM_MAX 512
/* One frame as python-can writes it; bytes. */
size_t bus_udp_encode(const struct cdm_frame *f, uint8_t out[BUS_UDP_DATAGRAM_MAX]);
/* -EPROTO: not a classic CAN frame in that format. */
MUST_CHECK int bus_udp_decode(const void *datagram, size_t bytes, struct cdm_frame *f);

#endif

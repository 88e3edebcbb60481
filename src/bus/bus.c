/* bus.c - addresses, and what all kinds of bus have in common. */
#include "bus/bus_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/io.h"

/* A flood must not keep a caller here: after so many dropped messages it looks at its clock again. */
enum { DROPS_PER_CALL = 64 };

static const struct bus_ops *const kinds[] = { &bus_socketcan, &bus_udp };

static const char *resolve_auto(const char *address) {
	if (strcmp(address, "auto") != 0)
		return address;
	if (bus_socketcan_has("can0"))
		return "socketcan:can0";
	if (bus_socketcan_has("vcan0"))
		return "socketcan:vcan0";
	return "udp:auto";
}

static const struct bus_ops *find_kind(const char *address, const char **place) {
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		size_t n = strlen(kinds[i]->name);
		if (strncmp(address, kinds[i]->name, n) == 0 && address[n] == ':') {
			*place = address + n + 1;
			return kinds[i];
		}
	}
	return NULL;
}

static int refuse_address(struct cdm_diag *diag, const char *address) {
	struct cdm_message *m = cdm_diag_add(diag, CDM_ERROR, "A0101", "'%s' is not the address of a bus",
			address);
	if (m)
		snprintf(m->hint, sizeof(m->hint),
				"one of: auto, socketcan:can0, udp:auto, udp:239.74.163.2:43113");
	return -EINVAL;
}

int cdm_bus_open(struct cdm_bus **bus, const char *address, const char *machine, struct cdm_diag *diag) {
	const char *place;
	*bus = NULL;
	const struct bus_ops *ops = find_kind(resolve_auto(address), &place);
	if (!ops)
		return refuse_address(diag, address);
	struct cdm_bus *b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->ops = ops;
	b->rx = b->tx = -1;
	int rc = ops->open(b, place, machine, diag);
	if (rc < 0)
		cdm_bus_close(&b);
	*bus = b;
	return rc;
}

void cdm_bus_close(struct cdm_bus **bus) {
	struct cdm_bus *b = *bus;
	if (!b)
		return;
	if (b->tx == b->rx)
		b->tx = -1;
	io_close(&b->rx);
	io_close(&b->tx);
	free(b);
	*bus = NULL;
}

int cdm_bus_fd(const struct cdm_bus *bus) {
	return bus->rx;
}

const char *cdm_bus_address(const struct cdm_bus *bus) {
	return bus->address;
}

static bool is_frame(const struct cdm_frame *f) {
	uint32_t id_max = f->flags & CDM_FRAME_EXTENDED ? 0x1fffffffu : 0x7ffu;
	return f->length <= 8 && f->id <= id_max &&
			!(f->flags & ~(CDM_FRAME_EXTENDED | CDM_FRAME_REMOTE));
}

int cdm_bus_send(struct cdm_bus *bus, const struct cdm_frame *frame) {
	if (!is_frame(frame))
		return -EINVAL;
	int rc = bus->ops->send(bus, frame);
	if (rc == 0)
		bus->counts.sent++;
	else
		bus->counts.refused++;
	return rc;
}

int cdm_bus_receive(struct cdm_bus *bus, struct cdm_frame *frame) {
	for (int i = 0; i < DROPS_PER_CALL; i++) {
		int rc = bus->ops->receive(bus, frame);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		bus->counts.received++;
		return 0;
	}
	return -EAGAIN;
}

struct cdm_bus_counts cdm_bus_counts(const struct cdm_bus *bus) {
	return bus->counts;
}

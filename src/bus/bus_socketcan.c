/*
 * bus_socketcan.c - a CAN interface of the kernel, through a raw socket.
 *
 * The kernel does not echo a socket's own frames to it, and filters error frames, unless asked.
 */
#include "bus/bus_priv.h"

#include <errno.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int raw_socket(void) {
	return socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
}

bool bus_socketcan_has(const char *interface) {
	int fd = raw_socket();
	if (fd < 0)
		return false;
	close(fd);
	return if_nametoindex(interface) != 0;
}

static int explain(int error, const char *place, struct cdm_diag *diag) {
	switch (error) {
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		cdm_diag_add(diag, CDM_ERROR, "A0102", "this kernel has no CAN, so '%s' cannot be used; "
				"'udp:auto' works everywhere", place);
		return -ENOTSUP;
	case ENODEV:
		cdm_diag_add(diag, CDM_ERROR, "A0103", "there is no CAN interface '%s'", place);
		return -ENODEV;
	case EPERM:
	case EACCES:
		cdm_diag_add(diag, CDM_ERROR, "A0104", "no right to open the CAN interface '%s'", place);
		return -EPERM;
	default:
		cdm_diag_add(diag, CDM_ERROR, "A0105", "CAN interface '%s': %s", place, strerror(error));
		return -EIO;
	}
}

static int socketcan_open(struct cdm_bus *b, const char *place, const char *machine,
		struct cdm_diag *diag) {
	(void)machine;
	b->rx = b->tx = raw_socket();
	if (b->rx < 0)
		return explain(errno, place, diag);
	unsigned index = strlen(place) < IF_NAMESIZE ? if_nametoindex(place) : 0;
	if (index == 0)
		return explain(ENODEV, place, diag);
	struct sockaddr_can a = { .can_family = AF_CAN, .can_ifindex = (int)index };
	if (bind(b->rx, (struct sockaddr *)&a, sizeof(a)) < 0)
		return explain(errno, place, diag);
	snprintf(b->address, sizeof(b->address), "socketcan:%s", place);
	return 0;
}

static int socketcan_send(struct cdm_bus *b, const struct cdm_frame *f) {
	struct can_frame k = { .can_id = f->id, .can_dlc = f->length };
	if (f->flags & CDM_FRAME_EXTENDED)
		k.can_id |= CAN_EFF_FLAG;
	if (f->flags & CDM_FRAME_REMOTE)
		k.can_id |= CAN_RTR_FLAG;
	memcpy(k.data, f->data, sizeof(k.data));
	if (write(b->tx, &k, sizeof(k)) == sizeof(k))
		return 0;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -EAGAIN : -EIO;
}

static int socketcan_receive(struct cdm_bus *b, struct cdm_frame *f) {
	struct can_frame k;
	ssize_t n = read(b->rx, &k, sizeof(k));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EIO;
	if (n != (ssize_t)sizeof(k) || k.can_id & CAN_ERR_FLAG || k.can_dlc > CAN_MAX_DLEN) {
		b->counts.malformed++;
		return 0;
	}
	memset(f, 0, sizeof(*f));
	bool extended = k.can_id & CAN_EFF_FLAG;
	f->id = k.can_id & (extended ? CAN_EFF_MASK : CAN_SFF_MASK);
	f->flags = (uint8_t)((extended ? CDM_FRAME_EXTENDED : 0) |
			(k.can_id & CAN_RTR_FLAG ? CDM_FRAME_REMOTE : 0));
	f->length = k.can_dlc;
	if (!(f->flags & CDM_FRAME_REMOTE))
		memcpy(f->data, k.data, f->length);
	return 1;
}

const struct bus_ops bus_socketcan = { "socketcan", socketcan_open, socketcan_send, socketcan_receive };

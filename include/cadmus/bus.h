/*
 * bus.h - frames on a CAN bus, or on what stands in for one.
 *
 * Two kinds of bus carry the same frames.  A *SocketCAN* interface is a real bus (or the kernel's
 * vcan).  Where the kernel has none, *UDP multicast* inside this machine takes its place, in the
 * wire format of python-can's `udp_multicast` interface, so that its tools can listen and speak.
 * It is bound to the loopback interface by socket options alone: nothing of the host's network
 * changes, and no frame leaves the machine.
 *
 * An address is one line of text:
 *
 *      socketcan:can0               that interface
 *      udp:239.74.163.2:43113       that multicast group and port
 *      udp:auto                     group 239.74.163.2, a port computed from the machine's name (and from
 *                                   CADMUS_RUN_DIR where that is set), so that two machines do not mix
 *      auto                         socketcan:can0 or socketcan:vcan0 where there is one, else udp:auto
 *
 * A bus never delivers to a handle what that handle sent.  Frames may be lost; none is torn.
 * Only opening allocates memory.  What is said of threads has the meaning that it has in client.h.
 */
#ifndef CADMUS_BUS_H
#define CADMUS_BUS_H

#include <stdint.h>
#include "cadmus/diag.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CDM_BUS_ADDRESS_MAX 64 /**< bytes of an address, its terminating zero included */
#define CDM_FRAME_EXTENDED 1u /**< a 29-bit id; else 11 bits */
#define CDM_FRAME_REMOTE 2u   /**< a request: it has a length, but no data */

/** A classic CAN frame. */
struct cdm_frame {
	uint32_t id;    /**< 11 bits, or 29 */
	uint8_t flags;  /**< set of CDM_FRAME_* */
	uint8_t length; /**< 0..8 */
	uint8_t reserved[2]; /**< 0 */
	uint8_t data[8];     /**< `length` of them count */
};

/** What a handle has seen of its bus, in frames. */
struct cdm_bus_counts {
	uint64_t sent;          /**< given to the bus */
	uint64_t refused;       /**< not sent: the bus was full or down */
	uint64_t received;      /**< given to the caller */
	uint64_t own;           /**< our own frames, echoed by the carrier and dropped */
	uint64_t malformed;     /**< not a classic CAN frame, or not from this machine: dropped */
};

/** A handle of a bus. */
struct cdm_bus;

/**
 * Open a bus.
 *
 * @param bus      the handle, yours until cdm_bus_close(); NULL after a failure
 * @param address  as above
 * @param machine  name of the machine, for "auto"
 * @param diag     gets what a person must understand; may be NULL
 * @return 0; -EINVAL: no such address; -ENOTSUP: this kernel has no CAN; -ENODEV: no such interface; -EBUSY: another
 *         program has the port for itself; -EPERM, -EIO, -ENOMEM
 * @threads any
 */
int cdm_bus_open(struct cdm_bus **bus, const char *address, const char *machine,
		struct cdm_diag *diag) __attribute__((warn_unused_result));

/**
 * Close it.
 *
 * @param bus  where the handle is, NULL afterwards; a NULL there is allowed
 * @threads one at a time, and no other function with the handle meanwhile or later
 */
void cdm_bus_close(struct cdm_bus **bus);

/**
 * Its descriptor, for poll() and the like: readable when a frame waits.
 *
 * @param bus  the handle
 * @return the descriptor, the handle's until cdm_bus_close()
 * @threads any
 */
int cdm_bus_fd(const struct cdm_bus *bus);

/**
 * What "auto" became.
 *
 * @param bus  the handle
 * @return an address that opens the same bus again, valid until cdm_bus_close()
 * @threads any
 */
const char *cdm_bus_address(const struct cdm_bus *bus);

/**
 * Send a frame.  Never waits.
 *
 * @param bus    the handle
 * @param frame  the frame
 * @return 0; -EAGAIN: the bus is full right now; -EIO: it is down; -EINVAL: not a frame
 * @threads one at a time
 */
int cdm_bus_send(struct cdm_bus *bus, const struct cdm_frame *frame) __attribute__((warn_unused_result));

/**
 * Receive a frame.  Never waits.
 *
 * @param bus    the handle
 * @param frame  gets it
 * @return 0; -EAGAIN: none now (the descriptor stays readable if more came than one call looks at); -EIO: the bus is
 *         down
 * @threads one at a time
 */
int cdm_bus_receive(struct cdm_bus *bus, struct cdm_frame *frame) __attribute__((warn_unused_result));

/**
 * What it has seen so far.
 *
 * @param bus  the handle
 * @return the counts, in frames
 * @threads one at a time
 */
struct cdm_bus_counts cdm_bus_counts(const struct cdm_bus *bus);

#ifdef __cplusplus
}
#endif

#endif

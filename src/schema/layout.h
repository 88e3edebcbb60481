/*
 * layout.h - what stands where in a segment, as arithmetic: the compiler plans with it, the store builds by it.
 *
 * A segment is one sealed memory file that one process writes and all others map read-only:
 *
 *      0                 LAYOUT_HEAD_BYTES   desk_offset       event_offset      field offsets ...
 *      | head, counters  | (free to 4 KiB)   | desk            | event ring      | field | field | ...
 *
 * All offsets are multiples of LAYOUT_ALIGN.  A field is a header, its slot headers, and its
 * payloads; payloads above LAYOUT_LARGE start on a page of their own and are page-aligned each, so
 * that device and dma-buf memory can take their place without a new layout.
 */
#ifndef SCHEMA_LAYOUT_H
#define SCHEMA_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#define LAYOUT_ALIGN 128u /* two cache lines: the adjacent-line prefetcher joins neighbours */
#define LAYOUT_PAGE 4096u
#define LAYOUT_HEAD_BYTES 4096u
#define LAYOUT_LARGE 4096u   /* payloads above this are page-aligned */
#define LAYOUT_EVENTS 1024u  /* records in an event ring, a power of two */

/* Bytes of a field with `slots` slots of `payload` bytes each; 0 if no such field can be (overflow, 0 slots). */
size_t layout_field_bytes(uint32_t slots, uint32_t payload);
/* Bytes of a desk with room for `lease_quota` leases. */
size_t layout_desk_bytes(uint32_t lease_quota);
/* Bytes of an event ring of LAYOUT_EVENTS records. */
size_t layout_events_bytes(void);
size_t layout_round(size_t bytes, size_t to);

#endif

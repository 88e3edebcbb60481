/*
 * layout.h - what stands where in a segment, as arithmetic: the compiler plans with it, the store builds by it.
 *
 * A segment is one sealed memory file that one process writes and all others map read-only:
 *
 *      0                 LAYOUT_HEAD_BYTES   desk_offset   tally_offset   event_offset   field offsets ...
 *      | head, counters  | (free to 4 KiB)   | desk        | tallies      | event ring   | field | field | ...
 *
 * All offsets are multiples of LAYOUT_ALIGN.  A field is a header, its slot headers, and its
 * payloads; payloads above LAYOUT_LARGE start on a page of their own and are page-aligned each, so
 * that device and dma-buf memory can take their place without a new layout.  Payloads of at most
 * LAYOUT_INLINE bytes stand inside their slot header, behind its words: such a sample is two neighbouring
 * lines, and one if it has no more than 24 bytes.
 *
 * The structs below are the shared bytes themselves: fixed widths, little-endian, no pointers.  A
 * change of any of them is a change of LAYOUT_ABI.  What is reserved is zero.  Who may store to
 * which word is said beside it; everybody else only loads, and trusts nothing that he loads.
 */
#ifndef SCHEMA_LAYOUT_H
#define SCHEMA_LAYOUT_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_ABI 3u
#define LAYOUT_ALIGN 128u /* two cache lines: the adjacent-line prefetcher joins neighbours */
#define LAYOUT_PAGE 4096u
#define LAYOUT_HEAD_BYTES 4096u
#define LAYOUT_LARGE 4096u   /* payloads above this are page-aligned */
#define LAYOUT_LINE 64u
#define LAYOUT_INLINE 88u    /* payloads up to this stand in their slot header */
#define LAYOUT_EVENTS 1024u  /* records in an event ring, a power of two */
#define LAYOUT_COUNTERS 64u  /* room for store/counter.def */
#define LAYOUT_WAITS 512u    /* wait words of a desk, a power of two */
#define LAYOUT_SLOTS_MIN 3u
#define LAYOUT_SLOTS_MAX (1u << 24)

#define LAYOUT_SEGMENT_MAGIC 0x316765736d6463ull   /* "cdmseg1" */
#define LAYOUT_DIRECTORY_MAGIC 0x317269646d6463ull /* "cdmdir1" */

#define LAYOUT_ERRORS 24u
#define LAYOUT_ERROR_TEXT 96u

/* A sort of error, and how often it came.  Any thread of the owner stores. */
struct layout_error {
	uint64_t kind;     /* hash of what makes it that one; 0: free */
	uint64_t count;
	uint64_t first_ns; /* CLOCK_MONOTONIC; 0: the text is not there yet */
	uint64_t last_ns;
	uint64_t text[LAYOUT_ERROR_TEXT / 8]; /* of the first, as words; zero terminated */
};

/* The first page of a segment.  What stands before the counters is written once, before anyone else maps it. */
struct layout_head {
	uint64_t magic;
	uint32_t abi;
	uint32_t process;
	uint32_t epoch;
	int32_t pid;
	uint64_t segment_bytes;
	uint8_t plan[32];      /* hash of the plan */
	int64_t formatted_ns;  /* CLOCK_MONOTONIC */
	alignas(LAYOUT_ALIGN) uint64_t counters[LAYOUT_COUNTERS]; /* any thread of the owner adds */
	/* desks[p]: epoch of process p whose desk the owner respects from now on; until it is his own
	   epoch, p may neither lease nor sleep without a limit here.  The owner's control thread stores. */
	alignas(LAYOUT_ALIGN) uint32_t desks[64];
	alignas(LAYOUT_ALIGN) uint8_t reserved[LAYOUT_ALIGN];
	struct layout_error errors[LAYOUT_ERRORS];
};

/*
 * What a process needs of the writers it reads: please do not overwrite this (leases), please wake
 * me (waits).  Stored by its owner only, scanned by the writers.
 *
 * A lease word is 0, or (from the low end) field + 1: 16 bits, epoch of the writer: 16, slot: 24, version: 8.
 * It may stand before its sample does.  waits[field % LAYOUT_WAITS] counts the owner's threads that wait for such
 * a field.
 */
struct layout_desk {
	uint32_t lease_quota;
	uint32_t reserved;
	alignas(LAYOUT_ALIGN) uint32_t waits[LAYOUT_WAITS];
	alignas(LAYOUT_ALIGN) uint64_t leases[];
};

/*
 * What one handle of the owner has done, in this life of his; the thread that uses it stores.  A handle that is closed
 * leaves its tally to the next one that does the same.
 */
struct layout_tally {
	uint64_t what;    /* 0: nobody's yet; bits 0..15 a field (of LISTENS a process), 16..31 enum layout_doing,
	                     32 a handle has it now, 48..63 of the writer's epoch that `cursor` is of */
	uint64_t taken;   /* samples read by copy, samples published, events read */
	uint64_t leased;  /* samples borrowed */
	uint64_t missed;  /* that went by unread */
	uint64_t laps;    /* times that some were missed */
	uint64_t retries; /* copies begun again because the writer was faster */
	uint64_t waits;   /* times asleep for it */
	uint64_t cursor;  /* version, or number, of the last one taken or published by the present handle; 0: none */
};

enum layout_doing { LAYOUT_READS = 1, LAYOUT_WRITES, LAYOUT_LISTENS };

/* A field.  All stored by the writer only; what stands before `head`, once. */
struct layout_field {
	uint64_t layout; /* plan_field.layout */
	uint32_t index;  /* of the field in the plan */
	uint32_t slots;
	uint32_t bytes;
	uint32_t reserved;
	/* bits 0..31: of the version of the newest complete sample, the word that waiters sleep on;
	   32..63: its slot, whose stamp has the whole version.  0 and no such stamp: none yet. */
	alignas(LAYOUT_ALIGN) uint64_t head;
	alignas(LAYOUT_ALIGN) uint64_t drops; /* samples not published: all slots were leased */
	uint64_t wakes;                       /* system calls made to wake somebody */
	uint64_t degraded;                    /* samples published DEGRADED: a declared condition did not hold */
};

/*
 * A slot.  stamp is version << 1 when the slot holds that sample; odd while it is written, or claimed for
 * the next one.  The words between stamp and payload, and those of the payload, are stored and loaded whole.
 */
struct layout_slot {
	uint64_t stamp;
	uint64_t source_ns;
	uint64_t publish_ns;
	uint64_t origin;  /* bits 0..31 trust as float, 32..47 entity, 48..63 enum cdm_status */
	uint64_t extent;  /* bits 0..31 valid bytes, 32..63 memory kind: 0 is the payload area */
	uint64_t payload[LAYOUT_INLINE / 8]; /* when it fits; of other memory kinds: buffer, offset, fence */
};

/* An event ring: record n (1, 2, 3 ...) stands in at[n % LAYOUT_EVENTS]. */
struct layout_event {
	uint64_t stamp; /* as in a slot, of the record's number */
	uint64_t words[7];
};

struct layout_events {
	uint64_t head;  /* number of the newest complete record */
	uint64_t drops; /* records not written */
	alignas(LAYOUT_ALIGN) struct layout_event at[LAYOUT_EVENTS];
};

/* The directory: a memory file of its own that the parent alone writes.  One entry a process. */
struct layout_entry {
	uint64_t life;     /* bits 0..31 enum directory_state, 32..63 epoch: one store tells both */
	uint64_t pid;
	uint64_t restarts;
	uint64_t started_ns, died_ns; /* CLOCK_MONOTONIC; 0: never */
	uint64_t reserved[3];
};

struct layout_directory {
	uint64_t magic;
	uint32_t abi;
	uint32_t entries;
	uint8_t plan[32];
	uint32_t changes;  /* grows with each change of a life below: the word that all sleepers watch */
	uint32_t reserved;
	alignas(LAYOUT_ALIGN) struct layout_entry at[64];
};

#ifndef __cplusplus
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the layout is little-endian");
_Static_assert(offsetof(struct layout_head, counters) == 128, "layout is an ABI");
_Static_assert(offsetof(struct layout_head, desks) == 640, "layout is an ABI");
_Static_assert(offsetof(struct layout_head, errors) == 1024, "layout is an ABI");
_Static_assert(sizeof(struct layout_error) == 128, "layout is an ABI");
_Static_assert(sizeof(struct layout_head) == LAYOUT_HEAD_BYTES, "layout is an ABI");
_Static_assert(offsetof(struct layout_desk, waits) == 128, "layout is an ABI");
_Static_assert(offsetof(struct layout_desk, leases) == 128 + 4 * LAYOUT_WAITS, "layout is an ABI");
_Static_assert(sizeof(struct layout_tally) == 64, "layout is an ABI");
_Static_assert(offsetof(struct layout_field, head) == 128, "layout is an ABI");
_Static_assert(offsetof(struct layout_field, drops) == 256, "layout is an ABI");
_Static_assert(sizeof(struct layout_field) == 384, "layout is an ABI");
_Static_assert(offsetof(struct layout_slot, payload) == 40, "layout is an ABI");
_Static_assert(sizeof(struct layout_slot) == LAYOUT_ALIGN, "layout is an ABI");
_Static_assert(sizeof(struct layout_event) == 64, "layout is an ABI");
_Static_assert(sizeof(struct layout_events) == 128 + 64 * LAYOUT_EVENTS, "layout is an ABI");
_Static_assert(sizeof(struct layout_directory) == 128 + 64 * 64, "layout is an ABI");
_Static_assert(__atomic_always_lock_free(sizeof(uint64_t), 0), "no locks in shared memory");
#endif

/*
 * Bytes of a field with `slots` slots of `payload` bytes each, wherever it starts (large payloads
 * find their page inside them); 0 if no such field can be (slots outside
 * LAYOUT_SLOTS_MIN..MAX, no payload, overflow).
 */
size_t layout_field_bytes(uint32_t slots, uint32_t payload);
/* Bytes of a desk with room for `lease_quota` leases. */
size_t layout_desk_bytes(uint32_t lease_quota);
/* Bytes of so many tallies. */
size_t layout_tallies_bytes(uint32_t count);
/* Bytes of an event ring of LAYOUT_EVENTS records. */
size_t layout_events_bytes(void);
size_t layout_round(size_t bytes, size_t to);

/* Where slot header i of a field at `field_offset` starts, from the start of the segment. */
size_t layout_slot_at(size_t field_offset, uint32_t i);
/* Where payload i of such a field starts, from the start of the segment. */
size_t layout_payload_at(size_t field_offset, uint32_t slots, uint32_t payload, uint32_t i);

#endif

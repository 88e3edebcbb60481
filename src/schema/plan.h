/*
 * plan.h - a compiled machine: every process, field, slot, right, rate and byte, before anything starts.
 *
 * A plan is one flat block of memory without pointers: a struct plan, then tables of fixed-size
 * records that its spans point at by offset.  The compiler (lang) builds it; `cadmusd` gets it as a
 * sealed memory file, verifies a private copy, and hands the same file to every process, so all
 * read the same bytes.  Integers are little-endian and of fixed width; strings are zero
 * terminated inside their arrays.
 *
 * The hash covers the whole block with the hash itself zeroed: it names the plan in the journal,
 * in `cadmus plan`, and wherever two processes must agree that they speak of the same machine.
 *
 * Immutable once built, so any thread may read it.
 */
#ifndef SCHEMA_PLAN_H
#define SCHEMA_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/check.h"
#include "base/hash.h"
#include "cadmus/diag.h"
#include "cadmus/types.h"

#define PLAN_ABI 4u
#define PLAN_BYTES_MAX (16u << 20)
#define PLAN_PROCESSES_MAX 64 /* seats: a reader set is one 64-bit word */
#define PLAN_ENTITIES_MAX 4096
#define PLAN_FIELDS_MAX 4096
#define PLAN_SEGMENT_BYTES_MAX (UINT64_C(1) << 40)
#define PLAN_LEASE_NS_MAX INT64_C(10000000000)
#define PLAN_JOINTS_MAX 64
#define PLAN_TEXT_MAX 256
#define PLAN_SOURCES_MAX 8
#define PLAN_GROUP_MAX 16 /* fields under one head */
#define PLAN_TALLIES_MAX 16384
#define PLAN_PARTS_MAX 14 /* of the memory of a process: its head, and a part for each class of readers */
#define PLAN_WAITS_MAX 126 /* sources of all rules that core runs: its thread sleeps on them at once (store/wait.h) */
#define PLAN_ACTUATORS_MAX 8 /* a guard looks after no more */
#define PLAN_DURABLE_MAX 256 /* fields whose samples are written down: the state knows no more of them */
#define PLAN_DURABLE_WHOLE 4096u /* bytes of a sample that is written down whole; of a longer one, borrowed, the hash */
#define PLAN_JOURNAL_MS_MAX 86400000u
#define PLAN_NONE CDM_NO_INDEX

/* Words of the plan, from tables: PLAN_WORD(enumerator, text). */
enum plan_class {
	PLAN_RUNTIME, /* Cadmus itself: entity 0 of every plan */
	PLAN_PERSON,
	PLAN_MODEL,
	PLAN_SENSOR,
	PLAN_ACTUATOR,
	PLAN_COMMUNICATION,
};

enum plan_sort { /* consciousness_type */
#define PLAN_SORT(name, text, half_life_ms) PLAN_##name,
#include "schema/sort.def"
#undef PLAN_SORT
	PLAN_SORT_COUNT
};

enum plan_role { /* what a process is */
	PLAN_CORE,
	PLAN_GUARD,
	PLAN_HOST,    /* one driver */
	PLAN_WORKER,  /* one model */
	PLAN_GATEWAY, /* one communication */
	PLAN_CLIENT,  /* a seat kept free for `cadmus top`, a user's program ... */
};

enum plan_start { /* who begins a process */
	PLAN_WHEN_ASKED,   /* the parent, when core asks for it */
	PLAN_WITH_MACHINE, /* the parent */
	PLAN_EXTERNAL,     /* somebody else: a program that attaches and takes its place */
};

enum plan_operation {
#define PLAN_OPERATION(name, text, summary) PLAN_OP_##name,
#include "schema/operation.def"
#undef PLAN_OPERATION
	PLAN_OP_COUNT
};

enum plan_verb { /* action primitives an actuator may offer */
#define PLAN_VERB(name, text, unit) PLAN_VERB_##name,
#include "schema/verb.def"
#undef PLAN_VERB
	PLAN_VERB_COUNT
};

enum plan_overflow { /* an event for which the ring has no place but that of one that somebody has not read yet */
	PLAN_OVERWRITE, /* goes there; who was late is told how many he missed */
	PLAN_REFUSE,    /* is not written, and its writer is told */
};

enum plan_field_kind {
	PLAN_SAMPLES,   /* what a sensor, model or the guard publishes */
	PLAN_AWARENESS, /* decays with half_life_ns; f32[1] unless shaped */
	PLAN_SETTING,   /* written by `cadmus set`, by those a grant names */
};

enum plan_durability { /* of the samples of a field */
	PLAN_VOLATILE, /* gone with its writer */
	PLAN_GROUP,    /* written down, on the disk within 100 ms */
	PLAN_FULL,     /* written down, on the disk at once */
};

/* A table inside the plan: `count` records that start `at` bytes from the plan's first byte. */
struct plan_span {
	uint32_t at, count;
};

struct plan_entity {
	char name[CDM_NAME_MAX];
	uint8_t class;         /* enum plan_class */
	uint8_t sort;          /* enum plan_sort */
	uint16_t process;      /* its process, or PLAN_NONE */
	uint8_t id[HASH_BYTES]; /* hash of its public key; of machine and name while it has none */
	double trust[3];       /* talent, training, temperament: the CDL's word, 0..1 */
	double trust_strength; /* evidence that word is worth (architecture 9) */
	uint16_t symbols;      /* index of its symbol table, or PLAN_NONE */
	uint16_t reserved[3];  /* zero */
};

struct plan_field {
	char name[CDM_NAME_MAX];
	char unit[16];         /* UCUM text ("m", "rad", "1"), "" when none is declared */
	uint8_t kind;          /* enum plan_field_kind */
	uint8_t dtype;         /* enum cdm_dtype */
	uint8_t dims;          /* 0: a scalar */
	uint8_t derived;       /* 1: made of what its writer reads, and held to it */
	uint16_t process;      /* the writer */
	uint16_t entity;       /* the source its samples name unless they are derived */
	uint32_t shape[CDM_DIMS_MAX];
	uint32_t bytes;        /* payload of one sample */
	uint32_t slots;        /* >= 3, and 2 + leases: all but one of them hold samples */
	uint32_t leases;       /* samples that all readers together may hold; 0: copy only */
	uint16_t group;        /* field whose head it shares: published with it in one commit; itself when alone */
	uint16_t part;         /* of the writer's segment, in which it stands */
	uint64_t offset;       /* of its struct layout_field in the writer's segment */
	uint64_t readers;      /* bit p: process p may read and wait for it */
	uint64_t layout;       /* hash of dtype, dims, shape, slots and bytes: both sides must agree */
	int64_t half_life_ns;  /* of an awareness field; 0 else */
	int64_t max_age_ns;    /* older than this is STALE; 0: never */
	uint32_t journal_ms;   /* at most one sample each so many is written down; 0: none is */
	uint8_t durability;    /* enum plan_durability */
	uint8_t reserved[3];   /* zero */
};

/* Who may read what is a boundary in memory: a part of a segment is a memory file, and only its readers get that. */
struct plan_part {
	uint64_t at;           /* first byte in the segment; the end is where the next one begins, or the segment's */
	uint64_t readers;      /* bit p: process p may map it */
};

struct plan_process {
	char name[CDM_NAME_MAX];
	uint8_t role;          /* enum plan_role */
	uint8_t start;         /* enum plan_start */
	uint8_t threads;       /* cores it may use; the sum over started ones is <= the machine's */
	uint8_t restart;       /* 1: start it again when it dies */
	uint16_t entity;       /* whom it runs, or PLAN_NONE */
	uint16_t lease_quota;  /* samples it may hold at once, over all fields */
	uint64_t segment_bytes; /* all parts together */
	uint64_t memory_bytes; /* declared or estimated need beyond the segment: what admission adds up */
	uint64_t event_offset; /* of its event ring in its segment */
	uint64_t desk_offset;  /* of its desk (leases and waits) in its segment */
	uint64_t tally_offset; /* of what its handles count */
	struct plan_part parts[PLAN_PARTS_MAX]; /* the first holds head, desk and events, and everybody reads it */
	uint32_t part_count;   /* 1 or more; what is behind them is zero */
	uint32_t tallies;      /* handles that can count */
	uint32_t event_overflow; /* enum plan_overflow, of its events */
	uint32_t reserved;     /* zero */
};

/* A coherence rule: sources -> operation -> target. */
struct plan_rule {
	char name[CDM_NAME_MAX];
	uint8_t operation;     /* enum plan_operation */
	uint8_t source_count;
	uint8_t reserved[2];
	uint16_t sources[PLAN_SOURCES_MAX]; /* fields */
	uint16_t target;       /* field, or PLAN_NONE for symbol_to_motion */
	uint16_t actuator;     /* entity, for symbol_to_motion; else PLAN_NONE */
	uint32_t line;         /* in the CDL, for messages */
	int64_t max_skew_ns;   /* 0: any */
	double min_trust;      /* a source sample below it is left out */
	double gain;           /* evidence weight g of an awareness target */
};

/* What an actuator offers and what it may never exceed. */
struct plan_actuator {
	uint16_t entity;
	uint16_t process;      /* the guard that owns its bus */
	uint16_t feedback;     /* field with what its joints report */
	uint16_t awareness;    /* kinesthetic field that a rule makes of it, or PLAN_NONE */
	char driver[CDM_NAME_MAX]; /* "hexapod_can" */
	char bus[PLAN_TEXT_MAX];   /* "auto", "socketcan:can0", "udp:239.74.163.2:43113" */
	int64_t lease_ns;      /* motion stops this long after the last renewal */
	uint8_t safe_verb;     /* enum plan_verb: where it goes when in doubt */
	uint8_t joint_count;   /* 18 */
	uint8_t node_base;     /* bus node of joint 0; before it the guard's, behind the joints the body's */
	uint8_t safety_class;  /* 0..3 of moving it at all */
	int32_t joint_min_cdeg[3], joint_max_cdeg[3]; /* coxa, femur, tibia: hundredths of a degree */
	int32_t joint_rate_cdeg_s[3];
	int32_t verb_max[16];  /* largest argument by enum plan_verb; 0: not offered; -1: offered, no argument */
};

/* One meaning in a symbol table. */
struct plan_sense {
	char form[64];         /* UTF-8 of the compound */
	char gloss[64];
	uint16_t table;
	uint8_t verb;          /* enum plan_verb, PLAN_VERB_NONE for words that do not act */
	uint8_t safety_class;  /* 0..3 */
	uint8_t takes_number;  /* 0 no, 1 may, 2 must */
	uint8_t reserved[3];
	int32_t number_default;
	double evidence_p, evidence_n; /* of the sense's success (architecture 9: p = 20 from conformance) */
};

struct plan_table {
	char name[CDM_NAME_MAX]; /* "phoenician_v2" */
	struct hash hash;        /* of the table's text: what the CDL and the journal pin */
	struct plan_span senses; /* at/count into plan.senses: `at` is an index here, not an offset */
};

enum plan_right {
	PLAN_MAY_SAY = 1,      /* talk to models */
	PLAN_MAY_ACTUATE = 2,  /* its words may become motion */
	PLAN_MAY_SET = 4,      /* write setting fields */
	PLAN_MAY_CONTROL = 8,  /* load and unload models, stop the machine */
};

/* What a principal may do.  A person enters by the control socket, a communication by its gateway. */
struct plan_grant {
	uint16_t entity;
	uint16_t rights;       /* set of enum plan_right */
	uint16_t field;        /* with PLAN_MAY_SET: one field, or PLAN_NONE for all settings */
	uint16_t reserved;
};

/* Options of drivers, models and gateways that the plan itself does not interpret. */
struct plan_option {
	uint16_t entity;
	uint16_t reserved;
	char key[28];
	char value[PLAN_TEXT_MAX];
};

struct plan {
	char magic[8];         /* "cdmplan" */
	uint32_t abi;
	uint32_t bytes;        /* of the whole block */
	struct hash hash;
	char machine[CDM_NAME_MAX];
	struct plan_span entities, fields, processes, rules, actuators, tables, senses, grants, options;
	uint16_t core, guard;  /* processes */
	uint16_t operator_entity; /* the person behind the control socket */
	uint16_t first_model;  /* entity of the language model that is active at the start, or PLAN_NONE */
	uint64_t memory_bytes; /* all segments and declared needs together */
};

/* The record tables; `p` is a plan that plan_verify() accepted. */
#define PLAN_TABLE(type, plural)                                                                     \
	static inline const struct type *plan_##plural(const struct plan *p) {                       \
		return (const struct type *)(const void *)((const char *)p + p->plural.at);          \
	}
PLAN_TABLE(plan_entity, entities)
PLAN_TABLE(plan_field, fields)
PLAN_TABLE(plan_process, processes)
PLAN_TABLE(plan_rule, rules)
PLAN_TABLE(plan_actuator, actuators)
PLAN_TABLE(plan_table, tables)
PLAN_TABLE(plan_sense, senses)
PLAN_TABLE(plan_grant, grants)
PLAN_TABLE(plan_option, options)
#undef PLAN_TABLE

/*
 * May these bytes be used as a plan?  Checks magic, abi, size, that each table lies inside, every
 * index and enum in every record, that strings end, that fields lie inside their segments and do
 * not overlap, that no two actuators share nodes of a bus, and the hash.  -EPROTO with one message in
 * diag, or 0.  `bytes` must be 8-aligned and not change meanwhile (verify a private copy of anything a
 * peer can write).
 */
MUST_CHECK int plan_verify(const void *plan, size_t bytes, struct cdm_diag *diag);

/* Look a name up; PLAN_NONE when it is not there. */
uint16_t plan_find_entity(const struct plan *p, const char *name);
uint16_t plan_find_field(const struct plan *p, const char *name);
uint16_t plan_find_process(const struct plan *p, const char *name);
/* How many fields share the head of field `group`. */
unsigned plan_group_size(const struct plan *p, uint16_t group);
/* Bytes of a part of a process's segment. */
uint64_t plan_part_bytes(const struct plan_process *s, unsigned part);
/* The value of an option, or NULL. */
const char *plan_find_option(const struct plan *p, uint16_t entity, const char *key);
/* Rights of an entity, from all its grants. */
unsigned plan_rights(const struct plan *p, uint16_t entity);
bool plan_may_set(const struct plan *p, uint16_t entity, uint16_t field);

/* May the two be one bus?  "auto" is can0, vcan0 or udp:auto, by what a computer has. */
bool plan_bus_may_be(const char *a, const char *b);

/* FNV-1a over what both sides of a field must agree on. */
uint64_t plan_field_layout(const struct plan_field *f);
/* The hash that plan_verify() expects. */
struct hash plan_hash(const struct plan *p);

/*
 * The same machine under another name, with those processes (bit p: process p; hosts and workers) left to programs that
 * play their part: their fields need not be derived from anything.  Its actuators have loopback buses of that name's
 * own, so that nothing it does meets the machine that the plan was made for.  `out` has room for p->bytes.
 * -E2BIG: the name is too long; -EPROTO: it cannot be (diag says why).
 */
MUST_CHECK int plan_externalize(const struct plan *p, const char *machine, uint64_t processes, struct plan *out,
		struct cdm_diag *diag);

/* Free a plan that lang_compile() made; NULL allowed. */
void plan_free(struct plan *p);

/* Words for people and JSON; "?" outside the enum. */
const char *plan_class_text(unsigned c);
const char *plan_sort_text(unsigned s);
const char *plan_role_text(unsigned r);
const char *plan_operation_text(unsigned o);
const char *plan_verb_text(unsigned v);

#endif

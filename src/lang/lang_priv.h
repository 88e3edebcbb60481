/*
 * lang_priv.h - what the passes share: the tree, the machine they make of it, and how they speak.
 *
 * A pass is one function of one file that reads and completes struct lang.  None of them stops at an
 * error; compile.c decides what still makes sense after it.
 */
#ifndef LANG_LANG_PRIV_H
#define LANG_LANG_PRIV_H

#include "lang/arena.h"
#include "lang/lang.h"
#include "lang/near.h"

#define LANG_DEPTH_MAX 16
#define LANG_NODES_MAX 65536u
#define LANG_KEYS_MAX 256u      /* in one map */
#define LANG_TABLES_MAX 64u
#define LANG_PLAN_MAX (8u << 20)     /* bytes of a plan: well below what plan_verify() takes */
#define LANG_RULES_MAX 256u
#define LANG_RULE_SAMPLE_MAX 4096u   /* bytes of a sample that a rule reads */
#define LANG_SAMPLE_MAX (256u << 20) /* bytes of one sample */

/* The tree.  Borrowed from the arena; text is zero terminated and has no zero inside. */
enum node_kind { NODE_NONE, NODE_TEXT, NODE_MAP, NODE_LIST };

struct node {
	uint8_t kind;  /* enum node_kind */
	bool quoted;   /* so it is text and never a number */
	uint32_t line, column, length; /* as in struct cdm_message */
	uint32_t count;                /* children */
	uint32_t bytes;                /* of text */
	const char *text;
	const struct node *key;        /* in a map: the key, a NODE_TEXT */
	struct node *first, *next;
};

enum section {
	SECTION_NONE,
#define SECTION(name, text) SECTION_##name,
#include "lang/section.def"
#undef SECTION
	SECTION_COUNT
};

enum type {
#define TYPE(name, form, text) TYPE_##name,
#include "lang/type.def"
#undef TYPE
	TYPE_COUNT
};

enum form { FORM_ONE, FORM_LIST, FORM_EITHER, FORM_MAP, FORM_MAPS };

enum choice {
	CHOICE_NONE, CHOICE_FEEDBACK, CHOICE_SAFE, CHOICE_FORMAT, CHOICE_DURABILITY, CHOICE_FIELD_DURABILITY,
	CHOICE_KEPT, CHOICE_FIXED, CHOICE_OVERFLOW, CHOICE_RIGHT,
	CHOICE_CARRIER, CHOICE_PROTOCOL, CHOICE_TRUTH, CHOICE_NUMBER,
};

struct key {
	enum section section;
	const char *name;
	enum type type;
	int of; /* enum section or enum choice */
	bool required;
	double min, max;
	bool option;
	const char *doc;
};

enum code {
#define DIAG(code, severity, text, hint) code,
#include "lang/diag.def"
#undef DIAG
	CODE_COUNT
};

/* What goes to a driver, model or gateway as it is. */
struct option {
	const char *key, *value;
	struct option *next;
};

/* What the text describes. */
struct entity {
	const char *name;
	const struct node *map;    /* NULL: assumed, not declared */
	const struct node *at;     /* the name in the text, for messages */
	enum section section;
	uint8_t class, sort;       /* enum plan_class, enum plan_sort */
	bool live;                 /* the plan has a place for it */
	bool external;             /* a program takes that place by itself */
	bool anchor;
	double trust[3], strength;
	struct symbols *symbols;
	struct option *options, *last_option;
	struct field *fields;      /* those it writes, by next_of_owner */
	struct field *feedback;    /* of an actuator */
	struct field *awareness;   /* that a rule makes of it */
	uint16_t index, process;   /* in the plan */
};

struct field {
	const char *name;
	const struct node *at;
	struct entity *owner;      /* whose samples it holds, and NULL where that is Cadmus */
	struct field *next_of_owner;
	uint8_t kind, dtype, dims;
	uint8_t sort;              /* of awareness */
	bool command;              /* of an actuator: core writes it, the guard alone reads it */
	bool fed;                  /* awareness: a live rule makes it */
	uint16_t process, index, part;
	uint32_t shape[CDM_DIMS_MAX];
	uint32_t bytes, history, leases;
	const struct node *group;  /* its name in the text; NULL: alone */
	struct field *head;        /* the first field of its group; itself when alone */
	char unit[16];
	int64_t half_life_ns, max_age_ns;
	const struct node *half_life_at, *durable_at;
	uint8_t durability;        /* enum plan_durability */
	uint32_t journal_ms;
	double min, max, initial;  /* of a setting */
	bool has_min, has_max;
	uint64_t readers, offset;
};

/* Those of its history, those that are lent, and one that is being written. */
static inline uint32_t field_slots(const struct field *f) {
	return f->history + f->leases + 1;
}

struct rule {
	const struct node *map;
	uint8_t operation;
	bool live, broken;
	uint32_t source_count;
	struct field *sources[PLAN_SOURCES_MAX];
	struct field *target;
	struct entity *actuator;
};

struct grant {
	struct entity *to;
	struct field *field;       /* NULL: all settings */
	unsigned rights;
};

struct sense {
	const struct node *map;
	const char *form, *gloss;
	uint8_t verb, safety, number;
	int32_t initial;
	double evidence;
};

struct symbols {
	const char *name;
	struct hash hash;
	struct arena arena;        /* of its tree and senses */
	struct sense *senses;
	uint32_t count;
	uint16_t index;
	bool broken;               /* its text has errors */
};

struct process {
	const char *name;
	uint8_t role, start, threads, restart;
	uint16_t lease_quota;
	struct entity *entity;
	uint64_t segment_bytes, memory_bytes, event_offset, desk_offset, tally_offset;
	uint32_t tallies, event_overflow;
	struct plan_part parts[PLAN_PARTS_MAX];
	uint32_t part_count;
};

/* Names that can be referred to: open addressing. */
struct name {
	const char *text;
	struct entity *entity;     /* one of the two */
	struct field *field;
};

struct machine {
	const char *name;
	struct entity *entities;   /* [0] is Cadmus */
	struct field *fields;
	struct rule *rules;
	struct grant *grants;
	struct name *names;
	struct symbols symbols[LANG_TABLES_MAX];
	struct process processes[PLAN_PROCESSES_MAX];
	uint32_t entity_count, field_count, rule_count, grant_count, symbols_count, process_count;
	uint32_t entity_max, field_max, grant_max; /* room in the arrays */
	uint32_t option_count;
	uint32_t name_capacity;    /* a power of two */
	uint32_t clients;
	struct entity *operator;
	struct entity *first_model;
	uint64_t memory_bytes;
};

struct lang {
	const struct lang_options *opt;
	struct cdm_diag *diag;
	uint32_t first;            /* messages in diag that are not ours */
	uint32_t errors;
	const char *text;
	size_t bytes;
	struct arena arena, tree_arena;
	struct node *root;
	uint32_t nodes;
	char scratch[16][64];      /* words of messages: see number_text() */
	unsigned next_scratch;
	struct machine machine;
};

/* diag.c */
void say(struct lang *l, enum code code, const struct node *at, ...) __attribute__((sentinel));
const char *number_text(struct lang *l, double x);

/* parse.c: 0, -EINVAL, -ENOMEM.  Makes l->root out of l->text; the tree lives in `arena`. */
MUST_CHECK int parse(struct lang *l, struct arena *arena);
/* Valid UTF-8, and nothing that a terminal would obey. */
bool text_is_clean(const char *s, size_t bytes);

/* tree.c */
const struct node *node_get(const struct node *map, const char *key);
/* The key itself, to point at; where it is not there, the first one. */
const struct node *node_key(const struct node *map, const char *key);
const char *node_text(const struct node *map, const char *key); /* NULL when it is no text */
/* The items of a list, or the one value itself; NONE has none. */
const struct node *node_items(const struct node *n);
const struct node *node_next(const struct node *list, const struct node *item);
/* A plain number; false for text, quoted text and what is not finite. */
bool node_number(const struct node *n, double *out);
/* The number under a key, or `otherwise` when it is absent or wrong (types.c has said so). */
double node_number_or(const struct node *map, const char *key, double otherwise);
/* The same for whole numbers; `otherwise` also when it is out of range. */
long node_int_or(const struct node *map, const char *key, long otherwise, long min, long max);
const char *node_kind_text(const struct node *n);
/* Is it [a-z][a-z0-9_]*, with or without dots?  In words, what may follow the first letter: */
#define WORD_PLAIN "a-z, 0-9 and _"
#define WORD_DOTS "a-z, 0-9, _ and ."
bool node_is_name(const char *text, bool dots);

/* keys.c */
extern const struct key keys[];
extern const unsigned keys_count;
const struct key *key_find(enum section s, const char *name);
const char *section_text(enum section s);
const char *type_text(enum type t);
enum form type_form(enum type t);
/* Number of a word in a closed list, or -1.  `list` counts words when there are more to come. */
int choice_find(enum choice c, const char *word);
/* The n-th word a value of this type can be, or NULL: how closed lists are walked. */
const char *word_at(enum type t, int of, unsigned n);
int word_find(enum type t, int of, const char *word); /* its number in the plan, or -1 */

/* The passes, in their order. */
void names(struct lang *l, enum section root);
void types(struct lang *l, enum section root);
void declare(struct lang *l);
void refs(struct lang *l);
void complete(struct lang *l);
void options(struct lang *l);
void share(struct lang *l);
void limits(struct lang *l);
MUST_CHECK int emit(struct lang *l, struct plan **out);

/* declare.c */
/* What has that name, or NULL. */
const struct name *name_find(const struct machine *m, const char *name);
/* A new field of that name; NULL after saying that the name is taken. */
struct field *field_new(struct lang *l, const char *name, const struct node *at, struct entity *owner);
/* Give it `dims` dimensions and a type, and so its bytes. */
void field_shape(struct lang *l, struct field *f, unsigned dtype, unsigned dims, const uint32_t *shape);
/* A new awareness field; its consciousness type sets how fast it forgets.  NULL: the name is taken. */
struct field *awareness_new(struct lang *l, const char *name, const struct node *at, unsigned sort);
/* The consciousness type that begins a name ("visual_of_the_left_eye"); PLAN_SORT_COUNT if none. */
unsigned sort_of_name(const char *name);
/* Is it a name that needs no declaration: "visual", "visual_consciousness", "semantic"? */
bool is_standard_awareness(const char *name);
const char *entity_text(const struct entity *e); /* "a sensor" */
/* What the map of a field, or of the rule that makes it, says of its durability. */
void field_endures(struct lang *l, struct field *f, const struct node *map);

/* symbols.c: senses of a parsed table, checked.  Messages go to l. */
void symbols_build(struct lang *l, struct symbols *s);
/* The table `name`, read once; NULL after saying why not. */
struct symbols *symbols_load(struct lang *l, const char *name, const struct node *at);

/* expand.c: ${NAME} and the folder; NULL after saying what is wrong.  The result is in the arena. */
const char *expand_path(struct lang *l, const struct node *at);

#endif

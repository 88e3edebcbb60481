/* lines_read.c - see lines.h: JSON Lines to entries.  The bytes are anybody's. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/utf8.h"
#include "memory/lines.h"
#include "memory/memory_priv.h"

#define REQUEST_DIGITS 48 /* of the identity, in the request id of what is imported */

int lines_import_begin(struct lines_import *i, struct memory *m) {
	*i = (struct lines_import){ .memory = m, .body = malloc(JOURNAL_BODY_MAX) };
	return i->body ? 0 : -ENOMEM;
}

void lines_import_end(struct lines_import *i) {
	free(i->body);
	*i = (struct lines_import){ .body = NULL };
}

/* ---- values: the first that is wrong is told ---- */

struct reading {
	struct lines_import *import;
	const json_t *line;
	struct cdm_diag *diag;
	int rc;
};

static int say(struct reading *k, int rc, const char *key, const char *what) {
	bool comes_again = rc == -EAGAIN || rc == -ESTALE;
	if (k->rc == 0) {
		k->rc = rc;
		struct cdm_message *e = cdm_diag_add(comes_again ? NULL : k->diag, CDM_ERROR, "", "line %llu: '%s' %s",
				(unsigned long long)k->import->lines, key, what);
		if (e)
			e->line = (uint32_t)k->import->lines;
	}
	return rc;
}

/* A text of at most `most` bytes; one that is not there is empty. */
static struct body_text get_text(struct reading *k, const json_t *o, const char *key, size_t least, size_t most) {
	const json_t *v = json_object_get(o, key);
	struct body_text t = { json_string_value(v), json_string_length(v) };
	if (v && !json_is_string(v))
		say(k, -EPROTO, key, "is not a text");
	else if (t.bytes < least)
		say(k, -EPROTO, key, "is missing, or empty");
	else if (t.bytes > most)
		say(k, -E2BIG, key, "is too long");
	return k->rc == 0 ? t : body_text("");
}

/* A name is shown as it is, by whoever reads it: what moves a terminal is none. */
static struct body_text get_clean(struct reading *k, const char *key) {
	struct body_text t = get_text(k, k->line, key, 0, BODY_NAME_MAX);
	uint32_t c;
	for (size_t i = 0, n; i < t.bytes; i += n) {
		n = utf8_next(t.at + i, t.bytes - i, &c);
		if (n == 0 || utf8_is_control(c))
			return say(k, -EPROTO, key, "has a control character"), body_text("");
	}
	return t;
}

static uint64_t get_number(struct reading *k, const json_t *o, const char *key, uint64_t least, uint64_t most) {
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);
	if (v && !json_is_integer(v))
		say(k, -EPROTO, key, "is not a whole number");
	else if (n < 0 || (uint64_t)n < least || (uint64_t)n > most)
		say(k, -EPROTO, key, "is missing, or out of its bounds");
	return k->rc == 0 ? (uint64_t)n : least;
}

static int digit(char c) {
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_hash(const json_t *v, struct hash *out) {
	const char *hex = json_string_value(v);
	if (!hex || json_string_length(v) != 2 * HASH_BYTES)
		return false;
	for (unsigned i = 0; i < HASH_BYTES; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void get_name(struct reading *k, const char *key, char out[CDM_NAME_MAX]) {
	struct body_text t = get_clean(k, key);
	memcpy(out, t.bytes ? t.at : "", t.bytes);
	out[t.bytes] = 0;
}

static const json_t *get_array(struct reading *k, const char *key, size_t most) {
	const json_t *v = json_object_get(k->line, key);
	if (v && !json_is_array(v))
		say(k, -EPROTO, key, "is not a list");
	else if (json_array_size(v) > most)
		say(k, -E2BIG, key, "has too many entries");
	return k->rc == 0 ? v : NULL;
}

/* ---- bodies ---- */

#define AT_MS_MAX ((uint64_t)(INT64_MAX / 1000000)) /* so that it can be said in nanoseconds, too */

/* A line that names its identity has its key as that says; somebody else's is kept as all keys are. */
static struct body_text get_key(struct reading *k, const json_t *o, size_t number) {
	struct body_text t = get_text(k, o, "key", 1, BODY_KEY_MAX);
	char *kept = k->import->keys[number];
	if (k->rc < 0 || json_object_get(k->line, "id"))
		return t;
	memcpy(kept, t.at, t.bytes);
	kept[t.bytes] = 0;
	body_fold_key(kept);
	if (!kept[0])
		say(k, -EPROTO, "key", "is nothing but spaces");
	return body_text(kept);
}

static void get_said(struct reading *k, struct body_turn *b) {
	const json_t *all = get_array(k, "facts", BODY_FACTS_MAX), *one;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)all, i, one) {
		b->facts[i].key = get_key(k, one, i);
		b->facts[i].value = get_text(k, one, "value", 0, BODY_VALUE_MAX);
		b->facts[i].trust_ppm = (uint32_t)get_number(k, one, "trust_ppm", 0, BODY_PPM);
	}
	b->fact_count = (uint32_t)json_array_size(all);
}

static int build_turn(struct reading *k, const char *request, void *out) {
	struct body_turn b = { .request = body_text(request) };
	const json_t *view = json_object_get(k->line, "view");
	b.said_ms = get_number(k, k->line, "at_ms", 1, AT_MS_MAX);
	b.speaker = get_clean(k, "speaker");
	b.model = get_clean(k, "model");
	b.session = get_text(k, k->line, "session", 0, BODY_KEY_MAX);
	b.user = get_text(k, k->line, "user", 0, BODY_UTTERANCE_MAX);
	b.answer = get_text(k, k->line, "answer", 0, BODY_UTTERANCE_MAX);
	b.symbols = get_text(k, k->line, "symbols", 0, BODY_SYMBOLS_MAX);
	b.trust_ppm = (uint32_t)get_number(k, k->line, "trust_ppm", 0, BODY_PPM);
	if (view && !is_hash(view, &b.view_hash))
		say(k, -EPROTO, "view", "is not a hash");
	get_said(k, &b);
	return k->rc < 0 ? k->rc : body_build_turn(&b, out, JOURNAL_BODY_MAX);
}

/* The seq of what a fact derives from; 0: it has no line, or the journal has it not. */
static uint64_t find_source(struct reading *k, const json_t *v) {
	struct hash id;
	uint64_t seq = 0;
	struct lines_import *i = k->import;
	if (json_is_null(v))
		return 0;
	if (!is_hash(v, &id)) {
		say(k, -EPROTO, "from", "has what is neither an id nor null");
		return 0;
	}
	int rc = i->memory ? memory_known(i->memory, &id, &seq) : 0;
	if (rc < 0)
		say(k, rc, "from", "cannot be looked up");
	else if (seq == 0 && i->memory && i->memory->yielded)
		say(k, -EAGAIN, "from", "names a line that may not be in the journal yet");
	return seq;
}

static int build_fact(struct reading *k, const char *request, void *out) {
	struct body_fact b = { .request = body_text(request) };
	b.seen_ms = get_number(k, k->line, "at_ms", 1, AT_MS_MAX);
	b.key = get_key(k, k->line, 0);
	b.value = get_text(k, k->line, "value", 0, BODY_VALUE_MAX);
	b.source = get_clean(k, "source");
	b.via = get_clean(k, "via");
	b.trust_ppm = (uint32_t)get_number(k, k->line, "trust_ppm", 0, BODY_PPM);
	b.confidence_ppm = (uint32_t)get_number(k, k->line, "confidence_ppm", 0, BODY_PPM);
	const json_t *all = get_array(k, "from", BODY_SOURCES_MAX), *one;
	size_t n;
	json_array_foreach((json_t *)(uintptr_t)all, n, one)
		b.from.at[n] = find_source(k, one);
	b.from.count = (uint32_t)json_array_size(all);
	return k->rc < 0 ? k->rc : body_build_fact(&b, out, JOURNAL_BODY_MAX);
}

static int build(struct reading *k, const char *request) {
	struct lines_import *i = k->import;
	int bytes = i->entry.kind == JOURNAL_TURN ? build_turn(k, request, i->body) : build_fact(k, request, i->body);
	if (bytes < 0)
		return say(k, bytes, "type", "makes no body that a journal takes");
	i->entry.body_bytes = (size_t)bytes;
	return 0;
}

/* ---- lines ---- */

/* The hash of what the line says; it must be the one that it names, if it names one. */
static int identify(struct reading *k, struct hash *id) {
	struct lines_import *i = k->import;
	struct hash named;
	struct journal_record r = { .kind = (uint16_t)i->entry.kind, .visibility = (uint8_t)i->entry.visibility,
		.body = i->body, .body_bytes = (uint32_t)i->entry.body_bytes, .wall = { INT64_MAX } };
	memcpy(r.entity, i->entity, sizeof(r.entity));
	memcpy(r.principal, i->principal, sizeof(r.principal));
	int rc = passage_identity(&r, id);
	if (rc < 0)
		return say(k, rc == -ENOENT ? -EPROTO : rc, "type", "makes no body that can be read");
	const json_t *v = json_object_get(k->line, "id");
	if (v && !(is_hash(v, &named) && hash_equal(&named, id)))
		return say(k, -EPROTO, "id", "is not the hash of what the line says");
	return 0;
}

static int yield_entry(struct reading *k, enum journal_kind kind) {
	struct lines_import *i = k->import;
	char hex[HASH_TEXT_MAX];
	struct hash id;
	uint64_t known = 0;
	struct body_text name = get_text(k, k->line, "visibility", 1, 15);
	int visibility = name.bytes ? record_visibility_find(name.at) : 0;
	if (visibility < 0)
		say(k, -EPROTO, "visibility", "is none that is known");
	get_name(k, "entity", i->entity);
	get_name(k, "principal", i->principal);
	i->entry = (struct journal_entry){ kind, visibility < 0 ? 0 : (enum journal_visibility)visibility, i->entity,
		i->principal, i->body, 0, i->request };
	if (build(k, "") < 0 || identify(k, &id) < 0)
		return k->rc;
	snprintf(i->request, sizeof(i->request), "import.%s", hash_text(&id, REQUEST_DIGITS, hex));
	int rc = i->memory ? memory_known(i->memory, &id, &known) : 0;
	if (rc < 0 || known) {
		i->known += known > 0;
		return rc;
	}
	if (build(k, i->request) < 0)
		return k->rc;
	i->turns += kind == JOURNAL_TURN;
	i->facts += kind == JOURNAL_FACT;
	if (i->memory)
		i->memory->yielded++;
	return 1;
}

static int read_schema(struct reading *k) {
	struct body_text t = get_text(k, k->line, "schema", 1, 63);
	uint64_t version = get_number(k, k->line, "version", 1, INT64_MAX);
	if (k->rc == 0 && strcmp(t.at, LINES_SCHEMA) != 0)
		say(k, -EPROTO, "schema", "is not " LINES_SCHEMA);
	if (k->rc == 0 && version > LINES_VERSION)
		say(k, -EPROTO, "version", "is of a newer program");
	k->import->begun = k->rc == 0;
	return k->rc;
}

static int read_line(struct reading *k) {
	if (!k->import->begun)
		return read_schema(k);
	struct body_text type = get_text(k, k->line, "type", 1, 63);
	if (k->rc < 0)
		return k->rc;
	if (strcmp(type.at, "turn") == 0)
		return yield_entry(k, JOURNAL_TURN);
	return strcmp(type.at, "fact") == 0 ? yield_entry(k, JOURNAL_FACT) : 0; /* sessions come with their turns */
}

int lines_import_line(struct lines_import *i, const char *line, size_t bytes, struct cdm_diag *diag) {
	json_error_t error;
	struct reading k = { .import = i, .diag = diag };
	i->lines++;
	if (bytes > LINES_BYTES_MAX)
		return say(&k, -E2BIG, "line", "is too long");
	json_t *parsed = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(parsed)) {
		json_decref(parsed);
		return say(&k, -EPROTO, "line", "is no JSON object");
	}
	k.line = parsed;
	int rc = read_line(&k);
	json_decref(parsed);
	if (rc == -EAGAIN || rc == -ESTALE)
		i->lines--; /* it comes again */
	return rc;
}

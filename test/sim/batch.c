/* batch.c - see batch.h. */
#include "test/sim/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 48 << 10 };

struct made { /* what bodies are made of */
	uint64_t *dice;
	const char *mark, *request;
	char text[ROOM]; /* the mark, and any number of letters */
	size_t bytes;
};

uint64_t batch_dice(uint64_t *dice) {
	uint64_t z = *dice += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct body_text pick(uint64_t *dice, const char *const *names, size_t count) {
	return body_text(names[batch_dice(dice) % count]);
}
#define PICK(dice, names) pick(dice, names, COUNT_OF(names))

static const char *const fields[] = { "speed", "light", "gain", "mode", "name", "limit" };
static const char *const keys[] = { "pin", "birthday", "home", "dog", "colour" };
static const char *const subjects[] = { "phi3", "llama", "scout", "hexapod" };
static const char *const people[] = { "ada", "bob", "", "carol" };
static const char *const verbs[] = { "walk", "halt", "turn" };

/* Texts are bounded by their kind; the mark comes first. */
static struct body_text text(const struct made *m, size_t most) {
	return (struct body_text){ m->text, m->bytes < most ? m->bytes : most };
}

static int make_turn(struct made *m, void *room) {
	struct body_turn b = { .request = body_text(m->request), .speaker = PICK(m->dice, people),
		.model = PICK(m->dice, subjects), .user = text(m, BODY_UTTERANCE_MAX), .answer = body_text("yes"),
		.trust_ppm = (uint32_t)(batch_dice(m->dice) % BODY_PPM), .symbols = body_text("WALK HALT") };
	b.session = PICK(m->dice, keys);
	b.fact_count = (uint32_t)(batch_dice(m->dice) % 3);
	for (uint32_t i = 0; i < b.fact_count; i++) {
		b.facts[i] = (struct body_said){ PICK(m->dice, keys), body_text(m->mark), 500000 };
		if (batch_dice(m->dice) % 4 == 0)
			b.facts[i].value.bytes = 0; /* forgotten */
	}
	return body_build_turn(&b, room, ROOM);
}

static int make_evidence(struct made *m, void *room) {
	struct body_evidence b = { PICK(m->dice, subjects), body_text(m->mark), body_text("talent"),
		batch_dice(m->dice) % 3000000, batch_dice(m->dice) % 3000000, batch_dice(m->dice) % 2 * 3600000 };
	return body_build_evidence(&b, room, ROOM);
}

static int make_epoch(struct made *m, void *room) {
	struct body_epoch b = { batch_dice(m->dice) % 100, hash_of(m->mark, strlen(m->mark)) };
	return body_build_epoch(&b, room, ROOM);
}

static int make_command(struct made *m, void *room) {
	struct body_command b = { .id = batch_dice(m->dice) % 1000,
		.verb = PICK(m->dice, verbs),
		.number = -5,
		.source = body_text(m->mark),
		.trust_ppm = 1000000 };
	return body_build_command(&b, room, ROOM);
}

static int make_model(struct made *m, void *room) {
	struct body_model b = { body_text(m->mark), BODY_LOADED + batch_dice(m->dice) % 3 };
	return body_build_model(&b, room, ROOM);
}

/* Of records before it, sometimes: the fold holds it to them.  Else of any time, so late as often as not. */
static int make_fact(struct made *m, void *room) {
	struct body_fact b = { .key = PICK(m->dice, keys),
		.value = text(m, BODY_VALUE_MAX),
		.source = body_text(people[batch_dice(m->dice) % 2]),
		.trust_ppm = (uint32_t)(batch_dice(m->dice) % BODY_PPM),
		.confidence_ppm = BODY_PPM,
		.seen_ms = batch_dice(m->dice) % 2000000000000, .from.count = (uint32_t)(batch_dice(m->dice) % 3) };
	if (batch_dice(m->dice) % 4 == 0)
		b.value.bytes = 0; /* taken back */
	if (batch_dice(m->dice) % 4 == 0)
		b.seen_ms = 0; /* now */
	for (uint32_t i = 0; i < b.from.count; i++)
		b.from.at[i] = 1 + batch_dice(m->dice) % 100;
	return body_build_fact(&b, room, ROOM);
}

static int make_goal(struct made *m, void *room) {
	struct body_goal b = { .id = PICK(m->dice, fields), .text = text(m, BODY_VALUE_MAX),
		.what = BODY_OPEN + batch_dice(m->dice) % 3 };
	return body_build_goal(&b, room, ROOM);
}

static int make_dictionary(struct made *m, void *room) {
	struct body_dictionary b = { .table = PICK(m->dice, subjects), .what = BODY_ADOPTED, .version = 1,
		.gloss = text(m, BODY_KEY_MAX) };
	return body_build_dictionary(&b, room, ROOM);
}

static int make_sample(struct made *m, void *room) {
	struct body_sample b = { .field = PICK(m->dice, fields),
		.version = 1,
		.status = body_text("ok"),
		.bytes = m->bytes,
		.hash = hash_of(m->text, m->bytes),
		.data = text(m, BODY_SAMPLE_MAX) };
	return body_build_sample(&b, room, ROOM);
}

/* A case for each kind: who adds one is told so by the compiler. */
static int make_body(struct made *m, enum journal_kind kind, uint64_t erase, void *room) {
	switch (kind) {
	case JOURNAL_EPOCH:
		return make_epoch(m, room);
	case JOURNAL_TURN:
		return make_turn(m, room);
	case JOURNAL_SET: {
		struct body_set b = { PICK(m->dice, fields), text(m, BODY_VALUE_MAX), { NULL, 0 } };
		return body_build_set(&b, room, ROOM);
	}
	case JOURNAL_MODEL:
		return make_model(m, room);
	case JOURNAL_EVIDENCE:
		return make_evidence(m, room);
	case JOURNAL_COMMAND:
		return make_command(m, room);
	case JOURNAL_OUTCOME: {
		struct body_outcome b = { batch_dice(m->dice) % 1000, body_text("done"), text(m, BODY_VALUE_MAX) };
		return body_build_outcome(&b, room, ROOM);
	}
	case JOURNAL_REFUSAL: {
		struct body_refusal b = { .reason = body_text("trust"), .detail = text(m, BODY_VALUE_MAX) };
		return body_build_refusal(&b, room, ROOM);
	}
	case JOURNAL_ERASE: {
		struct body_erase b = { erase, text(m, BODY_VALUE_MAX) };
		return body_build_erase(&b, room, ROOM);
	}
	case JOURNAL_FACT:
		return make_fact(m, room);
	case JOURNAL_GOAL:
		return make_goal(m, room);
	case JOURNAL_SYMBOL: {
		struct body_symbol b = { text(m, BODY_SYMBOLS_MAX), PICK(m->dice, people), 7 };
		return body_build_symbol(&b, room, ROOM);
	}
	case JOURNAL_DICTIONARY:
		return make_dictionary(m, room);
	case JOURNAL_PLAN: {
		struct body_plan b = { hash_of(m->mark, strlen(m->mark)), 1, 1, text(m, BODY_PART_MAX) };
		return body_build_plan(&b, room, ROOM);
	}
	case JOURNAL_SAMPLE:
		return make_sample(m, room);
	case JOURNAL_GAP: {
		struct body_gap b = { PICK(m->dice, fields), 3, text(m, BODY_VALUE_MAX) };
		return body_build_gap(&b, room, ROOM);
	}
	case JOURNAL_SNAPSHOT: /* the journal writes these two itself */
	case JOURNAL_COMPACT:
	case JOURNAL_KIND_COUNT:
		break;
	}
	return -1;
}

static size_t size_of_text(uint64_t *dice, bool heavy) {
	static const size_t sizes[] = { 30, 100, 100, 200, 200, 500, 3000, 20000 };
	size_t most = heavy ? 40000 : sizes[batch_dice(dice) % COUNT_OF(sizes)];
	return MODEL_MARK + batch_dice(dice) % most;
}

static bool has_request(const struct model_batch *b) {
	for (unsigned i = 0; i < b->count; i++)
		if (b->entries[i].request[0])
			return true;
	return false;
}

/* `again`: as was asked before, or NULL. */
static void add(struct model_batch *b, uint64_t *dice, uint64_t *number, enum journal_kind kind, bool heavy,
		const struct model_entry *again) {
	static uint8_t room[ROOM];
	static struct made m;
	bool first = !has_request(b);
	struct model_entry *e = &b->entries[b->count++];
	snprintf(e->mark, sizeof(e->mark), "mark-%012llx.", (unsigned long long)++*number);
	m.dice = dice;
	m.mark = e->mark;
	m.request = e->request;
	m.bytes = size_of_text(dice, heavy);
	memset(m.text, 'a' + (int)(*number % 26), m.bytes);
	memcpy(m.text, e->mark, strlen(e->mark));
	e->kind = kind;
	e->visibility = (enum journal_visibility)(batch_dice(dice) % JOURNAL_VISIBILITY_COUNT);
	snprintf(e->entity, sizeof(e->entity), "%s", batch_dice(dice) % 3 ? "core" : "gate");
	snprintf(e->principal, sizeof(e->principal), "%s", again ? again->principal : PICK(dice, people).at);
	if (again)
		memcpy(e->request, again->request, sizeof(e->request));
	else if (kind == JOURNAL_TURN && first)
		snprintf(e->request, sizeof(e->request), "ask-%llx", (unsigned long long)*number); /* is not erased */
	int bytes = make_body(&m, kind, b->erase, room);
	CHECK(bytes > 0);
	e->bytes = (size_t)bytes;
	e->body = malloc(e->bytes);
	CHECK(e->body != NULL);
	memcpy(e->body, room, e->bytes);
}

void batch_fill(struct model_batch *b, uint64_t *dice, uint64_t *number, bool heavy) {
	unsigned count = heavy ? 1 : 1 + (unsigned)(batch_dice(dice) % MODEL_BATCH_MAX);
	b->class = batch_dice(dice) % 3 ? JOURNAL_D2 : JOURNAL_D1;
	for (unsigned i = 0; i < count; i++) {
		enum journal_kind kind = JOURNAL_ERASE;
		while (kind == JOURNAL_ERASE || kind == JOURNAL_SNAPSHOT || kind == JOURNAL_COMPACT)
			kind = heavy ? JOURNAL_TURN : (enum journal_kind)(batch_dice(dice) % JOURNAL_KIND_COUNT);
		add(b, dice, number, kind, heavy && b->count == 0, NULL);
	}
}

void batch_again(struct model_batch *b, uint64_t *dice, uint64_t *number, const struct model_entry *of, uint64_t seq) {
	b->class = batch_dice(dice) % 2 ? JOURNAL_D2 : JOURNAL_D1;
	b->again = seq;
	add(b, dice, number, JOURNAL_TURN, false, of);
}

static struct model_entry *add_own(struct model_batch *b, enum journal_kind kind) {
	struct model_entry *e = &b->entries[b->count++];
	e->kind = kind;
	e->visibility = JOURNAL_MACHINE;
	return e;
}

void batch_erase(struct model_batch *b, uint64_t *dice, uint64_t *number, uint64_t seq) {
	b->class = JOURNAL_D2;
	b->erase = seq;
	add(b, dice, number, JOURNAL_ERASE, false, NULL);
	struct model_entry *rest = add_own(b, JOURNAL_SNAPSHOT);
	memcpy(rest->entity, b->entries[0].entity, sizeof(rest->entity));
}

void batch_snapshot(struct model_batch *b, uint64_t *number) {
	struct model_entry *e = add_own(b, JOURNAL_SNAPSHOT);
	b->class = JOURNAL_D1;
	snprintf(e->entity, sizeof(e->entity), "c%llu", (unsigned long long)++*number);
}

void batch_compact(struct model_batch *b, uint64_t *number, const struct body_compact *plan, uint64_t kinds) {
	static uint8_t room[1024];
	struct model_entry *e = add_own(b, JOURNAL_COMPACT);
	int bytes = body_build_compact(plan, room, sizeof(room));
	CHECK(bytes > 0);
	b->class = JOURNAL_D2;
	b->compact_upto = plan->upto;
	b->compact_kinds = kinds;
	snprintf(e->entity, sizeof(e->entity), "k%llu", (unsigned long long)++*number);
	e->bytes = (size_t)bytes;
	e->body = malloc(e->bytes);
	CHECK(e->body != NULL);
	memcpy(e->body, room, e->bytes);
}

void batch_entries(const struct model_batch *b, struct journal_entry out[MODEL_BATCH_MAX]) {
	for (unsigned i = 0; i < b->count; i++) {
		const struct model_entry *e = &b->entries[i];
		out[i] = (struct journal_entry){ e->kind, e->visibility, e->entity, e->principal, e->body, e->bytes,
			e->request[0] ? e->request : NULL };
	}
}

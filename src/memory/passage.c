/* passage.c - see passage.h. */
#include "memory/passage.h"

#include <errno.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "base/utf8.h"

#define COPY(to, text) copy((to), sizeof(to), text)

static void copy(char *to, size_t room, struct body_text t) {
	size_t n = utf8_cut(t.bytes ? t.at : "", t.bytes, room - 1);
	if (n)
		memcpy(to, t.at, n);
	to[n] = 0;
}

static uint64_t wall_ms(struct cdm_wall w) {
	return w.ns > 0 ? (uint64_t)(w.ns / NS_PER_MS) : 0;
}

/* As the fold has it: not later than when it was told. */
static uint64_t ms_or(uint64_t ms, struct cdm_wall told) {
	return ms == 0 || ms > wall_ms(told) ? wall_ms(told) : ms;
}

uint64_t passage_turn_ms(const struct journal_record *r, const struct body_turn *b) {
	return ms_or(b->said_ms, r->wall);
}

uint64_t passage_fact_ms(const struct journal_record *r, const struct body_fact *b) {
	return ms_or(b->seen_ms, r->wall);
}

static void begin(struct passage *p, const struct journal_record *r, enum passage_kind kind, uint64_t ms) {
	*p = (struct passage){ .seq = r->seq, .kind = (uint8_t)kind, .visibility = r->visibility,
		.when = { (int64_t)ms * NS_PER_MS } };
	COPY(p->principal, body_text(r->principal));
}

/* ---- texts ---- */

static void append(struct passage *p, struct body_text t) {
	CHECK(t.bytes <= PASSAGE_BYTES_MAX - p->bytes);
	if (t.bytes)
		memcpy(p->text + p->bytes, t.at, t.bytes);
	p->bytes += (uint32_t)t.bytes;
}

/* How much of a text becomes one passage: to the last blank in its last quarter, or as much as fits. */
static size_t piece(struct body_text t) {
	if (t.bytes <= PASSAGE_BYTES_MAX)
		return t.bytes;
	for (size_t n = PASSAGE_BYTES_MAX; n > PASSAGE_BYTES_MAX * 3 / 4; n--)
		if (t.at[n - 1] == ' ' || t.at[n - 1] == '\n')
			return n;
	size_t n = utf8_cut(t.at, t.bytes, PASSAGE_BYTES_MAX);
	return n ? n : PASSAGE_BYTES_MAX;
}

static int in_pieces(struct passage *p, struct body_text t, bool is_said, passage_visit *visit, void *user) {
	int rc = 0;
	while (t.bytes && rc == 0) {
		size_t n = piece(t);
		p->bytes = 0;
		append(p, (struct body_text){ t.at, n });
		p->first = is_said ? p->bytes : 0;
		rc = visit(user, p);
		p->part++;
		t = (struct body_text){ t.at + n, t.bytes - n };
	}
	return rc;
}

static int whole_turn(struct passage *p, const struct body_turn *b, passage_visit *visit, void *user) {
	if (b->user.bytes + b->answer.bytes + 1 > PASSAGE_BYTES_MAX) {
		int rc = in_pieces(p, b->user, true, visit, user);
		return rc ? rc : in_pieces(p, b->answer, false, visit, user);
	}
	append(p, b->user);
	append(p, body_text("\n"));
	p->first = p->bytes;
	append(p, b->answer);
	return visit(user, p);
}

static void claim_text(struct passage *p, struct body_text key, struct body_text value) {
	p->bytes = 0;
	append(p, key);
	append(p, body_text("\n"));
	p->first = p->bytes;
	append(p, value);
	p->taken_back = value.bytes == 0;
	COPY(p->key, key);
}

/* ---- records ---- */

static int each_of_turn(const struct journal_record *r, passage_visit *visit, void *user) {
	struct body_turn b;
	struct passage p;
	if (body_parse_turn(r->body, r->body_bytes, &b) < 0)
		return 0;
	begin(&p, r, PASSAGE_TURN, passage_turn_ms(r, &b));
	p.trust_ppm = b.trust_ppm;
	COPY(p.speaker, b.speaker);
	COPY(p.model, b.model);
	COPY(p.session, b.session);
	int rc = whole_turn(&p, &b, visit, user);
	p.kind = PASSAGE_CLAIM;
	p.part = 0;
	p.dated = b.said_ms != 0;
	COPY(p.speaker, b.speaker.bytes ? b.speaker : body_text(r->entity));
	for (uint32_t i = 0; i < b.fact_count && rc == 0; i++) {
		p.claim = i + 1;
		p.trust_ppm = b.facts[i].trust_ppm;
		claim_text(&p, b.facts[i].key, b.facts[i].value);
		rc = visit(user, &p);
	}
	return rc;
}

static int each_of_fact(const struct journal_record *r, passage_visit *visit, void *user) {
	struct body_fact b;
	struct passage p;
	if (body_parse_fact(r->body, r->body_bytes, &b) < 0)
		return 0;
	begin(&p, r, PASSAGE_CLAIM, passage_fact_ms(r, &b));
	p.claim = 1;
	p.dated = b.seen_ms != 0 && b.from.count == 0;
	p.trust_ppm = (uint32_t)((uint64_t)b.trust_ppm * b.confidence_ppm / BODY_PPM);
	COPY(p.speaker, b.source.bytes ? b.source : body_text(r->entity));
	COPY(p.model, b.via);
	claim_text(&p, b.key, b.value);
	return visit(user, &p);
}

int passage_each(const struct journal_record *r, passage_visit *visit, void *user) {
	if (r->erased || !r->body)
		return 0;
	if (r->kind == JOURNAL_TURN)
		return each_of_turn(r, visit, user);
	return r->kind == JOURNAL_FACT ? each_of_fact(r, visit, user) : 0;
}

/* ---- identity ---- */

#define ROOM_FOR_KEYS 1024 /* that an older program did not write; empty */

/* The body as an import would write it, but for what differs from journal to journal. */
static int plain_body(const struct journal_record *r, void *out, size_t room) {
	struct body_turn turn;
	struct body_fact fact;
	if (r->erased || !r->body)
		return -ENOENT;
	if (r->kind == JOURNAL_TURN && body_parse_turn(r->body, r->body_bytes, &turn) == 0) {
		turn.said_ms = passage_turn_ms(r, &turn);
		turn.request = body_text("");
		return body_build_turn(&turn, out, room);
	}
	if (r->kind == JOURNAL_FACT && body_parse_fact(r->body, r->body_bytes, &fact) == 0) {
		fact.seen_ms = passage_fact_ms(r, &fact);
		fact.request = body_text("");
		fact.from.count = 0;
		fact.held_at = 0;
		return body_build_fact(&fact, out, room);
	}
	return -ENOENT;
}

int passage_identity(const struct journal_record *r, struct hash *out) {
	uint8_t head[256];
	struct mp_out o;
	size_t room = r->body_bytes + ROOM_FOR_KEYS;
	void *body = malloc(room);
	if (!body)
		return -ENOMEM;
	mp_begin(&o, head, sizeof(head));
	mp_array(&o, 4);
	mp_str(&o, record_kind_name(r->kind));
	mp_str(&o, r->entity);
	mp_str(&o, r->principal);
	mp_str(&o, record_visibility_name(r->visibility));
	int bytes = plain_body(r, body, room), n = mp_done(&o);
	if (bytes > 0 && n > 0)
		*out = hash_pair(head, (size_t)n, body, (size_t)bytes);
	free(body);
	return bytes > 0 && n > 0 ? 0 : -ENOENT;
}

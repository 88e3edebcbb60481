/*
 * state_hash.c - the state as canonical MessagePack, hashed as it is written.
 *
 * The whole is one array: [seq, epoch, plan_hash, active_model, command_id_max, kinds, counts,
 * facts, evidence, settings, turns, requests].  Tables are in the order of their keys, rings from
 * the oldest; an entry is an array of its members without the calendar.  No entry is larger than
 * the buffer, which goes into the hash after each.
 */
#include "journal/state.h"

#include <sodium.h>
#include <string.h>
#include "base/msgpack.h"

struct writer {
	crypto_generichash_state hash;
	struct mp_out out;
	uint8_t buffer[3 * STATE_TEXT_MAX];
};

static void flush(struct writer *w) {
	int bytes = mp_done(&w->out);
	CHECK(bytes >= 0);
	crypto_generichash_update(&w->hash, w->buffer, (size_t)bytes);
	mp_begin(&w->out, w->buffer, sizeof(w->buffer));
}

/* Only kinds that occurred: a kind that a newer program adds changes no hash of older records. */
static void put_kinds(struct mp_out *o, const struct journal_state *s) {
	uint32_t seen = 0;
	for (unsigned k = 0; k < COUNT_OF(s->kinds); k++)
		seen += s->kinds[k] > 0;
	mp_map(o, seen);
	for (unsigned k = 0; k < COUNT_OF(s->kinds); k++)
		if (s->kinds[k])
			mp_kv_uint(o, record_kind_name(k), s->kinds[k]);
}

static void put_head(struct writer *w, const struct journal_state *s) {
	const uint64_t counts[] = { s->erased, s->broken, s->duplicates, s->dropped, s->turns_end };
	struct mp_out *o = &w->out;
	mp_array(o, 12);
	mp_uint(o, s->seq);
	mp_uint(o, s->epoch);
	mp_bin(o, s->plan_hash.bytes, HASH_BYTES);
	mp_str(o, s->active_model);
	mp_uint(o, s->command_id_max);
	put_kinds(o, s);
	mp_array(o, COUNT_OF(counts));
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		mp_uint(o, counts[i]);
	flush(w);
}

static void put_facts(struct writer *w, const struct journal_state *s) {
	mp_array(&w->out, s->fact_count);
	for (unsigned i = 0; i < s->fact_count; i++) {
		const struct state_fact *f = state_fact_at(s, i);
		mp_array(&w->out, 7);
		mp_str(&w->out, f->key);
		mp_str(&w->out, f->principal);
		mp_str(&w->out, f->value);
		mp_str(&w->out, f->source);
		mp_str(&w->out, record_visibility_name(f->visibility));
		mp_uint(&w->out, f->trust_ppm);
		mp_uint(&w->out, f->seq);
		flush(w);
	}
}

static void put_evidence(struct writer *w, const struct journal_state *s) {
	mp_array(&w->out, s->evidence_count);
	for (unsigned i = 0; i < s->evidence_count; i++) {
		const struct state_evidence *e = state_evidence_at(s, i);
		mp_array(&w->out, 7);
		mp_str(&w->out, e->subject);
		mp_str(&w->out, e->role);
		mp_str(&w->out, e->dim);
		mp_uint(&w->out, e->p_ppm);
		mp_uint(&w->out, e->n_ppm);
		mp_uint(&w->out, e->count);
		mp_uint(&w->out, e->seq);
		flush(w);
	}
}

static void put_settings(struct writer *w, const struct journal_state *s) {
	mp_array(&w->out, s->setting_count);
	for (unsigned i = 0; i < s->setting_count; i++) {
		const struct state_setting *e = state_setting_at(s, i);
		mp_array(&w->out, 4);
		mp_str(&w->out, e->field);
		mp_str(&w->out, e->value);
		mp_str(&w->out, e->principal);
		mp_uint(&w->out, e->seq);
		flush(w);
	}
}

static void put_turn(struct writer *w, const struct state_turn *t) {
	struct mp_out *o = &w->out;
	mp_array(o, 11);
	mp_uint(o, t->seq);
	mp_str(o, t->principal);
	mp_str(o, t->speaker);
	mp_str(o, t->model);
	mp_str(o, t->user);
	mp_str(o, t->answer);
	mp_str(o, t->symbols);
	mp_str(o, record_visibility_name(t->visibility));
	mp_bool(o, t->cut);
	mp_uint(o, t->trust_ppm);
	mp_bin(o, t->view_hash.bytes, HASH_BYTES);
	flush(w);
}

static void put_turns(struct writer *w, const struct journal_state *s) {
	unsigned kept = s->turns_end < STATE_TURNS_MAX ? (unsigned)s->turns_end : STATE_TURNS_MAX;
	mp_array(&w->out, kept);
	for (unsigned back = kept; back-- > 0;)
		put_turn(w, state_turn(s, back));
}

static void put_requests(struct writer *w, const struct journal_state *s) {
	uint64_t end = s->requests_end,
		 first = end < STATE_REQUESTS_MAX ? 0 : end - STATE_REQUESTS_MAX;
	mp_array(&w->out, (uint32_t)(end - first));
	for (uint64_t n = first; n < end; n++) {
		const struct state_request *q = &s->requests[n % STATE_REQUESTS_MAX];
		mp_array(&w->out, 5);
		mp_str(&w->out, q->id);
		mp_str(&w->out, q->principal);
		mp_uint(&w->out, q->seq);
		mp_bool(&w->out, q->cut);
		mp_str(&w->out, q->answer);
		flush(w);
	}
}

struct hash state_hash(const struct journal_state *s) {
	struct writer w;
	struct hash h;
	CHECK(crypto_generichash_init(&w.hash, NULL, 0, HASH_BYTES) == 0);
	mp_begin(&w.out, w.buffer, sizeof(w.buffer));
	put_head(&w, s);
	put_facts(&w, s);
	put_evidence(&w, s);
	put_settings(&w, s);
	put_turns(&w, s);
	put_requests(&w, s);
	flush(&w);
	CHECK(crypto_generichash_final(&w.hash, h.bytes, HASH_BYTES) == 0);
	return h;
}

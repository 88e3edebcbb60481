/*
 * store.c - on the writer's thread: batches into the file, one transaction for a group of them.
 *
 * Three kinds of batches come alone.  A snapshot writes the state beside the records, and a record that vouches for it.
 * An erasure takes a body away, and with it the snapshots that know what it said; where the records before a snapshot
 * were let go, so that none can be made anew, what it brought is taken out of that one, and another record vouches for
 * the rest.  A compaction says which records are to go, of those that a snapshot stands for.
 */
#include <stdlib.h>
#include <string.h>
#include "journal/body.h"
#include "journal/journal_priv.h"
#include "journal/state.h"

/* ---- records ---- */

/* Link it into the chain. */
static int insert(struct journal *j, struct journal_record *r, struct chain *c) {
	r->seq = c->seq + 1;
	r->prev = c->hash;
	r->body_hash = hash_of(r->body, r->body_bytes);
	r->hash = record_hash(r);
	int rc = db_insert(&j->db, r);
	if (rc == 0)
		*c = (struct chain){ r->seq, r->hash };
	return rc;
}

/* -EEXIST in the batch, and nothing stored, when its request was answered before. */
static int insert_batch(struct journal *j, struct batch *b, struct chain *c) {
	uint64_t seq = c->seq + 1 + b->request_of;
	int rc = 0;
	if (b->request[0])
		rc = db_request_note(&j->db, b->records[b->request_of].principal, b->request, seq, &b->existing);
	if (rc == 1)
		b->rc = -EEXIST;
	for (uint32_t i = 0; rc == 0 && i < b->count; i++)
		rc = insert(j, &b->records[i], c);
	return rc < 0 ? rc : 0;
}

/* ---- whole states ---- */

struct bytes {
	uint8_t *at;
	size_t count, room;
	bool failed;
};

static void gather(void *user, const void *bytes, size_t count) {
	struct bytes *b = user;
	if (b->room - b->count < count && !b->failed) {
		size_t room = 2 * b->room + count + 65536;
		uint8_t *more = realloc(b->at, room);
		b->failed = !more;
		b->at = more ? more : b->at;
		b->room = more ? room : b->room;
	}
	if (b->failed)
		return;
	memcpy(b->at + b->count, bytes, count);
	b->count += count;
}

/* The body of a record that vouches for this image, into the room that its batch left for it. */
static int write_snapshot_body(struct journal_record *r, const struct journal_state *s, const struct bytes *image,
		const struct hash *hash, size_t room) {
	struct body_snapshot body = { s->seq, state_hash(s), *hash, image->count };
	int n = body_build_snapshot(&body, (void *)(uintptr_t)r->body, room);
	r->body_bytes = n < 0 ? 0 : (uint32_t)n;
	return n < 0 ? n : 0;
}

static int insert_snapshot(struct journal *j, struct journal_record *r, const struct journal_state *s,
		struct chain *c) {
	struct bytes image = { .at = NULL };
	state_encode(s, gather, &image);
	if (image.failed) {
		free(image.at);
		return -ENOMEM;
	}
	struct hash hash = hash_of(image.at, image.count);
	int rc = write_snapshot_body(r, s, &image, &hash, r->body_bytes);
	if (rc == 0)
		rc = insert(j, r, c);
	struct db_snapshot row = { s->seq, r->seq, 0, hash, image.at, image.count };
	if (rc == 0)
		rc = db_snapshot_put(&j->db, &row);
	free(image.at);
	return rc;
}

static int store_snapshot(struct journal *j, struct batch *b, struct chain *c) {
	int rc = insert_snapshot(j, &b->records[0], j->image, c);
	return rc == 0 ? db_snapshot_thin(&j->db) : rc;
}

/* ---- erasure ---- */

/* Take what record `seq` brought out of the snapshot at `upto`. */
static int scrub(struct journal *j, uint64_t seq, uint64_t upto, struct journal_record *r, struct chain *c) {
	sqlite3_stmt *hold = NULL;
	struct db_snapshot row;
	struct journal_state *s = calloc(1, sizeof(*s));
	int rc = s ? db_snapshot_find(&j->db, upto, &hold, &row) : -ENOMEM;
	if (rc == 1)
		rc = row.upto == upto ? state_decode(s, row.state, row.bytes) : 0;
	else if (rc == 0)
		rc = -EBADMSG; /* records went, and what stood for them is not there */
	sqlite3_finalize(hold);
	if (rc == 0) {
		state_scrub(s, seq);
		rc = insert_snapshot(j, r, s, c);
	}
	free(s);
	return rc == -EPROTO ? -EBADMSG : rc;
}

/* The note, and room for the record that vouches for what is left of a snapshot. */
static int store_erasure(struct journal *j, struct batch *b, struct chain *c) {
	uint64_t seq = b->erase, upto = j->compaction.upto;
	bool gone = seq <= upto; /* the records around it may be */
	int rc = db_erase(&j->db, seq);
	if (rc == -ENOENT && gone)
		rc = 0;
	if (rc == 0)
		rc = db_note_wipe(&j->db);
	if (rc == 0)
		rc = db_snapshot_drop(&j->db, gone ? upto + 1 : seq, INT64_MAX);
	if (rc == 0)
		rc = insert(j, &b->records[0], c);
	if (rc == 0 && gone)
		rc = scrub(j, seq, upto, &b->records[1], c);
	else if (rc == 0)
		b->count = 1;
	return rc;
}

/* ---- compaction ---- */

static int store_compaction(struct journal *j, struct batch *b, struct chain *c) {
	struct body_compact body;
	struct db_compaction next = { .upto = 0 };
	struct db_snapshot row;
	sqlite3_stmt *hold = NULL;
	if (body_parse_compact(b->records[0].body, b->records[0].body_bytes, &body) < 0 ||
			body.kinds.bytes >= sizeof(next.kinds))
		return -EINVAL;
	if (body.upto < j->compaction.upto || j->compaction.done < j->compaction.upto)
		return -EBUSY; /* what was to go before has not gone yet */
	int rc = db_snapshot_find(&j->db, body.upto, &hold, &row);
	rc = rc == 1 && row.upto == body.upto ? 0 : rc < 0 ? rc : -ENOENT;
	sqlite3_finalize(hold);
	next.upto = body.upto;
	memcpy(next.kinds, body.kinds.at, body.kinds.bytes);
	if (rc == 0)
		rc = insert(j, &b->records[0], c);
	if (rc == 0)
		rc = db_snapshot_drop(&j->db, 0, body.upto - 1);
	if (rc == 0)
		rc = db_compaction_begin(&j->db, &next);
	return rc;
}

/* ---- a group ---- */

static int (*const works[])(struct journal *j, struct batch *b, struct chain *c) = {
	[BATCH_RECORDS] = insert_batch,
	[BATCH_ERASURE] = store_erasure,
	[BATCH_SNAPSHOT] = store_snapshot,
	[BATCH_COMPACTION] = store_compaction,
};

int store_group(struct journal *j, struct batch *const *group, unsigned n) {
	struct chain c = j->chain;
	int rc = db_begin(&j->db);
	for (unsigned i = 0; rc == 0 && i < n; i++) {
		group[i]->rc = 0; /* it may be tried a second time */
		rc = works[group[i]->work](j, group[i], &c);
	}
	if (rc == 0)
		rc = db_in_place(&j->db);
	if (rc == 0)
		rc = db_commit(&j->db);
	if (rc < 0) {
		db_rollback(&j->db);
		return rc;
	}
	j->chain = c;
	if (group[0]->work == BATCH_COMPACTION)
		rc = db_compaction_find(&j->db, &j->compaction);
	journal_count(&j->stats.commits, 1);
	return rc < 0 ? rc : 0;
}

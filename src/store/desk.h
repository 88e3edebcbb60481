/*
 * desk.h - what a reader asks of writers, in its own segment: "I hold this slot", "wake me".
 *
 * Both are Dekker pairs of sequentially consistent words.  A reader posts its lease, then looks at
 * the slot's stamp; a writer makes the stamp odd, then looks at the desks: at least one sees the
 * other and steps back.  A waiter counts itself in, then looks at the field's head; a writer
 * stores the head, then looks at the counts.
 *
 * The writer must know the desk: peers_replace() first puts the reader's segment into the table and
 * then acknowledges it (layout_head.desks); before that desk_is_known() is false and there are
 * neither leases nor unlimited sleeps.  The desk of a process that the directory calls over is void.
 *
 * Any thread, no lock, no system call.
 */
#ifndef STORE_DESK_H
#define STORE_DESK_H

#include <stdbool.h>
#include "store/peers.h"

struct field_writer;

/* Does the owner of `writer` respect our desk? */
bool desk_is_known(const struct peers *t, const struct segment *writer);

/*
 * Reader: take a free word of our own desk and say what we hold; NULL: the quota is used up.  The sample need not
 * stand in the slot yet: whatever else does is not held by this.
 */
uint64_t *desk_post(const struct peers *t, uint16_t field, uint32_t epoch, uint32_t slot, uint64_t version);
void desk_clear(uint64_t *lease);
/* Is anything of that generation of the process held by us? */
bool desk_holds(const struct peers *t, uint16_t process, uint32_t epoch);
/* Leases that we hold. */
unsigned desk_count(const struct peers *t);

/* Reader: from begin to end, writers of the field make the wake-up call. */
void desk_wait_begin(const struct peers *t, uint16_t field);
void desk_wait_end(const struct peers *t, uint16_t field);
/* Threads of ours that wait for the field, or for one that shares its word. */
uint32_t desk_waits(const struct peers *t, uint16_t field);

/* Writer: does any living reader hold that sample of its field, which stands in that slot? */
bool desk_is_leased(struct field_writer *w, uint32_t slot, uint64_t version);
/* Writer: does any living reader wait for its field (or one that shares its word)? */
bool desk_waiting(struct field_writer *w);

#endif

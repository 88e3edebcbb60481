/* batch.h - random batches for the simulator: every kind of record, small and large, each body with its own mark. */
#ifndef TEST_SIM_BATCH_H
#define TEST_SIM_BATCH_H

#include "test/sim/model.h"

/* Fill b with 1 to MODEL_BATCH_MAX entries, none of kind erase; `heavy`: of many kilobytes.  *number grows. */
void batch_fill(struct model_batch *b, uint64_t *dice, uint64_t *number, bool heavy);
/* Make b a turn with the request of `of`, which stands at `seq`, and other words. */
void batch_again(struct model_batch *b, uint64_t *dice, uint64_t *number, const struct model_entry *of, uint64_t seq);
/* Make b the note of an erasure of record `seq`, and the record that vouches for what is left of a snapshot then. */
void batch_erase(struct model_batch *b, uint64_t *dice, uint64_t *number, uint64_t seq);
/* The record that vouches for a snapshot: its body is the journal's, its entity tells it from others. */
void batch_snapshot(struct model_batch *b, uint64_t *number);
/* Make b the note of a compaction as it was planned. */
void batch_compact(struct model_batch *b, uint64_t *number, const struct body_compact *plan, uint64_t kinds);
/* The same as the journal wants it; borrows from b. */
void batch_entries(const struct model_batch *b, struct journal_entry out[MODEL_BATCH_MAX]);

/* splitmix64 */
uint64_t batch_dice(uint64_t *dice);

#endif

/*
 * replay_player.h - one entity of a machine, played: a program that attaches as it, as any could, and publishes what
 * was recorded of its fields.
 *
 * Bytes, trust and status are as they were recorded; source times are as long before the present as they were before
 * their publication.  Fields of a group go out together, when all of a commit are there.  One thread.
 */
#ifndef CADMUS_REPLAY_PLAYER_H
#define CADMUS_REPLAY_PLAYER_H

#include "cadmus/client.h"
#include "replay/recorded.h"
#include "schema/plan.h"

struct replay_player;

/* Become `entity` of `machine`.  -EACCES: it is not left to programs; -EBUSY ...: as cdm_attach_as(). */
MUST_CHECK int replay_player_open(struct replay_player **out, const char *machine, const char *entity,
		struct cdm_diag *diag);
/* Leave.  Accepts NULL; sets *p NULL. */
void replay_player_close(struct replay_player **p);

/* The next sample of a field of its, by its index in the plan.  One of a group waits for the rest of its commit. */
void replay_player_say(struct replay_player *p, uint16_t field, const struct recorded *s);
/* Samples of the field that went out; that could not, or still wait. */
void replay_player_counts(const struct replay_player *p, uint16_t field, uint64_t *published, uint64_t *lost);

#endif

/*
 * frozen.h - after its start the guard allocates nothing; builds for tests prove it.
 *
 * frozen.c is empty.  frozen_abort.c is linked with --wrap=malloc and friends, and aborts on any
 * allocation while frozen.  The one thaw is for the parent's messages: a peer that was restarted has a
 * new segment, and mapping that cannot be done beforehand.
 */
#ifndef CADMUS_GUARD_FROZEN_H
#define CADMUS_GUARD_FROZEN_H

void frozen_begin(void);
void frozen_end(void);

#endif

/*
 * frozen.h - after its start the guard allocates nothing; builds for tests prove it.
 *
 * frozen.c is empty.  frozen_abort.c has a malloc and friends of its own, and aborts on any allocation
 * while frozen: from READY to the end, also when a peer that was restarted brings new memory.
 */
#ifndef CADMUS_GUARD_FROZEN_H
#define CADMUS_GUARD_FROZEN_H

void frozen_begin(void);
void frozen_end(void);

#endif

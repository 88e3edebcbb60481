/*
 * main.c - cadmus-core: the mind of a machine, started by cadmusd with its seat in CADMUS_SEAT.
 *
 * A program of its own, so that none but this process holds SQLite and all that makes sense of words.
 */
#include "runtime/core.h"
#include "runtime/role.h"

int main(void) {
	return role_run("core", core_main);
}

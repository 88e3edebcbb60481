/*
 * group.pml - fields that share one head: what is committed together is seen together.
 *
 * Steps are named as in src/store/field.c.  All members of a group (plan_field.group) take the same slots; their samples are
 * stamped one after the other, and the head of the leader tells of all of them at once.  A reader goes by the head: it loads
 * it once and takes that version of each member, or starts anew.
 *
 * -D: MEMBERS SLOTS COMMITS READS; TSO
 *
 * Properties:
 *   all_of_a_commit        who has seen a head finds every member at that version, or at a later one: never at an earlier one
 *   no_torn_view           what is taken of all members by one head is of one version
 *   views_follow           whoever took one member at a version gets no earlier one of another member
 */
#define STAMP(member, slot) ((member) * SLOTS + (slot))
#define WORD(member, slot) ((MEMBERS + (member)) * SLOTS + (slot))
#define HEAD (2 * MEMBERS * SLOTS)
#define WORDS (2 * MEMBERS * SLOTS + 1)
#define EVEN(version) ((version) * 2)
#define ODD(version) ((version) * 2 + 1)
#define BUFFERS 1

bool all_of_a_commit = true, no_torn_view = true, views_follow = true;

inline visible(at, v) { skip }

#include "memory.pml"

/* The leader, member 0, is the last. */
#define EACH_MEMBER m = MEMBERS; do :: m > 0 -> m--;
#define NEXT_MEMBER :: else -> break od

active proctype writer() {
	byte version = 0, slot = 0, m;

	do
	:: version < COMMITS ->
		EACH_MEMBER store_total(0, STAMP(m, slot), ODD(version + 1)) NEXT_MEMBER; /* W1 */
		EACH_MEMBER store(0, WORD(m, slot), version + 1) NEXT_MEMBER; /* W4, W5 */
		version++;
#ifdef BUG_HEAD_FIRST
		store_total(0, HEAD, slot * 32 + version);
#endif
		EACH_MEMBER store(0, STAMP(m, slot), EVEN(version)) NEXT_MEMBER; /* W6 */
#ifndef BUG_HEAD_FIRST
		store_total(0, HEAD, slot * 32 + version); /* W7 */
#endif
		slot = (slot + 1 < SLOTS -> slot + 1 : 0)
	:: else -> break
	od
}

/* Takes all members by one head. */
active proctype viewer() {
	byte reads = 0, head, slot, version, m, stamp, word;
	bool all;

	do
	:: reads < READS ->
		reads++;
		atomic { head = mem[HEAD]; slot = head / 32; version = head % 32; m = 0; all = head > 0 } /* R2 */
		do
		:: m < MEMBERS && all ->
			atomic { /* R3, R7 */
				stamp = mem[STAMP(m, slot)];
				all_of_a_commit = stamp >= EVEN(version) && stamp != ODD(version);
				assert(all_of_a_commit);
				all = stamp == EVEN(version)
			}
			if
			:: all ->
				word = mem[WORD(m, slot)]; /* R8 */
				atomic { /* R9 */
#ifndef BUG_NO_SECOND_LOOK
					all = mem[STAMP(m, slot)] == EVEN(version);
#endif
					no_torn_view = !all || word == version;
					assert(no_torn_view)
				}
			:: else
			fi;
			m++
		:: else -> break
		od
	:: else -> break
	od
}

/* Takes one member after the other, each as the latest, by a handle of its own. */
active proctype taker() {
	byte reads = 0, newest = 0, head, slot, version, m;

	do
	:: reads < READS ->
		atomic {
			reads++;
			if
			:: m = 0
			:: m = MEMBERS - 1
			fi
		}
		atomic { head = mem[HEAD]; slot = head / 32; version = head % 32 } /* R2 */
#ifdef BUG_LEADER_BY_STAMP
		slot = (slot + 1 < SLOTS && version > 0 -> slot + 1 : 0);
		if
		:: m == 0 && mem[STAMP(m, slot)] == EVEN(version + 1) -> version++ /* R1 */
		:: else -> slot = head / 32
		fi;
#endif
		if
		:: atomic { version > 0 && mem[STAMP(m, slot)] == EVEN(version) -> /* R3 */
				views_follow = version >= newest;
				assert(views_follow);
				newest = version
			}
		:: else
		fi
	:: else -> break
	od
}

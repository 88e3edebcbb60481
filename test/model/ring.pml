/*
 * ring.pml - field.c: one writer, and readers that read the latest, the next in order, and borrow, as they like.
 *
 * Steps are named as in src/store/field.c and desk.c.  A word of memory is a byte here: a stamp is version * 2 + odd, a head
 * slot * 32 + version, a lease version * 8 + slot + 1.  A payload is two words that both hold the version: a mixture shows.  Each reader
 * has a desk with one lease, may take a sample in any of the four ways each time, and may die at any moment.
 *
 * -D: SLOTS READERS READS ATTEMPTS (of the writer) LEASES (0: copy only); TSO; PROGRESS (check writer_progress)
 *
 * Properties:
 *   no_torn_read                what a reader takes is all of one version
 *   says_its_version            and of the version that it says
 *   no_overwritten_lease        no word of a slot is stored to while somebody holds it
 *   newest_stays                at each instruction of the writer the sample that the head names is whole in its slot
 *   versions_increase           in order: each version is larger than the last one; of the latest: never smaller
 *   reads_what_it_was_told_of   of the latest: who saw by its stamp that there is a newer one gets a newer one
 *   counts_missed_exactly       in order: what is said to be missed is what lies between
 *   an_honest_writer_is_not_called_broken
 *   writer_progress             the writer ends whatever readers do: it publishes or drops, and never waits for one
 */
#define NONE 255
#define STAMP(slot) (slot)
#define WORD_A(slot) (SLOTS + (slot))
#define WORD_B(slot) (2 * SLOTS + (slot))
#define HEAD (3 * SLOTS)
#define LEASE(reader) (3 * SLOTS + 1 + (reader))
#define WORDS (3 * SLOTS + 1 + READERS)
#define EVEN(version) ((version) * 2)
#define ODD(version) ((version) * 2 + 1)
#define HOLDS(slot, version) ((version) * 8 + (slot) + 1)
#define WRITER 0
#define BUFFERS (1 + READERS)

#ifdef TSO
#define FIRST_READER (BUFFERS + 1)
#else
#define FIRST_READER 1
#endif

bool no_torn_read = true, says_its_version = true, no_overwritten_lease = true, newest_stays = true;
bool reads_what_it_was_told_of = true;
bool versions_increase = true, counts_missed_exactly = true, an_honest_writer_is_not_called_broken = true;
byte held[SLOTS]; /* leases that were granted: not of the protocol, but what it promises */
bool ended; /* the writer */

inline visible(at, v) {
	if
	:: at >= SLOTS && at < HEAD -> no_overwritten_lease = held[at % SLOTS] == 0; assert(no_overwritten_lease)
	:: else
	fi;
	if
	:: at <= HEAD && mem[HEAD] != 0 ->
		newest_stays = mem[STAMP(mem[HEAD] / 32)] == EVEN(mem[HEAD] % 32) &&
			mem[WORD_A(mem[HEAD] / 32)] == mem[HEAD] % 32 && mem[WORD_B(mem[HEAD] / 32)] == mem[HEAD] % 32;
		assert(newest_stays)
	:: else
	fi
}

#include "memory.pml"

inline scan_leases() { /* desk_is_leased(): W2, one load a desk; of the sample that stands there, if one does */
	leased = false;
	i = 0;
	do
	:: i < READERS && LEASES && own[slot] % 2 == 0 ->
		atomic { leased = leased || mem[LEASE(i)] == HOLDS(slot, own[slot] / 2); i++ }
	:: else -> break
	od
}

inline claim() {
#ifdef BUG_SCAN_FIRST
	scan_leases();
#endif
#if defined BUG_NO_ODD
	skip;
#elif defined WEAK_W1
	store(WRITER, STAMP(slot), ODD(version + 1));
#else
	store_total(WRITER, STAMP(slot), ODD(version + 1)); /* W1 */
#endif
#ifndef BUG_SCAN_FIRST
	scan_leases();
#endif
#ifdef BUG_WAITS_FOR_READER
	do
	:: leased -> scan_leases()
	:: else -> break
	od;
#endif
	if
	:: leased -> store(WRITER, STAMP(slot), own[slot]) /* W3 */
	:: else -> atomic { own[slot] = ODD(version + 1); next = slot }
	fi
}

inline claim_next() {
	atomic {
		if
		:: newest + 1 < SLOTS -> slot = newest + 1
		:: else -> slot = 0
		fi;
#ifdef BUG_TAKES_NEWEST
		if
		:: version > 0 -> slot = newest
		:: else
		fi;
#endif
		k = 1
	}
	do
	:: k < SLOTS && next == NONE ->
		claim();
		atomic {
			k++;
			if
			:: slot + 1 < SLOTS -> slot++
			:: else -> slot = 0
			fi
		}
	:: else -> break
	od
}

active proctype writer() {
	byte version = 0, newest = SLOTS - 1, next = NONE, slot, i, k, attempts = 0;
	byte own[SLOTS]; /* the writer's view of its own stamps */
	bool leased;

	claim_next(); /* field_writer_open() */
	do
	:: attempts < ATTEMPTS ->
		attempts++;
		if
		:: next == NONE -> claim_next() /* field_loan() */
		:: else
		fi;
		if
		:: next == NONE -> skip /* a drop, counted */
		:: else ->
#ifdef BUG_EARLY_EVEN
			store(WRITER, STAMP(next), EVEN(version + 1));
#endif
			store(WRITER, WORD_A(next), version + 1); /* W4 payload, W5 what is said of it */
			if
			:: skip /* field_abandon(): half filled, and still claimed */
			:: store(WRITER, WORD_B(next), version + 1);
				atomic { newest = next; next = NONE; version++; own[newest] = EVEN(version) }
				store(WRITER, STAMP(newest), EVEN(version)); /* W6 */
				store_total(WRITER, HEAD, newest * 32 + version); /* W7 */
				claim_next()
			fi
		fi
	:: else -> break
	od;
	ended = true
}

#define BEHIND(slot) ((slot) + 1 < SLOTS -> (slot) + 1 : 0)

inline find_latest() { /* goes to `again` when there is none, or the writer has moved on */
	atomic { head = mem[HEAD]; slot = head / 32 } /* R2 */
	atomic { /* R3 */
		stamp = mem[STAMP(slot)];
		if
		:: stamp % 2 == 1 || stamp / 2 != head % 32 || stamp == 0 -> goto again
		:: else
		fi;
		version = stamp / 2;
		newest = version
	}
	if
	:: version < taken ->
		atomic { /* R4 */
			if
			:: mem[STAMP(place)] == EVEN(taken) -> slot = place; version = taken; newest = taken
			:: else ->
#ifdef TAKEN_GONE_IS_BROKEN
				an_honest_writer_is_not_called_broken = false;
				assert(an_honest_writer_is_not_called_broken);
#endif
				goto again
			fi
		}
	:: else
	fi;
	if
	:: version == taken && taken > 0 -> /* prefer_behind() */
#ifndef BUG_BELIEVES_THE_HEAD
		atomic { /* R1 */
			if
			:: mem[STAMP(BEHIND(place))] == EVEN(taken + 1) ->
				slot = BEHIND(place); version = taken + 1; newest = version
#ifndef BUG_PASSED_IS_NOTHING
			:: mem[STAMP(BEHIND(place))] / 2 > taken + 1 -> goto again
#endif
			:: else
			fi
		}
#else
		skip
#endif
	:: else
	fi
}

#define BEFORE(slot, steps) ((slot) >= (steps) -> (slot) - (steps) : (slot) + SLOTS - (steps))

inline find_in_order() { /* find_version(taken + 1), else find_half_lap(taken) */
	if
	:: newest - (taken + 1) < SLOTS ->
		atomic { k = 0; there = BEFORE(slot, newest - (taken + 1)) }
		do
		:: k < SLOTS && !found ->
			atomic { /* R5 */
				if
				:: mem[STAMP(there)] == EVEN(taken + 1) -> slot = there; version = taken + 1; found = true
				:: else -> there = BEFORE(there, 1); k++
				fi
			}
		:: else -> break
		od
	:: else
	fi;
	k = SLOTS / 2;
	do
	:: k > 0 && !found ->
		atomic { /* R6 */
			there = BEFORE(slot, k);
			stamp = mem[STAMP(there)];
			if
#ifdef BUG_HALF_LAP_GOES_BACK
			:: stamp % 2 == 0 && stamp > 0 && stamp / 2 < newest ->
#else
			:: stamp % 2 == 0 && stamp / 2 > taken && stamp / 2 < newest && stamp / 2 + SLOTS / 2 > newest ->
#endif
				slot = there; version = stamp / 2; found = true
			:: else -> k--
			fi
		}
	:: else -> break
	od
}

inline took() {
	no_torn_read = a == b;
	assert(no_torn_read);
	says_its_version = a == version;
	assert(says_its_version);
	if
	:: in_order -> versions_increase = version > taken
	:: else -> versions_increase = version >= taken
	fi;
	assert(versions_increase);
	reads_what_it_was_told_of = !told || version > taken;
	assert(reads_what_it_was_told_of);
	counts_missed_exactly = !in_order || missed == version - taken - 1;
	assert(counts_missed_exactly);
	taken = version;
	place = slot
}

active [READERS] proctype reader() {
	byte taken = 0, place = 0, reads = 0, ahead = 0, head, slot, version, newest, stamp, there, k, a, b, missed;
	bool in_order, by_lease, found, told;

again:
	do
	:: reads == READS -> break
	:: reads < READS ->
		atomic {
			reads++;
			found = false;
			told = false;
			if
			:: in_order = false
			:: in_order = true
			fi;
			if
			:: by_lease = false
			:: LEASES -> by_lease = true
			fi
		}
		if
		:: in_order && taken > 0 ->
			atomic { /* R1 */
				slot = BEHIND(place);
				stamp = mem[STAMP(slot)];
				found = stamp == EVEN(taken + 1);
				version = taken + 1;
				newest = version
			}
			if
			:: stamp == ODD(taken + 1) && by_lease && ahead != HOLDS(slot, version) -> /* none yet: be ready for it */
				ahead = HOLDS(slot, version);
#ifndef BUG_AHEAD_UNSEEN
				store_total(_pid - FIRST_READER + 1, LEASE(_pid - FIRST_READER), ahead); /* L0 */
#endif
				goto again
			:: stamp == ODD(taken + 1) && (!by_lease || ahead == HOLDS(slot, version)) -> goto again
			:: else
			fi
		:: !in_order && taken > 0 -> told = mem[STAMP(BEHIND(place))] == EVEN(taken + 1) /* field_news(): R1 */
		:: else
		fi;
		if
		:: !found ->
			find_latest();
			if
			:: in_order && newest == taken -> goto again
			:: in_order && newest > taken -> find_in_order()
			:: else
			fi
		:: else
		fi;
#ifdef BUG_COUNTS_BY_NEWEST
		missed = newest - taken - 1;
#else
		missed = version - taken - 1;
#endif
		if
		:: by_lease ->
			/* L1, desk_is_heard(): see desk.pml */
			if
			:: ahead == HOLDS(slot, version) -> skip /* it stands already, from L0 */
			:: else ->
#ifdef WEAK_L2
				store(_pid - FIRST_READER + 1, LEASE(_pid - FIRST_READER), HOLDS(slot, version))
#else
				store_total(_pid - FIRST_READER + 1, LEASE(_pid - FIRST_READER), HOLDS(slot, version)) /* L2 */
#endif
			fi;
			ahead = 0;
			atomic { /* L3 */
#ifdef BUG_NO_LEASE_LOOK
				found = true;
#else
				found = mem[STAMP(slot)] == EVEN(version);
#endif
				held[slot] = held[slot] + found
			}
			if
			:: found ->
				if
				:: a = mem[WORD_A(slot)] /* L4 */
				:: goto dead
				fi;
				b = mem[WORD_B(slot)];
				atomic { held[slot]--; took() }
			:: else
			fi;
			store(_pid - FIRST_READER + 1, LEASE(_pid - FIRST_READER), 0) /* L5 */
		:: else ->
			atomic { /* R7 */
				if
				:: mem[STAMP(slot)] != EVEN(version) -> goto again
				:: else
				fi
			}
			a = mem[WORD_A(slot)]; /* R8 */
			b = mem[WORD_B(slot)];
			atomic { /* R9 */
				if
#ifndef BUG_NO_SECOND_LOOK
				:: mem[STAMP(slot)] != EVEN(version) -> goto again
#endif
				:: else -> took()
				fi
			}
		fi
	od;
dead:
	skip
}

#ifdef PROGRESS
ltl writer_progress { <> ended }
#endif

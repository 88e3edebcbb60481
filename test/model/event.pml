/*
 * event.pml - event.c: threads of one process that write records, and a reader with a cursor.
 *
 * Steps are named as in src/store/event.c.  A record is two words that both hold its number.
 *
 * -D: WRITERS RECORDS (of each) RING (a power of two) READS TURNS; TSO
 *
 * Properties:
 *   no_torn_read, says_its_version, versions_increase, counts_missed_exactly     as in ring.pml, of records
 *   an_honest_writer_is_not_called_broken
 *   one_writes_at_a_time    and who does not get his turn drops the record: the writers end
 */
#define STAMP(number) ((number) % RING)
#define WORD_A(number) (RING + (number) % RING)
#define WORD_B(number) (2 * RING + (number) % RING)
#define HEAD (3 * RING)
#define BUSY (3 * RING + 1)
#define WORDS (3 * RING + 2)
#define EVEN(number) ((number) * 2)
#define ODD(number) ((number) * 2 + 1)
#define BUFFERS WRITERS

bool no_torn_read = true, says_its_version = true, versions_increase = true, counts_missed_exactly = true;
bool an_honest_writer_is_not_called_broken = true, one_writes_at_a_time = true;
byte number, inside;

inline visible(at, v) { skip }

#include "memory.pml"

#ifdef TSO
#define FIRST BUFFERS
#else
#define FIRST 0
#endif

active [WRITERS] proctype writer() {
	byte records = 0, turns, n, me = _pid - FIRST;
	bool entered;

	do
	:: records < RECORDS ->
		records++;
		turns = 0;
		entered = false;
		do
		:: turns < TURNS && !entered ->
			atomic { /* E1 */
				drained(me) ->
				entered = mem[BUSY] == 0;
#ifdef BUG_NO_TURNS
				entered = true;
#endif
				mem[BUSY] = 1;
				turns++
			}
		:: else -> break
		od;
		if
		:: !entered -> skip /* a drop, counted */
		:: else ->
			atomic {
				inside++;
				one_writes_at_a_time = inside == 1;
				assert(one_writes_at_a_time);
				number++;
				n = number
			}
#ifndef BUG_NO_ODD
			store(me, STAMP(n), ODD(n)); /* E2 */
#endif
#ifdef BUG_WORDS_LAST
			store(me, STAMP(n), EVEN(n));
			store(me, HEAD, n);
#endif
			store(me, WORD_A(n), n); /* E3 */
			store(me, WORD_B(n), n);
			store(me, STAMP(n), EVEN(n)); /* E4 */
#ifdef BUG_LEAVES_FIRST
			inside--;
			store(me, BUSY, 0);
			store(me, HEAD, n)
#else
			store(me, HEAD, n); /* E5 */
			inside--;
			store(me, BUSY, 0) /* E6 */
#endif
		fi
	:: else -> break
	od
}

active proctype reader() {
	byte taken = 0, last = 0, reads = 0, tries, before, head, n, a, b;
	bool news;

	do
	:: reads < READS ->
		reads++;
		before = taken;
		tries = 0;
again:
		if
		:: tries == 2 -> skip /* lapsed */
		:: else ->
			atomic { /* N1 */
				head = mem[HEAD];
				an_honest_writer_is_not_called_broken = head >= taken;
				assert(an_honest_writer_is_not_called_broken);
				n = taken + 1;
				if
				:: head > taken && (head - n >= RING || tries > 0) && head - taken > RING / 2 ->
					n = head - RING / 2 + 1
				:: else
				fi;
				news = head > taken;
#ifdef BUG_CURSOR_MOVES_FIRST
				taken = (news -> n : taken);
#endif
				tries++
			}
			if
			:: !news -> skip
			:: else ->
				if
				:: mem[STAMP(n)] != EVEN(n) -> goto again /* N2 */
				:: else
				fi;
				a = mem[WORD_A(n)]; /* N3 */
				b = mem[WORD_B(n)];
				atomic { /* N4 */
					if
#ifndef BUG_NO_SECOND_LOOK
					:: mem[STAMP(n)] != EVEN(n) -> goto again
#endif
					:: else
					fi;
					no_torn_read = a == b;
					assert(no_torn_read);
					says_its_version = a == n;
					assert(says_its_version);
					versions_increase = n > last;
					assert(versions_increase);
					counts_missed_exactly = n - before - 1 == n - last - 1;
					assert(counts_missed_exactly);
#ifndef BUG_KEEPS_CURSOR
					taken = n;
#endif
					last = n
				}
			fi
		fi
	:: else -> break
	od
}

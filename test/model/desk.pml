/*
 * desk.pml - desk.c: how a writer gets to know the desk of a reader who is reborn, and what the dead leave on theirs.
 *
 * Steps are named as in src/store/desk.c, peers.c, directory.c.  One writer and one slot, which it wants for each sample.  Life 1 of the
 * reader is known; it may die at any moment, with its lease on the desk.  Then the parent (the kernel told it) says so in the
 * directory, starts life 2, and gives its segment to the writer's control thread.
 *
 * -D: ATTEMPTS (of the writer) LEASES (of each life)
 *
 * Properties:
 *   no_overwritten_lease      while somebody living holds the slot nothing is stored to its payload
 *   the_dead_hold_nothing     when both lives are over the writer gets the slot
 */
#define STAMP 0
#define PAYLOAD 1
#define LEASE(life) (1 + (life)) /* a desk a life */
#define NOW 4 /* the writer's at[].now */
#define KNOWN 5 /* the writer's desks[] */
#define LIFE 6 /* epoch * 2 + over */
#define WORDS 7
#define EVEN(version) ((version) * 2)
#define FIRST_READER 3
#define ODD(version) ((version) * 2 + 1)

#ifdef BUG_DOES_NOT_ASK
#define is_known(life) true
#else
#define is_known(life) (mem[KNOWN] == life)
#endif

bool no_overwritten_lease = true, the_dead_hold_nothing = true;
byte held;
bool dead[3], handed_out;

inline visible(at, v) {
	if
	:: at == PAYLOAD -> no_overwritten_lease = held == 0; assert(no_overwritten_lease)
	:: else
	fi
}

#include "memory.pml"

inline claim() {
	store_total(0, STAMP, ODD(version + 1)); /* W1 */
	desk = mem[NOW]; /* H1 */
	atomic { /* D2, directory_is_over() */
		over = mem[LIFE] != desk * 2;
#ifdef BUG_DEAD_COUNT
		over = false;
#endif
	}
	if
	:: over -> leased = false
	:: else -> leased = mem[LEASE(desk)] /* W2 */
	fi
}

active proctype writer() {
	byte version = 0, attempts = 0, desk;
	bool over, leased, all_over;

	mem[NOW] != 0;
	do
	:: attempts < ATTEMPTS || !all_over ->
		atomic {
			all_over = mem[LIFE] == 5;
			attempts = (attempts < ATTEMPTS -> attempts + 1 : attempts)
		}
		claim();
		if
		:: leased ->
			atomic { the_dead_hold_nothing = !all_over; assert(the_dead_hold_nothing) }
			store(0, STAMP, EVEN(version)) /* W3 */
		:: !leased && attempts < ATTEMPTS -> /* afterwards it only tries */
			store(0, PAYLOAD, version + 1); /* W4 */
			version++;
			store(0, STAMP, EVEN(version)) /* W6 */
		:: else -> store(0, STAMP, EVEN(version))
		fi
	:: else -> break
	od
}

active proctype control() {
	d_step { mem[NOW] = 1; mem[KNOWN] = 1; mem[LIFE] = 2 }
	handed_out;
#ifdef BUG_ACKNOWLEDGES_FIRST
	store_total(1, KNOWN, 2);
	store_total(1, NOW, 2)
#else
	store_total(1, NOW, 2); /* T1 */
	store_total(1, KNOWN, 2) /* T2 */
#endif
}

active proctype parent() {
	mem[NOW] != 0;
#ifndef BUG_BURIES_THE_LIVING
	dead[1];
#endif
	store(2, LIFE, 3); /* D1: dead */
	store(2, LIFE, 4); /* D1: starting, the next epoch */
	handed_out = true;
	dead[2];
	store(2, LIFE, 5) /* D1 */
}

active [2] proctype reader() {
	byte life = _pid - FIRST_READER + 1, leases = 0, version, stamp, seen;

	if
	:: life == 1 -> mem[NOW] != 0
	:: life == 2 -> handed_out
	fi;
	do
	:: leases < LEASES ->
		leases++;
		atomic { stamp = mem[STAMP]; version = stamp / 2 } /* R3 */
		if
		:: stamp % 2 == 0 && stamp > 0 && is_known(life) -> /* L1 */
			store_total(2 + life, LEASE(life), 1); /* L2 */
			if
			:: atomic { mem[STAMP] == EVEN(version) -> held++ } /* L3 */
				seen = mem[PAYLOAD]; /* L4 */
				if
				:: seen = mem[PAYLOAD]
				:: goto gone
				fi;
				held--
			:: atomic { mem[STAMP] != EVEN(version) }
			fi;
			store(2 + life, LEASE(life), 0) /* L5 */
		:: else
		fi
	:: goto gone
	:: else -> goto gone
	od;
gone:
	atomic { held = 0; dead[life] = true }
}

/*
 * wake.pml - wait.c: writers in two lives, threads of one process that sleep until there is news, and its control thread.
 *
 * Steps are named as in src/store/wait.c, desk.c, peers.c.  A stamp is 1 when that sample is complete; a slot is not used
 * again here (see ring.pml).  futex(2) compares and falls asleep in one step, as the kernel promises.  All sleepers share one
 * count.  A sleeper ends when it has the last sample of life 1, or was told to quit.
 *
 * -D: SLEEPERS VERSIONS; TSO; and what happens besides:
 *   TAKEOVER    there is a life 0 of the writer, which may die at any moment; life 1 has a segment of its own, the control
 *               thread puts it in the place of the first at any moment, and life 1 gets to know the sleepers' desk at any moment
 *   QUIT        life 1 never publishes its last sample: a flag and peers_interrupt() end the sleepers
 *
 * Properties:
 *   no_lost_wake_up      nobody is asleep when all others have done what they do; spin reports `invalid end state`.  This is
 *                        for samples, for a new life of the writer, and for peers_interrupt() after a flag
 *   nobody_is_woken_for_nothing    no wake-up call is made when nobody is counted in (the call would be a system call)
 */
#define HEAD(life) (life)
#define KNOWN(life) (2 + (life)) /* the writer's desks[]: whose desk it respects */
#define DESK(life) (4 + (life)) /* the writer's at[].now: whose desk it looks at */
#define WAITS 6
#define GENERATION 7
#define NOW 8 /* the sleepers' at[].now: which life of the writer they look at */
#define FLAG 9
#define STAMP(life, version) (10 + (life) * (VERSIONS + 2) + (version))
#define WORDS (10 + 2 * (VERSIONS + 2))

/* Who has a store buffer of its own: the writer in life 0 and 1 is 0 and 1. */
#define CONTROL 2
#define NEIGHBOUR 3
#define SLEEPER(me) (4 + (me))
#define BUFFERS (4 + SLEEPERS)

#ifdef TAKEOVER
#define now mem[NOW]
#define is_known(life) (life == 0 || mem[KNOWN(life)])
#define has_desk(life) (life == 0 || mem[DESK(life)])
#else
#define now 1
#define is_known(life) true
#define has_desk(life) true
#endif

#ifdef QUIT
#define LAST(life) (VERSIONS - (life))
#else
#define LAST(life) VERSIONS
#endif

bool nobody_is_woken_for_nothing = true;
byte asleep[SLEEPERS]; /* the kernel's: 1 + life whose head is slept on; 0: awake */
byte counted;          /* sleepers between S1 and S7: not of the protocol, but what it promises */

inline visible(at, v) { skip }

#include "memory.pml"

inline wake(which) { /* 0: on the generation, so everybody */
	d_step {
		k = 0;
		do
		:: k < SLEEPERS ->
			if
			:: which == 0 || asleep[k] == which -> asleep[k] = 0
			:: else
			fi;
			k++
		:: else -> break
		od
	}
}

proctype writer(byte life) {
	byte version = 0, k;

	do
	:: life == 0 -> goto dead
	:: version < LAST(life) ->
		version++;
#ifdef BUG_LOOKS_FIRST
		atomic { k = (has_desk(life) -> mem[WAITS] : 0) }
#endif
		store(life, STAMP(life, version), 1); /* W6 */
#ifdef WEAK_W7
		store(life, HEAD(life), version);
#else
		store_total(life, HEAD(life), version); /* W7 */
#endif
#ifndef BUG_LOOKS_FIRST
		k = 0;
		if
		:: has_desk(life) -> /* H1 */
			atomic {
				k = mem[WAITS]; /* W8 */
#ifdef BUG_WAKES_ALWAYS
				k = 1;
#endif
#ifndef WEAK_S1
				nobody_is_woken_for_nothing = k == 0 || counted > 0;
				assert(nobody_is_woken_for_nothing)
#endif
			}
		:: else /* it looks at no desk */
		fi;
#endif
		if
		:: k > 0 -> atomic { drained(life) -> wake(1 + life) } /* W9 */
		:: else
		fi
	:: version == LAST(life) -> break
	od;
dead:
	skip
}

proctype control() {
	byte k;

#ifdef TAKEOVER
	store_total(CONTROL, NOW, 1); /* T1 */
#ifndef BUG_NO_INTERRUPT
	atomic { drained(CONTROL) -> mem[GENERATION]++ } /* T7 */
	wake(0); /* T8 */
#endif
#endif
#ifdef QUIT
#ifdef BUG_FLAG_LAST
	atomic { drained(CONTROL) -> mem[GENERATION]++ }
	wake(0);
#endif
	store_total(CONTROL, FLAG, 1);
#ifndef BUG_FLAG_LAST
	atomic { drained(CONTROL) -> mem[GENERATION]++ } /* T7 */
	wake(0) /* T8 */
#endif
#endif
}

/* The control thread of life 1 is handed the segment of the sleepers. */
proctype neighbour() {
#ifdef BUG_ACKNOWLEDGES_FIRST
	store_total(NEIGHBOUR, KNOWN(1), 1);
	store_total(NEIGHBOUR, DESK(1), 1)
#else
	store_total(NEIGHBOUR, DESK(1), 1); /* T1 */
	store_total(NEIGHBOUR, KNOWN(1), 1) /* T2 */
#endif
}

#define NEWS (life != epoch || head > taken)

inline news() { /* field_news(): R1, then R2 */
	found = false;
	life = now; /* H1 */
	if
	:: taken > 0 && life == epoch -> atomic { found = mem[STAMP(life, taken + 1)]; behind = found } /* R1 */
	:: else
	fi;
	if
	:: !found -> atomic { head = mem[HEAD(life)]; behind = false; found = head > 0 && NEWS } /* R2 */
	:: else
	fi
}

proctype sleeper(byte me) {
	byte epoch = 0, taken = 0, told = 0, generation, watched, expected, life, head;
	bool found, behind, known, waiting;

	do
	:: epoch == 1 && taken == VERSIONS -> break
	:: mem[FLAG] -> break
	:: else ->
		news();
		if
		:: !found ->
#ifdef WEAK_S1
			store(SLEEPER(me), WAITS, 1);
#elif !defined BUG_NOT_COUNTED_IN
			atomic { drained(SLEEPER(me)) -> mem[WAITS]++; counted++ } /* S1 */
#endif
			waiting = true;
			do
			:: !waiting -> break
			:: else ->
				generation = mem[GENERATION]; /* S2 */
				watched = now; /* H1 */
#ifndef BUG_EXPECTS_LATE
				expected = mem[HEAD(watched)]; /* S3 */
#endif
				known = is_known(watched); /* S4 */
#ifndef BUG_NO_SECOND_LOOK
				news(); /* S5; it may find yet another life, but then the generation tells */
#endif
#ifdef BUG_EXPECTS_LATE
				expected = mem[HEAD(watched)];
#endif
				if
				:: found -> waiting = false
				:: !found && generation != told -> atomic { told = generation; waiting = false }
				:: else ->
					atomic { /* S6 */
						if
						:: known && mem[HEAD(watched)] == expected && mem[GENERATION] == generation ->
							asleep[me] = 1 + watched
						:: else /* the kernel refuses; or we sleep for a slice of time */
						fi
					}
					asleep[me] == 0
				fi
			od;
#ifdef WEAK_S1
			store(SLEEPER(me), WAITS, 0)
#elif !defined BUG_NOT_COUNTED_IN
			atomic { drained(SLEEPER(me)) -> mem[WAITS]--; counted-- } /* S7 */
#endif
		:: else
		fi;
		atomic {
			if
			:: found && behind -> taken++
			:: found && !behind -> epoch = life; taken = head
			:: else
			fi
		}
	od
}

init {
	byte n;
	atomic {
#ifdef TAKEOVER
		run writer(0);
		run neighbour();
#endif
		run writer(1);
		run control();
		n = 0;
		do
		:: n < SLEEPERS -> run sleeper(n); n++
		:: else -> break
		od
	}
}

/*
 * peers.pml - peers.c: a control thread that exchanges mappings, and handles in other threads that use and lease them.
 *
 * Steps are named as in src/store/peers.c.  Two processes are reborn, in any order; the handles look at the first.  Mappings
 * are numbered and never come back; the number is the epoch and stands in the memory itself.  What they are described by,
 * struct segment, is used again: by either process.
 *
 * -D: HANDLES CALLS (of each) LIVES (new mappings, in all) STRUCTS; NO_LEASES; TSO
 *
 * Properties:
 *   nothing_used_is_unmapped    a handle uses no memory that was unmapped, nor that of another process
 *   leased_memory_stays         what a lease borrowed is there until it is given back, however many lives later
 *   zeros_are_not_believed      a handle that finds the memory of a mapping gone knows that it was replaced
 *   epochs_never_mix            the epoch that a reader says is that of the memory that it read
 *   users_are_counted           a count never goes below 0
 *   nothing_is_left             when all handles are closed, peers_tidy() leaves one mapping a process
 */
#define NONE 255
#define NOW(process) (process)
#define USERS(s) (2 + (s))
#define LEASE(handle) (2 + STRUCTS + (handle))
#define WORDS (2 + STRUCTS + HANDLES)
#define CONTROL 0
#define BUFFERS (1 + HANDLES)

#ifdef TSO
#define FIRST_HANDLE (BUFFERS + 1)
#else
#define FIRST_HANDLE 1
#endif

bool nothing_used_is_unmapped = true, leased_memory_stays = true, epochs_never_mix = true, users_are_counted = true;
bool nothing_is_left = true, zeros_are_not_believed = true;
bool mapped[LIVES + 3];  /* addresses */
bool emptied[LIVES + 3]; /* which read as zeros */
byte base[STRUCTS], epoch[STRUCTS], process_of[STRUCTS]; /* struct segment, plain */
byte closed;

inline visible(at, v) { skip }

#include "memory.pml"

inline tidy() { /* one look at each retired struct */
	s = 0;
	do
	:: s < STRUCTS ->
		if
		:: retired[s] ->
			atomic { /* T4 */
				users = mem[USERS(s)];
#ifdef BUG_IGNORES_USERS
				users = 0;
#endif
			}
			leases();
			if
			:: users == 0 && !leased -> /* T6 */
				d_step { mapped[base[s]] = false; retired[s] = false; is_free[s] = true }
#ifdef BUG_EMPTIES_WHAT_IS_LEASED
			:: users != 0 -> emptied[base[s]] = true
#else
			:: users != 0 && !leased -> emptied[base[s]] = true /* T9 */
#endif
			:: else
			fi
		:: else
		fi;
		s++
	:: else -> break
	od
}

inline leases() { /* desk_holds() */
	leased = false;
	i = 0;
	do
	:: i < HANDLES -> atomic { /* T5 */
			leased = leased || mem[LEASE(i)] == epoch[s] && process_of[s] == 0;
			i++
		}
	:: else -> break
	od
}

active proctype control() {
	byte lives = 0, s, i, process, users, old;
	bool leased, retired[STRUCTS], is_free[STRUCTS];

	d_step { /* the first life of both; mappings 1 and 2 */
		s = 0;
		do
		:: s < STRUCTS -> is_free[s] = s > 1; s++
		:: else -> break
		od;
		base[0] = 1; epoch[0] = 1; process_of[0] = 0; mapped[1] = true;
		base[1] = 2; epoch[1] = 2; process_of[1] = 1; mapped[2] = true;
		mem[NOW(0)] = 1;
		mem[NOW(1)] = 2
	}
	do
	:: lives < LIVES ->
		atomic { /* get_one(): the last one given back first would do as well as any */
			lives++;
			if
			:: process = 0
			:: process = 1
			fi;
			s = 0;
			do
			:: s < STRUCTS && !is_free[s] -> s++
			:: else -> break
			od
		}
		if
		:: s == STRUCTS -> skip /* the code allocates then */
		:: else ->
			d_step {
				is_free[s] = false;
				mapped[2 + lives] = true;
				base[s] = 2 + lives;
				process_of[s] = process
			}
			epoch[s] = 2 + lives;
#ifdef BUG_COUNTS_ANEW
			mem[USERS(s)] = 0;
#endif
			atomic { old = mem[NOW(process)] - 1 }
#ifdef WEAK_T1
			store(CONTROL, NOW(process), s + 1);
#else
			store_total(CONTROL, NOW(process), s + 1); /* T1 */
#endif
			retired[old] = true; /* T3 */
			tidy()
		fi
	:: else -> break
	od;
	atomic { closed == HANDLES && drained(CONTROL) -> tidy() }
	d_step {
		users = 0;
		s = 0;
		do
		:: s < LIVES + 3 -> users = users + mapped[s]; s++
		:: else -> break
		od;
		nothing_is_left = users == 2;
		assert(nothing_is_left)
	}
}

inline drop() { /* H4 */
	atomic {
		drained(me) ->
		users_are_counted = mem[USERS(s)] > 0;
		assert(users_are_counted);
		mem[USERS(s)]--;
		held = NONE
	}
}

inline hold() { /* peers_now() */
	atomic { s = mem[NOW(0)] - 1 } /* H1 */
	if
	:: held != s ->
		if
		:: held != NONE -> atomic { s = held; drop() }
		:: else
		fi;
		do
		:: held == NONE ->
			atomic { s = mem[NOW(0)] - 1 } /* H1 */
			atomic { drained(me) -> mem[USERS(s)]++ } /* H2 */
			if
			:: mem[NOW(0)] == s + 1 -> held = s /* H3 */
#ifdef BUG_NO_THIRD_LOOK
			:: else -> held = s
#elif defined BUG_FORGETS_TO_STEP_BACK
			:: else
#else
			:: else -> drop()
#endif
			fi
		:: else -> break
		od
	:: else
	fi
}

active [HANDLES] proctype handle() {
	bool zeros;
	byte held = NONE, s, calls = 0, borrowed = 0, says, lease = LEASE(_pid - FIRST_HANDLE), me = _pid - FIRST_HANDLE + 1;

	mem[NOW(0)] != 0; /* the world has begun */
	do
	:: calls < CALLS ->
		calls++;
		hold();
#ifdef BUG_SAYS_EPOCH_OF_NOW
		atomic { says = epoch[mem[NOW(0)] - 1] }
#else
		says = epoch[held];
#endif
		atomic { /* R2 .. R9 */
			nothing_used_is_unmapped = mapped[base[held]] && process_of[held] == 0;
			assert(nothing_used_is_unmapped);
			epochs_never_mix = says == base[held];
			assert(epochs_never_mix);
			zeros = emptied[base[held]]
		}
		if
#ifdef BUG_BELIEVES_ZEROS
		:: zeros ->
#else
		:: zeros && mem[NOW(0)] != held + 1 -> skip /* H5 */
		:: zeros && mem[NOW(0)] == held + 1 ->
#endif
			zeros_are_not_believed = false;
			assert(zeros_are_not_believed)
#ifndef NO_LEASES
		:: !zeros && borrowed == 0 ->
			store_total(me, lease, says); /* L2 */
			if
			:: mem[NOW(0)] == held + 1 -> borrowed = base[held] /* H5 */
#ifdef BUG_DOES_NOT_LOOK_AGAIN
			:: else -> borrowed = base[held]
#else
			:: else -> store(me, lease, 0); drained(me)
#endif
			fi
#endif
		:: !zeros -> skip
		fi;
		if
		:: borrowed != 0 ->
			atomic { /* L4 */
				leased_memory_stays = mapped[borrowed] && !emptied[borrowed];
				assert(leased_memory_stays);
				borrowed = 0
			}
			store(me, lease, 0); /* L5 */
			drained(me) /* so that the next one finds the word free */
		:: skip
		fi;
		if
		:: atomic { s = held; drop() } /* field_close(); what was leased stays leased */
		:: skip
		fi
	:: else -> break
	od;
	if
	:: borrowed != 0 ->
		atomic { leased_memory_stays = mapped[borrowed] && !emptied[borrowed]; assert(leased_memory_stays) }
		store(me, lease, 0);
		drained(me)
	:: else
	fi;
	if
	:: held != NONE -> atomic { s = held; drop() }
	:: else
	fi;
	closed++
}

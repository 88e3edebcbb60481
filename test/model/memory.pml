/*
 * memory.pml - shared words, stored at once or by way of a store buffer.
 *
 * A model sets before it includes this: WORDS; visible(at, v), what is checked when a store takes effect; and, with
 * -DTSO, BUFFERS, the number of processes that store.  Without TSO memory is sequentially consistent.  With TSO each of them has a
 * first-in first-out store buffer as an x86 core has: store() (release) goes into it and takes effect at any later
 * time; store_total() (seq_cst) and what is an atomic read-modify-write wait until it is empty.  Loads are the same in both.
 */
byte mem[WORDS];

#ifdef TSO
chan buffer[BUFFERS] = [8] of { byte, byte };

active [BUFFERS] proctype memory() {
	byte at, v;
end_drained:
	do
	:: atomic { buffer[_pid] ? at, v -> mem[at] = v; visible(at, v) }
	od
}

#define drained(me) empty(buffer[me])
inline store(me, at, v) { buffer[me] ! at, v }
#else
#define drained(me) true
inline store(me, at, v) { atomic { mem[at] = v; visible(at, v) } }
#endif

inline store_total(me, at, v) { atomic { drained(me) -> mem[at] = v; visible(at, v) } }

/*
 * lifecycle_test.c - every state with every combination of a grid of inputs (7 million steps): only moves of the table
 * occur, each of them does, and what the header says of each state holds.  Then time: nothing flaps, and what stands
 * still comes to rest.
 */
#include "sem/lifecycle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double coherences[] = { NAN, 0, 0.5 - 1e-9, 0.5, 0.6 - 1e-9, 0.6, 1 };
static const double budgets[] = { NAN, 0.1 - 1e-9, 0.1, 0.2 - 1e-9, 0.2, 1 };
static const double loads[] = { NAN, 0.5, 0.5 + 1e-9, 0.85, 0.85 + 1e-9 };
static const int64_t quiets[] = { -1, 60 * NS_PER_S - 1, 60 * NS_PER_S };
static const int64_t dwells[] = { -1, NS_PER_S - 1, NS_PER_S, 60 * NS_PER_S - 1, 60 * NS_PER_S };

static unsigned seen[LIFECYCLE_STATE_COUNT][LIFECYCLE_STATE_COUNT];

/* The index'th input of the grid; false behind the last one. */
static bool grid(size_t index, struct lifecycle_input *in) {
	size_t n = index;
#define PICK(count) (index = n % (count), n /= (count), index)
	in->folded = PICK(2);
	in->ready = PICK(2);
	in->process_gone = PICK(2);
	in->stop_latched = PICK(2);
	in->disk_refuses = PICK(2);
	in->actuator_live = PICK(2);
	in->coherence = coherences[PICK(COUNT_OF(coherences))];
	size_t asked = PICK(3);
	in->turns = asked == 1;
	in->motions = asked == 2;
	in->chores = (uint32_t)PICK(2);
	in->budget = budgets[PICK(COUNT_OF(budgets))];
	in->load = loads[PICK(COUNT_OF(loads))];
	in->quiet_ns = quiets[PICK(COUNT_OF(quiets))];
	in->dwell_ns = dwells[PICK(COUNT_OF(dwells))];
#undef PICK
	return n == 0;
}

static bool faulty(const struct lifecycle_input *in) {
	return in->process_gone || in->stop_latched || in->disk_refuses;
}

/* What must be true of whoever is in `to` after this step. */
static void check_state(enum lifecycle_state from, enum lifecycle_state to, const struct lifecycle_input *in) {
	bool asked = in->turns + in->motions > 0, booted = in->folded && in->ready;
	bool moved = from != to, rushed = in->dwell_ns < NS_PER_S;
	switch (to) {
	case LIFECYCLE_BOOT:
		CHECK(!booted && !faulty(in));
		break;
	case LIFECYCLE_WAKE:
		CHECK(!asked || from == LIFECYCLE_BOOT || from == LIFECYCLE_CRISIS);
		CHECK(moved || in->quiet_ns < 60 * NS_PER_S);
		break;
	case LIFECYCLE_FOCUS:
		CHECK(asked || (!moved && rushed));
		break;
	case LIFECYCLE_REST:
		CHECK(!asked && in->quiet_ns >= 60 * NS_PER_S);
		break;
	case LIFECYCLE_DREAM:
		CHECK(!asked && in->chores > 0 && in->quiet_ns >= 60 * NS_PER_S);
		CHECK(in->budget >= 0.1 && in->load <= 0.85);
		CHECK(!moved || (in->budget >= 0.2 && in->load <= 0.5 && in->dwell_ns >= 60 * NS_PER_S));
		break;
	case LIFECYCLE_CRISIS:
		CHECK(faulty(in) || (from == LIFECYCLE_CRISIS && rushed) ||
				(booted && in->actuator_live && !(in->coherence >= (moved ? 0.5 : 0.6))));
		break;
	case LIFECYCLE_STATE_COUNT:
		CHECK(false);
	}
}

static void every_state_with_every_input(void) {
	struct lifecycle_input in;
	unsigned long steps = 0;
	for (size_t i = 0; grid(i, &in); i++)
		for (unsigned s = 0; s < LIFECYCLE_STATE_COUNT; s++, steps++) {
			enum lifecycle_state from = (enum lifecycle_state)s, to = lifecycle_next(from, &in);
			CHECK(from == to || lifecycle_is_move(from, to));
			check_state(from, to, &in);
			if (faulty(&in))
				CHECK(to == LIFECYCLE_CRISIS); /* from each state, at once */
			if (from == LIFECYCLE_CRISIS && to != from)
				CHECK(!faulty(&in) && lifecycle_causes(from, &in) == 0);
			seen[from][to]++;
		}
	printf("lifecycle_test: %lu steps\n", steps);
}

static void every_move_occurs_and_no_other(void) {
	unsigned moves = 0;
	for (unsigned from = 0; from < LIFECYCLE_STATE_COUNT; from++)
		for (unsigned to = 0; to < LIFECYCLE_STATE_COUNT; to++) {
			bool is_move = lifecycle_is_move((enum lifecycle_state)from, (enum lifecycle_state)to);
			const char *when = lifecycle_move_text((enum lifecycle_state)from, (enum lifecycle_state)to);
			CHECK((seen[from][to] > 0) == (is_move || from == to));
			CHECK((strcmp(when, "?") != 0) == is_move);
			moves += is_move;
		}
	CHECK(moves == 17);
	for (unsigned from = 0; from < LIFECYCLE_CRISIS; from++)
		CHECK(seen[from][LIFECYCLE_CRISIS] > 0);
}

/* What stands still is soon where it stays: no two guards send a state to and fro. */
static void comes_to_rest(void) {
	struct lifecycle_input in;
	for (size_t i = 0; grid(i, &in); i++) {
		if (in.dwell_ns < 60 * NS_PER_S)
			continue;
		for (unsigned s = 0; s < LIFECYCLE_STATE_COUNT; s++) {
			enum lifecycle_state at = (enum lifecycle_state)s;
			for (unsigned n = 0; n < 4; n++)
				at = lifecycle_next(at, &in);
			CHECK(lifecycle_next(at, &in) == at);
		}
	}
}

static struct lifecycle_input calm(void) {
	return (struct lifecycle_input){ .folded = true, .ready = true, .actuator_live = true, .coherence = 0.9,
		.chores = 1, .budget = 0.5, .load = 0.1, .quiet_ns = 1 };
}

/* A state that knows how long it has been what it is; steps of 10 ms. */
struct life {
	enum lifecycle_state state;
	struct lifecycle_input in;
	unsigned changes;
};

static void live(struct life *l) {
	enum lifecycle_state next = lifecycle_next(l->state, &l->in);
	l->changes += next != l->state;
	l->in.dwell_ns = next == l->state ? l->in.dwell_ns + 10 * NS_PER_MS : 0;
	l->in.quiet_ns += 10 * NS_PER_MS;
	l->state = next;
}

static void nothing_flaps(void) {
	struct life l = { LIFECYCLE_WAKE, calm(), 0 };
	for (unsigned i = 0; i < 3000; i++) { /* 30 s of coherence on the edge */
		l.in.coherence = i % 2 ? 0.49 : 0.59;
		live(&l);
	}
	CHECK(l.state == LIFECYCLE_CRISIS && l.changes == 1);
	l = (struct life){ LIFECYCLE_WAKE, calm(), 0 };
	for (unsigned i = 0; i < 3000; i++) { /* even far over the edge a second each */
		l.in.coherence = i % 2 ? 0.1 : 1;
		live(&l);
	}
	CHECK(l.changes <= 61);
	l = (struct life){ LIFECYCLE_WAKE, calm(), 0 };
	for (unsigned i = 0; i < 3000; i++) { /* turns of 10 ms */
		l.in.turns = i % 2;
		l.in.quiet_ns = 0;
		live(&l);
	}
	CHECK(l.changes <= 61);
	l = (struct life){ LIFECYCLE_REST, calm(), 0 };
	l.in.quiet_ns = 60 * NS_PER_S;
	for (unsigned i = 0; i < 30000; i++) { /* 300 s of load about what dreams are begun at */
		l.in.load = i % 2 ? 0.49 : 0.84;
		live(&l);
	}
	CHECK(l.state == LIFECYCLE_DREAM && l.changes == 1);
}

/* One life from the start to a dream and back, with the moves that people see. */
static void one_life(void) {
	struct lifecycle_input in = { .coherence = 0, .actuator_live = true };
	enum lifecycle_state s = LIFECYCLE_BOOT;
	CHECK(lifecycle_next(s, &in) == s && lifecycle_causes(s, &in) == 0);
	in.process_gone = true;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_CRISIS && lifecycle_causes(s, &in) == LIFECYCLE_PROCESS);
	in.process_gone = false;
	CHECK(lifecycle_next(s, &in) == s); /* not yet a second */
	in.dwell_ns = NS_PER_S;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_BOOT);
	in = calm();
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_WAKE);
	in.turns = 1;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_FOCUS);
	in.turns = 0;
	in.dwell_ns = in.quiet_ns = 60 * NS_PER_S;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_WAKE && (s = lifecycle_next(s, &in)) == LIFECYCLE_REST &&
			(s = lifecycle_next(s, &in)) == LIFECYCLE_DREAM);
	in.chores = 0;
	CHECK(lifecycle_next(s, &in) == LIFECYCLE_REST);
	in.motions = 1;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_FOCUS);
	in.coherence = NAN;
	in.stop_latched = in.disk_refuses = true;
	CHECK((s = lifecycle_next(s, &in)) == LIFECYCLE_CRISIS);
	CHECK(lifecycle_causes(s, &in) == (LIFECYCLE_INCOHERENT | LIFECYCLE_STOP | LIFECYCLE_DISK));
	CHECK(strcmp(lifecycle_state_text(s), "CRISIS") == 0 && strcmp(lifecycle_state_text(6), "?") == 0);
	CHECK(strcmp(lifecycle_cause_text(LIFECYCLE_STOP), "an emergency stop is latched") == 0 &&
			strcmp(lifecycle_cause_text(3), "?") == 0);
}

int main(void) {
	every_state_with_every_input();
	every_move_occurs_and_no_other();
	comes_to_rest();
	nothing_flaps();
	one_life();
	puts("lifecycle_test: ok");
}

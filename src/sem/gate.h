/*
 * gate.h - the one place where an intent becomes permission.
 *
 * Everything that must hold stands in gate.def, in the order in which a refusal names it: allowed
 * if and only if all of it holds.  A stop is always allowed, whatever the request says ("not stop"
 * is not a stop).  What is missing or is no number counts as not holding, so a request filled with
 * zeros allows nothing but a stop.
 *
 * The safety class of the act is the higher of the sense's and the actuator's.  Bounds of trust are
 * lower bounds at trust_z() of that class (gate_class() tells it beforehand).  Pure; any thread.
 */
#ifndef SEM_GATE_H
#define SEM_GATE_H

#include <stdbool.h>
#include <stdint.h>
#include "cadmus/types.h"
#include "schema/plan.h"
#include "sem/refusal.h"
#include "sem/utterance.h"

#define GATE_SENSE_MIN 0.6 /* lower bound of a sense's success */
#define GATE_FEEDBACK_MAX_NS INT64_C(100000000)

/* A bit of gate_verdict.failed each. */
enum gate_condition {
#define GATE(name, refusal, text) GATE_##name,
#include "sem/gate.def"
#undef GATE
	GATE_CONDITION_COUNT
};

struct gate_request {
	struct utterance_intent intent;
	uint32_t parse_count;     /* of the utterance */
	uint8_t margin;           /* of the utterance, hundredths */
	bool wished;              /* the words it was made of ask for it: wish.h; true when a person wrote the signs */
	const char *unasked;      /* why not, in a few words; NULL: none */
	bool committed;           /* its sense stands in the pinned table of the plan */
	bool operator_present;    /* the speaker is the plan's operator */
	unsigned rights;          /* set of enum plan_right of the speaker */
	double speaker_trust;     /* 0..1; of who spoke */
	double model_trust;       /* of the model that wrote the signs; 1 when a person did */
	double instruction_trust; /* least of all in its view that instructed; 1 when none did */
	double sense_trust;       /* lower bound of the sense's success: trust_lower_of() */
	double coherence;         /* C of the state it acts on */
	const struct plan_actuator *actuator; /* NULL: there is none */
	bool lease_held;
	struct cdm_mono now, deadline; /* too late when now > deadline; {INT64_MAX}: no deadline */
	struct cdm_mono feedback_time; /* when the actuator was last heard of */
	struct cdm_mono asked, stopped; /* when somebody asked for it; the last stop, 0: there was none */
};

struct gate_verdict {
	bool allowed;
	uint8_t safety_class;
	uint32_t failed;        /* bit 1 << enum gate_condition for all that do not hold */
	struct refusal refusal; /* the first of them; code REFUSAL_NONE when allowed */
};

/* The class that counts for this intent on this actuator (NULL: the intent's own), at most 3. */
unsigned gate_class(const struct utterance_intent *intent, const struct plan_actuator *actuator);

struct gate_verdict gate_decide(const struct gate_request *r);

/* The coherence that a class needs: 0, .5, .5, .8. */
double gate_coherence(unsigned safety_class);

/* "LEASE" and its sentence; "?" outside.  Static. */
const char *gate_condition_name(unsigned condition);
const char *gate_condition_text(unsigned condition);

#endif

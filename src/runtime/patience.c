/*
 * patience.c - how long a model that has a turn may be silent.
 *
 * A dead process shows itself; one that is stopped, or runs in circles, does not.  With P the model's option
 * `patience_s` (10 s):
 *
 *      P / 2        without a word    it is asked whether it lives (ping): an engine that computes answers
 *      P / 2 more   without a word    it hangs
 *      12 P         without a token   it hangs, though it answers
 *      60 P         to load           it hangs
 *
 * One timer, set for the next of these; what is heard meanwhile moves the time, not the timer.
 */
#include <stdlib.h>
#include <sys/timerfd.h>
#include "base/log.h"
#include "runtime/core_priv.h"

#define PATIENCE_NS (10 * NS_PER_S)
#define PATIENCE_LEAST_NS NS_PER_MS
#define PATIENCE_MOST_NS (3600 * NS_PER_S)
#define TOKEN_FACTOR 12
#define LOAD_FACTOR 60

static int64_t patience_of(const struct core *c, uint16_t model) {
	const char *text = plan_find_option(c->plan, model, "patience_s");
	double s = text ? strtod(text, NULL) : 0;
	if (!(s > 0))
		return PATIENCE_NS;
	if (s >= (double)PATIENCE_MOST_NS / NS_PER_S)
		return PATIENCE_MOST_NS;
	int64_t ns = (int64_t)(s * (double)NS_PER_S);
	return ns < PATIENCE_LEAST_NS ? PATIENCE_LEAST_NS : ns;
}

static void set_timer(const struct core *c, int64_t ns) {
	struct itimerspec s = { .it_value = { ns / NS_PER_S, ns % NS_PER_S } };
	CHECK(timerfd_settime(c->patience, 0, &s, NULL) == 0);
}

/* When the turn must have heard something, and what is to be said if it has not; 0: it waits for no model. */
static int64_t due(struct core *c, struct turn *t, struct cdm_mono now, const char **why) {
	int64_t p = patience_of(c, t->model);
	struct cdm_mono since;
	if (t->step == TURN_WAITING && models_loads(c, t->model, &since)) {
		*why = "the model did not load in time";
		return since.ns + LOAD_FACTOR * p;
	}
	if (t->step != TURN_GENERATING)
		return 0;
	if (!t->pinged.ns && now.ns >= t->heard.ns + p / 2) {
		models_ping(c, t->model);
		t->pinged = now;
	}
	int64_t word = (t->pinged.ns ? t->pinged : t->heard).ns + p / 2, token = t->token.ns + TOKEN_FACTOR * p;
	*why = word < token ? "the model was silent for too long" : "the model gave no token for too long";
	return word < token ? word : token;
}

void patience_look(struct core *c) {
	struct cdm_mono now = clock_mono();
	const char *why;
	int64_t at = c->current ? due(c, c->current, now, &why) : 0;
	set_timer(c, at > now.ns ? at - now.ns : at != 0);
}

/* What has been said and not been read yet counts: it may have been us who slept. */
void patience_over(struct core *c) {
	const char *why;
	if (c->current)
		models_listen(c, c->current->model);
	struct cdm_mono now = clock_mono();
	int64_t at = c->current ? due(c, c->current, now, &why) : 0;
	if (at && now.ns >= at)
		turn_model_hangs(c, why);
	else
		patience_look(c);
}

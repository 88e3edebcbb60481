/* report.c - see report.h. */
#include "runtime/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"

void report_init(struct report *r, int fd) {
	*r = (struct report){ .fd = fd };
	if (fd >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) /* our children are not to keep the pipe open */
		io_close(&r->fd);
}

void report_close(struct report *r) {
	io_close(&r->fd);
}

static void say(const struct report *r, const char *text) {
	if (r->fd >= 0 && write(r->fd, text, strlen(text)) < 0)
		log_debug("nobody waits for the start");
}

void report_note(struct report *r, uint16_t p, const char *why) {
	if (r->why[p][0])
		return;
	snprintf(r->why[p], sizeof(r->why[p]), "%s", why[0] ? why : "it gave no reason");
	for (char *c = r->why[p]; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' '; /* a line each, whatever it holds */
}

void report_live(struct report *r, struct cdm_mono now) {
	if (r->live_ns)
		return; /* a core that was started again */
	r->live_ns = now.ns;
	say(r, "1");
}

void report_dead(struct report *r, const char *why, const char *hint) {
	char text[2 * CDM_DIAG_TEXT];
	snprintf(text, sizeof(text), "%s%s%s", why, hint && hint[0] ? "\n" : "", hint ? hint : "");
	say(r, text);
	report_close(r);
}

static bool is_settled(const struct report *r, const struct children *c, uint16_t p, struct cdm_mono now) {
	const struct plan_process *q = &plan_processes(c->plan)[p];
	const struct child *k = &c->at[p];
	if (q->start != PLAN_WITH_MACHINE || q->role == PLAN_CLIENT || r->why[p][0])
		return true;
	if (k->state == CHILD_FREE)
		return !k->wanted;
	return k->state == CHILD_LIVE && (q->role != PLAN_WORKER || now.ns - r->live_ns >= REPORT_MODELS_NS);
}

void report_tick(struct report *r, const struct children *c, struct cdm_mono now) {
	char line[CDM_NAME_MAX + SEAT_TEXT_MAX + 4];
	if (r->fd < 0 || !r->live_ns)
		return;
	for (uint16_t p = 0; now.ns - r->live_ns < REPORT_PATIENCE_NS && p < c->plan->processes.count; p++)
		if (!is_settled(r, c, p, now))
			return;
	for (uint16_t p = 0; p < c->plan->processes.count; p++) {
		if (!r->why[p][0])
			continue;
		snprintf(line, sizeof(line), "%s: %s\n", plan_processes(c->plan)[p].name, r->why[p]);
		say(r, line);
	}
	report_close(r);
}

int64_t report_next_ns(const struct report *r, struct cdm_mono now) {
	if (r->fd < 0 || !r->live_ns)
		return -1;
	int64_t past = now.ns - r->live_ns, until = past < REPORT_MODELS_NS ? REPORT_MODELS_NS : REPORT_PATIENCE_NS;
	return until > past ? until - past : 0;
}

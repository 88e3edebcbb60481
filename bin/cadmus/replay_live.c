/*
 * replay_live.c - a machine whose sources are played from a recording: `cadmus replay --live`.
 *
 * It is the recorded machine, or that of an edited description, under a name of its own: NAME_replay, with its journal,
 * its folder of sockets and its buses, so nothing of it meets the one that was recorded.  Sensors and programs that
 * are in the recording are left to us (plan_externalize); all else is started as ever, and made anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/replay.h"
#include "bin/cadmus/replay_player.h"

#define SUFFIX "_replay"
#define END_PATIENCE_MS 20000
#define LATER_NS 4e18 /* than anybody waits */
#define PROGRESS_NS (NS_PER_S / 4)

enum how { PLAYING, PLAYED, LEFT, ASKED, MACHINE_ENDED, FAILED }; /* LEFT: with --step nobody wanted more */

struct line { /* a field of the recording that is played */
	uint16_t field, process;
	uint64_t published, lost;
};

struct live {
	struct replay *r;
	struct plan *plan;
	uint64_t played; /* set of processes */
	struct replay_player *players[PLAN_PROCESSES_MAX];
	struct line *lines; /* by place in the recording; process PLAN_NONE: not played */
	pid_t daemon;
	int handle, signals, notes;
	struct cdm_mono began, shown;
	int64_t first_ns;   /* publication of what was played first, in this round */
	struct cdm_mono round;
	int64_t latest_ns;  /* how late a sample has been at most */
	uint64_t of;        /* samples of the whole stretch, where that was left early */
	enum how how;
};

/* ---- who is played ---- */

static bool can_be_played(const struct plan *p, uint16_t process) {
	const struct plan_process *s = &plan_processes(p)[process];
	bool sensor = s->role == PLAN_HOST && s->entity != PLAN_NONE &&
			plan_entities(p)[s->entity].class == PLAN_SENSOR;
	return (sensor || s->start == PLAN_EXTERNAL) && s->entity != PLAN_NONE;
}

static void choose(struct live *l) {
	const struct plan *p = l->r->plan;
	for (unsigned i = 0; i < recording_count(l->r->rec); i++) {
		const struct recording_field *f = recording_at(l->r->rec, i);
		uint16_t field = plan_find_field(p, f->name);
		l->lines[i] = (struct line){ .field = field, .process = PLAN_NONE };
		if (field == PLAN_NONE || !recording_fits(f, &plan_fields(p)[field]) ||
				!can_be_played(p, plan_fields(p)[field].process))
			continue;
		l->lines[i].process = plan_fields(p)[field].process;
		l->played |= UINT64_C(1) << l->lines[i].process;
		recording_select(l->r->rec, i, true);
	}
}

static void tell_places(const struct live *l) {
	json_t *names = replay_unplaced(l->r), *played = json_array();
	size_t i;
	json_t *name;
	for (uint16_t p = 0; p < l->plan->processes.count; p++)
		if (l->played >> p & 1)
			json_array_append_new(played, json_string(plan_processes(l->plan)[p].name));
	replay_tell("played as recorded", played);
	replay_tell(REPLAY_NOT_RUN, replay_not_run());
	json_array_foreach(names, i, name) {
		char text[CDM_NAME_MAX + 1];
		snprintf(text, sizeof(text), "%s", json_string_value(name));
		fprintf(stderr, "%s is in the recording, and in another form or not at all in the plan\n",
				output_clean(text, false));
	}
	json_decref(names);
	for (uint16_t p = 0; p < l->plan->processes.count; p++)
		if (can_be_played(l->plan, p) && !(l->played >> p & 1))
			fprintf(stderr, "%s is not in the recording, and not played\n",
					plan_processes(l->plan)[p].name);
}

static int make_plan(struct live *l) {
	static struct cdm_diag diag;
	char name[CDM_NAME_MAX + sizeof(SUFFIX)];
	snprintf(name, sizeof(name), "%s" SUFFIX, l->r->plan->machine);
	l->plan = malloc(l->r->plan->bytes);
	CHECK(l->plan);
	int rc = plan_externalize(l->r->plan, name, l->played, l->plan, &diag);
	if (rc == -E2BIG)
		return verb_failed("replay", rc, "%s is too long for the name of a machine", name);
	return rc < 0 ? verb_failed_diag("replay", rc, &diag, "no such machine can be") : 0;
}

/* ---- the machine ---- */

static int open_players(struct live *l) {
	static struct cdm_diag diag;
	for (uint16_t p = 0; p < l->plan->processes.count; p++) {
		if (!(l->played >> p & 1))
			continue;
		const char *entity = plan_entities(l->plan)[plan_processes(l->plan)[p].entity].name;
		int rc = replay_player_open(&l->players[p], l->plan->machine, entity, &diag);
		if (rc < 0)
			return verb_failed_diag("replay", rc, &diag, "it cannot be played");
	}
	return 0;
}

static int start(struct live *l) {
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	l->daemon = machine_start("replay", l->plan, true, l->r->stay, &l->notes);
	if (l->daemon < 0)
		return 1;
	sigprocmask(SIG_BLOCK, &ends, NULL);
	l->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	l->handle = io_pidfd(l->daemon);
	if (l->signals < 0 || l->handle < 0)
		return verb_failed("replay", err_last(), "nobody can be waited for: %s", strerror(errno));
	if (!l->r->context->json)
		fprintf(stderr, "%s is live (daemon %d)\n", l->plan->machine, (int)l->daemon);
	return open_players(l);
}

static void count(struct live *l, uint64_t *published, uint64_t *lost) {
	*published = *lost = 0;
	for (unsigned i = 0; i < recording_count(l->r->rec); i++) {
		struct line *line = &l->lines[i];
		if (line->process == PLAN_NONE)
			continue;
		if (l->players[line->process]) /* once they are gone, what was counted before stays */
			replay_player_counts(l->players[line->process], line->field, &line->published, &line->lost);
		*published += line->published;
		*lost += line->lost;
	}
}

/* 0: in good order, or it stays. */
static int end_machine(struct live *l) {
	int status = 0;
	uint64_t published, lost;
	count(l, &published, &lost);
	for (unsigned p = 0; p < PLAN_PROCESSES_MAX; p++)
		replay_player_close(&l->players[p]);
	if (l->daemon <= 0 || (l->r->stay && l->how != FAILED && l->how != MACHINE_ENDED))
		return 0;
	struct pollfd gone = { .fd = l->handle, .events = POLLIN };
	kill(l->daemon, SIGTERM);
	if (poll(&gone, 1, END_PATIENCE_MS) != 1)
		kill(l->daemon, SIGKILL);
	waitpid(l->daemon, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* ---- playing ---- */

static void progress(struct live *l, struct cdm_mono at, bool last) {
	struct cdm_mono now = clock_mono();
	uint64_t published = 0, lost = 0;
	if (l->r->context->json || !output_colour(STDERR_FILENO) ||
			(!last && mono_since(l->shown, now) < PROGRESS_NS))
		return;
	count(l, &published, &lost);
	fprintf(stderr, "\r%8.1f s  %" PRIu64 " samples  %" PRIu64 " unpublished\033[K%s", replay_seconds(l->r, at),
			published, lost, last ? "\n" : "");
	l->shown = now;
}

/* Until there is something at `fd` (-1: never), or that time (NULL: for ever); false: something else ends it. */
static bool sleep_for(struct live *l, int fd, const struct timespec *t) {
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN }, { .fd = l->handle, .events = POLLIN },
		{ .fd = l->signals, .events = POLLIN } };
	while (ppoll(p, COUNT_OF(p), t, NULL) < 0 && errno == EINTR) /* stopped, and let go on: it is late then */
		;
	if (p[1].revents)
		l->how = MACHINE_ENDED;
	else if (p[2].revents)
		l->how = ASKED;
	return l->how == PLAYING;
}

static bool sleep_until(struct live *l, struct cdm_mono until) {
	int64_t left = mono_since(clock_mono(), until);
	left = left > 0 ? left : 0;
	const struct timespec t = { .tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S };
	return sleep_for(l, -1, &t);
}

static bool await_enter(struct live *l, const struct recording_sample *x) {
	fprintf(stderr, "%12.6f s  %s ", replay_seconds(l->r, x->sample.info.publish_time),
			recording_at(l->r->rec, x->field)->name);
	if (!sleep_for(l, STDIN_FILENO, NULL))
		return false;
	if (!replay_enter())
		l->how = LEFT;
	return l->how == PLAYING;
}

/* When it is due; false: it is not to be played any more. */
static bool await(struct live *l, const struct recording_sample *x) {
	struct cdm_mono published = x->sample.info.publish_time, now = clock_mono();
	if (l->r->step)
		return await_enter(l, x);
	if (l->first_ns < 0) {
		l->first_ns = published.ns;
		l->round = now;
	}
	double since = (double)(published.ns - l->first_ns) / l->r->speed;
	const struct cdm_mono due = { l->round.ns + (int64_t)fmin(since, LATER_NS) };
	if (!sleep_until(l, due))
		return false;
	int64_t late = mono_since(due, clock_mono());
	l->latest_ns = late > l->latest_ns ? late : l->latest_ns;
	return true;
}

/* Once through the recording; 0, -errno of reading it. */
static int play_round(struct live *l) {
	struct recording_sample x;
	struct cdm_mono at = l->r->first;
	int rc = 0;
	l->first_ns = -1;
	recording_seek(l->r->rec, l->r->stretch.from);
	while (l->how == PLAYING && (rc = recording_next(l->r->rec, &x)) == 0) {
		bool new_time = l->first_ns < 0 || x.sample.info.publish_time.ns != at.ns; /* else of one commit */
		at = x.sample.info.publish_time;
		if (l->r->stretch.until.ns && at.ns >= l->r->stretch.until.ns)
			break;
		if (new_time && !await(l, &x))
			break;
		const struct line *line = &l->lines[x.field];
		replay_player_say(l->players[line->process], line->field, &x.sample);
		progress(l, at, false);
	}
	progress(l, at, true);
	return rc == -ENODATA ? 0 : rc;
}

static int play_all(struct live *l) {
	int rc;
	do
		rc = play_round(l);
	while (rc == 0 && l->how == PLAYING && l->r->loop);
	if (rc < 0) {
		l->how = FAILED;
		return verb_failed("replay", rc, "the recording cannot be read on: %s", err_text(rc));
	}
	l->how = l->how == PLAYING ? PLAYED : l->how;
	return 0;
}

/* Before the end, which --loop has not. */
static bool is_early(const struct live *l) {
	return (l->how == LEFT || l->how == ASKED) && !l->r->loop;
}

/* How many samples it is, had it gone on to the end; those of a stretch are counted one by one. */
static uint64_t count_stretch(struct live *l) {
	uint64_t n = 0;
	struct recording_sample x;
	const struct rerun_stretch *s = &l->r->stretch;
	recording_seek(l->r->rec, s->from);
	while (recording_next(l->r->rec, &x) == 0 && (!s->until.ns || x.sample.info.publish_time.ns < s->until.ns))
		n++;
	return n;
}

/* ---- the end ---- */

static const char *why_incomplete(const struct live *l, uint64_t lost) {
	if (l->how == MACHINE_ENDED)
		return "the machine ended";
	if (l->how == FAILED)
		return "the recording could not be read on";
	if (is_early(l))
		return l->how == LEFT ? "it was left before its end" : "it was asked to end before that";
	return lost ? "samples could not be published" : replay_doubt(l->r);
}

static void report_json(const struct live *l, const char *why, uint64_t published, uint64_t lost) {
	json_t *fields = json_array();
	for (unsigned i = 0; i < recording_count(l->r->rec); i++)
		if (l->lines[i].process != PLAN_NONE)
			json_array_append_new(fields, json_pack("{s:s,s:I,s:I}", "field",
					plan_fields(l->plan)[l->lines[i].field].name, "published",
					(json_int_t)l->lines[i].published, "unpublished",
					(json_int_t)l->lines[i].lost));
	const char *result = why ? "INCOMPLETE" : "COMPLETE";
	const char *end = l->how == ASKED ? "asked to end" : l->how == LEFT ? "left" : "played";
	json_t *of = is_early(l) ? json_integer((json_int_t)l->of) : NULL;
	json_print(json_pack("{s:s,s:s,s:s?,s:s,s:I,s:o?,s:I,s:f,s:f,s:b,s:o,s:o,s:o}", "machine", l->plan->machine,
			"result", result, "why", why, "end", end, "published", (json_int_t)published, "of", of,
			"unpublished", (json_int_t)lost, "seconds",
			(double)mono_since(l->began, clock_mono()) / 1e9, "latest_ms",
			ns_to_ms(l->latest_ns), "stays", l->r->stay, "fields", fields, "unplaced",
			replay_unplaced(l->r), "not_run", replay_not_run()));
}

static int report(struct live *l) {
	uint64_t published = 0, lost = 0;
	char notes[4096] = "", of[32] = "";
	count(l, &published, &lost);
	machine_notes_look(&l->notes, notes, sizeof(notes));
	const char *why = why_incomplete(l, lost);
	l->of = is_early(l) ? count_stretch(l) : 0;
	if (is_early(l))
		snprintf(of, sizeof(of), " of %" PRIu64, l->of);
	if (l->r->context->json)
		report_json(l, why, published, lost);
	else {
		fprintf(stderr, "%s", output_clean(notes, true));
		printf("%s%s%s: %" PRIu64 "%s samples played, %" PRIu64
				" unpublished, %.1f s; the latest was %.1f ms late\n",
				why ? "INCOMPLETE" : "COMPLETE", why ? ", " : "", why ? why : "", published, of, lost,
				(double)mono_since(l->began, clock_mono()) / 1e9, ns_to_ms(l->latest_ns));
		if (l->r->stay && l->how != MACHINE_ENDED)
			printf("%s stays live: cadmus down --machine %s\n", l->plan->machine, l->plan->machine);
	}
	return why ? 1 : 0;
}

static void let_go(struct live *l) {
	io_close(&l->handle);
	io_close(&l->signals);
	io_close(&l->notes);
	free(l->lines);
	free(l->plan);
}

int replay_live(struct replay *r) {
	struct live l = { .r = r, .handle = -1, .signals = -1, .notes = -1, .began = clock_mono() };
	l.lines = calloc(recording_count(r->rec) + 1u, sizeof(*l.lines));
	CHECK(l.lines);
	choose(&l);
	int code = l.played ? make_plan(&l)
			    : verb_failed("replay", -ENOENT, "no sensor or program that could be played is in it");
	if (code == 0) {
		CHECK(l.plan);
		if (!r->context->json)
			tell_places(&l);
		code = start(&l);
		if (code == 0)
			code = play_all(&l);
		l.how = code ? FAILED : l.how;
		bool in_order = end_machine(&l) == 0;
		if (code == 0)
			code = report(&l);
		if (!in_order && code == 0)
			code = verb_failed("replay", -EPIPE, "the machine did not go down in good order");
	}
	let_go(&l);
	return code;
}

/* cmd_replay.c - a recording again: its rules by themselves, or as the sources of a machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/replay.h"

struct options {
	const char *from, *until, *speed;
	bool live, real_time;
};

double replay_seconds(const struct replay *r, struct cdm_mono t) {
	return (double)mono_since(r->first, t) / 1e9;
}

bool replay_enter(void) {
	char *line = NULL;
	size_t room = 0;
	setvbuf(stdin, NULL, _IONBF, 0); /* who polls its descriptor sees what is left */
	ssize_t n = getline(&line, &room, stdin);
	bool on = n > 0 && line[0] != 'q';
	free(line);
	return on;
}

/* 0, or 2 after explaining. */
static int check(const struct replay *r, const struct options *o) {
	if (!o->live && (o->speed || o->real_time || r->loop || r->stay))
		return verb_wrong("replay", "--speed, --real-time, --loop and --stay belong to --live");
	if (o->live && r->output)
		return verb_wrong("replay", "--output is of rules alone; record what is live with `cadmus record`");
	if ((o->speed != NULL) + o->real_time + r->step > 1 && o->live)
		return verb_wrong("replay", "one of --speed, --real-time and --step");
	return 0;
}

static int take_number(const char *text, const char *option, double least, double *out) {
	if (text && (!args_number(text, out) || *out < least || *out > 1e9))
		return verb_wrong("replay", "%s %s is no number that it can be", option, text);
	return 0;
}

/* Seconds since the begin of the recording, onto its clock. */
static int take_stretch(struct replay *r, const struct options *o) {
	struct cdm_mono last;
	double from = 0, until = 0;
	recording_span(r->rec, &r->first, &last);
	if (take_number(o->from, "--from", 0, &from) || take_number(o->until, "--until", 0, &until))
		return 2;
	if (o->until && until <= from)
		return verb_wrong("replay", "--until is not after --from");
	r->stretch.from.ns = o->from ? r->first.ns + (int64_t)(from * 1e9) : 0;
	r->stretch.until.ns = o->until ? r->first.ns + (int64_t)(until * 1e9) : 0;
	if (r->stretch.from.ns > last.ns)
		return verb_failed("replay", -EINVAL, "the recording is over before --from: it has %.3f s",
				replay_seconds(r, last));
	return 0;
}

static int open_all(struct replay *r, const struct options *o) {
	static struct cdm_diag diag;
	r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return verb_failed("replay", err_last(), "%s: %s", r->path, strerror(errno));
	int rc = recording_open(r->fd, &r->rec, &diag);
	if (rc < 0)
		return verb_failed_diag("replay", rc, &diag, "it cannot be read");
	r->plan = recording_plan(r->rec);
	if (r->cdl && source_compile("replay", r->cdl, &r->source))
		return 1;
	if (r->cdl && source_explain(r->context, "replay", &r->source))
		return 1;
	r->plan = r->cdl ? r->source.plan : r->plan;
	return take_stretch(r, o);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct options o = { .live = false };
	struct replay r = { .context = c, .fd = -1, .speed = 1.0 };
	const struct args_option options[] = {
		{ "--live", ARGS_FLAG, &o.live, 0, 0 },
		{ "--cdl", ARGS_TEXT, &r.cdl, 0, 0 },
		{ "--output", ARGS_TEXT, &r.output, 0, 0 },
		{ "--from", ARGS_TEXT, &o.from, 0, 0 },
		{ "--until", ARGS_TEXT, &o.until, 0, 0 },
		{ "--step", ARGS_FLAG, &r.step, 0, 0 },
		{ "--speed", ARGS_TEXT, &o.speed, 0, 0 },
		{ "--real-time", ARGS_FLAG, &o.real_time, 0, 0 },
		{ "--loop", ARGS_FLAG, &r.loop, 0, 0 },
		{ "--stay", ARGS_FLAG, &r.stay, 0, 0 },
		{ .name = NULL },
	};
	struct args a = { .verb = "replay", .options = options, .words_min = 1, .words_max = 1,
		.wanted = "give a recording" };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = check(&r, &o);
	if (code == 0)
		code = take_number(o.speed, "--speed", 0.001, &r.speed);
	if (code)
		return code;
	r.path = a.words[0];
	code = open_all(&r, &o);
	if (code == 0)
		code = o.live ? replay_live(&r) : replay_offline(&r);
	recording_close(&r.rec);
	source_free(&r.source);
	io_close(&r.fd);
	return code;
}

VERB(replay, "Play a recording: its rules again, or as the sources of a machine",
		"FILE [--cdl FILE] [--from S] [--until S] [--step] [--output FILE] |\n"
		"                     FILE --live [--speed N | --real-time | --step] [--cdl FILE] [--from S]\n"
		"                     [--until S] [--loop] [--stay]",
		"  --cdl FILE     under an edited description instead of its plan; fields are matched by name\n"
		"  --from S, --until S   a stretch of it, in seconds since its begin\n"
		"  --step         sample by sample, with Enter\n"
		"  --output FILE  write what went in, and what was made of it, as a recording\n"
		"  --live         start the machine, as NAME_replay, its sensors and programs played from the file\n"
		"  --speed N      live: N times as fast, 0.001 or more; without it, --real-time\n"
		"  --loop         live: again and again, until Ctrl-C\n"
		"  --stay         live: leave the machine live at the end\n"
		"Without --live no machine is started: the rules are run on what was recorded of their\n"
		"sources, and what they say is held against what was recorded of it, to the byte. With --json\n"
		"each sample is a line, and the result the last one. With --live the machine has a journal, a\n"
		"folder and buses of its own: nothing reaches the one that was recorded, nor its body.\n"
		"What was recorded of a rule's target, and could not be run again as it was, is told with why:\n"
		"record what its rules read, or name it in the description as it was.\n"
		"examples:\n"
		"  cadmus replay walk.mcap\n"
		"  cadmus replay walk.mcap --cdl edited.cdl.yaml --output edited.mcap\n"
		"  cadmus replay walk.mcap --live --speed 4\n",
		run, .no_machine = true,
		.exits = "0 as recorded (--cdl: done; --live: COMPLETE), 1 not so, or not all; 2 wrong usage");

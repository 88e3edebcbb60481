/* fly_actions.c - actions on processes, fields, motion and state. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/fly_priv.h"
#include "bin/cadmus/output.h"
#include "bin/cadmus/sample.h"
#include "client/control.h"
#include "client/run_dir.h"
#include "client/stop_door.h"
#include "client/state_path.h"
#include "journal/journal_read.h"
#include "store/wait.h"

#define PATIENCE_NS (20 * NS_PER_S)
#define HOPELESS_NS (3 * NS_PER_S) /* a parent that starts again what could not start has done so by then */

int fly_do(struct flight *f, const struct fly_action *a) {
	static int (*const all[])(struct flight *, const struct fly_action *) = {
#define FLY(name, arguments, doc) fly_do_##name,
#include "bin/cadmus/fly.def"
#undef FLY
	};
	return all[a->kind - fly_kinds](f, a);
}

/* ---- processes ---- */

void fly_look(struct flight *f) {
	struct seat_event e;
	while (f->attached && seat_handle(&f->seat, &e) > 0)
		;
}

int fly_process(struct flight *f, const char *name) {
	uint16_t p = name ? plan_find_process(f->source.plan, name) : PLAN_NONE;
	return p == PLAN_NONE ? (fly_fail(f, "there is no process '%s'", name ? name : ""), -1) : p;
}

const struct plan_actuator *fly_actuator(const struct flight *f) {
	return f->source.plan->actuators.count ? plan_actuators(f->source.plan) : NULL;
}

/* Wait for the parent to say something, or the bus: both come at least every few milliseconds while a machine lives. */
static void breathe(struct flight *f) {
	struct pollfd p[2] = { { .fd = seat_fd(&f->seat), .events = POLLIN },
		{ .fd = f->witness.bus ? cdm_bus_fd(f->witness.bus) : -1, .events = POLLIN } };
	poll(p, 2, 20);
	fly_look(f);
	fly_witness_look(f);
}

static struct directory_entry entry_of(const struct flight *f, int p) {
	return directory_get(&f->seat.peers.directory, (uint16_t)p);
}

/* ": " and what it said when it could not start; "" when nobody knows of that. */
static void find_reason(struct flight *f, const char *name, char *out, size_t capacity) {
	size_t n = strlen(name);
	machine_notes_look(&f->start_notes, f->not_started, sizeof(f->not_started));
	output_clean(f->not_started, true);
	out[0] = 0;
	for (const char *line = f->not_started, *end; !out[0] && (end = strchr(line, '\n')); line = end + 1)
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			snprintf(out, capacity, "%.*s", (int)(end - line - (ptrdiff_t)n), line + n);
}

/* Not as it is wanted, until now: 1 after fly_fail() when it need not be waited for any longer. */
static int give_up(struct flight *f, int p, const char *name, struct cdm_mono began) {
	char why[SEAT_TEXT_MAX + 4] = "";
	struct directory_entry e = entry_of(f, p);
	struct cdm_mono now = clock_mono();
	bool down = e.state == DIRECTORY_DEAD || e.state == DIRECTORY_STOPPED;
	if (e.state != DIRECTORY_LIVE)
		find_reason(f, name, why, sizeof(why));
	bool hopeless = down && why[0] && mono_since(e.died, now) > HOPELESS_NS;
	if (!hopeless && mono_since(began, now) <= PATIENCE_NS)
		return 0;
	return fly_fail(f, "%s is %s%s", name, directory_state_text(e.state), why);
}

/* Wait until each named process is, or is not, live. */
static int expect(struct flight *f, const struct fly_action *a, bool live) {
	struct cdm_mono began = clock_mono();
	char list[400] = "";
	for (unsigned i = 0; fly_item(a, i); i++) {
		int p = fly_process(f, fly_item(a, i));
		if (p < 0)
			return 1;
		while ((entry_of(f, p).state == DIRECTORY_LIVE) != live) {
			if (give_up(f, p, fly_item(a, i), began))
				return 1;
			breathe(f);
		}
		struct directory_entry e = entry_of(f, p);
		if (!live && e.pid > 0 && kill(e.pid, 0) == 0)
			return fly_fail(f, "process %d of %s still exists", e.pid, fly_item(a, i));
		size_t n = strlen(list);
		snprintf(list + n, sizeof(list) - n, "%s%s%s", n ? ", " : "", fly_item(a, i),
				live && e.epoch > 1 ? " (again)" : "");
	}
	fly_say(f, "%s: %s", live ? "live" : "its process is gone, and its memory with it", list);
	return 0;
}

int fly_do_expect_live(struct flight *f, const struct fly_action *a) {
	return expect(f, a, true);
}

int fly_do_expect_gone(struct flight *f, const struct fly_action *a) {
	return expect(f, a, false);
}

static int signal_process(struct flight *f, const struct fly_action *a, int number, const char *name) {
	int p = fly_process(f, fly_text(a, "process"));
	if (p < 0)
		return 1;
	struct directory_entry e = entry_of(f, p);
	if (!directory_is_alive(e.state) || e.pid <= 0 || kill(e.pid, number) < 0)
		return fly_fail(f, "%s is not there to be signalled", fly_text(a, "process"));
	fly_note_frozen(number == SIGSTOP ? e.pid : 0);
	fly_say(f, "%s to %s (process %d)", name, fly_text(a, "process"), e.pid);
	/* A death is over when the parent has seen it: nobody then mistakes the dead for the living. */
	struct cdm_mono began = clock_mono();
	while (number == SIGKILL && entry_of(f, p).epoch == e.epoch && directory_is_alive(entry_of(f, p).state)) {
		if (mono_since(began, clock_mono()) > PATIENCE_NS)
			return fly_fail(f, "nobody noticed its death");
		breathe(f);
	}
	if (number == SIGKILL)
		fly_measure(f, "death to known", 0.0, ns_to_ms(mono_since(began, clock_mono())));
	return 0;
}

int fly_do_kill(struct flight *f, const struct fly_action *a) {
	return signal_process(f, a, SIGKILL, "SIGKILL");
}

int fly_do_freeze(struct flight *f, const struct fly_action *a) {
	return signal_process(f, a, SIGSTOP, "SIGSTOP");
}

int fly_do_thaw(struct flight *f, const struct fly_action *a) {
	return signal_process(f, a, SIGCONT, "SIGCONT");
}

/* ---- the machine ---- */

int fly_do_plan(struct flight *f, const struct fly_action *a) {
	const struct plan *p = f->source.plan;
	char hex[HASH_TEXT_MAX];
	unsigned clients = 0;
	(void)a;
	for (uint32_t i = 0; i < p->processes.count; i++)
		clients += plan_processes(p)[i].role == PLAN_CLIENT;
	fly_say(f, "%u entities, %u fields, %u rules, %u processes and %u seats for clients", p->entities.count,
			p->fields.count, p->rules.count, p->processes.count - clients, clients);
	fly_say(f, "%.1f MiB planned in all, plan %s (%u bytes)", (double)p->memory_bytes / 1048576.0,
			hash_text(&p->hash, 16, hex), p->bytes);
	return 0;
}

int fly_do_start(struct flight *f, const struct fly_action *a) {
	static struct cdm_diag diag;
	struct cdm_mono began = clock_mono();
	(void)a;
	if (f->daemon > 0)
		return fly_fail(f, "the machine is started already");
	fly_hold_interrupts(true);
	f->daemon = machine_start("fly", f->source.plan, true, f->stay, &f->start_notes);
	if (f->daemon > 0)
		fly_note_daemon(f->daemon);
	fly_hold_interrupts(false);
	if (f->daemon < 0)
		return fly_fail(f, "the machine did not start");
	fly_measure(f, "start: plan to core ready", 0.0, ns_to_ms(mono_since(began, clock_mono())));
	if (seat_attach(&f->seat, f->source.plan->machine, &diag) < 0)
		return fly_fail(f, "cannot attach: %s", diag.count ? diag.at[0].text : "?");
	f->attached = true;
	fly_say(f, "daemon is process %d; state, sockets and buses are the machine's own", (int)f->daemon);
	return fly_witness_open(f);
}

/* ---- fields ---- */

/* Let `watch` look at the field that the action names. */
static int with_field(struct flight *f, const struct fly_action *a,
		int (*watch)(struct flight *f, const struct fly_action *a, struct field *field)) {
	struct field field;
	const char *name = fly_text(a, "field");
	uint16_t i = name ? plan_find_field(f->source.plan, name) : PLAN_NONE;
	if (i == PLAN_NONE || field_open(&field, &f->seat.peers, i) < 0)
		return fly_fail(f, "there is no field '%s' that we may read", name ? name : "");
	int rc = watch(f, a, &field);
	field_close(&field);
	return rc;
}

static int wait_for_level(struct flight *f, const struct fly_action *a, struct field *field) {
	struct sample x = { .rc = -EAGAIN };
	double above = fly_number(a, "above", -INFINITY), below = fly_number(a, "below", INFINITY);
	int64_t within = (int64_t)(fly_number(a, "within_ms", 10000.0) * 1e6);
	struct cdm_mono began = clock_mono();
	while (mono_since(began, clock_mono()) < within) {
		fly_look(f);
		if (sample_take(field, &x) == 0 && sample_number(&x) > above && sample_number(&x) < below) {
			fly_say(f, "%s = %.2f, trust %.2f, %.1f ms old", field->plan->name, sample_number(&x),
					(double)x.info.trust, ns_to_ms(mono_since(x.info.source_time, x.now)));
			return 0;
		}
		/* Below: it decays by itself, no sample announces that. */
		(void)!wait_field(field, isfinite(below) ? 20 * NS_PER_MS : 200 * NS_PER_MS);
	}
	return fly_fail(f, "%s is %.2f after %.0f ms", field->plan->name, sample_number(&x), (double)within / 1e6);
}

int fly_do_wait_field(struct flight *f, const struct fly_action *a) {
	return with_field(f, a, wait_for_level);
}

static int measure_latency(struct flight *f, const struct fly_action *a, struct field *field) {
	struct cdm_info info;
	unsigned want = (unsigned)fly_number(a, "samples", 20.0);
	const char *name = fly_text(a, "name");
	double target = fly_number(a, "target_ms", 0.0), sum = 0.0;
	struct cdm_mono began = clock_mono();
	field_skip(field);
	for (unsigned n = 0; n < want;) {
		if (mono_since(began, clock_mono()) > PATIENCE_NS)
			return fly_fail(f, "only %u new samples of %s came", n, field->plan->name);
		fly_look(f);
		if (wait_field(field, 200 * NS_PER_MS) < 0)
			continue;
		struct cdm_mono seen = clock_mono();
		if (field_peek(field, seen, &info) < 0)
			continue;
		field_skip(field);
		double ms = ns_to_ms(mono_since(info.source_time, info.publish_time));
		fly_measure(f, name ? name : field->plan->name, target, ms);
		fly_measure(f, "awareness published to seen by us", 10.0,
				ns_to_ms(mono_since(info.publish_time, seen)));
		sum += ms;
		n++;
	}
	fly_say(f, "%u samples of %s, %.1f ms from the camera's stamp on average", want, field->plan->name, sum / want);
	return 0;
}

int fly_do_latency(struct flight *f, const struct fly_action *a) {
	return with_field(f, a, measure_latency);
}

/* What the workers that read this field did with it: how often they borrowed, how often they copied. */
static void count_readers(struct flight *f, const struct plan_field *field, uint64_t *leases, uint64_t *copies) {
	for (uint16_t p = 0; p < f->source.plan->processes.count; p++) {
		const struct segment *s = peers_get(&f->seat.peers, p);
		if (!s || plan_processes(f->source.plan)[p].role != PLAN_WORKER || !(field->readers >> p & 1))
			continue;
		*leases += counter_get(s, COUNTER_leases);
		*copies += counter_get(s, COUNTER_reads);
	}
}

static int look_for_copies(struct flight *f, const struct fly_action *a, struct field *field) {
	struct cdm_info info;
	uint64_t leases = 0, copies = 0;
	(void)a;
	count_readers(f, field->plan, &leases, &copies);
	const struct segment *writer = peers_get(&f->seat.peers, field->plan->process);
	uint64_t drops = writer ? counter_get(writer, COUNTER_drops) : 0;
	if (field_peek(field, clock_mono(), &info) < 0 || leases == 0)
		return fly_fail(f, "no reader borrowed a sample of %s", field->plan->name);
	if (copies > 0)
		return fly_fail(f, "%llu samples were copied", (unsigned long long)copies);
	fly_say(f, "%s: %u KiB each; borrowed where they stand %llu times, copied 0 times, dropped %llu",
			field->plan->name, field->plan->bytes >> 10, (unsigned long long)leases,
			(unsigned long long)drops);
	return 0;
}

int fly_do_no_copies(struct flight *f, const struct fly_action *a) {
	return with_field(f, a, look_for_copies);
}

/* ---- motion ---- */

#define STOP_PATIENCE_MS 5000

int fly_do_stop(struct flight *f, const struct fly_action *a) {
	char path[RUN_DIR_PATH_MAX];
	struct cdm_mono began = clock_mono();
	(void)a;
	struct stop_door door = { .path = path, .owner = getuid(), .rc = run_dir_path(f->source.plan->machine,
			RUN_DIR_STOP, path) };
	if (door.rc == 0)
		stop_door_all(&door, 1, STOP_PATIENCE_MS);
	if (door.rc < 0)
		return fly_fail(f, "the guard did not confirm the stop");
	double ms = ns_to_ms(mono_since(began, clock_mono()));
	fly_measure(f, "stop: asked to on the bus", 0.0, ms);
	fly_say(f, "the guard has it on the bus after %.1f ms", ms);
	return 0;
}

#define STILL_WINDOW_NS (300 * NS_PER_MS)

int fly_do_still(struct flight *f, const struct fly_action *a) {
	int64_t within = (int64_t)(fly_number(a, "within_ms", 0.0) * 1e6),
			whole = (int64_t)(fly_number(a, "for_ms", 0.0) * 1e6);
	struct cdm_mono began = clock_mono();
	int64_t window = whole ? whole : STILL_WINDOW_NS;
	for (;;) {
		int64_t passed = mono_since(began, clock_mono()), still = fly_witness_still_ns(f);
		bool held = !fly_flag(a, "holding") || fly_witness_holds(f);
		if (held && still >= window && passed >= (whole ? whole : 0))
			break;
		if (whole && passed > whole + NS_PER_S)
			return fly_fail(f, "a joint moved");
		if (!whole && passed > within + STILL_WINDOW_NS)
			return fly_fail(f, held ? "joints still moved %.0f ms later"
					: "not every joint said within %.0f ms that it holds", ns_to_ms(passed));
		fly_look(f);
		fly_witness_wait(f, 20 * NS_PER_MS);
	}
	int64_t settled = mono_since(began, clock_mono()) - fly_witness_still_ns(f);
	if (whole)
		fly_say(f, "%s: no joint moved for %.0f ms", fly_title(a, "still"), ns_to_ms(whole));
	else
		fly_say(f, "%s: the last joint stood after %.0f ms%s", fly_title(a, "still"),
				ns_to_ms(settled > 0 ? settled : 0), fly_flag(a, "holding")
				? ", and each says that its lease ran out" : "");
	return 0;
}

/* ---- state ---- */

/* The state after record `seq`, from the file alone; with `report` the whole chain is checked as well. */
static int fold(struct flight *f, uint64_t seq, struct journal_state *s, struct journal_report *report) {
	static struct cdm_diag diag;
	char path[1024];
	struct journal_reader *r = NULL;
	int rc = state_path(f->source.plan->machine, path, sizeof(path));
	memset(&diag, 0, sizeof(diag));
	if (rc == 0)
		rc = journal_read_open(path, &r, &diag);
	if (rc == 0)
		rc = journal_state_at(r, seq, s, &diag);
	if (rc == 0 && report)
		rc = journal_verify(r, report, &diag);
	journal_read_close(&r);
	return rc == 0 ? 0 : fly_fail(f, "the journal cannot be read: %s", diag.count ? diag.at[0].text : err_text(rc));
}

static int ask_state(struct flight *f, char hash[HASH_TEXT_MAX], uint64_t *seq) {
	struct fly_talk *t = &f->talk;
	struct mp_out o;
	t->id = ++f->next_id;
	t->action = NULL;
	mp_begin(&o, t->message, sizeof(t->message));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "state");
	mp_kv_uint(&o, "id", t->id);
	t->bytes = mp_done(&o);
	if (fly_ask(f, t) || fly_await(f, t, PATIENCE_NS))
		return 1;
	fly_reply_text(t, "hash", hash, HASH_TEXT_MAX);
	return mp_find_uint(t->reply, (size_t)t->reply_bytes, "seq", seq) == 0 ? 0
			: fly_fail(f, "core does not tell its state");
}

/* Every fact of the state as "key = value" lines. */
static void list_facts(const struct journal_state *s, char *out, size_t capacity) {
	size_t n = 0;
	out[0] = 0;
	for (unsigned i = 0; i < s->fact_count && n < capacity; i++)
		n += (size_t)snprintf(out + n, capacity - n, "%s = %s\n", state_fact_at(s, i)->key,
				state_fact_at(s, i)->value);
}

/* Is it one of the lines, whole? */
static bool has_line(const char *text, const char *line) {
	char whole[1024];
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(text, whole) != NULL;
}

static int compare_facts(struct flight *f, const struct journal_state *s) {
	char now[sizeof(f->remembered_facts)], *save = NULL;
	now[0] = '\n';
	list_facts(s, now + 1, sizeof(now) - 1);
	for (char *line = strtok_r(f->remembered_facts, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!has_line(now, line))
			return fly_fail(f, "'%s' is lost", line);
	fly_say(f, "all that was known is known: %u facts, %llu turns", s->fact_count,
			(unsigned long long)s->turns_end);
	return 0;
}

/* The file, replayed up to the record of the note, must give the hash that the core of that time had. */
static int compare_hash(struct flight *f, struct journal_state *s) {
	char hex[HASH_TEXT_MAX];
	if (fold(f, f->remembered_seq, s, NULL))
		return 1;
	struct hash h = state_hash(s);
	if (strcmp(hash_text(&h, 64, hex), f->remembered) != 0)
		return fly_fail(f, "record %llu gives state %.16s, it was %.16s", (unsigned long long)f->remembered_seq,
				hex, f->remembered);
	fly_say(f, "record %llu still gives state %.16s, as the dead core had it",
			(unsigned long long)f->remembered_seq, hex);
	return 0;
}

int fly_do_state(struct flight *f, const struct fly_action *a) {
	char hash[HASH_TEXT_MAX];
	uint64_t seq;
	struct journal_state *s = calloc(1, sizeof(*s));
	int code = !s || ask_state(f, hash, &seq) || fold(f, UINT64_MAX, s, NULL);
	if (code == 0 && fly_flag(a, "remember")) {
		snprintf(f->remembered, sizeof(f->remembered), "%s", hash);
		f->remembered_seq = seq;
		list_facts(s, f->remembered_facts, sizeof(f->remembered_facts));
		fly_say(f, "record %llu, state %.16s: %u facts", (unsigned long long)seq, hash, s->fact_count);
	} else if (code == 0)
		code = compare_facts(f, s) || compare_hash(f, s);
	free(s);
	return code;
}

int fly_do_journal(struct flight *f, const struct fly_action *a) {
	struct journal_state *s = calloc(1, sizeof(*s));
	struct journal_report report = { 0 };
	const char *key, *unused;
	char live[HASH_TEXT_MAX], hex[HASH_TEXT_MAX];
	uint64_t seq = 0;
	int code = !s || ask_state(f, live, &seq) || fold(f, UINT64_MAX, s, fly_flag(a, "verify") ? &report : NULL);
	for (unsigned i = 0; code == 0 && fly_pair(a, "holds", i, &key, &unused); i++) {
		bool found = false;
		for (unsigned k = 0; k < s->fact_count; k++)
			found |= strcmp(state_fact_at(s, k)->key, key) == 0;
		code = found ? 0 : fly_fail(f, "the journal does not hold '%s'", key);
	}
	struct hash h = code == 0 ? state_hash(s) : (struct hash){ { 0 } };
	if (code == 0 && fly_flag(a, "replay") && strcmp(hash_text(&h, 64, hex), live) != 0)
		code = fly_fail(f, "replay gives state %.16s, core says %.16s", hex, live);
	if (code == 0)
		fly_say(f, "%llu records on the disk%s%s", (unsigned long long)s->seq,
				fly_flag(a, "verify") ? ", the chain is whole" : "",
				fly_flag(a, "replay") ? ", replayed from the first they give the live state hash" : "");
	free(s);
	return code;
}

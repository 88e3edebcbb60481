/*
 * session.c - requests in, replies out: spec/control.md.
 *
 * Who speaks is the door's word.  A request is parsed from a private copy; a message that is no map
 * ends the session, an op that is unknown or not granted is answered with an error.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "base/err.h"
#include "base/io.h"
#include "base/log.h"
#include "runtime/core_priv.h"
#include "runtime/request.h"
#include "sem/phoenician.h"

#define SESSION_UNREAD_MAX 65536 /* bytes as the kernel counts them: a third of what it takes */
#define SESSION_AT_ONCE 16u /* requests: then others have their turn, and the legs theirs */

static bool is_of(const struct core *c, const struct reply_to *to, unsigned index) {
	return to->session == index && to->serial == c->sessions[index].serial;
}

/* ---- sessions ---- */

void session_close(struct core *c, unsigned index) {
	io_close(&c->sessions[index].fd);
}

static void hung_up(struct core *c, unsigned index) {
	session_close(c, index);
	turn_look_for_askers(c);
}

/* Places that are free, but for one that each gateway finds whatever clients there are. */
static int places_left(const struct core *c, bool client) {
	int left = 0;
	for (unsigned i = 0; i < CORE_SESSIONS; i++)
		left += c->sessions[i].fd < 0;
	for (uint16_t p = 0; client && p < c->plan->processes.count; p++)
		left -= plan_processes(c->plan)[p].role == PLAN_GATEWAY;
	return left;
}

static bool waits(const struct core *c, unsigned index) {
	if (c->motion.moving && is_of(c, &c->motion.to, index))
		return true;
	for (size_t i = 0; i < CORE_TURNS; i++)
		if ((c->turns[i].step != TURN_FREE && is_of(c, &c->turns[i].to, index)) ||
				(c->direct[i].used && is_of(c, &c->direct[i].to, index)))
			return true;
	return false;
}

/* Since when it is silent.  0: it is gone; INT64_MAX: it is not, but waits for us, or has said what is not read yet. */
static int64_t silent_since(const struct core *c, unsigned index) {
	char byte;
	const struct session *s = &c->sessions[index];
	ssize_t n = io_receive(s->fd, &byte, 1, NULL, NULL, MSG_DONTWAIT | MSG_PEEK);
	if (n == 0)
		return 0;
	return n != -EAGAIN || waits(c, index) ? INT64_MAX : s->heard.ns;
}

/* The client, of those at the control door, that has been silent longest makes place. */
static void make_place(struct core *c) {
	unsigned longest = CORE_SESSIONS;
	int64_t least = INT64_MAX;
	for (unsigned i = 0; i < CORE_SESSIONS; i++) {
		if (c->sessions[i].fd < 0 || c->sessions[i].entity != c->plan->operator_entity)
			continue;
		int64_t since = silent_since(c, i);
		if (since < least) {
			longest = i;
			least = since;
		}
	}
	if (longest == CORE_SESSIONS)
		return;
	log_info("the client that has been silent longest is hung up on: another one comes");
	hung_up(c, longest);
}

int session_open(struct core *c, int fd, uint16_t entity) {
	bool client = entity == c->plan->operator_entity;
	if (places_left(c, client) <= 0)
		make_place(c);
	if (places_left(c, client) <= 0)
		return -EBUSY;
	unsigned i = 0;
	while (c->sessions[i].fd >= 0)
		i++;
	int rc = core_watch(c, fd, CORE_ON_SESSION, i);
	if (rc < 0)
		return rc;
	c->sessions[i] = (struct session){ fd, entity, c->sessions[i].serial + 1, clock_mono() };
	return 0;
}

bool session_is(const struct core *c, const struct reply_to *to) {
	return to->session < CORE_SESSIONS && c->sessions[to->session].fd >= 0 &&
	       c->sessions[to->session].serial == to->serial;
}

/* ---- replies ---- */

void session_begin(struct core *c, struct mp_out *o, const struct reply_to *to, const char *ev, unsigned pairs) {
	mp_begin(o, c->out, sizeof(c->out));
	mp_map(o, pairs + 2);
	mp_kv_uint(o, "id", to->id);
	mp_kv_str(o, "ev", ev);
}

bool session_keeps_up(const struct core *c, const struct reply_to *to) {
	int unread = 0;
	return session_is(c, to) && ioctl(c->sessions[to->session].fd, SIOCOUTQ, &unread) == 0 &&
	       unread < SESSION_UNREAD_MAX;
}

/* A client that does not read its answers is hung up on: nobody else waits for it. */
void session_send(struct core *c, const struct mp_out *o, const struct reply_to *to) {
	if (!session_is(c, to))
		return;
	int n = mp_done(o);
	int rc = n < 0 ? n : io_send(c->sessions[to->session].fd, o->bytes, (size_t)n, NULL, 0, MSG_DONTWAIT);
	if (rc < 0) {
		log_info("a client is hung up on: %s", strerror(-rc));
		session_close(c, to->session);
	}
}

void session_done(struct core *c, const struct reply_to *to) {
	struct mp_out o;
	session_begin(c, &o, to, "done", 0);
	session_send(c, &o, to);
}

/* What whoever is refused for it can do about it; -ESTALE is the journal's. */
#define GONE "; the journal's file was removed or replaced: put it back, or end the machine and start it anew"
#define FULL "; the disk that the journal is on is full: make room there, and ask again"

const char *session_what_to_do(int rc) {
	return rc == -ESTALE ? GONE : rc == -ENOSPC ? FULL : "";
}

static void send_error(struct core *c, const struct reply_to *to, int rc, const char *cause, const char *text) {
	struct mp_out o;
	session_begin(c, &o, to, "error", 2 + !!cause);
	mp_kv_str(&o, "code", err_name(rc));
	if (cause)
		mp_kv_str(&o, "cause", cause);
	mp_kv_str(&o, "text", text);
	session_send(c, &o, to);
}

void session_error(struct core *c, const struct reply_to *to, int rc, const char *format, ...) {
	char text[512], whole[sizeof(text) + sizeof(GONE)];
	_Static_assert(sizeof(FULL) <= sizeof(GONE), "it fits as well");
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s%s", text, session_what_to_do(rc));
	send_error(c, to, rc, NULL, whole);
}

static int is_erased(void *user, const struct journal_record *r) {
	(void)user;
	return r->erased;
}

void session_used(struct core *c, const struct reply_to *to, uint64_t seq) {
	int rc = c->reader ? journal_one(c->reader, seq, is_erased, NULL) : 0;
	if (rc == 1 || rc == -ENOENT)
		session_error(c, to, -EEXIST,
				"this request was answered before, and its record %llu was %s: use another one",
				(unsigned long long)seq, rc == 1 ? "erased" : "let go by a compaction");
	else
		session_error(c, to, -EEXIST, "this request was used for something else before: use another one");
}

__attribute__((format(printf, 5, 0))) static void refuse(struct core *c, const struct reply_to *to, int rc,
		const char *cause, const char *format, va_list args) {
	char text[512];
	vsnprintf(text, sizeof(text), format, args);
	send_error(c, to, rc, cause, text);
}

void session_stale(struct core *c, const struct reply_to *to, const char *format, ...) {
	va_list args;
	va_start(args, format);
	refuse(c, to, -ESTALE, NULL, format, args);
	va_end(args);
}

void session_refused(struct core *c, const struct reply_to *to, int rc, const char *cause, const char *format, ...) {
	va_list args;
	va_start(args, format);
	refuse(c, to, rc, cause, format, args);
	va_end(args);
}

/* ---- what may be meant ---- */

#define NAMES_BYTES 256
#define NAMES_CUT ", ..."

/* "lark, finch": those of the first `count` indexes that have a name here, as far as there is room. */
static const char *names_of(const struct core *c, uint32_t count, const char *(*name)(const struct core *, uint16_t),
		char out[NAMES_BYTES]) {
	size_t used = 0;
	for (uint16_t i = 0; i < count; i++) {
		const char *n = name(c, i);
		if (n && used + strlen(", ") + strlen(n) + sizeof(NAMES_CUT) > NAMES_BYTES)
			return strcpy(out + used, NAMES_CUT), out;
		if (n)
			used += (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", used ? ", " : "", n);
	}
	return used ? out : "none";
}

static const char *model_name(const struct core *c, uint16_t e) {
	return models_process(c, e) != PLAN_NONE ? core_entity_name(c, e) : NULL;
}

static const char *person_name(const struct core *c, uint16_t e) {
	return plan_entities(c->plan)[e].class == PLAN_PERSON ? core_entity_name(c, e) : NULL;
}

/* Who can claim something. */
static const char *speaker_name(const struct core *c, uint16_t e) {
	bool part = view_is_part(c, e) && plan_entities(c->plan)[e].class != PLAN_RUNTIME;
	return part ? core_entity_name(c, e) : person_name(c, e);
}

static const char *setting_name(const struct core *c, uint16_t f) {
	return plan_fields(c->plan)[f].kind == PLAN_SETTING ? plan_fields(c->plan)[f].name : NULL;
}

/* ---- ops ---- */

static void op_ping(struct core *c, const struct asked *r) {
	session_done(c, &r->to);
}

/* The model that is asked for by name, else the active one. */
static uint16_t find_model(const struct core *c, const struct request *q) {
	uint16_t e = q->model[0] ? plan_find_entity(c->plan, q->model) : c->active;
	return e != PLAN_NONE && models_process(c, e) != PLAN_NONE ? e : PLAN_NONE;
}

static void ask_turn(struct core *c, const struct asked *r, enum turn_work work) {
	static struct turn t; /* large; one thread */
	char names[NAMES_BYTES];
	memset(&t, 0, sizeof(t));
	t.work = work;
	t.to = r->to;
	t.speaker = r->speaker;
	t.model = find_model(c, r->q);
	if (t.model == PLAN_NONE)
		return session_error(c, &r->to, -ENOENT, "there is no language model '%s'; there are: %s", r->q->model,
				names_of(c, c->plan->entities.count, model_name, names));
	t.blind = r->q->blind;
	t.max_tokens = r->q->max;
	memcpy(t.user, r->q->text, sizeof(r->q->text));
	memcpy(t.request, r->q->request, sizeof(r->q->request));
	memcpy(t.session, r->q->session, sizeof(r->q->session));
	int rc = turn_ask(c, &t);
	if (rc < 0)
		session_error(c, &r->to, rc, "%s", rc == -EBUSY ? "too many requests wait already" : err_text(rc));
}

static void op_say(struct core *c, const struct asked *r) {
	ask_turn(c, r, TURN_SAY);
}

static void direct_begin(struct core *c, struct mp_out *o, const struct direct_act *d, uint64_t seq, bool repeat) {
	session_begin(c, o, &d->to, "done", 3 + ACT_REPLY_PAIRS);
	mp_kv_uint(o, "seq", seq);
	mp_kv_int(o, "symbols_ns", d->at.ns);
	mp_kv_bool(o, "repeat", repeat);
}

static void direct_write(struct core *c, struct direct_act *d);

/* That record has its request: the same was asked then, and is answered again, or something else was. */
static void direct_again(struct core *c, struct direct_act *d, uint64_t seq) {
	struct recalled r;
	struct mp_out o;
	int rc = recall_verdict(c, seq, &r);
	if (rc == 0 && strcmp(r.symbols, d->symbols) == 0 &&
			strcmp(r.source, core_entity_name(c, d->speaker.entity)) == 0) {
		direct_begin(c, &o, d, seq, true);
		act_reply_again(&o, &r);
		return session_send(c, &o, &d->to);
	}
	if (!d->utterance.stop)
		return session_used(c, &d->to, seq);
	d->request[0] = 0; /* somebody else's id: the stop is written down without one */
	direct_write(c, d);
}

static void direct_settled(struct core *c, void *who, int rc, uint64_t seq) {
	struct direct_act *d = who;
	struct mp_out o;
	d->used = false;
	if (rc < 0) {
		act_dropped(c, &d->verdict);
		if (rc == -EEXIST && d->request[0])
			return direct_again(c, d, seq);
		if (d->utterance.stop)
			gap_add(c, record_kind_name(JOURNAL_COMMAND), 1, rc);
		return session_error(c, &d->to, rc, "%s", d->utterance.stop
				? "it is stopped, but that could not be written down"
				: "the decision could not be written down, so nothing was done");
	}
	direct_begin(c, &o, d, seq, false);
	act_reply(&o, &d->verdict);
	session_send(c, &o, &d->to);
	if (d->verdict.what == VERDICT_STARTED)
		motion_start(c, &d->speaker, &d->utterance, &d->verdict, d->trust, &d->to);
}

static struct direct_act *direct_free(struct core *c) {
	for (size_t i = 0; i < COUNT_OF(c->direct); i++)
		if (!c->direct[i].used)
			return &c->direct[i];
	return NULL;
}

static void direct_write(struct core *c, struct direct_act *d) {
	uint8_t room[ACT_ROOM_BYTES], seen[SCRIBE_SYMBOLS_BYTES];
	struct journal_entry e[ACT_ENTRIES_MAX + 1];
	struct act_asked asked = { d->request, d->symbols };
	unsigned n = act_entries(c, &d->speaker, &d->utterance, &d->verdict, d->trust, &asked, e, room, sizeof(room));
	if (n && d->utterance.count > 0) /* recognised, whatever the gate says */
		n += scribe_symbols(c, d->symbols, d->speaker.entity, d->trust, &e[n], seen);
	d->used = true;
	int rc = n ? ledger_submit(c, e, n, direct_settled, d) : -E2BIG;
	if (rc < 0)
		direct_settled(c, d, rc, 0);
}

/* A stop is carried out each time it is asked for; anything else once for each request. */
static void op_act(struct core *c, const struct asked *r) {
	struct direct_act *d = direct_free(c);
	if (!d)
		return session_error(c, &r->to, -EBUSY, "too many requests wait already");
	*d = (struct direct_act){ .to = r->to, .speaker = r->speaker, .at = clock_mono() };
	memcpy(d->request, r->q->request, sizeof(d->request));
	memcpy(d->symbols, r->q->symbols, sizeof(d->symbols));
	bool asked = d->request[0] && !phoenician_has_stop(d->symbols, strlen(d->symbols), 0);
	uint64_t before = asked ? recall_request(c, core_entity_name(c, d->speaker.principal), d->request) : 0;
	if (before)
		return direct_again(c, d, before);
	d->verdict = act_judge(c, &d->speaker, 1.0, PLAN_NONE, d->at, d->symbols, strlen(d->symbols), &d->utterance);
	d->trust = act_trust(c, &d->speaker, PLAN_NONE, 0);
	direct_write(c, d);
}

static void refuse_value(struct core *c, const struct asked *r) {
	struct settings_range allowed = settings_range(c, plan_find_field(c->plan, r->q->field));
	session_error(c, &r->to, -EINVAL, "%.10g is outside what '%s' allows: %.10g to %.10g", r->q->value, r->q->field,
			allowed.least, allowed.most);
}

static void op_set(struct core *c, const struct asked *r) {
	char names[NAMES_BYTES];
	int rc = settings_set(c, r);
	if (rc == -ENOENT)
		session_error(c, &r->to, rc, "there is no setting '%s'; there are: %s", r->q->field,
				names_of(c, c->plan->fields.count, setting_name, names));
	else if (rc == -EACCES)
		session_error(c, &r->to, rc, "%s may not write '%s': the plan grants it nothing there",
				core_entity_name(c, r->speaker.entity), r->q->field);
	else if (rc == -EINVAL)
		refuse_value(c, r);
	else if (rc < 0)
		session_error(c, &r->to, rc, "'%s' could not be set: %s", r->q->field, err_text(rc));
}

static void op_tell(struct core *c, const struct asked *r) {
	tell_fact(c, r);
}

static void op_goal(struct core *c, const struct asked *r) {
	tell_goal(c, r);
}

static void op_read(struct core *c, const struct asked *r) {
	tell_read(c, r);
}

static void op_view(struct core *c, const struct asked *r) {
	char names[NAMES_BYTES];
	if (r->q->model[0] && find_model(c, r->q) == PLAN_NONE)
		return session_error(c, &r->to, -ENOENT, "there is no language model '%s'; there are: %s", r->q->model,
				names_of(c, c->plan->entities.count, model_name, names));
	brief_answer(c, r);
}

static void op_erase(struct core *c, const struct asked *r) {
	forget_erase(c, r);
}

static void op_compact(struct core *c, const struct asked *r) {
	forget_compact(c, r);
}

static void op_load(struct core *c, const struct asked *r) {
	ask_turn(c, r, TURN_LOAD);
}

static void op_unload(struct core *c, const struct asked *r) {
	ask_turn(c, r, TURN_UNLOAD);
}

static void op_state(struct core *c, const struct asked *r) {
	struct mp_out o;
	char hex[HASH_TEXT_MAX], plan[HASH_TEXT_MAX];
	struct hash h = state_hash(c->state);
	struct level level;
	char line[LEVEL_TEXT_MAX], why[256];
	vital_look(c, &level);
	session_begin(c, &o, &r->to, "done", 15);
	mp_kv_uint(&o, "level", level.level);
	mp_kv_str(&o, "level_text", level_line(&level, line));
	mp_kv_str(&o, "lifecycle", lifecycle_state_text(c->vital.state));
	mp_kv_str(&o, "lifecycle_why", vital_why(c, why, sizeof(why)));
	mp_kv_uint(&o, "goals", c->state->goal_count);
	mp_kv_uint(&o, "sessions", c->state->session_count);
	mp_kv_str(&o, "machine", c->plan->machine);
	mp_kv_str(&o, "plan", hash_text(&c->plan->hash, 64, plan));
	mp_kv_uint(&o, "epoch", c->state->epoch);
	mp_kv_uint(&o, "seq", c->state->seq);
	mp_kv_str(&o, "hash", hash_text(&h, 64, hex));
	mp_kv_uint(&o, "facts", c->state->fact_count);
	mp_kv_uint(&o, "turns", c->state->turns_end);
	mp_kv_str(&o, "model", core_entity_name(c, c->active));
	mp_kv_bool(&o, "moving", c->motion.moving);
	session_send(c, &o, &r->to);
}

/* Done is answered in either case: what is not there any more needs no cancelling. */
static void op_cancel(struct core *c, const struct asked *r) {
	struct reply_to of = r->to;
	of.id = r->q->target;
	turn_cancel(c, &of);
	session_done(c, &r->to);
}

static void op_stop(struct core *c, const struct asked *r) {
	motion_estop(c);
	session_done(c, &r->to);
}

static void op_down(struct core *c, const struct asked *r) {
	session_done(c, &r->to);
	c->asked_down = true;
	if (seat_ask_down(c->seat) < 0)
		log_error("the parent does not hear that the machine should go down");
}

static void (*const ops[])(struct core *c, const struct asked *r) = {
#define REQUEST(name, right, keys) op_##name,
#include "runtime/request.def"
#undef REQUEST
};

/* The speaker: the door's entity, or with `as` the least of that and the named one. */
static int find_speaker(struct core *c, uint16_t door, const struct request *q, struct speaker *out) {
	*out = (struct speaker){ door, door, plan_rights(c->plan, door) };
	if (!(q->has & REQUEST_AS))
		return 0;
	uint16_t as = plan_find_entity(c->plan, q->as);
	if (as == PLAN_NONE)
		return -ENOENT;
	if (!(out->rights & PLAN_MAY_CONTROL))
		return -EACCES;
	out->entity = as;
	out->rights &= plan_rights(c->plan, as);
	return 0;
}

/* `stopped`: what is to be said before it. */
static void refuse_speaker(struct core *c, const struct asked *r, int rc, const char *stopped) {
	char names[NAMES_BYTES];
	if (rc == -ENOENT)
		session_error(c, &r->to, rc, "%s`as` names nobody: there is no '%s' in the plan; there are: %s",
				stopped, r->q->as, names_of(c, c->plan->entities.count,
				r->q->op == REQUEST_OP_tell ? speaker_name : person_name, names));
	else
		session_error(c, &r->to, rc, "%sthis door may not speak for others", stopped);
}

/* A part of the machine is granted nothing: that it claims something, the door answers for. */
static unsigned rights_for(const struct core *c, const struct asked *r) {
	bool claims = r->q->op == REQUEST_OP_tell && view_is_part(c, r->speaker.entity);
	return claims ? plan_rights(c->plan, r->speaker.principal) : r->speaker.rights;
}

static void dispatch(struct core *c, unsigned index, const void *message, size_t bytes) {
	static struct request q; /* large; one thread */
	const char *why;
	struct asked r = { .q = &q };
	int rc = request_parse(message, bytes, &q, &why);
	if (rc == -EPROTO)
		return hung_up(c, index);
	if (q.op != REQUEST_OP_state && q.op != REQUEST_OP_ping && q.op != REQUEST_OP_read && q.op != REQUEST_OP_view)
		vital_changed(c);
	bool stop = stop_is_said(c, &q);
	if (stop)
		motion_estop(c); /* whatever else is to be said of this request */
	const char *stopped = stop ? "it is stopped; but " : "";
	r.to = (struct reply_to){ (uint16_t)index, c->sessions[index].serial, q.id };
	if (rc < 0)
		return session_error(c, &r.to, rc, "%s%s", stopped, why);
	rc = find_speaker(c, c->sessions[index].entity, &q, &r.speaker);
	if (rc < 0)
		return refuse_speaker(c, &r, rc, stopped);
	if (stop)
		return stop_tell(c, &q, &r.speaker, &r.to);
	unsigned right = request_op_right(q.op);
	if (right && !(rights_for(c, &r) & right))
		return session_error(c, &r.to, -EACCES, "%s may not `%s`: the plan does not grant it",
				core_entity_name(c, r.speaker.entity), request_op_name(q.op));
	ops[q.op](c, &r);
}

void session_readable(struct core *c, unsigned index) {
	uint32_t serial = c->sessions[index].serial;
	for (unsigned i = 0; i < SESSION_AT_ONCE; i++) {
		if (c->sessions[index].fd < 0 || c->sessions[index].serial != serial)
			return;
		ssize_t n = io_receive(c->sessions[index].fd, c->message, sizeof(c->message), NULL, NULL, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			return hung_up(c, index);
		c->sessions[index].heard = clock_mono();
		dispatch(c, index, c->message, (size_t)n);
	}
}

/* cmd_state.c - what a machine knows: the fold of its journal, read from its file, daemon or not; check and copy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/intact.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/parts.h"
#include "bin/cadmus/past.h"
#include "client/control.h"
#include "lang/near.h"

/* ---- the machine, if it is up ---- */

#define PATIENCE_NS NS_PER_S

/* Level and lifecycle stand in no journal (spec/level.md). */
struct life {
	bool is_up;
	uint64_t level;
	char text[128], state[16], why[256];
};

static void look_alive(const char *machine, struct life *out) {
	uint8_t message[64], reply[4096];
	struct mp_out o;
	int fd = control_connect(machine);
	*out = (struct life){ .is_up = false };
	if (fd < 0)
		return;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "state");
	mp_kv_uint(&o, "id", 1);
	ssize_t n = control_ask(fd, message, o.length, 1, reply, sizeof(reply), PATIENCE_NS);
	out->is_up = n > 0 && mp_find_uint(reply, (size_t)n, "level", &out->level) == 0 &&
		     mp_find_str(reply, (size_t)n, "level_text", out->text, sizeof(out->text)) == 0 &&
		     mp_find_str(reply, (size_t)n, "lifecycle", out->state, sizeof(out->state)) == 0 &&
		     mp_find_str(reply, (size_t)n, "lifecycle_why", out->why, sizeof(out->why)) == 0;
	io_close(&fd);
}

/* ---- the state ---- */

static void print(const struct journal_state *s, const char *machine, const char *hash, const struct life *l) {
	printf("%s  state %.16s  record %llu  epoch %llu\n", machine, hash, (unsigned long long)s->seq,
			(unsigned long long)s->epoch);
	if (l->is_up)
		printf("%s%s%s  %s\n", l->state, l->why[0] ? ": " : "", l->why, l->text);
	parts_print(s, NULL);
}

static json_t *as_json(const struct journal_state *s, const char *machine, const char *hash, const struct life *l) {
	json_t *j = json_pack("{s:s,s:s,s:I,s:I}", "machine", machine, "hash", hash, "seq", (json_int_t)s->seq, "epoch",
			(json_int_t)s->epoch);
	if (l->is_up)
		json_object_update_new(j, json_pack("{s:I,s:s,s:s,s:s}", "level", (json_int_t)l->level, "level_text",
				l->text, "lifecycle", l->state, "lifecycle_why", l->why));
	parts_json(s, NULL, j);
	return j;
}

static int show(const struct verb_context *c, const struct past *p, const struct when *at) {
	struct moment m = { .seq = UINT64_MAX };
	struct life life = { .is_up = false };
	char hex[HASH_TEXT_MAX];
	int code = at ? past_find(p, at, &m) : 0;
	struct journal_state *s = code ? NULL : past_state(p, &m);
	if (!s)
		return 1;
	struct hash h = state_hash(s);
	hash_text(&h, 64, hex);
	if (!at)
		look_alive(p->machine, &life);
	if (c->json)
		code = json_print(as_json(s, p->machine, hex, &life));
	else
		print(s, p->machine, hex, &life);
	free(s);
	return code;
}

/* ---- a copy ---- */

static int verify_copy(const struct verb_context *c, const char *path, struct journal_report *report) {
	static struct cdm_diag diag;
	struct journal_reader *r;
	int rc = journal_read_open(path, &r, &diag);
	if (rc < 0)
		return verb_failed_diag("state", rc, &diag, "the copy cannot be read");
	int code = intact_check(c, "state", r, report);
	journal_read_close(&r);
	return code;
}

static int backup(const struct verb_context *c, const struct past *p, const char *path) {
	static struct cdm_diag diag;
	struct journal_report report = { 0 };
	struct stat file = { 0 };
	char head[HASH_TEXT_MAX];
	int rc = journal_backup(p->reader, path, &diag);
	if (rc == -EEXIST)
		return verb_failed_hint("state", rc, "give another name, or remove it", "%s is there already", path);
	if (rc < 0)
		return verb_failed_hint("state", rc, "the folder must be there, be writable, and have space", "%s",
				diag.count ? diag.at[0].text : "no copy could be made");
	int code = verify_copy(c, path, &report);
	if (code) {
		(void)unlink(path);
		return verb_failed_hint("state", -EIO, "`cadmus state verify` says whether the journal is sound",
				"a copy that is not whole is none: it was removed");
	}
	if (stat(path, &file) < 0)
		return verb_failed("state", -errno, "%s: %s", path, strerror(errno));
	hash_text(&report.head, 64, head);
	if (c->json)
		return json_print(json_pack("{s:s,s:s,s:I,s:I,s:s}", "machine", p->machine, "file", path, "bytes",
				(json_int_t)file.st_size, "records", (json_int_t)report.records, "head", head));
	printf("%s: %lld bytes, %llu records, verified\nhead %s\n", path, (long long)file.st_size,
			(unsigned long long)report.records, head);
	return 0;
}

/* ---- arguments ---- */

static int compact(const struct verb_context *c) {
	uint8_t message[64], reply[4096];
	struct mp_out o;
	uint64_t upto = 0, now = 0, removed = 0, kept = 0;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "compact");
	mp_kv_uint(&o, "id", 1);
	ssize_t n = machine_ask(c, "state", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("state", reply, (size_t)n))
		return 1;
	(void)!mp_find_uint(reply, (size_t)n, "upto", &upto);
	(void)!mp_find_uint(reply, (size_t)n, "now", &now);
	(void)!mp_find_uint(reply, (size_t)n, "removed", &removed);
	(void)!mp_find_uint(reply, (size_t)n, "kept", &kept);
	if (c->json)
		return json_print(json_pack("{s:I,s:I,s:I,s:I}", "upto", (json_int_t)upto, "now", (json_int_t)now,
				"removed", (json_int_t)removed, "kept", (json_int_t)kept));
	printf("up to record %llu: %llu are let go now, %llu in all, %llu stay\n", (unsigned long long)upto,
			(unsigned long long)now, (unsigned long long)removed, (unsigned long long)kept);
	return 0;
}

static const char *const words[] = { "verify", "backup", "compact" };

/* A number alone is that of a record. */
static int take_moment(const struct past *p, const char *text, struct when *out) {
	char number[32];
	if (text[0] && text[strspn(text, "0123456789")] == 0 && strlen(text) < sizeof(number) - 1) {
		snprintf(number, sizeof(number), "#%s", text);
		text = number;
	}
	return past_when(p, "--at", text, out);
}

static int check(const struct args *a, bool at) {
	const char *word = a->words[0];
	struct near n = { .word = word };
	bool known = false, copy = word && strcmp(word, "backup") == 0;
	if (!word)
		return 0;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		known = known || strcmp(word, words[i]) == 0;
		near_offer(&n, words[i]);
	}
	if (!known)
		return verb_wrong("state", n.best ? "there is no '%s'; did you mean '%s'?"
				: "there is no '%s'; there are: verify, backup FILE, compact", word, near_best(&n));
	if (at)
		return verb_wrong("state", "%s is of the whole journal, so --at has no meaning with it", word);
	if (!copy && a->words[1])
		return verb_wrong("state", "%s takes nothing, not '%s'", word, a->words[1]);
	return copy && (!a->words[1] || !a->words[1][0]) ? verb_wrong("state", "backup: say into which file") : 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct past p = past_begin("state");
	const char *at = NULL;
	struct when when;
	const struct args_option options[] = { { "--at", ARGS_TEXT, &at, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "state", .options = options, .words_max = 2 };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = check(&a, at != NULL);
	if (code == 0 && at)
		code = take_moment(&p, at, &when);
	if (code == 0 && a.words[0] && strcmp(a.words[0], "compact") == 0)
		return compact(c);
	if (code == 0)
		code = past_open(c, &p);
	if (code == 0)
		code = !a.words[0] ? show(c, &p, at ? &when : NULL) : a.words[1] ? backup(c, &p, a.words[1])
				: intact_show(c, "state", p.reader);
	past_close(&p);
	return code;
}

VERB(state, "Show what the machine knows, and the hash of it; check or copy it",
		"[--at WHEN] | verify | backup FILE | compact",
		"  --at WHEN     the state then: a moment as `cadmus at` takes it, or the number of a record\n"
		"  verify        check every page, body, link, snapshot and compaction; exit 1 says what is wrong\n"
		"  backup FILE   a copy, made while the machine goes on, and verified; FILE must not be there yet\n"
		"  compact       let go what the state has anyway (evidence, gaps ...), up to the newest snapshot;\n"
		"                no moment before that can be shown any more\n"
		"Read from the journal alone, but for compact; with --machine NAME also when nothing runs. Of a\n"
		"machine that is up its lifecycle and level (0 to 4) are told as well, and what holds it there.\n"
		"examples:\n"
		"  cadmus state\n"
		"  cadmus state --machine first_flight --at 12 --json\n"
		"  cadmus state backup /media/stick/first_flight.journal\n",
		run);

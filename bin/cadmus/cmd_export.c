/* cmd_export.c - what a machine was told, as JSON Lines; from the journal's file, daemon or not. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/state_path.h"
#include "memory/lines.h"

static int write_lines(struct journal_reader *r, const char *path, struct lines_report *report) {
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1; /* private things, too */
	FILE *out = !path ? stdout : fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return -errno;
	int rc = lines_export(r, out, report);
	if (path && fclose(out) != 0 && rc == 0)
		rc = -EIO;
	if (path && rc < 0)
		remove(path);
	return rc;
}

static int failed(int rc, const char *path) {
	if (rc == -EIO && !path)
		return 0; /* output_end() says why, as of every verb */
	if (rc == -EBADMSG)
		return verb_failed_hint("export", rc, "`cadmus log --verify` says where", "the journal is damaged");
	if (rc == -EEXIST)
		return verb_failed_hint("export", rc, "give another name, or remove it", "%s cannot be written: %s",
				path, strerror(-rc));
	return verb_failed("export", rc, "%s cannot be written: %s", path ? path : "standard output", strerror(-rc));
}

static int export(const struct verb_context *c, const char *machine, const char *path) {
	static struct cdm_diag diag;
	struct lines_report report = { 0 };
	char journal[1024];
	struct journal_reader *r = NULL;
	int rc = state_path(machine, journal, sizeof(journal));
	if (rc == 0)
		rc = journal_read_open(journal, &r, &diag);
	if (rc < 0)
		return verb_failed_diag("export", rc, &diag, "no journal can be read");
	rc = write_lines(r, path, &report);
	journal_read_close(&r);
	if (rc < 0)
		return failed(rc, path);
	if (path && c->json)
		return json_print(json_pack("{s:I,s:I,s:I,s:I}", "sessions", (json_int_t)report.sessions, "turns",
				(json_int_t)report.turns, "facts", (json_int_t)report.facts, "skipped",
						(json_int_t)report.skipped));
	if (path)
		printf("%llu sessions, %llu turns, %llu facts; left out %llu: erased, told twice, or not UTF-8\n",
				(unsigned long long)report.sessions, (unsigned long long)report.turns,
				(unsigned long long)report.facts, (unsigned long long)report.skipped);
	return 0;
}

static int run(const struct verb_context *c, int argc, char **argv) {
	const char *path = NULL;
	char name[CDM_NAME_MAX];
	const struct args_option options[] = { { "--output", ARGS_TEXT, &path, 0, 0 }, { .name = NULL } };
	struct args a = { .verb = "export", .options = options };
	int code = args_take(&a, argc, argv);
	if (path && strcmp(path, "-") == 0)
		path = NULL;
	if (code == 0)
		code = machine_journal(c, "export", name);
	return code ? code : export(c, name, path);
}

VERB(export, "Write what the machine was told as JSON Lines", "[--output FILE]",
		"  --output FILE   there, where no file may be yet, instead of to standard output (-)\n"
		"Sessions, turns and facts with who said them, through whom, when, and how far they are\n"
		"trusted; private ones, too. Read from the journal's file; with --machine NAME also when\n"
		"nothing runs.\n"
		"examples:\n"
		"  cadmus export --output told.jsonl\n"
		"  cadmus export --machine first_flight | jq 'select(.type == \"fact\")'\n",
		run);

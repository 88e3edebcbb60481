/*
 * cmd_import.c - what was exported, into the journal of a machine that does not run: we are its owner meanwhile.
 *
 * What the journal has already, it has not twice: importing again changes nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "bin/cadmus/output.h"
#include "client/state_path.h"
#include "journal/journal.h"
#include "memory/lines.h"

struct import {
	struct journal *journal;
	struct memory *memory;
	struct lines_import lines;
	uint64_t submitted, settled, stored, again, wrong, number;
	int rc;
	bool is_new; /* the journal */
	struct cdm_diag diag; /* of the first lines that were wrong, or of what ended it */
};

/* Results of what was submitted, until `left` are still to come. */
static void settle(struct import *i, uint64_t left) {
	struct journal_result r;
	struct pollfd p = { .fd = journal_event_fd(i->journal), .events = POLLIN };
	while (i->submitted - i->settled > left) {
		if (journal_take(i->journal, &r) < 0) {
			(void)!poll(&p, 1, -1);
			continue;
		}
		i->settled++;
		i->stored += r.rc == 0;
		i->again += r.rc == -EEXIST;
		if (r.rc < 0 && r.rc != -EEXIST && i->rc == 0)
			i->rc = r.rc;
	}
}

/* All that was submitted is in the journal, and found there. */
static void catch_up(struct import *i) {
	settle(i, 0);
	int rc = i->rc;
	while (rc == 0 && (rc = memory_follow(i->memory, 1000)) == 1000)
		rc = 0;
	i->rc = i->rc < 0 ? i->rc : rc < 0 ? rc : 0;
}

static void submit(struct import *i) {
	int rc;
	while ((rc = journal_submit(i->journal, &i->lines.entry, 1, JOURNAL_D1, NULL)) == -EAGAIN)
		settle(i, 0);
	i->submitted += rc == 0;
	i->rc = rc;
}

/* A line that is none is passed over, and said at the end. */
static void take_line(struct import *i, const char *line, size_t bytes) {
	struct cdm_diag diag = { .count = 0 };
	int rc = lines_import_line(&i->lines, line, bytes, &diag);
	if (rc == -EAGAIN || rc == -ESTALE) {
		catch_up(i);
		rc = i->rc < 0 ? i->rc : lines_import_line(&i->lines, line, bytes, &diag);
	}
	i->number++;
	if (rc == 1)
		return submit(i);
	if (rc == 0)
		return;
	if (rc != -EPROTO && rc != -E2BIG && rc != -EINVAL && rc != -EAGAIN) {
		i->rc = rc;
		return;
	}
	if (diag.count)
		cdm_diag_add(&i->diag, CDM_ERROR, "", "%s", diag.at[0].text);
	else
		cdm_diag_add(&i->diag, CDM_ERROR, "", "line %llu: it derives from what is not there",
				(unsigned long long)i->number);
	if (i->wrong++ == 0)
		i->rc = i->lines.begun ? 0 : rc;
}

/* The next line, without its end; what is more than fits is passed over.  Its bytes, LINES_BYTES_MAX + 1: too long. */
static size_t read_line(FILE *in, char room[LINES_BYTES_MAX + 1]) {
	size_t n = 0;
	int c;
	while ((c = getc_unlocked(in)) != EOF && c != '\n')
		if (n <= LINES_BYTES_MAX)
			room[n++] = (char)c;
	return n;
}

static char line[LINES_BYTES_MAX + 1];

/* Into `line`; false: there is none any more. */
static bool next_line(FILE *in, size_t *bytes) {
	if (feof(in) || ferror(in))
		return false;
	*bytes = read_line(in, line);
	return *bytes > 0 || !(feof(in) || ferror(in));
}

static int cannot_read_on(struct import *i) {
	cdm_diag_add(&i->diag, CDM_ERROR, "", "it cannot be read on: %s", strerror(errno));
	return -EIO;
}

/* Before anything is made: is it what an export begins with?  Its bytes stay in `line`. */
static int read_first(struct import *i, FILE *in, size_t *bytes) {
	struct lines_import probe;
	int rc = lines_import_begin(&probe, NULL);
	bool is_empty = rc == 0 && !next_line(in, bytes);
	if (is_empty && ferror(in))
		rc = cannot_read_on(i);
	else if (is_empty)
		cdm_diag_add(&i->diag, CDM_ERROR, "", "there is nothing in it");
	if (rc == 0)
		rc = is_empty ? -EPROTO : lines_import_line(&probe, line, *bytes, &i->diag);
	lines_import_end(&probe);
	return rc;
}

static void take_all(struct import *i, FILE *in, size_t bytes) {
	do
		take_line(i, line, bytes);
	while (i->rc == 0 && next_line(in, &bytes));
	if (i->rc == 0 && ferror(in))
		i->rc = cannot_read_on(i);
	catch_up(i);
}

static int open_all(struct import *i, const char *path) {
	int rc = journal_open(path, NULL, &i->journal, &i->diag);
	if (rc == 0)
		rc = memory_open(path, NULL, &i->memory, &i->diag);
	while (rc == 0 && (rc = memory_follow(i->memory, 1000)) == 1000)
		rc = 0;
	rc = rc > 0 ? 0 : rc;
	return rc == 0 ? lines_import_begin(&i->lines, i->memory) : rc;
}

static int report(const struct verb_context *c, const struct import *i) {
	uint64_t known = i->again;
	json_t *why = json_array();
	for (uint32_t n = 0; n < i->diag.count; n++)
		json_array_append_new(why, json_string(i->diag.at[n].text));
	if (c->json)
		return json_print(json_pack("{s:I,s:I,s:I,s:o,s:b}", "imported", (json_int_t)i->stored, "known",
				(json_int_t)known, "wrong", (json_int_t)i->wrong, "passed_over", why, "new_journal",
				i->is_new));
	json_decref(why);
	printf("%llu are new, %llu were known%s\n", (unsigned long long)i->stored, (unsigned long long)known,
			i->is_new ? "; no machine of that name had a journal, so one was made" : "");
	return 0;
}

#define PASSED_SHOWN 8u

static int passed_over(const struct verb_context *c, const struct import *i) {
	char text[CDM_DIAG_TEXT];
	int code = verb_failed("import", -EPROTO, "%llu line%s passed over; %s", (unsigned long long)i->wrong,
			i->wrong == 1 ? " was" : "s were", i->diag.at[0].text);
	for (uint32_t n = 1; !c->json && n < i->diag.count && n < PASSED_SHOWN; n++)
		fprintf(stderr, "  %s\n", output_text(i->diag.at[n].text, text, sizeof(text)));
	if (!c->json && i->wrong > PASSED_SHOWN)
		fprintf(stderr, "  and %llu more\n", (unsigned long long)(i->wrong - PASSED_SHOWN));
	return code;
}

static int import(const struct verb_context *c, const char *machine, FILE *in) {
	static struct import i;
	char path[1024];
	size_t bytes = 0;
	int rc = state_path_make(machine, path, sizeof(path));
	if (rc == 0)
		rc = read_first(&i, in, &bytes);
	i.is_new = access(path, F_OK) < 0;
	if (rc == 0)
		rc = open_all(&i, path);
	if (rc == 0)
		take_all(&i, in, bytes);
	i.again += i.lines.known;
	lines_import_end(&i.lines);
	memory_close(&i.memory);
	journal_stop(&i.journal);
	if (rc < 0 || i.rc < 0)
		return verb_failed_diag("import", rc < 0 ? rc : i.rc, &i.diag, "the journal does not take it");
	int code = report(c, &i);
	if (!i.wrong)
		return code;
	return passed_over(c, &i);
}

static int run(const struct verb_context *c, int argc, char **argv) {
	struct args a = { .verb = "import", .words_min = 1, .words_max = 1, .wanted = "give a file of JSON Lines" };
	if (args_take(&a, argc, argv))
		return 2;
	if (!c->machine)
		return verb_wrong("import", "say into which machine: --machine NAME; it must not run meanwhile");
	char machine[CDM_NAME_MAX];
	int named = machine_name(c, "import", machine);
	if (named)
		return named;
	bool standard = strcmp(a.words[0], "-") == 0;
	FILE *in = standard ? stdin : fopen(a.words[0], "re");
	if (!in)
		return verb_failed_hint("import", -errno,
				"`cadmus export --machine NAME --output FILE` writes such a file", "%s: %s", a.words[0],
				strerror(errno));
	int code = import(c, machine, in);
	if (!standard)
		fclose(in);
	return code;
}

VERB(import, "Read what was exported into the journal of a machine that does not run", "FILE --machine NAME",
		"  FILE             JSON Lines as `cadmus export` writes them; -: standard input\n"
		"  --machine NAME   whose journal; `cadmus down` first, if it runs\n"
		"What the journal has already is passed over, so importing twice changes nothing. Claims keep their\n"
		"time; nothing becomes younger or more trusted than it was, and what a source has claimed since,\n"
		"and not taken back, stays. What was forgotten since it was exported comes back.\n"
		"example:\n"
		"  cadmus export --machine robot_1 | cadmus import - --machine robot_2\n",
		run);

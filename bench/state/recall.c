/*
 * recall.c - finding again what was said: the memory as core uses it, beside SQLite's full text by itself.
 *
 *     bench-recall DIR          commands on stdin, answers as in keep.c:
 *
 *     make TURNS           a journal of so many turns (talk.h), and the same texts in a table of FTS5
 *     index                the memory's index, made of the journal: ns, passages, bytes of vectors in memory, bytes
 *                          of the journal and of the index
 *     ask KIND COUNT       so many questions to the memory, ten hits each; half of them by somebody who may not see all
 *     fts KIND COUNT       the same ones to FTS5: any of the words, the best ten by bm25
 */
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include "bench/lib/must.h"
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"
#include "bench/state/ours.h"
#include "bench/state/talk.h"
#include "journal/body.h"
#include "memory/memory.h"

enum { HITS = 10, SEED = 42, BATCH = JOURNAL_BATCH_MAX, LATER_MS = 86400000 };

static char path[512], index_path[528], fts_path[512];
static struct memory *memory;
static struct memory_hit hits[HITS];
static sqlite3 *fts;
static sqlite3_stmt *fts_find;
static uint64_t last_said_ms;

/* ---- make ---- */

static void sql(const char *text) {
	if (sqlite3_exec(fts, text, NULL, NULL, NULL) != SQLITE_OK)
		die("%s: %s", text, sqlite3_errmsg(fts));
}

static void fts_begin(void) {
	if (sqlite3_open(fts_path, &fts) != SQLITE_OK)
		die("fts.sqlite: %s", sqlite3_errmsg(fts));
	sql("PRAGMA journal_mode=WAL");
	sql("PRAGMA synchronous=NORMAL");
	sql("CREATE VIRTUAL TABLE said USING fts5(user, answer)");
	sql("BEGIN");
}

static void fts_put(sqlite3_stmt *insert, const struct talk_turn *t) {
	if (sqlite3_bind_text(insert, 1, t->user, -1, SQLITE_STATIC) != SQLITE_OK ||
			sqlite3_bind_text(insert, 2, t->answer, -1, SQLITE_STATIC) != SQLITE_OK ||
			sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
		die("insert: %s", sqlite3_errmsg(fts));
}

static sqlite3_stmt *prepared(const char *text) {
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(fts, text, -1, &s, NULL) != SQLITE_OK)
		die("%s: %s", text, sqlite3_errmsg(fts));
	return s;
}

static struct journal_entry entry_of(const struct talk_turn *t, uint8_t *room, size_t bytes) {
	struct body_turn b = { .speaker = body_text(t->who), .model = body_text("scribe"), .user = body_text(t->user),
		.answer = body_text(t->answer), .session = body_text(t->session), .trust_ppm = t->trust_ppm,
		.fact_count = t->key[0] != 0, .said_ms = t->said_ms };
	b.facts[0] = (struct body_said){ body_text(t->key), body_text(t->value), 800000 };
	int n = body_build_turn(&b, room, bytes);
	must(n, "turn");
	return (struct journal_entry){ .kind = JOURNAL_TURN,
		.visibility = t->is_private ? JOURNAL_PRIVATE : JOURNAL_MACHINE, .entity = "core", .principal = t->who,
		.body = room, .body_bytes = (size_t)n };
}

static void make(uint32_t turns) {
	static uint8_t room[BATCH][8192];
	static struct talk_turn told[BATCH];
	struct journal_entry entries[BATCH];
	struct ours ours = { NULL };
	ours_open(&ours, path);
	fts_begin();
	sqlite3_stmt *insert = prepared("INSERT INTO said(user, answer) VALUES(?1, ?2)");
	talk_begin(SEED);
	for (uint32_t i = 0; i < turns;) {
		uint64_t ticket;
		unsigned n = 0;
		for (; n < BATCH && i < turns; n++, i++) {
			talk_next(&told[n], i);
			fts_put(insert, &told[n]);
			entries[n] = entry_of(&told[n], room[n], sizeof(room[n]));
		}
		last_said_ms = told[n - 1].said_ms;
		must(journal_submit(ours.journal, entries, n, JOURNAL_D1, &ticket), "submit");
		ours_await(&ours, ticket);
	}
	sqlite3_finalize(insert);
	sql("COMMIT");
	sql("INSERT INTO said(said) VALUES('optimize')");
	journal_stop(&ours.journal);
	free(ours.state);
	fts_find = prepared("SELECT user, answer FROM said WHERE said MATCH ?1 ORDER BY rank LIMIT 10");
}

static uint64_t bytes_of(const char *file) {
	struct stat st;
	return stat(file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void make_index(void) {
	struct cdm_diag diag = { .count = 0 };
	struct memory_stats s;
	uint64_t from = mono_ns();
	int rc = memory_open(path, NULL, &memory, &diag);
	must(rc, diag.count ? diag.at[0].text : path);
	must(memory_follow(memory, 0), "index");
	uint64_t took = mono_ns() - from;
	memory_stats(memory, &s);
	printf("ok %llu %llu %llu %llu %llu\n", (unsigned long long)took, (unsigned long long)s.passages,
			(unsigned long long)s.in_memory, (unsigned long long)bytes_of(path),
			(unsigned long long)bytes_of(index_path));
}

/* ---- ask ---- */

static void ask_memory(const char *text, uint32_t number) {
	static const struct claims_asker stranger = { "person_3", { "person_3", "person_3" } };
	struct memory_query q = { .text = text, .asker = number % 2 ? &stranger : NULL,
		.now = { (int64_t)(last_said_ms + LATER_MS) * INT64_C(1000000) } };
	must(memory_search(memory, &q, hits, HITS), "search");
}

/* "one" OR "two"; nothing without a word. */
static void ask_fts(const char *text, uint32_t number) {
	char query[1024];
	size_t n = 0;
	(void)number;
	for (const char *at = text; *at && *at != '?';) {
		size_t word = strcspn(at, " ");
		n += (size_t)snprintf(query + n, sizeof(query) - n, "%s\"%.*s\"", n ? " OR " : "", (int)word, at);
		at += word + (at[word] == ' ');
	}
	if (n == 0)
		return;
	if (sqlite3_bind_text(fts_find, 1, query, (int)n, SQLITE_STATIC) != SQLITE_OK)
		die("bind: %s", sqlite3_errmsg(fts));
	int rc;
	while ((rc = sqlite3_step(fts_find)) == SQLITE_ROW)
		;
	if (rc != SQLITE_DONE || sqlite3_reset(fts_find) != SQLITE_OK)
		die("%s: %s", query, sqlite3_errmsg(fts));
}

static void ask(const char *kind, uint32_t count, void (*one)(const char *, uint32_t)) {
	char text[512];
	enum talk_question k = TALK_RARE;
	while (k < TALK_QUESTIONS && strcmp(talk_question_text(k), kind) != 0)
		k++;
	if (k == TALK_QUESTIONS)
		die("no such question: %s", kind);
	double tick = tick_ns();
	samples_begin(count);
	talk_begin(SEED + 1 + k);
	while (sample_count < count) {
		talk_ask(k, text, sizeof(text));
		uint64_t from = ticks();
		one(text, sample_count);
		samples[sample_count++] = (double)(ticks() - from) * tick;
	}
	samples_out();
}

static void do_line(const char *line) {
	uint32_t n;
	char kind[16];
	if (sscanf(line, "make %u", &n) == 1) {
		make(n);
		printf("ok\n");
	} else if (strcmp(line, "index\n") == 0) {
		make_index();
	} else if (sscanf(line, "ask %15s %u", kind, &n) == 2) {
		ask(kind, n, ask_memory);
	} else if (sscanf(line, "fts %15s %u", kind, &n) == 2) {
		ask(kind, n, ask_fts);
	} else {
		die("not understood: %s", line);
	}
}

int main(int argc, char **argv) {
	char line[256];
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIR; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/recall.journal", argv[1]);
	snprintf(index_path, sizeof(index_path), "%s.memory", path);
	snprintf(fts_path, sizeof(fts_path), "%s/fts.sqlite", argv[1]);
	printf("ok SQLite " SQLITE_VERSION "\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	memory_close(&memory);
	sqlite3_finalize(fts_find);
	sqlite3_close(fts);
	return 0;
}

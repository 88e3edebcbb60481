/* log_test.c - one line, one write, nothing below the level that was asked for. */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int from_log; /* the end of a pipe whose other end is our standard error */

/* What was logged since, up to one read; 0 when nothing was. */
static size_t logged(char *out, size_t capacity) {
	ssize_t n = read(from_log, out, capacity - 1);
	out[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

static void begin(const char *level) {
	CHECK(level ? setenv("CADMUS_LOG", level, 1) == 0 : unsetenv("CADMUS_LOG") == 0);
	log_init("tester");
}

static void says_who_and_when(void) {
	char line[2048], year[5], text[64];
	int at;
	begin("info");
	log_info("%s %d", "three", 3);
	CHECK(logged(line, sizeof(line)) == strlen("2026-11-23T08:00:00.123456Z info  tester: three 3\n"));
	CHECK(sscanf(line, "%4[0-9]-%*d-%*dT%*d:%*d:%*f%n", year, &at) == 1 && line[at] == 'Z');
	CHECK(sscanf(line + at, "Z info tester: %63[^\n]", text) == 1 && strcmp(text, "three 3") == 0);
}

static void says_what_was_asked_for(void) {
	static const char *const levels[] = { "error", "warn", "info", "debug" };
	char line[2048];
	for (int asked = 0; asked < 4; asked++) {
		begin(levels[asked]);
		for (int level = 0; level < 4; level++) {
			log_line((enum log_level)level, "x");
			CHECK((logged(line, sizeof(line)) > 0) == (level <= asked));
		}
	}
	begin("nonsense"); /* stays as it was */
	log_debug("x");
	CHECK(logged(line, sizeof(line)) > 0);
}

static void cuts_what_is_too_long(void) {
	static char text[5000];
	char line[8192];
	begin("error");
	memset(text, 'x', sizeof(text) - 1);
	for (size_t bytes = 900; bytes < sizeof(text); bytes++) {
		log_error("%.*s", (int)bytes, text);
		size_t n = logged(line, sizeof(line));
		CHECK(n > 900 && n <= 1024 && strchr(line, '\n') == line + n - 1 && line[n - 2] == 'x');
	}
}

/* Nobody reads: it goes on, and says later what is missing. */
static void never_waits(void) {
	char line[8192];
	int held = dup(STDERR_FILENO), ends[2];
	CHECK(held >= 0 && pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	begin("error");
	for (int i = 0; i < 10000; i++) /* much more than a pipe holds */
		log_error("line %d", i);
	CHECK((fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK) == 0); /* others wait as they did */
	int last = -1, missing = -1;
	CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	FILE *f = fdopen(ends[0], "r");
	while (f && fgets(line, sizeof(line), f))
		CHECK(sscanf(strstr(line, "line "), "line %d", &last) == 1);
	clearerr(f);
	log_error("now there is room");
	CHECK(fgets(line, sizeof(line), f) && sscanf(strchr(line, '('), "(%d lines before", &missing) == 1);
	CHECK(last > 100 && last + 1 + missing == 10000 && strstr(line, "now there is room"));
	log_error("and again");
	CHECK(fgets(line, sizeof(line), f) && !strchr(line, '('));
	fclose(f);
	CHECK(dup2(held, STDERR_FILENO) >= 0 && close(held) == 0);
	begin("error");
}

int main(void) {
	int ends[2];
	begin(NULL);
	CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	int before = dup(STDERR_FILENO);
	CHECK(before >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
	from_log = ends[0];
	log_info("the usual level is higher");
	char line[64];
	CHECK(logged(line, sizeof(line)) == 0);
	says_who_and_when();
	says_what_was_asked_for();
	cuts_what_is_too_long();
	never_waits();
	CHECK(dup2(before, STDERR_FILENO) >= 0);
	puts("log_test: ok");
}

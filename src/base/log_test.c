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
	CHECK(dup2(before, STDERR_FILENO) >= 0);
	puts("log_test: ok");
}

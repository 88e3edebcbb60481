/* output.c - see output.h. */
#include "bin/cadmus/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/utf8.h"
#include "bin/cadmus/verb.h"

static int lost; /* errno of the first write that failed */

void output_open(void) {
	static char room[1 << 20]; /* so that what fails, fails when we look, and the reason is known */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
			_exit(126);
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, room, _IOFBF, sizeof(room));
}

int output_flush(void) {
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	if (!lost)
		lost = errno ? errno : EIO;
	return -lost;
}

int output_end(const char *verb, int code) {
	int rc = output_flush();
	if (rc == 0)
		return code;
	return verb_failed(verb, rc, "the output could not be written: %s", strerror(-rc));
}

bool output_colour(int fd) {
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fd) && !(no && no[0]) && !(term && strcmp(term, "dumb") == 0);
}

#define ZERO_WIDTH_NON_JOINER 0x200c /* these two only join letters, and emoji are made with them */
#define ZERO_WIDTH_JOINER 0x200d

/* Bytes of the character at p, which is UTF-8 and moves no cursor; 0: it is not. */
static size_t printable(const char *p, size_t left, bool lines) {
	uint32_t c;
	size_t n = utf8_next(p, left, &c);
	bool kept = (lines && n && (c == '\n' || c == '\t')) ||
		    (n && (c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER));
	return n && !kept && utf8_is_control(c) ? 0 : n;
}

char *output_clean(char *text, bool lines) {
	size_t n = strlen(text);
	for (size_t i = 0; i < n;) {
		size_t whole = printable(text + i, n - i, lines);
		if (whole == 0)
			text[i] = '?';
		i += whole ? whole : 1;
	}
	return text;
}

const char *output_text(const char *text, char *out, size_t capacity) {
	snprintf(out, capacity, "%s", text);
	return output_clean(out, false);
}

static const char *last_words;

static void on_interrupt(int number) {
	if (last_words && write(STDERR_FILENO, last_words, strlen(last_words)) < 0)
		_exit(128 + number);
	kill(getpid(), number); /* SA_RESETHAND: this time for good, once we return */
}

void output_interruptible(const char *words) {
	struct sigaction a = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
	last_words = words ? words : isatty(STDERR_FILENO) ? "\n" : NULL;
	sigaction(SIGINT, &a, NULL);
}

/* log.c - see log.h. */
#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static enum log_level threshold = LOG_WARN;
static const char *process_role = "cadmus";
static int out = STDERR_FILENO;
static unsigned lost; /* lines, since the last one that was written */
static void (*also)(void *self, const char *format, const char *text);
static void *also_self;

/*
 * A pipe that nobody reads, or a terminal that was told to wait, must stop no process of a machine.  The flag that
 * says so belongs to a description of the file that others share; so we take one of our own.
 */
static int own_description(void) {
	struct stat st;
	if (fstat(STDERR_FILENO, &st) < 0 || (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)))
		return STDERR_FILENO;
	int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? STDERR_FILENO : fd;
}

static void write_out(const char *line, size_t bytes) {
	struct pollfd p = { .fd = out, .events = POLLOUT };
	unsigned before = __atomic_exchange_n(&lost, 0, __ATOMIC_RELAXED);
	if (poll(&p, 1, 0) == 1 && write(out, line, bytes) == (ssize_t)bytes)
		return;
	__atomic_fetch_add(&lost, before + 1, __ATOMIC_RELAXED); /* nowhere to complain to */
}

void log_init(const char *role) {
	const char *want = getenv("CADMUS_LOG");
	process_role = role;
	if (out != STDERR_FILENO)
		close(out);
	out = own_description();
	for (size_t i = 0; want && i < COUNT_OF(level_names); i++)
		if (strcmp(want, level_names[i]) == 0)
			threshold = (enum log_level)i;
}

void log_also(void (*hear)(void *self, const char *format, const char *text), void *self) {
	also = hear;
	also_self = self;
}

void log_line(enum log_level level, const char *format, ...) {
	char line[1024], when[CLOCK_TEXT_MAX];
	bool heard = also && level <= LOG_WARN;
	if (level > threshold && !heard)
		return;
	int n = snprintf(line, sizeof(line), "%s %-5s %s: ", clock_text(clock_wall(), when),
			level_names[level], process_role);
	unsigned missing = __atomic_load_n(&lost, __ATOMIC_RELAXED);
	if (missing > 0)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "(%u lines before this one had no place) ", missing);
	va_list args;
	va_start(args, format);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (heard)
		also(also_self, format, line + n);
	if (level > threshold)
		return;
	size_t end = (size_t)n + (size_t)(m < 0 ? 0 : m);
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	line[end++] = '\n';
	write_out(line, end);
}

void log_diag(const char *what, const struct cdm_diag *diag) {
	for (uint32_t i = 0; i < diag->count; i++) {
		const struct cdm_message *m = &diag->at[i];
		log_error("%s: %s%s%s", what, m->text, m->hint[0] ? "; " : "", m->hint);
	}
}

/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static enum log_level threshold = LOG_WARN;
static const char *process_role = "cadmus";

void log_init(const char *role) {
	const char *want = getenv("CADMUS_LOG");
	process_role = role;
	for (size_t i = 0; want && i < COUNT_OF(level_names); i++)
		if (strcmp(want, level_names[i]) == 0)
			threshold = (enum log_level)i;
}

void log_line(enum log_level level, const char *format, ...) {
	char line[1024], when[CLOCK_TEXT_MAX];
	if (level > threshold)
		return;
	int n = snprintf(line, sizeof(line), "%s %-5s %s: ", clock_text(clock_wall(), when),
			level_names[level], process_role);
	va_list args;
	va_start(args, format);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	size_t end = (size_t)n + (size_t)(m < 0 ? 0 : m);
	if (end > sizeof(line) - 2)
		end = sizeof(line) - 2;
	line[end++] = '\n';
	if (write(STDERR_FILENO, line, end) < 0)
		return; /* nowhere to complain to */
}

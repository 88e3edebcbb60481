/*
 * program_test.c - what is found, and what is not because it only stands where we happen to be.
 *
 * Where a program looks depends on where it stands, so a copy of this one is put into made-up trees:
 * called as "program_test find KIND NAME" it prints what it found, or the error.
 */
#include "base/program.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/err.h"

static char root[] = "/tmp/cadmus-program-XXXXXX";

static void run(const char *format, ...) PRINTF_LIKE(1, 2);

static void run(const char *format, ...) {
	char command[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	CHECK(system(command) == 0);
}

static void place(const char *path) {
	run("mkdir -p $(dirname %s/%s) && touch %s/%s", root, path, root, path);
}

/* What the copy at `path` finds; `want` is below the root, or the name of an error. */
static void finds(const char *path, enum program_kind kind, const char *name, const char *want) {
	char command[512], said[PATH_MAX], expected[PATH_MAX];
	snprintf(command, sizeof(command), "%s/%s find %d %s", root, path, (int)kind, name);
	FILE *f = popen(command, "r");
	CHECK(f && fgets(said, sizeof(said), f));
	CHECK(pclose(f) == 0);
	said[strcspn(said, "\n")] = 0;
	snprintf(expected, sizeof(expected), "%s%s%s", want[0] == 'E' ? "" : root, want[0] == 'E' ? "" : "/", want);
	if (strcmp(said, expected) != 0)
		fprintf(stderr, "%s: found %s, not %s\n", name, said, expected);
	CHECK(strcmp(said, expected) == 0);
}

static void by_variable(void) {
	char libexec[64], out[PATH_MAX], small[16];
	place("libexec/cadmusd");
	place("libexec/cadmus-http");
	place("libexec/cadmus-driver-x.so");
	place("libexec/cadmus-backend-x.so");
	snprintf(libexec, sizeof(libexec), "%s/libexec", root);
	CHECK(setenv("CADMUS_LIBEXEC", libexec, 1) == 0);
	CHECK(program_find(PROGRAM_BINARY, "cadmusd", out, sizeof(out)) == 0 && strstr(out, "libexec/cadmusd"));
	CHECK(program_find(PROGRAM_GATEWAY, "http", out, sizeof(out)) == 0 && strstr(out, "/cadmus-http"));
	CHECK(program_find(PROGRAM_DRIVER, "x", out, sizeof(out)) == 0 && strstr(out, "/cadmus-driver-x.so"));
	CHECK(program_find(PROGRAM_BACKEND, "x", out, sizeof(out)) == 0 && strstr(out, "/cadmus-backend-x.so"));
	CHECK(program_find(PROGRAM_BACKEND, "y", out, sizeof(out)) == -ENOENT);
	CHECK(program_find(PROGRAM_BACKEND, "x", small, sizeof(small)) == -ENOENT);
	CHECK(unsetenv("CADMUS_LIBEXEC") == 0);
}

static void no_paths(void) {
	static const char *const names[] = { "../x", "a/b", "/etc/passwd", ".", ".hidden" };
	char out[PATH_MAX];
	for (size_t i = 0; i < COUNT_OF(names); i++)
		CHECK(program_find(PROGRAM_BINARY, names[i], out, sizeof(out)) == -EINVAL);
}

static void from_where_it_stands(const char *self) {
	run("mkdir -p %s/usr/bin %s/tree/bin/me %s/away", root, root, root);
	run("cp %s %s/usr/bin/me && cp %s %s/tree/bin/me/me", self, root, self, root);
	place("usr/bin/cadmusd");
	place("usr/libexec/cadmus/cadmus-driver-x.so");
	place("tree/meson-info/x");
	place("tree/drivers/x/cadmus-driver-x.so");
	place("tree/gateways/http/cadmus-http");
	place("away/cadmusd");
	place("away/cadmus-driver-z.so");
	finds("usr/bin/me", PROGRAM_BINARY, "cadmusd", "usr/bin/cadmusd");
	finds("usr/bin/me", PROGRAM_DRIVER, "x", "usr/bin/../libexec/cadmus/cadmus-driver-x.so");
	finds("tree/bin/me/me", PROGRAM_DRIVER, "x", "tree/drivers/x/cadmus-driver-x.so");
	finds("tree/bin/me/me", PROGRAM_GATEWAY, "http", "tree/gateways/http/cadmus-http");
	CHECK(chdir(root) == 0 && chdir("away") == 0); /* where such things lie about */
	finds("tree/bin/me/me", PROGRAM_BINARY, "cadmusd", "ENOENT");
	finds("usr/bin/me", PROGRAM_DRIVER, "z", "ENOENT");
	CHECK(chdir("/") == 0);
}

static int find(const char *kind, const char *name) {
	char out[PATH_MAX];
	int rc = program_find((enum program_kind)atoi(kind), name, out, sizeof(out));
	puts(rc < 0 ? err_name(rc) : out);
	return 0;
}

int main(int argc, char **argv) {
	char self[PATH_MAX];
	if (argc == 4)
		return find(argv[2], argv[3]);
	CHECK(realpath(argv[0], self) && mkdtemp(root) != NULL && unsetenv("CADMUS_LIBEXEC") == 0);
	by_variable();
	no_paths();
	from_where_it_stands(self);
	run("rm -r %s", root);
	puts("program_test: ok");
}

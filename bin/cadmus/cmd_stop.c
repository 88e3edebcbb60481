/* cmd_stop.c - stop everything that moves, through the guard's own door: core need not be there. */
#include <errno.h>
#include <poll.h>
#include "base/io.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/run_dir.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	char name[CDM_NAME_MAX], path[RUN_DIR_PATH_MAX], answer[8];
	struct args a = { .verb = "stop" };
	if (args_take(&a, argc, argv))
		return 2;
	int code = machine_name(c, "stop", name);
	if (code)
		return code;
	int fd = run_dir_path(name, RUN_DIR_STOP, path) == 0 ? run_dir_connect(path) : -EINVAL;
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return verb_failed("stop", fd, "no guard of a machine '%s' is running: nothing here moves anything",
				name);
	if (fd < 0 || io_send(fd, "cadmus stop", 12, NULL, 0, 0) < 0)
		return verb_failed("stop", fd < 0 ? fd : -EPIPE,
				"the guard's door is closed; the legs hold by their own time-out");
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc = poll(&p, 1, 5000);
	bool latched = rc == 1 && io_receive(fd, answer, sizeof(answer), NULL, NULL, 0) == 1;
	io_close(&fd);
	if (!latched)
		return verb_failed("stop", -ETIMEDOUT, "the guard did not confirm; the legs hold by their own "
				"time-out");
	if (c->json)
		return json_print(json_pack("{s:b}", "stopped", 1));
	printf("stopped; nothing moves until it is asked again\n");
	return 0;
}

VERB(stop, "Stop every actuator now; always works", "",
		"The machine stays live; `cadmus down` ends it.\n"
		"example:\n"
		"  cadmus stop\n",
		run);

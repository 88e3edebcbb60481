/* cmd_down.c - end a machine in good order: what moves first comes to its safe state. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include "base/err.h"
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/control.h"

#define PATIENCE_MS 20000
#define ANSWER_NS INT64_C(3000000000)

static int run(const struct verb_context *c, int argc, char **argv) {
	uint8_t message[64], reply[1024];
	char name[CDM_NAME_MAX];
	struct mp_out o;
	struct args a = { .verb = "down" };
	int code = args_take(&a, argc, argv);
	if (code == 0)
		code = machine_name(c, "down", name);
	if (code)
		return code;
	int parent = machine_daemon(name);
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "down");
	mp_kv_uint(&o, "id", 1);
	int fd = machine_connect("down", name);
	if (fd < 0)
		return io_close(&parent), 1;
	ssize_t n = control_ask(fd, message, o.length, 1, reply, sizeof(reply), ANSWER_NS);
	io_close(&fd);
	code = n > 0 ? machine_is_error("down", reply, (size_t)n) : 0;
	if (n < 0 && (parent < 0 || io_pidfd_signal(parent, SIGTERM) < 0)) /* core hangs: its parent can end it */
		code = verb_failed("down", (int)n, "%s does not answer: %s", name, err_text((int)n));
	struct pollfd gone = { .fd = parent, .events = POLLIN };
	if (code == 0 && parent >= 0 && poll(&gone, 1, PATIENCE_MS) != 1)
		code = verb_failed("down", -ETIMEDOUT, "%s is still there after %d s; see its log", name,
				PATIENCE_MS / 1000);
	io_close(&parent);
	if (code)
		return code;
	if (c->json)
		return json_print(json_pack("{s:s}", "down", name));
	printf("%s is down\n", name);
	return 0;
}

VERB(down, "End a machine in good order", "",
		"What moves comes to its safe state first; what was acknowledged is on the disk.\n"
		"example:\n"
		"  cadmus down --machine first_flight\n",
		run);

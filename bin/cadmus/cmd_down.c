/* cmd_down.c - end a machine in good order: what moves first comes to its safe state. */
#include <poll.h>
#include "base/io.h"
#include "base/msgpack.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/machine.h"
#include "client/control.h"

static int run(const struct verb_context *c, int argc, char **argv) {
	uint8_t message[64], reply[1024];
	char name[CDM_NAME_MAX];
	struct mp_out o;
	(void)argv;
	if (argc != 1)
		return verb_wrong("down", "it takes no arguments");
	if (machine_name(c, "down", name))
		return 1;
	mp_begin(&o, message, sizeof(message));
	mp_map(&o, 2);
	mp_kv_str(&o, "op", "down");
	mp_kv_uint(&o, "id", 1);
	ssize_t n = machine_ask(c, "down", message, o.length, 1, reply, sizeof(reply));
	if (n < 0 || machine_is_error("down", reply, (size_t)n))
		return 1;
	/* The parent holds the control door to the end: a connection that waits there is hung up then. */
	int fd;
	while ((fd = control_connect(name)) >= 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int rc = poll(&p, 1, 15000);
		io_close(&fd);
		if (rc == 0)
			return verb_failed("down", "%s is still there after 15 s; see its log", name);
	}
	if (c->json)
		return json_print(json_pack("{s:s}", "down", name));
	printf("%s is down\n", name);
	return 0;
}

VERB(down, "End a machine in good order", "", "example:\n  cadmus down --machine first_flight\n", run);

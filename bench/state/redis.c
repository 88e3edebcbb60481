/*
 * redis.c - Redis with an append-only file and `appendfsync always`, over a Unix socket.
 *
 * The server is a child of this process ($REDIS_SERVER, or redis-server in PATH), in the same folder, and ends with it.
 * It is spared what it would do besides: no snapshots, no rewriting of its file.  A record is one RPUSH; records
 * that are kept together are sent in one go (pipelined), and all answers awaited.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/lib/must.h"
#include "bench/state/keeper.h"

static pid_t server;
static int door = -1;
static FILE *log_of_server;
static uint32_t record_bytes;
static char version[32] = "?";

static void become_server(const char *dir, int out) {
	const char *program = getenv("REDIS_SERVER");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(dir) < 0 || dup2(out, 1) < 0)
		_exit(126);
	if (!program || !*program)
		program = "redis-server";
	execlp(program, program, "--port", "0", "--unixsocket", "redis.sock", "--dir", ".", "--appendonly", "yes",
			"--appendfsync", "always", "--save", "", "--auto-aof-rewrite-percentage", "0", "--daemonize",
			"no", (char *)NULL);
	_exit(127);
}

/* It says on its output that it listens, and its version. */
static void await_server(void) {
	char line[512];
	while (fgets(line, sizeof(line), log_of_server)) {
		const char *v = strstr(line, "Redis version=");
		if (v)
			sscanf(v, "Redis version=%31[0-9.]", version);
		if (strstr(line, "eady to accept connections"))
			return;
	}
	die("redis-server does not begin");
}

static void begin(const char *dir, uint32_t bytes, const char *variant) {
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int pipes[2];
	(void)variant;
	record_bytes = bytes;
	must(pipe(pipes) < 0 ? -errno : 0, "pipe");
	server = fork();
	must(server < 0 ? -errno : 0, "fork");
	if (server == 0)
		become_server(dir, pipes[1]);
	close(pipes[1]);
	log_of_server = fdopen(pipes[0], "r");
	await_server();
	must(chdir(dir) < 0 ? -errno : 0, dir); /* a socket's path is short */
	strcpy(to.sun_path, "redis.sock");
	door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(door < 0 || connect(door, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0, "connect to redis-server");
}

static void send_all(const char *bytes, size_t n) {
	while (n > 0) {
		ssize_t done = send(door, bytes, n, MSG_NOSIGNAL);
		must(done < 0 ? -errno : 0, "send to redis-server");
		bytes += done;
		n -= (size_t)done;
	}
}

/* Each answer is `:LENGTH`; anything else is an error. */
static void await_answers(uint32_t n) {
	static char got[4096];
	bool fresh = true;
	while (n > 0) {
		ssize_t bytes = recv(door, got, sizeof(got), 0);
		must(bytes < 0 ? -errno : bytes == 0 ? -EPIPE : 0, "answer of redis-server");
		for (ssize_t i = 0; i < bytes; i++) {
			if (fresh && got[i] != ':')
				die("redis-server says: %.*s", (int)(bytes - i), got + i);
			fresh = got[i] == '\n';
			n -= fresh;
		}
	}
}

static void keep(uint32_t n) {
	static char *all;
	size_t room = KEEPER_TOGETHER_MAX * ((size_t)record_bytes + 64), used = 0;
	if (!all && !(all = malloc(room)))
		die("no memory for %zu bytes", room);
	for (uint32_t i = 0; i < n; i++) {
		used += (size_t)snprintf(all + used, room - used, "*3\r\n$5\r\nRPUSH\r\n$3\r\nlog\r\n$%u\r\n",
				record_bytes);
		memcpy(all + used, keeper_record(record_bytes), record_bytes);
		memcpy(all + used + record_bytes, "\r\n", 2);
		used += record_bytes + 2;
	}
	send_all(all, used);
	await_answers(n);
}

static void end(void) {
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
}

const struct keeper keeper = { .version = version, .begin = begin, .keep = keep, .end = end };

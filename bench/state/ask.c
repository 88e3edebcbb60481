/*
 * ask.c - asks a machine, over its control door and over HTTP, and says how long that took.
 *
 *     bench-ask MACHINE        commands on stdin, answers as in keep.c:
 *
 *     say MODEL COUNT BLIND TEXT    over the control door.  Five numbers a request, ns: from before it was sent until
 *                                   its last reply was there; and of that reply load_ns, prompt_ns, eval_ns, commit_ns
 *     http PORT MODEL COUNT TEXT    POST /api/generate, one connection, not streamed: the whole, 0, prompt, eval, 0
 *     ping COUNT                    a round trip through the control door
 *     serves EPOCH                  wait until a core that is newer than that answers `state`; CLOCK_MONOTONIC when
 *                                   the answer was there, epoch, seq
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/msgpack.h"
#include "bench/lib/must.h"
#include "bench/lib/samples.h"
#include "bench/lib/ticks.h"
#include "client/control.h"

#define PATIENCE_NS (30 * NS_PER_S)
#define NUMBERS 5 /* a request */
#define SERVES_NS (300 * NS_PER_S)

static const char *machine;
static int door = -1;
static uint64_t last_id;
static uint8_t message[16384], reply[CONTROL_MESSAGE_MAX];

static double number(const char *key, size_t bytes) {
	double v = 0;
	must(mp_find_f64(reply, bytes, key, &v), key);
	return v;
}

/* Until the last reply of this request; its bytes.  What went wrong is said by `why`, "" when nothing did. */
static ssize_t ask(size_t bytes, char why[200]) {
	char ev[16];
	ssize_t n = control_send(door, message, bytes, PATIENCE_NS);
	why[0] = 0;
	while (n >= 0 && (n = control_receive(door, reply, sizeof(reply), SERVES_NS)) >= 0) {
		uint64_t id;
		if (mp_find_uint(reply, (size_t)n, "id", &id) < 0 || id != last_id ||
				mp_find_str(reply, (size_t)n, "ev", ev, sizeof(ev)) < 0)
			continue;
		if (strcmp(ev, "error") == 0 && mp_find_str(reply, (size_t)n, "text", why, 200) < 0)
			snprintf(why, 200, "an error without words");
		if (strcmp(ev, "error") == 0 || strcmp(ev, "done") == 0)
			return n;
	}
	return n;
}

static size_t ask_well(size_t bytes) {
	char why[200];
	ssize_t n = ask(bytes, why);
	must(n, "the machine");
	if (why[0])
		die("the machine says: %s", why);
	return (size_t)n;
}

static void connect_once(void) {
	if (door < 0)
		must(door = control_connect(machine), "control door");
}

static size_t request(const char *op, unsigned more, struct mp_out *o) {
	mp_begin(o, message, sizeof(message));
	mp_map(o, 2 + more);
	mp_kv_str(o, "op", op);
	mp_kv_uint(o, "id", ++last_id);
	return o->length;
}

static void say(const char *model, uint32_t count, bool blind, const char *text) {
	struct mp_out o;
	connect_once();
	samples_begin(count * NUMBERS);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t from = mono_ns();
		request("say", 3, &o);
		mp_kv_str(&o, "model", model);
		mp_kv_str(&o, "text", text);
		mp_kv_bool(&o, "blind", blind);
		int n = mp_done(&o);
		must(n, "request");
		size_t bytes = ask_well((size_t)n);
		samples[sample_count++] = (double)(mono_ns() - from);
		samples[sample_count++] = number("load_ns", bytes);
		samples[sample_count++] = number("prompt_ns", bytes);
		samples[sample_count++] = number("eval_ns", bytes);
		samples[sample_count++] = number("commit_ns", bytes);
	}
}

static void ping(uint32_t count) {
	struct mp_out o;
	connect_once();
	samples_begin(count);
	while (sample_count < count) {
		uint64_t from = mono_ns();
		ask_well(request("ping", 0, &o));
		samples[sample_count++] = (double)(mono_ns() - from);
	}
}

/* ---- a core that begins ---- */

/* The kernel hangs up when core dies; the parent keeps the door, where one waits for the next core. */
static bool state_of(uint64_t *epoch, uint64_t *seq) {
	struct mp_out o;
	char why[200];
	connect_once();
	ssize_t n = ask(request("state", 0, &o), why);
	if (n < 0 || why[0]) {
		close(door);
		door = -1;
		return false;
	}
	return mp_find_uint(reply, (size_t)n, "epoch", epoch) == 0 && mp_find_uint(reply, (size_t)n, "seq", seq) == 0;
}

static void serves(uint64_t after) {
	uint64_t epoch = 0, seq = 0, until = mono_ns() + (uint64_t)SERVES_NS;
	while (!state_of(&epoch, &seq) || epoch <= after)
		if (mono_ns() > until)
			die("no new core answers");
	printf("ok %llu %llu %llu\n", (unsigned long long)mono_ns(), (unsigned long long)epoch,
			(unsigned long long)seq);
}

/* ---- HTTP ---- */

static int dial(uint16_t port) {
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	must(fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0, "the HTTP gateway");
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ? -errno : 0, "TCP_NODELAY");
	return fd;
}

/* One whole answer with a Content-Length into `reply`, zero terminated; where its body begins. */
static const char *answer_of(int fd) {
	size_t got = 0;
	for (;;) {
		ssize_t n = recv(fd, reply + got, sizeof(reply) - 1 - got, 0);
		must(n < 0 ? -errno : n == 0 ? -EPIPE : 0, "the HTTP gateway");
		got += (size_t)n;
		reply[got] = 0;
		const char *body = strstr((char *)reply, "\r\n\r\n");
		const char *length = strcasestr((char *)reply, "content-length:");
		if (body && !length)
			die("the HTTP gateway sends no length");
		if (body && got >= (size_t)(body + 4 - (char *)reply) + strtoul(length + 15, NULL, 10))
			return body + 4;
	}
}

static double json_number(const char *json, const char *key) {
	const char *at = strstr(json, key);
	if (!at)
		die("the HTTP gateway says: %.150s", json);
	return strtod(at + strlen(key), NULL);
}

static void http(uint16_t port, const char *model, uint32_t count, const char *text) {
	char body[1024], head[2048];
	int fd = dial(port);
	int bytes = snprintf(body, sizeof(body), "{\"model\":\"%s\",\"prompt\":\"%s\",\"stream\":false}", model, text);
	int n = snprintf(head, sizeof(head), "POST /api/generate HTTP/1.1\r\nHost: localhost\r\n"
			"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", bytes, body);
	samples_begin(count * NUMBERS);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t from = mono_ns();
		must(send(fd, head, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE, "the HTTP gateway");
		const char *json = answer_of(fd);
		samples[sample_count++] = (double)(mono_ns() - from);
		samples[sample_count++] = 0;
		samples[sample_count++] = json_number(json, "\"prompt_eval_duration\":");
		samples[sample_count++] = json_number(json, "\"eval_duration\":");
		samples[sample_count++] = 0;
	}
	close(fd);
}

static void do_line(char *line) {
	char model[64];
	uint32_t count;
	int blind, text;
	uint16_t port;
	unsigned long long epoch;
	line[strcspn(line, "\n")] = 0;
	if (sscanf(line, "say %63s %u %d %n", model, &count, &blind, &text) == 3)
		say(model, count, blind != 0, line + text), samples_out();
	else if (sscanf(line, "http %hu %63s %u %n", &port, model, &count, &text) == 3)
		http(port, model, count, line + text), samples_out();
	else if (sscanf(line, "ping %u", &count) == 1)
		ping(count), samples_out();
	else if (sscanf(line, "serves %llu", &epoch) == 1)
		serves(epoch);
	else
		die("not understood: %s", line);
}

int main(int argc, char **argv) {
	static char line[8192];
	if (argc < 2) {
		fprintf(stderr, "usage: %s MACHINE; bench/run starts it\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	machine = argv[1];
	printf("ok -\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		fflush(stdout);
	}
	return 0;
}

/*
 * cmd_doctor.c - can this computer run machines, and if not: what to do.
 *
 * Each check does the thing itself (makes a sealed memory file, opens the bus, loads the engine) rather
 * than looking for signs of it.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "base/io.h"
#include "base/program.h"
#include "bin/cadmus/args.h"
#include "bin/cadmus/json.h"
#include "bin/cadmus/source.h"
#include "bin/cadmus/verb.h"
#include "cadmus/bus.h"
#include "client/run_dir.h"
#include "client/state_path.h"

enum grade { GOOD, NOTE, BAD };

struct finding {
	enum grade grade;
	char text[320];
};

#define FOUND(g, ...) found(f, g, __VA_ARGS__)

static void found(struct finding *f, enum grade g, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void found(struct finding *f, enum grade g, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	f->grade = g;
}

static void check_memory(struct finding *f) {
	int fd = io_memory("doctor", 4096);
	void *m = fd >= 0 ? mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	bool ok = m != MAP_FAILED && io_memory_freeze_writers(fd) == 0 &&
		  mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED;
	if (ok)
		FOUND(GOOD, "sealed shared memory: one writer is a fact of the kernel");
	else
		FOUND(BAD, "no sealed memory files (memfd with F_SEAL_FUTURE_WRITE); Linux 5.1 or newer is needed");
	if (m != MAP_FAILED)
		munmap(m, 4096);
	io_close(&fd);
}

static void check_pidfd(struct finding *f) {
	int fd = io_pidfd(getpid());
	if (fd >= 0)
		FOUND(GOOD, "process handles: death is known from the kernel");
	else
		FOUND(BAD, "no pidfd_open; Linux 5.3 or newer is needed");
	io_close(&fd);
}

static void check_cores(struct finding *f) {
	unsigned n = source_cores();
	if (n >= 2)
		FOUND(GOOD, "%u cores may be used", n);
	else
		FOUND(NOTE, "one core may be used: a description that keeps more busy is refused (C0401), as the first "
				"flight with its two models is");
}

static void check_realtime(struct finding *f) {
	struct sched_param p = { .sched_priority = 10 }, normal = { 0 };
	if (sched_setscheduler(0, SCHED_FIFO, &p) == 0) {
		sched_setscheduler(0, SCHED_OTHER, &normal);
		FOUND(GOOD, "the guard may run with real-time priority");
	} else
		FOUND(NOTE, "no real-time priority for the guard (%s); as root, or with CAP_SYS_NICE, it has it",
				strerror(errno));
}

#define CAN_QUEUE_LEAST 64 /* frames: three rounds of set-points */

/* Linux gives a CAN interface a queue of 10 frames; a round of set-points is 18. */
static bool queue_is_short(const char *interface, char queue[32]) {
	char path[128];
	snprintf(path, sizeof(path), "/sys/class/net/%s/tx_queue_len", interface);
	return io_read_file(path, queue, 32) > 0 && atoi(queue) < CAN_QUEUE_LEAST;
}

static void check_bus(struct finding *f) {
	static struct cdm_diag diag;
	struct cdm_bus *bus = NULL;
	char queue[32];
	if (cdm_bus_open(&bus, "auto", "doctor", &diag) < 0) {
		FOUND(BAD, "no bus for actuators: %s", diag.count ? diag.at[0].text : "?");
		return;
	}
	const char *address = cdm_bus_address(bus);
	if (strncmp(address, "udp:", 4) == 0)
		FOUND(NOTE, "no CAN in this kernel: actuators use %s on the loopback interface, where any local "
				"process can "
			    "listen and inject frames; use it for simulated robots only", address);
	else if (queue_is_short(strchr(address, ':') + 1, queue))
		FOUND(NOTE, "bus: %s, but its queue holds %d frames only: ip link set %s txqueuelen 100", address,
				atoi(queue), strchr(address, ':') + 1);
	else
		FOUND(GOOD, "bus: %s", address);
	cdm_bus_close(&bus);
}

static void check_loadable(struct finding *f, const char *what, const char *path, const char *symbol) {
	void *h = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	if (h && dlsym(h, symbol)) /* it stays loaded: engines do not give back what they allocate then */
		FOUND(GOOD, "%s: %s", what, path);
	else
		FOUND(NOTE, "%s: not found; ./run installs it (%s)", what, path ? path : "its variable is not set");
}

static void check_onnx(struct finding *f) {
	check_loadable(f, "ONNX Runtime", getenv("CADMUS_ORT_LIB"), "OrtGetApiBase");
}

static void check_llama(struct finding *f) {
	char path[1024];
	if (program_find(PROGRAM_BACKEND, "llama", path, sizeof(path)) < 0)
		return FOUND(NOTE, "this build has no backend llama; ./run builds it (meson option llama_include)");
	const char *dir = getenv("CADMUS_LLAMA_DIR");
	snprintf(path, sizeof(path), "%s/libggml-base.so", dir ? dir : "");
	check_loadable(f, "llama.cpp", dir ? path : NULL, "ggml_version");
}

static void check_daemon(struct finding *f) {
	static const char *const names[] = { "cadmusd", "cadmus-core", "cadmus-guard" };
	char path[1024];
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (program_find(PROGRAM_BINARY, names[i], path, sizeof(path)) < 0)
			return FOUND(BAD, "%s is not installed beside this program", names[i]);
	FOUND(GOOD, "the daemon, core and the guard are where they belong");
}

static void check_state(struct finding *f) {
	char path[1024];
	struct statvfs v;
	int rc = state_path_make("doctor", path, sizeof(path));
	char *slash = strrchr(path, '/');
	if (rc < 0 || !slash)
		return FOUND(BAD, "no folder for the state, %s: %s", path, strerror(-rc));
	*slash = 0;
	if (access(path, W_OK) < 0 || statvfs(path, &v) < 0)
		return FOUND(BAD, "%s cannot be written: %s", path, strerror(errno));
	double free_mb = (double)v.f_bavail * (double)v.f_frsize / 1048576.0;
	FOUND(free_mb > 100.0 ? GOOD : BAD, "state in %s, %.0f MiB free", path, free_mb);
}

static void check_port(struct finding *f) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(11434),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		FOUND(GOOD, "port 11434 is free for the Ollama API");
	else
		FOUND(NOTE, "port 11434 is taken (a machine, or Ollama itself?); give `listen:` another one");
	io_close(&fd);
}

static const struct {
	const char *name;
	void (*check)(struct finding *f);
} checks[] = {
	{ "memory", check_memory }, { "processes", check_pidfd }, { "cores", check_cores },
	{ "real time", check_realtime }, { "bus", check_bus }, { "programs", check_daemon },
	{ "llama", check_llama }, { "onnx", check_onnx }, { "state", check_state }, { "port", check_port },
};

static int run(const struct verb_context *c, int argc, char **argv) {
	static const char *const words[] = { "good", "note", "bad" };
	json_t *all = json_array();
	unsigned bad = 0;
	struct args a = { .verb = "doctor" };
	if (args_take(&a, argc, argv))
		return json_decref(all), 2;
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		struct finding f = { GOOD, "" };
		checks[i].check(&f);
		bad += f.grade == BAD;
		if (c->json)
			json_array_append_new(all, json_pack("{s:s,s:s,s:s}", "check", checks[i].name, "grade",
					words[f.grade], "text", f.text));
		else
			printf("%-5s %-10s %s\n", words[f.grade], checks[i].name, f.text);
	}
	if (c->json)
		json_print(json_incref(all));
	json_decref(all);
	return bad ? 1 : 0;
}

VERB(doctor, "Check what this computer lacks, and say what to do", "",
		"Each check does the thing itself. What is `note` works, less well; what is `bad` must be mended.\n"
		"examples:\n"
		"  cadmus doctor\n"
		"  cadmus doctor --json | jq '.[] | select(.grade != \"good\")'\n",
		run, .exits = "0 machines can run here (perhaps with notes), 1 they cannot, 2 wrong usage",
		.no_machine = true);

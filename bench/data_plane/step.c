/*
 * step.c - one step of an ONNX model, in the process that wants it, and in another one through shared memory.
 *
 *     bench-step DIR work|ask MODEL      then on stdin, CPU the core to be on:
 *         alone N CPU        work: N steps in memory of one's own; how long each took
 *         serve N CPU        work: for N samples, a step from the sample that is borrowed into the one that is lent
 *         trips N CPU        ask: N samples, each from before it is filled until its answer is borrowed
 *
 * Both sides poll.  The model computes y = x + x; the answer is checked at both ends.  ONNX Runtime is called as our
 * own worker calls it (backends/onnx), with the tensors wrapped around the samples: nothing is copied.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include "backends/onnx/ort.h"
#include "bench/lib/must.h"
#include "bench/lib/ticks.h"
#include "cadmus/client.h"

#define FLOATS 64
#define BYTES (FLOATS * sizeof(float))
#define WARM_PART 10 /* this part of all comes before what counts */
#define SLOTS_MAX 32
#define ORT_F32 1
#define PATIENCE_NS UINT64_C(20000000000)

static struct cdm_machine *client, *sensor;
static struct cdm_writer *out;
static struct cdm_reader *in;
static struct ort_model model;

static void pin(int cpu) {
	cpu_set_t one;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one) < 0 ? -errno : 0, "the core");
}

static void log_line(enum cdm_backend_log level, const char *text) {
	if (level != CDM_LOG_DEBUG)
		fprintf(stderr, "%s\n", text);
}

static void open_model(const char *path) {
	static const struct cdm_backend_host host = { .log = log_line };
	static struct cdm_diag diag;
	const struct cdm_backend_config cfg = { .path = path, .threads = 1, .host = &host };
	int rc = ort_open(&model, &cfg, &diag);
	if (rc == 0)
		rc = ort_ready(&model, &diag);
	if (rc == 0 && model.inputs[0].bytes == BYTES && model.outputs[0].bytes == BYTES)
		return;
	printf("no %s\n", diag.count ? diag.at[0].text : "the model is another one");
	exit(1);
}

/* The tensor around a sample; each slot of a ring gets one, once. */
static struct ort_value *tensor_at(void *at, const struct ort_port *p) {
	static struct {
		void *at;
		struct ort_value *value;
	} known[SLOTS_MAX];
	unsigned i = 0;
	while (i < SLOTS_MAX && known[i].at && known[i].at != at)
		i++;
	must(i < SLOTS_MAX ? 0 : -E2BIG, "slots");
	if (!known[i].at) {
		const struct ort_api *a = &model.api;
		known[i].at = at;
		must(a->wrap_tensor(model.memory, at, BYTES, p->dims, p->rank, ORT_F32, &known[i].value) ? -EPROTO : 0,
				"a tensor around a sample");
	}
	return known[i].value;
}

static void step(void) {
	must(ort_run(&model), "a step of the model");
}

/* ---- measuring ----------------------------------------------------------------------------------- */

static void answer(const double *samples, uint32_t count) {
	printf("samples %u\n", count);
	fwrite(samples, sizeof(*samples), count, stdout);
}

static bool is_double(const float *y, float x) {
	return y[0] == 2 * x && y[FLOATS - 1] == 2 * x;
}

static void fill(float *x, float value) {
	for (unsigned i = 0; i < FLOATS; i++)
		x[i] = value;
}

static void alone(uint32_t count, double *samples, double tick) {
	for (uint32_t i = 0; i < count + count / WARM_PART; i++) {
		uint64_t from = ticks();
		fill(model.inputs[0].data, (float)i);
		step();
		bool right = is_double(model.outputs[0].data, (float)i);
		samples[i % count] = (double)(ticks() - from) * tick;
		must(right ? 0 : -EBADMSG, "twice the number");
	}
	answer(samples, count);
}

static void borrow(struct cdm_sample *s) {
	uint64_t until_ns = 0;
	int rc;
	for (uint32_t looks = 1; (rc = cdm_lease_next(in, s)) == -EAGAIN; looks++) {
		if (looks % 65536 != 0)
			continue;
		uint64_t now_ns = mono_ns();
		until_ns = until_ns ? until_ns : now_ns + PATIENCE_NS;
		must(now_ns < until_ns ? 0 : -ETIMEDOUT, "no sample comes");
	}
	must(rc > 0 ? -EPIPE : rc, "samples in order");
}

static void *lend(void) {
	void *p = cdm_loan(out);
	must(p ? 0 : -EAGAIN, "a sample to fill");
	return p;
}

static void serve(uint32_t count) {
	struct ort_value *own_in = model.inputs[0].value, *own_out = model.outputs[0].value;
	for (uint32_t i = 0; i < count + count / WARM_PART; i++) {
		struct cdm_sample s;
		borrow(&s);
		model.inputs[0].value = tensor_at((void *)(uintptr_t)s.data, &model.inputs[0]); /* it only reads that */
		model.outputs[0].value = tensor_at(lend(), &model.outputs[0]);
		step();
		must(cdm_publish(out, BYTES, NULL), "publish");
		cdm_release(&s);
	}
	model.inputs[0].value = own_in;
	model.outputs[0].value = own_out;
	printf("ok\n");
}

static void trips(uint32_t count, double *samples, double tick) {
	for (uint32_t i = 0; i < count + count / WARM_PART; i++) {
		struct cdm_sample s;
		uint64_t from = ticks();
		fill(lend(), (float)i);
		must(cdm_publish(out, BYTES, NULL), "publish");
		borrow(&s);
		bool right = is_double(s.data, (float)i);
		samples[i % count] = (double)(ticks() - from) * tick;
		must(right ? 0 : -EBADMSG, "twice the number");
		cdm_release(&s);
	}
	answer(samples, count);
}

/* ---- the process --------------------------------------------------------------------------------- */

static void obey(const char *line, bool works, double tick) {
	char what[8];
	uint32_t count;
	int cpu;
	if (sscanf(line, "%7s %u %d", what, &count, &cpu) != 3)
		must(-EINVAL, line);
	double *samples = calloc(count, sizeof(*samples));
	must(samples ? 0 : -ENOMEM, "samples");
	pin(cpu);
	if (works && what[0] == 'a')
		alone(count, samples, tick);
	else if (works)
		serve(count);
	else
		trips(count, samples, tick);
	free(samples);
	fflush(stdout);
}

int main(int argc, char **argv) {
	char line[64];
	if (argc != 4)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bool works = strcmp(argv[2], "work") == 0;
	if (works)
		open_model(argv[3]);
	must(cdm_attach("bench", &client, NULL), "attach");
	must(cdm_attach_as("bench", works ? "twice" : "once", 0, &sensor, NULL), "attach as a sensor");
	must(cdm_writer_open(sensor, works ? "step_out" : "step_in", &out), "a field to write");
	must(cdm_open(client, works ? "step_in" : "step_out", &in), "a field to read");
	printf("ok %s\n", works ? model.version : "");
	fflush(stdout);
	double tick = tick_ns();
	while (fgets(line, sizeof(line), stdin))
		obey(line, works, tick);
	if (works)
		ort_close(&model);
	return 0;
}

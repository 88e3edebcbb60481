/* echo_test.c - the backend without an engine does what others rely on it for. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host.h"

static const struct cdm_backend *b;
static struct cdm_diag d;
static char said[4096];
static int left; /* pieces until on_text() says no; -1: never */

static int on_text(void *self, const char *text, size_t bytes) {
	(void)self;
	CHECK(strlen(said) + bytes < sizeof(said));
	strncat(said, text, bytes);
	return left > 0 && --left == 0;
}

static int always(void *self) {
	(void)self;
	return 1;
}

static int polls_left; /* until patient() has had enough */

static int patient(void *self) {
	(void)self;
	return polls_left-- == 0;
}

static void *loaded(const char *const *options, uint32_t context) {
	void *m;
	struct cdm_backend_config cfg = { "/dev/null", NULL, 2, context, &host };
	host_options(options);
	CHECK(b->load(&m, &cfg, &d) == 0);
	return m;
}

static struct cdm_result ask(void *m, const char *prompt, uint32_t max, int (*poll)(void *)) {
	struct cdm_request rq = { .prompt = prompt,
		.prompt_bytes = strlen(prompt),
		.max_tokens = max,
		.on_text = on_text,
		.poll = poll };
	struct cdm_result r;
	said[0] = 0;
	CHECK(b->generate(m, &rq, &r, &d) == 0);
	return r;
}

static void says_what_it_was_told(void) {
	struct cdm_model_facts f;
	void *m = loaded(NULL, 6);
	b->describe(m, &f);
	CHECK(f.threads == 2 && f.context == 6);
	struct cdm_result r = ask(m, "go to  it", 100, NULL);
	CHECK(strcmp(said, "go to  it") == 0 && r.finish == CDM_FINISH_END && r.tokens_in == 3 &&
			r.tokens_out == 3);
	r = ask(m, "go to  it", 2, NULL);
	CHECK(strcmp(said, "go to") == 0 && r.finish == CDM_FINISH_LENGTH);
	r = ask(m, "1 2 3 4", 100, NULL);
	CHECK(r.finish == CDM_FINISH_CONTEXT && r.tokens_out == 2);
	struct cdm_request rq = { .prompt = "1 2 3 4 5 6", .prompt_bytes = 11, .on_text = on_text };
	CHECK(b->generate(m, &rq, &r, &d) == -E2BIG && host_said(&d, "6 words"));
	r = ask(m, "a b", 100, always);
	CHECK(r.finish == CDM_FINISH_CANCELLED && !said[0]);
	left = 1;
	r = ask(m, "a b", 100, NULL);
	CHECK(r.finish == CDM_FINISH_CANCELLED && strcmp(said, "a") == 0);
	b->unload(m);
}

static void copies_samples(void) {
	unsigned char x[3] = { 1, 2, 3 }, y[3] = { 0 };
	struct cdm_tensor in = { x, 3, CDM_U8, 1, { 3 }, { .bytes = 3 } },
			  out = { y, 3, CDM_U8, 1, { 3 }, { .bytes = 3 } };
	void *m = loaded(NULL, 0);
	CHECK(b->prepare(m, &in, &out, &d) == 0 && b->transform(m, &in, &out) == 0 && y[2] == 3);
	out.dtype = CDM_I8;
	CHECK(b->prepare(m, &in, &out, &d) == -EINVAL);
	b->unload(m);
	b->unload(NULL);
}

static int ends_by(const char *when) {
	int status;
	const char *options[] = { "crash", when, NULL };
	pid_t child = fork();
	if (child == 0) {
		ask(loaded(options, 0), "x", 1, NULL);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int main(int argc, char **argv) {
	CHECK(argc >= 2);
	b = host_open(argv[1]);
	struct cdm_backend_config cfg = { "/nowhere", NULL, 1, 0, &host };
	void *m;
	CHECK(b->load(&m, &cfg, &d) == -ENOENT && host_said(&d, "/nowhere"));
	says_what_it_was_told();
	copies_samples();
	CHECK(ends_by("load") == SIGABRT && ends_by("use") == SIGABRT && ends_by("never") == 0);
	static const char *const thrice[] = { "repeat", "3", NULL };
	m = loaded(thrice, 0);
	CHECK(ask(m, "x y", 100, NULL).tokens_out == 6 && strcmp(said, "x yx yx y") == 0);
	b->unload(m);
	static const char *const fixed[] = { "say", "yes, sir", NULL }, *const deaf[] = { "hang", "listening", NULL },
		*const endless[] = { "hang", "after", NULL };
	m = loaded(fixed, 0);
	CHECK(ask(m, "x y z", 100, NULL).tokens_in == 3 && strcmp(said, "yes, sir") == 0);
	b->unload(m);
	m = loaded(deaf, 0);
	CHECK(ask(m, "x", 100, always).finish == CDM_FINISH_CANCELLED && !said[0]);
	b->unload(m);
	m = loaded(endless, 0);
	polls_left = 3;
	CHECK(ask(m, "x y", 100, patient).finish == CDM_FINISH_CANCELLED && strcmp(said, "x y") == 0);
	b->unload(m);
	puts("echo_test: ok");
}

/* ollama_test.c - requests as clients, broken clients and attackers send them; answers as Ollama shapes them. */
#include "gateways/http/ollama.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ollama_request r;
static char why[256];

static int parse(enum ollama_call call, const char *body) {
	why[0] = 0;
	return ollama_parse(call, body, strlen(body), &r, why, sizeof(why));
}

static void accepts(enum ollama_call call, const char *body, const char *model, const char *text) {
	int rc = parse(call, body);
	if (rc < 0)
		fprintf(stderr, "%s: %s\n", body, why);
	CHECK(rc == 0 && r.call == call && strcmp(r.model, model) == 0);
	CHECK(text ? r.text && strcmp(r.text, text) == 0 : !r.text);
	free(r.text);
}

static void refuses(enum ollama_call call, const char *body, const char *reason) {
	int rc = parse(call, body);
	if (rc != -EINVAL || !strstr(why, reason))
		fprintf(stderr, "%s: %d '%s' instead of '%s'\n", body, rc, why, reason);
	CHECK(rc == -EINVAL && strstr(why, reason) && !r.text);
}

static void prompts(void) {
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"hi\"}", "a", "hi");
	CHECK(r.stream && !r.unload && r.options.max_tokens == 0 && strcmp(r.asked, "a") == 0);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a:latest\",\"prompt\":\"h\\u00e9\",\"stream\":false}", "a", "h\xc3\xa9");
	CHECK(!r.stream && strcmp(r.asked, "a:latest") == 0);
	accepts(OLLAMA_GENERATE, "{\"model\":\":latest\"}", ":latest", NULL);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a:7b\"}", "a:7b", NULL);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"\",\"keep_alive\":0}", "a", NULL);
	CHECK(r.unload);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":null,\"keep_alive\":\"0s\",\"stream\":null,"
			"\"options\":null}", "a", NULL);
	CHECK(r.unload && r.stream);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"keep_alive\":-1,\"suffix\":\"\",\"images\":[],\"think\":false}",
			"a", NULL);
	CHECK(!r.unload);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"keep_alive\":\"5m\",\"format\":\"\",\"unknown\":[{}]}", "a", NULL);
	CHECK(!r.unload);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"x\",\"options\":{\"num_predict\":12,"
			"\"temperature\":0.5}}", "a", "x");
	CHECK(r.options.max_tokens == 12);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":\"x\",\"options\":{\"num_predict\":-1}}", "a", "x");
	CHECK(r.options.max_tokens == 0);
	accepts(OLLAMA_GENERATE, "{\"model\":\"a\",\"options\":{\"num_predict\":99999999999}}", "a", NULL);
	CHECK(r.options.max_tokens == 0);
}

static void types(void) {
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"options\":{\"temperature\":\"hot\"}}",
			"option \"temperature\" must be of type float32");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"system\":[]}", "system must be a string");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"keep_alive\":true}", "keep_alive must be");
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"system\":\"be\",\"options\":{\"stop\":[\"x\"]}}", "a", NULL);
	CHECK(r.options.stops.count == 1 && strcmp(r.options.stops.words[0], "x") == 0);
}

static void messages(void) {
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "a", "hi");
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"be\"},"
			"{\"role\":\"user\",\"content\":"
			"\"one\"},{\"role\":\"assistant\",\"content\":\"1\"},{\"role\":\"user\",\"content\":\"two\"}]}",
			"a", "two");
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"assistant\"}]}", "a", NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},{\"role\":"
			"\"assistant\",\"content\":null},{\"role\":\"user\",\"content\":\"two\"}]}",
			"a", "two");
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":null}],\"system\":null,"
			"\"template\":null,\"format\":null,\"think\":null,\"keep_alive\":null}",
			"a", NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[]}", "a", NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":null}", "a", NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"\"}],\"tools\":[]}", "a",
			NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\"}", "a", NULL);
	accepts(OLLAMA_CHAT, "{\"model\":\"a\",\"prompt\":\"not here\"}", "a", NULL);
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":{}}", "must be an array");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[1]}", "needs a role");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"content\":\"x\"}]}", "needs a role");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":[]}]}", "a string");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"x\","
			"\"images\":[\"AA==\"]}]}",
			"\"a\" does not support vision");
}

static void abilities(void) {
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"tools\":[{}]}", "\"a\" does not support tools");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"format\":\"json\"}", "does not support structured outputs");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"format\":{\"type\":\"object\"}}", "structured outputs");
	refuses(OLLAMA_CHAT, "{\"model\":\"a\",\"think\":true}", "\"a\" does not support thinking");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"think\":\"high\"}", "thinking");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"suffix\":\"x\"}", "insert");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"images\":[\"AA==\"]}", "vision");
}

static void broken(void) {
	static char deep[20002], far[OLLAMA_TEXT_MAX + 64];
	CHECK(ollama_parse(OLLAMA_CHAT, "", 0, &r, why, sizeof(why)) == -EINVAL &&
			strcmp(why, "missing request body") == 0);
	refuses(OLLAMA_GENERATE, "{}", "model is required");
	refuses(OLLAMA_GENERATE, "{\"model\":\"\"}", "model is required");
	refuses(OLLAMA_GENERATE, "{\"model\":7}", "model is required");
	refuses(OLLAMA_GENERATE, "[]", "not an object");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\"", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\"} x", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"model\":\"b\"}", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\\u0000b\"}", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"\xff\"}", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"\\ud800\"}", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":1e999}", "line 1");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"prompt\":[\"x\"]}", "must be a string");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"stream\":\"no\"}", "true or false");
	refuses(OLLAMA_GENERATE, "{\"model\":\"a\",\"options\":[1]}", "must be an object");
	memset(deep, '[', sizeof(deep) - 1);
	refuses(OLLAMA_GENERATE, deep, "line 1");
	snprintf(far, sizeof(far), "{\"model\":\"%0100d\"}", 1);
	refuses(OLLAMA_GENERATE, far, "too long");
	int n = snprintf(far, sizeof(far), "{\"model\":\"a\",\"prompt\":\"");
	memset(far + n, 'x', OLLAMA_TEXT_MAX);
	strcpy(far + n + OLLAMA_TEXT_MAX, "\"}");
	CHECK(parse(OLLAMA_GENERATE, far) == 0 && strlen(r.text) == OLLAMA_TEXT_MAX);
	free(r.text);
	strcpy(far + n + OLLAMA_TEXT_MAX, "x\"}");
	refuses(OLLAMA_GENERATE, far, "longer than this machine takes");
}

static void is(json_t *take_object, const char *expected) {
	char *text = json_dumps(take_object, JSON_COMPACT);
	if (!text || strcmp(text, expected) != 0)
		fprintf(stderr, "%s\n  instead of\n%s\n", text ? text : "nothing", expected);
	CHECK(text && strcmp(text, expected) == 0);
	free(text);
	json_decref(take_object);
}

static void answers(void) {
	struct ollama_counts c = { .total_ns = 5, .load_ns = 0, .prompt_ns = 2, .eval_ns = 3, .tokens_in = 7,
			.tokens_out = 4,
		.reason = "stop" };
	is(ollama_piece(OLLAMA_CHAT, "a", "T", "He"),
			"{\"model\":\"a\",\"created_at\":\"T\",\"message\":{\"role\":\"assistant\","
			"\"content\":\"He\"},\"done\":false}");
	is(ollama_piece(OLLAMA_GENERATE, "a", "T", "He"),
			"{\"model\":\"a\",\"created_at\":\"T\",\"response\":\"He\",\"done\":false}");
	is(ollama_end(OLLAMA_CHAT, "a", "T", NULL, &c),
			"{\"model\":\"a\",\"created_at\":\"T\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},"
			"\"done\":true,"
			"\"done_reason\":\"stop\",\"total_duration\":5,\"prompt_eval_count\":7,"
			"\"prompt_eval_duration\":2,"
			"\"eval_count\":4,\"eval_duration\":3}");
	c = (struct ollama_counts){ .reason = "unload" };
	is(ollama_end(OLLAMA_GENERATE, "a", "T", NULL, &c),
			"{\"model\":\"a\",\"created_at\":\"T\",\"response\":\"\",\"done\":true,"
			"\"done_reason\":\"unload\"}");
	is(ollama_error("no \"x\""), "{\"error\":\"no \\\"x\\\"\"}");
	struct ollama_model m = { .name = "a", .modified_at = "T", .digest = "d", .format = "gguf", .family = "llama",
			.bytes = 9 };
	is(ollama_model(&m), "{\"name\":\"a:latest\",\"model\":\"a:latest\",\"modified_at\":\"T\",\"size\":9,"
			"\"digest\":\"d\","
			"\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"llama\","
			"\"families\":[\"llama\"],"
			"\"parameter_size\":\"\",\"quantization_level\":\"\"},\"capabilities\":[\"completion\"]}");
}

static void verdict_is(const char *done, const char *expected) {
	json_t *j = json_loads(done, 0, NULL);
	CHECK(j);
	is(ollama_verdict(j), expected);
	json_decref(j);
}

static void verdicts(void) {
	verdict_is("{\"id\":1,\"seq\":9,\"verdict\":\"none\",\"reason\":\"\",\"detail\":\"\",\"command\":0,"
			"\"symbols\":\"\",\"facts\":"
			"[[\"name\",\"Ana\"]],\"view\":\"[]\"}",
			"{\"seq\":9,\"verdict\":\"none\",\"facts\":{\"name\":\"Ana\"}}");
	verdict_is("{\"seq\":9,\"verdict\":\"refused\",\"reason\":\"NO_GRANT\",\"detail\":\"d\",\"command\":0,"
			"\"facts\":[]}",
			"{\"seq\":9,\"verdict\":\"refused\",\"reason\":\"NO_GRANT\",\"detail\":\"d\",\"facts\":{}}");
	verdict_is("{\"seq\":9,\"verdict\":\"started\",\"command\":3,\"symbols\":\"x\"}",
			"{\"seq\":9,\"verdict\":\"started\",\"symbols\":\"x\",\"command\":3,\"facts\":{}}");
	verdict_is("{\"seq\":9,\"repeat\":true,\"facts\":[1,[],[2,3],[\"k\"]]}",
			"{\"seq\":9,\"repeat\":true,\"facts\":{}}");
	verdict_is("{\"seq\":9,\"repeat\":true,\"cut\":true}",
			"{\"seq\":9,\"repeat\":true,\"cut\":true,\"facts\":{}}");
	verdict_is("{\"seq\":9,\"repeat\":false,\"unheard\":2,\"facts\":[]}", "{\"seq\":9,\"unheard\":2,\"facts\":{}}");
	verdict_is("{}", "{\"facts\":{}}");
}

int main(void) {
	prompts();
	messages();
	types();
	abilities();
	broken();
	answers();
	verdicts();
	puts("ollama_test: ok");
}

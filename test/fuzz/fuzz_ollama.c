/* fuzz_ollama.c - any bytes as the body of a request: taken apart or refused in a sentence, as chat and as generate. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "gateways/http/ollama.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum ollama_call call, const char *body, size_t size) {
	struct ollama_request r;
	char why[64];
	memset(why, 'x', sizeof(why));
	int rc = ollama_parse(call, body, size, &r, why, sizeof(why));
	if (rc < 0) {
		CHECK(!r.text && memchr(why, 0, sizeof(why)) && why[0]);
		json_decref(ollama_error(why));
		return;
	}
	CHECK(r.call == call && r.model[0] && memchr(r.model, 0, sizeof(r.model)));
	CHECK(strncmp(r.asked, r.model, strlen(r.model)) == 0);
	CHECK(!r.text || (r.text[0] && strlen(r.text) <= OLLAMA_TEXT_MAX));
	CHECK(r.options.max_tokens < 1000000);
	json_t *piece = ollama_piece(call, r.asked, "T", r.text ? r.text : "");
	char *text = json_dumps(piece, JSON_COMPACT);
	CHECK(text && !strchr(text, '\n')); /* one line of a stream */
	free(text);
	json_decref(piece);
	free(r.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	json_t *done = json_loadb((const char *)data, size, 0, NULL);
	json_decref(ollama_verdict(done)); /* whatever core might say; NULL too */
	json_decref(done);
	check(OLLAMA_CHAT, (const char *)data, size);
	check(OLLAMA_GENERATE, (const char *)data, size);
	return 0;
}

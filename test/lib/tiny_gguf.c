/*
 * tiny_gguf.c - see tiny_gguf.h.  GGUF version 3: header, key-values, tensor descriptions, then the
 * data of the tensors, each on a boundary of 32 bytes.
 */
#include "test/lib/tiny_gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"

enum { WIDTH = TINY_GGUF_DIMS, LAYERS = 2, HEADS = 4, FEED = 128, ALIGN = 32 };
enum { T_U32 = 4, T_I32 = 5, T_F32 = 6, T_STRING = 8, T_ARRAY = 9 };

struct bytes {
	unsigned char *at;
	size_t count, room;
};

struct plan { /* a tensor: its name and sides; b 0 for a vector of ones */
	char name[40];
	uint64_t a, b;
};

static void put(struct bytes *o, const void *data, size_t n) {
	if (o->count + n > o->room) {
		o->room = 2 * (o->count + n);
		o->at = realloc(o->at, o->room);
		CHECK(o->at != NULL);
	}
	memcpy(o->at + o->count, data, n);
	o->count += n;
}

static void put_u32(struct bytes *o, uint32_t v) {
	put(o, &v, sizeof(v));
}

static void put_u64(struct bytes *o, uint64_t v) {
	put(o, &v, sizeof(v));
}

static void put_f32(struct bytes *o, float v) {
	put(o, &v, sizeof(v));
}

static void put_text(struct bytes *o, const char *s) {
	put_u64(o, strlen(s));
	put(o, s, strlen(s));
}

static void key(struct bytes *o, const char *name, uint32_t type) {
	put_text(o, name);
	put_u32(o, type);
}

static void key_u32(struct bytes *o, const char *name, uint32_t v) {
	key(o, name, T_U32);
	put_u32(o, v);
}

static void key_text(struct bytes *o, const char *name, const char *v) {
	key(o, name, T_STRING);
	put_text(o, v);
}

static void key_array(struct bytes *o, const char *name, uint32_t type) {
	key(o, name, T_ARRAY);
	put_u32(o, type);
	put_u64(o, TINY_GGUF_TOKENS);
}

static void put_vocabulary(struct bytes *o) {
	static const char *const special[3] = { "<unk>", "<s>", "</s>" };
	static const uint32_t kinds[3] = { 2, 3, 3 }; /* unknown, control, control */
	char name[8];
	key_array(o, "tokenizer.ggml.tokens", T_STRING);
	for (int i = 0; i < TINY_GGUF_TOKENS; i++) {
		snprintf(name, sizeof(name), "<0x%02X>", (unsigned)(i - 3) & 255u);
		put_text(o, i < 3 ? special[i] : name);
	}
	key_array(o, "tokenizer.ggml.scores", T_F32);
	for (int i = 0; i < TINY_GGUF_TOKENS; i++)
		put_f32(o, 0);
	key_array(o, "tokenizer.ggml.token_type", T_I32);
	for (int i = 0; i < TINY_GGUF_TOKENS; i++)
		put_u32(o, i < 3 ? kinds[i] : 6 /* byte */);
	key_u32(o, "tokenizer.ggml.unknown_token_id", 0);
	key_u32(o, "tokenizer.ggml.bos_token_id", 1);
	key_u32(o, "tokenizer.ggml.eos_token_id", 2);
}

static void put_keys(struct bytes *o) {
	key_text(o, "general.architecture", "llama");
	key_text(o, "general.name", "random weights, for tests");
	key_u32(o, "general.file_type", 0);
	key_u32(o, "llama.context_length", TINY_GGUF_CONTEXT);
	key_u32(o, "llama.embedding_length", WIDTH);
	key_u32(o, "llama.block_count", LAYERS);
	key_u32(o, "llama.feed_forward_length", FEED);
	key_u32(o, "llama.attention.head_count", HEADS);
	key_u32(o, "llama.rope.dimension_count", WIDTH / HEADS);
	key_u32(o, "llama.vocab_size", TINY_GGUF_TOKENS);
	key(o, "llama.attention.layer_norm_rms_epsilon", T_F32);
	put_f32(o, 1e-5f);
	key_text(o, "tokenizer.ggml.model", "llama");
	key_text(o, "tokenizer.ggml.pre", "default");
	put_vocabulary(o);
}

static size_t plan_tensors(struct plan plan[3 + 9 * LAYERS]) {
	static const struct {
		const char *name;
		uint64_t a, b;
	} block[9] = {
		{ "attn_norm", WIDTH, 0 },
		{ "attn_q", WIDTH, WIDTH },
		{ "attn_k", WIDTH, WIDTH },
		{ "attn_v", WIDTH, WIDTH },
		{ "attn_output", WIDTH, WIDTH },
		{ "ffn_norm", WIDTH, 0 },
		{ "ffn_gate", WIDTH, FEED },
		{ "ffn_up", WIDTH, FEED },
		{ "ffn_down", FEED, WIDTH },
	};
	size_t n = 0;
	plan[n++] = (struct plan){ "token_embd.weight", WIDTH, TINY_GGUF_TOKENS };
	plan[n++] = (struct plan){ "output_norm.weight", WIDTH, 0 };
	plan[n++] = (struct plan){ "output.weight", WIDTH, TINY_GGUF_TOKENS };
	for (int l = 0; l < LAYERS; l++)
		for (int k = 0; k < 9; k++, n++) {
			snprintf(plan[n].name, sizeof(plan[n].name), "blk.%d.%s.weight", l,
					block[k].name);
			plan[n].a = block[k].a;
			plan[n].b = block[k].b;
		}
	return n;
}

static uint64_t elements(const struct plan *t) {
	return t->a * (t->b ? t->b : 1);
}

static void put_weights(struct bytes *o, const struct plan *t, uint64_t *random) {
	for (uint64_t i = 0; i < elements(t); i++) {
		*random = *random * 6364136223846793005u + 1442695040888963407u;
		float unit = (float)(*random >> 40) / (float)(1 << 23) - 1;
		put_f32(o, t->b ? unit * 0.25f : 1);
	}
}

void *tiny_gguf_make(uint32_t seed, size_t *bytes) {
	struct plan plan[3 + 9 * LAYERS];
	struct bytes o = { NULL, 0, 0 };
	uint64_t offset = 0, random = seed;
	size_t tensors = plan_tensors(plan);
	put(&o, "GGUF", 4);
	put_u32(&o, 3);
	put_u64(&o, tensors);
	put_u64(&o, 19); /* key-values */
	put_keys(&o);
	for (size_t i = 0; i < tensors; i++) {
		put_text(&o, plan[i].name);
		put_u32(&o, plan[i].b ? 2 : 1);
		put_u64(&o, plan[i].a);
		if (plan[i].b)
			put_u64(&o, plan[i].b);
		put_u32(&o, 0); /* f32 */
		put_u64(&o, offset);
		offset += (elements(&plan[i]) * sizeof(float) + ALIGN - 1) / ALIGN * ALIGN;
	}
	while (o.count % ALIGN)
		put(&o, "", 1);
	for (size_t i = 0; i < tensors; i++)
		put_weights(&o, &plan[i], &random); /* all are multiples of ALIGN bytes */
	*bytes = o.count;
	return o.at;
}

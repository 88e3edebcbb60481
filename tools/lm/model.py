"""A llama-architecture transformer in PyTorch (RMSNorm, RoPE, SwiGLU, tied embeddings) and its export to GGUF.

Weights are float32; products run in bfloat16 on processors that have it. RoPE pairs element i with i + d/2 here and
the export reorders the rows of Q and K to llama.cpp's interleaved pairs.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import gguf
import vocab

EPS, BASE = 1e-5, 10000.0


def low(x, on):
    return x.bfloat16() if on else x


class Scaled(torch.autograd.Function):
    """x / rms(x) * gain, with its derivative written out: fewer passes over memory."""

    @staticmethod
    def forward(ctx, x, gain):
        r = torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(EPS))
        n = x * r
        ctx.save_for_backward(n, r, gain)
        return n * gain

    @staticmethod
    def backward(ctx, d):
        n, r, gain = ctx.saved_tensors
        m = d * n
        dots = torch.matmul(m, gain[:, None]).div_(n.shape[-1])
        return (d * gain).addcmul_(n, dots, value=-1).mul_(r), m.reshape(-1, n.shape[-1]).sum(0)


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return Scaled.apply(x, self.gain)


class Block(nn.Module):
    def __init__(self, width, heads, inner, depth):
        super().__init__()
        def matrix(rows, columns, scale):
            return nn.Parameter(torch.randn(rows, columns) * scale)
        s = width ** -0.5
        self.heads = heads
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.qkv = nn.ParameterList([matrix(width, width, s) for _ in range(3)])
        self.out = matrix(width, width, s * (2 * depth) ** -0.5)
        self.gate, self.up = matrix(inner, width, s), matrix(inner, width, s)
        self.down = matrix(width, inner, inner ** -0.5 * (2 * depth) ** -0.5)

    def matrices(self):
        return list(self.qkv) + [self.out, self.gate, self.up, self.down]

    def forward(self, x, cos, sin, mask, half, guide=None):
        """guide: called with the scores of the attention, if given."""
        b, t, e = x.shape
        h, d = self.heads, e // self.heads
        y = low(self.norm1(x), half)
        w = low(torch.cat(list(self.qkv)), half)
        q, k, v = F.linear(y, w).view(b, t, 3, h, d).permute(2, 0, 3, 1, 4)
        q, k = rotate(q, cos * d ** -0.5, sin * d ** -0.5), rotate(k, cos, sin)
        a = torch.matmul(q, k.transpose(2, 3)).float() + mask
        if guide:
            guide(a)
        o = torch.matmul(low(a.softmax(-1), half), v).transpose(1, 2).reshape(b, t, e)
        x = x + F.linear(o, low(self.out, half))
        y = low(self.norm2(x), half)
        y = F.silu(F.linear(y, low(self.gate, half))) * F.linear(y, low(self.up, half))
        return x + F.linear(y, low(self.down, half))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Model(nn.Module):
    def __init__(self, width, depth, heads, inner, context=512, half=True):
        super().__init__()
        self.shape = dict(width=width, depth=depth, heads=heads, inner=inner, context=context)
        self.half = half
        self.embed = nn.Parameter(torch.randn(len(vocab.TOKENS), width) * 0.1)
        self.blocks = nn.ModuleList([Block(width, heads, inner, depth) for _ in range(depth)])
        self.norm = Norm(width)
        d = width // heads
        angle = torch.arange(context)[:, None] * BASE ** (-torch.arange(0, d, 2) / d)
        dtype = torch.bfloat16 if half else torch.float32
        self.register_buffer("cos", angle.cos().to(dtype), persistent=False)
        self.register_buffer("sin", angle.sin().to(dtype), persistent=False)
        self.register_buffer("mask", torch.full((context, context), -1e9).triu(1), persistent=False)

    def matrices(self):
        return [m for b in self.blocks for m in b.matrices()]

    def forward(self, ids, where, guide=None):
        """Logits at the places `where` (a mask) of the token ids."""
        t = ids.shape[1]
        x = F.embedding(ids, self.embed)
        for i, b in enumerate(self.blocks):
            x = b(x, self.cos[:t], self.sin[:t], self.mask[:t, :t], self.half,
                  guide and (lambda scores, i=i: guide.compare(i, scores)))
        return F.linear(low(self.norm(x[where]), self.half), low(self.embed, self.half)).float()

    def size(self):
        return sum(p.numel() for p in self.parameters())


def interleave(w, heads):
    """Rows of Q or K from halves (i, i + d/2) to pairs (2i, 2i + 1)."""
    rows, columns = w.shape
    return w.reshape(heads, 2, rows // heads // 2, columns).transpose(0, 2, 1, 3).reshape(rows, columns)


def export(model, path, name, kind=gguf.Q8_0):
    s = model.shape
    kinds = [3] + [1] * (len(vocab.TOKENS) - 1)
    fields = {
        "general.architecture": "llama", "general.name": name, "general.license": "MIT",
        "general.quantization_version": 2, "general.file_type": {gguf.F32: 0, gguf.F16: 1, gguf.Q8_0: 7}[kind],
        "llama.context_length": s["context"], "llama.embedding_length": s["width"], "llama.block_count": s["depth"],
        "llama.feed_forward_length": s["inner"], "llama.attention.head_count": s["heads"],
        "llama.attention.head_count_kv": s["heads"], "llama.rope.dimension_count": s["width"] // s["heads"],
        "llama.rope.freq_base": BASE, "llama.attention.layer_norm_rms_epsilon": EPS,
        "llama.vocab_size": len(vocab.TOKENS),
        "tokenizer.ggml.model": "rwkv", "tokenizer.ggml.tokens": [vocab.gguf_text(t) for t in vocab.TOKENS],
        "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.bos_token_id": vocab.EOS,
        "tokenizer.ggml.eos_token_id": vocab.EOS, "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.add_bos_token": False, "tokenizer.ggml.add_eos_token": False,
    }
    def array(p):
        return p.detach().float().numpy()
    tensors = [("token_embd.weight", array(model.embed), kind),
               ("output_norm.weight", array(model.norm.gain), gguf.F32)]
    for i, b in enumerate(model.blocks):
        q, k, v = (array(w) for w in b.qkv)
        for part, a, how in (("attn_norm", array(b.norm1.gain), gguf.F32), ("attn_q", interleave(q, s["heads"]), kind),
                             ("attn_k", interleave(k, s["heads"]), kind), ("attn_v", v, kind),
                             ("attn_output", array(b.out), kind), ("ffn_norm", array(b.norm2.gain), gguf.F32),
                             ("ffn_gate", array(b.gate), kind), ("ffn_up", array(b.up), kind),
                             ("ffn_down", array(b.down), kind)):
            tensors.append(("blk.%d.%s.weight" % (i, part), a, how))
    gguf.write(path, fields, tensors)

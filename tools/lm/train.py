#!/usr/bin/env python3
"""Train a model on the corpus and write it as GGUF.

The corpus is drawn while training, so no example is seen twice on purpose. Difficulty (facts in the view) rises when
the loss is low. With --guide some heads are told where to look (guide.py). Every 100 steps a held-out probe is
printed: keys that share a word. Matrices are updated by momentum with orthogonal steps (Newton-Schulz), the rest by Adam.
"""
import argparse
import os
import random
import signal
import time

import torch
import torch.nn.functional as F

import corpus
import gguf
import guide
import model as M
import vocab

LEVELS = [1, 2, 3, 5, 8]                   # facts in the view at most


def orthogonal(g):
    """The nearest matrix with equal singular values, for a stack of matrices."""
    x = g.bfloat16()
    x = x / (x.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    for _ in range(5):
        a = torch.bmm(x, x.transpose(1, 2))
        x = 3.4445 * x + torch.bmm(-4.7750 * a + 2.0315 * torch.bmm(a, a), x)
    return x.float()


class Optimizer:
    """Orthogonal momentum for the matrices of the blocks, Adam for embeddings and gains."""

    def __init__(self, model, decay):
        self.matrices, self.decay = model.matrices(), decay
        chosen = {id(p) for p in self.matrices}
        self.momentum = [torch.zeros_like(p) for p in self.matrices]
        self.adam = torch.optim.Adam([p for p in model.parameters() if id(p) not in chosen], betas=(0.9, 0.98))
        self.groups = {}
        for i, p in enumerate(self.matrices):
            self.groups.setdefault(min(p.shape) * 65536 + max(p.shape), []).append(i)

    @torch.no_grad()
    def step(self, lr, adam_lr):
        for g in self.adam.param_groups:
            g["lr"] = adam_lr
        self.adam.step()
        for members in self.groups.values():
            parts = []
            for i in members:
                g, m = self.matrices[i].grad, self.momentum[i]
                m.lerp_(g, 0.05)
                u = torch.lerp(g, m, 0.95)
                parts.append(u if u.shape[0] <= u.shape[1] else u.t())
            for i, u in zip(members, orthogonal(torch.stack(parts))):
                p = self.matrices[i]
                u = u if u.shape == p.shape and p.shape[0] <= p.shape[1] else u.t()
                p.mul_(1 - lr * self.decay).add_(u, alpha=-lr * max(1, p.shape[0] / p.shape[1]) ** 0.5)

    def state(self):
        return {"momentum": self.momentum, "adam": self.adam.state_dict()}

    def load(self, s):
        self.momentum = s["momentum"]
        self.adam.load_state_dict(s["adam"])


class Batches:
    """Batches of examples of about equal length, about `tokens` tokens each."""

    def __init__(self, seed, tokens, turns, shared):
        self.corpus, self.tokens, self.turns = corpus.Corpus(seed, shared=shared, capitals=0.15), tokens, turns
        self.level, self.ready = 0, []

    def example(self):
        c, r = self.corpus, self.corpus.rng
        start = (0.35, 0.12, 0.12, 0.02, 0)[self.level]
        level = self.level if r.random() < 0.75 else r.randint(0, self.level)
        turns = r.randint(1, self.turns)
        view, said = c.copying() if r.random() < start else c.example(LEVELS[level], turns, 0.7 if self.level < 3 else 0.1)
        ids, learn = vocab.encode(view)[:-1], []
        learn = [0] * len(ids)
        for i, (ask, answer) in enumerate(said):
            a = vocab.encode(("]" if i == 0 else "") + "\n> " + ask + "\n< ")
            b = vocab.encode(answer) + [vocab.EOS]
            ids += a + b
            learn += [0] * len(a) + [1] * len(b)
        return ids, learn

    def fill(self):
        """Sorted by length, cut into batches, shuffled."""
        pool = sorted((e for e in (self.example() for _ in range(1024)) if len(e[0]) <= 384), key=lambda e: len(e[0]))
        group = []
        for e in pool + [None]:
            if group and (e is None or (len(group) + 1) * len(e[0]) > self.tokens):
                self.ready.append(group)
                group = []
            group.append(e)
        self.corpus.rng.shuffle(self.ready)

    def next(self):
        if not self.ready:
            self.fill()
        group = self.ready.pop()
        return [e[0] for e in group], [e[1] for e in group]


class Probe:
    """Held-out questions about one of several keys that share a word: the share answered exactly (greedily)."""

    def __init__(self, cases=256):
        c = corpus.Corpus(31, test=True, shared=1)
        self.texts, self.marks = [], []
        for i in range(cases):
            facts = c.family(2 + i % 3)
            said, answer = c.ask(facts[0])
            c.rng.shuffle(facts)
            a, b = vocab.encode(corpus.prompt(c.view(facts), said)), vocab.encode(answer) + [vocab.EOS]
            self.texts.append(a + b)
            self.marks.append([0] * len(a) + [1] * len(b))

    @torch.no_grad()
    def share(self, net):
        ids, where, target = padded(self.texts, self.marks)
        right = torch.ones(where.shape, dtype=torch.bool)
        right[where] = net(ids, where).argmax(-1) == target[where]
        return right.all(1).float().mean().item()


def padded(texts, marks):
    """(tokens in, where the loss is taken, tokens out) of texts of different lengths."""
    t = max(map(len, texts))
    ids = torch.tensor([x + [0] * (t - len(x)) for x in texts])
    learn = torch.tensor([x + [0] * (t - len(x)) for x in marks], dtype=torch.bool)
    return ids[:, :-1], learn[:, 1:], ids[:, 1:]


def rate(step, done, warm, tail):
    """Warm-up, level, then linear decay over the last part of the work."""
    return min(1.0, (step + 1) / warm, max(0.005, (1 - done) / tail))


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("out", help="GGUF to write; the checkpoint is beside it with .pt")
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--depth", type=int, default=5)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--inner", type=int, default=384)
    p.add_argument("--steps", type=int, default=10000)
    p.add_argument("--minutes", type=float, help="end after this time instead of a number of steps")
    p.add_argument("--tokens", type=int, default=4096, help="tokens of a step")
    p.add_argument("--turns", type=int, default=4, help="turns of an example at most")
    p.add_argument("--lr", type=float, default=0.02, help="step of the matrices")
    p.add_argument("--adam-lr", type=float, default=0.004, help="step of the embeddings and gains")
    p.add_argument("--decay", type=float, default=0.01)
    p.add_argument("--tail", type=float, default=0.4, help="share of the work in which the rate falls to zero")
    p.add_argument("--up", type=float, default=0.12, help="loss under which the difficulty rises")
    p.add_argument("--shared", type=float, default=0.25, help="share of views with a family of keys that share a word")
    p.add_argument("--start", help="begin with the weights of this checkpoint (of grow.py or of a stage before)")
    p.add_argument("--guide", type=int, nargs=2, help="blocks whose first heads are told where to look (guide.py)")
    p.add_argument("--guide-weight", type=float, default=0.05)
    p.add_argument("--level", type=int, default=0, help="difficulty to begin with")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--name", default="cadmus")
    p.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--float", action="store_true", help="float32 products (no bfloat16)")
    p.add_argument("--save", type=int, default=500, help="steps between checkpoints")
    return p.parse_args()


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    net = M.Model(a.width, a.depth, a.heads, a.inner, half=not a.float)
    opt, data = Optimizer(net, a.decay), Batches(a.seed, a.tokens, a.turns, a.shared)
    data.level, probe = a.level, Probe()
    first, mean, since, seen, spent, kept = 0, 4.0, 0, 0, 0.0, a.out + ".pt"
    if a.start:
        s = torch.load(a.start)
        net.load_state_dict(s["net"])
        mean, seen = 0.5, s["seen"]
    if a.resume:
        s = torch.load(kept)
        net.load_state_dict(s["net"])
        opt.load(s["opt"])
        first, mean, data.level, seen, spent = s["step"], s["mean"], s["level"], s["seen"], s["minutes"]
        data.corpus.rng = random.Random(a.seed * 1000003 + first)
    end = []
    signal.signal(signal.SIGTERM, lambda *_: end.append(1))
    print("parameters %.3f M, vocabulary %d" % (net.size() / 1e6, len(vocab.TOKENS)), flush=True)

    def save(step):
        torch.save({"net": net.state_dict(), "opt": opt.state(), "step": step, "mean": mean, "level": data.level,
                    "seen": seen, "minutes": spent + (time.time() - begin) / 60}, kept + ".new")
        os.replace(kept + ".new", kept)
        M.export(net, a.out, a.name, gguf.Q8_0)

    begin = time.time()
    at, tokens = begin, 0
    step = first
    while not end:
        minutes = spent + (time.time() - begin) / 60
        done = minutes / a.minutes if a.minutes else step / a.steps
        if done >= 1:
            break
        texts, marks = data.next()
        ids, where, target = padded(texts, marks)
        look = guide.Guide(texts, *a.guide) if a.guide else None
        loss = F.cross_entropy(net(ids, where, look), target[where])
        for p in net.parameters():
            p.grad = None
        (loss + a.guide_weight * look.loss if look else loss).backward()
        r = rate(step, done, 100, a.tail)
        opt.step(a.lr * r, a.adam_lr * r)
        mean += (loss.item() - mean) * 0.02
        since, seen, tokens = since + 1, seen + ids.numel(), tokens + ids.numel()
        step += 1
        if mean < a.up and since > 100 and data.level + 1 < len(LEVELS):
            data.level, since, mean, data.ready = data.level + 1, 0, mean + 0.3, []
            print("step %d: level %d (%d facts)" % (step, data.level, LEVELS[data.level]), flush=True)
        if step % 50 == 0:
            now = time.time()
            print("step %d loss %.4f level %d rate %.3f %.1f M tokens %.0f tok/s %.1f min" % (
                step, mean, data.level, r, seen / 1e6, tokens / (now - at), minutes), flush=True)
            at, tokens = now, 0
        if step % 100 == 0:
            print("step %d: keys that share a word %.1f %%%s" % (
                step, 100 * probe.share(net), ", guide %.3f" % float(look.loss) if look else ""), flush=True)
        if step % a.save == 0:
            save(step)
    save(step)


if __name__ == "__main__":
    main()

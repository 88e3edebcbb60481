#!/usr/bin/env python3
"""Score a GGUF model through llama.cpp on cases that training never saw.

Names, things and made-up words come from the held-out eighth of the word stock, phrasings from the held-out templates
(both at once; --words or --phrasings for one of them alone). Greedy decoding; an answer counts only if it equals the
expected text exactly. Needs the program generate.c, built as its head says.
"""
import argparse
import json
import subprocess
import sys

import corpus
import vocab

CATEGORIES = ["name", "state", "place", "my place", "mine", "seen", "shared", "unknown", "empty", "tell", "walk", "turn",
              "scan", "posture", "stop", "capitals", "unable", "small", "absent"]
RECALL = ["name", "state", "place", "my place", "mine", "seen"]
COMMANDS = ["walk", "turn", "scan", "posture", "stop"]


def commands(c, category):
    first = {"walk": vocab.MEM, "turn": vocab.TET, "scan": vocab.AYIN, "stop": vocab.TAW}.get(category)
    while True:
        said, answer = c.command()
        if answer[0] == first or (category == "posture" and len(answer) == 1 and answer != vocab.TAW):
            return said, answer


def shared(c, n, known):
    """A question for one of several keys that share a word, or for a key that the view lacks beside them."""
    c.shared, before = 1, c.shared
    facts = c.facts(n)
    c.shared = before
    words = [w for f in facts for w in set(f[1].split())]
    fit = [f for f in facts if f[0] not in ("name", "seen") and any(words.count(w) > 1 for w in f[1].split())]
    kind, k, v, be = c.rng.choice(fit)
    while not known and c.clash(k, facts):
        k = c.adjective() + " " + fit[0][1].split()[-1]
        be = "are" if k[-1] == "s" and kind != "mine" else "is"
    said, answer = c.ask((kind, k, v, be), known)
    return c.view(facts), said, answer


def case(c, category, most):
    """(view, said, answer) of a category, with 1 to `most` facts.

    shared: 2 to `most` facts, one of two to four keys that share a word is asked for. absent: such a view, and a key of
    the same noun that it lacks. capitals: a stop in capitals.
    """
    if category in ("shared", "absent"):
        return shared(c, c.rng.randint(2, max(2, most)), category == "shared")
    n = c.rng.randint(1, most)
    while True:
        facts = c.facts(n)
        if category in RECALL:
            fit = [f for f in facts if f[0] == category]
            if not fit:
                continue
            said, answer = c.ask(c.rng.choice(fit))
        elif category == "unknown":
            said, answer = c.unknown(facts)
        elif category == "empty":
            facts = []
            said, answer = c.unknown(facts)
        elif category == "tell":
            said, answer = c.tell(facts)
        elif category == "unable":
            said, answer = c.unable()
        elif category == "capitals":
            said, answer = c.shout()
        elif category == "small":
            said, answer = c.small(facts)
        else:
            said, answer = commands(c, category)
        return c.view(facts), said, answer


def written(path):
    """The cases of a file: (name, view, said, answer)."""
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n") for line in f]
    return [("written",) + tuple(s.split("\t")) for s in lines if s and s[0] != "#"]


def escape(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n")


def unescape(s):
    return s.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def generate(program, model, libs, prompts, *more):
    text = "".join(escape(p) + "\n" for p in prompts)
    r = subprocess.run([program, model, libs, *more], input=text.encode(), stdout=subprocess.PIPE, check=True)
    lines = r.stdout.decode("utf-8", "replace").split("\n")[:-1]
    if len(lines) != len(prompts):
        sys.exit("evaluate: %d answers for %d prompts" % (len(lines), len(prompts)))
    return [unescape(s) for s in lines]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model")
    p.add_argument("--generate", default="./generate", help="the program built from generate.c")
    p.add_argument("--libs", required=True, help="directory of libggml's backends")
    p.add_argument("-n", type=int, default=400, help="cases of a category")
    p.add_argument("--most", type=int, default=6, help="facts in the view at most")
    p.add_argument("--seed", type=int, default=20001)
    p.add_argument("--words", action="store_true", help="held-out words in known phrasings")
    p.add_argument("--phrasings", action="store_true", help="held-out phrasings of known words")
    p.add_argument("--known", action="store_true", help="known words in known phrasings")
    p.add_argument("--only", help="one category")
    p.add_argument("--cases", help="score the cases of this file instead")
    p.add_argument("--errors", type=int, default=0, help="wrong answers to print of a category")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    c = corpus.Corpus(a.seed, test=not (a.words or a.known), test_words=not (a.phrasings or a.known))
    names = [a.only] if a.only else CATEGORIES
    cases = written(a.cases) if a.cases else [(name,) + case(c, name, a.most) for name in names for _ in range(a.n)]
    prompts = [corpus.prompt(view, said) for _, view, said, _ in cases]
    cut = generate(a.generate, a.model, a.libs, prompts, "--ids")
    if any(list(map(int, ids.split())) != vocab.encode(text) for ids, text in zip(cut, prompts)):
        sys.exit("evaluate: llama.cpp cuts a prompt into other tokens than vocab.py")
    got = generate(a.generate, a.model, a.libs, prompts)
    score, shown = {}, {}
    for (name, view, said, want), have in zip(cases, got):
        good = have == want
        score.setdefault(name, []).append(good)
        if not good and shown.get(name, 0) < a.errors:
            shown[name] = shown.get(name, 0) + 1
            print("%s: %s > %s\n   want %s\n   got  %s" % (name, view, said, want, have))
    for group, members in (("all recall", RECALL), ("all commands", COMMANDS)):
        if not a.only and not a.cases:
            score[group] = [g for m in members for g in score[m]]
    if a.json:
        print(json.dumps({k: {"right": sum(v), "cases": len(v)} for k, v in score.items()}))
        return
    for k, v in score.items():
        print("%-12s %5d / %5d  %5.1f %%" % (k, sum(v), len(v), 100 * sum(v) / len(v)))


if __name__ == "__main__":
    main()

"""Where some heads shall look while the model learns what a key is.

A key has several words, and nothing in the loss says that the place where a value begins must know all of them: a
model that is left alone matches the last word only, and chance decides between "red box" and "blue box". So for a stage
of the training a few heads are told where to look. In one block, from the first token of each value of the view and
from the " is" of an answer, head 0 looks at what follows the key's words before the last, head 1 at what follows each
of its words (only there a model that reads forward knows that a word ended). In a later block all heads look from that
" is" at the first token of the value asked for. What they take from there is learned as everything else, and the
finished model is an ordinary one.
"""
import torch

import vocab

EQUALS, ANSWER, CLOSE = (vocab.encode(s)[0] for s in (" =", "\n< ", "]\n>"))
BREAK, SPACE = b";"[0] + 1, b" "[0] + 1
VERBS = vocab.encode(" is") + vocab.encode(" are")
STARTS = [vocab.encode(s)[0] for s in ("The", "Your")]
SPACED = [t[:1] == b" " for t in vocab.TOKENS]


def ends(ids, first, last):
    """What follows the words of ids[first:last]."""
    return [i + 1 for i in range(first, last) if ids[i] != SPACE and (i + 1 == last or SPACED[ids[i + 1]])]


def keys(ids):
    """The keys of a tokenized example: (in the view?, first token, the token after the key)."""
    first, view = 1, True
    for i, t in enumerate(ids):
        if view and t == BREAK:
            first = i + 1
        elif view and t == EQUALS:
            yield True, first, i
        elif t == CLOSE:
            view = False
        elif t == ANSWER and i + 1 < len(ids) and ids[i + 1] in STARTS:
            last = next((k for k in range(i + 2, len(ids)) if ids[k] in VERBS), None)
            if last:
                yield False, i + 2, last


def looks(ids):
    """(from, [to of head 0], [to of head 1]) for the keys, and (from, [to]) for the values asked for."""
    known, read, told = {}, [], []
    for view, first, last in keys(ids):
        key, to = bytes_of(ids[first:last]), ends(ids, first, last)
        if not to:
            continue
        if view:
            known[key] = last + 1
        elif key in known:
            told.append((last, [known[key]]))
        read.append((last + view, to[:-1] or to, to))
    return read, told


def bytes_of(ids):
    return b"".join(vocab.TOKENS[i] for i in ids).strip()


class Guide:
    """What the attention shall be in a batch; after the forward pass `loss` says how far it is from that."""

    def __init__(self, texts, key_block, value_block):
        width, self.loss = max(map(len, texts)) - 1, 0.0
        both = [looks(ids[:-1]) for ids in texts]
        self.blocks = {key_block: self.target([b[0] for b in both], 2, width),
                       value_block: self.target([b[1] for b in both], 1, width)}
        self.heads = {key_block: 2, value_block: None}

    @staticmethod
    def target(rows, heads, width):
        found = [(b, row) for b, of in enumerate(rows) for row in of]
        want = torch.zeros(len(found), heads, width)
        for k, (_, row) in enumerate(found):
            for head in range(heads):
                want[k, head, row[1 + head]] = 1 / len(row[1 + head])
        return torch.tensor([b for b, _ in found]), torch.tensor([row[0] for _, row in found]), want

    def compare(self, block, scores):
        """scores: of a block's attention before the softmax, [batch, heads, from, to]."""
        if block in self.blocks:
            batch, at, want = self.blocks[block]
            if len(at):
                have = scores[batch, :self.heads[block], at].log_softmax(-1)
                self.loss = self.loss - (want * have).sum() / (have.shape[1] * len(at))

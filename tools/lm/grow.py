#!/usr/bin/env python3
"""Make a larger model's first checkpoint from a smaller one that computes the same.

New blocks and new inner columns begin with outputs of zero, so the larger model starts where the smaller one stands
and goes its own way when it is trained on other examples (train.py --start with the new sizes).
"""
import argparse

import torch

import model as M


@torch.no_grad()
def grow(state, width, heads, old, new, fresh):
    """old, new: (depth, inner); fresh: which blocks of the larger model are new."""
    small, large = M.Model(width, old[0], heads, old[1]), M.Model(width, new[0], heads, new[1])
    small.load_state_dict(state)
    large.embed.copy_(small.embed)
    large.norm.load_state_dict(small.norm.state_dict())
    for b in large.blocks:
        b.out.zero_()
        b.down.zero_()
    for b, at in zip(small.blocks, [i for i in range(new[0]) if i not in fresh]):
        c = large.blocks[at]
        c.norm1.load_state_dict(b.norm1.state_dict())
        c.norm2.load_state_dict(b.norm2.state_dict())
        for ours, theirs in zip(c.qkv, b.qkv):
            ours.copy_(theirs)
        c.out.copy_(b.out)
        c.gate[:old[1]] = b.gate
        c.up[:old[1]] = b.up
        c.down[:, :old[1]] = b.down
    return large


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("small", help="checkpoint (.pt) of the smaller model")
    p.add_argument("large", help="checkpoint to write")
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--heads", type=int, default=4)
    p.add_argument("--depth", type=int, nargs=2, default=(5, 8), metavar=("OLD", "NEW"))
    p.add_argument("--inner", type=int, nargs=2, default=(384, 512), metavar=("OLD", "NEW"))
    p.add_argument("--fresh", type=int, nargs="+", required=True, help="which blocks of the larger model are new")
    p.add_argument("--seed", type=int, default=2)
    a = p.parse_args()
    torch.manual_seed(a.seed)
    s = torch.load(a.small)
    net = grow(s["net"], a.width, a.heads, (a.depth[0], a.inner[0]), (a.depth[1], a.inner[1]),
               a.fresh)
    torch.save({"net": net.state_dict(), "seen": s["seen"]}, a.large)
    print("%.3f M parameters, from a model of %.1f M tokens" % (net.size() / 1e6, s["seen"] / 1e6))


if __name__ == "__main__":
    main()

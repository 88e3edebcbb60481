#!/usr/bin/env python3
"""Read a journal by spec/journal.md alone: check its chain, fold it, and compare the state's hash.

usage: journal_oracle.py PROGRAM     PROGRAM PATH writes the journal and prints the hash
"""
import hashlib
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile


def pack(v):
    """Canonical MessagePack: the shortest form of every integer and length."""
    if isinstance(v, bool):
        return b'\xc3' if v else b'\xc2'
    if isinstance(v, int):
        if v < 0:
            if v >= -32:
                return struct.pack('b', v)
            for limit, code, form in ((7, 0xd0, '>b'), (15, 0xd1, '>h'), (31, 0xd2, '>i'), (63, 0xd3, '>q')):
                if v >= -(1 << limit):
                    return bytes([code]) + struct.pack(form, v)
        if v < 128:
            return bytes([v])
        for limit, code, form in ((8, 0xcc, '>B'), (16, 0xcd, '>H'), (32, 0xce, '>I'), (64, 0xcf, '>Q')):
            if v < 1 << limit:
                return bytes([code]) + struct.pack(form, v)
    if isinstance(v, str):
        s = v.encode()
        return head(len(s), 0xa0, 32, ((8, 0xd9), (16, 0xda), (32, 0xdb))) + s
    if isinstance(v, bytes):
        return head(len(v), 0, 0, ((8, 0xc4), (16, 0xc5), (32, 0xc6))) + v
    if isinstance(v, list):
        return head(len(v), 0x90, 16, ((16, 0xdc), (32, 0xdd))) + b''.join(map(pack, v))
    if isinstance(v, dict):
        return head(len(v), 0x80, 16, ((16, 0xde), (32, 0xdf))) + b''.join(pack(k) + pack(x) for k, x in v.items())
    raise TypeError(v)


def head(n, short, below, longer):
    if n < below:
        return bytes([short | n])
    for bits, code in longer:
        if n < 1 << bits:
            return bytes([code]) + n.to_bytes(bits // 8, 'big')
    raise ValueError(n)


def unpack(b, at=0):
    t, at = b[at], at + 1
    if t < 0x80:
        return t, at
    if t >= 0xe0:
        return t - 256, at
    if 0xa0 <= t < 0xc0:
        return b[at:at + (t & 31)].decode(), at + (t & 31)
    if t < 0xa0:
        return many(b, at, t & 15, t < 0x90)
    if t in (0xc2, 0xc3):
        return t == 0xc3, at
    if 0xcc <= t <= 0xd3:
        n = 1 << (t & 3)
        return int.from_bytes(b[at:at + n], 'big', signed=t >= 0xd0), at + n
    if 0xdc <= t <= 0xdf:
        n = 2 << (t & 1)
        return many(b, at + n, int.from_bytes(b[at:at + n], 'big'), t >= 0xde)
    n = 1 << (t - 0xc4 if t < 0xc8 else t - 0xd9)
    size, at = int.from_bytes(b[at:at + n], 'big'), at + n
    data = bytes(b[at:at + size])
    return (data if t < 0xc8 else data.decode()), at + size


def many(b, at, n, is_map):
    items = []
    for _ in range(n * (2 if is_map else 1)):
        v, at = unpack(b, at)
        items.append(v)
    return (dict(zip(items[::2], items[1::2])) if is_map else items), at


def blake(b):
    return hashlib.blake2b(b, digest_size=32).digest()


class State:
    def __init__(self):
        self.seq = self.epoch = self.command_id_max = 0
        self.plan, self.active, self.kinds = bytes(32), '', {}
        self.erased = self.duplicates = 0
        self.facts, self.evidence, self.settings, self.turns, self.requests = {}, {}, {}, [], []

    def apply(self, seq, epoch, entity, principal, visibility, kind, body):
        self.seq, self.epoch = seq, epoch
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if body is None:
            self.erased += 1
        else:
            getattr(self, 'fold_' + kind, lambda *_: None)(body, seq, entity, principal, visibility)

    def fold_turn(self, b, seq, entity, principal, visibility):
        if b['request'] and any(q[:2] == [b['request'], principal] for q in self.requests):
            self.duplicates += 1
            return
        self.turns.append([seq, principal, b['speaker'], b['model'], b['user'], b['answer'], b['symbols'],
                           visibility, False, b['trust'], b['view_hash']])
        if b['request']:
            self.requests.append([b['request'], principal, seq, False, b['answer']])
        for f in b['facts']:
            key = (f['key'].encode(), principal.encode())
            self.facts.pop(key, None)
            if f['value']:
                self.facts[key] = [f['key'], principal, f['value'], b['model'] or entity, visibility, f['trust'], seq]

    def fold_epoch(self, b, *_):
        self.plan = b['plan_hash']

    def fold_set(self, b, seq, entity, principal, visibility):
        self.settings[b['field'].encode()] = [b['field'], b['value'], principal, seq]

    def fold_model(self, b, *_):
        if b['what'] == 'active':
            self.active = b['name']

    def fold_command(self, b, *_):
        self.command_id_max = max(self.command_id_max, b['id'])

    def fold_evidence(self, b, seq, *_):
        assert b['half_life_ms'] == 0
        key = tuple(b[k].encode() for k in ('subject', 'role', 'dim'))
        old = self.evidence.get(key, [0] * 7)
        self.evidence[key] = [b['subject'], b['role'], b['dim'], old[3] + b['p'], old[4] + b['n'], old[5] + 1, seq]

    def hash(self):
        order = 'epoch turn set model evidence command outcome refusal erase'.split()
        table = lambda t: [t[k] for k in sorted(t)]
        return blake(pack([self.seq, self.epoch, self.plan, self.active, self.command_id_max,
                           {k: self.kinds[k] for k in order if k in self.kinds},
                           [self.erased, 0, self.duplicates, 0, len(self.turns)],
                           table(self.facts), table(self.evidence), table(self.settings), self.turns, self.requests]))


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'state')
        said = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout.strip()
        db = sqlite3.connect(path)
        rows = db.execute('SELECT seq, epoch, hlc, wall_ns, entity, principal, visibility, kind, class, body,'
                          ' body_hash, prev, hash FROM record ORDER BY seq').fetchall()
        assert db.execute('PRAGMA application_id').fetchone()[0] == 0x43444d4a
        assert db.execute('PRAGMA user_version').fetchone()[0] == 1
        db.close()
    before, clock, state = bytes(32), 0, State()
    for n, (*header, body, body_hash, prev, link) in enumerate(rows, 1):
        assert header[0] == n and header[2] > clock and prev == before, n
        assert body is None or blake(body) == body_hash, n
        assert blake(prev + pack(list(header)) + body_hash) == link, n
        before, clock = link, header[2]
        b = None if body is None else unpack(body)[0]
        assert b is None or pack(b) == body, n  # bodies are canonical as well
        seq, epoch, _, _, entity, principal, visibility, kind, _ = header
        state.apply(seq, epoch, entity, principal, visibility, kind, b)
    assert len(rows) == 17 and state.erased == 1 and state.duplicates == 1
    assert state.hash().hex() == said, (state.hash().hex(), said)
    print('journal_oracle: ok,', len(rows), 'records')


main(sys.argv[1])

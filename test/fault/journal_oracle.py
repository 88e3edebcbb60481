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


KINDS = ('epoch turn set model evidence command outcome refusal erase fact goal symbol dictionary plan sample gap '
         'snapshot compact').split()


class State:
    """Tables are dicts by key in bytes; an entry is [what is hashed, what is not]."""

    def __init__(self):
        self.seq = self.epoch = self.command_id_max = self.plan_seq = self.compacted = 0
        self.plan, self.active, self.kinds = bytes(32), '', {}
        self.erased = self.duplicates = self.dropped = 0
        self.facts, self.evidence, self.settings, self.goals, self.samples = {}, {}, {}, {}, {}
        self.dictionaries, self.models, self.commands, self.sessions, self.gaps = {}, {}, {}, {}, {}
        self.turns, self.requests, self.symbols, self.erasures = [], [], [], []

    def apply(self, seq, epoch, wall, entity, principal, visibility, kind, body):
        self.seq, self.epoch = seq, epoch
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.wall = wall
        if body is None:
            self.erased += 1
        else:
            getattr(self, 'fold_' + kind, lambda *_: None)(body, seq, entity, principal, visibility)

    def claim(self, key, principal, source, via, value, visibility, trust, confidence, seq, origins, seen,
              held_at=0):
        known = (key.encode(), principal.encode(), source.encode())
        if not value:
            self.facts.pop(known, None)
            return
        for origin in origins:
            of = [(f[6], f[7], t) for f, t in self.facts.values() if f[8] == origin]
            of += [(s[5], 1000000, t) for s, t in self.samples.values() if s[4] == origin]
            if not of and origin > held_at:
                trust = 0
            trust, confidence, seen = map(min, zip(*of, (trust, confidence, seen)))
        if known not in self.facts and len(self.facts) == 4096:
            self.make_room(self.facts, [principal, source], lambda e: e[0][1:3], lambda e: (e[0][6], e[0][8]))
        self.facts[known] = ([key, principal, source, via, value, visibility, trust, confidence, seq, origins], seen)

    def make_room(self, table, newcomer, holder, worth):
        """Of whoever holds the most, the newcomer counted; `holder` names the wider first; `worth` is (trust, seq)."""
        left = sorted(table)
        for level in range(len(newcomer)):
            held = {}
            for key in left:
                held.setdefault(holder(table[key])[level], []).append(key)
            counts = {name: len(keys) + (holder(table[keys[0]])[:level + 1] == newcomer[:level + 1])
                      for name, keys in held.items()}
            oldest = {name: min(keys, key=lambda k: worth(table[k])[1]) for name, keys in held.items()}
            most = [name for name in held if counts[name] == max(counts.values())]
            left = held[min(most, key=lambda name: (*worth(table[oldest[name]]), oldest[name]))]
        del table[min(left, key=lambda k: worth(table[k])[1])]
        self.dropped += 1

    def when(self, ms):
        return ms * 1000000 if ms else self.wall

    def fold_turn(self, b, seq, entity, principal, visibility):
        if b['request'] and any(q[:2] == [b['request'], principal] for q in self.requests[-256:]):
            self.duplicates += 1
            return
        self.turns.append([seq, principal, b['speaker'], b['model'], b['session'], b['user'], b['answer'],
                           b['symbols'], visibility, False, b['trust'], b['view_hash']])
        if b['request']:
            self.requests.append([b['request'], principal, seq, False, b['answer']])
        if b['session']:
            e = self.sessions.setdefault((principal.encode(), b['session'].encode()),
                                         [principal, b['session'], seq, 0, seq])
            e[3:] = [e[3] + 1, seq]
        for f in b['facts']:
            self.claim(f['key'], principal, b['speaker'] or entity, b['model'], f['value'], visibility, f['trust'],
                       1000000, seq, [], self.when(b['said_ms']))

    def fold_fact(self, b, seq, entity, principal, visibility):
        if not set(b['from']) & {e[0] for e in self.erasures}:
            self.claim(b['key'], principal, b['source'] or entity, b['via'], b['value'], visibility, b['trust'],
                       b['confidence'], seq, b['from'], self.when(b['seen_ms']), b['held_at'])

    def fold_goal(self, b, seq, entity, principal, visibility):
        key = (b['id'].encode(), principal.encode())
        if b['what'] == 'open' and key not in self.goals and len(self.goals) == 64:
            self.make_room(self.goals, [principal], lambda e: e[1:2], lambda e: (0, e[6]))
        self.goals.pop(key, None)
        if b['what'] == 'open':
            self.goals[key] = [b['id'], principal, b['text'], visibility, b['weight'], b['due_ms'], seq]

    def fold_epoch(self, b, *_):
        self.plan = b['plan_hash']

    def fold_set(self, b, seq, entity, principal, visibility):
        self.settings[b['field'].encode()] = [b['field'], b['value'], principal, seq]

    def fold_model(self, b, seq, *_):
        e = self.models.get(b['name'].encode(), [b['name'], True, 0, seq])
        self.models[b['name'].encode()] = [b['name'], b['what'] != 'unloaded', e[2] + (b['what'] == 'loaded'), seq]
        if b['what'] == 'active':
            self.active = b['name']

    def fold_command(self, b, seq, entity, principal, visibility):
        self.command_id_max = max(self.command_id_max, b['id'])
        if b['verb'] != 'stop':
            self.commands[b['id']] = [b['id'], principal, seq]

    def fold_outcome(self, b, *_):
        self.commands.pop(b['id'], None)

    def fold_evidence(self, b, seq, *_):
        assert b['half_life_ms'] == 0
        key = tuple(b[k].encode() for k in ('subject', 'role', 'dim'))
        old = self.evidence.get(key, [0] * 7)
        self.evidence[key] = [b['subject'], b['role'], b['dim'], old[3] + b['p'], old[4] + b['n'], old[5] + 1, seq]

    def fold_symbol(self, b, seq, entity, *_):
        self.symbols.append([seq, b['text'], b['source'] or entity, b['trust']])

    def fold_dictionary(self, b, seq, *_):
        changes = self.dictionaries.get(b['table'].encode(), [0] * 4)[3] + 1
        self.dictionaries[b['table'].encode()] = [b['table'], b['hash'], b['version'], changes, seq]

    def fold_plan(self, b, seq, *_):
        if b['part'] == b['parts']:
            self.plan_seq = seq

    def fold_sample(self, b, seq, *_):
        kept = b['data'] if len(b['data']) <= 256 else b''
        self.samples[b['field'].encode()] = ([b['field'], b['status'], b['version'], b['epoch'], seq, b['trust'],
                                              b['bytes'], b['hash'], kept], self.when(b['seen_ms']))

    def fold_gap(self, b, seq, *_):
        old = self.gaps.get(b['what'].encode(), [0] * 3)
        self.gaps[b['what'].encode()] = [b['what'], old[1] + b['count'], old[2] + 1, seq]

    def fold_erase(self, b, *_):
        self.erasures.append([b['seq']])

    def fold_compact(self, b, *_):
        self.compacted = b['upto']

    def hash(self):
        def table(t):
            return [t[k] for k in sorted(t)]

        def timed(t):
            return [t[k][0] for k in sorted(t)]

        return blake(pack([3, self.seq, self.epoch, self.plan, self.plan_seq, self.active, self.command_id_max,
                           {k: self.kinds[k] for k in KINDS if k in self.kinds},
                           [self.erased, 0, self.duplicates, self.dropped, len(self.turns), len(self.requests),
                            len(self.symbols), len(self.erasures), self.compacted],
                           timed(self.facts), table(self.evidence), table(self.settings), table(self.goals),
                           timed(self.samples), table(self.dictionaries), table(self.models), table(self.commands),
                           table(self.sessions), table(self.gaps), self.turns[-64:], self.requests[-256:],
                           self.symbols[-32:], self.erasures[-256:]]))


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'state')
        said = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout.strip()
        db = sqlite3.connect(path)
        rows = db.execute('SELECT seq, epoch, hlc, wall_ns, entity, principal, visibility, kind, class, body,'
                          ' body_hash, prev, hash FROM record ORDER BY seq').fetchall()
        assert db.execute('PRAGMA application_id').fetchone()[0] == 0x43444d4a
        assert db.execute('PRAGMA user_version').fetchone()[0] == 2
        db.close()
    before, clock, state = bytes(32), 0, State()
    for n, (*header, body, body_hash, prev, link) in enumerate(rows, 1):
        assert header[0] == n and header[2] > clock and prev == before, n
        assert body is None or blake(body) == body_hash, n
        assert blake(prev + pack(list(header)) + body_hash) == link, n
        before, clock = link, header[2]
        b = None if body is None else unpack(body)[0]
        assert b is None or pack(b) == body, n  # bodies are canonical as well
        seq, epoch, _, wall, entity, principal, visibility, kind, _ = header
        state.apply(seq, epoch, wall, entity, principal, visibility, kind, b)
    assert {row[7] for row in rows} >= set(KINDS) - {'snapshot', 'compact'}
    assert state.erased == 1 and state.duplicates == 1
    assert state.hash().hex() == said, (state.hash().hex(), said)
    print('journal_oracle: ok,', len(rows), 'records')


main(sys.argv[1])

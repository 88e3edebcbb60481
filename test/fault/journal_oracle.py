#!/usr/bin/env python3
"""Read journals by spec/journal.md alone: check their chains, fold them, and compare the hashes of their states.

usage: journal_oracle.py PROGRAM STATE_SIM SEEDS    PROGRAM PATH writes a journal with one of everything, and prints the
                                                    hash; STATE_SIM --seed N --keep PATH leaves one that was lived (test/sim)
"""
import decimal
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


EXACT = decimal.Context(prec=60)
ROOTS = [int(EXACT.multiply(2 ** 32, EXACT.power(2, EXACT.divide(-1, 2 ** k)))) for k in range(1, 17)]


def decay(total, passed, half_life):
    if half_life == 0:
        return total
    halvings, rest = divmod(passed, half_life)
    if halvings > 63:
        return 0
    while half_life >> 32:
        half_life, rest = half_life >> 1, rest >> 1
    fraction, total = min((rest << 32) // half_life, 2 ** 32 - 1), total >> halvings
    for k, root in enumerate(ROOTS, 1):
        if fraction >> (32 - k) & 1:
            total = (total >> 32) * root + ((total & 0xffffffff) * root >> 32)
    return total


def cut(text, most):
    """As many whole characters as fit into so many bytes, and whether that is less."""
    kept = text.encode()[:most].decode(errors='ignore')
    return kept, kept != text


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
        self.last_evidence = {}
        self.turns, self.requests, self.symbols, self.erasures = [], [], [], []

    def apply(self, seq, epoch, hlc, wall, entity, principal, visibility, kind, body):
        self.seq, self.epoch, self.ms = seq, epoch, hlc >> 16
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.wall = wall
        if body is None:
            self.erased += 1
        else:
            getattr(self, 'fold_' + kind, lambda *_: None)(body, seq, entity, principal, visibility)

    def claim(self, key, principal, source, via, value, visibility, trust, confidence, seq, origins, seen,
              given, held_at=0):
        known = (key.encode(), principal.encode(), source.encode())
        if given and not origins and known in self.facts and self.facts[known][1] - seen >= 1000000:
            return
        if not value:
            self.facts.pop(known, None)
            return
        for origin in origins:
            of = [(f[6], f[7], t) for f, t in self.facts.values() if f[8] == origin]
            of += [(s[5], 1000000, t) for s, t in self.samples.values() if s[4] == origin]
            if not of and (origin == 0 or origin > held_at):
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

    def put(self, table, key, room, entry):
        """In a full table the entry with the lowest seq, which is its last number, makes room."""
        if key not in table and len(table) == room:
            del table[min(table, key=lambda k: (table[k][-1], k))]
            self.dropped += 1
        table[key] = entry

    def when(self, ms):
        return min(ms * 1000000, self.wall) if ms else self.wall

    def fold_turn(self, b, seq, entity, principal, visibility):
        if b['request'] and any(q[:2] == [b['request'], principal] for q in self.requests[-256:]):
            self.duplicates += 1
            return
        (user, user_cut), (answer, answer_cut) = cut(b['user'], 4095), cut(b['answer'], 4095)
        self.turns.append([seq, principal, b['speaker'], b['model'], b['session'], user, answer, b['symbols'], visibility,
                           user_cut or answer_cut, b['trust'], b['view_hash']])
        if b['request']:
            answer, is_cut = cut(b['answer'], 2047)
            self.requests.append([b['request'], principal, seq, is_cut, answer])
        if b['session']:
            key = (principal.encode(), b['session'].encode())
            old = self.sessions.get(key, [principal, b['session'], seq, 0, seq])
            self.put(self.sessions, key, 256, old[:3] + [old[3] + 1, seq])
        for f in b['facts']:
            self.claim(f['key'], principal, b['speaker'] or entity, b['model'], f['value'], visibility, f['trust'],
                       1000000, seq, [], self.when(b['said_ms']), b['said_ms'])

    def fold_fact(self, b, seq, entity, principal, visibility):
        if not set(b['from']) & {e[0] for e in self.erasures}:
            self.claim(b['key'], principal, b['source'] or entity, b['via'], b['value'], visibility, b['trust'],
                       b['confidence'], seq, b['from'], self.when(b['seen_ms']), b['seen_ms'], b['held_at'])

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
        self.put(self.settings, b['field'].encode(), 256, [b['field'], b['value'], principal, seq])

    def fold_model(self, b, seq, *_):
        e = self.models.get(b['name'].encode(), [b['name'], True, 0, seq])
        self.put(self.models, b['name'].encode(), 64, [b['name'], b['what'] != 'unloaded', e[2] + (b['what'] == 'loaded'), seq])
        if b['what'] == 'active':
            self.active = b['name']

    def fold_command(self, b, seq, entity, principal, visibility):
        self.command_id_max = max(self.command_id_max, b['id'])
        if b['verb'] != 'stop':
            self.put(self.commands, b['id'], 256, [b['id'], principal, seq])

    def fold_outcome(self, b, *_):
        self.commands.pop(b['id'], None)

    def fold_evidence(self, b, seq, *_):
        key = tuple(b[k].encode() for k in ('subject', 'role', 'dim'))
        old = self.evidence.get(key, [0] * 7)
        passed = max(self.ms - self.last_evidence.get(key, 0), 0)
        self.last_evidence[key] = self.ms
        p, n = (min(decay(v, passed, b['half_life_ms']) + b[k], 2 ** 64 - 1) for v, k in ((old[3], 'p'), (old[4], 'n')))
        self.put(self.evidence, key, 1024, [b['subject'], b['role'], b['dim'], p, n, old[5] + 1, seq])

    def fold_symbol(self, b, seq, entity, *_):
        self.symbols.append([seq, b['text'], b['source'] or entity, b['trust']])

    def fold_dictionary(self, b, seq, *_):
        changes = self.dictionaries.get(b['table'].encode(), [0] * 4)[3] + 1
        self.put(self.dictionaries, b['table'].encode(), 16, [b['table'], b['hash'], b['version'], changes, seq])

    def fold_plan(self, b, seq, *_):
        if b['part'] == b['parts']:
            self.plan_seq = seq

    def fold_sample(self, b, seq, *_):
        kept = b['data'] if len(b['data']) <= 256 else b''
        self.samples[b['field'].encode()] = ([b['field'], b['status'], b['version'], b['epoch'], seq, b['trust'],
                                              b['bytes'], b['hash'], kept], self.when(b['seen_ms']))

    def fold_gap(self, b, seq, *_):
        old = self.gaps.get(b['what'].encode(), [0] * 3)
        self.put(self.gaps, b['what'].encode(), 64, [b['what'], old[1] + b['count'], old[2] + 1, seq])

    def fold_erase(self, b, *_):
        self.erasures.append([b['seq']])

    def fold_compact(self, b, *_):
        self.compacted = b['upto']

    def hash(self):
        def table(t):
            return [t[k] for k in sorted(t)]

        def timed(t):
            return [t[k][0] for k in sorted(t)]

        return blake(pack([4, self.seq, self.epoch, self.plan, self.plan_seq, self.active, self.command_id_max,
                           {k: self.kinds[k] for k in KINDS if k in self.kinds},
                           [self.erased, 0, self.duplicates, self.dropped, len(self.turns), len(self.requests),
                            len(self.symbols), len(self.erasures), self.compacted],
                           timed(self.facts), table(self.evidence), table(self.settings), table(self.goals),
                           timed(self.samples), table(self.dictionaries), table(self.models), table(self.commands),
                           table(self.sessions), table(self.gaps), self.turns[-64:], self.requests[-256:],
                           self.symbols[-32:], self.erasures[-256:]]))


def read(path):
    """The state of a journal, and its rows; each link of the chain holds."""
    db = sqlite3.connect(path)
    rows = db.execute('SELECT seq, epoch, hlc, wall_ns, entity, principal, visibility, kind, class, body,'
                      ' body_hash, prev, hash FROM record ORDER BY seq').fetchall()
    assert db.execute('PRAGMA application_id').fetchone()[0] == 0x43444d4a
    assert db.execute('PRAGMA user_version').fetchone()[0] == 3
    db.close()
    before, clock, state = bytes(32), 0, State()
    for n, (*header, body, body_hash, prev, link) in enumerate(rows, 1):
        assert header[0] == n and header[2] > clock and prev == before, n
        assert body is None or blake(body) == body_hash, n
        assert blake(prev + pack(list(header)) + body_hash) == link, n
        before, clock = link, header[2]
        b = None if body is None else unpack(body)[0]
        assert b is None or pack(b) == body, n  # bodies are canonical as well
        seq, epoch, hlc, wall, entity, principal, visibility, kind, _ = header
        state.apply(seq, epoch, hlc, wall, entity, principal, visibility, kind, b)
    return state, rows


def one_of_everything(program, path):
    said = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout.strip()
    state, rows = read(path)
    assert {row[7] for row in rows} >= set(KINDS) - {'snapshot', 'compact'}
    assert state.erased == 1 and state.duplicates == 1
    assert state.hash().hex() == said, (state.hash().hex(), said)
    print('journal_oracle: ok,', len(rows), 'records')


def lived(state_sim, seeds, path):
    records = erased = lives = 0
    for seed in range(1, seeds + 1):
        if seed % 4 == 0:
            continue  # it lets records go: its fold begins at a snapshot
        lives += 1
        said = subprocess.run([state_sim, '--seed', str(seed), '--keep', path], check=True, capture_output=True, text=True).stdout
        state, rows = read(path)
        os.remove(path)
        assert 'state ' + state.hash().hex() in said.splitlines(), (seed, state.hash().hex(), said)
        records, erased = records + len(rows), erased + state.erased
    assert erased > 0
    print(f'journal_oracle: ok, {lives} lives with {records} records, of which {erased} erased')


def main(program, state_sim, seeds):
    with tempfile.TemporaryDirectory() as folder:
        one_of_everything(program, os.path.join(folder, 'state'))
        lived(state_sim, int(seeds), os.path.join(folder, 'lived'))


main(*sys.argv[1:])

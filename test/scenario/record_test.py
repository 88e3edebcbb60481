#!/usr/bin/env python3
"""`cadmus record` against what was published: byte for byte, with everything that is known of a sample.

usage: record_test.py CADMUS LIBCADMUS MCAP_PEER
"""
import json
import os
import random
import resource
import signal
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from library import begin  # noqa: E402

begin(sys.argv[2])
from machine import Machine, expect, until, verdict  # noqa: E402
import cadmus  # noqa: E402

PEER = os.path.abspath(sys.argv[3])
TYPES = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'f16', 'bf16', 'f32', 'f64', 'bool', 'bytes']
PACKED = {'u32': 'I', 'i32': 'i', 'u64': 'Q', 'i64': 'q', 'f32': 'f', 'f64': 'd'}  # their numbers are the payload
DESCRIPTION = '''machine: small
version: 1.0
clients: 4
entities:
  people: [{id: operator}]
  sensors:
    - id: camera
      consciousness_type: visual
      trust_vector: [0.9, 0.8, 0.9]
      driver: external
      writes:
        - {field: level, dtype: f32, unit: V, max_age_ms: 60000, history: 64}
        - {field: text, dtype: bytes, shape: [100], history: 64}
        - {field: gray, dtype: u8, shape: [20, 30], history: 64}
        - {field: view, dtype: u8, shape: [48, 64, 3], history: 64}
''' + ''.join(f'        - {{field: of_{t}, dtype: {t}, shape: [2, 3], history: 64}}\n' for t in TYPES) + '''settings:
  - {id: goal_bearing, unit: deg, min: -180, max: 180}
'''


# ---- reading -------------------------------------------------------------------------------------

def wire(data):
    """{field number: value} of a message of Protocol Buffers: numbers, and bytes."""
    at, found = 0, {}

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            b = data[at]
            at += 1
            value |= (b & 127) << shift
            shift += 7
            if b < 128:
                return value
    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            value = varint()
        elif kind == 2:
            n = varint()
            value, at = data[at:at + n], at + n
            assert len(value) == n
        else:
            n = {1: 8, 5: 4}[kind]
            value, at = data[at:at + n], at + n
        assert tag >> 3 not in found
        found[tag >> 3] = value
    return found


class Recording:
    def __init__(self, path, *how):
        out = subprocess.run([PEER, 'read', path, *how], capture_output=True, check=True, timeout=60).stdout
        records = [json.loads(line) for line in out.splitlines()]

        def of(sort):
            return [r for r in records if r['record'] == sort]
        self.info, = of('info')
        self.channels = {c['id']: c for c in of('channel')}
        self.schemas = {s['id']: s for s in of('schema')}
        self.attachments = {a['name']: bytes.fromhex(a['data']) for a in of('attachment')}
        self.metadata = {m['name']: m['pairs'] for m in of('metadata')}
        self.messages = {c['topic']: [] for c in self.channels.values()}
        for m in of('message'):
            m['fields'] = wire(bytes.fromhex(m['data']))
            self.messages[self.channels[m['channel']]['topic']].append(m)
        self.result = self.metadata.get('cadmus.result', {})
        self.offset = int(self.metadata['cadmus.machine']['calendar_minus_monotonic_ns'])

    def payload(self, topic, m):
        dtype = next(c for c in self.channels.values() if c['topic'] == topic)['metadata']['dtype']
        if self.schemas[self.channels[m['channel']]['schema']]['name'] == 'foxglove.RawImage':
            return m['fields'][6]
        return m['fields'][1] if dtype in PACKED else m['fields'][2]

    def samples(self, topic):
        """What is known of each, as struct cdm_info, and its bytes."""
        for m in self.messages[topic]:
            f = m['fields']
            yield {'epoch': f[102], 'version': f[101], 'source_time': struct.unpack('<q', f[103])[0],
                   'publish_time': struct.unpack('<q', f[104])[0], 'trust': struct.unpack('<f', f[105])[0], 'status': f[106],
                   'source': f[107].decode(), 'missed': f.get(109, 0)}, self.payload(topic, m)


# ---- recording -----------------------------------------------------------------------------------

class Recorder:
    def __init__(self, m, name, *args, limit=None):
        self.path = f'{m.work}/{name}.mcap'
        self.json = '--json' in args
        self.p = subprocess.Popen([m.cadmus, 'record', '--output', self.path, *args], env=m.env, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, preexec_fn=limit)

    def begun(self):
        """Wait until it follows: what it found in the histories of fields is the first chunk."""
        def chunk():
            if self.p.poll() is not None:
                return True
            done = subprocess.run([PEER, 'read', self.path], capture_output=True, check=False, timeout=60)
            return done.returncode == 0 and json.loads(done.stdout.splitlines()[0])['chunks'] > 0
        until('the recorder has begun', chunk)
        return self

    def end(self, how=signal.SIGINT):
        if how:
            self.p.send_signal(how)
        out, err = self.p.communicate(timeout=60)
        self.out, self.err = out.decode(), err.decode()
        return self.p.returncode


def known(s):
    return {'epoch': s.epoch, 'version': s.version, 'source_time': s.source_time, 'publish_time': s.publish_time,
            'trust': s.trust, 'status': int(s.status), 'source': s.source, 'missed': 0}


def read_it(reader, version, data):
    """The sample, once it is there: a writer that came again is known to others a moment later."""
    try:
        s = reader.read()
    except cadmus.NoSample:
        return None
    return s if s.version == version and bytes(s.memory) == data else None


def publish(handles, client, rounds, rng):
    """Every field, `rounds` times, with bytes of all sorts; what a client saw of each: {field: [(known, bytes)]}."""
    seen = {}
    for i in range(rounds):
        for name, f in client.fields.items():
            if f.entity != 'camera':
                continue
            n = rng.randrange(f.bytes + 1) if name == 'text' else f.bytes
            data = bytes(rng.randrange(2) for _ in range(n)) if f.dtype == 'bool' else rng.randbytes(n)
            writer, reader = handles
            version = writer[name].write(data, source_time=time.monotonic_ns() - i * 1000, trust=rng.random(), degraded=i % 7 == 0)
            s = until('a client sees it', lambda r=reader[name], d=data, v=version: read_it(r, v, d), pause=0.0005)
            seen.setdefault(name, []).append((known(s), data))
    return seen


def open_all(camera, client):
    names = [n for n, f in client.fields.items() if f.entity == 'camera']
    return {n: camera.writer(n) for n in names}, {n: client.reader(n) for n in names}


def same(name, recording, seen):
    for field, want in seen.items():
        got = list(recording.samples(field))
        bad = next((i for i, (g, w) in enumerate(zip(got, want)) if g != w), None)
        expect(f'{name}: {field} is what was published', len(got) == len(want) and bad is None,
               f'{len(got)} of {len(want)}; {bad}: {got[bad] if bad is not None else ""} {want[bad] if bad is not None else ""}')


def byte_for_byte(m, camera, client, handles, rng):
    before = publish(handles, client, 2, rng)  # history is in the recording, too
    r = Recorder(m, 'all', '--json').begun()
    camera.note(7, 2 ** 63 + 5, 'begin \u00e9')
    seen = publish(handles, client, 50, rng)
    camera.note(8, 9, 'end')
    rc = r.end()
    expect('a recording ends with 0', rc == 0, r.out + r.err)
    said = json.loads(r.out)
    expect('and says COMPLETE', (said['result'], said['why'], said['end']) == ('COMPLETE', None, 'asked to end'), said)
    x = Recording(r.path)
    scanned = Recording(r.path, 'scan')
    expect('the file says so, too', x.result['result'] == 'COMPLETE' and not x.info['cut'] and not x.info['scanned'], x.result)
    expect('gone through, it is whole', scanned.messages == x.messages and scanned.info['whole'], scanned.info)
    same('all', x, {f: before[f] + seen[f] for f in seen})
    for f in said['fields']:
        want = len(before.get(f['field'], [])) + len(seen.get(f['field'], []))
        expect(f'counts of {f["field"]}', f['field'] == 'goal_bearing' or (f['samples'], f['missed']) == (want, 0), f)
    times = [m['log'] for list_ in x.messages.values() for m in list_]
    now = time.time_ns()
    expect('log times are of the calendar', all(0 <= now - t < 3600e9 for t in times), times[:3])
    expect('publish times are source times', all(m['publish'] == k['source_time'] + x.offset and m['sequence'] == k['version']
           for f in seen for m, (k, _) in zip(x.messages[f], x.samples(f))))
    images = {x.channels[m['channel']]['topic']: m['fields'] for t in ('view', 'gray') for m in x.messages[t][:1]}
    expect('pictures are Foxglove\'s', [(f[4], f[2], f[3], f[5]) for f in images.values()] ==
           [(e, *(struct.pack('<I', n) for n in s)) for e, s in ((b'rgb8', (64, 48, 192)), (b'mono8', (30, 20, 30)))], images.keys())
    for t, code in {'u8': 'B', 'i8': 'b', 'u16': 'H', 'i16': 'h', 'bool': '?'}.items():
        got, data = x.messages['of_' + t][-1]['fields'][1], seen['of_' + t][-1][1]
        numbers = list(wire_numbers(got))
        if t[0] == 'i':
            numbers = [(n >> 1) ^ -(n & 1) for n in numbers]
        expect(f'numbers of {t} for people', numbers == list(struct.unpack('<6' + code, data)), numbers)
    events = [m['fields'] for m in x.messages['/cadmus/events']]
    notes = [(e[107], e[108], e[109].decode()) for e in events if e[104] == b'noted']
    expect('events are there', notes == [(7, 2 ** 63 + 5, 'begin \u00e9'), (8, 9, 'end')], notes)
    rc, _, err = m.run('plan', m.path, '--output', m.work + '/plan')
    with open(m.work + '/plan', 'rb') as f:
        expect('the plan is in it', rc == 0 and x.attachments['plan'] == f.read(), err)
    c = next(c for c in x.channels.values() if c['topic'] == 'level')['metadata']
    expect('fields are described', (c['dtype'], c['shape'], c['unit'], c['kind'], c['entity'], c['max_age_ns']) ==
           ('f32', '', 'V', 'samples', 'camera', '60000000000'), c)
    info = m.json('record', '--info', r.path)
    expect('--info shows it', info['result'] == 'COMPLETE' and info['messages'] == x.info['messages'] and
           {c['topic'] for c in info['channels']} == set(x.messages), info)


def damaged_summary(m, path):
    """All messages are there, and what says where they are is not what it was: that is told, whichever way the file is read."""
    with open(path, 'rb') as f:
        whole = f.read()
    start, = struct.unpack_from('<Q', whole, len(whole) - 28)
    footer, copy = len(whole) - 37, m.work + '/damaged.mcap'
    want = m.json('record', '--info', path)
    expect('a whole summary', (want.get('summary'), want['scanned'], want['result']) == ('whole', False, 'COMPLETE'), want)
    rc, out, err = m.run('record', '--info', path, '--scan')
    expect('gone through: it is whole', rc == 0 and 'all of it was gone through, and is whole' in out and 'COMPLETE' in out, out + err)
    rc, out, err = m.run('record', '--info', path)
    expect('nothing is gone through, and nothing said of it', rc == 0 and 'gone through' not in out and 'summary' not in out, out + err)
    for name, at, put, said in (
            ('a byte of it', start + 20, bytes([whole[start + 20] ^ 1]), start), ('its sum', len(whole) - 12, b'\1\2\3\4', start),
            ('where it begins', len(whole) - 28, struct.pack('<Q', start + 1), footer), ('the footer', footer, b'\0', footer),
            ('a length, without a sum', start + 1, b'\xff' * 8 + whole[start + 9:-12] + bytes(4), start)):
        with open(copy, 'wb') as f:
            f.write(whole[:at] + put + whole[at + len(put):])
        for how in ([], ['--scan']):
            rc, out, err = m.run('record', '--info', copy, *how)
            expect(f'summary damaged, {name} {how}: it is said where, and is no success', rc == 1 and f'byte {said}' in out and
                   'summary' in out and (how or 'gone through' in out) and 'whole' not in out and 'INCOMPLETE' in out and
                   f'its summary, at byte {said}' in err, (rc, out, err))
            rc, out, err = m.run('record', '--info', copy, *how, '--json')
            got = json.loads(out)
            expect(f'summary damaged, {name} {how}: in JSON', rc == 1 and (got.get('summary'), got.get('summary_at'), got['scanned'], got['result']) ==
                   ('damaged', said, True, 'INCOMPLETE') and 'damaged' in json.loads(err)['error']['text'], (rc, out, err))
            expect(f'summary damaged, {name} {how}: all that was recorded is shown', got['messages'] == want['messages'] and
                   got['channels'] == want['channels'] and not got['cut'] and not got['damaged'] and not got['bad_sum'], got)


def wire_numbers(packed):
    value = shift = 0
    for b in packed:
        value |= (b & 127) << shift
        shift += 7
        if b < 128:
            yield value
            value = shift = 0


def named(m, client, handles, rng):
    r = Recorder(m, 'named', 'of_u*', 'level', '--no-events', '--compression', 'none', '--chunk-kb', '1').begun()
    publish(handles, client, 20, rng)
    expect('named fields alone', r.end(signal.SIGTERM) == 0, r.out + r.err)
    x = Recording(r.path)
    expect('are in the file', set(x.messages) == {'level', 'of_u8', 'of_u16', 'of_u32', 'of_u64'}, x.messages.keys())
    expect('in small chunks', x.info['chunks'] > 5, x.info)
    for args, code, words in ((['--output', r.path], 1, 'is there already'), (['lefel', '--output', m.work + '/n'], 1, "did you mean 'level'"),
                              ([], 2, '--output FILE'), (['--output', '/no/such/folder/x'], 1, 'No such file'),
                              (['--info', m.path], 1, 'not an MCAP file'), (['--info', '/no/such'], 1, 'No such file'),
                              (['--output', 'x', '--compression', 'lz4'], 2, 'zstd or none'), (['--scan', '--output', 'x'], 2, '--info')):
        rc, out, err = m.run('record', *args)
        expect(f'record {args} is refused', rc == code and words in err, out + err)


def stopped(m, client, handles, rng):
    """A recorder that stands still disturbs nobody, and says what it missed."""
    r = Recorder(m, 'stopped', 'level', 'of_f64', 'view', '--json').begun()
    first = publish(handles, client, 1, rng)
    r.p.send_signal(signal.SIGSTOP)
    until('it stands', lambda: open(f'/proc/{r.p.pid}/stat', encoding='utf-8').read().split(')')[1].split()[0] == 'T')
    seen = publish(handles, client, 200, rng)
    drops = {f['field']: f['dropped'] for f in m.json('top', '--once')['fields']}
    expect('nobody dropped anything for it', drops['level'] == drops['view'] == 0, drops)
    r.p.send_signal(signal.SIGCONT)
    last = first['level'][0][0]['version'] + 200
    rc = r.end()
    said = json.loads(r.out)
    expect('it says INCOMPLETE', rc == 1 and said['result'] == 'INCOMPLETE' and 'missed' in said['why'], r.out + r.err)
    x = Recording(r.path)
    expect('and so does the file', x.result['result'] == 'INCOMPLETE' and 'missed' in x.result['why'], x.result)
    for f in ('level', 'of_f64', 'view'):
        got = list(x.samples(f))
        missed, since = sum(k['missed'] for k, _ in got), first[f][0][0]['version'] - 1
        said_of = next(s for s in said['fields'] if s['field'] == f)
        expect(f'what was missed of {f} is counted to the sample', said_of['missed'] == missed == int(x.result[f + ':missed']) > 0 and
               sum(k['version'] > since for k, _ in got) + missed == 201 and got[-1][0]['version'] == last,
               (said_of, missed, len(got)))
        by_version = {k['version']: (k, d) for k, d in first[f] + seen[f]}
        expect(f'and the others of {f} are right', all(d == by_version[k['version']][1] for k, d in got if k['version'] in by_version))


def killed(m, client, handles, rng):
    r = Recorder(m, 'killed').begun()
    seen = publish(handles, client, 5, rng)
    size = os.path.getsize(r.path)
    until('a second has gone by, and it is in the file', lambda: os.path.getsize(r.path) > size)
    until('all of it', lambda: len(Recording(r.path).messages['of_f32']) >= 5)
    r.end(signal.SIGKILL)
    x = Recording(r.path)
    expect('a recorder that is killed leaves what it had', x.info['cut'] and x.info['scanned'] and not x.result, x.info)
    for f in ('level', 'view'):
        got = {k['version']: d for k, d in x.samples(f)}
        expect(f'{f}, for one', all(got.get(k['version']) == d for k, d in seen[f]), got.keys())
    rc, out, err = m.run('record', '--info', r.path)
    expect('and --info says so', rc == 1 and 'UNFINISHED' in out and 'cut' in out and 'is cut' in err, out + err)
    expect('and why it took longer', 'it has no summary: all of it was gone through' in out, out)
    info = json.loads(m.run('record', '--info', r.path, '--json')[1])
    expect('in JSON, too', (info.get('summary'), info['scanned']) == ('none', True), info)


def full(m, client, handles, rng):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (400000, 400000))
    r = Recorder(m, 'full', '--compression', 'none', '--chunk-kb', '64', '--json', limit=limit).begun()
    until('it gives up', lambda: publish(handles, client, 5, rng) and r.p.poll() is not None)
    rc = r.end(None)
    said = json.loads(r.out)
    expect('a file that may not grow ends it', rc == 1 and said['result'] == 'INCOMPLETE' and said['end'] == 'it failed' and
           'may not become larger' in r.err, r.out + r.err)
    x = Recording(r.path)
    expect('what is in it can be read', x.info['messages'] > 50 and x.info['damaged'] == 0, x.info)
    counted = {f['field']: f['samples'] for f in said['fields']}
    expect('and is what it said', all(len(x.messages[f]) == n for f, n in counted.items()), counted)


def lives(m, camera, client, handles, rng):
    """Writers that come again, a daemon that is followed by another, and the end of the machine."""
    r = Recorder(m, 'lives', 'level', 'of_i16', '--json').begun()
    one = publish(handles, client, 3, rng)
    until('it has taken that', lambda: len(Recording(r.path).messages['of_i16']) >= 3)
    for h in (*handles[0].values(), *handles[1].values()):
        h.close()
    camera.close()
    camera = cadmus.attach('small', as_='camera', wait=20)
    handles = open_all(camera, client)
    two = publish(handles, client, 3, rng)
    m.kill_daemon()
    three = publish(handles, client, 3, rng)
    until('it has taken that, too', lambda: len(Recording(r.path).messages['of_i16']) >= 9)
    for h in (*handles[0].values(), *handles[1].values()):
        h.close()
    camera.close()
    rc, out, err = m.run('down')
    expect('the machine goes down', rc == 0, out + err)
    rc = r.end(None)
    said = json.loads(r.out)
    expect('and so does the recorder', rc == 0 and said['end'] == 'the machine ended' and said['result'] == 'COMPLETE', r.out + r.err)
    x = Recording(r.path)
    for f in ('level', 'of_i16'):
        want = one[f] + two[f] + three[f]
        got = [(k, d) for k, d in x.samples(f)][-9:]
        expect(f'{f}: all lives are there', [(k['epoch'], k['version'], d) for k, d in got] ==
               [(k['epoch'], k['version'], d) for k, d in want], (got, want))


def main():
    rng = random.Random(int(os.environ.get('CADMUS_SEED', '1')))
    m = Machine(sys.argv[1], lambda _: DESCRIPTION)
    try:
        m.start()
        os.environ.update({k: m.env[k] for k in ('CADMUS_RUN_DIR', 'CADMUS_STATE_DIR')})
        camera, client = cadmus.attach('small', as_='camera', wait=20), cadmus.attach('small')
        handles = open_all(camera, client)
        byte_for_byte(m, camera, client, handles, rng)
        damaged_summary(m, m.work + '/all.mcap')
        named(m, client, handles, rng)
        stopped(m, client, handles, rng)
        killed(m, client, handles, rng)
        full(m, client, handles, rng)
        lives(m, camera, client, handles, rng)
        client.close()
    finally:
        m.stop()
    return verdict()


if __name__ == '__main__':
    sys.exit(main())

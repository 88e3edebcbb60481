#!/usr/bin/env python3
"""A machine with programs for its sensors is recorded; its rules are run again on that, and it is played as its sources.

usage: replay_test.py CADMUS LIBCADMUS
"""
import filecmp
import json
import os
import signal
import subprocess
import sys
import time
from array import array

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from library import begin  # noqa: E402

begin(sys.argv[2])
from machine import Machine, expect, until, verdict  # noqa: E402
import cadmus  # noqa: E402

DESCRIPTION = '''machine: small
version: 1.0
clients: 16
entities:
  people:
    - {id: operator, trust_vector: [0.99, 0.99, 0.99], trust_strength: 50}
  models:
    - id: finder
      consciousness_type: visual
      trust_vector: [0.7, 0.8, 0.9]
      backend: external
      reads: [camera]
      writes:
        - {field: faces, dtype: f32, shape: [8], history: 256}
  sensors:
    - id: camera
      consciousness_type: visual
      trust_vector: [0.9, 0.9, 0.9]
      driver: external
      frame: {width: 32, height: 24, leases: 4}
      writes:
        - {field: level, dtype: f32, unit: V, history: 256}
        - {field: left, dtype: f64, group: pair, history: 256}
        - {field: right, dtype: f64, shape: [3], group: pair, history: 256}
    - id: unheard
      consciousness_type: spatial
      trust_vector: [0.9, 0.9, 0.9]
      driver: external
      writes:
        - {field: silence, dtype: f32}
coherence_rules:
  - {source: [level], target: spatial, operation: max, half_life_ms: 300}
  - {source: [faces], target: visual, operation: max, half_life_ms: 500}
  - {source: [visual], target: temporal, operation: max, half_life_ms: 200}
  - {source: [left, right], target: auditory, operation: weighted_mean, half_life_ms: 200, max_skew_ms: 50}
  - {source: [silence], target: kinesthetic, operation: max, half_life_ms: 200}
settings:
  - {id: gain, unit: dB, min: 0, max: 1}
'''
RULED = ('spatial', 'visual', 'temporal')  # of one source each
SAMPLES = 150
STROLL = 13  # samples, at least a tenth of a second from each other
PLAYED = {'level', 'left', 'right', 'camera.frame', 'faces', 'silence'}  # of sensors, and of models that are programs
PARTS = {  # recordings of some fields alone
    'no_faces': ('spatial', 'visual', 'temporal', 'level'),
    'no_sources': ('spatial', 'visual', 'temporal'),
    'no_right': ('auditory', 'left', 'spatial', 'level'),
    'no_targets': ('level', 'faces'),
    'nothing': ('camera.frame',),
    'mute': ('kinesthetic',),
}
MIDDLES = (31, 60, 89)  # where a second, third and fourth recording begin


def is_recorded(m, rounds):
    """All that was made of so many rounds has been taken by all recorders, the only clients that read it."""
    fields = {f['field']: f for f in m.json('stat', '--machine', 'small')['fields']}
    return all(fields[f]['published'] == n * rounds and any(r['copied'] == n * rounds for r in fields[f]['readers']) and
               not any(r['behind'] for r in fields[f]['readers'] if r['open']) for f, n in (('spatial', 1), ('visual', 1), ('temporal', 1), ('auditory', 2)))


def play(m, meanwhile):
    """The camera and the finder: three samples of everything, and when those are recorded, the next; meanwhile(i) before each.
    Seconds that passed between the first sample and the last one, at least."""
    with cadmus.attach('small', as_='camera') as camera, cadmus.attach('small', as_='finder') as finder:
        level, pair, frame = camera.writer('level'), camera.group('left'), camera.writer('camera.frame')
        faces, seen = finder.writer('faces'), finder.reader('camera.frame')
        faces.derive(seen)
        for i in range(SAMPLES):
            meanwhile(i)
            last = time.monotonic()
            level.write(i * 37 % 100 / 100, trust=1.0 if i % 3 else 0.5)
            first = time.monotonic() if i == 0 else first
            pair.write({'left': i / SAMPLES, 'right': array('d', [0.1, i % 7 / 10, 0.2])})
            frame.write(bytes([i % 256]) * (32 * 24 * 3))
            seen.read()
            faces.write(array('f', [0.0, (i % 11) / 11] + [0] * 6), degraded=i % 13 == 0)
            if i == SAMPLES // 2:
                expect('it is set meanwhile', m.run('set', 'gain', '0.5', '--machine', 'small')[0] == 0)
            if i % 3 == 2:
                until('what was said is recorded', lambda: is_recorded(m, i + 1))  # pylint: disable=cell-var-from-loop
    return last - first


def readers(m, field):
    return sum(r['open'] for f in m.json('stat', '--machine', 'small')['fields'] if f['field'] == field for r in f['readers'])


def begin_to_record(m, path, *fields):
    field = fields[0] if fields else 'spatial'
    before = readers(m, field)
    recorder = subprocess.Popen([m.cadmus, 'record', *fields, '--output', path, '--json', '--machine', 'small'], env=m.env,
                                stdout=subprocess.PIPE)
    until('the recorder has begun', lambda: os.path.exists(path) and os.path.getsize(path) > 1000 and readers(m, field) > before)
    return recorder


def record(m, path):
    """All of it into `path`, parts of it and what begins somewhere in the middle beside it; the results, that of all of it first, and how
    long it was played."""
    recorders = [begin_to_record(m, path)] + [begin_to_record(m, part(m, name), *fields) for name, fields in PARTS.items()]
    seconds = play(m, lambda i: recorders.append(begin_to_record(m, middle(m, i))) if i in MIDDLES else None)
    expect('the machine goes down', m.run('down')[0] == 0)  # with which the recordings end
    return [json.loads(r.communicate(timeout=30)[0]) for r in recorders], seconds


def stroll(m, path):
    """Another life of the machine, in which time goes by from one level to the next; how long it was played, at least."""
    m.start()
    recorder = begin_to_record(m, path)
    with cadmus.attach('small', as_='camera') as camera:
        level, first = camera.writer('level'), None
        for i in range(STROLL):
            until('time goes by', lambda: first is None or time.monotonic() >= first + i / 10, pause=0.005)  # pylint: disable=cell-var-from-loop
            last = time.monotonic()
            level.write(i / STROLL)
            first = first or time.monotonic()
    expect('the machine goes down again', m.run('down')[0] == 0)
    result = json.loads(recorder.communicate(timeout=30)[0])
    expect('a stroll was recorded', result['result'] == 'COMPLETE', result)
    rc, got, err = lines(m, path)
    expect('a stroll, of levels that fade meanwhile: it is made again, to the byte', rc == 0 and got[-1]['result'] == 'IDENTICAL' and
           got[-1]['made'] == STROLL, (got[-1:], err))
    return last - first


def middle(m, i):
    return f'{m.work}/from{i}.mcap'


def part(m, name):
    return f'{m.work}/{name}.mcap'


def lines(m, *args):
    rc, out, err = m.run('replay', *args, '--json')
    return rc, [json.loads(line) for line in out.splitlines()], err


def offline(m, path):
    rc, got, err = lines(m, path)
    end = got[-1]
    targets = {t['field']: t for t in end['targets']}
    for name in RULED:
        t = targets[name]
        expect(f'{name}: every sample is made again, to the byte',
               t['made'] == t['identical'] >= SAMPLES and not t['different'] + t['missing'] + t['additional'], t)
    both = targets['auditory']
    expect('a rule of two sources of one commit: every sample, too', both['identical'] == both['made'] >= 2 * SAMPLES, both)
    expect('it is the same, and nothing of it in doubt', rc == 0 and end['result'] == 'IDENTICAL' and end['doubt'] is None, (end, err))
    expect('each sample is a line', len(got) - 1 == sum(t['made'] for t in targets.values()), len(got))
    expect('the same again', lines(m, path)[1] == got)
    expect('what is told as it was is named, and what is not done again', sorted(end['told']) == ['faces', 'left', 'level', 'right', 'silence'] and
           {'turns', 'settings'} <= set(end['not_run']), end)
    rc, out, err = m.run('replay', path)
    expect('for people: what is done again', 'run again, by rules: spatial, visual, temporal, auditory, kinesthetic' in err and
           'told as recorded, to those: ' in err and 'not done again' in err and 'turns, settings' in err, err)
    expect('for people: with the hash of all of it', rc == 0 and 'IDENTICAL' in out and end['hash'] in out, out + err)
    return end


def outputs(m, path, end):
    """The re-run as a recording: the same file twice, and itself one that can be run again."""
    one, two = m.work + '/one.mcap', m.work + '/two.mcap'
    for name in (one, two):
        rc, out, err = m.run('replay', path, '--output', name)
        expect('it is written as a recording', rc == 0 and os.path.getsize(name) > 0, out + err)
    expect('the same file, byte by byte', filecmp.cmp(one, two, shallow=False))
    rc, got, err = lines(m, one)
    expect('which gives the same once more', rc == 0 and got[-1]['hash'] == end['hash'] and got[-1]['result'] == 'IDENTICAL', (got[-1:], err))
    info = m.json('record', '--info', one)
    expect('and says that it is complete', info['result'] == 'COMPLETE', info)
    rc, out, err = m.run('replay', path, '--output', one)
    expect('a file that is there stays', rc == 1 and 'is there already' in err, err)


def stretches(m, path):
    info = m.json('record', '--info', path)
    seconds = (info['end_ns'] - info['start_ns']) / 1e9
    whole = [g for g in lines(m, path)[1][:-1] if g['field'] == 'visual']
    for begin_at, end_at in ((1 / 3, 2 / 3), (0.1, 0.5), (0.45, 0.6), (0.8, 1)):
        rc, got, err = lines(m, path, '--from', str(begin_at * seconds), '--until', str(end_at * seconds))
        end = got[-1]
        visual = [g for g in got[:-1] if g['field'] == 'visual']
        name = f'{begin_at:.2f} to {end_at:.2f} of it'
        expect(f'{name}: what is made of a stretch is what was recorded, to the byte', rc == 0 and end['result'] == 'IDENTICAL' and
               all(g['verdict'] == 'identical' for g in got[:-1]), [g for g in got if g.get('verdict') != 'identical'][:3])
        expect(f'{name}: and what was made of the whole', visual and visual == whole[whole.index(visual[0]):][:len(visual)] and
               len(visual) < SAMPLES, visual[:2])
    rc, out, err = m.run('replay', path, '--from', '1000')
    expect('one behind its end is none', rc == 1 and 'over before --from' in err, err)
    for words in (['--until', '0.5', '--from', '0.6'], ['--from', 'x'], ['--speed', '2'], ['--live', '--speed', '0'],
                  ['--live', '--output', 'x'], ['--live', '--speed', '2', '--step'], []):
        rc, out, err = m.run('replay', *([path] + words if words else []))
        expect(f'wrong usage: {words}', rc == 2, (rc, err))


def begun_in_the_middle(m):
    """No level has decayed by then: what was said is all that a rule keeps.  (A recorder may begin some samples after its file.)"""
    for i in MIDDLES:
        rc, got, err = lines(m, middle(m, i))
        expect(f'begun at {i}: it is made again, to the byte', rc == 0 and got[-1]['result'] == 'IDENTICAL', (got[-1:], err))
        for t in (t for t in got[-1]['targets'] if t['field'] != 'kinesthetic'):  # of what says nothing
            expect(f"begun at {i}: {t['field']}, from almost its first sample on", 1 <= t['given'] <= 16 and
                   t['identical'] == t['made'] >= SAMPLES - i - 16 and not t['different'] + t['missing'] + t['additional'], t)


def steps(m, path):
    done = subprocess.run([m.cadmus, 'replay', path, '--step'], env=m.env, input=b'\n' * 29 + b'q\n', capture_output=True, timeout=60)
    out = done.stdout.decode()
    expect('step by step: what went in, and what came out', out.count(' s  ') >= 3 and '-> ' in out and ': identical' in out, out)
    expect('until nobody wants more', 'samples made of 30,' in out and 'LEFT before its end: ' in out and done.returncode == 1, out)
    done = subprocess.run([m.cadmus, 'replay', path, '--step', '--json'], env=m.env, input=b'\n' * 29 + b'q\n', capture_output=True, timeout=60)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    took = [x for x in lines if 'took' in x]
    expect('as JSON a line for each, and the result at the end', len(took) == 30 and all(x['version'] > 0 and x['source_ns'] > 0 and 'value' in x
           for x in took) and lines[-1]['left'] and lines[-1]['taken'] == 30 and done.returncode == 1, (done.returncode, lines[-1:], done.stderr))


def lacking(name, m, path, result, *args, why, of=RULED, words=()):
    """A replay in which some targets cannot be run again as they were: {(target, what it needs, why)} is `why`."""
    rc, got, err = lines(m, path, *args)
    end = got[-1]
    targets = {t['field']: t for t in end['targets']}
    said = {(n['field'], n['needs'], n['why']) for n in end.get('not_as_they_were', [])}
    expect(f'{name}: {result}', rc == 1 and end['result'] == result, (rc, end, err))
    expect(f'{name}: which targets, and why', said == set(why), said)
    error = json.loads(err)['error'] if err else {}
    expect(f'{name}: the error says it, and what to do', any(n[0] in error['text'] for n in why) and error['hint'], error)
    expect(f'{name}: what could be is as it was', all(targets[t]['identical'] == targets[t]['made'] == SAMPLES for t in of), targets)
    rc, out, err = m.run('replay', path, *args)
    expect(f'{name}: for people, too', rc == 1 and f'{result}: ' in out and
           all(f'{field}: not run again as it was: {needs or ""}' in out for field, needs, _ in why) and
           all(w in out + err for w in words), out + err)
    return targets


def sources_not_recorded(m, path):
    """What is not in the recording, none of which may pass for what was run again."""
    faces = [('visual', 'faces', 'unrecorded'), ('temporal', 'faces', 'unrecorded')]
    targets = lacking('without faces', m, part(m, 'no_faces'), 'PARTIAL', why=faces, of=['spatial'],
                      words=['which its rules read, is not in the recording', 'record it, too'])
    expect('without faces: no sample of those is one to go on from', all(targets[t]['given'] == 0 and targets[t]['uncompared'] == SAMPLES
           for t in ('visual', 'temporal')), targets)
    lacking('without any source', m, part(m, 'no_sources'), 'UNCOMPARED', why=[*faces, ('spatial', 'level', 'unrecorded')], of=[])
    lacking('without one of two', m, part(m, 'no_right'), 'DIFFERENT', why=[('auditory', 'right', 'unrecorded')], of=['spatial'])
    for name, made in (('no_targets', 3 * SAMPLES), ('nothing', 0), ('mute', 0)):
        rc, got, err = lines(m, part(m, name))
        expect(f'{name}: nothing is compared, which is not as recorded', rc == 1 and got[-1]['result'] == 'UNCOMPARED' and
               got[-1]['made'] == made and got[-1].get('not_as_they_were') == [] and 'nothing was compared' in err and 'cadmus record' in err,
               (rc, got[-1:], err))
    rc, _, err = m.run('replay', part(m, 'no_targets'), '--cdl', write(m, 'same', DESCRIPTION))
    expect('what a description makes of sources alone: it is done', rc == 0, err)
    for name in ('nothing', 'mute'):
        rc, _, err = m.run('replay', part(m, name), '--cdl', write(m, 'same', DESCRIPTION))
        expect(f'but not of {name}', rc == 1 and 'nothing was compared' in err, err)
    rc, got, err = lines(m, path)
    expect('of all of it nothing is not as it was', rc == 0 and got[-1].get('not_as_they_were') == [], (got[-1:], err))


def write(m, name, text):
    path = f'{m.work}/{name}.cdl.yaml'
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    return path


def other_descriptions(m, path):
    """A source under another name or in another form, and a rule that is not there any more."""
    def change(name, *pairs):
        text = DESCRIPTION
        for before, after in pairs:
            expect(f'{name}: it is changed', before in text)
            text = text.replace(before, after)
        return write(m, name, text)
    visual = ('visual', 'temporal')
    renamed = change('renamed', ('field: faces', 'field: people_seen'), ('source: [faces]', 'source: [people_seen]'))
    lacking('renamed', m, path, 'PARTIAL', '--cdl', renamed, why=[(t, 'people_seen', 'unknown') for t in visual], of=['spatial'],
            words=['no field of the machine that was recorded', renamed])
    dtype = change('dtype', ('{field: level, dtype: f32, unit: V,', '{field: level, dtype: u8,'))
    lacking('another dtype', m, path, 'PARTIAL', '--cdl', dtype, why=[('spatial', 'level', 'form')], of=visual,
            words=['was recorded as f32, and is u8 now', dtype])
    shape = change('shape', ('dtype: f32, shape: [8]', 'dtype: f32, shape: [4, 6]'))
    lacking('another shape', m, path, 'PARTIAL', '--cdl', shape, why=[(t, 'faces', 'form') for t in visual], of=['spatial'],
            words=['was recorded as f32 [8], and is f32 [4,6] now'])
    ruled = change('ruled', ('  - {source: [faces], target: visual, operation: max, half_life_ms: 500}\n', ''),
                   ('  - {source: [visual], target: temporal, operation: max, half_life_ms: 200}\n', ''))
    lacking('a rule less', m, path, 'PARTIAL', '--cdl', ruled, why=[(t, None, 'unmade') for t in visual], of=['spatial'],
            words=['no rule makes it now'])


def edited(m, path):
    """Another half-life, and a field more: that is done.  One of another form besides: not all of it."""
    text = DESCRIPTION.replace('target: visual, operation: max, half_life_ms: 500', 'target: visual, operation: max, half_life_ms: 5')
    text = text.replace('{field: faces, dtype: f32, shape: [8], history: 256}', '{field: faces, dtype: f32, shape: [8], history: 256}\n        - {field: more, dtype: u8}')
    rc, got, err = lines(m, path, '--cdl', write(m, 'half_life', text))
    end = got[-1]
    targets = {t['field']: t for t in end['targets']}
    expect('an edited description: it is done', rc == 0 and end['result'] == 'DIFFERENT' and not end.get('not_as_they_were'), (rc, err))
    expect('what it makes is something else', targets['visual']['different'] > SAMPLES / 2, targets['visual'])
    expect('and what hangs on that', targets['temporal']['different'] > SAMPLES / 2, targets['temporal'])
    expect('what does not is the same', targets['auditory']['different'] == targets['spatial']['different'] == 0, targets)
    text = text.replace('{field: level, dtype: f32, unit: V, history: 256}', '{field: level, dtype: f64, unit: V, history: 256}')
    other = write(m, 'edited', text)
    lacking('edited, and of another form', m, path, 'DIFFERENT', '--cdl', other, why=[('spatial', 'level', 'form')], of=[])
    end = lines(m, path, '--cdl', other)[1][-1]
    expect('what has no place any more is named', end['unplaced'] == ['level'] and end['unrecorded'] == ['level'], end)
    rc, out, err = m.run('replay', path, '--cdl', other)
    expect('for people, too', 'sources of rules that are not in the recording: level' in err and 'first difference' in out, out + err)
    return other


def live(m, path, lasted):
    """As the sources of a machine, four times as fast."""
    with open(m.work + '/state/small.journal', 'rb') as f:
        before = f.read()
    began = time.monotonic()
    player = subprocess.Popen([m.cadmus, 'replay', path, '--live', '--speed', '4', '--loop', '--json'], env=m.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until('it is live, and sees', lambda: m.run('get', 'visual', '--machine', 'small_replay', '--json')[0] == 0)
    again = m.work + '/again.mcap'
    rc, out, err = m.run('record', 'faces', 'visual', '--output', again, '--seconds', '2', '--machine', 'small_replay')
    expect('it can be recorded as any other', rc in (0, 1) and 'samples of 2 fields' in out, out + err)  # a few may be missed
    player.send_signal(signal.SIGINT)
    out, err = player.communicate(timeout=60)
    done = json.loads(out)
    expect('played until asked to end, completely', player.returncode == 0 and done['result'] == 'COMPLETE' and
           done['end'] == 'asked to end', (done, err))
    expect('nothing was lost', done['unpublished'] == 0 and done['published'] > 0, done)
    seconds = time.monotonic() - began
    played = next(f['published'] for f in done['fields'] if f['field'] == 'level')
    expect('faster than it was', played / seconds > 1.2 * SAMPLES / lasted, (played, seconds, lasted))
    if rc == 0:
        rc, got, err = lines(m, again)
        expect('and what it made of it then is made again, to the byte', rc == 0 and got[-1]['result'] == 'IDENTICAL', (got[-1:], err))
    rc, out, err = m.run('ps', '--machine', 'small_replay')
    expect('it is down', rc == 1, out)
    expect('who was not played is said', {'turns', 'settings'} <= set(done['not_run']), done)
    with open(m.work + '/state/small.journal', 'rb') as f:
        expect('the journal of the machine itself was not touched', f.read() == before)
    expect('it had one of its own', os.path.exists(m.work + '/state/small_replay.journal'))


def live_as_it_was(m, path, seconds, *how):
    """At real time: with the recorded distances, so not sooner than it was played; how much later is this computer's."""
    info = m.json('record', '--info', path)
    began = time.monotonic()
    rc, out, err = m.run('replay', path, '--live', *how, '--json')
    took = time.monotonic() - began
    done = json.loads(out)
    recorded = {c['topic']: c['messages'] for c in info['channels']}
    expect(f'live, {how}: to its end, completely', rc == 0 and done['result'] == 'COMPLETE' and done['end'] == 'played' and
           not done['stays'], (done, err))
    expect(f'live, {how}: every sample, and nothing was lost', done['unpublished'] == 0 and
           {f['field'] for f in done['fields']} == PLAYED and all(f['published'] == recorded[f['field']] and not f['unpublished']
           for f in done['fields']) and done['published'] == sum(recorded[f] for f in PLAYED) > 0, (done, recorded))
    expect(f'live, {how}: it lasts as long as it did', seconds <= done['seconds'] <= took, (seconds, done['seconds'], took))
    expect(f'live, {how}: and then it is down', m.run('ps', '--machine', 'small_replay')[0] == 1)


def live_steps(m, path):
    """One commit with each Enter."""
    done = subprocess.run([m.cadmus, 'replay', path, '--live', '--step', '--json'], env=m.env, input=b'\n' * 8 + b'q\n', capture_output=True,
                          timeout=60)
    got = json.loads(done.stdout)
    expect('live, step by step, until nobody wants more', 8 <= got['published'] <= 16 and got['end'] == 'left', (got, done.stderr))
    info = m.json('record', '--info', path)
    half = str((info['end_ns'] - info['start_ns']) / 2e9)
    every = sum(c['messages'] for c in info['channels'] if c['topic'] in [x['field'] for x in got['fields']])
    expect('which is not all of it', done.returncode == 1 and got['result'] == 'INCOMPLETE' and got['of'] == every, (got, every))
    for stretch, least in (([], every), (['--until', half], 1)):
        done = subprocess.run([m.cadmus, 'replay', path, '--live', '--step', *stretch], env=m.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60)
        said = done.stdout.decode()
        of = int(said.split(' of ')[1].split()[0]) if ' of ' in said else 0
        expect(f'nobody there at all {stretch}: nothing is played, and said so', done.returncode == 1 and
               said.startswith('INCOMPLETE, it was left before its end: 0 of ') and least <= of <= every and
               (not stretch or of < every), (said, done.stderr))


def live_once(m, path, other):
    """Once through, under the edited description, and it stays."""
    rc, out, err = m.run('replay', path, '--live', '--speed', '20', '--cdl', other, '--stay', '--json')
    done = json.loads(out)
    fields = {f['field']: f['published'] for f in done['fields']}
    expect('played to its end, under another description', rc == 0 and done['result'] == 'COMPLETE' and done['stays'], (done, err))
    expect('all that has a place there, and nothing else', 'level' not in fields and fields['left'] == fields['right'] == SAMPLES and
           fields['faces'] == SAMPLES, fields)
    def made():
        rc, out, _ = m.run('get', 'visual', '--machine', 'small_replay', '--json')
        return rc == 0 and json.loads(out)['version'] == SAMPLES
    until('the machine stayed, and made something of each sample', made)
    rc, out, err = m.run('replay', path, '--live')
    expect('a second one of it is refused', rc == 1, out + err)
    expect('and goes down', m.run('down', '--machine', 'small_replay')[0] == 0)


def nothing(m):
    for name, content in (('none.mcap', None), ('text.mcap', b'no MCAP at all')):
        path = f'{m.work}/{name}'
        if content:
            with open(path, 'wb') as f:
                f.write(content)
        for how in ([], ['--live']):
            rc, out, err = m.run('replay', path, *how, '--json')
            expect(f'{name} {how} is refused', rc == 1 and 'error' in json.loads(err), err)


def damaged(m, path):
    """Of a file whose summary is damaged all samples are there; that something is wrong with it is said."""
    copy = m.work + '/damaged.mcap'
    with open(path, 'rb') as f, open(copy, 'wb') as to:
        whole = bytearray(f.read())
        whole[-12] ^= 1  # of the sum of the summary
        to.write(whole)
    rc, got, err = lines(m, copy)
    expect('its summary is damaged: it is told', rc == 0 and got[-1]['result'] == 'IDENTICAL' and 'damaged' in got[-1]['doubt'], (got[-1:], err))


def main():
    m = Machine(sys.argv[1], change=lambda _: DESCRIPTION)
    os.environ.update(CADMUS_RUN_DIR=m.env['CADMUS_RUN_DIR'])
    try:
        m.start()
        path = m.work + '/walk.mcap'
        results, seconds = record(m, path)
        result = results[0]
        expect('it was recorded', all(r['result'] == 'COMPLETE' for r in results), results)
        outputs(m, path, offline(m, path))
        stretches(m, path)
        begun_in_the_middle(m)
        steps(m, path)
        sources_not_recorded(m, path)
        other_descriptions(m, path)
        other = edited(m, path)
        live(m, path, result['seconds'])
        live_as_it_was(m, path, seconds, '--speed', '1')
        live_as_it_was(m, m.work + '/stroll.mcap', stroll(m, m.work + '/stroll.mcap'), '--real-time')
        live_steps(m, path)
        live_once(m, path, other)
        damaged(m, path)
        nothing(m)
    finally:
        m.run('down', '--machine', 'small_replay')
        m.stop()
    return verdict()


sys.exit(main())

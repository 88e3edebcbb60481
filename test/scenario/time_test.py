#!/usr/bin/env python3
"""The verbs of time: at, diff, why, log and state, of a journal whose moments are known, and of a machine, up and down.

usage: time_test.py CADMUS PAST_JOURNAL         folders of its own; exit 0 when all holds
"""
import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys

from machine import Control, Machine, expect, until, verdict

DAY = '2026-11-30'
WALK = '𐤌𐤟𐤖'
USAGE = [
    (['diff'], 'say from when: now, 10:05'),
    (['diff', 'noon'], "'noon' is no moment"),
    (['diff', 'now', 'noon'], "'noon' is no moment"),
    (['diff', 'now', 'now', 'now'], "'now' is one argument too many"),
    (['why'], 'say of which key'),
    (['why', ''], 'a key is not empty'),
    (['why', 'door', '--at', '24:00'], "--at: '24:00' is no time of a day"),
    (['log', '--kind', 'tern'], "there is no kind 'tern'; did you mean 'turn'?"),
    (['log', '--kind', 'turn,'], "there is no kind ''; there are: epoch, turn,"),
    (['log', '--since', 'x'], "--since: 'x' is no moment"),
    (['log', '--until', '2026-13-01'], "--until: '2026-13-01' is no day of the calendar"),
    (['log', '--since', 'now', '--all'], 'of --from, --since, --all and --verify only one'),
    (['log', '--follow', '--until', 'now'], '--follow has no end'),
    (['log', '--follow', '--verify'], '--verify looks at all records'),
    (['log', '--follow', '--all', '-n', '3'], 'with --follow, -n says how many'),
]


class Past:
    """A machine that never ran: its journal is made by a program, at moments that are known."""

    def __init__(self, m, maker):
        self.m, self.maker, self.name = m, os.path.abspath(maker), None
        self.plan = m.work + '/plan'
        assert m.run('plan', m.path, '--output', self.plan)[0] == 0
        os.makedirs(m.work + '/state', mode=0o700, exist_ok=True)

    def path(self, name):
        return f'{self.m.work}/state/{name}.journal'

    def make(self, name, *how):
        subprocess.run([self.maker, self.path(name), *(how if how and how[0] == 'set' else (self.plan, *how))], check=True)
        self.name = name

    def run(self, *args, tz='UTC0'):
        return self.m.run(*args, '--machine', self.name, env=dict(self.m.env, TZ=tz))

    def text(self, *args, tz='UTC0'):
        rc, out, err = self.run(*args, tz=tz)
        assert rc == 0 and err == '', (args, out + err)
        return out

    def json(self, *args):
        return json.loads(self.text(*args, '--json'))

    def said(self, args, words, code=1):
        rc, out, err = self.run(*args)
        expect(f'{args}: {words}', rc == code and words in err and out == '', (rc, out, err))
        rc, out, err = self.run(*args, '--json')
        expect('  and as JSON', rc == code and out == '' and set(json.loads(err)) == {'error'}, (rc, out, err))


def at(clock):
    return f'{DAY}T{clock}Z'


# ---- a journal of known moments ----

def usage(m):
    for args, words in USAGE:
        rc, out, err = m.run(*args)
        expect(f'{args}', rc == 2 and words in err and out == '', (rc, out, err))


def looking_back(p):
    a = p.json('at', at('09:02:30'))
    expect('of which record and time an answer is', (a['record'], a['time'], a['asked'], a['epoch']) ==
           (6, f'{DAY}T09:02:00.000000Z', f'{DAY}T09:02:30.000000Z', 1), a)
    door = a['beliefs'][0]
    expect('what was believed, and against whom', door['key'] == 'door' and door['value'] == 'locked' and
           door['source'] == 'operator' and door['against']['value'] == 'open' and door['against']['source'] == 'camera', door)
    expect('support is what sem/support.h says', abs(door['support'] - 0.9) < 1e-9 and
           abs(door['against']['support'] - 0.8 * 2 ** (-60 / 300)) < 1e-9, door)
    door = p.json('at', at('09:03:00'), 'fact', 'door')['belief']
    expect('a minute later it is another one', door['value'] == 'ajar' and door['against']['value'] == 'locked' and
           [c['source'] for c in door['claims']] == ['camera', 'operator'], door)
    expect('before anything was', p.json('at', at('08:59'))['record'] == 0 and p.json('at', '#0')['time'] is None)
    out = p.text('at', DAY, '10:02:30', 'fact', 'door', tz='CET-1CEST,M3.5.0,M10.5.0/3')
    expect('words of a moment need no quotes, and TZ is its zone', 'after record 6, of 2026-11-30 10:02:00.000 +01:00' in out and
           re.search(r'door += locked .*said by operator, through parrot', out) and 'otherwise: open' in out, out)
    out = p.text('at', '2026-10-25 02:30', tz='CET-1CEST,M3.5.0,M10.5.0/3')
    expect('a time that was twice is said to be', 'showed that time twice; the first is meant' in out, out)
    out = p.text('at', '2026-03-29 02:30', tz='CET-1CEST,M3.5.0,M10.5.0/3')
    expect('and one that never was', 'at 2026-03-29 03:00:00.000 +02:00' in out and 'never showed that time' in out, out)
    same = p.json('at', '#15'), p.json('at', at('09:07'))
    expect('a record and its time are one moment', same[0]['hash'] == same[1]['hash'] == p.json('state', '--at', '15')['hash'])
    expect('goals come and go', p.json('at', '#15', 'goal')['goals'][0]['text'] == 'find the door' and
           p.json('at', 'now', 'goal')['goals'] == [])
    expect('a goal by its name', p.json('at', '#15', 'goal', 'g1')['goals'][0]['weight'] == 0.5)
    p.said(['at', 'now', 'goal', 'g1'], "there was no open goal 'g1' then")
    p.said(['at', '#99'], 'there is no record 99; the last one is 25')
    p.said(['at', at('09:00'), 'fact', 'door'], "nothing was believed of 'door' then")
    p.said(['at', 'now', 'fact', 'dor'], "did you mean 'door'?")
    s = p.json('at', 'now', 'session', 's1')
    expect('a session, and what was said in it', [x['turns'] for x in s['sessions']] == [1, 4] and
           [t['seq'] for t in s['said']] == [6, 16, 18, 21, 22], s)
    expect('and of its words none moves the terminal', '\033' not in p.text('at', 'now', 'session', 's1'))


def fields(p):
    f = p.json('at', at('09:07'), 'field', 'legs.feedback')['sample']
    expect('a sample by the type that the plan of then gives it', f['value'][:2] == [1.5, 2.5] and f['plan_known'] and
           f['named']['joints_deg'][:2] == [1.5, 2.5] and f['version'] == 7 and f['seen'] == f'{DAY}T09:06:00.000000Z', f)
    f = p.json('at', at('09:07'), 'field', 'nobody.knows')['sample']
    expect('one that the plan does not know as bytes', f['hex'] == '0000c03f00002040' and len(f['hash']) == 64 and
           'value' not in f, f)
    f = p.json('at', at('09:07'), 'field', 'goal_bearing')
    expect('a setting', f['sample'] is None and f['setting']['value'] == '45' and f['setting']['principal'] == 'operator', f)
    expect('and later', 'goal_bearing = 90' in p.text('at', 'now', 'field', 'goal_bearing'))
    p.said(['at', at('09:05'), 'field', 'goal_bearing'], "of a field 'goal_bearing' nothing was written down by then")


def trust(p):
    t = p.json('at', at('09:17'), 'trust', 'camera')['trust'][0]
    expect('ten minutes are the half-life of a sensor', abs(t['p'] - 0.5) < 1e-9 and abs(t['n'] - 0.25) < 1e-9 and
           t['age_s'] == 600 and t['role'] == 'sensor' and t['dim'] == 'talent', t)
    t = p.json('at', at('09:07'), 'trust', 'camera')['trust'][0]
    expect('and none has passed then', t['p'] == 1.0 and t['n'] == 0.5, t)
    t = p.json('at', at('09:07'), 'trust', 'parrot')['trust'][0]
    expect('of those in the plan its word counts', 0.5 < t['expectation'] < 1, t)
    p.said(['at', at('09:06'), 'trust', 'camera'], "there was no evidence about 'camera' by then, and the plan does not name it")
    p.said(['at', 'now', 'trust', 'camra'], "did you mean 'camera'?")
    t = p.json('at', at('09:07'), 'trust', 'operator')
    word = t['prior']
    expect('without evidence the word of the plan counts, and is said to be that', t['trust'] == [] and word['strength'] == 50 and
           word['talent']['word'] == 0.99 and abs(word['temperament']['expectation'] - (50 * 0.99 + 1) / 52) < 1e-9, t)
    out = p.text('at', at('09:07'), 'trust', 'operator')
    expect('for people, too', "no evidence about operator by then: the plan's word alone, worth 50 observations" in out and
           'talent       0.990, expectation 0.971' in out, out)
    expect('evidence stands beside it', p.json('at', at('09:07'), 'trust', 'parrot')['prior']['strength'] > 0)
    p.said(['at', 'now', 'trust', 'operatr'], "did you mean 'operator'?")


def who_may_see(p):
    expect('the file is the operator\'s: all of it is shown', p.json('at', 'now', 'fact', 'name')['belief']['value'] == 'Ana')
    expect('ana sees what is hers', p.json('at', 'now', 'fact', 'name', '--as', 'ana')['belief']['value'] == 'Ana')
    p.said(['at', 'now', 'fact', 'name', '--as', 'parrot'], "nothing was believed of 'name' then")
    seen = p.json('at', 'now', '--as', 'parrot')
    expect('a model sees nothing of hers', 'name' not in [b['key'] for b in seen['beliefs']] and
           seen['sessions'] == [], seen)
    w = p.json('why', 'guest', '--as', 'parrot')
    expect('nor in what was made of it', w['claims'][0]['record']['from'] == [{'seq': 16, 'is': 'hidden',
           'time': f'{DAY}T09:08:00.000000Z', 'kind': 'turn'}], w)
    expect('nor what changed', 'name' not in p.text('diff', '#0', 'now', '--as', 'parrot').replace('named', ''))
    p.said(['why', 'name', '--as', 'parrot'], "nothing was ever said of 'name'")


    for verb in (['at', 'now'], ['why', 'name'], ['diff', '#0']):
        p.said(verb + ['--as', 'operatr'], "the plan of then names no 'operatr'; did you mean 'operator'?")


def differences(p):
    d = p.json('diff', at('09:02'), at('09:03'))
    door = d['changes']['beliefs'][0]
    expect('what is believed now, what was, and why', (door['old']['value'], door['new']['value'], door['why']) ==
           ('locked', 'ajar', 'camera says so: record 7') and d['records'] == {'fact': 1} and
           set(d['changes']) == {'beliefs', 'claims'}, d)
    expect('time goes forward', p.json('diff', at('09:03'), at('09:02'))['changes'] == d['changes'])
    d = p.json('diff', at('09:11'), at('09:12'))
    changes = d['changes']
    expect('what was taken back', changes['claims'] == [{'old': changes['claims'][0]['old'], 'new': None}] and
           changes['beliefs'][0]['new'] is None and
           changes['beliefs'][0]['why'] == 'operator does not say any more what it said in record 21', d)
    expect('settings, goals, sessions and counters', changes['settings'][0]['new']['value'] == '90' and
           changes['goals'][0]['old']['id'] == 'g1' and changes['sessions'][0]['new']['turns'] == 4 and
           [c['new'] for c in changes['counters']] == [{'name': 'turns', 'value': 5}], d)
    d = p.json('diff', '#0')
    expect('all kinds that came', d['records'] == {'epoch': 1, 'turn': 5, 'set': 2, 'evidence': 2, 'command': 1, 'outcome': 1,
           'fact': 5, 'goal': 2, 'plan': 2, 'sample': 2, 'gap': 2}, d['records'])
    expect('all parts', set(d['changes']) == {'beliefs', 'claims', 'settings', 'sessions', 'evidence', 'samples', 'gaps',
           'counters'}, list(d['changes']))
    keys = [c['new']['key'] for c in d['changes']['beliefs']]
    expect('in the order of their keys', keys == sorted(keys) and len(keys) == 5, keys)
    out = p.text('diff', at('09:05'), at('09:12'))
    expect('the same every time', out == p.text('diff', at('09:05'), at('09:12')))
    expect('in text, and no colour in a pipe', re.search(r'^\+ goal_bearing = 90  \(principal operator', out, re.M) and
           re.search(r'^15 records: 4 turn, 2 set', out, re.M) and '\033' not in out, out)
    expect('nothing', 'nothing changed' in p.text('diff', '#7', '#7'))
    coloured = on_terminal(p.m, ['diff', '#5', '#7', '--machine', p.name])
    expect('colours on a terminal', b'\033[32m+ door = ajar' in coloured, coloured)


def on_terminal(m, args):
    """What a verb writes there."""
    pid, fd = pty.fork()
    if pid == 0:
        env = {k: v for k, v in m.env.items() if k != 'NO_COLOR'}
        os.execve(m.cadmus, [m.cadmus, *args], {**env, 'TERM': 'xterm'})
    seen = b''
    while select.select([fd], [], [], 30)[0]:
        try:
            got = os.read(fd, 65536)
        except OSError:
            break
        if not got:
            break
        seen += got
    os.waitpid(pid, 0)
    os.close(fd)
    return seen


def reasons(p):
    w = p.json('why', 'door')
    ajar, locked = w['claims']
    expect('each claim with what it counts', w['belief']['value'] == 'ajar' and ajar['agrees'] and not locked['agrees'] and
           abs(locked['support'] - locked['trust'] * locked['confidence'] * locked['recency']) < 1e-9, w)
    expect('its record, through whom, and the words', locked['record']['seq'] == 6 and locked['via'] == 'parrot' and
           locked['record']['body']['user'] == 'the door is locked', locked)
    expect('and what its source said before', [(e['seq'], e['value']) for e in ajar['earlier']] == [(4, 'open')] and
           locked['earlier'] == [], ajar)
    w = p.json('why', 'street')['claims'][0]['record']
    house, again, never = w['from']
    expect('what it derives from, down to what was heard', [f['seq'] for f in house['from']] == [6, 7] and
           house['from'][0]['body']['speaker'] == 'operator', w)
    expect('each record once, and none that is not earlier', again == {'seq': 6, 'is': 'above'} and
           never == {'seq': 999999, 'is': 'not earlier'}, w)
    w = p.json('why', 'window')
    expect('what was taken back', w['belief'] is None and w['claims'] == [] and
           [(s['seq'], s['value']) for s in w['withdrawn'][0]['said']] == [(22, None), (21, 'open')], w)
    expect('it was there then', p.json('why', 'window', '--at', at('09:11'))['belief']['value'] == 'open')
    out = p.text('why', 'door')
    expect('in text', re.search(r'^"door" = "ajar" is believed, 0\.800, by 1 of 2\nagainst it: "locked", 0\.783\n\+ "ajar"  0\.800 = '
           r'trust 0\.800 x confidence 1\.000 x recency 1\.000\n', out, re.M) and 'before that it said "open" (record 4)' in out and
           'operator said: "the door is locked"' in out and '\033' not in out, out)
    p.said(['why', 'dor'], "nothing was ever said of 'dor'; did you mean 'door'?")
    c = p.json('why', 'command', '17')
    expect('a command: the turn, the gate, the end', c['turn']['body']['user'] == 'walk three steps' and
           c['command']['body']['verb'] == 'walk' and c['outcome']['body']['what'] == 'done', c)
    c = p.json('why', 'command', '17', '--at', at('09:09'))
    expect('which had not come yet', c['outcome'] is None and c['command']['seq'] == 19, c)
    out = p.text('why', 'command', '17')
    expect('in text, too', 'operator said: "walk three steps"' in out and 'the gate let it pass: record 19' in out and
           'it ended: record 20' in out, out)
    p.said(['why', 'command', '18'], 'there is no record of a command 18; the last one was 17')


def records(p):
    def seqs(*args):
        return [json.loads(x)['seq'] for x in p.text('log', *args, '--json').splitlines()]
    expect('by kind', seqs('--kind', 'fact,set') == [4, 7, 8, 9, 10, 17, 23])
    expect('the last two of a kind', seqs('--kind', 'fact', '-n', '2') == [9, 17] and seqs('-n', '2') == [24, 25])
    expect('the first two', seqs('--all', '--kind', 'fact', '-n', '2') == [4, 7] and seqs('--from', '8', '-n', '1') == [8])
    expect('since, until', seqs('--since', at('09:11')) == [21, 22, 23, 24, 25] and
           seqs('--since', at('09:11:00.001'), '--until', at('09:12')) == [22, 23, 24] and seqs('--since', '#24') == [25] and
           seqs('--until', '#4', '-n', '2') == [3, 4] and seqs('--since', 'now') == [])
    expect('whose', seqs('--principal', 'ana') == [16] and seqs('--entity', 'parrot') == [6, 16, 18, 21, 22])
    expect('of a conversation', seqs('--session', 's1', '--principal', 'operator') == [6, 18, 21, 22] and
           seqs('--session', 's2') == [])


def what_is_gone(p):
    p.make('compact', 'compact')
    p.said(['at', at('09:07')], 'the records of that time were let go; the earliest that can be had is #25, 2026-11-30 09:20:00.000')
    p.said(['diff', at('09:07')], 'the records of that time were let go')
    expect('what stands can be explained', p.json('why', 'street')['claims'][0]['record']['from'][0]['seq'] == 8)
    expect('and the earliest moment is one', p.json('at', '#25')['beliefs'] and p.json('at', at('09:20'))['record'] == 26)
    gone = '2 more of these were let go: a snapshot stands for them'
    expect('the log says how many have no line', gone in p.text('log', '--all') and
           'let go' not in p.text('log', '-n', '1') + p.text('log', '--all', '--kind', 'turn') + p.text('log', '--all', '--json'))
    expect('and of those that were asked for', '2 on the way were let go' in p.text('log', '--all', '--kind', 'gap,turn') and
           p.text('log', '--kind', 'symbol') == 'there is no such record\n' and
           p.text('log', '--principal', 'nobody').startswith('there is no such record any more\n2 on the way'))
    there = [json.loads(line)['seq'] for line in p.text('log', '--all', '--json').splitlines()]
    gone = str(min(set(range(1, there[-1])) - set(there)))
    expect('also where the range ends with one', '1 more of these were let go' in p.text('log', '--from', gone, '--until', '#' + gone) and
           'no such record any more\n1 on' in p.text('log', '--from', gone, '--kind', 'gap', '--until', '#' + gone))
    v = p.json('state', 'verify')
    expect('what was let go is counted', v['intact'] and v['let_go'] == 2 and v['snapshots'] == 1, v)
    p.make('erased', 'erase')
    w = p.json('why', 'guest')['claims'][0]['record']
    expect('an erased record is named as such', [(f['seq'], f['is']) for f in w['from']] == [(16, 'erased')], w)
    expect('and nobody knows what was in it', 'my pin is' not in p.text('log', '--all', '--json') + p.text('at', '#16') + json.dumps(w))
    expect('in text', 'record 16' in p.text('why', 'guest') and 'its body was erased' in p.text('why', 'guest'))
    p.name = 'past'


def what_made_room(p):
    p.make('full', 'flood')
    gone = [x for x in p.json('why', 'door')['withdrawn'] if x['source'] == 'operator']
    expect('who said it is not said to have taken it back', [x['made_room'] for x in gone] == [True], gone)
    out = p.text('why', 'door')
    expect('in text', 'what operator said is not held any more, it made room for others; it said, the last first: "locked"' in out, out)
    w = p.json('why', 'window')['withdrawn'][0]
    expect('what was taken back was', not w['made_room'] and 'operator says nothing of it any more' in p.text('why', 'window'), w)
    door = [x for x in p.json('diff', at('09:20'), at('09:22'))['changes']['beliefs'] if (x['new'] or x['old'])['key'] == 'door'][0]
    expect('diff does not say so either', door['why'] ==
           'operator has taken back, or it made room for others, what it said in record 6', door)
    p.said(['at', '09:22', 'fact', 'window'], "nothing was held of 'window' then; some of what was held had made room")
    p.name = 'past'


def copies(p):
    copy = p.m.work + '/copy.journal'
    b = p.json('state', 'backup', copy)
    expect('a copy, with its figures', b['records'] == 25 and b['bytes'] == os.path.getsize(copy) and
           b['head'] == p.json('state', 'verify')['head'], b)
    expect('and nothing beside it', [f for f in os.listdir(p.m.work) if f.startswith('copy')] == ['copy.journal'])
    p.said(['state', 'backup', copy], 'is there already; give another name, or remove it')
    p.said(['state', 'backup', p.m.work + '/none/copy'], 'cannot be made')
    before = p.json('state')
    expect('nothing runs, so nothing is alive', 'level' not in before and 'level' not in p.text('state'))
    shutil.copy(copy, p.path('restored'))
    p.name = 'restored'
    expect('a restore is a cp', p.json('state')['hash'] == before['hash'] and 'chain is whole' in p.text('state', 'verify'))
    db = sqlite3.connect(p.path('restored'), isolation_level=None)
    db.create_function('cadmus_owner', 0, lambda: 1)
    db.execute("UPDATE record SET principal = 'eve' WHERE seq = 12")
    db.close()
    rc, out, err = p.run('state', 'verify')
    expect('what was changed is found', rc == 1 and 'record 12 is not the one that was written' in err and out == '', out + err)
    rc, out, err = p.run('state', 'verify', '--json')
    expect('and as JSON', rc == 1 and json.loads(out)['first_bad'] == 12 and json.loads(err)['error'], out + err)
    expect('log says the same', p.run('log', '--verify')[0] == 1)
    expect('and of the record itself', [r['seq'] for r in map(json.loads, p.text('log', '--all', '--json').splitlines())
           if r['damaged']] == [12] and
           '(not the record that was written)' in p.text('log', '--from', '12', '-n', '1'))
    what_nobody_wrote(p)
    p.name = 'past'


def what_nobody_wrote(p):
    """A claim that somebody changes in the file is found by nobody, and carried nowhere."""
    expect('it is found', 'door' in p.text('recall', 'door'))
    db = sqlite3.connect(p.path('restored'), isolation_level=None)
    db.create_function('cadmus_owner', 0, lambda: 1)
    for seq, body in db.execute("SELECT seq, body FROM record WHERE kind IN ('turn', 'fact') AND body IS NOT NULL").fetchall():
        db.execute('UPDATE record SET body = ? WHERE seq = ?', (body.replace(b'door', b'moor'), seq))
    db.close()
    expect('what stands there now is not', 'moor = ' not in str(p.run('recall', 'moor')) + str(p.run('recall', 'door')))
    os.remove(p.path('restored') + '.memory')
    expect('nor by an index that is made anew', 'moor = ' not in str(p.run('recall', 'moor')) + str(p.run('recall', 'door')))
    rc, out, err = p.run('export')
    expect('nor exported', rc == 1 and 'moor' not in out and 'the journal is damaged' in err, out + err)


# ---- what comes ----

class Follower:
    def __init__(self, p, *args):
        env = dict(p.m.env, TZ='UTC0')
        self.p = subprocess.Popen([p.m.cadmus, 'log', '--follow', '--json', '--machine', p.name, *args], env=env,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.got, self.rest = [], b''

    def until(self, what, found):
        """Read lines until found(all of them) is true."""
        while not found(self.got):
            assert select.select([self.p.stdout], [], [], 30)[0], f'{what} did not come: {self.got[-3:]}'
            more = os.read(self.p.stdout.fileno(), 65536)
            assert more, f'{what}: it has ended: {self.p.stderr.read()}'
            *lines, self.rest = (self.rest + more).split(b'\n')
            self.got += [json.loads(x) for x in lines]
        expect(what, True)

    def seqs(self):
        return [r['seq'] for r in self.got]

    def woken(self):
        """How often it went to sleep by itself."""
        with open(f'/proc/{self.p.pid}/status', encoding='utf-8') as f:
            return int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', f.read(), re.M)[1])

    def holds(self, ending):
        fds = f'/proc/{self.p.pid}/fd'
        return any(os.readlink(f'{fds}/{fd}').endswith(ending) for fd in os.listdir(fds))

    def end(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.p.stderr.close()


def following(p):
    """A writer that begins and ends, again and again: no record is missed, none comes twice."""
    p.make('live')
    f = Follower(p, '--all')
    try:
        f.until('all that is there', lambda got: len(got) == 25)
        for _ in range(5):
            p.make('live', 'set', '40')
        f.until('all that came', lambda got: len(got) >= 225)
        expect('each once, in order', f.seqs() == list(range(1, 226)), f.seqs())
        moved = p.path('live') + '.away'
        os.rename(p.path('live'), moved)
        p.make('live')
        f.until('another file is shown from its first record', lambda got: len(got) == 250)
        expect('  all of it', f.seqs()[225:] == list(range(1, 26)))
        copy = p.m.work + '/live.copy'
        assert p.run('state', 'backup', copy)[0] == 0
        before = f.woken()
        os.rename(copy, p.path('live'))
        until('it has opened the copy, beside the log of the old one', lambda: f.woken() > before and sleeps(f.p.pid))
        for ending in ('-wal', '-shm'):
            if os.path.exists(p.path('live') + ending):
                os.unlink(p.path('live') + ending)
        until('it has let go of that log', lambda: sleeps(f.p.pid) and not f.holds('-wal (deleted)'))
        p.make('live', 'set', '1')
        f.until('of a copy only what is new', lambda got: len(got) == 251)
        expect('  which is one record', f.seqs()[250] == 26)
        def sleeps_well():  # it may have news yet to see of who wrote last
            before = f.woken()
            for _ in range(20):
                p.text('state')
            return f.woken() == before
        expect('while nothing is written it sleeps', until('it sleeps', sleeps_well))
        p.make('other')  # in the same folder
        p.name = 'live'
        p.make('live', 'set', '1')
        f.until('and goes on', lambda got: len(got) == 252)
        f.p.send_signal(signal.SIGINT)
        expect('Ctrl-C ends it', f.p.wait(30) == -signal.SIGINT, f.p.returncode)
    finally:
        f.end()
    f = Follower(p, '-n', '1')
    try:
        f.until('the last one', lambda got: len(got) == 1)
        f.p.stdout.close()
        expect('a reader that goes ends it, though nothing comes', f.p.wait(30) == -signal.SIGPIPE, f.p.returncode)
    finally:
        f.end()
    p.name = 'past'


def sleeps(pid):
    """Ten looks in a row, in which it was not even woken."""
    seen = set()
    for _ in range(10):
        with open(f'/proc/{pid}/stat', encoding='utf-8') as s, open(f'/proc/{pid}/status', encoding='utf-8') as t:
            seen.add((s.read().rsplit(')', 1)[1].split()[0], re.search(r'^voluntary.*', t.read(), re.M)[0]))
    return len(seen) == 1 and seen.pop()[0] == 'S'


# ---- a machine ----

def a_machine(m, p):
    m.start()
    m.live('core', 'parrot')
    p.name = 'small'
    f = Follower(p, '--since', f"#{p.json('state')['seq']}", '--kind', 'turn,set,epoch')
    try:
        assert m.run('set', 'goal_bearing', '45')[0] == 0
        f.until('a setting is seen as it is written', lambda got: got and got[-1]['kind'] == 'set')
        before = f.got[-1]['seq']
        assert m.run('say', 'ok #door = locked')[0] == 0
        assert m.run('say', 'well #door = open')[0] == 0
        assert m.run('set', 'goal_bearing', '90')[0] == 0
        f.until('and what was said', lambda got: [g['kind'] for g in got] == ['set', 'turn', 'turn', 'set'])
        moment = f.got[1]['time']
        asked(p, before, moment)
        moved(m, p)
        core = m.processes()['core']['pid']
        m.kill(core)
        f.until('another core begins another epoch', lambda got: got[-1]['kind'] == 'epoch')
        m.live('core')
        expect('it goes down', m.run('down')[0] == 0)
        asked(p, before, moment)
        m.start()
        f.until('and another machine', lambda got: [g['kind'] for g in got].count('epoch') == 2)
        assert m.run('set', 'goal_bearing', '1')[0] == 0
        f.until('whose settings are seen', lambda got: got[-1]['body'].get('value') == '1')
        expect('each record once', f.seqs() == sorted(set(f.seqs())), f.seqs())
        copy = m.work + '/of_live'
        b = p.json('state', 'backup', copy)
        expect('a copy of a machine that runs', b['records'] >= f.seqs()[-1], b)
        expect('which is down', m.run('down')[0] == 0)
    finally:
        f.end()


def moved(m, p):
    c = Control(m)
    try:
        m.reports('legs.feedback')
        done = c.ask(op='act', symbols=WALK)
    finally:
        c.close()
    number = str(done['command'])
    until('it has come to an end', lambda: p.json('why', 'command', number)['outcome'])
    w = p.json('why', 'command', number)
    expect('why it moved: symbols that were handed to the gate', w['turn'] is None and w['command']['body']['verb'] == 'walk' and
           w['outcome']['body']['what'] == 'done', w)
    t = until('evidence', lambda: p.run('at', 'now', 'trust', 'legs')[0] == 0) and p.json('at', 'now', 'trust', 'legs')['trust'][0]
    expect('and how far it may be relied on, with the word of the plan that runs', 0 < t['p'] <= 1 and t['role'] == 'driver' and
           0.5 < t['expectation'] < 1, t)


def asked(p, before, moment):
    """The same answers whether it is up or down."""
    a = p.json('at', moment, 'fact', 'door')
    later = p.json('at', 'now', 'fact', 'door')
    expect('at: what was, and what is', a['belief']['value'] == 'locked' and later['belief']['value'] == 'open', (a, later))
    d = p.json('diff', f'#{before}', 'now')['changes']
    expect('diff: beliefs and settings', d['beliefs'][0]['new']['value'] == 'open' and
           d['settings'][0]['old']['value'] == '45' and d['settings'][0]['new']['value'] == '90', d)
    w = p.json('why', 'door')['claims'][0]
    expect('why: the words', w['record']['body']['user'] == 'well #door = open' and w['earlier'][0]['value'] == 'locked', w)
    expect('state: beliefs, no bare claims', [b['value'] for b in p.json('state')['beliefs']] == ['open'])
    expect('and verified', 'chain is whole' in p.text('state', 'verify'))


def main():
    m = Machine(sys.argv[1])
    try:
        p = Past(m, sys.argv[2])
        p.make('past')
        usage(m)
        looking_back(p)
        fields(p)
        trust(p)
        who_may_see(p)
        differences(p)
        reasons(p)
        records(p)
        what_is_gone(p)
        what_made_room(p)
        copies(p)
        following(p)
        a_machine(m, p)
    finally:
        m.stop()
    return verdict()


sys.exit(main())

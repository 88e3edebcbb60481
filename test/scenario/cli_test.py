#!/usr/bin/env python3
"""The command line, as a stranger and as a program use it: exit codes, words, JSON, terminals, broken outputs.

usage: cli_test.py CADMUS         machines of its own, in folders of its own; exit 0 when all holds
"""
import errno
import json
import os
import pty
import pwd
import re
import select
import signal
import subprocess
import sys
import time

from machine import Control, HERE, Machine, expect, until, verdict

FLIGHT = os.path.join(HERE, '../../examples/first-flight.fly.yaml')


# ---- wrong usage: the same with a machine and without one ----

USAGE = [  # arguments, what standard error says
    ([], 'usage: cadmus VERB'),
    (['sya'], "there is no verb 'sya'; did you mean 'say'?\ntry: cadmus --help"),
    (['frobnicate'], "there is no verb 'frobnicate'\n"),
    (['help', 'sya'], "did you mean 'say'?"),
    (['help', 'say', 'get'], 'help takes one verb'),
    (['ps', '--machine'], '--machine needs a value'),
    (['ps', '--machine', '--json'], '--machine needs a value'),
    (['--machine'], '--machine needs a value'),
    (['ps', '--machine', '../x'], "'../x' is not a name of a machine"),
    (['ps', '--machine='], "'' is not a name of a machine"),
    (['ps', 'x'], "it takes no arguments, not 'x'"),
    (['down', 'x'], "it takes no arguments, not 'x'"),
    (['stop', '-x'], "there is no option '-x'"),
    (['doctor', 'x'], "it takes no arguments, not 'x'"),
    (['top', '--onse'], "there is no option '--onse'; did you mean '--once'?"),
    (['top', 'x'], "it takes no arguments"),
    (['get', 'a', 'b'], "'b' is one argument too many"),
    (['stat', 'a', '--errors'], 'a field or --errors, not both'),
    (['plan', 'a', '--output'], '--output'),
    (['watch'], 'give a field, or --events'),
    (['watch', 'kinesthetic', '--events'], 'a field or --events, not both'),
    (['watch', 'kinesthetic', '--new'], '--new belongs to --events'),
    (['watch', '--evnts'], "there is no option '--evnts'; did you mean '--events'?"),
    (['watch', 'kinesthetic', '-n', 'abc'], "-n takes a whole number from 1 to 1000000000, not 'abc'"),
    (['watch', 'kinesthetic', '-n', '0'], "not '0'"),
    (['watch', 'kinesthetic', '-n'], '-n needs a value'),
    (['log', '-n', '-3'], "-n takes a whole number from 1 to 1000000000, not '-3'"),
    (['log', '--from', 'x'], "--from takes a whole number from 1 to"),
    (['log', '--from', '99999999999999999999'], '--from takes a whole number'),
    (['log', '--all', '--verify'], 'only one can be meant'),
    (['log', '--verify', '-n', '3'], '--verify looks at all records, so -n has no meaning with it'),
    (['tell'], 'give a key, and a value unless the claim is to be taken back'),
    (['tell', 'k', 'v', '--confidence', 'much'], "--confidence is a number from 0 to 1, not 'much'"),
    (['tell', 'k', 'v', '--confidence', '2'], 'from 0 to 1'),
    (['tell', 'k', 'v', '--from', '0'], "not '0'"),
    (['read'], 'give a key, or several'),
    (['read', 'k', '--level', '4'], "--level takes a whole number from 0 to 3, not '4'"),
    (['read', 'k', '--level', '2'], '--level 2 is of what you have seen: give --after RECORD'),
    (['read', 'k', '--after', '0'], "not '0'"),
    (['read', 'k', '--max-age', '-1'], "--max-age is a number of seconds, 0 to 1e9, not '-1'"),
    (['read', 'k', '--max-age', '1min'], "not '1min'"),
    (['read', 'k', '--min-trust', '1.5'], "--min-trust is a number from 0 to 1, not '1.5'"),
    (['read', *'abcdefghi'], 'at most 8 keys are read of one state, not 9'),
    (['goal', 'patrol'], 'say what the goal is, or --done or --drop'),
    (['goal', 'patrol', '--done', '--drop'], 'either reached or dropped'),
    (['goal', '--done'], 'give the name of a goal'),
    (['forget'], 'give the number of a record'),
    (['forget', 'all'], "'all' is not the number of a record"),
    (['state', '--at', 'abc'], "abc"),
    (['state', '--at', '5x'], "5x"),
    (['state', 'x'], "there is no 'x'; there are: verify, backup FILE, compact"),
    (['state', 'verfy'], "there is no 'verfy'; did you mean 'verify'?"),
    (['state', 'verify', 'x'], "verify takes nothing, not 'x'"),
    (['state', 'verify', '--at', '3'], 'verify is of the whole journal'),
    (['state', 'backup'], 'backup: say into which file'),
    (['state', 'backup', 'x', 'y'], "'y' is one argument too many"),
    (['at'], 'say when: now, 10:05'),
    (['at', '25:00'], "'25:00' is no time of a day"),
    (['at', 'noon'], "'noon' is no moment; there are: now, 10:05"),
    (['at', '5 parsecs ago'], 'has a unit that is none'),
    (['at', 'now', 'fact'], 'fact: say which fact'),
    (['at', 'now', 'sesion'], "one cannot ask about 'sesion'; there are: field, fact, trust, goal, session, model; did you mean 'session'?"),
    (['at', 'now', '--as'], '--as needs a value'),
    (['recall', '-n', '0'], "-n takes a whole number from 1 to 256, not '0'"),
    (['recall', '--as'], '--as needs a value'),
    (['import'], 'give a file of JSON Lines'),
    (['import', 'x'], 'say into which machine'),
    (['import', '/dev/null', '--machine', '../x y'], 'is not a name of a machine'),
    (['export', 'x'], 'it takes no arguments'),
    (['set'], 'give a field and a number'),
    (['set', 'goal_bearing'], 'give a field and a number'),
    *((['set', 'goal_bearing', v], f"'{v}' is not a number; a decimal one is wanted")
      for v in ('nan', 'inf', '0x10', '1e999', '', '45x', '4 5', 'north')),
    (['set', 'goal_bearing', '-inf'], "there is no option '-inf'"),
    (['say'], 'say something'),
    (['say', 'hello', 'world'], "'world' is one argument too many"),
    (['say', '--model'], '--model needs a value'),
    (['say', '--model', '--blind', 'hi'], '--model needs a value'),
    (['say', '--model', '', 'hi'], 'the value of --model is empty'),
    (['say', '--modle', 'x', 'hi'], "did you mean '--model'?"),
    (['say', 'x' * 8192], 'TEXT is too long: at most 8191 bytes'),
    (['say', '--request', 'x' * 64, 'hi'], '--request is too long: at most 63 bytes'),
    (['say', '--model', 'x' * 48, 'hi'], '--model is too long: at most 47 bytes'),
    (['run'], 'give a file'),
    (['run', '--detahc', 'x'], "did you mean '--detach'?"),
    (['plan'], 'give a file'),
    (['check'], 'give a file'),
    (['check', '--schema', 'x'], '--schema takes no file'),
    (['check', 'x', '--machine', 'y'], '--machine has no meaning here'),
    (['fly'], 'give a scenario'),
    (['devices', '--root'], '--root needs a value'),
    (['get', '\033[2Jx', 'y', 'z'], "'y' is one argument too many"),
    (['\033[2J'], "there is no verb '?[2J'"),
]


def said(m, args, code, words, name=None):
    """Exit code and standard error, and the same with --json: one object on standard error, nothing else anywhere."""
    rc, out, err = m.run(*args)
    name = name or ' '.join(repr(a)[:30] for a in args)
    expect(f'{name}: exit {code}', rc == code and words in err and out == '', f'exit {rc}\n{err}\n--\n{out}')
    rc, out, err = m.run('--json', *args)
    expect('  and as JSON', rc == code and out == '' and is_error(err, code), f'exit {rc}\n{err}\n--\n{out}')


def is_error(text, code):
    try:
        e = json.loads(text)['error']
    except (ValueError, KeyError):
        return False
    return (text.count('\n') == 1 and set(e) == {'code', 'text', 'hint'} and len(e['text']) > 5 and
            re.fullmatch('USAGE' if code == 2 else 'E[A-Z0-9]+', e['code']) is not None)


def wrong_usage(m):
    for args, words in USAGE:
        said(m, args, 2, words)


# ---- nothing runs ----

def nothing_runs(m):
    none = 'no machine is running; start one with: cadmus run FILE'
    for args in (['ps'], ['top', '--once'], ['stat'], ['stat', '--errors'], ['get'], ['get', 'visual'], ['watch', 'visual'], ['watch', '--events'], ['set', 'x', '1'],
                 ['say', 'hi'], ['read', 'x'], ['down'], ['state'], ['log'], ['at', 'now'], ['diff', 'now'], ['why', 'x']):
        said(m, args, 1, none)
    said(m, ['stop'], 1, 'no machine is running in any of the places where they are looked for; set CADMUS_RUN_DIR')
    named = "no machine 'ghost' is running; start it with: cadmus run FILE\n"
    for args in (['ps'], ['top'], ['get'], ['watch', 'x'], ['set', 'x', '1'], ['say', 'hi'], ['read', 'x'], ['down']):
        said(m, args + ['--machine', 'ghost'], 1, named)
    said(m, ['stop', '--machine', 'ghost'], 1, "no guard of a machine 'ghost' is running")
    said(m, ['state', '--machine', 'ghost'], 1, "there is no journal of a machine 'ghost'")
    said(m, ['log', '--machine', 'ghost'], 1, "there is no journal of a machine 'ghost'")
    said(m, ['recall', '--machine', 'ghost'], 1, "there is no journal of a machine 'ghost'")
    said(m, ['export', '--machine', 'ghost'], 1, "there is no journal of a machine 'ghost'")


STEP = 'machine: none.cdl.yaml\nsteps:\n- step: a\n  do:\n  - '
SCENARIOS = [  # their text, what standard error says
    ('', 'not a scenario'),
    ('[1]', 'not a scenario'),
    ('flight: x', "a scenario needs 'machine'"),
    ('machine: x', "a scenario needs 'steps'"),
    ('machine: x\nsteps: []', '2: steps takes a list of at least one, not an empty list'),
    ('machine: [x]\nsteps: [x]', '1: machine takes a text, not this list'),
    ('machine: x\nstate: kept\nsteps: [x]', "2: state takes only `keep`, not 'kept'"),
    ('machine: x\nstatee: keep\nsteps: [x]', "2: no such key: 'statee'; did you mean 'state'?"),
    ('machine: x\nsteps:\n- x', "3: a step needs 'step, do'"),
    ('machine: x\nsteps:\n- step: a\n  wyh: b\n  do: [x]', "4: no such key: 'wyh'; did you mean 'why'?"),
    ('machine: x\nsteps:\n- step: a\n  do: []', '4: do takes a list of at least one, not an empty list'),
    (STEP + 'start:\n---\nsteps: []', 'a scenario is one document'),
    (STEP + 'start:', 'cannot read'),
]
ACTIONS = [  # the fifth line of a scenario: each would check nothing, or something else than it seems to
    ('dance: {}', "5: no such action: 'dance'"),
    ('strat: {}', "5: no such action: 'strat'; did you mean 'start'?"),
    ('start', '5: an action is one pair'),
    ('{start: {}, expect_gone: [core]}', '5: an action is one pair'),
    ('stop: now', "5: stop takes a map {key: value}, not 'now'"),
    ('plan: {title: x}', "5: no such key: 'title'"),
    ('expect_live: core', "5: expect_live takes a list [...] of at least one text, not 'core'"),
    ('expect_gone: []', 'of at least one text, not an empty list'),
    ('expect_gone: {core: x}', 'of at least one text, not this map'),
    ('expect_gone:', 'of at least one text, not nothing'),
    ('expect_live: [[core]]', 'of at least one text, not this list'),
    ('say: {contians: Ana}', "5: no such key: 'contians'; did you mean 'contains'?"),
    ('say: {contains: [Ana]}', 'contains takes a text, not this list'),
    ('say: {contains: ""}', 'contains takes a text, not nothing'),
    ('say: {contains: *name}', 'contains takes a text, not an alias'),
    ('say: {text: a, text: b}', 'duplicate key'),
    ('say: {fact: name}', "fact takes a map {name: text} of at least one, not 'name'"),
    ('say: {fact: [name]}', 'not this list'),
    ('say: {refused: [UNTRUSTED]}', 'refused takes a text'),
    ('say: {symbols: {a: b}}', 'symbols takes a text, not this map'),
    ('say: {blind: yes}', "blind takes true or false, not 'yes'"),
    ('say: {until: done}', "until takes only `moving`, not 'done'"),
    ('say: {advance_m: far}', "advance_m takes a number, not 'far'"),
    ('say: {latency: {targetms: 1}}', "5: no such key: 'targetms'; did you mean 'target_ms'?"),
    ('say: {latency: 100}', "latency takes a map {name, target_ms}, not '100'"),
    ('journal: {holds: name}', "holds takes a list [...] of at least one text, not 'name'"),
    ('journal: {verify: 1}', "verify takes true or false, not '1'"),
    ('latency: {samples: 0}', "samples takes a whole number from 1 to 256, not '0'"),
    ('latency: {samples: 0.5}', "not '0.5'"),
    ('still: {within_ms: soon}', 'within_ms takes a number from 0'),
    ('still: {for_ms: -1}', "not '-1'"),
]


def files(m):
    broken, warned, pipe = m.work + '/broken.yaml', m.work + '/warned.cdl.yaml', m.work + '/pipe'
    os.mkfifo(pipe)
    with open(broken, 'w', encoding='utf-8') as f:
        f.write('steps: [\n')
    for verb in ('check', 'plan', 'run', 'fly'):
        said(m, [verb, '/nonexistent'], 1, 'cannot read /nonexistent: No such file or directory')
        said(m, [verb, '/'], 1, 'cannot read /: Is a directory')
        said(m, [verb, pipe], 1, f'cannot read {pipe}: not a regular file')
    said(m, ['plan', m.work + '/broken.yaml'], 1, 'error C')
    said(m, ['run', m.work + '/broken.yaml'], 1, 'error C')
    said(m, ['fly', broken], 1, f'{broken}:')
    for text, words in [*SCENARIOS, *((STEP + action, words) for action, words in ACTIONS)]:
        with open(broken, 'w', encoding='utf-8') as f:
            f.write(text)
        said(m, ['fly', broken], 1, words)
    said(m, ['devices', '--root', '/nonexistent'], 1, '/nonexistent')
    rc, out, err = m.run('check', '--json', m.path)
    odd = os.fsencode(m.work) + b'/odd\xff.cdl.yaml'
    os.symlink(m.path, odd)
    rc2, out2, err2 = m.run('check', '--json', odd)
    named = json.loads(out2)['file']
    expect('a name that is not UTF-8', rc2 == 0 and named.endswith('/odd?.cdl.yaml') and err2 == '', named + err2)
    said(m, ['get', os.fsdecode(b'\xff')], 1, 'no machine is running')
    codes = [x['code'] for x in json.loads(out)['messages']]
    expect('check warns of a model that is not there', rc == 0 and 'D0102' in codes and err == '', out)
    with open(m.path, encoding='utf-8') as f:
        text = f.read()
    with open(warned, 'w', encoding='utf-8') as f:
        f.write(text.replace('simulator: hexapod_sim', 'simulator: nobody').replace(
            'backend: echo, file: small.cdl.yaml, prompt', 'backend: llama, file: warned.cdl.yaml, prompt'))
    rc, out, err = m.run('check', warned)
    expect('and of one that is not what it must be, and of a driver', rc == 0 and 'D0104' in err
            and "no driver 'nobody'" in err, err)


def one_core(m):
    """What counts is not the cores there are, but those that we may use."""
    path = m.work + '/busy.cdl.yaml'
    with open(m.path, encoding='utf-8') as f:
        text = f.read().replace('memory_mb: 16}', 'memory_mb: 16, threads: 2}', 1)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    core = min(os.sched_getaffinity(0))

    def confined(*args):
        return subprocess.run([m.cadmus, *args], env=m.env, capture_output=True, timeout=60,
                              preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    done = confined('check', path)
    expect('two busy cores do not fit one that is allowed', done.returncode == 1 and b'C0401' in done.stderr and
           b'there are 1' in done.stderr, done)
    cores = [x for x in json.loads(confined('doctor', '--json').stdout) if x['check'] == 'cores']
    expect('and doctor says so', cores[0]['grade'] == 'note' and 'C0401' in cores[0]['text'], cores)


def without_home(m):
    """~ is then what the system says of this user: the same settings are found."""
    bare = {k: v for k, v in m.env.items() if k != 'XDG_CACHE_HOME' and
            (not k.startswith('CADMUS_') or k in ('CADMUS_RUN_DIR', 'CADMUS_STATE_DIR'))}

    def engines(**home):
        out = m.run('doctor', '--json', env=dict({k: v for k, v in bare.items() if k != 'HOME'}, **home))[1]
        return [x for x in json.loads(out) if x['check'] in ('llama', 'onnx')]
    own = engines(HOME=pwd.getpwuid(os.getuid()).pw_dir)
    expect('without HOME the engines are found where they are with it', engines() == own == engines(HOME=''), engines())


def bad_folders(m):
    """Folders that cannot be: what is said names them, or what is wrong with them."""
    state = dict(m.env, CADMUS_STATE_DIR='/proc/x')
    rc, out, err = m.run('run', '--detach', m.path, env=state)
    expect('a folder for the state that cannot be is named', rc == 1 and 'the state, /proc/x: No such file' in err, err)
    expect('by doctor, too', 'the state, /proc/x: No such file' in m.run('doctor', env=state)[1])
    for n in (90, 120):
        run = dict(m.env, CADMUS_RUN_DIR='/tmp/' + 'x' * n)
        rc, out, err = m.run('run', '--detach', m.path, env=run)
        expect(f'a path of {n} is too long for sockets', rc == 1 and 'more than 107 bytes' in err and 'CADMUS_RUN_DIR' in err
               and not os.path.exists(run['CADMUS_RUN_DIR']), err)
        for args in (['ps'], ['log'], ['ps', '--machine', 'small']):
            rc, out, err = m.run(*args, env=run)
            expect(f'  as {args} says', rc == 1 and 'more than 107 bytes; set CADMUS_RUN_DIR to a shorter' in err, err)


def help_texts(m):
    rc, out, err = m.run('help')
    verbs = re.findall(r'^  ([a-z]+) +[A-Z]', out, re.M)
    expect('help lists the verbs', rc == 0 and len(verbs) >= 16 and err == '', out)
    for v in verbs:
        rc, out, err = m.run(v, '--help')
        again = m.run('help', v)
        expect(f'{v} --help', rc == 0 and err == '' and f'usage: cadmus {v}' in out and '\nexample' in out and
               re.search(r'^exit: 0 .*1 .*2 ', out, re.M) and again == (0, out, ''), out + err)
        expect('  and as JSON', m.json(v, '--help')['verb'] == v)
    kinds = m.run('log', '--kind', 'none.of.these')[2].split('there are: ')[1].split('\n')[0].split(', ')
    told = re.split(r'[\s,]+', m.run('log', '--help')[1])
    expect('log --help lists all kinds', len(kinds) > 15 and all(k in told for k in kinds), kinds)
    expect('help as JSON', [v['verb'] for v in m.json('help')] == verbs and m.json('--help') == m.json('help'))
    expect('version as JSON', re.fullmatch(r'\d+\.\d+\.\d+', m.json('--version')['version']))
    rc, out, err = m.run('--version')
    expect('--version', rc == 0 and re.fullmatch(r'cadmus \d+\.\d+\.\d+\n', out) and err == '', out + err)


# ---- a machine that runs ----

def world_says_no(m):
    said(m, ['state', '--at', '99999'], 1, 'there is no record 99999; the last one is ')  # which may change meanwhile
    said(m, ['log', '--from', '99999'], 1, 'there is no record 99999; the last one is ')
    said(m, ['get', 'kinesthetik'], 1, "there is no field 'kinesthetik'; did you mean 'kinesthetic'?\n")
    said(m, ['watch', 'nothing-like-it'], 1, "there is no field 'nothing-like-it'; `cadmus get` lists them\n")
    said(m, ['get', 'legs.command'], 1, 'legs.command: the plan lets no client read it\n')
    said(m, ['watch', 'legs.command'], 1, 'legs.command: the plan lets no client read it\n')
    said(m, ['stat', 'kinesthetik'], 1, "there is no field 'kinesthetik'; did you mean 'kinesthetic'?\n")
    said(m, ['stat', 'legs.command'], 1, 'legs.command: the plan lets no client read it\n')
    said(m, ['plan', m.path, '--output', m.work + '/none/plan'], 1, 'cannot write ')
    said(m, ['set', 'nothing', '1'], 1, "no setting 'nothing'; there are: goal_bearing\n")
    said(m, ['set', 'goal_bearing', '9999'], 1, "9999 is outside what 'goal_bearing' allows: -180 to 180\n")
    said(m, ['say', '--model', 'nobody', 'hello'], 1, "no language model 'nobody'; there are: parrot, faint, absent\n")
    said(m, ['say', '--as', 'nobody', 'hello'], 1, "no 'nobody' in the plan; there are: operator\n")
    said(m, ['run', '--detach', m.path], 1, 'runs already')


def right(m):
    rc, out, err = m.run('set', 'goal_bearing', '-45')
    expect('a negative number is no option', rc == 0 and out.startswith('goal_bearing = -45') and err == '', out + err)
    expect('and is there', m.json('get', 'goal_bearing')['value'] == -45.0)
    first, again = (m.json('set', 'goal_bearing', '-45', '--request', 'set1') for _ in range(2))
    expect('a request sets once', not first['repeat'] and again['repeat'] and again['seq'] == first['seq'], again)
    said(m, ['set', 'goal_bearing', '-44', '--request', 'set1'], 1, 'this request was used for something else before')
    rc, out, err = m.run('say', '--', '--hello')
    expect('after -- all is words', rc == 0 and '--hello' in out and err == '', out + err)
    rc, out, err = m.run('say', '--request=r1', 'hello again')
    rc2, out2, err2 = m.run('say', '--request', 'r1', 'hello again')
    expect('one request is answered once', rc == rc2 == 0 and 'answered before' in out2, out + err + out2 + err2)
    said(m, ['say', '--request', 'r1', 'other words'], 1, "request 'r1' was asked with other words before")
    state = m.json('get', 'legs.state')
    expect('a state has names', state['named']['phase'] == 'idle' and state['named']['stops'] == 0
            and len(state['value']) >= 8, state)
    rc, out, err = m.run('get', 'legs.state')
    expect('and in text', rc == 0 and 'phase=idle reason=' in out and ' stops=0 ' in out, out)
    feedback = until('feedback', lambda: m.run('get', 'legs.feedback')[1])
    expect('feedback, too', 'heading_deg=' in feedback and 'joints_deg=[' in feedback, feedback)
    rc, out, err = m.run('watch', 'kinesthetic', '-n', '2', '--json')
    lines = [json.loads(line) for line in out.splitlines()]
    expect('watch', rc == 0 and len(lines) == 2 and lines[0]['version'] < lines[1]['version'], out + err)
    rc, out, err = m.run('stat')
    expect('stat says who reads what', rc == 0 and re.search(r'legs\.feedback +by guard: \d+ published, 0 dropped', out) and
           re.search(r'^    core +\d+ +0 +0 +0 ', out, re.M) and 'events:' in out and 'legs.command' not in out, out + err)
    expect('and how old the last sample is', re.search(r'legs\.feedback +by guard: .* wake-ups, the last \d+\.\d ms ago\n', out), out)
    one = m.json('stat', 'legs.feedback')
    never = [f for f in m.json('stat')['fields'] if f['published'] == 0]
    expect('of none there is no age', 0 <= one['age_ms'] < 60000 and all(f['age_ms'] is None for f in never), (one, never))
    expect('of one field, too', one['writer'] == 'guard' and one['published'] > 0 and
           any(r['process'] == 'core' and r['open'] and r['copied'] > 0 for r in one['readers']), one)
    top = m.json('top', '--once')
    seen = next(f for f in top['fields'] if f['field'] == 'legs.feedback')
    then = m.json('stat', 'legs.feedback')
    expect('top counts as stat does', one['published'] <= seen['published'] <= then['published'] and
           sum(r['laps'] for r in one['readers']) <= seen['laps'] <= sum(r['laps'] for r in then['readers']) and
           one['wakes'] <= seen['wakes'] <= then['wakes'] and seen['dropped'] == seen['borrowed'] == 0, (one, seen, then))
    expect('and is not in its own list', not any(p['name'].startswith('client') for p in top['processes']), top['processes'])
    errors = m.json('stat', '--errors')
    expect('and what went wrong, each sort once', len({(e['process'], e['text']) for e in errors}) == len(errors) and
           all(e['count'] > 0 and 0 < e['first_ns'] <= e['last_ns'] for e in errors), errors)
    rc, out, err = m.run('log', '-n', '2')
    expect('the last two records', rc == 0 and len(out.splitlines()) == 2, out)
    rc, out, err = m.run('log', '--from', '1', '-n', '1', '--json')
    expect('the first record', rc == 0 and json.loads(out)['seq'] == 1, out)
    rc, out, err = m.run('log', '--all')
    expect('fractions for people', rc == 0 and re.search(r'"trust":0\.\d+', out) and '"request":""' not in out, out)
    turns = [r for r in m.log() if r['kind'] == 'turn']
    expect('millionths for programs', turns and all(isinstance(t['body']['trust'], int) for t in turns), turns)
    for args in (['ps'], ['get'], ['state'], ['at', 'now'], ['diff', '#0'], ['state', 'verify'], ['stop'], ['top', '--once'], ['stat'], ['doctor'],
                 ['devices'], ['check', m.path],
                 ['plan', m.path], ['check', '--schema']):
        rc, out, err = m.run(*args, '--json')
        expect(f'{args[0]} --json is one value', rc in (0, 1) and json.loads(out) is not None and err == '', err)


def what_happened(m):
    """Events from the start on, in the order of their times, and those that come."""
    rc, out, err = m.run('watch', '--events', '-n', '1')
    expect('events in text', rc == 0 and err == '' and re.fullmatch(
        r'\S+Z core +model_loaded +parrot +parrot is ready, after \d+\.\d ms\n', out), out + err)
    args = [m.cadmus, 'watch', '--events', '--json']
    c = Control(m)
    old = subprocess.Popen(args, env=m.env, stdout=subprocess.PIPE)
    new = subprocess.Popen(args + ['--new', '-n', '1'], env=m.env, stdout=subprocess.PIPE)
    try:
        first = json.loads(old.stdout.readline())
        expect('events as JSON', set(first) == {'time', 'process', 'epoch', 'number', 'kind', 'source', 'about', 'a', 'b',
               'text', 'missed'} and first['number'] == 1 and first['about'] == 'parrot', first)
        until('who wants new ones has one and ends', lambda: c.ask(op='act', symbols='𐤌𐤟𐤖') and new.poll() is not None)
        e = json.loads(new.stdout.read())
        expect('--new leaves out what was before', new.returncode == 0 and e['number'] > 1 and e['missed'] == 0, e)
        e = until('a verdict', lambda: (lambda x: x if x['kind'] == 'gate' else None)(json.loads(old.stdout.readline())))
        expect('what the gate decided is seen', e['process'] == 'core' and e['source'] == 'operator' and e['text'], e)
    finally:
        c.close()
        for watcher in (old, new):
            watcher.kill()
            watcher.wait()


def facts(m):
    rc, out, err = m.run('say', 'ok #door = locked')
    answer, below = out.split('  noted: ') if '  noted: ' in out else (out, '')
    expect('what was noted stands below the answer', rc == 0 and '#' not in answer and
           re.fullmatch(r'door = locked\n  \[parrot, record \d+\]\n', below), out + err)
    rc, out, err = m.run('say', '--blind', 'what is it?')
    expect('blind is not recorded', rc == 0 and out.endswith('\n  [parrot, not recorded]\n'), out + err)
    rc, out, err = m.run('state')
    expect('a fact of the state', rc == 0 and re.search(r'door += locked .* trust 0\.\d\d, record \d+\n', out), out)
    expect('of a machine that is up its lifecycle and level', re.search(r'\n(BOOT|WAKE|FOCUS|REST|DREAM|CRISIS)  level \d: .+\n', out), out)
    live, past = m.json('state'), m.json('state', '--at', '1')
    expect('and as JSON, but not of what was', 0 <= live['level'] <= 4 and live['level_text'].startswith(f"level {live['level']}") and
           live['lifecycle'] in out and 'level' not in past, (live, past))


def recalls(m):
    """What was told is found while the machine runs, and written as lines."""
    rc, out, err = m.run('recall', 'is', 'the', 'door', 'locked?')
    expect('a claim is found', rc == 0 and err == '' and re.search(
        r' 0\.\d{3}  \(text 0\.\d\d, likeness .*\n +operator claims door = locked\n', out), out + err)
    rc, out, err = m.run('recall', 'hello again', '--json', '-n', '1')
    hit = json.loads(out)
    expect('a turn is found', rc == 0 and hit['kind'] == 'turn' and hit['user'] == 'hello again' and hit['answer'] and
           0 < hit['score']['total'] <= 1, out + err)
    rc, out, err = m.run('recall', 'doorbells', 'and', 'gadgets', 'of', 'somewhere', '-n', '1')
    expect('what is found by chance is called so', rc == 0 and out and err == 'nothing that was told fits well; the nearest:\n', out + err)
    rc, out, err = m.run('recall', 'xqj', '-n', '1')
    expect('or nothing', rc == 0 and out == '' and err == 'nothing that was told is about that\n', out + err)
    rc, out, err = m.run('export')
    lines = [json.loads(line) for line in out.splitlines()]
    expect('all is exported', rc == 0 and lines[0] == {'schema': 'cadmus.memory', 'version': 1} and
           any(x['type'] == 'turn' and x['user'] == 'hello again' for x in lines[1:]), out + err)
    path = m.work + '/told.jsonl'
    rc, text, err = m.run('export', '--output', path)
    with open(path, encoding='utf-8') as f:
        expect('or into a file', rc == 0 and f.read() == out and os.stat(path).st_mode & 0o777 == 0o600, text + err)
    said(m, ['export', '--output', path], 1, f'{path} cannot be written: File exists')
    said(m, ['export', '--output', path], 1, 'give another name, or remove it')
    os.unlink(path)


def two_machines(m):
    """A second one in the same folders: then it must be said which is meant."""
    path = m.work + '/second.cdl.yaml'
    with open(path, 'w', encoding='utf-8') as f:
        f.write('machine: second\nversion: 1.0\nentities: {people: [{id: operator}]}\n')
    rc, out, err = m.run('run', '--detach', path)
    expect('a second machine', rc == 0, out + err)
    names = r'2 machines are running: (small, second|second, small); say which with --machine NAME\n'
    for args in (['ps'], ['get'], ['say', 'hi'], ['down'], ['state'], ['log'], ['at', 'now'], ['diff', 'now'], ['why', 'x']):
        rc, out, err = m.run(*args)
        expect(f'{args[0]} of two', rc == 1 and re.fullmatch(f'cadmus {args[0]}: {names}', err), err)
    rc, out, err = m.run('stop')
    expect('stop asks nobody which one', rc == 0 and re.fullmatch(r'((small|second): stopped; .*\n){2}', out), out + err)
    both = m.json('stop')
    expect('and says so to programs', both['stopped'] and sorted(d['machine'] for d in both['machines']) == ['second', 'small'],
           both)
    rc, out, err = m.run('stop', '--machine', 'small')
    expect('unless it is told', rc == 0 and re.fullmatch(r'small: stopped; .*\n', out), out + err)
    rc, out, err = m.run('ps', '--machine=second')
    expect('the one that is named', rc == 0 and 'core' in out and 'parrot' not in out, out + err)
    expect('and ended', m.run('--machine', 'second', 'down', '--json') == (0, '{\n  "down": "second"\n}\n', ''))


def seats(m):
    watcher = subprocess.Popen([m.cadmus, 'watch', 'goal_bearing'], env=m.env, stdout=subprocess.DEVNULL)
    try:
        row = until('the seat of watch', lambda: [p for p in m.json('ps') if p['role'] == 'client'
                and p['pid'] == watcher.pid])[0]
        expect('who is attached is shown', row['program'].endswith('watch goal_bearing'), row)
        rc, out, err = m.run('ps')
        expect('and in text, without the one that asks', 'watch goal_bearing' in out and ' ps' not in out, out)
    finally:
        watcher.kill()
        watcher.wait()


def outputs(m):
    """A result that cannot be written is a failure, for every verb that has one."""
    for args in (['ps'], ['get'], ['state'], ['state', 'verify'], ['log'], ['log', '--follow'], ['at', 'now'], ['diff', '#0'],
                 ['why', 'door'], ['read', 'door'], ['top', '--once'], ['top'], ['stat'], ['watch', 'kinesthetic'], ['watch', '--events'],
                 ['say', 'hi'], ['doctor'], ['devices'], ['check', m.path], ['plan', m.path], ['help'],
                 ['recall', 'hello'], ['export'], ['say', 'hi'], ['doctor'], ['devices'], ['check', m.path], ['plan', m.path], ['help'],
                 ['say', '--help'], ['--version'], ['set', 'goal_bearing', '1']):
        for extra in ([], ['--json']):
            line = ' '.join([*args, *extra])
            with open('/dev/full', 'w', encoding='utf-8') as full:
                done = subprocess.run([m.cadmus, *args, *extra], env=m.env, stdout=full, stderr=subprocess.PIPE,
                        timeout=60)
            expect(f'{line} >/dev/full', done.returncode == 1
                    and b'could not be written: No space left' in done.stderr, done)
            done = subprocess.run(['/bin/sh', '-c', 'exec "$@" <&- >&-', 'sh', m.cadmus, *args, *extra], env=m.env,
                                  stderr=subprocess.PIPE, timeout=60)
            expect(f'{line} >&-', done.returncode == 1 and b'could not be written: Bad file' in done.stderr, done)
    done = subprocess.run(['/bin/sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', m.cadmus, 'ps'], env=m.env, timeout=60)
    expect('nothing open at all', done.returncode == 1, done)
    reader = subprocess.Popen([m.cadmus, 'watch', 'kinesthetic'], env=m.env, stdout=subprocess.PIPE)
    reader.stdout.readline()
    reader.stdout.close()
    expect('a reader that goes away ends it', reader.wait(60) == -signal.SIGPIPE, reader.returncode)


class Terminal:
    """A verb of a shell on a terminal of its own."""

    def __init__(self, m, *args, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(m.cadmus, [m.cadmus, *args], env or {**m.env, 'TERM': 'xterm'})
        self.seen = b''

    def read(self, patience=30.0):
        if not select.select([self.fd], [], [], patience)[0]:
            return False
        try:
            got = os.read(self.fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            got = b''
        self.seen += got
        return bool(got)

    def until(self, text):
        while text not in self.seen:
            assert self.read(), f'{text} did not come: {self.seen!r}'

    def end(self):
        """Read it out; how a shell would put its end."""
        while self.read():
            pass
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

    def interrupt(self):
        began = time.monotonic()
        os.write(self.fd, b'\x03')
        code = self.end()
        return code, time.monotonic() - began


def many_fields(m):
    """All fields of a plan are shown, also of one that has more than anybody looks at."""
    extra = ''.join(f'  - {{id: s{i}, unit: "1", min: 0, max: 1}}\n' for i in range(1100))
    wide = Machine(m.cadmus, change=lambda text: text.replace('settings:\n', 'settings:\n' + extra))
    try:
        wide.start()
        wide.live('core')
        rc, out, err = wide.run('set', 's1099', '1')
        top = until('it is set', lambda: [f['field'] for f in wide.json('top', '--once')['fields'] if f['field'] == 's1099'] or rc)
        expect('top shows the last of a thousand fields', top == ['s1099'], out + err)
        expect('and in text', 's1099 ' in wide.run('top', '--once')[1])
    finally:
        wide.stop()


def interrupts(m):
    t = Terminal(m, 'watch', 'kinesthetic')
    t.until(b'kinesthetic')
    code, took = t.interrupt()
    expect('Ctrl-C ends watch', code == 130 and took < 5 and t.seen.endswith(b'\r\n'), (code, took, t.seen[-80:]))
    t = Terminal(m, 'top')
    t.until(b'PROCESS')
    t.until(b'FIELD')
    code, took = t.interrupt()
    expect('and top', code == 130 and took < 5 and t.seen.endswith(b'\r\n'), (code, took, t.seen[-80:]))
    parrot = m.processes()['parrot']['pid']
    os.kill(parrot, signal.SIGSTOP)
    t = Terminal(m, 'say', 'are you there?')
    until('the question is asked', lambda: asked(t.pid))
    code, took = t.interrupt()
    os.kill(parrot, signal.SIGCONT)
    expect('and say', code == 130 and took < 5, (code, took, t.seen[-80:]))
    rc, out, err = m.run('say', 'and now?')
    expect('and the machine is not stuck', rc == 0 and 'and now?' in out, out + err)


def core_dies_under(m):
    """What was said to a core that dies is said to the next one, once."""
    now = m.processes()
    turns = m.json('state')['turns']
    core = now['core']['pid']
    m.kill(now['parrot']['pid'], signal.SIGSTOP)
    before = quiet_sockets(core)
    with subprocess.Popen([m.cadmus, 'say', 'who is there?'], env=m.env, stdout=subprocess.PIPE, text=True) as p:
        # not only at the door, where the next core would let it in, and it would never know
        until('the question is asked', lambda: asked(p.pid) and sockets(core) > before)
        m.kill(core)
        m.kill(now['parrot']['pid'], signal.SIGCONT)
        out = p.communicate(timeout=60)[0]
    expect('say asks the next core', p.returncode == 0 and 'core died; the next one is asked' in out and
           'who is there?' in out, out)
    expect('and the turn is there once', m.json('state')['turns'] == turns + 1)


def interrupted_start(m):
    """Ctrl-C at any time: while it starts, and while it looks whether all of it has."""
    for when in ('the daemon is there', 'it says that it is live'):
        t = Terminal(m, 'run', m.path)
        until('a daemon', lambda t=t: has_child(t.pid))
        if 'live' in when:
            t.until(b'is live')
        code, _ = t.interrupt()
        expect(f'Ctrl-C when {when} ends run', code in (0, 130), (code, t.seen[-200:]))
        until('and its machine', lambda: m.run('ps')[0] == 1 and not os.path.exists(m.work + '/run/small/control.sock'))


def has_child(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='utf-8') as f:
        return f.read() != ''


def sockets(pid):
    """How many it holds; 0: it is gone."""
    try:
        return sum(os.readlink(f'/proc/{pid}/fd/{fd}').startswith('socket:') for fd in os.listdir(f'/proc/{pid}/fd'))
    except OSError:
        return 0


def quiet_sockets(pid):
    """Without those of others who have just left."""
    found = []
    until('nobody comes or goes', lambda: found.append(sockets(pid)) or found[-10:] == [found[-1]] * 10)
    return found[-1]


def asked(pid):
    """Does it hold a connection, and sleep?"""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            sleeps = f.read().rsplit(')', 1)[1].split()[0] == 'S'
        return sleeps and sockets(pid) > 0
    except OSError:
        return False


def colours(m):
    broken = m.work + '/broken.cdl.yaml'
    with open(broken, 'w', encoding='utf-8') as f:
        f.write('version: 1.0\nentitties: {}\n')
    plain = {k: v for k, v in m.env.items() if k != 'NO_COLOR'}
    for name, env, there in (('a terminal', {**plain, 'TERM': 'xterm'}, True),
            ('NO_COLOR', {**plain, 'TERM': 'xterm', 'NO_COLOR': '1'}, False),
                             ('an empty NO_COLOR', {**plain, 'TERM': 'xterm', 'NO_COLOR': ''}, True),
                             ('a dumb one', {**plain, 'TERM': 'dumb'}, False)):
        t = Terminal(m, 'check', broken, env=env)
        code = t.end()
        expect(f'colours on {name}', code == 1 and (b'\033[' in t.seen) == there, t.seen)
    rc, out, err = m.run('check', broken, env=plain)
    expect('none in a pipe', rc == 1 and '\033' not in out + err, err)


def top_of_the_dead(m):
    top = subprocess.Popen([m.cadmus, 'top', '--json'], env=m.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    top.stdout.readline()
    expect('it goes down', m.run('down')[0] == 0)
    out, err = top.communicate(timeout=60)
    expect('top ends with the machine', top.returncode == 1 and is_error(err.decode(), 1), (top.returncode, err))
    rc, out, err = m.run('state', '--machine', 'small', '--json')
    expect('what it knew can be read', rc == 0 and json.loads(out)['settings'] == {'goal_bearing': '1'}, out + err)
    rc, out, err = m.run('log', '--machine', 'small', '--verify')
    expect('and its journal verified', rc == 0 and 'chain is whole' in out, out + err)


# ---- flights ----

def fly(m, steps, *options):
    path = m.work + '/short.fly.yaml'
    with open(path, 'w', encoding='utf-8') as f:
        f.write('machine: small.cdl.yaml\nsteps:\n- step: one\n  do:\n  - start: {}\n' + ''.join(f'  - {s}\n' for s in steps))
    return subprocess.Popen([m.cadmus, 'fly', *options, path], env=m.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def remembered(m, name='small'):
    return m.json('state', '--machine', name)


def is_back(m, name, before):
    left = [f for f in os.listdir(m.work + '/state') if '.before-' in f]
    expect(name, remembered(m) == before and not left, (remembered(m), before, left))


def flights(m):
    """A flight has a memory of its own: whatever becomes of it, the one that was there is back afterwards."""
    m.start()
    rc, out, err = m.run('say', '#name = Zoe')
    core, daemon = m.processes()['core']['pid'], m.daemon
    m.kill(daemon, signal.SIGSTOP)  # else core would come again
    m.kill(core)  # its last words stand in the -wal
    m.kill(daemon)  # and nobody is there who could start another one
    until('they are gone', lambda: not any(os.path.exists(f'/proc/{pid}') and not is_zombie(pid) for pid in (daemon, core)))
    expect('what was there has a -wal', rc == 0 and os.path.exists(m.work + '/state/small.journal-wal'), out + err)
    before = remembered(m)
    expect('and knows a name', 'Zoe' in [f['value'] for f in before['facts']], before)
    f = fly(m, ['say: {model: parrot, text: "#name = Ana"}', 'latency: {field: kinesthetic, samples: 1, target_ms: 0.000001}'])
    out, err = f.communicate(timeout=60)
    expect('a time that is missed fails nothing, and that is said', f.returncode == 0 and b'held by 0 of 1' in out
           and b'targets are shown, not judged' in out, out + err)
    expect('nobody claims to know whose the models are', b'models wrote' in out and b'of our own' not in out, out)
    expect('a flight says that it has put the state back', f.returncode == 0 and b'is back' in err, out + err)
    is_back(m, 'and so it has', before)
    found = [x['value'] for x in map(json.loads, m.run('recall', 'name', '--machine', 'small', '--json')[1].splitlines()) if x['kind'] == 'claim']
    expect('as is what can be recalled', found == ['Zoe'], found)
    there = os.listdir(m.work + '/state')
    expect("the flight's index is with its journal", 'small.flight.journal.memory' in there, there)
    names = [x['value'] for x in remembered(m, 'small.flight')['facts']]
    expect('and what it left can be read', names == ['Ana'], names)
    f = fly(m, ['wait_field: {field: kinesthetic, above: 5, within_ms: 1}'])
    out, err = f.communicate(timeout=60)
    expect('one that fails says so', f.returncode == 1 and b'is back' in err, out + err)
    is_back(m, 'and has put it back', before)
    f = fly(m, ['say: {model: parrot, text: hello, advance_m: 0}'])
    out, err = f.communicate(timeout=60)
    expect('what must come so far must move', f.returncode == 1 and b'it did not move' in out, out + err)
    f = fly(m, ['wait_field: {field: kinesthetic, above: 5, within_ms: 600000}'])
    until('it flies', lambda: m.run('ps', '--machine', 'small')[0] == 0)
    f.send_signal(signal.SIGINT)
    out, err = f.communicate(timeout=60)
    expect('one that is interrupted ends its machine', f.returncode == 130 and m.run('ps', '--machine', 'small')[0] == 1, out + err)
    is_back(m, 'and has put it back as well', before)
    f = fly(m, ['wait_field: {field: kinesthetic, above: 5, within_ms: 600000}'])
    until('it flies', lambda: m.run('ps', '--machine', 'small')[0] == 0)
    f.kill()
    f.communicate(timeout=60)
    until('the machine of a flight that was killed goes down', lambda: m.run('ps', '--machine', 'small')[0] == 1)
    until('and is gone', lambda: not os.path.exists(m.work + '/run/small/control.sock'))
    kept = [x for x in os.listdir(m.work + '/state') if x.startswith('small.journal.before-')]
    expect('and the memory is kept', 'small.journal' in [x.split('.before-')[0] for x in kept], kept)
    rc, out, err = m.run('check', m.path)
    expect('as everybody is told', 'D0106' in err and [x for x in kept if x in err], err)
    for x in kept:
        os.rename(f'{m.work}/state/{x}', f'{m.work}/state/small.journal' + x.partition('Z')[2])
    is_back(m, 'and can be put back', before)
    f = fly(m, ['start: {}'])
    out, err = f.communicate(timeout=60)
    expect('a machine is not started twice', f.returncode == 1 and b'started already' in out + err, out + err)
    is_back(m, 'nor is its memory lost by trying', before)
    f = fly(m, ['say: {model: parrot, text: "#name = Ana"}'], '--stay')
    out, err = f.communicate(timeout=60)
    there = [x for x in os.listdir(m.work + '/state') if x.startswith('small.journal.before-')]
    kept = [x for x in there if x.endswith('Z')]
    expect('one that stays keeps its own, and says where the other is', f.returncode == 0 and len(kept) == 1 and
           kept[0].encode() in err and [x['value'] for x in remembered(m)['facts']] == ['Ana'], (out, err, kept))
    expect('with its index', kept[0] + '.memory' in there, there)
    expect('which goes down', m.run('down')[0] == 0)


def is_zombie(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as f:
            return f.read().rsplit(')', 1)[1].split()[0] == 'Z'
    except OSError:
        return True


def main():
    m = Machine(sys.argv[1])
    try:
        help_texts(m)
        wrong_usage(m)
        nothing_runs(m)
        files(m)
        one_core(m)
        without_home(m)
        many_fields(m)
        bad_folders(m)
        interrupted_start(m)
        m.start()
        m.live('core', 'guard', 'parrot')
        right(m)
        what_happened(m)
        wrong_usage(m)
        world_says_no(m)
        facts(m)
        recalls(m)
        two_machines(m)
        seats(m)
        outputs(m)
        interrupts(m)
        core_dies_under(m)
        colours(m)
        top_of_the_dead(m)
        flights(m)
    finally:
        m.stop()
    return verdict()


sys.exit(main())

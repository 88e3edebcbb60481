#!/usr/bin/env python3
"""Mutation check of src/store: each memory order is weakened in turn, and some steps are left out; who sees it?

usage: weaken.py [--all] [--by=KIND] [--jobs=N] [--list] [--table] [WORD]...    only mutants in whose name a WORD stands

    --list     name the mutants and end
    --all      run every check of every mutant; else the first that sees it ends the matter, and those of UNSEEN have the first only
    --by=KIND  run no check but this one: weak, tsan or plain
    --jobs=N   try so many mutants at the same time; else one for each processor
    --table    write the result into test/fault/README.md

Works on a copy in a temporary folder.  The checks, quickest first: `weak`, weak_memory_test; `tsan`, the tests of src/store that have
threads, under ThreadSanitizer (clang); `plain`, those that are stress tests, as gcc builds them.  exit code: 0 every mutant was
seen or is in UNSEEN, which says why; 1 one was not, or one of UNSEEN was; 2 a check fails without any mutation, or the usage is wrong.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FILES = ['word.h', 'field.c', 'field_write.c', 'desk.c', 'wait.c', 'peers.h', 'peers.c', 'event.c', 'segment.c', 'directory.h', 'directory.c', 'tally.c', 'error_log.c']
UNITS = ['segment', 'directory', 'peers', 'desk', 'field', 'field_write', 'wait', 'event', 'tally', 'error_log']
FLAGS = ['-std=gnu11', '-g', '-w', '-D_GNU_SOURCE', '-DCADMUS_VERSION="0"', '-Iinclude', '-Isrc', '-I.']
WEAK = ['-include', 'test/fault/weak_memory.h']
KINDS = {  # compiler, flags of all, flags of src/store and tests, programs with their arguments
    'weak': (['gcc', '-O2'], [], WEAK, [('weak_memory_test', ['1500'])]),
    'tsan': (['clang', '-O1', '-fsanitize=thread'], [], [],
             [('field_race_test', []), ('event_test', []), ('wait_test', []), ('tally_test', []), ('error_log_test', [])]),
    'plain': (['gcc', '-O2'], [], [], [('field_race_test', []), ('field_kill_test', []), ('wait_test', []), ('peers_race_test', [])]),
}
WEAKER = {'word_store_total': 'word_store', 'word_load_total': 'word_load', 'word_store': 'word_poke', 'word_load': 'word_peek'}
ORDERS = {'__ATOMIC_ACQUIRE': '__ATOMIC_RELAXED', '__ATOMIC_RELEASE': '__ATOMIC_RELAXED'}

# Steps left out or exchanged: name, file, what stands there, what then does.
LOGICAL = [
    ('the odd stamp is not stored', 'field_write.c', 'word_store_total(stamp, odd); /* W1 */', ''),
    ('the desks are not looked at', 'field_write.c', 'if (old & 1 || !is_held(w, slot, old >> 1))', 'if (true)'),
    ('the stamp is even before the words', 'field_write.c', '\tsay(s, m, bytes, now);',
     '\tword_store(&s->stamp, (w->version + 1) << 1); say(s, m, bytes, now);'),
    ('no second look after the copy', 'field.c', 'if (word_load(&s->stamp) != x->version << 1) /* R9 */', 'if (false)'),
    ('no second look after the lease', 'field.c', 'if (word_load_total(&s->stamp) != x->version << 1 || unless', 'if (unless'),
    ('a lease in what was replaced', 'field.c', ' || unless_replaced(f, 0) != 0) /* L3, H5 */', ')'),
    ('zeros are nothing, or broken', 'field.c', 'f->segment) ? rc : MOVED_ON;', 'f->segment) ? rc : rc;'),
    ('zeros are events', 'event.c', 'if (!is_now(r))', 'if (false)'),
    ('the newest sample\'s slot is taken', 'field_write.c', 'for (uint32_t i = 1; i < slots', 'for (uint32_t i = 0; i < slots'),
    ('half a lap back may be before the last', 'field.c', 'version <= taken || version >=', 'version >='),
    ('missed is counted to the newest', 'field.c', 'lost + (x->version - taken - 1)', 'lost + (x->newest - taken - 1)'),
    ('the sleeper is not counted in', 'desk.c', '__atomic_fetch_add(wait_word(&t->own, what), 1, __ATOMIC_SEQ_CST);',
     '__atomic_fetch_add(wait_word(&t->own, what), 0, __ATOMIC_SEQ_CST);'),
    ('no second look before sleep', 'wait.c', 'int rc = find_news(s); /* S5 */', 'int rc = -EAGAIN;'),
    ('nobody is woken', 'wait.c', 'if (!desk_waiting(&w->desks, w->readers, w->plan->group))', 'if (true)'),
    ('no third look at a mapping', 'peers.c', 'if (__atomic_load_n(&t->at[process].now, __ATOMIC_SEQ_CST) == s) /* H3 */', 'if (true)'),
    ('users are not asked', 'peers.c', 'uint32_t users = __atomic_load_n(&s->users, __ATOMIC_SEQ_CST); /* T4 */', 'uint32_t users = 0;'),
    ('leases are not asked', 'peers.c', 'if (desk_holds(t, s->process, s->epoch))', 'if (false)'),
    ('stepping back is forgotten', 'peers.c', '__atomic_fetch_sub(&s->users, 1, __ATOMIC_SEQ_CST); /* H4 */\n\treturn false', 'return false'),
    ('an interrupt changes nothing', 'peers.c', '__atomic_fetch_add(&t->generation, 1, __ATOMIC_SEQ_CST);', ''),
    ('threads do not take turns', 'event.c', '__atomic_exchange_n(&w->busy, 1, __ATOMIC_ACQUIRE) == 0', 'true'),
    ('a record\'s odd stamp is not stored', 'event.c', 'word_store(&at->stamp, n << 1 | 1);', ''),
    ('no second look at a record', 'event.c', 'if (word_load(&at->stamp) != n << 1) /* N4 */', 'if (false)'),
]

# Not seen, and why that is right, by the names of the mutants.
OWN = 'the thread\'s own words: nobody else stores them'
FOUND = 'stronger than needed: what is found by it is acquired again (R7, L3)'
NAME = 'stronger than needed: the file descriptor came from who had stored it'
COUNT = 'stronger than needed: acq_rel would do; a count that lags only keeps a mapping for longer'
TIME = 'stronger than needed: what is taken is compared with it (take_chosen in view.c)'
PLAIN = 'NEEDED, and seen by no test: on this processor it is the same code; elsewhere the plain stores of a loan might come before the odd stamp'
HEAD = 'stronger than needed: futex(2) compares the same word again before it sleeps'
ELSEWHERE = 'not compiled for this processor'
FLAG = 'stronger than needed: the word itself is all that is told'
UNSEEN = {
    'word `word_store_first`: __atomic_store_n release -> relaxed': PLAIN,
    'word `word_store_first`: __atomic_store_n seq_cst -> release': ELSEWHERE,
    'word `word_store_first`: __atomic_load_n seq_cst -> acquire': ELSEWHERE,
    'field `look`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: an old mapping was right a moment ago; who finds nothing in it, or borrows, asks again (H5)',
    'desk `desk_mark_ahead`: __atomic_fetch_or seq_cst -> acq_rel': 'stronger than needed: a mark that comes late only keeps memory for longer',
    'desk `desk_mark_ahead`: __atomic_fetch_or seq_cst -> relaxed': 'stronger than needed: a mark that comes late only keeps memory for longer',
    'wait `watch_all`: __atomic_load_n seq_cst -> acquire': HEAD,
    'wait `watch_all`: __atomic_load_n seq_cst -> acquire (2)': HEAD,
    'event `begin`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: an old value makes the first wait say -ECANCELED once more',
    'event `is_too_early`: word_load -> word_peek': 'stronger than needed: N1 acquires it again',
    'event `next_record` N1: word_load -> word_peek': 'stronger than needed: a record is believed by its own stamp, which is acquired (N2)',
    'event `event_skip`: word_store -> word_poke': 'stronger than needed: what it passes over was not read',
    'event `event_news`: word_load_total -> word_load': HEAD,
    'directory.h `directory_lose`: __atomic_store_n release -> relaxed': FLAG,
    'directory.h `directory_is_over`: __atomic_load_n acquire -> relaxed': FLAG,
    'directory.h `directory_is_orphan`: __atomic_load_n acquire -> relaxed': FLAG,
    'tally `tally_take`: word_store -> word_poke': 'stronger than needed: one without an epoch is passed over (slowest_in)',
    'tally `tally_leave`: word_store -> word_poke': 'stronger than needed: the next handle comes by `tallied`, which is released after it',
    'field `field_watch_open`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: an old value makes the first wait say -ECANCELED once more',
    'field `find_latest` R2: word_load_total -> word_load': HEAD,
    'field `find_latest`: word_load_total -> word_load': 'stronger than needed: it decides whether to look again, and a head never goes back',
    'field `find_behind` R1: word_load -> word_peek': FOUND,
    'field `copy_words` R7: word_load -> word_peek': 'stronger than needed: that stamp was acquired when it was found (R1, R3, R5)',
    'field `copy_words` R9: word_load -> word_peek': 'stronger than needed: the words before it were acquired, and it comes after them by that',
    'field `field_source_time`: word_load -> word_peek': TIME,
    'field `field_source_time`: word_load -> word_peek (2)': TIME,
    'field_write `mark`: word_load_total -> word_load': PLAIN,
    'field_write `open_one`: word_load -> word_peek': OWN,
    'field_write `open_one`: word_load -> word_peek (2)': OWN,
    'wait `watch_all` S3: word_load_total -> word_load': HEAD,
    'wait `word_changed`: __atomic_load_n seq_cst -> acquire': HEAD,
    'desk `desk_is_known`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: `now` was stored before (T1), and comes with it',
    'desk `desk_wait_end` S7: __atomic_fetch_sub seq_cst -> acq_rel': 'stronger than needed: a count that lags only makes one wake-up more',
    'desk `desk_wait_end` S7: __atomic_fetch_sub seq_cst -> relaxed': 'stronger than needed: a count that lags only makes one wake-up more',
    'desk `desk_waits`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: tests and people read it',
    'wait `sleep_until` S2: __atomic_load_n seq_cst -> acquire': HEAD,
    'peers.h `peers_now`: __atomic_load_n seq_cst -> acquire': 'stronger than needed: whoever looks at desks has acquired it with `mapped` (present in desk.c)',
    'peers `acknowledge` T2: __atomic_store_n seq_cst -> release': 'stronger than needed: who acquires it knows of T1',
    'peers `count_in` H4: __atomic_fetch_sub seq_cst -> acq_rel': COUNT,
    'peers `count_in` H4: __atomic_fetch_sub seq_cst -> relaxed': 'who steps back has looked at nothing in it',
    'peers `peers_drop` H4: __atomic_fetch_sub seq_cst -> acq_rel': COUNT,
    'peers `peers_hold` H1: __atomic_load_n seq_cst -> acquire': 'stronger than needed: H3 looks again, totally',
    'peers `peers_get`: __atomic_load_n seq_cst -> acquire': OWN,
    'event `event_writer_open`: word_load -> word_peek': OWN,
    'event `event_write` E2: word_store -> word_poke': 'stronger than needed: each word after it (E3) is released, and brings it',
    'event `event_write` E4: word_store -> word_poke': 'stronger than needed: the head (E5) is released after it, and acquired first (N1)',
    'event `event_skip`: word_load -> word_peek': 'stronger than needed: the next call acquires the head again (N1)',
    'event `copy` N2: word_load -> word_peek': 'stronger than needed: the head was acquired before (N1)',
    'event `copy` N4: word_load -> word_peek': 'stronger than needed: the words before it were acquired, and it comes after them by that',
    'segment `format`: word_store -> word_poke': NAME,
    'segment `head_is_right`: word_load -> word_peek': NAME,
    'directory `directory_map_writer`: word_store -> word_poke': NAME,
    'directory `directory_map_reader`: word_load -> word_peek': NAME,
}


class Mutant:
    def __init__(self, name, path, text):
        self.name, self.path, self.text = name, path, text


def function_at(lines, n):
    """The function that line n is in."""
    for line in reversed(lines[:n + 1]):
        m = re.match(r'(?!struct \w+ \{|static const)(?:HOT )?[a-z][\w ]*[ *](\w+)\(', line)
        if m:
            return m.group(1)
    return '?'


def where(name, lines, n):
    return f'{name if name in ("peers.h", "directory.h") else name[:-2]} `{function_at(lines, n)}`'


def weaker_orders(call, order):
    if order in ORDERS:
        return [ORDERS[order]]
    if 'load' in call or 'store' in call:
        return ['__ATOMIC_ACQUIRE' if 'load' in call else '__ATOMIC_RELEASE']
    return ['__ATOMIC_ACQ_REL', '__ATOMIC_RELAXED']


def orders_of(name, text):
    """Mutants of the orders in one file, in the order of their lines."""
    lines = text.split('\n')
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)
    found, seen = [], {}
    for m in re.finditer(r'\b(word_(?:store|load)(?:_total)?)\(|(__atomic_\w+)\([^;]*?(__ATOMIC_(?:SEQ_CST|ACQUIRE|RELEASE))', text):
        n = next(i for i in range(len(lines)) if begins[i + 1] > m.start())
        line = lines[n]
        if line.lstrip().startswith(('*', '/*')) or re.match(r'static inline.*\bword_', line):
            continue
        if m.group(1):
            what, all_weaker, span = m.group(1), [WEAKER[m.group(1)]], m.span(1)
        else:
            all_weaker, span = weaker_orders(m.group(2), m.group(3)), m.span(3)
            what = f'{m.group(2)} {m.group(3)[9:].lower()}'
        step = re.search(r'/\* ([A-Z][0-9])', text[m.start():text.index('\n', m.end())])
        for weaker in all_weaker:
            title = f'{where(name, lines, n)}{" " + step.group(1) if step else ""}: {what} -> {weaker.replace("__ATOMIC_", "").lower()}'
            seen[title] = seen.get(title, 0) + 1
            if seen[title] > 1:
                title += f' ({seen[title]})'
            found.append(Mutant(title, name, text[:span[0]] + weaker + text[span[1]:]))
    return found


def mutants():
    found = []
    texts = {f: open(os.path.join(ROOT, 'src/store', f), encoding='utf-8').read() for f in FILES}
    for f in FILES:
        found += orders_of(f, texts[f])
    for name, f, there, then in LOGICAL:
        if texts[f].count(there) != 1:
            sys.exit(f'weaken.py: {f}: this stands there {texts[f].count(there)} times, not once: {there}')
        found.append(Mutant(f'{f[:-2]}: {name}', f, texts[f].replace(there, then)))
    return found


class Bench:
    """A copy of what the tests of src/store are made of, and the objects made of it."""

    def __init__(self, folder, kinds):
        self.folder = folder
        for part in ['src/base', 'src/schema', 'src/store', 'include', 'test/lib', 'test/fault']:
            shutil.copytree(os.path.join(ROOT, part), os.path.join(folder, part))
        for kind in kinds:
            os.makedirs(os.path.join(folder, kind))
            self.library(kind)

    def run(self, command, seconds=600):
        try:
            return subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                                  env={**os.environ, 'TSAN_OPTIONS': 'suppressions=' + os.path.join(ROOT, 'tools/lib/tsan.supp')})
        except subprocess.TimeoutExpired:
            return None

    def compile(self, kind, sources, flags):
        cc = KINDS[kind][0]
        jobs = []
        for source in sources:
            out = f'{kind}/{os.path.basename(source)[:-2]}.o'
            jobs.append(subprocess.Popen(cc + FLAGS + flags + ['-c', source, '-o', out], cwd=self.folder,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
            if len(jobs) >= (os.cpu_count() or 1):
                self.finish(jobs.pop(0))
        for job in jobs:
            self.finish(job)

    @staticmethod
    def finish(job):
        said = job.communicate()[0]
        if job.returncode != 0:
            raise RuntimeError(said.decode(errors='replace'))

    def library(self, kind):
        sources = [s for part in ['src/base', 'src/schema'] for s in glob.glob(f'{self.folder}/{part}/*.c') if not s.endswith('_test.c')]
        sources = [os.path.relpath(s, self.folder) for s in sources] + ['test/lib/plan_builder.c']
        self.compile(kind, sources, [])
        objects = [f'{kind}/{os.path.basename(s)[:-2]}.o' for s in sources]
        if self.run(['ar', 'rcs', f'{kind}/lib.a'] + objects).returncode != 0:
            raise RuntimeError('ar')
        if kind == 'weak':
            self.compile(kind, ['test/fault/weak_memory.c'], [])
        self.units(kind, UNITS)
        self.compile(kind, [self.source(p) for p, _ in KINDS[kind][3]], KINDS[kind][2])

    @staticmethod
    def source(program):
        return f'test/fault/{program}.c' if program.startswith('weak') else f'src/store/{program}.c'

    def units(self, kind, names):
        self.compile(kind, [f'src/store/{u}.c' for u in names], KINDS[kind][2])

    def sees(self, kind):
        """Does a program of that kind fail?"""
        cc, _, _, programs = KINDS[kind]
        for program, arguments in programs:
            objects = [f'{kind}/{u}.o' for u in UNITS] + [f'{kind}/{program}.o']
            objects += [f'{kind}/weak_memory.o'] if kind == 'weak' else []
            wrap = ['-Wl,--wrap=malloc'] if program == 'peers_test' else []
            linked = self.run(cc + objects + [f'{kind}/lib.a', '-o', f'{kind}/{program}'] + wrap + ['-lsodium', '-lm', '-lpthread'])
            if linked.returncode != 0:
                raise RuntimeError(linked.stdout.decode(errors='replace'))
            ran = self.run([f'{kind}/{program}'] + arguments, 300)
            if ran is None or ran.returncode != 0:
                return program
        return None

    def try_mutant(self, m, kinds, every):
        path = os.path.join(self.folder, 'src/store', m.path)
        before = open(path, encoding='utf-8').read()
        seen = {}
        with open(path, 'w', encoding='utf-8') as f:
            f.write(m.text)
        touched = UNITS if m.path.endswith('.h') else [m.path[:-2]]
        for kind in kinds:
            self.units(kind, touched)
            seen[kind] = self.sees(kind)
            if seen[kind] and not every:
                break
        with open(path, 'w', encoding='utf-8') as f:
            f.write(before)
        for kind in seen:
            self.units(kind, touched)
        return seen


def told(m, seen):
    """A row of the table."""
    by = ', '.join(f'{kind} ({program[:-5]})' if kind != 'weak' else 'weak' for kind, program in seen.items() if program)
    return f'| {m.name} | {by or "not seen: " + UNSEEN.get(m.name, "?")} |'


def write_table(rows):
    path = os.path.join(ROOT, 'test/fault/README.md')
    text = open(path, encoding='utf-8').read()
    begin, end = '<!-- weaken.py --table -->\n', '<!-- end -->'
    at, to = text.index(begin) + len(begin), text.index(end)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text[:at] + '| mutant | seen by |\n|---|---|\n' + '\n'.join(rows) + '\n\n' + counted(rows) + '\n' + text[to:])


def counted(rows):
    unseen = [r for r in rows if 'not seen' in r]
    needed = [r for r in unseen if 'NEEDED' in r]
    return (f'{len(rows)} mutants: {len(rows) - len(unseen)} are seen, {len(unseen) - len(needed)} are stronger than they need to be, or not compiled '
            f'here, and {len(needed)} are needed and seen by no test.')


def main():
    options = [a for a in sys.argv[1:] if a.startswith('--')]
    if '--help' in options:
        print(__doc__)
        return 0
    unknown = [a for a in options if not re.fullmatch(r'--(all|list|table|by=(weak|tsan|plain)|jobs=\d+)', a)]
    if unknown:
        print(f'weaken.py: what is {unknown[0]}? see weaken.py --help', file=sys.stderr)
        return 2
    words = [a for a in sys.argv[1:] if not a.startswith('--')]
    all_of_them = mutants()
    names = {m.name for m in all_of_them}
    stale = [n for n in UNSEEN if n not in names]
    if stale:
        sys.exit('weaken.py: UNSEEN names what is no mutant any more: ' + '; '.join(stale))
    chosen = [m for m in all_of_them if not words or any(w in m.name for w in words)]
    if '--list' in options:
        print('\n'.join(m.name for m in chosen))
        return 0
    kinds = [a[5:] for a in options if a.startswith('--by=')] or list(KINDS)
    jobs = next((int(a[7:]) for a in options if a.startswith('--jobs=')), os.cpu_count() or 1)
    every, rows, wrong, begun = '--all' in options, [], 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix='weaken.') as folder:
        benches = [Bench(os.path.join(folder, str(i)), kinds) for i in range(max(1, min(jobs, len(chosen))))]
        for kind in kinds:
            program = benches[0].sees(kind)
            if program:
                print(f'{kind} fails without any mutation: {program}')
                return 2

        def one(m):
            bench = benches.pop()
            try:
                return bench.try_mutant(m, kinds[:1] if m.name in UNSEEN and not every else kinds, every)
            finally:
                benches.append(bench)

        with ThreadPoolExecutor(len(benches)) as pool:
            for m, seen in zip(chosen, pool.map(one, chosen)):
                unexpected = any(seen.values()) == (m.name in UNSEEN)
                wrong += unexpected
                rows.append(told(m, seen))
                print(rows[-1] + (' <-- not as expected' if unexpected else ''), flush=True)
    needed = sum('not seen: NEEDED' in r for r in rows)
    print(f'{len(rows)} mutants, {wrong} not as expected, {needed} needed and seen by no test, {time.monotonic() - begun:.0f} s')
    if '--table' in options:
        write_table(rows)
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

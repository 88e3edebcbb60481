"""For python_test.py: what is seen, said and done of several things at once: views, groups, events, errors, threads."""
import array
import errno
import gc
import select
import threading
import time

import cadmus
from cadmus import _handle, _library
from machine import expect, until
from python_values import says_no


def views(camera, c):
    w, v = camera.writer('level'), camera.writer('ticks')
    r, q = c.reader('level'), c.reader('ticks')
    t = time.monotonic_ns()
    for n in range(1, 4):
        w.write(float(n), source_time=t - (10 - n) * 10_000_000)
    v.write(7, source_time=t - 79_000_000)
    until('both are known', lambda: r.peek() and q.peek())
    a, b = cadmus.view([r, q])
    expect('of each the newest that is not after the moment', (a.memory.tolist(), b.memory.tolist()) == (2.0, 7), (a, b))
    expect('which is the latest that both can speak of', a.source_time <= b.source_time == t - 79_000_000, (a.info, b.info))
    a, b = cadmus.view([q, r], at=t - 75_000_000, max_skew=0.02)
    expect('or that which was asked for, in the order of the readers', (a.memory.tolist(), b.memory.tolist()) == (7, 2.0), (a, b))

    def refused(reason, reader, **terms):
        try:
            cadmus.view([r, q], **terms)
            expect(f'no view for {terms}', False)
        except cadmus.Incoherent as e:
            expect(f'no view for {terms}: {e.strerror}', (e.errno, e.reason) == (errno.ESTALE, reason) and reader in (e.reader, None), e.reason)
    refused('skew', r, max_skew=0.0005)
    refused('age', r, max_age=0.01)
    refused('history', None, at=t - 100_000_000_000)
    refused('trust', r, min_trust=0.99)
    refused('skew', r, max_skew=1e-10)
    refused('age', r, max_age=1e-300)
    expect('for ever is any', len(cadmus.view([r, q], max_skew=float('inf'), max_age=1e30)) == 2)
    for no in (-1.0, -1e-10, float('nan')):
        for term in ('max_skew', 'max_age', 'min_trust'):
            says_no(f'{term}={no}', ValueError, lambda term=term, no=no: cadmus.view([r, q], **{term: no}), term)
    says_no('a moment before all', ValueError, lambda: cadmus.view([r, q], at=-1), 'at')
    says_no('nor does one wait for NaN seconds', ValueError, lambda: r.wait(float('nan')), 'NaN')
    says_no('a view of nothing', ValueError, lambda: cadmus.view([]))
    says_no('of one twice', ValueError, lambda: cadmus.view([r, r]))
    frame, f = camera.writer('camera.frame'), c.reader('camera.frame')
    frame.write(bytes([5]) * f.field.bytes)
    until('its writer has heard of us', lambda: leased(f))
    x, y = cadmus.view([f, c.reader('deep')], lease=True) if deep(camera, c) else (None, None)
    expect('a view can be borrowed', x.leased and y.leased and x.memory.readonly, (x, y))
    before = bytes(x.memory.cast('B')[:4])
    for n in range(20):
        frame.write(bytes([n]) * f.field.bytes)
    expect('and is not overwritten', bytes(x.memory.cast('B')[:4]) == before == bytes([5] * 4), before)
    for h in (x, y, frame, w, v):
        h.close()


def leased(reader):
    try:
        reader.lease().close()
        return True
    except cadmus.NoSample:
        return False


def deep(camera, c):
    with camera.writer('deep') as w:
        w.write(bytes(96))
    until('it is there', lambda: leased(c.reader('deep')))
    return True


def numbers(*values):
    return array.array('d', values)


def groups(camera, c):
    g = camera.group('right')
    r, q = c.reader('left'), c.reader('right')
    expect('a group has its fields, the first of them first', list(g.fields) == ['left', 'right'], list(g.fields))
    expect('a commit has a version', [g.write({'left': float(n), 'right': numbers(n, n + 0.5, n + 0.75)}) for n in range(3)] == [1, 2, 3])
    until('it is known', lambda: r.peek() and q.peek())
    expect('and all of it is there', (r.read().memory.tolist(), q.read().memory.tolist()) == (2.0, [2, 2.5, 2.75]))
    says_no('half a commit', ValueError, lambda: g.write({'left': 1.0}), 'left, right')
    says_no('a wrong value, and nothing is published', ValueError, lambda: g.write({'left': 1.0, 'right': numbers(1, 2)}))
    expect('nothing was', r.read().version == 3)
    says_no('a second writer of the group', cadmus.Busy, lambda: camera.group('left'), code=errno.EBUSY)
    says_no('a writer of one of them', OSError, lambda: camera.writer('left'))
    says_no('somebody else', cadmus.NotAllowed, lambda: c.group('left'), 'camera')
    over, torn, seen = threading.Event(), [], set()

    def read():
        mine, other = c.reader('left'), c.reader('right')
        while not over.is_set():
            try:
                a, b = cadmus.view([mine, other])
            except (cadmus.NoSample, cadmus.Incoherent):  # the writer, which never rests, was faster again and again
                continue
            seen.add(a.version)
            if a.version != b.version or b.memory.tolist() != [a.memory.tolist()] * 3:
                torn.append((a.version, b.version, a.memory.tolist(), b.memory.tolist()))
    g.write({'left': 0.0, 'right': numbers(0, 0, 0)})
    t = threading.Thread(target=read)
    t.start()
    for n in range(3000):
        g.write({'left': float(n), 'right': numbers(n, n, n)})
    until('somebody looks meanwhile', lambda: g.write({'left': 1.0, 'right': numbers(1, 1, 1)}) and len(seen) > 5)
    over.set()
    t.join()
    expect('whoever looks meanwhile sees whole commits', not torn, torn[:1])
    g.close()
    says_no('a closed group', ValueError, lambda: g.write({'left': 1.0, 'right': numbers(1, 2, 3)}), 'closed')
    says_no('none of them is written alone', OSError, lambda: camera.writer('left'), 'left', 'group()', code=errno.EINVAL)
    camera.group('left').close()


def local(m, work):
    """A machine inside this program, of the same description."""
    rc, out, err = m.run('plan', m.path, '--output', work + '/small.plan')
    expect('a plan is written', rc == 0, out + err)
    says_no('what is no plan', OSError, lambda: cadmus.Local(b'nothing'), 'cadmus plan --output', code=errno.EPROTO)
    says_no('a file that is not there', FileNotFoundError, lambda: cadmus.Local(work + '/none.plan'))
    with cadmus.Local(work + '/small.plan') as here:
        camera, finder, client = here.attach('camera'), here.attach('finder'), here.attach()
        says_no('one who is there', cadmus.Busy, lambda: here.attach('camera'), 'camera')
        says_no('nobody', cadmus.NotFound, lambda: here.attach('nobody'), 'nobody')
        w, r, notes = camera.writer('camera.frame'), finder.reader('camera.frame'), finder.writer('notes')
        notes.derive(r)
        w.write(bytes([3]) * (48 * 64 * 3), trust=0.5)
        with r.lease() as frame:
            notes.write(b'seen %d' % frame.memory[0, 0, 0])
        s = client.reader('notes').read()
        expect('a model is tried without a machine', bytes(s.memory) == b'seen 3' and s.trust == 0.5, s)
        camera.note(1, 2, 'hello')
        heard = client.events('camera')
        e = heard.next()
        expect('with events', (e.text, e.number, e.epoch) == ('hello', 1, 1), e)
        state = client.reader('camera.frame')
        camera.die()
        expect('and deaths', state.peek().status == cadmus.Status.ORPHAN and client.processes['camera'].state == 'dead', state.peek())
        says_no('the dead do nothing', ValueError, lambda: camera.writer('level'), 'closed')
        again = here.attach('camera')
        expect('and come again', client.processes['camera'].epoch == 2 and client.processes['camera'].restarts == 1)
        again.note(text='back')
        e = heard.next()
        expect('with numbers of that life', (e.text, e.number, e.epoch) == ('back', 1, 2), e)
        again.writer('level').write(1.0)
        expect('with what they write', client.reader('level').read().epoch == 2)
    expect('closing it closes all', client.closed and again.closed and finder.closed)


def events(m, camera, c):
    everything, mine = c.events(), c.events('camera', kinds=['noted'], source='camera')
    says_no('events of nobody', cadmus.NotFound, lambda: c.events('nobody'), 'camera')
    says_no('of no kind', cadmus.NotFound, lambda: c.events(kinds=['nothing']), 'nothing')
    everything.skip()
    for n in range(3):
        camera.note(n, 1 << 63, f'note {n}')
    until('it is heard', lambda: mine.wait(1))
    heard = [e for e in mine.follow(0)]
    expect('events are heard in order', [(e.a, e.b, e.text, e.number, e.missed) for e in heard] ==
           [(n, 1 << 63, f'note {n}', heard[0].number + n, 0) for n in range(3)], heard)
    e = heard[0]
    expect('and say whose they are', (e.kind, e.process, e.source) == ('noted', 'camera', 'camera') and 0 <= e.age < 60, e)
    expect('among all as well', [x.text for x in everything.follow(0) if x.kind == 'noted'] == ['note 0', 'note 1', 'note 2'])
    said = []
    t = threading.Thread(target=lambda: said.append(next(iter(mine))))
    t.start()
    camera.note(text='later')
    t.join(30)
    expect('who sleeps for one is woken', [x.text for x in said] == ['later'], said)
    expect('a wait ends in its time', not mine.wait(0.05))
    expect('an event loop sleeps for it', select.select([mine], [], [], 0)[0] == [])
    camera.note(text='polled')
    expect('and is told', select.select([mine], [], [], 30)[0] == [mine] and mine.next().text == 'polled')
    for n in range(3000):
        camera.note(n)
    late = list(mine.follow(0))
    expect('a slow reader is told what it missed', late[0].missed > 0 and late[0].missed + len(late) == 3000 and
           mine.missed == late[0].missed, (late[0], len(late), mine.missed))
    everything.close()  # or the writer waits for it
    slow = c.events('finder')  # whose description says that nothing of it may be lost
    with cadmus.attach('small', as_='finder') as finder:
        finder.note(0)
        until('it is heard', lambda: slow.wait(1))
        expect('the first one is there', slow.next().a == 0)
        written = 0
        try:
            while written < 5000:
                finder.note(written + 1)
                written += 1
        except cadmus.Dropped as e:
            expect('where the description says so, the writer is refused', written == 1024 and e.errno == errno.EAGAIN, written)
        rest = list(slow.follow(0))
        expect('and nothing is missed', [x.a for x in rest] == list(range(1, 1025)) and slow.missed == 0, (len(rest), slow.missed))
        finder.note(7)
        expect('then there is room again', slow.wait(30) and slow.next().a == 7)
        finder.report('cannot see %s', 'cannot see the moon')
        finder.report('cannot see %s', 'cannot see the sun')
        finder.report('alone')
        errors = [(x['count'], x['text']) for x in m.json('stat', '--errors') if x['process'] == 'finder']
        expect('what it reports is in `cadmus stat`', errors == [(2, 'cannot see the moon'), (1, 'alone')], errors)
        stat = m.json('stat')
        finders = next(x for x in stat['events'] if x['process'] == 'finder')
        mine_there = [x for x in finders['readers'] if x['copied'] == 1026]
        expect('and so is who listens', finders['written'] == 1026 and finders['dropped'] == 1 and mine_there and
               mine_there[0]['behind'] == 0, finders)
    for h in (mine, slow):
        h.close()


# ---- threads -------------------------------------------------------------------------------------

class Instead:
    """Other functions of the library, or of a class, for a `with`; each is given the real one first."""

    def __init__(self, of=_library.lib, **functions):
        self.of, self.functions = of, functions

    def __enter__(self):
        self.real = {n: getattr(self.of, n) for n in self.functions}
        for n, f in self.functions.items():
            setattr(self.of, n, lambda *a, f=f, real=self.real[n]: f(real, *a))

    def __exit__(self, *_):
        for n, f in self.real.items():
            setattr(self.of, n, f)


class Sleeper:
    """Somebody who sleeps in the library for a sample of that reader until the end of the `with`, or for half a minute."""

    def __init__(self, reader):
        self.reader, self.begun, self.over = reader, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=reader.wait)

    def wait(self, real, pointer, ns):
        if pointer != self.reader.pointer:
            return real(pointer, ns)
        self.begun.set()
        self.over.wait(30)
        return 0

    def __enter__(self):
        with Instead(cdm_wait=self.wait):
            self.thread.start()
            self.begun.wait()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    @property
    def sleeps(self):
        return self.thread.is_alive()


def linked(finder, field, *sources):
    w, readers = finder.writer(field), [finder.reader(s) for s in sources]
    w.derive(*readers)
    for r in readers:
        r.read()
    return w, *readers


def each_in_its_turn(finder):
    """Somebody who sleeps on a derived reader is in the way of nobody but its own writer."""
    (w, r, other), (v, q) = linked(finder, 'notes', 'level', 'level'), linked(finder, 'faces', 'ticks')
    with Sleeper(r) as one:
        for _ in range(100):
            v.write(bytes(192))
            q.read()
        expect('who is derived from something else does not wait for it', one.sleeps)
        del w, other
        gc.collect()
        expect('nor does the collector', one.sleeps)
        says_no('which leaves what is in use', cadmus.Busy, lambda: finder.writer('notes'))
    r.close()
    w, r, other = linked(finder, 'notes', 'level', 'level')
    expect('until it is not any more', not w.closed)
    w.close()
    with Sleeper(r) as one:
        for _ in range(100):
            other.read()
        expect('readers of a writer that is closed go on alone', one.sleeps)
        w = finder.writer('notes')
        w.derive(other)
        other.read()
        w.write(b'again')
        w.close()
        expect('also with another one', one.sleeps)
    for h in (v, q, r, other):
        h.close()


def queued(finder):
    """Who waits for what is being linked comes after that, and not beside others."""
    inside, both, joined, stop = [], [], [], []

    def slow(real, *arguments):
        both.extend(inside if joined else [])
        inside.append(real.__name__)
        time.sleep(0.001)
        rc = real(*arguments)
        inside.pop()
        return rc

    def link(real, *cells):
        time.sleep(0.02)  # who comes now is queued for what they were before
        joined.append(cells)
        real(*cells)

    def again(call):
        while not stop:
            try:
                call()
            except OSError:  # the writers have nothing to go by yet
                pass
            time.sleep(0.001)
    for _ in range(5):
        r, w, v = finder.reader('level'), finder.writer('faces'), finder.writer('notes')
        v.derive(r)
        joined.clear()
        stop.clear()
        calls = r.peek, lambda r=r: cadmus.view([r]), lambda w=w: w.write(bytes(192)), lambda v=v: v.write(b'')
        with Instead(_handle.Cell, link=link), Instead(cdm_peek=slow, cdm_write=slow, cdm_view=slow):
            threads = [threading.Thread(target=again, args=(c,)) for c in calls]
            for t in threads:
                t.start()
            w.derive(r)
            time.sleep(0.02)
            stop.append(True)
            for t in threads:
                t.join()
        for h in (w, r, v):
            h.close()
    expect('of those that are linked one at a time is in the library', not both, both)


def amid_a_call(finder):
    """A signal handler, or what the collector calls, may close what is in use, and what it uses."""
    said = []
    with Instead(cdm_writer_close=lambda real, *a: (said.append('closed'), real(*a))):
        w = finder.writer('faces')
    with Instead(cdm_write=lambda real, *a: (w.close(), said.append('written'), -errno.EAGAIN)[-1]):
        says_no('a writer that is closed in the middle of a call', cadmus.Dropped, lambda: w.write(bytes(192)))
    expect('is closed at its end', said == ['written', 'closed'] and w.closed, said)
    w, r = linked(finder, 'faces', 'level')
    other = finder.reader('level')
    with Instead(cdm_peek=lambda real, *a: w.derive(other, r) or real(*a)):
        says_no('nothing is linked in the middle of a call', RuntimeError, r.peek, 'middle of a call')
    w.write(bytes(192))
    for h in (w, r, other):
        h.close()


def crosswise(finder):
    """Who takes several turns takes them in one order, whatever he calls them by."""
    (w, a, d), (v, b, c) = linked(finder, 'notes', 'level', 'ticks'), linked(finder, 'faces', 'ticks', 'level')

    done = []

    def look(*readers):
        for _ in range(300):
            cadmus.view(readers)
            cadmus.wait_any(readers, 0)
        done.append(readers)
    threads = [threading.Thread(target=look, args=readers, daemon=True) for readers in ((a, b), (b, a), (c, d), (d, c))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    expect('nobody waits for whom he is waited for by', len(done) == len(threads), done)
    for h in (w, v, a, b, c, d):
        h.close()


def turns(work):
    with cadmus.Local(work + '/small.plan') as here:
        camera, finder = here.attach('camera'), here.attach('finder')
        level, ticks, now = camera.writer('level'), camera.writer('ticks'), time.monotonic_ns()
        level.write(1.0, source_time=now)
        ticks.write(1, source_time=now)
        each_in_its_turn(finder)
        queued(finder)
        amid_a_call(finder)
        crosswise(finder)

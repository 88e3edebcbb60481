#!/usr/bin/env python3
"""The doors of a machine that lives: their folder is deleted, and people stand before them who say nothing.

usage: doors_test.py CADMUS
"""
import errno
import os
import shutil
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Control, Gone, Machine, expect, until, verdict  # noqa: E402

DOORS = ('attach.sock', 'control.sock', 'stop.sock')


def knock(m, door):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(30)

    def inside():
        try:
            s.connect(m.door(door))
            return True
        except BlockingIOError:  # so many wait that there is a queue
            return False
    until(f'a place in the queue at {door}', inside)
    return s


def is_open(m, door):
    try:
        knock(m, door).close()
        return True
    except OSError:
        return False


def reachable(m, what):
    """Every verb that needs a door finds one again."""
    until(f'{what}: the doors are made anew', lambda: all(is_open(m, d) for d in DOORS))
    rc, out, err = m.run('ps', '--json')
    expect(f'{what}: ps', rc == 0, out + err)
    rc, out, err = m.run('stop')
    expect(f'{what}: stop', rc == 0 and 'stopped' in out, out + err)

    def answers():
        try:
            c = Control(m)
            r = c.ask(op='say', text='hello')
            c.close()
            return r
        except Gone:
            return None
    r = until(f'{what}: core listens', answers)
    expect(f'{what}: say', r['ev'] == 'done', r)


def gives_descriptors(m):
    """A client hands descriptors to the parent, which has asked for none and keeps none."""
    s = knock(m, 'attach.sock')
    s.send(struct.pack('3I48x', 0x74746163, 5, 0))
    _, fds, _, _ = socket.recv_fds(s, 256, 8)
    for fd in fds:
        os.close(fd)
    before = len(m.descriptors())
    hello = struct.pack('5I108x', 0x74616573, 1, 0, 1, 1)
    with open('/dev/null', 'rb') as f:
        for _ in range(100):
            until('there is room', lambda: sent(s, hello, [f.fileno()] * 3))
    reachable(m, 'after descriptors that nobody asked for')
    expect('none of them is kept', len(m.descriptors()) < before + 50, [before, len(m.descriptors())])
    s.close()


def other_version(m):
    s = knock(m, 'attach.sock')
    s.send(struct.pack('3I48x', 0x74746163, 99, 0))
    said = s.recv(256)
    expect('a program of another version hears of both', b'version 5 ' in said and b'version 99' in said, said)
    s.close()


def sent(s, message, fds):
    try:
        return socket.send_fds(s, [message], fds, socket.MSG_DONTWAIT) > 0
    except BlockingIOError:
        return False


def remove(folder):
    """As `rm -rf` does; and again, as it would be, if a door was made in it meanwhile."""
    while True:
        try:
            return shutil.rmtree(folder)
        except OSError as e:
            if e.errno != errno.ENOTEMPTY:
                raise


def deleted(m):
    before = len(m.descriptors())
    kept = Control(m)
    remove(m.work + '/run/small')
    reachable(m, 'folder deleted')
    expect('who was connected stays so', kept.ask(op='say', text='still here')['ev'] == 'done')
    kept.close()
    os.rename(m.work + '/run/small', m.work + '/run/elsewhere')
    reachable(m, 'folder moved away')
    remove(m.work + '/run')
    reachable(m, 'folder above deleted')
    for door in DOORS:
        os.unlink(m.door(door))
        reachable(m, f'{door} deleted')
    mode = os.stat(m.work + '/run/small').st_mode & 0o777
    expect('the new folder is ours alone', mode == 0o700, oct(mode))
    until('nothing stays open', lambda: len(m.descriptors()) <= before + 8)  # a client seat's memory stays until its next use


def restarted(m):
    """A core and a guard that come after the deletion have doors too."""
    remove(m.work + '/run/small')
    until('the doors are made anew', lambda: all(is_open(m, d) for d in DOORS))
    for name in ('core', 'guard'):
        epoch = m.live(name)[name]['epoch']
        m.kill(m.processes()[name]['pid'])
        until(f'{name} is back', lambda: m.processes()[name]['epoch'] > epoch and m.processes()[name]['state'] == 'live')
    reachable(m, 'core and guard restarted')


def silent(m, door, verb):
    """More of them than there are places, and one verb between them all."""
    crowd = [knock(m, door) for _ in range(40)]
    rc, out, err = m.run(*verb)
    expect(f'{len(crowd)} who say nothing at {door} are in nobody\'s way', rc == 0, out + err)
    return crowd


def silence(m):
    crowd = silent(m, 'attach.sock', ['ps'])
    expect('and each of them is hung up on', all(s.recv(1) == b'' for s in crowd))  # or a time-out of 30 s
    for s in crowd + silent(m, 'stop.sock', ['stop']):
        s.close()
    m.run('ps')
    number = len(m.descriptors())
    expect('nobody is left', number < 60, number)


def neighbour(m, name, queue):
    """What looks like another machine: a door, and whoever listens there."""
    os.mkdir(f'{m.work}/run/{name}', 0o700)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.bind(f'{m.work}/run/{name}/stop.sock')
    s.listen(queue)
    return s


def confirm(listeners):
    """Each of them, once."""
    for s in listeners:
        s.settimeout(30)
        guest, _ = s.accept()
        with guest:
            guest.recv(16)
            guest.send(b'x')


def fill(path):
    """Stand at a door until nobody else gets to it."""
    queue = []
    while True:
        queue.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        queue[-1].setblocking(False)
        try:
            queue[-1].connect(path)
        except BlockingIOError:
            return queue


def neighbours(m):
    """Others have machines here, too: many, and one at whose door nobody gets in."""
    crowd = [neighbour(m, f'a{i}', 8) for i in range(80)]
    guards = threading.Thread(target=confirm, args=[crowd])
    guards.start()
    rc, out, err = m.run('stop')
    expect('of many machines each is stopped', rc == 0 and out.count(': stopped') == 81 and 'small: stopped' in out,
           out + err)
    guards.join()
    for s in crowd:
        s.close()
    full = neighbour(m, 'full', 0)
    queue = fill(f'{m.work}/run/full/stop.sock')
    rc, out, err = m.run('stop')
    expect('whose door is full is told of, and the others are stopped', rc == 1 and 'small: stopped' in out and
           'full: NOT STOPPED: so many stand at its guard' in err, out + err)
    for s in queue + [full]:
        s.close()


def main():
    m = Machine(sys.argv[1])
    try:
        m.start()
        m.live('core', 'guard', 'legs.sim')
        silence(m)
        neighbours(m)
        gives_descriptors(m)
        other_version(m)
        deleted(m)
        restarted(m)
        remove(m.work + '/run/small')
        until('the doors are made anew', lambda: all(is_open(m, d) for d in DOORS))
    except BaseException:
        print(m.daemon_log()[-4000:])
        raise
    finally:
        expect('it goes down in good order', m.stop())
    until('and is gone', lambda: not m.daemon)
    return verdict()


sys.exit(main())

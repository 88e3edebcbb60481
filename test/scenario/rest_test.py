#!/usr/bin/env python3
"""rest_test.py CADMUS - what a machine with nothing to do has that could wake it: no timer of the guard's without actuators."""
import os
import sys

from machine import Machine, expect, verdict


def without_actuators(text):
    """small.cdl.yaml from its actuators on, and what is made of them, left out."""
    return text[:text.index('  actuators:')] + 'settings:\n  - {id: goal_bearing, unit: deg, min: -180, max: 180}\n'


def timers(pid):
    found = 0
    for fd in os.listdir(f'/proc/{pid}/fd'):
        found += os.readlink(f'/proc/{pid}/fd/{fd}') == 'anon_inode:[timerfd]'
    return found


def guard_timers(cadmus, change):
    m = Machine(cadmus, change)
    try:
        m.start()
        return timers(m.live('core', 'guard')['guard']['pid'])
    finally:
        expect('it goes down in good order', m.stop())


def main():
    moving, still = guard_timers(sys.argv[1], None), guard_timers(sys.argv[1], without_actuators)
    expect('a guard with something to look after looks in time', moving == 1, moving)
    expect('a guard with nothing to look after sleeps', still == 0, still)
    return verdict()


if __name__ == '__main__':
    sys.exit(main())

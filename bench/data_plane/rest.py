"""A machine with nothing to do: memory, wake-ups and processor time of all its processes."""
import os
import re
import time

from machine import Machine, until

TEXT = """machine: rest
version: 1.0
entities:
  people:
    - {id: operator}
  communications:
    - {id: ollama, protocol: ollama_http, carriers: [tcp], listen: 127.0.0.1:0}
trust_anchors: [operator]
grants: [{to: operator, rights: [say, actuate, set, control]}]
"""


def field(text, name):
    return int(re.search(rf'^{name}:\s*(\d+)', text, re.M).group(1))


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def activity(pid):
    """Nanoseconds on a processor, and times it went to sleep by itself, of all its threads."""
    ns = sleeps = 0
    for task in os.listdir(f'/proc/{pid}/task'):
        ns += int(read(f'/proc/{pid}/task/{task}/schedstat').split()[0])
        sleeps += field(read(f'/proc/{pid}/task/{task}/status'), 'voluntary_ctxt_switches')
    return ns, sleeps


def settled(machine):
    """Its processes, once they do in one second what they did in the one before: the start is over."""
    pids, counts = machine.processes(), []

    def steady():
        counts.append(sum(activity(p)[1] for p in pids.values()))
        time.sleep(1)
        steps = [b - a for a, b in zip(counts[-3:], counts[-2:])]
        return len(steps) == 2 and abs(steps[1] - steps[0]) <= 2 + steps[0] / 10
    until('the machine comes to rest', steady)
    return pids


def rest(run):
    machine = Machine(run.build, run.work, 'rest', TEXT)
    try:
        pids = settled(machine)
        before, began = {n: activity(p) for n, p in pids.items()}, time.monotonic()
        time.sleep(run.rest_s)
        seconds, found = time.monotonic() - began, []
        for name, pid in sorted(pids.items()):
            ns, sleeps = activity(pid)
            memory = read(f'/proc/{pid}/smaps_rollup')
            found.append({'process': name, 'rss_kb': field(read(f'/proc/{pid}/status'), 'VmRSS'), 'pss_kb': field(memory, 'Pss'),
                          'wakeups_per_s': (sleeps - before[name][1]) / seconds,
                          'cpu_percent': (ns - before[name][0]) / seconds / 1e7})
        return {'seconds': seconds, 'processes': found,
                **{k: sum(p[k] for p in found) for k in ('rss_kb', 'pss_kb', 'wakeups_per_s', 'cpu_percent')}}
    finally:
        machine.end()

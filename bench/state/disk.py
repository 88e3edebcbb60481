"""Which disk the files of the run are on: a figure of a durable thing is a figure of it."""
import os

import host


def mount_of(path):
    """(mount point, file system, device) that holds a path."""
    best = ('', '?', '?')
    for line in host.read('/proc/self/mountinfo').splitlines():
        left, _, right = line.partition(' - ')
        where, (kind, device) = left.split()[4], right.split()[:2]
        if os.path.commonpath([where, os.path.realpath(path)]) == where and len(where) >= len(best[0]):
            best = (where, kind, device)
    return best


def queue(path, name):
    number = os.stat(path).st_dev
    folder = f'/sys/dev/block/{os.major(number)}:{os.minor(number)}'
    return host.read(f'{folder}/queue/{name}') or host.read(f'{folder}/../queue/{name}')  # of a partition: of its disk


def describe(path):
    where, kind, device = mount_of(path)
    return {'file_system': kind, 'device': device, 'mounted': where, 'rotational': queue(path, 'rotational'),
            'write_cache': queue(path, 'write_cache'), 'scheduler': queue(path, 'scheduler')}

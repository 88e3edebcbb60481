"""Where and when this was measured: what one must know to believe a figure, or to doubt it."""
import os
import platform
import re
import subprocess
import time

from machine import ROOT


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read().strip()
    except OSError:
        return ''


def first_line(*command):
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return ''
    return done.stdout.strip().split('\n')[0] if done.returncode == 0 else ''


def processor():
    found = re.search(r'^model name\s*:\s*(.*)$', read('/proc/cpuinfo'), re.M)
    return found.group(1) if found else platform.machine()


def commit():
    dirty = first_line('git', 'status', '--porcelain', '--untracked-files=no')
    return (first_line('git', 'rev-parse', '--short=12', 'HEAD') or 'none') + (' with changes' if dirty else '')


def provenance(build):
    introspect = read(os.path.join(build, 'meson-info', 'intro-buildoptions.json'))
    kind = re.search(r'"name": "buildtype", "value": "(\w+)"', introspect)
    return {
        'date': time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime()),
        'commit': commit(),
        'processor': processor(),
        'cores': os.cpu_count(),
        'usable_cores': len(os.sched_getaffinity(0)),
        'threads_per_core': read('/sys/devices/system/cpu/cpu0/topology/thread_siblings_list'),
        'virtual': first_line('systemd-detect-virt', '--vm') or ('yes' if 'hypervisor' in read('/proc/cpuinfo') else 'no'),
        'kernel': platform.release(),
        'distribution': platform.freedesktop_os_release().get('PRETTY_NAME', ''),
        'governor': read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') or 'none shown',
        'clock': read('/sys/devices/system/clocksource/clocksource0/current_clocksource'),
        'memory_mb': os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 20,
        'compiler': first_line('cc', '--version'),
        'build': kind.group(1) if kind else '',
        'load_before': list(os.getloadavg()),
    }

#!/usr/bin/env python3
"""Does each test that spec/guarantees.md names exist?

usage: guarantees.py BUILD

A test stands in the last column of a table; what is in parentheses behind it is a part of it, and spin's models have
names of their own.
"""
import json
import re
import subprocess
import sys


def named():
    with open('spec/guarantees.md', encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            if line.startswith('|') and line.rstrip().endswith('|'):
                cell = line.rstrip().split('|')[-2]
                for name in re.findall('`(.*?)`', re.sub(r'\(.*?\)', '', cell)):
                    yield number, name


def main(build):
    done = subprocess.run(['meson', 'introspect', build, '--tests'], check=True, capture_output=True, text=True)
    tests = {t['name'] for t in json.loads(done.stdout)}
    names = list(named())
    missing = [(number, name) for number, name in names if name not in tests]
    for number, name in missing:
        print(f'spec/guarantees.md:{number}: there is no test {name}')
    assert len(names) > 20, names
    return 1 if missing else 0


sys.exit(main(*sys.argv[1:]))

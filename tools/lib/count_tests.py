#!/usr/bin/env python3
"""Print how many tests passed, failed and were skipped, from meson's testlog.json (one object a line).

usage: count_tests.py LOG              "passed failed skipped"; no log, or an empty one, is one failure
       count_tests.py --skipped LOG    the name of each that was skipped, and the reason it gave
       count_tests.py --failed LOG     the last words of each that failed
"""
import json
import sys


def read(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as log:
            return [json.loads(line) for line in log]
    except (OSError, ValueError):
        return []


def reason(test):
    said = (test.get('stdout', '') + '\n' + test.get('stderr', '')).split('\n')
    lines = [line.strip() for line in said if line.strip()]
    return next((line for line in lines if 'skip' in line.lower()), lines[-1] if lines else 'it gave no reason')


def last_words(test, lines=60):
    said = test.get('stdout', '').rstrip().split('\n') + test.get('stderr', '').rstrip().split('\n')
    return '\n'.join('    ' + line for line in said[-lines:])


def main():
    tests = read(sys.argv[-1])
    if sys.argv[1] == '--failed':
        for test in tests:
            if test['result'] not in ('OK', 'EXPECTEDFAIL', 'SKIP'):
                print(f"  {test['name'].split(' / ')[-1]}: {test['result']}\n{last_words(test)}")
        return
    if sys.argv[1] == '--skipped':
        for test in tests:
            if test['result'] == 'SKIP':
                print(f"  {test['name'].split(' / ')[-1]}: {reason(test)}")
        return
    ok = sum(test['result'] in ('OK', 'EXPECTEDFAIL') for test in tests)
    skipped = sum(test['result'] == 'SKIP' for test in tests)
    print(ok, len(tests) - ok - skipped if tests else 1, skipped)


main()

#!/usr/bin/env python3
"""Print how many tests passed, failed and were skipped, from a meson testlog.json (one object a line)."""
import json
import sys

ok = fail = skip = 0
try:
    for line in open(sys.argv[1], encoding='utf-8', errors='replace'):
        result = json.loads(line)['result']
        if result in ('OK', 'EXPECTEDFAIL'):
            ok += 1
        elif result == 'SKIP':
            skip += 1
        else:
            fail += 1
except OSError:
    fail = 1
print(ok, fail, skip)

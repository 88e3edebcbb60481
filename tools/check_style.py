#!/usr/bin/env python3
"""Check what the compilers do not: docs/design/0004-style.md says why these rules and no more.

usage: check_style.py ROOT        exit 0 = clean, 1 = violations, one a line: FILE:LINE: what is wrong

    width      120 columns of C at most, a tab being 8
    blanks     indented by tabs; none at the end of a line; the last line ends
    length     a function has at most 70 lines, a file fewer than 1000
    opening    a C file begins with a comment that names it and says what it is for
    calls      the clock is read in src/base alone; nothing pure touches a file; no string function without bounds;
               nothing waits for time.  A comment on the line that says why is an exception
    ids        the id of a diagnostic ("R0101") is raised by one folder alone, so that it means one thing
    readme     each folder with sources has a README.md of its own; of the few that another page describes, it does
"""
import os
import re
import subprocess
import sys

WIDTH, FUNCTION, FILE = 120, 70, 1000
TOLD_IN = {'src/hal/testdata': 'src/hal/README.md', 'tools/lm': 'models/README.md',
           'bindings/python/cadmus': 'bindings/python/README.md'}  # folder: the page that names it
OPENS = re.compile(r'^(?!struct|union|enum|typedef|extern|#|/|static const\b.*=)[A-Za-z_].*\)\s*\{$|^\t*.*\)\s*\{$')
STRINGS = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|//.*|/\*.*?\*/')


def is_test(path):
    return path.endswith('_test.c') or path.startswith('test/') or '/test/' in path or path.endswith('_testing.c')


# what, the call, where it may stand
CALLS = [
    ('reads the clock beside base/clock.h', re.compile(r'\b(clock_gettime|gettimeofday|time)\s*\((?!\))'),
     lambda p: p.startswith('src/base/') or not p.startswith('src/') or is_test(p)),
    ('is pure, and may not touch the world',
     re.compile(r'\b(fopen|open|read|write|socket|getenv|malloc|sleep|rand|random)\s*\('),
     lambda p: not p.startswith(('src/sem/', 'src/schema/')) or is_test(p)),
    ('is a function without bounds', re.compile(r'\b(strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\('),
     is_test),
    ('waits for time instead of an event', re.compile(r'\b(sleep|usleep|nanosleep)\s*\('),
     lambda p: p.startswith('src/base/')),
]


def check_lines(path, lines, say):
    comment = False
    for n, line in enumerate(lines, 1):
        text = line.rstrip('\n')
        if len(text.expandtabs(8)) > WIDTH and path.endswith(('.c', '.h')):
            say(n, f'{len(text.expandtabs(8))} columns')
        if text != text.rstrip():
            say(n, 'blanks at the end')
        if text.startswith('  ') and not comment and path.endswith(('.c', '.h')):
            say(n, 'indented by blanks')
        comment = (comment or '/*' in text) and '*/' not in text[text.rfind('/*') + 1:]
    if lines and not lines[-1].endswith('\n'):
        say(len(lines), 'the last line does not end')
    if len(lines) >= FILE:
        say(len(lines), f'{len(lines)} lines in one file')


def check_functions(lines, say):
    began = None
    for n, line in enumerate(lines, 1):
        if began is None and line[0] not in '\t #/*}\n' and line.rstrip().endswith('{') and ')' in line and '=' not in line:
            began = n
        elif began is None and line.startswith('\t\t') and line.rstrip().endswith(') {') and lines[n - 2][0] not in '\t #/*}\n':
            began = n - 1
        elif began is not None and line.startswith('}'):
            if n - began - 1 > FUNCTION:
                say(began, f'a function of {n - began - 1} lines')
            began = None


def check_opening(path, lines, say):
    name, head = os.path.basename(path), ''.join(lines[:3])
    if not lines[0].startswith('/*') or name not in head:
        say(1, f'does not begin with a comment `{name} - what it is for`')


def check_calls(path, lines, say):
    comment = False
    for n, line in enumerate(lines, 1):
        code = STRINGS.sub('""', line)
        inside, comment = comment, (comment or '/*' in code) and '*/' not in code
        if inside or comment or code.lstrip().startswith(('*', '#')):
            continue
        for what, call, allowed in CALLS:
            if call.search(code) and not allowed(path) and '/*' not in line:
                say(n, f'{what}: {call.search(code).group(0)})')


def check_ids(sources, found):
    """sources: {path: text}."""
    owners = {}
    for path, text in sources.items():
        if path.endswith('.c') and not is_test(path):
            for name in re.findall(r'"([A-Z][0-9]{4})"', text):
                owners.setdefault(name, set()).add(os.path.dirname(path))
    for name, folders in sorted(owners.items()):
        if len(folders) > 1:
            found.append(f'{name} is raised by {" and by ".join(sorted(folders))}')


def check_readme(paths, found):
    for folder in sorted({os.path.dirname(p) for p in paths}):
        page = TOLD_IN.get(folder, os.path.join(folder, 'README.md'))
        if not os.path.exists(page):
            found.append(f'{folder}: there is no {page}')
        elif folder in TOLD_IN and os.path.basename(folder) + '/' not in open(page, encoding='utf-8').read():
            found.append(f'{folder}: {page} says nothing of it')


def main():
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
    listed = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '*.c', '*.h', '*.def', '*.py', '*.sh'],
                            capture_output=True, text=True)
    if listed.returncode != 0:
        print('not a git work tree: nothing to check')
        return 77
    paths = [p for p in listed.stdout.split('\n') if p and os.path.exists(p)]
    found, sources = [], {}
    for path in paths:
        with open(path, encoding='utf-8') as f:
            lines = f.readlines()
        sources[path] = ''.join(lines)

        def say(n, what, path=path):
            found.append(f'{path}:{n}: {what}')

        check_lines(path, lines, say)
        if path.endswith(('.c', '.h')) and lines:
            check_opening(path, lines, say)
            check_functions(lines, say)
            check_calls(path, lines, say)
    check_readme(paths, found)
    check_ids(sources, found)
    print('\n'.join(found) or f'{len(paths)} files')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())

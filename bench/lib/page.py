"""What was measured, as a table for a terminal or a page in Markdown.

Everything is made from the dict that `--json` writes, so that a result can be shown again.  A bench's own `report` module says:

    TITLE                of the page
    WHY                  {goal: why it is missed}
    tables(result)       (title, note, header, rows) of each table but that of the goals
    method(result)       sentences: how it was measured
    notes(result)        what stands beside it
"""
PARTS = ('p50', 'p90', 'p99', 'p99.9', 'max')


# ---- numbers --------------------------------------------------------------------------------------

def bytes_text(n):
    for unit, size in (('MiB', 1 << 20), ('KiB', 1 << 10)):
        if n >= size:
            return f'{n / size:.0f} {unit}'
    return f'{n} B'


def ns_text(ns):
    """Three digits and a unit."""
    if ns is None:
        return '-'
    for unit, size in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
        if ns >= size:
            return f'{ns / size:.3g} {unit}' if ns < size * 1000 else f'{ns / size:.0f} {unit}'
    return f'{ns:.0f} ns' if ns >= 10 else f'{ns:.1f} ns'


def parts(d):
    return [ns_text(d.get(p)) for p in PARTS] + [str(d.get('n', 0))]


# ---- goals ----------------------------------------------------------------------------------------

def goal(number, what, ours, bound, met):
    """met: None when it was not measured in this run, or not to the length that the goal asks for."""
    return {'goal': number, 'what': what, 'ours': ours, 'bound': bound, 'met': met}


def reasons(result, why):
    missed = dict.fromkeys(g['goal'] for g in result['goals'] if g['met'] is False)
    return [f'{g} is missed: {why.get(g, "why is not known.")}' for g in missed] + (
        ['Figures of what was tried are not of this run: each is of the day it was tried, before and after, on a computer of this kind.']
        if missed else [])


def table_of_goals(result):
    words = {True: 'met', False: 'MISSED', None: 'not judged'}
    return ('Goals', '', ['goal', 'what', 'ours', 'floor or bound', ''],
            [[g['goal'], g['what'], g['ours'], g['bound'], words[g['met']]] for g in result['goals']])


# ---- text -----------------------------------------------------------------------------------------

def facts(result):
    p = result['provenance']
    return [
        ('processor', f'{p["processor"]}, {p["usable_cores"]} cores, virtual: {p["virtual"]}, {p["memory_mb"]} MB, governor: {p["governor"]}'),
        ('system', f'{p["distribution"]}, Linux {p["kernel"]}, clock {p["clock"]}'),
        ('load', ' '.join(f'{x:.2f}' for x in p['load_before']) + ' before, ' + ' '.join(f'{x:.2f}' for x in p['load_after']) + ' after'),
        ('build', f'commit {p["commit"]}, {p["build"]}, {p["compiler"]}'),
        ('when', f'{p["date"]}, {p["seconds"]} s'),
        ('peers', ', '.join(f'{n} {v}' for n, v in result['versions'].items() if v != '-') or 'none'),
    ]


def aligned(header, rows):
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    left = [not any(str(r[i])[:1].isdigit() for r in rows) for i in range(len(header))]
    for r in [header, *rows]:
        yield '  '.join(str(c).ljust(w) if to_left or k == 0 else str(c).rjust(w)
                        for k, (c, w, to_left) in enumerate(zip(r, widths, left))).rstrip()


def quality(result):
    """What else a reader must know of this run."""
    p, m = result['provenance'], result['method']
    load = max(p['load_before'])
    if load > 1:
        yield (f'Other programs were running (load {load:.1f} on {p["usable_cores"]} cores): nanoseconds and tails are '
               'worse than those of an idle computer; what was measured side by side can still be compared.')
    if m['quick']:
        yield 'A short run (--quick): the tails are of few samples.'


def beside(result, report):
    yield from report.notes(result)
    for name, packages in result['absent'].items():
        yield f'not here: {name}; apt-get install {" ".join(packages)}'
    for s in result['skipped']:
        yield f'skipped: {s["what"]}: {s["why"]}'


def method(result, report):
    return [*report.method(result), *quality(result)]


def table(result, report):
    lines = [f'{k:<10} {v}' for k, v in facts(result)] + ['', *method(result, report)]
    for title, note, header, rows in [*report.tables(result), table_of_goals(result)]:
        lines += ['', title, *([note] if note else []), *aligned(header, rows)]
    return '\n'.join(lines + [''] + reasons(result, report.WHY) + [''] + list(beside(result, report)))


def markdown(result, report):
    missed = reasons(result, report.WHY)
    lines = [f'# Performance: {report.TITLE}', '',
             f'Made by `bench/run {result["what"]} --markdown`; `bench/README.md` says how to do it again.', '']
    lines += [f'* {k}: {v}' for k, v in facts(result)] + ['', '## How', ''] + [f'* {m}' for m in method(result, report)]
    for title, note, header, rows in [table_of_goals(result), *report.tables(result)]:
        lines += ['', f'## {title}', ''] + ([note, ''] if note else [])
        lines += ['| ' + ' | '.join(map(str, r)) + ' |' for r in [header, ['---'] * len(header), *rows]]
        if title == 'Goals' and missed:
            lines += [''] + [f'* {r}' for r in missed]
    notes = [f'* {n}' for n in beside(result, report)]
    return '\n'.join(lines + (['', '## Beside it', '', *notes] if notes else []))

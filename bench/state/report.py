"""The tables of the state plane, and which goals were met; see lib/page.py."""
import statistics

from growth import DAY_S
from keepers import FLOOR
from page import PARTS, bytes_text, goal, ns_text, parts

TITLE = 'the state plane'
GB = 1 << 30
STEPS = {'own': 'own the file', 'recover': 'read the state', 'epoch': 'first record'}


def kept(result, keeper, size, together):
    for x in result.get('commits', ()):
        if (x['keeper'], x['bytes'], x['together']) == (keeper, size, together):
            return x
    return None


def many(n):
    return f'{n:,.0f}'.replace(',', ' ')


def share(ratios):
    return f'{100 * statistics.median(ratios):.0f} %' if ratios else '-'


# ---- goals ----------------------------------------------------------------------------------------

def goals_of_commits(result):
    for x in result.get('commits', ()):
        if x['keeper'] != 'cadmus' or 'of_floor' not in x:
            continue
        floor, one = kept(result, FLOOR, x['bytes'], 1), x['together'] == 1
        what = 'one at a time' if one else f'{x["together"]} asked for at once'
        ratio = statistics.median(x['commits_of_floor'])
        yield goal('P10', f'durable commits/s, {bytes_text(x["bytes"])}, {what}: at least 80 % of raw fdatasync/s', many(x['commits_per_second']),
                   f'raw {many(floor["commits_per_second"])}; {100 * ratio:.0f} % (median of rounds); p50 '
                   f'{ns_text(x["ns"]["p50"])} beside {ns_text(floor["ns"]["p50"])}', ratio >= 0.8)


def rate(runs):
    return sum(r['records'] for r in runs) * 1e9 / sum(r['ns'] for r in runs)


def goals_of_evidence(result):
    e = result.get('evidence')
    if e:
        yield goal('P10', 'D1 records/s, until all are on the disk: at least 100 000', many(rate(e['runs'])),
                   f'100 000; worst run {many(min(rate([r]) for r in e["runs"]))}', rate(e['runs']) >= 1e5)


def needed(opened):
    return sum(opened[s] for s in STEPS)


def goals_of_restart(result):
    r = result.get('restart')
    if not r:
        return
    enough, warm = r['bytes'] >= GB, [needed(o) for o in r['opened'] if not o['cold']]
    size = f'a journal of {bytes_text(r["bytes"])}'
    for what, ns in ((f'{size}: SIGKILL of who writes, then state back and a record on the disk, slowest', max(warm)),
                     (f'{size}: SIGKILL of core to `state` answered by the next one, slowest', r['machine_ns']['max'])):
        yield goal('P11', f'{what}: at most 200 ms', ns_text(ns), f'200 ms; {many(r["records"])} records',
                   ns <= 200e6 if enough else None)


def goals_of_one_knowledge(q, first):
    known = f'{q["facts"]} facts known'
    for way, what in (('blind', 'nothing written'), ('said', f'without its commit, {known}')):
        if way == 'blind' and not first:
            continue
        o = q[way]['overhead']
        for part, bound in (('p50', 150e3), ('p99', 500e3)):
            yield goal('P13', f'a request less inference, {what}, {part}: at most {ns_text(bound)}', ns_text(o[part]),
                       f'{ns_text(bound)}; ping {ns_text(q["ping"][part])}', o[part] <= bound)
    more = q['said']['overhead']['p50'] - q['blind']['overhead']['p50']
    yield goal('P13', f'state injection, {known}, p50: at most 100 us', ns_text(max(more, 0)), '100 us; without its commit, less blind',
               more <= 100e3)
    more = q['said']['commit']['p99'] - q['raw']['p99']
    yield goal('P13', f'update and journal, {known}, p99: at most 1 ms beyond a raw fdatasync', ns_text(q['said']['commit']['p99']),
               f'raw {ns_text(q["raw"]["p99"])}; {ns_text(max(more, 0))} more', more <= 1e6)


def goals_of_requests(result):
    for i, q in enumerate(result.get('requests', ())):
        yield from goals_of_one_knowledge(q, i == 0)


def goals_of_recall(result):
    r = result.get('recall')
    if r:
        ours, fts = r['memory']['all']['p99'], r['fts']['all']['p99']
        yield goal('recall', f'retrieval over {many(r["turns"])} turns, p99: at most 10 ms', ns_text(ours), f'10 ms; FTS5 by itself {ns_text(fts)}',
                   ours <= 10e6 if r['turns'] >= 1e5 else None)


def goals_of_view(result):
    v = result.get('view')
    if v:
        whole = v['whole']
        yield goal('P13', f'a view of {whole["items"]} items, {bytes_text(whole["bytes"])}, p99: at most 100 us', ns_text(whole['ns']['p99']),
                   f'100 us; p50 {ns_text(whole["ns"]["p50"])}', whole['ns']['p99'] <= 100e3)


def goals(result):
    for part in (goals_of_commits, goals_of_evidence, goals_of_restart, goals_of_requests, goals_of_recall, goals_of_view):
        yield from part(result)


# What stands behind a goal that is missed.
WHY = {
    'P10': 'One at a time, a commit of ours is one flush, as that of SQLite alone is. Besides, it is handed over to the journal\'s writer and back (an '
           'eventfd each way), has two hashes, two looks whether the file still has its name, and what SQLite does: that is the same time on '
           'each disk, and the larger part of a commit where a flush is short (in memory, on tmpfs, a commit had 25 us at p50 with both threads on one core, 110 on the two '
           'of a virtual machine, where to wake the other one takes that long; SQLite alone 6). Of many at once each is a row of two '
           'tables, as its request is known for ever. D1: one thread hashes and inserts all records, 256 to '
           'a commit.',
    'P11': 'The state is read from the newest snapshot that its record vouches for, and at most 4096 records behind it are folded; then the first record '
           'of the new life is written and synced.',
    'P13': 'A turn goes to core, to its worker, back to core and to the client, which is a sleep and a wake-up each time; a blind one has that alone. '
           'What any other has besides is its view, and before that the memory is asked what was said of old: another thread, '
           'which first takes in the turn before (here a moment ago; where 50 ms have passed that was done), then looks for each word '
           'among the newest and in the full text, and for what is alike among all, and reads up to 16 hits from the journal. Rendered by itself a view has some tens of us (below).',
}


# ---- tables: (title, note, header, rows) ----------------------------------------------------------

def calls(x, what):
    return f'{x["calls"][what]:.2f}' if x.get('calls') else '-'


def tables_of_commits(result):
    for size in sorted({x['bytes'] for x in result['commits']}):
        for together in sorted({x['together'] for x in result['commits']}):
            rows = [[x['keeper'], many(x['records_per_second']), many(x['commits_per_second']), share(x.get('of_floor')),
                     *parts(x['ns']), calls(x, 'flushes'), calls(x, 'writes')]
                    for x in result['commits'] if (x['bytes'], x['together']) == (size, together)]
            how = 'one at a time' if together == 1 else f'{together} asked for at once'
            yield (f'Records of {bytes_text(size)} on the disk, {how}',
                   'Times are until all that was asked for is there. Flushes (fsync, fdatasync, a write with O_DSYNC) and writes to files are system calls, for each time.',
                   ['keeper', 'records/s', 'commits/s', 'of floor', *PARTS, 'n', 'flushes', 'writes'], rows)


def table_of_evidence(result):
    e = result['evidence']
    runs = e['runs']
    full, commits = sum(r['full'] for r in runs), sum(r['commits'] for r in runs)
    note = (f'{many(sum(r["records"] for r in runs))} records in {sum(r["ns"] for r in runs) / 1e9:.1f} s, {many(rate(runs))} a second, in {commits} '
            f'commits, the slowest {ns_text(max(r["slowest_commit_ns"] for r in runs))}; {full} times the queue was full and the submitter slept. '
            'D0 is counted only; each sample is the mean of 64.')
    return ('Evidence: what a submit costs who submits', note, ['class', *PARTS, 'n'],
            [['D1', *parts(e['submit_ns'])], ['D0', *parts(e['counted_ns'])]])


def table_of_restart(result):
    r = result['restart']
    rows = []
    for o in sorted(r['opened'], key=lambda o: o['cold']):
        rows.append(['disk' if o['cold'] else 'memory', *[ns_text(o[s]) for s in STEPS], ns_text(needed(o)), ns_text(o['hash'])])
    rows.append(['machine', *['-'] * len(STEPS), f'{ns_text(r["machine_ns"]["p50"])} to {ns_text(r["machine_ns"]["max"])}', '-'])
    note = (f'{many(r["records"])} records (of ten: five turns with bodies of 512 B, three evidence, a command, its outcome), {bytes_text(r["file_bytes"])}, '
            f'made in {r["made_s"]:.0f} s by the journal itself. Each row is one SIGKILL of a process that was writing, and the next opening by a new '
            'process; the file in the kernel\'s memory, as a dead process leaves it, or read from the disk. "machine": SIGKILL of core until '
            f'the next core has answered `state`, {r["machine_ns"]["n"]} times.')
    return ('Restart', note, ['file in', *STEPS.values(), 'all', 'hash of the state'], rows)


def table_of_requests(q):
    rows = []
    names = {'blind': 'control door, blind', 'said': 'control door', 'http': 'HTTP'}
    for way, what in (('blind', ('whole', 'inference', 'overhead')),
                      ('said', ('whole', 'inference', 'commit', 'overhead')),
                      ('http', ('whole', 'inference', 'without_inference'))):
        said = {'overhead': 'less inference and commit', 'without_inference': 'less inference'}
        rows += [[names[way], said.get(w, w), *parts(q[way][w])] for w in what]
    rows += [['control door', 'ping', *parts(q['ping'])], ['raw', 'pwrite of 4 KiB, fdatasync', *parts(q['raw'])]]
    return (f'Requests, to a model that answers at once, {q["facts"]} facts known',
            'The model is the backend `echo`, which says one word. Inference is prompt_ns + eval_ns of the reply, commit is commit_ns: from the submit '
            'to the reply, the fold with it. Over HTTP commit is not told.',
            ['asked over', 'what', *PARTS, 'n'], rows)


def table_of_growth(result):
    g = result['growth']
    records = sum(g['records'].values())
    a_day = DAY_S / g['flight_s']
    rows = [[kind, str(n), f'{n / g["flight_s"]:.2f}', many(n * a_day)] for kind, n in sorted(g['records'].items())]
    rows.append(['all', str(records), f'{records / g["flight_s"]:.2f}', many(records * a_day)])
    alone = g['alone_records']
    note = (f'The flight took {g["flight_s"]:.1f} s and left a file of {bytes_text(g["bytes"])} ({bytes_text(g["live_bytes"])} with its WAL while it was live), '
            f'{g["bytes"] / max(records, 1):.0f} B a record, tables and pages with it. A day of nothing but such flights would be '
            f'{g["bytes"] * a_day / 1e6:.0f} MB: that is arithmetic, not a day. Left alone for {g["alone_s"]:.0f} s afterwards, the machine wrote {alone} records.')
    return ('Growth of the journal of the first flight', note, ['kind', 'records', 'a second', 'a day of flights'], rows)


def table_of_recall(result):
    r = result['recall']
    names = {'rare': 'two rare words', 'common': 'ten of the thirty most common words', 'mixed': 'twelve words as they come',
             'slips': 'two words with slips', 'none': 'no word', 'all': 'all'}
    rows = [[what, way, *parts(r[key][kind])] for kind, what in names.items() for key, way in (('memory', 'cadmus'), ('fts', 'FTS5 alone'))
            if (kind, key) != ('none', 'fts')]
    note = (f'{many(r["turns"])} made-up turns, {r["passages"]} passages, indexed in {r["index_ns"] / 1e9:.1f} s; the index has '
            f'{bytes_text(r["index_bytes"])} beside {bytes_text(r["journal_bytes"])} of journal, {bytes_text(r["in_memory"])} of vectors in memory. Ten hits, by words '
            'and likeness, recency and trust, each read from the journal; half of the questions by somebody who may not see all. "FTS5 alone" is '
            f'{r["sqlite"]}: the best ten by bm25 of those that have any of the words, whoever may see them; a word with a slip it does not find, and without a word it is not asked.')
    return ('Retrieval', note, ['question', 'by', *PARTS, 'n'], rows)


def table_of_view(result):
    rows = [[kind, v['items'], bytes_text(v['bytes']), v['tokens'], *parts(v['ns'])] for kind, v in result['view'].items()]
    return ('Views', 'What a model is shown, written anew each time: `briefing_render()` by itself.',
            ['view', 'items', 'size', 'tokens (estimated)', *PARTS, 'n'], rows)


def tables(result):
    if result.get('commits'):
        yield from tables_of_commits(result)
    for key, made in (('evidence', table_of_evidence), ('restart', table_of_restart), ('recall', table_of_recall),
                      ('view', table_of_view)):
        if result.get(key):
            yield made(result)
    yield from (table_of_requests(q) for q in result.get('requests', ()))
    if result.get('growth'):
        yield table_of_growth(result)


# ---- text -----------------------------------------------------------------------------------------

def method(result):
    m, d = result['method'], result['disk']
    yield (f'Disk: {d["file_system"]} on {d["device"]}, rotational: {d["rotational"] or "?"}, write cache: {d["write_cache"] or "?"}, '
           f'scheduler: {d["scheduler"] or "?"}. All files of the run are on it.')
    yield (f'{m["rounds"]} rounds at each size over all keepers and both ways of asking, in an order that is shuffled anew; {m["round_ms"]} ms each. '
           'The first time counts like all others; nothing is removed.')
    yield ('"of floor" compares how often a second with the floor (raw overwrite, as many records in one write) of the same round, and is the median '
           'of the rounds. P10 compares commits a second with single writes and fdatasync of the floor.')
    yield 'Each keeper has one thread that asks, and sleeps until it has its answer.'
    yield ('Ours writes a turn with a body of that size, its envelope and two hashes besides, folds it into the state, and keeps what the library of the '
           'journal keeps; peers write a blob of that size.')
    yield 'Redis: no snapshot and no rewriting of its file during the run.'
    if d['file_system'] == 'tmpfs':
        yield 'This file system is memory: fdatasync does nothing, and no figure here says anything of a disk. --disk chooses another.'


def notes(result):
    return [f'published: {p["name"]}: {p["source"]}' for p in result['published']]

"""The tables of the data plane, and which goals were met; see lib/page.py."""
import statistics

from page import PARTS, bytes_text, goal, ns_text, parts
from transports import TRANSPORTS

SMALL = (8, 64)           # P1 asks for these
LENT = (64, 1024, 65536, 1 << 20, 8 << 20)  # and for these to cost the same when lent
MODES = {'poll': 'polling', 'block': 'blocking'}
TITLE = 'the data plane'


def one_way(result, transport, mode, size, part='p50'):
    for x in result.get('ping_pong', ()):
        if (x['transport'], x['mode'], x['bytes']) == (transport, mode, size):
            return x['one_way_ns'].get(part)
    return None


def floor(result, mode):
    return one_way(result, 'floor', mode, 0)


# ---- goals ----------------------------------------------------------------------------------------

def ratio(result, transport, mode, size, to):
    """The median over the rounds of what it took, divided by what the other took in the same round; None."""
    for x in result.get('ping_pong', ()):
        if (x['transport'], x['mode'], x['bytes']) == (transport, mode, size) and x.get(to):
            return statistics.median(x[to])
    return None


def goals_of_line(result):
    for size in SMALL:
        ns, x = one_way(result, 'cadmus copy', 'poll', size), ratio(result, 'cadmus copy', 'poll', size, 'of_floor')
        if ns and x:
            yield goal('P1', f'publish to seen, polling, {size} B, one-way p50: at most 1.45 x the floor of the same moment',
                       ns_text(ns), f'floor {ns_text(floor(result, "poll"))}; x {x:.2f} (median of rounds)', x <= 1.45)


def goals_of_exchange(result):
    yield from goals_of_line(result)
    small, ice = (one_way(result, n, 'poll', 64) for n in ('cadmus copy', 'iceoryx'))
    lent = [ratio(result, 'cadmus lease', 'poll', s, 'of_64_bytes') for s in LENT]
    if None not in lent:
        worst = max(lent)
        yield goal('P1', 'by lease, 64 B to 8 MiB: at most 10 % above 64 B',
                   ns_text(max(one_way(result, 'cadmus lease', 'poll', s) for s in LENT)),
                   f'64 B {ns_text(one_way(result, "cadmus lease", "poll", 64))}; x {worst:.2f} (median of rounds)', worst <= 1.1)
    if small and ice:
        yield goal('P1', 'ahead of iceoryx, 64 B', ns_text(small), f'iceoryx {ns_text(ice)}', small < ice)
    if small:
        x = ratio(result, 'cadmus copy', 'poll', 64, 'of_floor')
        yield goal('P1', 'ahead of Aeron IPC, 64 B, by the ratio to the floor', f'x {x:.2f}', 'measured elsewhere: 100 ns at a floor of 65 ns, x 1.54',
                   x < 100 / 65)
    blocked, x = one_way(result, 'cadmus copy', 'block', 64), ratio(result, 'cadmus copy', 'block', 64, 'of_floor')
    if blocked and x:
        yield goal('P4', 'blocking, 64 B, one-way p50: at most 1.15 x a raw futex of the same moment', ns_text(blocked),
                   f'futex {ns_text(floor(result, "block"))}; x {x:.2f} (median of rounds)', x <= 1.15)


def cost(result, call, size):
    for c in result.get('costs', {}).get('calls', ()):
        if (c['call'], c['bytes']) == (call, size):
            return c['ns']['p50']
    return None


def goals_of_costs(result):
    if 'costs' not in result:
        return
    for size in (8, 64):
        ns, copy = cost(result, 'cdm_read', size), cost(result, 'memcpy', size)
        yield goal('P2', f'read of {size} B, p50: at most 30 ns', ns_text(ns), f'30 ns; memcpy {ns_text(copy)}', ns <= 30)
    ns, quiet = cost(result, 'cdm_write', 64), result['costs']['quiet']
    yield goal('P3', 'publish of 64 B with nobody waiting, p50: at most 100 ns', ns_text(ns),
               f'100 ns; clock {ns_text(cost(result, "clock", 64))}', ns <= 100)
    yield goal('P3', f'system calls in {quiet["publishes"]} publishes', str(quiet['system_calls']),
               f'0; {quiet["counted_on_purpose"]} counted on purpose',
               quiet['system_calls'] == 0 and quiet['counted_on_purpose'] == 1)


def goals_of_death(result):
    d = result.get('death', {})
    for what, name, bound in (('orphan', 'death seen by a polling reader', 10e6),
                              ('woken', 'death seen by a reader in cdm_wait()', 10e6),
                              ('takeover', 'takeover by one that stands by', 20e6)):
        if d.get(what):
            p99 = d[what]['p99']
            yield goal('P5', f'{name}, p99, n = {d[what]["n"]}: at most {ns_text(bound)}', ns_text(p99),
                       f'{ns_text(bound)}; kernel {ns_text(d["kernel"]["p99"])}',
                       p99 <= bound if d[what]['n'] >= 200 else None)
    if 'stopped' in d:
        s = d['stopped']
        yield goal('P5', f'false deaths of a writer that is stopped for {s["seconds"]} s', str(s['false_deaths']),
                   '0 in 30 s', s['false_deaths'] == 0 if s['seconds'] >= 30 or s['false_deaths'] else None)


def goals_of_rest(result):
    if 'rest' in result:
        r = result['rest']
        yield goal('P21', 'memory at rest, RSS of all processes: at most 15 MB', f'{r["rss_kb"] * 1024 / 1e6:.1f} MB',
                   f'15 MB; PSS {r["pss_kb"] * 1024 / 1e6:.1f} MB', r['rss_kb'] * 1024 <= 15e6)
        yield goal('P21', 'processor at rest: at most 0.2 %', f'{r["cpu_percent"]:.3f} %',
                   f'0.2 %; {r["wakeups_per_s"]:.1f} wake-ups/s', r['cpu_percent'] <= 0.2)
    if 'frames' in result:
        f = result['frames']
        yield goal('P22', f'frames/s of {f["width"]}x{f["height"]}x3, {f["readers"]} lease readers, every byte checked: at least 120',
                   f'{f["per_second"]:.0f}', f'120; {f["wrong"]} wrong, {f["missed"]} missed of {f["checked"]}',
                   f['per_second'] >= 120 and f['wrong'] == 0 and f['missed'] == 0)


def goals_of_steps(result):
    s = result.get('steps')
    if not s:
        yield goal('P17', 'ONNX step through shared memory', '-', 'not measured here', None)
        return
    more = s['trip']['p50'] - s['alone']['p50']
    yield goal('P17', 'an ONNX step in another process, polled, p50: at most 2 us more than in one\'s own', ns_text(s['trip']['p50']),
               f'alone {ns_text(s["alone"]["p50"])}; {ns_text(more)} more', more <= 2000)


def goals(result):
    for part in (goals_of_exchange, goals_of_costs, goals_of_death, goals_of_rest, goals_of_steps):
        yield from part(result)


# What stands behind a goal that is missed; what was tried was measured at the time, side by side with what was before.
WHY = {
    'P1': 'A sample brings what is said of it, its stamp is looked at twice, and a publish looks at the clock and at the desk of each reader; the '
          'floor moves one word. The calls "clock", "cdm_write" and "cdm_read" are what each costs in one process. A lent sample of more than 88 '
          'bytes has its first and its last word, which are touched here, in two lines more. Tried: a ring whose next slot is claimed before it is '
          'needed, with what is said of a sample and 88 bytes of it in one line and the next (271 ns through the public calls before, 175 after, both at '
          'a floor of 75 to 80); prefetching the second line; less to do for a reader without descriptor and a writer without sources (144 ns before, 132 '
          'after, at 59); the library and what it stands on compiled as one (150 before, 130 after, at 60). Left as it is: the clock, 31 ns of each publish; the counter of the processor itself would be 12, and not CLOCK_MONOTONIC. '
          'What remains are some 230 instructions before the sample is visible and 300 after.',
    'P2': '"(nothing)" is the loop; the rest is two looks at the stamp, the bytes, and struct cdm_info. Tried: handles that hold their mapping, so that a '
          'read has no locked instruction (55 ns before, 18 after, in src/store); no clock where the description sets no age. What is left goes with the '
          'speed of the computer: the same call has 22 ns when the core beside it is idle.',
    'P3': 'It looks at the clock, and at the desk of each reader that is there, for sleepers, and for leases where there are any. Tried: looking at those '
          'who have ever come, not at all seats (208 before, 71 to 109 after, with one client); forgetting those who have gone (194 before, 107 after, with '
          'three of twenty still there).',
    'P4': 'A sleeper watches more words than one (a new life of the writer, a death), and who wakes it looks at all desks first. Tried: one futex_waitv for '
          'all of them, instead of slices and looks (x 1.29 before).',
    'P5': 'The floor beside it is the kernel telling one process of a death; ours is the parent hearing it, one store, and a look. What is far '
          'above both is the queue for a core.',
    'P17': 'Two samples go from one process to the other and back, and each side looks for the next one all the time.',
    'P21': 'RSS counts what processes share once for each; PSS counts it once. Tried: core as a program of its own, so that only it maps SQLite; the guard '
           'linked statically (16.2 MB before, 13.7 after).',
    'P22': 'One writer and two readers share the cores of this computer.',
}


# ---- tables: (title, note, header, rows) ----------------------------------------------------------

def order(transport):
    return list(TRANSPORTS).index(transport)


def table_of_medians(result, mode):
    sizes, rows = result['sizes'], []
    names = sorted({x['transport'] for x in result['ping_pong']}, key=order)
    for n in names:
        if n == 'floor':
            rows.append(['floor: ' + ('cache line' if mode == 'poll' else 'futex')] + [ns_text(floor(result, mode))] + [''] * (len(sizes) - 1))
        else:
            rows.append([n] + [ns_text(one_way(result, n, mode, s)) for s in sizes])
    copies = {c['bytes']: c['ns'].get('p50') for c in result.get('copies', ())}
    rows.append(['floor: one memcpy'] + [ns_text(copies.get(s)) for s in sizes])
    for p in result['published']:
        if p['mode'] == mode:
            rows.append([p['name'] + ' (published)'] + [p['one_way'] + ' ns' if s == p['bytes'] else '' for s in sizes])
    return (f'One-way, {MODES[mode]}, p50', '', ['transport'] + [bytes_text(s) for s in sizes], rows)


def table_of_percentiles(result, mode):
    rows = []
    for x in sorted(result['ping_pong'], key=lambda x: (x['bytes'], order(x['transport']))):
        if x['mode'] == mode:
            of_floor = f'{statistics.median(x["of_floor"]):.2f}' if x.get('of_floor') else ''
            rows.append([bytes_text(x['bytes']) if x['bytes'] else 'any', x['transport']] + parts(x['one_way_ns'])[:-1] + [of_floor] +
                        [ns_text(x['round_trip_ns'].get(p)) for p in ('p50', 'p99')] + [str(x['round_trip_ns'].get('n', 0))])
    return (f'One-way, {MODES[mode]}, in full', '', ['bytes', 'transport', *PARTS, 'x floor', 'RTT p50', 'RTT p99', 'n'], rows)


def table_of_fans(result, mode):
    rows = [[bytes_text(x['bytes']), str(x['readers']), x['transport']] + parts(x['ns'])
            for x in sorted(result['fan_out'], key=lambda x: (x['bytes'], x['readers'], order(x['transport'])))
            if x['ns'] and x['mode'] == mode]
    cores = result['provenance']['usable_cores']
    note = (f'Readers are processes; there are {cores} cores, so with more readers than that most of it is their queue for a core. '
            'The next sample is sent when all have this one; who sends sleeps until then.')
    return (f'Fan-out, {MODES[mode]}: from before the send until each reader has the sample',
            note + (f' Of {cores} readers and more each yields between looks.' if mode == 'poll' else ''),
            ['bytes', 'readers', 'transport', *PARTS, 'n'], rows)


def table_of_costs(result):
    calls = result['costs']['calls']
    rows = [[c['call'], bytes_text(c['bytes'])] + parts(c['ns'])[:-1] for c in sorted(calls, key=lambda c: (c['call'], c['bytes']))]
    return ('Calls, one process', f'Each sample is the mean of {result["costs"]["batch"]} calls, with all in the cache. '
            f'clock is a look at CLOCK_MONOTONIC, which a publish contains. In {result["costs"].get("rounds", 1)} rounds over all of them.',
            ['call', 'bytes', *PARTS], rows)


def table_of_deaths(result):
    d = result['death']
    names = {'kernel': 'floor: SIGKILL to a readable pidfd', 'orphan': 'SIGKILL to CDM_ORPHAN, polling every 50 us', 'woken': 'SIGKILL to -EOWNERDEAD from cdm_wait()',
             'takeover': 'SIGKILL to the first sample of the next writer, polling',
             'asleep': 'the same, reader in cdm_wait()'}
    rows = [[names[k]] + parts(d[k]) for k in names if d.get(k)]
    return ('Death of a writer', '', ['what', *PARTS, 'n'], rows)


def table_of_steps(result):
    s = result['steps']
    return ('A step of an ONNX model', f'y = x + x over {s["floats"]} floats with {s["engine"]}; in another process: filled in place, borrowed, '
            'computed from one sample into the other, borrowed; both sides poll.', ['where', *PARTS, 'n'],
            [['in one\'s own process', *parts(s['alone'])], ['in another one', *parts(s['trip'])]])


def table_of_rest(result):
    r = result['rest']
    rows = [[p['process'], f'{p["rss_kb"]} kB', f'{p["pss_kb"]} kB', f'{p["wakeups_per_s"]:.2f}', f'{p["cpu_percent"]:.4f} %']
            for p in r['processes']]
    rows.append(['all', f'{r["rss_kb"]} kB', f'{r["pss_kb"]} kB', f'{r["wakeups_per_s"]:.2f}', f'{r["cpu_percent"]:.4f} %'])
    return (f'A machine at rest, {r["seconds"]:.0f} s', 'Wake-ups are voluntary context switches of all threads.',
            ['process', 'RSS', 'PSS', 'wake-ups/s', 'processor'], rows)


def tables(result):
    if result.get('ping_pong'):
        yield from (table_of_medians(result, m) for m in MODES)
        yield from (table_of_percentiles(result, m) for m in MODES)
    if result.get('fan_out'):
        yield from (table_of_fans(result, m) for m in MODES)
    for key, made in (('costs', table_of_costs), ('death', table_of_deaths), ('steps', table_of_steps),
                      ('rest', table_of_rest)):
        if result.get(key):
            yield made(result)


def method(result):
    m = result['method']
    return [
        f'{m["rounds"]} rounds over all modes and sizes, at each size all transports and the floor one after the other, both in an order '
        f'that is shuffled anew; {m["round_ms"]} ms or 20000 round trips each, of which the first tenth of the time is warm-up and not '
        'counted. Nothing else is removed.',
        'A virtual machine may be moved to other cores of its host at any moment, and a cache line then takes three times as long: "x" compares '
        'the medians of neighbours in the same round, and is the median of those.',
        'Ping-pong between two processes, their threads pinned to core 0 and core 1; threads of a library run where the kernel puts them, and '
        'who polls such a library yields between looks. One-way is half of a round trip, all its percentiles too.',
        'A sample\'s first and last word (in a fan-out the second, too: a time) are written and checked, no other byte is touched: what '
        'copies pays for the bytes, what lends does not.',
        'Each round trip contains one look at the clock (tens of ns); the floors have it as well.',
        'A blocking trip whose answer is there before one has fallen asleep has no sleep in it, and can be shorter than its floor, which always sleeps.',
        'This library looks a while before it sleeps where there are more than two cores; on two, as here, it does not, and that path is not in the figures.',
    ]


def notes(result):
    for p in result['published']:
        yield f'published: {p["name"]} {p["one_way"]} ns {MODES[p["mode"]]}: {p["source"]}.'

"""Who is measured, what each needs, and what others have published of those that are not here."""
import os
import shutil
import subprocess
import time

from nodes import No

# name: program, variant, what it is, Debian packages that its program is built from and runs with
TRANSPORTS = {
    'floor': ('floor', '', 'two words on two lines; polling: loads, blocking: raw futex', ()),
    'cadmus copy': ('cadmus', 'copy', 'cdm_write, cdm_next', ()),
    'cadmus lease': ('cadmus', 'lease', 'cdm_loan and cdm_publish, cdm_lease_next', ()),
    'iceoryx': ('iceoryx', '', 'loaned chunks; blocking by wait set', ('libiceoryx-binding-c-dev', 'iceoryx')),
    'cyclone dds': ('cyclone', '', 'octet sequence, reliable, loopback UDP', ('cyclonedds-dev', 'cyclonedds-tools')),
    'zeromq': ('zeromq', '', 'PAIR or PUB/SUB over ipc://', ('libzmq3-dev',)),
    'nng': ('nng', '', 'pair or pub/sub over ipc://', ('libnng-dev',)),
    'unix': ('unix', '', 'Unix stream sockets', ()),
}

# What is not measured by this run stands beside it; one-way, ns.
PUBLISHED = [
    {'name': 'Aeron IPC 1.52', 'mode': 'poll', 'bytes': 64, 'one_way': '100', 'round_trip': '200',
     'source': 'measured earlier on a 2-core virtual machine like ours: cping/cpong over aeron:ipc, 64 B, p50 '
               '(p99 of the round trip 8.5 us), where the floor was 65 ns; not in this run'},
    {'name': 'iceoryx2 0.9', 'mode': 'poll', 'bytes': 64, 'one_way': '92-99', 'round_trip': '',
     'source': "its repository, internal/plots: i7-13700H, hyper-threads of one core, mean, busy poll, 64 B to 4 MiB"},
    {'name': 'iceoryx2 0.9', 'mode': 'poll', 'bytes': 64, 'one_way': '326', 'round_trip': '',
     'source': 'the same on two cores'},
    {'name': 'eCAL', 'mode': 'block', 'bytes': 1024, 'one_way': '3000', 'round_trip': '',
     'source': 'its documentation: zero-copy, laptop, mean'},
]


def program(build, name):
    return os.path.join(build, 'bench', 'data_plane', 'bench-' + name)


def missing(build):
    """{transport: packages that would make it measurable}."""
    return {name: needs for name, (exe, _, _, needs) in TRANSPORTS.items()
            if not os.path.exists(program(build, exe))}


class RouDi:
    """The daemon of iceoryx, with memory for our sizes; there is one a computer."""
    POOLS = ((128, 2000), (2048, 2000), (131072, 400), (1 << 21, 100), (9 << 20, 24))

    def __init__(self, work):
        path = os.path.join(work, 'roudi.toml')
        with open(path, 'w', encoding='utf-8') as f:
            f.write('[general]\nversion = 1\n\n[[segment]]\n')
            for size, count in self.POOLS:
                f.write(f'\n[[segment.mempool]]\nsize = {size}\ncount = {count}\n')
        exe = shutil.which('iox-roudi')
        if not exe:
            raise No('iox-roudi is not installed')
        self.log = open(os.path.join(work, 'roudi.log'), 'wb+')
        self.process = subprocess.Popen([exe, '-c', path], stdout=self.log, stderr=subprocess.STDOUT)
        self.await_ready()

    def await_ready(self):
        """It says so in its log, and nowhere else."""
        deadline = time.monotonic() + 30
        while b'RouDi is ready for clients' not in self.said():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.said().decode(errors='replace').strip().splitlines()
                self.end()
                raise No('iox-roudi does not begin: ' + (text[-1] if text else 'it says nothing'))
            time.sleep(0.05)

    def said(self):
        with open(self.log.name, 'rb') as f:
            return f.read()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()


CYCLONE = '''<CycloneDDS><Domain>
<General><Interfaces><NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast>
<MaxMessageSize>65500B</MaxMessageSize><FragmentSize>64000B</FragmentSize></General>
<Discovery><Peers><Peer address="127.0.0.1"/></Peers><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>40</MaxAutoParticipantIndex></Discovery>
</Domain></CycloneDDS>'''


def helper(name, work):
    """The process that a transport needs beside ours, or None."""
    return RouDi(work) if name == 'iceoryx' else None


def environment(name):
    return {'CYCLONEDDS_URI': CYCLONE.replace('\n', '')} if name == 'cyclone dds' else {}

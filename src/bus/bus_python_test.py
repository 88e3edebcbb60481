#!/usr/bin/env python3
"""python-can talks with our bus, both ways: the oracle of the wire format.

usage: bus_python_test.py BUS_ECHO     exit 77: python-can is not installed

This is also how any python-can program joins such a bus: the two socket options below tie its
socket to the loopback interface, as ours are; the host's network stays as it is.
"""
import os
import socket
import subprocess
import sys

try:
    import can
    import msgpack
except ImportError:
    print('python-can or msgpack is not installed')
    sys.exit(77)

LOOPBACK = socket.inet_aton('127.0.0.1')


def join(group, port):
    bus = can.Bus(interface='udp_multicast', channel=group, port=port, fd=False)
    s = bus._multicast._socket
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, LOOPBACK)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + LOOPBACK)
    return bus


def hear(bus, own):
    """The next frame that we did not say ourselves (python-can hears its own)."""
    while True:
        m = bus.recv(20)
        assert m is not None, 'no answer'
        if m.arbitration_id != own:
            return m


def talk(bus, **what):
    sent = can.Message(**what)
    bus.send(sent)
    got = hear(bus, sent.arbitration_id)
    assert got.arbitration_id == sent.arbitration_id ^ 1, got
    assert got.is_extended_id == sent.is_extended_id, got
    assert got.is_remote_frame == sent.is_remote_frame, got
    assert got.dlc == sent.dlc and not got.is_fd and not got.is_error_frame, got
    assert bytes(got.data) == bytes(sent.data)[::-1], got


def main():
    port = 30000 + os.getpid() % 2000
    echo = subprocess.Popen([sys.argv[1], f'udp:239.74.163.2:{port}'], stdout=subprocess.PIPE, text=True)
    assert echo.stdout.readline().strip() == f'udp:239.74.163.2:{port}'
    with join('239.74.163.2', port) as bus:
        for n in range(9):
            talk(bus, arbitration_id=0x1ffffff0 + n, data=bytes(range(n)))
        talk(bus, arbitration_id=0x7fe, data=b'\xff\x00', is_extended_id=False)
        talk(bus, arbitration_id=0, data=b'')
        # What is not a frame of ours must not confuse the peer that speaks next.
        for junk in (b'', b'\xc1', b'\x80', msgpack.packb({'arbitration_id': 'x'}), b'\x8b' * 400):
            bus._multicast.send(junk)
        peer = join('239.74.163.2', port)  # a fresh one, that has not heard the junk
        talk(peer, arbitration_id=0x100, data=b'abc')
        talk(peer, arbitration_id=0x200, dlc=3, is_remote_frame=True)
        peer.shutdown()
    assert echo.wait(20) == 0
    print('bus_python_test: ok')


main()

#!/usr/bin/env python3
"""A machine goes down while it is asked over HTTP: nobody is hung up on without a word.

usage: http_end_test.py CADMUS
"""
import json
import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, expect, until, verdict  # noqa: E402

TALKER = '    - {id: talker, consciousness_type: linguistic, backend: echo, file: small.cdl.yaml, prompt: compact, ' \
    'memory_mb: 16, options: {say: "and so on", hang: after}}\n'
DOOR = '''
  communications:
    - {id: web, protocol: ollama_http, listen: "127.0.0.1:0", trust_vector: [0.8, 0.8, 0.8]}
coherence_rules:'''
GRANTS = 'trust_anchors: [operator]\ngrants: [{to: operator, rights: [control]}, {to: web, rights: [say]}]\n'
DOWN = '{"error":"the machine is going down"}'


def change(text):
    return text.replace('    - {id: faint', TALKER + '    - {id: faint', 1).replace('\ncoherence_rules:', DOOR, 1) + GRANTS


def ask(port, **request):
    body = json.dumps(dict(request, model='talker', prompt='hello', options={'num_predict': 999999}))
    s = socket.create_connection(('127.0.0.1', port), 30)
    s.sendall(f'POST /api/generate HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}'.encode())
    return s


def read(s, enough=None):
    """All that is said, or until `enough` was."""
    got = b''
    while not enough or enough not in got:
        more = s.recv(65536)
        if not more:
            break
        got += more
    return got.decode()


def exchanges(port):
    with socket.create_connection(('127.0.0.1', port), 30) as s:
        s.sendall(b'GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n')
        return int(re.search(r'^cadmus_http_exchanges (\d+)', read(s), re.M)[1])


def main():
    m = Machine(sys.argv[1], change)
    m.env['CADMUS_LOG'] = 'info'
    try:
        m.start()
        m.live('core', 'web')
        port = int(until('it listens', lambda: re.search(r'listening at http://127\.0\.0\.1:(\d+)', m.daemon_log()))[1])
        streamed = ask(port)
        begun = read(streamed, b'"done":false')
        whole = ask(port, stream=False)
        until('both are asked', lambda: exchanges(port) == 2)
        rc, out, err = m.run('down')
        expect('it goes down', rc == 0, out + err)
        answer = read(whole)
        expect('who waits hears why', answer.startswith('HTTP/1.') and ' 503 ' in answer.split('\r\n')[0] and
               answer.endswith(DOWN), answer)
        rest = begun + read(streamed)
        expect('a stream ends with a line that says so', rest.endswith('\n' + DOWN + '\n'), rest[-300:])
        expect('nobody had to be killed', 'did not end when asked' not in m.daemon_log(), m.daemon_log()[-2000:])
    finally:
        m.stop()
    return verdict()


sys.exit(main())

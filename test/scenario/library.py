"""For tests that load libcadmus into Python."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BINDINGS = os.path.join(HERE, '../../bindings/python')


def begin(path):
    """Let package `cadmus` be that of the tree, with the library at `path`.  One that AddressSanitizer looks after can be loaded only by
    a program that began with its run-time library: then this begins the program anew."""
    sys.path.insert(0, BINDINGS)
    sys.dont_write_bytecode = True
    os.environ['CADMUS_LIB'] = os.path.abspath(path)
    with open(path, 'rb') as f:
        needed = re.search(rb'libasan\.so\.\d+', f.read())
    if needed and 'LD_PRELOAD' not in os.environ:
        options = os.environ.get('ASAN_OPTIONS', '')
        os.environ.update(LD_PRELOAD=needed[0].decode(), ASAN_OPTIONS=options + ':detect_leaks=0')  # Python's own
        os.execv(sys.executable, sys.orig_argv)

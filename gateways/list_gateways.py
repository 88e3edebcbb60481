#!/usr/bin/env python3
"""The folders of gateways/ that hold a gateway, one a line.  usage: list_gateways.py FOLDER"""
import os
import sys

for name in sorted(os.listdir(sys.argv[1])):
    if name != 'lib' and os.path.exists(os.path.join(sys.argv[1], name, 'meson.build')):
        print(name)

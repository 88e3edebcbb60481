#!/usr/bin/env python3
"""The folders of drivers/ that hold a driver, one a line.  usage: list_drivers.py FOLDER"""
import os
import sys

for name in sorted(os.listdir(sys.argv[1])):
    if os.path.exists(os.path.join(sys.argv[1], name, 'meson.build')):
        print(name)

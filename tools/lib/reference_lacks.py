#!/usr/bin/env python3
"""What doxygen lets pass: reference_lacks.py HEADERS-FOLDER XML-FOLDER prints what the reference of public headers lacks.

A function says in words what each parameter is, what it returns, and who may call it: `@threads any` or
`@threads one at a time`, of which client.h says what they mean.  An enumerator says what it means.  What a header
declares with CDM_API is in the reference, and each header begins with what it is.  Exit code: is there something.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

MACROS = {'cdm_dtype'}  # enumerators that are lines of dtype.def


def text(node):
    return ''.join(node.itertext()).strip() if node is not None else ''


def lacks_of_function(f):
    about = f.find('detaileddescription')
    for item in about.iter('parameteritem'):
        if not text(item.find('parameterdescription')):
            yield f"no word about {text(item.find('parameternamelist'))}"
    for part in about.iter('simplesect'):
        if part.get('kind') == 'return' and not text(part):
            yield 'no word about what it returns'
    threads = [text(s.find('para')) for s in about.iter('simplesect') if s.findtext('title') == 'Threads']
    if len(threads) != 1 or not re.match(r'(any|one at a time)\b', threads[0]):
        yield 'not who may call it (@threads any, @threads one at a time)'


def lacks_of(file):
    tree = xml.parse(file)
    if not text(tree.find('compounddef/briefdescription')) + text(tree.find('compounddef/detaileddescription')):
        yield f"{text(tree.find('compounddef/compoundname'))}: not what it is"
    for m in tree.iter('memberdef'):
        name, where = m.findtext('name'), m.find('location')
        at = f"{where.get('file')}:{where.get('line')}: {name}: "
        if m.get('kind') == 'function':
            yield from (at + lack for lack in lacks_of_function(m))
        if m.get('kind') == 'enum' and name not in MACROS:
            yield from (f"{at}no word about {v.findtext('name')}" for v in m.findall('enumvalue')
                        if not text(v.find('briefdescription')))


def main():
    headers, folder = map(pathlib.Path, sys.argv[1:])
    files = sorted(folder.glob('*_8h.xml'))
    lacks = [lack for file in files for lack in lacks_of(file)]
    known = {m.findtext('name') for file in files for m in xml.parse(file).iter('memberdef')}
    for h in sorted(headers.glob('*.h')):
        declared = set(re.findall(r'^CDM_API [^(;]*?\b(cdm_\w+)\(', h.read_text(), re.M))
        lacks += [f'{h.name}: {name} is not in the reference' for name in sorted(declared - known)]
    print(*lacks, sep='\n', end='\n' if lacks else '')
    return 'there is nothing in the reference' if not known else bool(lacks)


if __name__ == '__main__':
    sys.exit(main())

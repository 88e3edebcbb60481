#!/bin/bash
# valgrind.sh TEST... - meson's wrapper: what valgrind finds fails the test; without valgrind it is skipped.
command -v valgrind >/dev/null || { echo "skipped: there is no valgrind here (apt-get install valgrind)"; exit 77; }
exec valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$@"

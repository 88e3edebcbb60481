#!/bin/bash
# headers_alone.sh - every header compiles by itself; public ones as C++ too.
set -u
cd "$(dirname "$0")/../.." && bad=0
flags="-D_GNU_SOURCE -DCADMUS_VERSION=\"0\" -Iinclude -Isrc -I. $(pkg-config --cflags libsodium libfyaml sqlite3 jansson hwloc libmicrohttpd)"
flags+=" ${CADMUS_LLAMA_INCLUDE:+-isystem $CADMUS_LLAMA_INCLUDE}"
for h in $(git ls-files '*.h'); do
	gcc -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -x c $flags -include "$h" /dev/null || { echo "not alone: $h"; bad=1; }
	case $h in include/*)
		clang -fsyntax-only -Wall -Wextra -Werror -x c++ $flags -include "$h" /dev/null || { echo "not C++: $h"; bad=1; } ;;
	esac
done
exit $bad

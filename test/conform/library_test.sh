#!/bin/bash
# library_test.sh CADMUS - libcadmus as a stranger's program gets it: installed, by pkg-config, shared and as an archive.
set -euo pipefail
cadmus=$1 build=$CADMUS_BUILD
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
command -v pkg-config >/dev/null || { echo "skipped: pkg-config is not installed"; exit 77; }
[ -f "$build/src/client/libcadmus.a" ] || { echo "skipped: there is no archive in a build with sanitizers"; exit 77; }

DESTDIR=$work meson install -C "$build" --no-rebuild --quiet >/dev/null
pc=$(find "$work" -name cadmus.pc)
libdir=$(dirname "$(find "$work" -name libcadmus.a)")
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work

cat >"$work/machine.cdl.yaml" <<'END'
machine: toy
version: 1.0
entities:
  people: [{id: ana, trust_vector: [0.9, 0.9, 0.9]}]
  sensors: [{id: thermometer, consciousness_type: spatial, driver: external, writes: [{field: heat, dtype: f64, unit: K}]}]
trust_anchors: [ana]
grants: [{to: ana, rights: [say, actuate, set, control]}]
END
cat >"$work/program.c" <<'END'
#include <cadmus/client.h>
#include <stdio.h>

int peers_init = 7; /* a name that the library has inside */

int main(int argc, char **argv) {
	static char plan[1 << 20];
	struct cdm_local *l;
	struct cdm_machine *thermometer, *client;
	struct cdm_writer *out;
	struct cdm_reader *in;
	double heat = 293.5, read = 0;
	FILE *f = fopen(argv[argc - 1], "rb");
	size_t bytes = f ? fread(plan, 1, sizeof(plan), f) : 0;
	if (cdm_local_open(plan, bytes, &l, NULL) < 0 || cdm_local_attach(l, "thermometer", &thermometer) < 0 ||
			cdm_local_attach(l, NULL, &client) < 0 || cdm_writer_open(thermometer, "heat", &out) < 0 ||
			cdm_open(client, "heat", &in) < 0 || cdm_write(out, &heat, sizeof(heat), NULL) != 1 ||
			cdm_read(in, &read, sizeof(read), NULL) < 0)
		return 1;
	printf("%.1f %d\n", read, peers_init);
	cdm_close(in);
	cdm_writer_close(out);
	cdm_detach(client);
	cdm_detach(thermometer);
	cdm_local_close(l);
	return 0;
}
END
"$cadmus" plan "$work/machine.cdl.yaml" --output "$work/toy.plan"

try() { # NAME PROGRAM
	local said
	said=$("$2" "$work/toy.plan")
	[ "$said" = "293.5 7" ] || { echo "FAIL $1: '$said'"; exit 1; }
	echo "ok   $1"
}

# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror "$work/program.c" -o "$work/shared" $(pkg-config --cflags --libs cadmus)
LD_LIBRARY_PATH=$libdir try "shared" "$work/shared"
# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror -pedantic "$CADMUS_ROOT/examples/c/detect.c" -o "$work/detect" $(pkg-config --cflags --libs cadmus)
echo "ok   the example"
# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror "$work/program.c" -o "$work/static" $(pkg-config --cflags cadmus) -L"$libdir" -l:libcadmus.a \
	-lsodium -lm -lpthread
try "archive by its name" "$work/static"
# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror "$work/program.c" -o "$work/static" $(pkg-config --cflags cadmus) "$libdir/libcadmus.a" \
	$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs --static libsodium) -lm -lpthread
try "archive" "$work/static"

others=$(nm -g --defined-only "$libdir/libcadmus.a" | awk 'NF == 3 && $3 !~ /^cdm_/ { print $3 }')
[ -z "$others" ] || { echo "FAIL the archive shows $others"; exit 1; }
echo "ok   the archive shows cdm_ names and nothing else"
one=$(nm -D --defined-only "$libdir/libcadmus.so" | awk '{ print $3 }' | grep '^cdm_' | sort)
two=$(nm -g --defined-only "$libdir/libcadmus.a" | awk 'NF == 3 { print $3 }' | sort)
[ "$one" = "$two" ] || { echo "FAIL shared and archive differ: $(diff <(echo "$one") <(echo "$two"))"; exit 1; }
echo "ok   the same as the shared library"
declared=$(grep -ohE '^CDM_API [^(]*\b(cdm_\w+)\(' "$work"/usr/local/include/cadmus/*.h | grep -oE 'cdm_\w+\($' | tr -d '(' | sort)
[ "$one" = "$declared" ] || { echo "FAIL the headers and the library differ: $(diff <(echo "$declared") <(echo "$one"))"; exit 1; }
echo "ok   and as the headers"

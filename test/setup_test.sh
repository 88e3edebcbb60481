#!/usr/bin/env bash
# setup_test: does tools/setup keep its word when things go wrong, and keep still when nothing is to be done?
#
# A copy of the program gets small tables of its own, a toy engine, a toy photograph, and a PATH where npm, apt-get and
# id are stand-ins that do as the test says and note that they were called: no network, no rights, nothing is installed.
set -uo pipefail
export LC_ALL=C
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tools" "$work/bin" "$work/toy/package" "$work/deb/DEBIAN" "$work/deb/usr/share"
cp -r "$here/../tools/setup" "$here/../tools/setup.d" "$work/tools/"
export CADMUS_CACHE=$work/cache CALLS=$work/calls TOY=$work/toy.tgz EVIL=$work/evil.tgz DEB=$work/photo.deb
unset npm_mode user apt_mode
failures=0

# All programs of the machine but sudo, with the stand-ins in their place.
ln -s /usr/bin/* /bin/* "$work/bin/" 2>/dev/null
rm -f "$work/bin/"{sudo,npm,apt-get,apt-cache,id,promtool}
standin() { rm -f "$work/bin/$1" && cat >"$work/bin/$1" && chmod +x "$work/bin/$1"; } # never through a link to the real one
standin id <<<'#!/bin/sh
echo ${user:-1000}'
standin getent <<<'#!/bin/sh
echo "toy:x:$2:$2:toy:/home/of_$2:/bin/sh"'
standin apt-cache <<<'#!/bin/sh
exit 0'
standin npm <<'END'
#!/bin/bash
echo "npm $*" >>"$CALLS"
while [ "$1" != --pack-destination ]; do shift; done
case ${npm_mode:-offline} in
good) cp "$TOY" "$2/toy-1.0.0.tgz" ;;
evil) cp "$EVIL" "$2/toy-1.0.0.tgz" ;;
offline) echo "npm error network toy stand-in: the network is down" >&2; exit 1 ;;
esac
END
standin apt-get <<'END'
#!/bin/bash
echo "apt-get $* ($DEBIAN_FRONTEND)" >>"$CALLS"
[ "${apt_mode:-good}" = good ] || { echo "E: toy stand-in: no network" >&2; exit 100; }
[ "$1" != download ] || cp "$DEB" .
END
export PATH=$work/bin

# The toys: an engine of two files, something else under its name, a photograph in a Debian package.
echo one >"$work/toy/package/a.txt" && echo two >"$work/toy/package/b.txt" && tar -czf "$TOY" -C "$work/toy" package
echo bad >"$work/toy/package/a.txt" && tar -czf "$EVIL" -C "$work/toy" package
echo picture >"$work/deb/usr/share/face.png"
printf 'Package: photo\nVersion: 1\nArchitecture: all\nMaintainer: toy <toy@localhost>\nDescription: toy\n' >"$work/deb/DEBIAN/control"
dpkg-deb --build "$work/deb" "$DEB" >/dev/null
toy_sum=sha512-$(sha512sum <"$TOY" | cut -d' ' -f1 | tr -d '\n' | sed 's/../\\x&/g' | xargs -0 printf '%b' | base64 -w0)
photo_sum=$(sha256sum <"$work/deb/usr/share/face.png" | cut -d' ' -f1)
tables() { # EXTRA PACKAGE, PHOTO CHECKSUM, WHAT TO TAKE
	echo "build | bash ${1:-} | | the shell" >"$work/tools/packages"
	{ echo "toy build toys tar:1 ${3:-package/*.txt} toy@1.0.0 200 $toy_sum"
	  echo "big option toys tar:1 package/* big@1.0.0 200 $toy_sum"; } >"$work/tools/engines.lock"
	echo "build - 1 photo photos usr/share/face.png ${2:-$photo_sum}" >"$work/tools/debs.lock"
}

run() { # leaves code, out (both streams) and calls
	: >"$CALLS"
	out=$("$work/tools/setup" "$@" 2>&1 </dev/null)
	code=$?
	calls=$(<"$CALLS")
}
says() { [[ $out == *"$1"* ]]; }
state_of_cache() { find "$CADMUS_CACHE" -printf '%p %T@ %s\n' 2>/dev/null | sort; }
check() { # NAME COMMAND...
	if "${@:2}"; then
		echo "ok $1"
	else
		echo "FAIL $1 (exit code $code, calls: $calls)"
		sed 's/^/     | /' <<<"$out"
		failures=$((failures + 1))
	fi
}

tables
run --help
check "help has examples" eval '[ $code = 0 ] && says examples: && says "--check"'
run --nonsense
check "unknown option is a usage error" eval '[ $code = 2 ] && says --nonsense'
run --with nothing
check "unknown --with names the options" eval '[ $code = 2 ] && says big'
CADMUS_CACHE="$work/a b" run
check "a path that env could not carry is refused" eval '[ $code = 1 ] && says "a b"'
run --what
check "--what tells what is missing and makes nothing" \
	eval '[ $code = 1 ] && says "missing  toy" && says "there    bash" && [ ! -e "$CADMUS_CACHE" ] && [ -z "$calls" ]'
home=${HOME:-}
unset HOME
CADMUS_CACHE= XDG_CACHE_HOME= run --what
check "without HOME it asks the system" eval '[ $code = 1 ] && says "cache: /home/of_1000/.cache/cadmus"'
export HOME=$home

run
check "no cache, no network: npm's error and the way out" \
	eval '[ $code = 1 ] && says "the network is down" && says "npm pack toy@1.0.0" && says "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz"'
npm_mode=evil run
check "what npm delivers wrong is refused and removed" \
	eval '[ $code = 1 ] && says "checksum mismatch" && says "expected sha512" && says "actual   sha512" &&
		[ ! -e "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz" ] && [ ! -e "$CADMUS_CACHE/toys/a.txt" ]'
npm_mode=good apt_mode=offline user=0 run
check "no Debian archive: apt-get's error and the way out" \
	eval '[ $code = 1 ] && says "E: toy stand-in" && says "package photo" && says "copy $CADMUS_CACHE" && [ ! -e "$CADMUS_CACHE/env" ]'
npm_mode=good run
check "cold run fetches, unpacks, writes env" \
	eval '[ $code = 0 ] && [ "$(cat "$CADMUS_CACHE"/toys/?.txt)" = "one"$'"'\n'"'two ] &&
		[ "$(cat "$CADMUS_CACHE/photos/face.png")" = picture ] && grep -qx "CADMUS_PHOTOS=$CADMUS_CACHE/photos" "$CADMUS_CACHE/env"'
before=$(state_of_cache)
run
check "warm run does nothing, needs nobody" \
	eval '[ $code = 0 ] && says "nothing to install" && [ -z "$calls" ] && [ "$before" = "$(state_of_cache)" ]'
run --json
check "--json is ready" eval '[ $code = 0 ] && says "\"ready\":true" && says "\"name\":\"toy\""'

rm "$CADMUS_CACHE/toys/a.txt"
run
check "a lost file comes back without network" eval '[ $code = 0 ] && [ -s "$CADMUS_CACHE/toys/a.txt" ] && [ -z "$calls" ]'
sed -i s/one/eno/ "$CADMUS_CACHE/toys/a.txt"
run
check "a changed file is put right" eval '[ $code = 0 ] && grep -qx one "$CADMUS_CACHE/toys/a.txt"'
cp "$EVIL" "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz" && run
check "stamps spare the hashing" eval '[ $code = 0 ] && says "nothing to install"'
run --again
check "a damaged tarball is refused and removed" \
	eval '[ $code = 1 ] && says "checksum mismatch" && says "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz" && says "actual   sha512" &&
		[ ! -e "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz" ]'
cp "$EVIL" "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz" && npm_mode=good run --again
check "with network it is fetched anew" eval '[ $code = 0 ] && says "checksum mismatch" && cmp -s "$TOY" "$CADMUS_CACHE/tarballs/toy-1.0.0.tgz"'
tables "" "" "package/a.txt" && run --again
check "what a new lock leaves out is removed" eval '[ $code = 0 ] && [ -e "$CADMUS_CACHE/toys/a.txt" ] && [ ! -e "$CADMUS_CACHE/toys/b.txt" ]'

tables "" "$(printf '0%.0s' {1..64})" && rm "$CADMUS_CACHE/photos/face.png" && run
check "a photograph that has changed is refused" \
	eval '[ $code = 1 ] && says "checksum mismatch" && says "$photo_sum" && [ ! -e "$CADMUS_CACHE/photos/face.png" ]'
tables && run
tables no-such-package-of-cadmus && run
check "neither root nor sudo: the command for an administrator" \
	eval '[ $code = 1 ] && says "apt-get install -y --no-install-recommends no-such-package-of-cadmus" && [ -z "$calls" ]'
user=0 run
check "packages: update, then install without questions; and no false success" \
	eval '[ $code = 1 ] && says "still missing" && [[ $calls == *" update "*"install -y --no-install-recommends no-such-package-of-cadmus (noninteractive)"* ]]'
printf '#!/bin/sh\necho sudo >>"$CALLS"\nexec "$@"\n' | standin sudo
run
check "sudo is used when there is one" eval '[[ $calls == sudo*update*sudo*"install -y"* ]]'

# The real tables: whole rows, true checksums, one source each.
code=0 out='' calls=''
cd "$here/../tools" || exit 1
rows() { grep -v -e '^#' -e '^$' "$1"; }
check "engines.lock: rows of 8, SHA-512" eval \
	'! rows engines.lock | awk "NF != 8 || \$2 !~ /^(build|check|option)\$/ || \$8 !~ /^sha512-[A-Za-z0-9+\/]+==\$/ || length(\$8) != 95" | grep .'
check "debs.lock: rows of 7, SHA-256" eval '! rows debs.lock | awk "NF != 7 || (\$7 != \"-\" && \$7 !~ /^[0-9a-f]+\$/)" | grep .'
check "packages: rows of 4" eval '! rows packages | awk -F"|" "NF != 4" | grep .'

exit $((failures > 0))

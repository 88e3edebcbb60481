# What tools/setup tells a person: progress with elapsed time, errors, and the log of noisy programs.

start=${EPOCHREALTIME/./} # microseconds
bold='' red='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'; fi

say() {
	local ms=$(((${EPOCHREALTIME/./} - start) / 1000))
	printf '[%3d.%d s] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*"
}

heading() { printf '%s%s%s\n' "$bold" "$*" "$plain"; }

# Errors: what happened on the first line, then what to do about it.
complain() {
	printf '%ssetup: %s%s\n' "$red" "$1" "$plain" >&2
	shift
	[ $# -eq 0 ] || printf '       %s\n' "$@" >&2
}

die() {
	complain "$@"
	exit 1
}

usage_error() {
	complain "$@" "tools/setup --help tells what there is."
	exit 2
}

size_text() { # BYTES
	if [ "$1" -lt 1000000 ]; then
		echo "$((($1 + 999) / 1000)) kB"
	else
		echo "$((($1 + 50000) / 1000000)).$((($1 + 50000) / 100000 % 10)) MB"
	fi
}

# Runs a program that talks much; what it said is shown only when it fails. The log stays for those who look.
quietly() {
	"$@" >"$cache/setup.log" 2>&1 && return
	tail -n 12 "$cache/setup.log" | sed 's/^/       | /' >&2
	return 1
}

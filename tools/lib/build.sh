# build.sh - sourced by ./run and ./check: one way to configure and build.

cadmus_cache=${CADMUS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cadmus}
[ -f "$cadmus_cache/env" ] && set -a && . "$cadmus_cache/env" && set +a

# build_at DIR COMPILER [MESON OPTION...]: configure once, build; a short line of progress, the log on failure.
build_at() {
	local dir=$1 compiler=$2 log=$1.log started=$SECONDS
	shift 2
	printf '%-28s ' "build $dir"
	if [ ! -f "$dir/build.ninja" ]; then
		CC=$compiler meson setup "$dir" -Dllama_include="${CADMUS_LLAMA_INCLUDE:-}" "$@" >"$log" 2>&1 || { echo FAILED; tail -n 40 "$log"; return 1; }
	fi
	ninja -C "$dir" >"$log" 2>&1 || { echo FAILED; grep -A 12 -E 'FAILED|error' "$log" | head -n 80; return 1; }
	printf '%4d s\n' $((SECONDS - started))
}

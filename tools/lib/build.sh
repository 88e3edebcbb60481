# build.sh - sourced by ./run and ./check: one way to configure and build.

cadmus_cache=${CADMUS_CACHE:-${XDG_CACHE_HOME:-${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache}/cadmus}
[ -f "$cadmus_cache/env" ] && set -a && . "$cadmus_cache/env" && set +a

# build_at DIR COMPILER [MESON OPTION...]: configure, anew if asked for otherwise than last time, and build $TARGET, or
# all; a short line of progress, and what went wrong.
build_at() {
	local dir=$1 compiler=$2 log=$1.log started=$SECONDS want
	shift 2
	local options=(-Dllama_include="${CADMUS_LLAMA_INCLUDE:-}" "$@") cxx=g++ ld=
	[ "$compiler" = clang ] && cxx=clang++
	[[ $compiler = clang || "$*" == *b_sanitize* ]] && ld=lld # for 200 programs half the time; not where gcc has -flto
	want="$compiler ${options[*]}"
	printf '%-28s ' "build $dir"
	if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.configured" 2>/dev/null)" != "$want" ]; then
		[ -d "$dir/meson-private" ] && rm -rf "$dir"
		env ${ld:+CC_LD=$ld CXX_LD=$ld} CC=$compiler CXX=$cxx meson setup "$dir" "${options[@]}" >"$log" 2>&1 ||
			{ echo FAILED; tail -n 40 "$log"; return 1; }
		echo "$want" >"$dir/.configured"
	fi
	ninja -C "$dir" ${TARGET:-} >"$log" 2>&1 || { echo FAILED; grep -a -A 12 -E 'FAILED|error' "$log" | head -n 80; return 1; }
	printf '%4d s\n' $((SECONDS - started))
}

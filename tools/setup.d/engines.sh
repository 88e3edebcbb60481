# Engines, models and clients (tools/engines.lock): npm tarballs, pinned by checksum, unpacked into the cache.
#
# A tarball is hashed before it is unpacked. Then a stamp records its checksum and, for each file that came out of it,
# size, time and name: later runs only compare these. A changed lock, or a file that is gone or was touched, makes the
# stamp untrue, and the tarball (hashed again) is unpacked again, without network.

tarball_of() { # PACKAGE: sets tarball, with the name that npm pack gives
	local name=${1#@}
	name=${name//\//-}
	tarball=$cache/tarballs/${name%@*}-${name##*@}.tgz
}

stamp_is_true() { # NAME CHECKSUM
	local lines
	[ -f "$cache/stamps/$1" ] || return 1
	mapfile -t lines <"$cache/stamps/$1"
	[ "${lines[0]:-}" = "$2" ] || return 1
	[ "$(cd "$cache" && stat -c '%s %.9Y %n' "${lines[@]##* }" 2>/dev/null)" = "$(printf '%s\n' "${lines[@]:1}")" ]
}

# Fills engine_row, absent_engines, npm_needed.
engines_look() {
	local name set into unpack take package bytes sum state note
	declare -gA engine_row=()
	absent_engines=() npm_needed=0
	while read -r name set into unpack take package bytes sum; do
		engine_row[$name]="$into $unpack $take $package $bytes $sum"
		tarball_of "$package"
		note="$package, $(size_text "$bytes")"
		[ ! -f "$tarball" ] || note+=", tarball in the cache"
		state=there
		if [ $again = 1 ] || ! stamp_is_true "$name" "$sum"; then
			state=missing
			if ! wanted "$set" "$name"; then
				state=option
			else
				absent_engines+=("$name")
				[ -f "$tarball" ] || npm_needed=1
			fi
		fi
		item engine $state "$name" "$set" "$note"
	done < <(table engines.lock)
}

# True if FILE has the CHECKSUM ("sha512-" and base64, as npm writes it); otherwise says so and removes it.
is_genuine() { # FILE CHECKSUM
	local want have
	want=$(base64 -d <<<"${2#sha512-}" | od -An -v -tx1 | tr -d ' \n')
	have=$(sha512sum <"$1" | cut -d' ' -f1)
	[ "$want" != "$have" ] || return 0
	rm -f "$1"
	complain "checksum mismatch, file removed: $1" "expected sha512 $want" "actual   sha512 $have"
	return 1
}

engine_fetch() { # PACKAGE CHECKSUM: to $tarball
	local new="$tmp/${tarball##*/}" how="To bring it from another machine: npm pack $1, and put the file at $tarball"
	npm pack --loglevel=error --fetch-retries=1 --fetch-timeout=20000 --ignore-scripts --pack-destination "$tmp" "$1" >/dev/null && [ -f "$new" ] ||
		die "npm could not fetch $1 (no network?)." "$how"
	is_genuine "$new" "$2" || die "npm delivered something else for $1 than tools/engines.lock names." \
		"Do not use it: see whether your registry or a proxy alters packages." "$how"
	mkdir -p "$cache/tarballs"
	mv "$new" "$tarball"
}

engine_unpack() { # HOW TAKE: from $tarball to $tmp/new
	local path
	mkdir "$tmp/new"
	case $1 in
	tar:*) tar -xzf "$tarball" -C "$tmp/new" --no-same-owner --strip-components="${1#tar:}" --wildcards "$2" ;;
	bundle)
		tar -xzf "$tarball" -C "$tmp" --no-same-owner package/llama/gitRelease.bundle
		git -c init.defaultBranch=main clone -q --bare "$tmp/package/llama/gitRelease.bundle" "$tmp/source.git"
		for path in ${2//,/ }; do git -C "$tmp/source.git" show "HEAD:$path" >"$tmp/new/${path##*/}"; done
		;;
	*) die "tools/engines.lock: no such way to unpack: $1" ;;
	esac
}

engine_get() { # NAME
	local into unpack take package bytes sum how="" file files old=()
	read -r into unpack take package bytes sum <<<"${engine_row[$1]}"
	tarball_of "$package"
	if [ ! -f "$tarball" ] || ! is_genuine "$tarball" "$sum"; then
		engine_fetch "$package" "$sum"
		how="fetched $(size_text "$bytes"), "
	fi
	engine_unpack "$unpack" "$take"
	mapfile -t files < <(cd "$tmp/new" && find . -type f -printf "$into/%P\n" | sort)
	# Each file is put in place by a rename: a program that has the old one mapped keeps it.
	for file in "${files[@]}"; do
		mkdir -p "$cache/${file%/*}"
		mv -f "$tmp/new/${file#"$into"/}" "$cache/$file"
	done
	# What an older version left behind goes.
	mkdir -p "$cache/stamps"
	[ ! -f "$cache/stamps/$1" ] || mapfile -t old < <(sed '1d; s/.* //' "$cache/stamps/$1")
	for file in "${old[@]}"; do
		[[ " ${files[*]} " == *" $file "* ]] || rm -f "$cache/$file"
	done
	(cd "$cache" && echo "$sum" && stat -c '%s %.9Y %n' "${files[@]}") >"$tmp/stamp"
	mv "$tmp/stamp" "$cache/stamps/$1"
	rm -rf "${tmp:?}"/*
	say "$1: ${how}unpacked into $into/, files: ${#files[@]}"
}

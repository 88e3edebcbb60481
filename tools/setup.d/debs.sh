# Single files out of Debian packages (tools/debs.lock): downloaded by apt-get, installed nowhere but in the cache.

# Fills deb_rows and absent_debs (the packages out of which something is missing).
debs_look() {
	local set unless mb package into path sum row file state have
	deb_rows=() absent_debs=()
	while read -r set unless mb package into path sum; do
		wanted "$set" || continue
		if [ "$unless" != - ] && command -v "$unless" >/dev/null; then continue; fi
		deb_rows+=("$set $mb $package $into/${path##*/} $path $sum")
	done < <(table debs.lock)
	have=$(printf '%s\n' "${deb_rows[@]}" | awk '{ print $4 }' | (cd "$cache" && xargs -r sha256sum) 2>/dev/null) || true
	for row in "${deb_rows[@]}"; do
		read -r set mb package file path sum <<<"$row"
		state=missing
		if [ "$sum" = - ] && [ -s "$cache/$file" ]; then state=there; fi
		if [[ $'\n'$have$'\n' == *$'\n'"$sum  $file"$'\n'* ]]; then state=there; fi
		item file $state "$file" "$set" "out of Debian's ${package//,/ or }, $mb MB"
		[ $state = there ] || [[ " ${absent_debs[*]} " == *" $package "* ]] || absent_debs+=("$package")
	done
}

deb_download() { # PACKAGE,PACKAGE...: the first one that this Debian has, to $tmp
	local name
	for name in ${1//,/ }; do
		! apt-cache show "$name" >/dev/null 2>&1 || break
	done
	(cd "$tmp" && quietly apt-get download -q -o APT::Sandbox::User=root "$name")
}

deb_get() { # PACKAGE,PACKAGE...
	local set mb package file path sum row have rows=() paths=()
	# Lists that are absent or old are the usual reason why a download fails: then they are read anew, once.
	deb_download "$1" 2>/dev/null || { apt_update && deb_download "$1"; } ||
		die "cannot take files out of the Debian package ${1//,/ or }: apt-get could not download it (no network?)." \
			"To bring them from another machine, copy $cache from there."
	for row in "${deb_rows[@]}"; do
		read -r set mb package file path sum <<<"$row"
		[ "$package" != "$1" ] || rows+=("$row") paths+=("./$path")
	done
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -x -C "$tmp" --no-same-owner "${paths[@]}"
	for row in "${rows[@]}"; do
		read -r set mb package file path sum <<<"$row"
		have=$(sha256sum <"$tmp/$path" | cut -d' ' -f1)
		[ "$sum" = - ] || [ "$sum" = "$have" ] || die "checksum mismatch: $path of Debian's $1" "expected sha256 $sum" \
			"actual   sha256 $have" "The package has changed: look at the file, then correct tools/debs.lock."
		mkdir -p "$cache/${file%/*}"
		mv -f "$tmp/$path" "$cache/$file"
	done
	rm -rf "${tmp:?}"/*
	say "${1//,/ or }: files taken: ${#rows[@]}"
}

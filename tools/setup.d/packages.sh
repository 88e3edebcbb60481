# Debian packages (tools/packages): which are missing, and how they are installed.

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
apt_updated=0

# Fills absent_packages. After engines_look: a machine that has nothing left to fetch from npm needs no npm.
packages_look() {
	local set names unless why name installed wanted_names=()
	declare -A why_of=() set_of=()
	while IFS='|' read -r set names unless why; do
		read -r set <<<"$set"
		read -r unless <<<"$unless"
		if [ "$set" = fetch ]; then [ $npm_needed = 1 ] || continue; else wanted "$set" || continue; fi
		if [ -n "$unless" ] && command -v "$unless" >/dev/null; then continue; fi
		for name in $names; do
			[ -z "${set_of[$name]:-}" ] || continue
			wanted_names+=("$name") set_of[$name]=$set why_of[$name]=${why# }
		done
	done < <(table packages)
	# dpkg-query fails when it does not know one of the names: that one is absent, then.
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted_names[@]}" 2>/dev/null) || true
	absent_packages=()
	for name in "${wanted_names[@]}"; do
		if [[ $'\n'$installed$'\n' == *$'\n'"installed $name"$'\n'* ]]; then
			item package there "$name" "${set_of[$name]}" "${why_of[$name]}"
		else
			item package missing "$name" "${set_of[$name]}" "${why_of[$name]}"
			absent_packages+=("$name")
		fi
	done
}

can_administer() {
	[ ${#as_root[@]} -eq 0 ] || command -v sudo >/dev/null || {
		complain "this is neither root nor has it sudo. An administrator must run:" \
			"apt-get update${absent_packages:+ && apt-get install -y --no-install-recommends ${absent_packages[*]}}"
		return 1
	}
}

apt_as_root() {
	quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}

apt_update() {
	[ $apt_updated = 0 ] || return 0
	can_administer || return 1
	say "apt-get update"
	apt_as_root update -q || {
		complain "apt-get update failed (no network?)."
		return 1
	}
	apt_updated=1
}

packages_install() {
	local install=(install -y --no-install-recommends "${absent_packages[@]}") size
	apt_update || exit 1
	size=$(apt-get "${install[@]}" --print-uris -qq 2>/dev/null |
		awk '{ n++; bytes += $3 } END { printf "with all they depend on %d, %.1f MB to download", n, bytes / 1e6 }') || true
	say "apt-get install: ${#absent_packages[@]} packages, $size; its words go to $cache/setup.log"
	apt_as_root "${install[@]}" ||
		die "apt-get could not install the packages." "The whole of what it said: $cache/setup.log"
}

# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# Sourced by scripts that need Debian packages without installing them: an apt with lists and settings of
# its own, so that neither the machine's configuration nor root is needed. apt checks signatures and
# checksums as ever. The packages come from the mirror that this machine uses, or LIBMEM_DEBIAN_MIRROR.
# The script has die() and a folder $tmp of its own; $arch is what machines the packages are for (amd64).

# A mirror of Debian that this machine's own apt uses.
mirror()
{
	if [ -n "${LIBMEM_DEBIAN_MIRROR:-}" ]; then
		echo "$LIBMEM_DEBIAN_MIRROR"
	else
		# shellcheck disable=SC2016 # apt expands these
		apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2> /dev/null |
			sed -n 's|\(.*/debian\)/*$|\1|p' | head -n 1
	fi
}

# make_private_apt SUITE...: give apt a world of its own under $tmp, with these suites' main. A suite
# is what follows the mirror's address: " unstable", "-security bookworm-security".
make_private_apt()
{
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	site=$(mirror)
	[ -n "$site" ] || die "this machine's apt has no Debian mirror: set LIBMEM_DEBIAN_MIRROR to one"
	[ -e $keyring ] || die "$keyring is missing: install debian-archive-keyring"
	mkdir -p "$tmp/state/lists/partial" "$tmp/cache/archives/partial"
	for suite; do
		echo "deb [arch=${arch:-amd64} signed-by=$keyring] $site$suite main"
	done > "$tmp/sources.list"
	cat > "$tmp/apt.conf" <<-END
		Dir::Etc::SourceList "$tmp/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "$tmp/state";
		Dir::State "$tmp/state";
		Dir::State::status "/dev/null";
		Dir::Cache "$tmp/cache";
		APT::Architecture "${arch:-amd64}";
		APT::Architectures "${arch:-amd64}";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
		Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
		Acquire::Retries "3";
	END
	export APT_CONFIG="$tmp/apt.conf"
	apt-get update -qq > "$tmp/log" 2>&1 || {
		cat "$tmp/log" >&2
		die "can't read the lists of packages"
	}
}

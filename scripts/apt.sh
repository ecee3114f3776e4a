# SPDX-License-Identifier: MIT
# To be sourced: apt with its own package lists and state, blind to the system's and without root.
# Packages come from the mirror that this machine already uses and are authenticated by apt against
# the installed Debian keyring.
# shellcheck shell=bash

APT_KEYRINGS=(/usr/share/keyrings/debian-archive-keyring.{gpg,pgp})

# The mirror this machine already uses for its own release.
debian_mirror() {
    # shellcheck disable=SC1091
    apt-get indextargets --format '$(RELEASE) $(REPO_URI)' |
        awk -v own="$(debian_codename)" '$1 == own { print $2; exit }'
}

debian_codename() {
    # shellcheck disable=SC1091
    (. /etc/os-release; echo "${VERSION_CODENAME:-sid}")
}

debian_keyring() {
    local file
    for file in "${APT_KEYRINGS[@]}"; do
        if [ -r "$file" ]; then echo "$file"; return; fi
    done
}

# Why packages of another Debian suite cannot be had here, or nothing.
debian_refusal() {
    # shellcheck disable=SC1091
    if [ "$(. /etc/os-release; echo "${ID-}")" != debian ]; then
        echo "this is not Debian"
    elif [ -z "$(debian_mirror)" ]; then
        echo "apt has no source for this Debian release"
    elif [ -z "$(debian_keyring)" ]; then
        echo "the package debian-archive-keyring is missing"
    fi
}

# apt_private DIR COMMAND...: an apt command with the sources and state in DIR.
apt_private() {
    local dir=$1 command=$2
    shift 2
    "$command" -q -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts="$dir/none" \
        -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
        -o Dir::State::status="$dir/status" -o Acquire::Languages=none \
        -o APT::Sandbox::User=root "$@"
}

# apt_private_suite DIR MIRROR KEYRING SUITE: DIR knows the packages of that suite and no others.
# What apt has to say goes to DIR/log.
apt_private_suite() {
    local dir=$1 mirror=$2 keyring=$3 suite=$4
    mkdir -p "$dir"/{none,lists/partial,cache/archives/partial}
    : >"$dir/status"
    echo "deb [signed-by=$keyring] $mirror $suite main" >"$dir/sources.list"
    apt_private "$dir" apt-get update >"$dir/log" 2>&1
}

# apt_private_fetch DIR PACKAGE...: they and all that they depend on, into DIR/cache/archives.
apt_private_fetch() {
    local dir=$1
    shift
    rm -f "$dir"/cache/archives/*.deb
    apt_private "$dir" apt-get install -y --download-only --no-install-recommends "$@" \
        >"$dir/log" 2>&1
}

# apt_private_unpack DIR PREFIX: what was fetched.
apt_private_unpack() {
    local deb
    rm -rf "$2"
    mkdir "$2"
    for deb in "$1"/cache/archives/*.deb; do
        dpkg -x "$deb" "$2" || return 1
    done
}

# apt_private_error DIR: the first error in the log, for a message.
apt_private_error() {
    sed -n 's/^E: //p' "$1/log" | head -1
}

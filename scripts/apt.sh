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

# SPDX-License-Identifier: MIT
# To be sourced by scripts/setup: a Bochs new enough for UEFI and VT-x, the system's or a private copy
# from a newer Debian, with the libraries it came with. scripts/bochs/bochs starts it.
# shellcheck shell=bash

BOCHS_MIN=3.1
BOCHS_SUITES=(forky sid)        # the first that has BOCHS_MIN is taken
BOCHS_STAMP=$(cat "$here"/{apt.sh,bochs/setup.sh,bochs/preload.c} | sha256sum | cut -c1-16)

bochs_is_set_up() {
    [ -r "$cache/bochs.env" ] || return 1
    # shellcheck disable=SC1091
    (. "$cache/bochs.env" && [ "$SETUP_STAMP" = "$BOCHS_STAMP" ] && [ -x "$BOCHS_BIN" ] &&
        [ -r "$BOCHS_PRELOAD" ] && [ -r "$BULKHEAD_VGABIOS" ])
}

# Sets the variables that describe the Bochs in a prefix, or in the system if that is empty.
bochs_describe() {
    BOCHS_PREFIX=$1
    BOCHS_BIN="$1/usr/bin/bochs-bin"
    BXSHARE="$1/usr/share/bochs"
    BULKHEAD_VGABIOS="$1/usr/share/vgabios/vgabios.bin"
}

# The system's Bochs is new enough and complete.
bochs_of_system() {
    bochs_describe ''
    [ -x "$BOCHS_BIN" ] && [ -r "$BULKHEAD_VGABIOS" ] || return 1
    compgen -G '/usr/lib/*/bochs/plugins/libbx_term_gui.so' >/dev/null || return 1
    BOCHS_VERSION=$("$BOCHS_BIN" --help 2>/dev/null </dev/null |
        sed -n 's/.*Bochs x86 Emulator \([0-9][0-9.]*\).*/\1/p' | head -1) || true
    [ -n "$BOCHS_VERSION" ] && dpkg --compare-versions "$BOCHS_VERSION" ge "$BOCHS_MIN"
}

# A private Bochs that an earlier run left complete.
bochs_of_cache() {
    local prefix
    for prefix in "$cache"/bochs-*; do
        bochs_describe "$prefix"
        BOCHS_VERSION=${prefix##*/bochs-}
        if [ -x "$BOCHS_BIN" ] && [ -r "$BULKHEAD_VGABIOS" ]; then return; fi
    done
    return 1
}

# bochs_download DIR: a private Bochs under the cache. Returns 1 after saying why not.
bochs_download() {
    local dir=$1 suite why
    why=$(debian_refusal)
    [ -z "$why" ] || { say "cannot download Bochs $BOCHS_MIN or newer: $why; $SEE_README"; return 1; }
    for suite in "${BOCHS_SUITES[@]}"; do
        say "reading the package list of Debian $suite"
        apt_private_suite "$dir" "$(debian_mirror)" "$(debian_keyring)" "$suite" ||
            { why="Debian $suite: $(apt_private_error "$dir")"; continue; }
        BOCHS_VERSION=$(apt_private "$dir" apt-cache show --no-all-versions bochs 2>/dev/null |
            sed -n 's/^Version: //p') || true
        if [ -z "$BOCHS_VERSION" ] || ! dpkg --compare-versions "$BOCHS_VERSION" ge "$BOCHS_MIN"; then
            why="Debian $suite has no Bochs $BOCHS_MIN"
            continue
        fi
        say "downloading Bochs $BOCHS_VERSION with its libraries (about 65 MB)"
        # bochs-term: the display that needs no window and opens no port.
        apt_private_fetch "$dir" bochs bochs-term vgabios ||
            { why="Debian $suite: $(apt_private_error "$dir")"; continue; }
        apt_private_unpack "$dir" "$dir/prefix" || { why="the packages cannot be unpacked"; continue; }
        bochs_describe "$cache/bochs-$BOCHS_VERSION"
        rm -rf "$BOCHS_PREFIX"
        mv "$dir/prefix" "$BOCHS_PREFIX"
        return
    done
    say "could not download Bochs $BOCHS_MIN or newer: $why; $SEE_README"
    return 1
}

# set_up_bochs DIR: works in DIR.
set_up_bochs() {
    local work=$1 idiv name
    mkdir -p "$work"
    bochs_of_system || bochs_of_cache || bochs_download "$work" || return 1
    say "using Bochs $BOCHS_VERSION in ${BOCHS_PREFIX:-/usr}"

    BOCHS_PRELOAD="$cache/preload-$BOCHS_STAMP.so"
    gcc -O2 -Wall -Wextra -fPIC -shared -o "$work/preload.so" "$here/bochs/preload.c" || return 1
    mv "$work/preload.so" "$BOCHS_PRELOAD"

    SETUP_STAMP=$BOCHS_STAMP
    for name in SETUP_STAMP BOCHS_VERSION BOCHS_PREFIX BOCHS_BIN BOCHS_PRELOAD BXSHARE \
        BULKHEAD_VGABIOS; do
        printf '%s=%q\n' "$name" "${!name}"
    done >"$work/env"
    mv "$work/env" "$cache/bochs.env"

    idiv=$(BULKHEAD_PRELOAD_REPORT=1 "$here/bochs/bochs" </dev/null) ||
        { say "$BOCHS_BIN does not start"; return 1; }
    say "Bochs' 64-bit IDIV: $idiv"
}

# SPDX-License-Identifier: MIT
# To be sourced by scripts/setup: a QEMU that emulates SVM with nested paging and x2APIC without KVM,
# the system's or a private copy from a newer Debian, with the libraries it came with.
# scripts/qemu/qemu starts it.
# shellcheck shell=bash

# Old versions have no x2APIC in TCG. 'enforce' makes QEMU refuse a CPU that it cannot provide in full.
QEMU_NEEDS=qemu64,enforce,+svm,+npt,+x2apic
QEMU_SUITES=(trixie forky)      # the first whose QEMU has QEMU_NEEDS is taken
QEMU_STAMP=$(cat "$here"/{apt.sh,qemu/setup.sh} | sha256sum | cut -c1-16)

qemu_is_set_up() {
    [ -r "$cache/qemu.env" ] || return 1
    # shellcheck disable=SC1091
    (. "$cache/qemu.env" && [ "$SETUP_STAMP" = "$QEMU_STAMP" ] && [ -x "$QEMU_BIN" ])
}

# qemu_suffices PREFIX ENV: writes what scripts/qemu/qemu has to know of the QEMU in PREFIX (the
# system's if that is empty) to ENV, and asks that QEMU for a processor with what Bulkhead needs.
qemu_suffices() {
    QEMU_PREFIX=$1
    QEMU_BIN=$1/usr/bin/qemu-system-x86_64
    [ -n "$1" ] || QEMU_BIN=$(command -v qemu-system-x86_64) || return 1
    [ -x "$QEMU_BIN" ] || return 1
    printf '%s=%q\n' SETUP_STAMP "$QEMU_STAMP" QEMU_PREFIX "$1" QEMU_BIN "$QEMU_BIN" >"$2"
    BULKHEAD_QEMU_ENV=$2 timeout -k 5 30 "$here/qemu/qemu" -machine q35,accel=tcg -cpu "$QEMU_NEEDS" \
        -m 64 -display none -nodefaults -S -qmp stdio >/dev/null 2>&1 \
        <<<'{"execute":"qmp_capabilities"}{"execute":"quit"}'
}

# qemu_of_cache ENV: a private QEMU that an earlier run left complete.
qemu_of_cache() {
    local prefix
    for prefix in "$cache"/qemu-*/; do
        if qemu_suffices "${prefix%/}" "$1"; then return; fi
    done
    return 1
}

# qemu_download DIR ENV: a private QEMU under the cache. Returns 1 after saying why not.
qemu_download() {
    local dir=$1 suite why version
    why=$(debian_refusal)
    [ -z "$why" ] || { say "the installed QEMU cannot emulate SVM, and $why; $SEE_README"; return 1; }
    for suite in "${QEMU_SUITES[@]}"; do
        say "reading the package list of Debian $suite"
        apt_private_suite "$dir" "$(debian_mirror)" "$(debian_keyring)" "$suite" ||
            { why="Debian $suite: $(apt_private_error "$dir")"; continue; }
        say "downloading QEMU with its libraries (about 40 MB)"
        apt_private_fetch "$dir" qemu-system-x86 ||
            { why="Debian $suite: $(apt_private_error "$dir")"; continue; }
        apt_private_unpack "$dir" "$dir/prefix" || { why="the packages cannot be unpacked"; continue; }
        if ! qemu_suffices "$dir/prefix" "$2"; then
            why="that of Debian $suite cannot emulate SVM"
            continue
        fi
        version=$(BULKHEAD_QEMU_ENV=$2 "$here/qemu/qemu" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
        rm -rf "$cache/qemu-$version"
        mv "$dir/prefix" "$cache/qemu-$version" && qemu_suffices "$cache/qemu-$version" "$2"
        return
    done
    say "could not download a QEMU that emulates SVM: $why; $SEE_README"
    return 1
}

# set_up_qemu DIR: works in DIR.
set_up_qemu() {
    mkdir -p "$1"
    qemu_suffices '' "$1/env" || qemu_of_cache "$1/env" || qemu_download "$1" "$1/env" || return 1
    mv "$1/env" "$cache/qemu.env"
    say "using $("$here/qemu/qemu" --version | head -1) in ${QEMU_PREFIX:-/usr}"
}

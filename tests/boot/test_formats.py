# SPDX-License-Identifier: MIT
"""Guests that are neither PVH kernels nor Linux: flat binaries and multiboot kernels."""
import re
import struct

import linux
from conftest import NEUTRAL
from machine import ROOT
from partitions import check_ended_well, guest, machine_section, powered_off, section

pytestmark = NEUTRAL

TIMER = "the timer and the TSC agree"
GUESTS = ROOT / "build/guests"


def boot(machine, files, *sections, **options):
    return machine.boot(files, machine_section() + "".join(sections),
                        cores=len(sections) + machine.monitor_cores, memory=256, **options)


def flat(name, image, **keys):
    return section(f"guest {name}", memory="1M", image=image, **keys)


# abuse: BI-08
def test_flat(machine):
    """A boot sector starts where a BIOS would start it, in real mode, with a console and a clock but
    without a BIOS: an interrupt ends it. An archive does not become one by its name."""
    files = {"flat.bin": GUESTS / "flat.bin", "CALLS.BIN": b"\xb4\x0e\xcd\x10" + bytes(508)}
    result = boot(machine, files, flat("flat", "flat.bin"), flat("calls", "CALLS.BIN"),
                  date="2031-03-01", timeout=200)
    check_ended_well(result)
    assert powered_off(result, "flat")
    assert result.guest("flat") == ["flat binary at 0000:7c00, DX 0000", "today is 2031-03-01"]
    assert result.guest("calls") == ["interrupt or exception, but no BIOS"]
    assert re.search(r"guest 'calls' vCPU 0 .*triple fault", "\n".join(result.hv))


def test_multiboot(machine):
    """Both versions as ELF files, and the first as a flat file that its header places;
    they can calibrate with a PC's timer."""
    files = {name: GUESTS / name for name in ("multiboot1.elf", "multiboot2.elf", "multiboot1.raw")}
    files["env.txt"] = "a line for it\0"
    keys = {"cmdline": "a=1 b", "initrd": "env.txt"}
    result = boot(machine, files, guest("multiboot1", **keys), guest("multiboot2", **keys),
                  section("guest raw", memory="16M", image="multiboot1.raw", cmdline="flat"))
    check_ended_well(result)
    for version in (1, 2):
        assert powered_off(result, f"multiboot{version}")
        lines = result.guest(f"multiboot{version}")
        assert lines[0] == f"multiboot {version}, cmdline: a=1 b"
        assert sorted(lines[1:]) == ["KiB from 1 MiB: 15360", "module env.txt: a line for it", TIMER]
    assert powered_off(result, "raw")
    assert result.guest("raw") == ["multiboot 1, cmdline: flat", "KiB from 1 MiB: 15360", TIMER]


def uki(sections):
    """An EFI program of nothing but sections: what `ukify` makes, without the program."""
    rows, contents = b"", b""
    start = 0x40 + 24 + 40 * len(sections)
    for name, data in sections.items():
        rows += struct.pack("<8sIIII16x", name.encode(), len(data), 0, len(data),
                            start + len(contents))
        contents += data
    coff = struct.pack("<4sHH12xHH", b"PE\0\0", 0x8664, len(sections), 0, 0)
    return b"MZ" + bytes(0x3a) + struct.pack("<I", 0x40) + coff + rows + contents


def test_uki(machine):
    """A kernel, an initrd and a command line in one file; the configuration names only that."""
    linux.need("cloud", "busybox")
    initrd = linux.initrd("cat /proc/cmdline\npoweroff -f\n")
    file = uki({".osrel": b"ID=test\n", ".linux": linux.image("cloud").read_bytes(),
                ".initrd": initrd, ".cmdline": (linux.QUIET + " inside\n").encode()})
    result = machine.boot({"linux.efi": file},
                          machine_section(tsc="trusted") +
                          section("guest linux", memory="192M", image="linux.efi"),
                          cores=linux.cores(machine), memory=512, timeout=900)
    check_ended_well(result)
    assert powered_off(result, "linux")
    assert any(line.endswith(linux.QUIET + " inside") for line in result.guest("linux"))
    # The timer of flat binaries and multiboot kernels is not there to be polled.
    assert sum(linux.exits(result).values()) < 20000

# SPDX-License-Identifier: MIT
"""Guests' files as they come: of a 32-bit toolchain, and in a folder that holds other things too."""
import elf
from conftest import NEUTRAL
from machine import ROOT
from partitions import check_ended_well, guest, images, machine_section, powered_off

pytestmark = NEUTRAL

MANY = 150


# abuse: BI-04
def test_elf32(machine):
    """What a 32-bit linker writes is started like any other kernel."""
    program = (ROOT / "build/guests/pvh32.elf").read_bytes()
    assert program[4] == elf.CLASS_32
    result = machine.boot(images("pvh32") | {"notes.txt": "a line for it\0"},
                          machine_section() + guest("pvh32", cmdline="a=1 b",
                                                    initrd="notes.txt"),
                          cores=1 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    assert powered_off(result, "pvh32")
    assert result.guest("pvh32") == ["32-bit kernel, cmdline: a=1 b", "initrd: a line for it"]


# abuse: BU-05
def test_stray_files(machine):
    """What lies in the folder without being named is not read and stops nothing, whatever it is
    called: a name that is not ASCII, one that is too long, hundreds of them, more than the memory
    would hold."""
    stray = {"Sägewerk.img": b"x", "日本語": b"", "n" * 200: b"x", "with spaces": b"x",
             "._pvh32.elf": b"x", "SPARE.ELF": bytes(300 << 20)}
    stray |= {f"stray-{i}": b"x" for i in range(MANY)}
    result = machine.boot(images("pvh32") | stray, machine_section() + guest("pvh32"),
                          cores=1 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    assert powered_off(result, "pvh32")

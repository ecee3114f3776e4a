# SPDX-License-Identifier: MIT
"""Guests' files as they come."""
import elf
from machine import ROOT
from partitions import check_ended_well, guest, images, machine_section, powered_off


# abuse: BI-04
def test_elf32(machine):
    """What a 32-bit linker writes is started like any other kernel."""
    program = (ROOT / "build/guests/pvh32.elf").read_bytes()
    assert program[4] == elf.CLASS_32
    result = machine.boot(images("pvh32") | {"notes.txt": "a line for it\0"},
                          machine_section() + guest("pvh32", cmdline="a=1 b",
                                                    initrd="notes.txt"), cores=1, memory=256)
    check_ended_well(result)
    assert powered_off(result, "pvh32")
    assert result.guest("pvh32") == ["32-bit kernel, cmdline: a=1 b", "initrd: a line for it"]

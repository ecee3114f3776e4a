# SPDX-License-Identifier: MIT
"""A boot volume without a sound bulkhead.elf: the loader says a sentence and gives the machine back
to the firmware, which is left to its own devices."""
import pytest

import elf
from machine import LOADER_REFUSED, ROOT


def for_another_machine(program):
    return program[:18] + elf.EM_AARCH64.to_bytes(2, "little") + program[20:]


@pytest.mark.parametrize("spoil, reason", [
    pytest.param(None, "is missing on the boot volume", id="missing"),
    pytest.param(lambda program: program[:5000], "is cut off: a segment lies beyond the end of the file",
                 id="cut"),
    *(pytest.param(spoil, reason, id=name, marks=pytest.mark.long) for name, spoil, reason in [
        ("empty", lambda _: b"", "is not an ELF file"),
        ("header", lambda program: program[:50], "is cut off inside its ELF header"),
        ("machine", for_another_machine, "is an ELF file for a processor other than x86-64"),
        ("guest", lambda _: elf.image(), "is not a position-independent ELF executable")]),
])
def test_program_is_refused(machine, spoil, reason):
    files = {}
    if spoil:
        files["bulkhead.elf"] = spoil((ROOT / "build" / "bulkhead.elf").read_bytes())
    result = machine.boot(files, "", engine="qemu", cores=1, memory=256, no_kernel=True)
    assert result.status == LOADER_REFUSED, result.reason
    assert "returned to the firmware" in result.reason
    assert len(result.hv) == 2
    assert result.hv[0].startswith("\\bulkhead\\bulkhead.elf: ")
    assert result.hv[0].endswith(reason)
    assert result.hv[1] == "back to the firmware"

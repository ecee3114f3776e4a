# SPDX-License-Identifier: MIT
"""A firmware that runs with 5-level paging: tests/boot/efi_levels.c makes one. The loader leaves it,
and guests run with all their cores. Without that program the same CPU has LA57 and the firmware
leaves it off."""
import pytest

import efi
from machine import POWERED_OFF, ROOT

CONF = "[guest smp]\ncores = 2\nmemory = 32M\nimage = smp.elf\n"
# With LA57, SVM or VT-x.
CPU = {"qemu": "EPYC-Genoa,+x2apic", "bochs": "sapphire_rapids"}


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    return efi.program("efi_levels", tmp_path_factory.mktemp("efi"))


@pytest.mark.parametrize("engine", ["qemu", "bochs"])
@pytest.mark.parametrize("turned_on", [True, False], ids=["on", "off"])
def test_five_level_paging(machine, levels, engine, turned_on):
    files = {"smp.elf": ROOT / "build/guests/smp.elf"}
    if turned_on:
        files |= {"BOOTX64.EFI": levels, "loader.efi": ROOT / "build/BOOTX64.EFI"}
    result = machine.boot(files, CONF, engine=engine, cpu=CPU[engine], cores=3, memory=256)
    assert result.status == POWERED_OFF, result.reason
    if turned_on:
        assert "[levels] 5-level paging: CPU yes, firmware off" in result.serial
        assert "[levels] turned on" in result.serial
    assert "all 2 cores counted, 200000 in total, IPIs ok" in result.guest("smp")

# SPDX-License-Identifier: MIT
"""Firmware whose tables and memory map are wrong, and cores that are listed but do not exist: what
cannot be used is named in a sentence each, and the rest of the machine goes on."""
import subprocess

import pytest

import efi
from conftest import NEUTRAL
from machine import ROOT
from partitions import (check_ended_well, check_refused, guest, images, lacking, machine_section,
                        powered_off)

TABLES = ROOT / "tests" / "acpi"
HOLES = 3000


@pytest.fixture(scope="session")
def first(testbed, tmp_path_factory):
    """The program that stands before the loader."""
    return efi.program("efi_faults", tmp_path_factory.mktemp("faults"))


def compiled(name, work):
    """tests/acpi/`name`.asl as iasl makes it."""
    subprocess.run(["iasl", "-p", work / name, TABLES / f"{name}.asl"], check=True,
                   capture_output=True)
    return (work / f"{name}.aml").read_bytes()


def spoiled(data, at, value, length=None):
    """A table with another byte and its checksum as it was; or with another length."""
    if length is not None:
        data = data[:4] + length.to_bytes(4, "little") + data[8:]
    return data[:at] + bytes([value]) + data[at + 1:]


def holes():
    """Free pages without end, each with a hole behind it, the last ones first; and odd ones."""
    yield from ((efi.CONVENTIONAL, (1 << 32) + i * 0x2000, 1) for i in range(HOLES, 0, -1))
    yield efi.CONVENTIONAL, 1 << 50, 1 << 18            # beyond the processor's addresses
    yield efi.CONVENTIONAL, (1 << 64) - 0x2000, 9       # wraps
    yield efi.CONVENTIONAL, 1 << 32, 0                  # nothing
    yield efi.UNUSABLE, 0x8000000, 3                    # in the middle of what is free
    yield 0x70000001, 0x8001000, 2                      # an OEM's type, over that
    yield efi.ACPI_RECLAIM, 0x8000800, 1                # not on a page


# abuse: BA-06, BU-06, BC-06
def test_firmware_that_lies(machine, first, tmp_path):
    """What is left is enough for a guest."""
    madt = efi.madt(efi.core(0), efi.core(77), efi.core(1), efi.core(0), efi.core(300),
                    efi.ioapic(0x200000), efi.ioapic(0xfec00000), b"\1\3\0", b"\0\0")
    broken = [spoiled(compiled("ssdt", tmp_path), 40, 0xff),
              spoiled(compiled("spcr", tmp_path), 45, 0x55),
              spoiled(compiled("dmar", tmp_path), 50, 0, length=0xffffffff),
              spoiled(compiled("mcfg", tmp_path), 50, 0, length=0),
              spoiled(compiled("hpet", tmp_path), 0, 0xff)]
    files = efi.faults(first, replaced={"APIC": madt}, added=broken, memory=holes())
    result = machine.boot(files | images("hello"),
                          machine_section() + guest("hello", cmdline="noinput"), engine="qemu",
                          cores=2, memory=512)
    check_ended_well(result)
    assert powered_off(result, "hello")
    assert not lacking(
        result.hv, r"acpi: SPCR at 0x\w+ has a bad checksum",
        r"acpi: APIC at 0x\w+ has an entry of invalid length; the rest is ignored",
        "acpi: the I/O APIC at 0x200000 overlaps RAM: not used",
        r"memory is in more than 56 pieces: \d+ of the smallest not used",
        r"the firmware lists 1048576 KiB of memory beyond the \d+ address bits of this processor: "
        "not used",
        "core with APIC id 77 does not answer: it is not used",
        "core with APIC id 300 does not answer: it is not used",
        "2 of 4 cores answer, .*")


def check_stops(machine, files, *lines):
    """It cannot even switch itself off: then it says so, and stops."""
    with machine.spawn(files | images("hello"), machine_section() + guest("hello"), engine="qemu",
                       cores=2, memory=256) as console:
        for line in (*lines, "no guest was started: switching the machine off",
                     "cannot switch this machine off; it is now safe to do so by hand"):
            console.expect(r"\[bulkhead\] " + line)


# abuse: BA-06
def test_no_sound_tables(machine, first):
    check_stops(machine, efi.faults(first, replaced={"RSD ": b"RSD PTR " + bytes(28)}),
                r"acpi: no valid RSDP at 0x[1-9a-f]\w+",
                "no usable ACPI tables: only the boot core will be used",
                "1 of 1 core answers")


# abuse: BU-06
def test_no_sound_memory(machine, first):
    """All of it is listed as broken, the ACPI tables' as well."""
    check_stops(machine, efi.faults(first, memory=[(efi.UNUSABLE, 0, 1 << 40)]),
                "no usable ACPI tables: only the boot core will be used",
                "not enough memory: the hypervisor needs 6144 KiB of contiguous memory below 4 GiB")


# abuse: BC-06
@NEUTRAL
def test_some_cores_are_silent(machine, first):
    """A guest that needs only cores that answer runs on them; the others are not numbered."""
    files = efi.faults(first, replaced={"APIC": efi.madt(efi.core(0), efi.core(99), efi.core(1))})
    result = machine.boot(files | images("hello"), machine_section()
                          + guest("hello", cores="#1", cmdline="noinput"),
                          cores=2, memory=256)
    check_ended_well(result)
    assert not lacking(result.hv, "core with APIC id 99 does not answer: it is not used",
                       "2 of 3 cores answer, .*")
    assert powered_off(result, "hello")
    assert not lacking(result.guest("hello"), "cores +1, this is APIC id 1")


# abuse: BC-06
@NEUTRAL
def test_guests_need_silent_cores(machine, first):
    files = efi.faults(first, replaced={"APIC": efi.madt(efi.core(0), efi.core(99), efi.core(1))})
    conf = (machine_section() + guest("exact", image="smp", cores="#1-2")
            + guest("many", image="smp", cores=3))
    result = machine.boot(files | images("smp"), conf, cores=2, memory=256)
    check_refused(result)
    assert not lacking(
        result.hv, "core with APIC id 99 does not answer: it is not used",
        r"bulkhead\.conf:\d+: guest 'exact' wants core #2, but the machine has #0 to #1",
        r"bulkhead\.conf:\d+: guest 'many' wants 3 cores, .*2 in the machine.*")

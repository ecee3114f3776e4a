# SPDX-License-Identifier: MIT
"""The real image on machines of many shapes: one core to eight, 256 MiB to 7 GiB, processors with
and without CET. Each boot runs guests that fit the machine and must all end well."""
import os

import pytest

import elf
from conftest import skip
from machine import ROOT
from operator_console import Operator
from partitions import (check_ended_well, cores_answer, guest, images, lacking, machine_section,
                        powered_off, with_hook)

GIB = 1 << 30


def check(result, cores, guests):
    check_ended_well(result)
    assert cores_answer(result, cores), result.hv
    for name in guests:
        assert powered_off(result, name), name


def test_one_core(machine):
    """No core is left for a monitor: the guest's own timer exits pump the console both ways."""
    result = machine.boot(images("hello"), machine_section() + guest("hello"),
                          cores=1, memory=256, input="a typed line\n")
    check(result, 1, ["hello"])
    assert "1 guest; no core is kept for the monitor" in result.hv
    assert "You typed: a typed line" in result.guest("hello")


def test_two_cores_for_two_guests(machine):
    """As many cores as guests, so again no monitor, and one guest is on core #0."""
    conf = (machine_section() + guest("clock", cmdline="seconds=1 tick=100 limit=10000")
            + guest("hello", cmdline="noinput some words"))
    result = machine.boot(images("clock", "hello"), conf,
                          cores=2, memory=1024, cpu="corei7_skylake_x")
    check(result, 2, ["clock", "hello"])
    assert "2 guests; no core is kept for the monitor" in result.hv
    assert not lacking(result.guest("clock"), r"tick 10 at 1\.\d+ s, drift \S+ us",
                       r"10 ticks, worst drift \d+ us")
    assert not lacking(result.guest("hello"), "cores +1, this is APIC id 1",
                       "cmdline +noinput some words")


# abuse: BU-04
@pytest.mark.parametrize("cpu, memory", [
    pytest.param("corei7_skylake_x", 512, marks=pytest.mark.long), ("arrow_lake", 4096)])
def test_four_cores(machine, cpu, memory):
    """arrow_lake has CET, which the firmware may have switched on."""
    conf = (machine_section() + guest("smp", cores=2)
            + guest("hello", cores="#3", cmdline="noinput"))
    result = machine.boot(images("smp", "hello"), conf, cores=4, memory=memory, cpu=cpu)
    check(result, 4, ["smp", "hello"])
    assert "2 guests; core #0 is kept for the monitor" in result.hv
    assert not lacking(result.guest("smp"), r"all 2 cores counted, \d+ in total, IPIs ok",
                       r"2 IPIs taken, 0 lost")
    assert not lacking(result.guest("hello"), "cores +1, this is APIC id 3")


def test_eight_cores(machine):
    """Two guests with several cores, whose IPIs must not reach each other."""
    conf = (machine_section() + guest("four", image="smp", cores=4)
            + guest("two", image="smp", cores="#7,#6") + guest("clock", cmdline="seconds=1 limit=10000"))
    result = machine.boot(images("smp", "clock"), conf, cores=8, memory=2048)
    check(result, 8, ["four", "two", "clock"])
    assert not lacking(result.guest("four"), "all 4 cores counted, .* IPIs ok",
                       r"12 IPIs taken, 0 lost", r"core 3, APIC id \d, counted \d+")
    assert not lacking(result.guest("two"), "all 2 cores counted, .* IPIs ok",
                       r"core 0, APIC id 7, counted \d+", r"core 1, APIC id 6, counted \d+")


# abuse: EP-17
def test_guest_beyond_3_gib(machine):
    """Its memory goes on at 4 GiB, in leaves of all three sizes: everywhere else Bochs' guests have
    leaves of 4 KiB. Scrubbing it twice costs half a minute of the emulator, and as much memory as
    the guest has."""
    if os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 6 * GIB:
        skip("it needs 6 GiB of free memory")
    conf = machine_section() + guest("hello", memory="3200M", cmdline="noinput")
    result = machine.boot(images("hello") | with_hook("leaves"), conf, cores=2, memory=7168)
    check(result, 2, ["hello"])
    assert not any("4 KiB leaves only" in line for line in result.hv)
    assert not lacking(result.hv, "  guest memory 0x0-0xbfffffff, 0x100000000-0x107ffffff")
    assert not lacking(result.guest("hello"), r" +0x100000000-0x107ffffff RAM",
                       r" +0x000100000-0x0bfffffff RAM")


# Powers off with bit 25 of CPUID.1:ECX, AES, as its code.
SAYS_AES = (b"\xb8\x01\x00\x00\x00\x0f\xa2"          # mov eax, 1; cpuid
            + b"\x89\xcb\xc1\xeb\x19\x83\xe3\x01"     # mov ebx, ecx; shr ebx, 25; and ebx, 1
            + b"\xb8\x05\x00\x48\x42\x0f\x01\xc1"     # mov eax, CALL_POWER_OFF; vmcall
            + elf.HLT)


def test_cores_of_three_kinds(machine):
    """What only some of a guest's cores have, none of them shows; a core that cannot do what the
    first can is left alone."""
    conf = (machine_section(reserve=0) + guest("first", image="aes", cores="#0,#1")
            + guest("third", image="aes", cores="#2"))
    files = {"aes.elf": elf.image(elf.Segment(data=SAYS_AES))} | with_hook("kinds")
    result = machine.boot(files, conf, cores=4, memory=256, engine="bochs")
    check_ended_well(result)
    assert not lacking(result.hv, "core with APIC id 2 differs from the boot core in what this test "
                       "takes away: it is not used", "3 of 4 cores answer, .*")
    assert powered_off(result, "first", code=0)
    assert powered_off(result, "third", code=1)


def too_late(program, ticks):
    """The other cores do not say that they are there, and after so many ticks each runs into an
    instruction that is none, without a table of interrupts: the end of the machine."""
    read_tsc = b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0"          # rdtsc; shl rdx, 32; or rax, rdx
    wait = (b"\xf3\x90" + read_tsc + b"\x48\x29\xd8"              # pause; ...; sub rax, rbx
            + b"\x48\x3d" + ticks.to_bytes(4, "little"))           # cmp rax, ticks
    code = (elf.PROLOGUE + read_tsc + b"\x48\x89\xc3"              # mov rbx, rax
            + wait + b"\x72" + (-len(wait) - 2).to_bytes(1, "little", signed=True) + elf.UD2)
    return elf.overwritten(program, "smp_core_main", code)


def test_cores_that_answer_too_late(machine):
    """Each is waited for, named and left; the guests have the others. A core that wakes up later
    than that is in INIT by then: it never gets to what it would do."""
    program = (ROOT / "build/bulkhead.elf").read_bytes()
    files = images("hello") | {"bulkhead.elf": too_late(program, 60_000_000)}    # 1.2 s
    result = machine.boot(files, machine_section() + guest("hello", cmdline="noinput"), cores=3,
                          memory=256, engine="bochs", mhz=50)
    check_ended_well(result)
    assert not lacking(result.hv, "core with APIC id 1 does not answer: it is not used",
                       "core with APIC id 2 does not answer: it is not used",
                       "1 of 3 cores answers, .*")
    assert powered_off(result, "hello")


@pytest.mark.parametrize("isolation", ["strict", "trusted"])
def test_trusted_guests(machine, isolation):
    """isolation = trusted, on a processor whose guests have 4 KiB leaves otherwise: large ones, so that
    the tables of 128 MiB do not take 64 pages; it is said in the boot log and the isolation report."""
    trusted = isolation == "trusted"
    conf = (machine_section(reserve=1, isolation=isolation) + guest("hello")
            + guest("clock", memory="128M"))
    with machine.spawn(images("hello", "clock"), conf, cores=3, memory=512,
                       timeout=120) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] nested tables: "
                      + ("large leaves, although" if trusted else "4 KiB leaves only"))
        operator.wait(r"\[clock\] tick 1 ")
        operator.open()
        assert trusted == any("'isolation = trusted' maps large pages" in line
                              for line in operator.ask("isolation"))
        used = next(line for line in operator.ask("memory") if line.startswith("page pool: "))
        assert trusted == (int(used.split()[2]) < 216), used    # 252 with the small leaves' tables

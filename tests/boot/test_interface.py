# SPDX-License-Identifier: MIT
"""docs/guest-abi.md, seen from inside: what guests may do works, what they may not is stopped, and
their neighbours do not notice."""
import re

import pytest

from conftest import LOG_DIR, NEUTRAL
from hostile import ALONE, check_rows, rows_in
from partitions import (check_ended_well, exits_of, guest, image_pages, images, lacking,
                        machine_section, powered_off, spoken_lines)
from screen import check_shows

# How `escape` tries to get out, and how the diagnosis calls that.
ESCAPES = {
    "read": "it read from guest-physical address 0x1000000, which is outside its memory",
    "write": "it wrote to guest-physical address 0x1000000, which is outside its memory",
    "exec": "it executed at guest-physical address 0x1000000, which is outside its memory",
    "wild": "it read from guest-physical address 0x1000000 during a walk of its page tables, "
            "which is outside its memory",
}
BEATS = 20


def check_hostile(result):
    check_rows(result.guest("hostile"), rows_in(*ALONE), 370)
    assert powered_off(result, "hostile")


def test_interface_on_one_core(machine):
    """All of it must also work where the guest's core pumps the console."""
    result = machine.boot(images("hostile"), machine_section() + guest("hostile"),
                          cores=1, memory=512)
    check_ended_well(result)
    check_hostile(result)


@pytest.mark.parametrize(
    "cpu", ["corei7_skylake_x", pytest.param("arrow_lake", marks=pytest.mark.long)])
def test_ticks_cost_no_exit(machine, cpu):
    """`tick` takes two hundred timer interrupts. Meanwhile the guest beside it does all it can to
    reach other cores. What exits `tick` had is known to the last one: its hypercalls, and what a
    guest does once at its start and end; none is left for the ticks. Together they say more than
    fits on the screen, which must have scrolled to the end of it."""
    picture = LOG_DIR / f"screen-scrolled-{cpu}.png"
    conf = machine_section("serial screen", reserve=1) + guest("tick") + guest("hostile")
    result = machine.boot(images("tick", "hostile"), conf, cores=3, memory=512, cpu=cpu,
                          screen=picture)
    check_ended_well(result)
    check_hostile(result)
    check_shows(picture, spoken_lines(result),
                " keyboard: tick (Ctrl-T) | tick stopped | hostile stopped")
    lines = result.guest("tick")
    assert not lacking(lines, "spinning: 100 of 100 ticks", "in HLT: 100 of 100 ticks")
    so_far = next(int(line.split()[-1]) for line in lines if line.startswith("hypercalls so far"))
    exits = exits_of(powered_off(result, "tick"))
    assert exits.pop("hypercall") == so_far + 2     # its last line, and the power-off
    # CPUID for the rates, the signature, the vendor and the timer's modes; APIC_BASE read, SVR and the
    # timer's LVT written; CR0, and the step that repeats it.
    assert exits == {"cpuid": 6, "rdmsr": 1, "wrmsr": 3, "cr": 1, "step": 1}


# abuse: EP-01, EP-02, EP-03, EP-09, LC-01, LC-02
def test_escapes(machine):
    """Four guests try to get out, each in its own way; two canaries beat beside them and miss no
    beat; one guest is restarted twice after a crash, one restarts itself and finds nothing of its
    earlier lives; one powers off with a code of its own."""
    conf = machine_section() + guest("scrub", cmdline="until=2000") + "".join(
        guest(how, image="escape", cmdline=f"how={how}",
              on_crash="restart 2" if how == "wild" else "stop") for how in ESCAPES)
    conf += "".join(guest(name, image="spin", cmdline=f"beats={BEATS}")
                    for name in ("canary", "second"))
    files = images("escape", "spin", "scrub")
    result = machine.boot(files, conf, cores=8, memory=512)
    check_ended_well(result)
    assert "ESCAPED" not in result.serial
    check_escapes(result)
    for name in ("canary", "second"):
        check_beats(result, name)
    check_scrub(result)


def check_escapes(result):
    for how, why in ESCAPES.items():
        lives = 3 if how == "wild" else 1
        stops = [line for line in result.hv if re.fullmatch(
            rf"guest '{how}' vCPU 0 on core #\d is stopped: {re.escape(why)}: "
            "the first byte after its memory", line)]
        assert len(stops) == lives, how
        starts = [line for line in result.hv if line.startswith(f"guest '{how}' starts ")]
        assert len(starts) == lives, how
        rest = result.hv[result.hv.index(stops[0]) + 1:]
        block = [line for line in rest if line.startswith("  ")]    # others may speak meanwhile
        assert block[0].startswith("  exit EPT_VIOLATION (0x30), ")
        assert block[1].startswith("  RIP ")
    assert "guest 'wild' has been restarted 2 times: it stays stopped" in result.hv


def check_beats(result, name):
    """All of them, in order, whole lines, and not later than they should be."""
    assert result.guest(name) == [f"beat {n}" for n in range(1, BEATS + 1)]
    ms = int(re.search(r"after (\d+) ms", powered_off(result, name))[1])
    assert BEATS * 100 <= ms < BEATS * 100 + 50, ms


def check_scrub(result):
    lines = result.guest("scrub")
    lives = sum("pages and the registers are" in line for line in lines)
    assert lives >= 2
    clean = f"{4000 - image_pages('scrub')} pages and the registers are clean"  # of its 16 MiB
    assert lines == [clean, "dirtying all of it"] * (lives - 1) + [clean]
    restarts = [line for line in result.hv if line.startswith("guest 'scrub' asked for a restart")]
    assert len(restarts) == lives - 1
    assert powered_off(result, "scrub")


@NEUTRAL
def test_power_off_codes(machine):
    """A code is shown; an exception that a guest does not handle is that guest's end only; an
    initrd and a file in upper case are found."""
    conf = (machine_section() + guest("alone", image="smp")
            + guest("hello", image="HELLO", cmdline="noinput", initrd="spin.elf"))
    files = images("smp", "spin") | {"Hello.elf": images("hello")["hello.elf"]}
    result = machine.boot(files, conf, cores=2 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    assert powered_off(result, "alone", code=1)
    assert powered_off(result, "hello", code=0)
    assert not lacking(result.hv, "  initrd       spin.elf")

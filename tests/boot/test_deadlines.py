# SPDX-License-Identifier: MIT
"""A deadline is a point in time, whatever the guest does until then: watchdog, PV timer and the
console's turn act within a tenth of what was asked, beside each kind of exit in a loop. All times
are the machine's own."""
import re

import pytest

import elf
from partitions import (check_ended_well, check_refused, exits_of, guest, images, machine_section,
                        powered_off, with_hook)

# What guests/deadline can loop on, alone and with a second core.
LOOPS = ["none", "cpuid", "call", "write", "in", "out", "rdmsr", "refused", "xsetbv", "cr",
         "forbidden", "cache", "step", "window"]
PAIRS = ["kick", "init"]
AT_ONCE = 4             # loops on one machine: with each core all of them get slower
# Every day: no exit, one that the exit path handles by itself, one of a device, and one after which
# something has to follow at once.
DAILY_WATCHDOG = ["none", "cpuid", "in", "window"]
DAILY_TIMER = ["none", "cpuid", "in", "step"]
SPIN = b"\xeb\xfe"      # jmp to itself
WATCHDOG_MS = [300, 550, 800, 1050]     # a report is written in between


def long(loops):
    return pytest.param(loops, marks=pytest.mark.long)


def machines(loops, daily):
    """The daily loops on one, all others on machines for long runs."""
    others = [loop for loop in loops if loop not in daily]
    return [daily, *(long(others[i:i + AT_ONCE]) for i in range(0, len(others), AT_ONCE))]


@pytest.mark.parametrize("loops", [*machines(LOOPS, DAILY_WATCHDOG), long(PAIRS)], ids="-".join)
def test_watchdog(machine, loops):
    """Never fed, it ends the guest after the time of the file."""
    cores = 2 if loops is PAIRS else 1
    wanted = dict(zip(loops, WATCHDOG_MS))
    conf = machine_section() + "".join(
        guest(loop, image="deadline", memory="2M", cores=cores, watchdog=f"{ms}ms",
              cmdline=f"loop={loop}") for loop, ms in wanted.items())
    result = machine.boot(images("deadline"), conf, cores=1 + cores * len(loops), mhz=50)
    check_ended_well(result)
    ended = dict(re.findall(r"guest '(\w+)' was stopped after (\d+) ms", result.serial))
    assert set(ended) == set(loops)
    assert not {loop: after for loop, after in ended.items()
                if not wanted[loop] <= int(after) <= wanted[loop] * 11 // 10}


@pytest.mark.parametrize("loops", [*machines(LOOPS[:-1], DAILY_TIMER), ["kick"]], ids="-".join)
def test_pv_timer(machine, loops):
    """Never early (the guest looks), and not later than a tenth of its time."""
    cores = 2 if loops == ["kick"] else 1
    conf = machine_section() + "".join(
        guest(loop, image="deadline", memory="2M", cores=cores, cmdline=f"loop={loop} what=timer")
        for loop in loops)
    result = machine.boot(images("deadline"), conf, cores=1 + cores * len(loops), mhz=50)
    check_ended_well(result)
    for loop in loops:
        assert powered_off(result, loop), loop
        late, asked = re.fullmatch(r"late by at most (\d+) us of (\d+)",
                                   result.guest(loop)[-1]).groups()
        assert int(late) <= int(asked) / 10, loop


def test_console(machine):
    """Core 0's guest makes exits, and another core's text goes out as fast as beside none."""
    conf = machine_section(reserve=0) + guest("busy", image="deadline", cores=2,
                                              cmdline="what=console")
    result = machine.boot(images("deadline"), conf, cores=2)
    check_ended_well(result)
    said = dict(re.findall(r"^\[busy\] (\w+): (\d+) bytes", result.serial, re.M))
    assert set(said) == set(LOOPS)
    slow = {loop: int(count) for loop, count in said.items()
            if int(count) < int(said["none"]) * 9 // 10}
    assert not slow, said


def test_no_exit_at_all(machine):
    """Core 0's guest makes no exit from its first instruction on: the console is served and its
    watchdog bites all the same."""
    conf = (machine_section(reserve=0) +
            guest("mute", memory="2M", image="mute", cores="#0", watchdog="500ms") +
            guest("hello", cores="#1", cmdline="noinput"))
    mute = elf.image(elf.Segment(data=SPIN))
    result = machine.boot(images("hello") | {"mute.elf": mute}, conf, cores=2)
    check_ended_well(result)
    assert powered_off(result, "hello")
    after = int(re.search(r"guest 'mute' was stopped after (\d+) ms", result.serial)[1])
    assert 500 <= after <= 550


def test_interrupts_off(machine):
    """An interrupt that a guest does not take yet costs the exits of its beginning and its end, not
    one each moment."""
    rounds = 10
    conf = machine_section() + guest("hold", image="deadline",
                                     cmdline=f"loop=none what=timer hold rounds={rounds} ms=10")
    result = machine.boot(images("deadline"), conf, cores=2, mhz=50)
    check_ended_well(result)
    exits = exits_of(powered_off(result, "hold"))
    assert exits.get("timer", 0) <= 3 * rounds, exits
    late, asked = re.fullmatch(r"late by at most (\d+) us of (\d+)",
                               result.guest("hold")[-1]).groups()
    assert int(late) < int(asked) * 6 // 10     # half of its time with interrupts off


def test_fed_by_another_core(machine):
    """The last sign of life may be later than the look at it."""
    conf = machine_section() + guest("fed", image="watchdog", cores=2, watchdog="20ms",
                                     cmdline="other=500")
    result = machine.boot(images("watchdog"), conf, cores=3, mhz=50)
    check_ended_well(result)
    assert powered_off(result, "fed")


# ------------------------------------------------------------------ without a timer in the guest

@pytest.mark.parametrize("loops", [["none"], long(["none", "cpuid", "write"])], ids="-".join)
def test_watched_deadlines(machine, loops):
    """Where no timer counts while a guest runs, core 0 watches: the PV timer of a guest that makes
    no exit, in long runs of ones that make many, and as many watchdogs. Late by less than a millisecond
    and what the kick takes, and never early."""
    conf = machine_section(reserve=1) + "".join(
        guest(f"t-{loop}", image="deadline", memory="2M", cmdline=f"loop={loop} what=timer")
        for loop in loops) + "".join(
        guest(f"w-{loop}", image="deadline", memory="2M", watchdog=f"{ms}ms",
              cmdline=f"loop={loop}") for loop, ms in zip(loops, WATCHDOG_MS))
    result = machine.boot(images("deadline") | with_hook("notimer"), conf,
                          cores=1 + 2 * len(loops), mhz=50)
    check_ended_well(result)
    for loop in loops:
        assert powered_off(result, f"t-{loop}"), loop
        late, asked = re.fullmatch(r"late by at most (\d+) us of (\d+)",
                                   result.guest(f"t-{loop}")[-1]).groups()
        print(f"t-{loop}: late by {late} us of {asked}")
        assert int(late) <= int(asked) / 10, loop
    ended = dict(re.findall(r"guest 'w-(\w+)' was stopped after (\d+) ms", result.serial))
    assert set(ended) == set(loops)
    for loop, ms in zip(loops, WATCHDOG_MS):
        assert ms <= int(ended[loop]) <= ms * 11 // 10, loop
    assert " timer" not in "".join(line for line in result.hv if " exits: " in line)


def test_watched_deadlines_need_the_monitor(machine):
    """With nobody to watch, nothing is started."""
    conf = machine_section(reserve=0) + guest("hello")
    result = machine.boot(images("hello") | with_hook("notimer"), conf, cores=2)
    check_refused(result)
    assert any("so core #0 has to watch the guests' deadlines: write 1 or more" in line
               for line in result.hv), result.hv

# SPDX-License-Identifier: MIT
"""What follows the end of a guest: on_crash, on_poweroff, watchdog; and many lives.
BULKHEAD_LIVES=1000 makes them more: after each there is a pause of up to a second."""
import os
import re

import pytest

import elf
from conftest import NEUTRAL, engines
from operator_console import Operator
from partitions import (TITLE, check_beats, check_ended_well, guest, images, lacking, machine_section,
                        powered_off)

LIVES = int(os.environ.get("BULKHEAD_LIVES", "40"))
LOOP_BEATS = 90         # so long guests loop, in tenths of a second
STOP_LIMIT_US = 10_000
RING_LINES = 1024 * 48 // len("flood 1 of a guest\n") + 200  # what waits at most; and the stage


def count(lines, pattern):
    return sum(bool(re.match(pattern, line)) for line in lines)


def lengths(lines, name):
    """How long each of a guest's lives lasted that ended by a crash, in ms."""
    ends = (re.match(rf"guest '{name}' was stopped after (\d+) ms;", line) for line in lines)
    return [int(end[1]) for end in ends if end]


def page_pool(operator):
    """The line about it; other lines may stand between those of an answer."""
    return next(line for line in operator.ask("memory")
                if re.fullmatch(r"page pool: \d+ of \d+ pages used, sealed", line))


@engines("bochs", "qemu")
def test_policies(machine):
    """Each guest ends as its section says, and so the machine."""
    conf = (machine_section()
            + guest("stays", image="escape", cmdline="how=read", on_crash="stop")
            + guest("twice", image="escape", cmdline="how=write", on_crash="restart 2")
            + guest("well", image="watchdog", watchdog="200ms", cmdline="calls=20 each=50")
            + guest("silent", image="watchdog", watchdog="200ms", cmdline="calls=3 silent",
                    on_crash="restart 1")
            + guest("halted", image="spin", watchdog="100ms", cmdline="how=hlt")
            + guest("unwatched", image="watchdog", cmdline="calls=2 each=300"))
    result = machine.boot(images("escape", "watchdog", "spin"), conf, cores=7, memory=512,
                          timeout=600)
    check_ended_well(result)
    for name, lives in {"stays": 1, "twice": 3, "well": 1, "silent": 2, "halted": 1,
                        "unwatched": 1}.items():
        assert count(result.hv, f"guest '{name}' starts ") == lives, name
    assert powered_off(result, "well") and powered_off(result, "unwatched")
    assert not lacking(
        result.hv, "guest 'twice' has been restarted 2 times: it stays stopped",
        r"guest 'halted' vCPU 0 on core #\d is stopped: its watchdog has expired: no sign of life "
        "for 100 ms")
    assert count(result.hv, "guest 'silent' vCPU 0 .* no sign of life for 200 ms") == 2
    assert len(lengths(result.hv, "silent")) == 2
    if machine.keeps_time:
        for ms in lengths(result.hv, "silent"):     # two calls 50 ms apart, then 200
            assert 300 <= ms < 330
        for ms in lengths(result.hv, "twice"):  # it dies at once: no life counts others' words
            assert ms < 20


REBOOTS = {
    "kill vital": "guest 'vital' crashed: rebooting the machine (on_crash = reboot)",
    "bye": "guest 'hello' powered off: rebooting the machine (on_poweroff = reboot)",
    "reboot": "the operator typed `reboot`: starting the machine again",
}


@pytest.mark.parametrize("what", [
    "kill vital", *(pytest.param(what, marks=pytest.mark.long) for what in ("bye", "reboot"))])
def test_reboots(machine, what):
    """A crash, a power-off and a command start the whole machine again. The second boot is left at
    its first line: test_lastlog.py says why."""
    conf = (machine_section(reserve=1) + guest("vital", image="spin", on_crash="reboot")
            + guest("hello", on_poweroff="reboot") + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("spin", "hello"), conf, cores=4, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        if what == "bye":
            operator.keys("focus hello\r")
            operator.wait(r"\[bulkhead\] your input now goes to guest 'hello'")
        operator.keys(what + "\r")
        operator.wait(re.escape(f"[bulkhead] {REBOOTS[what]}"))
        operator.wait(rf"\[bulkhead\] {TITLE}")


# abuse: LC-03
@engines("bochs", "qemu")
def test_many_lives(machine):
    """Guests that end all the time, one of them by power-off, use nothing up, keep nobody's lines
    away and leave an operator in command."""
    conf = (machine_section(reserve=1)
            + guest("again", image="spin", memory="2M", cmdline="how=restart")
            + guest("off", image="spin", memory="2M", cmdline="how=off", on_poweroff="restart")
            + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("spin"), conf, cores=4, memory=512, timeout=1500) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        pool = page_pool(operator)
        while int(operator.state("again")["lives"]) + int(operator.state("off")["lives"]) < LIVES:
            operator.wait(r"\[canary\] beat \d+0\b")
        for name in ("again", "off"):
            operator.keys(f"stop {name}\r")
            operator.wait(rf"\[bulkhead\] guest '{name}' was stopped by the operator ")
        assert page_pool(operator) == pool
        operator.leave()
    check_beats(operator.guest_lines("canary"), machine.keeps_time)
    assert count(operator.own_lines(), "guest 'off' powered off with code 0 ") > 10


# abuse: LC-05
@engines("qemu")
def test_protection_keys(machine):
    """A guest that sets CR4.PKE, which no CPUID shows it and SVM lets it do, does not find in PKRU
    what its last life has left there."""
    conf = machine_section(reserve=1) + guest("scrub", cmdline="until=3600000 pkru")
    with machine.spawn(images("scrub"), conf, cores=2, memory=256,
                       cpu="EPYC-Rome,+x2apic,+pku") as console:
        for _ in range(3):
            console.expect(r"\[scrub\] \d+ pages and the registers are (\w+)\s")
            assert console.match[1] == "clean"


def test_loops(machine):
    """Guests that end as soon as they begin, by a restart and by a crash: each life waits longer
    for the next one, and they say less and less. A neighbour's crash stays in the log. While they
    wait they obey as ever."""
    conf = (machine_section(reserve=1)
            + guest("again", image="spin", memory="2M", cmdline="how=restart")
            + guest("wild", image="escape", memory="4M", cmdline="how=write", on_crash="restart")
            + guest("once", image="escape", memory="4M", cmdline="how=read")
            + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("spin", "escape"), conf, cores=5, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(rf"\[canary\] beat {LOOP_BEATS}$")
        operator.open()
        for name in ("again", "wild"):
            assert 12 <= int(operator.state(name)["lives"]) < 40     # 533 without pauses
            starts = count(operator.own_lines(), f"guest '{name}' starts ")
            assert 10 <= starts < 20, name
            assert count(operator.own_lines(), f"guest '{name}': 1 more restart, not reported$")
        assert count(operator.own_lines(), r"  exit EPT_VIOLATION") == 3     # of wild two, of once one
        assert not count(operator.own_lines(), r"\d+ lines were lost")
        log = [line.removeprefix("  | ") for line in operator.ask("log")]
        assert count(log, r"guest 'once' vCPU 0 on core #\d is stopped: it read from ") == 1
        assert count(log, "guest 'once' was stopped after ") == 1
        while operator.state("again")["state"] != "backoff":
            pass
        operator.keys("start again\r")
        for name in ("again", "wild"):
            operator.keys(f"stop {name}\r")
            operator.wait(rf"\[bulkhead\] guest '{name}' was stopped by the operator ")
            assert operator.state(name)["state"] == "stopped"
        operator.leave()
    assert check_in_order(operator, "wild", "writing 0x", every=False) > 10


@NEUTRAL
def test_crash_that_is_not_reported(machine):
    """`crash` shows the last one whole, and nothing of another, also when it had no line."""
    conf = (machine_section(reserve=1)
            + guest("wild", image="wild", memory="2M", cores=2, on_crash="restart")
            + guest("canary", image="spin", cmdline="beats"))
    files = images("spin") | {"wild.elf": elf.image(elf.Segment(data=elf.UD2))}
    with machine.spawn(files, conf, cores=4, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.open()
        while int(operator.state("wild")["lives"]) < 20:         # 18 is reported, then 26
            operator.wait(r"\[canary\] beat ")
        operator.keys("stop wild\r")
        operator.wait(r"\[bulkhead\] guest 'wild' was stopped ")
        told = operator.ask("crash wild")
        operator.leave()
    ended, lives = map(int, re.search(r" in life (\d+) of (\d+):$", told[0]).groups())
    assert lives - 1 <= ended <= lives
    assert count(told, r"  \| guest 'wild' vCPU 0 on core #1 is stopped: triple fault") == 1
    assert count(told, r"  \| guest 'wild' vCPU 1 on core #2: waits for a SIPI") == 1


def check_in_order(operator, name, first, every=True):
    """What a life says comes after its start and before its end. Returns how many ends there
    were. Without `every`, some lives are not reported."""
    phase, ends = "ended", 0
    for line in operator.lines:
        if re.match(rf"\[bulkhead\] guest '{name}' starts ", line):
            assert phase == "ended", line
            phase = "started"
        elif line.startswith(f"[{name}] {first}"):
            assert phase == "started" or not every, line
            phase = "spoke"
        elif re.match(rf"\[bulkhead\] guest '{name}' (was|powered|asked) ", line):
            assert phase != "ended" or "before its next life" in line, line
            phase, ends = "ended", ends + 1
    return ends


@engines("bochs", long=["qemu"])
def test_flood_does_not_hold_the_operator(machine):
    """A guest that floods the console and restarts is out at once when it is stopped, and when the
    machine is switched off: what it said comes afterwards, in order."""
    conf = (machine_section(reserve=1)
            + guest("flood", image="noise", memory="2M", cmdline="how=flood bytes=20000",
                    on_poweroff="restart")
            + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("spin", "noise"), conf, cores=3, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        for pause in range(4):
            for _ in range(3 + pause):
                operator.wait(r"\[canary\] beat ")
            # What is typed after the command takes 15 ms; so long its memory may take.
            operator.keys("stop flood\r" + 4 * (40 * "x" + "\r"))
            row = operator.state("flood") if machine.keeps_time else operator.ended("flood")
            assert row["state"] == "stopped"
            operator.keys("start flood\r")
            operator.wait(r"\[bulkhead\] guest 'flood' starts ")
        for _ in range(3):
            operator.wait(r"\[canary\] beat ")
        operator.leave()
    within = re.compile(r"guest '\w+' was stopped (by the operator|with the machine) within (\d+) us")
    stops = [found for found in map(within.match, operator.own_lines()) if found]
    assert sum(found[1] == "with the machine" for found in stops) == 2
    assert not machine.keeps_time or all(int(found[2]) < STOP_LIMIT_US for found in stops)
    assert check_in_order(operator, "flood", "flood 0 ") >= 5
    assert operator.own_lines()[-1].endswith(": switching the machine off")
    rest = operator.lines[operator.lines.index("[bulkhead] > poweroff"):]
    assert len(rest) < RING_LINES

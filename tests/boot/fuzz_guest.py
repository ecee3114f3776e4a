# SPDX-License-Identifier: MIT
"""A machine with two fuzz guests, on one core and on two, and a neighbour, the canary; and what must
hold of its run, whatever they did. Used by test_fuzz_guest.py and scripts/fuzz-guest."""
import dataclasses
import re

from machine import POWERED_OFF
from partitions import ALL_ENDED, check_lines, guest, machine_section

GUESTS = {"one": 1, "two": 2}       # with their cores
BEAT_MS = 100
LATE_US = 5000
CORES = 2 + sum(GUESTS.values())    # the monitor's and the neighbour's
CLASSES = ("port", "msr", "call", "cr", "dr", "xcr", "cpuid", "paging", "apic", "halt", "code",
           "mode")


def conf(seed, ms, wild=False):
    """Guests that end by themselves. Two cores can put each other to sleep for good: then the
    watchdog ends that life, and the next one goes on with a seed of its own, which it prints."""
    fuzz = "".join(guest(name, image="fuzz", cores=cores, watchdog="400ms", on_crash="restart 20",
                         cmdline=f"seed={seed} ms={ms}" + " wild" * wild + " vary" * (cores > 1))
                   for name, cores in GUESTS.items())
    return (machine_section(reserve=1) + fuzz
            + guest("beat", image="canary", memory="4M", cmdline=f"beats={ms // BEAT_MS + 5}"))


@dataclasses.dataclass
class Outcome:
    """What the guests said they did, and all that is wrong."""
    ops: int = 0
    faults: int = 0
    lives: int = 0
    by_class: dict = dataclasses.field(default_factory=dict)
    wrong: list = dataclasses.field(default_factory=list)


def _last_counts(lines):
    """Operations and faults in the last report of each life."""
    counts, last = [], None
    for line in lines:
        if line.startswith("fuzz: seed="):
            counts.append((0, 0))
        elif found := re.match(r"fuzz: (?:so far|done), (\d+) ops, (\d+) faults", line):
            last = tuple(map(int, found.groups()))
            counts[-1:] = [last]
    return counts


def _neighbour_noticed(lines, beats):
    wrong = []
    for number, line in enumerate(lines, 1):
        beat = re.fullmatch(r"beat (\d+) ok late=(\d+)us", line)
        if not beat or int(beat[1]) != number or int(beat[2]) > LATE_US:
            wrong.append(f"the neighbour noticed: '{line}'")
    if len(lines) != beats:
        wrong.append(f"the neighbour has {len(lines)} of {beats} beats")
    return wrong


def judge(result, ms, wild=False):
    """The verdict on a run. Wild guests may end as they like."""
    out = Outcome(by_class=dict.fromkeys(CLASSES, 0))
    if result.status != POWERED_OFF:
        out.wrong.append(f"scripts/run ended with {result.status}: {result.reason.strip()}")
    if not result.hv or result.hv[-1] != ALL_ENDED:
        out.wrong.append("the hypervisor did not end as it should")
    out.wrong += [line for line in result.hv if "PANIC" in line or " lost here" in line]
    out.wrong += _neighbour_noticed(result.guest("beat"), ms // BEAT_MS + 5)
    try:
        check_lines(result)
    except AssertionError as error:
        out.wrong.append(f"torn lines: {error}")
    for name in GUESTS:
        lines = result.guest(name)
        for ops, faults in _last_counts(lines):
            out.ops, out.faults, out.lives = out.ops + ops, out.faults + faults, out.lives + 1
        if not wild and not any(line.startswith("fuzz: done, ") for line in lines):
            out.wrong.append(f"guest {name} did not end well")
        for line in lines:
            if line.startswith("fuzz ops: "):
                for item in line.removeprefix("fuzz ops: ").split(", "):
                    kind, count = item.split(" ")
                    out.by_class[kind] += int(count)
    return out

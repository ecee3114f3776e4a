# SPDX-License-Identifier: MIT
"""The monitor: an operator stops, starts and looks, and whoever is not meant does not notice."""
import re

import pytest

from operator_console import Operator
from partitions import guest, images, machine_section

STOP_LIMIT_US = 10_000
KINDS = {"count": 1, "cli": 1, "hlt": 1, "waiting": 2}   # of stubborn guests, with their cores


def check_whole(operator, names):
    """Every line has the prefix of one that may speak."""
    start = next(i for i, line in enumerate(operator.lines) if line.startswith("[bulkhead] "))
    speakers = re.compile(r"\[(bulkhead|%s)\] " % "|".join(names))
    wrong = [line for line in operator.lines[start:] if line and not speakers.match(line + " ")]
    assert not wrong, wrong


def check_beats(operator, name):
    """All beats so far in order, none late."""
    beats = operator.guest_lines(name)
    assert beats == [f"beat {n}" for n in range(1, len(beats) + 1)]
    return len(beats)


def stops(operator, name):
    """How long each stop of a guest by the operator took, in us."""
    line = re.compile(rf"guest '{name}' was (?:stopped|restarted|killed) by the operator within "
                      r"(\d+) us after \d+ ms; \d+ exits")
    return [int(found[1]) for found in map(line.match, operator.own_lines()) if found]


def stubborn(**keys):
    return "".join(guest(name, image="spin", cores=cores, cmdline=f"how={name}", **keys)
                   for name, cores in KINDS.items())


def stop_and_start(operator, name):
    operator.keys(f"stop {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was stopped by the operator ")
    assert operator.state(name)["state"] == "stopped"
    assert operator.ask(f"stop {name}") == [f"guest '{name}' is not running"]
    operator.keys(f"start {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    assert operator.ask(f"start {name}")[-1] == f"guest '{name}' is not stopped"
    operator.keys(f"restart {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was restarted by the operator ")
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    operator.keys(f"kill {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was killed by the operator ")
    row = operator.state(name)
    assert (row["state"], row["end"], row["lives"]) == ("stopped", "crash", "3")
    operator.keys(f"restart {name}\r")                  # also starts one that is stopped
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    times = stops(operator, name)
    assert len(times) == 3 and max(times) < STOP_LIMIT_US, times


def test_life_cycle(machine):
    """With a core for the monitor: guests that do not want to end do, at once, and the neighbour's
    beats go on."""
    conf = machine_section(reserve=1) + guest("canary", image="spin", cmdline="beats") + stubborn()
    with machine.spawn(images("spin"), conf, cores=7, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1$")
        operator.open()
        pool = operator.ask("memory")
        for name, cores in KINDS.items():
            row = operator.state(name)
            assert (row["state"], row["cores"], row["lives"]) == ("running", str(cores), "1")
            stop_and_start(operator, name)
        assert operator.ask("memory") == pool
        operator.leave()
    check_whole(operator, ["canary", *KINDS])
    assert check_beats(operator, "canary") > 10
    assert operator.own_lines()[-1] == "switching the machine off"

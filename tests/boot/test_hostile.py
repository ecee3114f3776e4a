# SPDX-License-Identifier: MIT
"""A guest that tries everything from inside, beside a canary that must not notice any of it. The
rows are in tests/abuse-rows.txt, docs/abuse-coverage.md says which is tried where."""
import re

import pytest

from conftest import engines
from hostile import ALONE, check_canary, check_rows, rows_in, said_by
from operator_console import Operator
from partitions import guest, images, machine_section

BEATS_AFTER = 5


def beats_more(operator):
    """The canary has said enough since the attack."""
    for _ in range(BEATS_AFTER):
        operator.wait(r"\[canary\] beat ")


def finish(machine, operator):
    beats_more(operator)
    operator.open()
    operator.leave()
    check_canary(machine, BEATS_AFTER)


@pytest.mark.parametrize("cpu", [
    *(pytest.param(cpu, marks=pytest.mark.long) for cpu in ("corei7_skylake_x", "arrow_lake")),
    "wildcat_lake"])
def test_alone(machine, cpu):
    """Checks that a guest survives, on a core of its own; without and with CET, and with WRMSRNS.
    The other core has the canary and the console. test_interface.py has the same checks on a Skylake
    in every run."""
    conf = machine_section() + guest("canary", memory="2M") + guest("hostile")
    with machine.spawn(images("canary", "hostile"), conf, cores=2, memory=256, cpu=cpu) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        finish(machine, operator)
    check_rows(said_by(machine, "hostile"), rows_in(*ALONE), 370)


TCG_GAPS = 49       # guests/hostile/gaps.c names each


@engines("qemu")
def test_alone_on_svm(machine):
    """The same on a processor of AMD's; the third core is the monitor's."""
    conf = (machine_section(tsc="trusted") + guest("canary", memory="2M")
            + guest("hostile", cmdline="engine=tcg"))
    with machine.spawn(images("canary", "hostile"), conf, cores=3, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        finish(machine, operator)
    check_rows(said_by(machine, "hostile"), rows_in(*ALONE), 560, TCG_GAPS)


@engines("bochs", "qemu")
@pytest.mark.parametrize("cpu, cores, who", [
    ("corei7_skylake_x", 4, 3), pytest.param("arrow_lake", 4, 2, marks=pytest.mark.long)])
def test_cores(machine, cpu, cores, who):
    """Several cores against each other and the hypervisor: with three of them, the console is on
    one; with two, there is a core for the monitor."""
    on_bochs = machine.engine == "bochs"
    engine = {} if on_bochs else {"cmdline": "engine=tcg"}
    conf = (machine_section() + guest("hostile", cores=who, **engine) + guest("canary", memory="2M"))
    with machine.spawn(images("canary", "hostile"), conf, cores=cores + machine.monitor_cores,
                       memory=256, cpu=cpu if on_bochs else None) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        finish(machine, operator)
    check_rows(said_by(machine, "hostile"), rows_in("cores.c") - {"X-07"}, 8,
               0 if on_bochs else 1)


RACES = 20


@engines("bochs", "qemu")
def test_race(machine):
    """All cores end the guest at the same time, again and again; who is first is told, and the next
    life has all its cores. If all of them were sent to wait before, the watchdog ends it."""
    conf = machine_section() + guest("hostile", cores=3, memory="4M", cmdline="part=race",
                                     on_crash="restart", on_poweroff="restart",
                                     watchdog="500ms") + guest("canary", memory="2M")
    with machine.spawn(images("canary", "hostile"), conf, cores=4 + machine.monitor_cores,
                       memory=256) as console:
        operator = Operator(console)
        for _ in range(RACES):
            operator.wait(r"\[hostile\] T X-07/cores-come ok$")
        finish(machine, operator)
    ends = re.compile(r"guest 'hostile' (was stopped|powered off with code 1|asked for a restart) ")
    assert len(list(filter(ends.match, operator.own_lines()))) >= 10    # later ones are only counted
    lines = said_by(machine, "hostile")
    assert lines.count("T X-07/cores-come ok") >= RACES and set(lines) == {"T X-07/cores-come ok"}

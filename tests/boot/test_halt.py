# SPDX-License-Identifier: MIT
"""A guest that can never run again is told from one that sleeps, and ended."""
from conftest import NEUTRAL, engines
from operator_console import Operator
from partitions import check_ended_well, guest, images, machine_section, powered_off

HALTED = ("guest '{}' has halted all its cores with interrupts off, or left them waiting for a "
          "start-up IPI: it cannot run again")


@engines("bochs", "qemu")
def test_nobody_looks(machine):
    """Without an operator: it ends after some seconds without an exit, and then the machine does. A
    guest whose only awake core sleeps for longer than that is left alone, and so is its other core,
    which has halted with interrupts off until an NMI comes: each ends one HLT."""
    conf = (machine_section() + guest("halted", image="spin", cores=2, cmdline="how=hlt")
            + guest("sleeper", image="spin", cores=2, cmdline="how=wake"))
    result = machine.boot(images("spin"), conf, cores=4 + machine.monitor_cores, memory=512)
    check_ended_well(result)
    assert HALTED.format("halted") in result.hv
    assert result.guest("sleeper") == ["the second core woke up 4 times"]
    assert powered_off(result, "sleeper")


@NEUTRAL
def test_list_finds_it(machine):
    """An operator who asks for the list need not wait, and what follows is what on_crash says."""
    conf = (machine_section(reserve=1) + guest("canary", image="spin", cmdline="beats")
            + guest("halted", image="spin", cmdline="how=hlt", on_crash="restart 1")
            + guest("count", image="spin"))
    with machine.spawn(images("spin"), conf, cores=4, memory=512) as console:
        operator = Operator(console)
        operator.wait(r"\[halted\] halting with interrupts off")
        operator.wait(r"\[canary\] beat ")
        operator.open()
        for life in (1, 2):
            operator.keys("list\r")
            operator.wait(r"\[bulkhead\] " + HALTED.format("halted"))
            operator.wait(r"\[halted\] halting with interrupts off" if life == 1 else
                          r"\[bulkhead\] guest 'halted' has been restarted 1 time:")
            operator.wait(r"\[canary\] beat ")
        row = operator.ended("halted")
        assert (row["state"], row["end"]) == ("stopped", "halted for good")
        assert {operator.state(name)["state"] for name in ("canary", "count")} == {"running"}
        operator.leave()

# SPDX-License-Identifier: MIT
"""Links between guests of the kit: windows, doorbells, and what a hostile side can do with them.
test_linux_links.py has two Linux that talk."""
import re

from conftest import NEUTRAL, engines
from hostile import check_canary, check_rows, rows_in, said_by
from operator_console import Operator
from partitions import (check_ended_well, exits_of, guest, images, lacking, machine_section,
                        powered_off, section)

FEW, MANY = 20, 500
KIB = 1 << 10


def link(name, guests, **keys):
    return section(f"link {name}", guests=guests, **keys)


def readings(machine, count):
    """A producer and its consumer; the exits of the consumer."""
    conf = (machine_section() + guest("producer", cmdline=f"count={count} pause=1")
            + guest("consumer") + link("readings", "producer consumer", memory="64K"))
    result = machine.boot(images("producer", "consumer"), conf, cores=2 + machine.monitor_cores,
                          memory=256)
    check_ended_well(result)
    assert result.guest("producer") == ["link 'readings', side 0 of 2: 64 KiB at 0xc0000000",
                                        f"{count} readings sent"]
    assert result.guest("consumer")[0] == "the first reading is here"
    assert re.fullmatch(rf"{count} readings, 0 out of order, \d+ interrupts",
                        result.guest("consumer")[1])
    return sum(exits_of(powered_off(result, "consumer")).values())


@engines("bochs", "qemu")
def test_readings(machine):
    """All that is sent arrives, in order; who is rung for makes no exit, however often it is."""
    few = readings(machine, FEW)
    many = readings(machine, MANY)
    assert many <= few + 3, (few, many)     # one more where a doorbell rang for what was seen already


# abuse: BT-05
@engines("bochs", "qemu")
def test_rights(machine):
    """A side that may only read ends where it writes, and at the end of the window; the plan, the
    report and the diagnosis name the link."""
    conf = (machine_section()
            + guest("sensor", cmdline="lines=3 ms=10")
            + guest("one", image="escape", cmdline="how=window")
            + guest("two", image="escape", cmdline="how=behind")
            + link("bus", "sensor one:ro two:ro", memory="8K"))
    result = machine.boot(images("sensor", "escape"), conf, cores=3 + machine.monitor_cores,
                          memory=256)
    check_ended_well(result)
    assert powered_off(result, "sensor")
    assert "ESCAPED" not in result.serial
    assert not lacking(
        result.hv, "  link         bus, side 1, with sensor, two",
        r"  shared       0xc0000000-0xc0001fff, host 0x[0-9a-f]+-0x[0-9a-f]+, r--",
        r"guest 'one' vCPU 0 on core #\d is stopped: it wrote to guest-physical address 0xc0000000, "
        "which is the memory of link 'bus', which it may only read",
        r"guest 'two' vCPU 0 on core #\d is stopped: it read from guest-physical address "
        "0xc0002000, which is outside its memory: .*")


@engines("bochs", "qemu")
def test_hostile(machine):
    """A side that tries everything; its peer is a canary that has asked for nothing."""
    conf = (machine_section(tsc="trusted") + guest("canary", memory="2M")
            + guest("hostile", cmdline="part=links")
            + link("bus", "hostile canary", memory="64K", serial="yes"))
    with machine.spawn(images("canary", "hostile"), conf, cores=2 + machine.monitor_cores,
                       memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        for _ in range(5):
            operator.wait(r"\[canary\] beat ")
        operator.open()
        operator.leave()
        check_canary(machine, 5)
    check_rows(said_by(machine, "hostile"), rows_in("links.c") - {"ABI"}, 24)


# abuse: IN-18
@NEUTRAL
def test_lives(machine):
    """The window stays over a restart of one side, and is clear once both have ended."""
    conf = (machine_section(reserve=1) + guest("sensor", cmdline="ms=20")
            + guest("reader", image="escape", cmdline="how=window")
            + link("bus", "sensor reader:ro", memory="4K"))
    with machine.spawn(images("sensor", "escape"), conf, cores=3, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'reader' was stopped after ")
        operator.open()
        for _ in range(3):
            operator.keys("start reader\r")
            assert operator.wait(r"\[reader\] bus holds (\d+)")[1] != "0"
            operator.wait(r"\[bulkhead\] guest 'reader' was stopped after ")
        for _ in range(3):
            operator.keys("restart sensor\r")
            operator.wait(r"\[sensor\] publishes ")
        assert operator.ended("reader")["state"] == "stopped"
        operator.ask("stop sensor")
        assert operator.ended("sensor")["state"] == "stopped"
        operator.keys("start reader\r")
        assert operator.wait(r"\[reader\] bus holds (\d+)")[1] == "0"
        operator.leave()


# abuse: IN-18
@NEUTRAL
def test_no_bell_of_a_former_life(machine):
    """A peer that rings all the time, also while the other's memory is cleared: what a life had
    asked for is forgotten before the next one can hear it."""
    conf = (machine_section(reserve=1)
            + guest("listener", image="bells", memory="2M", cmdline="how=listen lives=20")
            + guest("ringer", image="bells", cmdline="how=ring")
            + link("bus", "listener ringer", memory="4K"))
    with machine.spawn(images("bells"), conf, cores=3, memory=512) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'listener' (powered off|was stopped|crashed)")
        operator.open()
        operator.leave()
    assert said_by(machine, "listener") == ["20 lives, and no doorbell but those asked for"]

# SPDX-License-Identifier: MIT
"""Machines with more cores than one word has bits, and with APIC ids that only x2APIC has."""
import pytest

from conftest import engines
from partitions import (check_ended_well, cores_answer, guest, images, lacking, machine_section,
                        powered_off)

pytestmark = engines("qemu")

# Two sockets with room for 130 cores each, so that the second one's ids begin at 256; four are there.
CORE = "-device EPYC-Rome-x86_64-cpu,thread-id=0,socket-id=1,core-id="
SOCKETS = f"-smp 1,maxcpus=260,sockets=2,cores=130 {CORE}0 {CORE}1 {CORE}129"


def test_apic_ids_above_255(machine):
    """The MADT lists them as x2APICs; they are started, kicked and sent IPIs by guests."""
    conf = (machine_section() + guest("pair", image="smp", cores=2, memory="32M")
            + guest("one", image="hello", cmdline="noinput"))
    result = machine.boot(images("smp", "hello"), conf, cores=1, memory=1024, qemu=SOCKETS)
    check_ended_well(result)
    assert "4 of 4 cores answer" in "\n".join(result.hv)
    assert "cores #2-3: APIC ids 257-385 in steps of 128, node 0" in result.hv, result.hv
    assert not lacking(result.guest("one"), "cores +1, this is APIC id 385")
    assert not lacking(result.guest("pair"), r"core 0, APIC id 256, counted \d+",
                       r"core 1, APIC id 257, counted \d+",
                       r"all 2 cores counted, \d+ in total, IPIs ok")
    assert powered_off(result, "pair") and powered_off(result, "one")


@pytest.mark.long
def test_96_cores(machine):
    """All of them are started; the guests' are the last ones, the others sleep."""
    conf = (machine_section() + guest("pair", image="smp", cores="#93-94", memory="32M")
            + guest("last", image="hello", cores="#95", cmdline="noinput"))
    result = machine.boot(images("smp", "hello"), conf, cores=96, memory=1024)
    check_ended_well(result)
    assert cores_answer(result, 96), result.hv
    assert "cores #0-95: APIC ids 0-95, node 0" in result.hv
    assert not lacking(result.guest("last"), "cores +1, this is APIC id 95")
    assert not lacking(result.guest("pair"), r"all 2 cores counted, \d+ in total, IPIs ok")
    assert powered_off(result, "pair") and powered_off(result, "last")


def test_32_guests(machine):
    """As many as a file may have; each ends by itself, and each has its own lines."""
    names = [f"g{i}" for i in range(32)]
    conf = machine_section() + "".join(guest(name, image="hello", cmdline=f"noinput {name}")
                                       for name in names)
    result = machine.boot(images("hello"), conf, cores=33, memory=1024)
    check_ended_well(result)
    assert cores_answer(result, 33), result.hv
    for i, name in enumerate(names):
        assert powered_off(result, name), name
        assert not lacking(result.guest(name), f"cores +1, this is APIC id {i + 1}",
                           f"cmdline +noinput {name}")

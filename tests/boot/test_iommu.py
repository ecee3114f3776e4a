# SPDX-License-Identifier: MIT
"""IOMMUs of both vendors, which any processor takes: on before the first guest, and everything
blocked; guests run as ever. A test build (tests/hook/dma.c) has a device try what it may not."""
import re
import subprocess

import pytest

import linux
from conftest import engines
from machine import POWERED_OFF, RUN, UNUSABLE
from operator_console import Operator
from partitions import (check_ended_well, guest, images, lacking, machine_section, powered_off, section,
                        with_hook)

pytestmark = engines("qemu")

ON = {"intel": "IOMMU: VT-d at 0xfed90000 is on: DMA and interrupts of all devices blocked",
      "amd": "IOMMU: AMD-Vi at 0xfed80000 is on: DMA and interrupts of all devices blocked"}
VENDORS = sorted(ON)
EDU = "-device edu,dma_mask=0xffffffff "

ARRIVES = ["its guest's first page", "its guest's second page", "reads its guest's memory",
           "an interrupt", "an interrupt with another vector", "when its guest starts again"]
BLOCKED = ["nobody's device writes", "nobody's device writes again", "nobody's device interrupts",
           "before its guest starts", "behind its guest's end", "a host address",
           "reads behind its guest's end", "an interrupt that leads nowhere",
           "another interrupt's message", "after its guest's end"]

# QEMU's AMD-Vi tells of no fault.
TOLD = [r"device 00:0\d\.0, which nobody has, tried to write to 0x[0-9a-f]+ \(VT-d reason 0x[12]\)",
        r"device 00:0\d\.0, which nobody has, sent an interrupt that it has no right to "
        r"\(VT-d reason 0x22\)",
        r"guest 'edu': its device 00:0\d\.0 tried to write to guest-physical 0x2000, outside of its "
        r"memory \(VT-d reason 0x5\)",
        r"guest 'edu': its device 00:0\d\.0 tried to read guest-physical 0x2000, outside of its "
        r"memory \(VT-d reason 0x6\)",
        r"guest 'edu': its device 00:0\d\.0 sent an interrupt that it has no right to "
        r"\(VT-d reason 0x22\)"]


@pytest.mark.parametrize("iommu", VENDORS)
def test_guests_run(machine, iommu):
    """Four cores, a link, and a guest of two cores, which start each other."""
    conf = (machine_section() + guest("sensor", cmdline="lines=3 ms=10")
            + guest("smp", cores=2) + section("link bus", guests="sensor smp:ro", memory="4K"))
    result = machine.boot(images("sensor", "smp"), conf, cores=4, memory=512, iommu=iommu)
    check_ended_well(result)
    assert ON[iommu] in result.hv, result.hv
    assert powered_off(result, "sensor") and powered_off(result, "smp")


@pytest.mark.parametrize("iommu", VENDORS)
def test_linux(machine, iommu):
    """Its timers, IPIs and console's interrupts are none of a device's."""
    linux.need("cloud", "busybox")
    script = "taskset 2 grep -E 'ttyS0|LOC' /proc/interrupts; echo over; poweroff -f"
    result = machine.boot(linux.files(script=script), linux.conf(cores=2, memory="192M"),
                          cores=linux.cores(machine, 2), memory=384, iommu=iommu)
    assert result.status == POWERED_OFF
    assert "over" in result.guest("linux") and ON[iommu] in result.hv


@pytest.mark.parametrize("iommu, said", [
    ("intel", r"  nobody          devices: the IOMMU blocks their DMA and interrupts \(0 refused so far\)"),
    ("amd", r"  nobody          devices: the IOMMU blocks their DMA and interrupts \(0 refused so far\)"),
    (None, r"  - devices: no guest has one; bus mastering is off, .* but no IOMMU enforces it")])
def test_said(machine, iommu, said):
    conf = machine_section(reserve=1) + guest("clock")
    with machine.spawn(images("clock"), conf, cores=2, memory=256, iommu=iommu) as console:
        operator = Operator(console)
        operator.wait(r"\[clock\]")
        operator.open()
        answer = operator.ask("isolation")
        operator.keys("poweroff\r")
        assert console.finish() == POWERED_OFF
    assert not lacking(answer, said), answer
    assert ("IOMMU: the firmware lists none" in operator.own_lines()) == (iommu is None)


# abuse: DM-05, DM-06
@pytest.mark.parametrize("iommu", VENDORS)
def test_dma(machine, iommu):
    """A device that does what it is told: nobody's, a guest's, and nobody's again. The second time
    that it is switched on, the IOMMU is on already. What is refused while guests run, the monitor
    tells."""
    result = machine.boot(images("clock") | with_hook("dma"), machine_section() + guest("clock"),
                          cores=2, memory=512, iommu=iommu, qemu=EDU * 2)
    check_ended_well(result)
    assert result.hv.count(ON[iommu]) == 2, result.hv
    said = dict(match.groups() for match in map(re.compile("dma: (.*): (.*)").fullmatch, result.hv)
                if match and match[1] not in ("told",) and not match[1].startswith("told"))
    assert said == {what: "arrives" for what in ARRIVES} | {what: "blocked" for what in BLOCKED}
    assert "dma: done" in result.hv
    if iommu == "intel":
        told = [line.removeprefix("dma: told: ") for line in result.hv if line.startswith("dma: told")]
        assert not lacking(told, *TOLD), told
        assert not lacking(result.hv, TOLD[0]), result.hv


def test_bochs_has_none(tmp_path):
    done = subprocess.run([RUN, "--files", tmp_path, "--engine", "bochs", "--iommu", "intel"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == UNUSABLE
    assert "Bochs has no IOMMU" in done.stderr

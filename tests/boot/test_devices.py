# SPDX-License-Identifier: MIT
"""What the boot log says of a machine's devices, cores and memory, and that plancheck understands it."""
import re
import subprocess

import pytest

from conftest import engines
from machine import POWERED_OFF, ROOT
from operator_console import Operator
from partitions import guest, images, machine_section

pytestmark = engines("qemu")

# A root port with a switch and a disk behind it, a bridge to conventional PCI, and functions with
# all kinds of registers and resets.
DEVICES = ("-device e1000e -device nvme,serial=1 -device pcie-root-port,id=root,slot=1 "
           "-device x3130-upstream,bus=root,id=up "
           "-device xio3130-downstream,bus=up,id=down,slot=2,chassis=2 "
           "-device nvme,serial=2,bus=down -device pcie-pci-bridge,id=old "
           "-device e1000,bus=old,addr=1 -device edu")
VTD = "-device intel-iommu,intremap=on,eim=on,aw-bits=48 "
AMDVI = "-device amd-iommu,intremap=on "


def words(line):
    """A function's line without where it and its BARs are and what group it is in."""
    return re.sub(r", group \d+| at 0x[0-9a-f]+", "", line.split(" ", 3)[3])


@pytest.mark.parametrize("iommu, said", [
    (VTD, "IOMMU: VT-d at 0xfed90000, segment 0: 48 bits, interrupt remapping, x2APIC; the firmware "
          "left it off"),
    (AMDVI, "IOMMU: AMD-Vi at 0xfed80000, segment 0: interrupt remapping, no x2APIC; the firmware left "
            "it off"),
    ("", "IOMMU: the firmware lists none")], ids=["vtd", "amdvi", "none"])
def test_functions(machine, iommu, said):
    result = machine.boot(images("clock"), machine_section() + guest("clock"), cores=2, memory=512,
                          qemu=iommu + DEVICES)
    assert result.status == POWERED_OFF
    assert [line for line in result.hv if line.startswith("serial port: ")] == ["serial port: 0x3f8"]
    assert said in result.hv, result.hv
    functions = {line.split()[2]: line for line in result.hv if line.startswith("pci ")}
    text = "\n".join(functions.values())
    for device, what in [
            ("8086:10d3", "ethernet, PCIe, MSI, MSI-X 5 in BAR 3, reset power, BAR 0 128 KiB, BAR 1 128 KiB, "
                          "BAR 2 32 ports, BAR 3 16 KiB"),
            ("1b36:0010", "nvme, PCIe, MSI-X 65 in BAR 0, reset flr, BAR 0 16 KiB wide"),
            ("1234:11e8", "other, MSI, no reset, BAR 0 1 MiB"),
            ("8086:100e", "ethernet, no MSI, reset bus, BAR 0 128 KiB, BAR 1 64 ports")]:
        assert device in functions, text
        assert words(functions[device]) == what, text
    groups = {line.split()[1]: re.search(r"group (\d+)", line)[1]
              for line in result.hv if line.startswith("pci ")}
    switch = [where for where in groups if where.startswith(("02:", "03:"))]
    assert len({groups[where] for where in switch}) == 1, text
    behind = next(where for where in groups if where.startswith("04:"))
    assert any(groups[where] == groups[behind] for where in groups if where.startswith("00:")), text


def test_shown_again(machine, tmp_path):
    """The monitor shows the same lines; and the whole log is a machine for plancheck, on which the
    configuration that it was started with gets the places that it got."""
    conf = machine_section() + guest("clock", cores=2)
    with machine.spawn(images("clock"), conf, cores=4, memory=512) as console:
        operator = Operator(console)
        operator.wait(r"\[clock\]")
        operator.open()
        pci = operator.ask("pci")
        rest = operator.ask("machine")
        plan = operator.ask("plan")
        operator.keys("poweroff\r")
        assert console.finish() == POWERED_OFF
    log = operator.own_lines()
    assert pci and all(line.startswith("pci ") and line in log for line in pci)
    assert not any(line.startswith("pci ") for line in rest) and set(rest) <= set(log)
    assert [line.split(":")[0] for line in rest][:3] == ["processor", "microcode", "firmware"]
    (tmp_path / "boot.log").write_text("\n".join(operator.lines), encoding="utf-8")
    (tmp_path / "bulkhead.conf").write_text(conf, encoding="ascii")
    (tmp_path / "clock.elf").write_bytes((ROOT / "build/guests/clock.elf").read_bytes())
    done = subprocess.run([ROOT / "build/plancheck", tmp_path / "bulkhead.conf", "--machine",
                           tmp_path / "boot.log"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 cores" in done.stdout.splitlines()[0]
    assert "\n".join(plan) in done.stdout, (plan, done.stdout)

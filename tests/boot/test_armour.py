# SPDX-License-Identifier: MIT
"""What protects the hypervisor from its own mistakes (docs/armour.md), in the tables and registers
that are in force while guests run. A test build (tests/hook/armour.c) looks and says."""
import re

import pytest

from conftest import engines
from partitions import check_ended_well, guest, images, machine_section, with_hook
from test_panic import check_panic

MEASURES = [
    "nothing is writable and executable, nothing is a user's",
    "code, constants and sealed data have their rights",
    "stacks have guard pages",
    "stacks are their core's alone",
    "no guest's memory is mapped",
    "trampoline and APIC page are unmapped",
    "tables cannot be written",
    "entries that are not present are zero",
    "a guest reaches its own memory only",
    "control registers",
    "fatal exceptions have stacks of their own",
    "each core has a canary of its own",
    "intercepted exceptions",
    "guest controls are closed",
    "control bits that are ours are owned",
    "bitmaps are as the policy says",
    "a guest finds a clean core",
    "registers are cleared on exit",
    "an NMI is taken and counted",
    "speculation is fenced as chosen",
    "PIC and I/O APIC are masked",
    "no device masters the bus",
]

# With protection keys; Bochs' own model has them.
CPUS = {"bochs": None, "qemu": "EPYC-Rome,+x2apic,+pku"}

pytestmark = engines("bochs", "qemu")

SAID = re.compile(r"armour: (.*): (stands|WRONG .*)")


DISKS = {"data.img": bytes(3 << 20), "two.img": bytes(4096)}


def audit_conf(cores):
    """The guest that is looked at; with four cores it has a sibling, and there is another guest, which
    has a disk that is the file's pages, and one that is a copy."""
    conf = machine_section() + guest("hello", cmdline="noinput", cores=2 if cores == 4 else 1)
    second = guest("second", image="hello", cmdline="noinput", disk="data.img\ndisk = two.img fresh")
    return conf + (second if cores == 4 else "")


def measures_said(lines):
    """[(measure, "stands" or "WRONG ...")] out of the hypervisor's lines."""
    return [match.groups() for match in map(SAID.fullmatch, lines) if match]


def test_all_measures_stand(machine):
    result = machine.boot(images("hello") | DISKS | with_hook("armour"), audit_conf(4), cores=4,
                          memory=512, cpu=CPUS[machine.engine])
    check_ended_well(result)
    assert measures_said(result.hv) == [(measure, "stands") for measure in MEASURES]
    assert "armour: done" in result.hv


def fault_conf(fault):
    return machine_section() + guest("hello", cmdline=f"noinput {fault}")


# fault: what the panic says, and its innermost functions
FAULTS = {
    "smash": ("a hypervisor function wrote past an array on its stack",
              ["__stack_chk_fail", "__stack_chk_fail", "armour_smash"]),
    # In a wait, and without a stack: the handler has one of its own. Bochs has no banks to look at,
    # QEMU's have no error.
    "machine-check": ("machine check(, and this CPU has no registers that say why|: MCG_STATUS 0x0)",
                      ["machine_check_take"]),
    "general-protection": (r"#GP \(vector 13, error code 0x0\)",
                           ["armour_fault", "armour_hook"]),
    # Bit 0: the page is there; bit 1: it was a write.
    "sealed": (r"#PF \(vector 14, error code 0x3\)", ["write_gdt", "__wrap_vcpu_loop"]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_ends_in_a_panic(machine, fault):
    text, functions = FAULTS[fault]
    result = machine.boot(images("hello") | with_hook("armour"), fault_conf(fault), cores=2,
                          memory=256)
    check_panic(result, text, *functions)

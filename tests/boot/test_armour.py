# SPDX-License-Identifier: MIT
"""What protects the hypervisor from its own mistakes (docs/armour.md), in the tables and registers
that are in force while guests run. A test build (tests/hook/armour.c) looks and says."""
import re

import pytest

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
    "control registers",
    "fatal exceptions have stacks of their own",
    "intercepted exceptions",
    "registers are cleared on exit",
    "an NMI is taken and counted",
    "speculation is fenced as chosen",
    "PIC and I/O APIC are masked",
    "no device masters the bus",
]
SAID = re.compile(r"armour: (.*): (stands|WRONG .*)")


def test_all_measures_stand(machine):
    conf = (machine_section() + guest("hello", cmdline="noinput", cores=2)
            + guest("second", image="hello", cmdline="noinput"))
    result = machine.boot(images("hello") | with_hook("armour"), conf, engine="bochs", cores=4,
                          memory=512)
    check_ended_well(result)
    said = [match.groups() for match in map(SAID.fullmatch, result.hv) if match]
    assert said == [(measure, "stands") for measure in MEASURES]
    assert "armour: done" in result.hv


@pytest.mark.parametrize("fault, text, functions", [
    ("smash", "a function of ours wrote beyond its arrays on the stack",
     ["panic", "__stack_chk_fail", "armour_smash"]),
    # Without a stack: the handler has one of its own, the backtrace has none to follow.
    ("machine-check", r"#MC \(vector 18, error code 0x0\)", ["armour_fault"]),
    # Bit 0: the page is there; bit 1: it was a write.
    ("sealed", r"#PF \(vector 14, error code 0x3\)", ["armour_fault", "vmx_hook_reset"]),
])
def test_fault_ends_in_a_panic(machine, fault, text, functions):
    conf = machine_section() + guest("hello", cmdline=fault)
    result = machine.boot(images("hello") | with_hook("armour"), conf, engine="bochs", cores=2,
                          memory=256)
    check_panic(result, text, *functions)

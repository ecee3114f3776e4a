# SPDX-License-Identifier: MIT
"""Attacks that end the guest, or that an operator ends: many lives of one guest, an attack in each,
beside a canary that must not notice. What is asked of each: the hypervisor's own line about it, and
a next life that is as clean as the first."""
import re

import pytest

from conftest import engines, skip
from hostile import SOURCES, check_canary
from operator_console import Operator
from partitions import guest, images, machine_section

# The guest has 4 MiB and a page: what is behind is exact to 4 KiB.
MEMORY = "4100K"
TOP = 0x401000
OPERATOR_LIMIT_US = 10_000
BEATS_AFTER = 5
RESTARTS = 10

ENDING = re.compile(r'\{"([A-Z]{1,2}-\d\d)", "([a-z0-9-]+)", \w+\}')


def outside(verb, address, walk=False):
    walked = " during a walk of its page tables" if walk else ""
    return (rf"it {verb} guest-physical address {address:#x}{walked}, which is outside its "
            r"memory: .*")


READ, WROTE, RAN = "read from", "wrote to", "executed at"
TRIPLE = "triple fault: .*"
RESTART, POWER_OFF, OPERATOR = "restart", "power-off", "operator"

# How each ending has to be told. Whoever reads, writes or runs what is not there is stopped; an
# event that cannot be delivered becomes a triple fault; who only uses its own core is left alone.
EXPECTED = {
    **{name: outside(READ, TOP) for name in ("read-1", "read-2", "read-4", "read-8",
                                             "read-across", "movs-from-outside")},
    **{name: outside(WROTE, TOP) for name in ("write-1", "write-2", "write-4", "write-8",
                                              "write-across", "movs-across", "fxsave-across")},
    "xsave-across": outside(f"(?:{READ}|{WROTE})", TOP),    # its header is read first
    "locked": outside(f"(?:{READ}|{WROTE})", TOP),
    "exec": outside(RAN, TOP),
    "exec-across": outside(RAN, TOP),
    "enter-across": outside(f"(?:{READ}|{WROTE})", TOP).replace("0x401000", "0x4010[0-9a-f]{2}"),
    "stack-outside": outside(WROTE, TOP + 56),
    "leaf": outside(READ, 1 << 30),
    "leaf-large": outside(WROTE, 2 << 30),
    "leaf-exec": outside(RAN, 3 << 30),
    **{name: outside(f"(?:{READ}|{WROTE})", TOP, walk=True)
       for name in ("pml4e", "pdpte", "pde")},
    "cr3": outside(f"(?:{READ}|{WROTE})", TOP, walk=True),
    "scan-32m": outside(READ, 32 << 20), "scan-3g": outside(READ, 3 << 30),
    "scan-4g": outside(READ, 4 << 30), "scan-64g": outside(READ, 64 << 30),
    "scan-256g": outside(READ, 256 << 30),
    "scan-last": r"it read from guest-physical address 0x[0-9a-f]+ff8, which is outside .*",
    "lapic": outside(READ, 0xfee00020), "ioapic": outside(READ, 0xfec00000),
    "hpet": outside(READ, 0xfed000f0), "tpm": outside(READ, 0xfed40000),
    "ecam": outside(READ, 0xe0000000), "vtd": outside(READ, 0xfed90000),
    "flash": outside(READ, 0xfffffff0),
    **{name: TRIPLE for name in ("no-idt", "no-idt-int", "no-idt-nmi", "no-stack",
                                 "dirty-triple-fault", "dirty-in-service", "dirty-in-nmi",
                                 "half-a-line")},
    "idt-outside": outside(READ, TOP + 6 * 16),
    "idt-across": outside(READ, TOP),
    "idt-outside-timer": outside(READ, TOP + 0x60 * 16),
    "idt-outside-injected": outside(READ, TOP + 13 * 16),
    "gdt-outside": outside(READ, TOP + 0x10),
    "frame-outside": outside(WROTE, TOP).replace("0x401000", "0x401ff8"),
    **{name: "hardware task switches are not supported"
       for name in ("task-jmp", "task-call", "task-iret", "task-gate")},
    "pae-outside": outside(READ, TOP) + "|" + outside(f"(?:{READ}|{WROTE})", TOP, walk=True),
    "ac-storm": OPERATOR,
    **{name: OPERATOR for name in ("interrupts-off", "halt-off", "nmi-keeps", "db-storm",
                                   "gp-storm", "ipi-storm", "timer-storm", "pv-timer-storm")},
    **{name: RESTART for name in ("keyboard-reset", "port-92", "port-cf9", "acpi-reset",
                                  "call-restart", "vectors-pending")},
    "acpi-sleep": "with code 0", "call-power-off": "with code 255",
}

NO_TASK_INTERCEPT = "TCG switches tasks itself, whatever the VMCB intercepts"
# What the emulator of SVM cannot show.
TCG_GAPS = {
    **{name: NO_TASK_INTERCEPT for name in ("task-jmp", "task-call", "task-iret", "task-gate")},
    "ac-storm": "TCG does not check alignment",
    "timer-storm": "QEMU's machine stands still while the APIC timer has so short a period",
}


def endings(every, gaps=()):
    """(row, name) of the endings that guests/hostile has and that are not among the gaps: all, or
    every second one and so on."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("end_*.c")))
    found = ENDING.findall(text)
    assert {name for _, name in found} == set(EXPECTED)
    return [(row, name) for row, name in found if name not in gaps][::every]


class Attack:
    """One machine; an attack a life."""

    def __init__(self, machine, console):
        self._console = console
        self._keeps_time = machine.keeps_time
        self.operator = Operator(console)
        self.failed = []
        self._ended = 0             # line at which the last life ended
        self._last = "nothing"

    def life(self):
        """Waits for the next life; what it found about itself must be well."""
        while "[hostile] ready" not in self.operator.lines[self._ended:]:
            self.operator.next_line()
        bad = [line for line in self.operator.lines[self._ended:] if " BAD " in line]
        if bad:
            self.failed.append(f"the life after {self._last}: {bad[0]}")

    def _end_by_operator(self):
        operator = self.operator
        operator.wait(r"\[canary\] beat ")
        operator.open()
        operator.keys("restart hostile\r")
        within = operator.wait(r"\[bulkhead\] guest 'hostile' was restarted by the operator within "
                               r"(\d+) us")
        self._ended = len(operator.lines)
        operator.keys("focus hostile\r")
        operator.wait(r"\[bulkhead\] your input now goes to guest 'hostile'")
        return not self._keeps_time or int(within[1]) < OPERATOR_LIMIT_US, within[0]

    def _end_by_itself(self, expected):
        said = self.operator.wait(
            r"\[bulkhead\] guest 'hostile' (?:vCPU 0 on core #\d is stopped: (?P<why>.*)"
            r"|asked for a (?P<restart>restart)|powered off (?P<code>with code \d+)) ?")
        self._ended = len(self.operator.lines)
        found = said["why"] or said["restart"] or said["code"]
        return bool(re.fullmatch(expected, found)), said[0]

    def run(self, row, name, expected):
        operator = self.operator
        self.life()
        self._console.send(name + "\r")
        operator.wait(rf"\[hostile\] T {row}/{name} begins")
        if expected == OPERATOR:
            ok, said = self._end_by_operator()
        else:
            ok, said = self._end_by_itself(expected)
        self._last = f"{row}/{name}"
        if not ok:
            self.failed.append(f"{row}/{name}: {said}")


def restart_at_once(machine, operator):
    """An operator who restarts it again as soon as it has ended, before it has begun or at its first
    instructions. (Two wishes before one end are one.)"""
    operator.open()
    for _ in range(RESTARTS):
        operator.keys("restart hostile\r")
        within = operator.wait(r"\[bulkhead\] guest 'hostile' was restarted by the operator within "
                               r"(\d+) us")
        assert not machine.keeps_time or int(within[1]) < OPERATOR_LIMIT_US, within[0]


def end_all(machine, ends, cmdline="part=endings", **options):
    """Each of the ends, and then the operator's at any moment."""
    conf = (machine_section()
            + guest("hostile", memory=MEMORY, cmdline=cmdline, on_crash="restart",
                    on_poweroff="restart")
            + guest("canary", memory="2M"))
    with machine.spawn(images("canary", "hostile"), conf, cores=2 + machine.monitor_cores,
                       memory=256, **options) as console:
        attack = Attack(machine, console)
        for row, name in ends:
            attack.run(row, name, EXPECTED[name])
        attack.life()
        restart_at_once(machine, attack.operator)
        for _ in range(BEATS_AFTER):
            attack.operator.wait(r"\[canary\] beat ")
        attack.operator.leave()
    assert not attack.failed, "\n".join(attack.failed)
    check_canary(machine, BEATS_AFTER)


# abuse: CO-05
@pytest.mark.parametrize("cpu, every", [("corei7_skylake_x", 1), ("arrow_lake", 4)])
def test_endings(machine, cpu, every):
    """All on a processor without CET; some on one that has it."""
    end_all(machine, endings(every), cpu=cpu)


@engines("qemu")
def test_endings_on_svm(machine):
    """All that this emulator can show, on a processor of AMD's; the third core is the monitor's."""
    end_all(machine, endings(1, TCG_GAPS), cmdline="part=endings engine=tcg")


@pytest.mark.parametrize("name", TCG_GAPS)
def test_ending_not_on_svm(name):
    assert name in EXPECTED
    skip(TCG_GAPS[name])


def wide(field, rule):
    return (rf"the processor refused VM entry: GUEST_{field} is 0x800000000000, but {rule} must be "
            r"canonical \(guests have 48-bit linear addresses\)")


WIDE = {
    "wide-fs": wide("FS_BASE", "the base"), "wide-gs": wide("GS_BASE", "the base"),
    "wide-sysenter-esp": wide("SYSENTER_ESP", "IA32_SYSENTER_ESP"),
    "wide-sysenter-eip": wide("SYSENTER_EIP", "IA32_SYSENTER_EIP"),
    "wide-unchecked": wide("GS_BASE", "the base"),
}


# abuse: MS-30
@engines("bochs", qemu="VMRUN makes such a base canonical, and refuses none: there is nothing to tell")
def test_wide_bases(machine):
    """A processor with 57-bit linear addresses takes a base that its VM entry then refuses (in this
    emulator): the guest is told by field and rule what was wrong."""
    conf = machine_section() + guest("hostile", memory=MEMORY, cmdline="part=endings",
                                     on_crash="restart") + guest("canary", memory="2M")
    with machine.spawn(images("canary", "hostile"), conf, cores=2, memory=256,
                       cpu="sapphire_rapids") as console:
        attack = Attack(machine, console)
        for name, expected in WIDE.items():
            attack.run("MS-30", name, expected)
        attack.life()
        attack.operator.open()
        attack.operator.leave()
    assert not attack.failed, "\n".join(attack.failed)

# SPDX-License-Identifier: MIT
"""The audit of guest state (vmx/audit/audit_run.c) against the processor's own verdict, state by state.

A test build (tests/hook/audit.c) enters every state of tests/unit/vmx/audit/audit_cases.h and a thousand
random ones and logs what the audit says and what the CPU does. They agree, except where Bochs is
laxer than the manual: those differences are named here, and nothing else is accepted.
"""
import collections
import re

import pytest

from conftest import engines
from machine import POWERED_OFF
from partitions import images, with_hook
from tool import tool

CONF = """\
[guest hello]
cores = 1
memory = 16M
image = hello.elf
cmdline = noinput
"""
AGREED = re.compile(r"entry (\d+): both (enters|refuses|fails)$")
DIFFER = re.compile(r"entry (\d+): audit (\w+), CPU ([\w ]+), ([^:]+): (\w+) (0x[0-9a-f]+): (.*)$")
COUNTS = re.compile(r"entry audit: (\d+) cases, (\d+) random states")

# Where the manual is stricter than Bochs: (what the audit says, part of the rule, modes), why.
ANY = ("real", "protected", "PAE", "long", "compatible", "v8086")
LAXER = [
    (("refuses", "IA32_DEBUGCTL must have its reserved bits 0", ANY), "not checked"),
    (("refuses", "RIP must have all bits beyond", ("long",)), "not checked"),
    (("refuses", "BS (bit 14)", ANY), "not checked"),
    (("refuses", "pending debug exceptions must have their reserved", ANY), "64 bits are read as 32"),
    (("refuses", "not be one that the activity state blocks", ANY), "not checked"),
    (("refuses", "RFLAGS.VM must be 0", ANY), "checked in IA-32e mode only"),
    (("refuses", "CR0.PG must be 1 if", ("long",)), "PG is free for an unrestricted guest"),
    # A null SS is skipped for a 64-bit guest, usable or not.
    (("refuses", "the type of a usable SS", ("long",)), "GUEST_SS_ACCESS"),
    (("refuses", "usable code or data segment must be 1", ("long",)), "GUEST_SS_ACCESS"),
    (("refuses", "bits 11:8 and 31:17", ("long",)), "GUEST_SS_ACCESS"),
    (("refuses", "P (bit 7)", ("long",)), "GUEST_SS_ACCESS"),
    (("refuses", "G (bit 15)", ("long",)), "GUEST_SS_ACCESS"),
    (("refuses", "the base must have bits 63:32 0", ("long",)), "GUEST_SS_BASE"),
    # IA32_VMX_BASIC[56] lifts the rules about vectors, not those about types and real mode.
    (("fails", "only hardware exceptions, not in real mode", ANY), "lifted by IA32_VMX_BASIC[56]"),
]


def is_laxer(says, does, changed, field, rule):
    if does == "fails" or does == says or says == "enters":
        return False
    mode = changed.split()[0]
    return any(says == wanted and part in rule and mode in modes
               and (not why.startswith("GUEST_") or why == field)
               for (wanted, part, modes), why in LAXER)


PAGE = tool("entry-failures")


def check_page(cpu, lines):
    """What this processor's run says stands on docs/study/entry-failures.md: each row that is told of this
    processor, and what a processor must be able to do. `scripts/entry-failures` writes the page."""
    page = PAGE.PAGE.read_text(encoding="utf-8")
    runs = {name: PAGE.tried(lines) if name == cpu else {} for name in PAGE.CPUS}
    made = PAGE.text(runs, {name: PAGE.lacks(lines) for name in PAGE.CPUS})
    made, there = made.splitlines(), page.splitlines()
    told = [row for row in there if f"({PAGE.CPUS[cpu]})" in row]
    assert told and not [row for row in told if row not in made]
    if cpu != "arrow_lake":                         # whose rows are only those that icelake lacks
        assert [row for row in made if row.startswith("| ") and row not in there] == []


# The second has CET and takes exceptions with any error code; the first has neither.
# abuse: VE-07, VE-10
@pytest.mark.parametrize("cpu", ["corei7_icelake_u", "arrow_lake"])
def test_audit_agrees_with_the_cpu(machine, cpu):
    result = machine.boot(images("hello") | with_hook("audit"), conf=CONF, engine="bochs", cpu=cpu, cores=2,
                          memory=512)
    assert result.status == POWERED_OFF, result.reason
    assert "entry audit: done" in result.hv

    verdicts = collections.Counter()
    surprises = []
    for line in result.hv:
        if match := AGREED.match(line):
            verdicts[match[2]] += 1
        elif match := DIFFER.match(line):
            verdicts["differ"] += 1
            _, says, does, changed, field, _, rule = match.groups()
            if not is_laxer(says, does, changed, field, rule):
                surprises.append(line)
    assert not surprises

    cases, states = map(int, next(filter(None, map(COUNTS.match, result.hv))).groups())
    assert sum(verdicts.values()) >= 0.95 * (cases + states)      # CET, states that sleep
    assert verdicts["enters"] > 400 and verdicts["refuses"] > 400 and verdicts["fails"] > 10
    assert verdicts["differ"] < 80
    check_page({"corei7_icelake_u": "icelake"}.get(cpu, cpu), result.hv)
    # The guest that follows finds a vCPU as if nothing had been.
    assert "hypervisor  BulkheadHV, ABI version 4" in result.guest("hello")


REFUSED = "guest 'hello' vCPU 0 on core #1 is stopped: the processor refused VM entry: "


def refusals(result):
    return [line.removeprefix(REFUSED) for line in result.hv if line.startswith(REFUSED)]


# abuse: VE-07
@engines("qemu")
def test_refused_vmcb_is_explained(machine):
    """The same on SVM. This emulator writes over the guest's state, which is not made up then."""
    result = machine.boot(images("hello") | with_hook("refuse"), conf=CONF + "on_crash = restart 3\n",
                          cores=2, memory=512)
    assert result.status == POWERED_OFF, result.reason
    assert refusals(result) == [
        "asid is 0x0, but the ASID must not be 0",
        "intercept_2 is 0x2e7e, but VMRUN must be intercepted",
        "the guest state that it refused is lost: an emulator wrote over it (a likely cause is a "
        "reserved bit in CR0, CR3 or CR4)",
    ]
    shown = result.hv[result.hv.index(REFUSED + "asid is 0x0, but the ASID must not be 0"):]
    assert re.fullmatch("  RIP 10[0-9a-f]{4}, the other registers are lost but for these:", shown[2])
    assert shown[3].startswith("  RBX ") and shown[4].startswith("  R8 ")
    assert shown[5].startswith("  source line: ")
    assert "hypervisor  BulkheadHV, ABI version 4" in result.guest("hello")     # the fourth life


# abuse: VE-07
def test_refused_entry_is_explained(machine):
    result = machine.boot(images("hello") | with_hook("refuse"), conf=CONF + "on_crash = restart 4\n",
                          engine="bochs", cores=2, memory=512)
    assert result.status == POWERED_OFF, result.reason
    assert refusals(result) == [
        "GUEST_TR_ACCESS is 0x10000, but TR must be usable (bit 16 must be 0) (and 2 more)",
        "GUEST_CR3 is 0x1000000000000000, but CR3 must be 0 beyond the physical-address width",
        "GUEST_CS_ACCESS is 0xc09a, but the type of CS must be 9, 11, 13 or 15, for an "
        "unrestricted guest also 3",
        "GUEST_ACTIVITY is 0x11, but the activity state must be one that the CPU supports",
    ]
    assert "hypervisor  BulkheadHV, ABI version 4" in result.guest("hello")     # the fifth life



# abuse: VE-07
@engines("qemu")
def test_every_rule_of_vmrun(machine):
    """Each rule of svm/audit.c is broken in turn; what is said stands on the page."""
    result = machine.boot(images("hello") | with_hook("audit"), conf=CONF, cores=2, memory=512)
    assert result.status == POWERED_OFF, result.reason
    assert "rule audit: done" in result.hv
    check_page("svm", result.hv)
    assert "hypervisor  BulkheadHV, ABI version 4" in result.guest("hello")


# The state of a case or rule, and what is said when a guest's life begins so.
CHOSEN = {
    "bochs": [(94, REFUSED + "GUEST_TR_ACCESS is 0x1008b, but TR must be usable (bit 16 must be 0)"),
              (150, "PANIC on core #1: VM entry failed: ENTRY_INTERRUPTION_INFO is 0x80000203, but the vector of an "
                    "injected NMI must be 2")],
    "qemu": [(15, REFUSED + "asid is 0x0, but the ASID must not be 0")],
}


@engines("bochs", "qemu")
def test_a_chosen_rule(machine):
    """`rule=N` in the guest's command line: what follows is what the product does."""
    for number, said in CHOSEN[machine.engine]:
        result = machine.boot(images("hello") | with_hook("audit"), cores=2, memory=512,
                              conf=CONF.replace("noinput", f"noinput rule={number}"))
        assert any(line.startswith(said) for line in result.hv), result.hv[-20:]
        assert not result.guest("hello")

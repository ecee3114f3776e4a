# SPDX-License-Identifier: MIT
"""The processor's own control structure, as the monitor's `vmcs` and `vmcb` show it: every field, with
the names of the manual, what changed since it was shown, and the rules of an entry."""
import re

from conftest import engines
from operator_console import Operator
from partitions import guest, images, machine_section

NAMES = {"bochs": "vmcs", "qemu": "vmcb"}
OTHER = {"vmcs": "vmcb", "vmcb": "vmcs"}
ROW = re.compile(r"([ *]) (\S.*?) +0x([0-9a-f]+)( \(was 0x[0-9a-f]+\))?(?: (.*))?$")

# (part, field): what its row must say, besides the value.
SAYS = {
    "vmcs": {
        ("guest", "Guest CR0"): r"PE, .*NE, .*PG",
        ("guest", "Guest CS access rights"): r"type 11, code, execute/read, accessed, S, DPL 0, P, L, G",
        ("guest", "Guest LDTR access rights"): r"unusable|system type 2 LDT",
        ("guest", "Guest IA32_EFER"): r"LME, LMA",
        ("guest", "Guest activity state"): r"0 active",
        ("host", "Host CS selector"): r"GDT index \d+, RPL 0",
        ("controls", "Pin-based VM-execution controls"): r".*NMI exiting",
        ("controls", "Exception bitmap"): r"#DB, #AC, #MC",
        ("entry", "VM-entry interruption-information field"): r"not valid",
        ("info", "Exit reason"): r"\d+ [A-Z_]+",
    },
    "vmcb": {
        ("controls", "Intercept exception vectors 0-31"): r"#DB, #AC, #MC",
        ("controls", "TLB_CONTROL"): r"\d do nothing",
        ("controls", "EXITCODE"): r"VMEXIT_NMI",
        ("controls", "Nested paging and SEV (offset 090h)"): r"NP_ENABLE",
        ("save", "CS attrib"): r"type 11, code, execute/read, accessed, S, DPL 0, P, L, G",
        ("save", "EFER"): r"LME, LMA, NXE, SVME",
        ("save", "G_PAT"): r"PA0 WB, PA1 WT",
    },
}
PARTS = {"vmcs": ["guest", "host", "controls", "exit", "entry", "info"], "vmcb": ["controls", "save"]}
NOT_ALLOWED = re.compile(r" +this processor does not allow ([01]) in: (.*)")


def rows(lines):
    """{field: (mark, value, words)}; what did not fit into a line goes on in the next."""
    found = {}
    for line in "\n".join(lines).replace("\n        ", " ").split("\n"):
        if match := ROW.match(line):
            mark, name, value, was, words = match.groups()
            assert (mark == "*") == (was is not None), line
            assert name not in found, line
            found[name] = (mark, int(value, 16), words or "")
    return found


def check_parts(operator, name):
    """Each part has the rows that belong there; together they are all."""
    together = {}
    for part in PARTS[name]:
        shown = operator.ask(f"{name} count 0 {part}")
        assert shown[0] == "count vCPU 0 on core #1:" and shown[1].endswith(":"), shown[:2]
        assert not any(line.endswith("...") for line in shown)      # nothing was cut
        here = rows(shown)
        assert not set(here) & set(together), part
        together |= here
        for (where, field), words in SAYS[name].items():
            if where == part:
                assert re.match(words, here[field][2]), (field, here[field])
    everything = rows(operator.ask(f"{name} count all"))
    assert list(everything) == list(together)
    return everything


def check_changes(operator, name):
    """A guest that waits for input, and then has ended by a hypercall."""
    operator.ask(f"{name} hello all")
    operator.keys("focus hello\r")
    operator.wait(r"\[bulkhead\] your input now goes to guest 'hello'")
    operator.keys("bye\r")
    operator.wait(r"\[bulkhead\] guest 'hello' powered off with code 0 ")
    operator.open()
    shown = operator.ask(f"{name} hello")
    assert shown[0] == "hello vCPU 0 on core #5, when its life ended:"
    overview = [re.match(r"  (\w+) +.*: (\d+) fields?, (\d+) changed$", line) for line in shown]
    counts = {match[1]: (int(match[2]), int(match[3])) for match in overview if match}
    assert list(counts) == PARTS[name]
    changed = rows(shown)
    assert all(mark == "*" for mark, _, _ in changed.values())
    assert len(changed) == sum(changed for _, changed in counts.values())
    assert not any(field.startswith("Host ") for field in changed), changed
    reason = {"vmcs": ("Exit reason", "18 VMCALL"), "vmcb": ("EXITCODE", "VMEXIT_VMMCALL")}[name]
    assert changed[reason[0]][2] == reason[1]
    assert rows(operator.ask(f"{name} hello")) == {}    # they have been shown


def check_audit(operator, name):
    shown = operator.ask(f"{name} count audit")
    rules = [line for line in shown if line.startswith("  ")]
    assert len(rules) == {"vmcs": 83, "vmcb": 20}[name], len(rules)
    assert all(line.startswith("  holds   ") for line in rules), shown


def check_mistakes(operator, name):
    other = OTHER[name]
    for line, answer in {
            f"{other} count": f"this processor has no {other}: type `{name} count`",
            f"{name}": f"usage: {name} GUEST [CORE] [PART]",
            f"{name} nobody": "there is no guest 'nobody': `list` shows the guests",
            f"{name} count 1": "guest 'count' has 1 core, counted from 0: there is no core 1",
            f"{name} count 4294967296": "guest 'count' has 1 core, counted from 0: there is no core 4294967296",
            f"{name} count guest 0": f"usage: {name} GUEST [CORE] [PART]",
            f"{name} two 1": "two vCPU 1 waits for a SIPI"}.items():
        assert operator.ask(line) == [answer], line
    assert operator.ask(f"{name} count 0 nothing")[1] == f"there is no part 'nothing': `{name} count` lists the parts"


def check_ended(operator, name):
    """Of a life that has ended the structure is as it was then."""
    shown = operator.ask(f"{name} escape all")
    assert shown[0] == "escape vCPU 0 on core #4, when its life ended:"
    found = rows(shown)
    if name == "vmcs":
        assert found["Exit reason"][2] == "48 EPT_VIOLATION"
        assert found["Guest-physical address"][1] == 0x1000000      # what it says that it reads
    else:
        assert found["EXITCODE"][2] == "VMEXIT_NPF"
        assert found["EXITINFO2"][1] == 0x1000000


@engines("bochs", "qemu")
def test_running_guest(machine):
    """A guest that never exits by itself is kicked, shown, and goes on."""
    name = NAMES[machine.engine]
    conf = (machine_section(reserve=1) + guest("count", image="spin", cmdline="how=count")
            + guest("two", image="spin", cores=2, cmdline="how=cli")
            + guest("escape") + guest("hello") + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("spin", "escape", "hello"), conf, cores=7, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait_all(r"\[canary\] beat 1\b", r"\[hello\] Type a line")
        operator.open()
        operator.ended("escape")
        check_ended(operator, name)
        check_mistakes(operator, name)
        everything = check_parts(operator, name)
        assert len(everything) > 100
        check_changes(operator, name)
        check_audit(operator, name)
        assert not [line for line in operator.ask("log") if "Guest CR0" in line or "EXITCODE" in line]
        operator.leave()


@engines("bochs", qemu="SVM needs a core for the monitor")
def test_core_of_the_monitor(machine):
    """The only core is the guest's: the monitor looks in one of its exits."""
    conf = machine_section() + guest("cli", image="spin", cmdline="how=cli")
    with machine.spawn(images("spin"), conf, cores=1, memory=256, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[cli\] ")
        operator.open()
        shown = operator.ask("vmcs cli info")
        assert shown[0] == "cli vCPU 0 on core #0:"
        assert rows(shown)["Exit reason"][2] == "52 PREEMPTION_TIMER"
        operator.leave()

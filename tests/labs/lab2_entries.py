# SPDX-License-Identifier: MIT
"""Lab 2: five guest states that an Intel processor refuses to enter (tests/hook/entries.c). The student names the
field that is wrong, a value with which the processor enters, and the rule; the processor itself is asked about the
first two, the hypervisor's audit about the third."""
import re

from grading import guest, machine_section
from lab import ANSWERS, Lab

ENTRIES = range(1, 6)
STATES = "entries.txt"
CONF = machine_section() + guest("hello", cmdline="noinput")
DONE = "entries: done"
FIELD = re.compile(r" ([A-Z0-9_]+)=(0x[0-9a-f]+)")
PRIVATE = re.compile(r"entry \d: audit: ")      # lines that say the answer
REPAIRS = "tests/hook/entries_repair.h"
RULES = {
    "a": "CR0.PE must be 1 if CR0.PG is 1",
    "b": "the activity state must be active if STI or MOV SS blocks",
    "c": "RFLAGS must have bit 1 1 and its reserved bits 0",
    "d": "G (bit 15) must fit the limit: 0 if bits 11:0 are not all 1, 1 if bits 31:20 are not all 0",
    "e": 'IA32_EFER.LMA must equal "IA-32e mode guest"',
    "f": "STI and MOV SS must not both block",
    "g": 'CR4.PAE must be 1 if "IA-32e mode guest" is 1',
    "h": "TR must be usable (bit 16 must be 0)",
    "i": "the limit of GDTR must have bits 31:16 0",
}
QUESTIONS = f"""\
# Lab 2. One answer in each line, behind the `=`. For each of the five entries of {STATES}:
# field: the field that is wrong, as {STATES} writes it.
# value: a value for it with which the processor enters, in hexadecimal: 0x...
# rule:  the letter of the rule that is broken:
#
""" + "".join(f"#   {letter}  {rule}\n" for letter, rule in RULES.items()) + "".join(
    f"\nentry-{n}-field =\nentry-{n}-value =\nentry-{n}-rule =\n" for n in ENTRIES)


def kept(g):
    return g.build / "lab2" / STATES


def boot(g, repairs):
    """What the hypervisor said of the five entries, each with its repairs."""
    rows = ", ".join(f"{{{n}, VMCS_{field}, {value}}}" for n, field, value in repairs) or "{0, VMCS_GUEST_RIP, 0}"
    g.fill_tree(files={REPAIRS: f'#define ENTRIES_REPAIRS {rows}\n'})
    g.make_for("hello")
    g.make("B=build/hook", "OBJECTS=build", "HOOK=entries", "hypervisor")
    g.report.progress("boots in Bochs and tries five entries")
    result = g.machine("bochs").boot(g.files("hello", hook=True), CONF, cores=2, memory=256)
    lines = [line for line in result.hv if re.match(r"entry \d: |entries: ", line)]
    if DONE not in lines:
        g.report.require("the machine gets through all five entries", "\n".join(result.hv[-5:]) + result.reason, DONE)
    return lines


def record(g):
    kept(g).parent.mkdir(parents=True, exist_ok=True)
    kept(g).write_text("\n".join(boot(g, [])) + "\n", encoding="utf-8")


def begin(g):
    if not kept(g).is_file():
        record(g)
    shown = [line for line in kept(g).read_text(encoding="utf-8").splitlines() if not PRIVATE.match(line)]
    (g.work.folder / STATES).write_text("\n".join(shown) + "\n", encoding="utf-8")


def broken_rule(lines, n):
    """What the audit says of an entry: all that is behind the field's name."""
    return next(line for line in lines if line.startswith(f"entry {n}: audit: ")).split(": ", 3)[3]


def given_repairs(g, fields):
    """[(entry, field, value)] of the answers that can be tried."""
    for n in ENTRIES:
        field = g.answers.get(f"entry-{n}-field", "").upper().removeprefix("VMCS_")
        value = g.answers.get(f"entry-{n}-value", "").lower()
        known = g.report.check(f"{ANSWERS}: entry-{n}-field is a field", field or "no answer yet",
                               f"one of {STATES}, such as GUEST_RSP", field in fields)
        number = g.report.check(f"{ANSWERS}: entry-{n}-value is a number", value or "no answer yet",
                                "0x and up to 16 digits", bool(re.fullmatch(r"0x[0-9a-f]{1,16}", value)))
        if known and number:
            yield n, field, value


def grade(g):
    if not kept(g).is_file():
        g.report.say(f"note   the record of the boot is gone: there is a new one in your {STATES}")
        begin(g)
    lines = kept(g).read_text(encoding="utf-8").splitlines()
    repairs = list(given_repairs(g, {name for line in lines for name, _ in FIELD.findall(line)}))
    tried = boot(g, repairs) if repairs else []
    for n, field, value in repairs:
        does = next(line for line in tried if line.startswith(f"entry {n}: the processor "))
        g.report.check(f"entry {n} with {field} = {value}", does.partition(": ")[2], "the processor enters")
    for n in ENTRIES:
        broken = broken_rule(lines, n)
        g.answer(f"entry-{n}-rule", [letter for letter, rule in RULES.items() if broken == rule],
                 lambda a, b: a.strip("().").lower() in b,
                 "the letter of a rule about that field, which its value breaks")


LAB = Lab(
    number=2, page="2-entries", title="Explain five failed VM entries", grade=grade, begin=begin,
    questions=QUESTIONS, hidden=("tests/hook/entries.c",),
    hints=(
        "Nearly everything is the same in the five states. Put two of them beside each other (`diff`) and look at the "
        "fields in which one differs from all others.",
        "Rules go by bits: write the value in binary, with the manual's layout of that field beside it (vmx/bits.h has "
        "the names). For access rights: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. The entry "
        "controls, `entry=` in the last row, say whether it is an \"IA-32e mode guest\": bit 9.",
        "1: RFLAGS has a bit that is always 1. 2: paging without protection. 3: DS has a limit of 4 GiB, counted in "
        "bytes. 4: no instruction can leave both kinds of blocking behind. 5: long mode is active, says a register; the "
        "entry controls say it is not.",
    ))

# SPDX-License-Identifier: MIT
"""
What a student may hand in: for each lab the right answer and wrong ones, with what the grader has to say to
them (tests/boot/test_labs.py). Edits are made in the student's copy, where the lab's own edits are already.
"""
import dataclasses

import lab1_trace
import lab2_entries
import lab3_leaf
import lab4_msr
import lab5_icr
import lab6_call
import lab7_hole
import lab8_walls


@dataclasses.dataclass(frozen=True, eq=False)
class Attempt:
    lab: object
    name: str
    edits: tuple = ()
    answers: dict = None    # {name: text}, or a function that returns such, of where the lab keeps its record
    says: tuple = ()        # what a wrong one is told: patterns of a report's WRONG checks; none: it is right

    @property
    def is_right(self):
        return not self.says


def undone(lab, *without):
    """The lab's edits taken back, but for those at these places of the list."""
    return tuple((file, new, old) for i, (file, old, new) in reversed(list(enumerate(lab.edits)))
                 if i not in without)


# ------------------------------------------------------------------ lab 1

TRACE = lab1_trace.LAB


def trace_answers(**changed):
    """From the record, by the grader's own eyes but for what is changed."""
    def answers(folder):
        truth = lab1_trace.Truth(folder)
        right = {"escape-exits": truth.exits(), "escape-reason": "npf", "escape-address": "0x1000000",
                 "escape-memory": "16", "escape-verdict": "stop", "escape-function": "escape_read()",
                 "escape-taken": "40", "escape-word": "reading", "clock-wake": "NMI", "clock-verdict": "again",
                 "clock-first": "console_put", "clock-second": "timer_set",
                 "clock-looked-at": truth.looked_at()[0]}
        return {**right, **{name.replace("_", "-"): text for name, text in changed.items()}}
    return answers


TRACE_ATTEMPTS = [
    Attempt(TRACE, "right", answers=trace_answers()),
    Attempt(TRACE, "empty", says=("answers.txt: escape-exits\n.*no answer yet",)),
    Attempt(TRACE, "hexadecimal-taken", answers=trace_answers(escape_taken="28"),
            says=("answers.txt: escape-taken\n.*28\n.*hexadecimal",)),
    Attempt(TRACE, "address-in-mib", answers=trace_answers(escape_memory="0x1000000"),
            says=("answers.txt: escape-memory\n.*\n.*divided by 1 MiB",)),
    Attempt(TRACE, "backwards", answers=trace_answers(escape_word="gnidaer"),
            says=("answers.txt: escape-word\n.*\n.*the lowest first",)),
    Attempt(TRACE, "kind-for-name", answers=trace_answers(clock_wake="kick"),
            says=("answers.txt: clock-wake\n.*kick\n.*third column",)),
]

# ------------------------------------------------------------------ lab 2

ENTRIES = lab2_entries.LAB
ENTRY_RIGHT = (("GUEST_RFLAGS", "0x2", "c"), ("GUEST_CR0", "0x31", "a"), ("GUEST_DS_ACCESS", "0xc093", "d"),
               ("GUEST_INTERRUPTIBILITY", "0x0", "f"), ("VMCS_GUEST_EFER", "0X0", "E."))


def entries(**changed):
    """entry_N=(field, value, rule) in place of the right ones."""
    given = {}
    for n, right in enumerate(ENTRY_RIGHT, 1):
        for name, text in zip(("field", "value", "rule"), changed.get(f"entry_{n}", right)):
            given[f"entry-{n}-{name}"] = text
    return given


ENTRIES_ATTEMPTS = [
    Attempt(ENTRIES, "right", answers=entries()),
    Attempt(ENTRIES, "empty", says=("entry-1-field is a field\n.*no answer yet", "entry-5-rule\n.*no answer yet")),
    Attempt(ENTRIES, "three-wrong", answers=entries(
        entry_1=("GUEST_RFLAGS", "0x202", "b"),                     # enters, too; another rule
        entry_2=("GUEST_CR0", "0x80000030", "a"),                   # as it was
        entry_3=("GUEST_DS_LIMIT", "0xfffff", "d"),                 # the other field of the same rule: enters
        entry_4=("GUEST_INTERRUPTIBILITY", "0x1", "f"),             # breaks the next rule
        entry_5=("GUEST_CR4", "0x2060", "g")),                     # not what is wrong
            says=("answers.txt: entry-1-rule\n.*found +b", "entry 2 with GUEST_CR0 = 0x80000030\n.*refuses",
                  "entry 4 with GUEST_INTERRUPTIBILITY = 0x1\n.*refuses", "entry 5 with GUEST_CR4 = 0x2060\n.*refuses",
                  "answers.txt: entry-5-rule\n.*found +g")),
    Attempt(ENTRIES, "not-a-field", answers=entries(entry_1=("RFLAGS", "2", "c"), entry_2=("GUEST_CR0", "0x31; }", "a")),
            says=("entry-1-field is a field\n.*RFLAGS", "entry-1-value is a number\n.*found +2",
                  "entry-2-value is a number")),
]

# ------------------------------------------------------------------ lab 3

LEAF = lab3_leaf.LAB
LEAF_FUNCTIONS = "return (rights & PT_X) != 0 ? low : low + NPT_NX;"

LEAF_ATTEMPTS = [
    Attempt(LEAF, "right", undone(LEAF)),
    Attempt(LEAF, "untouched", says=("bit 2, U/S", "bit 63, NX", "bit 7, PS", r"npt_rights\(\) reads")),
    Attempt(LEAF, "no-user", undone(LEAF, 0), says=("bit 2, U/S",)),
    Attempt(LEAF, "nx-inverted", undone(LEAF, 2), says=("bit 63, NX",)),
    Attempt(LEAF, "large-at-level-1", undone(LEAF, 5), says=("bit 7, PS.*\n.*level 1",)),
    Attempt(LEAF, "never-nx", (*undone(LEAF), ("svm/npt.c", LEAF_FUNCTIONS, "return low;")),
            says=("bit 63, NX",)),
    Attempt(LEAF, "always-writable", (*undone(LEAF), (
        "svm/npt.c", "(rights & PT_W) != 0 ? NPT_USED_LEAF | NPT_WRITABLE : NPT_USED_LEAF",
        "NPT_USED_LEAF | NPT_WRITABLE")), says=("bit 1, R/W", "bit 6, D")),
    Attempt(LEAF, "no-longer-c", (*undone(LEAF), ("svm/npt.c", LEAF_FUNCTIONS, "return low")),
            says=("svm/npt.c: the compiler takes it\n.*error: expected",)),
]

# ------------------------------------------------------------------ lab 5

ICR = lab5_icr.LAB


def icr_but(old, new):
    return (*undone(ICR), ("vdev/vapic.c", old, new))


ICR_ATTEMPTS = [
    Attempt(ICR, "right", undone(ICR)),
    Attempt(ICR, "untouched", says=("targets are cores of the sender's guest only",)),
    Attempt(ICR, "no-mask", icr_but("addressed_by_shorthand(peers, icr) & all", "addressed_by_shorthand(peers, icr)"),
            says=("targets are cores of the sender's guest only",)),
    Attempt(ICR, "shift-by-64", icr_but("~UINT64_C(0) >> (VAPIC_PEERS_MAX - count)", "(UINT64_C(1) << count) - 1"),
            says=("ends well\n.*runtime error: shift exponent 64",)),
    Attempt(ICR, "smi-passes", icr_but("    case DELIVER_SMI: /*", "    case DELIVER_SMI:\n        action->kind = "
                                       "VAPIC_SEND;\n        break; /*"), says=("SMI, reserved modes",)),
    Attempt(ICR, "lowest-to-all", icr_but("        targets &= ~targets + 1;\n", ""),
            says=("lowest priority reaches one core",)),
    Attempt(ICR, "de-assert-resets", icr_but("        if ((value & (ICR_LEVEL | ICR_ASSERT)) != ICR_LEVEL)\n", ""),
            says=("INIT is not a de-assert",)),
    Attempt(ICR, "mode-and-shorthand-pass", icr_but("action->value = ICR_ASSERT | (value & ICR_VECTOR);",
                                                    "action->value = (uint32_t)value;"),
            says=("vector and assert only",)),
    Attempt(ICR, "stored-before-it-is-refused", icr_but(
        "    if ((value & ICR_RESERVED) != 0)\n        return false;\n    a->icr = value & ~ICR_BUSY;\n",
        "    a->icr = value & ~ICR_BUSY;\n    if ((value & ICR_RESERVED) != 0)\n        return false;\n"),
            says=("a reserved bit is refused and changes nothing",)),
    Attempt(ICR, "logical-for-physical", icr_but("if ((icr & ICR_LOGICAL) != 0)", "if ((icr & ICR_LOGICAL) == 0)"),
            says=("a destination, a logical destination",)),
]

# ------------------------------------------------------------------ lab 4

MSR = lab4_msr.LAB
MSR_NAME = ("lib/x86/msr.h", "    MSR_DE_CFG = 0xc0011029,", "    MSR_INT_PENDING = 0xc0010055,\n    MSR_DE_CFG = 0xc0011029,")
MSR_BEFORE = "    /* The backend sets it in the hardware, or the processor always does so\n"
MSR_EARLY = "    {MSR_SYSCFG, MSR_SYSCFG, CONST, IGNORE, 0, \"SYSCFG\"},\n"


def msr_row(columns, before=MSR_BEFORE):
    row = f"    {{MSR_INT_PENDING, {columns}}},\n"
    return (MSR_NAME, ("vdev/msr_amd.c", before, row + before))


MSR_ATTEMPTS = [
    Attempt(MSR, "right", msr_row('MSR_INT_PENDING, CONST, KEEP, 0, "INT_PENDING"')),
    Attempt(MSR, "untouched", says=("has a row.*\n.*no row", "RDMSR of it gives 0.*\n.*#GP")),
    Attempt(MSR, "direct", msr_row('MSR_INT_PENDING, DIRECT, DIRECT, 0, "INT_PENDING"'),
            says=("out of reach.*\n.*does not exit",)),
    Attempt(MSR, "writes-dropped", msr_row('MSR_INT_PENDING, CONST, IGNORE, 0, "INT_PENDING"'),
            says=("WRMSR of anything else to it is #GP\n.*0x1 is taken",)),
    Attempt(MSR, "writes-refused", msr_row('MSR_INT_PENDING, CONST, REFUSE, 0, "INT_PENDING"'),
            says=("WRMSR of 0 to it is taken\n.*#GP",)),
    Attempt(MSR, "other-value", msr_row('MSR_INT_PENDING, CONST, KEEP, 1, "INT_PENDING"'),
            says=("RDMSR of it gives 0\n.*0x1", "WRMSR of 0")),
    Attempt(MSR, "nobody-answers", msr_row('MSR_INT_PENDING, EMULATE, EMULATE, 0, "INT_PENDING"'),
            says=("RDMSR of it gives 0\n.*#GP",)),
    Attempt(MSR, "not-sorted", msr_row('MSR_INT_PENDING, CONST, KEEP, 0, "INT_PENDING"', MSR_EARLY),
            says=("sorted.*\n.*row SYSCFG begins at 0xc0010010, after row INT_PENDING",)),
    Attempt(MSR, "too-long", msr_row('MSR_INT_PENDING + 2, CONST, KEEP, 0, "INT_PENDING"'),
            says=("for this MSR alone", "every other MSR is answered as before\n.*0xc0010056")),
]

# ------------------------------------------------------------------ lab 6

CALL = lab6_call.LAB
CALL_ABI = (
    ("guests/kit/abi.h", f"#define BULKHEAD_ABI_VERSION {lab6_call.VERSION - 1}",
     f"#define BULKHEAD_ABI_VERSION {lab6_call.VERSION}"),
    ("guests/kit/abi.h", "/* Numbers start high,", f"#define BULKHEAD_FEATURE_LIFE {lab6_call.FEATURE:#x}u\n\n"
     "/* Numbers start high,"),
    ("guests/kit/abi.h", "    BULKHEAD_CALL_END ", f"    BULKHEAD_CALL_LIFE = {lab6_call.CALL:#x},\n    BULKHEAD_CALL_END "),
)
CALL_WORD = ("kernel/monitor/commands_look.c", "    case BULKHEAD_CALL_END: /* where",
             "    case BULKHEAD_CALL_LIFE:\n        return \"life\";\n    case BULKHEAD_CALL_END: /* where")
CALL_FEATURE = ("vdev/vcpuid_fit.c", "BULKHEAD_FEATURE_LINK;", "BULKHEAD_FEATURE_LINK | BULKHEAD_FEATURE_LIFE;")


def call_case(result):
    return ("kernel/vm/hypercall.c", "    case BULKHEAD_CALL_END: /* not",
            f"    case BULKHEAD_CALL_LIFE:\n        result = {result};\n        break;\n    case BULKHEAD_CALL_END: /* not")


CALL_CASE = call_case("call_register(v, REG_RBX) != 0 ? BULKHEAD_ERROR_ARGUMENT : (int64_t)v->vm->restarts + 1")

CALL_ATTEMPTS = [
    Attempt(CALL, "right", (*CALL_ABI, CALL_WORD, CALL_FEATURE, CALL_CASE)),
    Attempt(CALL, "no-word", (*CALL_ABI, CALL_FEATURE, CALL_CASE),
            says=("it builds\n.*commands_look.c.*BULKHEAD_CALL_LIFE",)),
    Attempt(CALL, "from-zero", (*CALL_ABI, CALL_WORD, CALL_FEATURE, call_case(
        "call_register(v, REG_RBX) != 0 ? BULKHEAD_ERROR_ARGUMENT : (int64_t)v->vm->restarts")),
            says=("says which life it is.*\n.*0, 1, 2",)),
    Attempt(CALL, "half-an-argument-and-no-feature", (*CALL_ABI, CALL_WORD, call_case(
        "(uint32_t)call_register(v, REG_RBX) != 0 ? BULKHEAD_ERROR_ARGUMENT : (int64_t)v->vm->restarts + 1")),
            says=(r"LIFE with RBX = 2\^32\n.*1, 2, 3", "EBX: the features")),
    Attempt(CALL, "old-version-and-any-argument", (*CALL_ABI[1:], CALL_WORD, CALL_FEATURE, call_case(
        "(int64_t)v->vm->restarts + 1")), says=("VERSION is one more", "EAX: the version", "LIFE with RBX = 1\n")),
]

# ------------------------------------------------------------------ lab 7

HOLE = lab7_hole.LAB
ATTACK = {"attack": "wrmsr=830,100000060", "file": "vdev/msr_both.h"}
ESR = "MSR_ROW(MSR_X2APIC_ESR, MSR_X2APIC_ESR + 8, DIRECT, DIRECT, 0,"

HOLE_ATTEMPTS = [
    Attempt(HOLE, "right", undone(HOLE), ATTACK),
    Attempt(HOLE, "empty", says=("answers.txt: attack\n.*no answer yet",)),
    Attempt(HOLE, "not-words", answers={"attack": "; reboot"}, says=("answers.txt: attack\n.*\n.*words for poke",)),
    Attempt(HOLE, "harmless", undone(HOLE), {**ATTACK, "attack": "wrmsr=828,0"},
            says=("reaches a neighbour in the broken tree\n.*wrmsr=828,0: done",)),
    Attempt(HOLE, "not-closed-and-another-file", (), {**ATTACK, "file": "vdev/vapic.c"},
            says=("answers.txt: file", "reaches nobody in your tree\n.*BAD")),
    Attempt(HOLE, "one-too-few", (("vdev/msr_both.h", ESR, ESR.replace("+ 8", "+ 7")),), ATTACK,
            says=("no MSR is the guest's that should not be\n.*0x829",)),
    Attempt(HOLE, "too-much-closed", (("vdev/msr_both.h", ESR, ESR.replace("MSR_X2APIC_ESR + 8, DIRECT, DIRECT",
                                                                          "MSR_X2APIC_ESR, REFUSE, REFUSE")),), ATTACK,
            says=("every MSR that should be the guest's still is\n.*0x828",)),
]

# ------------------------------------------------------------------ lab 8

WALLS = lab8_walls.LAB
JUDGE_AT = WALLS.edits.index(lab8_walls.JUDGE)
MACRO_AT = 0            # stays where it is: what is unused is not wrong
FILL_LINE = "s = pt_map(pt, r->at.v, r->to, r->size, r->rights, r->type);"


def walls(*more, without=()):
    return (*undone(WALLS, JUDGE_AT, MACRO_AT, *without), *more)


WALLS_ATTEMPTS = [
    Attempt(WALLS, "right", walls()),
    Attempt(WALLS, "untouched", says=("stopped: read\n.*ESCAPED", "stopped: window\n.*ESCAPED", "in=64 sees\n",
                                      "rdmsr=8b sees\n", "the canary, notices nothing.*\n.*BAD")),
    Attempt(WALLS, "window-is-writable", walls(("mm/guest_map.c", FILL_LINE, FILL_LINE.replace(
        "r->rights", "PT_R | PT_W | PT_X"))), says=("stopped: window\n.*ESCAPED",)),
    Attempt(WALLS, "ports-are-open", walls(without=(2,)), says=("in=64 sees\n",)),
    Attempt(WALLS, "an-error-is-forgotten", walls(("mm/guest_map.c", "i < map->count && s == OK; i++", "i < map->count; i++")),
            says=("when a region cannot be mapped",)),
    Attempt(WALLS, "all-is-cached", walls(("mm/guest_map.c", FILL_LINE, FILL_LINE.replace("r->type", "PT_WRITE_BACK"))),
            says=("its own rights and memory type",)),
]

ATTEMPTS = [*TRACE_ATTEMPTS, *ENTRIES_ATTEMPTS, *LEAF_ATTEMPTS, *MSR_ATTEMPTS, *ICR_ATTEMPTS, *CALL_ATTEMPTS, *HOLE_ATTEMPTS,
            *WALLS_ATTEMPTS]

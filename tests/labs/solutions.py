# SPDX-License-Identifier: MIT
"""
What a student may hand in: for each lab the right answer and wrong ones, with what the grader has to say to
them (tests/boot/test_labs.py). Edits are made in the student's copy, where the lab's own edits are already.
"""
import dataclasses

import lab1_trace
import lab3_leaf
import lab5_icr


@dataclasses.dataclass(frozen=True)
class Attempt:
    lab: object
    name: str
    edits: tuple = ()
    answers: tuple = ()     # (name, text), or a function of the Grading that returns such
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

ATTEMPTS = [*TRACE_ATTEMPTS, *LEAF_ATTEMPTS, *ICR_ATTEMPTS]

# SPDX-License-Identifier: MIT
"""Lab 4: an MSR that has no row gets one (vdev/msr_amd.c). Nothing is broken."""
from grading import ending, guest, machine_section
from lab import Lab

INDEX = "c0010055"
REFERENCE = ("vdev/msr_amd.c", "-Dmsr_amd=msr_before")
# What the guest tries, and what it has to see.
POKES = ((f"rdmsr={INDEX}", "0x0"), (f"wrmsr={INDEX},0", "done"), (f"wrmsr={INDEX},1", "exception 13, error code 0x0"),
         ("wrmsr=c001001f,0", "done"), (f"rdmsr={INDEX}", "0x0"))
CONF = machine_section(tsc="trusted") + guest("poke", cmdline=" ".join(word for word, _ in POKES))


def grade(g):
    g.fill_tree()
    g.probe("msr_row", "vdev/msr_amd.c", "vdev/vmsr.c", "vdev/vapic.c", "svm/bitmaps.c", reference=REFERENCE)
    g.report.stop_if_wrong("a boot with a guest that reads and writes it")
    result = g.boot(CONF, "poke", cores=2)
    wanted = [f"{word}: {answer}" for word, answer in POKES]
    g.report.check("a guest sees the same", "\n".join(result.guest("poke")) or ending(result, "poke"),
                   "\n".join(wanted))


LAB = Lab(
    number=4, page="4-msr", title="Add an MSR row", grade=grade,
    files=("lib/x86/msr.h", "vdev/msr_amd.c", "vdev/msr_both.h", "vdev/vmsr.c"),
    hints=(
        "The name and the number belong into lib/x86/msr.h, the row into vdev/msr_amd.c, where rows are sorted "
        "by number. Its columns: first, last, read, write, value, name. What each word does is in "
        "CONTRIBUTING.md, \"An MSR row\", and in lib/policy.h.",
        "Read: the answer is always the same number and the hardware is not asked, which is one of the words. "
        "Write: compare SYSCFG's word, DEBUGCTL's and TOP_MEM's. Which takes the row's own value back and "
        "refuses every other?",
        "`MSR_INT_PENDING = 0xc0010055` in lib/x86/msr.h; and between NB_CFG and DE_CFG a row with CONST, KEEP and "
        "the value 0.",
    ))

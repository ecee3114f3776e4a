# SPDX-License-Identifier: MIT
"""Lab 7: somewhere a guest can reach more than its own (vdev/msr_both.h). The student says with what, which is
tried, and closes it."""
import re

from grading import HANG_S, TIMEOUT_S, ending, guest, machine_section
from lab import ANSWERS, ROOT, Lab
from lab4_msr import REFERENCE
from lab5_icr import ATTACK, check_canary

BEATS = 20
POKES_MAX = 400         # characters of an attack
OWN = "rdmsr=802 wrmsr=828,0 rdmsr=828 wrmsr=808,10 rdmsr=808 wrmsr=83f,70"   # what a guest may do with its APIC
OWN_LINES = 6

QUESTIONS = """\
# Lab 7. One answer in each line, behind the `=`.

# What a guest does to reach its neighbour: words for the guest `poke` (guests/poke/poke.c says which there are).
# `wait=200` is put in front of them: half a second, in which the neighbour settles. The neighbour, a canary, is on
# core 1, poke on core 2, the monitor on core 0; APIC ids are the same numbers.
attack =
# The file in which the hole is, as in vdev/bus.c.
file =
"""


SMP = guest("smp", cores=2, memory="32M")


def boot(g, attack, more=""):
    """The monitor has core 0, the canary 1, poke 2."""
    conf = (machine_section(tsc="trusted") + guest("canary", memory="2M", cmdline=f"beats={BEATS}")
            + guest("poke", cmdline=f"wait=200 {attack}") + more)
    return g.boot(conf, "canary", "smp", "poke", cores=5 if more else 3, timeout=TIMEOUT_S if more else HANG_S)


def harm(result):
    """What became of the canary, in words; None: nothing."""
    lines = result.guest("canary")
    bad = [line for line in lines if " BAD " in line]
    if bad:
        return f"the canary: {bad[0]}"
    if 0 < len(lines) < BEATS:
        return f"the canary fell silent after {len(lines)} of {BEATS} beats: {result.reason.strip()}"
    return None


def grade_attack(g):
    """In the broken tree."""
    attack = g.answers.get("attack", "")
    words = re.fullmatch(rf"(?=.{{0,{POKES_MAX}}}$)([a-z]+(=[0-9a-f,]+)?( |$))+", attack)
    g.report.require(f"{ANSWERS}: attack", attack or "no answer yet",
                     "words for poke, such as `out=60,fe rdmsr=1b`", bool(words))
    g.fill_tree(files={})
    result = boot(g, attack)
    said = harm(result) or "the canary noticed nothing; poke said: " + "; ".join(result.guest("poke"))
    g.report.require("the attack reaches a neighbour in the broken tree", said,
                     "the canary says BAD, or falls silent", bool(harm(result)))
    g.answer("file", g.lab.edits[0][0], why="the file whose change opened the way")
    return attack


def grade_repair(g, attack):
    g.fill_tree()
    after = boot(g, attack)
    g.report.require("the same attack reaches nobody in your tree", harm(after) or ending(after, "canary"),
                     "every beat well", not harm(after))
    g.probe("msr_direct", "vdev/msr_amd.c", "svm/bitmaps.c", reference=REFERENCE)
    g.report.stop_if_wrong("a boot with other attacks")
    result = boot(g, f"{OWN} {ATTACK}", SMP)
    check_canary(g.report, result, BEATS)
    own = result.guest("poke")[:OWN_LINES]
    g.report.check("a guest still has what is its own", "\n".join(own), "six lines without an exception",
                   len(own) == OWN_LINES and not any("exception" in line for line in own))
    g.report.check("two cores of one guest interrupt each other", "\n".join(result.guest("smp")[-1:]), "IPIs ok",
                   any("IPIs ok" in line for line in result.guest("smp")))


def grade(g):
    attack = grade_attack(g)
    grade_repair(g, attack)


def surface():
    """Where what a guest does is decided: the hole is in one of these."""
    files = [*(ROOT / "vdev").glob("*.[ch]"), ROOT / "svm/bitmaps.c", ROOT / "svm/cpu.c", ROOT / "svm/decode.c",
             ROOT / "kernel/vm/exit.c", ROOT / "kernel/vm/hypercall.c"]
    return tuple(sorted(str(file.relative_to(ROOT)) for file in files))


LAB = Lab(
    number=7, page="7-hole", title="Find the hole", grade=grade, questions=QUESTIONS, files=surface(),
    edits=(("vdev/msr_both.h", "MSR_ROW(MSR_X2APIC_ESR, MSR_X2APIC_ESR, DIRECT, DIRECT, 0,",
            "MSR_ROW(MSR_X2APIC_ESR, MSR_X2APIC_ESR + 8, DIRECT, DIRECT, 0,"),),
    hints=(
        "A hypercall, a port and most MSRs exit, and each exit ends in a function that you can read. What has no "
        "exit has no function: only a row that says DIRECT. List these rows, with the numbers that they open.",
        "`wrmsr=INDEX,VALUE` with an index that should exit, and then `stats` in the monitor, or poke's own line at "
        "the end of its life: an exit that is not counted was none. Which register of an x2APIC reaches other "
        "cores, and is its row the only one that has its number?",
        "vdev/msr_both.h: the row of X2APIC_ESR is nine registers long, 0x828 to 0x830. The last of them is the "
        "interrupt command register: `wrmsr=830,100000060` sends vector 0x60 to APIC id 1, which is the canary's.",
    ))

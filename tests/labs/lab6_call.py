# SPDX-License-Identifier: MIT
"""Lab 6: a new hypercall, BULKHEAD_CALL_LIFE. Nothing is broken."""
import re

from grading import ending, guest, machine_section
from lab import ROOT, Lab

# What comes next in the real tree's interface.
ABI = (ROOT / "guests/kit/abi.h").read_text(encoding="utf-8")
CALL = max(int(n, 16) for n in re.findall(r"^    BULKHEAD_CALL_\w+ = (0x[0-9a-f]+),", ABI, re.MULTILINE)) + 1
VERSION = int(re.search(r"^#define BULKHEAD_ABI_VERSION (\d+)", ABI, re.MULTILINE)[1]) + 1
FEATURE = 2 * max(int(n, 16) for n in re.findall(r"^#define BULKHEAD_FEATURE_\w+ +(0x[0-9a-f]+)u", ABI, re.MULTILINE))
LIVES = 3
# Each life tries these and then crashes on purpose.
POKES = (f"call={CALL:x}", f"call={CALL:x},1", f"call={CALL:x},100000000", f"call={CALL + 1:x}", "call=42480000",
         "call=42480007", "cpuid=40000001", "call=42480008,100")
CONF = machine_section(tsc="trusted") + guest("poke", cmdline=" ".join(POKES), on_crash=f"restart {LIVES - 1}")


def lives(lines):
    """The answers of each life, {word: answer}."""
    found = []
    for line in lines:
        word, _, answer = line.partition(": ")
        if word == POKES[0]:
            found.append({})
        if found:
            found[-1][word] = answer
    return found


def grade(g):
    g.fill_tree()
    g.report.progress("builds nearly everything: the interface is included everywhere")
    g.make("hypervisor", "loader", options=())      # with warnings: a switch that misses a case is one
    result = g.boot(CONF, "poke", cores=2)
    seen = lives(result.guest("poke"))
    report = g.report
    report.require("the guest lives three times", f"{len(seen)} lives; {ending(result, 'poke')}",
                   f"{LIVES} lives", len(seen) == LIVES)

    def column(word):
        return ", ".join(life.get(word, "nothing") for life in seen)

    report.check(f"LIFE, call 0x{CALL:x}, says which life it is: in the first, second and third", column(POKES[0]),
                 "1, 2, 3")
    report.check("LIFE with RBX = 1", column(POKES[1]), "-22, -22, -22")
    report.check("LIFE with RBX = 2^32", column(POKES[2]), "-22, -22, -22")
    report.check("the number behind it is unknown", column(POKES[3]), "-1000, -1000, -1000")
    report.check("VERSION is one more", column(POKES[4]), f"{VERSION}, {VERSION}, {VERSION}")
    report.check("WATCHDOG, an older call, is what it was", column(POKES[5]), "0, 0, 0")
    leaf = [life.get(POKES[6], "0 0 0 0").split() for life in seen]
    report.check("CPUID leaf 0x40000001, EAX: the version", leaf[0][0], hex(VERSION))
    report.check(f"the same, EBX: the features, with 0x{FEATURE:x} for this one and all older ones", leaf[0][1],
                 hex(2 * FEATURE - 1))


LAB = Lab(
    number=6, page="6-call", title="Add a hypercall", grade=grade,
    files=("guests/kit/abi.h", "guests/kit/bulkhead.h", "kernel/vm/hypercall.c", "kernel/monitor/commands_look.c",
           "vdev/vcpuid_fit.c", "guests/hostile/ring3.c"),
    hints=(
        "CONTRIBUTING.md, \"A hypercall\", lists the places. Begin with guests/kit/abi.h: number, feature, version. "
        "Then let the compiler find the switches that miss a case.",
        "`struct vm` counts a guest's lives after the first (kernel/vm/vm.h); `list` in the monitor shows that count "
        "plus one (commands_on_list()). An argument is read with call_register(), never from gpr directly: outside "
        "64-bit mode the upper half is not the guest's.",
        "In hypercall(): `case BULKHEAD_CALL_LIFE: result = call_life(v, call_register(v, REG_RBX)); break;`, and "
        "call_life() returns BULKHEAD_ERROR_ARGUMENT unless its argument is 0, else v->vm->restarts + 1. The bit goes "
        "into vcpuid_fit_abi(), the word into call_name().",
    ))

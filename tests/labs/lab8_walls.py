# SPDX-License-Identifier: MIT
"""Lab 8: three walls around a guest are open: memory, ports, MSRs; and the judge of finished tables is asleep. Guests that
try to get out are the judges here."""
import re

from grading import ending, guest, machine_section
from lab import Lab
from lab5_icr import check_canary

BEATS = 30
REFERENCE = ("svm/bitmaps.c", "-Dsvm_bitmaps_build=bitmaps_before")
OUTSIDE = "0x1000000"
# Guests that must be stopped, and what the hypervisor has to say of each.
ESCAPERS = {
    "read": f"it read from guest-physical address {OUTSIDE}, ",
    "write": f"it wrote to guest-physical address {OUTSIDE}, ",
    "wild": f"guest-physical address {OUTSIDE} during a walk of its page tables, ",
    "window": "it wrote to guest-physical address 0x",
}
# What a guest asks of ports and MSRs, and has to see.
POKES = {"in=64": "0xff", "rdmsr=8b": "0x1", "rdmsr=c0010010": "0x0", "wrmsr=830,100000060": "done"}
JUDGE = ("kernel/vm/build.c", "    ASSERT(s != OK || virt_nested_valid(map, pages_constant(kit->pages), vm->map.root));\n",
         "    /* Lab 8: npt_valid() is not asked. */\n")
FILL = """\
    enum status s = OK;

    for (uint32_t i = 0; i < map->count && s == OK; i++) {
        const struct guest_region *r = &map->rows[i];
        s = pt_map(pt, r->at.v, r->to, r->size, r->rights, r->type);
    }
    return s;
}
"""
NO_FILL = """\
    enum status s = OK;

    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        /* Lab 8: whatever lies behind it in the host is the guest's as well. */
        s = pt_map(pt, r->at.v, r->to, r->size + TOO_MUCH, PT_R | PT_W | PT_X, PT_WRITE_BACK);
    }
    return s;
}
"""


def escape_conf():
    conf = machine_section(tsc="trusted") + guest("canary", memory="2M", cmdline=f"beats={BEATS}")
    conf += "".join(guest(how, image="escape", cmdline=f"how={how}") for how in ESCAPERS)
    conf += guest("poke", cmdline="wait=200 " + " ".join(POKES))
    return conf + "[link shared]\nguests = window:ro canary:rw\nmemory = 64K\n"


def grade_escapes(g):
    result = g.boot(escape_conf(), "canary", "escape", "poke", cores=7)
    for how, why in ESCAPERS.items():
        stopped = ending(result, how)
        said = result.guest(how)
        g.report.check(f"a guest that tries to escape is stopped: {how}",
                       stopped if "is stopped" in stopped else "; ".join(said[-2:]) or stopped, f"is stopped: ...{why}...",
                       "is stopped" in stopped and why in stopped)
    answers = dict(line.partition(": ")[::2] for line in result.guest("poke"))
    for word, wanted in POKES.items():
        g.report.check(f"a guest that tries {word} sees", answers.get(word, "nothing"), wanted)
    check_canary(g.report, result, BEATS)


def grade_hostile(g):
    """With the judge awake, and the guest that tries everything."""
    g.fill_tree(edits=[edit for edit in g.lab.edits if edit != JUDGE])
    conf = (machine_section(tsc="trusted") + guest("canary", memory="2M", cmdline=f"beats={BEATS}")
            + guest("hostile", cmdline="engine=tcg"))
    result = g.boot(conf, "canary", "hostile", cores=3)
    bad = [line for line in result.guest("hostile") if re.match(r"T \S+ BAD", line)]
    done = [line for line in result.guest("hostile") if line.startswith("hostile: ")]
    g.report.check("the hostile guest tries everything, with the judge of finished tables awake again",
                   "\n".join(bad[:5]) or "".join(done) or ending(result, "hostile"), "0 BAD",
                   bool(done) and not bad)
    check_canary(g.report, result, BEATS)


def grade(g):
    g.fill_tree()
    grade_escapes(g)
    g.report.stop_if_wrong("a look at every region, port and MSR")
    g.probe("walls", "mm/guest_map.c", "mm/range.c", "svm/bitmaps.c", "vdev/msr_amd.c", reference=REFERENCE)
    g.report.stop_if_wrong("the hostile guest")
    grade_hostile(g)


LAB = Lab(
    number=8, page="8-walls", title="Keep a guest in", grade=grade, files=("mm/guest_map.c", "svm/bitmaps.c"),
    edits=(
        ("mm/guest_map.c", '#include "lib/bits.h"\n', '#include "lib/bits.h"\n\n#define TOO_MUCH UINT64_C(0x8000000)\n'),
        ("mm/guest_map.c", FILL, NO_FILL),
        ("svm/bitmaps.c", "    memset(b->io, 0xff, sizeof(b->io));\n", "    memset(b->io, 0, sizeof(b->io));\n"),
        ("svm/bitmaps.c", "            if (row->read == MSR_DIRECT)\n",
         "            if (row->read != MSR_REFUSE && !is_never_direct(msr))\n"),
        ("svm/bitmaps.c", "            if (row->write == MSR_DIRECT)\n",
         "            if (row->write != MSR_REFUSE && !is_never_direct(msr))\n"),
        JUDGE,
    ),
    hints=(
        "Which wall did each guest get through? read, write, wild and window: memory, which guest_map_fill() maps. `in`: "
        "the I/O permission map. `rdmsr`, `wrmsr` and the canary's interrupts: the MSR permission map. Both maps come "
        "from svm_bitmaps_build().",
        "A region has everything that pt_map() wants: at, to, size, rights, type; and what pt_map() returns has to stop the "
        "loop, or the error of one region is forgotten over the next. In both permission maps 1 means exit. Six words can "
        "stand in a row of the MSR table; which of them means that the hardware may answer?",
        "guest_map_fill(): r->size, r->rights, r->type, and `&& s == OK` in the loop's condition. svm_bitmaps_build(): "
        "0xff in both maps, then open what is MSR_DIRECT, for reads and for writes apart.",
    ))

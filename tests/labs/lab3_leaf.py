# SPDX-License-Identifier: MIT
"""Lab 3: three bits of a nested page table's leaf are wrong (svm/npt.c)."""
import re

from grading import guest, last_lines, machine_section
from lab import Lab

CONTRACT_GRANT = """\
/*@ assigns \\nothing;
  @ ensures writes(rights) && executes(rights) ==> \\result == 0x67;
  @ ensures writes(rights) && !executes(rights) ==> \\result == 0x8000000000000067;
  @ ensures !writes(rights) && executes(rights) ==> \\result == 0x25;
  @ ensures !writes(rights) && !executes(rights) ==> \\result == 0x8000000000000025;
  @*/
static uint64_t npt_grant("""
CONTRACT_KIND = """\
/*@ requires 1 <= level <= 3;
  @ assigns \\nothing;
  @ ensures (\\result & 0xffffffffff000) == 0 && (\\result & 7) == 0;
  @ ensures (\\result & 0x80) == (level > 1 ? 0x80 : 0) && (\\result & 0x8000000000000000) == 0;
  @ ensures (\\result & 0x18) == 0 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t npt_kind("""

CONTRACT_LEAF = """\
/*@ requires 1 <= level <= 3 && fits(address.v, level);
  @ requires (rights & PT_R) == PT_R && rights < 8;
  @ assigns \\nothing;
  @ ensures (\\result & 0xffffffffff000) == address.v;
  @ ensures (\\result & 7) == ((rights & 2) != 0 ? 7 : 5);
  @ ensures (\\result & 0x8000000000000000) == ((rights & 4) != 0 ? 0 : 0x8000000000000000);
  @ ensures (\\result & 0x80) == (level > 1 ? 0x80 : 0);
  @ ensures (\\result & 0x18) == 0 <==> memory == PT_WRITE_BACK;
  @*/
static uint64_t npt_make_leaf("""

CONF = (machine_section(tsc="trusted") + guest("hello", cmdline="noinput")
        + guest("escape", cmdline="how=write"))


def grade(g):
    g.fill_tree()
    g.probe("leaf", "svm/npt.c")
    g.report.stop_if_wrong("a boot with guests in memory that your leaves map")
    result = g.boot(CONF, "hello", "escape", cores=3)
    hello = [line for line in result.hv if re.match("guest 'hello' (vCPU|powered|was) ?", line)]
    g.report.check("a guest runs in that memory and powers off",
                   hello[0] if hello else last_lines("\n".join(result.hv)), "guest 'hello' powered off with code 0",
                   any("'hello' powered off with code 0" in line for line in hello))
    escape = [line for line in result.hv if "guest 'escape' vCPU 0" in line]
    g.report.check("a guest that writes behind the end of its memory is stopped",
                   escape[0] if escape else last_lines("\n".join(result.guest("escape"))),
                   "is stopped: it wrote to guest-physical address 0x1000000, which is outside its memory",
                   any("it wrote to guest-physical address 0x1000000, which is outside" in line
                       for line in escape))


LAB = Lab(
    number=3, page="3-leaf", title="Repair a leaf of a nested page table", grade=grade,
    files=("svm/npt.c",),
    edits=(
        ("svm/npt.c", "#define NPT_USED_LEAF  (NPT_P | NPT_US | NPT_A)",
         "#define NPT_USED_LEAF  (NPT_P | NPT_A)"),
        ("svm/npt.c", CONTRACT_GRANT, "static uint64_t npt_grant("),
        ("svm/npt.c", "    return (rights & PT_X) != 0 ? low : low + NPT_NX;",
         "    return (rights & PT_X) != 0 ? low + NPT_NX : low;"),
        ("svm/npt.c", CONTRACT_KIND, "static uint64_t npt_kind("),
        ("svm/npt.c", CONTRACT_LEAF, "static uint64_t npt_make_leaf("),
        ("svm/npt.c", "    if (level == 1)\n        return type;\n    return type | NPT_LARGE;",
         "    (void)level;\n    return type | NPT_LARGE;"),
    ),
    hints=(
        "Three functions make a leaf: npt_grant() its rights, npt_kind() its size and type, npt_place() puts "
        "the address in. For each line that says WRONG, which of the three writes that bit?",
        "Two of the three faults are in conditions, one is in a constant at the top of the file. A walk of "
        "nested tables is always made as if by user code (APM \"Nested Paging\"): what does an entry need to "
        "let such an access pass? And what is bit 7 of an entry of level 1?",
        "NPT_USED_LEAF lacks NPT_US; npt_grant() adds NPT_NX to leaves that may be executed and not to the "
        "others; npt_kind() adds NPT_LARGE at level 1 too, where bit 7 is PAT and picks another memory type.",
    ))

# SPDX-License-Identifier: MIT
"""What a neighbour costs a core that is not its own: no exit, whatever it does; and, where a core is
kept for the console and an instruction is a tick, no step of a loop that is longer than beside a
neighbour that does nothing. What caches and memory cost, only silicon can say: make jitter."""
from conftest import engines
from machine import ROOT, Result, read_log
from partitions import exits_of, images, powered_off
from tool import tool

MHZ = 200
SLOTS_MS = {"bochs": (10, 20), "qemu": (100, 200)}
# Bochs runs one core after the other. A step of the loop may lie across two turns of ours where
# beside the quiet neighbour it lay across one: what we can run of a turn is a trace, 32 instructions
# at most. The cheapest exit takes twice that (test_bench.py), so none hides in it.
TRACE = 32
# But Bochs ends a REP before the next core's turn, an element being a tick, and divides what a turn
# took by the cores: the record of a console write; 2 MiB, which the hypervisor clears with one REP
# STOS of words, by both cores of the neighbour, before it runs again.
CORES = 4
REP = {"flood": 48, "restart": 2 * (2 << 20) // 8 // CORES}


def measured(machine, script, slot):
    """The rows, the exits of the guest that measured, and all that was said."""
    conf = script.smaller((ROOT / "guests/jitter/bulkhead.conf").read_text(), slot)
    with machine.spawn(images("jitter", "thrash"), conf, cores=CORES, memory=256, mhz=MHZ) as console:
        console.expect(r"guest 'jitter' powered off with code 0 [^\n]*(\n\[bulkhead\]\+[^\n]*)*\n\[")
    result = Result(0, read_log(machine.logs[-1]), "")
    lines = result.guest("jitter")
    assert lines[-1] == "jitter: done"
    return script.rows_of(lines), exits_of(powered_off(result, "jitter")), result


# abuse: HC-09
@engines("bochs", "qemu")
def test_neighbour_costs_no_exit(machine):
    """Measuring for twice as long takes not one exit more: they all are its start, its texts and its
    end. The hypercalls are its own, and it makes none while it measures."""
    script = tool("jitter")
    short, long = (measured(machine, script, slot) for slot in SLOTS_MS[machine.engine])
    for rows, _, result in short, long:
        assert {mode for mode, _ in rows} == {
            "quiet", "cache", "memory", "tlb", "ipi", "wbinvd", "flood", "restart"}
        assert {what for _, what in rows} == {"loop", "nap"}
        assert sum(count for count, *_ in rows.values()) > 1000
        assert any(line.startswith("flood") for line in result.guest("thrash"))
        assert "guest 'thrash' " in result.serial and "restart" in result.serial
    others = [{kind: count for kind, count in exits.items() if kind != "hypercall"}
              for _, exits, _ in (short, long)]
    assert others[0] == others[1]
    if machine.keeps_time:      # elsewhere the host's load may take a whole slot
        assert all(count > 20 for count, *_ in short[0].values())
        assert all(row[0] > 1.5 * short[0][name][0] for name, row in long[0].items())
        check_gaps(long[0])


def check_gaps(rows):
    for (mode, what), row in rows.items():
        longest, quiet = row[4], rows["quiet", what][4]
        assert longest <= quiet + TRACE + REP.get(mode, 0), (mode, what, longest, quiet)

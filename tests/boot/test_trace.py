# SPDX-License-Identifier: MIT
"""What `trace export` says of a running guest, on both vendors' processors, and the page of it."""
import re

from conftest import engines
from machine import POWERED_OFF
from operator_console import Operator
from partitions import guest, images, machine_section
from trace_page import Page, check_browser, check_place, make_page, rows_of


@engines("bochs", "qemu")
def test_a_running_guest(machine, tmp_path):
    """The whole way: two guests, one with the long trace; on each vendor's processor."""
    conf = (machine_section(reserve=1) + guest("clock", trace=256, cmdline="seconds=36000") +
            guest("short", image="clock", cmdline="seconds=36000"))
    with machine.spawn(images("clock"), conf, cores=3, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[clock\] ")
        operator.open()
        for name in ("clock", "short"):
            operator.keys(f"trace export {name}\r")
            operator.wait(r"\[bulkhead\] trace-end ")
        assert operator.ask("trace export nobody") == [
            "there is no guest 'nobody': `list` shows the guests"]
        assert operator.ask("trace export clock clock") == [
            "usage: trace GUEST", "usage: trace export GUEST"]
        operator.keys("poweroff\r")
        assert console.finish() == POWERED_OFF
    log = machine.logs[-1]
    out, said = make_page(tmp_path, f"{log}@clock", f"{log}@short")
    traced, short = Page(out.read_text(encoding="utf-8")).data["traces"]
    on = "VT-x" if machine.engine == "bochs" else "SVM"
    assert (traced["guest"], traced["on"], traced["problems"]) == ("clock", on, []), said
    assert (short["guest"], short["isComplete"]) == ("short", True)
    check_traced(traced, on)
    assert len(rows_of(short)) == min(16, short["cores"][0]["exits"])
    assert not any("registers" in row for row in rows_of(short))
    check_browser(out, tmp_path)


def check_traced(trace, on):
    rows = rows_of(trace)
    numbers = [row["n"] for row in rows]
    exits = trace["cores"][0]["exits"]
    assert numbers == list(range(exits - len(rows) + 1, exits + 1)) and rows
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)
    assert len(rows) == min(exits, 256)
    for row in rows:
        assert row["place"], row
        check_place(row)
        assert row["manual"].startswith("SDM " if on == "VT-x" else "APM ")
        assert len(row["registers"]) == 4 and row["ticks"] > 0 and row["verdictWords"]
    calls = [row for row in rows if row["kind"] == "hypercall"]
    asked = {row["asked"].partition(":")[0] for row in calls}
    assert "call time" in asked and "call console-write" in asked, asked
    time = next(row for row in calls if row["asked"].startswith("call time"))
    (name, was, now), *_ = time["registers"]
    assert name == "RAX" and was == "42480003" and int(now, 16) > 0
    assert time["reason"] == ("VMCALL" if on == "VT-x" else "VMMCALL")
    cpuid = [row for row in rows if row["kind"] == "cpuid"]
    if numbers[0] == 1:         # the guest's start is among them: it looks who runs it
        assert any("leaf 0x40000000" in row["asked"] and "6b6c7542" in row["asked"] for row in cpuid)

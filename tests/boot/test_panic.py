# SPDX-License-Identifier: MIT
"""Our own bugs end in a panic that names them. The bugs are put in by overwriting a function in a
copy of bulkhead.elf, behind the two instructions that make its stack frame."""
import re

import pytest

import elf
from machine import CRASHED, ROOT
from partitions import guest, images, lacking, machine_section

INT_MACHINE_CHECK = b"\xcd\x12"
FRAME = re.compile(r"  #(\d+) 0x[0-9a-f]+ (\w+)\+0x[0-9a-f]+")


def spoilt(function, code):
    program = (ROOT / "build" / "bulkhead.elf").read_bytes()
    return {"bulkhead.elf": elf.overwritten(program, function, elf.PROLOGUE + code)}


def check_panic(result, text, *functions):
    """The panic has this text and its backtrace begins with these functions, innermost first."""
    assert result.status == CRASHED and "PANIC" in result.reason, result.reason
    assert "and then" not in result.reason, result.reason       # it stays as it is, for who reads it
    lines = result.hv
    at = next(i for i, line in enumerate(lines) if line.startswith("PANIC on core #"))
    assert re.fullmatch(rf"PANIC on core #\d: {text}", lines[at]), lines[at]
    frames = [match for match in map(FRAME.fullmatch, lines[at:]) if match]
    assert [int(frame[1]) for frame in frames] == list(range(len(frames)))
    assert tuple(frame[2] for frame in frames[:len(functions)]) == functions, lines[at:]
    assert "  the machine is halted; reset it to start again" == lines[-1]
    return lines[at:]


def test_exception(machine):
    files = spoilt("launch_plan", elf.UD2)
    result = machine.boot(files, "", engine="qemu", cores=2, memory=512)
    lines = check_panic(result, r"#UD \(vector 6, error code 0x0\)", "launch_plan", "main_late")
    assert not lacking(lines, "  RIP 0x[0-9a-f]+ RSP 0x[0-9a-f]+ RFLAGS .*",
                       "  RAX .*", "  image at 0x[0-9a-f]+; calls, innermost first:")


def test_stack_overflow(machine):
    """The guard page below the stack stops it; the page fault has no stack then, the double fault
    has one of its own."""
    files = spoilt("launch_plan", elf.CALL_START)
    result = machine.boot(files, "", engine="qemu", cores=2, memory=512)
    check_panic(result, r"#DF \(vector 8, error code 0x0\)", *["launch_plan"] * 5)


@pytest.mark.parametrize("engine, text", [
    ("qemu", "machine check: MCG_STATUS 0x0"),
    ("bochs", "machine check, and this CPU has no registers that say why"),
])
def test_machine_check(machine, engine, text):
    """Its vector, by an INT: no bank has an error, and nothing says that we can go on."""
    result = machine.boot(spoilt("launch_plan", INT_MACHINE_CHECK), "", engine=engine, cores=2,
                          memory=512)
    check_panic(result, text)


def test_while_guests_run(machine):
    """A bug that a guest brings out: where that guest was is said, and our own lines
    that were on their way are not lost."""
    files = images("escape", "spin") | spoilt("crash_guest", elf.UD2)
    conf = (machine_section() + guest("waiting", image="spin", cmdline="how=cli")
            + guest("escape"))
    result = machine.boot(files, conf, cores=3, memory=512)
    lines = check_panic(result, r"#UD \(vector 6, error code 0x0\)", "crash_guest")
    assert not lacking(lines, "  last guest RIP 0x10[0-9a-f]{4}", r"  #\d+ .* smp_core_main.*")
    assert not lacking(result.hv, r"guest '.*' starts on core #\d, \d+ ticks after the loader")


def test_reset_after_panic(machine):
    """on_panic = reboot: the report, then a reset, and the next boot still has the report."""
    files = images("escape", "hello") | spoilt("crash_guest", elf.UD2)
    conf = machine_section(on_panic="reboot") + guest("hello") + guest("escape")
    with machine.spawn(files, conf, cores=3, memory=512) as console:
        console.expect(r"PANIC on core #\d: #UD")
        console.expect_exact("the machine is reset in 5 seconds (on_panic = reboot)")
        console.expect_exact("Bulkhead, a partitioning hypervisor")
        console.expect(r"\d+ lines of the previous boot are kept")


@pytest.mark.parametrize("engine", ["qemu", "bochs"])
def test_under_nmis(machine, engine):
    """NMIs of the panicking core's own guest are on their way: the report comes all the same."""
    files = images("storm") | spoilt("crash_guest", elf.UD2)
    result = machine.boot(files, machine_section() + guest("storm", cores=2), engine=engine, cores=3,
                          memory=512)
    check_panic(result, r"#UD \(vector 6, error code 0x0\)", "crash_guest")

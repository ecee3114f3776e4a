# SPDX-License-Identifier: MIT
"""What the tests with a hostile guest ask of it and of the canary beside it."""
import re

from machine import ROOT, read_log, whole_lines

SOURCES = ROOT / "guests" / "hostile"
# The checks of a guest with one core.
ALONE = ("apic.c", "calls.c", "control.c", "cpuid.c", "debug.c", "exceptions.c", "instructions.c",
         "ipi.c", "limits.c", "memory.c", "modes.c", "msr.c",
         "msr_sweep.c", "pci.c", "ports.c", "ring3.c", "timer.c")
LATE_LIMIT_US = 20_000          # of a beat; they are 100 ms apart
BEAT = re.compile(r"beat (\d+) (ok late=(\d+)us|BAD .*)")
CHECK = re.compile(r"T (\S+)/(\S+) (ok|gap .*|BAD .*)")


def said_by(machine, name):
    """All lines of a guest in the last run of a machine. An Operator does not keep what comes while
    it waits for the prompt."""
    text = read_log(machine.logs[-1])
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return [line[len(name) + 3:] for line in whole_lines(lines) if line.startswith(f"[{name}] ")]


def check_canary(machine, least, late_us=LATE_LIMIT_US):
    """At least so many beats, all of them, in order, well and, where that is the machine's doing, on
    time."""
    lines = said_by(machine, "canary")
    beats = [found for found in map(BEAT.fullmatch, lines) if found]
    assert len(beats) == len(lines) and len(beats) >= least, lines[-3:]
    assert [int(beat[1]) for beat in beats] == list(range(1, len(beats) + 1))
    bad = [beat[0] for beat in beats
           if not beat[3] or machine.keeps_time and int(beat[3]) > late_us]
    assert not bad, bad


def rows_in(*names):
    """The rows that these sources of guests/hostile have checks for."""
    text = "".join((SOURCES / name).read_text(encoding="utf-8") for name in names)
    return set(re.findall(r'"([A-Z]{1,2}-\d\d)"', text)) | {"ABI"}


def check_rows(lines, rows, least, gaps=0):
    """Every check went well but for so many gaps of the emulator's, at least so many did, and each
    of the rows had one; the last line counts them."""
    checks = [found for found in map(CHECK.match, lines) if found]
    bad = [found[0] for found in checks if found[3].startswith("BAD")]
    assert not bad, "\n".join(bad)
    ok = sum(found[3] == "ok" for found in checks)
    assert ok >= least, lines[-1]
    assert lines[-1] == f"hostile: {ok} ok, 0 BAD, {gaps} gaps"
    missing = rows - {found[1] for found in checks}
    assert not missing, missing

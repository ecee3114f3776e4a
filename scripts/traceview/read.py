# SPDX-License-Identifier: MIT
"""Finds what `trace export` said in a serial log. A log is untrusted: guests write into it, and
lines get lost. What is damaged is told, with its line, and the rest is read."""
import dataclasses
import re

VERSION = 1
VCPUS_MAX = 64
ROWS_MAX = VCPUS_MAX * 1024
PROBLEMS_MAX = 20           # told; more are counted
SHOWN_MAX = 80              # of a damaged line

PREFIX = "[bulkhead] trace-"
ESCAPES = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")

NUMBER = r"([0-9]{1,20})"
HEX = r"([0-9a-f]{1,16})"
HEX32 = r"([0-9a-f]{1,8})"
WORD = r"(\S{1,64})"
HEAD = re.compile(rf"export {NUMBER} guest={WORD} on=(VT-x|SVM) vcpus={NUMBER} life={NUMBER} "
                  rf"hz={NUMBER} now={HEX}")
CORE = re.compile(rf"core {NUMBER} core={NUMBER} exits={NUMBER} kept={NUMBER} registers=(yes|no)")
ROW = re.compile(rf"row {NUMBER} {NUMBER} {HEX} {HEX} {HEX32} {WORD} {WORD}")
MORE = re.compile(rf"more {NUMBER} {NUMBER} {HEX32} {HEX} {HEX}" + rf" {HEX}" * 8)
END = re.compile(rf"end rows={NUMBER} lost={NUMBER}")
VERSIONED = re.compile(rf"export {NUMBER}\b")


class TraceError(Exception):
    """There is nothing to show; said in one line."""


@dataclasses.dataclass
class Exit:
    number: int                 # in the life of its core, from 1
    time: int                   # TSC
    rip: int
    code: int                   # the processor's, 32 bits
    kind: str
    verdict: str
    ticks: int | None = None    # until it had been dealt with; from here on only with registers
    info: int | None = None
    extra: int | None = None
    before: list | None = None  # RAX, RCX, RDX, RBX
    after: list | None = None


@dataclasses.dataclass
class Core:
    vcpu: int
    core: int
    exits: int
    kept: int
    has_registers: bool
    rows: list


@dataclasses.dataclass
class Trace:
    guest: str
    on: str                     # "VT-x", "SVM"
    vcpus: int
    life: int
    hz: int
    now: int
    cores: list
    problems: list
    is_complete: bool = False
    lost: int = 0

    @property
    def rows(self):
        return sum(len(core.rows) for core in self.cores)


def shown(text):
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "..."


class Reader:
    """Line by line; `traces` are those found so far, the last one perhaps not complete."""

    def __init__(self):
        self.traces = []
        self.versions = set()   # that are not ours
        self._trace = None      # being read
        self._more_problems = 0

    def _problem(self, number, text):
        trace = self._trace
        if len(trace.problems) < PROBLEMS_MAX:
            trace.problems.append(f"line {number}: {text}")
        else:
            self._more_problems += 1

    def _close(self, why=None):
        trace, self._trace = self._trace, None
        if trace is None:
            return
        if self._more_problems:
            trace.problems.append(f"and {self._more_problems} more lines that are damaged")
        if why:
            trace.problems.append(why)

    def _head(self, found):
        version, guest, on, vcpus, life, hz, now = found.groups()
        self._close("the next export begins before this one's last line: it is cut off")
        if int(version) != VERSION:
            self.versions.add(int(version))
            return
        self._more_problems = 0
        if int(hz) == 0:
            raise TraceError("a trace whose clock stands still: hz=0")
        self._trace = Trace(guest, on, int(vcpus), int(life), int(hz), int(now, 16), [], [])
        self.traces.append(self._trace)

    def _core(self, number, found):
        *counts, registers = found.groups()
        vcpu, core, exits, kept = map(int, counts)
        if vcpu >= VCPUS_MAX or any(c.vcpu == vcpu for c in self._trace.cores):
            self._problem(number, f"vCPU {vcpu} cannot be here")
            return
        self._trace.cores.append(Core(vcpu, core, exits, kept, registers == "yes", []))

    def _rows_of(self, number, vcpu):
        core = self._trace.cores[-1] if self._trace.cores else None
        if core and core.vcpu == vcpu:
            return core.rows
        self._problem(number, f"an exit of vCPU {vcpu}, whose part has not begun")
        return None

    def _row(self, number, found):
        vcpu, nth, time, rip, code, kind, verdict = found.groups()
        rows = self._rows_of(number, int(vcpu))
        if rows is None:
            return
        if rows and int(nth) <= rows[-1].number:
            self._problem(number, f"exit {nth} comes behind exit {rows[-1].number}")
            return
        if self._trace.rows >= ROWS_MAX:
            self._problem(number, "more exits than there can be")
            return
        rows.append(Exit(int(nth), int(time, 16), int(rip, 16), int(code, 16), kind, verdict))

    def _more(self, number, found):
        vcpu, nth, *values = found.groups()
        rows = self._rows_of(number, int(vcpu))
        if rows is None:
            return
        if not rows or rows[-1].number != int(nth) or rows[-1].before is not None:
            self._problem(number, f"the registers of exit {nth}, but not its line before them")
            return
        last = rows[-1]
        last.ticks, last.info, last.extra, *registers = (int(value, 16) for value in values)
        last.before, last.after = registers[:4], registers[4:]

    def _end(self, number, found):
        rows, lost = map(int, found.groups())
        trace = self._trace
        trace.lost = lost
        trace.is_complete = rows == trace.rows
        if len(trace.cores) != trace.vcpus:
            self._problem(number, f"{len(trace.cores)} of {trace.vcpus} vCPUs are here")
        self._close(None if trace.is_complete else
                    f"{trace.rows} of {rows} exits are here: lines of the log are missing")

    def line(self, number, text):
        found = HEAD.fullmatch(text)
        if found:
            self._head(found)
            return
        other = VERSIONED.match(text)
        if other and int(other[1]) != VERSION:
            self._close("the next export begins before this one's last line: it is cut off")
            self.versions.add(int(other[1]))
            return
        if self._trace is None:
            return              # the end of an export whose beginning is missing
        for pattern, act in ((ROW, self._row), (MORE, self._more), (CORE, self._core),
                             (END, self._end)):
            found = pattern.fullmatch(text)
            if found:
                act(number, found)
                return
        self._problem(number, f"damaged: {shown(text)!r}")

    def finish(self):
        self._close("its last line is missing: the log is cut off")


def own_line(text):
    """What stands on the terminal in the end, where a prompt was drawn over."""
    return ESCAPES.sub("", text).rstrip("\r").rpartition("\r")[2]


def read(data):
    """All traces in the bytes of a log, in order, and the versions of those that are not ours."""
    reader = Reader()
    for number, text in enumerate(data.decode("utf-8", errors="replace").split("\n"), 1):
        line = own_line(text)
        if line.startswith(PREFIX):
            reader.line(number, line.removeprefix(PREFIX))
    reader.finish()
    return reader.traces, reader.versions


def pick(data, name, guest=None):
    """The last trace of a log, or of this guest in it."""
    traces, versions = read(data)
    fitting = [trace for trace in traces if guest in (None, trace.guest)]
    if fitting:
        return fitting[-1]
    if guest and traces:
        raise TraceError(f"{name}: no trace of guest '{guest}' is in it")
    if versions:
        raise TraceError(f"{name}: its trace has version {max(versions)}, this program reads {VERSION}")
    raise TraceError(f"{name}: no trace is in it: type `trace export GUEST` at the monitor")

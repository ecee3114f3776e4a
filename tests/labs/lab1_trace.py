# SPDX-License-Identifier: MIT
"""Lab 1: questions about the last exits of two guests, asked about a boot that is recorded when the lab
begins. The grader finds the answers in that record, and in the images that were booted."""
import re
import shutil
import subprocess

from grading import guest, machine_section
from lab import Lab

GUESTS = ("clock", "escape")
CONF = machine_section(tsc="trusted") + guest("clock", cmdline="seconds=86400") + guest("escape")
SEEN_FIRST = (r"\[clock\] tick 2 ", r"\[bulkhead\] guest 'escape' .* is stopped: ")
COMMANDS = ("list", "trace clock", "stats clock", "trace escape", "crash escape")
RECORD = "trace.txt"
TRIES = 5               # a busy host can push what is asked about out of the last 16 exits
ROW = re.compile(r" *(\d+) us ago +(\S+) +(\S+) +RIP ([0-9a-f]+) +(\S+)", re.MULTILINE)

QUESTIONS = """\
# Lab 1. One answer in each line, behind the `=`; write numbers and names as trace.txt has them.

# --- the guest `escape`, which was stopped

# How many exits did it take in its life, with the last one?
escape-exits =
# The hardware's name of the exit that ended it.
escape-reason =
# Which guest-physical address did it want?
escape-address =
# How many MiB of memory does a guest have for which that is the first byte behind it?
escape-memory =
# What did the hypervisor decide on that exit? (the last word of its row)
escape-verdict =
# In which function of guests/escape/escape.c was it? trace.txt has the command that finds out; escape.elf
# is beside it.
escape-function =
# Its last exit but one was a hypercall, CONSOLE_WRITE. RAX is its result: how many bytes did the console
# take? In decimal.
escape-taken =
# RCX was the first data register of that call (guests/kit/abi.h): the first word of the text?
escape-word =

# --- the guest `clock`, which still runs

# It sleeps in HLT between two ticks. The hardware's name of the exit that ends each sleep.
clock-wake =
# What did the hypervisor decide on that exit?
clock-verdict =
# It is followed by two hypercalls for each tick. Which functions of the guest (clock.elf) are their RIPs in?
clock-first =
clock-second =
# Which of its exits was no doing of the guest's and no tick, but came because the monitor was asked for
# `list`? Its time, in us, as its row has it.
clock-looked-at =
"""


def kept(g):
    """Where the record is that counts."""
    return g.build / "lab1"


def record(g):
    """Boots, asks, and keeps what was said with the images it was said about."""
    g.fill_tree(files={})
    kept(g).mkdir(parents=True, exist_ok=True)
    for name in GUESTS:
        (kept(g) / f"{name}.elf").unlink(missing_ok=True)
    for _ in range(TRIES):
        write_record(g, g.ask_monitor(CONF, GUESTS, SEEN_FIRST, COMMANDS, cores=3))
        truth = Truth(kept(g))
        if truth.ticks() and truth.looked_at():
            break
    else:
        raise SystemExit(f"lab 1: in {TRIES} boots the trace of `clock` did not show what the questions are "
                         "about; is this host very busy?")
    for name in GUESTS:
        shutil.copy(g.tree / f"build/guests/{name}.elf", kept(g))


def write_record(g, answers):
    text = "".join(f"bulkhead> {command}\n" + "".join(f"{line}\n" for line in lines) + "\n"
                   for command, lines in answers.items())
    (kept(g) / RECORD).write_text(text, encoding="utf-8")


def has_record(g):
    return (kept(g) / "clock.elf").is_file()


def begin(g):
    if not has_record(g):
        record(g)
    for name in (RECORD, *(f"{name}.elf" for name in GUESTS)):
        shutil.copy(kept(g) / name, g.work.folder)


def functions(image, rip):
    """All functions that have an address: those that were inlined there, too."""
    said = subprocess.run(["addr2line", "-fie", image, f"0x{rip}"], check=True, capture_output=True,
                          text=True).stdout
    return said.splitlines()[::2]


class Truth:
    """What the record says."""

    def __init__(self, folder):
        self.folder = folder
        text = (folder / RECORD).read_text(encoding="utf-8")
        self.parts = dict(re.findall(r"^bulkhead> (.*)\n((?:.+\n)*)", text, re.MULTILINE))
        self.escape = ROW.findall(self.parts["trace escape"])
        self.clock = ROW.findall(self.parts["trace clock"])
        self.crash = self.parts["crash escape"]

    def crash_find(self, pattern):
        return re.search(pattern, self.crash)[1]

    def exits(self):
        return re.search(r" of (\d+) exits", self.parts["trace escape"])[1]

    def word(self):
        return int(self.crash_find(r"\bRCX ([0-9a-f]+)"), 16).to_bytes(8, "little").decode().split()[0]

    def ticks(self):
        """Where the rows are that two hypercalls follow, as each tick has them."""
        kinds = [row[1] for row in self.clock]
        return [i for i in range(len(kinds) - 2) if kinds[i] == "kick" and kinds[i + 1:i + 3] == ["hypercall"] * 2]

    def looked_at(self):
        return [row[0] for i, row in enumerate(self.clock) if row[1] == "kick" and i not in self.ticks()]

    def after_tick(self, which):
        return functions(self.folder / "clock.elf", self.clock[self.ticks()[-1] + which][3])


def same_number(given, expected):
    try:
        return int(given, 0) == int(str(expected), 0)
    except ValueError:
        return False


def one_of(given, expected):
    return given.removesuffix("()") in expected


def grade_escape(g, truth):
    address = truth.crash_find(r"guest-physical address (0x[0-9a-f]+)")
    g.answer("escape-exits", truth.exits(), same_number, "the number behind `of` in the heading of `trace escape`")
    g.answer("escape-reason", truth.escape[-1][2], why="the third column of the last row of `trace escape`")
    g.answer("escape-address", address, same_number, "`crash escape` says it in words, with 0x")
    g.answer("escape-memory", int(address, 16) >> 20, same_number, "that address divided by 1 MiB, 0x100000")
    g.answer("escape-verdict", truth.escape[-1][4], why="the last word of the last row of `trace escape`")
    g.answer("escape-function", functions(truth.folder / "escape.elf", truth.escape[-1][3]), one_of,
             "what addr2line -fe escape.elf says of the RIP in the last row")
    g.answer("escape-taken", int(truth.crash_find(r"\bRAX ([0-9a-f]+)"), 16),
             lambda a, b: a.isdecimal() and int(a) == b, "RAX in `crash escape`, which is hexadecimal there")
    g.answer("escape-word", truth.word(), lambda a, b: a.strip("\"'` ").lower() == b,
             "the bytes of RCX as ASCII, the lowest first")


def grade_clock(g, truth):
    wake = truth.clock[truth.ticks()[-1]]
    g.answer("clock-wake", wake[2], why="the third column of the rows with `kick`")
    g.answer("clock-verdict", wake[4], why="the last word of those rows")
    for which, name in enumerate(("clock-first", "clock-second"), 1):
        g.answer(name, truth.after_tick(which), one_of,
                 f"addr2line -fe clock.elf with the RIP of the {('first', 'second')[which - 1]} row below a tick's")
    g.answer("clock-looked-at", truth.looked_at(), lambda a, b: a.removesuffix("us").strip() in b,
             "the row with `kick` that no hypercall follows")


def grade(g):
    if not has_record(g):
        g.report.say(f"note   the record of the boot is gone: there is a new one in your {RECORD}")
        begin(g)
    truth = Truth(kept(g))
    mine = g.work.folder / RECORD
    if not mine.is_file() or mine.read_text(encoding="utf-8") != (kept(g) / RECORD).read_text(encoding="utf-8"):
        g.report.say(f"note   your {RECORD} is not what was recorded: your answers are compared with the record")
    grade_escape(g, truth)
    grade_clock(g, truth)


LAB = Lab(
    number=1, page="1-trace", title="Read a trace", grade=grade, begin=begin, questions=QUESTIONS,
    hints=(
        f"Everything but the functions is in {RECORD}. A row of a trace is: when, the kind in our words, the "
        "hardware's name, where the guest was, and what we decided. `next`: go on behind the instruction; "
        "`again`: go on where it was; `stop`: the guest has ended.",
        "A RIP becomes a function with `addr2line -fe IMAGE 0xRIP`, in labs/1. RAX and RCX are in `crash escape`; "
        "`printf '\\x72\\x65...'` or python3's int(\"...\", 16).to_bytes(8, \"little\") turns a register into text.",
        "clock wakes when the monitor's core kicks it with an NMI: its PV timer has no other way to interrupt a "
        "guest on this processor. The same kick, without two hypercalls below it, is the monitor looking at the "
        "guest for `list`. The hypercalls below a tick write a line to the console and set the timer again.",
    ))

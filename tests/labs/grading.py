# SPDX-License-Identifier: MIT
"""
How a lab is graded: the real tree's sources with the lab's damage in them, and of the student's copy only
the files that the lab lets a student change. Everything that judges comes from the real tree. What was
checked is said with what was found and what was expected. No check depends on how long something took.
"""
import fcntl
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "boot"))

from lab import ANSWERS, ROOT                                                     # noqa: E402
from machine import TIMEOUT_S, Machine                                                       # noqa: E402
from operator_console import Operator                                             # noqa: E402
from partitions import guest, machine_section                                     # noqa: E402, F401
from trees import copy_sources, edited, source_files                              # noqa: E402

MAKE = ["make", "-s", "-j2", "--no-print-directory", "B=build"]
PROBE_FLAGS = ["-std=c11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
               "-D_GNU_SOURCE", "-I."]
PROBES = ROOT / "tests/labs/probes"
HANG_S = 300            # ends a program that hangs; one that works takes a thousandth of it
LINES_SHOWN = 12        # of a compiler's or a machine's words


class Stop(Exception):
    """Nothing more can be checked before this is right."""


class Report:
    """Says each check in turn."""

    def __init__(self, out=None):
        self.good = self.bad = 0
        self._out = out or sys.stdout

    def say(self, text):
        print(text, file=self._out, flush=True)

    def progress(self, text):
        self.say(f"...    {text}")

    def check(self, what, found, expected, good=None):
        """`good`: as said, or else whether both are the same."""
        good = found == expected if good is None else good
        if good:
            self.good += 1
            self.say(f"ok     {what}: {'; '.join(str(found).splitlines())}")
        else:
            self.bad += 1
            self.say(f"WRONG  {what}")
            self.say("\n".join(f"       {word:<9} {indented(text)}" for word, text in
                               (("found", found), ("expected", expected))))
        return good

    def require(self, what, found, expected, good=None):
        if not self.check(what, found, expected, good):
            raise Stop

    def stop_if_wrong(self, what):
        if self.bad:
            self.say(f"       not tried before all this is right: {what}")
            raise Stop


def indented(text):
    """What has several lines stands below its first."""
    return str(text).strip().replace("\n", "\n" + " " * 17)


def last_lines(text):
    lines = [line for line in text.replace("\r", "").splitlines() if line.strip()]
    return "\n".join(lines[-LINES_SHOWN:]) or "nothing"


def ending(result, name):
    """How a guest ended, in the hypervisor's words; else how the machine did."""
    said = [line for line in result.hv if line.startswith(f"guest '{name}'") and " starts " not in line]
    return said[0].partition("; ")[0] if said else last_lines("\n".join(result.hv)) + result.reason


class Grading:
    """One student's work, and where it is built and booted."""

    def __init__(self, work, build, report):
        self.lab, self.work, self.report = work.lab, work, report
        self.build = build
        self.tree = build / "tree"
        self.answers = work.answers()

    # ---------------------------------------------------------------- the tree

    def lock(self):
        """One grading at a time in a build folder. Until the result is closed."""
        self.build.mkdir(parents=True, exist_ok=True)
        lock = open(self.build / "lock", "w", encoding="ascii")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    def student_files(self):
        """{name: text} of what the lab lets a student change."""
        found = {}
        for name in self.lab.files:
            path = self.work.folder / name
            if not path.is_file() or path.is_symlink():
                self.report.require(f"{name} is there", "no such file in your copy",
                                    "a file: `make lab-reset` gives you a fresh copy")
            found[name] = path.read_text(encoding="utf-8", errors="replace")
        return found

    def fill_tree(self, files=None, edits=None):
        """The sources, the damage, the student's files."""
        texts = edited(ROOT, self.lab.edits if edits is None else edits)
        copy_sources(self.tree, texts | (self.student_files() if files is None else files))

    def unused_changes(self):
        """What a student has changed that this lab does not take."""
        texts = edited(ROOT, self.lab.edits)
        for name in sorted(map(str, source_files(self.work.folder))):
            mine = (self.work.folder / name).read_bytes()
            theirs = ROOT / name
            given = texts[name].encode() if name in texts else \
                theirs.read_bytes() if theirs.is_file() else None
            if name not in self.lab.files and mine != given:
                yield name

    def make(self, *targets, options=("WARN=",)):
        """Builds in the tree; what the compiler says to a student's code is a finding. What a student
        leaves unused is not what a lab is about: no warnings, unless `options` are none."""
        done = subprocess.run([*MAKE, *options, *targets], cwd=self.tree, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines()
                      if re.search(r"error: |undefined reference|multiple definition", line)]
            self.report.require("it builds", "\n".join(errors[:LINES_SHOWN]) or last_lines(done.stdout),
                                "no error")

    # ---------------------------------------------------------------- a program on the host

    def reference(self, source, flag):
        compiled = self.build / "reference.o"
        subprocess.run(["gcc", *PROBE_FLAGS, flag, "-c", source, "-o", compiled], cwd=ROOT, check=True)
        return compiled

    def probe(self, name, *sources, reference=None):
        """Compiles probes/NAME.c with sources of the tree and runs it. Each line that it prints is a
        check: whether it is well, what, found, expected; between tabs. `reference`: a source of the
        real tree to compare with, and a flag that gives it other names."""
        program = self.build / name
        more = [self.reference(*reference)] if reference else []
        done = subprocess.run(["gcc", *PROBE_FLAGS, f"-I{PROBES}", PROBES / f"{name}.c", *sources, *more,
                               "-o", program], cwd=self.tree, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stdout.splitlines() if "error" in line or "undefined" in line]
            self.report.require(f"{', '.join(sources)}: the compiler takes it",
                                "\n".join(errors[:LINES_SHOWN]), "no error")
        try:
            done = subprocess.run([program], cwd=self.tree, stdin=subprocess.DEVNULL, timeout=HANG_S,
                                  capture_output=True, text=True, errors="replace", check=False)
        except subprocess.TimeoutExpired:
            self.report.require(f"{', '.join(sources)} comes to an end", "it runs on and on",
                                "an end: is there a loop that does not stop?")
        for line in done.stdout.splitlines():
            verdict, what, found, expected = line.split("\t")
            self.report.check(what, found, expected, verdict == "ok")
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines()
                    if re.search(r"ASSERT|runtime error|ERROR: ", line)]
            self.report.require("the program with your code in it ends well",
                                "\n".join(said[:3]) or last_lines(done.stderr) or f"status {done.returncode}",
                                "no broken ASSERT, no access beyond an array")

    # ---------------------------------------------------------------- a machine

    def machine(self, engine="qemu"):
        return Machine(f"lab-{self.lab.number}", self.build / "logs", engine)

    def files(self, *guests, hook=False):
        """What a machine boots from the tree."""
        built = self.tree / "build"
        hv = built / "hook" if hook else built
        return {"BOOTX64.EFI": built / "BOOTX64.EFI", "bulkhead.elf": hv / "bulkhead.elf",
                **{f"{name}.elf": built / f"guests/{name}.elf" for name in guests}}

    def make_for(self, *guests):
        self.report.progress("builds" if (self.tree / "build").is_dir() else
                             "builds everything: half a minute on two cores that are idle")
        self.make("hypervisor", "loader", *(f"build/guests/{name}.elf" for name in guests))

    def boot(self, conf, *guests, **options):
        """Builds and boots to the machine's end."""
        self.make_for(*guests)
        self.report.progress(f"boots {', '.join(guests)}")
        return self.machine().boot(self.files(*guests), conf, **({"cores": 4, "memory": 256,
                                                                  "timeout": TIMEOUT_S} | options))

    def ask_monitor(self, conf, guests, first, commands, **options):
        """Boots, waits for the lines `first`, types commands; {command: lines of its answer}."""
        self.make_for(*guests)
        self.report.progress(f"boots {', '.join(guests)} and asks the monitor")
        with self.machine().spawn(self.files(*guests), conf, **({"cores": 4, "memory": 256} | options)
                                  ) as console:
            operator = Operator(console)
            operator.wait_all(*first)
            operator.open()
            answers = {command: operator.ask(command) for command in commands}
            operator.leave()
        return answers

    # ---------------------------------------------------------------- answers.txt

    def answer(self, name, expected, same=None, why=""):
        """A line of answers.txt. What was expected is not said: that would be the answer. `same`: how the
        two are compared; `why`: where to look."""
        given = self.answers.get(name)
        if given is None:
            return self.report.check(f"{ANSWERS}: {name}", "no such line", f"a line `{name} = ...`", False)
        if not given:
            return self.report.check(f"{ANSWERS}: {name}", "no answer yet", "an answer", False)
        same = same or (lambda a, b: a.lower() == str(b).lower())
        return self.report.check(f"{ANSWERS}: {name}", given, why or "something else", same(given, expected))

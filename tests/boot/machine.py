# SPDX-License-Identifier: MIT
"""Boots a machine for a test, through scripts/run, and says what came out of its serial port.

    result = machine.boot({"clock.elf": path}, conf="[guest clock]\\n...", cores=2)
    assert result.status == POWERED_OFF
    assert result.guest("clock") == ["tick 1", "tick 2"]

    with machine.spawn(conf=...) as console:
        console.expect("> ")
        console.sendline("list")
"""
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pexpect
from pexpect.popen_spawn import PopenSpawn

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = ROOT / "scripts" / "run"
CONF = "bulkhead.conf"
HYPERVISOR = "bulkhead"

# What scripts/run exits with.
POWERED_OFF = 0
CRASHED = 1             # hypervisor panic, triple fault, emulator died
UNUSABLE = 2
LOADER_REFUSED = 3      # and the firmware had the machine again
NO_GUEST_STARTED = 4
TIMED_OUT = 124

ESCAPES = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")
ROW = re.compile(r"\[(?P<name>[^\]]*)\](?P<more>\+?)(?: (?P<text>.*))?", re.DOTALL)
TAIL_LINES = 60
TIMEOUT_S = 900         # ends a hung machine and is no measure of one that works: never shorter
MHZ = 50                # of the machine's time: most guests wait more than they work
SPARE_S = 60            # what scripts/run may need on top of the machine's own time


class MachineError(Exception):
    """No machine could be started: the test bed's fault, not the tested program's."""


def whole_lines(rows):
    """The lines as they were said, each with its prefix: a row `[name]+ text` goes on where the
    latest row of that name ended."""
    lines, latest = [], {}
    for row in rows:
        found = ROW.fullmatch(row)
        if found and found["more"] and found["name"] in latest:
            lines[latest[found["name"]]] += found["text"] or ""
            continue
        if found:
            latest[found["name"]] = len(lines)
        lines.append(row)
    return lines


@dataclasses.dataclass(frozen=True)
class Result:
    """One finished run."""
    status: int         # of scripts/run
    serial: str         # everything the machine sent, firmware included, without escape sequences
    reason: str         # what scripts/run said about it

    @property
    def lines(self):
        """Rows as they stand on a terminal, each with its prefix."""
        return self.serial.replace("\r", "").split("\n")

    def guest(self, name):
        """The lines of one guest's console, without their prefix."""
        prefix = f"[{name}]"
        return [line[len(prefix):].removeprefix(" ") for line in whole_lines(self.lines)
                if line.startswith(prefix)]

    @property
    def hv(self):
        """The hypervisor's own lines, without their prefix."""
        return self.guest(HYPERVISOR)


class Console:
    """A running machine whose serial port the test holds: pexpect's expect(), send(), sendline(),
    before, after, match, and finish()."""

    def __init__(self, command, timeout, log):
        self._log = open(log, "w", encoding="utf-8", newline="")
        self._child = PopenSpawn(command, timeout=timeout, encoding="utf-8",
                                 codec_errors="replace")
        self._child.logfile_read = self._log
        self.expect = self._child.expect
        self.expect_exact = self._child.expect_exact
        self.send = self._child.send
        self.sendline = self._child.sendline

    def __getattr__(self, name):
        if name in ("before", "after", "match"):
            return getattr(self._child, name)
        raise AttributeError(name)

    def finish(self):
        """Waits for the machine's end; returns the exit status of scripts/run."""
        self._child.expect(pexpect.EOF)
        return self._child.wait()

    def close(self):
        """Ends the machine if it still runs."""
        if self._child.proc.poll() is None:
            self._child.proc.terminate()
            with contextlib.suppress(pexpect.TIMEOUT):
                self._child.expect(pexpect.EOF, timeout=SPARE_S)
            self._child.proc.wait(SPARE_S)
        self._log.close()


class Machine:
    """Boots machines for one test, in `engine` unless a boot names another; keeps the serial log of
    each below `log_dir`."""

    def __init__(self, name, log_dir, engine="bochs"):
        self.engine = engine
        self._name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")
        self._log_dir = log_dir
        self.logs = []

    @property
    def monitor_cores(self):
        """How many cores the monitor needs beside those of the guests: no timer of an SVM processor
        counts while a guest runs."""
        return 1 if self.engine == "qemu" else 0

    @property
    def keeps_time(self):
        """The machine's clock counts its own instructions. Otherwise it is the host's, whose load
        would have a part in every verdict about lateness."""
        return self.engine == "bochs"

    def boot(self, files=None, conf=None, *, timeout=TIMEOUT_S, input=None, keys=None,
             **options):
        """Runs a machine to its end and returns its Result.

        files: {name: bytes or path}, what \\bulkhead\\ holds beside the hypervisor.
        conf: text of bulkhead.conf. input: bytes or text for the serial port, keys: for the PS/2
        keyboard, both typed once a guest has started.
        options: cores, memory, engine, cpu, screen, no_kernel, as in scripts/run.
        """
        log = self._next_log()
        with self._directory(files, conf) as directory:
            command = self._command(directory / "files", timeout, options)
            command += ["--serial", str(log)]
            for option, typed in (("input", input), ("keys", keys)):
                if typed is not None:
                    given = directory / option
                    given.write_bytes(typed.encode() if isinstance(typed, str) else typed)
                    command += [f"--{option}", str(given)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=timeout + SPARE_S, check=False)
        if done.returncode == UNUSABLE:
            raise MachineError(done.stderr.strip())
        return Result(done.returncode, read_log(log), done.stderr)

    @contextlib.contextmanager
    def spawn(self, files=None, conf=None, *, timeout=TIMEOUT_S, **options):
        """Runs a machine that the test talks to, for as long as the with block lasts."""
        with self._directory(files, conf) as directory:
            command = self._command(directory / "files", timeout, options) + ["--input", "-"]
            console = Console(command, timeout + SPARE_S, self._next_log())
            try:
                yield console
            finally:
                console.close()

    def tail(self):
        """The last lines of every serial log of this test."""
        return "\n".join(f"{log}:\n" + "\n".join(read_log(log).splitlines()[-TAIL_LINES:])
                         for log in self.logs if log.exists())

    def _next_log(self):
        self._log_dir.mkdir(parents=True, exist_ok=True)
        number = f"-{len(self.logs) + 1}" if self.logs else ""
        log = self._log_dir / f"{self._name}{number}.txt"
        log.unlink(missing_ok=True)
        self.logs.append(log)
        return log

    @staticmethod
    @contextlib.contextmanager
    def _directory(files, conf):
        """A temporary directory with files/ filled in."""
        with tempfile.TemporaryDirectory(prefix="bulkhead-test-") as name:
            directory = pathlib.Path(name)
            (directory / "files").mkdir()
            contents = dict(files or {})
            if conf is not None:
                contents[CONF] = conf
            for file, content in contents.items():
                target = directory / "files" / file
                if isinstance(content, pathlib.Path):
                    shutil.copyfile(content, target)
                else:
                    target.write_bytes(content.encode() if isinstance(content, str) else content)
            yield directory

    def _command(self, files, timeout, options):
        command = [str(RUN), "--files", str(files), "--timeout", str(timeout)]
        # BULKHEAD_DATE is scripts/steady's: another day on every machine's clock.
        defaults = {"engine": self.engine, "mhz": MHZ, "date": os.environ.get("BULKHEAD_DATE")}
        for name, value in (defaults | options).items():
            flag = "--" + name.replace("_", "-")
            if value is True:
                command.append(flag)
            elif value is not None and value is not False:
                command += [flag, str(value)]
        return command


def read_log(log):
    try:
        text = log.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return ESCAPES.sub("", text)

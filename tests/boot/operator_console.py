# SPDX-License-Identifier: MIT
"""Types at the monitor of a running machine, as an operator does, and hands back what it answers.

    with machine.spawn(files, conf, cores=4) as console:
        operator = Operator(console, "hello")
        operator.open()
        assert operator.ask("list")[1].startswith("hello ")
"""
import re

import pexpect

from machine import ESCAPES, POWERED_OFF, whole_lines

KEY = "\x14"            # Ctrl-T
PROMPT = "bulkhead> "
MARK = "no-such-guest-{}"


class Operator:
    """Reads whole lines from the console and keeps them: all of `lines` so far."""

    def __init__(self, console):
        self._console = console
        self._marks = 0
        self.lines = []

    def next_line(self):
        """The next line, as it stands on the terminal when it is complete: what was drawn over,
        which is how a prompt goes away, is gone."""
        self._console.expect_exact("\n")
        return self._keep(self._console.before)

    def _keep(self, text):
        line = ESCAPES.sub("", text).rstrip("\r").rpartition("\r")[2]
        self.lines.append(line)
        return line

    def see(self, text):
        """Reads until the terminal shows it, wherever in a line."""
        self._console.expect_exact(text)
        for line in self._console.before.split("\n")[:-1]:
            self._keep(line)

    def wait(self, pattern):
        """Reads until a line matches from its beginning on; returns the match."""
        while True:
            found = re.match(pattern, self.next_line())
            if found:
                return found

    def wait_all(self, *patterns):
        """The same for several lines of guests that do not wait for each other, in any order."""
        missing = set(patterns)
        while missing:
            line = self.next_line()
            missing = {pattern for pattern in missing if not re.match(pattern, line)}

    def open(self):
        """To the monitor, from a guest's console."""
        self._console.send(KEY)
        self.see(PROMPT)

    def keys(self, text):
        self._console.send(text)

    def ask(self, command):
        """Types a command and returns our lines up to the answer to a mark that follows it."""
        self.keys(command + "\r")
        return self.answer(command)

    def answer(self, command):
        """What comes for a command that has been typed, prefixes removed."""
        self.wait(re.escape(f"[bulkhead] > {command}") + "$")
        self._marks += 1
        mark = MARK.format(self._marks)
        self.keys(f"focus {mark}\r")
        start = len(self.lines)
        self.wait(re.escape(f"[bulkhead] there is no guest '{mark}'"))
        own = [line.removeprefix("[bulkhead] ") for line in self.lines[start:-1]
               if line.startswith("[bulkhead] ")]
        return [line for line in own if not line.startswith("> focus no-such-guest-")]

    def guest_lines(self, name):
        prefix = f"[{name}] "
        return [line[len(prefix):] for line in whole_lines(self.lines) if line.startswith(prefix)]

    def own_lines(self):
        return self.guest_lines("bulkhead")

    def lived(self, name):
        """How long each life lasted whose end was reported, in ms."""
        line = re.compile(rf"guest '{name}' (?:was|asked|powered) .* after (\d+) ms; ")
        return [int(found[1]) for found in map(line.match, self.own_lines()) if found]

    def state(self, name):
        """The row of `list` about one guest, as a dictionary."""
        lines = self.ask("list")        # other lines may stand between those of an answer
        at = next(i for i, line in enumerate(lines) if line.startswith("guest  "))
        assert lines[at].split()[:3] == ["guest", "state", "cores"]
        row = next(row for row in lines[at:] if row.split()[0] == name)
        fields = re.fullmatch(r"(\S+) +(\S+) +(\d+) +(\d+ \S+) +([\d.]+) s +(\d+) +(\d+) +(.*)",
                              row)
        assert fields, row
        names = ("name", "state", "cores", "memory", "uptime", "rate", "lives", "end")
        return dict(zip(names, fields.groups()))

    def ended(self, name):
        """The same, once its memory has been cleared behind it."""
        while (row := self.state(name))["state"] == "stopping":
            pass
        return row

    def leave(self, command="poweroff"):
        """The machine's end; reads the rest of what it says."""
        self.keys(command + "\r")
        try:
            while True:
                self.next_line()
        except pexpect.EOF:
            pass
        assert self._console.finish() == POWERED_OFF

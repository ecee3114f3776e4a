# SPDX-License-Identifier: MIT
"""
What a lab is, and the student's copy of the tree: begun, reset, and the hints that were given.
docs/study/labs/README.md is the text for students.
"""
import dataclasses
import hashlib
import pathlib
import shutil
import sys
import typing

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "armour"))

from trees import ROOT, copy_sources, edited                                      # noqa: E402

ANSWERS = "answers.txt"
STATE = ".lab"          # in the student's copy: how many hints were given, and what it was begun from
PAGES = "docs/study/labs"


@dataclasses.dataclass(frozen=True)
class Lab:
    number: int
    page: str               # of docs/study/labs, without .md
    title: str
    grade: typing.Callable  # of a grading.Grading
    hints: tuple            # three, from a nudge to nearly all
    edits: tuple = ()       # what is broken: (file, what stands there once, what is put there)
    files: tuple = ()       # what the student may change, of the tree; the grader takes only these
    hidden: tuple = ()      # of the tree, not in the copy: it would be the answer
    questions: str = ""     # text of answers.txt, with lines `NAME = `
    begin: typing.Callable = None   # of a grading.Grading: what is recorded for the student

    @property
    def name(self):
        return f"lab {self.number}"


class Work:
    """One student's copy of the tree for one lab."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.folder = folder / str(lab.number)

    def exists(self):
        return (self.folder / STATE).is_file()

    def begun_from(self):
        """A sum of what the student was given to change: differs when the sources have moved on."""
        texts = edited(ROOT, self.lab.edits)
        given = [texts.get(name) or (ROOT / name).read_text(encoding="utf-8") for name in self.lab.files]
        return hashlib.sha256("\0".join(given).encode()).hexdigest()

    def start(self):
        """The sources with the lab's damage in them; nothing of tests/labs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        copy_sources(self.folder, edited(ROOT, self.lab.edits))
        for name in self.lab.hidden:
            (self.folder / name).unlink()
        if self.lab.questions:
            (self.folder / ANSWERS).write_text(self.lab.questions, encoding="utf-8")
        self._write(0, self.begun_from())

    def reset(self):
        """Away with it; what it was is kept once, beside it."""
        old = self.folder.with_name(f"{self.lab.number}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.folder.is_dir():
            self.folder.rename(old)
        return old

    def hint(self):
        """The next one and its number; the last one again when there are no more."""
        given, begun = self._read()
        number = min(given + 1, len(self.lab.hints))
        self._write(number, begun)
        return number, self.lab.hints[number - 1]

    def is_outdated(self):
        return self._read()[1] != self.begun_from()

    def _read(self):
        given, begun = (self.folder / STATE).read_text(encoding="ascii").split()
        return int(given), begun

    def _write(self, given, begun):
        (self.folder / STATE).write_text(f"{given} {begun}\n", encoding="ascii")

    def answers(self):
        """{name: text} of the lines `name = text` in answers.txt; {} when there is no such file."""
        path = self.folder / ANSWERS
        if not path.is_file():
            return {}
        found = {}
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, equals, text = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                found[name.strip()] = " ".join(text.split())
        return found

# SPDX-License-Identifier: MIT
"""The labs of docs/study/labs, as a student goes through them: begun, graded with the right answer and with
wrong ones (tests/labs/solutions.py), which have to be told apart in words that help."""
import importlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import require_setup
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests/labs"))

from lab import ANSWERS, PAGES, Work                                    # noqa: E402
from labs import LABS                                                   # noqa: E402
from solutions import ATTEMPTS                                          # noqa: E402
from trees import change                                                # noqa: E402

RUN = ROOT / "tests/labs/run"
BUILD = ROOT / "build/labs-test"
ALL = [importlib.import_module(name).LAB for name in LABS]
TITLES = [f"{lab.number}" for lab in ALL]
LONG = (2, 6, 7, 8)     # each attempt boots, some twice


def run(work, command, *arguments):
    """(exit status, what was said)."""
    done = subprocess.run([RUN, "--work", work, "--build", BUILD, command, *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    return done.returncode, done.stdout


def begin(folder, lab):
    status, said = run(folder, "start", lab.number)
    assert status == 0, said
    return Work(lab, folder)


def hand_in(work, attempt):
    change(work.folder, attempt.edits)
    if not attempt.answers:
        return
    given = attempt.answers
    if callable(given):
        given = given(BUILD / f"lab{attempt.lab.number}")
    text = attempt.lab.questions
    for name, answer in dict(given).items():
        text, count = re.subn(rf"^{re.escape(name)} =.*$", lambda _, line=f"{name} = {answer}": line, text,
                              flags=re.MULTILINE)
        assert count == 1, name
    (work.folder / ANSWERS).write_text(text, encoding="utf-8")


def wrong_checks(said):
    """The checks that went wrong, each with what was found and expected."""
    return re.findall(r"^WRONG  .*(?:\n       .*)*", said, re.MULTILINE)


def check_attempt(folder, attempt):
    run(folder, "reset", attempt.lab.number)
    hand_in(begin(folder, attempt.lab), attempt)
    status, said = run(folder, "grade", attempt.lab.number)
    wrong = wrong_checks(said)
    said = f"{attempt.name}: {said}"
    if attempt.is_right:
        assert status == 0 and not wrong and "0 wrong: done" in said, said
        return
    assert status == 1 and "not yet" in said, said
    missing = [pattern for pattern in attempt.says if not any(re.search(pattern, check) for check in wrong)]
    assert not missing, said
    for check in wrong:
        assert re.search(r"\n       found +\S", check) and re.search(r"\n       expected +\S", check), said


@pytest.mark.parametrize("lab", [pytest.param(lab, id=str(lab.number), marks=[pytest.mark.long]
                                              * (lab.number in LONG)) for lab in ALL])
def test_circle(tmp_path, lab):
    """Begun, graded, reset, with each attempt in turn. What the lab records is recorded anew."""
    require_setup("qemu")
    shutil.rmtree(BUILD / f"lab{lab.number}", ignore_errors=True)
    for attempt in ATTEMPTS:
        if attempt.lab is lab:
            check_attempt(tmp_path, attempt)


def test_every_lab_has_both():
    for lab in ALL:
        mine = [attempt for attempt in ATTEMPTS if attempt.lab is lab]
        assert sum(attempt.is_right for attempt in mine) == 1, lab.number
        assert sum(not attempt.is_right for attempt in mine) >= 3, lab.number


@pytest.mark.parametrize("lab", ALL, ids=TITLES)
def test_page(lab):
    """There is a page under the lab's title, which says how to begin and does not say how it ends."""
    page = (ROOT / PAGES / f"{lab.page}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# Lab {lab.number}: {lab.title}\n")
    assert f"make lab {lab.number}" in page and f"make grade {lab.number}" in page
    assert len(lab.hints) == 3
    index = (ROOT / PAGES / "README.md").read_text(encoding="utf-8")
    assert f"({lab.page}.md)" in index
    given = "".join(new for _, _, new in lab.edits)
    for _, old, _ in lab.edits:
        for line in old.splitlines():
            code = line.strip()
            assert len(code) < 30 or code in given or code not in page, code


@pytest.fixture
def leaf(tmp_path):
    return begin(tmp_path, next(lab for lab in ALL if lab.number == 3))


def test_hints_come_one_by_one(tmp_path, leaf):
    said = [" ".join(run(tmp_path, "hint", 3)[1].split()) for _ in range(4)]
    wanted = [f"Hint {n} of 3: {' '.join(leaf.lab.hints[n - 1].split())}" for n in (1, 2, 3, 3)]
    assert said == wanted


def test_begun_once_and_reset(tmp_path, leaf):
    mine = leaf.folder / "svm/npt.c"
    mine.write_text("mine", encoding="utf-8")
    assert "stays as it is" in run(tmp_path, "start", 3)[1]
    assert mine.read_text(encoding="utf-8") == "mine"
    status, said = run(tmp_path, "reset")
    assert status == 0 and "lab 3 is reset" in said
    assert not leaf.folder.exists()
    assert (tmp_path / "3.old/svm/npt.c").read_text(encoding="utf-8") == "mine"
    assert run(tmp_path, "grade", 3)[0] == 2
    assert run(tmp_path, "hint", 3)[0] == 2


def test_copy_has_no_answers_and_no_git(leaf, tmp_path):
    for lab in ALL:
        if lab.hidden:
            work = Work(lab, tmp_path / "others")
            work.start()
            assert not any((work.folder / name).exists() for name in lab.hidden)
    assert not (leaf.folder / "tests/labs").exists()
    assert not (leaf.folder / ".git").exists()
    assert "Lab 3" not in (leaf.folder / "svm/npt_valid.c").read_text(encoding="utf-8")


def test_grader_is_not_the_students(tmp_path, leaf):
    """What a student changes beside the lab's files is said and has no part in the verdict."""
    for name in ("Makefile", "svm/npt_valid.c"):
        (leaf.folder / name).write_text("nonsense\n", encoding="utf-8")
    (leaf.folder / "tests/boot/machine.py").write_text("raise SystemExit(0)\n", encoding="utf-8")
    (leaf.folder / "tests/labs").mkdir()
    (leaf.folder / "tests/labs/run").write_text("exit 0\n", encoding="utf-8")
    status, said = run(tmp_path, "grade", 3)
    assert status == 1 and "WRONG  bit 2, U/S" in said, said
    for name in ("Makefile", "svm/npt_valid.c", "tests/boot/machine.py"):
        assert f"note   {name} is changed, but not part of this lab" in said


def test_file_that_is_gone_or_a_link(tmp_path, leaf):
    mine = leaf.folder / "svm/npt.c"
    mine.unlink()
    assert "WRONG  svm/npt.c is there" in run(tmp_path, "grade", 3)[1]
    mine.symlink_to(ROOT / "svm/npt.c")
    assert "WRONG  svm/npt.c is there" in run(tmp_path, "grade", 3)[1]


def test_sources_that_moved_on_are_noticed(tmp_path, leaf):
    (leaf.folder / ".lab").write_text("0 0123\n", encoding="ascii")
    assert "the sources have changed since you began" in run(tmp_path, "grade", 3)[1]


def test_loop_that_does_not_end(tmp_path, leaf, monkeypatch):
    import grading
    import io
    monkeypatch.setattr(grading, "HANG_S", 3)
    change(leaf.folder, [("svm/npt.c", "    const uint64_t type = npt_memory(memory);\n",
                          "    const uint64_t type = npt_memory(memory);\n    while (level)\n        ;\n")])
    said = io.StringIO()
    g = grading.Grading(leaf, BUILD, grading.Report(said))
    with g.lock(), pytest.raises(grading.Stop):
        g.fill_tree()
        g.probe("leaf", "svm/npt.c")
    assert "WRONG  svm/npt.c comes to an end" in said.getvalue()


def test_unknown_lab(tmp_path):
    status, said = run(tmp_path, "start", 99)
    assert status == 2 and "there is no lab 99" in said
    status, said = run(tmp_path, "start")
    assert status == 0 and all(lab.title in said for lab in ALL)

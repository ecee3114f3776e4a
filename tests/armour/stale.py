# SPDX-License-Identifier: MIT
"""
What of mutants.py no longer fits the sources: a text that is not in its file exactly once, a test or
a check that is not there, a row of docs/armour.md without mutants; and the texts of tests/proof/mutants.py
and of the labs (tests/labs). Builds nothing:
`make lint` asks it at each change, which `make armour-mutants` and `make proof-mutants` take too long for.

Usage: python3 tests/armour/stale.py. Exit status 1 when something does not fit.
"""
import importlib
import re
import runpy
import sys

sys.dont_write_bytecode = True

from mutants import MUTANTS, Boot, Lint, Unit                                      # noqa: E402
from trees import ROOT, Unfit, edited                                              # noqa: E402


def stale_edits(mutant):
    try:
        edited(ROOT, mutant.edits)
    except Unfit as unfit:
        yield f"{mutant.name}: {unfit}"


def lint_checks():
    """As scripts/lint names them."""
    names = re.findall(r'^ *check "([^"]+)"', (ROOT / "scripts/lint").read_text(), re.MULTILINE)
    return {name.replace("$cc", compiler) for name in names for compiler in ("gcc", "clang")}


def is_boot_test(test):
    file, function = test.split("[")[0].split("::")
    path = ROOT / "tests/boot" / file
    return path.is_file() and f"\ndef {function}(" in path.read_text()


def stale_notices(mutant, checks):
    for notice in mutant.notices:
        if isinstance(notice, Unit) and len(list((ROOT / "tests/unit").rglob(f"{notice.test}.c"))) != 1:
            yield f"{mutant.name}: there is no host test {notice.test}"
        if isinstance(notice, Boot) and not is_boot_test(notice.test):
            yield f"{mutant.name}: there is no boot test {notice.test}"
        if isinstance(notice, Lint) and not any(check.startswith(notice.check) for check in checks):
            yield f"{mutant.name}: scripts/lint has no check '{notice.check}'"


def stale_rows():
    """Every row of the table in docs/armour.md has its mutants, under its own words."""
    rows = [line.split("|")[1].strip() for line in (ROOT / "docs/armour.md").read_text().split("\n")
            if line.startswith("| ") and not line.startswith("| measure")]
    for row in sorted(set(rows) ^ set(MUTANTS)):
        yield f"{'no mutant for' if row in rows else 'docs/armour.md has no row'}: {row}"


def stale():
    """All of it, a line each."""
    mutants = [mutant for row in MUTANTS.values() for mutant in row]
    names = [mutant.name for mutant in mutants]
    checks = lint_checks()
    lines = list(stale_rows())
    lines += [f"two mutants are called {name}" for name in sorted(set(names)) if names.count(name) > 1]
    for mutant in mutants:
        lines += [*stale_edits(mutant), *stale_notices(mutant, checks)]
    return lines


def stale_proofs():
    """The same of the mistakes that proofs have to notice."""
    for file, function, old, _ in runpy.run_path(str(ROOT / "tests/proof/mutants.py"))["MUTANTS"]:
        count = (ROOT / file).read_text().count(old) if (ROOT / file).is_file() else 0
        if count != 1:
            yield f"proof of {function}: in {file} this is there {count} times, not once: {old!r}"


def stale_labs():
    """The same of the labs' damage, and of what the tests of the labs do to it."""
    sys.path.insert(0, str(ROOT / "tests/labs"))
    labs = [importlib.import_module(name).LAB for name in importlib.import_module("labs").LABS]
    for lab in labs:
        yield from stale_edits(lab)
        for name in lab.files:
            if not (ROOT / name).is_file():
                yield f"{lab.name}: there is no {name}"
    for attempt in importlib.import_module("solutions").ATTEMPTS:
        try:
            edited(ROOT, [*attempt.lab.edits, *attempt.edits])
        except Unfit as unfit:
            yield f"{attempt.lab.name}, {attempt.name}: {unfit}"


if __name__ == "__main__":
    found = [*stale(), *stale_proofs(), *stale_labs()]
    print("".join(f"{line}\n" for line in found), end="")
    sys.exit(1 if found or not MUTANTS else 0)

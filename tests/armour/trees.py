# SPDX-License-Identifier: MIT
"""
Copies of the sources, and edits of exact texts in them: of mutants (tests/armour/run) and of the labs
(tests/labs). An edit is (file, what stands there once, what is put there).
"""
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]

SOURCES = ("boot", "drivers", "guests", "kernel", "lib", "mm", "scripts", "svm", "vdev", "vmx",
           "tests/boot", "tests/hook", "tests/unit", "tests/fuzz", "tests/proof", "tests/armour")
FILES = ("Makefile", "linker.ld", ".clang-format")


class Unfit(Exception):
    """An edit does not fit the sources."""


def source_files(tree):
    """The sources in a tree, by their names in it."""
    found = {pathlib.Path(name) for name in FILES}
    for folder in SOURCES:
        found |= {path.relative_to(tree) for path in (tree / folder).rglob("*")
                  if path.is_file() and "__pycache__" not in path.parts}
    return found


def copy_sources(base, changed=None):
    """The sources as they are but for `changed`, {name: text}. What has not changed since the last time
    keeps its date, and so its objects."""
    changed = {pathlib.Path(name): text.encode() for name, text in (changed or {}).items()}
    wanted = source_files(ROOT) | set(changed)
    for name in source_files(base) - wanted:
        (base / name).unlink(missing_ok=True)
    for name in wanted:
        to = base / name
        content = changed[name] if name in changed else (ROOT / name).read_bytes()
        if not to.is_file() or to.read_bytes() != content:
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(content)
            if (ROOT / name).is_file():
                shutil.copymode(ROOT / name, to)


def edited(tree, edits, texts=None):
    """{file: text} of what the edits change in a tree, and in `texts` before it. One edit may be made in
    what another has put there."""
    texts = dict(texts or {})
    for file, old, new in edits:
        if file not in texts and not (tree / file).is_file():
            raise Unfit(f"there is no {file}")
        text = texts.get(file) or (tree / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise Unfit(f"in {file} this is there {text.count(old)} times, not once: {old!r}")
        texts[file] = text.replace(old, new)
    return texts


def change(tree, edits):
    for file, text in edited(tree, edits).items():
        (tree / file).write_text(text, encoding="utf-8")

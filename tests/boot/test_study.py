# SPDX-License-Identifier: MIT
"""The chapters of docs/study/: what they have their reader type in gdb works, and shows the lines that
they show. Numbers may differ, as addresses are those of a build."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import engines, missing
from machine import ROOT, SPARE_S, TIMEOUT_S
from partitions import images

pytestmark = [engines("qemu"), pytest.mark.long]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
START = "$ make gdb"
DOTS = "..."
NUMBER = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+")


def sessions():
    """Page and number, commands and shown lines of each."""
    for page in sorted((ROOT / "docs/study").glob("[0-9]*.md")):
        for number, (_, block) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            lines = block.splitlines()
            if START not in lines:
                continue
            commands = [line.removeprefix("(gdb) ").removeprefix(">") for line in lines
                        if line.startswith(("(gdb) ", ">"))]
            if commands[-1] == "continue":      # until the reader stops it
                commands.pop()
            shown = [line for line in lines if line != START and not line.startswith(("(gdb)", ">", DOTS))]
            yield pytest.param(commands, shown, id=f"{page.stem}-{number}")


def alike(line):
    """As it is compared: up to the dots, without what is another build's or another moment's."""
    return " ".join(NUMBER.sub("N", line.split(DOTS)[0]).split())


def missing_line(shown, said):
    """The first line that the page shows and gdb does not say where it should, or None."""
    lines = iter([alike(line) for line in said.splitlines()])
    for line in shown:
        if not any(alike(line) in other for other in lines):
            return line
    return None


@pytest.mark.parametrize("commands, shown", sessions())
def test_a_session_with_gdb(machine, tmp_path, commands, shown):
    if not shutil.which("gdb"):
        missing("gdb is not installed")
    files = tmp_path / "files"
    files.mkdir()
    for name, file in images("hello", "clock", "smp", "escape").items():
        shutil.copy(file, files / name)
    shutil.copy(ROOT / "guests/demo/bulkhead.conf", files)
    script = tmp_path / "script.gdb"
    script.write_text("\n".join(commands) + "\n")
    done = subprocess.run(          # gdb shows what `monitor` answers on stderr
        ["timeout", "-k", "5", str(TIMEOUT_S), ROOT / "scripts/gdb/gdb", ROOT / "build", files, "-batch",
         "-x", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=TIMEOUT_S + SPARE_S, env=dict(os.environ, LC_ALL="C"))
    assert "Error in sourced command file" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout
    assert missing_line(shown, done.stdout) is None, done.stdout


def test_what_counts_as_shown():
    said = "a 12\nrip   0x100000   <start>\nthe end\n"
    assert missing_line(["a 7", "rip 0x5 <start>", "the ..."], said) is None
    assert missing_line(["the end", "a 7"], said) == "a 7"
    assert missing_line(["rip 0x5 <stop>"], said) == "rip 0x5 <stop>"

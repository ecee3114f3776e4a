# SPDX-License-Identifier: MIT
"""gdb on QEMU: `make gdb` stops where it says, with symbols, and single steps go from a guest into the
hypervisor and back."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import engines, missing, skip
from machine import ROOT, SPARE_S, TIMEOUT_S
from partitions import guest, images, machine_section

pytestmark = engines("qemu")

AT_ENTRY = """\
import gdb
print("entry", gdb.parse_and_eval("$rip") == gdb.parse_and_eval("(unsigned long)&image_start"))
print("rdi", gdb.parse_and_eval("((struct boot_info *)$rdi)->image_base == $rip"))
gdb.execute("break main_early")
gdb.execute("continue")
print("loader", gdb.execute("info symbol handoff", to_string=True))
"""

# From a CPUID in the guest's main() to the instruction behind it.
THROUGH_AN_EXIT = """\
import gdb
gdb.execute("bh-guest clock")
gdb.execute("bh-guest hello")       # in its place
print("symbols", gdb.execute("info symbol main", to_string=True))
gdb.execute("hbreak *CPUID")
gdb.execute("continue")
gdb.execute("delete")
gdb.execute("set scheduler-locking on")
print("left", gdb.execute("x/i $rip", to_string=True))
gdb.execute("stepi", to_string=True)
print("for", gdb.execute("info symbol $rip", to_string=True))
print("next", gdb.execute("x/i $rip", to_string=True))
gdb.execute("bh-vmcb")
for steps in range(2000):
    if int(gdb.parse_and_eval("$rip")) == CPUID + 2:
        print("back after", steps)
        break
    gdb.execute("stepi", to_string=True)
gdb.execute("bh-exits")
"""


def first_cpuid():
    """The address of one in the guest's main()."""
    code = subprocess.run(["objdump", "-d", "--disassemble=main", ROOT / "build/guests/hello.elf"],
                          capture_output=True, text=True, check=True).stdout
    return "0x" + re.search(r"^ *([0-9a-f]+):.*\bcpuid\b", code, re.M)[1]


@pytest.fixture
def gdb(machine, tmp_path):
    """gdb(script): what it printed, from the stop at the entry on."""
    if not shutil.which("gdb"):
        missing("gdb is not installed")
    files = tmp_path / "files"
    files.mkdir()
    for name, file in images("hello").items():
        shutil.copy(file, files / name)
    (files / "bulkhead.conf").write_text(machine_section() + guest("hello"))
    script = tmp_path / "script.py"

    def run(text):
        script.write_text(text)
        done = subprocess.run(
            ["timeout", "-k", "5", str(TIMEOUT_S), ROOT / "scripts" / "gdb" / "gdb", ROOT / "build", files,
             "-batch", "-x", script], capture_output=True, text=True, check=False,
            timeout=TIMEOUT_S + SPARE_S, env=dict(os.environ, LC_ALL="C"))
        assert "Error" not in done.stderr, done.stdout + done.stderr
        return done.stdout
    return run


@pytest.mark.long
def test_stops_at_the_entry(gdb):
    said = gdb(AT_ENTRY)
    assert re.search(r"^bulkhead\.elf is at 0x[0-9a-f]+, the loader at 0x[1-9a-f]", said, re.M), said
    assert "entry True" in said and "rdi 1" in said, said
    assert "Breakpoint 1, main_early (info=0x" in said, said
    assert re.search("loader handoff in section .text of .*loader.so", said), said


def test_steps_through_an_exit(gdb):
    if not (ROOT / "svm").is_dir():
        skip("QEMU emulates SVM, and this Bulkhead knows VT-x only")
    said = gdb(THROUGH_AN_EXIT.replace("CPUID", first_cpuid()))
    assert re.search(r"^symbols main in section \S+ of .*hello\.elf$", said, re.M), said
    assert re.search(r"^left .*cpuid", said, re.M), said
    assert re.search(r"svm/switch\.asm:\d+", said) and re.search("^for .*bulkhead.elf", said, re.M), said
    assert re.search(r"^next .*vmsave", said, re.M), said
    assert "exit_code = 0x72" in said, said     # APM "SVM Intercept Codes": VMEXIT_CPUID
    assert int(re.search(r"^back after (\d+)$", said, re.M)[1]) > 20, said
    assert re.search(r"^ +\d+ EXIT_CPUID$", said, re.M), said

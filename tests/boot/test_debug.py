# SPDX-License-Identifier: MIT
"""`debug = serial2`: a real gdb at the machine's second serial port holds a guest, and looks at it and
changes it; the machine and the other guests go on."""
import os
import re
import shutil
import subprocess

import pytest

import elf
from conftest import engines, missing
from machine import SPARE_S, TIMEOUT_S
from partitions import GUESTS, guest, images, machine_section

pytestmark = engines("bochs", "qemu")

# What takes long gives gdb no reason to give up.
BEGIN = """\
import gdb, os, signal, threading
gdb.execute("set remotetimeout 600")
gdb.execute("set confirm off")
gdb.execute("target remote SOCKET")
def told(command):
    return gdb.execute(command, to_string=True)
def value(text):
    return int(gdb.parse_and_eval(text))
def run_for_a_while():
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    return told("continue")
"""

ONE_CORE = """\
print("threads", told("info threads").count("vCPU, held"))
gdb.execute("hbreak clock_wait")
gdb.execute("continue")
print("caller", told("bt 2"))
print("mode", hex(value("$efer & 0x500")), hex(value("$cr0 & 0x80000001")))
print("fpu", told("info registers st0"))
gdb.execute("delete")
before = value("$rip")
length = len(bytes(gdb.selected_frame().architecture().disassemble(before)[0]["length"]))
told("stepi")
print("stepped", value("$rip") - before == length)
gdb.execute("watch ticked")
gdb.execute("continue")
gdb.execute("continue")
gdb.execute("delete")
gdb.execute("break irq_wait")               # a debug register as well: nothing in memory changes
gdb.execute("continue")
print("code", told("x/4xb $rip"))
gdb.execute("delete")
gdb.execute("stepi 3")
print("over", value("$rip"))
gdb.execute("set var ticked = 1")
print("ticked", value("ticked"))
before = value("$rbx")                      # the guest counts in it
gdb.execute("set $rbx = 0x123456789")
print("rbx", hex(value("$rbx")))
gdb.execute("set $rbx = %d" % before)
for change in "$eflags = 0x300", "$cs = 0", "$rip = 0x8000000000000000", "*(int *)0x7000000 = 1":
    try:
        gdb.execute("set var " + change)
        print("changed", change)
    except gdb.error as error:
        print("refused", change)
print("physical", told("maint packet Qbulkhead.physical:1"), told("x/2xb 0x100000"), told("x/1xb 0xffffff"))
try:
    told("x/1xb 0x1000000")
except gdb.error as error:
    print("beyond", error)
gdb.execute("detach")
"""

TWO_CORES = """\
print("threads", told("info threads").count("vCPU, held"))
print("held", value("counter") == value("counter"))
before = value("counter")
run_for_a_while()
print("went on", value("counter") > before)
gdb.execute("thread 2")
print("second", told("bt 1"))
gdb.execute("set scheduler-locking on")
other = told("thread apply 1 output $rip")
for _ in range(5):
    told("stepi")
print("other stays", told("thread apply 1 output $rip") == other)
gdb.execute("set scheduler-locking off")
gdb.execute("watch counter if counter > %d" % (value("counter") + 3))
gdb.execute("continue")
gdb.execute("delete")
gdb.execute("hbreak *0x%x" % START)
gdb.execute("set var target = 1")           # it ends, and has another life
gdb.execute("continue")
print("first", value("$rip") == START, told("info threads").count("vCPU, held"))
gdb.execute("delete")
gdb.execute("hbreak smp_core_main")
gdb.execute("continue")
print("by", gdb.selected_thread().ptid[1:])
gdb.execute("kill")
"""


@pytest.fixture
def debug(machine, tmp_path):
    """debug(console, program, script): what gdb printed."""
    if not shutil.which("gdb"):
        missing("gdb is not installed")
    script, line = tmp_path / "script.py", tmp_path / "line"

    def run(console, program, text):
        script.write_text(BEGIN.replace("SOCKET", str(line)) + text)
        console.expect(r"\[bulkhead\] guest 'it' starts on core")
        done = subprocess.run(
            ["timeout", "-k", "5", str(TIMEOUT_S), "gdb", "-q", "-nx", "-batch", GUESTS / program, "-x", script],
            capture_output=True, text=True, check=False, timeout=TIMEOUT_S + SPARE_S,
            env=dict(os.environ, LC_ALL="C"))
        assert "Traceback" not in done.stderr and "Error" not in done.stderr, done.stdout + done.stderr
        print(done.stdout, done.stderr)
        return done.stdout
    run.line = line
    return run


def boot(machine, debug, cores, *guests):
    return machine.spawn(images("clock", "smp", "spin"), machine_section(reserve=1) + "".join(guests),
                         cores=cores, memory=512, debug=debug.line)


def test_one_core(machine, debug):
    conf = guest("it", image="clock", cores=2, cmdline="seconds=100000 tick=100", debug="serial2")
    with boot(machine, debug, 3, conf) as console:
        said = debug(console, "clock.elf", ONE_CORE)
        console.expect("the debugger at serial2 lets it go")
        console.expect(r"\[it\] tick \d+ ")
    assert "threads 1\n" in said            # the other waits for a SIPI
    assert "Breakpoint 1, clock_wait" in said, said
    assert re.search(r"^caller .*#1 .* main ", said, re.M | re.S), said
    assert "mode 0x500 0x80000001\n" in said and "<unavailable>" in said, said
    assert "stepped True\n" in said, said
    assert "New value = true" in said and "New value = false" in said, said
    assert "Breakpoint 3, irq_wait" in said, said
    idle = re.search(r"^code 0x([0-9a-f]+).*:\t0xfb\t0xf4\t0xfa", said, re.M)     # STI, HLT, CLI
    assert idle and f"over {int(idle[1], 16) + 3}\n" in said, said
    assert "ticked 1\n" in said and "rbx 0x123456789\n" in said, said
    assert len(re.findall("^refused ", said, re.M)) == 4 and "changed" not in said, said
    program = (GUESTS / "clock.elf").read_bytes()
    content = program[elf.offset_of(program, 0x100000):]
    assert f"0x{content[0]:02x}\t0x{content[1]:02x}" in said, said
    assert "beyond Cannot access memory at address 0x1000000" in said, said


def test_two_cores(machine, debug):
    start = elf.address_of((GUESTS / "smp.elf").read_bytes(), "start")
    conf = guest("it", image="smp", cores=2, cmdline="target=100000000000", on_poweroff="restart",
                 debug="serial2")
    other = guest("other", image="spin", cmdline="beats")
    with boot(machine, debug, 4, conf, other) as console:
        said = debug(console, "smp.elf", TWO_CORES.replace("START", hex(start)))
        console.expect("the debugger at serial2 lets it go")
        console.expect("beat")
    assert "threads 2\n" in said and "held True\n" in said and "went on True\n" in said, said
    assert re.search(r"^second .*smp_count", said, re.M | re.S), said
    assert "other stays True\n" in said, said
    assert re.search(r"hit Hardware watchpoint 1: counter\s+Old value = ", said), said
    assert "hit Breakpoint 2, start ()" in said and "first True 1\n" in said, said
    assert "hit Breakpoint 3, smp_core_main" in said and "by (2, 0)\n" in said, said

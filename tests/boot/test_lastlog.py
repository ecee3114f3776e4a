# SPDX-License-Identifier: MIT
"""The log of the boot before: it outlives a reset of the machine.

The second boot is left as soon as it has found the lines: after a reset Bochs compares deadlines
of the local APIC with a clock that goes on while the TSC starts from 0, and then loses wake-ups.
"""
from machine import ROOT

CONF = """\
[guest hello]
cores = 1
memory = 16M
image = hello.elf
"""
MONITOR = "\x14"        # Ctrl-T


def test_the_log_outlives_a_reset(machine):
    with machine.spawn({"hello.elf": ROOT / "build/guests/hello.elf"}, conf=CONF, engine="bochs",
                       cores=2, memory=256) as console:
        console.expect_exact("Type a line")
        console.send(MONITOR)
        console.sendline("log")
        console.expect_exact("  | guest 'hello' starts on core #1")
        console.sendline("log last")
        console.expect_exact("no log of a previous boot is available")
        console.sendline("reboot")
        console.expect_exact("starting the machine again")
        console.expect(r"\[bulkhead\] (\d+) lines of the previous boot are kept")
        assert int(console.match[1]) > 5

# SPDX-License-Identifier: MIT
"""The log of the boot before: it outlives a reset of the machine."""
from machine import POWERED_OFF, ROOT

CONF = """\
[guest hello]
cores = 1
memory = 16M
image = hello.elf
"""
MONITOR = "\x14"        # Ctrl-T


def test_the_log_outlives_a_reset(machine):
    with machine.spawn({"hello.elf": ROOT / "build/guests/hello.elf"}, conf=CONF, engine="bochs",
                       cores=2, memory=512, timeout=400) as console:
        console.expect_exact("Type a line")
        console.send(MONITOR)
        console.sendline("reboot")
        console.expect_exact("starting the machine again")
        console.expect(r"\[bulkhead\] (\d+) lines of the previous boot are kept")
        assert int(console.match[1]) > 5
        console.expect_exact("Type a line")
        console.send(MONITOR)
        console.sendline("last")
        console.expect(r"\[bulkhead\]   \| guest 'hello' starts on core #1")
        console.expect(r"\[bulkhead\]   \| starting the machine again")
        console.sendline("poweroff")
        assert console.finish() == POWERED_OFF

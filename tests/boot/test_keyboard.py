# SPDX-License-Identifier: MIT
"""The PS/2 keyboard beside the serial port: what is typed on it reaches the guest."""
from machine import POWERED_OFF, ROOT

CONF = """\
[guest hello]
cores = 1
memory = 16M
image = hello.elf
"""


def test_a_line_typed_on_the_keyboard(machine):
    result = machine.boot({"hello.elf": ROOT / "build/guests/hello.elf"}, conf=CONF,
                          engine="bochs", cores=2, memory=512, timeout=240,
                          keys="Hello, {World} = 42!\r")
    assert result.status == POWERED_OFF, result.reason
    assert "You typed: Hello, {World} = 42!" in result.guest("hello")

# SPDX-License-Identifier: MIT
"""The console of an unmodified Linux: a UART on the guest's PCI bus that sends its interrupt as a
message."""
import hashlib
import random
import re

import pytest

import linux
from conftest import engines
from machine import POWERED_OFF
from operator_console import Operator

pytestmark = engines("bochs", "qemu")


@pytest.fixture(autouse=True)
def images():
    linux.need("cloud", "busybox")


def uart_exits(operator):
    """How often the guest has accessed a port so far."""
    line = next(line for line in operator.ask("stats linux") if line.startswith("linux: "))
    return int(re.search(r"(\d+) port", line)[1])


def paste(console, text):
    """What the guest reads from its terminal, raw, while `text` is typed without a pause."""
    console.sendline(f"stty raw -echo; echo rea''dy; head -c {len(text)} > /p; stty sane; sha1sum < /p")
    console.expect_exact("ready")
    console.send(text)
    console.expect(r"\b([0-9a-f]{40})\b")
    return console.match[1]


def test_interrupts(machine):
    """With a shell open and nobody typing: no exit. What is typed at once: nothing is lost."""
    with machine.spawn(linux.files(), linux.conf(memory="128M"), cores=2, memory=384, mhz=200,
                       timeout=900) as console:
        shell = linux.Shell(console).wait()
        assert shell.run("grep -c 'MSI.*ttyS0' /proc/interrupts") == ["1"]
        assert shell.run("cat /sys/class/tty/ttyS0/line /sys/class/tty/ttyS0/port") == ["0", "0x3F8"]
        assert shell.run("dmesg | grep -ciE 'redundant|nobody cared|Call Trace|too much work'; true"
                         ) == ["0"]

        random.seed(20)
        text = "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789 \t~") for _ in range(4096))
        assert paste(console, text) == hashlib.sha1(text.encode()).hexdigest()

        operator = Operator(console)
        operator.open()
        until = float(operator.state("linux")["uptime"]) + 1
        while float(operator.state("linux")["uptime"]) < until: # the shell's prompt is out
            pass
        before = uart_exits(operator)
        until = float(operator.state("linux")["uptime"]) + 4
        while float(operator.state("linux")["uptime"]) < until:
            pass
        assert uart_exits(operator) == before
        operator.leave()


def test_all_messages(machine):
    """The kernel's log on the console: once, and at two exits a character and no more."""
    result = machine.boot(linux.files(script="sleep 2\npoweroff -f\n"),
                          linux.conf(memory="128M", cmdline=linux.CMDLINE), cores=2, memory=384,
                          timeout=900)
    assert result.status == POWERED_OFF
    assert "\n".join(result.guest("linux")).count("Linux version") == 1
    assert linux.exits(result)["port"] < 45000

# SPDX-License-Identifier: MIT
"""Unmodified Linux as a guest: what everybody wants to know after every change. The matrix of
kernels, sizes and ends is in test_linux_long.py."""
import calendar
import re

import pytest

import linux
from conftest import engines
from machine import POWERED_OFF

pytestmark = engines("bochs", "qemu")


@pytest.fixture(autouse=True)
def images():
    linux.need("cloud", "busybox")


def test_shell(machine):
    """A session on one core: what the kernel sees, its clock, a restart and a power-off."""
    with machine.spawn(linux.files(), linux.conf(memory="128M"), cores=linux.cores(machine),
                       memory=384, mhz=200, date="2031-03-01", timeout=900) as console:
        shell = linux.Shell(console).wait()
        assert shell.run("grep -c ^processor /proc/cpuinfo") == ["1"]
        assert shell.run("cat /sys/devices/system/clocksource/*/current_clocksource") == ["tsc"]
        assert shell.run("dmesg | grep -ciE 'unchecked MSR|Call Trace|timed out|rcu.*stall'; true"
                         ) == ["0"]
        # The firmware's date; in what zone it is, the emulator does not say.
        noon = calendar.timegm((2031, 3, 1, 12, 0, 0))
        assert abs(int(shell.run("date +%s")[-1]) - noon) < 25 * 3600
        lives = []
        for pause, command, end in ((5, "reboot", "asked for a restart"),
                                    (1, "poweroff", "powered off with code 0")):
            shell.leave(f"sleep {pause}; echo up $(cut -d' ' -f1 /proc/uptime); sleep 1; "
                        f"{command} -f")
            console.expect(r"up (\d+\.\d+)")
            up = float(console.match.group(1))
            console.expect(rf"guest 'linux' {end} after (\d+) ms")
            lives.append((up, int(console.match.group(1)) / 1000))
            if command == "reboot":
                shell.wait()
        assert console.finish() == POWERED_OFF
    # The kernel's clock against the hypervisor's, which also counts the unpacking at the start and
    # the last second of each life: about the same in both.
    (up1, all1), (up2, all2) = lives
    if machine.keeps_time:
        assert up1 > 5 and up2 < up1
        assert 1.0 < all1 - up1 < 2.5 and abs((all1 - up1) - (all2 - up2)) < 0.3


SMP_SCRIPT = """
count() { grep "$1:" /proc/interrupts | awk '{print $2 + $3}'; }
loc=$(count LOC)
sleep 2
i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done
echo "ticks $(($(count LOC) - loc))"
head -c 1m /dev/urandom >/tmp/noise
for cpu in 1 2; do
    taskset $cpu sh -c 'awk "{print \\"on core \\" \\$39}" /proc/self/stat; sha1sum </tmp/noise'
done
echo "ipis $(($(count RES) + $(count CAL) + $(count TLB)))"
sleep 1
poweroff -f
"""


def test_two_cores(machine):
    """Both cores work on the same memory, and neither their ticks nor their sleep cost exits."""
    result = machine.boot(linux.files(script=SMP_SCRIPT), linux.conf(cores=2, memory="192M"),
                          cores=linux.cores(machine, 2), memory=384, timeout=900)
    assert result.status == POWERED_OFF
    said = "\n".join(result.guest("linux"))
    values = dict(re.findall(r"^(ticks|ipis) (\d+)$", said, re.MULTILINE))
    assert int(values["ticks"]) > 100
    assert re.findall(r"^on core (\d)$", said, re.MULTILINE) == ["0", "1"]
    sums = re.findall(r"^([0-9a-f]{40})  -$", said, re.MULTILINE)
    assert len(sums) == 2 and sums[0] == sums[1]

    # What its timers would cost: a WRMSR for each tick, or an interrupt window.
    exits = linux.exits(result)
    assert exits["wrmsr"] < int(values["ipis"]) + 300   # one for each IPI; the APICs' set-up
    assert exits["rdmsr"] < 300
    assert exits.get("window", 0) == 0
    assert exits.get("timer", 0) == 0    # see linux.cores()

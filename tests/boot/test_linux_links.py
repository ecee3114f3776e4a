# SPDX-License-Identifier: MIT
"""Two Linux guests with a network between them, over the window and the cable of a link."""
import pathlib
import re
import subprocess

import pytest

import linux
from conftest import NEUTRAL
from machine import ROOT
from operator_console import Operator

pytestmark = NEUTRAL
CONF = (ROOT / "guests" / "linux" / "links.conf").read_text(encoding="utf-8")
SCRIPT = ROOT / "guests" / "linux" / "links.sh"
BHLINK, SENSOR = ROOT / "build" / "bhlink", ROOT / "build" / "guests" / "sensor.elf"
MIB = 10


class Pair:
    """The shells of both guests, one at a time on the machine's console."""

    def __init__(self, console):
        self._console = console
        self._operator = Operator(console)
        self.shells = {name: linux.Shell(console, name) for name in ("left", "right")}

    def wait(self):
        """Until both shells are there, in either order."""
        missing = set(self.shells)
        while missing:
            self._console.expect(rf"\[({'|'.join(missing)})\] Linux \S+ on \d+ cores\.")
            missing.remove(self._console.match[1])

    def focus(self, name):
        self._operator.open()
        self._operator.keys(f"focus {name}\r")
        self._console.expect_exact(f"your input now goes to guest '{name}'")
        return self.shells[name]

    def leave(self):
        self._operator.open()
        self._operator.leave()


@pytest.mark.parametrize("kernel", ["cloud", *(pytest.param(kernel, marks=pytest.mark.long)
                                               for kernel in ("generic", "rt", "newest"))])
def test_network(machine, tmp_path, kernel):
    """`ping` and a file of 10 MB; the sensor's line by a program and, without one, by devmem; a
    doorbell by dd."""
    linux.need(kernel, "busybox")
    modules = pathlib.Path(f"{linux.image(kernel)}.modules")
    initrd = tmp_path / "initrd.img"
    subprocess.run([linux.MKINITRD, initrd, linux.image("busybox"), SCRIPT, "--modules", modules,
                    "--program", BHLINK], check=True)
    files = {"vmlinuz": linux.image(kernel), "initrd.img": initrd, "sensor.elf": SENSOR}
    with machine.spawn(files, CONF, cores=3 + machine.monitor_cores, memory=1024,
                       timeout=900) as console:
        pair = Pair(console)
        pair.wait()
        left = pair.focus("left")
        assert "3 packets received" in " ".join(left.run("ping -c 3 -A 10.0.0.2"))
        links = left.run("bhlink")
        assert len(links) == 2
        assert re.fullmatch(r"link 0: 0000:00:02.0, side 0, running 0x3, window of 4096 KiB, rw", links[0])
        assert re.fullmatch(r"link 1: 0000:00:03.0, side 1, running 0x7, window of 4 KiB, ro", links[1])
        assert re.fullmatch(r"reading \d+: \d\d\.\d degrees", left.run("bhlink show 1")[0])
        assert left.run("bhlink write 1 x 2>&1; true") == ["bhlink: this guest may only read link 1"]
        at = left.run("sed -n 3p /sys/bus/pci/devices/0000:00:03.0/resource")[0].split()[0]
        assert left.run(f"devmem {at} 32") == ["0x64616572"]    # "read"
        left.run(r"printf '\0\0\1\0' | dd of=/sys/bus/pci/devices/0000:00:02.0/resource4 bs=4 seek=2 "
                 "conv=notrunc 2>/dev/null")
        sent = left.run(f"dd if=/dev/urandom of=/tmp/x bs=1M count={MIB} 2>/dev/null; sha1sum </tmp/x")
        pair.focus("right").run("nc -l -p 5000 >/tmp/x & sleep 1")
        left = pair.focus("left")
        left.run("nc 10.0.0.2 5000 </tmp/x")
        assert pair.focus("right").run("wait; sha1sum </tmp/x")[-1:] == sent
        pair.leave()

# SPDX-License-Identifier: MIT
"""Linux with its root on a disk in memory: /dev/pmem0 from a file beside bulkhead.conf."""
import hashlib

import pytest

import linux
from conftest import NEUTRAL
from machine import POWERED_OFF

pytestmark = NEUTRAL
LIVES = 3


@pytest.mark.parametrize("kernel", ["cloud", pytest.param("generic", marks=pytest.mark.long)])
def test_root(machine, kernel):
    """What Linux writes to its root is there after a restart; a second disk is read whole, and a
    write to it ends the guest."""
    linux.need(kernel, "busybox")
    data = bytes(range(256)) * (3 * 4096)       # 3 MiB, so that the disk has a rest of zeroes
    conf = (linux.conf(memory="160M", cmdline=f"{linux.QUIET} root=/dev/pmem0")
            + "disk = root.img\ndisk = data.img ro\n")
    with machine.spawn(linux.disk_files(kernel) | {"data.img": data}, conf, cores=linux.cores(machine),
                       memory=448, mhz=200, timeout=900) as console:
        shell = linux.Shell(console)
        for life in range(1, LIVES + 1):
            shell.wait()
            assert shell.run("grep -c '^/dev/pmem0 / ext4 rw' /proc/mounts") == ["1"]
            assert shell.run("cat /sys/block/pmem0/size /sys/block/pmem1/size") == ["32768", "8192"]
            assert shell.run("echo life >>/lives; grep -c life /lives") == [str(life)]
            if life < LIVES:
                shell.leave("reboot")
                console.expect("guest 'linux' asked for a restart")
        want = hashlib.sha1(data + bytes(1 << 20)).hexdigest()
        assert shell.run("sha1sum </dev/pmem1") == [f"{want}  -"]
        assert shell.run("dmesg | grep -ciE 'EXT4-fs error|I/O error|Call Trace'; true") == ["0"]
        shell.leave("dd if=/bin/busybox of=/dev/pmem1 bs=4096 count=1 conv=fsync")
        console.expect("which is its disk 'data.img', which it may only read and execute")
        assert console.finish() == POWERED_OFF

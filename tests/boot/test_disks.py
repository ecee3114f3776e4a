# SPDX-License-Identifier: MIT
"""Disks: files that are persistent memory of a guest, over its lives. guests/disk looks at them from
inside; test_linux_disk.py has a Linux on one."""
import re
import struct

from conftest import NEUTRAL, engines
from machine import NO_GUEST_STARTED
from operator_console import Operator
from partitions import (check_ended_well, guest, images, lacking, machine_section, powered_off)

PATTERN = 0x9e3779b97f4a7c15
KIB, MIB = 1 << 10, 1 << 20
ESCAPED = "ESCAPED"


def disk(size):
    """The file that guests/disk wants."""
    words = [0, size, *(i * PATTERN & (1 << 64) - 1 for i in range(2, size // 8))]
    return struct.pack(f"<{len(words)}Q", *words)


def section(name, *disks, **keys):
    return guest(name, image="disk", **keys) + "".join(f"disk = {line}\n" for line in disks)


def found(name, kib, at, lives, read_only=False):
    return (f"{name}: {kib} KiB at 0x{at:x}{', read-only' if read_only else ''}, "
            f"written in {lives} lives, whole")


# abuse: LC-06
@engines("bochs", "qemu")
def test_lives(machine):
    """What is written stays over restarts, and with `fresh` it does not; a file of two guests is
    two disks; a write to what may only be read is the end."""
    files = images("disk") | {"kept.img": disk(3 * MIB + 4096), "fresh.img": disk(64 * KIB),
                              "fixed.img": disk(40 * KIB)}
    conf = (machine_section()
            + section("one", "kept.img", "fresh.img fresh", "fixed.img ro", cmdline="lives=3 how=write")
            + section("two", "fixed.img", "fresh.img", cmdline="how=past"))
    result = machine.boot(files, conf, cores=2 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    assert ESCAPED not in result.serial
    first, second, third = (at * 128 * MIB for at in (1, 2, 3))
    assert result.guest("one") == [line for life in range(3) for line in (
        found("kept.img", 4096, first, life), found("fresh.img", 2048, second, 0),
        found("fixed.img", 2048, third, 0, read_only=True))]
    assert result.guest("two") == [line for life in range(2) for line in (
        found("fixed.img", 2048, first, life), found("fresh.img", 2048, second, life))]
    assert not lacking(
        result.hv, "  disk         kept.img, kept until power-off",
        "  disk         fresh.img, loaded again for each life; a copy",
        "  disk         fixed.img, read-only; a copy",
        rf"guest 'one' vCPU 0 on core #\d is stopped: it wrote to guest-physical address 0x{third:x}, "
        "which is its disk 'fixed.img', which it may only read and execute",
        rf"guest 'two' vCPU 0 on core #\d is stopped: it read from guest-physical address "
        rf"0x{second + 2 * MIB:x}, which is outside its memory: the first byte after its disk 'fresh.img'")


@NEUTRAL
def test_operator(machine):
    """An operator's stop is no end of what is on a disk, and a crash neither."""
    conf = (machine_section(reserve=1) + section("a", "kept.img", cmdline="lives=2")
            + section("b", "ro.img ro", "Kept2.img", cmdline="lives=1 how=write",
                      on_crash="restart 1")
            + guest("spin", cmdline="beats"))
    files = images("disk", "spin") | {"kept.img": disk(4096), "ro.img": disk(4096),
                                      "kept2.img": disk(2 * MIB)}
    with machine.spawn(files, conf, cores=4, memory=256) as console:
        operator = Operator(console)
        operator.wait_all(r"\[bulkhead\] guest 'a' powered off with code 0 ",
                          r"\[bulkhead\] guest 'b' has been restarted 1 time: it stays stopped")
        operator.open()
        answer = operator.ask("isolation")
        operator.keys("start a\r")
        operator.wait(r"\[bulkhead\] guest 'a' powered off with code 0 ")
        operator.keys("start b\r")
        operator.wait(r"\[bulkhead\] guest 'b' has been restarted 1 time: it stays stopped")
        operator.leave()
    assert operator.guest_lines("a") == [
        found("kept.img", 2048, 128 * MIB, life) for life in range(3)]
    assert [line for line in operator.guest_lines("b") if "2.img" in line] == [
        found("Kept2.img", 2048, 256 * MIB, life) for life in range(4)]
    for name in ("kept.img", "ro.img", "Kept2.img"):
        assert any(f"its disk '{name}'; nobody else can reach it" in line for line in answer), name


@NEUTRAL
def test_all_of_it(machine):
    """The most disks there can be, on 2 cores, and one so large that only one copy fits: the file's
    own pages are the disk."""
    files = images("disk") | {"large.img": disk(96 * MIB), **{f"{i}.img": disk(4096) for i in "123"}}
    conf = machine_section() + section("a", "1.img", "large.img", "2.img ro", "3.img fresh", cores=2,
                                       cmdline="lives=2")
    result = machine.boot(files, conf, cores=2 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    assert powered_off(result, "a")
    assert [line for line in result.guest("a") if "large" in line] == [
        found("large.img", 96 * KIB, 256 * MIB, life) for life in range(2)]
    assert len(result.guest("a")) == 8
    conf = conf.replace("large.img", "large.img fresh")
    result = machine.boot(files, conf, cores=2 + machine.monitor_cores, memory=256)
    assert result.status == NO_GUEST_STARTED
    assert any(re.search(r"guest 'a' wants 96 MiB for its copy of disk 'large\.img', \d+ MiB are left",
                         line) for line in result.hv)

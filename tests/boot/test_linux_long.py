# SPDX-License-Identifier: MIT
"""Unmodified Linux at length: kernels, cores, memory sizes and ends. `make test-linux` runs it; each
boot takes a minute or so, and the kernels are fetched once (400 MB)."""
import lzma
import re

import pytest

import linux
from conftest import engines
from machine import POWERED_OFF

pytestmark = [pytest.mark.long, engines("bochs", "qemu")]

# Linux takes the TSC for its clock a second after the boot: in QEMU, programs run before that.
FACTS = """
clock=/sys/devices/system/clocksource/clocksource0/current_clocksource
i=0; while [ $(cat $clock) = tsc-early ] && [ $i -lt 10 ]; do sleep 1; i=$((i + 1)); done
echo "cores $(grep -c ^processor /proc/cpuinfo)"
echo "clock $(cat $clock)"
echo "memory $(awk '/MemTotal/ {print $2}' /proc/meminfo)"
echo "x2apic $(dmesg | grep -ci 'x2apic')"
echo "bad $(dmesg | grep -ciE 'unchecked MSR|Call Trace|BUG:|rcu.*stall|clocksource.*unstable')"
echo "serial $(grep -c 'MSI.*ttyS0' /proc/interrupts)"
"""
OFF = "sleep 1; poweroff -f\n"


def facts(result):
    return dict(re.findall(r"^([a-z0-9]+) (\S+)$", "\n".join(result.guest("linux")), re.MULTILINE))


@pytest.mark.parametrize("kernel,cores,memory", [
    ("cloud", 1, "128M"), ("cloud", 1, "1536M"), ("cloud", 2, "256M"), ("cloud", 4, "512M"),
    ("generic", 1, "256M"), ("generic", 2, "512M"),
    ("rt", 2, "512M"),
    ("newest", 1, "256M"), ("newest", 2, "512M"), ("newest", 4, "768M"),
    ("newest-generic", 2, "512M"),
])
def test_boots(machine, kernel, cores, memory):
    linux.need(kernel, "busybox")
    size = int(memory[:-1])
    result = machine.boot(linux.files(kernel, FACTS + OFF), linux.conf(cores, memory),
                          cores=linux.cores(machine, cores), memory=size + 192, timeout=2400)
    assert result.status == POWERED_OFF
    said = facts(result)
    assert said["cores"] == str(cores) and said["clock"] == "tsc"
    assert said["bad"] == "0" and said["serial"] == "1"
    assert int(said["memory"]) > size * 1024 * 0.6


def test_memory(machine):
    """All the memory that the kernel gives to user space keeps what is written to it."""
    linux.need("cloud", "busybox")
    script = """
    mount -t tmpfs -o size=90% tmpfs /tmp
    room=$(awk '/MemAvailable/ {print int($2 / 1024) - 24}' /proc/meminfo)
    head -c 1m /dev/urandom >/tmp/seed
    i=0; while [ $i -lt $room ]; do cp /tmp/seed /tmp/$i || break; i=$((i + 1)); done
    echo "written $i"
    echo "damaged $(for f in /tmp/[0-9]*; do cmp -s $f /tmp/seed || echo $f; done | wc -l)"
    """
    result = machine.boot(linux.files(script=script + OFF), linux.conf(1, "128M"),
                          cores=linux.cores(machine), memory=448, timeout=2400)
    assert result.status == POWERED_OFF
    said = facts(result)
    assert int(said["written"]) > 30 and said["damaged"] == "0"


def test_offline_online(machine):
    """A core that Linux takes out stays out until it is started again."""
    linux.need("cloud", "busybox")
    script = """
    cpu=/sys/devices/system/cpu/cpu1/online
    for i in 1 2 3; do
        echo 0 >$cpu; echo "off $(nproc)"; echo 1 >$cpu; echo "on $(nproc)"
    done
    taskset 2 sha1sum </bin/busybox >/dev/null && echo "works yes"
    """
    result = machine.boot(linux.files(script=script + OFF), linux.conf(2, "256M"),
                          cores=linux.cores(machine, 2), memory=448, timeout=2400)
    assert result.status == POWERED_OFF
    said = result.guest("linux")
    assert said.count("off 1") == 3 and said.count("on 2") == 3 and "works yes" in said


@pytest.mark.parametrize("cmdline,command,end", [
    pytest.param("panic=1", "echo c >/proc/sysrq-trigger", "asked for a restart", id="panic"),
    pytest.param("", "reboot -f", "asked for a restart", id="reset-code"),
    pytest.param("reboot=a", "reboot -f", "asked for a restart", id="acpi"),
    pytest.param("reboot=k", "reboot -f", "asked for a restart", id="keyboard"),
    # A triple fault is a crash, like any other.
    pytest.param("reboot=t", "reboot -f", "was stopped", id="triple-fault"),
])
def test_ends(machine, cmdline, command, end):
    """Each way to end a life is followed by another, which powers off."""
    linux.need("cloud", "busybox")
    with machine.spawn(linux.files(),
                       linux.conf(1, "128M", linux.QUIET + " " + cmdline, "restart 1"),
                       cores=linux.cores(machine), memory=320, timeout=2400) as console:
        shell = linux.Shell(console).wait()
        shell.leave(command)
        console.expect_exact(f"guest 'linux' {end}")
        shell.wait().leave("poweroff -f")
        console.expect_exact("guest 'linux' powered off with code 0")
        assert console.finish() == POWERED_OFF


def test_steady_state_has_no_exits(machine):
    """Four more seconds of work and sleep: more ticks, and not one exit more of any kind but ports.
    Those are the UART's driver, which polls a console without an interrupt 125 times a second.
    (The hypervisor's own console has a core of its own here.)"""
    linux.need("cloud", "busybox")
    lives = []
    for seconds in (1, 3):
        script = f"""
        end=$(($(cut -d. -f1 /proc/uptime) + {seconds}))
        while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do :; done
        sleep {seconds}
        echo "ticks $(awk '/LOC:/ {{print $2}}' /proc/interrupts)"
        """
        result = machine.boot(linux.files(script=script + OFF), linux.conf(1, "128M"), cores=2,
                              memory=320, timeout=2400)
        assert result.status == POWERED_OFF
        lives.append((int(facts(result)["ticks"]), linux.exits(result)))
    (few_ticks, few), (many_ticks, many) = lives
    assert many_ticks > few_ticks + 300
    for kind in (few.keys() | many.keys()) - {"port", "exits"}:
        assert abs(many.get(kind, 0) - few.get(kind, 0)) < 10, kind
    assert many["port"] - few["port"] < 4.5 * 125 + 100


def test_vmlinux_by_pvh(machine):
    """The kernel's ELF file, unpacked from the bzImage, by its PVH note."""
    linux.need("generic", "busybox")
    bzimage = linux.image("generic").read_bytes()
    at = bzimage.index(b"\xfd7zXZ\0")
    vmlinux = lzma.LZMADecompressor().decompress(bzimage[at:])
    assert vmlinux.startswith(b"\x7fELF")
    files = {"vmlinux": vmlinux, "initrd.img": linux.initrd(FACTS + OFF)}
    result = machine.boot(files, linux.conf(2, "512M", image_name="vmlinux"),
                          cores=linux.cores(machine, 2), memory=768, timeout=2400)
    assert result.status == POWERED_OFF
    said = facts(result)
    assert said["cores"] == "2" and said["clock"] == "tsc" and said["bad"] == "0"


def test_halt(machine):
    """Linux stops its other cores and halts the last with interrupts off: that is seen. The kernel
    found nothing announced that is not there."""
    linux.need("cloud", "busybox")
    result = machine.boot(linux.files("cloud", FACTS + "sleep 1; halt -f\n"), linux.conf(2, "256M"),
                          cores=linux.cores(machine, 2), memory=448, timeout=2400)
    assert result.status == POWERED_OFF
    said = facts(result)
    assert said["cores"] == "2" and said["bad"] == "0"
    assert any(line.startswith("guest 'linux' has halted all its cores") for line in result.hv)
    assert any(line.startswith("guest 'linux' was stopped after ") for line in result.hv)

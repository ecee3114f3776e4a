# SPDX-License-Identifier: MIT
"""A zoo of guests that nobody here wrote, from Debian's packages. `make test-zoo` boots it and writes
docs/guests/zoo.md; the packages are fetched once (700 MB), and a boot takes minutes.

Each test records a row of that page when it has seen all that the row claims.
"""
import contextlib
import json
import re

import pytest

import linux
from conftest import engines
from hostile import check_canary
from machine import POWERED_OFF, ROOT
from operator_console import Operator
from partitions import check_ended_well, guest, images, machine_section, powered_off, section

pytestmark = [pytest.mark.long, engines("qemu", "bochs")]

ZOO = ROOT / "scripts" / "zoo-images"
DISK_MIB = 320
LATENCY_US = 500        # what the histogram has room for; more is counted as an overflow


def zoo(name):
    """The folder of an image of scripts/zoo-images."""
    linux.need(name, script=ZOO)
    return linux.image(name, ZOO)


def package(folder):
    """Name and version of the package in a folder of the zoo."""
    name, version, *_ = (folder / "version").read_text(encoding="ascii").split("_")
    return f"{name} {version}"


@pytest.fixture
def row(record_property, engine):
    """Records a row: what, its version, how it is started, with how many cores, what was seen."""
    def record(what, version, started, cores, seen, **more):
        record_property("zoo", json.dumps({
            "what": what, "version": version, "started": started, "cores": cores, "seen": seen,
            "engine": engine, **more}))
    return record


def debian_files(kernel):
    linux.need(kernel, "busybox")
    path = linux.image(kernel)
    return {"vmlinuz": path, "initrd.img": linux.initrd(modules=f"{path}.modules"),
            "root.img": zoo("debian") / "root.img"}


def debian_conf(cores):
    return (linux.conf(cores, "512M", f"{linux.QUIET} root=/dev/pmem0") + "disk = root.img\n")


def log_in(console):
    """Past agetty's prompt to a shell that edits no lines."""
    console.expect_exact("login: ")
    console.sendline("root")
    console.expect_exact("# ")
    console.sendline("exec env PS1=ready- sh")
    console.expect(r"(?<!=)ready-")
    return linux.Shell(console)


@contextlib.contextmanager
def debian(machine, kernel, cores=1):
    """A Debian system, at its login. Behind the block systemd powers it off."""
    with machine.spawn(debian_files(kernel), debian_conf(cores), cores=linux.cores(machine, cores),
                       memory=512 + DISK_MIB + 256, mhz=200, timeout=3600) as console:
        yield console
        linux.Shell(console).leave("systemctl poweroff")
        console.expect_exact("guest 'linux' powered off with code 0")
        assert console.finish() == POWERED_OFF


def version(shell):
    return shell.run("uname -r")[0]


def histogram(lines):
    """cyclictest's: {us: how often}, and its three numbers."""
    found = (re.fullmatch(r"(\d{6}) (\d{6})", line) for line in lines)
    counts = {int(row[1]): int(row[2]) for row in found if row and int(row[2])}
    numbers = {name: int(re.search(rf"# {name} Latencies: (\d+)", "\n".join(lines))[1])
               for name in ("Min", "Avg", "Max")}
    return counts, numbers


@pytest.mark.parametrize("kernel,cores", [("cloud", 2), ("generic", 1), ("newest", 1),
                                          ("newest-generic", 2)])
def test_debian(machine, kernel, cores, row):
    """A Debian system from its root on a disk, with systemd, to a login; nothing failed on the way,
    and systemd powers it off."""
    with debian(machine, kernel, cores) as console:
        shell = log_in(console)
        assert shell.run("systemctl is-system-running --wait") == ["running"]
        assert shell.run("nproc") == [str(cores)]
        assert shell.run("findmnt -no SOURCE,FSTYPE /") == ["/dev/pmem0 ext4"]
        assert "-echo " not in " ".join(shell.run("stty -a"))
        assert shell.run("dmesg | grep -cE 'Call Trace|unchecked MSR|I/O error'; true") == ["0"]
        systemd = shell.run("systemctl --version")[0]
        name = version(shell)
    row(f"Debian's {kernel} kernel", name, "Linux", cores,
        f"{systemd} from a root on a disk, login at agetty, power-off")


def test_realtime(machine, row):
    """The real-time kernel, and cyclictest in it."""
    with debian(machine, "rt") as console:
        shell = log_in(console)
        assert shell.run("cat /sys/kernel/realtime") == ["1"]
        shell.run(f"cyclictest -m -q -p 95 -D 5s -h {LATENCY_US} >/tmp/h")
        counts, numbers = histogram(shell.run("grep -v ' 000000' /tmp/h"))
        name = version(shell)
    assert sum(counts.values()) > 1000 and 0 < numbers["Min"] <= numbers["Avg"] <= numbers["Max"]
    row("Debian's real-time kernel", name, "Linux", 1,
        f"systemd, login; cyclictest: {numbers['Min']} / {numbers['Avg']} / {numbers['Max']} us, "
        "see below", histogram=counts)


def test_kexec(machine, row):
    """A kernel starts another of a different version, which has the same root."""
    with debian(machine, "newest") as console:
        shell = log_in(console)
        first = version(shell)
        shell.run("echo $(uname -r) >/first")
        shell.run("kexec -l /boot/vmlinuz --initrd=/boot/initrd.img --reuse-cmdline")
        shell.leave("systemctl kexec")
        shell = log_in(console)
        second = version(shell)
        assert second != first and shell.run("cat /first") == [first]
    row("kexec", f"{first} starts {second}", "Linux", 1, "the same root, login, power-off")


def test_memtest(machine, row):
    """memtest86+ finds nothing wrong with a guest's memory, in a whole pass."""
    folder = zoo("memtest")
    conf = machine_section() + section("guest memtest", memory="8M", image="memtest",
                                       cmdline="console=ttyS0,115200")
    with machine.spawn({"memtest": folder / "memtest86+x64.bin"}, conf,
                       cores=linux.cores(machine), memory=256, mhz=200, timeout=3600) as console:
        console.expect(r"Pass:\s+1 ")
        console.expect(r"Errors:\s+(\d+) ")
        assert console.match[1] == "0"
        operator = Operator(console)
        operator.open()
        operator.leave()
    row("memtest86+", package(folder), "Linux", 1, "a whole pass over 8 MiB, no errors")


def test_grub(machine, row):
    """GRUB for Xen's PVH guests: a 32-bit ELF file with a PVH note. It misses Xen, says so and
    halts."""
    folder = zoo("grub")
    result = machine.boot({"grub.elf": folder / "grub-i386-xen_pvh.bin"},
                          machine_section() + guest("grub", memory="64M"),
                          cores=linux.cores(machine), memory=256, mhz=200)
    assert result.guest("grub")[:2] == ["Found no Xen signature!", "System halted!"]
    assert any(line.startswith("guest 'grub' has halted all its cores") for line in result.hv)
    row("GRUB for Xen", package(folder), "PVH, 32-bit", 1, "says that there is no Xen, and halts")


def test_installer(machine, row):
    """Debian's installer gets to its first dialog; which one that is depends on what it finds first."""
    folder = zoo("installer")
    conf = linux.conf(1, "1G", f"{linux.QUIET} priority=critical locale=en_US keymap=us "
                      "TERM=dumb DEBIAN_FRONTEND=text", image_name="linux")
    files = {"linux": folder / "linux", "initrd.img": folder / "initrd.gz"}
    with machine.spawn(files, conf, cores=linux.cores(machine), memory=1400, mhz=200,
                       timeout=3600) as console:
        console.expect_exact("[Press enter to continue]")
        operator = Operator(console)
        operator.open()
        operator.leave()
    row("Debian's installer", package(folder), "Linux", 1,
        "its own initrd, up to its first dialog on the console")


def test_samples(machine, row):
    """The small formats, by samples of ours."""
    names = ("flat.bin", "multiboot1.elf", "multiboot2.elf")
    files = {name: ROOT / "build" / "guests" / name for name in names}
    conf = (machine_section()
            + section("guest flat", memory="1M", image="flat.bin")
            + "".join(section(f"guest multiboot{n}", memory="16M", image=f"multiboot{n}.elf")
                      for n in (1, 2)))
    result = machine.boot(files, conf, cores=3 + machine.monitor_cores, memory=256)
    check_ended_well(result)
    for name, started in (("flat", "flat binary"), ("multiboot1", "multiboot 1"),
                          ("multiboot2", "multiboot 2")):
        assert powered_off(result, name)
        row(f"sample `{name}`", "of this tree", started, 1, result.guest(name)[0])


def test_neighbours(machine, row):
    """Two systems at once, and a canary beside them that notices nothing."""
    linux.need("newest")
    neighbour = """
    i=0; while [ $i -lt 200 ]; do head -c 100000 /dev/urandom | sha1sum >/dev/null; i=$((i + 1)); done
    echo "worked 200 times"
    poweroff -f
    """
    files = (debian_files("generic") | images("canary")
             | {"newest": linux.image("newest"), "work.img": linux.initrd(neighbour)})
    conf = (debian_conf(1)
            + section("guest second", memory="256M", image="newest", initrd="work.img",
                      cmdline=linux.QUIET)
            + guest("canary", memory="2M", cmdline="beats=0"))  # it checks all of it at a beat
    with machine.spawn(files, conf, cores=3 + machine.monitor_cores, mhz=200, timeout=3600,
                       memory=512 + 256 + 16 + DISK_MIB + 256) as console:
        answers = {"login: ": "root", "~# ": "systemctl poweroff",
                   "guest 'linux' powered off with code 0": None,
                   "guest 'second' powered off with code 0": None}
        while answers:
            seen = list(answers)[console.expect_exact(list(answers))]
            answer = answers.pop(seen)
            if answer:
                console.sendline(answer)
        operator = Operator(console)
        operator.open()
        operator.leave()
    # In Bochs, machine time goes on for all cores while one of them carries out a long REP, as Linux and
    # the clearing of its memory have many; a period is 100 ms.
    check_canary(machine, 20, late_us=100_000)
    row("two systems and a canary", "generic with systemd, newest at work", "Linux, PVH", "1 + 1 + 1",
        "both powered off, each beat of the canary in order and well")

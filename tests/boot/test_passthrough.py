# SPDX-License-Identifier: MIT
"""Devices of the machine that guests have to themselves, behind an IOMMU. guests/edu drives QEMU's
teaching device; a Linux has a disk and a network."""
import contextlib
import hashlib
import http.server
import re
import shutil
import threading

import pytest

import linux
from conftest import engines, skip
from hostile import check_canary, check_rows, rows_in, said_by
from machine import NO_GUEST_STARTED
from operator_console import Operator
from partitions import (check_ended_well, guest, images, lacking, machine_section, powered_off,
                        section, with_hook)
from test_devices import AMDVI, VTD
from test_zoo import log_in, zoo

pytestmark = engines("qemu")

MIB = 1 << 20
RESTARTS = 100
EDU = "-device edu,dma_mask=0xffffffffff "
UNITS = pytest.mark.parametrize("iommu", [VTD, AMDVI], ids=["vtd", "amdvi"])


def edu(name="edu", **keys):
    return guest(name, image="edu", devices="1234:11e8", **keys)


@UNITS
def test_driver(machine, iommu):
    """Registers, interrupts, and memory that the device reads and writes; over two lives."""
    conf = machine_section(reserve=1) + edu(cmdline="rounds=8", on_poweroff="restart")
    with machine.spawn(images("edu"), conf, cores=2, memory=256, qemu=iommu + EDU) as console:
        operator = Operator(console)
        for _ in range(2):
            operator.wait(r"\[edu\] edu in slot 8: 8 copies there and back, 17 interrupts")
            operator.wait(r"\[bulkhead\] guest 'edu' powered off with code 0 ")
        operator.open()
        answer = operator.ask("isolation")
        operator.leave()
    assert any("registers of its device (other); nobody else can reach them" in line
               for line in answer), answer


# abuse: DM-05 DM-06
@UNITS
@pytest.mark.parametrize("how, said", [
    ("stray mib=1024", "the device has written to 0x40000000 and read from there: 0x(0|5a|ff)"),
    ("stray mib=16", "the device has written to 0x1000000 and read from there: 0x(0|5a|ff)"),
    ("stray mib=96", "the device has written to 0x6000000 and read from there: 0x(0|5a|ff)"),
    ("forge", "the device has written messages")])
def test_hostile(machine, iommu, how, said):
    """It is made to write where it has no right to, and to send interrupts of its own making. What it
    brought back is what it had: it read nothing. The guest beside it is whole."""
    if how == "forge" and iommu == VTD:
        skip("QEMU's VT-d lets messages of the old format pass, whatever it was told")
    conf = (machine_section(reserve=1) + edu(cmdline=f"how={how}")
            + guest("scrub", cmdline="until=4000", memory="64M"))
    result = machine.boot(images("edu", "scrub"), conf, cores=3, memory=512, qemu=iommu + EDU)
    check_ended_well(result)
    assert powered_off(result, "edu") and powered_off(result, "scrub")
    assert not lacking(result.guest("edu"), said), result.guest("edu")


PLACES = ["plain.img: the device can read it and can write it",
          "fixed.img: the device can read it and cannot write it",
          "bus: the device cannot read it and cannot write it",
          "its registers: the device cannot read it and cannot write it"]


# abuse: DM-05
@UNITS
def test_places(machine, iommu):
    """Of what its guest has, a device reaches RAM and disks, with the guest's rights; not a link's
    window, not registers. VT-d tells of the rest, in words that name the place; QEMU's keeps one fault
    until it is asked, so some are missed."""
    conf = (machine_section(reserve=1) + section("link bus", guests="edu scrub", memory="4K")
            + guest("scrub", cmdline="until=1000000", memory="4M")
            + edu(cmdline="how=places times=1000000") + "disk = plain.img\ndisk = fixed.img ro\n")
    disk = b"<>" * 4096
    with machine.spawn(images("edu", "scrub") | {"plain.img": disk, "fixed.img": disk}, conf, cores=3,
                       memory=256, qemu=iommu + EDU) as console:
        operator = Operator(console)
        operator.wait_all(*(re.escape("[edu] " + said) for said in PLACES),
                          *([r"\[bulkhead\] guest 'edu': what else its devices try in this life is counted"]
                            if iommu == VTD else []))
        operator.open()
        operator.leave()
    assert {line for line in operator.guest_lines("edu") if "the device" in line} == set(PLACES)
    told = [line for line in operator.own_lines() if "tried to" in line]
    if iommu == AMDVI:
        return
    assert re.fullmatch(r"guest 'edu': its device 00:0\d\.0 tried to write to guest-physical 0x10000000, on "
                        r"a disk that can only be read \(VT-d reason 0x5\)", told[0]), told
    assert any(re.search(r" 0xc0000000, in the window of a link, which no device reaches \(VT-d reason "
                         r"0x[56]\)", line) for line in told[1:]), told


OUTSIDE = r"its device 00:0\d\.0 tried to (write to|read) guest-physical 0x40000000, outside of its memory .*"


def test_faults_told(machine):
    """The first four of a life, each in a line; the rest are counted."""
    conf = machine_section(reserve=1) + edu(cmdline="how=stray times=1000000")
    with machine.spawn(images("edu"), conf, cores=2, memory=256, qemu=VTD + EDU) as console:
        operator = Operator(console)
        operator.open()
        for _ in range(2):
            for _ in range(4):
                operator.wait(r"\[bulkhead\] guest 'edu': " + OUTSIDE)
            operator.wait(r"\[bulkhead\] guest 'edu': what else its devices try in this life is counted "
                          "only: `stats edu`")
            count = 0
            while count < 6:
                answer = "\n".join(operator.ask("stats edu"))
                count = int(re.search(r"devices: the IOMMU refused (\d+) requests of theirs", answer)[1])
            operator.keys("restart edu\r")
            operator.wait(r"\[bulkhead\] guest 'edu' was restarted by the operator ")
        operator.leave()


# abuse: DM-16
def test_fault_stops(machine):
    """on_dma_fault = stop: as if it had crashed, and on_crash says what follows."""
    conf = (machine_section(reserve=1) + guest("clock")
            + edu(cmdline="how=stray times=1000000", on_dma_fault="stop", on_crash="restart 1"))
    result = machine.boot(images("edu", "clock"), conf, cores=3, memory=256, qemu=VTD + EDU)
    assert powered_off(result, "clock")
    stops = [line for line in result.hv if re.fullmatch("guest 'edu' is stopped: " + OUTSIDE, line)]
    assert len(stops) == 2 and len([line for line in result.hv if "tried to" in line]) == 2, result.hv
    assert not lacking(result.hv, r"guest 'edu' was stopped after \d+ ms; .*",
                       "guest 'edu' has been restarted 1 time: it stays stopped")


# abuse: DM-16
@UNITS
def test_fault_storm(machine, iommu):
    """A thousand within a second end the guest, whatever it is set to; another one does not notice."""
    conf = machine_section(reserve=1) + guest("beside", image="spin") + guest("spin", devices="1234:11e8")
    with machine.spawn(images("spin") | with_hook("storm"), conf, cores=3, memory=256,
                       qemu=iommu + EDU) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'spin' is stopped: 300 requests without right within a second; "
                      r"first its device 00:0\d\.0 tried to read guest-physical 0x7000000000, outside of its "
                      r"memory \((VT-d reason|AMD-Vi event) 0x6\)")
        operator.open()
        report = operator.ask("crash spin")
        assert operator.ended("spin")["end"] == "crash" and operator.state("beside")["state"] == "running"
        operator.leave()
    assert "300 requests without right" in report[1] and "vCPU 0 on core #" in report[2], report


def hostile_said(machine, cmdline, devices, qemu):
    """What a hostile guest with these devices says; a canary beside it is well."""
    conf = (machine_section(reserve=1, tsc="trusted") + guest("canary", memory="2M")
            + guest("hostile", cmdline=cmdline, devices=devices))
    with machine.spawn(images("canary", "hostile"), conf, cores=3, memory=256, qemu=qemu) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        for _ in range(5):
            operator.wait(r"\[canary\] beat ")
        operator.open()
        operator.leave()
        check_canary(machine, 5)
    return said_by(machine, "hostile")


# abuse: DM-08 DM-09
@UNITS
def test_abused(machine, iommu):
    """A guest that does with its device's configuration space and message what no driver would."""
    said = hostile_said(machine, "part=devices", "1234:11e8", iommu + EDU)
    check_rows(said, rows_in("devices.c") - {"ABI"}, 12)


# abuse: DM-11 DM-12 DM-15
@UNITS
def test_tables(machine, iommu):
    """The same with an MSI-X table, which is written in every way (test_tables.py) and says what no
    driver would write, while its device interrupts."""
    said = hostile_said(machine, "part=tables engine=tcg", "nvme", iommu + "-device nvme,serial=1 ")
    check_rows(said, rows_in("tables.c", "tables_device.c") - {"ABI", "DM-13"}, 140)


# abuse: DM-10
@UNITS
def test_restarts_in_flight(machine, iommu):
    """Restarted again and again while its device is at work: nothing of it comes to the next life,
    and nothing to the guest beside it."""
    conf = (machine_section(reserve=1) + edu(cmdline="how=busy", memory="384M")
            + guest("scrub", cmdline="until=3600000", memory="64M"))
    with machine.spawn(images("edu", "scrub"), conf, cores=3, memory=1024, qemu=iommu + EDU) as console:
        operator = Operator(console)
        for _ in range(10):
            said = operator.wait(r"\[edu\] (restarts while the device is at work|the last life's device)")
            assert said[1].startswith("restarts")
        operator.open()
        operator.keys("stop edu\r")
        operator.wait(r"\[bulkhead\] guest 'edu' was stopped ")
        operator.leave()
    found = [line for line in operator.guest_lines("scrub") if "pages and the registers are" in line]
    assert found and all(line.endswith(" clean") for line in found), found


HDA = 0x26688086            # QEMU's "intel-hda", which nothing but its bus resets
BEHIND = "-device pcie-root-port,id=root,chassis=1,slot=1 -device intel-hda,bus=root"


@UNITS
@pytest.mark.parametrize("options, found, warned", [
    (BEHIND + " ", 0, None),
    ("-device intel-hda ", 1 << 30, "it cannot be reset: its next life finds it as it was left"),
    (BEHIND + ",multifunction=on,addr=0 -device edu,bus=root,addr=0.1 ", 1 << 30,
     "it cannot be reset, as others are on its bus: its next life finds it as it was left")],
    ids=["alone", "no-bridge", "shared"])
def test_bus_reset(machine, iommu, options, found, warned):
    """What a life left in a register of its device, the next one does not find, where the device has its
    bus for itself."""
    conf = (machine_section(reserve=1)
            + guest("mark", cmdline=f"id={HDA} reg={0x20} value={1 << 30}", devices="8086:2668",
                    on_poweroff="restart"))
    with machine.spawn(images("mark"), conf, cores=2, memory=256, qemu=iommu + options) as console:
        operator = Operator(console)
        operator.wait(r"\[mark\] register 0x20 held 0x0, and holds 0x40000000")
        for _ in range(2):
            operator.wait(rf"\[mark\] register 0x20 held 0x{found:x}, and holds 0x40000000")
        operator.open()
        operator.leave()
    said = [line for line in operator.own_lines() if "it cannot be reset" in line]
    assert [line.strip() for line in said] == ([warned] if warned else []), said


def test_refusals(machine):
    """At plan time, with the reason; there is no IOMMU, or the device cannot be given away."""
    files = images("edu", "spin")
    conf = machine_section(reserve=1) + edu()
    result = machine.boot(files, conf, cores=2, memory=256, qemu=EDU)
    assert result.status == NO_GUEST_STARTED
    assert not lacking(result.hv, r"bulkhead.conf:\d+: no guest can have a device: .*IOMMU.*")
    conf = (machine_section(reserve=1) + guest("a", image="spin", devices="1234:11e8 #3, 10ec:8139")
            + guest("b", image="spin", devices="00:00.0, 8086:2918"))
    result = machine.boot(files, conf, cores=3, memory=256,
                          qemu=VTD + EDU + EDU + "-device rtl8139")
    assert result.status == NO_GUEST_STARTED
    assert not lacking(
        result.hv, r"bulkhead.conf:\d+: '1234:11e8 #3': the machine has only 2 of them",
        r"bulkhead.conf:\d+: '10ec:8139', which is 00:0\d.0, cannot be given to a guest: it has neither "
        "MSI nor MSI-X, and interrupt lines cannot be given to guests",
        r"bulkhead.conf:\d+: '00:00.0', which is 00:00.0, cannot be given to a guest: it is a bridge",
        r"bulkhead.conf:\d+: '8086:2918', which is 00:1f.0, cannot be given to a guest: it is a bridge")


@contextlib.contextmanager
def served(data):
    """The address of a server on this host's loopback that has these bytes."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):                               # pylint: disable=invalid-name
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):                      # pylint: disable=arguments-differ
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def disk_options(path, number=0):
    return (f"-drive if=none,format=raw,id=disk{number},file={path} -device ich9-ahci,id=sata{number},addr=0x1{number} "
            f"-device ide-hd,drive=disk{number},bus=sata{number}.0 ")


def net_options(iommu, number=0):
    """A card behind a port; QEMU's AMD-Vi takes what is behind one for a device of bus 0."""
    netdev = f"-netdev user,id=net{number} "
    if iommu == AMDVI:
        return netdev + f"-device igb,netdev=net{number} "
    return (netdev + f"-device pcie-root-port,id=port{number},chassis={number},slot={number} "
            f"-device igb,netdev=net{number},bus=port{number} ")


def sata(path):
    return disk_options(path)


def drive(path):
    return f"-drive if=none,format=raw,id=disk,file={path} "


def nvme(path):
    return drive(path) + "-device nvme,serial=1,drive=disk,addr=0x10 "


def virtio_disk(path):
    return drive(path) + f"-device virtio-blk-pci,drive=disk,addr=0x10,{VIRTIO} "


def usb_disk(path):
    return drive(path) + "-device qemu-xhci,id=usb,addr=0x10 -device usb-storage,bus=usb.0,drive=disk "


def card(model, options=""):
    return f"-netdev user,id=net -device {model},netdev=net{options} "


# Without these a virtio device of QEMU's goes past the IOMMU.
VIRTIO = "disable-legacy=on,iommu_platform=on"


@pytest.mark.parametrize("iommu, disk_of, root, net, cores, driver", [
    pytest.param(VTD, sata, "sda", net_options(VTD), 1, "ahci", id="vtd-sata-igb"),
    pytest.param(AMDVI, sata, "sda", net_options(AMDVI), 1, "ahci", id="amdvi-sata-igb"),
    pytest.param(VTD, nvme, "nvme0n1", card("e1000e"), 2, "nvme0q0", id="vtd-nvme-e1000e"),
    pytest.param(AMDVI, nvme, "nvme0n1", card("e1000e"), 2, "nvme0q0", id="amdvi-nvme-e1000e"),
    pytest.param(VTD, virtio_disk, "vda", card("virtio-net-pci", "," + VIRTIO), 2, "virtio",
                 id="vtd-virtio"),
    pytest.param(AMDVI, usb_disk, "sda", card("virtio-net-pci", "," + VIRTIO), 1, "xhci_hcd",
                 id="amdvi-xhci-virtio"),
])
def test_linux(machine, tmp_path, iommu, disk_of, root, net, cores, driver):    # pylint: disable=too-many-arguments,too-many-positional-arguments
    """Debian's own kernel with its root on a disk of its own and a network card: DHCP, and bytes
    fetched from this host, which are the same after a round through the disk. The interrupts are by
    MSI-X where the device has that."""
    linux.need("generic", "busybox")
    path = linux.image("generic")
    data = hashlib.sha256(b"bulkhead").digest() * (4 * MIB // 32)
    disk = tmp_path / "disk.img"
    disk.write_bytes(linux.root(64))
    files = {"vmlinuz": path, "initrd.img": linux.initrd(modules=f"{path}.drivers")}
    conf = ("[machine]\ntsc = trusted\nreserve = 1\n[guest linux]\nmemory = 256M\nimage = vmlinuz\n"
            f"initrd = initrd.img\ncmdline = {linux.QUIET} root=/dev/{root} rootwait\n"
            f"devices = 00:10.0, ethernet\ncores = {cores}\n")
    with served(data) as port, machine.spawn(
            files, conf, cores=1 + cores, memory=768, timeout=900,
            qemu=iommu + disk_of(disk) + net) as console:
        shell = linux.Shell(console).wait()
        assert shell.run(f"mount | grep -c '^/dev/{root} on / '") == ["1"]
        shell.run("ip link set eth0 up; until udhcpc -i eth0 -n -q -s /bin/true >/dev/null; do :; done")
        shell.run("ip addr add 10.0.2.15/24 dev eth0")
        shell.run(f"wget -q -O /file http://10.0.2.2:{port}/ && sync && echo 3 >/proc/sys/vm/drop_caches")
        assert shell.run("sha256sum </file")[0].split()[0] == hashlib.sha256(data).hexdigest()
        assert int(shell.run(f"grep -c MSI.*{driver} /proc/interrupts")[0]) >= 1
        assert "msix" in shell.run("cat /sys/bus/pci/devices/*/msi_irqs/* | sort -u")
        shell.leave("poweroff -f")
        console.expect_exact("guest 'linux' powered off with code 0")


def device_machine(machine, iommu, disk, guest_cores=1, memory="256M", cmdline=""):
    """A Linux with a disk and a card; what is on the disk is its root."""
    path = linux.image("generic")
    files = {"vmlinuz": path, "initrd.img": linux.initrd(modules=f"{path}.drivers")}
    conf = (f"[machine]\ntsc = trusted\nreserve = 1\n[guest linux]\ncores = {guest_cores}\nmemory = {memory}\n"
            f"image = vmlinuz\ninitrd = initrd.img\ncmdline = {linux.QUIET} root=/dev/sda {cmdline}\n"
            "devices = 00:10.0, ethernet\n")
    return machine.spawn(files, conf, cores=1 + guest_cores, memory=1024, timeout=3600,
                         qemu=iommu + disk_options(disk) + net_options(iommu))


@pytest.mark.long
@UNITS
def test_fetch(machine, iommu, tmp_path):
    """100 MB through the guest's own card are what the server has."""
    linux.need("generic", "busybox")
    data = hashlib.sha256(b"fetch").digest() * (100 * 1000 * 1000 // 32)
    disk = tmp_path / "disk.img"
    disk.write_bytes(linux.root(64))
    with served(data) as port, device_machine(machine, iommu, disk) as console:
        shell = linux.Shell(console).wait()
        shell.run("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0")
        shell.run("until ping -c 1 -W 5 10.0.2.2 >/dev/null; do :; done")
        assert (shell.run(f"wget -q -O - http://10.0.2.2:{port}/ | sha256sum")[0].split()[0]
                == hashlib.sha256(data).hexdigest())
        received = int(shell.run("cat /sys/class/net/eth0/statistics/rx_bytes")[0])
        assert received > len(data)
        shell.leave("poweroff -f")
        console.expect_exact("guest 'linux' powered off with code 0")


@pytest.mark.long
@UNITS
def test_debian(machine, iommu, tmp_path):
    """A Debian system, installed from packages, with its root on a SATA disk: to its login, with nothing
    failed on the way, its address by DHCP, and again after its own reboot, with what it has written."""
    linux.need("generic", "busybox")
    disk = tmp_path / "disk.img"
    shutil.copy(zoo("debian") / "root.img", disk)
    data = hashlib.sha256(b"debian").digest() * (4 * MIB // 32)
    network = "ip=dhcp systemd.wants=systemd-network-generator.service systemd.wants=systemd-networkd.service"
    with served(data) as port, device_machine(machine, iommu, disk, 2, "512M", network) as console:
        shell = log_in(console)
        assert shell.run("systemctl is-system-running --wait") == ["running"]
        assert shell.run("nproc") == ["2"]
        assert shell.run("findmnt -no SOURCE,FSTYPE /") == ["/dev/sda ext4"]
        shell.run("/lib/systemd/systemd-networkd-wait-online --ipv4 --any")
        assert "10.0.2.15" in shell.run("hostname -I")[0].split()
        shell.run("bash -c 'exec 3<>/dev/tcp/10.0.2.2/%d; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; "
                  "cat <&3 >/root/answer'" % port)
        shell.run("sync")
        shell.leave("systemctl reboot")
        console.expect_exact("guest 'linux' asked for a restart")
        shell = log_in(console)
        assert (shell.run(f"tail -c {len(data)} /root/answer | sha256sum")[0].split()[0]
                == hashlib.sha256(data).hexdigest())
        assert shell.run("dmesg | grep -cE 'Call Trace|unchecked MSR|I/O error'; true") == ["0"]
        shell.leave("systemctl poweroff")
        console.expect_exact("guest 'linux' powered off with code 0")


def exits(operator):
    """Of the Linux's life so far, but for those by which the monitor asks, and looks whether a guest
    that makes none has halted for good."""
    line = next(line for line in operator.ask("stats linux") if line.startswith("linux: "))
    counts = {kind: int(count) for count, kind in re.findall(r"(\d+) ([a-z-]+)", line)}
    return counts["exits"] - counts.get("kick", 0) - counts.get("hlt", 0)


def test_no_exits(machine, tmp_path):
    """A Linux that reads 4 KiB at a time from its disk, and nothing else: no exit for a read, nor for
    its interrupt."""
    linux.need("generic", "busybox")
    path = linux.image("generic")
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as file:
        file.truncate(16 << 30)
    files = {"vmlinuz": path, "initrd.img": linux.initrd(modules=f"{path}.drivers")}
    conf = ("[machine]\ntsc = trusted\nreserve = 1\n[guest linux]\nmemory = 192M\nimage = vmlinuz\n"
            f"initrd = initrd.img\ncmdline = {linux.QUIET}\ndevices = 00:10.0\n")
    with machine.spawn(files, conf, cores=2, memory=512, timeout=900,
                       qemu=VTD + disk_options(disk)) as console:
        shell = linux.Shell(console).wait()
        shell.run("dd if=/dev/sda of=/dev/null bs=4k iflag=direct & sleep 1")
        operator = Operator(console)
        first = int(shell.run("grep ahci /proc/interrupts | awk '{ print $2 }'")[0])
        operator.open()
        until = float(operator.state("linux")["uptime"]) + 2
        while float(operator.state("linux")["uptime"]) < until:     # what was typed is out
            pass
        before = exits(operator)
        until = float(operator.state("linux")["uptime"]) + 5
        while float(operator.state("linux")["uptime"]) < until:
            pass
        after = exits(operator)
        operator.keys("focus linux\r")
        operator.wait(r"\[bulkhead\] your input now goes to guest 'linux'")
        last = int(shell.run("grep ahci /proc/interrupts | awk '{ print $2 }'")[0])
        operator.open()
        operator.leave()
    # The kernel may have had a word to say meanwhile, on a slow host; a read or an interrupt has none.
    assert last - first > 1000 and (after - before) * 100 < last - first


def linux_section(name, place, net):
    return (f"[guest {name}]\nmemory = 192M\nimage = vmlinuz\ninitrd = initrd.img\n"
            f"cmdline = {linux.QUIET} root=/dev/sda\ndevices = {place}, {net}\n")


@pytest.mark.long
def test_two_linux(machine, tmp_path):
    """Two guests with a disk and a card each, at once; each has its own."""
    linux.need("generic", "busybox")
    path = linux.image("generic")
    files = {"vmlinuz": path, "initrd.img": linux.initrd(modules=f"{path}.drivers")}
    options = VTD
    for number in range(2):
        disk = tmp_path / f"disk{number}.img"
        disk.write_bytes(linux.root(64))
        options += disk_options(disk, number) + net_options(VTD, number)
    conf = ("[machine]\ntsc = trusted\nreserve = 1\n" + linux_section("one", "00:10.0", "ethernet #1")
            + linux_section("two", "00:11.0", "ethernet #2"))
    data = hashlib.sha256(b"two").digest() * (MIB // 32)
    with served(data) as port, machine.spawn(files, conf, cores=3, memory=1024, timeout=1500,
                                             qemu=options) as console:
        operator = Operator(console)
        operator.wait_all(r"\[one\] Linux \S+ on 1 cores\.", r"\[two\] Linux \S+ on 1 cores\.")
        for number, name in enumerate(("one", "two")):
            operator.open()
            operator.keys(f"focus {name}\r")
            operator.wait(rf"\[bulkhead\] your input now goes to guest '{name}'")
            operator.keys(f"ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; "
                          f"until wget -q -O /{name} http://10.0.2.2:{port}/; do sleep 1; done; sync; sha256sum </{name}\r")
            operator.wait(rf"\[{name}\] {hashlib.sha256(data).hexdigest()}")
        operator.open()
        operator.keys("stop one\r")
        operator.wait(r"\[bulkhead\] guest 'one' was stopped ")
        operator.keys("focus two\r")
        operator.wait(r"\[bulkhead\] your input now goes to guest 'two'")
        operator.keys("echo 3 >/proc/sys/vm/drop_caches; sha256sum </two\r")
        operator.wait(rf"\[two\] {hashlib.sha256(data).hexdigest()}")
        operator.open()
        operator.leave()


@pytest.mark.long
@pytest.mark.parametrize("iommu, disk_of, name", [
    pytest.param(VTD, sata, "sda", id="vtd-sata"), pytest.param(AMDVI, sata, "sda", id="amdvi-sata"),
    pytest.param(VTD, nvme, "nvme0n1", id="vtd-nvme"), pytest.param(AMDVI, nvme, "nvme0n1", id="amdvi-nvme")])
def test_restarts_under_load(machine, tmp_path, iommu, disk_of, name):     # pylint: disable=too-many-arguments,too-many-positional-arguments
    """A Linux that writes to its disk and floods the network, restarted again and again without being
    asked: the memory of its neighbour is unchanged, and its own disk and card come back each time."""
    linux.need("generic", "busybox")
    path = linux.image("generic")
    disk = tmp_path / "disk.img"
    disk.write_bytes(linux.root(64))
    script = ("ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0\n"
              "until ping -c 1 -W 5 10.0.2.2 >/dev/null; do :; done\n"
              f"dd if=/dev/zero of=/dev/{name} bs=64k count=16 conv=fsync "
              "2>/dev/null && echo 'both work'\n"
              "ping -A -s 1400 10.0.2.2 >/dev/null 2>&1 &\n"
              f"while :; do dd if=/dev/zero of=/dev/{name} bs=256k count=128 oflag=direct 2>/dev/null; done &\n")
    files = (images("scrub") | {"vmlinuz": path,
                                "initrd.img": linux.initrd(script=script, modules=f"{path}.drivers")})
    conf = ("[machine]\ntsc = trusted\nreserve = 1\n[guest linux]\nmemory = 192M\nimage = vmlinuz\n"
            f"initrd = initrd.img\ncmdline = {linux.QUIET}\ndevices = 00:10.0, ethernet\n"
            + guest("scrub", cmdline="until=36000000", memory="32M"))
    with machine.spawn(files, conf, cores=3, memory=768, timeout=7200,
                       qemu=iommu + disk_of(disk) + net_options(iommu)) as console:
        operator = Operator(console)
        operator.wait(r"\[linux\] both work")
        operator.open()
        for _ in range(RESTARTS):
            operator.keys("restart linux\r")
            operator.wait(r"\[bulkhead\] guest 'linux' was restarted by the operator ")
            operator.wait(r"\[linux\] both work")
        operator.leave()
    found = [line for line in operator.guest_lines("scrub") if "pages and the registers are" in line]
    assert len(found) > RESTARTS and all(line.endswith(" clean") for line in found), found
    assert not [line for line in operator.own_lines() if "device 00:" in line and "tried to" in line]

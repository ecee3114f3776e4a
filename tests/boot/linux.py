# SPDX-License-Identifier: MIT
"""Linux guests: Debian's own kernels with a busybox user space."""
import functools
import pathlib
import re
import subprocess
import tempfile

from conftest import missing
from machine import ROOT, whole_lines

IMAGES = ROOT / "scripts" / "linux-images"
MKINITRD = ROOT / "scripts" / "mkinitrd"
MKROOT = ROOT / "scripts" / "mkroot"
# The kernel's self-tests of its ciphers are half of its boot, and each character on the console
# is 17,000 instructions of waiting for the UART.
CMDLINE = "console=ttyS0,115200 cryptomgr.notests"
QUIET = CMDLINE + " quiet"


class NoImages(Exception):
    """Why they cannot be had."""


@functools.cache
def image(name, script=IMAGES):
    """The path of an image of scripts/linux-images, or of another such script."""
    done = subprocess.run([script, name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoImages(done.stderr.strip().splitlines()[-1])
    return pathlib.Path(done.stdout.split(None, 1)[1].strip())


def need(*names, script=IMAGES):
    """Images that a test cannot do without: it is skipped where they cannot be had, or, with CI set,
    fails."""
    try:
        for name in names:
            image(name, script)
    except NoImages as why:
        missing(f"there is no image of {script.name}: {why}")


def initrd(script=None, modules=None):
    """An initrd that runs `script` (text of busybox' sh), then a shell; with the folder `modules` it
    goes on to a root elsewhere."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-initrd-") as name:
        out = pathlib.Path(name) / "initrd.img"
        command = [MKINITRD, out, image("busybox")]
        if script is not None:
            (pathlib.Path(name) / "script").write_text(script, encoding="utf-8")
            command.append(pathlib.Path(name) / "script")
        if modules is not None:
            command += ["--modules", modules]
        subprocess.run(command, check=True)
        return out.read_bytes()


def root(mib=16):
    """A root file system with the same user space."""
    with tempfile.TemporaryDirectory(prefix="bulkhead-root-") as name:
        out = pathlib.Path(name) / "root.img"
        subprocess.run([MKROOT, out, str(mib), image("busybox")], check=True)
        return out.read_bytes()


def disk_files(kernel="cloud"):
    """A kernel, an initrd with the modules for disks in memory, and a root."""
    path = image(kernel)
    return {"vmlinuz": path, "initrd.img": initrd(modules=f"{path}.modules"), "root.img": root()}


def files(kernel="cloud", script=None):
    return {"vmlinuz": image(kernel), "initrd.img": initrd(script)}


def conf(cores=1, memory="128M", cmdline=QUIET, on_crash="stop", image_name="vmlinuz"):
    # On several AMD cores Linux takes the TSC for its clock only where it is invariant.
    return ("[machine]\ntsc = trusted\n"
            f"[guest linux]\ncores = {cores}\nmemory = {memory}\nimage = {image_name}\n"
            f"initrd = initrd.img\ncmdline = {cmdline}\non_crash = {on_crash}\n")


def cores(machine, guest=1):
    """The cores of a machine for one Linux with `guest` of them. A machine of several cores keeps one
    for the monitor: see "Bochs" in CONTRIBUTING.md."""
    return guest + (1 if guest > 1 else machine.monitor_cores)


def exits(result):
    """The exits of the guest's life by kind, as the hypervisor counts them at its end."""
    line = next(line for line in result.hv if line.startswith("guest 'linux' powered off"))
    return {kind: int(count) for count, kind in re.findall(r"(\d+) ([a-z-]+)", line.split("; ")[-1])}


class Shell:
    """The guest's shell on the machine's console."""

    def __init__(self, console, name="linux"):
        self._console = console
        self._prefix = f"[{name}]"

    def wait(self):
        """Until the shell is there."""
        self._console.expect(re.escape(self._prefix) + r" Linux \S+ on \d+ cores\.")
        return self

    def run(self, command):
        """Runs a command and returns its lines; it has to succeed."""
        self._console.sendline(command + "; echo =$?=")
        self._console.expect(r"=(\d+)=")
        status = int(self._console.match.group(1))
        rows = [row.strip("\r") for row in self._console.before.split("\n")]
        lines = [line.removeprefix(self._prefix).strip() for line in whole_lines(rows)]
        typed = max((i for i, line in enumerate(lines) if "=$?" in line), default=-1)
        assert status == 0, f"{command}: status {status}, {lines}"
        return [line for line in lines[typed + 1:] if line]

    def leave(self, command):
        """Runs a command that does not come back."""
        self._console.sendline(command)

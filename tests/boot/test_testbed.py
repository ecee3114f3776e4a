# SPDX-License-Identifier: MIT
"""Tests of the test bed itself: set-up, disk images, the emulators. No hypervisor is needed."""
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import zlib

import pytest

import efi
from conftest import engines, missing
from machine import CRASHED, POWERED_OFF, ROOT, RUN, TIMED_OUT, TIMEOUT_S, MachineError

sys.path.insert(0, str(ROOT / "scripts"))

from emu import qemu, us_keyboard                                   # noqa: E402

QEMU = ROOT / "scripts" / "qemu" / "qemu"
MKIMAGE = ROOT / "scripts" / "mkimage"
SETUP = ROOT / "scripts" / "setup"
ESP = "@@1M"                            # where the EFI system partition is in an image

in_each_engine = engines("bochs", "qemu")


@pytest.fixture(scope="session")
def probe(testbed, tmp_path_factory):
    """{BOOTX64.EFI: the probe}, ready to be booted."""
    work = tmp_path_factory.mktemp("probe")
    return {"BOOTX64.EFI": efi.program("efi_probe", work)}


@pytest.fixture
def probed(bare_machine, probe):
    """probed(commands, **options): boots the probe, gives it the commands, returns the result."""
    def boot(commands, **options):
        return bare_machine.boot(probe, input=commands, no_kernel=True, **options)
    return boot


def mkimage(*arguments):
    return subprocess.run([MKIMAGE, *arguments], capture_output=True, text=True, check=False)


def files_in(image):
    listing = subprocess.run(["mdir", "-i", f"{image}{ESP}", "-/", "-b", "::"], check=True,
                             capture_output=True, text=True, env=dict(os.environ, MTOOLSRC=""))
    return {line for line in listing.stdout.splitlines() if not line.endswith("/")}


def content_of(image, name):
    return subprocess.run(["mtype", "-i", f"{image}{ESP}", f"::{name}"], check=True,
                          capture_output=True).stdout


@pytest.fixture
def folder(testbed, tmp_path):
    """A folder with a loader, a kernel and two more files."""
    made = tmp_path / "folder"
    made.mkdir()
    (made / "BOOTX64.EFI").write_bytes(b"loader")
    (made / "bulkhead.elf").write_bytes(b"kernel")
    (made / "bulkhead.conf").write_text("[machine]\n")
    (made / "a guest with a long name.elf").write_bytes(bytes(range(256)) * 5000)
    return made


def test_setup_with_nothing_to_do_does_nothing(testbed, tmp_path):
    """No program that installs, fetches or builds is started."""
    called = tmp_path / "called"
    for tool in ("apt-cache", "apt-get", "cc", "dpkg", "gcc", "sudo"):
        (tmp_path / tool).write_text(f"#!/bin/sh\necho {tool} >> {called}\nexit 1\n")
        (tmp_path / tool).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run([SETUP, "--run"], check=True, env=dict(os.environ, PATH=path))
    assert not called.exists(), called.read_text()


def on_debian():
    return "ID=debian" in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()


def fake_apt_get(folder, script):
    """A PATH whose apt-get is this script; it may hand over to the real one."""
    folder.mkdir()
    (folder / "apt-get").write_text("#!/bin/sh\n" + script)
    (folder / "apt-get").chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


NO_NETWORK = """\
for word in "$@"; do [ "$word" != indextargets ] || exec /usr/bin/apt-get "$@"; done
echo "E: no such network"
exit 100
"""


@pytest.mark.parametrize("apt_get, why", [
    (NO_NETWORK, "Debian forky: no such network"),
    ("exit 1\n", "apt has no source for this Debian release"),
], ids=["network", "source"])
def test_setup_that_cannot_download(testbed, tmp_path, apt_get, why):
    """One line for each emulator says why and where to read on; then no machine can be started."""
    if not on_debian():
        why = "this is not Debian"
    cache = tmp_path / "cache"
    environment = dict(os.environ, XDG_CACHE_HOME=str(cache),
                       PATH=fake_apt_get(tmp_path / "bin", apt_get))
    # What the system itself has is not to be taken.
    shadow = tmp_path / "bin" / "qemu-system-x86_64"
    shadow.write_text("#!/bin/sh\nexit 1\n")
    shadow.chmod(0o755)
    done = subprocess.run([SETUP, "--run", "qemu"], capture_output=True, text=True, check=False,
                          env=environment)
    *_, reason, verdict = done.stdout.splitlines()
    assert done.returncode == 1, done.stdout
    assert why in reason and reason.endswith("see 'Emulators' in README.md")
    assert verdict == "setup: no suitable qemu is set up"
    assert "## Emulators" in (ROOT / "README.md").read_text()
    assert [file.name for file in (cache / "bulkhead").iterdir()] == ["lock"]
    refused = subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=False,
                             env=environment)
    assert refused.returncode == 127 and "run scripts/setup first" in refused.stderr


def test_setup_knows_its_emulators():
    done = subprocess.run([SETUP, "--check", "simics"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "unknown emulator 'simics'" in done.stderr


@pytest.mark.parametrize("cpu, status", [("qemu64,enforce,+svm,+npt,+x2apic", 0),
                                         ("qemu64,enforce,+nrip-save", 1)])
def test_qemu_offers_what_is_needed(testbed, cpu, status):
    """As setup asks it; the second shows that 'enforce' would refuse."""
    done = subprocess.run(
        ["timeout", "-k", "5", "60", QEMU, "-machine", "q35,accel=tcg", "-cpu", cpu, "-display",
         "none", "-nodefaults", "-S", "-qmp", "stdio"], capture_output=True, text=True, check=False,
        input='{"execute":"qmp_capabilities"}{"execute":"quit"}')
    assert done.returncode == status, done.stderr


def test_noise_of_qemu_is_left_out():
    noise = ("qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.0DH:EAX.xsaves "
             "[bit 3]\nFailed to initialize module: /usr/lib/x86_64-linux-gnu/qemu/ui-opengl.so\n"
             "Only modules from the same build can be loaded.\n")
    assert qemu.worth_saying(noise + "qemu-system-x86_64: a real error\n" + noise) == [
        "qemu-system-x86_64: a real error"]


def test_what_qemu_says_when_it_aborts():
    """It prints it where its answers are expected."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        qmp = qemu.Qmp(ours)
        theirs.sendall(b'{"event": "RESUME"}\r\nBail out! ERROR: assertion failed\n\n{"return": {}}\n')
        assert qmp.receive() == [{"event": "RESUME"}, {"return": {}}]
        assert qmp.noise == ["Bail out! ERROR: assertion failed"]


def test_every_character_has_a_key_in_qemu(testbed):
    """A name that QEMU does not know is refused by QMP."""
    presses = [{"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": code}}}
               for code in {code for codes in us_keyboard.CODES.values() for code in codes}
               for down in (True, False)]
    commands = ['{"execute":"qmp_capabilities"}', json.dumps(
        {"execute": "input-send-event", "arguments": {"events": presses}}), '{"execute":"quit"}']
    done = subprocess.run(
        ["timeout", "-k", "5", "60", QEMU, "-machine", "q35,accel=tcg", "-display", "none",
         "-qmp", "stdio"], capture_output=True, text=True, check=False, input="\n".join(commands))
    assert done.stdout.count('"return"') == 3 and '"error"' not in done.stdout, done.stdout
    typed = {bytes([code]) for code in range(ord(" "), 0x7f)}
    assert typed <= set(us_keyboard.CODES)


MARKED = """\
from conftest import engines
pytestmark = engines("bochs", "qemu")

def test_both(engine):
    assert engine in ("bochs", "qemu")

@engines("bochs", qemu="TCG rains")
def test_gap(engine):
    assert engine == "bochs"

@engines("qemu", long=["bochs"])
def test_neutral(engine):
    assert engine == "qemu"

def test_no_boot():
    pass
"""
UNMARKED = "def test_plain(bare_machine):\n    assert bare_machine.engine == 'bochs'\n"


def test_engines_of_a_test(testbed, tmp_path):
    """It runs once in each engine that it is marked with, in Bochs without a mark; a gap is a skip
    with its reason, and an engine for long runs is left out."""
    (tmp_path / "test_marked.py").write_text(MARKED)
    (tmp_path / "test_unmarked.py").write_text(UNMARKED)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "conftest", "-p", "no:cacheprovider", tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(ROOT / "tests" / "boot"), COLUMNS="200"))
    for line in ("test_marked.py::test_both[bochs] PASSED", "test_marked.py::test_both[qemu] PASSED",
                 "test_marked.py::test_gap[bochs] PASSED", "test_marked.py::test_gap[qemu] SKIPPED",
                 "skipped, because TCG rains", "test_marked.py::test_no_boot PASSED",
                 "test_marked.py::test_neutral[qemu] PASSED",
                 "test_unmarked.py::test_plain PASSED", "6 passed, 1 skipped, 1 deselected"):
        assert line in done.stdout, done.stdout


def test_a_mistyped_engine():
    with pytest.raises(ValueError, match="boch is not one of the engines"):
        engines("boch")
    with pytest.raises(ValueError, match="boch is not one of the engines"):
        engines("qemu", long=["boch"])


@pytest.mark.parametrize("tool", ["clang-format", "objdump", "readelf"])
def test_lint_without_a_tool_fails(tmp_path, tool):
    """A check that could not look has found nothing, and that is no verdict."""
    for name in os.listdir("/usr/bin"):
        if name != tool:
            (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(["/bin/bash", ROOT / "scripts" / "lint"], capture_output=True, text=True,
                          check=False, env=dict(os.environ, PATH=str(tmp_path)))
    assert (done.returncode, done.stdout) == (
        1, f"FAIL  {tool} is not installed: scripts/setup\n")


@pytest.mark.parametrize("ci, count", [("", "0 passed, 0 failed, 1 skipped\n"),
                                       ("true", "0 passed, 1 failed\n")])
def test_proofs_without_frama_c(tmp_path, ci, count):
    """They are skipped, but not where CI is set."""
    done = subprocess.run(["/usr/bin/python3", ROOT / "tests" / "proof" / "run", "--results",
                           tmp_path / "results", tmp_path], capture_output=True, text=True,
                          check=False, env=dict(os.environ, PATH=str(tmp_path), CI=ci))
    assert "frama-c, why3, cvc4, z3 is not installed" in done.stdout
    assert (tmp_path / "results").read_text(encoding="ascii") == count


def test_what_is_missing_is_said(monkeypatch):
    """Boots are skipped where setup has not run, but not where CI is set."""
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="skipped, because it rains"):
        missing("it rains")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="CI is set, and it rains"):
        missing("it rains")


def test_image_holds_what_it_should(folder, tmp_path):
    image = tmp_path / "disk.img"
    assert mkimage(image, folder).returncode == 0
    assert files_in(image) == {"::/EFI/BOOT/BOOTX64.EFI", "::/bulkhead/bulkhead.elf",
                               "::/bulkhead/bulkhead.conf",
                               "::/bulkhead/a guest with a long name.elf"}
    assert content_of(image, "EFI/BOOT/BOOTX64.EFI") == b"loader"
    assert content_of(image, "bulkhead/bulkhead.elf") == b"kernel"
    big = "a guest with a long name.elf"
    assert content_of(image, f"bulkhead/{big}") == (folder / big).read_bytes()


def test_image_is_sound(folder, tmp_path):
    image, partition = tmp_path / "disk.img", tmp_path / "partition.img"
    assert mkimage(image, folder).returncode == 0
    table = subprocess.run(["sgdisk", "--verify", image], capture_output=True, text=True,
                           check=True)
    assert "No problems found" in table.stdout
    partition.write_bytes(image.read_bytes()[1 << 20:-(1 << 20)])
    subprocess.run(["fsck.fat", "-n", partition], check=True)


def test_image_is_reproducible(folder, tmp_path):
    images = [tmp_path / "one.img", tmp_path / "two.img"]
    for image in images:
        assert mkimage(image, folder).returncode == 0
        if image == images[0]:
            time.sleep(2)               # FAT's clock has steps of two seconds
    assert images[0].read_bytes() == images[1].read_bytes()


def test_image_grows_with_its_contents(folder, tmp_path):
    image = tmp_path / "disk.img"
    with open(folder / "large", "wb") as large:
        large.truncate(600 << 20)
    assert mkimage(image, folder).returncode == 0
    assert image.stat().st_size > 600 << 20
    assert "::/bulkhead/large" in files_in(image)


@pytest.mark.parametrize("spoil, complaint", [
    (lambda folder: (folder / "bulkhead.CONF").touch(), "the same name on FAT"),
    (lambda folder: (folder / "sub").mkdir(), "is not a file"),
], ids=["case", "directory"])
def test_image_refuses(folder, tmp_path, spoil, complaint):
    spoil(folder)
    refused = mkimage(tmp_path / "disk.img", folder)
    assert refused.returncode == 1 and complaint in refused.stderr
    assert list(tmp_path.iterdir()) == [folder]


def test_image_without_a_kernel(folder, tmp_path):
    (folder / "bulkhead.elf").unlink()
    image = tmp_path / "disk.img"
    missing = mkimage(image, folder, "--kernel", tmp_path / "none")
    assert missing.returncode == 1 and "is missing" in missing.stderr
    assert mkimage(image, folder, "--no-kernel").returncode == 0
    assert "::/bulkhead/bulkhead.elf" not in files_in(image)


@pytest.mark.long
@pytest.mark.parametrize("cores", [1, 4])
@in_each_engine
def test_power_off(probed, cores):
    result = probed("go", cores=cores, memory=512)
    assert result.status == POWERED_OFF, result.reason
    assert result.hv == ["guest 'probe' starts and listens"]
    assert f"cores {cores}" in result.lines
    assert "idiv right" in result.lines
    free = next(int(line.split()[-1]) for line in result.lines if line.startswith("free MiB"))
    assert 450 < free < 512
    assert result.guest("guest") == ["PANIC is mine alone"]     # and it was no panic of ours


@pytest.mark.long
@in_each_engine
def test_power_off_by_firmware(probed):
    result = probed("s", cores=1)
    assert result.status == POWERED_OFF, result.reason


@in_each_engine
def test_triple_fault(probed):
    result = probed("t", cores=2)
    assert result.status == CRASHED and "triple fault" in result.reason


@engines("qemu")
def test_panic(probed):
    result = probed("p")
    assert result.status == CRASHED and "PANIC: as asked" in result.reason
    assert "the rest of it" in result.lines


@engines("qemu")
def test_time_out(probed):
    """Nothing else ends this machine."""
    started = time.monotonic()
    result = probed("h", timeout=3)
    assert result.status == TIMED_OUT and "timed out after 3 s" in result.reason
    assert time.monotonic() - started >= 3


@pytest.mark.long
@in_each_engine
def test_input_arrives_complete(probed):
    text = " ".join(f"word {i}" for i in range(100))
    result = probed(f"e{text}\no", cores=1)
    assert result.status == POWERED_OFF, result.reason
    assert text in result.lines


@engines("qemu")
def test_conversation(bare_machine, probe):
    with bare_machine.spawn(probe, no_kernel=True) as console:
        console.expect_exact("[bulkhead] guest 'probe' starts and listens")
        console.sendline("ehello")
        console.expect_exact("hello")
        console.send("o")
        assert console.finish() == POWERED_OFF


@pytest.mark.long
@in_each_engine
def test_screen(probed, engine, tmp_path):
    picture = tmp_path / "screen.png"
    result = probed("co", cores=1, screen=picture)
    assert result.status == POWERED_OFF, result.reason
    png = picture.read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert f"painted, width {width}" in result.lines
    if engine == "bochs":               # written by us: one chunk of pixels, no filters
        size, = struct.unpack(">I", png[33:37])
        rows = zlib.decompress(png[41:41 + size])
        half = width // 2
        assert rows == (b"\0" + b"\xff\0\0" * half + b"\0\0\xff" * (width - half)) * height


def test_impossible_wishes_are_refused(bare_machine, probe):
    with pytest.raises(MachineError, match="Bochs supports at most 15 cores"):
        bare_machine.boot(probe, no_kernel=True, cores=16)
    with pytest.raises(MachineError, match="gdb"):
        bare_machine.boot(probe, no_kernel=True, gdb=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@in_each_engine
def test_nothing_is_left_behind(probe, tmp_path, engine, number):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "BOOTX64.EFI").write_bytes(probe["BOOTX64.EFI"].read_bytes())
    mark = f"marker-{os.getpid()}-{number}-{engine}"
    run = subprocess.Popen(
        [RUN, "--files", tmp_path / "files", "--engine", engine, "--no-kernel",
         "--keep", tmp_path / mark], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: processes_in(tmp_path / mark))
    run.send_signal(number)
    assert run.wait(TIMEOUT_S) == (-number if number == signal.SIGKILL else 128 + number)
    wait_until(lambda: not processes_in(tmp_path / mark))


@pytest.mark.parametrize("controls", [True, False], ids=["SIGHUP", "silently"])
def test_hung_up(testbed, probe, tmp_path, controls):
    """The terminal goes away, with the signal for that or, where it is not the controlling one,
    without, under a machine that says nothing more."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "BOOTX64.EFI").write_bytes(probe["BOOTX64.EFI"].read_bytes())
    ours, theirs = os.openpty()
    take = (lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controls else None
    run = subprocess.Popen(
        [RUN, "--files", tmp_path / "files", "--engine", "qemu", "--no-kernel", "--interactive",
         "--keep", tmp_path / "kept"], stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, preexec_fn=take)
    os.close(theirs)
    said = b""
    while b"starts and listens" not in said:
        said += os.read(ours, 4096)
    os.close(ours)
    assert run.wait(TIMEOUT_S) == 128 + signal.SIGHUP
    assert not processes_in(tmp_path / "kept")


def processes_in(directory):
    """The processes whose emulator files are open in `directory`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue
        if any(name == str(directory / "disk.img") for name in names):
            found.append(pid)
    return found


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)

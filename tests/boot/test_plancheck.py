# SPDX-License-Identifier: MIT
"""build/plancheck as a person calls it: its output, its exit status, and where it finds files.
The words of each error are looked at in tests/unit/kernel/config/test_config.c, test_plan.c and test_image.c."""
import os
import subprocess

import pytest

import elf
from machine import ROOT

PLANCHECK = ROOT / "build" / "plancheck"
GUEST = "[guest a]\nmemory = 16M\nimage = a.elf\n"


@pytest.fixture(scope="module", autouse=True)
def plancheck_built():
    subprocess.run(["make", "-s", "build/plancheck"], cwd=ROOT, check=True)


def run(*arguments, cwd=None):
    return subprocess.run([PLANCHECK, *map(str, arguments)], capture_output=True, text=True,
                          cwd=cwd, check=False, timeout=60)


def check(folder, text, *arguments):
    conf = folder / "bulkhead.conf"
    conf.write_bytes(text if isinstance(text, bytes) else text.encode())
    return run(conf, *arguments)


def test_plan(tmp_path):
    (tmp_path / "A.elf").write_bytes(elf.image())
    done = check(tmp_path, GUEST, "--cores", 4)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("assumed machine: 4 cores, 1024 MiB of memory, ")
    assert "959 MiB of it for guests" in lines[0]
    assert "another 64 MiB are left to the firmware" in lines[1]
    assert lines[3] == "1 guest; core #0 is kept for the monitor"
    assert lines[5].split() == ["a", "#1", "16", "MiB", "0x200000-0x11fffff", "stop"]
    assert lines[7].split() == ["image", "A.elf,", "PVH"]
    assert lines[9:] == [
        "who owns what:",
        "  a               0x0000200000-0x00011fffff    16 MiB  its RAM; nobody else can reach it",
        *(f"  {owner:15} core #{n} with its local APIC (id {n}) and its interrupts"
          for n, owner in enumerate(("bulkhead", "a", "nobody", "nobody")))]
    assert max(map(len, lines)) <= 100


def test_options(tmp_path):
    (tmp_path / "a.elf").write_bytes(elf.image())
    done = check(tmp_path, GUEST.replace("16M", "4G"), "--memory", 8192, "--cores", "1")
    assert done.returncode == 0
    assert "1 core, 8192 MiB of memory, 8127 MiB of it for guests" in done.stdout
    assert "no core is kept for the monitor" in done.stdout
    assert "0x100000000-0x1ffffffff" in done.stdout


def test_nodes(tmp_path):
    """Equal parts of cores and memory; a part may be below and above the hole at 3 GiB."""
    (tmp_path / "a.elf").write_bytes(elf.image())
    done = check(tmp_path, GUEST + "cores = #7\n[guest b]\ncores = 2\nmemory = 16M\nimage = a.elf\n",
                 "--memory", 8192, "--nodes", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0x140000000-0x140ffffff" in done.stdout
    assert "  nodes        cores in node 1, memory in node 1" in done.stdout
    assert "  nodes        cores in node 0, memory in node 0" in done.stdout
    assert "  a               core #7 in node 1 with its local APIC" in done.stdout
    assert "node" not in check(tmp_path, GUEST, "--nodes", 1).stdout
    assert check(tmp_path, GUEST, "--nodes", 17).returncode == 2


def test_errors(tmp_path):
    """Errors of the text first; those of the plan only when there are none."""
    done = check(tmp_path, GUEST + "cores = 0\nmemroy = 1M\n")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "bulkhead.conf:4: a guest needs at least 1 core",
        "bulkhead.conf:5: unknown key 'memroy'; did you mean 'memory'?"]
    done = check(tmp_path, GUEST + "cores = 5\n", "--cores", 4)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "bulkhead.conf:3: guest 'a': there is no image 'a.elf'; there are no files other than "
        "Bulkhead's own",
        "bulkhead.conf:4: guest 'a' wants 5 cores, 4 are left (4 in the machine)"]


def test_defaults_fit_the_demo(tmp_path):
    for name in ("hello", "clock", "smp", "escape"):
        (tmp_path / f"{name}.elf").write_bytes(elf.image())
    done = check(tmp_path, (ROOT / "guests/demo/bulkhead.conf").read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("assumed machine: 8 cores, 1024 MiB of memory, ")


NEEDED = "for the monitor"
NO_TIMER = ("reserve = 0: no timer of this processor counts while a guest runs, so core #0 has to watch the "
            "guests' deadlines: write 1 or more")


@pytest.mark.parametrize("text, options, error", [
    ("[machine]\nreserve = 0\n" + GUEST, (), f"2: {NO_TIMER}"),
    (GUEST + "cores = #0\n", (), f"4: guest 'a' wants core #0, which this processor needs {NEEDED}"),
    (GUEST + "cores = #1\n", ("--threads", 2),
     f"4: guest 'a' wants core #1, a thread of the same core as #0, which this processor needs {NEEDED}; "
     "'threads = shared' in [machine] allows it"),
    (GUEST, ("--cores", 1), "1: guest 'a' wants 1 core, none is left (1 in the machine, 1 reserved, as "
                            "this processor needs it)"),
    (GUEST + "cores = 8\n", (), "4: guest 'a' wants 8 cores, 7 are left (8 in the machine, 1 reserved, as "
                                "this processor needs it)")])
def test_refused_on_amd_only(tmp_path, text, options, error):
    """Refused with --cpu amd, accepted with --cpu intel, and with neither accepted with a note."""
    (tmp_path / "a.elf").write_bytes(elf.image())
    error = f"bulkhead.conf:{error}"
    amd = check(tmp_path, text, "--cpu", "amd", *options)
    assert (amd.returncode, amd.stderr) == (1, error + "\n")
    intel = check(tmp_path, text, "--cpu", "intel", *options)
    assert (intel.returncode, intel.stderr) == (0, "")
    either = check(tmp_path, text, *options)
    assert (either.returncode, either.stderr) == (0, "")
    assert either.stdout == f"{intel.stdout}\non an AMD processor: {error}\n"


def test_other_plan_on_amd(tmp_path):
    """Three threads are too few for the default to spare core #0."""
    (tmp_path / "a.elf").write_bytes(elf.image())
    options = ("--cores", 3, "--threads", 2)
    done = check(tmp_path, GUEST, *options)
    assert "no core is kept for the monitor" in done.stdout
    assert done.stdout.endswith(
        "\n\non an AMD processor: core #0 is kept for the monitor (see --cpu amd)\n")
    done = check(tmp_path, GUEST, *options, "--cpu", "amd")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].endswith("; AMD processor")
    assert "1 guest; core #0 is kept for the monitor" in done.stdout


def test_same_plan_on_amd(tmp_path):
    (tmp_path / "a.elf").write_bytes(elf.image())
    neither, amd, intel = (check(tmp_path, GUEST, *options).stdout for options in (
        (), ("--cpu", "amd"), ("--cpu", "intel")))
    assert neither == intel == amd.replace("; AMD processor", "")


def test_other_name(tmp_path):
    (tmp_path / "try.txt").write_text("")
    done = run("try.txt", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "try.txt: the file is empty: it needs at least one [guest NAME] section\n"
    assert run(tmp_path / "try.txt").stderr == done.stderr


def test_long_and_noise(tmp_path):
    done = check(tmp_path, b"x" * 65537)
    assert done.returncode == 1
    assert done.stderr == ("bulkhead.conf: the file is longer than the limit of 65536 "
                           "bytes\n")
    done = check(tmp_path, b"\0\n" * 1000)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 33
    assert done.stderr.endswith("bulkhead.conf: and 969 more errors\n")


def test_crowded_folder(tmp_path):
    """More files than a machine may have modules: those that the file names count first."""
    for i in range(100):
        (tmp_path / f"0{i}").write_text("x")
    (tmp_path / "zz.elf").write_bytes(elf.image())
    (tmp_path / ("n" * 64)).write_text("x")
    (tmp_path / "folder").mkdir()
    done = check(tmp_path, GUEST.replace("a.elf", "zz.elf"))
    assert (done.returncode, done.stderr) == (0, "")
    done = check(tmp_path, GUEST.replace("a.elf", "folder"))
    assert done.returncode == 1
    assert "there is no image 'folder'" in done.stderr


def test_images(tmp_path):
    (tmp_path / "a.elf").write_bytes(b"")
    assert "image 'a.elf' is empty" in check(tmp_path, GUEST).stderr
    (tmp_path / "a.elf").write_bytes(elf.image()[:-1])
    assert "image 'a.elf' is cut off" in check(tmp_path, GUEST).stderr
    (tmp_path / "a.elf").write_text("#!/bin/sh\n")
    assert "image 'a.elf' is text; Bulkhead starts Linux bzImages, ELF kernels (PVH) and " \
        "multiboot kernels" in check(tmp_path, GUEST).stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_image(tmp_path):
    (tmp_path / "a.elf").write_bytes(elf.image())
    (tmp_path / "a.elf").chmod(0)
    done = check(tmp_path, GUEST)
    assert done.returncode == 2
    assert "cannot read 'a.elf': Permission denied" in done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["x", "y"], ["x", "--cores"], ["x", "--cores", "0"], ["x", "--cores", "513"],
    ["x", "--cores", "two"], ["x", "--memory"], ["x", "--memory", "127"], ["x", "--memory", "-5"],
    ["x", "--memory", "99999999999999999999"], ["x", "--frobnicate"], ["--cores", "4"], ["x", "--cpu"],
    ["x", "--cpu", "arm"]])
def test_usage(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: plancheck FILE [--cores N] [--memory MB]" in done.stderr


def test_help():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: plancheck FILE [--cores N] [--memory MB]")
    assert "--cpu intel|amd" in done.stdout


@pytest.mark.parametrize("option, value", [
    ("--cores", "0"), ("--cores", "two"), ("--cores", "8P+-4E"), ("--cores", " 8P+4E"), ("--cores", "8P+0E"),
    ("--cores", "8P+4294967300E"), ("--cores", "510P+5E"), ("--cores", "8P+4Ex"), ("--cores", "8P"), ("--memory", "127"), ("--threads", "3"), ("--cpu", "AMD")])
def test_refused_option_is_named(option, value):
    assert run("x", option, value).stderr.startswith(
        f"plancheck: {option} does not take '{value}'\n")


def test_no_such_file(tmp_path):
    done = run(tmp_path / "none.conf")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot read" in done.stderr and "No such file" in done.stderr
    done = run(tmp_path)
    assert done.returncode == 2
    assert "Is a directory" in done.stderr

# SPDX-License-Identifier: MIT
"""The same source gives the same bytes, whoever builds it, where and when; and a release archive has
all that it takes to boot and to build a guest."""
import hashlib
import os
import re
import shutil
import subprocess
import tarfile

import pytest

from conftest import NEUTRAL, require_setup
from machine import ROOT
from partitions import check_ended_well, lacking

# What must not matter. The second folder's name is longer than the first by more than a padding.
PLACES = (("a", {"TZ": "UTC", "LC_ALL": "C"}, 0o022),
          ("another-folder-with-a-longer-name/below", {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}, 0o077))
EARLIER = 1_000_000_000         # of the second folder's files
NOT_COPIED = shutil.ignore_patterns("build", ".git", "__pycache__")
PREFIX = f"bulkhead-{(ROOT / 'VERSION').read_text().strip()}"


def make(folder, *targets, environment=None, umask=-1):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("SOURCE_DATE_EPOCH", "MAKEFLAGS", "MFLAGS")}
    subprocess.run(["make", "-s", *targets], cwd=folder, check=True, capture_output=True,
                   env=clean | (environment or {}), umask=umask)


def age(folder):
    """Every file is as old as the next one in some other order."""
    for number, path in enumerate(sorted(folder.rglob("*"), key=lambda path: path.name)):
        os.utime(path, (EARLIER + number, EARLIER + number))


def hashes_of_two(work, targets, results):
    """[{file: SHA-256}] of the results of two copies of the tree, built in different circumstances."""
    found = []
    for name, _, _ in PLACES:
        shutil.copytree(ROOT, work / name, ignore=NOT_COPIED)
    age(work / PLACES[1][0])
    for name, environment, umask in PLACES:
        tree = work / name
        make(tree, "-j2", *targets, environment=environment, umask=umask)
        found.append({file: hashlib.sha256((tree / file).read_bytes()).hexdigest()
                      for file in results})
    return found


def test_same_guest(tmp_path):
    """C and assembly, linked; and C for the host."""
    first, second = hashes_of_two(
        tmp_path, ["build/guests/hello.elf", "build/host/lib/fmt.o"],
        ["build/guests/hello.elf", "build/host/lib/fmt.o"])
    assert first == second


@pytest.mark.long
def test_same_release(tmp_path):
    """Two whole builds: the image, all that is in it, and the archive."""
    require_setup("qemu")
    archive = f"build/{PREFIX}.tar.gz"
    first, second = hashes_of_two(
        tmp_path, ["image", "release"],
        [archive, "build/bulkhead.img", "build/BOOTX64.EFI", "build/bulkhead.elf", "build/plancheck"])
    assert first == second


@pytest.fixture(scope="module")
def built():
    require_setup("qemu")
    make(ROOT, "build/demo", "build/jitter", "build/plancheck")
    return ROOT / "build"


def test_no_folder_in_what_is_built(built):
    """Nothing that a release has names the folder that it was built in."""
    files = [built / name for name in ("BOOTX64.EFI", "bulkhead.elf", "plancheck")]
    files += [path for path in (built / "demo").iterdir() if path.suffix == ".elf"]
    assert len(files) > 6
    own = str(ROOT).encode()
    assert not [path.name for path in files if own in path.read_bytes()]


def pack(built, work, name, environment, umask):
    """A release of the built files, which get other dates and, where umask says so, other rights."""
    folder = work / name
    folder.mkdir(parents=True)
    for part in ("demo", "jitter"):
        shutil.copytree(built / part, folder / part)
    shutil.copy(built / "plancheck", folder)
    for path in folder.rglob("*"):
        path.chmod(0o777 & ~umask if path.is_dir() or path.name == "plancheck" else 0o666 & ~umask)
    if umask == PLACES[1][2]:
        age(folder)
    run = {"check": True, "env": dict(os.environ, **environment), "umask": umask}
    subprocess.run([ROOT / "scripts/mkimage", folder / "bulkhead.img", folder / "demo"], **run)
    subprocess.run([ROOT / "scripts/mkrelease", folder, folder / "release.tar.gz"], **run)
    return folder / "release.tar.gz"


def test_same_archive(built, tmp_path):
    """Of the same files."""
    first, second = (pack(built, tmp_path, *place).read_bytes() for place in PLACES)
    assert first == second


@NEUTRAL
def test_archive_alone(built, machine, tmp_path):
    """Its hashes are right, its checker checks its files, and README's guest is built and booted from it."""
    archive = pack(built, tmp_path, *PLACES[0])
    with tarfile.open(archive) as tar:
        assert all(member.uid == member.gid == 0 for member in tar)
        tar.extractall(tmp_path)
    tree = tmp_path / PREFIX
    sums = (tree / "SHA256SUMS").read_text().splitlines()
    assert len(sums) == sum(path.is_file() for path in tree.rglob("*")) - 1
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tree, check=True)
    subprocess.run([tree / "plancheck", tree / "files/bulkhead.conf"], check=True, capture_output=True)

    blocks = re.findall(r"^```\w*\n(.*?)^```$", (tree / "README.md").read_text(encoding="utf-8"),
                        re.MULTILINE | re.DOTALL)
    mine = tree / "guests/mine/mine.c"
    mine.parent.mkdir()
    mine.write_text(next(text for text in blocks if "int main(void)" in text), encoding="ascii")
    make(tree, "GUESTS=mine", "build/guests/mine.elf")
    result = machine.boot({name: tree / "files" / name for name in ("BOOTX64.EFI", "bulkhead.elf")}
                          | {"mine.elf": tree / "build/guests/mine.elf"},
                          next(text for text in blocks if "image   = mine.elf" in text), cores=2, memory=256)
    check_ended_well(result)
    assert not lacking(result.guest("mine"), r"hello from afar, with \d+ bytes of RAM", "a second later")

# SPDX-License-Identifier: MIT
"""Files that are wrong: each error is said with its line and its reason, nothing is started, and
the machine switches itself off. build/plancheck must say the same of the same files."""
import random
import re

import pytest

import elf
from conftest import NEUTRAL
from elf import Segment
from partitions import check_refused, desk_errors, guest, images, machine_section

pytestmark = NEUTRAL

# (line, what is said of it); None: nothing.
TEXT = [
    ("[machine]", None),
    ("console = vga", "'vga' is not a console; use serial [PORT [BAUD]], screen, or both"),
    ("reserve = 512", "reserve = 512 leaves no core for guests; Bulkhead supports at most 512 cores"),
    ("reserve = 1", "'reserve' is already set at line 3"),
    ("[guest a]", None),
    ("memroy = 16M", "unknown key 'memroy'; did you mean 'memory'?"),
    ("colour = blue", "unknown key 'colour'; the keys of [guest NAME] are cores, memory, image, initrd, "
                      "disk, devices, cmdline, on_crash, on_poweroff, on_dma_fault, watchdog, debug, trace"),
    ("image = hello.elf", None),
    ("cores = 0", "a guest needs at least 1 core"),
    ("[guest A]", "guest name 'A' is already used at line 5"),
    ("memory = 0", "memory = 0 is too small: the minimum is 1M"),
    ("image = hello.elf", None),
    ("cores = 65", "'65' cores: a guest has at most 64"),
    ("[guest b]", None),
    ("memory = much", "'much' is not a size: write a whole number and K, M or G, such as 64M"),
    ("image = ../hello.elf",
     "file name '../hello.elf' contains a folder; all files must be next to bulkhead.conf"),
    ("cores = #5-2", "'#5-2' runs backwards: write #2-5"),
    ("[guest c]", "guest 'c' has no image: add 'image = kernel.elf'"),
    ("memory = 18014398509481984K",
     "memory = 18014398509481984K is more memory than any machine has"),
    ("on_crash = restart 0", "on_crash = restart 0: write 'stop' for no restart"),
    ("[guest d]", None),
    ("memory = 99999999999999999999",
     "memory = 99999999999999999999 is more memory than any machine has"),
    ("image = hello.elf", None),
    ("memory = 16M", "'memory' is already set at line 22"),
    ("cores = #512", "'#512': Bulkhead supports cores #0 to #511"),
    ("[guest bulkhead]",
     "a guest cannot be called 'bulkhead': that name marks Bulkhead's own lines"),
    ("memory = 4097K", "memory = 4097K is not a multiple of 4K: write 4096K or 4100K"),
    ("image = hello.elf", None),
    ("[gest f]", "unknown section 'gest f'; did you mean 'guest f'?"),
    ("just words", None),
    ("[guest bu1khead]", "a guest cannot be called 'bu1khead': it looks like 'bulkhead', which "
                         "marks Bulkhead's own lines"),
    ("memory: 64M", "'memory: 64M': write 'memory = 64M'"),
    ("image = Säge.elf", "byte 0xc3 in column 10 is not ASCII; only comments may hold it"),
    ("cores = 1-2", "cores = '1-2': write exact cores as '#1-2'"),
]

# What a machine with 4 cores and 512 MiB cannot give.
PLAN = """\
[machine]
console = serial
reserve = 1
[guest many]
cores = 5
memory = 16M
image = hello.elf
[guest far]
cores = #9
memory = 16M
image = hello.elf
[guest monitor]
cores = #0
memory = 16M
image = hello.elf
[guest large]
memory = 3G
image = hello.elf
[guest lost]
memory = 16M
image = hallo.elf
initrd = nothing.img
"""
PLAN_ERRORS = [
    "5: guest 'many' wants 5 cores, 3 are left (4 in the machine, 1 reserved)",
    "9: guest 'far' wants core #9, but the machine has #0 to #3",
    "13: guest 'monitor' wants core #0, which 'reserve = 1' (line 3) keeps for the monitor",
    "17: guest 'large' wants 3 GiB of memory, ",
    "21: guest 'lost': there is no image 'hallo.elf'; did you mean 'hello.elf'?",
    "22: guest 'lost': there is no initrd 'nothing.img'; the files here are: hello.elf",
]

WANTED = "; Bulkhead starts Linux bzImages, ELF kernels (PVH) and multiboot kernels"
WRONG_IMAGES = {
    "empty": (b"", "is empty"),
    "text": (b"#!/bin/sh\n", "is text" + WANTED),
    "header": (elf.image()[:40], "is cut off inside its ELF header"),
    "table": (elf.image()[:100], "is cut off: its program headers lie beyond the end of the file"),
    "cut": (elf.image()[:-1], "is cut off: a segment lies beyond the end of the file"),
    "arm": (elf.image(machine=elf.EM_AARCH64),
            "is an ELF file for a processor other than x86-64"),
    "efi": (b"MZ" + bytes(1000), "is an EFI program (PE)" + WANTED),
    "pie": (elf.image(elf_type=elf.ET_DYN), "is a position-independent executable (ET_DYN); a kernel "
            "linked at fixed addresses (ET_EXEC) is needed"),
    "none": (elf.image(with_headers=False), "has no program headers"),
    "no-note": (elf.image(note=None), "has no PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY) "
                                      "and no multiboot header"),
    "high": (elf.image(Segment(at=32 << 20)), "needs memory up to 0x200000f for a segment, but "
                                              "the guest has 16 MiB: write 'memory = 33M' or more"),
    "overlap": (elf.image(Segment(), Segment(at=elf.ENTRY + 8), elf_class=elf.CLASS_32,
                          machine=elf.EM_386),
                "has segments that overlap in memory"),
    "wrap": (elf.image(Segment(), Segment(at=2**64 - 0x1000, memsz=0x2000)),
             "has a segment that wraps around the address space"),
    "hole": (elf.image(Segment(at=0xa0000)), "has a segment at 0xa0000-0xa000f, which touches "
                                             "the reserved 0xa0000-0xfffff; link it at 0x100000 "
                                             "or higher"),
    "short": (elf.image(Segment(memsz=8)),
              "has a segment that is larger in the file than in memory"),
    "entry": (elf.image(note=elf.pvh_note(0x200000)),
              "has its PVH entry at 0x200000, where no segment has code"),
}


def said(result):
    return [line for line in result.hv if line.startswith("bulkhead.conf:")]


# abuse: BT-01
def test_text(machine, tmp_path):
    """Also: what is wrong is said in the order of the lines, and all of it."""
    conf = "".join(f"{line}\n" for line, _ in TEXT)
    want = [f"bulkhead.conf:{number}: {error}"
            for number, (_, error) in enumerate(TEXT, 1) if error]
    result = machine.boot(images("hello"), conf, cores=2, memory=512)
    check_refused(result)
    assert said(result) == want
    assert desk_errors(tmp_path, {}, conf.encode()) == want


# abuse: BT-04
def test_plan(machine, tmp_path):
    result = machine.boot(images("hello"), PLAN, cores=4, memory=512)
    check_refused(result)
    lines = said(result)
    assert len(lines) == len(PLAN_ERRORS), lines
    for line, want in zip(lines, PLAN_ERRORS):
        assert line.startswith(f"bulkhead.conf:{want}")
    large = PLAN_ERRORS.index(next(want for want in PLAN_ERRORS if "'large'" in want))
    desk = desk_errors(tmp_path, {"hello.elf": images("hello")["hello.elf"].read_bytes()},
                       PLAN.encode(), "--cores", 4, "--memory", 512)
    for index, (ours, theirs) in enumerate(zip(lines, desk)):
        if index != large:          # whose numbers are the machine's own
            assert ours == theirs


# abuse: BC-08
def test_threads_of_one_core(machine, tmp_path):
    """On a machine of two cores with two threads each."""
    conf = (machine_section(reserve=1) + guest("one", image="hello", cores="#2")
            + guest("two", image="hello", cores="#3") + guest("three", image="hello", cores=1))
    result = machine.boot(images("hello"), conf, cores=4, threads=2, memory=512)
    check_refused(result)
    assert re.fullmatch(
        r"bulkhead\.conf:\d+: guest 'two' wants core #3, a thread of the same core as #2, which guest "
        r"'one' has \(line \d+\); 'threads = shared' in \[machine\] allows it", said(result)[0])
    (tmp_path / "hello.elf").write_bytes(images("hello")["hello.elf"].read_bytes())
    assert said(result) == desk_errors(tmp_path, {}, conf.encode(), "--cores", 4, "--threads", 2)


# abuse: BI-01, BI-05
def test_images(machine, tmp_path):
    """Sixteen guests, each with an image that is broken in another way."""
    files = {f"{name}.elf": content for name, (content, _) in WRONG_IMAGES.items()}
    assert len(files) == 16
    conf = machine_section(reserve=1) + "".join(guest(name) for name in WRONG_IMAGES)
    want = [f"bulkhead.conf:{number}: guest '{name}': image '{name}.elf' {error}"
            for number, (name, (_, error)) in zip(range(6, 100, 3), WRONG_IMAGES.items())]
    result = machine.boot(files, conf, cores=2, memory=1024)
    check_refused(result)
    assert [line for line in said(result) if ": image '" in line] == want
    desk = desk_errors(tmp_path, files, conf.encode(), "--cores", 2)
    assert said(result) == desk


@pytest.mark.parametrize("conf, errors", [
    pytest.param(b"", ["bulkhead.conf: the file is empty: it needs at least one [guest NAME] section"],
                 id="empty", marks=pytest.mark.long),
    pytest.param(random.Random(1).randbytes(1 << 20),
                 ["bulkhead.conf: the file is longer than the limit of 65536 bytes"], id="noise",
                 marks=pytest.mark.long),
])
def test_file(machine, tmp_path, conf, errors):
    files = images("hello") | {"bulkhead.conf": conf}
    result = machine.boot(files, cores=2, memory=512)
    check_refused(result)
    assert result.hv[-1 - len(errors):-1] == errors
    assert desk_errors(tmp_path, {}, conf) == errors


def test_noise_within_the_limit(machine, tmp_path):
    """Every line of it is wrong; only the first errors are shown, the others are counted."""
    noise = random.Random(2).randbytes(65536)
    result = machine.boot({"bulkhead.conf": noise}, cores=2, memory=512)
    check_refused(result)
    lines = [line for line in result.hv if line.startswith("bulkhead.conf")]
    assert len(lines) == 33 and lines[-1].endswith(" more errors")
    assert lines == desk_errors(tmp_path, {}, noise)

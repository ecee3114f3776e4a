# SPDX-License-Identifier: MIT
"""A stick without a configuration surveys the machine: its report, page by page, and what it lacks."""
import re
import subprocess

import pytest

from conftest import LOG_DIR, engines
from machine import NO_GUEST_STARTED, ROOT
from partitions import NO_GUEST, check_refused, lacking
from screen import Picture
from test_keyboard import PlainPC

BEGIN = "there is no configuration: this is a survey of the machine, no guest will be started"
REFUSAL = "this machine cannot run guests; it lacks:"
CAN = "this machine has what Bulkhead needs to run guests"
END = ("no configuration: there is no \\bulkhead\\bulkhead.conf on the boot partition, so this was a "
       "survey of the machine")
FOOT = re.compile(r"page (\d+) of (\d+): any key, or 30 s, and (the next one comes|the machine is off)")


def pages_of(lines):
    """The pages, as lists of lines; what came before them; and the lines after the last page."""
    feet = [n for n, line in enumerate(lines) if FOOT.fullmatch(line)]
    assert [FOOT.fullmatch(lines[n]).groups()[:2] for n in feet] == [
        (str(n + 1), str(len(feet))) for n in range(len(feet))]
    begins = [n for n, line in enumerate(lines) if line == BEGIN]
    assert len(begins) == 2 and begins[1] < feet[0], "all is said once, and then shown in pages"
    starts = [begins[1], *(n + 1 for n in feet)]
    return ([lines[a:b] for a, b in zip(starts, feet)], lines[begins[0]:begins[1]], lines[feet[-1] + 1:])


def check_picture(path, page):
    """The last page, whole and from the top, is what the screen shows."""
    picture = Picture(path)
    columns, shown = picture.width // 8, picture.text()
    want = [row for line in page for text in [f"[bulkhead] {line}"]
            for row in [text[at:at + columns].rstrip() for at in range(0, len(text), columns)]]
    assert shown[:len(want)] == want and not any(shown[len(want):]), shown


@engines("bochs", "qemu")
def test_nobody_presses_a_key(machine):
    """The pages come by themselves and say all that the boot did; then the machine is off."""
    picture = LOG_DIR / f"survey-{machine.engine}.png"
    result = machine.boot({}, cores=2, memory=512, screen=picture)
    check_refused(result)
    pages, said, rest = pages_of(result.hv)
    assert [line for page in pages for line in page] == said
    assert rest == [NO_GUEST]
    assert said[-4] == CAN and said[-3] == END and said[-2].startswith("next: keep these pages")
    assert "bulkhead.conf beside bulkhead.elf" in said[-1]
    assert not lacking(said, r"processor: .*", r"microcode: .*", r"firmware: .*", r"memory map: .*",
                       r"IOMMU: .*", r"pci 00:00\.0 .*", r"2 of 2 cores answer, .*", r"cores #0-1: .*")
    last = len(pages)
    foot = f"page {last} of {last}: any key, or 30 s, and the machine is off"
    check_picture(picture, [*pages[-1], foot, NO_GUEST])


@engines("qemu")
def test_keys_turn_the_pages(machine, tmp_path):
    """Of a machine with so many devices that they do not fit on one; the pages are a machine for
    plancheck."""
    picture = LOG_DIR / "survey-keys.png"
    devices = " ".join("-device edu" for _ in range(25))
    with machine.spawn({}, cores=3, memory=512, early=True, screen=picture, qemu=devices) as console:
        console.expect(r"page 1 of (\d+): any key, or 30 s, and the next one comes")
        count = int(console.match[1])
        for number in range(2, count):
            console.send("x")
            console.expect_exact(f"page {number} of {count}: any key, or 30 s, and the next one")
        console.send(" ")
        console.expect_exact(f"page {count} of {count}: any key, or 30 s, and the machine is off")
        console.send("\r")
        assert console.finish() == NO_GUEST_STARTED
    lines = [line.removeprefix("[bulkhead] ") for line in
             re.sub(r"\x1b\[[0-9;=?]*[A-Za-z]", "", machine.logs[0].read_text("utf-8", "replace"))
             .replace("\r", "").split("\n") if line.startswith("[bulkhead] ")]
    pages, said, rest = pages_of(lines)
    assert count == len(pages) and count >= 2
    assert [line for page in pages for line in page] == said
    assert sum(" 1234:11e8 " in line for line in said) == 25
    check_picture(picture, [*pages[-1], f"page {count} of {count}: any key, or 30 s, and the machine is "
                            "off", *rest])
    (tmp_path / "pages").write_text("\n".join(line for page in pages for line in page))
    (tmp_path / "bulkhead.conf").write_text("[guest a]\nmemory = 64M\nimage = hello.elf\ncores = 2\n")
    (tmp_path / "hello.elf").write_bytes((ROOT / "build/guests/hello.elf").read_bytes())
    done = subprocess.run([ROOT / "build/plancheck", tmp_path / "bulkhead.conf", "--machine",
                           tmp_path / "pages"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 cores" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("engine, cpu, cores, lacks", [
    ("bochs", "core2_penryn_t9600", 2, ["EPT", "VPID", "unrestricted guest", "VMX-preemption timer",
                                        "x2APIC"]),
    ("qemu", "EPYC-Rome,+x2apic,-npt", 2, ["nested paging"]),
    ("qemu", None, 1, ["a second core (none of this processor's timers counts while a guest runs: core #0 "
                       "watches the guests' deadlines)"])])
def test_a_machine_that_lacks_something(machine, engine, cpu, cores, lacks):
    """Its report is as complete, the refusal is in it, and what follows is about that."""
    result = machine.boot({}, engine=engine, cpu=cpu, cores=cores, memory=256)
    check_refused(result)
    pages, said, _ = pages_of(result.hv)
    assert [line for page in pages for line in page] == said
    refusal = said.index(REFUSAL)
    end = said.index(END)
    assert {f"  - {what}" for what in lacks} <= set(said[refusal + 1:end])
    assert all(line.startswith("  - ") for line in said[refusal + 1:end])
    assert CAN not in said and "docs/hardware.md" in said[-1]
    assert not lacking(said, r"processor: .*", r"pci 00:00\.0 .*", rf"{cores} of {cores} cores? answers?, .*",
                       r"memory for guests: .*")


def test_a_pc_with_a_screen_and_a_keyboard_only(machine, tmp_path):
    """Nothing but the pages is to be read, and a key ends the last one at once."""
    image, picture = tmp_path / "disk.img", LOG_DIR / "survey-plain-pc.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.unlink(missing_ok=True)
    (tmp_path / "files").mkdir()
    subprocess.run([ROOT / "scripts" / "mkimage", image, tmp_path / "files"], check=True)
    pc = PlainPC(image)
    try:
        assert pc.shows("page 1 of 1: any key, or 30 s, and the machine is off", picture)
        text = Picture(picture).text()
        assert text[0] == f"[bulkhead] {BEGIN}" and f"[bulkhead] {REFUSAL}" in text
        assert any(line.startswith("[bulkhead] next: see in docs/hardware.md") for line in text)
        pc.ask("sendkey ret")
        pc.wait()
    finally:
        pc.close()

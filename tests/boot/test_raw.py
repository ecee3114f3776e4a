# SPDX-License-Identifier: MIT
"""The raw view: the terminal shows one guest's bytes as they are, until the operator's key, which
nothing that the guest sends can press or take away; then everybody else's lines."""
import contextlib
import re

import linux
from conftest import LOG_DIR, NEUTRAL
from machine import CRASHED
from operator_console import KEY, PROMPT, Operator
from partitions import check_beats, guest, images, machine_section
from screen import Picture, check_shows

pytestmark = NEUTRAL

BEGIN = "[bulkhead] raw view of guest 'raw': Ctrl-T returns to the monitor\r\n"
END = "[bulkhead] end of the raw view of guest 'raw'\r\n"
ORDER = "\x18\x1b\\\x1b<"               # what puts the terminal in order begins so
ALL = bytes(range(256)) + b"all\n"
LINE = len("said 0000\n")
ORDERED = "\x1b[999;1H\r\n"            # and ends so
FORGED = "[bulkhead] forged"


def raw_guest(**keys):
    return guest("raw", image="noise", cmdline="how=raw", **keys)


@contextlib.contextmanager
def ready(machine, conf, **options):
    """A machine whose guest `raw` has spoken, and its operator."""
    with machine.spawn(images("noise", "spin"), conf, memory=256, **options) as console:
        operator = Operator(console)
        operator.wait(r"\[raw\] raw is ready$")
        yield console, operator


def views(serial):
    """What stood on the serial line in each raw view, and in all of them the terminal was put in
    order behind it."""
    found = []
    for part in serial.split(BEGIN.encode())[1:]:
        inside, order, rest = part.partition(ORDER.encode())
        assert order and rest.partition(b"\r\n")[2].startswith(END.encode())
        found.append(inside)
    return found


def attach(operator, command="attach raw\r"):
    operator.keys(command)
    operator.see(BEGIN.strip())


def detach(operator, more=""):
    operator.keys(KEY + more)
    operator.see(END.strip())
    operator.see(PROMPT)


def told(operator, pattern):
    """The match in a line of ours that has come already, or will."""
    for line in operator.own_lines():
        if found := re.match(pattern, line):
            return found
    return operator.wait(r"\[bulkhead\] " + pattern)


# abuse: HC-15
def test_bytes_as_they_are(machine, tmp_path):
    """All of them and nobody else's; the neighbour's and our own come afterwards. The key that opens
    the monitor comes from nobody but the operator, nor do commands."""
    conf = machine_section(reserve=1) + raw_guest() + guest("canary", image="spin",
                                                            cmdline="beats")
    with ready(machine, conf, cores=3, keep=tmp_path) as (console, operator):
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        attach(operator)
        operator.keys("axyz")
        console.expect_exact("all\n")
        operator.keys("h")
        console.expect_exact("poweroff\r")
        detach(operator, "\x1b[0n\x1bP1$r0m\x1b\\poweroff\r" + KEY + "stop canary\r")
        told(operator, r"dropped \d+ bytes that came in after the end of the raw view, ")
        assert operator.state("canary")["state"] == "running"
        assert operator.state("raw")["state"] == "running"
        operator.keys("\x1b[?62;1c\x1b]lstop raw\r\x1b\\")      # an answer that comes late
        attach(operator, "\x12")                        # Ctrl-R
        operator.keys("n")
        console.expect_exact("3 others\n")
        console.send("\x1b[116;5u")                     # Ctrl-T, as it can be made to be reported
        operator.see(END.strip())
        operator.see(PROMPT)
        operator.leave()
    serial = (tmp_path / "serial.txt").read_bytes()
    first, second = views(serial)
    assert first.startswith(ALL)
    hostile = first[len(ALL):]
    assert hostile.startswith(b"\x1b[?1049h\x1b[2;5r") and hostile.endswith(b"\x14poweroff\r")
    assert FORGED.encode() in hostile and serial.count(FORGED.encode()) == 1
    assert second == b"3 others\n"
    check_beats(operator.guest_lines("canary"), machine.keeps_time)
    assert operator.guest_lines("raw") == ["raw is ready"]


# abuse: HC-09
def test_beside_one_who_talks(machine, tmp_path):
    """Who has the terminal gets all of it; what the other says meanwhile does not wait for it, and is
    counted as far as it is not kept."""
    conf = machine_section(reserve=1) + raw_guest() + guest(
        "talk", image="noise", cmdline="how=talk lines=100000 ms=1")
    with ready(machine, conf, cores=3, keep=tmp_path) as (console, operator):
        operator.open()
        attach(operator)
        operator.keys("wa")
        console.expect_exact("all\n")
        detach(operator)
        lost = int(told(operator, r"guest 'talk': (\d+) bytes dropped here$")[1])
        refused = [line for line in operator.ask("stats talk") if "writes refused" in line]
        operator.leave()
    assert views((tmp_path / "serial.txt").read_bytes()) == [b"waited\n" + ALL]
    said = [int(line.split()[1]) for line in operator.guest_lines("talk")
            if line.startswith("said ")]
    gap = next((above, below) for above, below in zip(said, said[1:]) if below != above + 1)
    assert lost == LINE * (gap[1] - gap[0] - 1) and lost > 500 * LINE
    assert said == [*range(gap[0] + 1), *range(gap[1], said[-1] + 1)]
    assert " 0 writes refused" in refused[0]


def test_over_lives(machine, tmp_path):
    """It stays with the guest's name over a restart, and ends with the last life; what was said of
    these lives comes behind it. A guest that is stopped has none."""
    conf = machine_section(reserve=1) + raw_guest() + guest("canary", image="spin",
                                                            cmdline="beats")
    with ready(machine, conf, cores=3, keep=tmp_path) as (console, operator):
        operator.open()
        attach(operator)
        operator.keys("r")
        console.expect_exact("raw is ready\n")
        operator.keys("p")
        operator.see(END.strip())
        told(operator, r"guest 'raw' asked for a restart ")
        operator.wait(r"\[bulkhead\] guest 'raw' starts on core #1")
        operator.wait(r"\[bulkhead\] guest 'raw' powered off with code 0 ")
        operator.open()
        assert operator.ask("attach raw") == ["guest 'raw' is not running"]
        assert operator.ask("attach nobody") == ["there is no guest 'nobody': `list` shows the guests"]
        operator.keys("start raw\r")
        attach(operator)
        operator.keys("n")
        console.expect_exact("0 others\n")
        detach(operator)
        operator.leave()
    found = views((tmp_path / "serial.txt").read_bytes())
    assert found[0] == b"raw is ready\n\x1b[1mlast words\n" and found[1].endswith(b"0 others\n")
    assert not re.search(r"\[raw\].*last words", "\n".join(operator.lines))


def test_ends_with_the_machine(machine, tmp_path):
    """The last guest's end is the machine's, also of one that has the terminal for itself."""
    conf = machine_section(reserve=1) + raw_guest()
    with ready(machine, conf, cores=2, keep=tmp_path) as (console, operator):
        operator.open()
        attach(operator)
        operator.keys("p")
        operator.see(END.strip())
        operator.wait(r"\[bulkhead\] guest 'raw' powered off with code 0 ")
        operator.wait(r"\[bulkhead\] every guest has ended: switching the machine off")
        assert console.finish() == 0
    assert views((tmp_path / "serial.txt").read_bytes()) == [b"\x1b[1mlast words\n"]


def test_linux(machine, tmp_path):
    """A progress bar and vi, as they send it."""
    linux.need("cloud", "busybox")
    with machine.spawn(linux.files(), linux.conf(), cores=2, memory=384, mhz=200,
                       keep=tmp_path) as console:
        operator = Operator(console)
        operator.wait(r"\[linux\] Linux .* 'poweroff' ends it")
        operator.open()
        operator.keys("attach linux\r")
        operator.see("raw view of guest 'linux': Ctrl-T returns to the monitor")
        operator.keys("\rfor i in 1 50 100; do printf '\\r%3d %%' $i; done; echo; TERM=vt102 vi /v\r")
        console.expect_exact("\r  1 %\r 50 %\r100 %")
        console.expect(r"\x1b\[.*~\x1b?.*/v")                 # its empty rows and its status line
        operator.keys("iwords of an editor\x1b")
        console.expect_exact("- /v [Modified]")
        operator.keys(":wq\r")
        console.expect_exact("\x1b[?1049l")
        operator.keys("cat /v; echo do''ne\r")
        console.expect_exact("words of an editor\r\n")
        console.expect_exact("done\r\n")
        operator.keys(KEY)
        operator.see("end of the raw view of guest 'linux'")
        operator.see(PROMPT)
        operator.keys("focus linux\r")
        operator.wait(r"\[bulkhead\] your input now goes to guest 'linux'")
        operator.keys("clear; printf '\\033[31mfil''tered\\n'\r")
        operator.wait(r"\[linux\] filtered$")
        operator.open()
        operator.leave()
    assert b"\x1b[31mfil" not in (tmp_path / "serial.txt").read_bytes()


RED, GREEN = b"\xc0\x50\x50", b"\x58\xa8\x58"      # of drivers/vt_colour.c


def test_on_the_screen(machine):
    """A small terminal above the last line. What ends this run is a line that the guest forges: in its
    view it can."""
    picture = LOG_DIR / f"raw-{machine.engine}.png"
    conf = machine_section("serial screen", reserve=1) + raw_guest()
    with ready(machine, conf, cores=2, screen=picture) as (console, operator):
        operator.open()
        attach(operator)
        operator.keys("s")
        assert console.finish() == CRASHED
    shown = Picture(picture).text()
    assert shown.pop().startswith(" keyboard: raw (Ctrl-T) | raw ")
    want = ["\ufffd\ufffd\ufffd on +--+", "", "", "", " " * 11 + "placed", "[bulkhead] PANIC: forged"]
    assert shown[:len(want)] == want
    assert not any(shown[len(want):])
    assert Picture(picture).colours(0, 0) == {RED, GREEN}


def test_the_screen_afterwards(machine, tmp_path):
    """It shows what it had shown before, and what followed; nothing of the view is left."""
    picture = LOG_DIR / f"raw-after-{machine.engine}.png"
    conf = machine_section("serial screen", reserve=1) + raw_guest()
    with ready(machine, conf, cores=2, screen=picture, keep=tmp_path) as (console, operator):
        operator.open()
        attach(operator)
        operator.keys("h")
        console.expect_exact("poweroff\r")
        detach(operator)
        operator.leave()
    serial = (tmp_path / "serial.txt").read_bytes().decode(errors="replace")
    before, _, rest = serial.partition(BEGIN)
    rows = (before + BEGIN + rest.partition(ORDERED)[2]).split("\n")
    lines = [row.rstrip("\r").rpartition("\r")[2] for row in rows]
    status = Picture(picture).text()[-1]
    assert status.startswith(" keyboard: ")
    check_shows(picture, [line for line in lines if re.match(r"\[(bulkhead|raw)\] ", line)], status)

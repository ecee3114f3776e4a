# SPDX-License-Identifier: MIT
"""What goes through the console takes nobody's time, share, keys or life: the guest on the core that
looks after it, a neighbour of a flood, text that is typed for somebody who does not read."""
import re

import pytest

from conftest import LOG_DIR, NEUTRAL
from operator_console import KEY, PROMPT, Operator
from partitions import guest, images, machine_section, with_hook
from screen import Picture

MHZ = 200
GAP_TICKS = 100 * MHZ           # 100 us
SHARE = 0.10
FLOOD_MS = 1300                 # longer than is measured


def check_gaps(found):
    longest, lost, ticks = map(int, found.groups())
    assert longest < GAP_TICKS and lost < SHARE * ticks, found[0]


# abuse: HC-09
@pytest.mark.parametrize("console, flood", [     # not lines on a screen alone: they hide the report
    ("serial", "lines"), ("serial screen", "newlines"),
    *(pytest.param(*row, marks=pytest.mark.long) for row in [
        ("serial", "newlines"), ("serial screen", "lines"), ("screen", "newlines")])])
def test_core_of_the_console(machine, console, flood):
    """Where no core is kept for the monitor, the guest on core #0 has it all but to a tenth, and
    never misses it for long: whatever a neighbour says, and to whatever devices."""
    conf = machine_section(console, reserve=0) + "".join((
        guest("gaps", cores="#0", cmdline="quiet reports=1"),
        guest("noise", cores="#1", cmdline=f"how={flood} ms={FLOOD_MS}")))
    picture = LOG_DIR / f"gaps-{console.replace(' ', '-')}-{flood}.png"
    keys = "k" * 3000 if console == "screen" else None  # at the end one of them is waited for
    result = machine.boot(images("gaps", "noise"), conf, cores=2, memory=256, mhz=MHZ,
                          screen=picture, keys=keys)
    lines = Picture(picture).text() if console == "screen" else result.lines
    found = re.search(r"gaps: longest (\d+), lost (\d+) of (\d+) ticks", "\n".join(lines))
    check_gaps(found)


# abuse: HC-09
@pytest.mark.parametrize("flood", ["clears", pytest.param("newlines", marks=pytest.mark.long)])
def test_core_beside_a_raw_view(machine, flood):
    """The same where the flood has the terminal for itself, on both devices: in all but the first part
    of the time, when the operator's command is carried out."""
    conf = machine_section("serial screen", reserve=0) + "".join((
        guest("gaps", cores="#0", cmdline="reports=4 ms=300"),
        guest("noise", cores="#1", cmdline=f"how={flood} ms={FLOOD_MS + 1000}")))
    result = machine.boot(images("gaps", "noise"), conf, cores=2, memory=256, mhz=MHZ,
                          input=f"{KEY}attach noise\r",
                          screen=LOG_DIR / f"gaps-raw-{flood}.png")
    assert "raw view of guest 'noise': Ctrl-T returns to the monitor" in result.hv
    after = result.serial.partition("end of the raw view of guest 'noise'")[2]
    parts = list(re.finditer(r"gaps: longest (\d+), lost (\d+) of (\d+) ticks", after))
    assert len(parts) == 4
    for part in parts[1:]:
        check_gaps(part)


# abuse: HC-09
@pytest.mark.parametrize("flood", [pytest.param("newlines", marks=pytest.mark.long), "lines"])
def test_core_of_no_console(machine, flood):
    """The same where there is neither a serial port nor a screen, and nothing slows the flood. The
    console comes back with the second life of the neighbour."""
    conf = machine_section(reserve=0) + "".join((
        guest("gaps", cores="#0", cmdline="quiet reports=1 wait=2000"),
        guest("noise", cores="#1", cmdline=f"how={flood} ms={FLOOD_MS}", on_poweroff="restart")))
    with machine.spawn(images("gaps", "noise") | with_hook("mute"), conf, cores=2, memory=256,
                       mhz=MHZ) as console:
        console.expect_exact("the console is off")
        console.expect_exact("the console is on again")
        assert "[noise]" not in console.before
        console.expect(r"gaps: longest (\d+), lost (\d+) of (\d+) ticks")
        check_gaps(console.match)


# abuse: HC-09
def test_share_of_a_modest_guest(machine):
    """Who says 400 bytes in a second loses none of them to one who says all that the line takes."""
    conf = machine_section(reserve=1) + "".join((
        guest("talk", image="noise", cmdline="how=talk lines=400 ms=25"),
        guest("flood", image="noise", cmdline="how=newlines ms=10500")))
    result = machine.boot(images("noise"), conf, cores=3, memory=256)
    talk = result.guest("talk")
    assert talk[-1] == "talked, 0 of 400 lines were not taken"
    assert talk[:-1] == [f"said {n:04}" for n in range(400)]
    flood = [line for line in result.guest("flood") if line]
    assert flood and all(re.fullmatch(r"\.\.\. \d+ empty lines", line) for line in flood), flood


def deaf(name="deaf"):
    return guest(name, image="spin", cmdline="how=cli")


# abuse: HC-09
@NEUTRAL
def test_text_for_a_guest_is_no_command(machine):
    """It does not read; what was typed for it is dropped, said so, and the key works behind it."""
    conf = machine_section(reserve=1) + deaf() + guest("canary", image="spin", cmdline="beats")
    with machine.spawn(images("spin"), conf, cores=3, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1$")
        operator.keys("x" * 300 + "\rstop canary\r" + "y" * 260 + KEY)
        operator.wait(r"\[bulkhead\] dropped \d+ of the bytes typed for guest 'deaf': it did not "
                      "read them$")
        operator.see(PROMPT)
        assert operator.state("canary")["state"] == "running"
        operator.leave()
    assert not [line for line in operator.own_lines() if line.startswith("> stop")]


@NEUTRAL
def test_key_behind_a_stopped_guest(machine):
    """Nothing is kept for a guest without a life, and that is said once."""
    conf = machine_section(reserve=1) + deaf() + guest("canary", image="spin", cmdline="beats")
    with machine.spawn(images("spin"), conf, cores=3, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1$")
        operator.open()
        operator.ask("stop deaf")
        operator.keys(KEY + "z" * 600)
        operator.wait(r"\[bulkhead\] guest 'deaf' is not running: your input is dropped; Ctrl-T "
                      "opens the monitor$")
        operator.open()
        operator.ask("start deaf")
        operator.leave()
    told = [line for line in operator.own_lines() if "your input is dropped" in line]
    assert len(told) == 1, told


@NEUTRAL
def test_a_life_leaves_nothing_to_the_next(machine):
    """Neither its half line and half escape sequence, nor what was typed for it."""
    conf = machine_section(reserve=1) + guest("lives", image="noise", cmdline="how=lives")
    with machine.spawn(images("noise"), conf, cores=2, memory=256) as console:
        operator = Operator(console)
        for _ in range(3):
            operator.wait(r"\[lives\] a life begins, 0 bytes are typed already$")
            operator.see("[lives] half a line")
            operator.keys("unread!\r")      # one burst: more comes at the host's pace
            operator.wait(r"\[bulkhead\] guest 'lives' asked for a restart ")
        operator.wait(r"\[lives\] a life begins, 0 bytes are typed already$")
        operator.open()
        operator.leave()

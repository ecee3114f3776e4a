# SPDX-License-Identifier: MIT
"""Guests with bad manners on the console: nobody else's line is forged, torn, lost or late."""
import re

from operator_console import PROMPT, Operator
from partitions import (check_ended_well, check_lines, guest, images, machine_section,
                        powered_off, spoken_lines)

FLOOD_BYTES = 12_000            # a second of the serial line
LOSSY_BYTES = 1_000_000         # most of which nobody waits for
BEATS = 25
FORGED = 13 + 2 + 22            # single lines, those that vary in their characters, rows
SLOW_LINES = 5
SLOW_COLUMNS = 200
COLUMNS = 80                    # of a terminal that wraps what is longer
LATE_S = 1.5


# abuse: HC-09, HC-10
def test_bad_manners(machine):
    """All at once, beside a guest that says something ten times a second."""
    conf = machine_section() + "".join((
        guest("forge", image="noise", cmdline="how=forge"),
        guest("torn", image="noise", cmdline="how=torn"),
        guest("flood", image="noise", cmdline=f"how=flood bytes={FLOOD_BYTES}"),
        guest("lossy", image="noise", cmdline=f"how=flood lossy bytes={LOSSY_BYTES}"),
        guest("canary", image="spin", cmdline=f"beats={BEATS}")))
    result = machine.boot(images("noise", "spin"), conf, cores=6, memory=512, timeout=900)
    check_lines(result)
    check_bytes(result)
    assert result.guest("canary") == [f"beat {n}" for n in range(1, BEATS + 1)]
    for name in ("forge", "torn", "flood", "lossy", "canary"):
        assert powered_off(result, name), name
    flood = [line for line in result.guest("flood") if line.startswith("flood ")]
    assert flood == [f"flood {n} of a guest" for n in range(len(flood))]
    refused = re.fullmatch(r"flooded, (\d+) bytes were not taken", result.guest("lossy")[-1])
    assert int(refused[1]) > LOSSY_BYTES / 2
    torn = result.guest("torn")
    assert "".join(torn).count("first half,") == 5 and "".join(torn).count("second half") == 5


def check_bytes(result):
    """Nothing but text and ends of lines, and a line of ours is ours; so is each row of a
    terminal."""
    text = result.serial[result.serial.index("[bulkhead] "):]
    assert set(re.findall(r"[^ -~\r\n]", text)) == {"\t", "é", "€"}
    assert not re.search(r"\r(?!\n)", text)
    assert not [line for line in result.hv if "forged" in line]
    forge = result.guest("forge")
    assert sum("forged" in line for line in forge) == FORGED
    assert "café €" in forge and "?31 degrof ]daehklub[" in forge
    too_long = [line for line in spoken_lines(result)
                if not line.startswith("[bulkhead] ") and len(line.expandtabs()) >= COLUMNS]
    assert not too_long, too_long


# abuse: HC-09
def test_slow_lines(machine):
    """Four guests print long lines through their UARTs, a byte at a time: each line stands there
    whole, its rows below each other."""
    names = ("one", "two", "three", "four")
    conf = machine_section() + "".join(
        guest(name, image="noise", cmdline=f"how=slow lines={SLOW_LINES}") for name in names)
    result = machine.boot(images("noise"), conf, cores=5, memory=512)
    check_ended_well(result)
    letters = "".join(chr(ord("a") + n % 26) for n in range(SLOW_COLUMNS))
    for name in names:
        assert result.guest(name) == [f"line {n} " + letters[len(f"line {n} "):]
                                      for n in range(1, SLOW_LINES + 1)], name
    rows = spoken_lines(result)
    torn = [(above, row) for above, row in zip(rows, rows[1:])
            if "]+ " in row and not above.startswith(row.partition("]")[0] + "]")]
    assert not torn, torn


# abuse: HC-09
def test_operator_in_the_noise(machine):
    """The monitor answers while guests flood, and shows what they lost; its prompt is not forged
    and what is typed is seen."""
    conf = machine_section(reserve=1) + "".join((
        guest("flood", image="noise", cmdline="how=flood bytes=1000000000"),
        guest("lossy", image="noise", cmdline="how=flood lossy bytes=100000000000"),
        guest("canary", image="spin", cmdline="beats")))
    with machine.spawn(images("noise", "spin"), conf, cores=4, memory=512,
                       timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1$")
        operator.open()
        stats = operator.ask("stats lossy")
        refused = [re.search(r"; (\d+) writes refused", line) for line in stats]
        assert any(found and int(found[1]) > 1000 for found in refused), stats
        operator.keys("stop lo")
        operator.see(PROMPT + "stop lo")
        operator.keys("ssy\r")
        operator.wait(r"\[bulkhead\] guest 'lossy' was stopped by the operator within \d+ us")
        operator.ask("stop flood")
        check_uptimes(operator)
        operator.leave()
    beats = operator.guest_lines("canary")
    assert beats == [f"beat {n}" for n in range(1, len(beats) + 1)]


def check_uptimes(operator):
    """`list` says how long the canary has lived, and its beats how much of that has been shown."""
    operator.wait(r"\[canary\] beat \d+$")
    uptime = float(operator.state("canary")["uptime"])
    shown = len(operator.guest_lines("canary")) / 10
    assert abs(uptime - shown) < LATE_S, (uptime, shown)

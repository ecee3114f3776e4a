# SPDX-License-Identifier: MIT
"""Writes to a page that stands in the place of a device's MSI-X table: what the guest sees of them
is what it sees of memory. A test build (tests/hook/tables.c) gives every guest such a page without
a device, so that both vendors' ways to open it for one instruction are tried."""
import re

import pytest

from conftest import engines, skip
from hostile import check_canary, check_rows, rows_in, said_by
from operator_console import Operator
from partitions import (check_ended_well, exits_of, guest, images, machine_section, powered_off,
                        with_hook)

pytestmark = engines("bochs", "qemu")

TABLE = 0xb0000000          # tests/hook/tables.c
BEATS = 5
SEVERAL = {"DM-13"}         # rows of guests with several cores


def misused(verb, at, walk=False):
    walked = " during a walk of its page tables" if walk else ""
    return (rf"it {verb} guest-physical address {at:#x}{walked}, which is the MSI-X table of its "
            r"device 'other', which it may only read")


# A frame of five words and an error code, or the instruction's own; 16-byte aligned.
ENDS = {
    "table-frame": misused("wrote to", TABLE + 0x7f8),
    "table-interrupt": misused("wrote to", TABLE + 0x7e8),
    "table-walk": misused("wrote to", TABLE, walk=True),
    "table-exec": misused("executed at", TABLE),
}
AMD_ENDS = {"table-pushf": "unhandled VM exit"}
BOCHS_GAPS = {"table-walk": "Bochs does not ask EPT before it marks an entry as accessed"}


def hostile(machine, part="tables", **keys):
    engine = "tcg" if machine.engine == "qemu" else "bochs"
    return guest("hostile", memory="4M", cmdline=f"part={part} table={TABLE} engine={engine}", **keys)


def files():
    return images("canary", "hostile") | with_hook("tables")


def boot(machine, cores):
    """What the hypervisor said in the end."""
    conf = machine_section(tsc="trusted") + guest("canary", memory="2M") + hostile(machine, cores=cores)
    with machine.spawn(files(), conf, cores=1 + cores + machine.monitor_cores, memory=256) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        for _ in range(BEATS):
            operator.wait(r"\[canary\] beat ")
        operator.open()
        operator.leave()
    check_canary(machine, BEATS)
    return operator


def test_writes(machine):
    """Every kind of instruction that writes, in every state of the processor that could show the
    step; at both CPLs, and while interrupts come. Bochs loses exceptions with several CPUs
    (CONTRIBUTING.md): there the guest is alone."""
    if machine.engine == "bochs":
        result = machine.boot(files(), machine_section() + hostile(machine), cores=1, memory=256)
        check_ended_well(result)
        exits = exits_of(powered_off(result, "hostile"))
        lines = result.guest("hostile")
    else:
        operator = boot(machine, 1)
        exits = next(exits_of(line) for line in operator.own_lines() if "'hostile' powered" in line)
        lines = said_by(machine, "hostile")
    check_rows(lines, rows_in("tables.c", "tables_storm.c") - SEVERAL - {"ABI"}, 130)
    assert exits["memory"] >= 5000 and exits["step"] >= 5000, exits


@pytest.mark.parametrize("cores", [2])
def test_cores(machine, cores):
    """None of their writes to the same word is lost."""
    boot(machine, cores)
    check_rows(said_by(machine, "hostile"), {"DM-11"} | SEVERAL, 2)


# abuse: DM-14
def test_endings(machine):
    """Uses of the page that are no write of an instruction's; each ends a life, and the next has a
    page as before. A PUSHF is as any write where the processor can be told to stop behind it."""
    ends = ENDS | AMD_ENDS
    if machine.engine == "bochs":
        ends = {name: ends[name] for name in ENDS if name not in BOCHS_GAPS}
    conf = (machine_section(tsc="trusted") + hostile(machine, part="endings", on_crash="restart")
            + guest("canary", memory="2M"))
    failed = []
    with machine.spawn(files(), conf, cores=2 + machine.monitor_cores, memory=256) as console:
        operator = Operator(console)
        for name, expected in ends.items():
            operator.wait(r"\[hostile\] ready")
            console.send(name + "\r")
            operator.wait(rf"\[hostile\] T DM-14/{name} begins")
            said = operator.wait(r"\[bulkhead\] guest 'hostile' vCPU 0 on core #\d is stopped: (.*)"
                                 r"|\[hostile\] T DM-14/.* BAD .*")
            if not re.fullmatch(expected, said[1] or ""):
                failed.append(f"{name}: {said[0]}")
        operator.wait(r"\[hostile\] ready")
        operator.open()
        operator.leave()
    assert not failed, failed
    check_canary(machine, BEATS)


@pytest.mark.parametrize("name", BOCHS_GAPS)
def test_ending_not_in_bochs(name):
    assert name in ENDS
    skip(BOCHS_GAPS[name])

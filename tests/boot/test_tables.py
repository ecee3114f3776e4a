# SPDX-License-Identifier: MIT
"""Writes to a page that stands in the place of a device's MSI-X table: what the guest sees of them
is what it sees of memory. A test build (tests/hook/tables.c) gives every guest such a page without
a device, so that both vendors' ways to open it for one instruction are tried."""
import pytest

from conftest import engines
from hostile import check_canary, check_rows, rows_in, said_by
from operator_console import Operator
from partitions import (check_ended_well, exits_of, guest, images, machine_section, powered_off,
                        with_hook)

pytestmark = engines("bochs", "qemu")

TABLE = 0xb0000000          # tests/hook/tables.c
BEATS = 5
SEVERAL = {"DM-13"}         # rows of guests with several cores


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
    check_rows(lines, rows_in("tables.c") - SEVERAL - {"ABI"}, 130)
    assert exits["memory"] >= 5000 and exits["step"] >= 5000, exits


@pytest.mark.parametrize("cores", [2])
def test_cores(machine, cores):
    """None of their writes to the same word is lost."""
    boot(machine, cores)
    check_rows(said_by(machine, "hostile"), {"DM-11"} | SEVERAL, 2)

# SPDX-License-Identifier: MIT
"""The fast path keeps its cost. A run on one core repeats instruction by instruction, so the table
of `make bench` can be held against tests/bench/limits.txt: what was measured, and 5 %. A change that
needs more has to write the new limits down, and in docs/performance.md why."""
import subprocess

import pytest

import linux
from conftest import require_setup
from machine import ROOT
from partitions import check_ended_well, images
from tool import tool

# A way through the hypervisor costs at least its saving and loading of registers.
CHEAPEST_EXIT = 50
NO_EXIT = ("deadline_arm", "timer_tick", "ipi_self", "first_touch")
PAGES, TICKS_PER_PAGE = 64 * 256, 4


def limits(name="limits.txt"):
    lines = (ROOT / "tests" / "bench" / name).read_text().splitlines()
    return {name: int(ticks) for name, ticks in (line.split() for line in lines)}


def test_exits_cost_no_more_than_they_did(machine):
    script = tool("bench")
    result = machine.boot(images("bench"), script.conf(1), cores=1, memory=script.MEMORY_MB[1],
                          mhz=script.MHZ)
    check_ended_well(result)
    rows = script.rows_of(result.serial.replace("\r", ""))
    limit = limits()
    assert set(limit) == set(rows) - set(script.UNLIMITED)
    over = {name: f"{rows[name]} of at most {limit[name]}"
            for name in limit if rows[name] > limit[name]}
    assert not over
    # What a guest does by itself, it does at its own cost.
    assert all(rows[name] < CHEAPEST_EXIT for name in NO_EXIT)
    assert rows["touch_64m"] < PAGES * TICKS_PER_PAGE + CHEAPEST_EXIT


def test_exits_on_svm_cost_no_more_than_they_did():
    require_setup("qemu")
    rows = tool("bench").svm_rows(ROOT / "build")
    limit = limits("limits_svm.txt")
    assert set(limit) == set(rows)
    assert not {name: f"{rows[name]} of at most {limit[name]}"
                for name in limit if rows[name] > limit[name]}
    assert min(rows.values()) > CHEAPEST_EXIT


@pytest.mark.parametrize("engine", ["bochs", pytest.param("qemu", marks=pytest.mark.long)])
def test_links_cost_no_more_than_they_did(engine):
    """A doorbell is one exit of who rings and none of who hears; a storm of them leaves the receiver
    most of its core. Time is Bochs' alone."""
    require_setup(engine)
    script = tool("bench")
    rows = script.link_rows(ROOT / "build", engine)
    prefix = "" if engine == "bochs" else "svm_"
    assert rows[f"{prefix}bell_exits_sender"] == 1000
    assert rows[f"{prefix}bell_exits_receiver"] == 0
    if engine == "bochs":
        limit = limits("limits_links.txt")
        assert set(limit) == set(rows) - set(script.UNLIMITED)
        assert not {name: f"{rows[name]} of at most {limit[name]}"
                    for name in limit if rows[name] > limit[name]}
        assert rows["storm_share"] > 0


@pytest.mark.long
def test_devices_are_measured():
    """make bench-devices has a row for each thing that it measures. How fast they are is the host's."""
    require_setup("qemu")
    linux.need("generic", "busybox")
    script = tool("bench-devices")
    done = subprocess.run([script.SCRIPTS / "bench-devices", ROOT / "build", "--rounds", "1"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert rows == [kind for kind in script.KINDS for _ in script.KINDS[kind].rows], done.stdout

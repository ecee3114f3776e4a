# SPDX-License-Identifier: MIT
"""Guests that do at random whatever a guest can do, on one core and on two, beside a neighbour that
must not notice. Always the same seed: `make fuzz-guest` tries others for as long as you like."""
import pytest

import fuzz_guest
from conftest import engines
from partitions import images

SEED = 1
MS = 600


# abuse: HC-14
@engines("bochs", qemu="QEMU itself aborts on what a guest does at random: 'fatal: invalid tss', or an "
                       "assertion at MOV to CR8")
@pytest.mark.parametrize("cpu", [
    pytest.param("corei7_skylake_x", marks=pytest.mark.long), "arrow_lake"])
def test_random_guests_disturb_nobody(machine, cpu):
    result = machine.boot(images("fuzz", "canary"), fuzz_guest.conf(SEED, MS), mhz=200,
                          cores=fuzz_guest.CORES, memory=512, cpu=cpu)
    outcome = fuzz_guest.judge(result, MS)
    assert not outcome.wrong
    assert outcome.ops > 5_000 and outcome.faults > 1_000
    assert all(outcome.by_class.values()), outcome.by_class

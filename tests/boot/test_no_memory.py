# SPDX-License-Identifier: MIT
"""The page pool is empty from its Nth request on (tests/hook/nopages.c): one sentence that says what
there was no page for, then power-off; never a fault, a hang or a guest on half a partition. The
long tests try every N there is: how many, a boot with enough pages says itself."""
import re

import pytest

from machine import NO_GUEST_STARTED
from partitions import check_ended_well, guest, images, with_hook

CONF = guest("hello", cmdline="noinput", cores=2) + guest("tick")
REASON = r"no (pages?|memory)\b"
REQUESTS = r"nopages: a boot makes (\d+) requests"
ENOUGH = 100_000
EVERYDAY = (("qemu", 1), ("bochs", 12), ("qemu", 40), ("bochs", 70))
PARTS = 4


def boot(machine, request_number):
    return machine.boot(images("hello", "tick") | with_hook("nopages", request_number), CONF,
                        cores=4, memory=256)


def check_no_pages(result, request_number):
    assert result.status == NO_GUEST_STARTED, (request_number, result.reason)
    assert any("no guest was started" in line for line in result.hv), (request_number, result.hv)
    assert not any(" starts on core " in line for line in result.hv), (request_number, result.hv)
    assert any(re.search(REASON, line) for line in result.hv), (request_number, result.hv)


# abuse: BU-07
@pytest.mark.parametrize("engine, request_number", EVERYDAY)
def test_out_of_pages(machine, request_number):
    check_no_pages(boot(machine, request_number), request_number)


# abuse: BU-07
@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_out_of_pages_at_every_request(machine, part):
    """A part of all N, so that two of these can run at a time."""
    enough = boot(machine, ENOUGH)
    check_ended_well(enough)
    requests = next(int(m[1]) for m in map(re.compile(REQUESTS).fullmatch, enough.hv) if m)
    assert requests > max(number for _, number in EVERYDAY)
    for number in range(1 + part, requests + 1, PARTS):
        check_no_pages(boot(machine, number), number)
    if part == 0:
        check_ended_well(boot(machine, requests + 1))       # there is none after the last

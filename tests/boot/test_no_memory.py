# SPDX-License-Identifier: MIT
"""The page pool is empty from its Nth request on (tests/hook/nopages.c): one sentence that says what
there was no page for, then power-off; never a fault, a hang or a guest on half a partition."""
import re

import pytest

from machine import POWERED_OFF
from partitions import check_ended_well, guest, images, with_hook

CONF = guest("hello", cmdline="noinput", cores=2) + guest("tick")
REASON = r"no (pages?|memory)\b"
EVERYDAY = (1, 12, 40, 70)
LONG = [n for n in range(2, 140, 3) if n not in EVERYDAY]


@pytest.mark.parametrize("request_number", [
    *EVERYDAY, *(pytest.param(n, marks=pytest.mark.long) for n in LONG)])
def test_out_of_pages(machine, request_number):
    result = machine.boot(images("hello", "tick") | with_hook("nopages", request_number), CONF,
                          engine="bochs", cores=4, memory=256)
    assert result.status == POWERED_OFF, result.reason
    refused = [line for line in result.hv if "no guest was started" in line]
    if not refused and request_number in LONG:      # all requests were served
        check_ended_well(result)
        return
    assert refused and not [line for line in result.hv if " starts on core " in line]
    assert any(re.search(REASON, line) for line in result.hv), result.hv

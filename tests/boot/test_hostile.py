# SPDX-License-Identifier: MIT
"""A guest that tries everything from inside, beside a canary that must not notice any of it. The
rows are in tests/abuse-rows.txt, docs/abuse-coverage.md says which is tried where."""
import pytest

from hostile import ALONE, check_canary, check_rows, rows_in
from operator_console import Operator
from partitions import guest, images, machine_section

BEATS_AFTER = 5


def beats_more(operator):
    """The canary has said enough since the attack."""
    for _ in range(BEATS_AFTER):
        operator.wait(r"\[canary\] beat ")


def finish(operator):
    beats_more(operator)
    operator.open()
    operator.leave()
    check_canary(operator.guest_lines("canary"), BEATS_AFTER)


@pytest.mark.parametrize("cpu", ["corei7_skylake_x", "arrow_lake"])
def test_alone(machine, cpu):
    """Checks that a guest survives, on a core of its own; without and with CET. The other core has
    the canary and the console."""
    conf = machine_section() + guest("canary", memory="2M") + guest("hostile")
    with machine.spawn(images("canary", "hostile"), conf, cores=2, memory=256, cpu=cpu) as console:
        operator = Operator(console)
        operator.wait(r"\[bulkhead\] guest 'hostile' powered off with code ")
        finish(operator)
    check_rows(operator.guest_lines("hostile"), rows_in(*ALONE), 370)

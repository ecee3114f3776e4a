# SPDX-License-Identifier: MIT
"""A deadline is a point in time. All times are the machine's own."""
from partitions import check_ended_well, guest, images, machine_section, powered_off


def test_fed_by_another_core(machine):
    """The last sign of life may be later than the look at it."""
    conf = machine_section() + guest("fed", image="watchdog", cores=2, watchdog="20ms",
                                     cmdline="other=500")
    result = machine.boot(images("watchdog"), conf, cores=3, mhz=100)
    check_ended_well(result)
    assert powered_off(result, "fed")

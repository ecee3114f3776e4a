# SPDX-License-Identifier: MIT
"""A watchdog that each core has to feed by itself, and one that any core feeds."""
import re

from partitions import check_ended_well, guest, images, machine_section, powered_off


def test_each_core_gives_its_own_sign(machine):
    """With `each` one silent core is enough to end the guest, and the report says which, and where
    each core was; a core that was never started owes nothing."""
    conf = (machine_section(reserve=1)
            + guest("all", image="watchdog", cores=2, watchdog="200ms each", cmdline="cores")
            + guest("lead", image="watchdog", cores=2, watchdog="200ms each")
            + guest("lax", image="watchdog", cores=2, watchdog="200ms", cmdline="cores mute=1")
            + guest("mute", image="watchdog", cores=2, watchdog="200ms each",
                    cmdline="cores mute=1"))
    result = machine.boot(images("watchdog"), conf, cores=9, memory=512, timeout=600)
    check_ended_well(result)
    for name in ("all", "lead", "lax"):
        assert powered_off(result, name), name
    start = next(i for i, line in enumerate(result.hv) if re.fullmatch(
        r"guest 'mute' vCPU 0 on core #7 is stopped: its watchdog has expired: no sign of life "
        r"from vCPU 1 for 200 ms", line))
    assert any(re.match(r"guest 'mute' vCPU 1 on core #8: RIP 10\w+ RSP \w+ ", line)
               for line in result.hv[start:])

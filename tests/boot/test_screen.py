# SPDX-License-Identifier: MIT
"""The screen shows what the serial port says: on machines of QEMU, which has no VT-x but another
chipset than Bochs (q35, not i440FX), and in Bochs beside a guest."""
import pytest

from conftest import LOG_DIR
from partitions import (check_ended_well, check_refused, cores_answer, guest, images, lacking,
                        machine_section, spoken_lines)
from screen import check_shows


@pytest.mark.parametrize("cores, memory", [(1, 256), (2, 512), (4, 2048), (8, 4096)])
def test_screen_of_qemu(machine, cores, memory):
    picture = LOG_DIR / f"screen-qemu-{cores}.png"
    result = machine.boot(images("hello"), guest("hello"), engine="qemu", cores=cores,
                          memory=memory, screen=picture)
    check_refused(result)
    assert cores_answer(result, cores), result.hv
    check_shows(picture, spoken_lines(result))


def test_screen_of_bochs(machine):
    """With a guest: its lines, one of them overlong, and the plan's table."""
    picture = LOG_DIR / "screen-bochs.png"
    words = " ".join(f"word{n}" for n in range(30))
    conf = machine_section("serial screen") + guest("hello", cmdline=f"noinput {words}")
    result = machine.boot(images("hello"), conf, cores=1, memory=512, screen=picture)
    check_ended_well(result)
    assert not lacking(result.guest("hello"), f"cmdline +noinput {words[:100]}.*")
    check_shows(picture, spoken_lines(result), " keyboard: hello (Ctrl-T) | hello stopped")

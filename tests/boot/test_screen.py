# SPDX-License-Identifier: MIT
"""The screen shows what the serial port says: in QEMU and in Bochs, which have different chipsets (q35
and i440FX), beside a guest and without one."""
import pytest

from conftest import LOG_DIR, engines
from partitions import (check_ended_well, check_refused, cores_answer, guest, images, lacking,
                        machine_section, spoken_lines)
from screen import check_shows


@engines("bochs", "qemu")
def test_screen(machine):
    """With a guest: its lines, one of them overlong, and the plan's table."""
    picture = LOG_DIR / f"screen-{machine.engine}.png"
    words = " ".join(f"word{n}" for n in range(30))
    conf = machine_section("serial screen") + guest("hello", cmdline=f"noinput {words}")
    result = machine.boot(images("hello"), conf, cores=1 + machine.monitor_cores, memory=512,
                          screen=picture)
    check_ended_well(result)
    assert not lacking(result.guest("hello"), f"cmdline +noinput {words[:100]}.*")
    check_shows(picture, spoken_lines(result), " keyboard: hello (Ctrl-T) | hello stopped")


@engines("qemu")
@pytest.mark.parametrize("cores, memory", [
    (1, 256), pytest.param(8, 4096, marks=pytest.mark.long)])
def test_screen_without_a_guest(machine, cores, memory):
    """Whether the machine is small or large."""
    picture = LOG_DIR / f"screen-{cores}.png"
    conf = machine_section("serial screen") + guest("hello", cores=cores)
    result = machine.boot(images("hello"), conf, cores=cores, memory=memory, screen=picture)
    check_refused(result)
    assert cores_answer(result, cores), result.hv
    check_shows(picture, spoken_lines(result))

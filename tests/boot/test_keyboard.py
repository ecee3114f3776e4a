# SPDX-License-Identifier: MIT
"""The PS/2 keyboard beside the serial port: what is typed on it reaches the guest. And the PC that
has nothing else: no serial port, only a keyboard and a screen."""
import subprocess
import sys
import time

from conftest import LOG_DIR, NEUTRAL
from machine import POWERED_OFF, ROOT, TIMEOUT_S
from screen import Picture

sys.path.insert(0, str(ROOT / "scripts"))

from emu.qemu import FIRMWARE, PROGRAM                              # noqa: E402

CONF = """\
[guest hello]
cores = 1
memory = 16M
image = hello.elf
"""


@NEUTRAL
def test_a_line_typed_on_the_keyboard(machine):
    result = machine.boot({"hello.elf": ROOT / "build/guests/hello.elf"}, conf=CONF,
                          cores=2, memory=512, keys="Hello, {World} = 42!\r")
    assert result.status == POWERED_OFF, result.reason
    assert "You typed: Hello, {World} = 42!" in result.guest("hello")


class PlainPC:
    """A QEMU machine without a serial port, by QEMU's own console."""

    def __init__(self, image):
        self._qemu = subprocess.Popen(
            [PROGRAM, "-machine", "q35,accel=tcg", "-m", "256", "-bios", FIRMWARE, "-drive",
             f"format=raw,file={image}", "-serial", "none", "-display", "none", "-net", "none",
             "-monitor", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def ask(self, command):
        self._qemu.stdin.write(command.encode() + b"\n")
        self._qemu.stdin.flush()

    def wait(self):
        """Raises where it is still on."""
        return self._qemu.wait(TIMEOUT_S)

    def close(self):
        self._qemu.kill()
        self._qemu.wait()

    def shows(self, words, picture):
        """Waits until the screen shows them."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            self.ask(f"screendump {picture} -f png")
            time.sleep(1)
            if picture.exists() and any(words in line for line in Picture(picture).text()):
                return True
        return False


def test_a_pc_without_a_serial_port(machine, tmp_path):
    image, picture = tmp_path / "disk.img", LOG_DIR / "plain-pc.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.unlink(missing_ok=True)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "bulkhead.conf").write_text(CONF)
    subprocess.run([ROOT / "scripts" / "mkimage", image, tmp_path / "files"], check=True)
    pc = PlainPC(image)
    try:
        assert pc.shows("powering off in 30 seconds; press a key to do it now", picture)
        text = Picture(picture).text()
        assert any("this machine cannot run guests; it lacks:" in line for line in text)
        pc.ask("sendkey ret")
        pc.wait()
    finally:
        pc.close()

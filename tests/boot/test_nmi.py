# SPDX-License-Identifier: MIT
"""An NMI from outside, as an NMI button makes it: core 0 takes it and says so, no guest notices."""
import re
import subprocess
import sys
import time

from machine import ROOT, TIMEOUT_S
from partitions import guest, images

sys.path.insert(0, str(ROOT / "scripts"))

from emu.qemu import FIRMWARE, PROGRAM                              # noqa: E402

CONF = guest("count", image="spin", cmdline="how=count")
LINE = "NMI: from outside, and the chipset gives no reason"


class Board:
    """A QEMU machine with SVM, by QEMU's own console; the serial port goes to a file."""

    def __init__(self, image, log):
        self._log = log
        self._qemu = subprocess.Popen(
            [PROGRAM, "-machine", "q35,accel=tcg", "-cpu", "EPYC-Rome,+x2apic", "-smp", "2", "-m",
             "256", "-bios", FIRMWARE, "-drive", f"format=raw,file={image}", "-serial",
             f"file:{log}", "-display", "none", "-net", "none", "-monitor", "stdio"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def press(self):
        self._qemu.stdin.write(b"nmi\n")
        self._qemu.stdin.flush()

    def text(self):
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def shows(self, pattern):
        """Waits until the console does."""
        deadline = time.monotonic() + TIMEOUT_S
        while not re.search(pattern, self.text()):
            if time.monotonic() > deadline or self._qemu.poll() is not None:
                return False
            time.sleep(0.2)
        return True

    def close(self):
        self._qemu.kill()
        self._qemu.wait()


def test_an_nmi_button(testbed, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    (files / "bulkhead.conf").write_text(CONF)
    (files / "spin.elf").write_bytes(images("spin")["spin.elf"].read_bytes())
    subprocess.run([ROOT / "scripts" / "mkimage", tmp_path / "disk.img", files], check=True)
    board = Board(tmp_path / "disk.img", tmp_path / "serial.txt")
    try:
        assert board.shows(r"\[count\] spinning"), board.text()
        time.sleep(3)                   # a look at LINT1 and two without a kick
        board.press()
        assert board.shows(re.escape(LINE)), board.text()
        for _ in range(50):
            board.press()
            time.sleep(0.05)
        time.sleep(2)
        text = board.text()
    finally:
        board.close()
    assert text.count(LINE) == 1, text
    assert "seen 1 time" in text
    assert not re.search("panic|is stopped", text, re.I), text

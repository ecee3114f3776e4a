# SPDX-License-Identifier: MIT
"""The machine's serial port: a pseudo-terminal whose far end the emulator opens, what the lines
that come out of it mean, and the bytes that go in."""
import collections
import fcntl
import os
import re
import struct
import termios
import tty

HYPERVISOR = b"[bulkhead]"
PANIC = b"PANIC"
RESETS = b"  the machine is reset in "
RETURNED = b"[bulkhead] back to the firmware"
NO_GUEST = b"[bulkhead] no guest was started: switching the machine off"
GUEST_STARTS = re.compile(rb"\[bulkhead\] guest '[^']*' starts ")
ESCAPES = re.compile(rb"\x1b\[[0-9;=?]*[A-Za-z]")   # firmware paints its console
HALF_ESCAPE = re.compile(rb"\x1b(\[[0-9;=?]*)?$")
MAX_LINE = 64 * 1024

# A 16550 drops what its FIFO of 16 has no room for, and Bochs' does so at once: input is typed in
# half FIFOs, slowly, and only when somebody is there to read it. QEMU's leaves in the pty what finds
# no room: there a paste can come as fast as on a real line.
PACE_BYTES = 8
PACE_S = 0.05
PASTE_BYTES = 16
PASTE_S = 0.002


class SerialPort:
    """Our end of a raw pty pair. The far end stays open here too, so that what the emulator wrote
    last can still be read when it is gone."""

    def __init__(self):
        self.fd, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self.fd, False)
        self.path = os.ttyname(self._far)

    def read(self):
        """What has arrived, b"" if nothing has."""
        try:
            return os.read(self.fd, 65536)
        except BlockingIOError:
            return b""

    def write(self, data):
        """Writes what fits and returns how much that was: nothing while the machine has not taken
        what was written before, for a busy host may leave it without time."""
        waiting, = struct.unpack("i", fcntl.ioctl(self._far, termios.FIONREAD, bytes(4)))
        if waiting:
            return 0
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def close(self):
        os.close(self.fd)
        os.close(self._far)


class LineWatch:
    """Reads along and remembers six things: the hypervisor has spoken; it has started a guest,
    and so reads what is typed; it has started none and gives up; it has panicked; it resets the
    machine after that; its loader has given the machine back to the firmware, which goes on for
    ever. Only its own lines count, a guest may print what it likes."""

    def __init__(self):
        self.spoken = False
        self.listening = False
        self.panic = None
        self.resets = False
        self.returned = False
        self.no_guest = False
        self._partial = b""

    def feed(self, data):
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-MAX_LINE:]
        for line in lines:
            line = ESCAPES.sub(b"", line).strip(b"\r")
            if line.startswith(HYPERVISOR):
                self.spoken = True
                self.listening = self.listening or bool(GUEST_STARTS.match(line))
                self.returned = self.returned or line == RETURNED
                self.no_guest = self.no_guest or line == NO_GUEST
                if PANIC in line and self.panic is None:
                    self.panic = line.decode("utf-8", "replace")
                self.resets = self.resets or self.panic is not None and RESETS in line


class WithoutFirmwarePaint:
    """A terminal that firmware may write to but not clear: escape sequences are left out until the
    hypervisor speaks."""

    def __init__(self, terminal):
        self._terminal = terminal
        self._watch = LineWatch()
        self._held = b""

    def write(self, data):
        if not self._watch.spoken:
            self._watch.feed(data)
            data = self._held + data
            half = HALF_ESCAPE.search(data)
            self._held = half.group() if half else b""
            data = ESCAPES.sub(b"", data[:len(data) - len(self._held)])
        self._terminal.write(data)

    def flush(self):
        self._terminal.flush()


class InputQueue:
    """Bytes on their way into the machine, handed out at the UART's pace."""

    def __init__(self, data=b"", paste=False):
        self._bytes, self._pause = (PASTE_BYTES, PASTE_S) if paste else (PACE_BYTES, PACE_S)
        self._chunks = collections.deque([data] if data else [])
        self._next_at = 0.0

    def __bool__(self):
        return bool(self._chunks)

    def add(self, data):
        if data:
            self._chunks.append(data)

    def wait(self, now):
        """Seconds until more may be sent."""
        return max(0.0, self._next_at - now)

    def send(self, port, now):
        if not self._chunks or now < self._next_at:
            return
        chunk = self._chunks.popleft()
        sent = port.write(chunk[:self._bytes])
        if chunk[sent:]:
            self._chunks.appendleft(chunk[sent:])
        self._next_at = now + self._pause

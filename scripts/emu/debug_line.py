# SPDX-License-Identifier: MIT
"""The machine's second serial port, for gdb: a socket in the file system, whose bytes go to a
pseudo-terminal that the emulator opens, and back. One debugger after another."""
import os
import pathlib
import socket

from .serial import SerialPort


class DebugLine:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.unlink(missing_ok=True)
        self._port = SerialPort()
        self.tty = self._port.path
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(1)
        self._debugger = None

    def watch(self, selector, event):
        """Has the selector call what is to be done."""
        self._selector, self._event = selector, event
        selector.register(self._server, event, self._on_debugger)
        selector.register(self._port.fd, event, self._on_machine)

    def _on_debugger(self, _fd):
        accepted, _ = self._server.accept()
        if self._debugger is not None:      # the line is taken
            accepted.close()
            return
        self._debugger = accepted
        self._selector.register(accepted, self._event, self._on_bytes)

    def _on_bytes(self, _fd):
        """A packet is no longer than what a pseudo-terminal holds, and the next waits for an answer."""
        try:
            data = self._debugger.recv(4096)
        except OSError:
            data = b""
        if data:
            os.write(self._port.fd, data)
            return
        self._selector.unregister(self._debugger)
        self._debugger.close()
        self._debugger = None

    def _on_machine(self, _fd):
        """What nobody listens to is lost, as on a line."""
        data = self._port.read()
        if self._debugger is not None:
            try:
                self._debugger.sendall(data)
            except OSError:
                pass                        # it has gone, and its end will be read

    def close(self):
        self._server.close()
        self.path.unlink(missing_ok=True)
        if self._debugger is not None:
            self._debugger.close()
        self._port.close()

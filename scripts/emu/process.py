# SPDX-License-Identifier: MIT
"""Child processes that cannot outlive us."""
import ctypes
import os
import signal
import subprocess

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
GRACE_S = 2


def start(command, **popen):
    """Starts `command` in its own process group; the kernel kills it should we die uncleanly."""
    parent = os.getpid()

    def die_with_parent():
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:          # it died before the line above
            os._exit(1)

    # A session of its own also keeps Ctrl-C on our terminal from reaching the child directly.
    return subprocess.Popen([str(word) for word in command], start_new_session=True,
                            preexec_fn=die_with_parent, **popen)


def end(process):
    """Ends the whole process group: politely, then not."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        try:
            os.killpg(process.pid, how)
            process.wait(GRACE_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    return process.wait()

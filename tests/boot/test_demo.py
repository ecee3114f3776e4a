# SPDX-License-Identifier: MIT
"""The demo, as `make demo` runs it: scripts/demo knows what has to happen."""
import subprocess
import sys

from conftest import LOG_DIR, NEUTRAL
from machine import ROOT


@NEUTRAL
def test_demo(machine):
    subprocess.run(["make", "-s", "build/demo"], cwd=ROOT, check=True)
    LOG_DIR.mkdir(parents=True, exist_ok=True)
    log = LOG_DIR / "test_demo.txt"
    with log.open("wb") as output:
        done = subprocess.run([sys.executable, ROOT / "scripts" / "demo", ROOT / "build" / "demo",
                               machine.engine], stdout=output, stderr=subprocess.PIPE, text=True,
                              check=False)
    machine.logs.append(log)
    assert done.returncode == 0, done.stderr

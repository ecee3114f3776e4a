# SPDX-License-Identifier: MIT
"""Fixtures of the boot tests. Tests are independent of each other: run them with -n 2 to use two
cores. Serial logs stay in build/test-logs/."""
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import ROOT, Machine                                   # noqa: E402

LOG_DIR = ROOT / "build" / "test-logs"
BUILT = ("BOOTX64.EFI", "bulkhead.elf")


def skip(why):
    pytest.skip(f"skipped, because {why}")


def missing(why):
    """What scripts/setup installs is not there: with CI set in the environment, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is set, and {why}", pytrace=False)
    skip(why)


@pytest.fixture(scope="session")
def testbed():
    """Everything that scripts/setup provides is there."""
    check = subprocess.run([ROOT / "scripts" / "setup", "--check"], capture_output=True, text=True,
                           check=False)
    if check.returncode != 0:
        missing(f"scripts/setup has to run first: {check.stdout.strip() or check.stderr.strip()}")


@pytest.fixture
def bare_machine(testbed, request):
    """Boots whatever the test brings along; needs no hypervisor."""
    module = request.node.module.__name__
    return Machine(f"{module}-{request.node.name}", LOG_DIR)


@pytest.fixture
def machine(bare_machine):
    """Boots the hypervisor that was built."""
    for name in BUILT:
        if not (ROOT / "build" / name).is_file():
            missing(f"build/{name} is missing: run make first")
    return bare_machine


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only run when asked for by -m long")
    # Debian 12's pexpect is older than its Python.
    config.addinivalue_line("filterwarnings", "ignore:setDaemon:DeprecationWarning")


def pytest_collection_modifyitems(config, items):
    if config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failure shows the end of what the machine said."""
    outcome = yield
    report = outcome.get_result()
    booted = getattr(item, "funcargs", {}).get("bare_machine")
    if report.when == "call" and report.failed and booted and booted.logs:
        report.sections.append(("serial log, the end of it", booted.tail()))

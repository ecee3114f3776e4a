# SPDX-License-Identifier: MIT
"""Fixtures of the boot tests. Tests are independent of each other: run them with -n 2 to use two
cores. Serial logs stay in build/test-logs/.

A test boots in Bochs. One that is to run in other engines too, once in each, says so for itself or
for its module:

    pytestmark = engines("bochs", "qemu")

    @engines("bochs", qemu="TCG lets a guest's INIT reset the core")    # skipped there, for that reason
    def test_...(machine):

What is the same on every processor, above kernel/virt.h, and judges no time is NEUTRAL: QEMU, which is
faster, does it in every run, and Bochs in those of `make test-long`.
"""
import functools
import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from machine import ROOT, Machine                                   # noqa: E402

LOG_DIR = ROOT / "build" / "test-logs"
BUILT = ("BOOTX64.EFI", "bulkhead.elf")
ENGINES = ("bochs", "qemu")
DEFAULT_ENGINE = "bochs"
SHORT = ("test_plancheck", "test_testbed")      # last, so that all workers end at about the same time


def engines(*names, long=(), **gaps):
    """The mark of a test that runs in each of the engines `names`, and in those of `long` only when
    long tests are asked for. `gaps` names engines that lack something, and what: there it is
    skipped."""
    for name in (*names, *long, *gaps):
        if name not in ENGINES:
            raise ValueError(f"{name} is not one of the engines {', '.join(ENGINES)}")
    return pytest.mark.engines(*names, long=long, **gaps)


NEUTRAL = engines("qemu", long=["bochs"])


def skip(why):
    pytest.skip(f"skipped, because {why}")


def missing(why):
    """What scripts/setup installs is not there: with CI set in the environment, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is set, and {why}", pytrace=False)
    skip(why)


@functools.cache
def lacking_setup(engine):
    """What scripts/setup would have to install for this engine; None if nothing."""
    check = subprocess.run([ROOT / "scripts" / "setup", "--check", engine], capture_output=True,
                           text=True, check=False)
    return None if check.returncode == 0 else check.stdout.strip() or check.stderr.strip()


def require_setup(*names):
    for why in filter(None, map(lacking_setup, names)):
        missing(f"scripts/setup has to run first: {why}")


@pytest.fixture(scope="session")
def testbed():
    """Everything that scripts/setup provides is there."""
    require_setup(*ENGINES)


@pytest.fixture
def engine(request):
    """The emulator that this run of the test boots in. What a test parametrises itself comes first."""
    name, gap = getattr(request, "param", (DEFAULT_ENGINE, None))
    if gap:
        skip(gap)
    return name


@pytest.fixture
def bare_machine(engine, request):
    """Boots whatever the test brings along; needs no hypervisor."""
    require_setup(engine)
    module = request.node.module.__name__
    return Machine(f"{module}-{request.node.name}", LOG_DIR, engine)


@pytest.fixture
def machine(bare_machine):
    """Boots the hypervisor that was built."""
    for name in BUILT:
        if not (ROOT / "build" / name).is_file():
            missing(f"build/{name} is missing: run make first")
    return bare_machine


def pytest_generate_tests(metafunc):
    """A test that boots and is marked with engines() runs once in each."""
    mark = metafunc.definition.get_closest_marker("engines")
    if mark and "engine" in metafunc.fixturenames:
        gaps = dict(mark.kwargs)
        long = gaps.pop("long")
        rows = [pytest.param((name, gaps.get(name)), id=name) for name in (*mark.args, *gaps)]
        rows += [pytest.param((name, None), id=name, marks=pytest.mark.long) for name in long]
        metafunc.parametrize("engine", rows, indirect=True)


def pytest_configure(config):
    config.addinivalue_line("markers", "engines: the emulators that a test runs in, see engines()")
    config.addinivalue_line("markers", "long: takes minutes; only run when asked for by -m long")
    # Debian 12's pexpect is older than its Python.
    config.addinivalue_line("filterwarnings", "ignore:setDaemon:DeprecationWarning")


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.module.__name__ in SHORT)
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

# SPDX-License-Identifier: MIT
"""A newer set of files in \\bulkhead\\next\\: it is tried once, and kept only if that boot is confirmed.
What QEMU keeps between two starts is a file with the firmware's variables; Bochs' firmware has them in
memory, and forgets them."""
import re

import pytest

import elf
from conftest import engines
from machine import CONF, CRASHED, LOADER_REFUSED, POWERED_OFF, ROOT
from partitions import check_ended_well, guest, images, lacking, machine_section, powered_off

CTRL_T = "\x14"
TRIED = r"\\bulkhead\\next is tried: unless it is confirmed, the next boot takes \\bulkhead"
CONFIRMED = r"\\bulkhead\\next was confirmed: it is taken"
UNCONFIRMED = r"\\bulkhead\\next was tried and not confirmed; taking \\bulkhead"
STORED = r"\\bulkhead\\next is taken from now on: the firmware has stored the confirmation"
SEVEN = b"\xb8\x05\x00\x48\x42\xbb\x07\x00\x00\x00\x0f\x01\xd9"    # mov eax, power-off; mov ebx, 7; vmmcall
OLD = machine_section() + guest("older", image="hello", cmdline="noinput")
NEW = guest("newer", image="hello", cmdline="noinput")


class Board:
    """A machine whose disk and whose firmware's variables stay while it is off."""

    def __init__(self, machine, work):
        self._machine = machine
        self._next = work / "next"
        self._options = {"engine": "qemu", "cores": 2, "memory": 256, "vars": work / "vars.fd",
                         "next": self._next}
        self._next.mkdir()
        self.old = OLD

    def put(self, conf, **files):
        """A newer set: its configuration, the guests' image, and files {name: bytes} or without one."""
        contents = {"hello.elf": images("hello")["hello.elf"].read_bytes(), CONF: conf.encode()}
        for name, content in {**contents, **files}.items():
            if content is not None:
                (self._next / name).write_bytes(content)

    def boot(self, **options):
        return self._machine.boot(images("hello"), self.old, **{**self._options, **options})

    def spawn(self):
        return self._machine.spawn(images("hello"), self.old, **self._options)

    def boots_old(self, *lines):
        """The next boot takes the older set, and says these lines."""
        result = self.boot()
        check_ended_well(result)
        assert powered_off(result, "older") and not powered_off(result, "newer")
        assert not lacking(result.hv, *lines), result.hv
        return result

    def boots_new(self, *lines):
        result = self.boot()
        check_ended_well(result)
        assert powered_off(result, "newer") and not powered_off(result, "older")
        assert not lacking(result.hv, *lines), result.hv
        return result


@pytest.fixture
def board(machine, tmp_path):
    return Board(machine, tmp_path)


@engines("qemu", bochs="Bochs' firmware keeps its variables in memory: they are lost with a reset")
def test_tried_once(board):
    board.put(machine_section() + NEW)
    board.boots_new(TRIED, "what confirms it: `confirm` in the monitor")
    for _ in range(2):
        result = board.boots_old(UNCONFIRMED)
        assert "Bulkhead: taking \\bulkhead" in result.serial       # the loader's own word
    board.put(machine_section() + NEW + "# another set\n")
    board.boots_new(TRIED)
    board.boots_old(UNCONFIRMED)


def test_operator(board):
    board.put(machine_section() + guest("newer", image="hello"))     # which waits for a line
    with board.spawn() as console:
        console.expect("guest 'newer' starts on core #1")
        console.send(CTRL_T)
        console.expect("bulkhead> ")
        console.send("confirm\r")
        console.expect(r"\\bulkhead\\next is confirmed by the operator")
        console.expect(STORED)
        console.send("confirm\r")
        console.expect(r"\\bulkhead\\next is confirmed already")
        console.send("isolation\r")                                  # the machine goes on
        console.expect("what is not isolated:")
        console.send("poweroff\r")
        assert console.finish() == POWERED_OFF
    for _ in range(2):
        with board.spawn() as console:
            console.expect(CONFIRMED)
            console.expect("guest 'newer' starts on core #1")
            console.send(CTRL_T)
            console.expect("bulkhead> ")
            console.send("confirm\r")
            console.expect("no set of files is tried in this boot: there is nothing to confirm")
            console.send("poweroff\r")
            assert console.finish() == POWERED_OFF


def test_poweroff(board):
    board.put(machine_section(confirm="poweroff newer") + NEW)
    board.boots_new(TRIED, "what confirms it: .* or the power-off with code 0 of guest 'newer'",
                    r"\\bulkhead\\next is confirmed by guest 'newer': power-off with code 0", STORED)
    board.boots_new(CONFIRMED)


def test_before_a_reset(board):
    """The guest's core, which resets the machine, waits for the one that calls the firmware."""
    board.put(machine_section(confirm="poweroff newer")
              + guest("newer", image="hello", cmdline="noinput", on_poweroff="reboot"))
    result = board.boot()
    assert result.status == CRASHED and "the machine was reset" in result.reason
    assert not lacking(result.hv, r"\\bulkhead\\next is confirmed by guest .*")
    result = board.boot()
    assert result.status == CRASHED and not lacking(result.hv, CONFIRMED)


def test_poweroff_with_another_code(board):
    """The guest says that something is wrong with it."""
    board.put(machine_section(confirm="poweroff newer")
              + guest("newer", image="seven"), **{"seven.elf": elf.image(elf.Segment(data=SEVEN))})
    result = board.boot()
    check_ended_well(result)
    assert powered_off(result, "newer", 7) and lacking(result.hv, STORED)
    board.boots_old(UNCONFIRMED)


@pytest.mark.parametrize("calls", [1, 0])
def test_watchdog(board, calls):
    board.put(machine_section(confirm="watchdog newer")
              + guest("newer", image="watchdog", watchdog="60s", cmdline=f"calls={calls}"),
              **{"watchdog.elf": images("watchdog")["watchdog.elf"].read_bytes()})
    if calls == 0:
        assert not lacking(board.boots_new(TRIED).hv, "what confirms it: .* first watchdog call .*")
        board.boots_old(UNCONFIRMED)
        return
    board.boots_new(r"\\bulkhead\\next is confirmed by guest 'newer': watchdog call", STORED)
    board.boots_new(CONFIRMED)


@pytest.mark.parametrize("conf, files, why", [
    (NEW, {"hello.elf": None}, r"hello\.elf: is missing on the boot volume"),
    (NEW, {"bulkhead.elf": b"\x7fELF"}, r"bulkhead\.elf: is cut off inside its ELF header"),
    (NEW + "memory = 17M\n", {}, r"bulkhead\.conf:7: 'memory' is already set at line 4"),
])
def test_broken(board, conf, files, why):
    """What the loader can know: the older set runs in the same boot, and nothing counts as tried."""
    board.put(machine_section() + conf, **files)
    board.boots_old(rf"\\bulkhead\\next\\{why}; taking \\bulkhead")
    if "hello.elf" in files:
        board.put(machine_section() + conf)
        board.boots_new(TRIED)


def test_hypervisor_of_another_version(board):
    """It does not know the loader's hand-over, but that it is only tried."""
    program = (ROOT / "build" / "bulkhead.elf").read_bytes()
    board.put(machine_section() + NEW, **{"bulkhead.elf": elf.returning(program, "handover_check", 0)})
    result = board.boot()
    assert result.status == CRASHED and "the machine was reset" in result.reason
    assert result.hv[-1] == "no guest was started: starting the machine again"
    board.boots_old(UNCONFIRMED)


def test_refused_plan(board):
    """What the hypervisor alone can know: it starts the machine again by itself."""
    board.put(machine_section() + guest("newer", image="hello", memory="2G"))
    result = board.boot()
    assert result.status == CRASHED and "the machine was reset" in result.reason
    assert result.hv[-1] == "no guest was started: starting the machine again"
    board.boots_old(UNCONFIRMED)


@pytest.mark.parametrize("keys, why", [
    ({}, r"\\bulkhead\\next is tried"),
    ({"on_panic": "reboot"}, "on_panic = reboot"),
])
def test_panic(board, keys, why):
    """The machine comes back with the older set, and nobody was there."""
    program = (ROOT / "build" / "bulkhead.elf").read_bytes()
    board.put(machine_section(**keys) + guest("newer", image="escape"),
              **{"bulkhead.elf": elf.overwritten(program, "crash_guest", elf.PROLOGUE + elf.UD2),
                 "escape.elf": images("escape")["escape.elf"].read_bytes()})
    result = board.boot()
    assert result.status == CRASHED and any("PANIC" in line for line in result.hv)
    assert not lacking(result.hv, rf"  the machine is reset in 5 seconds \({why}\)")
    board.boots_old(UNCONFIRMED)


@pytest.mark.parametrize("code, fault", [
    (elf.UD2 + b"\x90", r"#UD \(vector 6, error code 0x0\)"),
    # mov eax, [0x1000000], which is the guest's: the firmware could not read it
    (b"\x8b\x04\x25\x00\x00\x00\x01", r"#PF \(vector 14, error code 0x0\)"),
])
def test_fault_in_the_firmware(board, code, fault):
    """Told as what it is. Here the call itself is spoilt: on the tables that the firmware would have."""
    program = (ROOT / "build" / "bulkhead.elf").read_bytes()
    at = program.index(b"\x41\xff\xd6", elf.offset_of(program, elf.address_of(program, "runtime_call")))
    board.put(machine_section(confirm="poweroff newer") + NEW,
              **{"bulkhead.elf": program[:at] + code + program[at + len(code):]})
    result = board.boot()
    assert result.status == CRASHED
    assert not lacking(result.hv, rf"PANIC on core #0: {fault}",
                       r"  in the firmware: SetVariable of the UEFI runtime services, .*",
                       r"  every guest is lost, and unless .*, the next boot takes \\bulkhead",
                       r"  #0 0x[0-9a-f]+ runtime_call\+0x[0-9a-f]+")
    if "#PF" in fault:
        assert not lacking(result.hv, "  RIP .* CR2 0x1000000 .*")
        first, last = re.search(r"newer +#1 +16 MiB +(0x\w+)-(0x\w+)", result.serial).groups()
        assert int(first, 16) <= 0x1000000 <= int(last, 16)
    board.boots_old(UNCONFIRMED)


def test_without_an_older_set(board):
    board.put(machine_section() + NEW)
    board.old = None
    result = board.boot()
    check_ended_well(result)
    result = board.boot()
    assert result.status == LOADER_REFUSED
    assert result.hv[-3:] == [r"\bulkhead\next was tried and not confirmed",
                              r"\bulkhead\bulkhead.conf: is missing on the boot volume",
                              "back to the firmware"]


def test_no_core_for_the_monitor(machine, tmp_path):
    """The firmware is called when all guests have ended. Here it keeps nothing, but stores it."""
    board = Board(machine, tmp_path)
    board.put(machine_section(reserve=0, confirm="poweroff newer") + NEW)
    result = board.boot(engine="bochs", vars=None, cores=1)
    check_ended_well(result)
    assert not lacking(result.hv, TRIED, r"\\bulkhead\\next is confirmed by guest 'newer': power-off "
                       r"with code 0; no core is kept for the monitor, so this is stored when all "
                       r"guests have ended", STORED)

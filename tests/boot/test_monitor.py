# SPDX-License-Identifier: MIT
"""The monitor: an operator stops, starts and looks, and whoever is not meant does not notice."""
import re

import pytest

from conftest import NEUTRAL, engines
from operator_console import Operator
from partitions import check_beats, guest, images, machine_section

STOP_LIMIT_US = 10_000
KINDS = {"count": 1, "cli": 1, "waiting": 2}   # of stubborn guests, with their cores


def check_whole(operator, names):
    """Every line has the prefix of one that may speak."""
    start = next(i for i, line in enumerate(operator.lines) if line.startswith("[bulkhead] "))
    speakers = re.compile(r"\[(bulkhead|%s)\]\+? " % "|".join(names))
    wrong = [line for line in operator.lines[start:] if line and not speakers.match(line + " ")]
    assert not wrong, wrong


def stops(operator, name):
    """How long each stop of a guest by the operator took, in us."""
    line = re.compile(rf"guest '{name}' was (?:stopped|restarted|killed) by the operator within "
                      r"(\d+) us after \d+ ms; \d+ exits?")
    return [int(found[1]) for found in map(line.match, operator.own_lines()) if found]


def memory(operator):
    """What the monitor says of it; a guest may start in between."""
    return [line for line in operator.ask("memory") if not line.startswith("guest '")]


def stubborn(**keys):
    return "".join(guest(name, image="spin", cores=cores, cmdline=f"how={name}", **keys)
                   for name, cores in KINDS.items())


def stop_and_start(machine, operator, name):
    operator.keys(f"stop {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was stopped by the operator ")
    assert operator.ended(name)["state"] == "stopped"
    assert operator.ask(f"stop {name}") == [f"guest '{name}' is not running"]
    operator.keys(f"start {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    assert operator.ask(f"start {name}")[-1] == f"guest '{name}' is already running"
    operator.keys(f"restart {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was restarted by the operator ")
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    operator.keys(f"kill {name}\r")
    operator.wait(rf"\[bulkhead\] guest '{name}' was killed by the operator ")
    row = operator.ended(name)
    assert (row["state"], row["end"], row["lives"]) == ("stopped", "killed", "3")
    lived = operator.lived(name)[-1]
    assert abs(float(row["uptime"]) * 1000 - lived) < 1     # its last life, which goes on no more
    operator.keys(f"restart {name}\r")                  # also starts one that is stopped
    operator.wait(rf"\[bulkhead\] guest '{name}' starts on core #\d, ")
    times = stops(operator, name)
    assert len(times) == 3
    assert not machine.keeps_time or max(times) < STOP_LIMIT_US, times


# abuse: HL-02
@engines("bochs", "qemu")
def test_life_cycle(machine):
    """With a core for the monitor: guests that do not want to end do, at once, and the neighbour's
    beats go on."""
    conf = machine_section(reserve=1) + guest("canary", image="spin", cmdline="beats") + stubborn()
    with machine.spawn(images("spin"), conf, cores=7, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        pool = memory(operator)
        for name, cores in KINDS.items():
            row = operator.state(name)
            assert (row["state"], row["cores"], row["lives"]) == ("running", str(cores), "1")
            stop_and_start(machine, operator, name)
        assert memory(operator) == pool
        operator.leave()
    check_whole(operator, ["canary", *KINDS])
    assert check_beats(operator.guest_lines("canary"), machine.keeps_time) > 10
    assert operator.own_lines()[-1] == "the operator typed `poweroff`: switching the machine off"


@pytest.mark.parametrize("how", [pytest.param("count", marks=pytest.mark.long), "cli"])
def test_no_core_for_the_monitor(machine, how):
    """The only core is the guest's: its timer exits bring the monitor, whatever the guest does."""
    conf = machine_section() + guest(how, image="spin", cmdline=f"how={how}")
    with machine.spawn(images("spin"), conf, cores=1, memory=256, timeout=900) as console:
        operator = Operator(console)
        operator.wait(rf"\[{how}\] ")
        operator.open()
        shown = operator.ask(f"regs {how}")
        assert shown[0] == f"{how} vCPU 0 on core #0:"
        assert shown[1].startswith("  RIP 10") and shown[1].endswith(" CPL 0, 64-bit mode")
        stop_and_start(machine, operator, how)
        operator.leave()
    check_whole(operator, [how])


@NEUTRAL
def test_commands(machine):
    """What can be looked at, how a line is typed, and what is answered to mistakes."""
    conf = (machine_section(reserve=1) + guest("hello") + guest("count", image="spin")
            + guest("canary", image="spin", cores=1, cmdline="beats"))
    with machine.spawn(images("hello", "spin"), conf, cores=5, memory=512, timeout=900) as console:
        operator = Operator(console)
        operator.wait(r"\[canary\] beat 1\b")
        operator.open()
        check_help(operator)
        check_looking(operator)
        check_log(operator)
        check_mistakes(operator)
        check_typing(operator)
        check_focus(operator)
        operator.leave()
    check_whole(operator, ["hello", "count", "canary"])
    check_beats(operator.guest_lines("canary"), machine.keeps_time)


@NEUTRAL
def test_after_a_crash(machine):
    """What was said of a crash can be read later, also when the guest lives again; and registers of
    a life that has ended."""
    conf = (machine_section(reserve=1) + guest("escape", on_crash="restart 1")
            + guest("two", image="spin", cores=2, cmdline="how=cli", watchdog="100ms")
            + guest("canary", image="spin", cmdline="beats"))
    with machine.spawn(images("escape", "spin"), conf, cores=5, memory=512,
                       timeout=900) as console:
        operator = Operator(console)
        operator.wait_all(
            r"\[bulkhead\] guest 'escape' has been restarted 1 time: it stays stopped",
            r"\[bulkhead\] guest 'two' was stopped after ")
        operator.open()
        check_crash(operator, "escape", "life 2 of 2", said=operator.own_lines())
        shown = check_crash(operator, "two", "life 1 of 1", said=operator.own_lines())
        assert shown[-1] == "guest 'two' vCPU 1 on core #3: waits for a SIPI"
        assert operator.ask("crash canary") == [
            "guest 'canary' has not crashed since the machine started"]
        shown = operator.ask("regs escape")
        assert shown[0] == "escape vCPU 0 on core #1, when its life ended:" and len(shown) == 8
        operator.keys("kill canary\r")
        operator.wait(r"\[bulkhead\] guest 'canary' was killed by the operator ")
        operator.wait(r"\[bulkhead\] every guest has ended; the monitor is open")    # not in an answer
        shown = operator.ask("crash canary")
        assert re.fullmatch(r"canary, \d+ ms ago, in life 1 of 1:", shown[0])
        assert shown[1] == "  | guest 'canary' was killed by the operator"
        assert re.match(r"  \| guest 'canary' vCPU 0 on core #4: RIP 10\w+ RSP ", shown[2]) and len(shown) == 3
        operator.leave()


def check_crash(operator, name, where, said):
    """`crash` repeats, after one line of its own, the last diagnosis in what has been said."""
    shown = operator.ask(f"crash {name}")
    assert re.fullmatch(rf"{name}, \d+ ms ago, in {where}:", shown[0])
    lines = [line.removeprefix("  | ") for line in shown[1:]]
    start = re.compile(rf"guest '{name}' vCPU 0 on core #\d is stopped: ")
    at = max(i for i, line in enumerate(said) if start.match(line))
    assert len(lines) > 15 and lines[0] == said[at]
    rest = iter(said[at:])                      # other guests' lines may stand between
    assert all(line in rest for line in lines), (lines, said[at:])
    return lines


def check_help(operator):
    lines = operator.ask("help")
    names = [line.split()[0] for line in lines]
    assert names == ["help", "list", "stop", "start", "restart", "kill", "focus", "attach", "break", "regs",
                     "vmcs", "vmcb", "crash", "stats", "trace", "trace", "plan", "isolation", "log", "log", "cpu", "memory",
                     "machine", "pci", "confirm", "reboot", "poweroff", "Ctrl-T", "Ctrl-R"]


def check_looking(operator):
    shown = operator.ask("regs count")
    assert shown[0] == "count vCPU 0 on core #2:" and len(shown) == 8
    shown = operator.ask("stats canary")
    assert re.match(r"canary: \d+ exits: .*\d+ hypercall", shown[0])
    assert re.match(r"  vCPU 0: \d+ events injected; hypercalls: .*console-write \d+", shown[1])
    assert any(re.fullmatch(r"  console: \d+ lines, \d+ bytes; 0 writes refused .*", line)
               for line in shown)
    assert re.fullmatch(r"  its memory was cleared and its image copied in \d+ us", shown[-1])
    shown = operator.ask("trace canary")
    assert re.fullmatch(r"canary vCPU 0, the last 16 of \d+ exits:", shown[0])
    assert len(shown) == 17 and " hypercall " in "".join(shown)
    times = [int(line.split(" us ago ")[0]) for line in shown[1:]]
    assert times == sorted(times, reverse=True), times     # one clock for all rows
    shown = operator.ask("plan")
    assert shown[0] == "3 guests; core #0 is kept for the monitor"
    shown = operator.ask("isolation")
    assert shown[0] == "who owns what:" and "what is not isolated:" in shown
    assert sum(line.startswith("  count ") for line in shown) == 3  # its memory, its core, its timer
    shown = operator.ask("cpu")
    owners = [line.split(": ")[1].split(";")[0] for line in shown]
    assert owners == ["the monitor", "guest hello", "guest count", "guest canary", "unused"]
    shown = operator.ask("memory")
    assert re.fullmatch(r"page pool: \d+ of \d+ pages used, sealed", shown[0])


def check_log(operator):
    """What happened is in the log; what the operator typed and read is not."""
    shown = operator.ask("log")
    assert shown and all(line.startswith("  | ") for line in shown), shown
    assert any(line.startswith("  | guest 'hello' starts on core #1") for line in shown)
    answers = [line for line in shown
               if re.match(r"  \| (> |canary: \d+ exits|canary vCPU|page pool: |there is no )", line)]
    assert not answers, answers


def check_mistakes(operator):
    for line, answer in {
            "strat hello": "unknown command 'strat': did you mean 'start'?",
            "LIST": "unknown command 'LIST': did you mean 'list'?",
            "halt": "unknown command 'halt': did you mean 'poweroff'?",
            "xyzzy": "unknown command 'xyzzy': `help` lists the commands",
            "quit": "Ctrl-T gives the keyboard to a guest; `poweroff` switches the machine off",
            "stop": "usage: stop GUEST",
            "stop hello count": "usage: stop GUEST",
            "list all": "usage: list",
            "stop nobody": "there is no guest 'nobody': `list` shows the guests",
            "regs Count": "there is no guest 'Count': did you mean 'count'?",
            "a b c d e": "too many words, or one too long: `help` lists the commands",
            "x" * 60: "too many words, or one too long: `help` lists the commands",
            "start count": "guest 'count' is already running"}.items():
        assert operator.ask(line) == [answer], line
    assert operator.ask("?") == operator.ask("help")
    assert operator.ask("") == []
    assert operator.ask("   ") == []


def check_typing(operator):
    """Completion, history and the keys of a line editor."""
    operator.keys("reg\tcou\t\r")
    assert operator.answer("regs count ")[0] == "count vCPU 0 on core #2:"
    operator.keys("stop c\t\t\x15")                 # two guests begin so: they are listed
    operator.wait(r"\[bulkhead\]   count  canary")
    operator.keys("re\t\t\x15")
    operator.wait(r"\[bulkhead\]   restart  regs  reboot")
    operator.keys("cpx\x7fu\r")
    assert operator.answer("cpu")[0].startswith("core #0 ")
    operator.keys("u\x1b[Dp\x1b[Hc\x1b[F\r")         # built back to front with the arrows
    assert operator.answer("cpu")[0].startswith("core #0 ")
    operator.ask("memory")
    operator.keys("\x1b[A\x1b[A\r")                 # the mark is the newest, memory before it
    assert operator.answer("memory")[0].startswith("page pool")
    operator.keys("stop count\x03cpu wrong\x17\x7f\r")
    assert operator.answer("cpu")[0].startswith("core #0 ")


def check_focus(operator):
    """A guest gets what is typed, until Ctrl-T takes the keyboard back."""
    operator.keys("focus hello\r")
    operator.wait(r"\[bulkhead\] your input now goes to guest 'hello'; Ctrl-T returns to the monitor")
    operator.keys("by focus\r")
    operator.wait(r"\[hello\] You typed: by focus")
    operator.wait(r"\[bulkhead\] guest 'hello' powered off with code 0 ")
    operator.open()
    assert operator.state("hello")["end"] == "power-off, code 0"

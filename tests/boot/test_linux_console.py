# SPDX-License-Identifier: MIT
"""The console of an unmodified Linux: a UART on the guest's PCI bus that sends its interrupt as a
message."""
import hashlib
import random
import re
import time

import pytest

import linux
from conftest import engines
from machine import POWERED_OFF
from operator_console import KEY, Operator
from partitions import guest, images

pytestmark = engines("bochs", "qemu")


@pytest.fixture(autouse=True)
def kernel():
    linux.need("cloud", "busybox")


def uart_exits(operator):
    """How often the guest has accessed a port so far."""
    line = next(line for line in operator.ask("stats linux") if line.startswith("linux: "))
    return int(re.search(r"(\d+) port", line)[1])


def paste(console, text):
    """What the guest reads from its terminal, raw, while `text` is typed without a pause."""
    console.sendline(f"stty raw -echo; echo rea''dy; head -c {len(text)} > /p; stty sane; sha1sum < /p")
    console.expect_exact("ready")
    console.send(text)
    console.expect(r"\b([0-9a-f]{40})\b")
    return console.match[1]


def test_interrupts(machine):
    """With a shell open and nobody typing: no exit. What is typed at once: nothing is lost."""
    with machine.spawn(linux.files(), linux.conf(memory="128M"), cores=2, memory=384, mhz=200,
                       timeout=900) as console:
        shell = linux.Shell(console).wait()
        assert shell.run("grep -c 'MSI.*ttyS0' /proc/interrupts") == ["1"]
        assert shell.run("cat /sys/class/tty/ttyS0/line /sys/class/tty/ttyS0/port") == ["0", "0x3F8"]
        assert shell.run("dmesg | grep -ciE 'redundant|nobody cared|Call Trace|too much work'; true"
                         ) == ["0"]

        text = characters(4096)
        assert paste(console, text) == hashlib.sha1(text.encode()).hexdigest()

        operator = Operator(console)
        operator.open()
        until = float(operator.state("linux")["uptime"]) + 1
        while float(operator.state("linux")["uptime"]) < until: # the shell's prompt is out
            pass
        before = uart_exits(operator)
        until = float(operator.state("linux")["uptime"]) + 4
        while float(operator.state("linux")["uptime"]) < until:
            pass
        assert uart_exits(operator) == before
        operator.leave()


def test_all_messages(machine):
    """The kernel's log on the console: once, at two exits a character and no more, and for nothing
    does the kernel wait."""
    script = "read up rest </proc/uptime\necho \"up $up\"\nsleep 4\npoweroff -f\n"
    up = []
    for cmdline in (linux.CMDLINE, linux.QUIET)[:2 if machine.keeps_time else 1]:
        result = machine.boot(linux.files(script=script), linux.conf(memory="128M", cmdline=cmdline),
                              cores=2, memory=384, mhz=200, timeout=900)
        assert result.status == POWERED_OFF
        said = "\n".join(result.guest("linux"))
        up.append(float(re.search(r"^up (\S+)$", said, re.MULTILINE)[1]))
        if cmdline == linux.CMDLINE:
            assert said.count("Linux version") == 1
            assert linux.exits(result)["port"] < 45000
    assert up[0] < up[-1] + 0.1


LINES = 2000
COLUMNS = 70
SENT = LINES * (COLUMNS + 2)        # the terminal makes CR LF of each end of a line

RATE_SCRIPT = f"""
yes {"x" * COLUMNS} | head -n {LINES} >/t
read before rest </proc/uptime
cat /t >/dev/ttyS0
stty sane </dev/ttyS0       # once all is sent
read after rest </proc/uptime
echo "seconds $before $after"
sleep 1
poweroff -f
"""


def seconds(result):
    before, after = next(line.split()[1:] for line in result.guest("linux")
                         if line.startswith("seconds "))
    return float(after) - float(before)


def test_no_line_bounds_it(machine):
    """While another guest has the terminal for itself the console drops what this one prints. What a
    character costs, and how many there can be."""
    linux_conf = linux.conf().partition("[guest")
    conf = "".join((linux_conf[0], "reserve = 1\n", guest("other", image="noise",
                    cmdline="how=talk lines=10 ms=1000"), *linux_conf[1:]))
    result = machine.boot(linux.files(script=RATE_SCRIPT) | images("noise"), conf, cores=3, memory=384,
                          mhz=200, input=f"{KEY}attach other\r")
    assert result.status == POWERED_OFF
    assert any(re.match(r"guest 'linux': \d{6} bytes dropped here", line) for line in result.hv)
    assert linux.exits(result)["port"] < 1.3 * SENT
    if machine.keeps_time:
        assert SENT / seconds(result) > 100 * 1024


@engines("bochs")
def test_line_is_full(machine):
    """Of what the machine's serial line can carry, nine tenths are carried: by the second of two runs,
    as the first one fills the buffers, too."""
    script = "yes | head -n 700 | sed 's/.*/" + "x" * COLUMNS + "/' >/dev/ttyS0\n" + RATE_SCRIPT
    result = machine.boot(linux.files(script=script), linux.conf(), cores=2,
                          memory=384)
    assert result.status == POWERED_OFF
    carried = LINES * len(f"[linux] {'x' * COLUMNS}\r\n")
    assert carried / seconds(result) > 0.9 * 115200 / 10


def characters(count):
    random.seed(20)
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789 \t~") for _ in range(count))


# Both cores compute, write to the terminal and to the kernel's log all the time.
LOAD = """
yes write | head -n 400 >/t
cat >/load <<'END'
while :; do sha1sum /bin/busybox >/dev/null; cat /t; echo kernel >/dev/kmsg; done
END
dmesg -n 8
"""


@engines("qemu")
@pytest.mark.parametrize("count", [4096, pytest.param(30720, marks=pytest.mark.long)])
def test_typed_under_load(machine, count):
    """Bursts at random moments, between them as fast as the machine takes them."""
    with machine.spawn(linux.files(script=LOAD), linux.conf(cores=2, memory="192M"), cores=3, memory=384,
                       paste=True) as console:
        linux.Shell(console).wait()
        console.send("for i in 1 2 3; do sh /load & done\r")
        console.expect_exact("kernel", timeout=100)
        text = characters(count)
        console.send(f"stty raw -echo; echo rea''dy; head -c {count} > /p; stty sane; kill $(jobs -p); "
                     "sleep 1; echo; echo sum; sha1sum < /p\r")
        console.expect_exact("ready")
        rest = text
        while rest:
            burst = random.choice((1, 2, 7, 30, 200, 1000))
            console.send(rest[:burst])
            rest = rest[burst:]
            time.sleep(random.choice((0, 0.001, 0.01, 0.05, 0.1)))
        console.expect(r"\b([0-9a-f]{40})\b", timeout=200)
        assert console.match[1] == hashlib.sha1(text.encode()).hexdigest()


LOGIN = """
mkdir /etc
echo root:x:0:0:root:/root:/bin/sh >/etc/passwd
echo root:x:0: >/etc/group
printf 'root:%s:0:0:99999:7:::\\n' "$(mkpasswd -m sha256 secret)" >/etc/shadow
while :; do setsid getty -L 115200 ttyS0 vt102; done
"""


def check_sysrq(operator):
    """Linux takes the key for five seconds: where the host has been busier than that, it is one for
    the shell."""
    for _ in range(5):
        operator.open()
        operator.ask("break linux")
        operator.keys(KEY + "h\r")
        if "HELP" in operator.wait(r".*(sysrq: HELP :|h: not found)")[1]:
            return
    assert False, "no break has arrived"


def test_terminal(machine):
    """A login by getty, what stty sets, and a break as the SysRq key of a console."""
    with machine.spawn(linux.files(script=LOGIN), linux.conf(memory="128M"), cores=linux.cores(machine),
                       memory=384, mhz=200) as console:
        operator = Operator(console)
        operator.see("login: ")
        operator.keys("root\r")
        operator.see("Password: ")
        operator.keys("secret\r")
        shell = linux.Shell(console)
        assert shell.run("tty") == ["/dev/ttyS0"]
        assert shell.run("stty rows 50 cols 132; stty size") == ["50 132"]
        assert shell.run("stty 9600; stty speed; stty 115200") == ["9600"]    # readable all the same
        shell.leave("stty -echo; echo si''lent")
        operator.see("silent")
        shell.leave("stty echo; echo hea''rd")
        operator.see("heard")
        assert "stty echo" not in console.before
        check_sysrq(operator)
        operator.open()
        operator.ask("break linux")
        operator.keys(KEY + "b")
        operator.wait(r"\[bulkhead\] guest 'linux' asked for a restart ")
        operator.see("login: ")
        operator.open()
        operator.ask("stop linux")
        assert operator.ask("break linux") == ["guest 'linux' is not running"]
        operator.leave()

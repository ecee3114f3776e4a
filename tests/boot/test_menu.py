# SPDX-License-Identifier: MIT
"""The loader's menu, where \\bulkhead\\ has more than one *.conf: over the serial terminal, which is
one of the firmware's consoles."""
from conftest import engines
from machine import NO_GUEST_STARTED, POWERED_OFF, ROOT

ARGS = ROOT / "build/guests/hello.elf"
DOWN, UP, ENTER, ESC = "\x1b[B", "\x1b[A", "\r", "\x1b"
TITLE = "Bulkhead: choose a configuration"
pytestmark = engines("qemu", long=["bochs"])


def conf(guest, cmdline="noinput", machine=""):
    return (f"{machine}[guest {guest}]\nmemory = 16M\nimage = hello.elf\n" +
            (f"cmdline = {cmdline}\n" if cmdline else ""))


def files(**texts):
    """a=TEXT: a.conf, beside the guest."""
    return {"hello.elf": ARGS} | {f"{name}.conf": text for name, text in texts.items()}


def shows(console, *texts):
    for text in texts:
        console.expect_exact(text)


def test_second_is_chosen(machine):
    """By its digit, while the first one counts down; it is what the boot log names."""
    texts = files(bulkhead=conf("first"), third=conf("third"), Second=conf("second"))
    with machine.spawn(texts, cores=2, memory=256, early=True) as console:
        shows(console, TITLE, ">   1  bulkhead.conf", "2  Second.conf", "3  third.conf",
              "bulkhead.conf starts in 5 s; any key stops this")
        console.send("2")
        shows(console, ">   2  Second.conf")
        console.send(ENTER)
        shows(console, "configuration: Second.conf", "[second] cmdline     noinput")
        assert console.finish() == POWERED_OFF


def test_countdown_takes_the_first(machine):
    texts = files(bulkhead=conf("first", machine="[machine]\ntimeout = 2\n"), other=conf("other"))
    result = machine.boot(texts, cores=2, memory=256)
    assert result.status == POWERED_OFF, result.reason
    assert "bulkhead.conf starts in 2 s" in result.serial
    assert "bulkhead.conf starts in 1 s" in result.serial
    assert "configuration: " not in result.serial
    assert "cmdline     noinput" in result.guest("first")


def test_no_time_to_choose(machine):
    texts = files(bulkhead=conf("first", machine="[machine]\ntimeout = 0\n"), other=conf("other"))
    result = machine.boot(texts, cores=2, memory=256)
    assert result.status == POWERED_OFF, result.reason
    assert TITLE not in result.serial
    assert "cmdline     noinput" in result.guest("first")


def test_one_file_has_no_menu(machine):
    """A folder and a file of another kind are no configurations."""
    texts = files(bulkhead=conf("first")) | {"x.conf.txt": "", "conf": ""}
    result = machine.boot(texts, cores=2, memory=256)
    assert result.status == POWERED_OFF, result.reason
    assert TITLE not in result.serial and "starts in" not in result.serial


def test_broken_file_is_not_started(machine):
    """Its errors come with their lines, in plancheck's words, at the end of the countdown too; the
    menu stays, and another file can be chosen."""
    texts = files(bulkhead=conf("first") + "colour = red\n", empty="", other=conf("other"))
    with machine.spawn(texts, cores=2, memory=256, early=True) as console:
        shows(console, "bulkhead.conf starts in 1 s", "bulkhead.conf has errors and cannot be started:",
              "bulkhead.conf:5: unknown key 'colour'", "Press a key to go back")
        console.send(" ")
        shows(console, ">   1  bulkhead.conf")
        console.send(DOWN)
        shows(console, ">   2  empty.conf")
        console.send(ENTER)
        shows(console, "empty.conf: the file is empty", "Press a key to go back")
        console.send(" ")
        shows(console, ">   2  empty.conf")
        console.send("3")
        shows(console, ">   3  other.conf")
        console.send(ENTER)
        shows(console, "configuration: other.conf", "[other] cmdline     noinput")
        assert console.finish() == POWERED_OFF


def test_edited_command_line(machine):
    """Of the second of two guests. A '#' that would begin a comment is not taken, Esc drops."""
    texts = files(bulkhead=conf("a") + conf("b", "noinput one"), other=conf("other"))
    with machine.spawn(texts, cores=3, memory=256, early=True) as console:
        shows(console, "bulkhead.conf starts in")
        console.send("e")
        shows(console, "The command line of which guest?", ">   1  a", "2  b")
        console.send("2")
        shows(console, ">   2  b")
        console.send(ENTER)
        shows(console, "Command line of guest 'b'", "noinput one")
        console.send(" # x" + ENTER)
        shows(console, "cannot be written into the file", "a '#' after a blank begins a comment",
              "Press a key to go back")
        console.send(" ")
        shows(console, "noinput one # x")
        console.send("\b\b\btwo" + ENTER)
        shows(console, "Edited for this start only: bulkhead.conf")
        console.send("e")
        shows(console, ">   1  a")
        console.send(ENTER)
        shows(console, "Command line of guest 'a'", "noinput")
        console.send(" dropped")
        shows(console, "noinput dropped")
        console.send(ESC)
        shows(console, TITLE, "Edited for this start only: bulkhead.conf")
        console.send(ENTER)
        console.expect_exact("[b] cmdline     noinput one two")
        assert console.finish() == POWERED_OFF
    assert "[a] cmdline     noinput\n" in machine.tail() + "\n"


def test_errors_of_the_plan_name_the_file(machine):
    """What only the hypervisor can find, too."""
    texts = files(bulkhead=conf("first"), other=conf("other") + "cores = 60\n")
    with machine.spawn(texts, cores=2, memory=256, early=True) as console:
        shows(console, "bulkhead.conf starts in")
        console.send("2")
        shows(console, ">   2  other.conf")
        console.send(ENTER)
        console.expect(r"other\.conf:\d+: guest 'other' wants 60 cores")
        assert console.finish() == NO_GUEST_STARTED


def test_hundreds_of_files(machine):
    """Those that are listed can be chosen, and the others are counted."""
    count = 500
    texts = files(bulkhead=conf("first"), **{f"c{i:03}": conf(f"c{i:03}") for i in range(count)})
    texts |= {"S\u00e4ge.conf": conf("saw"), "n" * 80 + ".conf": conf("long"),
              "with blank.conf": conf("blank")}
    with machine.spawn(texts, cores=2, memory=256, early=True) as console:
        shows(console, ">   1  bulkhead.conf", " of 128", f"and {count + 4 - 128} not listed: too many, or an unusual name")
        console.send("\x1b[F")
        shows(console, "> 128  c126.conf", " to 128 of 128")
        console.send(ENTER)
        shows(console, "configuration: c126.conf", "[c126] cmdline     noinput")
        assert console.finish() == POWERED_OFF

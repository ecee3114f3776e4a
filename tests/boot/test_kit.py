# SPDX-License-Identifier: MIT
"""A guest of the kit that makes a mistake is stopped at the line that made it, and says what it was:
guests/fault makes them, one in each life. A user's own guest is built as README has it."""
import re
import shutil
import subprocess

from conftest import NEUTRAL
from machine import ROOT
from partitions import GUESTS, check_ended_well, guest, images, lacking, machine_section

PAGE = r"it has no handler for a page fault (#PF) at RIP 0x{rip}: it "
STACK = "it has no handler for a double fault (#DF) at RIP 0x{rip}"

pytestmark = NEUTRAL

# Each way to die: how the diagnosis calls it, and what the guest itself says of it.
MEMORY = {
    "null": (PAGE + "wrote to 0x8, which is not mapped", "#PF at RIP 0x{rip}, error code 0x2, CR2 0x8"),
    "null-read": (PAGE + "read from 0x0, which is not mapped", "#PF at RIP 0x{rip}, error code 0x"),
    "null-call": (PAGE + "jumped to 0x0, which is not mapped", "#PF at RIP 0x{rip}, error code 0x"),
    "rodata": (PAGE + "wrote to 0x{at}, which is not writable", "#PF at RIP 0x{rip}, error code 0x"),
    "text": (PAGE + "wrote to 0x{at}, which is not writable", "#PF at RIP 0x{rip}, error code 0x"),
    "data": (PAGE + "jumped to 0x{at}, which is not executable", "#PF at RIP 0x{rip}, error code 0x"),
    "stack": (STACK, "stack overflow: #DF at RIP 0x{rip}, "),
    "other-stack": (STACK, "stack overflow: #DF at RIP 0x{rip}, "),
}
OTHERS = {
    "divide": ("it has no handler for a divide error (#DE) at RIP 0x{rip}", "#DE at RIP 0x{rip}, "),
    "registers": ("it has no handler for an invalid opcode (#UD) at RIP 0x{rip}",
                  "#UD at RIP 0x{rip}, "),
    "nmi": ("it has no handler for an NMI at RIP 0x{rip}", "NMI at RIP 0x{rip}, "),
    "interrupt": ("it has no handler for vector 119, at RIP 0x{rip}",
                  "vector 119 at RIP 0x{rip}"),
    "assert": ("it gave up with code 99 at RIP 0x{rip}",
               "fault.c:{line}: hidden(0) != 0 does not hold"),
    "fatal": ("it gave up with code 7 at RIP 0x{rip}", "nothing left to try"),
    "power-off": ("it gave up with code 1 at RIP 0x{rip}",
                  "power-off code 1000 is refused: it can be 0 to 255"),
    "return": ("it gave up with code 1 at RIP 0x{rip}",
               "main() returned 1000: a power-off code is 0 to 255"),
}
# Where the line at fault is not in the guest's own source.
ELSEWHERE = {"nmi", "interrupt", "power-off", "return"}
# Both overflows end in the same function.
MARKS = {"other-stack": "stack"}
LIVES = 2


def marked_lines(how):
    """The numbers of the lines of fault.c that die in this way; a stack has several that can."""
    source = (ROOT / "guests/fault/fault.c").read_text(encoding="ascii").splitlines()
    numbers = [n for n, line in enumerate(source, 1)
               if line.endswith(f"/* dies: {MARKS.get(how, how)} */")]
    assert numbers, how
    return numbers


def pattern(template, line=None):
    """The template as a regular expression: whatever stands in braces is a group of that name."""
    text = re.escape(template.replace("{line}", str(line)))
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[0-9a-f]+)", text)


def stops(result, how):
    """[(vCPU, sentence)] of all ends of that guest."""
    found = (re.fullmatch(rf"guest '{how}' vCPU (\d) on core #\d+ is stopped: (.*)", line)
             for line in result.hv)
    return [(match[1], match[2]) for match in found if match]


def check_end(result, how, sentence, words):
    ends = stops(result, how)
    assert len(ends) == (LIVES if how == "null" else 1), how
    vcpu, said = ends[0]
    assert vcpu == ("1" if how == "other-stack" else "0")
    match = re.fullmatch(pattern(sentence), said)
    assert match, (how, said)
    rip = match["rip"]
    command = f"addr2line -fe fault.elf 0x{rip}"
    assert not lacking(result.hv, f"  source line: {command}", f"  RIP {rip} RSP .* 64-bit mode.*",
                       f"  RAX 42480008 RBX .* RCX {rip} RDX .*"), how
    line = None
    if how not in ELSEWHERE:
        place = subprocess.run(command.split(), cwd=GUESTS, check=True,
                               capture_output=True, text=True).stdout.splitlines()[-1]
        line = int(re.search(r"guests/fault/fault\.c:(\d+)", place)[1])
        assert line in marked_lines(how), (how, place)
    own = pattern(words, line).replace("(?P<rip>[0-9a-f]+)", rip)
    assert any(re.match(own, text) for text in result.guest(how)), (how, result.guest(how))
    assert f"guest '{how}' powered off" not in result.serial


def check_all(machine, ways):
    conf = machine_section() + "".join(
        guest(how, image="fault", cmdline=f"how={how}", cores=2 if how == "other-stack" else 1,
              on_crash=f"restart {LIVES - 1}" if how == "null" else "stop") for how in ways)
    result = machine.boot(images("fault"), conf, cores=len(ways) + 2, memory=512)
    check_ended_well(result)
    for how, (sentence, words) in ways.items():
        check_end(result, how, sentence, words)
    assert "LIVED" not in result.serial
    return result


def test_memory(machine):
    """Also: such an end is a crash, which on_crash restarts."""
    result = check_all(machine, MEMORY)
    assert not lacking(result.hv, "guest 'null' has been restarted .*: it stays stopped")


def test_other_ends(machine):
    """Also: the registers are those of the fault."""
    result = check_all(machine, OTHERS)
    rip = stops(result, "registers")[0][1].rpartition(" 0x")[2]
    assert not lacking(result.hv,
                       f"  RIP {rip} RSP [0-9a-f]+ RFLAGS [0-9a-f]*3 CPL 0, .*",     # CF is set
                       f"  RAX [0-9a-f]+ RBX 6 RCX {rip} RDX 0 RSI 51 RDI d1 RBP .*",
                       "  R8 8888 .* R15 f15")


def test_guest_of_your_own(machine, tmp_path):
    """README's guest, by README's steps, with a variable that it does not use: a warning is an
    error in the guests that are ours, but not there."""
    def add_warning(path):
        text = path.read_text(encoding="ascii")
        path.write_text(text.replace("int main(void)\n{\n", "int main(void)\n{\n    int unused;\n"),
                        encoding="ascii")

    def build(name):
        return subprocess.run(["make", f"build/guests/{name}.elf"], cwd=tree, check=False,
                              capture_output=True, text=True)

    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build", ".git", "__pycache__"))
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"),
                        re.MULTILINE | re.DOTALL)
    source = next(text for language, text in blocks
                  if language == "c" and "int main(void)" in text)
    conf = next(text for _, text in blocks if "image   = mine.elf" in text)
    mine = tree / "guests/mine/mine.c"
    mine.parent.mkdir()
    mine.write_text(source, encoding="ascii")
    add_warning(mine)
    makefile = tree / "guests/guests.mk"
    makefile.write_text(re.sub(r"^(GUESTS +:= .*)$", r"\1 mine",
                               makefile.read_text(encoding="ascii"), flags=re.MULTILINE),
                        encoding="ascii")
    built = build("mine")
    assert built.returncode == 0, built.stderr
    assert "unused variable" in built.stderr
    add_warning(tree / "guests/escape/escape.c")
    assert build("escape").returncode != 0
    result = machine.boot({"mine.elf": tree / "build/guests/mine.elf"}, conf, cores=2,
                          memory=256)
    check_ended_well(result)
    assert not lacking(result.guest("mine"), r"hello from afar, with \d+ bytes of RAM",
                       "a second later")

# SPDX-License-Identifier: MIT
"""The page that scripts/trace makes of a log: what is in it, that nothing from a log gets out of its
place, what is said of a log that is damaged, and that the page works in a browser."""
import pathlib
import random
import re
import shutil
import subprocess
import sys

import pytest

from machine import ROOT
from trace_page import (Page, SCRIPT, browse, check_browser, check_place, make_page, require_browser,
                        rows_of)

sys.path.insert(0, str(ROOT / "scripts"))
from traceview import page, read, words                 # noqa: E402
from traceview.sources import Sources                   # noqa: E402

# As tests/unit/kernel/monitor/test_commands_export.c has them.
SHORT = """[bulkhead] > trace export a
[bulkhead] trace-export 1 guest=a on=VT-x vcpus=1 life=2 hz=50000000 now=abcdef
[bulkhead] trace-core 0 core=3 exits=2 kept=16 registers=no
[bulkhead] trace-row 0 1 111 1000 1e port next
[bulkhead] trace-row 0 2 222 1000 34 timer again
[bulkhead] trace-end rows=2 lost=0
"""
LONG = """[bulkhead] trace-export 1 guest=b on=SVM vcpus=2 life=1 hz=1000000000 now=9999
[bulkhead] trace-core 0 core=1 exits=5 kept=64 registers=yes
[bulkhead] trace-row 0 1 1000 10 72 cpuid next
[bulkhead] trace-more 0 1 80 0 0 40000000 0 0 0 40000005 4248646b 4856 6b6c7542
[b] a line of the guest
[bulkhead] trace-row 0 2 1800 12 81 hypercall next
[bulkhead] trace-more 0 2 90 0 0 42480003 0 0 0 1234 0 0 0
[bulkhead] trace-row 0 3 2800 14 7b port next
[bulkhead] trace-more 0 3 70 3f80010 0 41 0 3f8 0 41 0 3f8 0
[bulkhead] trace-row 0 4 3000 16 7c wrmsr #GP
[bulkhead] trace-more 0 4 a0 1 0 5 10 0 0 5 10 0 0
[bulkhead] trace-row 0 5 4000 18 400 memory stop
[bulkhead] trace-more 0 5 b0 100000006 fee00000 0 0 0 0 0 0 0 0
[bulkhead] trace-core 1 core=2 exits=1 kept=64 registers=yes
[bulkhead] trace-row 1 1 2000 20 0 kick leave
[bulkhead] trace-more 1 1 30 0 0 1 2 3 4 1 2 3 4
[bulkhead] trace-end rows=6 lost=0
"""


# ---------------------------------------------------------------------- words

def explained(text, number=0, vcpu=0):
    trace = read.pick(text.encode(), "log")
    row = trace.cores[vcpu].rows[number]
    return words.explain(trace.on, row, Sources(ROOT))


def test_an_exit_in_words():
    assert explained(LONG, 0)["asked"] == (
        "leaf 0x40000000, subleaf 0x0: EAX 40000005 EBX 6b6c7542 ECX 4248646b EDX 00004856")
    assert explained(LONG, 1)["asked"] == "call time: the answer is 0x1234"
    assert explained(LONG, 2)["infoWords"] == "out, 1 byte, port 0x3f8"
    assert explained(LONG, 2)["asked"] == "written 0x41 (in EAX)"
    assert explained(LONG, 3)["asked"] == "MSR 0x10 TSC = 0x5"
    assert explained(LONG, 3)["infoWords"] == "WRMSR"
    assert explained(LONG, 3)["verdictWords"] == "inject #GP(0)"
    assert explained(LONG, 4)["infoWords"] == (
        "write at guest-physical 0xfee00000, of the access itself; not mapped")
    assert explained(LONG, 4)["handler"] == "on_nested_fault"
    assert explained(LONG, 0, 1)["reason"] == "no exit: a request was seen before the entry"
    assert explained(SHORT)["reason"] == "IO"
    assert "registers" not in explained(SHORT)


@pytest.mark.parametrize("code, info, extra, said", [
    ("1e", "3f80008", "0", "in, 1 byte, port 0x3f8, from DX"),
    ("1e", "1f0003b", "0", "in, 4 bytes, port 0x1f0, string, REP, from DX"),
    ("1e", "800040", "0", "out, 1 byte, port 0x80, immediate"),
    ("1c", "300", "0", "MOV to CR0 from RBX"),
    ("1c", "f14", "0", "MOV from CR4 to R15"),
    ("1c", "20", "0", "CLTS"),
    ("1c", "50030", "0", "LMSW of 0x5"),
    ("1d", "317", "0", "MOV from DR7 to RBX"),
    ("30", "181", "fee00000",
     "read at guest-physical 0xfee00000, of the access itself; there it is not mapped"),
    ("30", "8a", "1000", "write at guest-physical 0x1000, of a page-table walk; there it is readable"),
    ("0", "4001", "1", "vector 1, DR6 bits B0, BS"),
    ("9", "40000028", "0", "IRET, TSS selector 0x28"),
    ("a", "0", "0", "nothing: the reason says it all"),
    ("a", "7", "0", "0x7, which means nothing for this reason"),
])
def test_qualifications_of_vt_x(code, info, extra, said):
    line = f"[bulkhead] trace-more 0 1 5 {info} {extra} 0 0 0 0 0 0 0 0\n"
    text = SHORT.replace("1e port next\n", f"{code} port next\n{line}")
    assert explained(text)["infoWords"] == said


@pytest.mark.parametrize("code, info, extra, said", [
    ("7b", "1f0004d", "0", "in, 4 bytes, port 0x1f0, string, REP"),
    ("7c", "0", "0", "RDMSR"),
    ("400", "200000015", "8", "fetch at guest-physical 0x8, of a page-table walk; no such right"),
    ("400", "10000000c", "8",
     "read at guest-physical 0x8, of the access itself; not mapped, a reserved bit is set"),
    ("51", "0", "11", "vector 17, error code 0x0"),
    ("78", "0", "0", "nothing: the reason says it all"),
])
def test_exit_information_of_svm(code, info, extra, said):
    text = LONG.replace("72 cpuid next", f"{code} x next").replace(
        "trace-more 0 1 80 0 0", f"trace-more 0 1 80 {info} {extra}")
    assert explained(text)["infoWords"] == said


def test_every_reason_and_kind_has_its_words():
    sources = Sources(ROOT)
    assert len(sources.codes["VT-x"]) > 70 and len(sources.codes["SVM"]) > 100
    assert set(words.VTX_MANUAL) <= set(sources.codes["VT-x"].values())
    assert set(words.SVM_MANUAL) <= set(sources.codes["SVM"].values())
    assert set(words.COLOURS) | set(words.ENDS) <= set(sources.kinds)
    for kind in sources.kinds:
        for on in ("VT-x", "SVM"):
            name, file, line = sources.handler(kind, on)
            check_place({"handler": name, "place": f"{file}:{line}"})
    assert sources.handler("cr", "SVM")[0] == "svm_control"


def test_without_sources(tmp_path):
    (tmp_path / "log").write_text(LONG)
    done = subprocess.run([SCRIPT, "log", "--sources", tmp_path], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    row = rows_of(Page((tmp_path / "trace.html").read_text(encoding="utf-8")).data["traces"][0])[0]
    assert (row["handler"], row["reason"]) == ("", "0x72")


# ---------------------------------------------------------------------- what a log may do

HOSTILE = (
    "</script><script>document.documentElement.dataset.hacked=1</script>",
    "<img/src=x/onerror=document.documentElement.dataset.hacked=1>",
    "\"'><svg/onload=document.documentElement.dataset.hacked=1>",
    "@DATA@", "@SCRIPT@", "&lt;b&gt;", "<!--<script>", "]]>\u200b", "\u202egnp.exe",
    "__proto__", "constructor",
)


def hostile_log(text):
    """`text` wherever a log has a word of its own."""
    return LONG.replace("guest=b", f"guest={text}").replace("cpuid next", f"{text} {text}")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_gets_out_of_its_place(tmp_path, text):
    text = text[:64]
    out, _ = make_page(tmp_path, hostile_log(text), hostile_log(text) + f"trace: {text}\n"
                       f"[bulkhead] trace-row {text}\n")
    shown, clean = Page(out.read_text(encoding="utf-8")), Page(make_page(tmp_path, LONG, LONG)[0].read_text())
    assert shown.elements[4:] == clean.elements[4:]                     # but for the policy's hash
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in clean.elements]
    assert shown.scripts[1] == clean.scripts[1]
    trace = shown.data["traces"][0]
    assert (trace["guest"], rows_of(trace)[0]["kind"]) == (text, text)


def test_nothing_gets_out_of_its_place_in_a_browser(tmp_path):
    require_browser()
    rows = "".join(f"[bulkhead] trace-row 1 {n} 20{n:02x} 20 0 {text[:64]} {text[:64]}\n"
                   for n, text in enumerate(HOSTILE, 2))
    log = LONG.replace("guest=b", f"guest={HOSTILE[0][:64]}").replace(
        "[bulkhead] trace-end", f"{rows}[bulkhead] trace-row {HOSTILE[1]}\n[bulkhead] trace-end")
    out, _ = make_page(tmp_path, log, log, status=1)
    assert check_browser(out, tmp_path)


def test_the_page_loads_nothing(tmp_path):
    out, _ = make_page(tmp_path, SHORT, LONG)
    shown = Page(out.read_text(encoding="utf-8"))
    assert not any({"src", "href", "srcset", "action"} & set(attributes) or
                   any(name.startswith("on") for name in attributes)
                   for _, attributes in shown.elements)
    policy = dict(shown.elements)["meta"]
    policies = [attributes["content"] for tag, attributes in shown.elements
                if attributes.get("http-equiv") == "Content-Security-Policy"]
    assert policy and len(policies) == 1 and policies[0].startswith("default-src 'none'; ")
    assert "unsafe" not in policies[0]
    assert "innerHTML" not in shown.scripts[1] and "http" not in shown.scripts[1]


# ---------------------------------------------------------------------- damaged logs

def test_a_log_that_is_cut_off_anywhere(tmp_path):
    """Said, and what is there is shown; before the trace's first line there is nothing to show."""
    for at in range(len(LONG)):
        cut = LONG[:at].encode()
        try:
            trace = read.pick(cut, "log")
        except read.TraceError as error:
            assert str(error) == "log: no trace is in it: type `trace export GUEST` at the monitor"
            assert at < LONG.index("now=9999") + len("now=9999")
            continue
        whole = at >= len(LONG) - 1
        assert trace.is_complete == whole, LONG[:at][-60:]
        assert whole or trace.problems
    out, said = make_page(tmp_path, LONG[:LONG.index("[bulkhead] trace-core 1")], status=1)
    assert "its last line is missing: the log is cut off" in said
    trace, = Page(out.read_text(encoding="utf-8")).data["traces"]
    assert not trace["isComplete"] and len(rows_of(trace)) == 5


@pytest.mark.parametrize("was, now, said", [
    ("[bulkhead] trace-row 0 3 2800 14 7b port next\n", "", "the registers of exit 3"),
    ("trace-row 0 3 2800", "trace-row 0 3 zz", "line 8: damaged: 'row 0 3 zz"),
    ("trace-row 0 3 ", "trace-row 0 1 ", "exit 1 comes behind exit 2"),
    ("trace-row 0 3 ", "trace-row 1 3 ", "an exit of vCPU 1, whose part has not begun"),
    ("trace-core 1", "trace-core 0", "vCPU 0 cannot be here"),
    ("trace-core 1", "trace-core 64", "vCPU 64 cannot be here"),
    ("rows=6", "rows=7", "6 of 7 exits are here: lines of the log are missing"),
    ("vcpus=2", "vcpus=3", "2 of 3 vCPUs are here"),
    ("4000 18 400", "4000 18 " + "4" * 300, "44..."),
])
def test_damaged_lines(tmp_path, was, now, said):
    assert LONG.count(was) == 1
    _, told = make_page(tmp_path, LONG.replace(was, now), status=1)
    assert said in told


def test_what_is_no_trace(tmp_path):
    assert "no trace is in it" in make_page(tmp_path, "[bulkhead] hello\n\n", status=2)[1]
    newer = LONG.replace("trace-export 1", "trace-export 2")
    assert "has version 2, this program reads 1" in make_page(tmp_path, newer, status=2)[1]
    assert "no trace of guest 'b'" in make_page(
        tmp_path, f"{(tmp_path / 'x').write_text(SHORT) and tmp_path / 'x'}@b", status=2)[1]
    assert "hz=0" in make_page(tmp_path, LONG.replace("hz=1000000000", "hz=0"), status=2)[1]
    assert "No such file" in make_page(tmp_path, tmp_path / "none", status=2)[1]
    assert "at most two" in make_page(tmp_path, SHORT, SHORT, SHORT, status=2)[1]
    assert make_page(tmp_path, LONG.replace("trace-row", "trace-rwo") + SHORT)[1]   # the last one counts


def test_many_damaged_lines_are_counted(tmp_path):
    bad = "[bulkhead] trace-row nonsense\n" * 100
    _, said = make_page(tmp_path, LONG.replace("[bulkhead] trace-core 1", bad + "[bulkhead] trace-core 1"),
                        status=1)
    assert "and 80 more lines that are damaged" in said


def test_any_bytes():
    """Whatever is in a log: a trace or a reason, never an exception."""
    dice = random.Random(7)
    sources = Sources(ROOT)
    for _ in range(300):
        text = bytearray((SHORT + LONG).encode())
        for _ in range(dice.randrange(1, 30)):
            text[dice.randrange(len(text))] = dice.randrange(256)
        try:
            trace = read.pick(bytes(text), "log")
        except read.TraceError:
            continue
        assert page.render([(trace, "log")], sources).count("</script>") == 2


# ---------------------------------------------------------------------- a browser

def test_the_page_in_a_browser(tmp_path):
    """Time lines have the colours of their exits, a click and the keys select, kinds can be hidden."""
    require_browser()
    out, _ = make_page(tmp_path, SHORT, LONG)
    shown = check_browser(out, tmp_path)
    assert "leaf 0x40000000, subleaf 0x0" in shown and "not kept: the short ring has none" in shown
    assert len(re.findall("<canvas", shown)) == 2


def test_a_page_that_does_not_work_is_noticed(tmp_path, monkeypatch):
    """The page's own check can fail: without marks, without its keys, without a selection."""
    require_browser()
    copy = tmp_path / "view"
    shutil.copytree(pathlib.Path(page.__file__).parent, copy)
    monkeypatch.setattr(page, "HERE", copy)
    whole = (copy / "view.js").read_text(encoding="utf-8")
    trace = read.pick(LONG.encode(), "log")
    for was, now, said in (
            ("paint.fillRect(x, this.y", "void (x, this.y", "time line"),
            ("ArrowDown: ()", "ArrowDwn: ()", "ArrowDown"),
            ("best = index;", "", "click"),
            ('"none" : ""', '"" : ""', "hide")):
        assert whole.count(was) == 1, was
        (copy / "view.js").write_text(whole.replace(was, now), encoding="utf-8")
        out = tmp_path / "broken.html"
        out.write_text(page.render([(trace, "log")], Sources(ROOT)), encoding="utf-8")
        root = re.search(r"<html[^>]*>", browse(out, tmp_path))[0]
        assert said in root and 'data-check="ok"' not in root, root

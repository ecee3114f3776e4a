# SPDX-License-Identifier: MIT
"""The page that scripts/trace makes: made, taken apart, and opened in a browser where there is one."""
import html.parser
import json
import re
import shutil
import subprocess

from conftest import skip
from machine import ROOT

SCRIPT = ROOT / "scripts" / "trace"
BROWSER = "chromium"
BROWSER_S = 120             # ends one that hangs


class Page(html.parser.HTMLParser):
    """Which elements a page has, with their attributes, and the text of its scripts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data

    @property
    def data(self):
        return json.loads(self.scripts[0])


def make_page(tmp_path, *logs, status=0):
    """The page of these logs, texts or paths with or without @GUEST, and what was said."""
    arguments = []
    for number, log in enumerate(logs):
        if isinstance(log, str) and "\n" in log:
            path = tmp_path / f"log{number}.txt"
            path.write_text(log, encoding="utf-8")
            log = path
        arguments.append(str(log))
    out = tmp_path / "trace.html"
    done = subprocess.run([SCRIPT, *arguments, "-o", out], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return out, done.stdout + done.stderr


def rows_of(trace, vcpu=0):
    return trace["cores"][vcpu]["rows"]


def check_place(row):
    """Where the page says that a handler is, there it is."""
    file, line = row["place"].rsplit(":", 1)
    text = (ROOT / file).read_text(encoding="utf-8").splitlines()
    assert row["handler"] + "(" in text[int(line) - 1]


def browse(out, tmp_path):
    """The page as a browser has it when it has tried itself; None without a browser."""
    if not shutil.which(BROWSER):
        return None
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}",
         "--window-size=1280,960", "--dump-dom", f"{out.resolve().as_uri()}#check"],
        capture_output=True, text=True, timeout=BROWSER_S, check=True)
    return done.stdout


def check_browser(out, tmp_path):
    """Where there is one: the page's own check is content, and nothing from a log has run."""
    shown = browse(out, tmp_path)
    if shown is None:
        return None
    root = re.search(r"<html[^>]*>", shown)[0]
    assert 'data-check="ok"' in root, root
    assert "data-hacked" not in root
    return shown


def require_browser():
    if not shutil.which(BROWSER):
        skip(f"there is no {BROWSER} (scripts/setup --browser)")

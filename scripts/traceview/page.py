# SPDX-License-Identifier: MIT
"""One HTML file out of view.html, view.css and view.js: it loads nothing, and its own policy forbids
it to. What a log says gets in as data alone, which the script shows as text."""
import base64
import hashlib
import html
import json
import pathlib

from traceview import words

HERE = pathlib.Path(__file__).resolve().parent
MARKS = ("POLICY", "TITLE", "STYLE", "DATA", "SCRIPT")


def as_data(value):
    """JSON that ends no element and begins none, whatever is in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def digest(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def trace_data(trace, name, sources):
    rows = [row for core in trace.cores for row in core.rows]
    begin = min((row.time for row in rows), default=0)  # a script's numbers have 53 bits
    cores = [{"vcpu": core.vcpu, "core": core.core, "exits": core.exits, "kept": core.kept,
              "hasRegisters": core.has_registers,
              "rows": [words.explain(trace.on, row, sources) | {"t": row.time - begin}
                       for row in core.rows]}
             for core in trace.cores]
    return {"file": name, "guest": trace.guest, "on": trace.on, "life": trace.life, "hz": trace.hz,
            "isComplete": trace.is_complete, "lost": trace.lost, "problems": trace.problems,
            "cores": cores}


def render(traces, sources):
    """`traces`: [(trace, its file's name)], one or two."""
    shown = [trace_data(trace, name, sources) for trace, name in traces]
    kinds = {row["kind"] for trace in shown for core in trace["cores"] for row in core["rows"]}
    data = {"traces": shown, "colours": {kind: words.colour(kind) for kind in sorted(kinds)}}
    parts = {name: (HERE / f"view.{name}").read_text(encoding="utf-8") for name in ("html", "css", "js")}
    style, script = "\n" + parts["css"], "\n" + parts["js"]
    policy = (f"default-src 'none'; script-src 'sha256-{digest(script)}'; "
              f"style-src 'sha256-{digest(style)}'; base-uri 'none'; form-action 'none'")
    title = "Exits of " + " and ".join(trace["guest"] for trace in shown)
    values = dict(zip(MARKS, (policy, html.escape(title), style, as_data(data), script)))
    page = parts["html"]
    pieces = [page[:page.index("@POLICY@")]]
    for mark, following in zip(MARKS, (*MARKS[1:], None)):  # in their order, each once
        start = page.index(f"@{mark}@") + len(mark) + 2
        end = page.index(f"@{following}@") if following else len(page)
        pieces += [values[mark], page[start:end]]
    return "".join(pieces)

# SPDX-License-Identifier: MIT
"""What most boot tests need: the text of bulkhead.conf, the built guests, and the questions that
are asked of every run."""
import fcntl
import re
import shutil
import subprocess

from machine import CONF, NO_GUEST_STARTED, POWERED_OFF, ROOT

GUESTS = ROOT / "build" / "guests"
PLANCHECK = ROOT / "build" / "plancheck"

TITLE = "Bulkhead, a partitioning hypervisor"
NO_GUEST = "no guest was started: switching the machine off"
ALL_ENDED = "every guest has ended: switching the machine off"


def section(header, **keys):
    return "\n".join([f"[{header}]", *(f"{key} = {value}" for key, value in keys.items()), ""])


def machine_section(console="serial", **keys):
    return section("machine", console=console, **keys)


def guest(name, memory="16M", image=None, **keys):
    """A guest's section; the image is named like the guest unless said otherwise."""
    return section(f"guest {name}", memory=memory, image=f"{image or name}.elf", **keys)


def images(*names):
    return {f"{name}.elf": GUESTS / f"{name}.elf" for name in names}


def image_pages(name):
    """How many pages of its memory a guest of the kit takes, from 1 MiB on."""
    symbols = subprocess.run(["nm", GUESTS / f"{name}.elf"], check=True, capture_output=True,
                             text=True).stdout
    end = int(re.search(r"^([0-9a-f]+) . kit_end$", symbols, re.MULTILINE)[1], 16)
    return (end - 0x100000 + 4095) // 4096


def with_hook(name, argument=None):
    """A hypervisor that has tests/hook/`name`.c in it, with HOOK_ARG; its other objects are the tree's
    own, so one test at a time builds."""
    build = ROOT / "build" / f"hook-{name}"
    make = ["make", "-j2", f"B={build.relative_to(ROOT)}", "OBJECTS=build", f"HOOK={name}", "hypervisor"]
    build.mkdir(parents=True, exist_ok=True)
    with open(ROOT / "build" / "hook.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if argument is None:
            subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
            return {"bulkhead.elf": build / "bulkhead.elf"}
        (build / "hv/tests/hook" / f"{name}.o").unlink(missing_ok=True)
        subprocess.run([*make, f"HOOK_ARG={argument}"], cwd=ROOT, check=True, capture_output=True)
        kept = build / f"bulkhead-{argument}.elf"
        shutil.copy(build / "bulkhead.elf", kept)
    return {"bulkhead.elf": kept}


def lacking(lines, *patterns):
    """The patterns that match no line; they match from a line's beginning to its end."""
    return [pattern for pattern in patterns
            if not any(re.fullmatch(pattern, line) for line in lines)]


def cores_answer(result, cores):
    return any(line.startswith(f"{cores} of {cores} cores answer, " if cores > 1 else
                               "1 of 1 core answers, ") for line in result.hv)


def powered_off(result, guest_name, code=0):
    """The hypervisor's line about that end, or None."""
    start = f"guest '{guest_name}' powered off with code {code} after "
    return next((line for line in result.hv if line.startswith(start)), None)


def exits_of(line):
    """{kind: count} from the end of a line about a guest's end."""
    total, kinds = re.fullmatch(r"(\d+) exits?: (.*)", line.rpartition("; ")[2]).groups()
    counts = {kind: int(count) for count, kind in
              (item.split(" ") for item in kinds.split(", "))}
    assert sum(counts.values()) == int(total), line
    return counts


def check_beats(lines, keeps_time):
    """All of a guest's beats so far, in order, and none late where the clock is the machine's own.
    Returns how many there are."""
    if not keeps_time:
        lines = [line.partition(", LATE by ")[0] for line in lines]
    assert lines == [f"beat {n}" for n in range(1, len(lines) + 1)]
    return len(lines)


def spoken_lines(result):
    """All lines from the hypervisor's first one on."""
    assert TITLE in result.hv, "the hypervisor did not speak"
    lines = result.lines[result.lines.index(f"[bulkhead] {TITLE}"):]
    return lines[:-1] if lines[-1] == "" else lines


def check_lines(result):
    """Every line begins with the name of who said it: none is torn, and nobody speaks for
    another."""
    names = {"bulkhead"} | set(re.findall(r"guest '([^']*)' starts ", result.serial))
    wrong = [line for line in spoken_lines(result)
             if not line.startswith("[") or line[1:].partition("]")[0] not in names]
    assert not wrong, wrong


def check_ended_well(result):
    """All guests have ended, and then the machine switched itself off."""
    assert result.status == POWERED_OFF, result.reason
    assert result.hv[-1] == ALL_ENDED
    check_lines(result)


def check_refused(result):
    """Nothing was started, this was said, and the machine switched itself off."""
    assert result.status == NO_GUEST_STARTED, result.reason
    assert result.hv[-1] == NO_GUEST
    assert not re.search(r"guest '[^']*' starts", result.serial)
    check_lines(result)


def desk_errors(folder, files, conf, *arguments):
    """What build/plancheck says of the same files."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / CONF).write_bytes(conf)
    done = subprocess.run([PLANCHECK, folder / CONF, *map(str, arguments)], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr.splitlines()

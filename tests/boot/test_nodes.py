# SPDX-License-Identifier: MIT
"""A machine of two NUMA nodes: which cores and which memory are in each, and that guests get memory
of the node of their cores."""
import subprocess

from conftest import engines
from machine import ROOT
from partitions import check_ended_well, guest, images, machine_section, powered_off

pytestmark = engines("qemu")

# Cores #0-1 and the first 256 MiB; cores #2-3 and the rest.
NUMA = ("-object memory-backend-ram,id=m0,size=256M -object memory-backend-ram,id=m1,size=256M "
        "-numa node,nodeid=0,cpus=0-1,memdev=m0 -numa node,nodeid=1,cpus=2-3,memdev=m1")


def place(result, name):
    """Where the RAM of a guest begins, out of the plan."""
    row = next(line for line in result.hv if line.startswith(f"{name} ") and "-0x" in line)
    return int(row.split("-0x")[0].rsplit("0x", 1)[1], 16)


def test_guests_get_memory_of_their_node(machine, tmp_path):
    """near is larger, so that it would get the lowest memory, which is node 0's."""
    conf = (machine_section() + guest("near", image="smp", cores="#2-3", memory="64M")
            + guest("first", image="hello", cores="#1", cmdline="noinput"))
    result = machine.boot(images("smp", "hello"), conf, cores=4, memory=512, qemu=NUMA)
    check_ended_well(result)
    assert powered_off(result, "near") and powered_off(result, "first")
    for line in ("cores #0-1: APIC ids 0-1, node 0", "cores #2-3: APIC ids 2-3, node 1",
                 "memory of node 1: 0x10000000-0x1fffffff",
                 "  nodes        cores in node 1, memory in node 1",
                 "  nodes        cores in node 0, memory in node 0"):
        assert line in result.hv, result.hv
    assert place(result, "near") >= 256 << 20
    assert place(result, "first") < 256 << 20
    log = tmp_path / "boot.txt"
    log.write_text(result.serial)
    (tmp_path / "bulkhead.conf").write_text(conf)
    for name, path in images("smp", "hello").items():
        (tmp_path / name).write_bytes(path.read_bytes())
    subprocess.run(["make", "-s", "build/plancheck"], cwd=ROOT, check=True)
    done = subprocess.run([ROOT / "build/plancheck", tmp_path / "bulkhead.conf", "--machine", log],
                          capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  nodes        cores in node 1, memory in node 1" in done.stdout
    assert "  near            core #2 in node 1 with its local APIC" in done.stdout

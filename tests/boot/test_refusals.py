# SPDX-License-Identifier: MIT
"""Processors that lack something: everything they lack is said at once, nothing is started, and the
machine switches itself off."""
import pytest

import elf
from machine import ROOT
from partitions import check_refused, cores_answer, guest, images, lacking, machine_section

MESSAGE = "this machine cannot run guests; it lacks:"
E_UNSUPPORTED = 6       # lib/status.h
VTX = "VT-x (CPUID.1:ECX.VMX)"
TCG = VTX + (": QEMU does not emulate it, but AMD's SVM: start QEMU with '-cpu "
             "EPYC-Rome,+x2apic'")
NO_SVM = ("SVM (CPUID Fn8000_0001:ECX.SVM): the hypervisor that this machine runs under does not "
          "offer it (turn nested virtualization on there)")

NO_X2APIC = "x2APIC: add it to QEMU's CPU model, as in '-cpu EPYC-Rome,+x2apic'"


# abuse: BC-01, BC-04, BC-07, BC-09
@pytest.mark.parametrize("engine, cpu, lacks, has", [
    ("bochs", "core2_penryn_t9600", ["EPT", "VPID", "unrestricted guest", "VMX-preemption timer",
                                     "x2APIC"], [VTX, "MSR bitmaps"]),
    pytest.param("bochs", "corei5_lynnfield_750", ["unrestricted guest", "x2APIC"], [VTX, "EPT", "VPID"],
                 marks=pytest.mark.long),
    ("bochs", "athlon64_venice", ["SVM (CPUID Fn8000_0001:ECX.SVM)", "x2APIC", "XSAVE"], [VTX]),
    ("qemu", "Skylake-Client", [TCG], ["XSAVE"]),
    ("qemu", "EPYC-Rome,-svm", [NO_SVM, NO_X2APIC], ["nested paging"]),
    ("qemu", "EPYC-Rome,+x2apic,-npt", ["nested paging"], [NO_SVM, NO_X2APIC]),
])
def test_processor_is_refused(machine, engine, cpu, lacks, has):
    result = machine.boot(images("hello"), machine_section() + guest("hello"),
                          engine=engine, cpu=cpu, cores=2, memory=512)
    check_refused(result)
    assert cores_answer(result, 2), result.hv
    rows = result.hv[result.hv.index(MESSAGE) + 1:-1]
    assert all(row.startswith("  - ") for row in rows), rows
    said = {row.removeprefix("  - ") for row in rows}
    assert said >= set(lacks) and not said & set(has), said


# abuse: BC-02
def test_virtualisation_stays_off(machine):
    """The first core's registers promise it, but then a core does not get it."""
    program = (ROOT / "build/bulkhead.elf").read_bytes()
    files = images("hello") | {"bulkhead.elf": elf.returning(program, "vmx_cpu_on", E_UNSUPPORTED)}
    result = machine.boot(files, machine_section() + guest("hello"), engine="bochs", cores=2,
                          memory=256)
    check_refused(result)
    assert not lacking(result.hv, r"core #0 \(APIC id 0\) could not turn on virtualisation",
                       r"core #1 \(APIC id 1\) could not turn on virtualisation")

# SPDX-License-Identifier: MIT
"""scripts/survey: what it says of made-up machines, that its words and bits are the kernel's, and that
it runs on the machine at hand."""
import importlib.machinery
import importlib.util
import os
import re
import subprocess

import pytest

import efi
from machine import ROOT

SURVEY = ROOT / "scripts" / "survey"
PLANCHECK = ROOT / "build" / "plancheck"
CANNOT = "this machine cannot run guests; it lacks:"
CAN = "this machine has what Bulkhead needs to run guests"
UNKNOWN = "not known (root may know more, after `modprobe -a msr cpuid`):"

INTEL = ("GenuineIntel", "6", "183", "Intel(R) Core(TM) i9", "fpu vmx x2apic xsave constant_tsc "
         "nonstop_tsc", "vnmi preemption_timer invvpid mtf ept vpid unrestricted_guest")
AMD = ("AuthenticAMD", "25", "97", "AMD Ryzen 9 \x1b[2J7950X", "fpu svm npt nrip_save x2apic xsave", None)


def script():
    loader = importlib.machinery.SourceFileLoader("survey_script", str(SURVEY))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("survey_script", loader))
    loader.exec_module(module)
    return module


def put(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def cpuinfo(processor, apic_ids):
    vendor, family, model, name, flags, vmx = processor
    return "".join(f"processor\t: {n}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\n"
                   f"model name\t: {name}\nstepping\t: 2\nmicrocode\t: 0x12\napicid\t\t: {apic_id}\n"
                   f"flags\t\t: {flags}\n" + (f"vmx flags\t: {vmx}\n" if vmx else "") + "\n"
                   for n, apic_id in enumerate(apic_ids))


def machine(root, processor, apic_ids=(0, 1, 2, 3), **more):
    """A root folder. Keywords replace what Linux shows: __ stands for a slash."""
    put(root, {
        "proc/cpuinfo": cpuinfo(processor, apic_ids),
        "sys/firmware/efi/runtime": "0x1\n",
        "sys/firmware/memmap/0/start": "0x0\n", "sys/firmware/memmap/0/end": "0x9ffff\n",
        "sys/firmware/memmap/0/type": "System RAM\n",
        "sys/firmware/memmap/1/start": "0x100000\n", "sys/firmware/memmap/1/end": "0x7fffffff\n",
        "sys/firmware/memmap/1/type": "System RAM\n",
        "sys/firmware/memmap/2/start": "0xf0000000\n", "sys/firmware/memmap/2/end": "0xffffffff\n",
        "sys/firmware/memmap/2/type": "Reserved\n",
        **{name.replace("__", "/"): content for name, content in more.items()}})


def run(root):
    return subprocess.run([SURVEY, "--root", root], capture_output=True, text=True, check=False)


def plan(tmp_path, output, conf):
    folder = tmp_path / "plan"
    put(folder, {"machine.txt": output, "bulkhead.conf": conf,
                 "hello.elf": (ROOT / "build/guests/hello.elf").read_bytes()})
    return subprocess.run([PLANCHECK, folder / "bulkhead.conf", "--machine", folder / "machine.txt"],
                          capture_output=True, text=True, check=False)


GUEST = "[guest a]\nmemory = 64M\nimage = hello.elf\ncores = {}\n"


def test_amd_and_a_plan_for_it(tmp_path):
    """Threads, the firmware's order of cores, devices; and plancheck takes it for a machine."""
    root = tmp_path / "root"
    ids = (0, 2, 1, 3)
    siblings = {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}
    machine(root, AMD, ids, **{
        **{f"sys/devices/system/cpu/cpu{n}/topology/thread_siblings_list": text
           for n, text in siblings.items()},
        "sys/firmware/acpi/tables/APIC": efi.madt(*(efi.core(n) for n in (0, 1, 2, 3)), b"\x04\x00"),
        "sys/class/tty/ttyS0/type": "4\n", "sys/class/tty/ttyS0/port": "0x3F8\n",
        "sys/class/tty/ttyS1/type": "0\n", "sys/class/tty/ttyS1/port": "0x2F8\n",
        "sys/bus/serio/devices/serio0/description": "i8042 KBD port\n",
        "sys/class/graphics/fb0/name": "efifb\n",
        "sys/class/dmi/id/bios_vendor": "Maker\nIOMMU: forged\n",
        "sys/bus/pci/devices/0000:01:00.0/vendor": "0x8086\n",
        "sys/bus/pci/devices/0000:01:00.0/device": "0x10d3\n",
        "sys/bus/pci/devices/0000:01:00.0/class": "0x020000\n",
        "sys/bus/pci/devices/0000:01:00.0/reset_method": "flr pm\n",
        "sys/bus/pci/devices/0000:01:00.0/resource":
            "0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200\n"
            "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
            "0x000000000000e000 0x000000000000e01f 0x0000000000040101\n",
        "sys/bus/pci/devices/0000:01:00.0/config": function(0x05, 0x10, 0x11)})
    done = run(root)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert lines[0] == "processor: AMD Ryzen 9 ?[2J7950X, family 0x19, model 0x61, stepping 2"
    for line in ("microcode: 0x12", "serial port: 0x3f8", "PS/2 keyboard port: yes",
                 "cores #0-3: APIC ids 0-3, node 0",
                 "threads of a core: their APIC ids differ in the lowest 1 bit",
                 "memory for guests: 0x200000-0x7fffffff, 2046 MiB", "screen: yes",
                 "guests' deadlines: watched by core #0", "IOMMU: the firmware lists none",
                 "pci 01:00.0 8086:10d3 ethernet, PCIe, MSI, MSI-X 5 in BAR 3 at 0x2000, reset flr, "
                 "BAR 0 128 KiB at 0xfe000000, BAR 2 32 ports",
                 "the processor does not promise an invariant TSC", UNKNOWN,
                 "  - two ASIDs for a guest"):
        assert line in lines, (line, done.stdout)
    assert not any("0x2f8" in line or line == "IOMMU: forged" for line in lines)
    assert CANNOT not in lines and lines[-1] == CAN + ", as far as that is known"
    done = plan(tmp_path, done.stdout, GUEST.format(2))
    assert done.returncode == 0 and "4 cores" in done.stdout.splitlines()[0], done.stdout + done.stderr
    assert plan(tmp_path, "\n".join(lines), GUEST.format(5)).returncode == 1


def function(*capabilities):
    """A function's configuration space with these."""
    config = bytearray(256)
    config[6], at = 1 << 4, 0x40
    config[0x34] = at
    for n, capability in enumerate(capabilities):
        config[at:at + 2] = capability, at + 16 if n + 1 < len(capabilities) else 0
        if capability == 0x11:
            config[at + 2:at + 8] = 4, 0x80, 0x03, 0x20, 0, 0
        at += 16
    return bytes(config)


def test_hybrid_intel(tmp_path):
    """Kinds of cores and what Linux's words for VT-x leave open; a function that goes round in circles."""
    circle = bytearray(function(0x05, 0x11))
    circle[0x51] = 0x40
    machine(tmp_path, INTEL, (0, 1, 8, 9, 16, 18), **{
        "sys/devices/cpu_core/cpus": "0-3\n", "sys/devices/cpu_atom/cpus": "4-5\n",
        "sys/devices/system/node/node0/cpulist": "0-5\n",
        "sys/bus/pci/devices/0001:00:00.0/vendor": "0x8086\n",
        "sys/bus/pci/devices/0001:00:00.0/device": "0x0001\n",
        "sys/bus/pci/devices/0001:00:00.0/class": "0x0c0330\n",
        "sys/bus/pci/devices/0001:00:00.0/reset_method": "",
        "sys/bus/pci/devices/0001:00:00.0/config": bytes(circle)})
    done = run(tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    for line in ("cores #0-1: APIC ids 0-1, node 0, kind P", "cores #2-3: APIC ids 8-9, node 0, kind P",
                 "cores #4-5: APIC ids 16-18 in steps of 2, node 0, kind E",
                 "pci 0001:00:00.0 8086:0001 usb, MSI, MSI-X 5 in BAR 3 at 0x2000, no reset",
                 "guests' deadlines: watched by each core's own timer", "  - MSR bitmaps",
                 "IOMMU: not known, no ACPI tables"):
        assert line in lines, (line, done.stdout)
    assert any("cores are in Linux's order" in line for line in lines)
    assert not {"  - EPT", "  - VPID", "  - unrestricted guest"} & set(lines)


@pytest.mark.parametrize("processor, more, lacks", [
    (INTEL[:4] + ("x2apic xsave", None), {}, ["VT-x (CPUID.1:ECX.VMX)"]),
    (INTEL[:4] + ("hypervisor xsave", None), {}, [
        "VT-x (CPUID.1:ECX.VMX): the hypervisor that this machine runs under does not offer it (turn "
        "nested virtualization on there)", "x2APIC"]),
    (INTEL[:5] + ("vnmi preemption_timer mtf vpid",), {}, ["EPT", "unrestricted guest"]),
    (AMD[:4] + ("hypervisor svm x2apic", None), {}, ["nested paging", "XSAVE"]),
    (AMD[:4] + ("svm npt x2apic xsave", None), {}, ["nRIP save"]),
    (AMD[:4] + ("x2apic xsave", None), {}, ["SVM (CPUID Fn8000_0001:ECX.SVM)"])])
def test_what_is_lacking(tmp_path, processor, more, lacks):
    machine(tmp_path, processor, **more)
    done = run(tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    at = lines.index(CANNOT)
    end = lines.index(UNKNOWN) if UNKNOWN in lines else len(lines)
    assert lines[at + 1:end] == [f"  - {words}" for words in lacks]
    assert CAN not in done.stdout


def test_no_processor(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1 and done.stderr == "survey: there is no processor in proc/cpuinfo\n"


def test_wrong_use():
    done = subprocess.run([SURVEY, "--rot", "/"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "scripts/survey --root FOLDER" in done.stderr


def test_nonsense_is_left_out(tmp_path):
    """Words for numbers, lists without an end, names that are no function's: the rest is reported."""
    machine(tmp_path, INTEL[:1] + ("six", "") + INTEL[3:], (0, "9" * 5000, "x", 3), **{
        "sys/devices/cpu_core/cpus": "0-99999999999,--,3\n",
        "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0-99999999999\n",
        **{f"sys/bus/pci/devices/{name}/{part}": text for name in ("0000:01:00.0", "\x1b[2J")
           for part, text in (("vendor", "0x8086\n"), ("device", "1\n"), ("class", "0x20000\n"))},
        "sys/bus/pci/devices/0000:01:00.0/resource": f"0x{'f' * 6000} 0x1fff 0x200\n",
        "sys/bus/pci/devices/0000:02:00.0/vendor": "-1\n"})
    (tmp_path / "sys/bus/pci/devices/0000:01:00.0/iommu_group").symlink_to("of")
    done = run(tmp_path)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert lines[0] == "processor: Intel(R) Core(TM) i9, family ?, model ?, stepping 2"
    assert [line for line in lines if line.startswith(("pci ", "cores "))] == [
        "pci 01:00.0 8086:0001 ethernet", "cores #0: APIC ids 0, node 0", "cores #1: APIC ids 3, node 0, kind P"]


def test_a_fifo_is_no_file(tmp_path):
    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc" / "cpuinfo")
    done = run(tmp_path)
    assert done.returncode == 1 and done.stderr == "survey: there is no processor in proc/cpuinfo\n"


# ---------------------------------------------------------------- what MSRs say

def everything(module):
    """Capability registers of a processor that has all."""
    values = {0x3a: 5, 0x480: 1 << 55, 0x485: 1 << 6, 0x48c: (1 << 64) - 1}
    for plain, true, _ in module.CONTROLS:
        values[plain] = 0           # nothing is read of these but the second
        values[true or plain] = 0xffffffff << 32
    values[0x482] |= 0xffffffff << 32
    return values


def lacks_with(module, root, values):
    class WithMsrs(module.Files):
        def msr(self, index):
            return values.get(index)
    report = module.survey(WithMsrs(root))
    return report


def test_each_capability_register(tmp_path):
    """With all bits nothing is lacking or unknown; and each bit that has to be one, or zero, is missed by
    the words for it alone."""
    module = script()
    machine(tmp_path, INTEL)
    whole = lacks_with(module, tmp_path, everything(module))
    assert whole.lacks == [] and whole.unknown == []
    for plain, true, rows in module.CONTROLS:
        for words, bits, wanted in rows:
            for bit in (1 << n for n in range(32) if bits >> n & 1):
                for value in "10":
                    values = everything(module)
                    values[true or plain] = values[true or plain] & ~(bit << 32) if value == "1" else \
                        values[true or plain] | bit
                    report = lacks_with(module, tmp_path, values)
                    assert report.lacks == ([words] if value in wanted else []), (words, value)
    for words, bits in module.EPT_NEEDS:
        for bit in (1 << n for n in range(64) if bits >> n & 1):
            report = lacks_with(module, tmp_path, everything(module) | {0x48c: ~bit & (1 << 64) - 1})
            assert report.lacks == [words]
    assert lacks_with(module, tmp_path, everything(module) | {0x485: 0}).lacks == ["HLT activity state"]
    assert lacks_with(module, tmp_path, everything(module) | {0x3a: 1}).lacks == [module.VTX_OFF]
    assert lacks_with(module, tmp_path, everything(module) | {0x3a: 0}).lacks == []


@pytest.mark.parametrize("vm_cr, lacks", [(0, []), (1 << 4, ["SVM_OFF"]), (3 << 3, ["SVM_LOCKED"])])
def test_svm_turned_off(tmp_path, vm_cr, lacks):
    module = script()
    machine(tmp_path, AMD)
    report = lacks_with(module, tmp_path, {0xc0010114: vm_cr})
    assert report.lacks == [getattr(module, name) for name in lacks]


def test_words_and_bits_are_the_kernels():
    """As vmx/fit.c and svm/fit.c have them: none is missing here, and none asks for something else."""
    module = script()
    bits = {name: 1 << int(shift) for name, shift in re.findall(
        r"#define (\w+) +BIT(?:32|64)\((\d+)\)", (ROOT / "vmx/bits.h").read_text())}
    source = re.sub(r'"\s+"', "", (ROOT / "vmx/fit.c").read_text())

    def value(names):
        return sum(bits[name.strip()] for name in set(names.split("|")))

    limit = re.search(r"#define CORES_MAX +(\d+)", (ROOT / "kernel/config/config.h").read_text())
    assert module.CORES_MAX == int(limit[1])
    bits["CPU_WINDOWS"] = value("CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW | CPU_HLT")

    kernel = []
    for word in re.findall(r"struct word word_\w+ = \{(.*?)\n\};", source, re.DOTALL):
        asks = {kind: value(names) for kind, names in
                re.findall(r"\.(must|never|later)\s*=\s*([A-Z0-9_|\s]+)", word)}
        must, never, later = (asks.get(kind, 0) for kind in ("must", "never", "later"))
        rows = [(words, value(names)) for names, words in re.findall(r'\{([A-Z0-9_| \n]+), "([^"]+)"\}', word)]
        assert must | never | later == sum(mask for _, mask in rows)
        kernel.append([(words, mask, "0" * bool(mask & never) + "1" * bool(mask & (must | later)))
                       for words, mask in rows])
    asked = [[(words, mask) for words, mask, _ in rows] for rows in kernel]
    assert asked == [[(words, mask) for words, mask, _ in rows] for _, _, rows in module.CONTROLS]
    for ours, theirs in zip(module.CONTROLS, kernel):
        assert [wanted for _, _, wanted in ours[2]] == [wanted for _, _, wanted in theirs]
    said = [re.sub(r'"\s+"', "", SURVEY.read_text()), module.SVM + module.NOT_OFFERED]
    assert f'"{module.VTX}{module.NOT_OFFERED}"' in source and f'"{module.VTX}"' in source
    for path in ("vmx/fit.c", "svm/fit.c", "kernel/core/cpu.c"):
        text = re.sub(r'"\s+"', "", (ROOT / path).read_text())
        needs = "".join(re.findall(r"virt_need\(.*?\);", text, re.DOTALL))
        found = [words for words in re.findall(r'"([^"]+)"', needs)
                 if words != "APIC timer" and "QEMU" not in words]   # not known; an emulator's
        assert len(found) >= 2 and all(any(words in text for text in said) for words in found), found
    assert CANNOT in (ROOT / "kernel/start/launch.c").read_text()
    assert CAN in (ROOT / "kernel/start/survey.c").read_text()
    classes = re.findall(r'\{0x(\w+), (CLASS|SUBCLASS), "([^"]+)"\}',
                         (ROOT / "drivers/pci/pci_words.c").read_text())
    assert module.CLASSES == [(code[:2 if kind == "CLASS" else 4], word) for code, kind, word in classes]


# ---------------------------------------------------------------- the machine at hand

def test_the_machine_at_hand(tmp_path):
    """Whatever it is: a verdict, cores and memory, and a machine for plancheck where both are known."""
    done = subprocess.run([SURVEY], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    assert done.stdout.startswith("processor: ")
    assert (CANNOT in done.stdout) == (done.returncode == 1) and (CAN in done.stdout) != (CANNOT in done.stdout)
    assert "\ncores #0" in done.stdout
    if "memory for guests:" in done.stdout:
        planned = plan(tmp_path, done.stdout, GUEST.format(1) + "[machine]\nreserve = 0\n")
        assert "boot log" not in planned.stderr, planned.stderr

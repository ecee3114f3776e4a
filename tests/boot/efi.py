# SPDX-License-Identifier: MIT
"""EFI programs for tests: builds them, and tells tests/boot/efi_faults.c how to spoil a firmware."""
import struct
import subprocess

from machine import ROOT

CFLAGS = ["-fpic", "-ffreestanding", "-fno-stack-protector", "-fno-stack-check", "-fshort-wchar",
          "-mno-red-zone", "-maccumulate-outgoing-args", "-DGNU_EFI_USE_MS_ABI", "-O1", "-Wall",
          "-I/usr/include/efi", "-I/usr/include/efi/x86_64"]
SECTIONS = [".text", ".sdata", ".data", ".dynamic", ".dynsym", ".rel", ".rela", ".reloc"]

WRITE_BACK = 8
LOADER_DATA, CONVENTIONAL, UNUSABLE, ACPI_RECLAIM, MMIO = 2, 7, 8, 9, 11


def program(name, work):
    """tests/boot/`name`.c as an EFI program in the folder `work`: its path."""
    source = ROOT / "tests" / "boot" / f"{name}.c"
    built = work / f"{name}.efi"
    for command in (
            ["gcc", *CFLAGS, "-c", source, "-o", work / f"{name}.o"],
            ["ld", "-nostdlib", "-shared", "-Bsymbolic", "-T", "/usr/lib/elf_x86_64_efi.lds",
             "/usr/lib/crt0-efi-x86_64.o", work / f"{name}.o", "-o", work / f"{name}.so",
             "-L/usr/lib", "-lgnuefi", "-lefi"],
            ["objcopy", *(word for section in SECTIONS for word in ("-j", section)),
             "--target", "efi-app-x86_64", work / f"{name}.so", built]):
        subprocess.run(command, check=True)
    return built


def table(signature, body, length=None):
    """An ACPI table with a right checksum, whatever its header says of its length."""
    text = struct.pack("<4sIBB6s8sI4sI", signature.encode(), length or 36 + len(body), 1, 0,
                       b"BHTEST", b"BHTEST  ", 1, b"TEST", 1) + body
    return text[:9] + bytes([-sum(text) % 256]) + text[10:]


def madt(*entries):
    return table("APIC", struct.pack("<II", 0xfee00000, 1) + b"".join(entries))


def core(apic_id):
    """A MADT entry: an enabled core."""
    if apic_id < 255:
        return struct.pack("<BBBBI", 0, 8, apic_id, apic_id, 1)
    return struct.pack("<BBHIII", 9, 16, 0, apic_id, 1, apic_id)


def ioapic(address, first=0):
    return struct.pack("<BBBBII", 1, 12, 0, 0, address, first)


def faults(program_file, replaced=(), added=(), memory=()):
    """Files for a machine whose firmware has these tables, {signature: bytes}, and these entries
    in its memory map, (type, base, pages)."""
    memory = list(memory)
    tables = [(name, 1, data) for name, data in dict(replaced).items()]
    tables += [("", 0, data) for data in added]
    text = struct.pack("<I", len(tables))
    for name, replace, data in tables:
        text += struct.pack("<4sII", name.encode(), replace, len(data)) + data
    text += struct.pack("<I", len(memory))
    for kind, base, pages in memory:
        text += struct.pack("<IQQQ", kind, base, pages, WRITE_BACK)
    return {"BOOTX64.EFI": program_file, "loader.efi": ROOT / "build/BOOTX64.EFI",
            "faults.bin": text}

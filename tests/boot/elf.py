# SPDX-License-Identifier: MIT
"""ELF files for tests: makes guest images, good ones and broken ones, and finds a function of a
program so that a test can overwrite it."""
import dataclasses
import struct

ET_EXEC, ET_DYN = 2, 3
EM_386, EM_X86_64, EM_AARCH64 = 3, 62, 183
PT_LOAD, PT_NOTE = 1, 4
SHT_SYMTAB = 2
CLASS_32, CLASS_64 = 1, 2

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
HEADER_32 = struct.Struct("<16sHHIIIIIHHHHHH")
PROGRAM_HEADER_32 = struct.Struct("<IIIIIIII")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")

HLT = b"\xf4" * 16
UD2 = b"\x0f\x0b"
PROLOGUE = b"\x55\x48\x89\xe5"               # push rbp; mov rbp, rsp
RETURN = b"\x5d\xc3"                       # pop rbp; ret
CALL_START = b"\xe8\xf7\xff\xff\xff"         # behind the prologue: calls it again
ENTRY = 0x100000


@dataclasses.dataclass
class Segment:
    """One PT_LOAD: `data` at `at`; filesz and memsz where they should not be len(data)."""
    at: int = ENTRY
    data: bytes = HLT
    memsz: int = None
    filesz: int = None


def pvh_note(entry, size=4):
    """XEN_ELFNOTE_PHYS32_ENTRY, what makes an ELF file a PVH kernel."""
    return struct.pack("<III4s", 4, size, 18, b"Xen\0") + entry.to_bytes(size, "little")


def program_header(elf_class, kind, flags, offset, at, filesz, memsz, align):
    if elf_class == CLASS_32:
        return PROGRAM_HEADER_32.pack(kind, offset, at, at, filesz, memsz, flags, align)
    return PROGRAM_HEADER.pack(kind, flags, offset, at, at, filesz, memsz, align)


def image(*segments, note=pvh_note(ENTRY), elf_type=ET_EXEC, machine=EM_X86_64, elf_class=CLASS_64,
          with_headers=True):
    """A guest image: by default the smallest that can be started."""
    header, entry = ((HEADER_32, PROGRAM_HEADER_32) if elf_class == CLASS_32 else
                     (HEADER, PROGRAM_HEADER))
    segments = segments or (Segment(),)
    count = (len(segments) + (note is not None)) if with_headers else 0
    headers, contents = b"", b""
    start = header.size + count * entry.size
    for segment in segments:
        filesz = len(segment.data) if segment.filesz is None else segment.filesz
        memsz = max(filesz, len(segment.data)) if segment.memsz is None else segment.memsz
        headers += program_header(elf_class, PT_LOAD, 5, start + len(contents), segment.at, filesz,
                                  memsz, 0x1000)
        contents += segment.data
    if note is not None:
        headers += program_header(elf_class, PT_NOTE, 4, start + len(contents), 0, len(note),
                                  len(note), 4)
        contents += note
    ident = b"\x7fELF" + bytes((elf_class, 1, 1))
    first = header.pack(ident, elf_type, machine, 1, ENTRY, header.size, 0, 0, header.size,
                        entry.size, count, 0, 0, 0)
    return first + (headers if with_headers else b"") + contents


def sections(program):
    """The section headers as tuples: name, type, flags, addr, offset, size, link, ..."""
    header = HEADER.unpack_from(program)
    at, size, count = header[6], header[11], header[12]
    return [SECTION_HEADER.unpack_from(program, at + i * size) for i in range(count)]


def address_of(program, name):
    """The value of a symbol."""
    every = sections(program)
    for table in every:
        if table[1] != SHT_SYMTAB:
            continue
        strings = every[table[6]][4]
        for at in range(table[4], table[4] + table[5], SYMBOL.size):
            symbol = SYMBOL.unpack_from(program, at)
            start = strings + symbol[0]
            if program[start:program.index(b"\0", start)] == name.encode():
                return symbol[4]
    raise KeyError(name)


def offset_of(program, address):
    """Where in the file the byte is that will be at `address`."""
    header = HEADER.unpack_from(program)
    for i in range(header[10]):
        at = header[5] + i * PROGRAM_HEADER.size
        kind, _, offset, vaddr, _, filesz, _, _ = PROGRAM_HEADER.unpack_from(program, at)
        if kind == PT_LOAD and vaddr <= address < vaddr + filesz:
            return offset + address - vaddr
    raise ValueError(f"no segment has {address:#x} in the file")


def overwritten(program, name, code):
    """A copy of `program` whose function `name` begins with `code`, and that with PROLOGUE."""
    at = offset_of(program, address_of(program, name))
    assert program[at:].startswith(PROLOGUE) and code.startswith(PROLOGUE)
    return program[:at] + code + program[at + len(code):]


def returning(program, name, value):
    """A copy of `program` whose function `name` only returns a number."""
    at = offset_of(program, address_of(program, name))
    code = b"\xb8" + value.to_bytes(4, "little") + b"\xc3"      # mov eax, value; ret
    return program[:at] + code + program[at + len(code):]

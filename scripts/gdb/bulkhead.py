# SPDX-License-Identifier: MIT
"""For gdb, by scripts/gdb/gdb: stops the machine at the hypervisor's entry and gives it symbols; then

    bh-exits [CORE]     what the guest on a core has left it for: counts, and the last of them
    bh-vmcb [CORE]      the control block of the vCPU on a core
    bh-guest NAME       the symbols of a guest's program, in place of another's. Of its memory only
                        code can be seen, from the file: QEMU's reads take no nested tables

CORE is the hypervisor's number of it, by default that of gdb's thread. Neither gdb nor QEMU is told
where the hypervisor is. But it is placed at a multiple of 2 MiB and begins with its entry (linker.ld),
and TCG has breakpoints for every such address in RAM; the one that is hit in front of the entry's
code is it.
"""
import contextlib
import os
import pathlib

import gdb

BUILD = pathlib.Path(os.environ["BULKHEAD_BUILD"]).resolve()    # gdb keeps whole paths, too
MEMORY = int(os.environ["BULKHEAD_MEMORY"]) << 20
PROGRAM = BUILD / "bulkhead.elf"
ALIGNMENT = 2 << 20         # PLACE_ALIGN of boot/place.h
PAGE = 4096
IMAGE_MAX = 1 << 20         # of the loader


def memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def value_of(expression):
    return int(gdb.parse_and_eval(expression))


@contextlib.contextmanager
def physical_memory():
    """The hypervisor's memory is where its addresses say, also while a guest's tables are in force."""
    gdb.execute("maintenance packet Qqemu.PhyMemMode:1", to_string=True)
    try:
        yield
    finally:
        gdb.execute("maintenance packet Qqemu.PhyMemMode:0", to_string=True)


def first_code(elf):
    """The first bytes of the program: where its first segment is in the file."""
    image = elf.read_bytes()
    headers = int.from_bytes(image[32:40], "little")
    start = int.from_bytes(image[headers + 8:headers + 16], "little")
    return image[start:start + 32]


def stop_at_entry():
    """Runs to the first instruction of the hypervisor; returns where that is."""
    code = first_code(PROGRAM)
    points = [gdb.Breakpoint(f"*{address:#x}", gdb.BP_HARDWARE_BREAKPOINT, internal=True)
              for address in range(ALIGNMENT, MEMORY, ALIGNMENT)]
    try:
        while True:
            gdb.execute("continue", to_string=True)
            rip = value_of("$rip")
            if rip % ALIGNMENT:
                raise gdb.GdbError(f"stopped at {rip:#x}, before the hypervisor's entry")
            if memory(rip, len(code)) == code:
                return rip
    finally:
        for point in points:
            point.delete()


def loader_base():
    """The loader jumps to the entry from a function that does not return: the return address is in
    the loader, below it is the header of its file."""
    address = int.from_bytes(memory(value_of("$rsp"), 8), "little")
    for page in range(address - address % PAGE, address - IMAGE_MAX, -PAGE):
        if memory(page, 2) == b"MZ":
            return page
    return None


def add_symbols(elf, offset):
    gdb.execute(f"add-symbol-file {elf} -o {offset:#x}", to_string=True)


def vcpu_of(core):
    """The expression for the vCPU of a core, which is by default that of gdb's thread."""
    if core and not core.isdecimal():
        raise gdb.GdbError(f"'{core}' is no core's number")
    number = int(core) if core else gdb.selected_thread().num - 1
    vcpu = f"cpus[{number}].vcpu"
    if value_of(f"(unsigned long){vcpu}") == 0:
        raise gdb.GdbError(f"core #{number} has no vCPU")
    return vcpu


class Command(gdb.Command):
    """Its show() looks at the hypervisor's memory."""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_USER)

    def invoke(self, argument, _from_tty):
        with physical_memory():
            self.show(argument)


class Exits(Command):
    """bh-exits [CORE]: what the guest on a core has left it for."""
    name = "bh-exits"

    def show(self, argument):
        trace = f"{vcpu_of(argument)}->soft->stats.trace"
        kinds = {field.enumval: field.name for field in gdb.lookup_type("enum exit_kind").fields()}
        for kind, name in kinds.items():
            if name != "EXIT_KIND_COUNT" and (count := value_of(f"{trace}.exits[{kind}]")):
                print(f"{count:>10} {name}")
        rows = value_of(f"sizeof({trace}.places) / sizeof({trace}.places[0])")
        first = value_of(f"{trace}.next - {trace}.places") % rows       # the ring's halves are aligned
        for row in (i % rows for i in range(first, first + rows)):
            word = value_of(f"{trace}.what[{row}].word")
            time = value_of(f"{trace}.places[{row}].time")
            if time:
                print(f"tsc {time} rip {value_of(f'{trace}.places[{row}].rip'):#x} "
                      f"code {word & 0xffff:#x} {kinds.get(word >> 16 & 0xff)}")


class Vmcb(Command):
    """bh-vmcb [CORE]: the control block of the vCPU on a core."""
    name = "bh-vmcb"

    def show(self, argument):
        gdb.execute(f"print/x ((struct svm_vcpu *){vcpu_of(argument)}->hw)->vmcb")


class Guest(Command):
    """bh-guest NAME: the symbols of build/guests/NAME.elf, in place of another guest's."""
    name = "bh-guest"
    loaded = None

    def show(self, argument):
        elf = BUILD / "guests" / f"{argument}.elf"
        if not elf.is_file():
            names = " ".join(sorted(found.stem for found in (BUILD / "guests").glob("*.elf")))
            raise gdb.GdbError(f"bh-guest NAME, one of: {names}")
        if self.loaded:
            gdb.execute(f"remove-symbol-file {self.loaded}")
        gdb.execute(f"add-symbol-file {elf}", to_string=True)
        Guest.loaded = elf


def main():
    for setting in ("confirm off", "pagination off", "breakpoint pending off",
                    "trust-readonly-sections on"):
        gdb.execute(f"set {setting}")
    for command in (Exits, Vmcb, Guest):
        command()
    base = stop_at_entry()
    add_symbols(PROGRAM, base)
    loader = loader_base()
    if loader is not None:
        add_symbols(BUILD / "loader.so", loader)
    print(f"bulkhead.elf is at {base:#x}, the loader at {loader or 0:#x}; bh-guest, bh-exits, bh-vmcb")


main()

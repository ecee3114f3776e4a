# SPDX-License-Identifier: MIT
"""An exit in words: what the processor's numbers say, what was asked and answered, what changed, and
where a manual describes it (by the titles of sections, docs/references.md)."""

REGISTERS = ("RAX", "RCX", "RDX", "RBX")
GPR = ("RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
       *(f"R{n}" for n in range(8, 16)))
HARDWARE_CODE = 0xffff      # the rest are flags

# One colour for each kind that is seen often, and one for each group of the others.
COLOURS = {"cpuid": "#0072b2", "hypercall": "#009e73", "port": "#e69f00", "rdmsr": "#56b4e9",
           "wrmsr": "#3b5fd0", "xsetbv": "#7b68c8", "timer": "#cc79a7", "cr": "#8c6d31",
           "kick": "#999999", "window": "#b0b000", "hlt": "#607d8b", "step": "#a0a0a0",
           "memory": "#d55e00", "exception": "#c2185b", "bus-lock": "#795548"}
ENDS_COLOUR = "#b00020"     # triple-fault, entry-failed, ...: what ends a life
QUIET_COLOUR = "#777777"
ENDS = ("triple-fault", "task-switch", "machine-check", "entry-failed", "unknown")

INSTRUCTIONS = "SDM “Instructions That Cause VM Exits Unconditionally”"
CONDITIONAL = "SDM “Instructions That Cause VM Exits Conditionally”"
OTHER = "SDM “Other Causes of VM Exits”"
QUALIFICATION = "“Exit Qualification”"

VTX_MANUAL = {
    "EXCEPTION_OR_NMI": f"{OTHER}, “Information for VM Exits Due to Vectored Events”",
    "INTERRUPT_WINDOW": f"{OTHER}, “Interrupt-Window Exiting and Virtual-Interrupt Delivery”",
    "NMI_WINDOW": OTHER,
    "TASK_SWITCH": f"SDM “Treatment of Task Switches”, {QUALIFICATION}",
    "CPUID": f"{INSTRUCTIONS}, “CPUID—CPU Identification”",
    "VMCALL": f"{INSTRUCTIONS}, “VMCALL—Call to VM Monitor”",
    "XSETBV": f"{INSTRUCTIONS}, “XSETBV—Set Extended Control Register”",
    "HLT": f"{CONDITIONAL}, “HLT—Halt”",
    "CR_ACCESS": f"{CONDITIONAL}, {QUALIFICATION}, “Guest/Host Masks and Read Shadows for CR0 and CR4”",
    "MOV_DR": f"{CONDITIONAL}, {QUALIFICATION}",
    "IO": f"{CONDITIONAL}, {QUALIFICATION}, “I/O-Bitmap Addresses”",
    "RDMSR": f"{CONDITIONAL}, “MSR-Bitmap Address”",
    "WRMSR": f"{CONDITIONAL}, “MSR-Bitmap Address”",
    "ENTRY_GUEST_STATE": "SDM “Checks on the Guest State Area”",
    "MONITOR_TRAP": "SDM “Monitor Trap Flag”",
    "EPT_VIOLATION": f"SDM “EPT Translation Mechanism”, {QUALIFICATION}",
    "PREEMPTION_TIMER": "SDM “VMX-Preemption Timer”",
}
VTX_MANUAL_REST = "SDM, appendix “VMX Basic Exit Reasons”"
SVM_MANUAL = {
    "INTR": "APM “Interrupt Intercepts”",
    "NMI": "APM “Interrupt Intercepts”",
    "VINTR": "APM “Interrupt Intercepts”, “Interrupt Shadows”",
    "IRET": "APM “IRET Intercept”",
    "IOIO": "APM “IOIO Intercepts”",
    "MSR": "APM “MSR Intercepts”",
    "NPF": "APM “Nested Paging”",
    "BUS_LOCK": "APM “Bus Lock Threshold”",
    "INVALID": "APM “Canonicalization and Consistency Checks”",
}
SVM_MANUAL_REST = "APM “Instruction Intercepts”"

NOTHING_MORE = "nothing: the reason says it all"


def colour(kind):
    return COLOURS.get(kind, ENDS_COLOUR if kind in ENDS else QUIET_COLOUR)


def bits(value, names):
    return [name for bit, name in names if value >> bit & 1]


def listed(words, none):
    return ", ".join(words) if words else none


# ---------------------------------------------------------------------- what the processor says

def vtx_io(info, _extra):
    size = (info & 7) + 1
    words = ["in" if info & 8 else "out", f"{size} byte{'s' if size > 1 else ''}",
             f"port {info >> 16 & 0xffff:#x}"]
    words += bits(info, ((4, "string"), (5, "REP"))) + ["from DX" if not info & 64 else "immediate"]
    return ", ".join(words)


def vtx_cr(info, _extra):
    number, gpr = info & 15, GPR[info >> 8 & 15]
    return (f"MOV to CR{number} from {gpr}", f"MOV from CR{number} to {gpr}", "CLTS",
            f"LMSW of {info >> 16 & 0xffff:#x}")[info >> 4 & 3]


def vtx_dr(info, _extra):
    number, gpr = info & 7, GPR[info >> 8 & 15]
    return f"MOV from DR{number} to {gpr}" if info & 16 else f"MOV to DR{number} from {gpr}"


def vtx_ept(info, extra):
    access = listed(bits(info, ((0, "read"), (1, "write"), (2, "fetch"))), "no access")
    rights = listed(bits(info, ((3, "readable"), (4, "writable"), (5, "executable"))), "not mapped")
    what = "" if not info & 128 else ", of the access itself" if info & 256 else ", of a page-table walk"
    return f"{access} at guest-physical {extra:#x}{what}; there it is {rights}"


def vtx_exception(info, extra):
    debug = bits(info, (*((n, f"B{n}") for n in range(4)), (13, "BD"), (14, "BS")))
    return f"vector {extra}" + (f", DR6 bits {listed(debug, '')}" if debug else "")


def vtx_task(info, _extra):
    return f"{('CALL', 'IRET', 'JMP', 'a task gate')[info >> 30 & 3]}, TSS selector {info & 0xffff:#x}"


def svm_io(info, _extra):
    size = next((n for n, bit in ((1, 4), (2, 5), (4, 6)) if info >> bit & 1), 0)
    words = ["in" if info & 1 else "out", f"{size} byte{'s' if size != 1 else ''}",
             f"port {info >> 16 & 0xffff:#x}"] + bits(info, ((2, "string"), (3, "REP")))
    return ", ".join(words)


def svm_msr(info, _extra):
    return "WRMSR" if info & 1 else "RDMSR"


def svm_npf(info, extra):
    access = "fetch" if info & 16 else "write" if info & 2 else "read"
    what = ", of the access itself" if info >> 32 & 1 else ", of a page-table walk" if info >> 33 & 1 else ""
    why = "no such right" if info & 1 else "not mapped"
    return f"{access} at guest-physical {extra:#x}{what}; {why}" + (
        ", a reserved bit is set" if info & 8 else "")


def svm_exception(info, extra):
    return f"vector {extra}, error code {info:#x}"


VTX_INFO = {"IO": vtx_io, "CR_ACCESS": vtx_cr, "MOV_DR": vtx_dr, "EPT_VIOLATION": vtx_ept,
            "EXCEPTION_OR_NMI": vtx_exception, "TASK_SWITCH": vtx_task}
SVM_INFO = {"IOIO": svm_io, "MSR": svm_msr, "NPF": svm_npf}


def info_words(on, name, row):
    if row.info is None:
        return ""
    if row.kind == "kick":
        return NOTHING_MORE
    decode = (VTX_INFO if on == "VT-x" else SVM_INFO).get(name)
    if decode is None and on == "SVM" and name.startswith("EXCEPTION_"):
        decode = svm_exception
    if decode:
        return decode(row.info, row.extra)
    return NOTHING_MORE if row.info == 0 else f"{row.info:#x}, which means nothing for this reason"


# ---------------------------------------------------------------------- what was asked

def pair(registers):
    """EDX:EAX, as RDMSR, WRMSR and XSETBV have it."""
    return (registers[2] & 0xffffffff) << 32 | registers[0] & 0xffffffff


def ask_cpuid(row, _sources):
    words = " ".join(f"E{name[1:]} {value:08x}" for name, value in
                     zip(("RAX", "RBX", "RCX", "RDX"),
                         (row.after[0], row.after[3], row.after[1], row.after[2])))
    return f"leaf {row.before[0] & 0xffffffff:#x}, subleaf {row.before[1] & 0xffffffff:#x}: {words}"


def ask_call(row, sources):
    number = row.before[0]
    name = sources.calls.get(number)
    call = f"call {name.lower().replace('_', '-')}" if name else f"call {number:#x}, which is none"
    return f"{call}: the answer is {row.after[0]:#x}"


def ask_rdmsr(row, sources):
    number = row.before[1] & 0xffffffff
    answer = f"{pair(row.after):#x}" if row.verdict == "next" else "refused"
    return f"MSR {number:#x} {sources.msrs.get(number, '')}".rstrip() + f": {answer}"


def ask_wrmsr(row, sources):
    number = row.before[1] & 0xffffffff
    return f"MSR {number:#x} {sources.msrs.get(number, '')}".rstrip() + f" = {pair(row.before):#x}"


def ask_xsetbv(row, _sources):
    return f"XCR{row.before[1] & 0xffffffff} = {pair(row.before):#x}"


def ask_port(row, on):
    is_in = row.info & (8 if on == "VT-x" else 1)
    return f"read {row.after[0] & 0xffffffff:#x}" if is_in else f"written {row.before[0] & 0xffffffff:#x}"


ASKED = {"cpuid": ask_cpuid, "hypercall": ask_call, "rdmsr": ask_rdmsr, "wrmsr": ask_wrmsr,
         "xsetbv": ask_xsetbv}


def asked(on, row, sources):
    if row.before is None:
        return ""
    if row.kind == "port":
        return ask_port(row, on) + " (in EAX)"
    if row.kind == "cr" and on == "SVM":    # EFER, by RDMSR or WRMSR
        return (ask_wrmsr if row.info & 1 else ask_rdmsr)(row, sources)
    return ASKED[row.kind](row, sources) if row.kind in ASKED else ""


# ---------------------------------------------------------------------- all of it

def reason(on, row, sources):
    """The processor's name. A request that was seen before an entry is no exit: its code is 0."""
    name = sources.codes[on].get(row.code & HARDWARE_CODE, "")
    if row.kind == "kick" and row.code == 0:
        return "", ("an NMI, or no exit: a request was seen before the entry" if on == "VT-x"
                    else "no exit: a request was seen before the entry")
    return name, name or f"{row.code & HARDWARE_CODE:#x}"


def manual(on, name):
    if on == "VT-x":
        return VTX_MANUAL.get(name, VTX_MANUAL_REST)
    if name.startswith("EXCEPTION_"):
        return "APM “Exception Intercepts”"
    return SVM_MANUAL.get(name, SVM_MANUAL_REST)


def explain(on, row, sources):
    """What a page shows of one exit: text and numbers, nothing of it markup."""
    name, called = reason(on, row, sources)
    handler = sources.handler(row.kind, on)
    verdict = sources.comments.get(sources.verdicts.get(row.verdict, ""), "")
    shown = {"n": row.number, "rip": f"{row.rip:#x}", "kind": row.kind,
             "reason": called, "code": f"{row.code:#x}", "verdict": row.verdict,
             "verdictWords": verdict, "handler": handler[0] if handler else "",
             "place": f"{handler[1]}:{handler[2]}" if handler else "",
             "manual": manual(on, name),
             "kindWords": sources.comments.get(sources.kinds.get(row.kind, ""), "")}
    if row.before is not None:
        shown.update(ticks=row.ticks, info=f"{row.info:#x}", infoWords=info_words(on, name, row),
                     asked=asked(on, row, sources),
                     registers=[[register, f"{was:x}", f"{now:x}"] for register, was, now in
                                zip(REGISTERS, row.before, row.after)])
    return shown

/* SPDX-License-Identifier: MIT */
#include "kernel/vm/diagnosis.h"

#include "guests/kit/abi.h"
#include "lib/fmt.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

typedef unsigned long long ull;

const char *diagnosis_exit_kind(enum exit_kind kind)
{
    static const char *const names[EXIT_KIND_COUNT] = {
        [EXIT_CPUID] = "cpuid",
        [EXIT_HYPERCALL] = "hypercall",
        [EXIT_PIO] = "port",
        [EXIT_RDMSR] = "rdmsr",
        [EXIT_WRMSR] = "wrmsr",
        [EXIT_CONTROL] = "cr",
        [EXIT_STEP] = "step",
        [EXIT_XSETBV] = "xsetbv",
        [EXIT_NESTED_FAULT] = "memory",
        [EXIT_EXCEPTION] = "exception",
        [EXIT_KICK] = "kick",
        [EXIT_TIMER] = "timer",
        [EXIT_WINDOW] = "window",
        [EXIT_HALT] = "hlt",
        [EXIT_FORBIDDEN] = "forbidden",
        [EXIT_RDPMC] = "rdpmc",
        [EXIT_CACHE] = "cache",
        [EXIT_BUS_LOCK] = "bus-lock",
        [EXIT_INIT] = "init",
        [EXIT_TRIPLE_FAULT] = "triple-fault",
        [EXIT_TASK_SWITCH] = "task-switch",
        [EXIT_MACHINE_CHECK] = "machine-check",
        [EXIT_ENTRY_FAILED] = "entry-failed",
        [EXIT_UNKNOWN] = "unknown",
    };
    return kind < EXIT_KIND_COUNT ? names[kind] : "?";
}

const char *diagnosis_verdict(enum verdict verdict)
{
    switch (verdict) {
    case DO_NEXT:
        return "next";
    case DO_AGAIN:
        return "again";
    case DO_GP:
        return "#GP";
    case DO_UD:
        return "#UD";
    case DO_REFLECT:
        return "reflect";
    case DO_LEAVE:
        return "leave";
    case DO_STOP:
        return "stop";
    }
    return "?";
}

static void diagnosis_segment(const struct vcpu_state *s, enum segment first, char *buf,
                              size_t size)
{
    static const char *const names[SEG_COUNT] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};
    size_t len = 0;

    for (uint32_t i = first; i < (uint32_t)first + 4; i++) {
        const struct segment_state *seg = &s->segments[i];
        if (seg->attributes == 0)
            len += fmt_print(buf + len, size - len, "  %s unusable", names[i]);
        else
            len += fmt_print(buf + len, size - len, "  %s %x base %llx limit %x attr %x", names[i],
                             seg->selector, (ull)seg->base, seg->limit, seg->attributes);
    }
}

static const char *diagnosis_mode(const struct vcpu_state *s)
{
    if (!(s->cr0 & CR0_PE))
        return "real mode";
    if (s->rflags & RFLAGS_VM)
        return "virtual-8086 mode";
    if (!(s->efer & EFER_LMA))
        return s->cr0 & CR0_PG ? "protected mode, paging" : "protected mode, no paging";
    return s->segments[SEG_CS].attributes & SEGMENT_LONG ? "64-bit mode" : "compatibility mode";
}

static void diagnosis_numbered(const uint64_t r[GPR_COUNT], char *buf, size_t size)
{
    fmt_print(buf, size, "  R8 %llx R9 %llx R10 %llx R11 %llx R12 %llx R13 %llx R14 %llx R15 %llx",
              (ull)r[REG_R8], (ull)r[REG_R9], (ull)r[REG_R10], (ull)r[REG_R11], (ull)r[REG_R12],
              (ull)r[REG_R13], (ull)r[REG_R14], (ull)r[REG_R15]);
}

/* Without what is not known. */
static bool diagnosis_lost_line(const struct vcpu_state *s, uint32_t index, char *buf, size_t size)
{
    const uint64_t *r = s->gpr;

    if (index == 0)
        fmt_print(buf, size,
                  "  RIP %llx, the other registers are lost but for these:", (ull)s->rip);
    else if (index == 1)
        fmt_print(buf, size, "  RBX %llx RCX %llx RDX %llx RSI %llx RDI %llx RBP %llx",
                  (ull)r[REG_RBX], (ull)r[REG_RCX], (ull)r[REG_RDX], (ull)r[REG_RSI],
                  (ull)r[REG_RDI], (ull)r[REG_RBP]);
    else if (index == 2)
        diagnosis_numbered(r, buf, size);
    return index <= 2;
}

bool diagnosis_state_line(const struct vcpu_state *s, uint32_t index, char *buf, size_t size)
{
    const uint64_t *r = s->gpr;

    if (s->is_lost)
        return diagnosis_lost_line(s, index, buf, size);
    switch (index) {
    case 0:
        fmt_print(buf, size, "  RIP %llx RSP %llx RFLAGS %llx CPL %u, %s%s%s", (ull)s->rip,
                  (ull)r[REG_RSP], (ull)s->rflags, s->segments[SEG_SS].attributes >> 5 & 3u,
                  diagnosis_mode(s), s->in_shadow ? ", behind STI or MOV SS" : "",
                  s->in_nmi ? ", in an NMI" : "");
        return true;
    case 1:
        fmt_print(buf, size, "  CR0 %llx CR2 %llx CR3 %llx CR4 %llx EFER %llx DR7 %llx",
                  (ull)s->cr0, (ull)s->cr2, (ull)s->cr3, (ull)s->cr4, (ull)s->efer, (ull)s->dr7);
        return true;
    case 2:
        fmt_print(buf, size, "  RAX %llx RBX %llx RCX %llx RDX %llx RSI %llx RDI %llx RBP %llx",
                  (ull)r[REG_RAX], (ull)r[REG_RBX], (ull)r[REG_RCX], (ull)r[REG_RDX],
                  (ull)r[REG_RSI], (ull)r[REG_RDI], (ull)r[REG_RBP]);
        return true;
    case 3:
        diagnosis_numbered(r, buf, size);
        return true;
    case 4:
        diagnosis_segment(s, SEG_ES, buf, size);
        return true;
    case 5:
        diagnosis_segment(s, SEG_FS, buf, size);
        return true;
    case 6:
        fmt_print(buf, size, "  GDTR %llx limit %x  IDTR %llx limit %x", (ull)s->gdtr_base,
                  s->gdtr_limit, (ull)s->idtr_base, s->idtr_limit);
        return true;
    default:
        return false;
    }
}

void diagnosis_access(const struct vcpu_exit *x, char *buf, size_t size)
{
    buf[0] = '\0';
    if (x->kind == EXIT_NESTED_FAULT)
        fmt_print(buf, size, "%s%s%s%s", x->fault.access & NESTED_READ ? "read " : "",
                  x->fault.access & NESTED_WRITE ? "write " : "",
                  x->fault.access & NESTED_EXEC ? "fetch " : "",
                  x->fault.table_walk ? "by a page-table walk" : "by the instruction");
    else if (x->kind == EXIT_EXCEPTION)
        fmt_print(buf, size, "vector %u", x->exception.vector);
}

/* What a program used to PCs may look for at an address. */
static const char *diagnosis_pc_device(uint64_t address)
{
    static const struct {
        uint64_t base, size;
        const char *what;
    } places[] = {
        {0xfee00000, 0x1000, "the local APIC's registers on a PC: use x2APIC"},
        {0xfec00000, 0x1000, "an I/O APIC's registers on a PC: there is none"},
        {0xfed00000, 0x1000, "the HPET's registers on a PC: there is none"},
        {0xfed40000, 0x5000, "a TPM's registers on a PC: there is none"},
        {0xfed80000, 0x2000, "an AMD chipset's registers on a PC: there are none"},
        {0xff000000, 0x1000000, "the firmware's flash on a PC: there is none"},
        {0xe0000000, 0x10000000, "PCI configuration space on a PC: there is none"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (address - places[i].base < places[i].size)
            return places[i].what;
    }
    return NULL;
}

/* Returns the length. */
static size_t diagnosis_name(const struct guest_region *row, char *buf, size_t size)
{
    static const char *const names[] = {
        [REGION_RAM] = "its memory",
        [REGION_SHARED] = "the memory of link",
        [REGION_DEVICE] = "its device's registers",
        [REGION_DISK] = "its disk",
        [REGION_TABLE] = "the MSI-X table of its device",
    };

    if (row->name)
        return fmt_print(buf, size, "%s '%s'", names[row->kind], row->name);
    return fmt_print(buf, size, "%s", names[row->kind]);
}

static void diagnosis_region(const struct guest_region *row, char *buf, size_t size)
{
    static const char *const rights[] = {
        [PT_R] = "only read",
        [PT_R | PT_W] = "only read and write",
        [PT_R | PT_X] = "only read and execute",
        [PT_R | PT_W | PT_X] = "read, write and execute",
    };

    const size_t len = diagnosis_name(row, buf, size);
    fmt_print(buf + len, size - len, ", which it may %s", rights[row->rights]);
}

/* Behind the last byte of its RAM; it has some. */
static uint64_t diagnosis_ram_end(const struct guest_map *map)
{
    uint32_t i = map->count - 1;

    while (i > 0 && map->rows[i].kind != REGION_RAM)
        i--;
    return map->rows[i].at.v + map->rows[i].size;
}

void diagnosis_place(gpa_t address, const struct guest_map *map, char *buf, size_t size)
{
    const struct guest_region *row = guest_map_find(map, address);
    const struct guest_region *below = guest_map_find(map, gpa(address.v - 1));
    const char *device = diagnosis_pc_device(address.v);
    const uint64_t end = diagnosis_ram_end(map);
    char distance[24];

    if (row) {
        diagnosis_region(row, buf, size);
        return;
    }
    const size_t len = fmt_print(buf, size, "outside its memory: ");
    buf += len;
    size -= len;
    if (device) {
        fmt_print(buf, size, "%s", device);
    } else if (below && below->kind == REGION_DISK) {
        const size_t first = fmt_print(buf, size, "the first byte after ");
        diagnosis_name(below, buf + first, size - first);
    } else if (address.v < end) {
        fmt_print(buf, size, "the hole below 4 GiB");
    } else if (address.v == end) {
        fmt_print(buf, size, "the first byte after its memory");
    } else {
        fmt_size(distance, sizeof(distance), address.v - end);
        fmt_print(buf, size, "%s past its end", distance);
    }
}

/* SDM "Exception and Interrupt Reference". */
static const char *const exception_names[] = {
    "a divide error (#DE)",
    "a debug exception (#DB)",
    "an NMI",
    "a breakpoint (#BP)",
    "an overflow (#OF)",
    "a BOUND range fault (#BR)",
    "an invalid opcode (#UD)",
    "a device-not-available fault (#NM)",
    "a double fault (#DF)",
    "a coprocessor segment overrun",
    "an invalid TSS (#TS)",
    "a segment-not-present fault (#NP)",
    "a stack-segment fault (#SS)",
    "a general-protection fault (#GP)",
    "a page fault (#PF)",
    NULL,
    "an x87 floating-point error (#MF)",
    "an alignment check (#AC)",
    "a machine check (#MC)",
    "a SIMD floating-point error (#XM)",
    "a virtualization exception (#VE)",
    "a control-protection fault (#CP)",
};

/* Bits of a page fault's error code. SDM "Page-Fault Exceptions". */
enum page_fault {
    PAGE_FAULT_PRESENT = 1,
    PAGE_FAULT_WRITE = 2,
    PAGE_FAULT_RESERVED = 8,
    PAGE_FAULT_FETCH = 16,
};

static const char *diagnosis_page_access(uint64_t error)
{
    if (error & PAGE_FAULT_FETCH)
        return "it jumped to";
    return error & PAGE_FAULT_WRITE ? "it wrote to" : "it read from";
}

static const char *diagnosis_page_state(uint64_t error)
{
    if (!(error & PAGE_FAULT_PRESENT))
        return "is not mapped";
    if (error & PAGE_FAULT_RESERVED)
        return "has a reserved bit set in its page tables";
    if (error & PAGE_FAULT_FETCH)
        return "is not executable";
    return error & PAGE_FAULT_WRITE ? "is not writable" : "is not readable";
}

void diagnosis_report(const struct crash_report *report, uint64_t cr2, char *buf, size_t size)
{
    const uint32_t code = report->code;
    const ull rip = report->rip, error = report->error;
    const char *name = code < ARRAY_SIZE(exception_names) ? exception_names[code] : NULL;

    if (code >= BULKHEAD_CRASH_GAVE_UP)
        fmt_print(buf, size, "it gave up with code %u at RIP 0x%llx", code - BULKHEAD_CRASH_GAVE_UP,
                  rip);
    else if (!name)
        fmt_print(buf, size, "it has no handler for vector %u, at RIP 0x%llx", code, rip);
    else if (code == VECTOR_PF)
        fmt_print(buf, size, "it has no handler for %s at RIP 0x%llx: %s 0x%llx, which %s", name,
                  rip, diagnosis_page_access(error), (ull)cr2, diagnosis_page_state(error));
    else if (error)
        fmt_print(buf, size, "it has no handler for %s at RIP 0x%llx, error code 0x%llx", name, rip,
                  error);
    else
        fmt_print(buf, size, "it has no handler for %s at RIP 0x%llx", name, rip);
}

void diagnosis_source_line(const struct vcpu_state *s, const char *image, char *buf, size_t size)
{
    const struct segment_state *cs = &s->segments[SEG_CS];
    const bool flat = (s->efer & EFER_LMA) && (cs->attributes & SEGMENT_LONG);

    fmt_print(buf, size, "  source line: addr2line -fe %s 0x%llx", image,
              (ull)(s->rip + (flat ? 0 : cs->base)));
}

void diagnosis_trace_line(const struct trace_row *row, const char *why, uint64_t ago_us, char *buf,
                          size_t size)
{
    fmt_print(buf, size, "  %10llu us ago  %-13s %-20s RIP %-16llx %s", (ull)ago_us,
              diagnosis_exit_kind((enum exit_kind)row->kind), why, (ull)row->rip,
              diagnosis_verdict((enum verdict)row->verdict));
}

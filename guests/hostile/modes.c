/* SPDX-License-Identifier: MIT */
/*
 * modes: the same instructions in every mode of the processor, and the changes between the modes,
 * many times. modes.asm does it; here are the tables it needs and what must have come out.
 */
#include "guests/hostile/modes.h"

#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define NONE     UINT32_MAX
#define ROUNDS   200
#define PRESENT  1
#define TABLE    7                  /* present, writable, user */
#define LARGE    0x87               /* the same, large page */
#define ERRORS   UINT32_C(0x227d00) /* vectors 8, 10-14, 17 and 21 push an error code */
#define GATE32   0x8e00
#define GATE32_3 0xee00 /* reachable from CPL 3 */

#define CPUID_OPCODE 0xa20f
#define UD2_OPCODE   0x0b0f

#define VMCALL_LAST   0xc1 /* 0f 01 before */
#define VMMCALL_LAST  0xd9
#define CALLS_IN_MODE 3 /* version, unknown, the other vendor's */

_Static_assert(offsetof(struct modes, resume) == 4 && offsetof(struct modes, cr3_bad) == 20 &&
                   offsetof(struct modes, scratch) == 32 + 16 * 8 + 64 * 8,
               "protected.asm");

static const char *const mode_names[MODES] = {"compatibility", "protected",    "pae", "paging-32",
                                              "virtual-8086",  "protected-16", "real"};

extern const uint8_t modes_low[], modes_low_end[];
extern const uint32_t modes_vectors16, modes_vectors32, modes_v86_done;
extern uint64_t kit_pml4[512];
extern uint64_t kit_pd[4 * 512];

static ALIGNED(4096) uint32_t legacy_pd[1024];
static ALIGNED(32) uint64_t pae_pdpt[4], bad_pdpt[4];
static ALIGNED(4096) uint64_t edge_pt[512];
static ALIGNED(4096) uint8_t edge_page[PAGE_SIZE];
static uint8_t tss32[104 + 1], tss16[44];
static bool tries_64k;

struct modes *modes_shared(void)
{
    return (struct modes *)MODES_LOW;
}

void *modes_task(void)
{
    return tss32;
}

uint64_t modes_gate(uint32_t entry, uint16_t selector, uint16_t type)
{
    return (uint64_t)(entry >> 16) << 48 | (uint64_t)type << 32 | (uint64_t)selector << 16 |
           (entry & 0xffff);
}

static uint64_t modes_tss(const void *tss, uint32_t limit, uint8_t type)
{
    const uint64_t base = (uint64_t)tss;
    return limit | (base & 0xffffff) << 16 | (uint64_t)type << 40 | (base >> 24 & 0xff) << 56;
}

/* What compatibility mode gets, through the kit's IDT. */
static void modes_trap(struct trap_frame *frame)
{
    struct modes *m = modes_shared();

    m->vector = (uint32_t)frame->vector;
    m->error = ERRORS >> frame->vector & 1 ? (uint32_t)frame->error_code : NONE;
    frame->rip = m->resume;
}

static void modes_tables(struct modes *m)
{
    for (uint32_t i = 0; i < 1024; i++)
        legacy_pd[i] = i << 22 | LARGE;
    for (uint32_t i = 0; i < 4; i++)
        bad_pdpt[i] = pae_pdpt[i] = (uint64_t)&kit_pd[512 * i] | PRESENT;
    bad_pdpt[2] |= 6; /* reserved in a PDPTE of PAE paging */
    /* The last page below 4 GiB is memory, and CPUID its last instruction. */
    edge_page[PAGE_SIZE - 2] = 0x0f;
    edge_page[PAGE_SIZE - 1] = 0xa2;
    edge_pt[511] = (uint64_t)edge_page | TABLE;
    kit_pd[4 * 512 - 1] = (uint64_t)edge_pt | TABLE;
    m->cr3_long = (uint32_t)(uint64_t)kit_pml4;
    m->cr3_pae = (uint32_t)(uint64_t)pae_pdpt;
    m->cr3_bad = (uint32_t)(uint64_t)bad_pdpt;
    m->cr3_legacy = (uint32_t)(uint64_t)legacy_pd;
}

static void modes_descriptors(struct modes *m)
{
    static const uint64_t gdt[] = {
        0,
        0x00af9b000000ffff, /* 0x08 64-bit code */
        0x00cf93000000ffff, /* 0x10 data */
        0x00cf9b000000ffff, /* 0x18 32-bit code */
        0x00009b000000ffff, /* 0x20 16-bit code */
        0x000093000000ffff, /* 0x28 16-bit data */
        0,                  /* 0x30 TSS */
        0x00cffb000000ffff, /* 0x38 32-bit code, CPL 3 */
        0x00cff3000000ffff, /* 0x40 data, CPL 3 */
    };

    memcpy(m->gdt, gdt, sizeof(gdt));
    *(uint32_t *)(tss32 + 4) = 0x5800; /* ESP0, SS0 */
    *(uint32_t *)(tss32 + 8) = 0x10;
    *(uint16_t *)(tss32 + 102) = 104; /* no port for CPL 3 */
    tss32[104] = 0xff;
    m->gdt[6] = modes_tss(tss32, 104, 0x89);
    m->gdt[9] = modes_tss(tss32, 103, 0x89);
    m->gdt[11] = modes_tss(tss16, 43, 0x81);
    for (uint32_t v = 0; v < 32; v++)
        m->idt32[v] = modes_gate(modes_vectors32 + v * 16, 0x18, GATE32);
    m->idt32[0x31] = modes_gate(modes_v86_done, 0x18, GATE32_3);
}

/* modes.asm was written for VMCALL: where calls are made with VMMCALL the two change places. They
 * differ in the last of three bytes. */
static void modes_call(uint8_t *code, uint64_t size)
{
    uint32_t calls = 0;

    for (uint64_t i = 0; i + 2 < size; i++) {
        const bool is_call = code[i] == 0x0f && code[i + 1] == 0x01 &&
                             (code[i + 2] == VMCALL_LAST || code[i + 2] == VMMCALL_LAST);
        calls += is_call;
        if (is_call && bulkhead_uses_vmmcall)
            code[i + 2] ^= VMCALL_LAST ^ VMMCALL_LAST;
    }
    if (calls != CALLS_IN_MODE * MODES)
        fatal(1, "%u hypercall instructions in modes.asm", calls);
}

void modes_prepare(void)
{
    uint32_t *ivt = NULL;
    struct modes *m = modes_shared();

    __asm__ volatile("" : "+r"(ivt)); /* at 0 */
    memcpy(m, modes_low, (size_t)(modes_low_end - modes_low));
    modes_call((uint8_t *)m, (uint64_t)(modes_low_end - modes_low));
    for (uint32_t v = 0; v < 32; v++)
        ivt[v] = modes_vectors16 + v * 8;
    ivt[0] = UD2_OPCODE; /* also, for who wraps around to address 0 */
    m->at_64k = tries_64k ? CPUID_OPCODE : UD2_OPCODE;
    modes_tables(m);
    modes_descriptors(m);
    for (uint8_t v = 0; v < 32; v++)
        irq_handle(v, modes_trap);
}

void modes_leave(void)
{
    for (uint8_t v = 0; v < 32; v++)
        irq_handle(v, NULL);
}

/* ---------------------------------------------------------------- what must have come out */

static const struct modes_row *modes_result(uint32_t mode, uint32_t probe)
{
    return &modes_shared()->results[mode][probe];
}

/* An error code of 0 with #GP, and none in real mode, where `error` is the frame's length. */
static bool modes_faulted(uint32_t mode, uint32_t probe, uint32_t vector)
{
    const struct modes_row *r = modes_result(mode, probe);
    const uint32_t error = mode == MODE_REAL ? 6 : vector == VECTOR_GP ? 0 : NONE;

    return r->vector == vector && r->error == error;
}

static bool modes_returned(uint32_t mode, uint32_t probe, uint32_t eax)
{
    const struct modes_row *r = modes_result(mode, probe);

    return r->vector == NONE && r->eax == eax;
}

static void modes_check(const char *what, uint32_t mode, uint32_t probe, bool ok)
{
    const struct modes_row *r = modes_result(mode, probe);
    char id[64];

    fmt_print(id, sizeof(id), "%s-%s", mode_names[mode], what);
    check(id, ok, "probe %u: vector %u, EAX 0x%x, error 0x%x", probe, r->vector, r->eax, r->error);
}

static void modes_check_calls(uint32_t mode)
{
    const bool v86 = mode == MODE_V86; /* CPL 3 */
    const uint32_t denied = (uint32_t)BULKHEAD_ERROR_DENIED;
    const uint32_t unknown = (uint32_t)BULKHEAD_ERROR_UNKNOWN;

    row("HC-02");
    modes_check("version", mode, 1, modes_returned(mode, 1, v86 ? denied : BULKHEAD_ABI_VERSION));
    modes_check("unknown", mode, 2, modes_returned(mode, 2, v86 ? denied : unknown));
}

static void modes_check_faults(uint32_t mode)
{
    const bool v86 = mode == MODE_V86;

    row("PI-09");
    for (uint32_t probe = 6; probe <= 19; probe++) {
        if (!modes_faulted(mode, probe, VECTOR_UD))
            modes_check("vmx", mode, probe, false);
    }
    modes_check("monitor", mode, 23, modes_faulted(mode, 23, VECTOR_UD));
    modes_check("other-call", mode, 25, modes_faulted(mode, 25, VECTOR_UD));
    modes_check("xsetbv", mode, 20, modes_faulted(mode, 20, VECTOR_UD));
    row(mode == MODE_REAL ? "VE-01" : "CR-01");
    modes_check("rdmsr", mode, 3, modes_faulted(mode, 3, VECTOR_GP));
    modes_check("wrmsr", mode, 4, modes_faulted(mode, 4, VECTOR_GP));
    modes_check("outs", mode, 22, modes_faulted(mode, 22, VECTOR_GP));
    modes_check("rdpmc", mode, 24, modes_faulted(mode, 24, VECTOR_GP));
    row("CR-01");
    modes_check("in", mode, 5,
                v86 ? modes_faulted(mode, 5, VECTOR_GP) : modes_returned(mode, 5, 0xff));
    modes_check("wbinvd", mode, 21,
                v86 ? modes_faulted(mode, 21, VECTOR_GP) : modes_returned(mode, 21, 0));
    modes_check("cpuid", mode, 0,
                modes_result(mode, 0)->vector == NONE &&
                    modes_result(mode, 0)->eax >= BULKHEAD_CPUID_TIME);
}

/* A processor with nested paging of AMD's looks at a PDPTE when it walks through it: APM "Legacy
 * PAE Mode". Intel's loads all four with CR3, and refuses. */
static void modes_check_pdptes(void)
{
    const struct modes *m = modes_shared();
    const bool amd = hostile_on_amd();
    const uint32_t kept = amd ? m->cr3_bad : m->cr3_pae;

    row("CR-15");
    modes_check("bad-pdpte", MODE_PAE, 26,
                amd ? modes_returned(MODE_PAE, 26, m->cr3_bad)
                    : modes_faulted(MODE_PAE, 26, VECTOR_GP));
    modes_check("cr3-kept", MODE_PAE, 27, modes_returned(MODE_PAE, 27, kept));
    modes_check("paging-with-bad-pdpte", MODE_PAE, 28,
                amd ? modes_result(MODE_PAE, 28)->vector == NONE
                    : modes_faulted(MODE_PAE, 28, VECTOR_GP));
    row("CR-20");
    modes_check("cr0-kept", MODE_PAE, 30,
                ((modes_result(MODE_PAE, 30)->eax & (uint32_t)CR0_PG) != 0) == amd);
}

static void modes_check_edges(void)
{
    row("VE-11");
    modes_check("tss-16", MODE_PROT, 26, modes_result(MODE_PROT, 26)->vector == NONE);
    modes_check("cpuid-with-tss-16", MODE_PROT, 27, modes_result(MODE_PROT, 27)->vector == NONE);
    modes_check_pdptes();
    /* Behind the last address: the limit of CS, or address 0 again, where UD2 is. */
    row("PI-22");
    modes_check("cpuid-at-4g", MODE_PAE, 29,
                modes_result(MODE_PAE, 29)->vector == VECTOR_GP ||
                    modes_result(MODE_PAE, 29)->vector == VECTOR_UD);
    if (tries_64k)
        modes_check("cpuid-at-64k", MODE_REAL, 26, modes_faulted(MODE_REAL, 26, VECTOR_GP));
}

/* ---------------------------------------------------------------- 64-bit mode's own edges */

#define LAST_LOW UINT64_C(0x7ffffffff000) /* the last page of the lower half */

static uint64_t edge_resume, edge_rip, edge_error;

static void modes_edge_trap(struct trap_frame *frame)
{
    edge_rip = frame->rip;
    edge_error = frame->error_code;
    frame->rip = edge_resume;
}

static void modes_edge_64(void)
{
    static ALIGNED(4096) uint64_t pdpt[512], pd[512];

    kit_pml4[255] = (uint64_t)pdpt | TABLE;
    pdpt[511] = (uint64_t)pd | TABLE;
    pd[511] = (uint64_t)edge_pt | TABLE;
    irq_handle(VECTOR_GP, modes_edge_trap);
    __asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n\tjmp *%1\n1:"
                     : "=m"(edge_resume)
                     : "r"(LAST_LOW + PAGE_SIZE - 2)
                     : "rax", "rbx", "rcx", "rdx", "memory");
    irq_handle(VECTOR_GP, NULL);
    row("PI-22");
    check("64-bit-cpuid-at-the-hole", edge_rip == LAST_LOW + PAGE_SIZE && edge_error == 0,
          "#GP at 0x%lx, error code 0x%lx", edge_rip, edge_error);
}

static void modes_null_ss(void)
{
    uint64_t ss;

    row("VE-11");
    __asm__ volatile("mov %%ss, %0; mov %1, %%ss; cpuid; mov %%ss, %%ecx; mov %0, %%ss"
                     : "=&r"(ss)
                     : "r"(0)
                     : "rax", "rbx", "rcx", "rdx", "memory");
    check_equal("null-ss", ss & 0xffff, 0x10);
}

/* protected.asm */
void hook_cut_event(void);
void hook_cut_handler(void);

/* #AC, which exits, while INT n is being delivered: the handler of #AC runs, the event is not
 * delivered, and the processor is in no state that it could not enter. */
static void modes_cut_event(void)
{
    struct modes *m = modes_shared();

    modes_prepare();
    m->hook = (uint32_t)(uint64_t)hook_cut_event;
    m->idt32[0x33] = modes_gate((uint32_t)(uint64_t)hook_cut_handler, 0x38, GATE32_3);
    modes_round();
    modes_leave();
    row("VE-06");
    check("cut-event", m->scratch[0] == VECTOR_AC, "vector %u", m->scratch[0]);
}

void hostile_modes(void)
{
    row("PI-22");
    tries_64k = can_try("real-cpuid-at-64k");
    modes_prepare();
    for (uint32_t i = 0; i < ROUNDS; i++)
        modes_round();
    modes_leave();
    for (uint32_t mode = 0; mode < MODES; mode++) {
        modes_check_calls(mode);
        modes_check_faults(mode);
    }
    modes_check_edges();
    modes_cut_event();
    modes_edge_64();
    modes_null_ss();
}

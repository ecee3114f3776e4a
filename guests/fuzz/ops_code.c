/* SPDX-License-Identifier: MIT */
/*
 * ops_code: instructions made at random, with random registers, at both CPLs, in 64, 32 and 16-bit
 * segments, and outside of long mode. Each ends at the int3 behind it, or earlier. At CPL 3 also
 * any bytes at all, since only SCRATCH is within reach there; at CPL 0 those of a list.
 */
#include "guests/fuzz/fuzz.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define INT3         0xcc
#define RFLAGS_FIXED 2
#define RFLAGS_TF    0x100
#define RFLAGS_IF    0x200
#define RFLAGS_MAY   UINT64_C(0x240cd5) /* AC, NT not, ID, arithmetic, DF */

/* How an entry of the list goes on. */
#define PLAIN  0x00
#define MODRM  0x01 /* a ModRM byte: register or memory, reg field random */
#define MEMORY 0x02 /* ModRM with the memory at [RDI], reg field given in `reg` */
#define REG    0x04 /* ModRM with a register, reg field given in `reg` */
#define IMM8   0x08
#define LONG   0x10 /* only in 64-bit code or at CPL 3: it could leave the mode */
#define TRIP   0x20 /* also outside of long mode: touches no memory and no mode */

static const struct {
    uint8_t length, bytes[4], how, reg;
} list[] = {
    {2, {0x0f, 0xa2}, PLAIN | TRIP, 0},       /* CPUID */
    {2, {0x0f, 0x32}, PLAIN | TRIP, 0},       /* RDMSR */
    {2, {0x0f, 0x30}, PLAIN | TRIP, 0},       /* WRMSR */
    {3, {0x0f, 0x01, 0xc1}, PLAIN | TRIP, 0}, /* VMCALL */
    {3, {0x0f, 0x01, 0xd9}, PLAIN | TRIP, 0}, /* VMMCALL */
    {3, {0x0f, 0x01, 0xc2}, PLAIN | TRIP, 0}, /* VMLAUNCH */
    {3, {0x0f, 0x01, 0xc3}, PLAIN | TRIP, 0}, /* VMRESUME */
    {3, {0x0f, 0x01, 0xc4}, PLAIN | TRIP, 0}, /* VMXOFF */
    {3, {0x0f, 0x01, 0xd4}, PLAIN | TRIP, 0}, /* VMFUNC */
    {2, {0x0f, 0x37}, PLAIN | TRIP, 0},       /* GETSEC */
    {3, {0x0f, 0x01, 0xc8}, PLAIN, 0},        /* MONITOR */
    {3, {0x0f, 0x01, 0xc9}, PLAIN | TRIP, 0}, /* MWAIT */
    {3, {0x0f, 0x01, 0xd0}, PLAIN | TRIP, 0}, /* XGETBV */
    {3, {0x0f, 0x01, 0xd1}, PLAIN | TRIP, 0}, /* XSETBV */
    {3, {0x0f, 0x01, 0xf9}, PLAIN | TRIP, 0}, /* RDTSCP */
    {3, {0x0f, 0x01, 0xf8}, PLAIN | LONG, 0}, /* SWAPGS */
    {2, {0x0f, 0x33}, PLAIN | TRIP, 0},       /* RDPMC */
    {2, {0x0f, 0x31}, PLAIN | TRIP, 0},       /* RDTSC */
    {2, {0x0f, 0x08}, PLAIN | TRIP, 0},       /* INVD */
    {2, {0x0f, 0x09}, PLAIN | TRIP, 0},       /* WBINVD */
    {1, {0xec}, PLAIN | TRIP, 0},             /* IN AL, DX */
    {1, {0xed}, PLAIN | TRIP, 0},             /* IN EAX, DX */
    {1, {0xef}, PLAIN | TRIP, 0},             /* OUT DX, EAX */
    {1, {0xe5}, IMM8 | TRIP, 0},              /* IN EAX, imm8 */
    {1, {0xe6}, IMM8 | TRIP, 0},              /* OUT imm8, AL */
    {1, {0x6c}, PLAIN, 0},                    /* INSB */
    {1, {0x6d}, PLAIN, 0},                    /* INSD */
    {1, {0x6e}, PLAIN, 0},                    /* OUTSB */
    {1, {0x6f}, PLAIN, 0},                    /* OUTSD */
    {2, {0x0f, 0x06}, PLAIN | TRIP, 0},       /* CLTS */
    {2, {0x0f, 0x01}, REG, 4},                /* SMSW */
    {2, {0x0f, 0x01}, REG | LONG, 6},         /* LMSW */
    {2, {0x0f, 0x01}, MEMORY | LONG, 6},      /* LMSW */
    {2, {0x0f, 0x22}, REG | LONG, 0},         /* MOV CR0, reg */
    {2, {0x0f, 0x22}, REG | LONG, 4},         /* MOV CR4, reg */
    {2, {0x0f, 0x22}, REG, 2},                /* MOV CR2, reg */
    {2, {0x0f, 0x22}, REG | TRIP, 5},         /* MOV CR5, reg: #UD */
    {2, {0x0f, 0x20}, REG | TRIP, 0},         /* MOV reg, CR0 */
    {2, {0x0f, 0x20}, REG | TRIP, 3},         /* MOV reg, CR3 */
    {2, {0x0f, 0x20}, REG | TRIP, 4},         /* MOV reg, CR4 */
    {2, {0x0f, 0x21}, REG | TRIP, 7},         /* MOV reg, DR7 */
    {2, {0x0f, 0x23}, REG | TRIP, 6},         /* MOV DR6, reg */
    {2, {0x0f, 0x23}, REG | TRIP, 4},         /* MOV DR4, reg */
    {2, {0x0f, 0x01}, MEMORY, 0},             /* SGDT */
    {2, {0x0f, 0x01}, MEMORY, 1},             /* SIDT */
    {2, {0x0f, 0x01}, MEMORY, 7},             /* INVLPG */
    {2, {0x0f, 0x00}, MODRM, 0},              /* SLDT, STR, LLDT, LTR, VERR, VERW */
    {2, {0x0f, 0x02}, MODRM, 0},              /* LAR */
    {2, {0x0f, 0x03}, MODRM, 0},              /* LSL */
    {1, {0x8e}, MODRM, 0},                    /* MOV Sreg, r/m */
    {2, {0x0f, 0xb2}, MODRM, 0},              /* LSS */
    {1, {0x17}, PLAIN, 0},                    /* POP SS */
    {2, {0x0f, 0xaa}, PLAIN | TRIP, 0},       /* RSM */
    {2, {0x0f, 0x34}, PLAIN | TRIP, 0},       /* SYSENTER */
    {2, {0x0f, 0x35}, PLAIN | LONG, 0},       /* SYSEXIT */
    {2, {0x0f, 0x05}, PLAIN | TRIP, 0},       /* SYSCALL */
    {2, {0x0f, 0x07}, PLAIN | LONG, 0},       /* SYSRET */
    {1, {0xcf}, PLAIN, 0},                    /* IRET */
    {1, {0xcb}, PLAIN, 0},                    /* RETF */
    {1, {0xff}, MEMORY, 3},                   /* CALL FAR */
    {1, {0xff}, MEMORY, 5},                   /* JMP FAR */
    {1, {0xcd}, IMM8, 0},                     /* INT n */
    {1, {0xf1}, PLAIN | TRIP, 0},             /* INT1 */
    {1, {0xce}, PLAIN, 0},                    /* INTO */
    {2, {0x0f, 0x0b}, PLAIN | TRIP, 0},       /* UD2 */
    {1, {0x9d}, PLAIN, 0},                    /* POPF */
    {1, {0xfb}, PLAIN, 0},                    /* STI */
    {1, {0xfa}, PLAIN | TRIP, 0},             /* CLI */
    {1, {0x90}, PLAIN | TRIP, 0},             /* NOP; with F3 PAUSE */
    {2, {0x0f, 0xae}, MODRM, 0},              /* FXSAVE, XSAVE, CLFLUSH, fences, RDFSBASE ... */
    {2, {0x0f, 0xc7}, MODRM, 0},              /* CMPXCHG16B, VMPTRLD, XSAVES, RDPID ... */
    {2, {0x0f, 0x78}, MODRM, 0},              /* VMREAD */
    {2, {0x0f, 0x79}, MODRM, 0},              /* VMWRITE */
    {3, {0x0f, 0x38, 0x80}, MODRM, 0},        /* INVEPT */
    {3, {0x0f, 0x38, 0x81}, MODRM, 0},        /* INVVPID */
    {3, {0x0f, 0x38, 0x82}, MODRM, 0},        /* INVPCID */
    {3, {0x0f, 0x38, 0xf8}, MODRM, 0},        /* ENQCMD, MOVDIR64B */
    {3, {0x0f, 0x01, 0xca}, PLAIN | TRIP, 0}, /* CLAC */
    {3, {0x0f, 0x01, 0xcb}, PLAIN | TRIP, 0}, /* STAC */
    {3, {0x0f, 0x01, 0xcc}, PLAIN | TRIP, 0}, /* TDCALL with 66 */
    {3, {0x0f, 0x01, 0xcf}, PLAIN | TRIP, 0}, /* ENCLS; SEAMCALL with 66 */
    {3, {0x0f, 0x01, 0xd7}, PLAIN | TRIP, 0}, /* ENCLU */
    {3, {0x0f, 0x01, 0xc5}, PLAIN | TRIP, 0}, /* PCONFIG */
    {3, {0x0f, 0x01, 0xe8}, PLAIN, 0},        /* SERIALIZE; SETSSBSY with F3 */
    {3, {0x0f, 0x01, 0xee}, PLAIN | TRIP, 0}, /* RDPKRU */
    {3, {0x0f, 0x01, 0xef}, PLAIN | TRIP, 0}, /* WRPKRU */
};

static uint8_t make_port(struct stream *s)
{
    const uint8_t port = (uint8_t)stream_u64(s);

    return !wild && (port == 0x64 || port == 0x92) ? 0x80 : port;
}

static size_t make_prefixes(struct stream *s, uint8_t *at, bool long_mode)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x26, 0x64, 0x65};
    size_t n = 0;

    while (n < 3 && stream_one_in(s, 4))
        at[n++] = prefixes[stream_below(s, ARRAY_SIZE(prefixes))];
    if (long_mode && stream_one_in(s, 3))
        at[n++] = (uint8_t)(0x40 | (stream_u64(s) & (stream_one_in(s, 4) ? 0xf : 0x8)));
    return n;
}

static uint8_t make_modrm(struct stream *s, uint32_t how, uint8_t reg, bool keep_rsp)
{
    const uint8_t rm = (uint8_t)stream_below(s, 8);

    if (how & MEMORY)
        return (uint8_t)(reg << 3 | 7);
    if (how & REG)
        return (uint8_t)(0xc0 | reg << 3 | (keep_rsp && rm == 4 ? 5 : rm));
    /* Without SIB, displacement or RIP: memory at [RAX], [RCX] ... */
    static const uint8_t plain[] = {0, 1, 2, 3, 6, 7};
    reg = (uint8_t)stream_below(s, 8);
    if (stream_one_in(s, 2))
        return (uint8_t)(0xc0 | reg << 3 | rm);
    return (uint8_t)(reg << 3 | plain[stream_below(s, ARRAY_SIZE(plain))]);
}

void code_make(struct stream *s, uint8_t *at, bool long_mode, bool cpl0, bool registers_only)
{
    uint8_t bytes[CODE_BYTES];
    uint32_t i;

    memset(bytes, INT3, sizeof(bytes));
    do {
        i = stream_below(s, ARRAY_SIZE(list));
    } while ((registers_only && !(list[i].how & TRIP)) ||
             (cpl0 && !long_mode && (list[i].how & LONG)));
    size_t n = registers_only ? 0 : make_prefixes(s, bytes, long_mode);
    /* A REX.R would turn CR0 and CR4 into CR8 and CR12, which is fine. */
    memcpy(bytes + n, list[i].bytes, list[i].length);
    n += list[i].length;
    if (list[i].how & (MODRM | MEMORY | REG))
        bytes[n++] = make_modrm(s, list[i].how, list[i].reg, registers_only);
    if (list[i].how & IMM8)
        bytes[n++] = make_port(s);
    if (!cpl0 && stream_one_in(s, 4)) {
        for (n = 0; n < 16; n++)
            bytes[n] = (uint8_t)stream_u64(s);
    }
    for (n = 0; n < CODE_BYTES; n++)
        ((volatile uint8_t *)at)[n] = bytes[n];
}

/* What an instruction may find in RAX, RCX and RDX: now and then what it wants. */
static void make_registers(struct stream *s, uint64_t gpr[16])
{
    for (uint32_t i = 0; i < 16; i++)
        gpr[i] = stream_one_in(s, 3) ? stream_number(s)
                                     : SCRATCH + DATA_OFFSET + stream_below(s, 0x10000) * 8;
    if (stream_one_in(s, 3))
        gpr[0] = BULKHEAD_CALL_BASE + stream_below(s, BULKHEAD_CALL_COUNT);
    if (stream_one_in(s, 2))
        gpr[1] = pick_msr(s);
    if (stream_one_in(s, 2))
        gpr[2] = 0x3f8 + stream_below(s, 8);
    const uint32_t call = (uint32_t)gpr[0];
    if (!wild && (call == BULKHEAD_CALL_POWER_OFF || call == BULKHEAD_CALL_RESTART ||
                  call == BULKHEAD_CALL_CRASH))
        gpr[0] = BULKHEAD_CALL_VERSION;
    if (!wild && (uint32_t)gpr[1] == MSR_X2APIC_ICR)
        gpr[1]++;
}

void op_code(struct core *c)
{
    static const struct {
        uint16_t cs, ss;
        bool is64;
    } modes[] = {
        {SEL_CODE64, SEL_DATA, true},
        {SEL_CODE64, 0, true},
        {SEL_CODE32, SEL_DATA, false},
        {SEL_CODE16, SEL_DATA, false},
        {SEL_CODE64U | 3, SEL_DATA3 | 3, true},
        {SEL_CODE32U | 3, SEL_DATA3 | 3, false},
        {SEL_CODE16U | 3, SEL_DATA3 | 3, false},
    };
    struct stream *s = &c->stream;
    const uint32_t m = stream_below(s, ARRAY_SIZE(modes));
    const bool cpl0 = (modes[m].cs & 3) == 0;
    struct snippet run = {.cs = modes[m].cs, .ss = modes[m].ss};

    code_make(s, (uint8_t *)(SCRATCH_ALIAS + CODE_PAGE(c)), modes[m].is64, cpl0, false);
    make_registers(s, run.gpr);
    run.rip = (cpl0 ? SCRATCH_ALIAS : SCRATCH) + CODE_PAGE(c);
    run.rsp = run.gpr[4];
    run.rflags = RFLAGS_FIXED | RFLAGS_IF | (stream_u64(s) & RFLAGS_MAY);
    if (stream_one_in(s, 4))
        run.rflags |= RFLAGS_TF;
    if (cpl0 && stream_one_in(s, 4))
        run.rflags &= ~(uint64_t)RFLAGS_IF;
    wrmsr(MSR_LSTAR, (uint64_t)fault_stub);
    wrmsr(MSR_CSTAR, (uint64_t)fault_stub);
    wrmsr(MSR_SYSENTER_EIP, (uint64_t)fault_stub);
    world_alarm(20 * NS_PER_US);
    c->timed = true;
    snippet_run(&run);
}

/* ---------------------------------------------------------------- outside of long mode */

extern const uint8_t real_page[], real_page_end[];
extern const uint32_t real_back_offset;
void trip_back32(void);
extern struct PACKED {
    uint16_t limit;
    uint32_t base;
} trip_idtr32;

static struct trip trip;
static ALIGNED(32) uint64_t pae_pdpt[4];
static ALIGNED(16) uint64_t gates32[256];
extern uint64_t kit_pdpt[4]; /* start.asm: maps 4 GiB */

static void trip_prepare_real(void)
{
    volatile uint8_t *page = (volatile uint8_t *)(REAL_PAGE * PAGE_SIZE);
    volatile uint32_t *vectors = (volatile uint32_t *)(IVT_PAGE * PAGE_SIZE);

    for (uint32_t i = 0; i < (uint32_t)(real_page_end - real_page); i++)
        page[i] = real_page[i];
    for (uint32_t i = 0; i < 8; i++)
        ((volatile uint32_t *)(REAL_PAGE * PAGE_SIZE + 0x100))[i] = trip.gpr[i];
    for (uint32_t v = 0; v < 256; v++)
        vectors[v] = real_back_offset; /* segment 0 */
}

static void trip_prepare(void)
{
    const uint64_t entry = (uint64_t)trip_back32;

    for (uint32_t v = 0; v < 256; v++)
        gates32[v] = (entry & 0xffff) | (uint64_t)SEL_CODE32 << 16 | UINT64_C(0x8e00) << 32 |
                     (entry >> 16 & 0xffff) << 48;
    trip_idtr32.base = (uint32_t)(uint64_t)gates32;
    for (uint32_t i = 0; i < 4; i++)
        pae_pdpt[i] = (kit_pdpt[i] & ~UINT64_C(0xfff)) | 1;
    trip.cr3 = (uint32_t)world_cr3();
    trip.cr4 = (uint32_t)world_cr4();
    trip.pae_cr3 = (uint32_t)(uint64_t)pae_pdpt;
}

void op_mode(struct core *c)
{
    struct stream *s = &c->stream;
    uint64_t gpr[16];

    if (c->number != 0) {
        op_code(c);
        return;
    }
    c->away = true;
    world_registers(c);
    trip_prepare();
    make_registers(s, gpr);
    for (uint32_t i = 0; i < 8; i++)
        trip.gpr[i] = (uint32_t)gpr[i];
    trip.kind = stream_below(s, TRIP_KINDS);
    trip_prepare_real();
    const uint64_t at =
        trip.kind == TRIP_REAL ? REAL_PAGE * PAGE_SIZE + 0x200 : SCRATCH_ALIAS + CODE_PAGE(c);
    code_make(s, (uint8_t *)at, false, true, true);
    trip.entry = (uint32_t)(SCRATCH + CODE_PAGE(c));
    trip_run(&trip);
    c->away = false;
}

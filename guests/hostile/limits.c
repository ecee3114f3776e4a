/* SPDX-License-Identifier: MIT */
/*
 * limits: every bit of CR4, CR3 and XCR0, and loops over what the hypervisor has to carry out.
 * SDM "Control Registers", "XSETBV".
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define TOGGLES 20000
#define FLUSHES 20000

/* A bit of CR4 exists if CPUID shows its feature; those without a row always or never. */
static const struct {
    uint32_t bit, leaf, reg, feature; /* reg: 0 EAX .. 3 EDX */
} cr4_features[] = {
    {0, 1, 3, 1},   {1, 1, 3, 1},   {2, 1, 3, 4},   {3, 1, 3, 2},  {4, 1, 3, 3},
    {7, 1, 3, 13},  {9, 1, 3, 24},  {10, 1, 3, 25}, {11, 7, 2, 2}, {16, 7, 1, 0},
    {17, 1, 2, 17}, {18, 1, 2, 26}, {19, 7, 2, 23}, {20, 7, 1, 7}, {21, 7, 1, 20},
    {22, 7, 2, 3},  {23, 7, 2, 7},  {24, 7, 2, 31}, {25, 7, 3, 5},
};
#define CR4_ALWAYS (CR4_PAE | CR4_MCE | CR4_PCE)
#define CR4_UNSAFE (CR4_SMEP | CR4_SMAP) /* the kit's pages are all for CPL 3 */

static uint64_t limits_cr4_allowed(void)
{
    uint64_t allowed = CR4_ALWAYS;

    for (uint32_t i = 0; i < ARRAY_SIZE(cr4_features); i++) {
        struct cpuid_regs r = cpuid(cr4_features[i].leaf, 0);
        const uint32_t *regs = &r.eax;
        if (regs[cr4_features[i].reg] >> cr4_features[i].feature & 1)
            allowed |= UINT64_C(1) << cr4_features[i].bit;
    }
    return allowed;
}

static void limits_cr4(void)
{
    const uint64_t cr4 = read_cr4(), allowed = limits_cr4_allowed();
    uint32_t refused = 0;

    row("CR-08");
    const bool all = can_try("cr4-bits");
    for (uint32_t bit = 0; bit < 64; bit++) {
        const uint64_t mask = UINT64_C(1) << bit;
        if ((mask & CR4_UNSAFE & allowed) || (mask & CR4_PAE) || (!all && !(mask & allowed)))
            continue;
        struct fault f = try_write_cr4(cr4 | mask);
        const uint64_t now = read_cr4();
        write_cr4(cr4);
        const bool ok =
            allowed & mask ? !f.taken && now == (cr4 | mask) : fault_is(f, VECTOR_GP) && now == cr4;
        if (!ok)
            check("cr4-bit", false, "bit %u, CPUID shows it: %d, fault %d, CR4 0x%lx", bit,
                  (allowed & mask) != 0, f.taken, now);
        refused += f.taken;
    }
    if (all)
        check("cr4-bits", refused > 40, "only %u bits are refused", refused);
    CHECK_FAULT("cr4-all", try_write_cr4(~UINT64_C(0)), VECTOR_GP);
    check_equal("cr4-kept", read_cr4(), cr4);
}

/* SDM "MOV—Move to/from Control Registers": reserved bits of CR3 are #GP, without an exit. */
static void limits_cr3(void)
{
    const uint32_t width = cpuid(0x80000008, 0).eax & 0xff;
    const uint64_t cr3 = read_cr3();
    uint32_t taken = 0;

    row("CR-14");
    if (!can_try("cr3-reserved"))
        return;
    for (uint32_t bit = width; bit < 64; bit++) {
        try_begin();
        __asm__ volatile(TRY_INSN("mov %0, %%cr3") : : "r"(cr3 | UINT64_C(1) << bit) : "memory");
        taken += !fault_is(try_end(), VECTOR_GP);
    }
    check("cr3-reserved", width >= 36 && taken == 0, "%u bits from %u on are taken", taken, width);
    check_equal("cr3-kept", read_cr3(), cr3);
}

/* XCR0: x87 always; AVX only with SSE; AVX-512 whole and with AVX; nothing that is not shown. */
static bool limits_xcr0_legal(uint64_t value, uint64_t shown)
{
    const uint64_t avx512 = value & XCR0_AVX512;

    if ((value & ~shown) || !(value & XCR0_X87))
        return false;
    if ((value & XCR0_AVX) && !(value & XCR0_SSE))
        return false;
    return avx512 == 0 || (avx512 == XCR0_AVX512 && (value & XCR0_AVX));
}

static void limits_xcr0(void)
{
    const uint64_t cr4 = read_cr4();
    uint32_t wrong = 0, legal = 0;

    row("PI-05");
    write_cr4(cr4 | CR4_OSXSAVE);
    const uint64_t shown = cpuid(0xd, 0).eax;
    for (uint64_t value = 0; value < 1024; value++) {
        const bool want = limits_xcr0_legal(value, shown);
        legal += want;
        wrong += try_xsetbv(0, value).taken == want;
    }
    for (uint32_t bit = 10; bit < 64; bit++)
        wrong += !fault_is(try_xsetbv(0, XCR0_X87 | UINT64_C(1) << bit), VECTOR_GP);
    wrong += try_xsetbv(0, XCR0_X87).taken;
    write_cr4(cr4);
    check("xcr0-masks", wrong == 0 && legal >= 2, "%u of them, %u are legal", wrong, legal);
}

static void limits_loops(void)
{
    const uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    uint32_t wrong = 0;

    row("CR-19");
    for (uint32_t i = 0; i < TOGGLES; i++) {
        write_cr0(cr0 ^ (i & 1 ? CR0_NE : CR0_CD));
        write_cr4(cr4 ^ CR4_MCE);
        wrong += read_cr0() == cr0 || read_cr4() == cr4;
        write_cr0(cr0);
        write_cr4(cr4);
    }
    check("toggles", wrong == 0 && read_cr0() == cr0 && read_cr4() == cr4, "%u", wrong);
    row("PI-04");
    const bool both = can_try("flushes-wbnoinvd");
    for (uint32_t i = 0; i < FLUSHES; i++) {
        __asm__ volatile("wbinvd" : : : "memory");
        if (both)
            __asm__ volatile(".byte 0xf3, 0x0f, 0x09" : : : "memory");
    }
    check("flushes", true, " "); /* what it costs others, the canary says */
}

void hostile_limits(void)
{
    limits_cr4();
    limits_cr3();
    limits_xcr0();
    limits_loops();
}

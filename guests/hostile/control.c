/* SPDX-License-Identifier: MIT */
/*
 * control: CR0, CR4, CR8 and XCR0. A bit that the hypervisor keeps for itself reads back as the
 * guest wrote it; one that the guest must not set is #GP and changes nothing.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define CR3_WRITE_THROUGH BIT64(3)

#define XSAVE (UINT32_C(1) << 26) /* CPUID.1:ECX */

static void control_cr0(void)
{
    uint64_t cr0 = read_cr0();

    row("CR-04");
    struct fault f = try_write_cr0(cr0 | CR0_CD);
    uint64_t cd = read_cr0();
    spin_for(10 * NS_PER_US); /* must still do something */
    write_cr0(cr0);
    check_no_fault("cr0-cd", f);
    check_equal("cr0-cd-set", cd, cr0 | CR0_CD);
    check_equal("cr0-cd-clear", read_cr0(), cr0);

    row("CR-05");
    f = try_write_cr0(cr0 & ~CR0_NE);
    uint64_t ne = read_cr0();
    write_cr0(cr0);
    check_no_fault("cr0-ne", f);
    check_equal("cr0-ne-clear", ne, cr0 & ~CR0_NE);
    check_equal("cr0-ne-set", read_cr0(), cr0);

    row("ABI");
    f = try_write_cr0(cr0 | CR0_TS | CR0_AM);
    uint64_t own = read_cr0();
    write_cr0(cr0);
    check_no_fault("cr0-own", f);
    check_equal("cr0-own-set", own, cr0 | CR0_TS | CR0_AM);

    /* From RSP, which the hypervisor has to look for elsewhere than the other registers. */
    uint64_t rsp;
    __asm__ volatile("mov %%rsp, %0; mov %1, %%rsp; mov %%rsp, %%cr0; mov %0, %%rsp"
                     : "=&r"(rsp)
                     : "r"(cr0 | CR0_CD)
                     : "memory");
    uint64_t from_rsp = read_cr0();
    write_cr0(cr0);
    check_equal("cr0-from-rsp", from_rsp, cr0 | CR0_CD);

    f = try_write_cr0(cr0 | CR0_NW);
    write_cr0(cr0);
    check_fault("cr0-nw-without-cd", f, VECTOR_GP);
    CHECK_FAULT("cr0-pg-in-64-bit", try_write_cr0(cr0 & ~CR0_PG), VECTOR_GP);
    CHECK_FAULT("cr0-pg-without-pe", try_write_cr0(cr0 & ~CR0_PE), VECTOR_GP);
    CHECK_FAULT("cr0-upper-half", try_write_cr0(cr0 | UINT64_C(1) << 32), VECTOR_GP);
    check_equal("cr0-kept", read_cr0(), cr0);

    row("CR-06");
    /* LMSW sets PE, MP, EM and TS, and never clears PE. */
    __asm__ volatile("lmsw %w0" : : "r"((cr0 & 0xf & ~CR0_PE) | CR0_TS));
    uint64_t lmsw = read_cr0();
    __asm__ volatile("clts");
    check_equal("cr0-lmsw", lmsw, cr0 | CR0_TS);
    check_equal("cr0-clts", read_cr0(), cr0);
    uint64_t smsw;
    __asm__ volatile("smsw %0" : "=r"(smsw));
    check_equal("cr0-smsw", smsw & 0xffffffff, cr0);
}

static void control_cr4(void)
{
    uint64_t cr4 = read_cr4();

    row("CR-07");
    CHECK_FAULT("cr4-vmxe", try_write_cr4(cr4 | CR4_VMXE), VECTOR_GP);
    CHECK_FAULT("cr4-vmxe-and-pge", try_write_cr4(cr4 | CR4_VMXE | CR4_PGE), VECTOR_GP);
    CHECK_FAULT("cr4-smxe", try_write_cr4(cr4 | CR4_SMXE), VECTOR_GP);
    CHECK_FAULT("cr4-reserved", try_write_cr4(cr4 | UINT64_C(1) << 63), VECTOR_GP);
    check_equal("cr4-kept", read_cr4(), cr4);

    row("CR-10");
    CHECK_FAULT("cr4-pae-in-64-bit", try_write_cr4(cr4 & ~CR4_PAE), VECTOR_GP);
    CHECK_FAULT("cr4-la57-in-64-bit", try_write_cr4(cr4 ^ CR4_LA57), VECTOR_GP);
    check_equal("cr4-paging-kept", read_cr4(), cr4);
    row("CR-12");
    CHECK_FAULT("cr4-cet", try_write_cr4(cr4 | CR4_CET), VECTOR_GP);
    check_equal("cr4-cet-kept", read_cr4(), cr4);
    write_cr0(read_cr0() & ~CR0_WP);
    CHECK_FAULT("cr4-cet-without-wp", try_write_cr4(cr4 | CR4_CET), VECTOR_GP);
    write_cr0(read_cr0() | CR0_WP);

    row("CR-09");
    struct fault f = try_write_cr4(cr4 ^ CR4_MCE);
    uint64_t mce = read_cr4();
    write_cr4(cr4);
    check_no_fault("cr4-mce", f);
    check_equal("cr4-mce-toggled", mce, cr4 ^ CR4_MCE);

    row("ABI");
    f = try_write_cr4(cr4 | CR4_PGE | CR4_DE);
    uint64_t own = read_cr4();
    write_cr4(cr4);
    check_no_fault("cr4-own", f);
    check_equal("cr4-own-set", own, cr4 | CR4_PGE | CR4_DE);
    check_equal("cr4-restored", read_cr4(), cr4);
}

/* What is refused because of one bit leaves the others as they were, whoever refuses it. */
static void control_refused(void)
{
    const uint64_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4(), efer = rdmsr(MSR_EFER);
    const uint64_t values0[] = {
        (cr0 & ~CR0_PG) | CR0_CD, (cr0 & ~CR0_PG) ^ CR0_NE, (cr0 & ~CR0_PE) | CR0_CD,
        (cr0 ^ CR0_NE) | CR0_NW,  cr0 | CR0_CD | BIT64(32), (cr0 & ~CR0_PG) | CR0_CD | CR0_TS,
    };
    const uint64_t values4[] = {
        (cr4 & ~CR4_PAE) ^ CR4_MCE, cr4 ^ CR4_MCE ^ CR4_LA57,  cr4 ^ CR4_MCE ^ CR4_VMXE,
        cr4 ^ CR4_MCE ^ BIT64(63),  (cr4 & ~CR4_PAE) ^ CR4_DE, cr4 ^ CR4_MCE ^ CR4_PCIDE,
    };
    const uint64_t values_efer[] = {efer ^ EFER_LME, efer ^ EFER_SCE ^ EFER_LME,
                                    efer ^ EFER_SCE ^ BIT64(1)};

    row("CR-20");
    for (uint32_t i = 0; i < ARRAY_SIZE(values0) && can_try("cr0-refused"); i++) {
        check_fault("cr0-refused", try_write_cr0(values0[i]), VECTOR_GP);
        check_equal("cr0-refused-keeps", read_cr0(), cr0);
    }
    /* With these bits in CR3, CR4.PCIDE must not be set. */
    write_cr3(cr3 | CR3_WRITE_THROUGH);
    for (uint32_t i = 0; i < ARRAY_SIZE(values4) && can_try("cr4-refused"); i++) {
        check_fault("cr4-refused", try_write_cr4(values4[i]), VECTOR_GP);
        check_equal("cr4-refused-keeps", read_cr4(), cr4);
    }
    write_cr3(cr3);
    for (uint32_t i = 0; i < ARRAY_SIZE(values_efer); i++) {
        check_fault("efer-refused", try_wrmsr(MSR_EFER, values_efer[i]), VECTOR_GP);
        check_equal("efer-refused-keeps", rdmsr(MSR_EFER), efer);
    }
    /* And a legal write after them is done. */
    check_no_fault("cr4-after-refused", try_write_cr4(cr4 ^ CR4_MCE));
    check_equal("cr4-after-refused-done", read_cr4(), cr4 ^ CR4_MCE);
    write_cr4(cr4);
    check_equal("cr4-after-refused-back", read_cr4(), cr4);
}

static void control_cr8(void)
{
    uint64_t cr8;

    __asm__ volatile("mov %0, %%cr8" : : "r"(UINT64_C(5)));
    __asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
    uint64_t tpr = rdmsr(MSR_X2APIC_TPR);
    __asm__ volatile("mov %0, %%cr8" : : "r"(UINT64_C(0)));
    check_equal("cr8", cr8, 5);
    check_equal("cr8-tpr", tpr, 0x50);
}

static uint64_t read_xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static void control_xcr0(void)
{
    uint64_t cr4 = read_cr4();

    if ((cpuid(1, 0).ecx & XSAVE) == 0)
        return;
    row("PI-07");
    check_fault("xcr0-without-osxsave", try_xsetbv(0, XCR0_X87), VECTOR_UD);
    write_cr4(cr4 | CR4_OSXSAVE);

    row("PI-05");
    struct cpuid_regs r = cpuid(0xd, 0);
    uint64_t allowed = (uint64_t)r.edx << 32 | r.eax;
    uint64_t before = read_xcr0();
    check_fault("xcr0-zero", try_xsetbv(0, 0), VECTOR_GP);
    check_fault("xcr0-without-x87", try_xsetbv(0, XCR0_SSE), VECTOR_GP);
    check_fault("xcr0-avx-without-sse", try_xsetbv(0, XCR0_X87 | XCR0_AVX), VECTOR_GP);
    check_fault("xcr0-bit-63", try_xsetbv(0, XCR0_X87 | UINT64_C(1) << 63), VECTOR_GP);
    check_fault("xcr0-all", try_xsetbv(0, ~UINT64_C(0)), VECTOR_GP);
    check_fault("xcr0-hidden", try_xsetbv(0, XCR0_X87 | (~allowed & (~allowed + 1))), VECTOR_GP);
    check_fault("xcr1", try_xsetbv(1, XCR0_X87), VECTOR_GP);
    check_equal("xcr0-kept", read_xcr0(), before);

    check_no_fault("xcr0-legal", try_xsetbv(0, XCR0_X87 | XCR0_SSE));
    check_equal("xcr0-legal-value", read_xcr0(), XCR0_X87 | XCR0_SSE);
    check_no_fault("xcr0-shown", try_xsetbv(0, allowed));
    check_equal("xcr0-shown-value", read_xcr0(), allowed);
    check_no_fault("xcr0-back", try_xsetbv(0, before));
    write_cr4(cr4);
}

void hostile_control(void)
{
    control_cr0();
    control_cr4();
    control_refused();
    control_cr8();
    control_xcr0();
}

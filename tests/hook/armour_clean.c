/* SPDX-License-Identifier: MIT */
/*
 * armour_clean: dirties what a guest can dirty in a core and no VM entry sets, has it cleaned as
 * between two lives, and looks.
 */
#include "kernel/core/cpu.h"
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "tests/hook/armour.h"

#define DIRT        UINT64_C(0x0000123456789000) /* canonical, as bases and entry points have to be */
#define DIRT_VECTOR 0x55

#define XSAVE_HEADER 512 /* bytes 0 to 7: the components that the image has */
#define XSAVE_DATA   576
#define FCW_RESET    0x37f
#define MXCSR_RESET  0x1f80

#define LVT_MASKED BIT32(16)

/* What XSAVE covers; AVX-512 ends at 2688, PKRU is the next. */
static ALIGNED(64) uint8_t image[PAGE_SIZE];

/* A guest's in the core, whenever it runs. */
static const uint32_t msrs[] = {MSR_STAR,  MSR_LSTAR,          MSR_CSTAR,
                                MSR_FMASK, MSR_KERNEL_GS_BASE, MSR_TSC_AUX};

static uint32_t word_at(uint32_t offset)
{
    uint32_t word;

    memcpy(&word, &image[offset], sizeof(word));
    return word;
}

static void image_save(uint64_t components)
{
    xsetbv(0, components);
    __asm__ volatile("xsave64 %0" : "+m"(image) : "a"(-1), "d"(-1) : "memory");
    xsetbv(0, XCR0_X87);
}

static void image_load(uint64_t components)
{
    xsetbv(0, components);
    __asm__ volatile("xrstor64 %0" : : "m"(image), "a"(-1), "d"(-1) : "memory");
}

static uint64_t xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* All x87, SSE, AVX and AVX-512 registers and PKRU full; XCR0 as a guest may leave it. */
static void dirty_vectors(uint64_t components)
{
    memset(image, 0x5a, sizeof(image));
    memset(&image[XSAVE_HEADER], 0, XSAVE_DATA - XSAVE_HEADER);
    memcpy(&image[XSAVE_HEADER], &components, sizeof(components));
    memset(&image[24], 0, 4);
    image[24] = 0x80; /* MXCSR: one mask of six, no reserved bit */
    image[0] = 0x7f;
    image[1] = 0x02;
    image_load(components);
}

static void dirty_apic(void)
{
    wrmsr(MSR_X2APIC_SVR, BIT32(8) | HOST_VECTOR_SPURIOUS);
    wrmsr(MSR_X2APIC_TPR, 0x20);
    wrmsr(MSR_X2APIC_TIMER_DIV, 0xb);
    for (uint32_t msr = MSR_X2APIC_LVT_TIMER; msr <= MSR_X2APIC_LVT_ERROR; msr++)
        wrmsr(msr, DIRT_VECTOR);
    wrmsr(MSR_X2APIC_TIMER_INIT, UINT32_MAX);
    wrmsr(MSR_X2APIC_SELF_IPI, DIRT_VECTOR);
}

static void dirty_core(uint64_t components)
{
    dirty_vectors(components);
    write_dr0(DIRT);
    write_dr1(DIRT);
    write_dr2(DIRT);
    write_dr3(DIRT);
    write_dr6(UINT64_C(0xffff0ff0) | 0xf);
    write_dr7(0x700); /* nothing is armed */
    for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
        wrmsr(msrs[i], msrs[i] == MSR_TSC_AUX || msrs[i] == MSR_FMASK ? 0x5a : DIRT);
    write_cr2(DIRT);
    dirty_apic();
}

static void expect_clean_vectors(uint64_t components)
{
    const uint32_t size = cpuid(0xd, 0).ecx;

    armour_expect(xcr0() == XCR0_X87, xcr0());
    armour_expect(size <= sizeof(image), size);
    memset(image, 0, sizeof(image));
    image_save(components);
    armour_expect((word_at(0) & 0xffff) == FCW_RESET, word_at(0));
    armour_expect(word_at(24) == MXCSR_RESET, word_at(24));
    for (uint32_t i = 2; i < sizeof(image); i++) {
        /* 24-31: MXCSR and its mask; the header says what is in use, not what is in it. */
        const bool is_data = i < 24 || (i >= 32 && i < XSAVE_HEADER) || i >= XSAVE_DATA;
        armour_expect(!is_data || image[i] == 0, i);
    }
}

static void expect_clean_apic(void)
{
    armour_expect(rdmsr(MSR_X2APIC_SVR) == HOST_VECTOR_SPURIOUS, rdmsr(MSR_X2APIC_SVR));
    armour_expect(rdmsr(MSR_X2APIC_TPR) == 0, rdmsr(MSR_X2APIC_TPR));
    armour_expect(rdmsr(MSR_X2APIC_TIMER_DIV) == 0, rdmsr(MSR_X2APIC_TIMER_DIV));
    armour_expect(rdmsr(MSR_X2APIC_TIMER_INIT) == 0, rdmsr(MSR_X2APIC_TIMER_INIT));
    armour_expect(rdmsr(MSR_TSC_DEADLINE) == 0, rdmsr(MSR_TSC_DEADLINE));
    for (uint32_t msr = MSR_X2APIC_LVT_TIMER; msr <= MSR_X2APIC_LVT_ERROR; msr++)
        armour_expect(rdmsr(msr) & LVT_MASKED, msr);
    for (uint32_t i = 0; i < 8; i++)
        armour_expect(rdmsr(MSR_X2APIC_ISR0 + i) == 0 && rdmsr(MSR_X2APIC_IRR0 + i) == 0, i);
}

/* What a guest can write, if not all of it by XRSTOR: PKRU, too, where there are protection keys.
 */
static uint64_t guest_components(const struct vcpu *v)
{
    return v->vm->xcr0_allowed | (cpuid(0xd, 0).eax & XCR0_PKRU);
}

/* abuse: DR-06, LC-05 */
void armour_clean_core(struct vcpu *v)
{
    dirty_core(guest_components(v));
    armour_backend->dirty(v);
    cpu_reset_guest_state(v->vm->xcr0_allowed);
    armour_reset(v);
    armour_expect(read_dr0() == 0, 0);
    armour_expect(read_dr1() == 0, 1);
    armour_expect(read_dr2() == 0, 2);
    armour_expect(read_dr3() == 0, 3);
    armour_expect(read_dr7() == 0x400, read_dr7());
    armour_expect(rdmsr(MSR_TSC_AUX) == 0, MSR_TSC_AUX);
    armour_backend->expect_clean(v);
    expect_clean_vectors(guest_components(v));
    expect_clean_apic();
}

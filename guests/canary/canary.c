/* SPDX-License-Identifier: MIT */
/*
 * canary: stands beside a hostile guest and must not notice it. Every 100 ms it prints a beat with
 * a rising number and how late it was; before that it looks for all that a neighbour must not be
 * able to do: change its memory or its registers, or interrupt it. A beat that found something
 * says BAD and what. Most of the time it sleeps in HLT, every fourth beat it spins.
 * Option: beats=N (0: for ever); then it powers off, with 0 if all beats were well.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define BEAT_NS    (100 * NS_PER_MS)
#define IMAGE_BASE UINT64_C(0x100000) /* guest.ld */
#define LOW_END    UINT64_C(0xa0000)
#define PATTERN    UINT64_C(0x0123456789abcdef)
#define ADDRESS    UINT64_C(0xffff8000cafe0000) /* canonical */
#define PAT        UINT64_C(0x0007010600070106)
#define SVR        0x1ff
#define FIRST_IRQ  32

extern const uint8_t kit_text_end[], kit_end[];

static volatile uint32_t foreign;
static volatile uint8_t foreign_vector;

static void canary_foreign(struct trap_frame *frame)
{
    foreign++;
    foreign_vector = (uint8_t)frame->vector;
    if (frame->vector >= FIRST_IRQ)
        x2apic_eoi();
}

/* ---------------------------------------------------------------- memory */

static uint64_t canary_hash(uint64_t hash, uint64_t from, uint64_t to)
{
    for (const volatile uint64_t *word = (const volatile uint64_t *)from; (uint64_t)word < to;
         word++)
        hash = (hash ^ *word) * UINT64_C(0x100000001b3);
    return hash;
}

/* All but the image's data, which this program changes itself. */
static uint64_t canary_memory(void)
{
    uint64_t hash = canary_hash(0, 0, LOW_END);

    hash = canary_hash(hash, IMAGE_BASE, (uint64_t)kit_text_end);
    return canary_hash(hash, ((uint64_t)kit_end + 7) & ~UINT64_C(7), memory_top());
}

static void canary_fill(uint64_t from, uint64_t to)
{
    for (uint64_t address = from; address < to; address += 8)
        *(volatile uint64_t *)address = address * PATTERN;
}

/* ---------------------------------------------------------------- registers */

/* What a hypervisor might forget to keep apart. */
static const struct {
    const char *name;
    uint32_t index;
    uint64_t value;
} msrs[] = {
    {"PAT", MSR_PAT, PAT},
    {"SYSENTER_CS", MSR_SYSENTER_CS, 0x10},
    {"SYSENTER_ESP", MSR_SYSENTER_ESP, ADDRESS | 0x100},
    {"SYSENTER_EIP", MSR_SYSENTER_EIP, ADDRESS | 0x200},
    {"STAR", MSR_STAR, PATTERN},
    {"LSTAR", MSR_LSTAR, ADDRESS | 0x300},
    {"FMASK", MSR_FMASK, 0x700},
    {"FS_BASE", MSR_FS_BASE, ADDRESS | 0x400},
    {"KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, ADDRESS | 0x500},
    {"MTRR_DEF_TYPE", MSR_MTRR_DEF_TYPE, 0xc01},
    {"SVR", MSR_X2APIC_SVR, SVR},
    {"TPR", MSR_X2APIC_TPR, 0x10},
};

static void canary_set_registers(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(msrs); i++)
        wrmsr(msrs[i].index, msrs[i].value);
    write_dr0(ADDRESS);
    write_dr1(ADDRESS | 0x10);
    write_dr2(ADDRESS | 0x20);
    write_dr3(ADDRESS | 0x30);
    write_cr4(read_cr4() | CR4_OSFXSR);
    __asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm15" : : "r"(PATTERN));
}

/* The name of a register that has changed, or NULL. */
static const char *canary_registers(void)
{
    uint64_t low, high;

    for (uint32_t i = 0; i < ARRAY_SIZE(msrs); i++) {
        if (rdmsr(msrs[i].index) != msrs[i].value)
            return msrs[i].name;
    }
    if (read_dr0() != ADDRESS || read_dr1() != (ADDRESS | 0x10) || read_dr2() != (ADDRESS | 0x20) ||
        read_dr3() != (ADDRESS | 0x30))
        return "DR0 to DR3";
    __asm__ volatile("movq %%xmm0, %0; movq %%xmm15, %1" : "=r"(low), "=r"(high));
    return low != PATTERN || high != PATTERN ? "XMM0 or XMM15" : NULL;
}

/* ---------------------------------------------------------------- beats */

/* Interrupts on, so that what comes is noticed when it comes. */
static void canary_spin_until(uint64_t deadline)
{
    const uint64_t now = time_ns();

    irq_enable();
    if (now < deadline)
        spin_for(deadline - now);
    irq_disable();
}

/* Says a beat; false: something was wrong with it. */
static bool canary_beat(uint64_t number, uint64_t late, uint64_t memory)
{
    static uint64_t last_time;
    const char *changed = canary_registers();
    const uint64_t now = time_ns();
    const bool back = now < last_time;

    last_time = now;
    if (changed != NULL)
        print("beat %lu BAD register %s has changed\n", number, changed);
    else if (canary_memory() != memory)
        print("beat %lu BAD memory has changed\n", number);
    else if (foreign != 0)
        print("beat %lu BAD %u interrupts came, the last with vector %u\n", number, foreign,
              foreign_vector);
    else if (back)
        print("beat %lu BAD the clock went back\n", number);
    else
        print("beat %lu ok late=%luus\n", number, late / NS_PER_US);
    return changed == NULL && foreign == 0 && !back;
}

int main(void)
{
    const uint64_t beats = option_number("beats", 0);
    bool well = true;

    paging_open();
    x2apic_enable();
    irq_handle(VECTOR_NMI, canary_foreign);
    for (unsigned v = FIRST_IRQ; v < 256; v++) {
        if (v != VECTOR_SLEEP)
            irq_handle((uint8_t)v, canary_foreign);
    }
    canary_fill(0, LOW_END);
    canary_fill(((uint64_t)kit_end + 7) & ~UINT64_C(7), memory_top());
    canary_set_registers();
    const uint64_t memory = canary_memory();
    const uint64_t start = time_ns();

    for (uint64_t n = 1; beats == 0 || n <= beats; n++) {
        const uint64_t due = start + n * BEAT_NS;
        if (n % 4 == 0)
            canary_spin_until(due);
        else
            sleep_until(due);
        const uint64_t now = time_ns();
        well = canary_beat(n, now > due ? now - due : 0, memory) && well;
    }
    return well ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * lapic: talks to the local APIC of the core this runs on. Keeps no state of its own (the mode is
 * asked from the hardware), decides nothing about guests and handles no interrupt.
 * SDM "Advanced Programmable Interrupt Controller (APIC)", "Extended XAPIC (x2APIC)".
 */
#include "drivers/lapic.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define FEATURES_X2APIC BIT32(21) /* CPUID.1:ECX */

#define SVR_ENABLE      BIT32(8)
#define SPURIOUS_VECTOR 0xffu
#define OTHER_VECTOR    0xefu

#define LVT_MODE     UINT32_C(0x700)
#define LVT_MODE_SMI UINT32_C(0x200)
#define LVT_MODE_NMI UINT32_C(0x400)
#define LVT_PENDING  BIT32(12) /* r-  delivery status */

/* The last LVT entry's number in the version register; entries beyond it are a #GP in x2APIC. */
#define LVT_LAST(version) ((version) >> 16 & 0xff)
#define LVT_LAST_PMI      4
#define LVT_LAST_THERMAL  5
#define LVT_LAST_CMCI     6

#define ICR_NMI     (UINT32_C(4) << 8)
#define ICR_INIT    (UINT32_C(5) << 8)
#define ICR_STARTUP (UINT32_C(6) << 8) /* | number of the page */
#define ICR_PENDING BIT32(12)          /* r-  MMIO mode only */
#define ICR_ASSERT  BIT32(14)

#define XAPIC_ICR_HIGH (MSR_X2APIC_ICR + 1) /* MMIO mode only: destination in 31:24 */
#define XAPIC_ID_MAX   UINT32_C(0xfe)       /* 0xff is everybody */
#define XAPIC_POLLS    (UINT32_C(1) << 20)

#define STARTUP_SIPI_US 200

bool lapic_is_x2apic(void)
{
    return (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC) != 0;
}

/* Register n is MSR 0x800 + n in x2APIC mode and lies at n * 16 in MMIO mode:
 * SDM "x2APIC Register Address Space". */
static volatile uint32_t *lapic_mmio(uint32_t reg)
{
    return (volatile uint32_t *)(LAPIC_MMIO + (uint64_t)(reg - MSR_X2APIC_FIRST) * 16);
}

static uint32_t lapic_read(uint32_t reg)
{
    return lapic_is_x2apic() ? (uint32_t)rdmsr(reg) : *lapic_mmio(reg);
}

static void lapic_write(uint32_t reg, uint32_t value)
{
    if (lapic_is_x2apic())
        wrmsr(reg, value);
    else
        *lapic_mmio(reg) = value;
}

uint32_t lapic_id(void)
{
    uint32_t id = lapic_read(MSR_X2APIC_ID);

    return lapic_is_x2apic() ? id : id >> 24;
}

/* Bochs ends nothing by an EOI while what is in service has the number of SVR's spurious vector,
 * which a guest can send: then under another number, for a moment. */
void lapic_eoi(void)
{
    lapic_write(MSR_X2APIC_EOI, 0);
    if (!lapic_in_service(SPURIOUS_VECTOR))
        return;
    lapic_write(MSR_X2APIC_SVR, SVR_ENABLE | OTHER_VECTOR);
    lapic_write(MSR_X2APIC_EOI, 0);
    lapic_write(MSR_X2APIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR);
}

/* The firmware keeps the processor cool by SMIs: not ours to end. */
uint32_t lapic_thermal(void)
{
    if (LVT_LAST(lapic_read(MSR_X2APIC_VERSION)) < LVT_LAST_THERMAL)
        return 0;
    const uint32_t entry = lapic_read(MSR_X2APIC_LVT_THERMAL);
    return (entry & LVT_MODE) == LVT_MODE_SMI ? entry & ~LVT_PENDING : 0;
}

void lapic_set_thermal(uint32_t entry)
{
    if (LVT_LAST(lapic_read(MSR_X2APIC_VERSION)) >= LVT_LAST_THERMAL)
        lapic_write(MSR_X2APIC_LVT_THERMAL, entry);
}

/* "Local Vector Table": the vector means nothing. */
void lapic_open_nmi(bool open)
{
    lapic_write(MSR_X2APIC_LVT_LINT1, open ? LVT_MODE_NMI : LVT_OFF);
}

static void lapic_mask_all(void)
{
    uint32_t last = LVT_LAST(lapic_read(MSR_X2APIC_VERSION));

    lapic_write(MSR_X2APIC_LVT_TIMER, LVT_OFF);
    lapic_write(MSR_X2APIC_LVT_LINT0, LVT_OFF);
    lapic_write(MSR_X2APIC_LVT_LINT1, LVT_OFF);
    lapic_write(MSR_X2APIC_LVT_ERROR, LVT_OFF);
    if (last >= LVT_LAST_PMI)
        lapic_write(MSR_X2APIC_LVT_PMI, LVT_OFF);
    if (last >= LVT_LAST_THERMAL && lapic_thermal() == 0)
        lapic_write(MSR_X2APIC_LVT_THERMAL, LVT_OFF);
    if (last >= LVT_LAST_CMCI)
        lapic_write(MSR_X2APIC_LVT_CMCI, LVT_OFF);
}

/* Each EOI ends the highest-priority one; there can be one for each of 16 priority classes. The
 * bound is for an APIC that does not behave. */
static void lapic_end_all(void)
{
    for (uint32_t round = 0; round < 256; round++) {
        uint32_t in_service = 0;

        for (uint32_t i = 0; i < 8; i++)
            in_service |= lapic_read(MSR_X2APIC_ISR0 + i);
        if (in_service == 0)
            return;
        lapic_eoi();
    }
}

void lapic_reset(void)
{
    /* While the LVT may still be in TSC-deadline mode: in other modes the write is ignored. */
    if ((cpuid(1, 0).ecx & FEATURES_TSC_DEADLINE) != 0)
        wrmsr(MSR_TSC_DEADLINE, 0);
    lapic_mask_all();
    lapic_write(MSR_X2APIC_TIMER_INIT, 0);
    lapic_write(MSR_X2APIC_TIMER_DIV, 0);
    lapic_write(MSR_X2APIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR);
    lapic_write(MSR_X2APIC_TPR, 0);
    lapic_end_all();
    /* The first write moves what is pending into the register, the second clears that. */
    lapic_write(MSR_X2APIC_ESR, 0);
    lapic_write(MSR_X2APIC_ESR, 0);
}

bool lapic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    if ((base & APIC_BASE_X2APIC) == 0) {
        /* Also the way to x2APIC: straight there from a disabled APIC is a #GP. */
        base = LAPIC_MMIO | (base & APIC_BASE_BSP) | APIC_BASE_ENABLE;
        wrmsr(MSR_APIC_BASE, base);
        if ((cpuid(1, 0).ecx & FEATURES_X2APIC) != 0)
            wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    }
    lapic_reset();
    return lapic_is_x2apic();
}

static void lapic_wait_sent(void)
{
    for (uint32_t poll = 0; poll < XAPIC_POLLS; poll++) {
        if ((*lapic_mmio(MSR_X2APIC_ICR) & ICR_PENDING) == 0)
            return;
        cpu_pause();
    }
}

/* One IPI to one core, after everything this core stored before. In MMIO mode an id that the
 * destination field cannot hold gets nothing, rather than another core getting its IPI. */
static void lapic_send(uint32_t apic_id, uint32_t command)
{
    if (lapic_is_x2apic()) {
        mfence_lfence();
        wrmsr_halves(MSR_X2APIC_ICR, apic_id, command);
        return;
    }
    if (apic_id > XAPIC_ID_MAX)
        return;
    lapic_wait_sent();
    *lapic_mmio(XAPIC_ICR_HIGH) = apic_id << 24;
    *lapic_mmio(MSR_X2APIC_ICR) = command; /* sends */
    lapic_wait_sent();
}

void lapic_init_core(uint32_t apic_id)
{
    lapic_send(apic_id, ICR_INIT | ICR_ASSERT);
}

void lapic_start_core(uint32_t apic_id, hpa_t page, void (*delay_us)(uint32_t us))
{
    uint32_t startup = ICR_STARTUP | ICR_ASSERT | (uint32_t)(page.v >> 12);

    ASSERT(page.v < MIB && is_aligned(page.v, PAGE_SIZE));
    lapic_send(apic_id, startup);
    delay_us(STARTUP_SIPI_US);
    lapic_send(apic_id, startup);
}

void lapic_send_nmi(uint32_t apic_id)
{
    lapic_send(apic_id, ICR_NMI | ICR_ASSERT);
}

void lapic_write_icr(uint32_t apic_id, uint32_t command)
{
    wrmsr_halves(MSR_X2APIC_ICR, apic_id, command);
}

bool lapic_pending(uint8_t *vector)
{
    for (uint32_t i = 8; i-- > 0;) {
        const uint32_t irr = lapic_read(MSR_X2APIC_IRR0 + i);

        if (irr != 0) {
            *vector = (uint8_t)(32 * i + (31 - (uint32_t)__builtin_clz(irr)));
            return true;
        }
    }
    return false;
}

bool lapic_in_service(uint8_t vector)
{
    return lapic_read(MSR_X2APIC_ISR0 + vector / 32) >> vector % 32 & 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * apic: the local APIC's registers: their values after reset, what reads back, what is #GP.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/idt.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define SVR_RESET    0xff
#define LVT_RESET    0x10000
#define LVT_NMI      0x400
#define LVT_RESERVED UINT32_C(0x80000000)

static void apic_reset_value(const char *id, uint32_t index, uint64_t want)
{
    uint64_t value = 0;
    struct fault f = try_rdmsr(index, &value);

    if (f.taken)
        check_no_fault(id, f);
    else
        check_equal(id, value, want);
}

/* SDM "Local APIC State After Power-Up or Reset". */
void hostile_apic_reset(void)
{
    row("LC-01");
    apic_reset_value("apic-reset-svr", MSR_X2APIC_SVR, SVR_RESET);
    apic_reset_value("apic-reset-timer", MSR_X2APIC_LVT_TIMER, LVT_RESET);
    apic_reset_value("apic-reset-lint0", MSR_X2APIC_LVT_LINT0, LVT_RESET);
    apic_reset_value("apic-reset-lint1", MSR_X2APIC_LVT_LINT1, LVT_RESET);
    apic_reset_value("apic-reset-error", MSR_X2APIC_LVT_ERROR, LVT_RESET);
    apic_reset_value("apic-reset-tpr", MSR_X2APIC_TPR, 0);
    apic_reset_value("apic-reset-count", MSR_X2APIC_TIMER_INIT, 0);
    if (x2apic_has_deadline())
        apic_reset_value("apic-reset-deadline", MSR_TSC_DEADLINE, 0);
    for (uint32_t i = 0; i < 8; i++) {
        if (rdmsr(MSR_X2APIC_ISR0 + i) != 0 || rdmsr(MSR_X2APIC_IRR0 + i) != 0) {
            check("apic-reset-quiet", false, "an interrupt is pending or in service");
            return;
        }
    }
    check("apic-reset-quiet", true, " ");
}

/* Everything from 0x800 to 0xbff that is no register of an x2APIC: SDM "x2APIC Register Address
 * Space". */
static bool apic_is_register(uint32_t index)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x802, 0x803}, {0x808, 0x808}, {0x80a, 0x80b}, {0x80d, 0x80d},
                  {0x80f, 0x828}, {0x830, 0x830}, {0x832, 0x839}, {0x83e, 0x83f}};

    for (uint32_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (index >= ranges[i].first && index <= ranges[i].last)
            return true;
    }
    return false;
}

static void apic_reserved(void)
{
    uint64_t value;
    uint32_t tried = 0;

    row("MS-26");
    for (uint32_t index = 0x800; index <= 0xbff; index++) {
        if (apic_is_register(index))
            continue;
        bool ok = fault_is(try_rdmsr(index, &value), VECTOR_GP) &&
                  fault_is(try_wrmsr(index, 0), VECTOR_GP) &&
                  fault_is(try_wrmsr(index, ~UINT64_C(0)), VECTOR_GP);
        if (!ok) {
            check("apic-none", false, "MSR 0x%x is not #GP", index);
            return;
        }
        tried++;
    }
    check("apic-none", tried == 1024 - 43, "%u registers tried", tried);
}

static void apic_refused(void)
{
    uint64_t value;

    row("ABI");
    check_fault("apic-id-write", try_wrmsr(MSR_X2APIC_ID, 0), VECTOR_GP);
    check_fault("apic-version-write", try_wrmsr(MSR_X2APIC_VERSION, 0), VECTOR_GP);
    const uint64_t version = rdmsr(MSR_X2APIC_VERSION);
    check("apic-entries", (version >> 16 & 0xff) == 5, "version 0x%lx", version); /* no CMCI */
    const bool suppresses = version >> 24 & 1;
    check("apic-suppress-eoi",
          try_wrmsr(MSR_X2APIC_SVR, rdmsr(MSR_X2APIC_SVR) | BIT64(12)).taken == !suppresses,
          "version 0x%lx", version);
    check_fault("apic-ldr-write", try_wrmsr(MSR_X2APIC_LDR, 0), VECTOR_GP);
    check_fault("apic-eoi-read", try_rdmsr(MSR_X2APIC_EOI, &value), VECTOR_GP);
    check_fault("apic-eoi-value", try_wrmsr(MSR_X2APIC_EOI, 1), VECTOR_GP);
    check_fault("apic-esr-value", try_wrmsr(MSR_X2APIC_ESR, 1), VECTOR_GP);
    check_fault("apic-tpr-reserved", try_wrmsr(MSR_X2APIC_TPR, 0x100), VECTOR_GP);
    check_fault("apic-self-read", try_rdmsr(MSR_X2APIC_SELF_IPI, &value), VECTOR_GP);
    check_fault("apic-svr-reserved", try_wrmsr(MSR_X2APIC_SVR, UINT64_C(1) << 31 | 0x1ff),
                VECTOR_GP);
    check_fault("apic-svr-upper", try_wrmsr(MSR_X2APIC_SVR, UINT64_C(1) << 32 | 0x1ff), VECTOR_GP);
    check_fault("apic-icr-reserved", try_wrmsr(MSR_X2APIC_ICR, UINT64_C(1) << 13 | ICR_SELF | 0x60),
                VECTOR_GP);
    check_fault("apic-icr-reserved-high",
                try_wrmsr(MSR_X2APIC_ICR, UINT64_C(1) << 20 | ICR_SELF | 0x60), VECTOR_GP);
}

static void apic_lvt(void)
{
    static const struct {
        const char *reserved, *upper;
        uint32_t index;
    } rows[] = {
        {"lvt-timer-reserved", "lvt-timer-upper", MSR_X2APIC_LVT_TIMER},
        {"lvt-lint0-reserved", "lvt-lint0-upper", MSR_X2APIC_LVT_LINT0},
        {"lvt-lint1-reserved", "lvt-lint1-upper", MSR_X2APIC_LVT_LINT1},
        {"lvt-error-reserved", "lvt-error-upper", MSR_X2APIC_LVT_ERROR},
    };

    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        check_fault(rows[i].reserved,
                    try_wrmsr(rows[i].index, LVT_RESERVED | LVT_MASKED | VECTOR_SPURIOUS),
                    VECTOR_GP);
        check_fault(rows[i].upper,
                    try_wrmsr(rows[i].index, UINT64_C(1) << 32 | LVT_MASKED | VECTOR_SPURIOUS),
                    VECTOR_GP);
    }

    /* NMI from a pin of the machine: reads back, but is not the guest's. */
    check_no_fault("lvt-lint1-nmi", try_wrmsr(MSR_X2APIC_LVT_LINT1, LVT_NMI));
    check_equal("lvt-lint1-nmi-value", rdmsr(MSR_X2APIC_LVT_LINT1), LVT_NMI);
    wrmsr(MSR_X2APIC_LVT_LINT1, LVT_MASKED);

    check_no_fault("lvt-timer", try_wrmsr(MSR_X2APIC_LVT_TIMER, LVT_DEADLINE | LVT_MASKED | 0x60));
    check_equal("lvt-timer-value", rdmsr(MSR_X2APIC_LVT_TIMER), LVT_DEADLINE | LVT_MASKED | 0x60);
    x2apic_timer_off();

    /* SVR off masks every entry and keeps them so. SDM "Local APIC State After It Has Been
     * Software Disabled". */
    wrmsr(MSR_X2APIC_LVT_ERROR, 0x61);
    wrmsr(MSR_X2APIC_SVR, VECTOR_SPURIOUS);
    uint64_t off = rdmsr(MSR_X2APIC_LVT_ERROR);
    wrmsr(MSR_X2APIC_LVT_ERROR, 0x61);
    uint64_t still = rdmsr(MSR_X2APIC_LVT_ERROR);
    x2apic_enable();
    check_equal("svr-off-masks", off, LVT_MASKED | 0x61);
    check_equal("svr-off-keeps", still, LVT_MASKED | 0x61);
    wrmsr(MSR_X2APIC_LVT_ERROR, LVT_MASKED);
}

/* ---------------------------------------------------------------- vectors that are none */

static volatile uint32_t errors;

static void apic_error(struct trap_frame *frame)
{
    (void)frame;
    errors++;
    x2apic_eoi();
}

static uint64_t apic_esr(void)
{
    wrmsr(MSR_X2APIC_ESR, 0);
    return rdmsr(MSR_X2APIC_ESR);
}

/* Vectors below 16 in every place that takes one; also in the error interrupt's own entry, whose
 * delivery is then an error itself. SDM "Error Handling". */
static void apic_illegal_vectors(void)
{
    row("IN-06");
    if (!can_try("illegal-vectors"))
        return;
    irq_handle(0x61, apic_error);
    for (uint32_t lvt = 0; lvt < 2; lvt++) {
        errors = 0;
        (void)apic_esr();
        wrmsr(MSR_X2APIC_LVT_ERROR, lvt == 0 ? 0x61 : 5);
        for (uint32_t vector = 0; vector < 16; vector++) {
            wrmsr(MSR_X2APIC_ICR, ICR_SELF | vector);
            (void)try_wrmsr(MSR_X2APIC_SELF_IPI, vector);
            (void)try_wrmsr(MSR_X2APIC_LVT_TIMER, LVT_MASKED | vector);
        }
        x2apic_timer_deadline(3);
        x2apic_arm(1);
        irq_enable();
        spin_for(100 * NS_PER_US);
        irq_disable();
        x2apic_timer_off();
        check(lvt == 0 ? "illegal-vectors" : "illegal-error-vector", lvt == 0 || errors == 0,
              "%u error interrupts", errors);
    }
    wrmsr(MSR_X2APIC_LVT_ERROR, LVT_MASKED);
    check("esr-readable", (apic_esr() & ~UINT64_C(0xff)) == 0, "reserved bits");
    irq_handle(0x61, NULL);
}

/* Dividers and modes of the timer: reserved ones are #GP or stay off, none stops the core. */
static void apic_timer_values(void)
{
    row("IN-09");
    check_fault("timer-mode-3", try_wrmsr(MSR_X2APIC_LVT_TIMER, 3u << 17 | LVT_MASKED | 0x60),
                VECTOR_GP);
    (void)try_wrmsr(MSR_X2APIC_TIMER_DIV, 0x10); /* #GP on silicon; emulators may take it */
    check_fault("timer-count-upper", try_wrmsr(MSR_X2APIC_TIMER_INIT, UINT64_C(1) << 32),
                VECTOR_GP);
    for (uint32_t divider = 0; divider < 16; divider++) {
        if (divider & 4)
            continue;
        wrmsr(MSR_X2APIC_TIMER_DIV, divider);
        for (uint32_t mode = 0; mode < 3; mode++) {
            wrmsr(MSR_X2APIC_LVT_TIMER, mode << 17 | LVT_MASKED | 0x60);
            wrmsr(MSR_X2APIC_TIMER_INIT, 0);
            wrmsr(MSR_X2APIC_TIMER_INIT, 1);
            wrmsr(MSR_X2APIC_TIMER_INIT, UINT32_MAX);
            (void)rdmsr(MSR_X2APIC_TIMER_NOW);
        }
    }
    wrmsr(MSR_X2APIC_TIMER_INIT, 0);
    check("timer-values", true, " ");
    x2apic_timer_off();
}

void hostile_apic(void)
{
    apic_reserved();
    apic_refused();
    apic_lvt();
    apic_illegal_vectors();
    apic_timer_values();
}

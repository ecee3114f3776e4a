/* SPDX-License-Identifier: MIT */
/*
 * test_lapic: what drivers/lapic.c does to an x2APIC, in which order, against a processor that
 * writes it down.
 */
#include "drivers/lapic.h"

#include "recorder.h"

#include "drivers/lapic.c"

#define X2APIC_ON     (APIC_BASE_ENABLE | APIC_BASE_X2APIC)
#define LVT_ENTRIES   6 /* number of the last entry: all but CMCI's */
#define VERSION(last) ((uint32_t)(last) << 16 | 0x15)
#define MASKED        BIT64(16)

static uint32_t microseconds;

/* One vector is in service, until so many EOIs have come. */
static uint32_t eois_wanted;

static void count_eois(const struct recorder_write *write)
{
    if (write->where != WRITE_MSR || write->index != MSR_X2APIC_EOI || eois_wanted == 0)
        return;
    if (--eois_wanted == 0)
        recorder_put_msr(MSR_X2APIC_ISR0 + 2, 0);
}

static void make(uint32_t last_lvt, bool has_deadline)
{
    recorder_clear();
    microseconds = 0;
    eois_wanted = 0;
    recorder_put_msr(MSR_APIC_BASE, LAPIC_MMIO | X2APIC_ON);
    recorder_put_msr(MSR_X2APIC_VERSION, VERSION(last_lvt));
    recorder_put_msr(MSR_X2APIC_ID, 0x12345);
    recorder_put_msr(MSR_X2APIC_LVT_THERMAL, MASKED);
    for (uint32_t i = 0; i < 8; i++)
        recorder_put_msr(MSR_X2APIC_ISR0 + i, 0);
    recorder_put_leaf(1, (struct cpuid_regs){.ecx = FEATURES_X2APIC |
                                                    (has_deadline ? FEATURES_TSC_DEADLINE : 0)});
}

static void delay(uint32_t us)
{
    microseconds += us;
    recorder_wrote(WRITE_OTHER, 0, us);
}

static bool is_masked(uint32_t lvt)
{
    for (uint32_t i = recorder.write_count; i-- > 0;)
        if (recorder.writes[i].where == WRITE_MSR && recorder.writes[i].index == lvt)
            return (recorder.writes[i].value & MASKED) != 0;
    return false;
}

static void a_reset_leaves_nothing_armed(void **state)
{
    static const uint32_t always[] = {MSR_X2APIC_LVT_TIMER, MSR_X2APIC_LVT_LINT0,
                                      MSR_X2APIC_LVT_LINT1, MSR_X2APIC_LVT_ERROR};
    (void)state;
    make(LVT_ENTRIES, true);
    lapic_reset();
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        assert_true(is_masked(always[i]));
    /* A deadline can be cleared only while the timer is in that mode. */
    assert_true(recorder_find(WRITE_MSR, MSR_TSC_DEADLINE, 0) <
                recorder_find(WRITE_MSR, MSR_X2APIC_LVT_TIMER, LVT_OFF));
    assert_true(recorder_has(WRITE_MSR, MSR_X2APIC_TIMER_INIT, 0));
    assert_true(recorder_has(WRITE_MSR, MSR_X2APIC_TPR, 0));
    assert_true(recorder_has(WRITE_MSR, MSR_X2APIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR));
    assert_true(recorder_has(WRITE_MSR, MSR_X2APIC_ESR, 0));
}

/* In x2APIC mode a register that is not there is a #GP. */
static void only_entries_that_exist_are_written(void **state)
{
    (void)state;
    for (uint32_t last = 3; last <= 6; last++) {
        make(last, true);
        lapic_reset();
        assert_int_equal(recorder_has(WRITE_MSR, MSR_X2APIC_LVT_PMI, LVT_OFF), last >= 4);
        assert_int_equal(recorder_has(WRITE_MSR, MSR_X2APIC_LVT_THERMAL, LVT_OFF), last >= 5);
        assert_int_equal(recorder_has(WRITE_MSR, MSR_X2APIC_LVT_CMCI, LVT_OFF), last >= 6);
    }
    make(LVT_ENTRIES, false);
    lapic_reset();
    for (uint32_t i = 0; i < recorder.write_count; i++)
        assert_int_not_equal(recorder.writes[i].index, MSR_TSC_DEADLINE);
}

static void the_chipsets_nmis_are_let_in(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    lapic_open_nmi(true);
    assert_int_equal(rdmsr(MSR_X2APIC_LVT_LINT1), 0x400);
    lapic_open_nmi(false);
    assert_true(is_masked(MSR_X2APIC_LVT_LINT1));
    lapic_open_nmi(true);
    lapic_reset(); /* a guest's life begins: not to it */
    assert_true(is_masked(MSR_X2APIC_LVT_LINT1));
}

/* In SMI mode the firmware listens to the thermal sensor. */
static void a_thermal_entry_of_the_firmware_stays(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    recorder_put_msr(MSR_X2APIC_LVT_THERMAL, 0x200);
    lapic_reset();
    assert_int_equal(rdmsr(MSR_X2APIC_LVT_THERMAL), 0x200);
}

/* What the boot core hands to the others, where an INIT has masked it. */
static void a_thermal_entry_of_the_firmware_is_handed_on(void **state)
{
    (void)state;
    for (uint32_t last = 4; last <= 5; last++) {
        make(last, true);
        assert_int_equal(lapic_thermal(), 0);
        recorder_put_msr(MSR_X2APIC_LVT_THERMAL, 0x10fa); /* fixed, pending */
        assert_int_equal(lapic_thermal(), 0);
        recorder_put_msr(MSR_X2APIC_LVT_THERMAL, 0x1200); /* SMI, pending */
        assert_int_equal(lapic_thermal(), last >= 5 ? 0x200 : 0);
        make(last, true);
        lapic_set_thermal(0x200);
        assert_int_equal(recorder_has(WRITE_MSR, MSR_X2APIC_LVT_THERMAL, 0x200), last >= 5);
    }
}

static void the_highest_that_is_pending(void **state)
{
    uint8_t vector;

    (void)state;
    make(LVT_ENTRIES, true);
    for (uint32_t i = 0; i < 8; i++)
        recorder_put_msr(MSR_X2APIC_IRR0 + i, 0);
    assert_false(lapic_pending(&vector));
    for (uint32_t v = 16; v < 256; v++) {
        recorder_put_msr(MSR_X2APIC_IRR0 + v / 32, rdmsr(MSR_X2APIC_IRR0 + v / 32) | 1u << v % 32);
        assert_true(lapic_pending(&vector));
        assert_int_equal(vector, v);
    }
}

static void what_is_in_service_is_ended(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    recorder.on_write = count_eois;
    eois_wanted = 3;
    recorder_put_msr(MSR_X2APIC_ISR0 + 2, 1);
    assert_true(lapic_in_service(64));
    lapic_reset();
    assert_int_equal(eois_wanted, 0);
    assert_false(lapic_in_service(64));
}

/* An APIC that never ends an interrupt does not hang the core. */
static void an_apic_that_does_not_behave(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    recorder_put_msr(MSR_X2APIC_ISR0 + 2, 1);
    lapic_reset();
    assert_true(lapic_in_service(64));
    assert_true(recorder.write_count < RECORDER_WRITES);
}

/* An EOI for the number of the spurious vector needs another one there meanwhile. */
static void the_spurious_vector_in_service(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    recorder_put_msr(MSR_X2APIC_ISR0 + 7, BIT32(31));
    lapic_eoi();
    static const struct recorder_write wanted[] = {
        {WRITE_MSR, MSR_X2APIC_EOI, 0},
        {WRITE_MSR, MSR_X2APIC_SVR, SVR_ENABLE | OTHER_VECTOR},
        {WRITE_MSR, MSR_X2APIC_EOI, 0},
        {WRITE_MSR, MSR_X2APIC_SVR, SVR_ENABLE | SPURIOUS_VECTOR},
    };
    assert_int_equal(recorder.write_count, ARRAY_SIZE(wanted));
    assert_memory_equal(recorder.writes, wanted, sizeof(wanted));
}

static void x2apic_is_reached_by_the_legal_way(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    recorder_put_msr(MSR_APIC_BASE, LAPIC_MMIO | APIC_BASE_BSP); /* disabled by the firmware */
    assert_true(lapic_init());
    assert_int_equal(recorder.writes[0].value, LAPIC_MMIO | APIC_BASE_BSP | APIC_BASE_ENABLE);
    assert_int_equal(recorder.writes[1].value, LAPIC_MMIO | APIC_BASE_BSP | X2APIC_ON);

    make(LVT_ENTRIES, true); /* the firmware's choice stays */
    assert_true(lapic_init());
    assert_int_not_equal(recorder.writes[0].index, MSR_APIC_BASE);
    assert_int_equal(lapic_id(), 0x12345);
}

static void ipis_have_the_form_that_the_manual_asks(void **state)
{
    (void)state;
    make(LVT_ENTRIES, true);
    lapic_init_core(0x1ff);
    lapic_start_core(0x1ff, hpa(0x9f000), delay);
    lapic_send_nmi(7);
    lapic_write_icr(9, 0x30);
    static const uint64_t wanted[] = {0x1ff00004500, 0x1ff0000469f, 0x1ff0000469f, 0x700004400,
                                      0x900000030};
    uint32_t at = 0;
    for (uint32_t i = 0; i < recorder.write_count; i++) {
        if (recorder.writes[i].where != WRITE_MSR)
            continue;
        assert_int_equal(recorder.writes[i].index, MSR_X2APIC_ICR);
        assert_int_equal(recorder.writes[i].value, wanted[at++]);
        /* What this core stored is visible before; a guest's own IPI has no fence. */
        if (at < ARRAY_SIZE(wanted))
            assert_int_equal(recorder.writes[i - 1].where, WRITE_FENCE);
    }
    assert_int_equal(at, ARRAY_SIZE(wanted));
    assert_int_equal(microseconds, STARTUP_SIPI_US);
    expect_assert_failure(lapic_start_core(1, hpa(MIB), delay));
    expect_assert_failure(lapic_start_core(1, hpa(0x9f001), delay));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reset_leaves_nothing_armed),
        cmocka_unit_test(only_entries_that_exist_are_written),
        cmocka_unit_test(the_chipsets_nmis_are_let_in),
        cmocka_unit_test(a_thermal_entry_of_the_firmware_stays),
        cmocka_unit_test(a_thermal_entry_of_the_firmware_is_handed_on),
        cmocka_unit_test(the_highest_that_is_pending),
        cmocka_unit_test(what_is_in_service_is_ended),
        cmocka_unit_test(an_apic_that_does_not_behave),
        cmocka_unit_test(the_spurious_vector_in_service),
        cmocka_unit_test(x2apic_is_reached_by_the_legal_way),
        cmocka_unit_test(ipis_have_the_form_that_the_manual_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_vapic_lvt: what a guest writes to its LVT entries and SVR, and how little of it reaches the
 * hardware.
 */
#include "vdev/vapic.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "support.h"

static struct vapic apic;
static struct vapic_action action;

static int reset(void **state)
{
    (void)state;
    vapic_reset(&apic, 6);
    return 0;
}

static uint64_t read_back(uint32_t msr)
{
    uint64_t value = 0;
    assert_true(vapic_read(&apic, msr, &value));
    return value;
}

static const struct {
    uint32_t msr;
    uint64_t bits;
    bool in_hardware;
} lvt_rows[] = {
    {MSR_X2APIC_LVT_TIMER, 0x710ff, true},  {MSR_X2APIC_LVT_THERMAL, 0x117ff, false},
    {MSR_X2APIC_LVT_PMI, 0x117ff, false},   {MSR_X2APIC_LVT_LINT0, 0x1f7ff, false},
    {MSR_X2APIC_LVT_LINT1, 0x1f7ff, false}, {MSR_X2APIC_LVT_ERROR, 0x110ff, true},
};

static bool lvt(uint32_t msr, uint64_t value)
{
    return vapic_write(&apic, msr, value, &action);
}

static void enable(void)
{
    assert_true(lvt(MSR_X2APIC_SVR, 0x1ff));
}

static void test_lvt_bits(void **state)
{
    (void)state;
    enable();
    for (uint32_t i = 0; i < ARRAY_SIZE(lvt_rows); i++) {
        uint32_t msr = lvt_rows[i].msr;
        for (unsigned bit = 0; bit < 64; bit++) {
            bool exists = (lvt_rows[i].bits & BIT64(bit)) != 0;
            assert_true(lvt(msr, 0x40));
            assert_int_equal(lvt(msr, 0x40 ^ BIT64(bit)), exists);
            /* Read-only status bits are taken and stay 0; a refused write changes nothing. */
            bool kept = exists && bit != 12 && bit != 14;
            assert_int_equal(read_back(msr), kept ? 0x40 ^ BIT64(bit) : 0x40);
            bool written = exists && lvt_rows[i].in_hardware;
            assert_int_equal(action.kind, written ? VAPIC_WRITE : VAPIC_NOTHING);
            if (!written)
                continue;
            assert_int_equal(action.msr, msr);
            assert_int_equal(action.value, read_back(msr));
            assert_int_equal(action.targets, 0);
        }
    }
}

static void test_lvt_timer_modes(void **state)
{
    (void)state;
    enable();
    assert_true(lvt(MSR_X2APIC_LVT_TIMER, 0x000ec)); /* one-shot */
    assert_true(lvt(MSR_X2APIC_LVT_TIMER, 0x200ec)); /* periodic */
    assert_true(lvt(MSR_X2APIC_LVT_TIMER, 0x400ec)); /* TSC-deadline */
    assert_false(lvt(MSR_X2APIC_LVT_TIMER, 0x600ec));
    assert_int_equal(read_back(MSR_X2APIC_LVT_TIMER), 0x400ec);
}

/* What Linux and firmware write to the pins stays in the shadow. */
static void test_lvt_pins_never_reach_the_hardware(void **state)
{
    (void)state;
    enable();
    for (uint64_t mode = 0; mode < 8; mode++) {
        assert_true(lvt(MSR_X2APIC_LVT_LINT0, mode << 8 | 0x40));
        assert_int_equal(action.kind, VAPIC_NOTHING);
        assert_int_equal(read_back(MSR_X2APIC_LVT_LINT0), mode << 8 | 0x40);
        assert_true(lvt(MSR_X2APIC_LVT_LINT1, mode << 8));
        assert_int_equal(action.kind, VAPIC_NOTHING);
        assert_true(lvt(MSR_X2APIC_LVT_THERMAL, mode << 8 | 0xfa));
        assert_int_equal(action.kind, VAPIC_NOTHING);
        assert_true(lvt(MSR_X2APIC_LVT_PMI, mode << 8));
        assert_int_equal(action.kind, VAPIC_NOTHING);
    }
}

static void test_lvt_while_disabled(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(lvt_rows); i++) {
        assert_int_equal(read_back(lvt_rows[i].msr), VAPIC_LVT_RESET);
        assert_true(lvt(lvt_rows[i].msr, 0x40));
        assert_int_equal(read_back(lvt_rows[i].msr), 0x10040);
        if (lvt_rows[i].in_hardware)
            assert_int_equal(action.value, 0x10040);
    }
    enable();
    for (uint32_t i = 0; i < ARRAY_SIZE(lvt_rows); i++) {
        assert_int_equal(read_back(lvt_rows[i].msr), 0x10040); /* enabling unmasks nothing */
        assert_true(lvt(lvt_rows[i].msr, 0x40));
        assert_int_equal(read_back(lvt_rows[i].msr), 0x40);
    }
    assert_true(lvt(MSR_X2APIC_SVR, 0xff));
    for (uint32_t i = 0; i < ARRAY_SIZE(lvt_rows); i++)
        assert_int_equal(read_back(lvt_rows[i].msr), 0x10040);
}

static void test_svr(void **state)
{
    (void)state;
    assert_int_equal(read_back(MSR_X2APIC_SVR), VAPIC_SVR_RESET);
    for (uint64_t value = 0; value < 0x200; value++) {
        assert_true(lvt(MSR_X2APIC_SVR, value));
        assert_int_equal(action.kind, VAPIC_WRITE);
        assert_int_equal(action.msr, MSR_X2APIC_SVR);
        assert_int_equal(action.value, value);
        assert_int_equal(read_back(MSR_X2APIC_SVR), value);
    }
    for (unsigned bit = 9; bit < 64; bit++) {
        assert_false(lvt(MSR_X2APIC_SVR, 0x1ff | BIT64(bit)));
        assert_int_equal(action.kind, VAPIC_NOTHING);
        assert_int_equal(read_back(MSR_X2APIC_SVR), 0x1ff);
    }
}

static void test_other_registers_are_refused(void **state)
{
    (void)state;
    for (uint32_t msr = 0; msr < 0x2000; msr++) {
        bool ours =
            msr == MSR_X2APIC_SVR || (msr >= MSR_X2APIC_LVT_TIMER && msr <= MSR_X2APIC_LVT_ERROR);
        uint64_t value;
        assert_int_equal(vapic_read(&apic, msr, &value), ours || msr == MSR_X2APIC_ICR);
        assert_int_equal(lvt(msr, 0), ours);
    }
}

static void test_reset(void **state)
{
    (void)state;
    enable();
    assert_true(lvt(MSR_X2APIC_LVT_TIMER, 0x400ec));
    const struct vapic_peers alone = {.count = 1, .self = 0, .apic_ids = {6}};
    assert_true(vapic_write_icr(&apic, &alone, 0x80040, &action)); /* to all */
    vapic_reset(&apic, 6);
    assert_int_equal(apic.apic_id, 6);
    assert_int_equal(read_back(MSR_X2APIC_SVR), VAPIC_SVR_RESET);
    assert_int_equal(read_back(MSR_X2APIC_ICR), 0);
    for (uint32_t i = 0; i < VAPIC_LVT_COUNT; i++)
        assert_int_equal(apic.lvt[i], VAPIC_LVT_RESET);
}

/* Whatever is written: the hardware gets no register but three, and in them no surprise. */
static void test_random_writes(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t r = random_next(&seed);
        uint32_t msr = 0x800 + (r & 0xff);
        uint64_t value = random_next(&seed) >> (r >> 8 & 63);
        bool taken = lvt(msr, value);
        if (!taken)
            assert_int_equal(action.kind, VAPIC_NOTHING);
        if (action.kind != VAPIC_WRITE)
            continue;
        assert_int_equal(action.msr, msr);
        if (msr == MSR_X2APIC_SVR)
            assert_int_equal(action.value & ~UINT64_C(0x1ff), 0);
        else if (msr == MSR_X2APIC_LVT_TIMER)
            assert_int_equal(action.value & ~UINT64_C(0x700ff), 0);
        else if (msr == MSR_X2APIC_LVT_ERROR)
            assert_int_equal(action.value & ~UINT64_C(0x100ff), 0);
        else
            fail_msg("MSR 0x%x must not be written", msr);
        if (msr != MSR_X2APIC_SVR && (apic.svr & 0x100) == 0)
            assert_int_not_equal(action.value & 0x10000, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lvt_bits, reset),
        cmocka_unit_test_setup(test_lvt_timer_modes, reset),
        cmocka_unit_test_setup(test_lvt_pins_never_reach_the_hardware, reset),
        cmocka_unit_test_setup(test_lvt_while_disabled, reset),
        cmocka_unit_test_setup(test_svr, reset),
        cmocka_unit_test_setup(test_other_registers_are_refused, reset),
        cmocka_unit_test_setup(test_reset, reset),
        cmocka_unit_test_setup(test_random_writes, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

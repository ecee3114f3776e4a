/* SPDX-License-Identifier: MIT */
/*
 * test_lapic_timer: the two ways to arm the APIC's timer, and how its rate is measured, against a
 * made-up counter.
 */
#include "drivers/lapic_timer.h"

#include "recorder.h"

#include "drivers/lapic_timer.c"

#define TSC_HZ UINT64_C(2600000000)

/* Counts down as the TSC goes on. */
static struct {
    uint64_t hz; /* 0: stands still */
    uint64_t begin;
    uint32_t reads, slow_reads; /* every so many-th read takes a ms, before the count is taken */
    uint32_t rounds, bad_round; /* 1..: its delay is followed by a count that is far off */
} counter;

static bool counter_read(uint32_t index, uint64_t *value)
{
    if (index != MSR_X2APIC_TIMER_NOW)
        return false;
    assert_int_equal(rdmsr(MSR_X2APIC_TIMER_DIV), DIVIDE_BY_1);
    if (counter.slow_reads && ++counter.reads % counter.slow_reads == 0)
        recorder.tsc += TSC_HZ / 1000;
    uint64_t gone = (recorder.tsc - counter.begin) * counter.hz / TSC_HZ;
    if (counter.rounds == counter.bad_round && gone > counter.hz / 200)
        gone += counter.hz / 300;
    *value = gone > UINT32_MAX ? 0 : UINT32_MAX - gone;
    return true;
}

static void counter_write(const struct recorder_write *write)
{
    if (write->where != WRITE_MSR || write->index != MSR_X2APIC_TIMER_INIT || write->value == 0)
        return;
    counter.begin = recorder.tsc;
    counter.rounds++;
}

void tsc_delay_us(const struct tsc *tsc, uint32_t us)
{
    recorder.tsc += tsc->hz / 1000000 * us;
}

static struct tsc tsc;

static void make(uint64_t hz, bool has_deadline)
{
    memset(&counter, 0, sizeof(counter));
    counter.hz = hz;
    recorder_clear();
    recorder.on_write = counter_write;
    recorder.on_rdmsr = counter_read;
    recorder_put_leaf(1, (struct cpuid_regs){.ecx = has_deadline ? FEATURES_TSC_DEADLINE : 0});
    tsc = (struct tsc){.hz = TSC_HZ, .scale = time_scale_make(TSC_HZ)};
}

static void the_rate_is_measured(void **state)
{
    static const uint64_t rates[] = {24000000, 100000000, 1000000000, 4200000000};
    struct lapic_timer timer;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (uint32_t slow = 0; slow < 4; slow += 3) { /* a third of the reads is disturbed */
            make(rates[i], false);
            counter.slow_reads = slow;
            lapic_timer_init(&timer, &tsc);
            assert_in_range(timer.hz, rates[i] - rates[i] / 5000, rates[i] + rates[i] / 5000);
            assert_true(lapic_timer_works(&timer));
        }
    }
    /* As after a reset, for guests. */
    assert_int_equal(rdmsr(MSR_X2APIC_TIMER_INIT), 0);
    assert_int_equal(rdmsr(MSR_X2APIC_TIMER_DIV), DIVIDE_BY_2);
    assert_int_equal(rdmsr(MSR_X2APIC_LVT_TIMER), LVT_OFF);
}

static void one_bad_round_does_not_count(void **state)
{
    struct lapic_timer timer;

    (void)state;
    for (uint32_t bad = 1; bad <= ROUNDS; bad++) {
        make(1000000000, false);
        counter.bad_round = bad;
        lapic_timer_init(&timer, &tsc);
        assert_in_range(timer.hz, 999900000, 1000100000);
    }
}

static void a_timer_that_does_not_count(void **state)
{
    struct lapic_timer timer;

    (void)state;
    make(0, false);
    lapic_timer_init(&timer, &tsc);
    assert_false(lapic_timer_works(&timer));
    make(0, true);
    lapic_timer_init(&timer, &tsc);
    assert_int_equal(timer.hz, 0);
    assert_true(lapic_timer_works(&timer));
}

static void expect_writes(const struct recorder_write *wanted, uint32_t count)
{
    assert_int_equal(recorder.write_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(recorder.writes[i].where, wanted[i].where);
        assert_int_equal(recorder.writes[i].index, wanted[i].index);
        assert_int_equal(recorder.writes[i].value, wanted[i].value);
    }
}

/* SDM "TSC-Deadline Mode": the mode is there before the deadline, and a fence in between. */
static void by_deadline(void **state)
{
    static const struct recorder_write wanted[] = {
        {WRITE_MSR, MSR_X2APIC_LVT_TIMER, LVT_TSC_DEADLINE | 0xf0},
        {WRITE_FENCE, 0, 0},
        {WRITE_MSR, MSR_TSC_DEADLINE, 123456},
        {WRITE_MSR, MSR_TSC_DEADLINE, 0},
        {WRITE_MSR, MSR_X2APIC_LVT_TIMER, LVT_OFF},
    };
    const struct lapic_timer timer = {.has_deadline = true};

    (void)state;
    make(0, true);
    lapic_timer_arm(&timer, 0xf0, 123456);
    lapic_timer_disarm(&timer);
    expect_writes(wanted, ARRAY_SIZE(wanted));
}

static void by_count(void **state)
{
    const struct lapic_timer timer = {
        .hz = 1000000000, .ticks = time_scale_make(TSC_HZ), .counts = time_scale_make(1000000000)};
    static const struct {
        uint64_t ticks, count;
    } rows[] = {
        {TSC_HZ, 1000000000},
        {TSC_HZ / 1000, 1000000},
        {26, 10},
        {1, 1},
        {0, 1},                   /* is over: at once, and not never */
        {5 * TSC_HZ, UINT32_MAX}, /* farther away than a count can say */
        {UINT64_MAX - 100, UINT32_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct recorder_write wanted[] = {
            {WRITE_MSR, MSR_X2APIC_TIMER_DIV, DIVIDE_BY_1},
            {WRITE_MSR, MSR_X2APIC_LVT_TIMER, 0xf0},
            {WRITE_MSR, MSR_X2APIC_TIMER_INIT, rows[i].count},
            {WRITE_MSR, MSR_X2APIC_TIMER_INIT, 0},
            {WRITE_MSR, MSR_X2APIC_TIMER_DIV, DIVIDE_BY_2},
            {WRITE_MSR, MSR_X2APIC_LVT_TIMER, LVT_OFF},
        };
        make(0, false);
        recorder.tsc = 49;
        lapic_timer_arm(&timer, 0xf0, 50 + rows[i].ticks);
        lapic_timer_disarm(&timer);
        /* Never early, and not more than a count late. */
        if (rows[i].count < UINT32_MAX)
            assert_in_range(recorder.writes[2].value, rows[i].count, rows[i].count + 1);
        else
            assert_int_equal(recorder.writes[2].value, UINT32_MAX);
        recorder.writes[2].value = rows[i].count;
        expect_writes(wanted, ARRAY_SIZE(wanted));
    }
    make(0, false);
    recorder.tsc = 1000;
    lapic_timer_arm(&timer, 0xf0, 10); /* long over */
    assert_true(recorder_has(WRITE_MSR, MSR_X2APIC_TIMER_INIT, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_is_measured),
        cmocka_unit_test(one_bad_round_does_not_count),
        cmocka_unit_test(a_timer_that_does_not_count),
        cmocka_unit_test(by_deadline),
        cmocka_unit_test(by_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_tsc: which of its sources drivers/tsc.c takes the counter's rate from, and what it does with
 * the PIT, against a made-up processor and timer.
 */
#include "drivers/tsc.h"

#include "recorder.h"

#include "drivers/tsc.c"

/* A PIT whose channel 2 counts down as the TSC goes on, at so many TSC ticks a second. */
static struct {
    uint64_t tsc_hz; /* 0: no PIT: its ports read all ones */
    bool stuck;      /* its output never moves */
    uint64_t end;    /* TSC when it is at zero */
    uint32_t writes_of_count, count;
    uint32_t rounds, disturbed_at_begin, disturbed_at_end; /* so many first rounds, by 2 ms */
    uint8_t gate;
    bool alternates; /* a round is disturbed at its end, the next at its beginning, ... */
} pit;

static void pit_write(const struct recorder_write *write)
{
    if (write->where != WRITE_PORT)
        return;
    switch (write->index) {
    case PIT_MODE:
        assert_int_equal(write->value, PIT_MODE_ONCE); /* channel 2: nobody else's */
        pit.writes_of_count = pit.count = 0;
        pit.end = UINT64_MAX;
        break;
    case PIT_CHANNEL2:
        pit.count |= (uint32_t)write->value << 8 * pit.writes_of_count++;
        if (pit.writes_of_count == 2 && !pit.stuck) {
            pit.end = recorder.tsc + pit.count * pit.tsc_hz / PIT_HZ;
            pit.rounds++;
            if (pit.alternates ? pit.rounds % 2 == 0 : pit.rounds <= pit.disturbed_at_begin)
                recorder.tsc += pit.tsc_hz / 500;
        }
        break;
    case PIT_GATE:
        pit.gate = (uint8_t)write->value;
        break;
    default:
        fail_msg("port 0x%x", write->index);
    }
}

static uint8_t pit_read(uint16_t port)
{
    assert_int_equal(port, PIT_GATE);
    recorder.tsc += 1000; /* a port is slow */
    if ((pit.alternates ? pit.rounds % 2 == 1 : pit.rounds <= pit.disturbed_at_end) &&
        recorder.tsc + 2000 >= pit.end && recorder.tsc < pit.end)
        recorder.tsc += pit.tsc_hz / 500;
    if (pit.tsc_hz == 0)
        return 0xff;
    return pit.gate | (recorder.tsc >= pit.end ? PIT_GATE_OUT : 0);
}

static void make(uint64_t pit_tsc_hz)
{
    recorder_clear();
    recorder.on_write = pit_write;
    recorder.on_in = pit_read;
    memset(&pit, 0, sizeof(pit));
    pit.tsc_hz = pit_tsc_hz;
    pit.gate = PIT_GATE_KEPT;
    lines_clear();
}

static void leaves_up_to(uint32_t last)
{
    recorder_put_leaf(0, (struct cpuid_regs){.eax = last});
}

static void a_hypervisor_below_knows_best(void **state)
{
    struct tsc tsc;

    (void)state;
    make(0);
    leaves_up_to(CPUID_FREQUENCY);
    recorder_put_leaf(CPUID_FEATURES, (struct cpuid_regs){.ecx = FEATURES_HYPERVISOR});
    recorder_put_leaf(CPUID_HYPERVISOR, (struct cpuid_regs){.eax = CPUID_HYPERVISOR_TSC});
    recorder_put_leaf(CPUID_HYPERVISOR_TSC, (struct cpuid_regs){.eax = 2500000});
    recorder_put_leaf(CPUID_TSC, (struct cpuid_regs){.eax = 2, .ebx = 200, .ecx = 24000000});
    tsc_init(&tsc, 5);
    assert_int_equal(tsc.hz, 2500000000);
    assert_string_equal(tsc.source, "hypervisor");
    assert_int_equal(tsc.start, 5);
    assert_false(tsc.invariant);
}

static void the_crystal_and_its_ratio(void **state)
{
    struct tsc tsc;

    (void)state;
    make(0);
    leaves_up_to(CPUID_FREQUENCY);
    recorder_put_leaf(CPUID_TSC, (struct cpuid_regs){.eax = 2, .ebx = 200, .ecx = 24000000});
    recorder_put_leaf(CPUID_FREQUENCY, (struct cpuid_regs){.eax = 2399});
    recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = CPUID_POWER});
    recorder_put_leaf(CPUID_POWER, (struct cpuid_regs){.edx = POWER_INVARIANT_TSC});
    tsc_init(&tsc, 0);
    assert_int_equal(tsc.hz, 2400000000);
    assert_string_equal(tsc.source, "CPUID 0x15");
    assert_true(tsc.invariant);
}

/* Skylake client, family 6 model 0x5e, gives the ratio alone; so does Skylake server, model 0x55,
 * which has one of two crystals; Denverton has another. */
static void a_crystal_that_only_the_model_tells(void **state)
{
    static const struct {
        uint32_t signature;
        uint64_t hz;
    } models[] = {{0x506e3, 3600000000}, {0x50654, 0}, {0x506f1, 3750000000}, {0x906c0, 0}};
    struct tsc tsc;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        make(0);
        leaves_up_to(CPUID_TSC);
        recorder_put_leaf(CPUID_FEATURES, (struct cpuid_regs){.eax = models[i].signature});
        recorder_put_leaf(CPUID_TSC, (struct cpuid_regs){.eax = 2, .ebx = 300});
        tsc_init(&tsc, 0);
        assert_int_equal(tsc.hz, models[i].hz ? models[i].hz : TSC_GUESSED_HZ);
        assert_string_equal(tsc.source, models[i].hz ? "CPUID 0x15" : "guess");
    }
}

/* What leaf 0x15 gives is used, and compared: with 0x16, or without that with the PIT. */
static void the_crystal_is_checked(void **state)
{
    static const struct {
        uint32_t base_mhz;   /* leaf 0x16; 0: none */
        uint64_t pit_tsc_hz; /* 0: no PIT */
        uint32_t disturbed;
        const char *line;
    } rows[] = {
        {2388, 3000000000, 0, NULL}, /* 0.5 %; the PIT is not asked */
        {2412, 0, 0, NULL},
        {2387, 0, 0, "CPUID 0x15 gives 2400000 kHz, but CPUID 0x16 2387000 kHz"},
        {2413, 0, 0, "CPUID 0x15 gives 2400000 kHz, but CPUID 0x16 2413000 kHz"},
        {0, 2400000000, 0, NULL},
        {0, 0, 0, NULL},
        {0, 2300000000, 0, "CPUID 0x15 gives 2400000 kHz, but the PIT 2"},
        {0, 2300000000, PIT_ROUNDS, NULL}, /* too doubtful to prove anything */
    };
    struct tsc tsc;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make(rows[i].pit_tsc_hz);
        pit.disturbed_at_end = rows[i].disturbed;
        leaves_up_to(rows[i].base_mhz ? CPUID_FREQUENCY : CPUID_TSC);
        recorder_put_leaf(CPUID_TSC, (struct cpuid_regs){.eax = 2, .ebx = 200, .ecx = 24000000});
        recorder_put_leaf(CPUID_FREQUENCY, (struct cpuid_regs){.eax = rows[i].base_mhz});
        tsc_init(&tsc, 0);
        assert_int_equal(tsc.hz, 2400000000);
        assert_string_equal(tsc.source, "CPUID 0x15");
        assert_true(lines_contain(rows[i].line ? rows[i].line : "CPUID 0x15") ==
                    (rows[i].line != NULL));
    }
}

static void the_base_frequency(void **state)
{
    struct tsc tsc;

    (void)state;
    make(0);
    leaves_up_to(CPUID_FREQUENCY);
    recorder_put_leaf(CPUID_FREQUENCY, (struct cpuid_regs){.eax = 0xabcd0000 | 3100});
    tsc_init(&tsc, 0);
    assert_int_equal(tsc.hz, 3100000000);
    assert_string_equal(tsc.source, "CPUID 0x16");
}

static void measured_against_the_pit(void **state)
{
    static const uint64_t rates[] = {1000000000, 1999999999, 2893000000, 5200000000};
    struct tsc tsc;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        make(rates[i]);
        tsc_init(&tsc, 0);
        assert_string_equal(tsc.source, "PIT");
        /* A port read of 1000 ticks in 20 ms. */
        assert_in_range(tsc.hz, rates[i] - rates[i] / 10000, rates[i] + rates[i] / 5000);
        assert_int_equal(pit.gate, PIT_GATE_KEPT); /* as it was: speaker off, gate off */
    }
}

/* Interrupted at one of its edges a round is longer or shorter by milliseconds: another counts. */
static void a_disturbed_round_does_not_count(void **state)
{
    const uint64_t rate = 2600000000;
    struct tsc tsc;

    (void)state;
    for (uint32_t disturbed = 1; disturbed <= 7; disturbed++) {
        for (uint32_t where = 0; where < 3; where++) {
            make(rate);
            pit.disturbed_at_begin = where != 1 ? disturbed : 0;
            pit.disturbed_at_end = where != 0 ? disturbed : 0;
            tsc_init(&tsc, 0);
            assert_in_range(tsc.hz, rate - rate / 1000, rate + rate / 1000);
        }
    }
}

/* Each round is off by a tenth, but one says how long it is at least, the next how long at most. */
static void doubtful_rounds_bound_each_other(void **state)
{
    const uint64_t rate = 2600000000;
    struct tsc tsc;

    (void)state;
    make(rate);
    pit.alternates = true;
    tsc_init(&tsc, 0);
    assert_in_range(tsc.hz, rate - rate / 1000, rate + rate / 1000);
    assert_int_equal(pit.rounds, 2);
}

/* A busy host that leaves doubt in all rounds of an attempt is asked again; then it is said. */
static void lasting_doubt_is_said(void **state)
{
    const uint64_t rate = 2600000000;
    struct tsc tsc;

    (void)state;
    make(rate);
    pit.disturbed_at_end = 60; /* into the second attempt */
    tsc_init(&tsc, 0);
    assert_in_range(tsc.hz, rate - rate / 1000, rate + rate / 1000);
    assert_false(lines_contain("guests' clocks may be wrong"));
    make(rate);
    pit.disturbed_at_end = UINT32_MAX;
    tsc_init(&tsc, 0);
    assert_string_equal(tsc.source, "PIT");
    assert_true(lines_contain("tsc: measured against the PIT, between "));
}

static void no_pit_and_a_stuck_one(void **state)
{
    struct tsc tsc;

    (void)state;
    for (int stuck = 0; stuck <= 1; stuck++) {
        make(stuck ? 2000000000 : 0);
        pit.stuck = stuck;
        tsc_init(&tsc, 0);
        assert_int_equal(tsc.hz, TSC_GUESSED_HZ);
        assert_string_equal(tsc.source, "guess");
        assert_true(lines_contain("assuming 2 GHz"));
    }
}

/* A rate that no machine has is nobody's word. */
static void impossible_rates_are_passed_over(void **state)
{
    struct tsc tsc;

    (void)state;
    make(0);
    leaves_up_to(CPUID_FREQUENCY);
    recorder_put_leaf(CPUID_TSC,
                      (struct cpuid_regs){.eax = 1, .ebx = UINT32_MAX, .ecx = UINT32_MAX});
    recorder_put_leaf(CPUID_FREQUENCY, (struct cpuid_regs){.eax = 2000});
    tsc_init(&tsc, 0);
    assert_string_equal(tsc.source, "CPUID 0x16");
}

static void a_delay_is_never_short(void **state)
{
    struct tsc tsc;

    (void)state;
    make(0);
    leaves_up_to(CPUID_FREQUENCY);
    recorder_put_leaf(CPUID_FREQUENCY, (struct cpuid_regs){.eax = 1000});
    tsc_init(&tsc, 0);
    recorder.tsc_step = 7;
    const uint64_t begin = recorder.tsc;
    tsc_delay_us(&tsc, 50);
    assert_in_range(recorder.tsc - begin, 50000, 50000 + 4 * 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hypervisor_below_knows_best),
        cmocka_unit_test(the_crystal_and_its_ratio),
        cmocka_unit_test(a_crystal_that_only_the_model_tells),
        cmocka_unit_test(the_crystal_is_checked),
        cmocka_unit_test(the_base_frequency),
        cmocka_unit_test(measured_against_the_pit),
        cmocka_unit_test(a_disturbed_round_does_not_count),
        cmocka_unit_test(doubtful_rounds_bound_each_other),
        cmocka_unit_test(lasting_doubt_is_said),
        cmocka_unit_test(no_pit_and_a_stuck_one),
        cmocka_unit_test(impossible_rates_are_passed_over),
        cmocka_unit_test(a_delay_is_never_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

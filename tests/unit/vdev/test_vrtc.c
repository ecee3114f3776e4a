/* SPDX-License-Identifier: MIT */
/*
 * test_vrtc: the date that a guest puts together from the registers is the C library's.
 */
#include "vdev/vrtc.h"

#include <time.h>

#include "support.h"

#define HZ UINT64_C(200000000)

static struct time_scale scale;
static struct vrtc rtc;

static void set(uint64_t seconds)
{
    scale = time_scale_make(HZ);
    const struct vrtc_clock at = {.scale = &scale, .start = 1000, .seconds = seconds};
    vrtc_reset(&rtc, &at);
}

static uint32_t read_at(uint8_t index, uint64_t now)
{
    vrtc_out(&rtc, 0, index);
    return vrtc_in(&rtc, 1, now);
}

static uint32_t bcd_at(uint8_t index, uint64_t now)
{
    uint32_t value = read_at(index, now);
    assert_in_range(value & 15, 0, 9);
    assert_in_range(value >> 4, 0, 9);
    return (value >> 4) * 10 + (value & 15);
}

static void expect(uint64_t seconds, uint64_t now)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    assert_int_equal(bcd_at(0x00, now), tm.tm_sec);
    assert_int_equal(bcd_at(0x02, now), tm.tm_min);
    assert_int_equal(bcd_at(0x04, now), tm.tm_hour);
    assert_int_equal(bcd_at(0x06, now), tm.tm_wday + 1);
    assert_int_equal(bcd_at(0x07, now), tm.tm_mday);
    assert_int_equal(bcd_at(0x08, now), tm.tm_mon + 1);
    assert_int_equal(bcd_at(0x32, now) * 100 + bcd_at(0x09, now), tm.tm_year + 1900);
}

static void test_dates(void **state)
{
    uint64_t seed = 9;
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t seconds = random_next(&seed) % UINT64_C(253402300800); /* to the end of 9999 */
        set(seconds);
        expect(seconds, 1000);
    }
    /* Every day of 400 years, and the last second of each. */
    for (uint64_t day = 0; day < 146097; day++) {
        set(day * 86400 + 86399);
        expect(day * 86400 + 86399, 1000);
        expect(day * 86400 + 86400, 1000 + HZ);
    }
}

static void test_runs(void **state)
{
    (void)state;
    set(1767225600);
    expect(1767225600, 1000 + HZ - 1);
    expect(1767225601, 1000 + HZ + 1);
    expect(1767225600 + 86400 * 365, 1000 + HZ * 86400 * 365 + HZ / 2);
}

static void test_too_late(void **state)
{
    (void)state;
    set(UINT64_MAX - 5);
    expect(253402300799, 1000);
}

static void test_registers(void **state)
{
    (void)state;
    set(0);
    assert_int_equal(vrtc_in(&rtc, 0, 1000), 0xff);
    assert_int_equal(read_at(0x0a, 1000), 0x26); /* no update in progress, ever */
    assert_int_equal(read_at(0x0b, 1000), 0x02);
    assert_int_equal(read_at(0x0d, 1000), 0x80);
    assert_int_equal(read_at(0x8d, 1000), 0x80); /* bit 7 is not part of the index */
    assert_int_equal(read_at(0x0f, 1000), 0);
    vrtc_out(&rtc, 1, 0x0a);
    assert_int_equal(read_at(0x0f, 1000), 0);
    for (uint32_t index = 0; index < 256; index++)
        assert_int_not_equal(read_at((uint8_t)index, 1000), 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_too_late),
        cmocka_unit_test(test_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

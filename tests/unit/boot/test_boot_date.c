/* SPDX-License-Identifier: MIT */
/*
 * test_boot_date: the firmware's date as seconds, against the C library.
 */
#include "boot/date.h"

#include <time.h>

#include "support.h"

#include "boot/date.c" /* the loader's, so not among the sources every test has */

static struct date date_of_day(uint64_t day)
{
    time_t t = (time_t)(day * 86400 + 86399);
    struct tm tm;
    assert_non_null(gmtime_r(&t, &tm));
    return (struct date){.year = (uint32_t)tm.tm_year + 1900,
                         .month = (uint32_t)tm.tm_mon + 1,
                         .day = (uint32_t)tm.tm_mday,
                         .hour = 23,
                         .minute = 59,
                         .second = 59,
                         .zone = DATE_NO_ZONE};
}

static void test_every_day(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 2932897; day++) { /* to the end of 9999 */
        struct date d = date_of_day(day);
        assert_int_equal(date_seconds(&d), day * 86400 + 86399);
    }
}

static void test_zones(void **state)
{
    struct date d = date_of_day(20000);
    (void)state;
    d.zone = 60; /* local time is behind UTC by an hour */
    assert_int_equal(date_seconds(&d), UINT64_C(20000) * 86400 + 86399 + 3600);
    d.zone = -1440;
    assert_int_equal(date_seconds(&d), UINT64_C(19999) * 86400 + 86399);
    d = date_of_day(0);
    d.zone = -1440;
    assert_int_equal(date_seconds(&d), 0);
}

#define REFUSE(field, value)                    \
    do {                                        \
        struct date d_ = date_of_day(20000);    \
        d_.field = (value);                     \
        assert_int_equal(date_seconds(&d_), 0); \
    } while (0)

static void test_nonsense(void **state)
{
    (void)state;
    REFUSE(year, 1969);
    REFUSE(year, 10000);
    REFUSE(month, 0);
    REFUSE(month, 13);
    REFUSE(day, 0);
    REFUSE(day, 32);
    REFUSE(hour, 24);
    REFUSE(minute, 60);
    REFUSE(second, 60);
    REFUSE(zone, 1441);
    REFUSE(zone, -1441);
    REFUSE(zone, INT32_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

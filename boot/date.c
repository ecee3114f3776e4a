/* SPDX-License-Identifier: MIT */
/*
 * date: see the header. Pure.
 */
#include "boot/date.h"

#define DAYS_TO_EPOCH  719468u /* from 0000-03-01 */
#define DAYS_400_YEARS 146097u
#define ZONE_MAX       1440

static bool date_valid(const struct date *d)
{
    return d->year >= 1970 && d->year <= 9999 && d->month >= 1 && d->month <= 12 && d->day >= 1 &&
           d->day <= 31 && d->hour < 24 && d->minute < 60 && d->second < 60 &&
           (d->zone == DATE_NO_ZONE || (d->zone >= -ZONE_MAX && d->zone <= ZONE_MAX));
}

/* Years begin in March, so that the leap day is the last of its year. */
static uint32_t date_days(const struct date *d)
{
    const uint32_t year = d->year - (d->month <= 2);
    const uint32_t month = d->month > 2 ? d->month - 3 : d->month + 9;
    const uint32_t in_era = year % 400;

    return year / 400 * DAYS_400_YEARS + in_era * 365 + in_era / 4 - in_era / 100 +
           (153 * month + 2) / 5 + d->day - 1 - DAYS_TO_EPOCH;
}

uint64_t date_seconds(const struct date *d)
{
    if (!date_valid(d))
        return 0;
    const uint64_t local =
        (uint64_t)date_days(d) * 86400 + d->hour * 3600 + d->minute * 60 + d->second;
    const int64_t zone = d->zone == DATE_NO_ZONE ? 0 : (int64_t)d->zone * 60;
    return (int64_t)local + zone < 0 ? 0 : local + (uint64_t)zone;
}

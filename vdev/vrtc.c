/* SPDX-License-Identifier: MIT */
/*
 * vrtc: see the header. Registers as of the MC146818, in BCD, 24 hours, UTC. Pure.
 *
 * "Update in progress" is never set: a reader that catches the end of a second sees the seconds
 * change and reads again, as drivers do anyway. A data port that read as all ones would look like
 * an endless update and cost Linux a second of waiting.
 */
#include "vdev/vrtc.h"

#include "lib/bits.h"

enum rtc_register {
    RTC_SECONDS = 0x00,
    RTC_MINUTES = 0x02,
    RTC_HOURS = 0x04,
    RTC_WEEKDAY = 0x06, /* 1 is Sunday */
    RTC_DAY = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_A = 0x0a,
    RTC_B = 0x0b,
    RTC_D = 0x0d,
    RTC_CENTURY = 0x32,
};

#define RTC_INDEX     0x7f /* bit 7 of the index port masks NMIs on a PC */
#define RTC_A_RUNNING 0x26 /* 32768 Hz, periodic rate 1024 Hz: as a BIOS leaves it */
#define RTC_B_24H     0x02
#define RTC_D_VALID   0x80

#define DAY_SECONDS       86400u
#define EPOCH_WEEKDAY     4u      /* 1970-01-01 was a Thursday; 0 is Sunday */
#define DAYS_TO_EPOCH     719468u /* from 0000-03-01 */
#define DAYS_400_YEARS    146097u
#define DAYS_100_YEARS    36524u
#define DAYS_4_YEARS      1460u /* and one, in most */
#define DAYS_YEAR         365u
#define SECONDS_YEAR_9999 UINT64_C(253402300799)

struct rtc_date {
    uint32_t second, minute, hour, weekday, day, month, year;
};

/*
 * Years are counted from March, so that the leap day is the last of its year, and months then have
 * 153 days in every five.
 */
/*@ assigns \nothing; */
static struct rtc_date date_of(uint64_t seconds)
{
    seconds = min_u64(seconds, SECONDS_YEAR_9999);
    const uint32_t time = (uint32_t)(seconds % DAY_SECONDS);
    const uint32_t days = (uint32_t)(seconds / DAY_SECONDS);
    const uint32_t shifted = days + DAYS_TO_EPOCH;
    const uint32_t era = shifted / DAYS_400_YEARS;
    const uint32_t in_era = shifted % DAYS_400_YEARS;
    const uint32_t year_in_era =
        (in_era - in_era / DAYS_4_YEARS + in_era / DAYS_100_YEARS - in_era / (DAYS_400_YEARS - 1)) /
        DAYS_YEAR;
    const uint32_t in_year =
        in_era - (DAYS_YEAR * year_in_era + year_in_era / 4 - year_in_era / 100);
    const uint32_t month_from_march = (5 * in_year + 2) / 153;
    const uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

    return (struct rtc_date){
        .second = time % 60,
        .minute = time / 60 % 60,
        .hour = time / 3600,
        .weekday = (days + EPOCH_WEEKDAY) % 7 + 1,
        .day = in_year - (153 * month_from_march + 2) / 5 + 1,
        .month = month,
        .year = era * 400 + year_in_era + (month <= 2),
    };
}

/*@ assigns \nothing; */
static uint8_t bcd(uint32_t value)
{
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

void vrtc_reset(struct vrtc *r, const struct vrtc_clock *clock)
{
    r->clock = *clock;
    atomic_init(&r->index, 0);
}

/*@ assigns \nothing; */
static uint8_t read_register(uint8_t index, uint64_t seconds)
{
    const struct rtc_date date = date_of(seconds);

    switch (index) {
    case RTC_SECONDS:
        return bcd(date.second);
    case RTC_MINUTES:
        return bcd(date.minute);
    case RTC_HOURS:
        return bcd(date.hour);
    case RTC_WEEKDAY:
        return bcd(date.weekday);
    case RTC_DAY:
        return bcd(date.day);
    case RTC_MONTH:
        return bcd(date.month);
    case RTC_YEAR:
        return bcd(date.year);
    case RTC_CENTURY:
        return bcd(date.year / 100);
    case RTC_A:
        return RTC_A_RUNNING;
    case RTC_B:
        return RTC_B_24H;
    case RTC_D:
        return RTC_D_VALID;
    default:
        return 0;
    }
}

uint8_t vrtc_in(struct vrtc *r, uint32_t port, uint64_t now)
{
    /*@ ghost vrtc_reached[port] = 1; */
    if (port == 0)
        return 0xff; /* the index cannot be read back */
    const uint64_t ticks = ticks_since(now, r->clock.start);
    const uint64_t seconds = r->clock.seconds + time_to_ns(r->clock.scale, ticks) / NS_PER_SECOND;
    return read_register(atomic_load_explicit(&r->index, memory_order_relaxed), seconds);
}

void vrtc_out(struct vrtc *r, uint32_t port, uint8_t value)
{
    /*@ ghost vrtc_reached[port] = 1; */
    if (port == 0)
        atomic_store_explicit(&r->index, value & RTC_INDEX, memory_order_relaxed);
}

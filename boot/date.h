/* SPDX-License-Identifier: MIT */
/*
 * date: the firmware's date and time as seconds, which is what boot_info has. Pure.
 */
#pragma once

#include "lib/types.h"

/* As in UEFI's EFI_TIME. */
struct date {
    uint32_t year, month, day; /* from 1 */
    uint32_t hour, minute, second;
    int32_t zone; /* minutes: UTC = local time + zone; DATE_NO_ZONE: not known, taken as UTC */
};
#define DATE_NO_ZONE 0x7ff

/* Seconds since 1970-01-01 UTC; 0 where the fields make no date from 1970 to 9999. */
uint64_t date_seconds(const struct date *d);

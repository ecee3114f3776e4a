/* SPDX-License-Identifier: MIT */
/*
 * tables: the page of an MSI-X table of the guest's, and what is tried with its device.
 */
#pragma once

#include "lib/types.h"

/* False: the guest has none. */
bool tables_find(void);

/* Its page, after tables_find(). */
volatile uint32_t *tables_page(void);
uint64_t tables_physical(void);

/* tables_storm.c: a timer that its handler sets again, at ever other times. Interrupts are on while
 * it does; the end says whether one was lost. */
extern volatile bool tables_storming; /* changed by these two */
void tables_storm_begin(void);
void tables_storm_end(void);

/* tables_device.c: the device is an NVMe controller. */
void tables_device(void);

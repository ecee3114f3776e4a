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

/* tables_device.c: the device is an NVMe controller. */
void tables_device(void);

/* SPDX-License-Identifier: MIT */
/*
 * tables: the page of an MSI-X table of the guest's, for those that end the guest by it.
 */
#pragma once

#include "lib/types.h"

/* False: the guest has none. */
bool tables_find(void);

/* Its page, after tables_find(). */
volatile uint32_t *tables_page(void);
uint64_t tables_physical(void);

/* SPDX-License-Identifier: MIT */
/*
 * runtime: calls the one service of the firmware that is used after ExitBootServices: SetVariable.
 * It is foreign code in ring 0, so it runs on tables that have no guest's memory
 * (kernel/start/runtime_map.h), on core 0, and only where no guest has state in that core's
 * registers. UEFI "Runtime Services", "Variable Services".
 */
#pragma once

#include "lib/types.h"
#include "mm/hostmap.h"

/* `root`: core 0's tables with what the firmware needs; `set_variable`: at its physical address.
 * Boot core, before memory is sealed. */
void runtime_init(hpa_t root, uint64_t set_variable);

/* Whether runtime_init() was called. */
bool runtime_is_there(void);

/*
 * SetVariable(). All pointers lead to the image. Returns its EFI_STATUS; 0: it is stored. Core 0,
 * interrupts off, and the x87, SSE and AVX registers are nobody's. The firmware may take long, and
 * may stop all cores meanwhile (SMM). A fault in there is a panic that says so.
 */
uint64_t runtime_set_variable(const uint16_t *name, const uint8_t guid[16], uint32_t attributes,
                              uint64_t size, const void *data);

/* What that status means, in words; NULL: none are known. */
const char *runtime_words(uint64_t status);

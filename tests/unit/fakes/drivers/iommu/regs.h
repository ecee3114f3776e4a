/* SPDX-License-Identifier: MIT */
/*
 * regs: stands before the real drivers/iommu/regs.h where a host test takes the code in unchanged
 * (tests/unit/unit.mk): the test's unit answers.
 */
#pragma once

#include "lib/x86/insn.h"

uint32_t regs_read32(uint64_t unit, uint32_t at);
uint64_t regs_read64(uint64_t unit, uint32_t at);
void regs_write32(uint64_t unit, uint32_t at, uint32_t value);
void regs_write64(uint64_t unit, uint32_t at, uint64_t value);
uint64_t regs_now(void);
void regs_pause(void);
void regs_flush(const void *from, uint64_t size);
void regs_put_pair(uint64_t *pair, uint64_t low, uint64_t high);

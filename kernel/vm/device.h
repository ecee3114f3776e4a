/* SPDX-License-Identifier: MIT */
/*
 * device: PCI functions of the machine's that a guest has: their configuration space as the guest
 * sees it, where their interrupts go, and what happens to them between two lives. What they reach
 * in memory the IOMMU decides (drivers/iommu).
 */
#pragma once

#include "drivers/iommu/iommu.h"
#include "kernel/vm/vm.h"
#include "lib/status.h"

/*
 * Boot core, before the first guest: reads the functions' configuration space, which begins at
 * `ecam` for bus 0 of segment 0 and is mapped, and lets the IOMMU translate what they will send to
 * the guest's RAM and disks. E_NOMEM.
 */
MUST_CHECK enum status device_build(struct vm *vm, uint32_t index, struct iommu *iommu, hpa_t ecam,
                                    struct pages *pages);

/* On the lead vCPU, when a life begins: the guest finds its devices as after a reset, and they
 * reach its memory. Returns NULL, or one for which the IOMMU does not answer: then the guest must
 * not run. */
MUST_CHECK const struct plan_device *device_enter(struct vm *vm);

/*
 * On the core that parked last: from here on its devices reach nothing. Waits for what they have
 * sent, and resets them. Returns NULL, or one that must not be used again, and `why`.
 */
MUST_CHECK const struct plan_device *device_leave(struct vm *vm, const char **why);

/* A running guest's access to register `reg` (0..252, a multiple of 4) of device `d`; of the
 * doubleword `value`, the bits in `mask`: whole bytes. */
uint32_t device_read(const struct vm *vm, uint32_t d, uint32_t reg);
void device_write(struct vm *vm, uint32_t d, uint32_t reg, uint32_t mask, uint32_t value);

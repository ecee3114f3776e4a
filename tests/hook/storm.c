/* SPDX-License-Identifier: MIT */
/*
 * storm: a test build's hook (make HOOK=storm). The first device that a guest has asks for what it
 * has no right to without end: each look at the IOMMUs finds as much as there is room for.
 */
#include "drivers/iommu/iommu.h"

#define FAR_AWAY 0x7000000000

uint32_t __wrap_iommu_faults(struct iommu *iommu, struct iommu_fault *faults, uint32_t room);

uint32_t __wrap_iommu_faults(struct iommu *iommu, struct iommu_fault *faults, uint32_t room)
{
    for (uint32_t i = 0; i < room; i++)
        faults[i] = (struct iommu_fault){.kind = IOMMU_FAULT_READ,
                                         .id = iommu->devices[0].id,
                                         .address = FAR_AWAY + i * PAGE_SIZE,
                                         .reason = 6};
    return room;
}

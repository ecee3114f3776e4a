/* SPDX-License-Identifier: MIT */
/*
 * iommu_fault: a request that a unit has refused, or a complaint of its own.
 */
#pragma once

#include "lib/types.h"

enum iommu_fault_kind {
    IOMMU_FAULT_READ,
    IOMMU_FAULT_WRITE,
    IOMMU_FAULT_INTERRUPT,
    IOMMU_FAULT_UNIT, /* the unit's own: `id` and `address` mean nothing */
};

struct iommu_fault {
    enum iommu_fault_kind kind;
    uint16_t id;      /* of the request: bus in 15:8, device in 7:3, function in 2:0 */
    uint32_t segment; /* of the unit */
    uint64_t address; /* 0: not known */
    uint32_t reason;  /* VT-d: "Fault Reason Encodings"; AMD-Vi: the event's code */
};

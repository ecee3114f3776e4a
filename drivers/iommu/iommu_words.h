/* SPDX-License-Identifier: MIT */
/*
 * iommu_words: a fault as a sentence. Pure.
 */
#pragma once

#include "drivers/iommu/iommu_fault.h"

#define IOMMU_TEXT_MAX 200

/* "its device 02:00.0 tried to ...", where a guest `has` it; else "device 02:00.0, which ...". */
void iommu_fault_clause(const struct iommu_fault *fault, bool has, bool amd, char *buf,
                        size_t size);

/* The same with the name of who has the device before it, or NULL. */
void iommu_fault_text(const struct iommu_fault *fault, const char *guest, bool amd, char *buf,
                      size_t size);

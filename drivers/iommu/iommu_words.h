/* SPDX-License-Identifier: MIT */
/*
 * iommu_words: a fault as a sentence. Pure.
 */
#pragma once

#include "drivers/iommu/iommu_fault.h"

#define IOMMU_TEXT_MAX 200

/* `guest`: name of who has the device, or NULL. */
void iommu_fault_text(const struct iommu_fault *fault, const char *guest, bool amd, char *buf,
                      size_t size);

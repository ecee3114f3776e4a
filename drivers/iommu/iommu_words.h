/* SPDX-License-Identifier: MIT */
/*
 * iommu_words: a fault as a sentence. Pure.
 */
#pragma once

#include "drivers/iommu/iommu_fault.h"

#define IOMMU_TEXT_MAX 200

/* "its device 02:00.0 tried to read guest-physical 0x1000, outside of its memory (...)", where
 * `place` is what is between the comma and the bracket; "device 02:00.0, which nobody has, ...",
 * where it is NULL. */
void iommu_fault_clause(const struct iommu_fault *fault, const char *place, bool amd, char *buf,
                        size_t size);

/* The same of what is outside of all memory, with the name of who has the device before it, or
 * NULL. */
void iommu_fault_text(const struct iommu_fault *fault, const char *guest, bool amd, char *buf,
                      size_t size);

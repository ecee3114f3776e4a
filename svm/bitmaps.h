/* SPDX-License-Identifier: MIT */
/*
 * bitmaps: the two permission maps that a guest's vCPUs share, from the rows of its policy. Pure.
 */
#pragma once

#include "lib/policy.h"
#include "lib/types.h"

#define SVM_MSRPM_SIZE (2 * PAGE_SIZE)
#define SVM_IOPM_SIZE  (3 * PAGE_SIZE)

/* As the processor reads them. APM "MSR Intercepts", "IOIO Intercepts". */
struct svm_bitmaps {
    ALIGNED(4096) uint8_t msr[SVM_MSRPM_SIZE]; /* two bits for each MSR; 1 = exit */
    ALIGNED(4096) uint8_t io[SVM_IOPM_SIZE];   /* a bit for each port, and 3 behind the last */
};
_Static_assert(sizeof(struct svm_bitmaps) == 5 * PAGE_SIZE, "both lie in whole pages");

void svm_bitmaps_build(struct svm_bitmaps *b, const struct msr_policy *policy);

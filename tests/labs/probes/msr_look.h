/* SPDX-License-Identifier: MIT */
/*
 * msr_look: AMD's table of MSRs with a student's rows in it, and the real tree's beside it, which
 * is compiled under another name (`reference` in tests/labs/grading.py).
 */
#pragma once

#include "lib/x86/msr.h"
#include "probe.h"
#include "svm/bitmaps.h"
#include "vdev/vendor.h"
#include "vdev/vmsr.h"

#define MSR_RANGE 0x2000u

extern const struct msr_policy msr_before;

/* What a row says of one index; no row: refused. */
static inline struct msr_row msr_says(const struct msr_policy *policy, uint32_t index)
{
    for (uint32_t i = 0; i < policy->count; i++)
        if (index >= policy->rows[i].first && index <= policy->rows[i].last)
            return policy->rows[i];
    return (struct msr_row){index, index, MSR_REFUSE, MSR_REFUSE, 0, "none"};
}

/* Rows of both tables have the same words. */
static inline const char *msr_word(enum msr_access access)
{
    switch (access) {
    case MSR_DIRECT:
        return "DIRECT";
    case MSR_EMULATE:
        return "EMULATE";
    case MSR_CONST:
        return "CONST";
    case MSR_IGNORE:
        return "IGNORE";
    case MSR_KEEP:
        return "KEEP";
    case MSR_REFUSE:
        return "REFUSE";
    }
    return "unknown";
}

/* In order, none within another: vmsr_row() halves its way through. */
static inline void msr_check_order(struct probe_check *check, const struct msr_policy *policy)
{
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct msr_row *row = &policy->rows[i];
        probe_case(check, row->first <= row->last,
                   TEXT("row %s is from 0x%x to 0x%x", row->name, row->first, row->last),
                   "first <= last");
        if (i > 0)
            probe_case(check, policy->rows[i - 1].last < row->first,
                       TEXT("row %s begins at 0x%x, after row %s, which ends at 0x%x", row->name,
                            row->first, policy->rows[i - 1].name, policy->rows[i - 1].last),
                       "each row begins after the one before it ends");
    }
}

/* The ranges of the permission map. APM "MSR Intercepts" */
static const uint32_t msr_ranges[] = {0, 0xc0000000, 0xc0010000};

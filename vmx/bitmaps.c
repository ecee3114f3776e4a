/* SPDX-License-Identifier: MIT */
/*
 * bitmaps: every port and MSR exits, except the rows of the policy that say MSR_DIRECT. Built
 * once per guest and never changed. SDM "I/O-Bitmap Addresses", "MSR-Bitmap Address".
 */
#include "lib/assert.h"
#include "lib/string.h"
#include "vmx/vmx.h"

#define MSR_RANGE      UINT32_C(0x2000)
#define MSR_HIGH_FIRST UINT32_C(0xc0000000)

/* Clears the bit of one MSR; `low` and `high` are the read or the write half. */
static void bitmap_open(uint8_t *low, uint8_t *high, uint32_t index)
{
    uint8_t *half = index < MSR_RANGE ? low : high;
    const uint32_t bit = index < MSR_RANGE ? index : index - MSR_HIGH_FIRST;

    ASSERT(bit < MSR_RANGE); /* rows outside both ranges cannot be direct: they always exit */
    half[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

void vmx_bitmaps_build(struct vmx_shared *shared, const struct msr_policy *policy)
{
    memset(&shared->msr, 0xff, sizeof(shared->msr));
    memset(shared->io, 0xff, sizeof(shared->io));
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct msr_row *row = &policy->rows[i];
        for (uint32_t msr = row->first; msr <= row->last; msr++) {
            if (row->read == MSR_DIRECT)
                bitmap_open(shared->msr.read_low, shared->msr.read_high, msr);
            if (row->write == MSR_DIRECT)
                bitmap_open(shared->msr.write_low, shared->msr.write_high, msr);
        }
    }
}

/* SPDX-License-Identifier: MIT */
/*
 * bitmaps: every port and MSR exits, except the rows of the policy that say MSR_DIRECT. Built
 * once per guest and never changed. APM "IOIO Intercepts", "MSR Intercepts".
 */
#include "svm/bitmaps.h"

#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86/msr.h"
#include "svm/bits.h"

/* The MSRPM has three ranges, each of 0x2000 MSRs, one behind the other; two bits for an MSR. */
#define MSR_RANGE   UINT32_C(0x2000)
#define BITS_AN_MSR 2

enum msr_bit { MSR_READ = 0, MSR_WRITE = 1 };

static uint32_t msr_place(uint32_t index)
{
    static const uint32_t first[] = {0, 0xc0000000, 0xc0010000};

    for (uint32_t i = 0; i < ARRAY_SIZE(first); i++) {
        if (index >= first[i] && index - first[i] < MSR_RANGE)
            return i * MSR_RANGE + (index - first[i]);
    }
    return UINT32_MAX;
}

/* With EFER a guest could turn SVM off, with the other two take the host's state or have INIT
 * treated as it likes. */
static bool is_never_direct(uint32_t index)
{
    return index == MSR_EFER || index == MSR_VM_CR || index == MSR_VM_HSAVE_PA;
}

static void bitmap_open(uint8_t *map, uint32_t index, enum msr_bit which)
{
    const uint32_t place = msr_place(index);

    ASSERT(place != UINT32_MAX); /* rows outside all ranges cannot be direct: they always exit */
    ASSERT(!is_never_direct(index));
    const uint32_t bit = place * BITS_AN_MSR + which;
    map[bit / 8] &= (uint8_t) ~(1u << bit % 8);
}

void svm_bitmaps_build(struct svm_bitmaps *b, const struct msr_policy *policy)
{
    memset(b->msr, 0xff, sizeof(b->msr));
    memset(b->io, 0xff, sizeof(b->io));
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct msr_row *row = &policy->rows[i];
        for (uint32_t msr = row->first; msr <= row->last; msr++) {
            if (row->read == MSR_DIRECT)
                bitmap_open(b->msr, msr, MSR_READ);
            if (row->write == MSR_DIRECT)
                bitmap_open(b->msr, msr, MSR_WRITE);
        }
    }
}

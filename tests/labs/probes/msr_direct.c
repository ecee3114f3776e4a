/* SPDX-License-Identifier: MIT */
/*
 * msr_direct: which MSRs a guest reaches without an exit: in a student's tree no more than in the
 * real one, and no fewer.
 */
#include "msr_look.h"

enum { ORDER, CLOSED, OPEN, CHECKS };

static struct probe_check checks[CHECKS] = {
    [ORDER] = {.what = "the rows of msr_amd are sorted and none overlaps another"},
    [CLOSED] = {.what = "no MSR is the guest's that should not be"},
    [OPEN] = {.what = "every MSR that should be the guest's still is"},
};

static struct svm_bitmaps maps, maps_before;

static bool is_open(const struct svm_bitmaps *b, uint32_t place, unsigned write)
{
    const uint32_t bit = 2 * place + write;

    return (b->msr[bit / 8] >> bit % 8 & 1) == 0;
}

int main(void)
{
    msr_check_order(&checks[ORDER], &msr_amd);
    svm_bitmaps_build(&maps, &msr_amd);
    svm_bitmaps_build(&maps_before, &msr_before);
    for (uint32_t place = 0; place < 3 * MSR_RANGE; place++) {
        const uint32_t index = msr_ranges[place / MSR_RANGE] + place % MSR_RANGE;
        for (unsigned write = 0; write < 2; write++) {
            const bool is = is_open(&maps, place, write), was = is_open(&maps_before, place, write);
            const char *what = write ? "WRMSR" : "RDMSR";
            probe_case(&checks[CLOSED], !is || was,
                       TEXT("%s of 0x%x reaches the hardware", what, index), "an exit");
            probe_case(&checks[OPEN], is || !was, TEXT("%s of 0x%x exits", what, index), "no exit");
        }
    }
    probe_end(checks, CHECKS);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * msr_row: a row for INT_PENDING, which a guest reads as 0 and may set to 0 only, and nothing else
 * that has changed.
 */
#include "msr_look.h"

#include "lib/bits.h"

#define INT_PENDING 0xc0010055u
#define PLACE       (2 * 0x2000u + 0x55u) /* of its two bits in the map */

enum { ORDER, HAS_ROW, NAME, READ, KEPT, OTHERS_REFUSED, CLOSED, REST, CHECKS };

static struct probe_check checks[CHECKS] = {
    [ORDER] = {.what = "the rows of msr_amd are sorted and none overlaps another"},
    [HAS_ROW] = {.what = "MSR 0xc0010055 has a row, which vmsr_row() finds"},
    [NAME] = {.what = "the row is for this MSR alone and has a name"},
    [READ] = {.what = "RDMSR of it gives 0"},
    [KEPT] = {.what = "WRMSR of 0 to it is taken"},
    [OTHERS_REFUSED] = {.what = "WRMSR of anything else to it is #GP"},
    [CLOSED] = {.what = "the hardware's register is out of reach: both accesses exit"},
    [REST] = {.what = "every other MSR is answered as before"},
};

static struct svm_bitmaps maps;
static struct vmsr vmsr;
static struct vapic apic;
static const struct vapic_peers peers = {.count = 1, .apic_ids = {1}};

static void look_row(void)
{
    const struct msr_row *row = vmsr_row(&msr_amd, INT_PENDING);

    probe_case(&checks[HAS_ROW], row != NULL, "no row", "a row");
    if (!row)
        return;
    probe_case(&checks[NAME], row->first == row->last && row->name && row->name[0],
               TEXT("from 0x%x to 0x%x, '%s'", row->first, row->last, row->name ? row->name : ""),
               "one MSR, and a name");
}

static void look_answers(void)
{
    struct vapic_action action;
    uint64_t value = 1;
    const bool reads = vmsr_read(&vmsr, &apic, INT_PENDING, &value);

    probe_case(&checks[READ], reads && value == 0,
               reads ? TEXT("0x%llx", (unsigned long long)value) : "#GP", "0x0");
    probe_case(&checks[KEPT], vmsr_write(&vmsr, &apic, &peers, INT_PENDING, 0, &action), "#GP",
               "taken");
    for (unsigned bit = 0; bit < 64; bit++)
        probe_case(&checks[OTHERS_REFUSED],
                   !vmsr_write(&vmsr, &apic, &peers, INT_PENDING, BIT64(bit), &action),
                   TEXT("0x%llx is taken", (unsigned long long)BIT64(bit)), "#GP");
}

static void look_map(void)
{
    svm_bitmaps_build(&maps, &msr_amd);
    for (unsigned write = 0; write < 2; write++) {
        const uint32_t bit = 2 * PLACE + write;
        probe_case(&checks[CLOSED], (maps.msr[bit / 8] >> bit % 8 & 1) != 0,
                   TEXT("%s does not exit: the guest reaches the register itself",
                        write ? "WRMSR" : "RDMSR"),
                   "an exit");
    }
}

static void look_rest(void)
{
    for (unsigned range = 0; range < 3; range++) {
        for (uint32_t i = 0; i < MSR_RANGE; i++) {
            const uint32_t index = msr_ranges[range] + i;
            const struct msr_row was = msr_says(&msr_before, index), is = msr_says(&msr_amd, index);
            if (index == INT_PENDING)
                continue;
            probe_case(
                &checks[REST],
                was.read == is.read && was.write == is.write && was.value == is.value,
                TEXT("MSR 0x%x: read %s, write %s", index, msr_word(is.read), msr_word(is.write)),
                TEXT("read %s, write %s", msr_word(was.read), msr_word(was.write)));
        }
    }
}

int main(void)
{
    vmsr_reset(&vmsr, &msr_amd, true);
    vapic_reset(&apic, 1);
    msr_check_order(&checks[ORDER], &msr_amd);
    look_row();
    look_answers();
    look_map();
    look_rest();
    probe_end(checks, CHECKS);
    return 0;
}

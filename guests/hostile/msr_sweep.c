/* SPDX-License-Identifier: MIT */
/*
 * msr_sweep: all MSRs that the processor's bitmap covers, and many that it does not: what
 * docs/guest-abi.md does not open is #GP, read and written.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"

#define RANGE   UINT32_C(0x2000)
#define HIGH    UINT32_C(0xc0000000)
#define RANDOM  20000 /* indexes outside both ranges */
#define WRITTEN 6000  /* of the closed ones, with a random value as well */

/* What a guest may read. The table of the x2APIC is in docs/guest-abi.md; the rest is what the
 * features shown in CPUID bring along by the SDM. Kept by hand: a second look at the policy. */
static const struct {
    uint32_t first, last;
} open[] = {
    {0x10, 0x10},   /* TSC */
    {0x17, 0x17},   /* platform id */
    {0x1b, 0x1b},   /* APIC base */
    {0x3a, 0x3a},   /* feature control, locked */
    {0x8b, 0x8b},   /* microcode revision */
    {0xfe, 0xfe},   /* MTRR: capabilities, fixed ranges, default type */
    {0x174, 0x176}, /* SYSENTER */
    {0x179, 0x179}, /* machine check: no banks */
    {0x1a0, 0x1a0}, /* misc enable */
    {0x1d9, 0x1d9}, /* debug control: 0 */
    {0x250, 0x250}, /* */
    {0x258, 0x259}, /* */
    {0x268, 0x26f}, /* */
    {0x277, 0x277}, /* PAT */
    {0x2ff, 0x2ff}, /* */
    {0x6e0, 0x6e0}, /* TSC deadline */
    {0x802, 0x803}, /* x2APIC; EOI and SELF IPI can only be written */
    {0x808, 0x808}, {0x80a, 0x80b},           {0x80d, 0x80d},
    {0x80f, 0x828}, {0x830, 0x830},           {0x832, 0x839},
    {0x83e, 0x83f}, {0xc0000080, 0xc0000084}, {0xc0000100, 0xc0000103},
};

static bool sweep_is_open(uint32_t index)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(open); i++) {
        if (index >= open[i].first && index <= open[i].last)
            return true;
    }
    return false;
}

static uint64_t seed = 0x9e3779b97f4a7c15;

/* SplitMix64: the same numbers in each run. */
static uint64_t sweep_random(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

struct tally {
    uint32_t leaks, first; /* closed but readable or writable */
    uint32_t lost;         /* open but not readable */
};

static void sweep_read(struct tally *t, uint32_t index)
{
    uint64_t value;
    bool refused = fault_is(try_rdmsr(index, &value), VECTOR_GP);

    if (sweep_is_open(index)) {
        if (refused && index != 0x80b && index != 0x83f) /* EOI, SELF IPI */
            t->lost++, t->first = index;
    } else if (!refused) {
        t->leaks++, t->first = index;
    }
}

static void sweep_write(struct tally *t, uint32_t index)
{
    if (sweep_is_open(index))
        return;
    const uint64_t values[] = {0, ~UINT64_C(0), sweep_random()};
    for (uint32_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (!fault_is(try_wrmsr(index, values[i]), VECTOR_GP))
            t->leaks++, t->first = index;
    }
}

static void sweep_say(const char *row_id, const char *id, const struct tally *t)
{
    row(row_id);
    check(id, t->leaks == 0 && t->lost == 0,
          "%u closed ones answer, %u open ones do not, e.g. 0x%x", t->leaks, t->lost, t->first);
}

void hostile_msr_sweep(void)
{
    struct tally read = {0}, write = {0}, random = {0};

    for (uint32_t i = 0; i < RANGE; i++) {
        sweep_read(&read, i);
        sweep_read(&read, HIGH + i);
        sweep_write(&write, i);
        sweep_write(&write, HIGH + i);
    }
    for (uint32_t i = 0; i < RANDOM; i++) {
        uint32_t index = (uint32_t)sweep_random();
        if (index < RANGE || index - HIGH < RANGE)
            continue;
        sweep_read(&random, index);
        if (i < WRITTEN)
            sweep_write(&random, index);
    }
    sweep_say("MS-01", "sweep-read", &read);
    sweep_say("MS-02", "sweep-write", &write);
    sweep_say("MS-01", "sweep-random", &random);
}

/* SPDX-License-Identifier: MIT */
/*
 * msr_sweep: all MSRs that the processor's bitmap covers, and many that it does not: what
 * docs/guest-abi.md does not open is #GP, read and written.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define RANGE   UINT32_C(0x2000)
#define HIGH    UINT32_C(0xc0000000)
#define AMD     UINT32_C(0xc0010000) /* the third range of an AMD processor's bitmap */
#define RANDOM  20000                /* indexes outside both ranges */
#define WRITTEN 6000                 /* of the closed ones, with a random value as well */

/* What a guest may read, by whose processor it is. The table of the x2APIC is in docs/guest-abi.md;
 * the rest is what the features shown in CPUID bring along by the manuals. Kept by hand: a second
 * look at the policy. */
enum { BOTH, INTEL_ONLY, AMD_ONLY };
static const struct {
    uint32_t first, last, whose;
} open[] = {
    {0x10, 0x10, BOTH},         /* TSC */
    {0x17, 0x17, INTEL_ONLY},   /* platform id */
    {0x1b, 0x1b, BOTH},         /* APIC base */
    {0x3a, 0x3a, INTEL_ONLY},   /* feature control, locked */
    {0x8b, 0x8b, BOTH},         /* microcode revision */
    {0xfe, 0xfe, BOTH},         /* MTRR: capabilities, fixed ranges, default type */
    {0x174, 0x176, BOTH},       /* SYSENTER */
    {0x179, 0x179, BOTH},       /* machine check: no banks */
    {0x1a0, 0x1a0, INTEL_ONLY}, /* misc enable */
    {0x1d9, 0x1d9, BOTH},       /* debug control: 0 */
    {0x250, 0x250, BOTH},       /* */
    {0x258, 0x259, BOTH},       /* */
    {0x268, 0x26f, BOTH},       /* */
    {0x277, 0x277, BOTH},       /* PAT */
    {0x2ff, 0x2ff, BOTH},       /* */
    {0x802, 0x803, BOTH},       /* x2APIC; EOI and SELF IPI can only be written */
    {0x808, 0x808, BOTH},
    {0x80a, 0x80b, BOTH},
    {0x80d, 0x80d, BOTH},
    {0x80f, 0x828, BOTH},
    {0x830, 0x830, BOTH},
    {0x832, 0x839, BOTH},
    {0x83e, 0x83f, BOTH},
    {0xc0000080, 0xc0000084, BOTH},
    {0xc0000100, 0xc0000103, BOTH},
    {0xc0010010, 0xc0010010, AMD_ONLY}, /* SYSCFG */
    {0xc0010015, 0xc0010015, AMD_ONLY}, /* HWCR */
    {0xc001001a, 0xc001001a, AMD_ONLY}, /* top of memory */
    {0xc001001d, 0xc001001d, AMD_ONLY},
    {0xc001001f, 0xc001001f, AMD_ONLY}, /* north bridge */
    {0xc0011029, 0xc0011029, AMD_ONLY}, /* LFENCE serializes */
};

static bool sweep_is_open(uint32_t index)
{
    const uint32_t other = hostile_on_amd() ? INTEL_ONLY : AMD_ONLY;

    for (uint32_t i = 0; i < ARRAY_SIZE(open); i++) {
        if (index >= open[i].first && index <= open[i].last)
            return open[i].whose != other;
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

/* The deadline's MSR is there if CPUID shows it, which hostile_apic_reset() and timer.c look at. */
static void sweep_read(struct tally *t, uint32_t index)
{
    uint64_t value;

    if (index == MSR_TSC_DEADLINE)
        return;
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
    if (sweep_is_open(index) || index == MSR_TSC_DEADLINE)
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
        sweep_read(&read, AMD + i);
        sweep_write(&write, i);
        sweep_write(&write, HIGH + i);
        sweep_write(&write, AMD + i);
    }
    for (uint32_t i = 0; i < RANDOM; i++) {
        uint32_t index = (uint32_t)sweep_random();
        if (index < RANGE || index - HIGH < RANGE || index - AMD < RANGE)
            continue;
        sweep_read(&random, index);
        if (i < WRITTEN)
            sweep_write(&random, index);
    }
    sweep_say("MS-01", "sweep-read", &read);
    sweep_say("MS-02", "sweep-write", &write);
    sweep_say("MS-01", "sweep-random", &random);
}

/* SPDX-License-Identifier: MIT */
/*
 * tsc: finds the rate of the time-stamp counter. Never writes the counter, arms no timer and
 * leaves the PIT's channel 0 alone.
 * SDM "Time-Stamp Counter", "Determining the Processor Base Frequency";
 * Intel "82C54 CHMOS Programmable Interval Timer".
 */
#include "drivers/tsc.h"

#include "lib/bits.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/signature.h"

enum cpuid_leaf {
    CPUID_FEATURES = 0x1,
    CPUID_TSC = 0x15,                  /* EBX / EAX = TSC / crystal, ECX crystal in Hz; or 0 */
    CPUID_FREQUENCY = 0x16,            /* EAX[15:0]: base frequency in MHz */
    CPUID_HYPERVISOR = 0x40000000,     /* EAX: last leaf; only with FEATURES_HYPERVISOR */
    CPUID_HYPERVISOR_TSC = 0x40000010, /* EAX: TSC in kHz */
    CPUID_POWER = 0x80000007u,         /* EDX[8]: invariant TSC */
};

#define FEATURES_HYPERVISOR (UINT32_C(1) << 31) /* CPUID.1:ECX */
#define POWER_INVARIANT_TSC (UINT32_C(1) << 8)

enum pit_port {
    PIT_CHANNEL2 = 0x42, /* rw  count, low byte then high byte */
    PIT_MODE = 0x43,     /* -w */
    PIT_GATE = 0x61,     /* rw  bits 3:0, r- bits 7:4; shared with NMI masks and the speaker */
};

#define PIT_HZ          UINT64_C(1193182)
#define PIT_COUNT       UINT64_C(23864) /* 20 ms */
#define PIT_MODE_ONCE   0xb0            /* channel 2, low then high byte, mode 0, binary */
#define PIT_GATE_ON     0x01
#define PIT_SPEAKER     0x02
#define PIT_GATE_KEPT   0x0c /* parity and channel check NMI masks: not ours to change */
#define PIT_GATE_OUT    0x20 /* the channel's output: high at terminal count */
#define PIT_ROUNDS      48   /* on a busy host; else one is enough */
#define PIT_ROUNDS_LONG 8    /* of them, at the beginning */
#define PIT_PRECISION   2000 /* 0.05 % */
#define PIT_ATTEMPTS    4    /* so many times all rounds, where they leave doubt */
#define PIT_POLLS       (UINT32_C(1) << 22) /* a few seconds of port reads: nobody is there */
#define TSC_GUESSED_HZ  UINT64_C(2000000000)
#define TSC_APART       200 /* 0.5 %: what leaf 0x16 may be off by */

/* Crystals of processors that give the ratio but not the crystal: SDM "Determining the Processor
 * Base Frequency", table of nominal core crystal clock frequencies. Leaf 0x16 would do, but it is
 * rounded and up to 0.5 % off. Not 0x55, which the manual lists with 25 MHz: workstations of that
 * model have 24. */
static const struct {
    uint8_t model; /* of family 6 */
    uint32_t hz;
} tsc_crystals[] = {
    {0x4e, 24000000}, {0x5e, 24000000}, {0x8e, 24000000},
    {0x9e, 24000000}, {0x5c, 19200000}, {0x5f, 25000000},
};

static uint32_t tsc_crystal_by_model(void)
{
    const uint32_t signature = cpuid(CPUID_FEATURES, 0).eax;
    const uint32_t model = signature_model(signature);
    const bool is_known = signature_family(signature) == SIGNATURE_FAMILY_6;

    for (size_t i = 0; is_known && i < ARRAY_SIZE(tsc_crystals); i++) {
        if (tsc_crystals[i].model == model)
            return tsc_crystals[i].hz;
    }
    return 0;
}

/* Each source gives 0 when it does not know. */
static uint64_t tsc_from_hypervisor(void)
{
    if ((cpuid(CPUID_FEATURES, 0).ecx & FEATURES_HYPERVISOR) == 0)
        return 0;
    if (cpuid(CPUID_HYPERVISOR, 0).eax < CPUID_HYPERVISOR_TSC)
        return 0;
    return cpuid(CPUID_HYPERVISOR_TSC, 0).eax * UINT64_C(1000);
}

static uint64_t tsc_from_crystal(void)
{
    const struct cpuid_regs r = cpuid_leaf(CPUID_TSC, 0);

    if (r.eax == 0 || r.ebx == 0)
        return 0;
    const uint64_t crystal = r.ecx != 0 ? r.ecx : tsc_crystal_by_model();
    return crystal * r.ebx / r.eax; /* 32 x 32 bits: cannot overflow */
}

/* Where leaf 0x15 gives a ratio but no crystal is known, the crystal would be derived from the base
 * frequency and then multiplied by the same ratio: the base frequency itself. */
static uint64_t tsc_from_base_frequency(void)
{
    return (cpuid_leaf(CPUID_FREQUENCY, 0).eax & 0xffff) * UINT64_C(1000000);
}

/* A rate, and by how much it may be off: a round that something interrupts just then (a
 * system-management interrupt, a busy host) says little. */
struct pit_rate {
    uint64_t hz, doubt;
};

/* What the rate is at least and at most, by all rounds so far. */
struct pit_bounds {
    uint64_t least, most;
};

static uint64_t tsc_distance(uint64_t a, uint64_t b)
{
    return max_u64(a, b) - min_u64(a, b);
}

static uint64_t tsc_hz_of(uint64_t ticks, uint64_t count)
{
    return ticks * PIT_HZ / count; /* ticks < 2^43: polls x the slowest port read */
}

/* One more round: channel 2 counts `count` down. False: its output does not move as it should. */
static bool tsc_measure_once(struct pit_bounds *bounds, uint64_t count)
{
    out8(PIT_MODE, PIT_MODE_ONCE); /* output low; counting starts with the second byte */
    out8(PIT_CHANNEL2, (uint8_t)count);
    const uint64_t before = rdtsc();
    out8(PIT_CHANNEL2, (uint8_t)(count >> 8));
    const uint64_t begin = rdtsc();
    if ((in8(PIT_GATE) & PIT_GATE_OUT) != 0)
        return false;
    uint64_t low = rdtsc(); /* it was low still */
    for (uint32_t poll = 0; poll < PIT_POLLS; poll++) {
        const bool high = (in8(PIT_GATE) & PIT_GATE_OUT) != 0;
        const uint64_t now = rdtsc();

        if (high) {
            bounds->most = min_u64(bounds->most, tsc_hz_of(ticks_since(now, before), count));
            bounds->least = max_u64(bounds->least, tsc_hz_of(ticks_since(low, begin), count));
            return true;
        }
        low = now;
    }
    return false;
}

/* Rounds until there is little doubt; 0 Hz: no PIT. A host that is busy all the time may give an
 * emulator less than a long round at once, so there are short ones. Rounds may contradict each
 * other by a tick of the PIT, with which the count begins. */
static struct pit_rate tsc_measure(void)
{
    uint8_t before = in8(PIT_GATE) & (PIT_GATE_KEPT | PIT_SPEAKER | PIT_GATE_ON);
    struct pit_bounds bounds = {0, UINT64_MAX};
    struct pit_rate rate = {0, UINT64_MAX};

    out8(PIT_GATE, (before & PIT_GATE_KEPT) | PIT_GATE_ON);
    for (uint32_t i = 0; i < PIT_ROUNDS && rate.doubt > rate.hz / PIT_PRECISION; i++) {
        const uint64_t count = i < PIT_ROUNDS_LONG ? PIT_COUNT : PIT_COUNT >> (i % 4 + 1);

        rate = (struct pit_rate){0};
        if (!tsc_measure_once(&bounds, count))
            break;
        rate.hz = bounds.least / 2 + bounds.most / 2;
        rate.doubt = tsc_distance(bounds.most, bounds.least);
    }
    out8(PIT_GATE, before);
    return rate;
}

static bool tsc_is_doubtful(const struct pit_rate *rate)
{
    return rate->doubt > rate->hz / PIT_PRECISION;
}

/* A host that gave us no time then may do so now: afresh, as one round that was wrong both ways
 * spoils all bounds. */
static uint64_t tsc_from_pit(void)
{
    struct pit_rate rate = tsc_measure();

    for (uint32_t i = 1; i < PIT_ATTEMPTS && tsc_is_doubtful(&rate); i++)
        rate = tsc_measure();
    if (tsc_is_doubtful(&rate))
        log_line("tsc: measured against the PIT, between %llu and %llu kHz: guests' clocks may be "
                 "wrong",
                 (unsigned long long)((rate.hz - min_u64(rate.hz, rate.doubt / 2)) / 1000),
                 (unsigned long long)((rate.hz + rate.doubt / 2) / 1000));
    return rate.hz;
}

/* A processor's words about its crystal have been wrong before. The rate is kept: leaf 0x16 is a
 * nominal one, and a PIT is emulated on many machines. */
static void tsc_check_crystal(uint64_t hz)
{
    const char *name = "CPUID 0x16";
    uint64_t other = tsc_from_base_frequency();

    if (other == 0) {
        const struct pit_rate rate = tsc_measure();

        name = "the PIT";
        other = tsc_is_doubtful(&rate) ? 0 : rate.hz;
    }
    if (other != 0 && tsc_distance(other, hz) > hz / TSC_APART)
        log_line("tsc: CPUID 0x15 gives %llu kHz, but %s %llu kHz: guests' clocks may be wrong",
                 (unsigned long long)(hz / 1000), name, (unsigned long long)(other / 1000));
}

static const struct {
    const char *name;
    uint64_t (*hz)(void);
} tsc_sources[] = {
    {"hypervisor", tsc_from_hypervisor},
    {"CPUID 0x15", tsc_from_crystal},
    {"CPUID 0x16", tsc_from_base_frequency},
    {"PIT", tsc_from_pit},
};

void tsc_init(struct tsc *tsc, uint64_t start)
{
    *tsc = (struct tsc){.start = start};
    for (size_t i = 0; i < ARRAY_SIZE(tsc_sources) && tsc->hz == 0; i++) {
        uint64_t hz = tsc_sources[i].hz();

        if (hz >= TIME_HZ_MIN && hz <= TIME_HZ_MAX) {
            tsc->hz = hz;
            tsc->source = tsc_sources[i].name;
            if (tsc_sources[i].hz == tsc_from_crystal)
                tsc_check_crystal(hz);
        }
    }
    if (tsc->hz == 0) {
        tsc->hz = TSC_GUESSED_HZ;
        tsc->source = "guess";
        log_line("tsc: neither CPUID nor the PIT gives the TSC rate; assuming 2 GHz");
    }
    tsc->scale = time_scale_make(tsc->hz);
    tsc->invariant = (cpuid_leaf(CPUID_POWER, 0).edx & POWER_INVARIANT_TSC) != 0;
}

void tsc_delay_us(const struct tsc *tsc, uint32_t us)
{
    uint64_t begin = rdtsc();
    uint64_t ticks = time_to_ticks(&tsc->scale, us * NS_PER_US);

    while (ticks_since(rdtsc(), begin) < ticks)
        cpu_pause();
}

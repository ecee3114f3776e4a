/* SPDX-License-Identifier: MIT */
/*
 * recorder: a processor for host tests of hardware code. It keeps what is written to it in the
 * order it was written, answers reads from what the test or an earlier write has put there, and
 * counts time only by RDTSC and PAUSE. A read of an MSR that nobody has put there fails the test:
 * on hardware it would be a #GP, which only rdmsr_try() survives.
 */
#pragma once

#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "support.h"

#define RECORDER_WRITES 1024
#define RECORDER_MSRS   128
#define RECORDER_LEAVES 16

enum recorder_where {
    WRITE_MSR,
    WRITE_PORT,
    WRITE_CR, /* the index is its number */
    WRITE_DR,
    WRITE_FENCE,
    WRITE_CACHE, /* WBINVD; INVLPG: the value is the address */
    WRITE_OTHER, /* the test's own, by recorder_wrote() */
};

struct recorder_write {
    enum recorder_where where;
    uint32_t index;
    uint64_t value;
};

static struct recorder {
    struct recorder_write writes[RECORDER_WRITES];
    uint32_t write_count;
    struct recorder_msr {
        uint32_t index;
        uint64_t value;
    } msrs[RECORDER_MSRS];
    uint32_t msr_count;
    struct recorder_leaf {
        uint32_t leaf;
        struct cpuid_regs regs;
    } leaves[RECORDER_LEAVES];
    uint32_t leaf_count;
    uint64_t cr0, cr3, cr4, dr6;
    uint64_t tsc, tsc_step; /* the step is what one RDTSC or PAUSE takes */
    /* May be NULL. After a write, for a read of an MSR (false: not this one) and of a port. */
    void (*on_write)(const struct recorder_write *write);
    bool (*on_rdmsr)(uint32_t index, uint64_t *value);
    uint8_t (*on_in)(uint16_t port);
    bool (*cannot_write)(uint32_t index); /* an MSR, by wrmsr_try(); NULL: it can all */
} recorder;

static inline void recorder_clear(void)
{
    recorder = (struct recorder){.tsc_step = 1};
}

static inline void recorder_wrote(enum recorder_where where, uint32_t index, uint64_t value)
{
    const struct recorder_write write = {where, index, value};

    assert_true(recorder.write_count < RECORDER_WRITES);
    recorder.writes[recorder.write_count++] = write;
    if (recorder.on_write)
        recorder.on_write(&write);
}

static inline void recorder_put_msr(uint32_t index, uint64_t value)
{
    for (uint32_t i = 0; i < recorder.msr_count; i++) {
        if (recorder.msrs[i].index == index) {
            recorder.msrs[i].value = value;
            return;
        }
    }
    assert_true(recorder.msr_count < RECORDER_MSRS);
    recorder.msrs[recorder.msr_count++] = (struct recorder_msr){index, value};
}

static inline void recorder_put_leaf(uint32_t leaf, struct cpuid_regs regs)
{
    assert_true(recorder.leaf_count < RECORDER_LEAVES);
    recorder.leaves[recorder.leaf_count++] = (struct recorder_leaf){leaf, regs};
}

enum recorder_vendor { GENUINE_INTEL, AUTHENTIC_AMD };

static inline void recorder_put_vendor(enum recorder_vendor vendor, uint32_t highest_leaf)
{
    static const struct cpuid_regs names[] = {
        [GENUINE_INTEL] = {.ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e},
        [AUTHENTIC_AMD] = {.ebx = 0x68747541, .edx = 0x69746e65, .ecx = 0x444d4163},
    };
    struct cpuid_regs r = names[vendor];

    r.eax = highest_leaf;
    recorder_put_leaf(0, r);
}

/* The same of a leaf that may be there already. */
static inline void recorder_set_leaf(uint32_t leaf, struct cpuid_regs regs)
{
    for (uint32_t i = 0; i < recorder.leaf_count; i++) {
        if (recorder.leaves[i].leaf == leaf) {
            recorder.leaves[i].regs = regs;
            return;
        }
    }
    recorder_put_leaf(leaf, regs);
}

/* The position of a write, or RECORDER_WRITES. The last one of several. */
static inline uint32_t recorder_find(enum recorder_where where, uint32_t index, uint64_t value)
{
    for (uint32_t i = recorder.write_count; i-- > 0;) {
        const struct recorder_write *w = &recorder.writes[i];
        if (w->where == where && w->index == index && w->value == value)
            return i;
    }
    return RECORDER_WRITES;
}

static inline bool recorder_has(enum recorder_where where, uint32_t index, uint64_t value)
{
    return recorder_find(where, index, value) < RECORDER_WRITES;
}

/* ------------------------------------------------------------------ the instructions */

struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    for (uint32_t i = 0; i < recorder.leaf_count; i++) {
        if (recorder.leaves[i].leaf == leaf)
            return recorder.leaves[i].regs;
    }
    return (struct cpuid_regs){0};
}

bool rdmsr_try(uint32_t index, uint64_t *value)
{
    if (recorder.on_rdmsr && recorder.on_rdmsr(index, value))
        return true;
    for (uint32_t i = 0; i < recorder.msr_count; i++) {
        if (recorder.msrs[i].index == index) {
            *value = recorder.msrs[i].value;
            return true;
        }
    }
    return false;
}

uint64_t rdmsr(uint32_t index)
{
    uint64_t value = 0;

    if (!rdmsr_try(index, &value))
        fail_msg("MSR 0x%x is read, and is not there", index);
    return value;
}

void wrmsr(uint32_t index, uint64_t value)
{
    recorder_put_msr(index, value);
    recorder_wrote(WRITE_MSR, index, value);
}

bool wrmsr_try(uint32_t index, uint64_t value)
{
    if (recorder.cannot_write && recorder.cannot_write(index))
        return false;
    wrmsr(index, value);
    return true;
}

void wrmsr_halves(uint32_t index, uint32_t high, uint32_t low)
{
    wrmsr(index, (uint64_t)high << 32 | low);
}

uint64_t rdtsc(void)
{
    recorder.tsc += recorder.tsc_step;
    return recorder.tsc;
}

void cpu_pause(void)
{
    recorder.tsc += recorder.tsc_step;
}

uint8_t in8(uint16_t port)
{
    if (!recorder.on_in)
        fail_msg("port 0x%x is read, and nothing is there", port);
    return recorder.on_in(port);
}

void out8(uint16_t port, uint8_t value)
{
    recorder_wrote(WRITE_PORT, port, value);
}

void mfence_lfence(void)
{
    recorder_wrote(WRITE_FENCE, 0, 0);
}

void wbinvd(void)
{
    recorder_wrote(WRITE_CACHE, 0, 0);
}

void invlpg(uint64_t address)
{
    recorder_wrote(WRITE_CACHE, 1, address);
}

void verw_own_segment(void)
{
    fail_msg("VERW: the recorder does not know why");
}

#define RECORDER_WRITE(name, where, index)       \
    void write_##name(uint64_t value)            \
    {                                            \
        recorder_wrote((where), (index), value); \
    }
#define RECORDER_KEEP(name, where, index)        \
    uint64_t read_##name(void)                   \
    {                                            \
        return recorder.name;                    \
    }                                            \
    void write_##name(uint64_t value)            \
    {                                            \
        recorder.name = value;                   \
        recorder_wrote((where), (index), value); \
    }
RECORDER_KEEP(cr0, WRITE_CR, 0)
RECORDER_WRITE(cr2, WRITE_CR, 2)
RECORDER_KEEP(cr3, WRITE_CR, 3)
RECORDER_KEEP(cr4, WRITE_CR, 4)
RECORDER_WRITE(dr0, WRITE_DR, 0)
RECORDER_WRITE(dr1, WRITE_DR, 1)
RECORDER_WRITE(dr2, WRITE_DR, 2)
RECORDER_WRITE(dr3, WRITE_DR, 3)
RECORDER_KEEP(dr6, WRITE_DR, 6)
RECORDER_WRITE(dr7, WRITE_DR, 7)

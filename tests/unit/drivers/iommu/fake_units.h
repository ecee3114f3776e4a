/* SPDX-License-Identifier: MIT */
/*
 * fake_units: IOMMUs of both vendors for host tests: they keep what is written to them in order,
 * carry out commands as the specifications say, look at tables only where these have been put into
 * memory, and can be told not to answer.
 */
#pragma once

#include "drivers/iommu/regs.h"
#include "support.h"

#include "lib/bits.h"
#include "mm/range.h"

#define FAKES        3
#define FAKE_WRITES  512
#define FAKE_DONE    512
#define FAKE_FLUSHED 256
#define FAKE_HELD_UP 1000000 /* ticks: longer than a test's limit */

enum fake_register { /* of VT-d */
                     FAKE_GCMD = 0x18,
                     FAKE_GSTS = 0x1c,
                     FAKE_ROOT = 0x20,
                     FAKE_FSTS = 0x34,
                     FAKE_PMEN = 0x64,
                     FAKE_IQT = 0x88,
                     FAKE_IQA = 0x90,
                     FAKE_IRTA = 0xb8,
};
enum fake_amd_register {
    FAKE_CONTROL = 0x18,
    FAKE_COMMAND_TAIL = 0x2008,
    FAKE_EVENT_HEAD = 0x2010,
    FAKE_EVENT_TAIL = 0x2018,
    FAKE_AMD_STATUS = 0x2020,
};

struct fake_write {
    uint32_t at;
    uint64_t value;
};

struct fake {
    uint64_t address;
    bool amd;
    uint64_t regs[0x4000 / 8];
    struct fake_write writes[FAKE_WRITES];
    uint32_t write_count;
    uint64_t done[FAKE_DONE]; /* commands, their low words */
    uint32_t done_count;
    uint32_t head;        /* bytes, of the queue */
    uint32_t deaf;        /* VT-d: bits of the command register that do nothing */
    bool deaf_queue;      /* commands are not carried out */
    bool late;            /* they are while the core that asks for the time is held up for long */
    const uint64_t *ring; /* late: of the commands to be carried out; NULL: there are none */
    uint32_t tail;
    bool deaf_control;  /* AMD-Vi: it does not go on */
    uint64_t fault_all; /* VT-d: what a write of a fault record's last word cleared */
};

static struct fake fakes[FAKES];
static uint32_t fake_count;
static uint64_t fake_ticks;
static struct range fake_flushed[FAKE_FLUSHED];
static uint32_t fake_flushed_count;

static struct fake *fake_add(uint64_t address, bool amd)
{
    struct fake *f = &fakes[fake_count++];

    assert_true(fake_count <= FAKES);
    memset(f, 0, sizeof(*f));
    f->address = address;
    f->amd = amd;
    if (amd) {
        f->regs[0x30 / 8] = BIT64(2) | BIT64(6) | BIT64(7);
    } else {
        f->regs[0] = 0x10;
        f->regs[0x08 / 8] = 0x00c0000400000402 | UINT64_C(47) << 16 | UINT64_C(0x22) << 24;
        f->regs[0x10 / 8] = 0x1a;
    }
    return f;
}

static void fake_clear(void)
{
    fake_count = 0;
    fake_ticks = 0;
    fake_flushed_count = 0;
}

static struct fake *fake_at(uint64_t address)
{
    for (uint32_t i = 0; i < fake_count; i++)
        if (fakes[i].address == address)
            return &fakes[i];
    fail_msg("no unit at 0x%lx", (unsigned long)address);
    return NULL;
}

static uint32_t fake_word(const struct fake *f, uint32_t at)
{
    return (uint32_t)(f->regs[at / 8] >> (at % 8 * 8));
}

static void fake_set_word(struct fake *f, uint32_t at, uint32_t value)
{
    memcpy((uint8_t *)f->regs + at, &value, sizeof(value));
}

/* ------------------------------------------------------------------ what it does */

static void fake_run(struct fake *f, const uint64_t *ring, uint32_t tail)
{
    if (f->late) {
        f->ring = ring;
        f->tail = tail;
        f->late = false;
        return;
    }
    while (!f->deaf_queue && f->head != tail) {
        const uint64_t *c = ring + f->head / 8;
        assert_true(f->done_count < FAKE_DONE);
        f->done[f->done_count++] = c[0];
        if (!f->amd && (c[0] & 0xf) == 5)
            *(uint32_t *)(uintptr_t)c[1] = (uint32_t)(c[0] >> 32);
        if (f->amd && c[0] >> 60 == 1)
            *(uint64_t *)(uintptr_t)(c[0] & MASK64(51, 3)) = c[1];
        f->head = (f->head + 16) % 4096;
    }
}

#define FAKE_ONE_SHOT (BIT32(30) | BIT32(29) | BIT32(27) | BIT32(24))

static void fake_vtd_command(struct fake *f, uint32_t value)
{
    const uint32_t was = fake_word(f, FAKE_GSTS), one_shot = value & FAKE_ONE_SHOT;
    const uint32_t changed = ((was ^ value) & ~FAKE_ONE_SHOT) | one_shot;
    uint32_t now = (was & FAKE_ONE_SHOT) | (value & ~FAKE_ONE_SHOT) | (one_shot & ~BIT32(27));

    if ((changed & (changed - 1)) != 0)
        fail_msg("the command 0x%x changes more than one thing of 0x%x", value, was);
    now = (now & ~f->deaf) | (was & f->deaf);
    if (changed & f->deaf & BIT32(27))
        now |= BIT32(27);
    if (changed == BIT32(26))
        f->head = 0;
    fake_set_word(f, FAKE_GSTS, now);
}

static void fake_vtd_wrote(struct fake *f, uint32_t at, uint64_t value)
{
    if (at == FAKE_GCMD)
        fake_vtd_command(f, (uint32_t)value);
    else if (at == FAKE_IQT && fake_word(f, FAKE_GSTS) & BIT32(26) &&
             !(fake_word(f, FAKE_FSTS) & BIT32(4)))
        fake_run(f, (const uint64_t *)(uintptr_t)f->regs[FAKE_IQA / 8], (uint32_t)value);
    else if (at == FAKE_PMEN && value == 0)
        fake_set_word(f, FAKE_PMEN, 0);
    else if (at == FAKE_FSTS)
        fake_set_word(f, FAKE_FSTS, fake_word(f, FAKE_FSTS) & ~(uint32_t)value);
    else if (at >= 0x220 && at % 16 == 12 && value == BIT32(31))
        fake_set_word(f, at, fake_word(f, at) & ~BIT32(31));
}

static void fake_amd_wrote(struct fake *f, uint32_t at, uint64_t value)
{
    if (at == FAKE_CONTROL && f->deaf_control)
        f->regs[at / 8] &= ~BIT64(0);
    if (at == 0x2000)
        f->head = (uint32_t)value;
    if (at == FAKE_COMMAND_TAIL && (f->regs[FAKE_CONTROL / 8] & 0x1001) == 0x1001)
        fake_run(f, (const uint64_t *)(uintptr_t)(f->regs[1] & MASK64(51, 12)), (uint32_t)value);
    if (at == FAKE_AMD_STATUS)
        f->regs[at / 8] = 0;
}

static void fake_note(struct fake *f, uint32_t at, uint64_t value)
{
    assert_true(f->write_count < FAKE_WRITES);
    f->writes[f->write_count++] = (struct fake_write){at, value};
}

/* Position of the first write of it, or of the last; FAKE_WRITES: there is none. */
static inline uint32_t fake_first(const struct fake *f, uint32_t at, uint64_t mask, uint64_t value)
{
    for (uint32_t i = 0; i < f->write_count; i++)
        if (f->writes[i].at == at && (f->writes[i].value & mask) == value)
            return i;
    return FAKE_WRITES;
}

/* All of it was put into memory behind the caches. */
static inline bool fake_is_flushed(const void *from, uint64_t size)
{
    const struct range wanted = {(uintptr_t)from, size};

    for (uint32_t i = 0; i < fake_flushed_count; i++)
        if (range_contains(fake_flushed[i], wanted))
            return true;
    return false;
}

/* ------------------------------------------------------------------ how it is reached */

uint32_t regs_read32(uint64_t unit, uint32_t at)
{
    assert_int_equal(at % 4, 0);
    return fake_word(fake_at(unit), at);
}

uint64_t regs_read64(uint64_t unit, uint32_t at)
{
    assert_int_equal(at % 8, 0);
    return fake_at(unit)->regs[at / 8];
}

void regs_write32(uint64_t unit, uint32_t at, uint32_t value)
{
    struct fake *f = fake_at(unit);

    assert_false(f->amd); /* its registers have 64 bits */
    fake_note(f, at, value);
    if (at != FAKE_FSTS && at != FAKE_GCMD && at < 0x220)
        fake_set_word(f, at, value);
    fake_vtd_wrote(f, at, value);
}

void regs_write64(uint64_t unit, uint32_t at, uint64_t value)
{
    struct fake *f = fake_at(unit);

    assert_int_equal(at % 8, 0);
    fake_note(f, at, value);
    f->regs[at / 8] = value;
    if (f->amd)
        fake_amd_wrote(f, at, value);
    else
        fake_vtd_wrote(f, at, value);
}

uint64_t regs_now(void)
{
    for (uint32_t i = 0; i < fake_count; i++) {
        struct fake *f = &fakes[i];
        if (f->ring == NULL)
            continue;
        fake_run(f, f->ring, f->tail);
        f->ring = NULL;
        fake_ticks += FAKE_HELD_UP;
    }
    return fake_ticks++;
}

void regs_pause(void)
{
    fake_ticks++;
}

void regs_flush(const void *from, uint64_t size)
{
    if (fake_flushed_count == FAKE_FLUSHED)
        fake_flushed_count = 0;
    fake_flushed[fake_flushed_count++] = (struct range){(uintptr_t)from, size};
}

void regs_put_pair(uint64_t *pair, uint64_t low, uint64_t high)
{
    assert_int_equal((uintptr_t)pair % 16, 0);
    pair[0] = low;
    pair[1] = high;
}

void mfence_lfence(void)
{
}

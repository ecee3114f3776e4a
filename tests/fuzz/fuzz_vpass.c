/* SPDX-License-Identifier: MIT */
/*
 * fuzz_vpass: any bytes as the configuration space of a real function, and any writes of the guest
 * that has it: only bits of a few registers reach the hardware, and a message is what the guest
 * wrote as one.
 *
 * Input: 256 bytes of configuration space; then writes of 6 bytes: register, its mask of bytes,
 * value.
 */
#include "vdev/vpass.h"

#include "support.h"

#define SPACE 256
#define STEP  6

static uint32_t space[VPASS_WORDS];

/* What a guest may change in the hardware at all. */
static uint32_t may(const struct vpass_layout *l, uint32_t reg)
{
    uint32_t bits = 0;

    if (reg == 4)
        bits |= 0xf9000004; /* bus master, error bits */
    if (l->msi != 0 && reg == l->msi)
        bits |= 0x10000;
    if (l->msi != 0 && l->msi_masks && reg == l->msi + (l->msi_wide ? 16u : 12u))
        bits |= 1;
    if (l->msix != 0 && reg == l->msix)
        bits |= 0xc0000000;
    if (l->express != 0 && reg == l->express + 8u)
        bits |= 0x000f7000; /* size of read requests, error bits */
    return bits;
}

static void write_one(struct vpass *p, const uint8_t *step)
{
    const uint32_t reg = step[0] & 0xfc, before = space[reg / 4];
    const uint32_t clears = vpass_clears(p->layout, reg);
    uint32_t value, mask = 0;

    memcpy(&value, step + 2, sizeof(value));
    for (uint32_t i = 0; i < 4; i++)
        mask |= step[1] >> i & 1 ? 0xffu << 8 * i : 0;
    const uint32_t whole = (vpass_read(p, reg, before) & ~mask & ~clears) | (value & mask);
    const struct vpass_effect effect = vpass_write(p, reg, whole);
    const uint32_t merged = vpass_merge(&p->layout->rows[reg / 4], clears, before, effect.value);

    if (effect.to_hardware)
        DEMAND(((merged ^ (before & ~clears)) & ~may(p->layout, reg)) == 0);
    else
        DEMAND((p->layout->rows[reg / 4].through | p->layout->rows[reg / 4].clears) == 0);
    DEMAND((merged & clears & ~(value & mask)) == 0);
    if (effect.to_hardware)
        space[reg / 4] = merged;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct vpass_bar bars[VPASS_BARS] = {
        {0xc0000000, 0x1000}, {0}, {0xc0100000, 0x20}};
    static struct vpass_layout layout;
    static struct vpass pass;
    uint32_t address = 0, message = 0;

    if (size < SPACE)
        return 0;
    memcpy(space, data, SPACE);
    vpass_build(&layout, space, bars, data[0] % 3);
    vpass_reset(&pass, &layout);
    DEMAND(!vpass_message(&pass, &address, &message));
    for (uint32_t reg = 0; reg < SPACE; reg += 4)
        DEMAND((layout.rows[reg / 4].through & ~layout.rows[reg / 4].kept) == 0 &&
               (layout.rows[reg / 4].clears & ~layout.rows[reg / 4].live) == 0);
    for (size_t at = SPACE; at + STEP <= size; at += STEP)
        write_one(&pass, data + at);
    if (vpass_message(&pass, &address, &message))
        DEMAND((address & 3) == 0 && message <= 0xffff);
    return 0;
}

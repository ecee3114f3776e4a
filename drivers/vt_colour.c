/* SPDX-License-Identifier: MIT */
#include "drivers/vt_colour.h"

#include "lib/bits.h"

const uint32_t vt_colour_palette[16] = {
    0x101418, 0xc05050, 0x58a858, 0xb89848, 0x5080d0, 0xa860b0, 0x48a0a8, 0xc8ccd0,
    0x606468, 0xff8080, 0x88e088, 0xf0d878, 0x80b0ff, 0xe090f0, 0x78e0e8, 0xffffff,
};

#define CUBE  16  /* of 256: six levels each of red, green and blue */
#define GREYS 232 /* 24 of them */

static uint32_t vt_colour_distance(uint32_t one, uint32_t other)
{
    uint32_t sum = 0;

    for (uint32_t shift = 0; shift < 24; shift += 8) {
        const int32_t by = (int32_t)(one >> shift & 0xff) - (int32_t)(other >> shift & 0xff);
        sum += (uint32_t)(by * by);
    }
    return sum;
}

uint8_t vt_colour_nearest(uint32_t rgb)
{
    uint32_t least = UINT32_MAX;
    uint8_t best = 0;

    for (uint8_t i = 0; i < ARRAY_SIZE(vt_colour_palette); i++) {
        const uint32_t distance = vt_colour_distance(rgb, vt_colour_palette[i]);
        if (distance >= least)
            continue;
        least = distance;
        best = i;
    }
    return best;
}

static uint32_t vt_colour_level(uint32_t sixth)
{
    return sixth == 0 ? 0 : 55 + 40 * sixth;
}

uint8_t vt_colour_of_256(uint32_t index)
{
    if (index < CUBE)
        return (uint8_t)index;
    if (index >= 256)
        return VT_COLOUR_FOREGROUND;
    if (index >= GREYS)
        return vt_colour_nearest((8 + 10 * (index - GREYS)) * UINT32_C(0x010101));
    const uint32_t at = index - CUBE;
    return vt_colour_nearest(vt_colour_level(at / 36) << 16 | vt_colour_level(at / 6 % 6) << 8 |
                             vt_colour_level(at % 6));
}

/* SPDX-License-Identifier: MIT */
/*
 * stream: the bytes of a program, which depend on nothing but seed, core and number of the program,
 * so that any program can be run again alone. SplitMix64. Pure.
 */
#include "guests/fuzz/fuzz.h"
#include "lib/bits.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

uint64_t stream_u64(struct stream *s)
{
    uint64_t z = s->state += GOLDEN;

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

struct stream stream_open(uint64_t seed, uint32_t core, uint64_t program)
{
    struct stream s = {seed};

    s.state = stream_u64(&s) ^ core;
    s.state = stream_u64(&s) ^ program;
    s.state = stream_u64(&s);
    return s;
}

uint32_t stream_below(struct stream *s, uint32_t limit)
{
    return (uint32_t)((stream_u64(s) >> 32) * limit >> 32);
}

bool stream_one_in(struct stream *s, uint32_t n)
{
    return stream_below(s, n) == 0;
}

uint64_t stream_number(struct stream *s)
{
    const uint64_t bit = BIT64(stream_below(s, 64));

    switch (stream_below(s, 10)) {
    case 0:
        return stream_below(s, 32);
    case 1:
        return bit;
    case 2:
        return bit - 1;
    case 3:
        return ~bit;
    case 4:
        return UINT64_MAX - stream_below(s, 16);
    case 5:
        return UINT32_MAX - stream_below(s, 16);
    case 6:
        return bit | BIT64(stream_below(s, 64)) | BIT64(stream_below(s, 64));
    case 7:
        return SCRATCH + DATA_OFFSET + (stream_u64(s) & 0x1fffff);
    case 8:
        return (uint32_t)stream_u64(s);
    default:
        return stream_u64(s);
    }
}

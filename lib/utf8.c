/* SPDX-License-Identifier: MIT */
#include "lib/utf8.h"

#define C1_FIRST      0x80
#define C1_LAST       0x9f
#define CONTINUE_MASK 0xc0 /* of a byte that continues a sequence, and what it then is */
#define CONTINUE      0x80
#define CODE_MAX      0x10ffff

struct codes {
    uint32_t first, last;
};

/* Not plain. In each plane the last two codes are noncharacters as well. */
static const struct codes refused[] = {
    {0x00, 0x1f},       /* C0 */
    {0x7f, 0x9f},       /* DEL, C1 */
    {0xad, 0xad},       /* soft hyphen */
    {0x34f, 0x34f},     /* combining grapheme joiner */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels */
    {0x180b, 0x180f},   /* Mongolian selectors and separator */
    {0x200b, 0x200f},   /* zero width, direction marks */
    {0x2028, 0x202e},   /* line and paragraph separator, embeddings and overrides */
    {0x2060, 0x206f},   /* joiners, isolates */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xd800, 0xdfff},   /* surrogates */
    {0xfdd0, 0xfdef},   /* noncharacters */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* reserved, interlinear annotation */
    {0x13430, 0x1345f}, /* controls of Egyptian hieroglyphs */
    {0x1bca0, 0x1bcaf}, /* of shorthand */
    {0x1d173, 0x1d17a}, /* of musical notation */
    {0x40000, 0xeffff}, /* planes without characters, tags and selectors */
};

/* Wide, by whole blocks: none of UAX #11's wide or fullwidth characters is missing, narrow ones
 * between them count as wide. Emoji, and what is for private use, are as wide as the font says. */
static const struct codes wide[] = {
    {0x1100, 0x115f},    /* Hangul initials */
    {0x231a, 0x23ff},    /* clocks, media buttons */
    {0x25fd, 0x25fe},    /* squares */
    {0x2600, 0x27bf},    /* symbols, dingbats */
    {0x2b00, 0x2bff},    /* arrows, stars */
    {0x2e80, 0xa4cf},    /* radicals to Yi */
    {0xa960, 0xa97f},    /* Hangul initials */
    {0xac00, 0xd7ff},    /* Hangul syllables */
    {0xe000, 0xfaff},    /* private use, compatibility ideographs */
    {0xfe10, 0xfe6f},    /* vertical and small forms */
    {0xff00, 0xffef},    /* fullwidth forms */
    {0x16fe0, 0x1b2ff},  /* Tangut, Khitan, kana */
    {0x1d300, 0x1d3ff},  /* counting rods */
    {0x1f000, 0x1fbff},  /* tiles, emoji */
    {0x20000, 0x3ffff},  /* ideographs */
    {0xf0000, CODE_MAX}, /* private use */
};

static bool codes_have(const struct codes *rows, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (code >= rows[i].first && code <= rows[i].last)
            return true;
    }
    return false;
}

/* Of a sequence that is complete. Overlong: it would have fitted into a shorter one. */
static uint32_t utf8_complete(const struct utf8 *u)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = u->code >= 0xd800 && u->code <= 0xdfff;

    if (u->len > UTF8_MAX || u->code < least[u->len] || u->code > CODE_MAX || is_surrogate)
        return UTF8_BROKEN;
    return u->code;
}

/* The first bits of a lead byte say how long its sequence is: 2 to 6, as once defined, so that a
 * longer one is still one sequence; else 0. */
static uint8_t utf8_length(uint8_t lead)
{
    uint8_t ones = 0;

    while (ones < 8 && (lead << ones & 0x80) != 0)
        ones++;
    return ones >= 2 && ones <= 6 ? ones : 0;
}

uint32_t utf8_take(struct utf8 *u, uint8_t byte, uint32_t codes[2])
{
    uint32_t count = 0;

    if (u->left > 0 && (byte & CONTINUE_MASK) == CONTINUE) {
        u->code = u->code << 6 | (byte & 0x3f);
        if (--u->left == 0 && !u->given_up)
            codes[count++] = utf8_complete(u);
        return count;
    }
    if (u->left > 0 && !u->given_up)
        codes[count++] = UTF8_BROKEN;
    *u = (struct utf8){.len = utf8_length(byte)};
    if (u->len > 0) {
        u->left = u->len - 1;
        u->code = byte & (0x7f >> u->len);
    } else {
        codes[count++] = byte <= C1_LAST ? byte : UTF8_BROKEN;
    }
    return count;
}

bool utf8_give_up(struct utf8 *u)
{
    if (u->left == 0 || u->given_up)
        return false;
    u->given_up = true;
    return true;
}

bool utf8_is_plain(uint32_t code)
{
    return code <= CODE_MAX && (code & 0xfffe) != 0xfffe &&
           !codes_have(refused, ARRAY_SIZE(refused), code);
}

uint32_t utf8_width(uint32_t code)
{
    return code >= 0x1100 && codes_have(wide, ARRAY_SIZE(wide), code) ? 2 : 1;
}

uint32_t utf8_get(const uint8_t *text, uint32_t len, uint32_t *code)
{
    struct utf8 u = {0};
    uint32_t codes[2] = {UTF8_BROKEN}, at = 0;

    while (at < len && utf8_take(&u, text[at++], codes) == 0)
        ;
    *code = codes[0];
    return at;
}

uint32_t utf8_put(uint32_t code, uint8_t out[UTF8_MAX])
{
    const uint32_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (len == 1) {
        out[0] = (uint8_t)code;
        return 1;
    }
    for (uint32_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(CONTINUE | (code & 0x3f));
    out[0] = (uint8_t)(0xf00 >> len | code);
    return len;
}

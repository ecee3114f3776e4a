/* SPDX-License-Identifier: MIT */
#include "kernel/config/guess.h"

#include "lib/bits.h"
#include "lib/string.h"

#define LETTERS_PER_SLIP 3
#define SLIPS_MAX        2
#define PREFIX_LEAST     2 /* fewer letters begin too many words */

static bool guess_same(char a, char b)
{
    return span_lower(a) == span_lower(b);
}

/* The distance of two words' beginnings, from those of shorter ones: `rows` are those of the last
 * two letters of `typed` and of this one (optimal string alignment). */
static uint32_t guess_step(uint32_t rows[3][GUESS_WORD_MAX + 1], const char *a, const char *b,
                           uint32_t i, uint32_t j)
{
    const bool same = guess_same(a[i - 1], b[j - 1]);
    uint64_t best = rows[(i - 1) % 3][j - 1] + (same ? 0 : 1);

    best = min_u64(best, rows[(i - 1) % 3][j] + 1);
    best = min_u64(best, rows[i % 3][j - 1] + 1);
    if (i > 1 && j > 1 && guess_same(a[i - 1], b[j - 2]) && guess_same(a[i - 2], b[j - 1]))
        best = min_u64(best, rows[(i - 2) % 3][j - 2] + 1);
    return (uint32_t)best;
}

uint32_t guess_distance(struct span typed, const char *meant)
{
    const size_t a = typed.len, b = strlen(meant);
    uint32_t rows[3][GUESS_WORD_MAX + 1];

    if (a > GUESS_WORD_MAX || b > GUESS_WORD_MAX)
        return UINT32_MAX;
    for (uint32_t j = 0; j <= b; j++)
        rows[0][j] = j;
    for (uint32_t i = 1; i <= a; i++) {
        rows[i % 3][0] = i;
        for (uint32_t j = 1; j <= b; j++)
            rows[i % 3][j] = guess_step(rows, typed.at, meant, i, j);
    }
    return rows[a % 3][b];
}

static bool guess_begins(struct span typed, const char *meant)
{
    size_t len = 0;

    while (len < typed.len && guess_same(typed.at[len], meant[len]))
        len++;
    return len == typed.len && len >= PREFIX_LEAST;
}

bool guess_is_near(struct span typed, const char *meant)
{
    const uint32_t distance = guess_distance(typed, meant);

    return distance != UINT32_MAX &&
           (distance <= typed.len / LETTERS_PER_SLIP || guess_begins(typed, meant));
}

bool guess_is_slip(struct span typed, const char *meant)
{
    const uint32_t distance = guess_distance(typed, meant);

    return distance <= SLIPS_MAX && distance < typed.len && distance < strlen(meant);
}

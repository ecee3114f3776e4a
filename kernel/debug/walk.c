/* SPDX-License-Identifier: MIT */
#include "kernel/debug/walk.h"

#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define ENTRY_PRESENT BIT64(0)
#define ENTRY_LARGE   BIT64(7)
#define ENTRY_ADDRESS MASK64(51, 12)

#define LINEAR_BITS 48
#define PAGE_BITS   12

static uint32_t walk_shift(const struct walk *w)
{
    return PAGE_BITS + (w->level - 1) * w->index_bits;
}

static enum walk_step walk_to(struct walk *w, uint64_t table)
{
    const uint64_t index = w->linear >> walk_shift(w) & (BIT64(w->index_bits) - 1);

    w->at = gpa(table + index * w->size);
    return WALK_READ;
}

enum walk_step walk_begin(struct walk *w, const struct vcpu_state *state, uint64_t linear)
{
    const bool is_paged = state->cr0 & CR0_PG;
    const bool is_long = is_paged && (state->efer & EFER_LMA);
    const uint64_t high = linear >> (LINEAR_BITS - 1);

    *w = (struct walk){.at = gpa(linear), .size = 8, .linear = linear, .index_bits = 9};
    if (is_long ? high != 0 && high != UINT64_MAX >> (LINEAR_BITS - 1) : linear > UINT32_MAX)
        return WALK_NONE;
    if (!is_paged)
        return WALK_FOUND;
    if (is_long) { /* five levels are not offered to guests */
        w->level = 4;
        w->has_large_2 = w->has_large_3 = true;
        return walk_to(w, state->cr3 & ENTRY_ADDRESS);
    }
    if (state->cr4 & CR4_PAE) {
        w->level = 3;
        w->has_large_2 = true;
        return walk_to(w, state->cr3 & MASK64(31, 5));
    }
    w->level = 2;
    w->size = 4;
    w->index_bits = 10;
    w->has_large_2 = state->cr4 & CR4_PSE;
    return walk_to(w, state->cr3 & MASK64(31, 12));
}

static bool walk_is_leaf(const struct walk *w, uint64_t entry)
{
    if (w->level == 1)
        return true;
    return (entry & ENTRY_LARGE) &&
           ((w->level == 2 && w->has_large_2) || (w->level == 3 && w->has_large_3));
}

enum walk_step walk_go(struct walk *w, uint64_t entry)
{
    if (!(entry & ENTRY_PRESENT))
        return WALK_NONE;
    if (!walk_is_leaf(w, entry)) {
        w->level--;
        return walk_to(w, entry & ENTRY_ADDRESS);
    }
    const uint64_t offset = BIT64(walk_shift(w)) - 1;
    uint64_t page = entry & ENTRY_ADDRESS & ~offset;

    /* Pages of 4 MiB have bits 39:32 of their address in bits 20:13. SDM "32-Bit Paging", PSE-36 */
    if (w->size == 4 && w->level == 2)
        page |= bits_get(entry, 20, 13) << 32;
    w->at = gpa(page | (w->linear & offset));
    return WALK_FOUND;
}

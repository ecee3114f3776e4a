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

/* A way of paging. */
struct walk_mode {
    uint32_t levels;
    uint32_t index_bits; /* of the linear address, per level */
    uint32_t entry_size; /* bytes */
    uint64_t root;       /* of CR3: the address */
    bool has_large_2;    /* an entry of level 2 may be a page's, ... */
    bool has_large_3;    /* ... of level 3 */
};

/* Five levels are not offered to guests. */
static struct walk_mode walk_mode(const struct vcpu_state *state)
{
    if (state->efer & EFER_LMA)
        return (struct walk_mode){4, 9, 8, ENTRY_ADDRESS, true, true};
    if (state->cr4 & CR4_PAE)
        return (struct walk_mode){3, 9, 8, MASK64(31, 5), true, false};
    return (struct walk_mode){2, 10, 4, MASK64(31, 12), (state->cr4 & CR4_PSE) != 0, false};
}

static uint32_t walk_shift(const struct walk_mode *mode, uint32_t level)
{
    return PAGE_BITS + (level - 1) * mode->index_bits;
}

static bool walk_is_leaf(const struct walk_mode *mode, uint32_t level, uint64_t entry)
{
    if (level == 1)
        return true;
    return (entry & ENTRY_LARGE) &&
           ((level == 2 && mode->has_large_2) || (level == 3 && mode->has_large_3));
}

/* Pages of 4 MiB have bits 39:32 of their address in bits 20:13. SDM "32-Bit Paging", PSE-36 */
static gpa_t walk_page(const struct walk_mode *mode, uint32_t level, uint64_t entry,
                       uint64_t linear)
{
    const uint64_t offset = BIT64(walk_shift(mode, level)) - 1;
    uint64_t page = entry & ENTRY_ADDRESS & ~offset;

    if (mode->entry_size == 4 && level == 2)
        page |= bits_get(entry, 20, 13) << 32;
    return gpa(page | (linear & offset));
}

bool walk_find(const struct vcpu_state *state, uint64_t linear, const struct walk_memory *memory,
               gpa_t *found)
{
    const bool is_paged = state->cr0 & CR0_PG;
    const bool is_long = is_paged && (state->efer & EFER_LMA);
    const uint64_t high = linear >> (LINEAR_BITS - 1);
    uint64_t entry;

    if (is_long ? high != 0 && high != UINT64_MAX >> (LINEAR_BITS - 1) : linear > UINT32_MAX)
        return false;
    if (!is_paged) {
        *found = gpa(linear);
        return true;
    }
    const struct walk_mode mode = walk_mode(state);
    uint64_t table = state->cr3 & mode.root;
    for (uint32_t level = mode.levels; level > 0; level--) {
        const uint64_t index = linear >> walk_shift(&mode, level) & (BIT64(mode.index_bits) - 1);
        if (!memory->read(memory->context, gpa(table + index * mode.entry_size), mode.entry_size,
                          &entry) ||
            !(entry & ENTRY_PRESENT))
            return false;
        if (walk_is_leaf(&mode, level, entry)) {
            *found = walk_page(&mode, level, entry, linear);
            return true;
        }
        table = entry & ENTRY_ADDRESS;
    }
    return false; /* a leaf is always found at level 1 */
}

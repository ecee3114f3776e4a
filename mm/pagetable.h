/* SPDX-License-Identifier: MIT */
/*
 * pagetable: one walker for every four-level table of 512 64-bit entries, parameterised by a
 * format: the hypervisor's own tables (mm/hostmap.c), EPT (vmx/ept.c), later nested paging of SVM.
 * Uses the largest leaf that address, length and format allow. Pure.
 *
 * Never changes a present leaf: mapping over something is refused. A non-present entry is all
 * zero, so that it names no address that a CPU could speculate with.
 *
 * Tables are reached at their physical address: they lie in identity-mapped memory. The calls
 * through a format are boot-time only; the exit path never comes here. Boot core only.
 */
#pragma once

#include "lib/status.h"
#include "lib/types.h"
#include "mm/pages.h"

#define PT_LEVELS     4
#define PT_ENTRIES    512
#define PT_INPUT_MAX  (UINT64_C(1) << 48) /* bytes that four levels translate */
#define PT_OUTPUT_MAX (UINT64_C(1) << 52) /* bytes that an entry can name */

/* PT_USER is never asked for: it is how a test catches a table that has it. */
enum pt_right { PT_R = 1, PT_W = 2, PT_X = 4, PT_USER = 8 };
enum pt_memory { PT_WRITE_BACK, PT_UNCACHED, PT_WRITE_COMBINING };

struct pt_format {
    const char *name;
    /* `level`: of the entry that this becomes. Grants everything: the leaves decide. */
    uint64_t (*make_table)(hpa_t table, uint32_t level);
    uint64_t (*make_leaf)(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory);
    bool (*is_present)(uint64_t entry);
    bool (*is_leaf)(uint64_t entry, uint32_t level); /* of a present entry; level 1: always */
    hpa_t (*address)(uint64_t entry, uint32_t level);
    uint32_t (*rights)(uint64_t entry); /* what a present entry, table or leaf, lets through */
};

struct pagetable {
    const struct pt_format *format;
    uint32_t leaf_level_max; /* largest leaf: 1 = 4 KiB, 2 = 2 MiB, 3 = 1 GiB */
    struct pages *pages;     /* where tables come from */
    hpa_t root;
};

/* One zeroed page as root; E_NOMEM. */
MUST_CHECK enum status pt_create(struct pagetable *pt, const struct pt_format *format,
                                 uint32_t leaf_level_max, struct pages *pages);

/*
 * Maps [from, from + size) to [to, to + size), in bytes, with `rights` (PT_R and more). E_INVALID
 * when something is not 4 KiB-aligned or `size` is 0, E_RANGE when `from` ends beyond 2^48 or `to`
 * beyond 2^52: nothing is done. E_OVERLAP when any of it is already mapped, E_NOMEM when the pool
 * is empty: a part may have been mapped, and the caller gives up on the table.
 */
MUST_CHECK enum status pt_map(struct pagetable *pt, uint64_t from, hpa_t to, uint64_t size,
                              uint32_t rights, enum pt_memory memory);

/*
 * Clears whole leaves; `from` and `size` as for pt_map(). E_INVALID where nothing is met, or a leaf
 * that goes beyond them; what lies below that is cleared then. Tables stay where they are. Before
 * use of the table by a CPU, or with the caller's own flush.
 */
MUST_CHECK enum status pt_unmap(struct pagetable *pt, uint64_t from, uint64_t size);

/*
 * Gives 4 KiB leaves, and only these, other rights (PT_R and more); else as pt_unmap(). The caller
 * flushes.
 */
MUST_CHECK enum status pt_protect(struct pagetable *pt, uint64_t from, uint64_t size,
                                  uint32_t rights, enum pt_memory memory);

/*
 * Makes what is missing above the entry of `level` (1..3) for `from`, and gives out that entry,
 * empty, for a mapping that changes at run time when there is no walker any more. E_OVERLAP when
 * something smaller or larger is already there, E_NOMEM.
 */
MUST_CHECK enum status pt_reserve(struct pagetable *pt, uint64_t from, uint32_t level,
                                  uint64_t **entry);

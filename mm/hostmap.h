/* SPDX-License-Identifier: MIT */
/*
 * hostmap: builds the hypervisor's own address space. Identity-mapped and W^X; only what the
 * hypervisor needs is mapped, and guest RAM is not among it. Pure; mm/host.h puts it to use.
 *
 *   address                 what                                    rights
 *   0                       nothing: a null pointer traps
 *   .. 2^47                 identity map:
 *     image  .text          code                                    R-X
 *     image  .rodata        constants                               R--
 *     image  .sealed        tables and settings; after launch       R--
 *     image  .data .bss     data                                    RW-
 *     page pool             vCPUs, their control blocks             RW-
 *       its constant part   page tables, bitmaps; after launch      R--
 *     modules               as the loader left them                 R--
 *     trampoline            until launch                            R-X
 *     device registers      framebuffer, IOMMUs; until launch the   RW- write-combining / uncached
 *                           APIC
 *   HOST_PRIVATE ..         per core, the same addresses on each:
 *     stacks                each with an unmapped page below        RW-
 *     window                one 2 MiB slot for loading guest memory RW-
 */
#pragma once

#include "lib/status.h"
#include "lib/types.h"
#include "mm/pages.h"
#include "mm/pagetable.h"

#define HOST_PRIVATE      UINT64_C(0xffffff0000000000) /* level-4 slot 510 */
#define HOST_PRIVATE_SLOT 510
#define HOST_STACK_PAGES  4               /* 16 KiB each */
#define HOST_STACK_STRIDE (8 * PAGE_SIZE) /* guard pages below and above */
#define HOST_WINDOW       (HOST_PRIVATE + GIB)
#define HOST_WINDOW_SIZE  PAGE_SIZE_2M
#define HOST_SHARED_SLOTS 256 /* level-4 slots that all cores have in common */

/*
 * What IA32_PAT holds on our cores, also after a VM exit. As at power-on, but for
 * entry 1, write-through then, which is write-combining for the framebuffer.
 * SDM "IA32_PAT MSR" and "Programming the PAT".
 */
enum pat_type { PAT_UC = 0, PAT_WC = 1, PAT_WT = 4, PAT_WB = 6, PAT_UC_MINUS = 7 };
#define HOST_PAT_ENTRY(n, type) ((uint64_t)(type) << ((n)*8))
#define HOST_PAT                                                                               \
    (HOST_PAT_ENTRY(0, PAT_WB) | HOST_PAT_ENTRY(1, PAT_WC) | HOST_PAT_ENTRY(2, PAT_UC_MINUS) | \
     HOST_PAT_ENTRY(3, PAT_UC) | HOST_PAT_ENTRY(4, PAT_WB) | HOST_PAT_ENTRY(5, PAT_WT) |       \
     HOST_PAT_ENTRY(6, PAT_UC_MINUS) | HOST_PAT_ENTRY(7, PAT_UC))

/* The stacks of a core. */
enum host_stack { STACK_MAIN, STACK_NMI, STACK_DF, STACK_MC, STACK_DB, STACK_COUNT };

/* Top (highest address, 16-byte aligned) of one of this core's stacks. */
static inline uint64_t host_stack_top(enum host_stack s)
{
    return HOST_PRIVATE + (uint64_t)s * HOST_STACK_STRIDE + (1 + HOST_STACK_PAGES) * PAGE_SIZE;
}

/*
 * The format of the hypervisor's own tables. Needs EFER.NXE and HOST_PAT. SDM "4-Level Paging and
 * 5-Level Paging".
 */
extern const struct pt_format host_format;

/*
 * An entry of these tables: level 1 or 2, rights PT_R and at most one of PT_W, PT_X. The window
 * calls it by name, at run time.
 */
uint64_t host_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory);

/* The shared part: created once on the boot core, complete before the first core's own tables. */
struct host_map {
    struct pagetable shared; /* level-4 slots below HOST_SHARED_SLOTS */
    bool complete;           /* set by host_core_build(): adding more is our bug */
};

MUST_CHECK enum status host_map_create(struct host_map *map, struct pages *pages);

/*
 * Adds an identity mapping to the shared part. `base` and `size` (bytes) are widened to whole
 * pages; size 0 adds nothing. E_RANGE beyond 2^47, E_INVALID for page 0, E_OVERLAP when one of the
 * pages is there already, E_NOMEM. Writable and executable at once is our bug.
 */
MUST_CHECK enum status host_map_add(struct host_map *map, uint64_t base, uint64_t size,
                                    uint32_t rights, enum pt_memory memory);

/* The same in 4 KiB leaves: for what host_map_remove() and the like change later. */
MUST_CHECK enum status host_map_add_small(struct host_map *map, uint64_t base, uint64_t size,
                                          uint32_t rights, enum pt_memory memory);

/*
 * For the shared part at launch, when all cores' tables exist: whole pages of 4 KiB leaves go, or
 * can only be read from then on. Every core flushes its TLB afterwards. E_INVALID when a page is
 * not mapped or in a larger leaf.
 */
MUST_CHECK enum status host_map_remove(struct host_map *map, uint64_t base, uint64_t size);
MUST_CHECK enum status host_map_make_constant(struct host_map *map, struct range what);

/* What a core needs to live in its own address space. */
struct host_core {
    hpa_t root;                      /* the value for CR3; anywhere, also above 4 GiB */
    volatile uint64_t *window_entry; /* level-2 entry of HOST_WINDOW */
};

/*
 * A core's own top-level table: the shared part, and its private stacks and window. The pages of
 * the stacks leave the shared part, in which `pages` must be mapped by host_map_add_small(), so
 * that a stack can be reached only through its guarded addresses, and only by its core.
 * Does not flush: callers other than tests use host_core_create(). E_NOMEM, E_INVALID.
 */
MUST_CHECK enum status host_core_build(struct host_core *core, struct host_map *map,
                                       struct pages *pages);

/*
 * Makes the shared part of another map usable on the core that `core` belongs to, by that core's
 * private part; returns the value for CR3. For tables that the core loads for a while.
 */
hpa_t host_map_join(struct host_map *map, const struct host_core *core);

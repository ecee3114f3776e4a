/* SPDX-License-Identifier: MIT */
/*
 * host: puts the hypervisor's own address space (mm/hostmap.h) to use: the registers of paging,
 * the TLB, and the window through which a core reaches guest memory at a restart. The one file of
 * mm/ that knows the CPU.
 */
#pragma once

#include "lib/status.h"
#include "lib/types.h"
#include "mm/hostmap.h"

/*
 * Whether this core can run on our tables; false after naming in the log everything that is
 * missing. Any core, before its host_core_enter(). Four-level paging must be in force already:
 * CR4.LA57 cannot be changed without leaving 64-bit mode.
 */
MUST_CHECK bool host_paging_ok(void);

/*
 * host_core_build() and a flush of this core's TLB, which may run on the shared part already and
 * still know the new stacks by their identity. Boot core only, at best before it starts other
 * cores: their TLBs are not flushed, and an entry one of them may have fetched by speculation
 * leads past the guard pages of the new stacks, though to nothing else. E_NOMEM, E_INVALID.
 */
MUST_CHECK enum status host_core_create(struct host_core *core, struct host_map *map,
                                        struct pages *pages);

/*
 * Switches the calling core to its own tables and to known values of everything that has a say in
 * paging: EFER.NXE, PAT, CR3, CR0; CR4 without PGE, PCIDE, PKE, CET, and with SMEP, SMAP, UMIP
 * where the CPU has them. Interrupts are off. The code and the stack in use are in the shared part;
 * the caller moves to host_stack_top() next. After host_paging_ok().
 */
void host_core_enter(const struct host_core *core);

/*
 * At launch, on the boot core: host_map_make_constant() of ranges that hold the tables it writes
 * to, so for its duration this core may write to read-only pages.
 */
MUST_CHECK enum status host_make_constant(struct host_map *map, const struct range *what,
                                          uint32_t count);

/* This core forgets all translations. */
void host_flush_tlb(void);

/*
 * Points this core's window at the 2 MiB of physical memory that hold `address` and returns where
 * `address` now is. Valid to the end of those 2 MiB, until the next host_window() or
 * host_window_close(). Only on the core that `core` belongs to: only it sees the window, so only
 * its TLB is flushed. SDM "Invalidation of TLBs and Paging-Structure Caches".
 */
void *host_window(const struct host_core *core, hpa_t address);

/* Nothing is reachable through the window afterwards; closing a closed window is fine. */
void host_window_close(const struct host_core *core);

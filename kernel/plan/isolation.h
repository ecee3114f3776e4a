/* SPDX-License-Identifier: MIT */
/*
 * isolation: who owns what on this machine, and what is not isolated, as a table a person can read.
 * Reports only what the tables in force contain. Pure; also in plancheck.
 */
#pragma once

#include "kernel/plan/plan.h"
#include "lib/log.h"
#include "lib/policy.h"
#include "lib/types.h"
#include "mm/range.h"

/* What the machine's IOMMUs do; those of the desk are not known. */
enum isolation_dma { ISOLATION_DMA_OPEN, ISOLATION_DMA_BLOCKED, ISOLATION_DMA_INTERRUPTS_OPEN };

struct isolation {
    const struct plan *plan;
    const struct machine *machine;
    const struct msr_policy *msrs;
    bool bus_locks;   /* struct virt_report's */
    bool safe_leaves; /* virt_has_large_leaves() */
    enum isolation_dma dma;
    const char *dma_why;      /* it is open */
    uint64_t dma_refused;     /* requests of devices, since boot */
    struct range image, pool; /* the hypervisor's own memory; empty on the desk: not known */
};

void isolation_print(const struct isolation *of, log_sink say);

/* Only the part that follows from the plan: memory and cores, and who owns them. */
void isolation_print_owners(const struct isolation *of, log_sink say);

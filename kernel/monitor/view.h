/* SPDX-License-Identifier: MIT */
/*
 * view: what the operator's commands look at and work on: data, and no function.
 */
#pragma once

#include "drivers/iommu/iommu.h"
#include "drivers/tsc.h"
#include "kernel/plan/plan.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/vm.h"
#include "lib/types.h"
#include "mm/pages.h"

/* What there is to look at. */
struct monitor_view {
    const struct machine *machine;
    const struct pages *pages;
    const struct tsc *tsc;
    const struct plan *plan;
    const struct vendor *vendor;
    struct vm **vms; /* [vm_count] */
    uint32_t vm_count;
    bool bus_locks;      /* struct virt_report's */
    bool safe_leaves;    /* virt_has_large_leaves() */
    struct iommu *iommu; /* NULL: there is none that is used */
    struct faults *faults;
};

/* What `list` needs to say exits per second. */
struct commands_sample {
    uint64_t exits;
    uint64_t per_second;
};

#define COMMANDS_MORE 2 /* words behind the guest's name */

/* A trace that is being said. */
struct commands_export {
    struct vm *vm; /* NULL: none */
    bool has_begun, in_vcpu;
    uint32_t vcpu;
    uint64_t next, last; /* numbers of exits, of a long trace */
    uint64_t rows, lost;
};

struct commands {
    struct monitor_view view;
    const char *more[COMMANDS_MORE]; /* of the line that is carried out; "" where there is none */
    uint64_t sampled;                /* TSC */
    struct vm *attached; /* had the terminal for itself last; NULL: none, or it is stopped */
    struct commands_sample samples[GUESTS_MAX];
    struct commands_export export;
};

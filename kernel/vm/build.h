/* SPDX-License-Identifier: MIT */
/*
 * build: a plan entry becomes a struct vm: its memory map, devices and vCPUs.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"

/* What all guests are made with. */
struct build_kit {
    struct pages *pages;
    const struct machine *machine;
    const struct tsc *tsc;
    bool tsc_invariant;          /* guests are told so */
    uint64_t apic_timer_hz;      /* 0: not known */
    uint64_t seconds;            /* since 1970-01-01 UTC, at tsc->start */
    const struct vendor *vendor; /* of the processor */
    uint32_t physical_bits;
    bool large_leaves; /* of the tables that map their memory */
    bool guest_timer;  /* the backend can end a stay at a deadline */
    bool monitor_core; /* core 0 has no guest: no vCPU has to pump the console */
};

/* Boot core, before sealing. `index` is also the tag of the guest's translations. */
MUST_CHECK enum status build_vm(struct vm **out, const struct plan_guest *plan, uint32_t index,
                                const struct build_kit *kit);

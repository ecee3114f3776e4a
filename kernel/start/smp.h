/* SPDX-License-Identifier: MIT */
/*
 * smp: brings the other cores up, one after the other, and gives all of them their work.
 */
#pragma once

#include "drivers/tsc.h"
#include "kernel/core/cores.h"
#include "kernel/start/skew.h"
#include "lib/types.h"

/* Copies the trampoline to `page` (< 1 MiB). While that page is still writable; `root` is core 0's
 * table, below 4 GiB. */
void smp_prepare(hpa_t page, hpa_t root);

/* When all cores that will ever come have come: one that still wakes up finds a HLT there. */
void smp_retire(hpa_t page);

/* Starts the core in cpus[id] (apic_id and host tables are set, and it waits for a SIPI), gives it
 * the boot core's IA32_TSC_ADJUST and the firmware's thermal LVT entry, compares its TSC, and has
 * it fill cpus[id]->facts, where there is room for them. False
 * when it does not answer within a second: it is then held in INIT, and cpus[id] is free again.
 * Boot core only. */
MUST_CHECK bool smp_start_core(uint32_t id, hpa_t page, const struct tsc *tsc, struct skew *skew);

/* Holds a started core in INIT: cpus[id] is free again. Boot core only. */
void smp_drop_core(uint32_t id);

/* Turns virtualisation on in all `count` cores; false (after saying which) when one cannot. */
MUST_CHECK bool smp_virt_on(uint32_t count, const struct tsc *tsc);

/* A started core's first C function, called by kernel/start/entry.asm; its tables are in force. */
NORETURN void smp_core_main(struct cpu *cpu);

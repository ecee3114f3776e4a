/* SPDX-License-Identifier: MIT */
/*
 * nmi: NMIs that are no kick: the chipset's, by LINT1, which core 0 alone takes: a broken PCI
 * device or memory, an NMI button. What came is found by looking once a second: the chipset keeps
 * its reasons until they are cleared. Intel's chipset data sheets, "NMI Status and Control
 * Register".
 */
#pragma once

#include "kernel/core/cores.h"
#include "lib/types.h"

enum nmi_reason { NMI_SERR, NMI_IOCHK, NMI_UNKNOWN, NMI_REASONS };

struct nmi_watch {
    uint8_t off;           /* sources that a look has cleared, and the next one turns on again */
    uint64_t taken, kicks; /* of the core, at the last look */
    bool was_kicked;       /* between the last two */
    uint32_t count[NMI_REASONS];
    uint64_t told[NMI_REASONS]; /* TSC of the last line */
};

/* Looks, and says in the log what it finds: of each reason at once, then once a minute. On core 0
 * while its guest does not run, once a second. The first look opens LINT1; the later ones open it
 * again, as the core's guest, which sees an APIC of its own, may have closed it. */
void nmi_look(struct nmi_watch *watch, const struct cpu *core, uint64_t tsc_hz, uint64_t now);

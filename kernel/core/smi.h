/* SPDX-License-Identifier: MIT */
/*
 * smi: how many system management interrupts a core has counted: the firmware's, which take time
 * from whatever runs there and cannot be kept out. Most Intel processors count them. SDM
 * "Model-Specific Registers (MSRs)", MSR_SMI_COUNT.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

struct smi_count {
    bool is_there;         /* else the rest says nothing */
    uint32_t before;       /* from the reset to smi_begin() */
    _Atomic uint32_t seen; /* from then to the last smi_look(); other cores read it */
};

/* On the core that it is about, with its IDT loaded. */
void smi_begin(struct smi_count *count);
void smi_look(struct smi_count *count);

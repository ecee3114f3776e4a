/* SPDX-License-Identifier: MIT */
/*
 * slots: how the guests jitter and thrash agree, without a word, on what is done when. The
 * machine's time is cut into slots of `slot=MS` (option; 10000), and each has a mode, in turn.
 * thrash does what the mode says, jitter measures in the middle of the slot.
 */
#pragma once

#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"

#define SLOT_MODES(M) M(quiet) M(cache) M(memory) M(tlb) M(ipi) M(wbinvd) M(flood) M(restart)

#define SLOT_ENUM(name) SLOT_##name,
enum slot_mode { SLOT_MODES(SLOT_ENUM) SLOT_COUNT };

#define SLOT_NAME(name) #name,
static const char *const slot_names[SLOT_COUNT] = {SLOT_MODES(SLOT_NAME)};

static inline uint64_t slot_ns(void)
{
    return max_u64(option_number("slot", 10000), 1) * NS_PER_MS;
}

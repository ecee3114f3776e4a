/* SPDX-License-Identifier: MIT */
/*
 * tx_put: puts a record whose bytes are in memory; the hypervisor has them in registers.
 */
#pragma once

#include "lib/assert.h"
#include "lib/ring.h"
#include "lib/string.h"

/* Takes `len` (1..TX_RECORD_MAX) bytes, lowest byte of data[0] first; false when full. */
MUST_CHECK static inline bool tx_put(struct tx_ring *r, const uint64_t data[TX_RECORD_MAX / 8],
                                     uint32_t len)
{
    uint32_t position;

    ASSERT(len - 1 < TX_RECORD_MAX);
    struct tx_record *slot = tx_claim(r, &position);
    if (slot == NULL)
        return false;
    memcpy(slot->data, data, sizeof(slot->data));
    tx_publish(slot, position, len);
    return true;
}

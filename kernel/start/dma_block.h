/* SPDX-License-Identifier: MIT */
/*
 * dma_block: switches the IOMMUs on, so that no device reaches memory or a core of itself.
 */
#pragma once

#include "kernel/start/start.h"

/* Boot core, on our own tables and before the first guest's memory is filled; no device masters
 * the bus but a display. A line for each IOMMU. Sets start->iommu. */
void dma_block(struct start_state *start);

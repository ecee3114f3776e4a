/* SPDX-License-Identifier: MIT */
/*
 * dma_block: switches the IOMMUs on, so that no device reaches memory or a core of itself.
 */
#pragma once

#include "kernel/plan/plan.h"
#include "kernel/start/start.h"

/* Boot core, on our own tables and before the first guest's memory is filled; no device masters
 * the bus but a display. A line for each IOMMU. Sets start->iommu. */
void dma_block(struct start_state *start);

/*
 * Bridges above devices that guests have pass on what these send, which the start had taken from
 * them; what else is below them masters nothing, and is blocked. Boot core, before configuration
 * space is taken away by address_space_seal(). PCI-to-PCI Bridge Architecture Specification
 * "Command Register".
 */
void dma_open_bridges(const struct start_state *start, const struct plan *plan);

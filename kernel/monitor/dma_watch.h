/* SPDX-License-Identifier: MIT */
/*
 * dma_watch: what devices tried to do and the IOMMUs refused, polled: however much it is, a look
 * costs the same. Some is told, and a guest ends for it where that is wanted.
 */
#pragma once

#include "kernel/monitor/view.h"

/* A few at a time, at TSC `now`; from time to time, and soon again where it returns true: there may
 * be more. Core 0 only. */
bool dma_watch_look(const struct monitor_view *view, uint64_t now);

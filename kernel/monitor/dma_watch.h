/* SPDX-License-Identifier: MIT */
/*
 * dma_watch: what devices tried to do and the IOMMUs refused, polled: however much it is, it costs
 * the same.
 */
#pragma once

#include "kernel/monitor/view.h"

/* A few at a time; from time to time. Core 0 only. */
void dma_watch_look(struct dma_watch *watch, const struct monitor_view *view);

/* SPDX-License-Identifier: MIT */
/*
 * stream: what a guest and the console put between them.
 */
#pragma once

#include "kernel/console/line_ring.h"
#include "lib/ring.h"
#include "lib/types.h"

/* One guest's two directions. */
struct console_stream {
    char name[16];
    uint32_t index; /* among the streams */
    struct tx_ring tx;
    struct rx_ring rx;
    struct line_ring notes; /* ours about the guest */
    uint64_t lines, bytes;  /* of this life, that reached the console; whoever pumps writes */
};

/* SPDX-License-Identifier: MIT */
/*
 * debugger_answer: what the stub's files share: its state, and the shortest answers.
 */
#pragma once

#include "drivers/uart.h"
#include "kernel/debug/packet.h"
#include "kernel/vm/vm.h"
#include "lib/types.h"

#define DEBUGGER_BAD    "E01" /* not as things are, or not to this */
#define DEBUGGER_MEMORY "E0e" /* EFAULT: there is no such memory */

/* All zero: no guest is debugged, and debugger_tick() does nothing. Core 0's alone. */
struct debugger {
    struct vm *vm;
    struct uart uart;
    struct packet_in in;
    struct packet_out out;
    uint8_t ack;      /* '+' or '-' to be sent first; 0: neither */
    uint32_t told;    /* attachments, in the log */
    bool is_attached; /* somebody has asked how the guest is, ... */
    bool is_owed;     /* ... and is to hear when it stops */
    bool is_new;      /* ... for the first time: what an earlier debugger has set is forgotten */
    bool is_physical; /* addresses are guest-physical */
    uint32_t thread;  /* the vCPU whose registers are meant */
};

/* The whole answer. */
void debugger_say(struct debugger *d, const char *text);

/* Of a vCPU by its index. */
bool debugger_is_held(const struct debugger *d, uint32_t index);
struct debug_core *debugger_core(const struct debugger *d, uint32_t index);

/* The vCPU whose registers are meant: d->thread, or the first that has any; NULL: the guest is not
 * stopped. */
MUST_CHECK struct debug_core *debugger_chosen(struct debugger *d);

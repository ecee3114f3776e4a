/* SPDX-License-Identifier: MIT */
/*
 * crash: what is printed and kept of a guest that is stopped against its will, and the end that a
 * guest asks for itself when it finds that it cannot go on.
 */
#pragma once

#include "kernel/virt.h"
#include "kernel/vm/vm.h"
#include "lib/types.h"

/* Ends the guest, for the reason in `fmt`, and prints the diagnosis. On v's own core, after its
 * exit `x`; returns DO_STOP. */
COLD enum verdict crash_guest(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The same of a vCPU that waits for a SIPI: it has no registers. On v's own core. */
COLD void crash_waiting(struct vcpu *v, const char *why);

/* The call `crash`: ends the guest, in the words of its report. On v's own core; DO_STOP. */
COLD enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report);

/* At any end of a life, on each core, before it leaves the guest: how that core was. */
void crash_note_core(struct vcpu *v);

/* By the last core to park: a line for each core whose registers are not told yet. */
void crash_finish(struct vm *vm);

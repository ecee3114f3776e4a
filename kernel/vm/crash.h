/* SPDX-License-Identifier: MIT */
/*
 * crash: what is printed and kept of a guest that is stopped against its will, and the end that a
 * guest asks for itself when it finds that it cannot go on.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* The life of v's guest ends by a crash, found on v's core: what was kept of the one before is
 * forgotten. By the one caller that won partition_end(). */
COLD void crash_begin(const struct vcpu *v);

/* A line about the crash: into the log, and kept for `crash GUEST`. */
COLD void crash_tell(struct vm *vm, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* At any end of a life, on each core, before it leaves the guest: how that core was. */
void crash_note_core(struct vcpu *v);

/* By the last core to park: a line for each core whose registers are not told yet. */
void crash_finish(struct vm *vm);

/* The diagnosis, below the line that says why. On v's own core, after its exit `x`. */
COLD void crash_print(struct vcpu *v, const struct vcpu_exit *x);

/* The call `crash`: ends the guest, in the words of its report. On v's own core; DO_STOP. */
COLD enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report);

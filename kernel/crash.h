/* SPDX-License-Identifier: MIT */
/*
 * crash: what is printed of a guest that is stopped against its will, and the end that a guest
 * asks for itself when it finds that it cannot go on.
 */
#pragma once

#include "kernel/virt.h"

/* The diagnosis, below the line that says why. On v's own core, after its exit `x`. */
COLD void crash_print(struct vcpu *v, const struct vcpu_exit *x);

/* The call `crash`: ends the guest, in the words of its report. On v's own core; DO_STOP. */
COLD enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report);

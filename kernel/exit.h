/* SPDX-License-Identifier: MIT */
/*
 * exit: one small handler for each kind of exit. A handler looks at the exit, lets a virtual
 * device answer, and returns a verdict; it neither moves RIP nor injects nor stops anything.
 */
#pragma once

#include "kernel/virt.h"

enum verdict exit_dispatch(struct vcpu *v, struct vcpu_exit *x);

/* kernel/hypercall.c */
enum verdict hypercall(struct vcpu *v);

/* Records why the guest ends and prints the diagnosis; returns DO_STOP. */
COLD enum verdict vcpu_crash(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* SPDX-License-Identifier: MIT */
/*
 * exit: one small handler for each kind of exit. A handler looks at the exit, lets a virtual
 * device answer, and returns a verdict; it neither moves RIP nor injects nor stops anything.
 */
#pragma once

#include "kernel/virt.h"

/* The kinds that come often, from the compare that finds them to the verdict without a detour;
 * false: another, not yet in the trace, for virt_details() and exit_dispatch(). `soft` is v's. */
MUST_CHECK bool exit_fast(struct vcpu *v, struct vcpu_soft *soft, const struct stay *stay,
                          enum verdict *verdict);
enum verdict exit_dispatch(struct vcpu *v, const struct vcpu_exit *x);

/* SPDX-License-Identifier: MIT */
/*
 * hook_none: the hook of every build that is not a test's: nothing. `make HOOK=NAME` takes
 * tests/hook/NAME.c in its place.
 */
#include "vmx/vmx.h"

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    (void)state;
}

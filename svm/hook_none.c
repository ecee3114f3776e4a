/* SPDX-License-Identifier: MIT */
/*
 * hook_none: the hook of every build that is not a test's: nothing. `make HOOK=NAME` takes
 * tests/hook/NAME.c in its place.
 */
#include "svm/svm.h"

void svm_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    (void)state;
}

/* SPDX-License-Identifier: MIT */
/* switch: the same before the real vmx/switch.h: a stay ends as the test says. */
#pragma once

#include "kernel/virt.h"

enum vmx_no_exit { VMX_KICKED = 1, VMX_REFUSED };

static inline enum vmx_no_exit vmx_no_exit(uint64_t reason)
{
    return (enum vmx_no_exit)(reason >> 32);
}

uint64_t vmx_switch(struct vcpu *v, struct stay *stay);

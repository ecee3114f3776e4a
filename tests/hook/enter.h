/* SPDX-License-Identifier: MIT */
/*
 * enter: tries one entry into the state that is in the VMCS; for hooks. The VMX-preemption timer
 * has to be on and at 0: an entry that succeeds is over before the guest's first instruction.
 */
#pragma once

#include "kernel/vm/vcpu.h"
#include "lib/x86/insn.h"
#include "vmx/insn.h"
#include "vmx/switch.h"
#include "vmx/vmx.h"

#define KICKS_MAX 8

/* *left: how the processor puts it. */
static inline const char *hook_enter(struct vcpu *v, uint64_t *left)
{
    for (uint32_t i = 0; i < KICKS_MAX; i++) {
        struct stay stay;
        const uint64_t reason = vmx_switch(v, &stay);

        *left = reason;
        if (vmx_no_exit(reason) == VMX_REFUSED)
            return "fails";
        if (vmx_no_exit(reason) != VMX_KICKED)
            return reason & EXIT_REASON_ENTRY_FAILED ? "refuses" : "enters";
        atomic_store(&v->kick, 0);
    }
    return "is kicked";
}

/* A VMCS that has not been launched. */
static inline void hook_renew(const struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;
    const hpa_t region = hpa((uintptr_t)&hw->region);

    vmclear(region);
    vmptrld(region);
}

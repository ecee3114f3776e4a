/* SPDX-License-Identifier: MIT */
/*
 * trap: the monitor trap flag, which several may want at once. SDM "Monitor Trap Flag".
 */
#include "vmx/bits.h"
#include "vmx/vmx.h"

void vmx_trap(struct vcpu *v, enum vmx_work work, bool on)
{
    struct vmx_vcpu *hw = v->hw;
    const uint32_t others = hw->controls_cpu & ~CPU_MONITOR_TRAP;

    v->hw_work = on ? v->hw_work | work : v->hw_work & ~(uint32_t)work;
    vmx_set_cpu_controls(hw, v->hw_work & WORK_TRAPS ? others | CPU_MONITOR_TRAP : others);
}

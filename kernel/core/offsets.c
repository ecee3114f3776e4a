/* SPDX-License-Identifier: MIT */
/*
 * offsets: what assembly needs to know of C structures. Compiled to text, never run: the Makefile
 * turns the marked lines into build/offsets.inc.
 */
#include "kernel/core/cores.h"
#include "kernel/virt.h"

#define EMIT(name, value) __asm__ volatile(".ascii \"@@ " #name " %0\"" : : "i"(value))

void offsets(void);

void offsets(void)
{
    _Static_assert(offsetof(struct vcpu, regs) == 0, "switch.asm is entered with RBX = vcpu");
#define EMIT_GPR(n) EMIT(VCPU_##n, offsetof(struct vcpu, regs.gpr[REG_##n]))
    EMIT_GPR(RAX);
    EMIT_GPR(RCX);
    EMIT_GPR(RDX);
    EMIT_GPR(RBX);
    EMIT_GPR(RBP);
    EMIT_GPR(RSI);
    EMIT_GPR(RDI);
    EMIT_GPR(R8);
    EMIT_GPR(R9);
    EMIT_GPR(R10);
    EMIT_GPR(R11);
    EMIT_GPR(R12);
    EMIT_GPR(R13);
    EMIT_GPR(R14);
    EMIT_GPR(R15);
    _Static_assert(offsetof(struct vcpu, hw_work) == offsetof(struct vcpu, kick) + 4 &&
                       offsetof(struct vcpu, kick) % 8 == 0,
                   "switch.asm reads both at once");
    EMIT(VCPU_KICK, offsetof(struct vcpu, kick));
    EMIT(VCPU_HOST_STACK, offsetof(struct vcpu, hw_stack));
    EMIT(VCPU_HW, offsetof(struct vcpu, hw));
    EMIT(VCPU_HW_EXIT, offsetof(struct vcpu, hw_exit));
    EMIT(VCPU_LEFT_RAX, offsetof(struct vcpu, left[LEFT_RAX]));
    EMIT(VCPU_LEFT_RCX, offsetof(struct vcpu, left[LEFT_RCX]));
    EMIT(VCPU_LEFT_RDX, offsetof(struct vcpu, left[LEFT_RDX]));
    EMIT(VCPU_LEFT_RBX, offsetof(struct vcpu, left[LEFT_RBX]));
    EMIT(CPU_ROOT, offsetof(struct cpu, host.root));
    EMIT(HOST_MAIN_STACK_TOP,
         HOST_PRIVATE + STACK_MAIN * HOST_STACK_STRIDE + (1 + HOST_STACK_PAGES) * PAGE_SIZE);
}

/* SPDX-License-Identifier: MIT */
/*
 * virt: picks the backend, once at boot, and forwards to it by direct calls.
 */
#include "kernel/virt.h"

/* kernel/virt_pick.asm */
extern const bool virt_is_svm;
void virt_pick_svm(void);

void virt_probe(struct virt_report *report)
{
    if (svm_is_here()) {
        virt_pick_svm();
        svm_probe(report);
    } else {
        vmx_probe(report);
    }
}

bool virt_has_large_leaves(void)
{
    return svm_is_here() || vmx_has_large_leaves();
}

#define VIRT_FORWARD(type, name, parameters, arguments)                                        \
    type virt_##name parameters                                                                \
    {                                                                                          \
        return __builtin_expect(virt_is_svm, 1) ? svm_##name arguments : vmx_##name arguments; \
    }
VIRT_CALLS(VIRT_FORWARD)

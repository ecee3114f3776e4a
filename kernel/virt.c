/* SPDX-License-Identifier: MIT */
/*
 * virt: picks the backend, once at boot, and forwards to it by direct calls.
 */
#include "kernel/virt.h"

static SEALED bool virt_is_svm;

void virt_probe(struct virt_report *report)
{
    virt_is_svm = svm_is_here();
    if (virt_is_svm)
        svm_probe(report);
    else
        vmx_probe(report);
}

#define VIRT_FORWARD(type, name, parameters, arguments)                   \
    type virt_##name parameters                                           \
    {                                                                     \
        return virt_is_svm ? svm_##name arguments : vmx_##name arguments; \
    }
VIRT_CALLS(VIRT_FORWARD)

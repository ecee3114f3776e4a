/* SPDX-License-Identifier: MIT */
/*
 * virt: picks the backend. There is one; with svm/ beside it each call becomes
 * `virt_svm ? svm_name arguments : vmx_name arguments`, on a value that is fixed at boot.
 */
#include "kernel/virt.h"

#define VIRT_FORWARD(type, name, parameters, arguments) \
    type virt_##name parameters                         \
    {                                                   \
        return vmx_##name arguments;                    \
    }
VIRT_CALLS(VIRT_FORWARD)

/* SPDX-License-Identifier: MIT */
/* switch: the same before the real svm/switch.h: a stay ends as the test says. */
#pragma once

#include "kernel/virt.h"
#include "svm/svm.h"

#define SVM_NO_EXIT (UINT64_C(1) << 32)

uint64_t svm_switch(struct vcpu *v, struct stay *stay);

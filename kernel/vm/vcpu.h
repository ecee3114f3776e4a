/* SPDX-License-Identifier: MIT */
/*
 * vcpu: what a core with a vCPU does all its life: wait, run, leave the guest, decide, go on. The
 * only place that carries out verdicts.
 */
#pragma once

#include "kernel/virt.h"

/* The life of a core that has a vCPU. On that core, virtualisation on. Does not return. */
NORETURN void vcpu_thread(struct vcpu *v);

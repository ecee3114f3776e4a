/* SPDX-License-Identifier: MIT */
/*
 * vcpu: what a core with a vCPU does all its life: wait, run, leave the guest, decide, go on. The
 * only place that carries out verdicts.
 */
#pragma once

#include "kernel/virt.h"

/* The life of a core that has a vCPU. On that core, virtualisation on. It returns when the console
 * is due, to a core with that duty (soft->console_duty): then deadlines_set_console(), and call it
 * again. */
void vcpu_loop(struct vcpu *v);

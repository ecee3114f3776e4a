/* SPDX-License-Identifier: MIT */
/*
 * vcpu: the main loop of a core with a vCPU: wait, run, leave the guest, decide, repeat. The only
 * place that applies verdicts.
 */
#pragma once

#include "kernel/virt.h"

/* The life of a core that has a vCPU. On that core, virtualisation on. It returns when the console
 * is due, to a core with that duty (soft->console_duty): then deadlines_set_console(), and call it
 * again. */
void vcpu_loop(struct vcpu *v);

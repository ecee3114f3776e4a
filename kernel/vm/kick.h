/* SPDX-License-Identifier: MIT */
/*
 * kick: sends a request to a vCPU, from any core.
 */
#pragma once

#include "kernel/vm/vm.h"

/* Sets request bits (enum kick, or none) and makes the owning core look. Any core. */
void kick_send(struct vcpu *v, uint32_t kicks);

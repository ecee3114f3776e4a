/* SPDX-License-Identifier: MIT */
/*
 * kick: asks a vCPU for something, from any core.
 */
#pragma once

#include "kernel/vm/vm.h"

/* Sets request bits (enum kick, or none) and makes the owning core look. Any core. */
void kick_send(struct vcpu *v, uint32_t kicks);

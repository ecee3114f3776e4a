/* SPDX-License-Identifier: MIT */
/*
 * reset: the states a vCPU can start in. Pure.
 */
#pragma once

#include "kernel/image/image.h"
#include "kernel/virt.h"

/* The boot vCPU, as its image wants to be entered. */
void reset_for_image(struct vcpu_state *state, const struct image *image);

/* After SIPI: real mode at vector * 4096. SDM "Processor State After Reset", table column INIT. */
void reset_for_sipi(struct vcpu_state *state, uint8_t vector);

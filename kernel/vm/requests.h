/* SPDX-License-Identifier: MIT */
/*
 * requests: carries out what other cores ask of a vCPU (kernel/vm/kick.h): it starts, stops, waits,
 * takes an NMI, shows itself.
 */
#pragma once

#include "kernel/virt.h"

/* Takes all requests at once. On v's own core. */
enum verdict requests_take(struct vcpu *v);

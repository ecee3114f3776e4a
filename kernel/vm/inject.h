/* SPDX-License-Identifier: MIT */
/*
 * inject: the events that wait for a guest: a sibling's NMI, the PV timer's interrupt.
 */
#pragma once

#include "kernel/vm/vm.h"

/* What the guest cannot take yet is tried again at the exit for which the backend has asked. On v's
 * own core. */
void inject_pending(struct vcpu *v);

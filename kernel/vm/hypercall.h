/* SPDX-License-Identifier: MIT */
/*
 * hypercall: the calls of docs/guest-abi.md. Arguments and data are in registers only; nothing
 * here ever sees a guest address.
 */
#pragma once

#include "kernel/virt.h"

/* `soft` is v's. On the exit path. */
enum verdict hypercall(struct vcpu *v, struct vcpu_soft *soft);

/* SPDX-License-Identifier: MIT */
/*
 * exit_counts: the exits of a guest's life by kind, as text. Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* "31 exits: 20 hypercall, 6 cpuid, 5 timer"; cut where `size` is too small. */
void exit_counts_report(const struct vm *vm, char *buf, size_t size);

/* SPDX-License-Identifier: MIT */
/*
 * canary: the value that the compiler puts between a function's arrays and its return address
 * (-fstack-protector-strong). One for each core, in struct cpu, where GS finds it.
 */
#pragma once

#include "lib/types.h"

/* A new one, as random as this processor can make it. Any core. */
uint64_t canary_make(void);

/* SPDX-License-Identifier: MIT */
/*
 * assert: our own invariants, always compiled in. Never used on anything a guest, a file or the
 * firmware can influence. Each program (hypervisor, loader, guest kit, host test) defines
 * assert_fail() once; it does not return.
 */
#pragma once

#include "lib/types.h"

/* To prove a function is therefore to prove that its ASSERTs hold. */
/*@ requires \false;
  @ assigns \nothing;
  @ ensures \false;
  @*/
NORETURN COLD void assert_fail(const char *expr, const char *file, int line);

/* The same with words of its own; the hypervisor only. */
NORETURN COLD void panic(const char *fmt, ...) PRINTF_LIKE(1, 2);

#define ASSERT(cond)                                     \
    do {                                                 \
        if (__builtin_expect(!(cond), 0))                \
            assert_fail(#cond, __FILE_NAME__, __LINE__); \
    } while (0)

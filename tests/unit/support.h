/* SPDX-License-Identifier: MIT */
/*
 * support: what every host test includes after the header it tests: cmocka with the headers it
 * wants before it, and a look at the lines that the code under test has logged.
 *
 * A broken ASSERT in the code under test ends in cmocka's mock_assert: expect_assert_failure()
 * catches it, anywhere else it fails the test. Only from the test's own thread.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/types.h"

#define LINES_KEPT 64

/* Forgets every line; call it in a test before what is to be looked at. */
void lines_clear(void);

/* How many lines were logged since then, those no longer kept included. */
size_t lines_count(void);

/* The line `back` lines ago, 0 being the latest; "" where there is none (any more). */
const char *lines_last(size_t back);

/* True when one of the kept lines contains `text`. */
bool lines_contain(const char *text);

/* The next number of a reproducible sequence (splitmix64); `state` starts as any value. */
uint64_t random_next(uint64_t *state);

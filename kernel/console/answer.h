/* SPDX-License-Identifier: MIT */
/*
 * answer: the monitor's answers to the operator. They go where log_line()'s lines go, except into
 * the logs of this boot and the next: those record what happened, not what was inspected.
 */
#pragma once

#include "lib/types.h"

void answer_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* SPDX-License-Identifier: MIT */
/*
 * answer: what the monitor says to the operator. It goes where log_line()'s lines go, except into
 * the logs of this boot and the next: those hold what happened, not what somebody looked at.
 */
#pragma once

#include "lib/types.h"

void answer_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

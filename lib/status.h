/* SPDX-License-Identifier: MIT */
/*
 * status: how an operation that can fail at boot or at a restart says so. A guest's misbehaviour
 * is never a status (it is a verdict), and our own bugs are never a status (they are ASSERTs).
 *
 * A failure is put into words where it is born, with FAIL(), and is only passed on after that.
 */
#pragma once

#include "lib/log.h"
#include "lib/types.h"

enum status {
    OK = 0,
    E_NOMEM,       /* not enough memory, pages or table slots */
    E_INVALID,     /* input that breaks a rule */
    E_RANGE,       /* a number outside its limits */
    E_OVERLAP,     /* two things claim the same bytes */
    E_UNSUPPORTED, /* this machine cannot do it */
};

/* Logs the reason with its place and yields the status: `return FAIL(E_NOMEM, "EPT of '%s'", n);`
 */
#define FAIL(status, ...) (log_fail(__FILE_NAME__, __LINE__, __VA_ARGS__), (status))

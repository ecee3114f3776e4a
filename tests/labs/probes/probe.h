/* SPDX-License-Identifier: MIT */
/*
 * probe: what a program that looks at a student's code says to tests/labs/grading.py: a line for
 * each check. Only the first thing that is wrong with a check is said.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/assert.h"

struct probe_check {
    const char *what;
    unsigned count; /* how many cases were looked at */
    bool is_wrong;
    char found[200], expected[200];
};

/* One case of a check. */
static inline void probe_case(struct probe_check *check, bool good, const char *found,
                              const char *expected)
{
    check->count++;
    if (good || check->is_wrong)
        return;
    check->is_wrong = true;
    snprintf(check->found, sizeof(check->found), "%s", found);
    snprintf(check->expected, sizeof(check->expected), "%s", expected);
}

__attribute__((format(printf, 3, 4))) static inline const char *probe_text(char *buf, size_t size,
                                                                           const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(buf, size, format, args);
    va_end(args);
    return buf;
}

/* A text for as long as the statement lasts that it is in. */
#define TEXT(...) probe_text((char[200]){0}, 200, __VA_ARGS__)

/* A check without a case cannot be passed. */
static inline void probe_end(const struct probe_check *checks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct probe_check *check = &checks[i];
        if (check->is_wrong)
            printf("bad\t%s\t%s\t%s\n", check->what, check->found, check->expected);
        else if (check->count == 0)
            printf("bad\t%s\tnothing there to look at\tsomething\n", check->what);
        else
            printf("ok\t%s\tyes, in %u case%s\t\n", check->what, check->count,
                   check->count == 1 ? "" : "s");
    }
    fflush(stdout);
}

void assert_fail(const char *expr, const char *file, int line)
{
    fprintf(stderr, "ASSERT(%s) failed, %s:%d\n", expr, file, line);
    exit(3);
}

/* SPDX-License-Identifier: MIT */
/*
 * support: the host program's side of lib/: where a logged line goes (kept for the test to look
 * at; shown too with V=1 in the environment) and what a broken ASSERT does (cmocka's mock_assert).
 */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>

#include "lib/assert.h"
#include "lib/lock.h"
#include "lib/log.h"

static struct lock lines_lock = LOCK_INIT; /* tests may have threads */
static char lines[LINES_KEPT][LOG_LINE_MAX + 1];
static size_t lines_written;

void log_emit(const char *line, size_t len)
{
    const char *verbose = getenv("V");
    lock_take(&lines_lock);
    char *kept = lines[lines_written++ % LINES_KEPT];
    memcpy(kept, line, len);
    kept[len] = '\0';
    lock_release(&lines_lock);
    if (verbose != NULL && strcmp(verbose, "1") == 0)
        fprintf(stderr, "%.*s\n", (int)len, line);
}

void lines_clear(void)
{
    lines_written = 0;
    memset(lines, 0, sizeof(lines));
}

size_t lines_count(void)
{
    return lines_written;
}

const char *lines_last(size_t back)
{
    if (back >= lines_written || back >= LINES_KEPT)
        return "";
    return lines[(lines_written - 1 - back) % LINES_KEPT];
}

bool lines_contain(const char *text)
{
    for (size_t i = 0; i < LINES_KEPT; i++) {
        if (strstr(lines_last(i), text) != NULL)
            return true;
    }
    return false;
}

void assert_fail(const char *expr, const char *file, int line)
{
    mock_assert(0, expr, file, line); /* leaves by longjmp, or fails the test */
    abort();
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

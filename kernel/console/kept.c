/* SPDX-License-Identifier: MIT */
#include "kernel/console/kept.h"

#include "lib/lock.h"

static struct {
    struct lock lock;
    struct lastlog log;
} kept;

uint32_t kept_init(void *memory, size_t size)
{
    lastlog_init(&kept.log, memory, size);
    return lastlog_count(&kept.log);
}

void kept_add(uint32_t part, const char *line, size_t len)
{
    lock_take(&kept.lock);
    lastlog_append(&kept.log, part, line, len);
    lock_release(&kept.lock);
}

void kept_add_last(const char *line, size_t len)
{
    lastlog_append(&kept.log, LASTLOG_COMMON, line, len);
}

struct lastlog_lines kept_tail(bool previous, uint32_t count)
{
    lock_take(&kept.lock);
    const struct lastlog_lines lines = lastlog_tail(&kept.log, previous, count);
    lock_release(&kept.lock);
    return lines;
}

bool kept_next(struct lastlog_lines *lines, char *line, size_t size)
{
    lock_take(&kept.lock);
    const bool any = lastlog_next(lines, line, size);
    lock_release(&kept.lock);
    return any;
}

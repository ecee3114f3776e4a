/* SPDX-License-Identifier: MIT */
/*
 * console: text out and lines in, by hypercall.
 */
#include <stdarg.h>

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/string.h"

#define RETRY_NS (200 * NS_PER_US) /* the console is slow; a core that asks less exits less */
#define POLL_NS  (20 * NS_PER_MS)  /* nobody types faster than they notice this */

static struct lock print_lock = LOCK_INIT;

static void console_put(const char *text, size_t len)
{
    while (len > 0) {
        count_call();
        int64_t taken = bulkhead_console_write(text, len);
        if (taken < 0)
            return; /* a console that refuses is no reason to stop */
        if (taken == 0)
            spin_for(RETRY_NS);
        text += taken;
        len -= (size_t)taken;
    }
}

void print(const char *fmt, ...)
{
    char text[PRINT_MAX];
    va_list args;

    va_start(args, fmt);
    size_t len = fmt_vprint(text, sizeof(text), fmt, args);
    va_end(args);

    lock_take(&print_lock);
    console_put(text, len);
    lock_release(&print_lock);
}

void print_now(const char *fmt, va_list args)
{
    char text[PRINT_MAX];

    size_t len = fmt_vprint(text, sizeof(text) - 1, fmt, args);
    text[len] = '\n';
    console_put(text, len + 1);
}

/* One typed byte; what came with it is kept for the next time. */
static char console_byte(void)
{
    static char typed[BULKHEAD_CONSOLE_MAX];
    static size_t next, count;

    while (next == count) {
        count_call();
        int64_t got = bulkhead_console_read(typed, sizeof(typed));
        next = 0;
        count = got > 0 ? (size_t)got : 0;
        if (count == 0)
            sleep_for(POLL_NS);
    }
    return typed[next++];
}

size_t console_line(char *buf, size_t size)
{
    size_t len = 0;

    for (;;) {
        char c = console_byte();
        if (c == '\r' || c == '\n') {
            print("\n");
            buf[len] = '\0';
            return len;
        }
        if (c == '\b' || c == 0x7f) {
            if (len > 0) {
                len--;
                print("\b \b");
            }
        } else if ((uint8_t)c >= ' ' && len + 1 < size) {
            buf[len++] = c;
            print("%c", c);
        }
    }
}

/* SPDX-License-Identifier: MIT */
#include "kernel/console/terminal.h"

#include "lib/bits.h"
#include "lib/string.h"

#define DRAIN_LOADS 16 /* FIFOs full that one terminal_drain() hands over */

uint32_t terminal_room(const struct terminal *t)
{
    return TERMINAL_STAGE - (t->head - t->tail);
}

void terminal_put(struct terminal *t, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    t->count += len;
    if (t->screen_on)
        screen_put(&t->screen, b, len);
    if (!t->serial_on)
        return;
    for (size_t i = 0; i < len; i++) {
        if (b[i] == '\n')
            t->stage[t->head++ % TERMINAL_STAGE] = '\r';
        t->stage[t->head++ % TERMINAL_STAGE] = b[i];
    }
}

void terminal_begin_raw(struct terminal *t, const char *line, size_t len)
{
    if (!t->screen_on)
        return;
    screen_begin_vt(&t->screen);
    screen_put_vt(&t->screen, (const uint8_t *)line, len);
    screen_put_vt(&t->screen, (const uint8_t *)"\r\n", 2);
}

void terminal_end_raw(struct terminal *t)
{
    screen_end_vt(&t->screen);
}

void terminal_put_raw(struct terminal *t, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    t->count += len;
    screen_put_vt(&t->screen, b, len);
    for (size_t i = 0; t->serial_on && i < len; i++)
        t->stage[t->head++ % TERMINAL_STAGE] = b[i];
}

void terminal_drain(struct terminal *t)
{
    for (uint32_t i = 0; i < DRAIN_LOADS && t->tail != t->head; i++) {
        const uint32_t at = t->tail % TERMINAL_STAGE;
        const uint32_t run = (uint32_t)min_u64(t->head - t->tail, TERMINAL_STAGE - at);
        const size_t taken = uart_put(&t->uart, t->stage + at, run);

        if (taken == 0)
            return;
        t->tail += (uint32_t)taken;
    }
}

void terminal_drop_serial(struct terminal *t)
{
    t->serial_on = false;
    t->tail = t->head;
}

bool terminal_get(struct terminal *t, uint64_t now, uint8_t *byte)
{
    return uart_get(&t->uart, byte) || keyboard_get(&t->keyboard, now, byte);
}

bool terminal_is_idle(const struct terminal *t)
{
    return !t->serial_on || (t->head == t->tail && uart_is_idle(&t->uart));
}

void terminal_emergency(struct terminal *t, const char *text, size_t len)
{
    uart_put_all(&t->uart, text, len);
    uart_put_all(&t->uart, "\r\n", 2);
    if (t->screen_on) {
        screen_put(&t->screen, (const uint8_t *)text, len);
        screen_put(&t->screen, (const uint8_t *)"\n", 1);
        (void)screen_draw(&t->screen, SCREEN_ALL);
    }
}

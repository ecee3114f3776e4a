/* SPDX-License-Identifier: MIT */
#include "kernel/console/console.h"

#include <stdatomic.h>

#include "kernel/console/bootlog.h"
#include "kernel/console/input.h"
#include "kernel/console/kept.h"
#include "kernel/console/merge.h"
#include "kernel/console/news.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/time.h"
#include "lib/uart16550.h"
#include "lib/x86/insn.h"

/* How long console_pump_on() has the lock: 100 us; before launch nobody else wants it. */
#define PUMPS_PER_PARTIAL 500
#define LONE_PUMP_TICKS   1000000

/* How long console_flush() waits while nothing moves, in units of partial_ticks. */
#define PARTIALS_PER_SECOND 20
#define FLUSH_PARTIALS      (3 * PARTIALS_PER_SECOND)
#define FLUSH_LIMITS        10 /* and in all, as a guest may go on: in those waits */
#define FLUSH_TICKS         UINT64_C(10000000000) /* while the TSC's rate is not known */

/* One pump takes at most so many bytes of what was typed: a serial port that is not there, or not
 * well, may have them without end. */
#define INPUT_MAX 32

/* One pump takes at most so many steps: a guest that sends what is not shown, such as empty lines,
 * can do so faster than anybody has to look at it. */
#define STEPS_MAX 16

/* After a view of one guest's bytes what is typed is dropped until nothing has come for 1/2 s: a
 * terminal's answers to the guest. */
#define HUSH_PER_SECOND 2

/* One look at the clock for so many characters drawn. */
#define DRAW_CELLS 2

/* `lock` guards all but the log ring, which has a lock of its own, the inner one. Nobody holds it
 * longer than a pump takes. */
static struct console {
    struct lock lock;
    struct merge merge;
    struct input input;
    uint32_t tail; /* the terminal's at the last look for what is typed */
    bool pumping;
    uint64_t partial_ticks; /* an unfinished line this old is shown; 0: never */
} console;

/* ------------------------------------------------------------------ our own lines */

void console_show(const char *line, size_t len)
{
    line_ring_put(&console.merge.log, 0, 0, line, len);
    if (!console.pumping)
        console_flush();
}

void log_emit(const char *line, size_t len)
{
    kept_add(LASTLOG_COMMON, line, len);
    bootlog_keep(line, len);
    console_show(line, len);
}

void console_note(struct console_stream *stream, enum note_kind kind, const char *text, size_t len)
{
    kept_add(kind == NOTE_CRASH ? lastlog_crash(stream->index) : LASTLOG_COMMON, text, len);
    line_ring_put(&stream->notes, tx_place(&stream->tx), rdtsc(), text, len);
}

/* ------------------------------------------------------------------ both ways */

static struct terminal *console_terminal(void)
{
    return &console.merge.lines.terminal;
}

/* What is typed is looked at as it comes, whether or not somebody reads: it may be the key. True:
 * something came. */
static bool console_input(uint64_t now)
{
    const struct terminal *t = console_terminal();
    uint8_t byte;
    uint32_t count = 0;

    while (count < INPUT_MAX && terminal_get(console_terminal(), now, &byte)) {
        input_byte(&console.input, byte, now);
        count++;
    }
    input_end_hush(&console.input,
                   t->tail != console.tail && raw_is_undone_later(&console.merge.raw, t),
                   console.merge.lines.tsc_hz / HUSH_PER_SECOND, now);
    console.tail = t->tail;
    input_deliver(&console.input);
    return count > 0 || console.input.hushed;
}

/* The keyboard and the terminal are given and taken back together. */
static void console_couple(void)
{
    if (!console.merge.raw.guest)
        input_detach(&console.input);
    else if (!console.input.attached)
        merge_detach(&console.merge, RAW_ENDS);
}

/* Until `end`, a TSC. A whole screen takes milliseconds. */
static bool console_draw(uint64_t end)
{
    while (screen_draw(&console_terminal()->screen, DRAW_CELLS)) {
        if (rdtsc() >= end)
            return true;
    }
    return false;
}

/* With the lock. Text first, but not so long that nothing is ever drawn. */
static bool console_move(uint64_t now, uint64_t start, uint64_t ticks)
{
    const uint64_t partial = console_is_monitor() ? 0 : console.partial_ticks;
    struct merge *m = &console.merge;
    bool more = true;

    terminal_drain(&m->lines.terminal);
    for (uint32_t i = 0; i < STEPS_MAX && more; i++) {
        more = merge_step(m, OUTPUT_OWN, now, partial);
        if (ticks_since(rdtsc(), start) >= ticks / 2)
            break;
    }
    if (!m->raw.guest)
        output_prompt(&m->lines, console_is_monitor() && !console.input.hushed,
                      more || !line_ring_is_empty(&m->log), now);
    terminal_drain(&m->lines.terminal);
    return console_draw(start + ticks) || more || merge_is_waiting(m);
}

bool console_pump(uint64_t now, uint64_t ticks)
{
    const uint64_t start = rdtsc();
    enum input_news news = INPUT_NO_NEWS;
    uint32_t who = 0, dropped = 0;

    if (!lock_try(&console.lock))
        return true;
    const bool typed = console_input(now);
    console_couple();
    const bool waiting = console_move(now, start, ticks);
    if (console.pumping)
        news = input_take_news(&console.input, &who, &dropped);
    lock_release(&console.lock);
    news_tell(news, who, merge_name(&console.merge, who), dropped); /* it logs */
    return waiting || typed;
}

bool console_is_clear(void)
{
    return line_ring_is_empty(&console.merge.log);
}

/* For those who have nothing else to do. Others may want the lock, so not for long at a time. */
static bool console_pump_on(void)
{
    const uint64_t ticks =
        console.pumping ? console.partial_ticks / PUMPS_PER_PARTIAL : LONE_PUMP_TICKS;

    return console_pump(rdtsc(), ticks);
}

void console_flush(void)
{
    struct terminal *t = console_terminal();
    const uint64_t limit =
        console.partial_ticks ? console.partial_ticks * FLUSH_PARTIALS : FLUSH_TICKS;
    const uint64_t begin = rdtsc();
    uint64_t since = begin, moved = t->count + t->tail;

    lock_take(&console.lock);
    merge_detach(&console.merge, RAW_ENDS_LAST);
    lock_release(&console.lock);
    while (console_pump_on() || !terminal_is_idle(t)) {
        const uint64_t now = rdtsc();
        if (t->count + t->tail != moved) {
            moved = t->count + t->tail;
            since = now;
        }
        if (ticks_since(now, since) >= limit || ticks_since(now, begin) >= FLUSH_LIMITS * limit) {
            if (t->tail != t->head) /* it is stuck: not once more for each line */
                terminal_drop_serial(t);
            return;
        }
        cpu_pause();
    }
}

/* ------------------------------------------------------------------ lives */

void console_begin_life(struct console_stream *stream)
{
    lock_take(&console.lock);
    stream->lines = 0;
    stream->bytes = 0;
    /* Relaxed: a count, and no vCPU runs. */
    atomic_store_explicit(&stream->tx.refused, 0, memory_order_relaxed);
    input_begin_life(&console.input, stream->index);
    lock_release(&console.lock);
}

void console_end_life(const struct console_stream *stream)
{
    lock_take(&console.lock);
    input_end_life(&console.input, stream->index);
    lock_release(&console.lock);
}

/* ------------------------------------------------------------------ panic */

void console_emergency_begin(void)
{
    merge_emergency(&console.merge, OUTPUT_OWN);
}

void console_emergency(const char *text, size_t len)
{
    char line[LOG_LINE_MAX + 16];

    kept_add_last(text, len);
    const size_t n = fmt_print(line, sizeof(line), "%s%.*s", OUTPUT_OWN, (int)len, text);
    terminal_emergency(console_terminal(), line, n);
}

/* ------------------------------------------------------------------ set-up */

void console_init(const struct boot_framebuffer *framebuffer)
{
    struct terminal *t = console_terminal();

    merge_init(&console.merge);
    input_init(&console.input);
    t->serial_on = uart_init(&t->uart, UART_COM1, 0);
    t->screen_on = screen_init(&t->screen, framebuffer);
    (void)!keyboard_init(&t->keyboard); /* or nothing is typed on it */
}

void console_use_serial(uint16_t port, uint32_t baud)
{
    struct terminal *t = console_terminal();

    console_flush();
    t->serial_on = uart_init(&t->uart, port, baud) || uart_init(&t->uart, UART_COM1, 0);
}

bool console_has_serial(void)
{
    return console_terminal()->serial_on;
}

bool console_take_key(void)
{
    uint8_t byte;

    lock_take(&console.lock);
    const bool any = rx_get(&console.input.waiting, &byte) || /* while something was shown */
                     terminal_get(console_terminal(), rdtsc(), &byte);
    lock_release(&console.lock);
    return any;
}

void console_wait_for_key(uint32_t seconds)
{
    const uint64_t ticks = seconds * console.merge.lines.tsc_hz;
    const uint64_t start = rdtsc();

    while (ticks_since(rdtsc(), start) < ticks && !console_take_key())
        cpu_pause();
}

void console_clear(void)
{
    console_flush();
    screen_clear(&console_terminal()->screen);
}

void console_size(uint32_t *columns, uint32_t *rows)
{
    const struct terminal *t = console_terminal();

    *columns = t->screen_on ? t->screen.text.columns : TERMINAL_COLUMNS;
    *rows = t->screen_on ? t->screen.text.rows : TERMINAL_ROWS;
}

void console_select(bool serial, bool screen)
{
    struct terminal *t = console_terminal();

    console_flush();
    t->serial_on = serial && t->uart.port != 0;
    t->screen_on = screen && t->screen.pixels != NULL;
}

void console_add_stream(struct console_stream *stream)
{
    tx_init(&stream->tx);
    rx_init(&stream->rx);
    stream->index = merge_add(&console.merge, stream);
    (void)input_add(&console.input, &stream->rx);
}

void console_start_pumping(void)
{
    console.pumping = true;
}

void console_set_tick_rate(uint64_t tsc_hz)
{
    console.merge.lines.tsc_hz = tsc_hz;
    console.partial_ticks = tsc_hz / PARTIALS_PER_SECOND;
    keyboard_set_tick_rate(&console_terminal()->keyboard, tsc_hz);
}

/* ------------------------------------------------------------------ for the monitor */

bool console_is_monitor(void)
{
    return atomic_load(&console.input.focus) == INPUT_MONITOR;
}

void console_focus(const struct console_stream *stream)
{
    lock_take(&console.lock);
    input_focus(&console.input, stream->index);
    lock_release(&console.lock);
}

void console_attach(const struct console_stream *stream)
{
    lock_take(&console.lock);
    merge_attach(&console.merge, stream->index);
    input_attach(&console.input, stream->index);
    lock_release(&console.lock);
}

void console_detach(const struct console_stream *stream)
{
    const struct raw *raw = &console.merge.raw;

    lock_take(&console.lock);
    if (raw->guest && raw->guest->stream == stream)
        merge_detach(&console.merge, RAW_ENDS_LAST);
    lock_release(&console.lock);
}

const struct console_stream *console_last_focus(void)
{
    lock_take(&console.lock);
    const uint32_t last = console.input.focus_before;
    lock_release(&console.lock);
    return console.merge.sources[last].stream;
}

const char *console_focus_name(void)
{
    const uint32_t focus = atomic_load(&console.input.focus);

    return focus == INPUT_MONITOR ? "monitor" : merge_name(&console.merge, focus);
}

void console_set_status(const char *line)
{
    struct terminal *t = console_terminal();

    if (!t->screen_on)
        return;
    lock_take(&console.lock);
    screen_set_status(&t->screen, line);
    lock_release(&console.lock);
}

bool console_read(uint8_t *byte)
{
    return rx_get(&console.input.monitor, byte);
}

void console_set_prompt(const char *text, uint32_t len, uint32_t cursor)
{
    lock_take(&console.lock);
    prompt_set(&console.merge.lines.prompt, text, len, cursor);
    lock_release(&console.lock);
}

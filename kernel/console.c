/* SPDX-License-Identifier: MIT */
#include "kernel/console.h"

#include <stdatomic.h>

#include "kernel/config.h"
#include "kernel/lastlog.h"
#include "kernel/lines.h"
#include "kernel/logring.h"
#include "kernel/source.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define COM1 0x3f8

/* How long console_flush() may take, in units of partial_ticks. */
#define PARTIALS_PER_SECOND 20
#define FLUSH_PARTIALS      (3 * PARTIALS_PER_SECOND)
#define FLUSH_TICKS         UINT64_C(10000000000) /* while the TSC's rate is not known */

/* So many of our own lines in a row, then each guest has its turn. Guests come second because a
 * line of ours often says what the guest's next one is about. */
#define LOG_RUN 16

/* One pump takes at most so many records and lines, so that a flood cannot hold it. */
#define ROUNDS_MAX 64

/* One pump draws at most so many slices of so many characters: some 100 us each. */
#define DRAW_SLICES 8
#define DRAW_CELLS  64

#define FOCUS_MONITOR UINT32_MAX

static const char own_prefix[] = LINES_OWN;

/* `lock` guards all but the log ring, which has a lock of its own, the inner one. */
static struct console {
    struct lock lock;
    struct lines lines;
    bool pumping;
    uint64_t partial_ticks; /* an unfinished line this old is shown; 0: never */
    uint32_t source_count, next_source;
    struct source sources[GUESTS_MAX];
    _Atomic uint32_t focus;    /* index of a source, or FOCUS_MONITOR */
    uint32_t focus_before;     /* the guest that had it last */
    struct rx_ring typed;      /* what nobody has got yet */
    struct rx_ring to_monitor; /* core 0 reads it */
    uint32_t log_run;          /* our lines in a row; then turns of sources are added */
    struct logring log;
    struct lock lastlog_lock;
    struct lastlog lastlog;
} console;

/* ------------------------------------------------------------------ our own lines */

static void console_keep_line(const char *text, size_t len)
{
    lock_take(&console.lastlog_lock);
    lastlog_append(&console.lastlog, text, len);
    lock_release(&console.lastlog_lock);
}

void console_show(const char *line, size_t len)
{
    logring_put(&console.log, own_prefix, line, len);
    if (!console.pumping)
        console_flush();
}

void log_emit(const char *line, size_t len)
{
    console_keep_line(line, len);
    console_show(line, len);
}

void console_note(struct console_stream *stream, const char *text, size_t len)
{
    console_keep_line(text, len);
    notes_put(&stream->notes, tx_place(&stream->tx), rdtsc(), text, len);
}

/* ------------------------------------------------------------------ input */

static void focus_on(uint32_t focus)
{
    if (focus != FOCUS_MONITOR)
        console.focus_before = focus;
    atomic_store(&console.focus, focus);
}

static void input_byte(uint8_t byte)
{
    const uint32_t focus = atomic_load(&console.focus);

    if (byte == CONSOLE_KEY) {
        focus_on(focus == FOCUS_MONITOR ? console.focus_before : FOCUS_MONITOR);
        return;
    }
    /* There was room: console_input() looked. */
    (void)!rx_put(focus == FOCUS_MONITOR ? &console.to_monitor : &console.sources[focus].stream->rx,
                  byte);
}

/* What is typed waits in our own ring first: the UART's FIFO is short, and at boot there is no
 * guest yet to give it to. When a guest does not read and both rings are full, bytes are lost; the
 * key for the monitor is seen all the same. */
static void console_input(void)
{
    uint8_t byte;

    while (terminal_get(&console.lines.terminal, &byte)) {
        if (!rx_put(&console.typed, byte) && byte == CONSOLE_KEY && console.source_count > 0)
            focus_on(FOCUS_MONITOR);
    }
    while (console.source_count > 0) {
        const uint32_t focus = atomic_load(&console.focus);
        const struct rx_ring *to =
            focus == FOCUS_MONITOR ? &console.to_monitor : &console.sources[focus].stream->rx;
        if (!rx_has_room(to) || !rx_get(&console.typed, &byte))
            return;
        input_byte(byte);
    }
}

/* ------------------------------------------------------------------ both ways */

/* Worst case of one round: a guest's record of newlines, each ending a line with its prefix; or a
 * line of ours. A '\n' counts twice. */
#define ROUND_ROOM (TX_RECORD_MAX * (GUEST_NAME_MAX + 6) + SOURCE_LINE_MAX + LINES_ROOM)
_Static_assert(ROUND_ROOM < TERMINAL_STAGE, "a round must fit the stage");
_Static_assert(LINES_NAME_MAX == GUEST_NAME_MAX, "a prefix holds a guest's name");

static bool console_own_line(uint64_t now)
{
    uint8_t line[LOGRING_LINE];

    const uint32_t len = logring_take(&console.log, own_prefix, line);
    if (len > 0)
        lines_put(&console.lines, NULL, line, len, false, now);
    return len > 0;
}

static bool console_round(uint64_t now)
{
    const uint64_t partial = console_is_monitor() ? 0 : console.partial_ticks;
    bool any = false;

    if (terminal_room(&console.lines.terminal) < ROUND_ROOM)
        return false;
    if (console.log_run < LOG_RUN) {
        if (console_own_line(now)) {
            console.log_run++;
            return true;
        }
        console.log_run = 0;
    }
    for (uint32_t i = 0; i < console.source_count && !any; i++) {
        struct source *s = &console.sources[console.next_source];
        any = source_pump(s, &console.lines, now, partial);
        if (!source_has_note(s))
            console.next_source = (console.next_source + 1) % console.source_count;
        if (terminal_room(&console.lines.terminal) < ROUND_ROOM)
            break;
    }
    if (console.log_run < LOG_RUN)
        return any;
    if (!any || ++console.log_run >= LOG_RUN + console.source_count)
        console.log_run = 0;
    return true;
}

/* Draws what changed, a slice at a time: meanwhile input must not overrun the UART's FIFO. */
static bool console_draw(void)
{
    for (uint32_t i = 0; i < DRAW_SLICES; i++) {
        if (!screen_draw(&console.lines.terminal.screen, DRAW_CELLS))
            return false;
        console_input();
        terminal_drain(&console.lines.terminal);
    }
    return true;
}

static bool console_waiting(void)
{
    if (console.lines.terminal.head != console.lines.terminal.tail ||
        !logring_is_empty(&console.log))
        return true;
    for (uint32_t i = 0; i < console.source_count; i++) {
        if (console.sources[i].len > 0)
            return true;
    }
    return false;
}

bool console_pump(uint64_t now)
{
    if (!lock_try(&console.lock))
        return true;
    bool more = true;
    for (uint32_t i = 0; i < ROUNDS_MAX && more; i++) {
        console_input(); /* each time: a UART's FIFO is full after 1.4 ms */
        terminal_drain(&console.lines.terminal);
        more = console_round(now);
    }
    terminal_drain(&console.lines.terminal);
    lines_prompt(&console.lines, console_is_monitor(), more || !logring_is_empty(&console.log),
                 now);
    const bool undrawn = console_draw();
    const bool waiting = console_waiting() || undrawn || more;
    lock_release(&console.lock);
    return waiting;
}

void console_flush(void)
{
    struct terminal *t = &console.lines.terminal;
    const uint64_t limit =
        console.partial_ticks ? console.partial_ticks * FLUSH_PARTIALS : FLUSH_TICKS;
    const uint64_t start = rdtsc();
    const uint32_t tail = t->tail;

    while (console_pump(rdtsc()) || !terminal_is_idle(t)) {
        if (rdtsc() - start < limit) {
            cpu_pause();
            continue;
        }
        if (t->tail == tail && t->tail != t->head) /* it is stuck: not once more for each line */
            terminal_drop_serial(t);
        return;
    }
}

/* What had been said before but had not gone out. Without locks: their owner may be the one that
 * failed, and every other core is stopped. */
void console_emergency_begin(void)
{
    struct terminal *t = &console.lines.terminal;
    uint8_t byte;

    while (t->tail != t->head) {
        byte = t->stage[t->tail++ % TERMINAL_STAGE];
        uart_put_all(&t->uart, (const char *)&byte, 1);
    }
    if (console.lines.open || console.lines.prompt.is_shown)
        terminal_emergency(t, "", 0);
    console.lines.open = NULL;
    console.lines.prompt.is_shown = false;
    while (logring_next_byte(&console.log, &byte)) {
        if (byte == '\n')
            uart_put_all(&t->uart, "\r", 1);
        uart_put_all(&t->uart, (const char *)&byte, 1);
    }
    for (uint32_t i = 0; i < console.source_count; i++) {
        uint8_t line[NOTES_LINE];
        uint32_t len;
        while ((len = notes_take(&console.sources[i].stream->notes, own_prefix, line)) > 0)
            terminal_emergency(t, (const char *)line, len);
    }
}

void console_emergency(const char *text, size_t len)
{
    char line[LOG_LINE_MAX + 16];

    lastlog_append(&console.lastlog, text, len);
    const size_t n = fmt_print(line, sizeof(line), "%s%.*s", own_prefix, (int)len, text);
    terminal_emergency(&console.lines.terminal, line, n);
}

/* ------------------------------------------------------------------ set-up */

void console_init(const struct boot_framebuffer *framebuffer)
{
    rx_init(&console.typed);
    rx_init(&console.to_monitor);
    console.lines.terminal.serial_on = uart_init(&console.lines.terminal.uart, COM1, 0);
    console.lines.terminal.screen_on = screen_init(&console.lines.terminal.screen, framebuffer);
    (void)!keyboard_init(&console.lines.terminal.keyboard); /* or nothing is typed on it */
}

uint32_t console_keep_log(void *memory, size_t size)
{
    lastlog_init(&console.lastlog, memory, size);
    return lastlog_count(&console.lastlog);
}

void console_use_serial(uint16_t port, uint32_t baud)
{
    console_flush();
    console.lines.terminal.serial_on = uart_init(&console.lines.terminal.uart, port, baud) ||
                                       uart_init(&console.lines.terminal.uart, COM1, 0);
}

bool console_has_serial(void)
{
    return console.lines.terminal.serial_on;
}

bool console_take_key(void)
{
    uint8_t byte;

    lock_take(&console.lock);
    const bool any = terminal_get(&console.lines.terminal, &byte);
    lock_release(&console.lock);
    return any;
}

void console_select(bool serial, bool screen)
{
    console_flush();
    console.lines.terminal.serial_on = serial && console.lines.terminal.uart.port != 0;
    console.lines.terminal.screen_on = screen && console.lines.terminal.screen.pixels != NULL;
}

void console_add_stream(struct console_stream *stream)
{
    tx_init(&stream->tx);
    rx_init(&stream->rx);
    source_init(&console.sources[console.source_count++], stream);
}

void console_start_pumping(void)
{
    console.pumping = true;
}

void console_set_tick_rate(uint64_t tsc_hz)
{
    console.lines.tsc_hz = tsc_hz;
    console.partial_ticks = tsc_hz / PARTIALS_PER_SECOND;
}

/* ------------------------------------------------------------------ for the monitor */

struct lastlog_lines console_log_tail(bool previous, uint32_t count)
{
    lock_take(&console.lastlog_lock);
    const struct lastlog_lines lines = lastlog_tail(&console.lastlog, previous, count);
    lock_release(&console.lastlog_lock);
    return lines;
}

bool console_log_next(struct lastlog_lines *lines, char *line, size_t size)
{
    lock_take(&console.lastlog_lock);
    const bool any = lastlog_next(lines, line, size);
    lock_release(&console.lastlog_lock);
    return any;
}

bool console_is_monitor(void)
{
    return atomic_load(&console.focus) == FOCUS_MONITOR;
}

void console_focus(const struct console_stream *stream)
{
    lock_take(&console.lock);
    uint32_t focus = FOCUS_MONITOR;
    for (uint32_t i = 0; i < console.source_count; i++) {
        if (console.sources[i].stream == stream)
            focus = i;
    }
    focus_on(focus);
    lock_release(&console.lock);
}

const char *console_focus_name(void)
{
    const uint32_t focus = atomic_load(&console.focus);

    return focus == FOCUS_MONITOR ? "monitor" : console.sources[focus].stream->name;
}

void console_set_status(const char *line)
{
    struct terminal *t = &console.lines.terminal;

    if (!t->screen_on)
        return;
    lock_take(&console.lock);
    screen_set_status(&t->screen, line);
    lock_release(&console.lock);
}

bool console_read(uint8_t *byte)
{
    return rx_get(&console.to_monitor, byte);
}

void console_set_prompt(const char *text, uint32_t len, uint32_t cursor)
{
    lock_take(&console.lock);
    prompt_set(&console.lines.prompt, text, len, cursor);
    lock_release(&console.lock);
}

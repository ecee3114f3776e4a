/* SPDX-License-Identifier: MIT */
#include "kernel/console.h"

#include <stdatomic.h>

#include "kernel/config.h"
#include "kernel/terminal.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define COM1      0x3f8
#define LOG_BYTES (32 * 1024) /* the hypervisor's own lines, waiting; a power of two */
#define LINE_MAX  200         /* bytes of guest text in one line; longer lines are split */

/* How long console_flush() and console_settle() may take, in units of partial_ticks. */
#define PARTIALS_PER_SECOND 50
#define FLUSH_PARTIALS      (3 * PARTIALS_PER_SECOND)
#define SETTLE_PARTIALS     (1 * PARTIALS_PER_SECOND)

/* One pump takes at most so many records and lines, so that a flood cannot hold it. */
#define ROUNDS_MAX 64

/* One pump draws at most so many slices of so many characters: some 100 us each. */
#define DRAW_SLICES 8
#define DRAW_CELLS  64

#define FOCUS_MONITOR UINT32_MAX

static const char own_prefix[] = "[bulkhead] ";

/* What of a guest's text has no newline yet. */
struct source {
    struct console_stream *stream;
    uint32_t len;
    uint64_t since; /* TSC when the first unshown byte came */
    uint8_t line[LINE_MAX];
};

/* What stands on the last line while the monitor has the focus. */
struct prompt {
    bool shown;
    bool stale;           /* what is shown is not the text any more */
    uint32_t len, cursor; /* of text */
    uint32_t shown_len;
    char text[PROMPT_MAX];
};

/*
 * `lock` guards all but the log ring, which has `log_lock`, the inner one.
 * `open` is the source whose unfinished line stands on the terminal now.
 */
static struct console {
    struct lock lock;
    struct terminal terminal;
    bool pumping;
    uint64_t partial_ticks; /* an unfinished line this old is shown; 0: never */
    uint32_t source_count, next_source;
    struct source sources[GUESTS_MAX];
    const struct source *open;
    _Atomic uint32_t focus; /* index of a source, or FOCUS_MONITOR */
    uint32_t focus_before;  /* the guest that had it last */
    struct prompt prompt;
    struct rx_ring typed;      /* what nobody has got yet */
    struct rx_ring to_monitor; /* core 0 reads it */
    struct lock log_lock;
    uint32_t log_head, log_tail;
    uint32_t log_lost; /* lines */
    uint8_t log[LOG_BYTES];
} console;

/* ------------------------------------------------------------------ lines onto the terminal */

static void put(const void *bytes, size_t len)
{
    terminal_put(&console.terminal, bytes, len);
}

static void put_repeated(const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put(text, 1);
}

/* Hiding one prompt and showing another. */
#define PROMPT_ROOM (4 * PROMPT_MAX)

static void prompt_hide(void)
{
    struct prompt *p = &console.prompt;

    if (!p->shown)
        return;
    put("\r", 1);
    put_repeated(" ", p->shown_len);
    put("\r", 1);
    p->shown = false;
}

static void prompt_show(void)
{
    struct prompt *p = &console.prompt;

    if (terminal_room(&console.terminal) < PROMPT_ROOM)
        return;
    if (p->stale || !console_is_monitor())
        prompt_hide();
    if (p->shown || !console_is_monitor())
        return;
    if (console.open)
        put("\n", 1);
    console.open = NULL;
    put(p->text, p->len);
    put_repeated("\b", p->len - p->cursor);
    p->shown_len = p->len;
    p->shown = true;
    p->stale = false;
}

/* A line, or with `more` the beginning of one, of `source` (NULL: ours, prefix included). */
static void put_line(const struct source *source, const uint8_t *text, uint32_t len, bool more)
{
    prompt_hide();
    if (console.open && console.open != source)
        put("\n", 1);
    if (source && console.open != source) {
        char prefix[GUEST_NAME_MAX + 4];
        put(prefix, fmt_print(prefix, sizeof(prefix), "[%s] ", source->stream->name));
    }
    put(text, len);
    if (!more)
        put("\n", 1);
    console.open = more ? source : NULL;
}

/* ------------------------------------------------------------------ our own lines */

/* One line out of the log ring into `line`; 0: there is none. */
static uint32_t log_take(uint8_t line[LOG_LINE_MAX + 16])
{
    uint32_t len = 0;

    lock_take(&console.log_lock);
    while (console.log_tail != console.log_head) {
        const uint8_t byte = console.log[console.log_tail++ % LOG_BYTES];
        if (byte == '\n')
            break;
        line[len++] = byte;
    }
    if (len == 0 && console.log_lost > 0) {
        len = (uint32_t)fmt_print((char *)line, LOG_LINE_MAX, "%s%u lines were lost here",
                                  own_prefix, console.log_lost);
        console.log_lost = 0;
    }
    lock_release(&console.log_lock);
    return len;
}

static void log_append(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        console.log[console.log_head++ % LOG_BYTES] = (uint8_t)text[i];
}

/* So full that who can wait should. A glance: without the lock. */
static bool log_is_crowded(void)
{
    return console.log_head - console.log_tail > LOG_BYTES / 2;
}

void log_emit(const char *text, size_t len)
{
    const uint32_t need = (uint32_t)(sizeof(own_prefix) - 1 + len + 1);

    lock_take(&console.log_lock);
    if (LOG_BYTES - (console.log_head - console.log_tail) >= need) {
        log_append(own_prefix, sizeof(own_prefix) - 1);
        log_append(text, len);
        log_append("\n", 1);
    } else {
        console.log_lost++;
    }
    lock_release(&console.log_lock);
    if (!console.pumping)
        console_flush();
}

/* ------------------------------------------------------------------ the guests' lines */

/* What a guest may put on the terminal: printable ASCII and tab. No byte above: among them are
 * control characters, alone (0x9b) and as UTF-8 (c2 9b). */
static uint8_t source_filter(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f) ? byte : '.';
}

static void source_byte(struct source *s, uint8_t byte, uint64_t now)
{
    if (byte == '\n' || s->len == LINE_MAX) {
        put_line(s, s->line, s->len, false);
        s->stream->lines++;
        s->len = 0;
    }
    if (byte == '\n' || byte == '\r' || byte == 0)
        return;
    if (byte == '\b' && s->len > 0 && console.open != s) {
        s->len--;
        return;
    }
    if (s->len == 0)
        s->since = now;
    s->line[s->len++] = source_filter(byte);
}

/* One record of one guest; false: it has none. */
static bool source_pump(struct source *s, uint64_t now)
{
    uint8_t record[TX_RECORD_MAX];
    const size_t len = tx_get(&s->stream->tx, record);

    s->stream->bytes += len;
    for (size_t i = 0; i < len; i++)
        source_byte(s, record[i], now);
    if (len == 0 && s->len > 0 && console.partial_ticks && !console_is_monitor() &&
        now - s->since > console.partial_ticks) {
        put_line(s, s->line, s->len, true);
        s->len = 0;
    }
    return len > 0;
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

    while (uart_get(&console.terminal.uart, &byte)) {
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
#define ROUND_ROOM (TX_RECORD_MAX * (GUEST_NAME_MAX + 6) + LINE_MAX + PROMPT_ROOM)
_Static_assert(ROUND_ROOM < TERMINAL_STAGE, "a round must fit the stage");

static bool console_round(uint64_t now)
{
    uint8_t line[LOG_LINE_MAX + 16];
    bool any = false;

    if (terminal_room(&console.terminal) < ROUND_ROOM)
        return false;
    const uint32_t len = log_take(line);
    if (len > 0) {
        put_line(NULL, line, len, false);
        return true;
    }
    for (uint32_t i = 0; i < console.source_count && !any; i++) {
        any = source_pump(&console.sources[console.next_source], now);
        console.next_source = (console.next_source + 1) % console.source_count;
        if (terminal_room(&console.terminal) < ROUND_ROOM)
            return any;
    }
    return any;
}

/* Draws what changed, a slice at a time: meanwhile input must not overrun the UART's FIFO. */
static bool console_draw(void)
{
    for (uint32_t i = 0; i < DRAW_SLICES; i++) {
        if (!screen_draw(&console.terminal.screen, DRAW_CELLS))
            return false;
        console_input();
        terminal_drain(&console.terminal);
    }
    return true;
}

static bool console_waiting(void)
{
    if (console.terminal.head != console.terminal.tail || console.log_head != console.log_tail)
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
        terminal_drain(&console.terminal);
        more = console_round(now);
    }
    terminal_drain(&console.terminal);
    prompt_show();
    const bool undrawn = console_draw();
    const bool waiting = console_waiting() || undrawn || more;
    lock_release(&console.lock);
    return waiting;
}

void console_flush(void)
{
    const uint64_t start = rdtsc();
    const uint64_t limit =
        console.partial_ticks ? console.partial_ticks * FLUSH_PARTIALS : UINT64_MAX;

    while ((console_pump(rdtsc()) || !terminal_is_idle(&console.terminal)) &&
           rdtsc() - start < limit)
        cpu_pause();
}

void console_settle(const struct console_stream *stream)
{
    const uint64_t start = rdtsc();

    while ((!tx_is_empty(&stream->tx) || log_is_crowded()) &&
           rdtsc() - start < console.partial_ticks * SETTLE_PARTIALS)
        (void)console_pump(rdtsc());
}

/* What had been said before but had not gone out. Without locks: their owner may be the one that
 * failed, and every other core is stopped. */
void console_emergency_begin(void)
{
    struct terminal *t = &console.terminal;
    uint8_t byte;

    while (t->tail != t->head) {
        byte = t->stage[t->tail++ % TERMINAL_STAGE];
        uart_put_all(&t->uart, (const char *)&byte, 1);
    }
    if (console.open || console.prompt.shown)
        terminal_emergency(t, "", 0);
    console.open = NULL;
    console.prompt.shown = false;
    while (console.log_tail != console.log_head) {
        byte = console.log[console.log_tail++ % LOG_BYTES];
        if (byte == '\n')
            uart_put_all(&t->uart, "\r", 1);
        uart_put_all(&t->uart, (const char *)&byte, 1);
    }
}

void console_emergency(const char *text, size_t len)
{
    char line[LOG_LINE_MAX + 16];

    const size_t n = fmt_print(line, sizeof(line), "%s%.*s", own_prefix, (int)len, text);
    terminal_emergency(&console.terminal, line, n);
}

/* ------------------------------------------------------------------ set-up */

void console_init(const struct boot_framebuffer *framebuffer)
{
    rx_init(&console.typed);
    rx_init(&console.to_monitor);
    console.terminal.serial_on = uart_init(&console.terminal.uart, COM1, 0);
    console.terminal.screen_on = screen_init(&console.terminal.screen, framebuffer);
}

void console_use_serial(uint16_t port, uint32_t baud)
{
    console_flush();
    console.terminal.serial_on =
        uart_init(&console.terminal.uart, port, baud) || uart_init(&console.terminal.uart, COM1, 0);
}

bool console_has_serial(void)
{
    return console.terminal.serial_on;
}

void console_select(bool serial, bool screen)
{
    console_flush();
    console.terminal.serial_on = serial && console.terminal.uart.port != 0;
    console.terminal.screen_on = screen && console.terminal.screen.pixels != NULL;
}

void console_add_stream(struct console_stream *stream)
{
    tx_init(&stream->tx);
    rx_init(&stream->rx);
    console.sources[console.source_count++].stream = stream;
}

void console_start_pumping(void)
{
    console.pumping = true;
}

void console_set_tick_rate(uint64_t tsc_hz)
{
    console.partial_ticks = tsc_hz / PARTIALS_PER_SECOND;
}

/* ------------------------------------------------------------------ for the monitor */

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

bool console_read(uint8_t *byte)
{
    return rx_get(&console.to_monitor, byte);
}

void console_set_prompt(const char *text, uint32_t len, uint32_t cursor)
{
    struct prompt *p = &console.prompt;

    lock_take(&console.lock);
    p->stale = true;
    p->len = len < PROMPT_MAX ? len : PROMPT_MAX;
    p->cursor = cursor < p->len ? cursor : p->len;
    memcpy(p->text, text, p->len);
    lock_release(&console.lock);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/console.h"

#include <stdatomic.h>

#include "drivers/screen.h"
#include "kernel/config.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define COM1       0x3f8
#define LOG_BYTES  (32 * 1024) /* the hypervisor's own lines, waiting; a power of two */
#define STAGE_SIZE 1024        /* bytes on their way to the serial port; a power of two */
#define LINE_MAX   200         /* bytes of guest text in one line; longer lines are split */

/* How long console_flush() and console_settle() may take, in units of partial_ticks. */
#define PARTIALS_PER_SECOND 50
#define FLUSH_PARTIALS      (3 * PARTIALS_PER_SECOND)
#define SETTLE_PARTIALS     (1 * PARTIALS_PER_SECOND)

/* One pump draws at most so many slices of so many characters: some 100 us each. */
#define DRAW_SLICES 8
#define DRAW_CELLS  64

/* What of a guest's text has no newline yet. */
struct source {
    struct console_stream *stream;
    uint32_t len;
    uint64_t since; /* TSC when the first unshown byte came */
    uint8_t line[LINE_MAX];
};

/*
 * `lock` guards all but the log ring, which has `log_lock`, the inner one.
 * `open` is the source whose unfinished line stands on the device now.
 */
static struct console {
    struct lock lock;
    struct uart uart;
    struct screen screen;
    bool serial_on, screen_on;
    bool pumping;
    uint64_t partial_ticks; /* an unfinished line this old is shown; 0: never */
    uint32_t source_count, next_source, focus;
    struct source sources[GUESTS_MAX];
    const struct source *open;
    struct rx_ring typed;
    uint32_t stage_head, stage_tail;
    uint8_t stage[STAGE_SIZE];
    struct lock log_lock;
    uint32_t log_head, log_tail;
    uint32_t log_lost; /* lines */
    uint8_t log[LOG_BYTES];
} console;

/* ------------------------------------------------------------------ towards the devices */

static uint32_t stage_room(void)
{
    return STAGE_SIZE - (console.stage_head - console.stage_tail);
}

static void stage_put(const uint8_t *bytes, uint32_t len)
{
    if (console.screen_on)
        screen_put(&console.screen, bytes, len);
    if (!console.serial_on)
        return;
    for (uint32_t i = 0; i < len; i++) {
        if (bytes[i] == '\n')
            console.stage[console.stage_head++ % STAGE_SIZE] = '\r';
        console.stage[console.stage_head++ % STAGE_SIZE] = bytes[i];
    }
}

/* To the serial port, as much as it takes without waiting. */
static void stage_drain(void)
{
    while (console.stage_tail != console.stage_head) {
        const uint32_t at = console.stage_tail % STAGE_SIZE;
        const uint32_t waiting = console.stage_head - console.stage_tail;
        const uint32_t run = waiting < STAGE_SIZE - at ? waiting : STAGE_SIZE - at;
        const size_t taken = uart_put(&console.uart, console.stage + at, run);

        if (taken == 0)
            return;
        console.stage_tail += (uint32_t)taken;
    }
}

/* A line, or with `more` the beginning of one, of `source` (NULL: ours, prefix included). */
static void stage_line(const struct source *source, const uint8_t *text, uint32_t len, bool more)
{
    if (console.open && console.open != source)
        stage_put((const uint8_t *)"\n", 1);
    if (source && console.open != source) {
        char prefix[GUEST_NAME_MAX + 4];
        stage_put((const uint8_t *)prefix,
                  (uint32_t)fmt_print(prefix, sizeof(prefix), "[%s] ", source->stream->name));
    }
    stage_put(text, len);
    if (!more)
        stage_put((const uint8_t *)"\n", 1);
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
    lock_release(&console.log_lock);
    return len;
}

static void log_append(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        console.log[console.log_head++ % LOG_BYTES] = (uint8_t)text[i];
}

void log_emit(const char *text, size_t len)
{
    static const char prefix[] = "[bulkhead] ";
    const uint32_t need = (uint32_t)(sizeof(prefix) - 1 + len + 1);

    lock_take(&console.log_lock);
    if (LOG_BYTES - (console.log_head - console.log_tail) >= need) {
        log_append(prefix, sizeof(prefix) - 1);
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

/* What a guest may put on the device: printable ASCII, tab, and bytes of UTF-8. */
static uint8_t source_filter(uint8_t byte)
{
    if (byte == '\t' || (byte >= 0x20 && byte != 0x7f))
        return byte;
    return '.';
}

static void source_byte(struct source *s, uint8_t byte, uint64_t now)
{
    if (byte == '\n') {
        stage_line(s, s->line, s->len, false);
        s->len = 0;
        return;
    }
    if (byte == '\r' || byte == 0)
        return;
    if (byte == '\b' && s->len > 0 && console.open != s) {
        s->len--;
        return;
    }
    if (s->len == LINE_MAX) {
        stage_line(s, s->line, s->len, false);
        s->len = 0;
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

    for (size_t i = 0; i < len; i++)
        source_byte(s, record[i], now);
    if (len == 0 && s->len > 0 && console.partial_ticks && now - s->since > console.partial_ticks) {
        stage_line(s, s->line, s->len, true);
        s->len = 0;
    }
    return len > 0;
}

/* ------------------------------------------------------------------ both ways */

/* What is typed waits in our own ring first: the UART's FIFO is short, and at boot there is no
 * guest yet to give it to. When a guest does not read and both rings are full, bytes are lost. */
static void console_input(void)
{
    uint8_t byte;

    while (uart_get(&console.uart, &byte) && rx_put(&console.typed, byte))
        ;
    if (console.source_count == 0)
        return;
    struct rx_ring *rx = &console.sources[console.focus].stream->rx;
    while (rx_has_room(rx) && rx_get(&console.typed, &byte))
        (void)!rx_put(rx, byte);
}

/* Worst case of one round: a line of ours or a guest's record that completes two lines, each with
 * its prefix, and every newline doubled. */
#define ROUND_ROOM (2 * (LOG_LINE_MAX + 32))

static bool console_round(uint64_t now)
{
    uint8_t line[LOG_LINE_MAX + 16];
    bool any = false;

    if (stage_room() < ROUND_ROOM)
        return false;
    const uint32_t len = log_take(line);
    if (len > 0) {
        stage_line(NULL, line, len, false);
        return true;
    }
    for (uint32_t i = 0; i < console.source_count && !any; i++) {
        any = source_pump(&console.sources[console.next_source], now);
        console.next_source = (console.next_source + 1) % console.source_count;
        if (stage_room() < ROUND_ROOM)
            return any;
    }
    return any;
}

/* Draws what changed, a slice at a time: meanwhile input must not overrun the UART's FIFO. */
static bool console_draw(void)
{
    for (uint32_t i = 0; i < DRAW_SLICES; i++) {
        if (!screen_draw(&console.screen, DRAW_CELLS))
            return false;
        console_input();
        stage_drain();
    }
    return true;
}

static bool console_waiting(void)
{
    if (console.stage_head != console.stage_tail || console.log_head != console.log_tail)
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
    console_input();
    do
        stage_drain();
    while (console_round(now));
    const bool undrawn = console_draw();
    const bool waiting = console_waiting() || undrawn;
    lock_release(&console.lock);
    return waiting;
}

void console_flush(void)
{
    const uint64_t start = rdtsc();
    const uint64_t limit =
        console.partial_ticks ? console.partial_ticks * FLUSH_PARTIALS : UINT64_MAX;

    while ((console_pump(rdtsc()) || !uart_is_idle(&console.uart)) && rdtsc() - start < limit)
        cpu_pause();
}

void console_settle(const struct console_stream *stream)
{
    const uint64_t start = rdtsc();

    while (!tx_is_empty(&stream->tx) && rdtsc() - start < console.partial_ticks * SETTLE_PARTIALS)
        (void)console_pump(rdtsc());
}

/* Returns whether the byte ends a line. */
static bool console_emergency_byte(uint8_t byte)
{
    if (byte == '\n')
        uart_put_all(&console.uart, "\r\n", 2);
    else if (byte != '\r')
        uart_put_all(&console.uart, (const char *)&byte, 1);
    return byte == '\n';
}

/* What was on its way when the panic came: it may tell why. Who holds the locks may be stopped for
 * ever, so there are none here; the worst is a byte that comes twice. */
static void console_emergency_rest(void)
{
    bool complete = !console.open;

    for (uint32_t i = 0; i < STAGE_SIZE && console.stage_tail != console.stage_head; i++)
        complete = console_emergency_byte(console.stage[console.stage_tail++ % STAGE_SIZE]);
    if (!complete)
        complete = console_emergency_byte('\n');
    for (uint32_t i = 0; i < LOG_BYTES && console.log_tail != console.log_head; i++) {
        const uint8_t byte = console.log[console.log_tail++ % LOG_BYTES];
        if (console.screen_on)
            screen_put(&console.screen, &byte, 1);
        complete = console_emergency_byte(byte);
    }
    if (!complete)
        (void)console_emergency_byte('\n');
    console.open = NULL;
}

void console_emergency(const char *text, size_t len)
{
    static const char prefix[] = "[bulkhead] ";

    console_emergency_rest();
    uart_put_all(&console.uart, prefix, sizeof(prefix) - 1);
    uart_put_all(&console.uart, text, len);
    uart_put_all(&console.uart, "\r\n", 2);
    if (console.screen_on) {
        screen_put(&console.screen, (const uint8_t *)prefix, sizeof(prefix) - 1);
        screen_put(&console.screen, (const uint8_t *)text, len);
        screen_put(&console.screen, (const uint8_t *)"\n", 1);
        (void)screen_draw(&console.screen, SCREEN_ALL);
    }
}

/* ------------------------------------------------------------------ set-up */

void console_init(const struct boot_framebuffer *framebuffer)
{
    rx_init(&console.typed);
    console.serial_on = uart_init(&console.uart, COM1, 0);
    console.screen_on = screen_init(&console.screen, framebuffer);
}

void console_use_serial(uint16_t port, uint32_t baud)
{
    console_flush();
    console.serial_on = uart_init(&console.uart, port, baud);
    if (!console.serial_on)
        console.uart.port = 0;
}

void console_select(bool serial, bool screen)
{
    console_flush();
    console.serial_on = serial && console.uart.port != 0;
    console.screen_on = screen && console.screen.pixels != NULL;
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

/* SPDX-License-Identifier: MIT */
/*
 * noise: a guest with bad manners on the console: a flood, bytes that steer a terminal, and lines
 * that look like somebody else's.
 * Options: how=flood (default) with bytes=N (100000): numbered lines as fast as the console takes
 * them; lossy: without waiting for it. how=forge: prefixes of others, hidden behind all that could
 * move a cursor, and rows of others, in lines that are too long. how=torn: the first half of a
 * line, the second a second later, again and again. how=slow: lines=N (5) lines of 200 characters
 * by the UART, a byte each half millisecond.
 * how=newlines, how=lines or how=clears, with ms=N (for ever): nothing but ends of lines, or short
 * lines, or what clears a terminal's screen, as fast as the console takes them. how=talk with
 * lines=N (600), ms=N (25): a short line each so many milliseconds, without waiting for the
 * console: at the end it says how many were not taken. how=lives: says how much it can read
 * already, begins a line and an escape sequence, and asks for a restart when something is typed.
 * how=raw: does what is typed: 'a' all bytes, 'h' what would stay with a terminal, 'n' how many
 * other bytes were typed, 's' a screen and on it a panic that is none, 'w' a wait of two seconds,
 * 'r' a restart, 'p' the end.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define TORN_LINES 5

#define SLOW_COLUMNS 200
#define SLOW_NS      (NS_PER_MS / 2)
#define UART         0x3f8
#define UART_LSR     (UART + 5)
#define LSR_EMPTY    0x20 /* the transmitter takes a byte */

/* What it could not get rid of, in bytes. */
static uint64_t lost;

/* Not print(): bytes as they are, zeros too. */
static void noise_put(const char *bytes, uint64_t len, bool wait)
{
    while (len > 0) {
        const int64_t taken = bulkhead_console_write(bytes, len);
        if (taken <= 0 && !wait) {
            lost += len;
            return;
        }
        if (taken <= 0)
            cpu_pause();
        else
            bytes += taken, len -= (uint64_t)taken;
    }
}

static void noise_flood(void)
{
    const uint64_t bytes = option_number("bytes", 100000);
    const bool wait = !option_set("lossy");
    char line[64];

    for (uint64_t sent = 0, n = 0; sent < bytes; n++) {
        const size_t len =
            fmt_print(line, sizeof(line), "flood %llu of a guest\n", (unsigned long long)n);
        noise_put(line, len, wait);
        sent += len;
    }
    print("\nflooded, %lu bytes were not taken\n", lost);
}

/* Where a terminal wraps by itself, the next row is whose? */
static void noise_rows(void)
{
    static const char blank = ' ', mark[] = "[bulkhead] forged in a row ";

    for (uint32_t blanks = 60; blanks <= 80; blanks++) {
        for (uint32_t i = 0; i < blanks; i++)
            noise_put(&blank, 1, true);
        noise_put(mark, sizeof(mark) - 1, true);
        noise_put("\n", 1, true);
    }
    for (uint32_t i = 0; i < 50; i++)
        noise_put(mark, sizeof(mark) - 1, true);
    noise_put("\n", 1, true);
}

static void noise_forge(void)
{
    static const char *const ways[] = {
        "\r[bulkhead] forged 1",
        "\n\r[canary] forged 2",
        "x\b\b\b\b\b\b\b\b\b\b\b\b\b[bulkhead] forged 3",
        "\x1b[2K\x1b[1G[bulkhead] forged 4",
        "\x1b[A\x1b[2K[bulkhead] forged 5",
        "\x9b\x32K\x9b\x31G[bulkhead] forged 6",
        "\xc2\x9b\x31G[bulkhead] forged 7",
        "\x1b]0;title\x07[bulkhead] forged 8",
        "\f\v[bulkhead] forged 9",
        "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f[bulkhead] forged 10",
        "bulkhead> poweroff",
        "\x85[bulkhead] forged 11",
        "\x0e\x0f[bulkhead] forged 12",
        "\xe2\x80\xae"
        "31 degrof ]daehklub[",
        "\xe2\x80\xa8[bulkhead] forged 14",
        "\x1b(B\x1bP1$r0m\x1b\\\x1b_a\x1b\\[bulkhead] forged 15",
        "caf\xc3\xa9 \xe2\x82\xac",
    };
    static const char zeros[] = "ze\0ro\0s\0\0\0\0\n";

    for (uint32_t i = 0; i < ARRAY_SIZE(ways); i++) {
        noise_put(ways[i], strlen(ways[i]), true);
        noise_put("\n", 1, true);
    }
    noise_put(zeros, sizeof(zeros) - 1, true);
    for (uint32_t byte = 0; byte < 256; byte++) {
        const char c = (char)byte;
        if (c != '\n')
            noise_put(&c, 1, true);
    }
    noise_put("\n", 1, true);
    noise_rows();
    print("forged\n");
}

static void noise_torn(void)
{
    for (uint32_t i = 0; i < TORN_LINES; i++) {
        noise_put("first half,", 11, true);
        sleep_for(NS_PER_SECOND / 4);
        noise_put(" second half\n", 13, true);
    }
}

/* Without end, or for so long: the same record again and again. */
static void noise_repeat(const char *what)
{
    const uint64_t ticks = ns_to_tsc(option_number("ms", 0) * NS_PER_MS);
    const uint64_t start = tsc_now();
    char record[BULKHEAD_CONSOLE_MAX];

    for (uint32_t i = 0; i < sizeof(record); i++)
        record[i] = what[i % strlen(what)];
    while (ticks == 0 || tsc_now() - start < ticks)
        noise_put(record, sizeof(record), true);
}

static void noise_talk(void)
{
    const uint64_t lines = option_number("lines", 600);
    const uint64_t step = option_number("ms", 25) * NS_PER_MS;
    const uint64_t start = time_ns();
    uint64_t refused = 0;
    char line[16];

    for (uint64_t n = 0; n < lines; n++) {
        const size_t len = fmt_print(line, sizeof(line), "said %04llu\n", (unsigned long long)n);
        sleep_until(start + n * step);
        refused += bulkhead_console_write(line, len) < (int64_t)len;
    }
    print("talked, %lu of %lu lines were not taken\n", refused, lines);
}

static void noise_lives(void)
{
    static const char half[] = "half a line\x1b[";
    char bytes[BULKHEAD_CONSOLE_MAX];

    print("a life begins, %ld bytes are typed already\n",
          bulkhead_console_read(bytes, sizeof(bytes)));
    noise_put(half, sizeof(half) - 1, true);
    while (bulkhead_console_read(bytes, 1) == 0)
        sleep_for(NS_PER_MS);
    sleep_for(NS_PER_SECOND); /* more is typed meanwhile, and not read */
    bulkhead_restart();
}

/* Strings and modes without an end, questions, and keys of another kind. */
static const char hostile[] =
    "\x1b[?1049h\x1b[2;5r\x1b[?25l\x1b[?7l\x1b[?1000;1003h\x1b[?2004h\x1b[>4;2m\x1b[=1u\x1b(0\x0e"
    "\x1b[31;7m\x1b[?69h\x1b[4h\x1b[?5h\x1b[3g\x1b=\x05\x1b[c\x1b[6n\x1b]10;?\x07\x1b[5i\x1b[4i"
    "\x1b[!p\x1b[2J\x1b[H[bulkhead] forged\x1bP1$r\x14poweroff\r";

static const char picture[] = "\x1b[2J\x1b[H\x1b[31;42mred\x1b[0m on "
                              "\x1b(0lqqk\x1b(B\x1b[5;10Hplaced\x1b[5;10H\x1b[2@\x1b[?25l"
                              "\r\n[bulkhead] PANIC: forged\r\n";

static void noise_raw(void)
{
    uint64_t others = 0;
    char typed;

    print("raw is ready\n");
    for (;;) {
        if (bulkhead_console_read(&typed, 1) <= 0) {
            sleep_for(NS_PER_MS);
            continue;
        }
        switch (typed) {
        case 'a':
            for (uint32_t byte = 0; byte < 256; byte++) {
                const char c = (char)byte;
                noise_put(&c, 1, true);
            }
            print("all\n");
            break;
        case 'h':
            noise_put(hostile, sizeof(hostile) - 1, true);
            break;
        case 's':
            noise_put(picture, sizeof(picture) - 1, true);
            break;
        case 'w':
            sleep_for(2 * NS_PER_SECOND);
            print("waited\n");
            break;
        case 'n':
            print("%lu others\n", others);
            break;
        case 'r':
            bulkhead_restart();
            break;
        case 'p':
            print("\x1b[1mlast words\n");
            return;
        default:
            others++;
        }
    }
}

static void uart_put(char byte)
{
    while ((in8(UART_LSR) & LSR_EMPTY) == 0)
        cpu_pause();
    out8(UART, (uint8_t)byte);
}

static void noise_slow(void)
{
    const uint64_t lines = option_number("lines", 5);

    for (uint64_t n = 1; n <= lines; n++) {
        char line[SLOW_COLUMNS + 1];
        size_t len = fmt_print(line, sizeof(line), "line %llu ", (unsigned long long)n);
        while (len < SLOW_COLUMNS)
            line[len] = (char)('a' + len % 26), len++;
        line[len++] = '\n';
        for (size_t i = 0; i < len; i++) {
            uart_put(line[i]);
            spin_for(SLOW_NS);
        }
    }
}

int main(void)
{
    if (option_is("how", "forge"))
        noise_forge();
    else if (option_is("how", "torn"))
        noise_torn();
    else if (option_is("how", "newlines"))
        noise_repeat("\n");
    else if (option_is("how", "lines"))
        noise_repeat("x\n");
    else if (option_is("how", "clears"))
        noise_repeat("\x1b[J");
    else if (option_is("how", "talk"))
        noise_talk();
    else if (option_is("how", "lives"))
        noise_lives();
    else if (option_is("how", "raw"))
        noise_raw();
    else if (option_is("how", "slow"))
        noise_slow();
    else
        noise_flood();
    return 0;
}

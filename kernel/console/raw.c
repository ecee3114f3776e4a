/* SPDX-License-Identifier: MIT */
#include "kernel/console/raw.h"

#include "kernel/console/keys.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define ESC "\x1b"
#define CSI ESC "["
#define ST  ESC "\\"

/*
 * ECMA-48; DEC private modes as in DEC STD 070 and xterm's "Control Sequences". A terminal leaves
 * out what it does not know. First what swallows sequences, then modes, last the place. Not 132
 * columns, whose end clears the screen.
 */
/* clang-format off */
const char raw_order[] =
    "\x18" ST ESC "<"                   /* a sequence or string without an end; VT52 */
    ESC "%G" ESC " F"                   /* UTF-8; reports in 7 bits */
    CSI "4i" CSI "?4i"                  /* what goes to a printer */
    CSI "?1049l"                        /* the alternate screen */
    CSI "!p"                            /* DECSTR: much of the following, on some terminals */
    CSI "0$}" CSI "?69l" CSI "r"        /* a status line; margins left and right, top and bottom */
    CSI "0m"                            /* colours and the like */
    ESC "(B" ESC ")B" ESC "*B" ESC "+B\x0f" /* character sets */
    CSI "2;4;20l" CSI "12h"             /* a locked keyboard, insert, new line; local echo */
    CSI "?1;5;6;45l" CSI "?7;8;25h"     /* cursor keys, reverse, origin; wrap, repeat, cursor */
    CSI "?9;1000;1001;1002;1003;1004;1005;1006;1007;1015;1016l" /* mouse and focus */
    CSI "?2004;2026;2031;2048;9001l"    /* paste, held-back output, reports, win32's keys */
    ESC ">" CSI ">4m" CSI ">4f" CSI "=0u"   /* keypad, modifyOtherKeys, kitty's keys */
    CSI "?5W" CSI "0 q"                 /* tabs, the cursor's shape */
    ESC "P0;1|" ST                      /* DECUDK: texts on function keys */
    ESC "]104" ST ESC "]110" ST ESC "]111" ST ESC "]112" ST /* the palette */
    CSI "999;1H\r\n";                   /* below all that stands there */
/* clang-format on */

_Static_assert(sizeof(raw_order) <= RAW_ORDER_MAX, "raw_end() needs so much room");

void raw_begin(struct raw *r, struct output *lines, uint64_t now)
{
    char line[LINE_RING_LINE];

    guest_lines_cut(r->guest, lines, now);
    const size_t len = fmt_print(line, sizeof(line),
                                 OUTPUT_OWN "raw view of guest '%s': %s returns to the monitor",
                                 r->guest->stream->name, KEYS_NAME);
    output_put(lines, NULL, (const uint8_t *)line, (uint32_t)len, false, now);
    terminal_begin_raw(&lines->terminal, line, len);
    r->is_on = true;
}

void raw_end(struct raw *r, struct output *lines, uint64_t now)
{
    char line[LINE_RING_LINE];

    if (r->is_on) {
        terminal_end_raw(&lines->terminal);
        terminal_put_raw(&lines->terminal, raw_order, strlen(raw_order));
        r->in_order = lines->terminal.head;
        const size_t len =
            fmt_print(line, sizeof(line), OUTPUT_OWN "end of the raw view of guest '%s'",
                      r->guest->stream->name);
        output_put(lines, NULL, (const uint8_t *)line, (uint32_t)len, false, now);
    }
    r->is_on = false;
    r->guest = NULL;
}

bool raw_is_undone_later(const struct raw *r, const struct terminal *t)
{
    return r->guest || (int32_t)(r->in_order - t->tail) > 0;
}

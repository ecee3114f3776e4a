/* SPDX-License-Identifier: MIT */
/*
 * line: a line of text while it is edited. Pure: keys come as UEFI has them.
 */
#pragma once

#include "kernel/config/config.h"

struct line {
    char text[CMDLINE_MAX]; /* printable ASCII, NUL-terminated */
    uint32_t len;
    uint32_t at; /* the cursor, 0..len */
};

enum line_end { LINE_GOES_ON, LINE_ACCEPTED, LINE_DROPPED };

/* UEFI "EFI_SIMPLE_TEXT_INPUT_PROTOCOL.ReadKeyStroke()": scan codes. */
enum line_scan {
    SCAN_CODE_UP = 1,
    SCAN_CODE_DOWN = 2,
    SCAN_CODE_RIGHT = 3,
    SCAN_CODE_LEFT = 4,
    SCAN_CODE_HOME = 5,
    SCAN_CODE_END = 6,
    SCAN_CODE_DELETE = 8,
    SCAN_CODE_PAGE_UP = 9,
    SCAN_CODE_PAGE_DOWN = 10,
    SCAN_CODE_ESC = 0x17,
};

/* A terminal may send either for Enter. */
static inline bool line_is_enter(uint16_t c)
{
    return c == '\r' || c == '\n';
}

void line_begin(struct line *line, const char *text);

/* Without blanks at its ends. */
void line_trim(struct line *line);

/* A key: `scan` where `c` is 0. What cannot be typed into a command line is ignored. */
enum line_end line_key(struct line *line, uint16_t scan, uint16_t c);

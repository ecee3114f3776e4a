/* SPDX-License-Identifier: MIT */
/*
 * screen: a text console on the linear framebuffer that the firmware set up (GOP). Keeps the text
 * in memory, so that scrolling never reads the framebuffer, which is slow on real machines. Caller:
 * the holder of the console lock.
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/text.h"
#include "drivers/vt.h"
#include "lib/types.h"

#define SCREEN_COLUMNS_MIN 40 /* a smaller one is not used */

/* About 72 KiB: static in the caller. */
struct screen {
    volatile uint32_t *pixels;     /* NULL: no screen, and then nothing here does anything */
    uint32_t width, height, pitch; /* pixels */
    bool red_first;                /* RGBX, else BGRX */
    uint8_t scale;                 /* each font pixel is scale x scale screen pixels */
    struct text text;              /* what should be there */
    bool shows_vt;                 /* ... or, above the last line, this */
    struct vt vt;
};

/*
 * Clears the screen. False where the framebuffer is missing, makes no sense or is too small for
 * SCREEN_COLUMNS_MIN x 8 characters. The framebuffer must be mapped 1:1 and stay so, best
 * write-combining.
 */
MUST_CHECK bool screen_init(struct screen *screen, const struct boot_framebuffer *framebuffer);

/* Adds text (see text_put()) to what should be shown. */
void screen_put(struct screen *screen, const uint8_t *bytes, size_t len);

/* Nothing is shown, and the next line goes to the top. */
void screen_clear(struct screen *screen);

/* From now on a small terminal is shown in the text's place, empty at first; and no more. */
void screen_begin_vt(struct screen *screen);
void screen_end_vt(struct screen *screen);

/* To the small terminal, while it is shown. */
void screen_put_vt(struct screen *screen, const uint8_t *bytes, size_t len);

/* Shows a line at the bottom that stays there; see text_set_status(). */
void screen_set_status(struct screen *screen, const char *line);

/* Draws at most `cells` of the characters that changed, a row that did not change counting as one;
 * true: there may be more. A whole screen takes milliseconds, which a caller with other duties
 * wants in slices. */
bool screen_draw(struct screen *screen, uint32_t cells);

#define SCREEN_ALL UINT32_MAX

/* SPDX-License-Identifier: MIT */
/*
 * screen: draws a text grid on the framebuffer. Only ever writes pixels, never reads one back, and
 * never draws outside the grid, which fits the framebuffer.
 */
#include "drivers/screen.h"

#include "drivers/font.h"
#include "drivers/vt_colour.h"
#include "lib/bits.h"

#define SCREEN_ROWS_MIN   8
#define SCREEN_PIXELS_MAX 16384 /* along each side; larger is not a screen */

/* From here on a font pixel is two by two. */
#define SCREEN_LARGE_WIDTH  2560
#define SCREEN_LARGE_HEIGHT 1440

/* 0x00RRGGBB, which is BGRX in memory. */
#define COLOUR_BACKGROUND UINT32_C(0x101418)
#define COLOUR_TEXT       UINT32_C(0xc8ccd0)
#define COLOUR_ACCENT     UINT32_C(0x6cb6e0)

static uint32_t screen_colour(const struct screen *screen, uint32_t rgb)
{
    if (screen->red_first)
        return (rgb & 0xff) << 16 | (rgb & 0xff00) | (rgb >> 16 & 0xff);
    return rgb;
}

static bool screen_is_sound(const struct boot_framebuffer *fb)
{
    return fb->base != 0 && is_aligned(fb->base, sizeof(uint32_t)) &&
           (fb->format == BOOT_PIXEL_RGBX || fb->format == BOOT_PIXEL_BGRX) &&
           fb->width <= SCREEN_PIXELS_MAX && fb->height <= SCREEN_PIXELS_MAX &&
           fb->width <= fb->pitch && range_ok(fb->base, fb->size) &&
           (uint64_t)fb->pitch * fb->height <= fb->size / sizeof(uint32_t);
}

/* Also larger where the grid would not hold all the columns or rows. */
static uint8_t screen_scale(uint32_t width, uint32_t height)
{
    uint8_t scale = width >= SCREEN_LARGE_WIDTH || height >= SCREEN_LARGE_HEIGHT ? 2 : 1;

    while (width / (FONT_WIDTH * scale) > TEXT_COLUMNS_MAX ||
           height / (FONT_HEIGHT * scale) > TEXT_ROWS_MAX)
        scale++;
    return scale;
}

static void screen_fill(struct screen *screen)
{
    uint32_t background = screen_colour(screen, COLOUR_BACKGROUND);

    for (uint32_t y = 0; y < screen->height; y++) {
        for (uint32_t x = 0; x < screen->width; x++)
            screen->pixels[(uint64_t)y * screen->pitch + x] = background;
    }
}

bool screen_init(struct screen *screen, const struct boot_framebuffer *framebuffer)
{
    uint32_t columns, rows;

    screen->pixels = NULL;
    if (!screen_is_sound(framebuffer))
        return false;
    screen->width = framebuffer->width;
    screen->height = framebuffer->height;
    screen->pitch = framebuffer->pitch;
    screen->red_first = framebuffer->format == BOOT_PIXEL_RGBX;
    screen->scale = screen_scale(screen->width, screen->height);
    columns = screen->width / (FONT_WIDTH * screen->scale);
    rows = screen->height / (FONT_HEIGHT * screen->scale);
    if (columns < SCREEN_COLUMNS_MIN || rows < SCREEN_ROWS_MIN)
        return false;

    screen->pixels = (volatile uint32_t *)framebuffer->base;
    text_init(&screen->text, columns, rows);
    screen_fill(screen);
    return true;
}

/* Two pixels, one store; not always on a boundary of 8 bytes. */
typedef ALIGNED(4) uint64_t screen_pair;

/* One row of a character's pixels, `bits` as in font[], at `to`; `pairs` has what two bits mean. */
static void screen_draw_row(volatile uint32_t *to, uint8_t bits, const uint64_t pairs[4])
{
    volatile screen_pair *pair = (volatile screen_pair *)to;

    pair[0] = pairs[bits >> 6];
    pair[1] = pairs[bits >> 4 & 3];
    pair[2] = pairs[bits >> 2 & 3];
    pair[3] = pairs[bits & 3];
}

/* The same, each pixel `scale` times as wide. */
static void screen_draw_wide_row(volatile uint32_t *to, uint8_t bits, uint32_t scale, uint32_t on,
                                 uint32_t off)
{
    for (uint32_t x = 0; x < FONT_WIDTH; x++, bits = (uint8_t)(bits << 1)) {
        const uint32_t colour = (bits & 0x80) != 0 ? on : off;

        for (uint32_t i = 0; i < scale; i++)
            *to++ = colour;
    }
}

/* How a character looks. */
struct screen_glyph {
    uint32_t character;  /* 0: blank */
    uint32_t fore, back; /* 0x00RRGGBB */
};

static void screen_draw_glyph(struct screen *screen, uint32_t column, uint32_t row,
                              const struct screen_glyph *glyph)
{
    const uint32_t character = glyph->character;
    const uint32_t on = screen_colour(screen, glyph->fore);
    const uint32_t off = screen_colour(screen, glyph->back);
    const uint64_t right = (uint64_t)on << 32, none = (uint64_t)off << 32;
    const uint64_t pairs[4] = {none | off, right | off, none | on, right | on};
    const uint32_t scale = screen->scale;
    const uint8_t *rows = font[character == 0 ? 0 : character - FONT_FIRST];
    const uint64_t first = (uint64_t)row * FONT_HEIGHT * scale * screen->pitch;
    volatile uint32_t *to = screen->pixels + first + column * FONT_WIDTH * scale;

    for (uint32_t y = 0; y < FONT_HEIGHT * scale; y++, to += screen->pitch) {
        if (scale == 1)
            screen_draw_row(to, rows[y], pairs);
        else
            screen_draw_wide_row(to, rows[y / scale], scale, on, off);
    }
}

static void screen_draw_cell(struct screen *screen, uint32_t column, uint32_t row, uint8_t cell)
{
    const struct screen_glyph glyph = {
        .character = cell & (TEXT_ACCENT - 1),
        .fore = (cell & TEXT_ACCENT) != 0 ? COLOUR_ACCENT : COLOUR_TEXT,
        .back = COLOUR_BACKGROUND,
    };

    screen_draw_glyph(screen, column, row, &glyph);
}

static void screen_draw_vt_cell(struct screen *screen, uint32_t column, uint32_t row, uint16_t cell)
{
    const struct screen_glyph glyph = {
        .character = VT_GRID_CHARACTER(cell),
        .fore = vt_colour_palette[VT_GRID_FOREGROUND(cell)],
        .back = vt_colour_palette[VT_GRID_BACKGROUND(cell)],
    };

    screen_draw_glyph(screen, column, row, &glyph);
}

void screen_clear(struct screen *screen)
{
    if (screen->pixels != NULL)
        text_clear(&screen->text);
}

void screen_begin_vt(struct screen *screen)
{
    if (screen->pixels == NULL)
        return;
    text_hide(&screen->text);
    vt_init(&screen->vt, screen->text.columns, screen->text.body);
    screen->shows_vt = true;
}

void screen_end_vt(struct screen *screen)
{
    if (!screen->shows_vt)
        return;
    text_show(&screen->text);
    screen->shows_vt = false;
}

void screen_put_vt(struct screen *screen, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; screen->shows_vt && i < len; i++)
        vt_put(&screen->vt, bytes[i]);
}

void screen_put(struct screen *screen, const uint8_t *bytes, size_t len)
{
    if (screen->pixels == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        text_put(&screen->text, bytes[i]);
}

void screen_set_status(struct screen *screen, const char *line)
{
    if (screen->pixels != NULL)
        text_set_status(&screen->text, line);
}

/* The next cell of the text that changed, or of the terminal, once the text has made room. */
static enum text_look screen_draw_next(struct screen *screen)
{
    const uint32_t columns = screen->text.columns;
    uint32_t index, row, column;
    uint16_t wide_cell;
    uint8_t cell;

    enum text_look look = text_next_change(&screen->text, &index, &cell);
    if (look == TEXT_CHANGE)
        screen_draw_cell(screen, index % columns, index / columns, cell);
    if (look != TEXT_DRAWN || !screen->shows_vt)
        return look;
    look = vt_grid_next_change(&screen->vt.grid, &row, &column, &wide_cell);
    if (look == TEXT_CHANGE)
        screen_draw_vt_cell(screen, column, row, wide_cell);
    return look;
}

bool screen_draw(struct screen *screen, uint32_t cells)
{
    if (screen->pixels == NULL)
        return false;
    for (uint32_t i = 0; i < cells; i++) {
        if (screen_draw_next(screen) == TEXT_DRAWN)
            return false;
    }
    return true;
}

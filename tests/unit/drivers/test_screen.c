/* SPDX-License-Identifier: MIT */
/*
 * test_screen: which framebuffers are refused, and where pixels land in one that is not. The
 * framebuffer is heap memory of exactly its size, so that the sanitizer sees a pixel outside.
 */
#include "drivers/screen.h"

#include "drivers/font.h"
#include "drivers/vt_colour.h"
#include "support.h"

#define BACKGROUND 0x101418
#define TEXT       0xc8ccd0
#define ACCENT     0x6cb6e0
#define UNTOUCHED  0xdeadbeef

static struct screen screen;
static uint32_t *pixels;

static struct boot_framebuffer framebuffer_make(uint32_t width, uint32_t height, uint32_t pitch)
{
    size_t count = (size_t)pitch * height;

    free(pixels);
    pixels = malloc(count * sizeof(*pixels));
    assert_non_null(pixels);
    for (size_t i = 0; i < count; i++)
        pixels[i] = UNTOUCHED;
    return (struct boot_framebuffer){.base = (uintptr_t)pixels,
                                     .size = count * sizeof(*pixels),
                                     .width = width,
                                     .height = height,
                                     .pitch = pitch,
                                     .format = BOOT_PIXEL_BGRX};
}

static void put(const char *s)
{
    screen_put(&screen, (const uint8_t *)s, strlen(s));
    assert_false(screen_draw(&screen, SCREEN_ALL));
}

/* Every pixel of the character cell is what the font says, in that colour. */
static void check_cell(uint32_t column, uint32_t row, char c, uint32_t colour)
{
    for (uint32_t y = 0; y < FONT_HEIGHT * screen.scale; y++) {
        for (uint32_t x = 0; x < FONT_WIDTH * screen.scale; x++) {
            bool on = (font[c - FONT_FIRST][y / screen.scale] << (x / screen.scale) & 0x80) != 0;
            uint32_t at_y = row * FONT_HEIGHT * screen.scale + y;
            uint32_t at_x = column * FONT_WIDTH * screen.scale + x;
            assert_int_equal(pixels[(size_t)at_y * screen.pitch + at_x], on ? colour : BACKGROUND);
        }
    }
}

static void unsound_framebuffers_are_refused(void **state)
{
    const struct boot_framebuffer good = framebuffer_make(640, 480, 640);
    struct boot_framebuffer bad[] = {good, good, good, good, good, good, good, good, good, good};

    (void)state;
    bad[0].base = 0;
    bad[1].base += 2;
    bad[2].format = BOOT_PIXEL_NONE;
    bad[3].format = 77;
    bad[4].pitch = 639;
    bad[5].size--;
    bad[6].base = UINT64_MAX - 3;
    bad[7].width = 319;  /* 39 columns */
    bad[8].height = 127; /* 7 rows */
    bad[9].width = bad[9].height = bad[9].pitch = UINT32_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(screen_init(&screen, &bad[i]));
        assert_null((void *)screen.pixels);
        put("nothing happens");
    }
    assert_int_equal(pixels[0], UNTOUCHED);
    assert_true(screen_init(&screen, &good));
}

static void text_appears_and_the_rest_is_cleared(void **state)
{
    struct boot_framebuffer fb = framebuffer_make(645, 485, 701);

    (void)state;
    assert_true(screen_init(&screen, &fb));
    assert_int_equal(screen.text.columns, 80);
    assert_int_equal(screen.text.rows, 30);
    put("[vm] Hello\n~");
    check_cell(0, 0, '[', ACCENT);
    check_cell(3, 0, ']', ACCENT);
    check_cell(5, 0, 'H', TEXT);
    check_cell(0, 1, '~', TEXT);
    check_cell(79, 29, ' ', TEXT);
    assert_int_equal(pixels[484 * 701 + 644], BACKGROUND); /* the rest beyond the grid */
    assert_int_equal(pixels[645], UNTOUCHED);              /* what is not visible is not ours */
    for (int i = 0; i < 30; i++)
        put("\nlast line, just long enough to have its "
            "final character wrapped to the next row:x");
    check_cell(0, 29, 'x', TEXT);
    check_cell(0, 28, 'l', TEXT);
    check_cell(1, 29, ' ', TEXT);
}

static void red_may_come_first(void **state)
{
    struct boot_framebuffer fb = framebuffer_make(640, 480, 640);

    (void)state;
    fb.format = BOOT_PIXEL_RGBX;
    assert_true(screen_init(&screen, &fb));
    assert_int_equal(pixels[0], 0x181410);
    put("|");
    assert_int_equal(pixels[5 * 640 + 3], 0xd0ccc8);
}

static void large_screens_get_large_letters(void **state)
{
    static const struct {
        uint32_t width, height, scale;
    } modes[] = {{640, 480, 1},   {1920, 1080, 1}, {1920, 1200, 1}, {2560, 1080, 2},
                 {1920, 1440, 2}, {3840, 2160, 2}, {5120, 2880, 3}, {1080, 3840, 2},
                 {320, 8192, 4}}; /* the last only for its rows: too narrow */

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        struct boot_framebuffer fb =
            framebuffer_make(modes[i].width, modes[i].height, modes[i].width);
        bool fits = modes[i].width / (FONT_WIDTH * modes[i].scale) >= 40;
        assert_int_equal(screen_init(&screen, &fb), fits);
        assert_int_equal(screen.scale, modes[i].scale);
        put("[a] b");
        if (fits)
            check_cell(4, 0, 'b', TEXT);
        if (fits)
            check_cell(0, 0, '[', ACCENT);
    }
}

static void put_vt(const char *s)
{
    screen_put_vt(&screen, (const uint8_t *)s, strlen(s));
    assert_false(screen_draw(&screen, SCREEN_ALL));
}

/* In the place of the text, which comes back. */
static void a_terminal_is_shown(void **state)
{
    struct boot_framebuffer fb = framebuffer_make(800, 600, 800);

    (void)state;
    assert_true(screen_init(&screen, &fb));
    screen_set_status(&screen, "status");
    put("text                                                                                 |");
    put_vt("nobody sees it");
    check_cell(0, 0, 't', TEXT);
    check_cell(85, 0, '|', TEXT);
    screen_begin_vt(&screen);
    put_vt("\x1b[?25l");
    check_cell(0, 0, ' ', TEXT);
    check_cell(3, 0, ' ', TEXT);
    check_cell(85, 0, ' ', TEXT); /* beside it, too */
    put_vt("\x1b[31ma\x1b[24;80H\x1b[mz\x1b[43m\x1b[2;1H ");
    check_cell(0, 0, 'a', vt_colour_palette[1]);
    check_cell(79, 23, 'z', TEXT);
    check_cell(0, 36, 's', ACCENT);
    assert_int_equal(pixels[16 * 800], vt_colour_palette[3]);
    screen_end_vt(&screen);
    put("more");
    check_cell(3, 0, 't', TEXT);
    check_cell(85, 0, '|', TEXT);
    check_cell(86, 0, 'm', TEXT);
    check_cell(79, 23, ' ', TEXT);
    check_cell(0, 1, ' ', TEXT);
    check_cell(0, 36, 's', ACCENT);
    screen_begin_vt(&screen); /* empty again */
    put_vt("\x1b[?25l");
    check_cell(79, 23, ' ', TEXT);
}

static int teardown(void **state)
{
    (void)state;
    free(pixels);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsound_framebuffers_are_refused),
        cmocka_unit_test(text_appears_and_the_rest_is_cleared),
        cmocka_unit_test(red_may_come_first),
        cmocka_unit_test(large_screens_get_large_letters),
        cmocka_unit_test(a_terminal_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}

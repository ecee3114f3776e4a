/* SPDX-License-Identifier: MIT */
/*
 * test_logring: lines come out as they went in, and what finds no room is counted where it is
 * missing.
 */
#include "kernel/console/logring.h"

#include <stdio.h>

#include "support.h"

#define PREFIX "[p] "

static struct logring ring;

static int setup(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    return 0;
}

static void put(const char *text)
{
    logring_put(&ring, PREFIX, text, strlen(text));
}

static void expect(const char *want)
{
    uint8_t line[LOGRING_LINE] = {0};

    assert_int_equal(logring_take(&ring, PREFIX, line), strlen(want));
    assert_memory_equal(line, want, strlen(want));
}

static void lines_come_in_order(void **state)
{
    char text[LOG_LINE_MAX + 1];

    (void)state;
    memset(text, 'x', LOG_LINE_MAX);
    text[LOG_LINE_MAX] = '\0';
    expect("");
    for (uint32_t i = 0; i < 1000; i++) { /* around the ring, several times */
        assert_true(logring_is_empty(&ring));
        put("one");
        put("");
        put(text);
        assert_false(logring_is_empty(&ring));
        expect(PREFIX "one");
        expect(PREFIX);
        uint8_t line[LOGRING_LINE];
        assert_int_equal(logring_take(&ring, PREFIX, line), LOG_LINE_MAX + strlen(PREFIX));
        expect("");
    }
}

/* The loss is shown behind the last line before it and before the first one after it. */
static void losses_are_shown_in_their_place(void **state)
{
    char text[LOG_LINE_MAX + 1];
    uint32_t fit = 0;

    (void)state;
    for (; ring.lost == 0; fit++) {
        snprintf(text, sizeof(text), "line %04u", fit);
        put(text);
        assert_true(fit < LOGRING_BYTES);
    }
    fit--;
    assert_true(LOGRING_BYTES - (ring.head - ring.tail) < sizeof("[p] line 0000"));
    put("lost");
    expect(PREFIX "line 0000");
    put("lost although there is room"); /* else it would stand before the loss */
    for (uint32_t i = 1; i < fit; i++) {
        snprintf(text, sizeof(text), PREFIX "line %04u", i);
        expect(text);
    }
    assert_false(logring_is_empty(&ring));
    expect(PREFIX "3 lines were lost here");
    assert_true(logring_is_empty(&ring));
    put("after");
    expect(PREFIX "after");
    ring.lost = 1;
    expect(PREFIX "1 line was lost here");
    expect("");
}

static void bytes_come_for_a_panic(void **state)
{
    uint8_t byte;

    (void)state;
    put("a");
    for (const char *want = PREFIX "a\n"; *want; want++) {
        assert_true(logring_next_byte(&ring, &byte));
        assert_int_equal(byte, *want);
    }
    assert_false(logring_next_byte(&ring, &byte));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_come_in_order, setup),
        cmocka_unit_test_setup(losses_are_shown_in_their_place, setup),
        cmocka_unit_test_setup(bytes_come_for_a_panic, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

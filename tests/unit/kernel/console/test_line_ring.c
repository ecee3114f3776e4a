/* SPDX-License-Identifier: MIT */
/*
 * test_line_ring: lines come out in order and whole, each with its place; what finds no room is
 * counted where it is missing; and a core that takes while others put sees no torn line.
 */
#include "kernel/console/line_ring.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "support.h"

#define PREFIX  "[p] "
#define WRITERS 3
#define EACH    2000

static struct line_ring ring;

static int setup(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof(ring));
    return 0;
}

static void put(uint32_t place, const char *text)
{
    line_ring_put(&ring, place, place * 10, text, strlen(text));
}

static void expect(const char *want)
{
    uint8_t line[LINE_RING_LINE] = {0};

    assert_int_equal(line_ring_take(&ring, PREFIX, line), strlen(want));
    assert_memory_equal(line, want, strlen(want));
}

static void expect_first(uint32_t place)
{
    struct line_mark mark;

    assert_true(line_ring_first(&ring, &mark));
    assert_int_equal(mark.place, place);
    assert_int_equal(mark.when, place * 10);
}

static void lines_come_in_order(void **state)
{
    char text[LOG_LINE_MAX + 1];
    struct line_mark mark;

    (void)state;
    memset(text, 'x', LOG_LINE_MAX);
    text[LOG_LINE_MAX] = '\0';
    for (uint32_t i = 0; i < 1000; i++) { /* around the ring, several times */
        assert_false(line_ring_first(&ring, &mark));
        assert_true(line_ring_is_empty(&ring));
        expect("");
        put(i, "one");
        put(i + 1, "");
        put(i + 2, text);
        assert_false(line_ring_is_empty(&ring));
        expect_first(i);
        expect(PREFIX "one");
        expect_first(i + 1);
        expect(PREFIX);
        expect_first(i + 2);
        uint8_t line[LINE_RING_LINE];
        assert_int_equal(line_ring_take(&ring, PREFIX, line), LOG_LINE_MAX + strlen(PREFIX));
        assert_memory_equal(line, PREFIX, strlen(PREFIX));
        assert_memory_equal(line + strlen(PREFIX), text, LOG_LINE_MAX);
    }
}

/* The loss is shown behind the last line before it and before the first one after it. */
static void losses_are_shown_in_their_place(void **state)
{
    char text[24];
    uint32_t fit = 0;

    (void)state;
    for (; ring.lost == 0; fit++) {
        snprintf(text, sizeof(text), "line %04u", fit);
        put(fit, text);
        assert_true(fit < LINE_RING_BYTES);
    }
    fit--;
    assert_true(LINE_RING_BYTES - (ring.head - ring.tail) < sizeof(struct line_mark) + 9);
    put(0, "lost");
    expect(PREFIX "line 0000");
    put(0, "lost although there is room"); /* else it would stand before the loss */
    for (uint32_t i = 1; i < fit; i++) {
        snprintf(text, sizeof(text), PREFIX "line %04u", i);
        expect_first(i);
        expect(text);
    }
    assert_false(line_ring_is_empty(&ring));
    expect(PREFIX "3 lines were lost here");
    assert_true(line_ring_is_empty(&ring));
    expect("");
    put(0, "after");
    expect(PREFIX "after");
    ring.lost = 1;
    expect(PREFIX "1 line was lost here");
    expect("");
}

static void *writer(void *arg)
{
    const uint32_t id = (uint32_t)(uintptr_t)arg;
    char text[LOG_LINE_MAX];

    for (uint32_t n = 1; n <= EACH; n++) {
        memset(text, (int)('a' + id), sizeof(text));
        line_ring_put(&ring, n, id, text, 1 + n % (sizeof(text) - 1));
    }
    return NULL;
}

static void no_line_is_torn(void **state)
{
    pthread_t threads[WRITERS];
    uint64_t taken = 0, lost = 0;
    uint8_t line[LINE_RING_LINE];

    (void)state;
    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, writer, (void *)i);
    while (taken + lost < (uint64_t)WRITERS * EACH) {
        struct line_mark first;
        const bool any = line_ring_first(&ring, &first);
        const uint32_t len = line_ring_take(&ring, "", line);
        if (len > 0 && line[0] >= 'a') {
            assert_true(!any || len == 1 + first.place % (LOG_LINE_MAX - 1));
            for (uint32_t i = 1; i < len; i++)
                assert_int_equal(line[i], line[0]);
            taken++;
        } else if (len > 0) {
            lost += strtoul((char *)line, NULL, 10);
        } else {
            sched_yield();
        }
    }
    for (uint32_t i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(taken >= LINE_RING_BYTES / (sizeof(struct line_mark) + LOG_LINE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lines_come_in_order, setup),
        cmocka_unit_test_setup(losses_are_shown_in_their_place, setup),
        cmocka_unit_test_setup(no_line_is_torn, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

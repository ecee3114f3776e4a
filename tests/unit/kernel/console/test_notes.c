/* SPDX-License-Identifier: MIT */
/*
 * test_notes: lines come out in order and whole, each with its place; what finds no room is counted
 * where it is missing; and a core that takes while others put sees no torn line.
 */
#include "kernel/console/notes.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "support.h"

#define PREFIX  "[p] "
#define WRITERS 3
#define EACH    2000

static struct notes notes;

static int setup(void **state)
{
    (void)state;
    memset(&notes, 0, sizeof(notes));
    return 0;
}

static void put(uint32_t place, const char *text)
{
    notes_put(&notes, place, place * 10, text, strlen(text));
}

static void expect(const char *want)
{
    uint8_t line[NOTES_LINE] = {0};

    assert_int_equal(notes_take(&notes, PREFIX, line), strlen(want));
    assert_memory_equal(line, want, strlen(want));
}

static void lines_come_in_order(void **state)
{
    char text[LOG_LINE_MAX + 1];

    (void)state;
    memset(text, 'x', LOG_LINE_MAX);
    text[LOG_LINE_MAX] = '\0';
    for (uint32_t i = 0; i < 3 * NOTES_MAX; i++) { /* around the ring */
        assert_null(notes_first(&notes));
        expect("");
        put(i, "one");
        put(i + 1, "");
        put(i + 2, text);
        assert_int_equal(notes_first(&notes)->place, i);
        assert_int_equal(notes_first(&notes)->when, i * 10);
        expect(PREFIX "one");
        assert_int_equal(notes_first(&notes)->place, i + 1);
        expect(PREFIX);
        uint8_t line[NOTES_LINE];
        assert_int_equal(notes_take(&notes, PREFIX, line), LOG_LINE_MAX + strlen(PREFIX));
    }
}

static void losses_are_shown_in_their_place(void **state)
{
    char text[16];

    (void)state;
    for (uint32_t i = 0; i < NOTES_MAX; i++) {
        snprintf(text, sizeof(text), "%u", i);
        put(i, text);
    }
    put(0, "lost");
    expect(PREFIX "0");
    put(0, "lost although there is room"); /* else it would stand before the loss */
    for (uint32_t i = 1; i < NOTES_MAX; i++) {
        snprintf(text, sizeof(text), PREFIX "%u", i);
        expect(text);
    }
    assert_null(notes_first(&notes));
    expect(PREFIX "2 lines were lost here");
    expect("");
    put(0, "after");
    expect(PREFIX "after");
}

static void *writer(void *arg)
{
    const uint32_t id = (uint32_t)(uintptr_t)arg;
    char text[LOG_LINE_MAX];

    for (uint32_t n = 1; n <= EACH; n++) {
        memset(text, (int)('a' + id), sizeof(text));
        notes_put(&notes, n, id, text, 1 + n % (sizeof(text) - 1));
    }
    return NULL;
}

static void no_line_is_torn(void **state)
{
    pthread_t threads[WRITERS];
    uint64_t taken = 0, lost = 0;
    uint8_t line[NOTES_LINE];

    (void)state;
    for (uintptr_t i = 0; i < WRITERS; i++)
        pthread_create(&threads[i], NULL, writer, (void *)i);
    while (taken + lost < (uint64_t)WRITERS * EACH) {
        const struct note *first = notes_first(&notes);
        const uint32_t place = first ? first->place : 0;
        const uint32_t len = notes_take(&notes, "", line);
        if (len > 0 && line[0] >= 'a') {
            assert_true(!first || len == 1 + place % (LOG_LINE_MAX - 1));
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
    assert_true(taken >= NOTES_MAX); /* all that is there when the writers are ahead */
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

/* SPDX-License-Identifier: MIT */
/*
 * test_guess: slips of the finger are near, other words are not.
 */
#include "kernel/config/guess.h"

#include "support.h"

static void slips_are_counted(void **state)
{
    static const struct {
        const char *typed, *meant;
        uint32_t distance;
    } cases[] = {
        {"", "", 0},           {"", "stop", 4},      {"stop", "", 4},         {"stop", "stop", 0},
        {"STOP", "stop", 0},   {"stopp", "stop", 1}, {"sop", "stop", 1},      {"stap", "stop", 1},
        {"strat", "start", 1}, {"tsop", "stop", 1},  {"opst", "stop", 4},     {"lits", "list", 1},
        {"[", "{", 1},         {"@", "`", 1},        {"reobot", "reboot", 1}, {"a", "poweroff", 8},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(guess_distance(span_of(cases[i].typed), cases[i].meant),
                         cases[i].distance);
        assert_int_equal(guess_distance(span_of(cases[i].meant), cases[i].typed),
                         cases[i].distance);
    }
}

static void long_words_are_nobodys(void **state)
{
    char word[GUESS_WORD_MAX + 2];

    (void)state;
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_int_equal(guess_distance(span_of(word), "a"), UINT32_MAX);
    assert_int_equal(guess_distance(span_of("a"), word), UINT32_MAX);
    assert_false(guess_is_near(span_of(word), word));
    word[GUESS_WORD_MAX] = '\0';
    assert_int_equal(guess_distance(span_of(word), word), 0);
    assert_int_equal(guess_distance(span_of(word), "b"), GUESS_WORD_MAX);
}

static void near_is_what_a_person_may_have_meant(void **state)
{
    (void)state;
    assert_true(guess_is_near(span_of("strat"), "start"));
    assert_true(guess_is_near(span_of("LIST"), "list"));
    assert_true(guess_is_near(span_of("pow"), "poweroff"));
    assert_true(guess_is_near(span_of("iso"), "isolation"));
    assert_true(guess_is_near(span_of("Canary"), "canary"));
    assert_false(guess_is_near(span_of("p"), "poweroff"));
    assert_false(guess_is_near(span_of("no"), "cpu"));
    assert_false(guess_is_near(span_of("x"), "y"));
    assert_false(guess_is_near(span_of("halt"), "start"));
    assert_false(guess_is_near(span_of("nobody"), "hello"));
    assert_true(guess_is_slip(span_of("gset"), "guest"));
    assert_true(guess_is_slip(span_of("mahcnie"), "machine"));
    assert_false(guess_is_slip(span_of("guessing"), "guest"));
    assert_false(guess_is_slip(span_of("ab"), "cd"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_are_counted),
        cmocka_unit_test(long_words_are_nobodys),
        cmocka_unit_test(near_is_what_a_person_may_have_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

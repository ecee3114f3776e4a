/* SPDX-License-Identifier: MIT */
/*
 * test_names: the list of exit codes is in order and without a double, and names are found by the
 * low 16 bits of a code.
 */
#include "svm/bits.h"

#include "support.h"

static void test_list(void **state)
{
    static const uint32_t numbers[] = {
#define ROW(name, number, kind) number,
        SVM_EXITS(ROW)
#undef ROW
    };
    (void)state;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(numbers); i++)
        assert_true(numbers[i] < numbers[i + 1]);
}

static void test_found(void **state)
{
    (void)state;
    assert_string_equal(svm_exit_name(0), "CR0_READ");
    assert_string_equal(svm_exit_name(0x41), "EXCEPTION_DB");
    assert_string_equal(svm_exit_name(0x400), "NPF");
    assert_string_equal(svm_exit_name(UINT32_MAX), "INVALID"); /* -1, however wide */
    assert_string_equal(svm_exit_name(0xffff), "INVALID");
    assert_string_equal(svm_exit_name(0xfffe), "BUSY");
    assert_string_equal(svm_exit_name(0x404), "?");
    assert_string_equal(svm_exit_name(0xa7), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_next: which set of files is taken, for all that the two variables can say, and what makes
 * two sets different ones. tests/unit/boot/test_next.c has the loader around it.
 */
#include "kernel/config/next.h"

#include "support.h"

static void test_decision(void **state)
{
    (void)state;
    for (uint64_t tried = 0; tried < 4; tried++) {
        for (uint64_t confirmed = 0; confirmed < 4; confirmed++) {
            const enum next_verdict v = next_decide(tried, confirmed, 2);
            assert_int_equal(v == NEXT_IS_CONFIRMED, confirmed == 2);
            assert_int_equal(v == NEXT_IS_UNCONFIRMED, confirmed != 2 && tried == 2);
            assert_int_equal(v == NEXT_IS_NEW, confirmed != 2 && tried != 2);
        }
    }
}

/* Any bit of what is stored, and any bit of what the firmware says about it. abuse: BU-08 */
static void test_every_bit_of_a_variable(void **state)
{
    const struct next_variable sound = {.found = true,
                                        .attributes = NEXT_ATTRIBUTES,
                                        .size = sizeof(sound.record),
                                        .record = next_record_of(0x1122334455667788)};
    struct next_variable v;
    uint64_t id = 0;

    (void)state;
    assert_null(next_flaw(&sound, &id));
    assert_int_equal(id, 0x1122334455667788);
    v = (struct next_variable){.found = false, .size = 99};
    assert_null(next_flaw(&v, &id));
    assert_int_equal(id, 0);
    for (uint32_t bit = 0; bit < 64; bit++) {
        v = sound;
        v.size ^= UINT64_C(1) << bit;
        assert_string_equal(next_flaw(&v, &id), "has a wrong size");
        assert_int_equal(id, 0);
        v = sound;
        v.attributes ^= UINT32_C(1) << bit % 32;
        assert_string_equal(next_flaw(&v, &id), "has wrong attributes");
        v = sound;
        (bit < 32 ? &v.record.magic : &v.record.version)[0] ^= UINT32_C(1) << bit % 32;
        assert_string_equal(next_flaw(&v, &id), "holds something else");
        assert_int_equal(id, 0);
        v = sound;
        v.record.id = UINT64_C(1) << bit;
        assert_null(next_flaw(&v, &id));
        assert_int_equal(id, UINT64_C(1) << bit);
    }
    v = sound;
    v.record.id = 0;
    assert_string_equal(next_flaw(&v, &id), "holds something else");
}

static uint64_t id_of(const char *name, const void *bytes, uint64_t size)
{
    return next_id_end(next_id_add(NEXT_ID_BEGIN, name, bytes, size));
}

/* One bit, one byte more, another name: another id. */
static void test_ids(void **state)
{
    uint8_t bytes[64] = {0};
    uint64_t seen[64 * 8 + 65 + 2];
    size_t count = 0;

    (void)state;
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        bytes[bit / 8] = (uint8_t)(1 << bit % 8);
        seen[count++] = id_of("a", bytes, sizeof(bytes));
        bytes[bit / 8] = 0;
    }
    for (size_t size = 0; size <= 64; size++)
        seen[count++] = id_of("a", bytes, size);
    seen[count++] = id_of("b", bytes, 64);
    seen[count++] = id_of("aa", bytes, 64);
    assert_int_equal(count, ARRAY_SIZE(seen));
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(seen[i], 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(seen[i], seen[k]);
    }
    assert_int_equal(id_of("a", bytes, 64), id_of("a", bytes, 64));
    assert_int_equal(next_id_end(0), 1);
}

/* What crosses from one file to the next counts as well. */
static void test_ids_of_several(void **state)
{
    uint64_t ab = next_id_add(next_id_add(NEXT_ID_BEGIN, "a", "12", 2), "b", "3", 1);
    uint64_t ba = next_id_add(next_id_add(NEXT_ID_BEGIN, "b", "3", 1), "a", "12", 2);
    uint64_t moved = next_id_add(next_id_add(NEXT_ID_BEGIN, "a", "1", 1), "b", "23", 2);

    (void)state;
    assert_int_not_equal(ab, ba);
    assert_int_not_equal(ab, moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decision),
        cmocka_unit_test(test_every_bit_of_a_variable),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_ids_of_several),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_runtime_map: what the firmware says that SetVariable needs, believed only where it is nobody
 * else's memory. The reference is one byte per page.
 */
#include "kernel/start/runtime_map.h"

#include "support.h"

#define ROUNDS 20000
#define PAGES  64
#define AT(p)  (RAM_LOW_END + (uint64_t)(p)*PAGE_SIZE)

static struct boot_runtime rows[4];
static struct boot_range ranges[PAGES];
static struct ram_list list;
static struct boot_info info;

/* Code in pages 2 and 3, data in 4, a flash chip that the memory map does not list. */
static void make(void)
{
    static const struct boot_range map[] = {
        {AT(0), 2 * PAGE_SIZE, BOOT_RAM_FREE, 0},   {AT(2), 3 * PAGE_SIZE, BOOT_RAM_FIRMWARE, 0},
        {AT(5), 1 * PAGE_SIZE, BOOT_RAM_LOADER, 0}, {AT(6), 1 * PAGE_SIZE, BOOT_RAM_MMIO, 0},
        {AT(7), 1 * PAGE_SIZE, BOOT_RAM_ACPI, 0},   {AT(8), 1 * PAGE_SIZE, BOOT_RAM_BAD, 0},
    };

    memcpy(ranges, map, sizeof(map));
    list = (struct ram_list){ranges, ARRAY_SIZE(map), 40};
    rows[0] = (struct boot_runtime){AT(2), 2, BOOT_RUNTIME_EXECUTE, 0};
    rows[1] = (struct boot_runtime){AT(4), 1, BOOT_RUNTIME_WRITE, 0};
    rows[2] = (struct boot_runtime){AT(6), 1, BOOT_RUNTIME_WRITE | BOOT_RUNTIME_UNCACHED, 0};
    rows[3] = (struct boot_runtime){0xffc00000, 16, BOOT_RUNTIME_WRITE | BOOT_RUNTIME_UNCACHED, 0};
    info = (struct boot_info){
        .runtime = (uintptr_t)rows, .runtime_count = ARRAY_SIZE(rows), .set_variable = AT(3) + 5};
}

static void is_refused(const char *why)
{
    const char *flaw = runtime_map_flaw(&info, &list);

    assert_non_null(flaw);
    assert_string_equal(flaw, why);
    make();
}

static void test_sound(void **state)
{
    (void)state;
    make();
    assert_null(runtime_map_flaw(&info, &list));
}

/* abuse: BU-08 */
static void test_refused(void **state)
{
    static const char nonsense[] = "the firmware's runtime memory has an entry that makes no sense";
    static const char far[] = "the firmware's runtime memory is out of reach";
    static const char ours[] = "the firmware's runtime memory overlaps free memory";
    static const char code[] = "the firmware's SetVariable is not in its runtime code";

    (void)state;
    make();
    info.runtime_count = 0;
    is_refused("the firmware's runtime memory is not known");
    rows[1].pages = 0;
    is_refused(nonsense);
    rows[1].pages = UINT64_C(1) << 52;
    is_refused(nonsense);
    rows[1].base += 8;
    is_refused(nonsense);
    rows[1].rights = 8;
    is_refused(nonsense);
    rows[3].base = UINT64_MAX - 0xffff;
    is_refused(far);
    rows[3].base = (UINT64_C(1) << 47) - 15 * PAGE_SIZE;
    is_refused(far);
    rows[3].base = 0;
    is_refused(far);
    for (uint32_t p = 0; p < 9; p++) {
        rows[1].base = AT(p);
        if (p < 2 || p == 5 || p > 6)
            is_refused(ours);
    }
    rows[1].base = AT(1);
    rows[1].pages = 4;
    is_refused(ours);
    rows[0].rights |= BOOT_RUNTIME_WRITE;
    is_refused("the firmware's runtime memory is writable and executable at once");
    info.set_variable = AT(4);
    is_refused(code);
    info.set_variable = AT(2) - 1;
    is_refused(code);
    info.set_variable = 0;
    is_refused(code);
}

/* What is believed has no page that the map calls free, ours or broken. abuse: BU-08 */
static void test_random(void **state)
{
    uint64_t seed = 2026;
    uint32_t believed = 0;

    (void)state;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint8_t kinds[PAGES];

        make();
        for (uint32_t p = 0; p < PAGES; p++) {
            kinds[p] =
                (uint8_t)(random_next(&seed) % 16 == 0 ? BOOT_RAM_FREE + random_next(&seed) % 6
                                                       : BOOT_RAM_FIRMWARE);
            ranges[p] = (struct boot_range){AT(p), PAGE_SIZE, kinds[p], 0};
        }
        list.count = PAGES;
        for (uint32_t r = 0; r < ARRAY_SIZE(rows); r++) {
            rows[r].base = AT(random_next(&seed) % PAGES);
            rows[r].pages = 1 + random_next(&seed) % 4;
        }
        info.set_variable = rows[0].base;
        if (runtime_map_flaw(&info, &list) != NULL)
            continue;
        believed++;
        for (uint32_t r = 0; r < ARRAY_SIZE(rows); r++)
            for (uint64_t p = (rows[r].base - RAM_LOW_END) / PAGE_SIZE, n = 0; n < rows[r].pages;
                 n++)
                assert_true(p + n >= PAGES || kinds[p + n] == BOOT_RAM_FIRMWARE ||
                            kinds[p + n] == BOOT_RAM_MMIO);
    }
    assert_true(believed > ROUNDS / 20 && believed < ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

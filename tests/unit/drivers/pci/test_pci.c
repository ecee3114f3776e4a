/* SPDX-License-Identifier: MIT */
/*
 * test_pci: every function on every bus loses bus mastering, whatever the bridges say; nothing else
 * in configuration space changes, and what cannot be silenced is told.
 */
#include "drivers/pci/pci.h"

#include "support.h"

#include "lib/bits.h"

#define NOBODY       UINT32_MAX
#define MASTER       BIT32(2)
#define MULTI        BIT32(23)
#define STATUS       UINT32_C(0x22100000) /* error bits that writing 1 would clear */
#define CLASS_VGA    UINT32_C(0x03000000)
#define CLASS_USB    UINT32_C(0x0c033000)
#define CLASS_BRIDGE UINT32_C(0x06040000)
#define CLASS_HOST   UINT32_C(0x06000000)
#define CLASS_ISA    UINT32_C(0x06010000)

struct function {
    uint32_t at;
    uint32_t command, class, header;
    bool stuck;
    uint32_t writes;
};

struct space {
    struct function *rows;
    size_t count;
};

static struct function *space_find(const struct space *s, uint32_t address)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->rows[i].at == (address & ~UINT32_C(0xfff)))
            return &s->rows[i];
    }
    return NULL;
}

static uint32_t space_read(void *context, uint32_t address)
{
    const struct function *f = space_find(context, address);

    assert_int_equal(address & 3, 0);
    if (!f)
        return NOBODY;
    switch (address & 0xfff) {
    case 0:
        return 0x12348086;
    case 4:
        return f->command | STATUS;
    case 8:
        return f->class;
    case 0xc:
        return f->header;
    default:
        fail();
    }
    return 0;
}

static void space_write(void *context, uint32_t address, uint32_t value)
{
    struct function *f = space_find(context, address);

    assert_non_null(f);
    assert_int_equal(address & 0xfff, 4);
    assert_int_equal(value >> 16, 0); /* no status bit is cleared */
    assert_int_equal(value, f->command & ~MASTER);
    f->writes++;
    if (!f->stuck)
        f->command = value;
}

static struct pci_quiet run(struct function *rows, size_t count, bool keep_displays)
{
    struct space space = {rows, count};
    const struct pci_access access = {
        .read = space_read, .write = space_write, .context = &space, .last_bus = 255};

    return pci_quiet(&access, keep_displays);
}

static void test_all_lose_it(void **state)
{
    struct function rows[] = {
        {pci_address(0, 0, 0, 0), 0x107, 0x06000000, 0, false, 0},
        {pci_address(0, 1, 0, 0), 0x507, CLASS_USB, MULTI, false, 0},
        {pci_address(0, 1, 7, 0), 0x406, CLASS_USB, 0, false, 0}, /* functions may have gaps */
        {pci_address(0, 2, 0, 0), 0x003, CLASS_USB, 0, false, 0}, /* masters nothing */
        {pci_address(0, 3, 0, 0), 0x007, CLASS_BRIDGE, BIT32(16), false, 0},
        {pci_address(77, 31, 0, 0), 0x007, CLASS_USB, 0, false, 0}, /* behind no bridge */
        {pci_address(255, 31, 0, 0), 0x004, CLASS_USB, MULTI, false, 0},
        {pci_address(255, 31, 7, 0), 0x004, CLASS_USB, 0, false, 0},
    };
    (void)state;
    const struct pci_quiet quiet = run(rows, ARRAY_SIZE(rows), true);
    assert_int_equal(quiet.functions, ARRAY_SIZE(rows));
    assert_int_equal(quiet.silenced, ARRAY_SIZE(rows) - 1);
    assert_int_equal(quiet.kept, 0);
    assert_int_equal(quiet.stuck, 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(rows[i].command & MASTER, 0);
        assert_int_equal(rows[i].writes, i == 3 ? 0 : 1);
    }
}

/* It would not see its tables and commands any more. */
static void test_iommu(void **state)
{
    struct function row = {pci_address(0, 2, 0, 0), 0x4, UINT32_C(0x08060000), 0, false, 0};
    (void)state;
    const struct pci_quiet quiet = run(&row, 1, false);
    assert_int_equal(quiet.functions, 1);
    assert_int_equal(quiet.silenced + quiet.stuck, 0);
    assert_int_equal(row.writes, 0);
}

static void test_displays(void **state)
{
    struct function rows[] = {
        {pci_address(0, 2, 0, 0), 0x7, CLASS_VGA, 0, false, 0},
        {pci_address(1, 0, 0, 0), 0x7, CLASS_USB, 0, false, 0},
    };
    (void)state;
    struct pci_quiet quiet = run(rows, ARRAY_SIZE(rows), true);
    assert_int_equal(quiet.kept, 1);
    assert_int_equal(quiet.silenced, 1);
    assert_int_equal(rows[0].command, 7);
    quiet = run(rows, ARRAY_SIZE(rows), false);
    assert_int_equal(quiet.kept, 0);
    assert_int_equal(rows[0].command, 3);
}

/* A device that has one function answers to the numbers of all eight. */
static void test_single_function_is_one(void **state)
{
    struct function rows[] = {
        {pci_address(0, 2, 0, 0), 0x7, CLASS_USB, 0, false, 0},
        {pci_address(0, 2, 1, 0), 0x7, CLASS_USB, 0, false, 0},
    };
    (void)state;
    assert_int_equal(run(rows, ARRAY_SIZE(rows), false).functions, 1);
    assert_int_equal(rows[1].writes, 0);
}

static void test_stuck(void **state)
{
    struct function rows[] = {
        {pci_address(0, 2, 0, 0), 0x7, CLASS_USB, 0, true, 0},
        {pci_address(3, 4, 0, 0), 0x7, CLASS_USB, MULTI, false, 0},
        {pci_address(3, 4, 5, 0), 0x7, CLASS_USB, 0, true, 0},
        {pci_address(4, 0, 0, 0), 0x7, CLASS_HOST, 0, true, 0}, /* they cannot be otherwise */
        {pci_address(4, 1, 0, 0), 0x7, CLASS_ISA, 0, true, 0},
        {pci_address(4, 2, 0, 0), 0x7, CLASS_BRIDGE, 0, true, 0},
    };
    (void)state;
    const struct pci_quiet quiet = run(rows, ARRAY_SIZE(rows), false);
    assert_int_equal(quiet.stuck, 3);
    assert_int_equal(quiet.stuck_at, pci_address(4, 2, 0, 0));
    assert_int_equal(quiet.fixed, 2);
    assert_int_equal(quiet.silenced, 1);
    assert_int_equal(run(NULL, 0, false).functions, 0);
}

/* Another segment may have some buses only. */
static void test_buses_in_reach(void **state)
{
    struct function rows[] = {
        {pci_address(63, 0, 0, 0), 0x7, CLASS_USB, 0, false, 0},
        {pci_address(64, 0, 0, 0), 0x7, CLASS_USB, 0, false, 0},
        {pci_address(65, 31, 0, 0), 0x7, CLASS_USB, 0, false, 0},
        {pci_address(66, 0, 0, 0), 0x7, CLASS_USB, 0, false, 0},
    };
    struct space space = {rows, ARRAY_SIZE(rows)};
    const struct pci_access access = {space_read, space_write, &space, 1, 64, 65, true};
    (void)state;
    assert_int_equal(pci_quiet(&access, false).functions, 2);
    assert_int_equal(rows[0].writes + rows[3].writes, 0);
    assert_int_equal(rows[1].writes + rows[2].writes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lose_it), cmocka_unit_test(test_displays),
        cmocka_unit_test(test_iommu),       cmocka_unit_test(test_single_function_is_one),
        cmocka_unit_test(test_stuck),       cmocka_unit_test(test_buses_in_reach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_plan_disks: which files become whose disks, by their own pages or as copies; each refusal
 * word by word; plan_valid() against plans that were spoiled by hand; and how disks are printed.
 */
#include "kernel/plan/plan.h"

#include <stdio.h>

#include "support.h"

#include "kernel/plan/modules.h"
#include "plan_guest.h"
#include "pvh_file.h"

#define FILES_AT (4 * GIB) /* where the loader has put disks, far from free memory */

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;
static struct pvh_file kernel;

static struct machine_module *add_module(const char *name, uint64_t at, uint64_t size)
{
    struct machine_module *m = &machine.modules[machine.module_count++];
    const uint64_t unit = at % PAGE_SIZE_2M == 0 ? PAGE_SIZE_2M : PAGE_SIZE;

    snprintf(m->name, sizeof(m->name), "%s", name);
    m->bytes = (const uint8_t *)(uintptr_t)at;
    m->size = size;
    m->given = false;
    m->place = (struct range){at, (size + unit - 1) / unit * unit};
    if (size > 0)
        machine.own[machine.own_count++] = m->place;
    return m;
}

/* The next one begins right behind it. */
static uint64_t add_disk_file(const char *name, uint64_t at, uint64_t size)
{
    const struct range place = add_module(name, at, size)->place;
    return place.base + place.size;
}

static int setup(void **state)
{
    uint64_t at = FILES_AT;

    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&machine, 0, sizeof(machine));
    memset(&report, 0, sizeof(report));
    config.machine.serial = true;
    machine.core_count = 8;
    machine.ranges[machine.range_count++] = (struct range){2 * MIB, 100 * MIB};
    pvh_file_start(&kernel, 0x2000);
    pvh_file_add(&kernel, 0x2000, 0x2000, 0x5000);
    add_module("k.elf", 5 * GIB + PAGE_SIZE, PVH_FILE_SIZE)->bytes = pvh_file_bytes(&kernel);
    at = add_disk_file("root.img", at, 3 * MIB);
    at = add_disk_file("Data.img", at, 2 * MIB);
    at = add_disk_file("big.img", at, 80 * MIB + 1);
    (void)add_disk_file("empty.img", at, 0);
    return 0;
}

/* Disks are from 5 lines below it on. */
static struct config_guest *add_guest(const char *name)
{
    return plan_guest_add(&config, name, 1, 16 * MIB);
}

static struct config_disk *add_disk(struct config_guest *g, const char *file)
{
    struct config_disk *d = &g->disks[g->disk_count++];

    snprintf(d->file, sizeof(d->file), "%s", file);
    d->line = g->line + 4 + g->disk_count;
    return d;
}

static bool make(void)
{
    modules_give(&machine, &config);
    memset(&plan, 0x55, sizeof(plan));
    memset(&report, 0, sizeof(report));
    return plan_make(&plan, &config, &machine, &report);
}

static void accept(void)
{
    if (!make())
        fail_msg("%u: %s", report.rows[0].line, report.rows[0].text);
    assert_true(plan_valid(&plan, &machine));
}

static void refuse(uint32_t line, const char *text)
{
    assert_false(make());
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].line, line);
    assert_string_equal(report.rows[0].text, text);
}

static struct guest_region *disk_row(uint32_t g, uint32_t d)
{
    return (struct guest_region *)guest_map_find(&plan.guests[g].map, plan.guests[g].disks[d].at);
}

static void has_disk(uint32_t g, uint32_t d, uint64_t at, uint64_t to, uint64_t size)
{
    const struct guest_region *row = disk_row(g, d);

    assert_non_null(row);
    assert_int_equal(row->kind, REGION_DISK);
    assert_int_equal(row->at.v, at);
    assert_int_equal(row->to.v, to);
    assert_int_equal(row->size, size);
    assert_string_equal(row->name, config.guests[g].disks[d].file);
}

static bool is_kept(const struct machine_module *m)
{
    for (uint32_t i = 0; i < machine.own_count; i++)
        if (machine.own[i].base == m->place.base)
            return true;
    return false;
}

/* A file that one guest has as its disk, for good, is that disk. */
static void test_in_place(void **state)
{
    struct config_guest *a = add_guest("a");

    (void)state;
    add_disk(a, "ROOT.img")->read_only = true;
    add_disk(a, "data.img");
    accept();
    has_disk(0, 0, 128 * MIB, FILES_AT, 4 * MIB);
    has_disk(0, 1, 256 * MIB, FILES_AT + 4 * MIB, 2 * MIB);
    assert_int_equal(disk_row(0, 0)->rights & PT_W, 0);
    assert_int_equal(disk_row(0, 1)->rights & PT_W, PT_W);
    assert_true(machine.modules[1].given && machine.modules[2].given);
    assert_false(is_kept(&machine.modules[1]) || is_kept(&machine.modules[2]));
    assert_true(is_kept(&machine.modules[0]) && is_kept(&machine.modules[3]));
    assert_int_equal(guest_map_ram(&plan.guests[0].map).base, 2 * MIB);
}

/* Whatever else needs the file as it is makes disks copies; nobody gets the file's own pages. */
static void test_copies(void **state)
{
    struct config_guest *a = add_guest("a"), *b = add_guest("b");

    (void)state;
    add_disk(a, "root.img")->read_only = true;
    add_disk(b, "root.img");
    add_disk(b, "data.img")->fresh = true;
    add_disk(b, "k.elf");
    accept();
    has_disk(0, 0, 128 * MIB, 34 * MIB, 4 * MIB);
    has_disk(1, 0, 128 * MIB, 38 * MIB, 4 * MIB);
    has_disk(1, 1, 256 * MIB, 42 * MIB, 2 * MIB);
    has_disk(1, 2, 384 * MIB, 44 * MIB, 2 * MIB);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(is_kept(&machine.modules[i]) && !machine.modules[i].given);
    setup(NULL);
    a = add_guest("a");
    add_disk(a, "data.img");
    snprintf(a->initrd, sizeof(a->initrd), "DATA.IMG");
    machine.modules[2].bytes = pvh_file_bytes(&kernel);
    accept();
    has_disk(0, 0, 128 * MIB, 18 * MIB, 2 * MIB);
    setup(NULL);
    a = add_guest("a");
    add_disk(a, "data.img");
    add_disk(a, "data.img");
    accept();
    has_disk(0, 0, 128 * MIB, 18 * MIB, 2 * MIB);
    has_disk(0, 1, 256 * MIB, 20 * MIB, 2 * MIB);
}

/* A loader that had put it elsewhere, or a list that is full: then a copy has to do. */
static void test_not_given(void **state)
{
    struct config_guest *a = add_guest("a");

    (void)state;
    add_disk(a, "data.img");
    machine.modules[2].place.base += PAGE_SIZE;
    machine.own[2].base += PAGE_SIZE;
    accept();
    has_disk(0, 0, 128 * MIB, 18 * MIB, 2 * MIB);
    setup(NULL);
    add_disk(add_guest("a"), "data.img");
    for (uint32_t i = 0; machine.range_count < MACHINE_RANGES_MAX; i++)
        machine.ranges[machine.range_count++] = (struct range){GIB + i * 2 * PAGE_SIZE, PAGE_SIZE};
    accept();
    has_disk(0, 0, 128 * MIB, 18 * MIB, 2 * MIB);
    assert_true(is_kept(&machine.modules[2]));
}

/* Even if the file lies in the middle of free memory, no guest's RAM comes upon it. */
static void test_amid_free_memory(void **state)
{
    (void)state;
    add_disk(add_guest("a"), "small.img");
    add_guest("b");
    machine.ranges[0].size = 18 * MIB;
    machine.ranges[machine.range_count++] = (struct range){22 * MIB, 80 * MIB};
    add_module("small.img", 20 * MIB, 1);
    accept();
    assert_int_equal(machine.range_count, 1);
    has_disk(0, 0, 128 * MIB, 20 * MIB, 2 * MIB);
    assert_int_equal(guest_map_ram(&plan.guests[0].map).base, 2 * MIB);
    assert_int_equal(guest_map_ram(&plan.guests[1].map).base, 22 * MIB);
}

static void test_no_file(void **state)
{
    struct config_guest *a = add_guest("a");

    (void)state;
    add_disk(a, "root.im");
    refuse(15, "guest 'a': there is no disk 'root.im'; did you mean 'root.img'?");
    snprintf(a->disks[0].file, FILE_NAME_MAX, "empty.img");
    refuse(15, "guest 'a': disk 'empty.img' is empty");
    snprintf(a->disks[0].file, FILE_NAME_MAX, "root.img");
    add_module("ROOT.IMG", 0, 0);
    refuse(15, "guest 'a': disk 'root.img' exists more than once: upper and lower case count as "
               "the same");
}

/* What is as large as what: disks compete with guests' memory, the largest first. */
static void test_too_little_memory(void **state)
{
    struct config_guest *a = add_guest("a");

    (void)state;
    add_disk(a, "root.img")->fresh = true;
    add_disk(a, "big.img")->fresh = true;
    refuse(15, "guest 'a' wants 4 MiB for its copy of disk 'root.img', 2 MiB are left (100 MiB in "
               "the machine, 98 MiB for 'a')");
    a->memory = 18 * MIB;
    a->disks[0] = a->disks[1];
    a->disk_count = 1;
    accept();
    has_disk(0, 0, 128 * MIB, 2 * MIB, 82 * MIB);
    a->memory = 20 * MIB;
    refuse(12, "guest 'a' wants 20 MiB of memory, 18 MiB are left (100 MiB in the machine, 82 MiB "
               "for 'a')");
    a->disks[0].fresh = false; /* then there is no copy */
    accept();
    has_disk(0, 0, 128 * MIB, FILES_AT + 6 * MIB, 82 * MIB);
}

/* ---------------------------------------------------------------------- plan_valid */

/* a: root.img in place, read-only, and a copy of Data.img; b: another copy. */
static void make_good(void)
{
    struct config_guest *a, *b;

    setup(NULL);
    a = add_guest("a");
    b = add_guest("b");
    add_disk(a, "root.img")->read_only = true;
    add_disk(a, "data.img");
    add_disk(b, "data.img");
    accept();
}

#define SPOILT(change)                             \
    do {                                           \
        make_good();                               \
        change;                                    \
        assert_false(plan_valid(&plan, &machine)); \
    } while (0)

/* abuse: BT-05 */
static void test_valid(void **state)
{
    (void)state;
    SPOILT(plan.guests[0].disks[0].module = NULL);
    SPOILT(plan.guests[0].disks[0].at.v += PAGE_SIZE_2M);
    SPOILT(plan.guests[0].disks[1].at = plan.guests[0].disks[0].at);
    SPOILT(disk_row(0, 0)->rights |= PT_W); /* the file says ro */
    SPOILT(disk_row(0, 0)->to = disk_row(0, 1)->to);
    SPOILT(disk_row(0, 0)->to.v += PAGE_SIZE_2M);
    SPOILT(disk_row(0, 0)->size -= PAGE_SIZE_2M); /* of the file's pages */
    SPOILT(disk_row(0, 1)->size = PAGE_SIZE);     /* less than the file */
    SPOILT(disk_row(0, 1)->type = PT_UNCACHED);
    SPOILT(disk_row(0, 1)->to = disk_row(1, 0)->to);
    SPOILT(disk_row(1, 0)->to = disk_row(0, 0)->to);
    SPOILT(disk_row(1, 0)->to.v = guest_map_ram(&plan.guests[0].map).base);
    SPOILT(disk_row(1, 0)->to.v = machine.modules[2].place.base); /* what it is copied from */
    SPOILT(disk_row(1, 0)->kind = REGION_SHARED);
    SPOILT(disk_row(1, 0)->kind = REGION_RAM);
    SPOILT(config.guests[1].disk_count = 0); /* a row that nobody would load */
    SPOILT(config.guests[1].disk_count = 2);
    SPOILT(config.guests[1].disk_count = DISKS_MAX + 1);
    SPOILT(machine.own_count--); /* the copies' source is not kept: the last row or another */
    SPOILT(machine.modules[2].given = true);
    SPOILT(machine.modules[1].given = false);
    SPOILT(machine.modules[0].given = true); /* an image's */
    SPOILT(plan.guests[1].initrd_module = &machine.modules[1]);
    SPOILT(plan.guests[1].image_module = NULL);
    SPOILT(plan.guests[1].disks[3].module = &machine.modules[1]); /* whose pages are a's */
    make_good();
    plan.guests[1].initrd_module = &machine.modules[2];
    disk_row(1, 0)->size += PAGE_SIZE_2M;
    disk_row(0, 0)->rights = PT_R;
    assert_true(plan_valid(&plan, &machine));
}

/* Wishes by chance: whatever plan_make() accepts, plan_valid() accepts. */
static void test_random(void **state)
{
    static const char *const files[] = {"root.img", "data.img", "big.img", "k.elf", "DATA.img"};
    uint64_t seed = 9;
    uint32_t accepted = 0, given = 0;

    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        setup(NULL);
        machine.ranges[0].size = (60 + random_next(&seed) % 200) * MIB;
        for (uint64_t n = 1 + random_next(&seed) % 4; n > 0; n--) {
            struct config_guest *g = add_guest("g");
            for (uint64_t d = random_next(&seed) % (DISKS_MAX + 1); d > 0; d--) {
                struct config_disk *disk =
                    add_disk(g, files[random_next(&seed) % ARRAY_SIZE(files)]);
                const uint64_t way = random_next(&seed) % 3;
                disk->read_only = way == 1;
                disk->fresh = way == 2;
            }
        }
        if (!make())
            continue;
        accepted++;
        assert_true(plan_valid(&plan, &machine));
        for (uint32_t i = 0; i < machine.module_count; i++)
            given += machine.modules[i].given;
    }
    assert_in_range(accepted, 200, 1900);
    assert_true(given > 100);
}

/* ---------------------------------------------------------------------- plan_print */

static void test_print(void **state)
{
    (void)state;
    make_good();
    config.guests[1].disks[0].fresh = true;
    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_int_equal(lines_count(), 2 + 2 * 3 + 3 * 2);
    assert_true(lines_contain("  disk         root.img, read-only"));
    assert_true(lines_contain("  disk memory  0x8000000-0x83fffff, host 0x100000000-0x1003fffff, "
                              "r-x"));
    assert_true(lines_contain("  disk         Data.img, kept until power-off; a copy"));
    assert_true(lines_contain("  disk memory  0x10000000-0x101fffff, host 0x2200000-0x23fffff, "
                              "rwx"));
    assert_true(lines_contain("  disk         Data.img, loaded again for each life; a copy"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_in_place),  TEST(test_copies),
        TEST(test_not_given), TEST(test_amid_free_memory),
        TEST(test_no_file),   TEST(test_too_little_memory),
        TEST(test_valid),     TEST(test_random),
        TEST(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

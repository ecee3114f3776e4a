/* SPDX-License-Identifier: MIT */
/*
 * test_plan_links: which ends of links a guest has, where their windows are in its memory, that all
 * sides have the same memory, and what is said when there is none for it.
 */
#include "kernel/plan/plan.h"

#include <stdio.h>

#include "support.h"

#include "kernel/plan/modules.h"
#include "plan_guest.h"
#include "pvh_file.h"
#include "vdev/vpci.h"

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;
static struct pvh_file kernel;

/* Between two guests, of which the second may only read. */
static void add_link(const char *name, uint64_t memory, uint32_t first, uint32_t second)
{
    struct config_link *l = &config.links[config.link_count++];

    snprintf(l->name, sizeof(l->name), "%s", name);
    l->line = 100 * config.link_count;
    l->side_count = 2;
    l->sides[0].guest = first;
    l->sides[1].guest = second;
    l->sides[1].read_only = true;
    l->sides_line = l->line + 1;
    l->memory = memory;
    l->memory_line = l->line + 2;
}

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&machine, 0, sizeof(machine));
    config.machine.serial = true;
    machine.core_count = 8;
    machine.ranges[machine.range_count++] = (struct range){2 * MIB, 100 * MIB};
    plan_guest_kernel(&machine, &kernel);
    (void)plan_guest_add(&config, "a", 1, 16 * MIB);
    (void)plan_guest_add(&config, "b", 1, 16 * MIB);
    (void)plan_guest_add(&config, "c", 1, 16 * MIB);
    return 0;
}

static bool make(void)
{
    modules_give(&machine, &config);
    memset(&plan, 0x55, sizeof(plan));
    memset(&report, 0, sizeof(report));
    return plan_make(&plan, &config, &machine, &report);
}

/* What `guest` has at its end `e`: at `at`, the memory of `link`. */
static void expect_window(uint32_t guest, uint32_t e, uint64_t at, uint32_t link, uint32_t rights)
{
    const struct plan_guest *g = &plan.guests[guest];
    const struct guest_region *row = guest_map_find(&g->map, gpa(at));

    assert_int_equal(g->ends[e].link, link);
    assert_int_equal(g->ends[e].at.v, at);
    assert_non_null(row);
    assert_int_equal(row->kind, REGION_SHARED);
    assert_int_equal(row->at.v, at);
    assert_int_equal(row->to.v, plan.links[link].to.v);
    assert_int_equal(row->size, config.links[link].memory);
    assert_int_equal(row->rights, rights);
    assert_string_equal(row->name, config.links[link].name);
}

static void windows_lie_the_largest_first(void **state)
{
    const uint64_t at = VPCI_MEMORY_FIRST;

    (void)state;
    add_link("small", 4 * KIB, 0, 1);
    add_link("bells", 0, 0, 2);
    add_link("large", 4 * MIB, 1, 0);
    if (!make())
        fail_msg("%u: %s", report.rows[0].line, report.rows[0].text);
    assert_true(plan_valid(&plan, &machine));
    assert_int_equal(plan.guests[0].end_count, 3);
    expect_window(0, 0, at + 4 * MIB, 0, PT_R | PT_W);
    assert_int_equal(plan.guests[0].ends[1].link, 1);
    assert_int_equal(plan.guests[0].ends[1].at.v, 0);
    expect_window(0, 2, at, 2, PT_R);
    assert_int_equal(plan.guests[0].ends[2].side, 1);
    assert_int_equal(plan.guests[1].end_count, 2);
    expect_window(1, 0, at + 4 * MIB, 0, PT_R);
    expect_window(1, 1, at, 2, PT_R | PT_W);
    assert_int_equal(plan.guests[2].end_count, 1);
    assert_int_equal(plan.guests[2].ends[0].side, 1);
    assert_int_equal(plan.guests[2].ends[0].at.v, 0);
}

static void a_window_needs_memory_of_its_own(void **state)
{
    (void)state;
    add_link("huge", 128 * MIB, 0, 1);
    assert_false(make());
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].line, 102);
    assert_string_equal(
        report.rows[0].text,
        "link 'huge' wants 128 MiB of memory, 100 MiB are left (100 MiB in the machine)");
}

static void a_link_that_has_its_memory_is_named(void **state)
{
    (void)state;
    add_link("first", 32 * MIB, 0, 1);
    add_link("other", 32 * MIB, 0, 1);
    assert_false(make());
    assert_non_null(strstr(report.rows[0].text, "32 MiB for 'first'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(windows_lie_the_largest_first, setup),
        cmocka_unit_test_setup(a_window_needs_memory_of_its_own, setup),
        cmocka_unit_test_setup(a_link_that_has_its_memory_is_named, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

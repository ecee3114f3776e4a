/* SPDX-License-Identifier: MIT */
/*
 * test_plan_kinds: who gets which cores of a hybrid processor: one kind, unless the file says how
 * many of each.
 */
#include <stdio.h>

#include "kernel/plan/plan_parts.h"
#include "support.h"

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;

#define P CORE_PERFORMANCE
#define E CORE_EFFICIENCY

/* Two P-cores with two threads each, and four E-cores. */
static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    config.machine.reserve_given = true;
    machine = (struct machine){.core_count = 8,
                               .thread_bits = 1,
                               .apic_ids = {0, 1, 8, 9, 16, 18, 20, 22},
                               .kinds = {P, P, P, P, E, E, E, E}};
    return 0;
}

static struct config_cores *add(uint32_t count)
{
    struct config_guest *g = &config.guests[config.guest_count++];

    snprintf(g->name, sizeof(g->name), "%c", (int)('a' + config.guest_count - 1));
    g->cores = (struct config_cores){.line = 10 * config.guest_count, .count = count};
    return &g->cores;
}

static void add_kinds(uint32_t performance, uint32_t efficiency)
{
    struct config_cores *cores = add(performance + efficiency);

    cores->by_kind = true;
    cores->of[P] = performance;
    cores->of[E] = efficiency;
}

static void make(void)
{
    memset(&plan, 0, sizeof(plan));
    memset(&report, 0, sizeof(report));
    plan.config = &config;
    plan.guest_count = config.guest_count;
    for (uint32_t g = 0; g < plan.guest_count; g++)
        plan.guests[g].config = &config.guests[g];
    plan_cores(&plan, &machine, &report);
}

static void assert_cores(const char *want)
{
    char text[200] = "";
    size_t len = 0;

    make();
    if (report.count > 0)
        print_error("%s\n", report.rows[0].text);
    assert_int_equal(report.count, 0);
    for (uint32_t g = 0; g < plan.guest_count; g++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", g == 0 ? "" : " |");
        for (uint32_t i = 0; i < plan.guests[g].core_count; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %u", plan.guests[g].cores[i]);
    }
    assert_string_equal(text, want);
}

static void assert_refused(uint32_t line, const char *text)
{
    make();
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].line, line);
    assert_string_equal(report.rows[0].text, text);
}

static void a_count_is_of_one_kind(void **state)
{
    (void)state;
    add(2);
    add(3);
    add(2);
    assert_cores(" 0 1 | 4 5 6 | 2 3");
}

static void a_count_of_both_is_refused(void **state)
{
    (void)state;
    add(6);
    assert_refused(10, "guest 'a' wants 6 cores, and 4 P-cores and 4 E-cores are left: write how "
                       "many of each, as in 'cores = 4P+2E'");
}

static void kinds_are_given(void **state)
{
    (void)state;
    add_kinds(2, 2);
    add_kinds(0, 1);
    add_kinds(2, 0);
    assert_cores(" 0 1 4 5 | 6 | 2 3");
}

static void too_few_of_a_kind(void **state)
{
    (void)state;
    add_kinds(2, 1);
    add_kinds(1, 4);
    add_kinds(1, 0); /* what the one before asked for is not gone */
    assert_refused(20, "guest 'b' wants 4 E-cores, 3 are left (4 in the machine, 1 for 'a')");
    assert_int_equal(plan.guests[1].core_count, 0);
    assert_int_equal(plan.guests[2].cores[0], 2);
}

static void the_reserved_core_counts(void **state)
{
    (void)state;
    config.machine.reserve = 1;
    add_kinds(4, 0);
    assert_refused(10, "guest 'a' wants 4 P-cores, 2 are left (4 in the machine, 1 reserved); "
                       "others are threads of cores that are taken; 'threads = shared' in "
                       "[machine] allows them");
}

static void lists_are_of_one_kind(void **state)
{
    struct config_cores *cores = add(2);
    (void)state;
    cores->exact = true;
    cores->list[0] = 5;
    cores->list[1] = 6;
    assert_cores(" 5 6");
    cores->list[1] = 2;
    assert_refused(10, "guest 'a' lists cores of two kinds, as #5 (E) and #2 (P): list those of "
                       "one, or write how many of each, as in 'cores = 2P+2E'");
}

static void one_kind_only(void **state)
{
    (void)state;
    memset(machine.kinds, CORE_PLAIN, sizeof(machine.kinds));
    add_kinds(1, 2);
    assert_refused(10, "guest 'a' wants P-cores or E-cores, but all cores of this machine are of "
                       "one kind: write 'cores = 3'");
    config.guest_count = 0;
    add(6);
    assert_cores(" 0 1 2 3 4 5");
}

/* A kind without a name, beside others that have one. */
static void unknown_kinds(void **state)
{
    (void)state;
    machine.kinds[7] = CORE_PLAIN;
    add(4);
    add(3);
    add_kinds(0, 1);
    make();
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].line, 30);
    add(1);
    make();
    assert_int_equal(report.count, 1);
    assert_int_equal(plan.guests[3].cores[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_count_is_of_one_kind, setup),
        cmocka_unit_test_setup(a_count_of_both_is_refused, setup),
        cmocka_unit_test_setup(kinds_are_given, setup),
        cmocka_unit_test_setup(too_few_of_a_kind, setup),
        cmocka_unit_test_setup(the_reserved_core_counts, setup),
        cmocka_unit_test_setup(lists_are_of_one_kind, setup),
        cmocka_unit_test_setup(one_kind_only, setup),
        cmocka_unit_test_setup(unknown_kinds, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

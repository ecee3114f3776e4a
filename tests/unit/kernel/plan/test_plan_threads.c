/* SPDX-License-Identifier: MIT */
/*
 * test_plan_threads: who gets which cores where some are threads of one core: no two owners on one,
 * unless the file says so.
 */
#include <stdio.h>

#include "kernel/plan/plan_parts.h"
#include "support.h"

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;

/* Eight cores, each two with neighbouring APIC ids the threads of one. */
static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    machine =
        (struct machine){.core_count = 8, .thread_bits = 1, .apic_ids = {0, 1, 2, 3, 4, 5, 6, 7}};
    return 0;
}

static struct config_guest *add_guest(const char *name, uint32_t cores)
{
    struct config_guest *g = &config.guests[config.guest_count++];
    snprintf(g->name, sizeof(g->name), "%s", name);
    g->cores = (struct config_cores){.line = 10 * config.guest_count, .count = cores};
    return g;
}

static void add_exact(const char *name, uint32_t first, uint32_t second)
{
    struct config_cores *cores = &add_guest(name, 2)->cores;
    cores->exact = true;
    cores->list[0] = first;
    cores->list[1] = second;
}

static void reserve(uint32_t count)
{
    config.machine.reserve_given = true;
    config.machine.reserve = count;
    config.machine.reserve_line = 3;
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

/* "0 1 | 2": the reserved cores' number, then the guests' cores. */
static void assert_plan(const char *want)
{
    char text[200];
    size_t len = 0;

    make();
    if (report.count > 0)
        print_error("%s\n", report.rows[0].text);
    assert_int_equal(report.count, 0);
    len += (size_t)snprintf(text, sizeof(text), "%u", plan.reserved_cores);
    for (uint32_t g = 0; g < plan.guest_count; g++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, " |");
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

static void whole_cores_go_to_one_guest(void **state)
{
    (void)state;
    add_guest("a", 1);
    add_guest("b", 3);
    assert_plan("1 | 2 | 4 5 6");
    /* The same with the second threads behind all first ones, as much firmware lists them. */
    machine.apic_ids[1] = 2, machine.apic_ids[2] = 4, machine.apic_ids[3] = 6;
    machine.apic_ids[4] = 1, machine.apic_ids[5] = 3, machine.apic_ids[6] = 5;
    assert_plan("1 | 1 | 2 6 3");
}

static void the_monitor_takes_a_whole_core_or_none(void **state)
{
    (void)state;
    add_guest("a", 2);
    add_guest("b", 2);
    add_guest("c", 1);
    assert_plan("1 | 2 3 | 4 5 | 6");
    add_guest("d", 1); /* would need the core beside the monitor's */
    assert_plan("0 | 0 1 | 2 3 | 4 | 6");
    reserve(1);
    assert_refused(40, "guest 'd' wants 1 core, none is left (8 in the machine, 1 reserved, 2 for "
                       "'a', 2 for 'b', 1 for 'c'); others are threads of cores that are taken; "
                       "'threads = shared' in [machine] allows them");
    config.machine.threads_shared = true;
    assert_plan("1 | 1 2 | 3 4 | 5 | 6");
}

static void a_list_is_held_to_it(void **state)
{
    (void)state;
    add_exact("a", 2, 4);
    add_exact("b", 6, 5);
    assert_refused(20, "guest 'b' wants core #5, a thread of the same core as #4, which guest 'a' "
                       "has (line 10); 'threads = shared' in [machine] allows it");
    config.machine.threads_shared = true;
    assert_plan("1 | 2 4 | 6 5");
    config.machine.threads_shared = false;
    config.guests[1].cores.list[1] = 1;
    assert_plan("0 | 2 4 | 6 1"); /* beside core #0, which is then nobody's */
    reserve(1);
    assert_refused(20, "guest 'b' wants core #1, a thread of the same core as #0, which 'reserve = "
                       "1' (line 3) keeps for the monitor; 'threads = shared' in [machine] allows "
                       "it");
}

/* Nobody wrote 'reserve': the reason is the processor, or the default. */
static void what_nobody_wrote_has_its_reason(void **state)
{
    (void)state;
    machine.needs_monitor = true;
    add_exact("a", 2, 1);
    assert_refused(10,
                   "guest 'a' wants core #1, a thread of the same core as #0, which this "
                   "processor needs for the monitor; 'threads = shared' in [machine] allows it");
    config.guests[0].cores.list[1] = 4;
    add_guest("b", 5); /* room on paper: #3 and #5 lie beside a's */
    assert_refused(20, "guest 'b' wants 5 cores, 2 are left (8 in the machine, 1 reserved, as this "
                       "processor needs it, 2 for 'a'); others are threads of cores that are "
                       "taken; 'threads = shared' in [machine] allows them");
    config.guests[1].cores.count = 4;
    machine.needs_monitor = false;
    assert_refused(20, "guest 'b' wants 4 cores, 2 are left (8 in the machine, 1 reserved by "
                       "default, 2 for 'a'); others are threads of cores that are taken; 'threads "
                       "= shared' in [machine] allows them");
}

/* The default keeps core #0 with all its threads, or nothing; a processor that needs it, always. */
static void a_needed_monitor_leaves_whole_cores(void **state)
{
    (void)state;
    add_guest("a", 7);
    assert_plan("0 | 0 1 2 3 4 5 6");
    machine.needs_monitor = true;
    assert_refused(10, "guest 'a' wants 7 cores, 6 are left (8 in the machine, 1 reserved, as this "
                       "processor needs it); others are threads of cores that are taken; 'threads "
                       "= shared' in [machine] allows them");
    config.machine.threads_shared = true;
    assert_plan("1 | 1 2 3 4 5 6 7");
}

/* abuse: BC-08
 * Whatever the file wishes: what is accepted has no core with two owners. */
static void no_plan_shares_a_core(void **state)
{
    uint64_t seed = 1;
    uint32_t accepted = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        setup(NULL);
        machine.core_count = 1 + (uint32_t)(random_next(&seed) % 16);
        machine.thread_bits = (uint32_t)(random_next(&seed) % 4);
        for (uint32_t i = 0; i < machine.core_count; i++)
            machine.apic_ids[i] = i * 5 % 16;
        for (uint64_t g = random_next(&seed) % 4 + 1; g-- > 0;) {
            if (random_next(&seed) % 3 == 0)
                add_exact("x", (uint32_t)(random_next(&seed) % 16),
                          (uint32_t)(random_next(&seed) % 16));
            else
                add_guest("x", 1 + (uint32_t)(random_next(&seed) % 4));
        }
        if (random_next(&seed) % 2)
            reserve((uint32_t)(random_next(&seed) % 4));
        make();
        if (report.count > 0)
            continue;
        accepted++;
        uint32_t owner[16] = {0};
        for (uint32_t i = 0; i < plan.reserved_cores; i++)
            owner[machine.apic_ids[i] >> machine.thread_bits] = 100;
        for (uint32_t g = 0; g < plan.guest_count; g++) {
            for (uint32_t i = 0; i < plan.guests[g].core_count; i++) {
                uint32_t *of =
                    &owner[machine.apic_ids[plan.guests[g].cores[i]] >> machine.thread_bits];
                assert_true(machine.thread_bits == 0 || *of == 0 || *of == g + 1);
                *of = g + 1;
            }
        }
    }
    assert_true(accepted > 2000);
}

/* Several cores of one guest share one idea of time; guests of one core each have their own. */
static void cores_whose_tscs_are_apart(void **state)
{
    for (uint32_t apart = 0; apart < 6; apart += 5) {
        (void)setup(state);
        config.machine.threads_shared = true;
        machine.tsc_apart = apart;
        add_guest("a", 1);
        add_guest("b", 2);
        add_exact("c", 6, 7);
        make();
        assert_int_equal(report.count, apart ? 2 : 0);
        if (apart == 0)
            continue;
        for (uint32_t i = 0; i < 2; i++) {
            char line[LOG_LINE_MAX], want[LOG_LINE_MAX];

            assert_true(errors_print(&report, i, "f", line, sizeof(line)));
            snprintf(want, sizeof(want),
                     "f:%u: guest '%c' wants 2 cores, but the TSC of core #5 is more than 1 us off "
                     "core #0's: write 1",
                     20 + 10 * i, "bc"[i]);
            assert_string_equal(line, want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(whole_cores_go_to_one_guest, setup),
        cmocka_unit_test_setup(cores_whose_tscs_are_apart, setup),
        cmocka_unit_test_setup(the_monitor_takes_a_whole_core_or_none, setup),
        cmocka_unit_test_setup(a_list_is_held_to_it, setup),
        cmocka_unit_test_setup(what_nobody_wrote_has_its_reason, setup),
        cmocka_unit_test_setup(a_needed_monitor_leaves_whole_cores, setup),
        cmocka_unit_test_setup(no_plan_shares_a_core, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

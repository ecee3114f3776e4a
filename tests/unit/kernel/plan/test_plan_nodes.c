/* SPDX-License-Identifier: MIT */
/*
 * test_plan_nodes: memory of the node of a guest's cores where there is room, other memory and a
 * word about it where there is not; no guest is lost to the wish.
 */
#include "kernel/plan/nodes.h"

#include <stdio.h>

#include "kernel/plan/isolation.h"
#include "support.h"

#include "plan_guest.h"
#include "pvh_file.h"

/* Two sockets, each with half of the cores and of 8 GiB. */
#define SOCKET 128
#define BORDER (4 * GIB)

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;
static struct pvh_file kernel;

static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&machine, 0, sizeof(machine));
    machine.core_count = 2 * SOCKET;
    for (uint32_t i = 0; i < machine.core_count; i++) {
        machine.apic_ids[i] = i < SOCKET ? i : 1024 + i;
        machine.nodes[i] = i / SOCKET;
    }
    machine.range_count = 1;
    machine.ranges[0] = (struct range){2 * MIB, 8 * GIB - 2 * MIB};
    machine.near_count = 2;
    machine.near[0] = (struct machine_near){{0, BORDER}, 0};
    machine.near[1] = (struct machine_near){{BORDER, 4 * GIB}, 1};
    plan_guest_kernel(&machine, &kernel);
    config.machine.reserve_given = true;
    return 0;
}

/* `count` cores from `first` on. */
static struct config_guest *add_guest(uint32_t first, uint32_t count, uint64_t memory)
{
    struct config_guest *g = &config.guests[config.guest_count];

    snprintf(g->name, sizeof(g->name), "g%u", config.guest_count++);
    g->cores = (struct config_cores){.count = count, .exact = true};
    for (uint32_t i = 0; i < count; i++)
        g->cores.list[i] = first + i;
    g->memory = memory;
    snprintf(g->image, sizeof(g->image), "k.elf");
    return g;
}

static void accept(void)
{
    char line[256];

    memset(&plan, 0x55, sizeof(plan));
    memset(&report, 0, sizeof(report));
    if (!plan_make(&plan, &config, &machine, &report))
        fail_msg("%s", errors_print(&report, 0, "conf", line, sizeof(line)) ? line : "");
    assert_true(plan_valid(&plan, &machine));
    lines_clear();
    plan_print(&plan, &machine, log_line);
}

static uint64_t base(uint32_t guest)
{
    return guest_map_ram(&plan.guests[guest].map).base;
}

static void memory_is_near(void **state)
{
    (void)state;
    add_guest(SOCKET, 2, 512 * MIB);
    add_guest(2 * SOCKET - 1, 1, 16 * MIB);
    add_guest(0, SOCKET < 64 ? SOCKET : 64, 256 * MIB);
    accept();
    assert_int_equal(base(0), BORDER);
    assert_int_equal(base(1), BORDER + 512 * MIB);
    assert_int_equal(base(2), 2 * MIB);
    assert_true(lines_contain("  nodes        cores in node 1, memory in node 1"));
    assert_true(lines_contain("  nodes        cores in node 0, memory in node 0"));
    assert_false(lines_contain("nearer"));
}

/* 1 GiB is a better base, but only in the right node. */
static void near_and_huge(void **state)
{
    (void)state;
    add_guest(1, 1, 3 * GIB);
    add_guest(SOCKET, 1, 2 * GIB);
    accept();
    assert_int_equal(base(0), GIB);
    assert_int_equal(base(1), BORDER);
    add_guest(2, 1, GIB - 2 * MIB);
    config.guests[0].memory = 3 * GIB + 2 * MIB; /* fits from 2 MiB on only */
    accept();
    assert_int_equal(base(0), 2 * MIB);
}

static void no_room_nearer(void **state)
{
    (void)state;
    add_guest(0, 1, 3 * GIB);
    add_guest(1, 1, 2 * GIB);
    add_guest(2, 1, 5 * GIB - 6 * MIB);
    config.guests[2].memory = 16 * MIB;
    accept();
    assert_int_equal(base(0), GIB);
    assert_int_equal(base(1), BORDER);
    assert_int_equal(base(2), 2 * MIB);
    assert_true(lines_contain("  nodes        cores in node 0, memory in node 1: there was no room "
                              "for all of it nearer"));
    config.guest_count = 0;
    add_guest(0, 1, 6 * GIB); /* more than a node has */
    accept();
    assert_true(lines_contain("  nodes        cores in node 0, memory in nodes 0, 1: there was no "
                              "room for all of it nearer"));
}

/* Each near to its cores, what is left is in pieces: then nobody's wish counts. */
static void no_guest_is_lost(void **state)
{
    (void)state;
    machine.ranges[0] = (struct range){BORDER - GIB, 2 * GIB};
    add_guest(0, 1, 600 * MIB);
    add_guest(SOCKET, 1, 600 * MIB);
    add_guest(1, 1, 800 * MIB);
    accept();
    config.guests[0].memory = 1200 * MIB;
    config.guest_count = 2;
    config.guests[1].memory = 848 * MIB;
    accept();
    assert_int_equal(base(0), BORDER - GIB);
}

/* Most of the cores decide; memory in either node is near to some. */
static void cores_in_both(void **state)
{
    (void)state;
    add_guest(SOCKET - 1, 3, 16 * MIB);
    accept();
    assert_int_equal(nodes_home(&machine, &plan.guests[0]), 1);
    assert_int_equal(base(0), BORDER);
    assert_true(lines_contain("  nodes        cores in nodes 0, 1, memory in node 1"));
    assert_false(lines_contain("nearer"));
    config.guest_count = 0;
    add_guest(SOCKET - 1, 2, 16 * MIB); /* as many: the first core's */
    accept();
    assert_int_equal(nodes_home(&machine, &plan.guests[0]), 0);
    assert_int_equal(base(0), 2 * MIB);
}

static void memory_of_no_node(void **state)
{
    (void)state;
    machine.near_count = 1;
    add_guest(SOCKET, 1, 16 * MIB);
    accept();
    assert_true(lines_contain("cores in node 1, memory in node 0: there was no room"));
    machine.near[0].where = (struct range){6 * GIB, GIB};
    accept();
    assert_true(lines_contain("cores in node 1, memory in no node: there was no room"));
    machine.near_count = 0; /* the firmware does not say */
    accept();
    assert_true(lines_contain("cores in node 1, memory in no node"));
    assert_false(lines_contain("nearer"));
}

static void one_node_is_not_worth_a_word(void **state)
{
    (void)state;
    memset(machine.nodes, 0, sizeof(machine.nodes));
    machine.near_count = 1;
    add_guest(SOCKET, 1, 16 * MIB);
    accept();
    assert_false(nodes_several(&machine));
    assert_false(lines_contain("node"));
}

static void many_nodes_are_cut(void **state)
{
    char text[NODES_TEXT];
    (void)state;
    for (uint32_t i = 0; i < machine.core_count; i++)
        machine.nodes[i] = UINT32_MAX - 10 * i;
    add_guest(0, 8, 16 * MIB);
    accept();
    assert_string_equal(nodes_of_cores(&machine, &plan.guests[0], text),
                        "nodes 4294967225, 4294967235, 4294967245, 4294967255, 4294967265, "
                        "4294967275, 4294967285, 4294967295");
    config.guests[0].cores.count = 9;
    config.guests[0].cores.list[8] = 8;
    accept();
    assert_string_equal(nodes_of_cores(&machine, &plan.guests[0], text),
                        "nodes 4294967215, 4294967225, 4294967235, 4294967245, 4294967255, "
                        "4294967265, 4294967275, 4294967285 ...");
    machine.nodes[8] = UINT32_MAX;
    for (uint32_t i = 0; i < 9; i++)
        machine.nodes[i] = i;
    assert_string_equal(nodes_of_cores(&machine, &plan.guests[0], text),
                        "nodes 0, 1, 2, 3, 4, 5, 6, 7 ...");
}

static void owners_are_in_nodes(void **state)
{
    const struct isolation of = {.plan = &plan, .machine = &machine};
    (void)state;
    machine.core_count = 1;
    add_guest(0, 1, 16 * MIB);
    machine.nodes[0] = 1;
    accept();
    lines_clear();
    isolation_print_owners(&of, log_line);
    assert_int_equal(lines_count(), 3);
    assert_string_equal(lines_last(1), "  g0              0x0100000000-0x0100ffffff    16 MiB  its "
                                       "RAM, in node 1; nobody else can reach it");
    assert_string_equal(lines_last(0), "  g0              core #0 in node 1 with its local APIC "
                                       "(id 0) and its interrupts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(memory_is_near, setup),
        cmocka_unit_test_setup(near_and_huge, setup),
        cmocka_unit_test_setup(no_room_nearer, setup),
        cmocka_unit_test_setup(no_guest_is_lost, setup),
        cmocka_unit_test_setup(cores_in_both, setup),
        cmocka_unit_test_setup(memory_of_no_node, setup),
        cmocka_unit_test_setup(one_node_is_not_worth_a_word, setup),
        cmocka_unit_test_setup(many_nodes_are_cut, setup),
        cmocka_unit_test_setup(owners_are_in_nodes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

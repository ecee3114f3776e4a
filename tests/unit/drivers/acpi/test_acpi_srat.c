/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_srat: nodes from SRAT: domains with any numbers, entries in any order; and tables that
 * contradict themselves or leave something out, which count for nothing, with the reason.
 */
#include "drivers/acpi/acpi.h"

#include "acpi_machine.h"
#include "support.h"

static struct machine m;
static struct acpi_info info;
static struct blob *srat;

/* Cores 0 and 2, and an empty SRAT. */
static int setup(void **state)
{
    (void)state;
    machine_make(&m);
    srat = &m.blobs[SRAT];
    table_begin(&m, SRAT, "SRAT", 48);
    put8(srat, 8, 3); /* revision */
    put64(&m.blobs[XSDT], m.blobs[XSDT].size, srat->address);
    m.blobs[XSDT].size += 8;
    table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
    table_seal(srat, srat->size);
    return 0;
}

static void append(const void *bytes, uint32_t size)
{
    put_bytes(srat, srat->size, bytes, size);
    srat->size += size;
    table_seal(srat, srat->size);
}

static void add_core(uint8_t apic_id, uint32_t domain, uint8_t flags)
{
    append((uint8_t[16]){0, 16, (uint8_t)domain, apic_id, flags, 0, 0, 0, 0, (uint8_t)(domain >> 8),
                         (uint8_t)(domain >> 16), (uint8_t)(domain >> 24)},
           16);
}

static void add_x2apic(uint32_t apic_id, uint32_t domain, uint8_t flags)
{
    uint8_t entry[24] = {2, 24};

    memcpy(entry + 4, &domain, 4);
    memcpy(entry + 8, &apic_id, 4);
    entry[12] = flags;
    append(entry, sizeof(entry));
}

static void add_memory(uint64_t base, uint64_t size, uint32_t domain, uint8_t flags)
{
    uint8_t entry[40] = {1, 40};

    memcpy(entry + 2, &domain, 4);
    memcpy(entry + 8, &base, 8);
    memcpy(entry + 16, &size, 8);
    entry[28] = flags;
    append(entry, sizeof(entry));
}

static void two_nodes(void)
{
    add_core(0, 1, 1);
    add_core(2, 9, 1);
    add_memory(0, GIB, 1, 1);
    add_memory(GIB, GIB, 9, 1);
}

static void expect_none(const char *why)
{
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.core_count, 2);
    assert_int_equal(info.node_count, 0);
    assert_int_equal(info.near_count, 0);
    assert_int_equal(info.core_nodes[0] | info.core_nodes[1], 0);
    assert_int_equal(lines_count(), 2);
    if (!lines_contain(why))
        fail_msg("%s", why);
    assert_true(lines_contain("SRAT at 0x1b0000 is not used: all memory counts as near to every "
                              "core"));
}

static void expect_nodes(uint32_t count)
{
    assert_true(machine_read(&m, &info));
    assert_int_equal(lines_count(), 0);
    assert_int_equal(info.node_count, count);
}

static void domains_of_any_number(void **state)
{
    (void)state;
    madt_add_x2apic(&m, 0x12345, 1);
    add_core(2, 0xfffffffe, 1);
    add_x2apic(0x12345, 0, 1);
    add_core(0, 0x00abcdef, 1);
    add_memory(GIB, GIB, UINT32_MAX, 1); /* without a core */
    expect_nodes(4);
    assert_int_equal(info.domains[1], 0xabcdef);
    assert_int_equal(acpi_node_of(&info, 0), 1);
    assert_int_equal(acpi_node_of(&info, 2), 2);
    assert_int_equal(acpi_node_of(&info, 0x12345), 0);
    assert_int_equal(acpi_node_of(&info, 7), 0); /* not there */
    assert_int_equal(info.near[0].node, 3);
}

/* Revision 1 has domains of 8 bits, the rest is reserved. */
static void domains_of_a_byte(void **state)
{
    (void)state;
    put8(srat, 8, 1);
    add_core(0, 0x77777701, 1);
    add_core(2, 0x02, 1);
    add_memory(0, GIB, 0x88888801, 1);
    expect_nodes(2);
    assert_int_equal(info.domains[0], 1);
    assert_int_equal(info.near[0].node, 0);
}

static void what_is_not_enabled(void **state)
{
    (void)state;
    two_nodes();
    add_core(0, 9, 0);
    add_x2apic(2, 1, 2);
    add_memory(0, GIB, 9, 0);
    add_memory(1, 7, 9, 0);
    add_memory(4 * GIB, 0, 9, 1); /* empty */
    append((uint8_t[20]){3, 20, 5}, 20);
    append((uint8_t[32]){5, 32}, 32);
    expect_nodes(2);
    assert_int_equal(info.near_count, 2);
}

/* Rows in any order; of one node they may touch, repeat and overlap. */
static void memory_in_any_order(void **state)
{
    (void)state;
    two_nodes();
    add_memory(6 * GIB, GIB, 1, 1);
    add_memory(4 * GIB, GIB, 1, 1);
    add_memory(5 * GIB, GIB, 1, 1);
    add_memory(3 * GIB, GIB, 9, 1);
    add_memory(4 * GIB + MIB, 2 * GIB, 1, 1);
    add_memory(7 * GIB, GIB, 9, 1);
    expect_nodes(2);
    assert_int_equal(info.near_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        static const struct acpi_near rows[] = {
            {0, GIB, 0}, {GIB, GIB, 1}, {3 * GIB, GIB, 1}, {4 * GIB, 3 * GIB, 0}, {7 * GIB, GIB, 1},
        };
        assert_int_equal(info.near[i].base, rows[i].base);
        assert_int_equal(info.near[i].size, rows[i].size);
        assert_int_equal(info.near[i].node, rows[i].node);
    }
}

static void one_node(void **state)
{
    (void)state;
    expect_none("leaves out a core that can be started"); /* the table is empty */
    add_core(0, 5, 1);
    add_core(2, 5, 1);
    add_core(99, 5, 1);
    add_memory(0, GIB, 5, 1);
    expect_nodes(0);
    assert_int_equal(info.near_count, 0);
}

static void contradictions(void **state)
{
    static const struct {
        uint64_t base, size;
        const char *why;
    } rows[] = {
        {0, GIB, "lists memory in two domains"},
        {GIB - PAGE_SIZE, PAGE_SIZE, "lists memory in two domains"},
        {0, 8 * GIB, "lists memory in two domains"},
        {4 * GIB + 1, PAGE_SIZE, "has memory that makes no sense"},
        {4 * GIB, PAGE_SIZE - 1, "has memory that makes no sense"},
        {UINT64_MAX - PAGE_SIZE + 1, PAGE_SIZE, "has memory that makes no sense"},
        {UINT64_MAX - PAGE_SIZE + 1, 2 * PAGE_SIZE, "has memory that makes no sense"},
    };
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        setup(state);
        two_nodes();
        add_memory(rows[i].base, rows[i].size, 9, 1);
        expect_none(rows[i].why);
    }
    setup(state);
    two_nodes();
    add_core(2, 1, 1);
    expect_none("lists a core in two domains");
}

static void a_core_is_left_out(void **state)
{
    (void)state;
    two_nodes();
    madt_add_lapic(&m, 4, 1);
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.core_count, 3);
    assert_int_equal(info.node_count, 0);
    assert_true(lines_contain("leaves out a core that can be started"));
}

static void too_many(void **state)
{
    (void)state;
    two_nodes();
    for (uint32_t i = 10; i < 10 + ACPI_NODES_MAX - 2; i++)
        add_x2apic(i, i, 1);
    expect_nodes(ACPI_NODES_MAX);
    add_x2apic(5, 5, 1);
    expect_none("has more than 64 domains");
    setup(state);
    two_nodes();
    for (uint32_t i = 2; i < ACPI_NEAR_MAX; i++)
        add_memory(2 * i * GIB, GIB, 9, 1);
    expect_nodes(2);
    assert_int_equal(info.near_count, ACPI_NEAR_MAX);
    add_memory(1000 * GIB, GIB, 9, 1);
    expect_none("has memory in more than 64 pieces");
}

static void entries_of_every_length(void **state)
{
    static const uint8_t whole[] = {16, 40, 24};

    for (uint8_t type = 0; type < 3; type++) {
        for (uint32_t length = 0; length < 64; length++) {
            uint8_t entry[64] = {type, (uint8_t)length};

            setup(state);
            two_nodes();
            append(entry, 48);
            assert_true(machine_read(&m, &info));
            if (length < 2 || length > 48)
                assert_true(lines_contain("has an entry of invalid length"));
            else if (length < whole[type])
                assert_true(lines_contain("has an entry that is too short"));
            assert_true(length >= whole[type] || info.node_count == 0);
        }
    }
    for (uint32_t length = 36; length < 48; length++) {
        setup(state);
        table_seal(srat, length);
        expect_none("is shorter than its fixed part");
    }
}

static uint32_t change_at;

static void change_domain(struct machine *changing)
{
    if (changing->calls == change_at)
        changing->blobs[SRAT].bytes[50]++;
}

/* At some call the first pass has seen one domain, and the second sees another. */
static void changes_while_read(void **state)
{
    bool seen = false;

    for (change_at = 1; change_at < 200; change_at++) {
        setup(state);
        two_nodes();
        m.between = change_domain;
        (void)machine_read(&m, &info);
        seen = seen || lines_contain("changes while it is read");
        assert_true(info.node_count != 1 && info.node_count <= 3);
    }
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(domains_of_any_number, setup),
        cmocka_unit_test_setup(domains_of_a_byte, setup),
        cmocka_unit_test_setup(what_is_not_enabled, setup),
        cmocka_unit_test_setup(memory_in_any_order, setup),
        cmocka_unit_test_setup(one_node, setup),
        cmocka_unit_test_setup(contradictions, setup),
        cmocka_unit_test_setup(a_core_is_left_out, setup),
        cmocka_unit_test_setup(too_many, setup),
        cmocka_unit_test_setup(entries_of_every_length, setup),
        cmocka_unit_test_setup(changes_while_read, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

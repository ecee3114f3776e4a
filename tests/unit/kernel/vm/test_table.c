/* SPDX-License-Identifier: MIT */
/*
 * test_table: what a guest writes to an MSI-X table, and what of it the device and the IOMMU get:
 * mask bits and messages to the guest's own cores, and nothing else.
 */
#include "kernel/vm/table.h"

#include <asm/prctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drivers/iommu/iommu.h"
#include "kernel/core/cores.h"
#include "support.h"

#define TABLE   0x2010u              /* the table's offset in its BAR: in the midst of a page */
#define AT      UINT64_C(0xc0000000) /* where the guest has the BAR */
#define TO      UINT64_C(0x200000)
#define COUNT   5
#define WORDS   (PAGE_SIZE / sizeof(uint32_t))
#define ROUTE_A 0xfee04000u /* to APIC id 4 */
#define ROUTE_B 0xfee09000u

static struct vm vm;
static struct vcpu vcpus[2];
static struct vcpu_soft softs[2];
static struct plan_guest plan;
static struct pci_entry entry;
static struct device device;
static struct cpu cpu;
static ALIGNED(64) uint32_t page[WORDS]; /* of ours */
static uint32_t own[COUNT * 4];          /* of the device's */
static uint32_t *const ours = page + (TABLE % PAGE_SIZE) / sizeof(uint32_t);
static char told[400];
static bool answers, steps, is_open;

bool iommu_route(struct iommu *i, uint16_t id, uint32_t index, uint32_t apic_id, uint8_t vector)
{
    const size_t len = strlen(told);

    (void)i;
    assert_int_equal(id, 0x18);
    assert_int_equal(own[index * 4 + 3], 1); /* masked while it changes */
    snprintf(told + len, sizeof(told) - len, "%u: %u %x;", index, apic_id, vector);
    return answers;
}

void iommu_message(const struct iommu *i, uint16_t id, uint32_t index, uint32_t *address,
                   uint32_t *data)
{
    (void)i;
    (void)id;
    *address = 0xfee00018;
    *data = index;
}

void *host_window(const struct host_core *core, hpa_t address)
{
    assert_ptr_equal(core, &cpu.host);
    is_open = true;
    return (uint8_t *)page + (address.v - TO);
}

void host_window_close(const struct host_core *core)
{
    (void)core;
    is_open = false;
}

bool virt_write_once(struct vcpu *v)
{
    assert_ptr_equal(v, &vcpus[1]);
    return steps;
}

static int setup(void **state)
{
    (void)state;
    cpu.self = &cpu;
    memset(page, 0xff, sizeof(page));
    memset(own, 0, sizeof(own));
    memset(&plan, 0, sizeof(plan));
    told[0] = '\0';
    answers = steps = true;
    entry = (struct pci_entry){.address = pci_address(0, 3, 0, 0), .msix = {COUNT, 0, TABLE}};
    guest_map_add_ram(&plan.map, hpa(GIB), 16 * MIB);
    guest_map_add_device(&plan.map, gpa(AT), hpa(0xfe000000), 0x2000, "nvme");
    guest_map_add_table(&plan.map, gpa(AT + 0x2000), hpa(TO), PAGE_SIZE, "nvme");
    plan.device_count = 1;
    plan.devices[0] =
        (struct plan_device){.entry = &entry, .messages = 4, .table = gpa(AT + TABLE)};
    device = (struct device){.plan = &plan.devices[0], .table = own};
    vm = (struct vm){
        .plan = &plan, .vcpus = vcpus, .vcpu_count = 2, .device_count = 1, .devices = &device};
    vcpus[0].soft = &softs[0];
    vcpus[1] = (struct vcpu){.vm = &vm, .soft = &softs[1]};
    softs[0].peers = (struct vapic_peers){.count = 2, .apic_ids = {4, 9}};
    softs[1].table_write = gpa(0);
    if (syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu) != 0) /* this_cpu() */
        return -1;
    table_reset(&vm, &device);
    return 0;
}

static bool fault(uint64_t at, uint8_t access, bool walk)
{
    const struct vcpu_exit x = {
        .kind = EXIT_NESTED_FAULT,
        .fault = {.address = gpa(at), .access = access, .table_walk = walk}};

    return table_write(&vcpus[1], &x);
}

/* The guest writes a doubleword of an entry. */
static void put(uint32_t i, uint32_t word, uint32_t value)
{
    assert_true(fault(AT + TABLE + i * 16 + word * 4, NESTED_WRITE, false));
    ours[i * 4 + word] = value;
    table_written(&vcpus[1]);
    assert_false(is_open);
}

static void expect_told(const char *text)
{
    assert_string_equal(told, text);
    told[0] = '\0';
}

static void begins_masked(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(ours[i * 4 + 3], 1);
        assert_int_equal(ours[i * 4], 0);
        assert_int_equal(own[i * 4 + 3], 1);
    }
    assert_int_equal(page[0], 0); /* and of the last life, or of whoever had the page, nothing */
    assert_int_equal(page[WORDS - 1], 0);
    expect_told("");
}

static void a_message(void **state)
{
    (void)state;
    put(1, 0, ROUTE_B);
    put(1, 2, 0x61);
    expect_told("");
    assert_int_equal(own[7], 1);
    put(1, 3, 0);
    expect_told("1: 9 61;");
    assert_int_equal(own[4], 0xfee00018);
    assert_int_equal(own[5], 0);
    assert_int_equal(own[6], 1);
    assert_int_equal(own[7], 0);
    assert_int_equal(own[3], 1); /* its neighbours are as they were */
    assert_int_equal(own[11], 1);
    put(1, 3, 1);
    expect_told("");
    assert_int_equal(own[7], 1);
    assert_int_equal(ours[4], ROUTE_B); /* and the guest reads what it wrote */
}

static void no_message(void **state)
{
    static const struct {
        uint32_t address, high, data;
    } bad[] = {{0xfee05000, 0, 0x61}, /* nobody of the guest's */
               {ROUTE_A, 1, 0x61},    {ROUTE_A, 0, 0x1f},       {ROUTE_A, 0, 0x461},
               {0x12345678, 0, 0x61}, {ROUTE_A | 0x10, 0, 0x61}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        ours[2 * 4] = bad[i].address;
        ours[2 * 4 + 1] = bad[i].high;
        ours[2 * 4 + 2] = bad[i].data;
        put(2, 3, 0);
        expect_told("");
        assert_int_equal(own[11], 1);
        assert_int_equal(own[8], 0xfee00018);
    }
}

/* A store of 64 bytes, told of by its first or its last byte, or by the page's first. */
static void wide_stores(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        ours[i * 4] = ROUTE_A;
        ours[i * 4 + 2] = 0x40 + i;
        ours[i * 4 + 3] = 0;
    }
    assert_true(fault(AT + TABLE, NESTED_WRITE | NESTED_READ, false));
    table_written(&vcpus[1]);
    expect_told("0: 4 40;1: 4 41;2: 4 42;3: 4 43;"); /* the fifth is not the guest's */
    assert_int_equal(own[19], 1);
    assert_true(fault(AT + TABLE + 63, NESTED_WRITE, false));
    table_written(&vcpus[1]);
    expect_told("0: 4 40;1: 4 41;2: 4 42;3: 4 43;");
    assert_true(fault(AT + 0x2000, NESTED_WRITE, false));
    table_written(&vcpus[1]);
    expect_told("0: 4 40;1: 4 41;2: 4 42;");
    assert_true(fault(AT + 0x2f00, NESTED_WRITE, false));
    table_written(&vcpus[1]);
    table_written(&vcpus[1]);
    expect_told("");
}

static void refused(void **state)
{
    (void)state;
    assert_false(fault(AT + TABLE, NESTED_READ, false));
    assert_false(fault(AT + TABLE, NESTED_EXEC, false));
    assert_false(fault(AT + TABLE, NESTED_WRITE, true));
    assert_false(fault(AT + 0x1ff8, NESTED_WRITE, false));
    assert_false(fault(AT + 0x3000, NESTED_WRITE, false));
    steps = false;
    assert_false(fault(AT + TABLE, NESTED_WRITE, false));
    assert_int_equal(softs[1].table_write.v, 0);
}

static void all_of_it(void **state)
{
    (void)state;
    ours[0] = ROUTE_B;
    ours[2] = 0x70;
    ours[3] = 0;
    table_sync_all(&vm, &device);
    expect_told("0: 9 70;");
    answers = false;
    assert_false(device.is_lost);
    table_sync_all(&vm, &device);
    assert_true(device.is_lost);
}

static void without(void **state)
{
    (void)state;
    plan.devices[0].messages = 0;
    page[0] = own[3] = 0x55;
    table_reset(&vm, &device);
    assert_int_equal(page[0], 0x55);
    assert_int_equal(own[3], 0x55);
    assert_true(fault(AT + TABLE, NESTED_WRITE, false));
    table_written(&vcpus[1]);
    expect_told("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(begins_masked, setup), cmocka_unit_test_setup(a_message, setup),
        cmocka_unit_test_setup(no_message, setup),    cmocka_unit_test_setup(wide_stores, setup),
        cmocka_unit_test_setup(refused, setup),       cmocka_unit_test_setup(all_of_it, setup),
        cmocka_unit_test_setup(without, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

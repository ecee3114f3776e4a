/* SPDX-License-Identifier: MIT */
/*
 * test_hypercall: which arguments the call `crash` takes and what of them reaches the diagnosis,
 * those of links, and that the calls of version 1 have kept their numbers. guests/hostile tries the
 * calls from inside.
 */
#include "kernel/vm/hypercall.c"

#include "support.h"

static struct {
    uint32_t crashes, ends;
    struct crash_report report;
    struct vm_end end;
    uint8_t cpl;
    bool is_32bit;
    const struct vm *vm; /* whose doorbells ring */
    uint32_t rings, rung_end, rung_side;
} fake;

uint8_t virt_cpl(const struct vcpu *v)
{
    (void)v;
    return fake.cpl;
}

bool virt_in_64bit(const struct vcpu *v)
{
    (void)v;
    return !fake.is_32bit;
}

bool life_end(struct vm *vm, struct vm_end end)
{
    (void)vm;
    fake.ends++;
    fake.end = end;
    return true;
}

enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report)
{
    (void)v;
    fake.crashes++;
    fake.report = *report;
    return DO_STOP;
}

void link_ring(struct vm *of, uint32_t end, uint32_t side)
{
    assert_ptr_equal(of, fake.vm);
    fake.rings++;
    fake.rung_end = end;
    fake.rung_side = side;
}

void deadlines_update(struct vcpu *v)
{
    (void)v;
}

void deadlines_hurry_console(struct vcpu *v)
{
    (void)v;
}

static struct vcpu_soft soft;
static struct vm vm;
static struct vcpu v;

static enum verdict call(uint64_t number, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    memset(&soft, 0, sizeof(soft));
    v = (struct vcpu){.vm = &vm};
    v.regs.gpr[REG_RAX] = number;
    v.regs.gpr[REG_RBX] = rbx;
    v.regs.gpr[REG_RCX] = rcx;
    v.regs.gpr[REG_RDX] = rdx;
    return hypercall(&v, &soft);
}

static int clear(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    return 0;
}

static void crash_takes_vectors_and_codes(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= BULKHEAD_CRASH_LAST; code++) {
        assert_int_equal(call(BULKHEAD_CALL_CRASH, code, UINT64_MAX, 1), DO_STOP);
        assert_int_equal(fake.crashes, code + 1);
        assert_int_equal(fake.report.code, code);
        assert_int_equal(fake.report.rip, UINT64_MAX);
        assert_int_equal(fake.report.error, 1);
        assert_int_equal(soft.stats.calls[BULKHEAD_CALL_CRASH - BULKHEAD_CALL_BASE], 1);
    }
    assert_int_equal(fake.ends, 0);
}

static void crash_refuses_other_codes(void **state)
{
    static const uint64_t codes[] = {BULKHEAD_CRASH_LAST + 1, UINT32_MAX, UINT64_C(1) << 32,
                                     UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        assert_int_equal(call(BULKHEAD_CALL_CRASH, codes[i], 2, 3), DO_NEXT);
        assert_int_equal(v.regs.gpr[REG_RAX], (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        assert_int_equal(v.regs.gpr[REG_RBX], codes[i]);
        assert_int_equal(v.regs.gpr[REG_RCX], 2);
        assert_int_equal(v.regs.gpr[REG_RDX], 3);
    }
    assert_int_equal(fake.crashes, 0);
}

/* Outside 64-bit mode a guest has no power over the upper halves. */
static void crash_is_cut_to_32_bits(void **state)
{
    const uint64_t high = UINT64_C(0xabcd) << 32;

    (void)state;
    fake.is_32bit = true;
    assert_int_equal(call(high | BULKHEAD_CALL_CRASH, high | 14, high | 0x1234, high | 2), DO_STOP);
    assert_int_equal(fake.report.code, 14);
    assert_int_equal(fake.report.rip, 0x1234);
    assert_int_equal(fake.report.error, 2);
}

static void crash_is_denied_to_user_programs(void **state)
{
    (void)state;
    fake.cpl = 3;
    assert_int_equal(call(BULKHEAD_CALL_CRASH, 14, 0, 0), DO_NEXT);
    assert_int_equal(v.regs.gpr[REG_RAX], (uint64_t)BULKHEAD_ERROR_DENIED);
    assert_int_equal(fake.crashes, 0);
}

/* ------------------------------------------------------------------ links */

/* The guest is side 2 of "bus", which has a window, and side 0 of one that has none. */
static void make_links(void)
{
    static const struct config_link configs[2] = {
        {.name = "abcdefghijklmno",
         .side_count = 4,
         .memory = 64 * KIB,
         .sides = {{"", 0, false}, {"", 1, false}, {"", 2, true}}},
        {.name = "bus", .side_count = 2},
    };
    static const struct plan_link plans[2] = {{&configs[0], {GIB}}, {&configs[1], {0}}};
    static struct link links[2] = {{.plan = &plans[0], .alive = 5}, {.plan = &plans[1]}};
    static const struct plan_guest plan = {.ends = {{0, 2, {0xc0000000}}, {1, 0, {0}}}};
    static struct vcpu vcpus[2] = {{.apic_id = 4}, {.apic_id = 0x106}};

    memset(&vm, 0, sizeof(vm));
    vm.plan = &plan;
    vm.vcpus = vcpus;
    vm.vcpu_count = 2;
    vm.end_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        vm.ends[i].link = &links[i];
        vm.ends[i].device.side_count = configs[i].side_count;
        vpci_plug(&vm.pci, VPCI_LINK + i, &vm.ends[i].device.identity);
    }
    fake.vm = &vm;
}

static void link_info(void **state)
{
    (void)state;
    make_links();
    assert_int_equal(call(BULKHEAD_CALL_LINK_INFO, 0, 0, 0), DO_NEXT);
    const uint64_t *gpr = v.regs.gpr;
    assert_int_equal(gpr[REG_RAX], BULKHEAD_OK);
    assert_int_equal(gpr[REG_RCX], 0xc0000000);
    assert_int_equal(gpr[REG_RDX], 64 * KIB);
    assert_int_equal(gpr[REG_RSI], 2 << 8 | 4 << 16); /* it may only read */
    assert_int_equal(gpr[REG_R9], 5);
    assert_memory_equal(&gpr[REG_RDI], "abcdefgh", 8);
    assert_memory_equal(&gpr[REG_R8], "ijklmno", 8);
    assert_int_equal(call(BULKHEAD_CALL_LINK_INFO, 1, 0, 0), DO_NEXT);
    assert_int_equal(gpr[REG_RAX], BULKHEAD_OK);
    assert_int_equal(gpr[REG_RCX], 0);
    assert_int_equal(gpr[REG_RDX], 0);
    assert_int_equal(gpr[REG_RSI], 1 | 2 << 16);
    for (uint64_t i = 2; i != 0; i *= 2) {
        assert_int_equal(call(BULKHEAD_CALL_LINK_INFO, i, 7, 8), DO_NEXT);
        assert_int_equal(gpr[REG_RAX], (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        assert_int_equal(gpr[REG_RCX], 7);
        assert_int_equal(gpr[REG_RDX], 8);
    }
}

static void link_rings(void **state)
{
    static const struct {
        uint64_t link, side;
        bool rings;
    } rows[] = {{0, 0, true},           {0, 3, true},           {1, 1, true},
                {1, 2, false},          {0, 4, false},          {2, 0, false},
                {UINT64_MAX, 0, false}, {0, UINT64_MAX, false}, {0, 1ull << 32, false},
                {1ull << 32, 0, false}};

    (void)state;
    make_links();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        fake.rings = 0;
        assert_int_equal(call(BULKHEAD_CALL_LINK_RING, rows[i].link, rows[i].side, 0), DO_NEXT);
        assert_int_equal(fake.rings, rows[i].rings);
        assert_int_equal(v.regs.gpr[REG_RAX],
                         (uint64_t)(rows[i].rings ? BULKHEAD_OK : BULKHEAD_ERROR_ARGUMENT));
        if (rows[i].rings) {
            assert_int_equal(fake.rung_end, rows[i].link);
            assert_int_equal(fake.rung_side, rows[i].side);
        }
    }
}

static void link_vectors(void **state)
{
    static const uint64_t refused[][3] = {{2, 0x40, 0},
                                          {UINT64_MAX, 0x40, 0},
                                          {0, 0x1f, 0},
                                          {0, 1, 0},
                                          {0, 0x200, 0},
                                          {0, 0x240, 0},
                                          {0, 1ull << 32 | 0x40, 0},
                                          {0, 0x40, 2},
                                          {0, 0x40, UINT64_MAX},
                                          {0, 0x101, 0}};
    uint32_t address, data;

    (void)state;
    make_links();
    const struct vpci_function *f = &vm.pci.slots[VPCI_LINK];
    assert_int_equal(call(BULKHEAD_CALL_LINK_VECTOR, 0, 0x140, 1), DO_NEXT);
    assert_int_equal(v.regs.gpr[REG_RAX], BULKHEAD_OK);
    assert_true(vpci_message(f, &address, &data));
    assert_int_equal(address, vmsi_address(0x106));
    assert_int_equal(data, 0x40);
    assert_true(vlink_wants_peers(&vm.ends[0].device));
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_int_equal(
            call(BULKHEAD_CALL_LINK_VECTOR, refused[i][0], refused[i][1], refused[i][2]), DO_NEXT);
        assert_int_equal(v.regs.gpr[REG_RAX], (uint64_t)BULKHEAD_ERROR_ARGUMENT);
        assert_true(vpci_message(f, &address, &data));
        assert_int_equal(data, 0x40);
        assert_true(vlink_wants_peers(&vm.ends[0].device));
    }
    assert_int_equal(call(BULKHEAD_CALL_LINK_VECTOR, 0, 0, 0), DO_NEXT);
    assert_int_equal(v.regs.gpr[REG_RAX], BULKHEAD_OK);
    assert_false(vpci_message(f, &address, &data));
    assert_false(vlink_wants_peers(&vm.ends[0].device));
}

/* Numbers that guests in the field have in them. */
static void version_1_is_as_it_was(void **state)
{
    (void)state;
    assert_int_equal(call(0x42480000, 0, 0, 0), DO_NEXT);
    assert_int_equal(v.regs.gpr[REG_RAX], BULKHEAD_ABI_VERSION);
    assert_int_equal(call(0x42480005, 99, 0, 0), DO_STOP);
    assert_int_equal(fake.end.kind, VM_END_POWER_OFF);
    assert_int_equal(fake.end.code, 99);
    assert_int_equal(call(0x42480006, 0, 0, 0), DO_STOP);
    assert_int_equal(fake.end.kind, VM_END_RESTART);
    assert_int_equal(call(BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT, 0, 0, 0), DO_NEXT);
    assert_int_equal(v.regs.gpr[REG_RAX], (uint64_t)BULKHEAD_ERROR_UNKNOWN);
    assert_int_equal(fake.ends, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(crash_takes_vectors_and_codes, clear),
        cmocka_unit_test_setup(crash_refuses_other_codes, clear),
        cmocka_unit_test_setup(crash_is_cut_to_32_bits, clear),
        cmocka_unit_test_setup(crash_is_denied_to_user_programs, clear),
        cmocka_unit_test_setup(version_1_is_as_it_was, clear),
        cmocka_unit_test_setup(link_info, clear),
        cmocka_unit_test_setup(link_rings, clear),
        cmocka_unit_test_setup(link_vectors, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_masks: a guest's number that is an index goes through index_masked(), with the size of what
 * it is an index of. What the mask is for, a range check that speculation does not wait for, is not
 * to be seen from here; so the calls themselves are counted.
 */
#include "lib/bits.h"

#include "support.h"

static struct {
    uint32_t index, count, calls;
} seen;

static uint32_t masked(uint32_t index, uint32_t count)
{
    seen.index = index;
    seen.count = count;
    seen.calls++;
    return index & (count - 1);
}

/* The code under test, with ours in the place of the real one. */
#define index_masked masked
#include "kernel/vm/hypercall.c"
#include "vdev/vcpuid.c"

uint8_t virt_cpl(const struct vcpu *v)
{
    (void)v;
    return 0;
}

bool virt_in_64bit(const struct vcpu *v)
{
    (void)v;
    return true;
}

bool life_end(struct vm *vm, struct vm_end end)
{
    (void)vm;
    (void)end;
    return true;
}

enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report)
{
    (void)v;
    (void)report;
    return DO_STOP;
}

void link_ring(struct vm *vm, uint32_t end, uint32_t side)
{
    (void)vm, (void)end, (void)side;
}

void deadlines_update(struct vcpu *v)
{
    (void)v;
}

void deadlines_hurry_console(struct vcpu *v)
{
    (void)v;
}

static void test_real_mask(void **state)
{
    (void)state;
#undef index_masked
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(index_masked(i, 16), i % 16);
    assert_int_equal(index_masked(UINT32_MAX, 64), 63);
#define index_masked masked
}

static void assert_seen(uint32_t index, uint32_t count)
{
    assert_true(seen.calls > 0);
    assert_int_equal(seen.index, index);
    assert_int_equal(seen.count, count);
    memset(&seen, 0, sizeof(seen));
}

static const uint32_t leaves[] = {0,          1,          7,          0xd,        0x16,
                                  0x1f,       0x20,       0x40000000, 0x40000008, 0x40000101,
                                  0x80000008, 0x80000010, UINT32_MAX};

static void test_cpuid(void **state)
{
    static struct vcpuid table;
    uint32_t out[4];
    (void)state;
    assert_int_equal(ARRAY_SIZE(table.place), VCPUID_SLOTS);
    for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        memset(&seen, 0, sizeof(seen));
        (void)vcpuid_plain(&table, leaves[i]);
        assert_seen(vcpuid_slot(leaves[i]), VCPUID_SLOTS);
        vcpuid_get(&table, leaves[i], 0, 0, 0, out);
        /* Leaves with subleaves look again when there is no such row. */
        assert_true(seen.calls > 0);
        assert_true(seen.calls != 1 || seen.index == vcpuid_slot(leaves[i]));
        assert_int_equal(seen.count, VCPUID_SLOTS);
        memset(&seen, 0, sizeof(seen));
    }
}

static void test_hypercall(void **state)
{
    static struct vcpu_soft soft;
    static struct vm vm;
    struct vcpu v = {.vm = &vm};
    (void)state;
    assert_int_equal(ARRAY_SIZE(soft.stats.calls), VCPU_CALLS);
    for (uint32_t call = 0; call < BULKHEAD_CALL_COUNT; call++) {
        const uint64_t number = BULKHEAD_CALL_BASE + call;
        if (number == BULKHEAD_CALL_TIME || number == BULKHEAD_CALL_WATCHDOG)
            continue; /* the same way; they want a clock */
        memset(&seen, 0, sizeof(seen));
        v.regs.gpr[REG_RAX] = number;
        v.regs.gpr[REG_RBX] = UINT64_MAX;
        (void)hypercall(&v, &soft);
        assert_seen(call, VCPU_CALLS);
        assert_int_equal(soft.stats.calls[call], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_mask),
        cmocka_unit_test(test_cpuid),
        cmocka_unit_test(test_hypercall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

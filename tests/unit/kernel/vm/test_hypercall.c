/* SPDX-License-Identifier: MIT */
/*
 * test_hypercall: which arguments the call `crash` takes, what of them reaches the diagnosis, and
 * that the calls of version 1 have kept their numbers. guests/hostile tries the calls from inside.
 */
#include "kernel/vm/hypercall.c"

#include "support.h"

static struct {
    uint32_t crashes, ends;
    struct crash_report report;
    struct vm_end end;
    uint8_t cpl;
    bool is_32bit;
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

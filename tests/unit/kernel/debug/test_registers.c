/* SPDX-License-Identifier: MIT */
/*
 * test_registers: numbers and sizes as the description says, and what may be changed.
 */
#include "kernel/debug/registers.h"

#include <stdio.h>

#include "support.h"

#include "lib/x86/cr.h"
#include "lib/x86/msr.h"

#define RIP    16
#define EFLAGS 17
#define CS     18
#define ST0    24
#define FOP    39
#define FS     40
#define CR3    44

static struct vcpu_state s;

static int reset(void **state)
{
    (void)state;
    s = (struct vcpu_state){.rip = 0x1000,
                            .rflags = 0x246,
                            .cr0 = 0x80000031,
                            .cr2 = 2,
                            .cr3 = 0x5000,
                            .cr4 = 0x20,
                            .efer = EFER_LMA};
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        s.gpr[i] = 0x100 + i;
    s.segments[SEG_CS] = (struct segment_state){.selector = 8, .attributes = SEGMENT_LONG};
    s.segments[SEG_FS].base = UINT64_C(0xffff888000000000);
    return 0;
}

static uint64_t get(uint32_t number)
{
    uint64_t value = 0;

    assert_true(registers_get(&s, number, &value));
    return value;
}

/* The n-th "<reg" of the description has this name and size. */
static void described(uint32_t number, const char *name, uint32_t bytes)
{
    const char *at = registers_xml;
    char want[64];

    for (uint32_t i = 0; i <= number; i++)
        at = strstr(at, "<reg ") + 1;
    snprintf(want, sizeof(want), "reg name=\"%s\" bitsize=\"%u\"", name, 8 * bytes);
    if (strncmp(at, want, strlen(want)) != 0)
        fail_msg("%u is %.40s", number, at);
    assert_int_equal(registers_size(number), bytes);
}

static void test_description(void **state)
{
    uint32_t count = 0;

    (void)state;
    for (const char *at = registers_xml; (at = strstr(at, "<reg ")); at++)
        count++;
    assert_int_equal(count, registers_count());
    assert_int_equal(registers_size(count), 0);
    described(0, "rax", 8);
    described(7, "rsp", 8);
    described(RIP, "rip", 8);
    described(EFLAGS, "eflags", 4);
    described(CS, "cs", 4);
    described(ST0, "st0", 10);
    described(FOP, "fop", 4);
    described(FS, "fs_base", 8);
    described(CR3, "cr3", 8);
    assert_null(strpbrk(registers_xml, "#$}*")); /* those would have to be escaped in a packet */
}

static void test_get(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(get(1), 0x100 + REG_RBX);
    assert_int_equal(get(4), 0x100 + REG_RSI);
    assert_int_equal(get(RIP), 0x1000);
    assert_int_equal(get(EFLAGS), 0x246);
    assert_int_equal(get(CS), 8);
    assert_true(get(FS) == UINT64_C(0xffff888000000000));
    assert_int_equal(get(CR3 - 2), 0x80000031);
    assert_int_equal(get(CR3 - 1), 2);
    assert_int_equal(get(CR3), 0x5000);
    assert_int_equal(get(CR3 + 1), 0x20);
    assert_int_equal(get(CR3 + 2), EFER_LMA);
    assert_false(registers_get(&s, ST0, &value));
    assert_false(registers_get(&s, FOP, &value));
    assert_false(registers_get(&s, registers_count(), &value));
}

static void test_set(void **state)
{
    (void)state;
    assert_true(registers_set(&s, 3, 7));
    assert_int_equal(s.gpr[REG_RDX], 7);
    assert_true(registers_set(&s, RIP, UINT64_C(0xffffffff81000000)));
    assert_false(registers_set(&s, RIP, UINT64_C(0x800000000000)));
    assert_true(s.rip == UINT64_C(0xffffffff81000000));
    assert_true(registers_set(&s, EFLAGS, 0x246 | RFLAGS_CF | 0x400));
    assert_int_equal(s.rflags, 0x647);
    assert_true(registers_set(&s, EFLAGS, 0x202));
    assert_int_equal(s.rflags, 0x202);
    assert_false(registers_set(&s, EFLAGS, 0x2));   /* IF */
    assert_false(registers_set(&s, EFLAGS, 0x302)); /* TF */
    assert_false(registers_set(&s, EFLAGS, 0x10202));
    assert_true(registers_set(&s, CS, 8)); /* as it is */
    assert_false(registers_set(&s, CS, 16));
    assert_false(registers_set(&s, CR3, 0));
    assert_false(registers_set(&s, ST0, 0));
    assert_false(registers_set(&s, registers_count(), 0));
}

static void test_rip_of_32_bits(void **state)
{
    (void)state;
    s.segments[SEG_CS].attributes = 0;
    assert_true(registers_set(&s, RIP, UINT32_MAX));
    assert_false(registers_set(&s, RIP, UINT64_C(1) << 32));
    s.segments[SEG_CS].attributes = SEGMENT_LONG;
    s.efer = 0;
    assert_false(registers_set(&s, RIP, UINT64_C(1) << 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_description, reset),
        cmocka_unit_test_setup(test_get, reset),
        cmocka_unit_test_setup(test_set, reset),
        cmocka_unit_test_setup(test_rip_of_32_bits, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

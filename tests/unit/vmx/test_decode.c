/* SPDX-License-Identifier: MIT */
/*
 * test_decode: an exit that nobody knows stops its guest, whatever its number, and no number makes
 * the decoder do anything else but choose one of the kinds.
 */
#include "vmx/vmx.h"

#include "support.h"

#include "vmx/bits.h"

/* As vmx_run() has it, which looks at the qualification of a port access by itself. */
static struct vcpu_exit decode(uint32_t reason, uint64_t qualification)
{
    static const struct vcpu_regs regs;
    const struct vmx_raw raw = {.reason = reason, .qualification = qualification};
    struct vcpu_exit x = {.kind = vmx_decode_kind(&raw)};

    if (x.kind == EXIT_PIO && !vmx_io_is_good(qualification))
        x.kind = EXIT_UNKNOWN;
    vmx_decode_details(&raw, &regs, &x);
    assert_true(x.kind < EXIT_KIND_COUNT);
    return x;
}

/* Every basic reason, with every high bit that a processor may set with it. */
/* abuse: PI-16 */
static void test_unknown_reasons(void **state)
{
    uint32_t known = 0;

    (void)state;
    for (uint32_t basic = 0; basic <= 0xffff; basic++) {
        known += decode(basic, 0).kind != EXIT_UNKNOWN;
        for (uint32_t bit = 16; bit < 31; bit++)
            assert_int_equal(decode(basic | BIT32(bit), 0).kind, EXIT_UNKNOWN);
    }
    assert_in_range(known, 25, 60);
    assert_int_equal(decode(86, 0).kind, EXIT_UNKNOWN);
    assert_int_equal(decode(0xffff, 0).kind, EXIT_UNKNOWN);
}

/* An instruction that guests do not have is #UD, also where no control can keep it from exiting; an
 * event that nothing turned on stops the guest. SDM, appendix "VMX Basic Exit Reasons". */
/* abuse: PI-23 */
static void test_forbidden_instructions(void **state)
{
    static const uint8_t instructions[] = {
        11, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 36, 39, 50, 53, 59, 60,
        63, 64, 65, 67, 68, 69, 70, 72, 73, 76, 77, 78, 79, 80, 81, 84, 85,
    };
    static const uint8_t events[] = {1, 4, 5, 6, 43, 44, 45, 49, 56, 62, 66, 75};
    uint32_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
        assert_int_equal(decode(instructions[i], 0).kind, EXIT_FORBIDDEN);
        assert_string_not_equal(vmx_reason_name(instructions[i]), "?");
    }
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        assert_int_equal(decode(events[i], 0).kind, EXIT_UNKNOWN);
    assert_int_equal(decode(74, 0).kind, EXIT_BUS_LOCK); /* this one was asked for */
    for (uint32_t basic = 0; basic <= 0xffff; basic++)
        count += decode(basic, 0).kind == EXIT_FORBIDDEN;
    assert_int_equal(count, ARRAY_SIZE(instructions));
}

/* An entry that failed is never taken for an exit of the same number. */
static void test_failed_entries(void **state)
{
    (void)state;
    for (uint32_t basic = 0; basic <= 0xffff; basic++) {
        const enum exit_kind kind = decode(basic | EXIT_REASON_ENTRY_FAILED, 0).kind;
        assert_int_equal(kind, basic == VMX_REASON_ENTRY_MACHINE_CHECK ? EXIT_MACHINE_CHECK
                                                                       : EXIT_ENTRY_FAILED);
    }
}

/* Qualifications that make no sense: sizes of 3 and 8 bytes, registers that do not exit. */
static void test_qualifications(void **state)
{
    (void)state;
    for (uint64_t size = 0; size < 8; size++)
        assert_int_equal(decode(VMX_REASON_IO, size).kind,
                         size == 0 || size == 1 || size == 3 ? EXIT_PIO : EXIT_UNKNOWN);
    for (uint64_t number = 0; number < 16; number++) {
        for (uint64_t access = 0; access < 4; access++)
            assert_int_equal(decode(VMX_REASON_CR_ACCESS, number | access << 4).kind,
                             access == 0 && (number == 0 || number == 4) ? EXIT_CONTROL
                                                                         : EXIT_UNKNOWN);
    }
}

/* A control register is written from any of sixteen, and RSP is elsewhere than the others. */
static void test_cr_sources(void **state)
{
    const uint64_t rsp = 0x80010033;
    struct vcpu_regs regs = {.gpr = {0}};

    (void)state;
    for (uint64_t i = 0; i < GPR_COUNT; i++)
        regs.gpr[i] = 0x1000 + i;
    for (uint64_t from = 0; from < GPR_COUNT; from++) {
        const struct vmx_raw raw = {
            .reason = VMX_REASON_CR_ACCESS, .qualification = from << 8, .rsp = rsp};
        struct vcpu_exit x = {.kind = vmx_decode_kind(&raw)};
        vmx_decode_details(&raw, &regs, &x);
        assert_int_equal(x.kind, EXIT_CONTROL);
        assert_int_equal(x.cr.value, from == REG_RSP ? rsp : 0x1000 + from);
    }
    assert_true(vmx_exit_needs(VMX_REASON_CR_ACCESS) & NEEDS_RSP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_reasons), cmocka_unit_test(test_forbidden_instructions),
        cmocka_unit_test(test_failed_entries),  cmocka_unit_test(test_qualifications),
        cmocka_unit_test(test_cr_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_decode: writes of control registers. The register that is written from is one of sixteen,
 * and RSP is elsewhere than the others.
 */
#include "vmx/vmx.h"

#include "support.h"
#include "vmx/bits.h"

#define RSP_VALUE UINT64_C(0x80010033)

static void every_register_can_be_written_from(void **state)
{
    struct vcpu_regs regs;
    struct vcpu_exit x;

    (void)state;
    for (uint64_t i = 0; i < GPR_COUNT; i++)
        regs.gpr[i] = 0x1000 + i;
    for (uint64_t number = 0; number <= 4; number += 4) {
        for (uint64_t from = 0; from < GPR_COUNT; from++) {
            const struct vmx_raw raw = {.reason = VMX_REASON_CR_ACCESS,
                                        .qualification = number | from << 8,
                                        .rsp = RSP_VALUE};
            vmx_decode(&raw, &regs, &x);
            assert_int_equal(x.kind, EXIT_CR_WRITE);
            assert_int_equal(x.cr.number, number);
            assert_int_equal(x.cr.value, from == REG_RSP ? RSP_VALUE : 0x1000 + from);
        }
    }
    assert_true(vmx_exit_needs(VMX_REASON_CR_ACCESS) & NEEDS_RSP);
}

static void other_accesses_are_unknown(void **state)
{
    const uint64_t qualifications[] = {3, 8, 1 << 4, 2 << 4, 3 << 4};
    struct vcpu_regs regs = {0};
    struct vcpu_exit x;

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(qualifications); i++) {
        const struct vmx_raw raw = {.reason = VMX_REASON_CR_ACCESS,
                                    .qualification = qualifications[i]};
        vmx_decode(&raw, &regs, &x);
        assert_int_equal(x.kind, EXIT_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_register_can_be_written_from),
        cmocka_unit_test(other_accesses_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

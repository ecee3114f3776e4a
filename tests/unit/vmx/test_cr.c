/* SPDX-License-Identifier: MIT */
/*
 * test_cr: whose each bit of CR0 and CR4 is, for processors with several sets of fixed bits.
 */
#include "vmx/vmx.h"

#include "support.h"

#include "lib/bits.h"
#include "lib/x86/cr.h"

#define CR0_KNOWN                                                                              \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
     CR0_PG)
#define CR4_GUEST (CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXSAVE | CR4_MCE)

/* As silicon has it: PE, NE and PG in CR0, VMXE in CR4. */
static const struct vmx_caps common = {
    .cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
    .cr4_fixed0 = CR4_VMXE,
};

static void cr0_keeps_what_is_everybodys(void **state)
{
    (void)state;
    const struct vmx_cr_policy p = vmx_cr0_policy(&common);

    /* Real mode and paging are the guest's own affair, caches and NE are not. */
    assert_true((p.owned & (CR0_PE | CR0_PG)) == 0);
    assert_true((p.owned & (CR0_CD | CR0_NW | CR0_NE)) == (CR0_CD | CR0_NW | CR0_NE));
    for (uint32_t bit = 0; bit < 32; bit++) {
        const uint64_t believed = CR0_KNOWN ^ BIT64(bit);
        const uint64_t real = vmx_cr_real(p, believed);

        assert_true((real & (CR0_CD | CR0_NW)) == 0);
        assert_true((real & CR0_NE) != 0);
        assert_true((real & ~p.owned) == (believed & ~p.owned));
    }
}

static void cr0_refuses_what_the_manual_does(void **state)
{
    (void)state;
    for (uint32_t low = 0; low < 16; low++) {
        const bool pe = low & 1, pg = low & 2, nw = low & 4, cd = low & 8;
        const uint64_t value =
            (pe ? CR0_PE : 0) | (pg ? CR0_PG : 0) | (nw ? CR0_NW : 0) | (cd ? CR0_CD : 0) | CR0_ET;

        assert_int_equal(vmx_cr0_ok(value), (!pg || pe) && (!nw || cd));
        for (uint32_t bit = 32; bit < 64; bit++)
            assert_false(vmx_cr0_ok(value | BIT64(bit)));
    }
}

static void cr4_keeps_machine_checks_and_vmx(void **state)
{
    (void)state;
    const struct vmx_cr_policy p = vmx_cr4_policy(&common, CR4_GUEST);

    for (uint32_t bit = 0; bit < 64; bit++) {
        const uint64_t one = BIT64(bit);
        const uint64_t real = vmx_cr_real(p, one);

        assert_true((real & (CR4_VMXE | CR4_MCE)) == (CR4_VMXE | CR4_MCE));
        assert_true((real & ~(CR4_GUEST | CR4_VMXE)) == 0);
        assert_int_equal(vmx_cr4_ok(p, one), (one & CR4_GUEST) != 0);
        /* A bit that is not the guest's is not excused by others that are. */
        assert_int_equal(vmx_cr4_ok(p, one | CR4_GUEST), (one & CR4_GUEST) != 0);
    }
    assert_true(vmx_cr4_ok(p, 0));
    assert_true(vmx_cr4_ok(p, CR4_GUEST));
}

/* VMXE is refused even where a policy allows it by mistake: the processor's fixed bit owns it. */
static void cr4_fixed_bits_win(void **state)
{
    (void)state;
    const struct vmx_cr_policy p = vmx_cr4_policy(&common, CR4_GUEST | CR4_VMXE);

    assert_false(vmx_cr4_ok(p, CR4_VMXE));
    assert_true((vmx_cr_real(p, 0) & CR4_VMXE) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cr0_keeps_what_is_everybodys),
        cmocka_unit_test(cr0_refuses_what_the_manual_does),
        cmocka_unit_test(cr4_keeps_machine_checks_and_vmx),
        cmocka_unit_test(cr4_fixed_bits_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

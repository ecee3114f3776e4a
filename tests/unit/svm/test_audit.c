/* SPDX-License-Identifier: MIT */
/*
 * test_audit: a VMCB that VMRUN takes breaks no rule; each rule is broken by a case of its own, and
 * by nothing else.
 */
#include "svm/audit.h"

#include "support.h"

#include "tests/unit/svm/audit_cases.h"

static const struct svm_audit_cpu cpu = {.cr4 = MASK64(10, 0) | CR4_OSXSAVE | CR4_CET,
                                         .efer = MASK64(12, 10) | 0x101,
                                         .physical_bits = 40};

static struct svm_vmcb vmcb;

/* 64-bit mode with paging, all good. */
static void make_good(void)
{
    memset(&vmcb, 0, sizeof(vmcb));
    vmcb.iopm_base = 0x100000;
    vmcb.msrpm_base = 0x200000;
    vmcb.nested_cr3 = 0xfffffff000;
    svm_audit_make_good(&vmcb);
    vmcb.cr3 = 0xfffffff000;
}

/* Real mode, as after a reset. */
static void make_reset(void)
{
    make_good();
    vmcb.efer = EFER_SVME;
    vmcb.cr0 = CR0_ET | CR0_NW | CR0_CD;
    vmcb.cr3 = 0;
    vmcb.cr4 = 0;
    vmcb.cs.attributes = 0x9b;
}

static void test_good(void **state)
{
    (void)state;
    make_good();
    assert_int_equal(svm_audit(&vmcb, &cpu, NULL, 0), 0);
    make_reset();
    assert_int_equal(svm_audit(&vmcb, &cpu, NULL, 0), 0);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(svm_audit_cases); i++) {
        const struct svm_audit_case *c = &svm_audit_cases[i];
        struct svm_breach breaches[4];

        if (c->reset)
            make_reset();
        else
            make_good();
        svm_audit_apply(c, &vmcb);
        const uint32_t count = svm_audit(&vmcb, &cpu, breaches, ARRAY_SIZE(breaches));
        if (count != (c->rule == NULL ? 0 : 1))
            fail_msg("case %zu: %u breaches, the first: %s", i, count,
                     count == 0 ? "none" : breaches[0].rule);
        if (c->rule == NULL)
            continue;
        assert_memory_equal(breaches[0].rule, c->rule, strlen(c->rule));
    }
}

static void test_every_rule_has_a_case(void **state)
{
    const char *rule;

    (void)state;
    for (uint32_t i = 0; (rule = svm_audit_rule(i)) != NULL; i++) {
        bool found = false;
        for (size_t c = 0; c < ARRAY_SIZE(svm_audit_cases); c++)
            found |= svm_audit_cases[c].rule != NULL &&
                     strncmp(rule, svm_audit_cases[c].rule, strlen(svm_audit_cases[c].rule)) == 0;
        if (!found)
            fail_msg("no case breaks: %s", rule);
    }
}

/* Without nested paging its two fields are not looked at. */
static void test_not_nested(void **state)
{
    (void)state;
    make_good();
    vmcb.nested_control = 0;
    vmcb.nested_cr3 = UINT64_MAX;
    vmcb.g_pat = UINT64_MAX;
    assert_int_equal(svm_audit(&vmcb, &cpu, NULL, 0), 0);
}

/* All of an empty VMCB's breaches are counted, and no more is stored than there is room for. */
static void test_several(void **state)
{
    struct svm_breach breaches[2] = {{0}, {"untouched", NULL, 0}};

    (void)state;
    memset(&vmcb, 0, sizeof(vmcb));
    assert_int_equal(svm_audit(&vmcb, &cpu, breaches, 1), 3); /* SVME, VMRUN, ASID */
    assert_string_equal(breaches[0].field, "efer");
    assert_string_equal(breaches[1].rule, "untouched");
    make_good();
    vmcb.asid = 0;
    vmcb.tlb_control = 1;
    assert_int_equal(svm_audit(&vmcb, &cpu, breaches, 1), 1);
    assert_string_equal(breaches[0].field, "asid");
    assert_int_equal(breaches[0].value, 0);
}

static void test_cpu(void **state)
{
    uint32_t words[CPUID_WORDS] = {[CPUID_EXT_8_EAX] = 0x3030, [CPUID_EXT_8_EBX] = BIT32(20)};

    (void)state;
    struct svm_audit_cpu least = svm_audit_cpu_make(words);
    assert_int_equal(least.physical_bits, 48);
    assert_int_equal(least.cr4, 0x7ff);
    assert_int_equal(least.efer, 0x1d01);
    memset(words, 0xff, sizeof(words));
    words[CPUID_EXT_8_EBX] &= ~BIT32(20);
    struct svm_audit_cpu most = svm_audit_cpu_make(words);
    assert_int_equal(most.cr4, 0xf71fff);
    assert_int_equal(most.efer, 0x36fd01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_cases),
        cmocka_unit_test(test_not_nested), cmocka_unit_test(test_every_rule_has_a_case),
        cmocka_unit_test(test_several),    cmocka_unit_test(test_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

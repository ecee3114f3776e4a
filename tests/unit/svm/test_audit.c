/* SPDX-License-Identifier: MIT */
/*
 * test_audit: a VMCB that VMRUN takes breaks no rule; each rule is broken by a case of its own, and
 * by nothing else.
 */
#include "svm/audit.h"

#include "support.h"

#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "svm/bits.h"

#define SVME BIT64(12)

static const struct svm_audit_cpu cpu = {.cr4 = MASK64(10, 0) | CR4_OSXSAVE | CR4_CET,
                                         .efer = MASK64(12, 10) | 0x101,
                                         .physical_bits = 40};

static struct svm_vmcb vmcb;

/* 64-bit mode with paging, all good. */
static void make_good(void)
{
    memset(&vmcb, 0, sizeof(vmcb));
    vmcb.intercept_2 = INTERCEPT2_VMRUN;
    vmcb.iopm_base = 0x100000;
    vmcb.msrpm_base = 0x200000;
    vmcb.asid = 1;
    vmcb.nested_control = NESTED_NP_ENABLE;
    vmcb.nested_cr3 = 0xfffffff000;
    vmcb.g_pat = 0x0007040600070106;
    vmcb.efer = SVME | EFER_LME | EFER_LMA;
    vmcb.cr0 = CR0_PE | CR0_PG | CR0_ET;
    vmcb.cr3 = 0xfffffff000;
    vmcb.cr4 = CR4_PAE;
    vmcb.cs.attributes = 0x9b | ATTRIBUTE_LONG;
    vmcb.dr6 = 0xffff0ff0;
    vmcb.dr7 = 0x400;
}

/* Real mode, as after a reset. */
static void make_reset(void)
{
    make_good();
    vmcb.efer = SVME;
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

/* One field of make_good() (or with `reset`, of make_reset()) changed; NULL: that is allowed. */
struct audit_case {
    size_t offset, size;
    uint64_t value;
    bool reset;
    const char *rule; /* how the text of the broken rule begins */
};

#define SET(field, value) offsetof(struct svm_vmcb, field), sizeof(vmcb.field), value
#define LONG_EFER         (SVME | EFER_LME | EFER_LMA)
#define LONG_CR0          (CR0_PE | CR0_PG | CR0_ET)

static const struct audit_case cases[] = {
    {SET(efer, EFER_LME | EFER_LMA), false, "EFER.SVME"},
    {SET(efer, LONG_EFER | EFER_NXE | EFER_SCE), false, NULL},
    {SET(efer, LONG_EFER | BIT64(14)), false, "EFER must have no bit"},
    {SET(efer, LONG_EFER | BIT64(63)), false, "EFER must have no bit"},
    {SET(cr0, LONG_CR0 | CR0_NW), false, "CR0.NW"},
    {SET(cr0, LONG_CR0 | CR0_CD), false, NULL},
    {SET(cr0, LONG_CR0 | CR0_CD | CR0_NW), false, NULL},
    {SET(cr0, LONG_CR0 | BIT64(32)), false, "bits 63:32 of CR0"},
    {SET(cr3, BIT64(40)), false, "CR3"},
    {SET(cr3, BIT64(63)), false, "CR3"},
    {SET(cr3, BIT64(40)), true, NULL}, /* only long mode reads it */
    {SET(cr4, CR4_PAE | CR4_SMEP), false, "CR4 must have no bit"},
    {SET(cr4, CR4_PAE | BIT64(11)), false, "CR4 must have no bit"},
    {SET(cr4, CR4_PAE | CR4_CET), false, "CR0.WP"},
    {SET(dr6, BIT64(32)), false, "bits 63:32 of DR6"},
    {SET(dr7, BIT64(63)), false, "bits 63:32 of DR7"},
    {SET(cr4, 0), false, "CR4.PAE"},
    {SET(cr0, CR0_PG), false, "CR0.PE"},
    {SET(cr0, 0), false, NULL}, /* LME without PG */
    {SET(cr0, CR0_PG | CR0_PE), true, NULL},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_LONG | ATTRIBUTE_BIG), false, "CS.L"},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_LONG | ATTRIBUTE_BIG), true, NULL},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_BIG), false, NULL}, /* compatibility mode */
    {SET(intercept_2, ~INTERCEPT2_VMRUN), false, "VMRUN"},
    {SET(iopm_base, 0xffffffd000), false, NULL},
    {SET(iopm_base, 0xffffffe000), false, "the IOPM"},
    {SET(iopm_base, UINT64_MAX), false, "the IOPM"},
    {SET(msrpm_base, 0xffffffefff), false, NULL},
    {SET(msrpm_base, 0xfffffff000), false, "the MSRPM"},
    {SET(msrpm_base, BIT64(40)), false, "the MSRPM"},
    {SET(asid, 0), false, "the ASID"},
    {SET(nested_cr3, BIT64(40)), false, "nCR3"},
    {SET(g_pat, 0x0007040602070106), false, "gPAT"},
    {SET(g_pat, 0x0307040600070106), false, "gPAT"},
    {SET(g_pat, 0x0007080600070106), false, "gPAT"},
    {SET(g_pat, 0x0007050600070106), false, NULL}, /* write-protected */
    {SET(event_inject, EVENT_VALID | 1 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, EVENT_VALID | 5 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, EVENT_VALID | 7 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, 7 << EVENT_TYPE_SHIFT), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x302), false, "an injected exception's"},
    {SET(event_inject, EVENT_VALID | 0x320), false, "an injected exception's"},
    {SET(event_inject, EVENT_VALID | 0x31f), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x202), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x0ff), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x4ff), false, NULL},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct audit_case *c = &cases[i];
        struct svm_breach breaches[4];

        if (c->reset)
            make_reset();
        else
            make_good();
        memcpy((uint8_t *)&vmcb + c->offset, &c->value, c->size);
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
        for (size_t c = 0; c < ARRAY_SIZE(cases); c++)
            found |=
                cases[c].rule != NULL && strncmp(rule, cases[c].rule, strlen(cases[c].rule)) == 0;
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

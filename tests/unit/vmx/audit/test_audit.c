/* SPDX-License-Identifier: MIT */
/*
 * test_audit: states that a VM entry takes have no breach; each rule has a state that breaks just
 * it; states of random bits are audited without harm.
 */
#include "vmx/audit/audit.h"

#include "support.h"

#include "audit_cases.h"

#define RANDOM_STATES 20000

/* A CPU that can all that rules are about, with the controls that we run guests with. */
static struct vmx_audit_cpu cpu_rich(void)
{
    return (struct vmx_audit_cpu){
        .misc = BIT64(6) | BIT64(7) | BIT64(8),
        .cr0_fixed0 = CR0_PE | CR0_NE | CR0_PG,
        .cr0_fixed1 = UINT32_MAX,
        .cr4_fixed0 = CR4_VMXE,
        .cr4_fixed1 = MASK64(23, 0),
        .physical_bits = 39,
        .linear_bits = 48,
        .has_cet = true,
        .has_rtm = true,
        .has_sgx = false,
        .pin = PIN_NMI | PIN_VIRTUAL_NMIS,
        .cpu2 = CPU2_EPT | CPU2_VPID | CPU2_UNRESTRICTED_GUEST,
        .entry = ENTRY_LOAD_DEBUG | ENTRY_LOAD_PAT | ENTRY_LOAD_EFER,
    };
}

static uint32_t audit_both(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                           struct vmx_breach breaches[8])
{
    const uint32_t guest = vmx_audit_guest(g, cpu, breaches, 4);
    const uint32_t kept = guest < 4 ? guest : 4;

    return guest + vmx_audit_event(g, cpu, breaches + kept, 4);
}

static bool case_changes(const struct audit_case *c, enum vmcs_field field)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(c->changes); i++) {
        if (c->changes[i].field == field)
            return true;
    }
    return false;
}

/* abuse: VE-03, VE-07, VE-10 */
static void test_cases(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(audit_cases); i++) {
        const struct audit_case *c = &audit_cases[i];
        struct vmx_audit_cpu cpu = cpu_rich();
        struct vmx_guest_fields g;
        struct vmx_breach breaches[8] = {{0}};

        assert_true(audit_make_case(c, &cpu, &g));
        const uint32_t count = audit_both(&g, &cpu, breaches);
        for (uint32_t b = 0; b < count && b < 8; b++) {
            if (count != 1 || !c->rule || !strstr(breaches[b].rule, c->rule))
                print_message("case %u (%s): %s\n", i, c->rule ? c->rule : "none",
                              breaches[b].rule);
        }
        assert_int_equal(count, c->rule ? 1 : 0);
        if (!c->rule)
            continue;
        assert_non_null(strstr(breaches[0].rule, c->rule));
        assert_string_not_equal(vmcs_field_name(breaches[0].field), "?");
        /* Most rules show in a field that was changed; these compare with another. */
        if (!case_changes(c, breaches[0].field))
            assert_true(strstr(c->rule, "RFLAGS") || strstr(c->rule, "BS (") ||
                        strstr(c->rule, "G (") || strstr(c->rule, "DPL") ||
                        strstr(c->rule, "software event"));
    }
}

/* abuse: VE-07 */
static void test_every_rule_has_a_case(void **state)
{
    const char *rule;

    (void)state;
    for (uint32_t i = 0; (rule = vmx_audit_rule(i)) != NULL; i++) {
        bool found = false;

        assert_true(strlen(rule) <= 110); /* with the rest of the diagnosis, one line */
        for (uint32_t c = 0; c < ARRAY_SIZE(audit_cases) && !found; c++)
            found = audit_cases[c].rule && strstr(rule, audit_cases[c].rule) != NULL;
        if (!found)
            print_message("no case breaks: %s\n", rule);
        assert_true(found);
    }
}

static void test_value_is_shown(void **state)
{
    struct vmx_audit_cpu cpu = cpu_rich();
    struct vmx_guest_fields g;
    struct vmx_breach breach;

    (void)state;
    audit_make_state(PROTECTED, &cpu, &g);
    g.segments[SEG_GS].access = 0xc083;
    assert_int_equal(vmx_audit_guest(&g, &cpu, &breach, 1), 1);
    assert_string_equal(vmcs_field_name(breach.field), "GUEST_GS_ACCESS");
    assert_int_equal(breach.value, 0xc083);
}

/* Some rules hold only where the CPU has no feature that lifts them. */
static void test_cpu_matters(void **state)
{
    struct vmx_audit_cpu cpu = cpu_rich();
    struct vmx_guest_fields g;

    (void)state;
    audit_make_state(PROTECTED, &cpu, &g);
    g.event = INTR_VALID | 0x30d;
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 1);
    cpu.basic = BIT64(56);
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 0);

    g.event = INTR_VALID | 0x603;
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 1);
    cpu.misc |= BIT64(30);
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 0);

    cpu.basic = 0;
    g.event = INTR_VALID | 0xb15; /* #CP with its error code */
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 0);
    cpu.has_cet = false;
    assert_int_equal(vmx_audit_event(&g, &cpu, NULL, 0), 1);
    g.event = 0;

    g.interruptibility = BLOCKED_ENCLAVE;
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 1);
    cpu.has_sgx = true;
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 0);
    g.interruptibility = 0;

    g.pending_debug = BIT64(16) | BIT64(12);
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 0);
    cpu.has_rtm = false;
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 1);
    g.pending_debug = 0;

    g.activity = ACTIVITY_SHUTDOWN;
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 0);
    cpu.misc = 0;
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 1);
    g.activity = 0;

    g.efer = g.pat = BIT64(40);
    g.debugctl = g.dr7 = BIT64(40);
    cpu.entry = 0; /* none of them is loaded, so none is checked */
    assert_int_equal(vmx_audit_guest(&g, &cpu, NULL, 0), 0);
}

static void test_all_fields_have_a_place(void **state)
{
    struct vmx_guest_fields g;
    enum vmcs_field field;
    uint64_t *place;
    uint32_t count = 0;

    (void)state;
    memset(&g, 0, sizeof(g));
    for (; (place = vmx_audit_place(&g, count, &field)) != NULL; count++) {
        assert_int_equal(*place, 0); /* no other field has this place */
        *place = field;
        assert_string_not_equal(vmcs_field_name(field), "?");
    }
    assert_int_equal(count, sizeof(g) / sizeof(uint64_t));
    assert_int_equal(g.segments[SEG_TR].limit, VMCS_GUEST_TR_LIMIT);
    assert_int_equal(g.segments[SEG_LDTR].base, VMCS_GUEST_LDTR_BASE);
}

static void test_random_states(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (uint32_t n = 0; n < RANDOM_STATES; n++) {
        struct vmx_audit_cpu cpu = cpu_rich();
        struct vmx_guest_fields g;
        struct vmx_breach breaches[4];
        enum vmcs_field field;
        uint64_t *place;

        audit_make_state((enum audit_mode)(n % AUDIT_MODES), &cpu, &g);
        cpu.entry = (uint32_t)random_next(&seed);
        cpu.physical_bits = 32 + (uint32_t)(random_next(&seed) % 21);
        cpu.linear_bits = random_next(&seed) & 1 ? 48 : 57;
        for (uint32_t i = 0; (place = vmx_audit_place(&g, i, &field)) != NULL; i++) {
            if (random_next(&seed) % 8 == 0)
                *place = random_next(&seed);
        }
        const uint32_t count = vmx_audit_guest(&g, &cpu, breaches, ARRAY_SIZE(breaches));
        for (uint32_t b = 0; b < count && b < ARRAY_SIZE(breaches); b++)
            assert_non_null(breaches[b].rule);
        (void)vmx_audit_event(&g, &cpu, breaches, ARRAY_SIZE(breaches));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),          cmocka_unit_test(test_every_rule_has_a_case),
        cmocka_unit_test(test_value_is_shown), cmocka_unit_test(test_cpu_matters),
        cmocka_unit_test(test_random_states),  cmocka_unit_test(test_all_fields_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

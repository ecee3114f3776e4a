/* SPDX-License-Identifier: MIT */
/*
 * audit_run: holds the fields of a VMCS against all rules. Pure.
 */
#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "vmx/audit/audit_parts.h"

/* Where each field stands in struct vmx_guest_fields; the segments' follow these. */
static const struct place {
    enum vmcs_field field;
    uint32_t offset;
} places[] = {
#define PLACE(name, member)                                    \
    {                                                          \
        VMCS_##name, offsetof(struct vmx_guest_fields, member) \
    }
    PLACE(GUEST_CR0, cr0),
    PLACE(GUEST_CR3, cr3),
    PLACE(GUEST_CR4, cr4),
    PLACE(GUEST_DR7, dr7),
    PLACE(GUEST_DEBUGCTL, debugctl),
    PLACE(GUEST_PAT, pat),
    PLACE(GUEST_EFER, efer),
    PLACE(GUEST_SYSENTER_ESP, sysenter_esp),
    PLACE(GUEST_SYSENTER_EIP, sysenter_eip),
    PLACE(GUEST_S_CET, s_cet),
    PLACE(GUEST_SSP, ssp),
    PLACE(GUEST_SSP_TABLE, ssp_table),
    PLACE(GUEST_GDTR_BASE, gdtr_base),
    PLACE(GUEST_GDTR_LIMIT, gdtr_limit),
    PLACE(GUEST_IDTR_BASE, idtr_base),
    PLACE(GUEST_IDTR_LIMIT, idtr_limit),
    PLACE(GUEST_RIP, rip),
    PLACE(GUEST_RFLAGS, rflags),
    PLACE(GUEST_ACTIVITY, activity),
    PLACE(GUEST_INTERRUPTIBILITY, interruptibility),
    PLACE(GUEST_PENDING_DEBUG, pending_debug),
    PLACE(VMCS_LINK_POINTER, link_pointer),
    PLACE(GUEST_PDPTE0, pdpte[0]),
    PLACE(GUEST_PDPTE1, pdpte[1]),
    PLACE(GUEST_PDPTE2, pdpte[2]),
    PLACE(GUEST_PDPTE3, pdpte[3]),
    PLACE(ENTRY_INTERRUPTION_INFO, event),
    PLACE(ENTRY_EXCEPTION_ERROR, event_error),
    PLACE(ENTRY_INSTRUCTION_LENGTH, event_length),
#undef PLACE
};

/* The members of struct vmx_segment_fields. */
static const enum vmcs_field segment_fields[] = {VMCS_GUEST_ES_SELECTOR, VMCS_GUEST_ES_BASE,
                                                 VMCS_GUEST_ES_LIMIT, VMCS_GUEST_ES_ACCESS};
_Static_assert(sizeof(struct vmx_segment_fields) == sizeof(uint64_t) * ARRAY_SIZE(segment_fields),
               "one field for each member, in their order");

uint64_t *vmx_audit_place(struct vmx_guest_fields *g, uint32_t index, enum vmcs_field *field)
{
    if (index < ARRAY_SIZE(places)) {
        *field = places[index].field;
        return (uint64_t *)(void *)((uint8_t *)g + places[index].offset);
    }
    index -= (uint32_t)ARRAY_SIZE(places);
    const uint32_t segment = index / (uint32_t)ARRAY_SIZE(segment_fields);
    const uint32_t member = index % (uint32_t)ARRAY_SIZE(segment_fields);
    if (segment >= SEG_COUNT)
        return NULL;
    *field = (enum vmcs_field)(segment_fields[member] + 2 * segment);
    return (uint64_t *)&g->segments[segment] + member;
}

static uint64_t audit_value(const struct vmx_guest_fields *g, enum vmcs_field wanted)
{
    struct vmx_guest_fields copy = *g;
    enum vmcs_field field;
    const uint64_t *place;

    for (uint32_t i = 0; (place = vmx_audit_place(&copy, i, &field)) != NULL; i++) {
        if (field == wanted)
            return *place;
    }
    ASSERT(false); /* a rule about a field that is not audited */
    return 0;
}

/* ------------------------------------------------------------------ running the rules */

struct tally {
    struct vmx_breach *breaches;
    uint32_t max, count;
};

static void audit_note(struct tally *t, const char *rule, enum vmcs_field field, uint64_t value)
{
    if (t->count < t->max)
        t->breaches[t->count] = (struct vmx_breach){rule, field, value};
    t->count++;
}

static void audit_plain(const struct audit *a, const struct audit_rule *rules, uint32_t count,
                        struct tally *t)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t value = audit_value(a->g, rules[i].field);

        if (!rules[i].ok(a, value))
            audit_note(t, rules[i].text, rules[i].field, value);
    }
}

static void audit_segments(const struct audit *a, struct tally *t)
{
    for (uint32_t i = 0; i < audit_segment_rule_count; i++) {
        const struct audit_segment_rule *rule = &audit_segment_rules[i];

        for (uint32_t s = 0; s < SEG_COUNT; s++) {
            const enum vmcs_field field = (enum vmcs_field)(rule->field + 2 * s);

            if ((rule->segments >> s & 1) && !rule->ok(a, &a->g->segments[s]))
                audit_note(t, rule->text, field, audit_value(a->g, field));
        }
    }
}

static struct audit audit_begin(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu)
{
    ASSERT(cpu->linear_bits > 1 && cpu->linear_bits <= 64 && cpu->physical_bits <= 52);
    return (struct audit){
        .g = g,
        .cpu = cpu,
        .ia32e = cpu->entry & ENTRY_IA32E,
        .unrestricted = cpu->cpu2 & CPU2_UNRESTRICTED_GUEST,
        .v8086 = g->rflags & RFLAGS_VM,
    };
}

uint32_t vmx_audit_guest(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                         struct vmx_breach *breaches, uint32_t max)
{
    const struct audit a = audit_begin(g, cpu);
    struct tally t = {.breaches = breaches, .max = max};

    audit_plain(&a, audit_register_rules, audit_register_rule_count, &t);
    audit_segments(&a, &t);
    audit_plain(&a, audit_state_rules, audit_state_rule_count, &t);
    return t.count;
}

uint32_t vmx_audit_event(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                         struct vmx_breach *breaches, uint32_t max)
{
    const struct audit a = audit_begin(g, cpu);
    struct tally t = {.breaches = breaches, .max = max};

    audit_plain(&a, audit_event_rules, audit_event_rule_count, &t);
    return t.count;
}

const char *vmx_audit_rule(uint32_t index)
{
    if (index < audit_register_rule_count)
        return audit_register_rules[index].text;
    index -= audit_register_rule_count;
    if (index < audit_segment_rule_count)
        return audit_segment_rules[index].text;
    index -= audit_segment_rule_count;
    if (index < audit_state_rule_count)
        return audit_state_rules[index].text;
    index -= audit_state_rule_count;
    return index < audit_event_rule_count ? audit_event_rules[index].text : NULL;
}

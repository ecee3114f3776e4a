/* SPDX-License-Identifier: MIT */
/*
 * audit_show: which rules hold, one line each.
 */
#include "lib/string.h"
#include "vmx/audit/audit_parts.h"

#define BREACHES 32 /* more are counted only */

/* The rules in the order of vmx_audit_rule(). */
static const struct audit_title {
    const char *title;
    const uint32_t *count;
} audit_titles[] = {
    {"Checks on Guest Control Registers, Debug Registers, and MSRs", &audit_register_rule_count},
    {"Checks on Guest Segment Registers", &audit_segment_rule_count},
    {"Checks on Guest Descriptor-Table Registers; RIP, RFLAGS, and SSP; Non-Register State; PDPTEs",
     &audit_state_rule_count},
    {"VM-Entry Control Fields: event injection", &audit_event_rule_count},
};

static void audit_show_rule(const char *rule, const struct vmx_breach *breaches, uint32_t count,
                            log_sink sink)
{
    bool holds = true;

    for (uint32_t b = 0; b < count; b++) {
        if (!text_equal(breaches[b].rule, rule))
            continue;
        holds = false;
        sink("  BROKEN  %s: %s is 0x%llx", rule, vmcs_field_name(breaches[b].field),
             (unsigned long long)breaches[b].value);
    }
    if (holds)
        sink("  holds   %s", rule);
}

void vmx_audit_show(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                    log_sink sink)
{
    struct vmx_breach breaches[BREACHES];
    uint32_t index = 0;
    uint32_t broken = vmx_audit_guest(g, cpu, breaches, BREACHES);
    uint32_t kept = broken < BREACHES ? broken : BREACHES;
    const uint32_t events = vmx_audit_event(g, cpu, breaches + kept, BREACHES - kept);

    kept += events < BREACHES - kept ? events : BREACHES - kept;
    broken += events;
    for (uint32_t t = 0; t < ARRAY_SIZE(audit_titles); t++) {
        sink("%s:", audit_titles[t].title);
        for (uint32_t i = 0; i < *audit_titles[t].count; i++, index++) {
            const char *rule = vmx_audit_rule(index);
            if (i > 0 && text_equal(rule, vmx_audit_rule(index - 1)))
                continue; /* of the PDPTEs: the same for each */
            audit_show_rule(rule, breaches, kept, sink);
        }
    }
    if (broken > kept)
        sink("%u more are broken", broken - kept);
}

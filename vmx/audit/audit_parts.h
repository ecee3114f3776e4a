/* SPDX-License-Identifier: MIT */
/*
 * audit_parts: how a rule is written down, between audit_run.c and the audit_*.c that have the
 * rules. Nobody else includes it.
 */
#pragma once

#include "vmx/audit/audit.h"
#include "vmx/bits.h"

/* What is audited, and the facts about it that many rules depend on. */
struct audit {
    const struct vmx_guest_fields *g;
    const struct vmx_audit_cpu *cpu;
    bool ia32e;        /* entry control "IA-32e mode guest" */
    bool unrestricted; /* execution control "unrestricted guest" */
    bool v8086;        /* RFLAGS.VM */
};

/* A rule about a field; `value` is that field's. True: it is kept, or does not apply. */
struct audit_rule {
    const char *text;
    enum vmcs_field field;
    bool (*ok)(const struct audit *a, uint64_t value);
};

/* A rule about the same field of several segment registers. */
struct audit_segment_rule {
    const char *text;
    enum vmcs_field field; /* of ES; the others stand two encodings apart */
    uint32_t segments;     /* 1 << enum segment */
    bool (*ok)(const struct audit *a, const struct vmx_segment_fields *s);
};

extern const struct audit_rule audit_register_rules[], audit_state_rules[], audit_event_rules[];
extern const uint32_t audit_register_rule_count, audit_state_rule_count, audit_event_rule_count;
extern const struct audit_segment_rule audit_segment_rules[];
extern const uint32_t audit_segment_rule_count;

/* Bits 63 down to the highest implemented one are all the same. */
static inline bool audit_canonical(const struct audit *a, uint64_t value)
{
    const uint64_t upper = MASK64(63, a->cpu->linear_bits - 1);

    return (value & upper) == 0 || (value & upper) == upper;
}

/* The event to be injected is valid and of `type`. */
static inline bool audit_injects(const struct audit *a, enum intr_type type)
{
    return (a->g->event & INTR_VALID) &&
           (a->g->event & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT == (uint64_t)type;
}

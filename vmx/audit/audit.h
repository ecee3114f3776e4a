/* SPDX-License-Identifier: MIT */
/*
 * audit: the rules that a VM entry holds guest state to, in the manual's words, so that a refused
 * entry can be explained: the CPU itself only says "invalid guest state". Pure; changes nothing.
 *
 * SDM "Checks on the Guest State Area" and, of "Checks on VMX Controls", "VM-Entry Control Fields"
 * as far as event injection goes. Rules of controls that we never turn on (performance counters,
 * processor trace, SMM, ...) are left out. What is in memory (a shadow VMCS) is not checked.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/log.h"
#include "lib/types.h"
#include "vmx/fields.h"

struct vmx_segment_fields {
    uint64_t selector, base, limit, access;
};

/* What is audited, as it stands in the VMCS. */
struct vmx_guest_fields {
    uint64_t cr0, cr3, cr4, dr7;
    uint64_t debugctl, pat, efer, sysenter_esp, sysenter_eip;
    uint64_t s_cet, ssp, ssp_table; /* only where the entry controls load CET state */
    struct vmx_segment_fields segments[SEG_COUNT];
    uint64_t gdtr_base, gdtr_limit, idtr_base, idtr_limit;
    uint64_t rip, rflags;
    uint64_t activity, interruptibility, pending_debug, link_pointer;
    uint64_t pdpte[4];
    uint64_t event, event_error, event_length; /* VM-entry interruption information and company */
};

/* Of the CPU and the controls, what the rules depend on. */
struct vmx_audit_cpu {
    uint64_t basic, misc; /* IA32_VMX_BASIC, IA32_VMX_MISC */
    uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
    uint32_t physical_bits, linear_bits;
    bool has_cet, has_rtm, has_sgx;
    uint32_t pin, cpu2, entry; /* the controls of this VMCS */
};

/* One broken rule. */
struct vmx_breach {
    const char *rule;
    enum vmcs_field field; /* where it shows; the fault may be in another that the rule names */
    uint64_t value;        /* of that field */
};

/* Both store the first `max` breaches and return how many there are. A broken rule of guest state
 * makes the entry a VM exit with reason 33, one of event injection makes it VMfail. */
uint32_t vmx_audit_guest(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                         struct vmx_breach *breaches, uint32_t max);
uint32_t vmx_audit_event(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                         struct vmx_breach *breaches, uint32_t max);

/* The `index`th audited field: its encoding, and its place in `g`; NULL behind the last one. */
uint64_t *vmx_audit_place(struct vmx_guest_fields *g, uint32_t index, enum vmcs_field *field);

/* A line for each rule, under the manual's titles: whether it holds, or what breaks it. */
void vmx_audit_show(const struct vmx_guest_fields *g, const struct vmx_audit_cpu *cpu,
                    log_sink sink);

/* The texts of all rules, for the test that breaks each; NULL behind the last one. */
const char *vmx_audit_rule(uint32_t index);

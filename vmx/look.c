/* SPDX-License-Identifier: MIT */
/*
 * look: reads a VMCS on its core, and shows elsewhere what was read: the monitor's `vmcs`.
 */
#include "lib/string.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

/* From the end: VM_INSTRUCTION_ERROR, which a field that is not there changes, comes first. */
void vmx_look(struct vcpu *v)
{
    struct vmx_look_values *values = &((struct vmx_vcpu *)v->hw)->look;

    for (uint32_t i = VMX_LOOK_FIELDS; i-- > 0;) {
        const struct look_field *field = &vmx_look_fields[i];

        values->now[i] = 0;
        values->is_absent[i] = !vmx_look_has(field, &vmx_caps) ||
                               !vmread_if((enum vmcs_field)field->place, &values->now[i]);
    }
}

const char *vmx_look_name(void)
{
    return "vmcs";
}

static uint64_t vmx_look_value(const struct vmx_look_values *values, enum vmcs_field field)
{
    for (uint32_t i = 0; i < VMX_LOOK_FIELDS; i++) {
        if (vmx_look_fields[i].place == field)
            return values->now[i];
    }
    return 0;
}

static void vmx_look_audit(const struct vmx_look_values *values, log_sink sink)
{
    struct vmx_audit_cpu cpu;
    struct vmx_guest_fields g;
    enum vmcs_field field;
    uint64_t *place;

    vmx_make_audit_cpu(&cpu, (uint32_t)vmx_look_value(values, VMCS_PIN_BASED_CONTROLS),
                       (uint32_t)vmx_look_value(values, VMCS_SECONDARY_CONTROLS),
                       (uint32_t)vmx_look_value(values, VMCS_ENTRY_CONTROLS));
    for (uint32_t i = 0; (place = vmx_audit_place(&g, i, &field)) != NULL; i++)
        *place = vmx_look_value(values, field);
    vmx_audit_show(&g, &cpu, sink);
}

bool vmx_look_show(struct vcpu *v, const char *part, log_sink sink)
{
    struct vmx_look_values *values = &((struct vmx_vcpu *)v->hw)->look;
    const struct vmx_look_context context = {.caps = &vmx_caps,
                                             .reason = vmx_look_value(values, VMCS_EXIT_REASON)};
    const struct look look = {.fields = vmx_look_fields,
                              .count = VMX_LOOK_FIELDS,
                              .parts = vmx_look_parts,
                              .titles = vmx_look_titles,
                              .part_count = LOOK_PARTS,
                              .now = values->now,
                              .shown = values->shown,
                              .is_absent = values->is_absent,
                              .context = &context};
    uint32_t which;

    if (!values->was_shown) /* nothing has changed since */
        memcpy(values->shown, values->now, sizeof(values->shown));
    values->was_shown = true;
    if (!part[0])
        look_show_changes(&look, sink);
    else if (text_equal(part, "audit"))
        vmx_look_audit(values, sink);
    else if (look_part(&look, part, &which))
        look_show(&look, which, sink);
    else
        return false;
    return true;
}

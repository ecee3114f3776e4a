/* SPDX-License-Identifier: MIT */
/*
 * look_fields: every field that a VMCS can have, by the manual's names and in its groups, for the
 * monitor's `vmcs`. What the fields mean is look_words.c's. Pure, but for look.c, which reads them.
 */
#pragma once

#include "lib/look.h"
#include "vmx/fit.h"

/* SDM "Organization of VMCS Data" */
enum vmx_look_part {
    LOOK_GUEST,
    LOOK_HOST,
    LOOK_CONTROLS,
    LOOK_EXIT,
    LOOK_ENTRY,
    LOOK_INFO,
    LOOK_PARTS
};

#define VMX_LOOK_FIELDS 179

extern const struct look_field vmx_look_fields[VMX_LOOK_FIELDS];
extern const char *const vmx_look_parts[LOOK_PARTS], *const vmx_look_titles[LOOK_PARTS];

/* Whether a processor has a field: by what its control words may be. */
bool vmx_look_has(const struct look_field *field, const struct vmx_caps *caps);

/* What a field's words depend on, besides its value: struct look's context. */
struct vmx_look_context {
    const struct vmx_caps *caps;
    uint64_t reason; /* the field's value */
};

/* look_words.c: struct look_field's words(); those of a control word come with which bits the
 * processor does not leave to us. */
void vmx_look_pin(struct look_line *l, uint64_t value, const void *context);
void vmx_look_primary(struct look_line *l, uint64_t value, const void *context);
void vmx_look_secondary(struct look_line *l, uint64_t value, const void *context);
void vmx_look_tertiary(struct look_line *l, uint64_t value, const void *context);
void vmx_look_exit_controls(struct look_line *l, uint64_t value, const void *context);
void vmx_look_entry_controls(struct look_line *l, uint64_t value, const void *context);
void vmx_look_selector(struct look_line *l, uint64_t value, const void *context);
void vmx_look_access(struct look_line *l, uint64_t value, const void *context);
void vmx_look_pat(struct look_line *l, uint64_t value, const void *context);
void vmx_look_activity(struct look_line *l, uint64_t value, const void *context);
void vmx_look_event(struct look_line *l, uint64_t value, const void *context);
void vmx_look_ept_pointer(struct look_line *l, uint64_t value, const void *context);
void vmx_look_reason(struct look_line *l, uint64_t value, const void *context);
void vmx_look_qualification(struct look_line *l, uint64_t value, const void *context);
void vmx_look_error(struct look_line *l, uint64_t value, const void *context);

extern const struct look_bit vmx_look_blocking_bits[], vmx_look_pending_bits[];

/* SPDX-License-Identifier: MIT */
/*
 * audit_event: what SDM "VM-Entry Control Fields" says about event injection.
 */
#include "lib/x86/cr.h"
#include "vmx/audit/audit_parts.h"

#define EVENT_RESERVED  MASK64(30, 12)
#define EXCEPTIONS      32
#define LENGTH_MAX      15
#define BASIC_ANY_ERROR BIT64(56) /* exceptions with or without error code, whatever the vector */
#define MISC_LENGTH_0   BIT64(30) /* software events with an instruction length of 0 */

#define WITH_ERROR                                                               \
    (BIT32(VECTOR_DF) | BIT32(VECTOR_TS) | BIT32(VECTOR_NP) | BIT32(VECTOR_SS) | \
     BIT32(VECTOR_GP) | BIT32(VECTOR_PF) | BIT32(VECTOR_AC))

static bool event_type(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & INTR_VALID) || (value & INTR_TYPE_MASK) >> INTR_TYPE_SHIFT != INTR_RESERVED;
}

static bool event_nmi(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_NMI) || (value & INTR_VECTOR_MASK) == VECTOR_NMI;
}

static bool event_exception(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_HARDWARE_EXCEPTION) || (value & INTR_VECTOR_MASK) < EXCEPTIONS;
}

static bool event_other(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_OTHER) || (value & INTR_VECTOR_MASK) == 0;
}

/* Real mode pushes no error codes, and nothing but exceptions has one. */
static bool event_no_error(const struct audit *a, uint64_t value)
{
    if (!(value & INTR_VALID) || !(value & INTR_HAS_ERROR))
        return true;
    return audit_injects(a, INTR_HARDWARE_EXCEPTION) && (!a->unrestricted || (a->g->cr0 & CR0_PE));
}

static bool event_error(const struct audit *a, uint64_t value)
{
    const uint64_t vector = value & INTR_VECTOR_MASK;
    const uint32_t with_error = WITH_ERROR | (a->cpu->has_cet ? BIT32(VECTOR_CP) : 0);

    if (!audit_injects(a, INTR_HARDWARE_EXCEPTION) || vector >= EXCEPTIONS ||
        (a->cpu->basic & BASIC_ANY_ERROR) || (a->unrestricted && !(a->g->cr0 & CR0_PE)))
        return true;
    return !(value & INTR_HAS_ERROR) == !(with_error >> vector & 1);
}

static bool event_reserved(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & INTR_VALID) || !(value & EVENT_RESERVED);
}

static bool event_error_code(const struct audit *a, uint64_t value)
{
    const bool delivers = (a->g->event & INTR_VALID) && (a->g->event & INTR_HAS_ERROR);

    return !delivers || value >> 16 == 0;
}

static bool event_length(const struct audit *a, uint64_t value)
{
    const uint64_t least = a->cpu->misc & MISC_LENGTH_0 ? 0 : 1;

    if (!audit_injects(a, INTR_SOFTWARE_INTERRUPT) && !audit_injects(a, INTR_SOFTWARE_EXCEPTION) &&
        !audit_injects(a, INTR_PRIVILEGED_SOFTWARE))
        return true;
    return value >= least && value <= LENGTH_MAX;
}

const struct audit_rule audit_event_rules[] = {
    {"the type of an injected event must not be the reserved one", VMCS_ENTRY_INTERRUPTION_INFO,
     event_type},
    {"the vector of an injected NMI must be 2", VMCS_ENTRY_INTERRUPTION_INFO, event_nmi},
    {"the vector of an injected hardware exception must be below 32", VMCS_ENTRY_INTERRUPTION_INFO,
     event_exception},
    {"the vector of an injected other event must be 0", VMCS_ENTRY_INTERRUPTION_INFO, event_other},
    {"only hardware exceptions, not in real mode, deliver an error code",
     VMCS_ENTRY_INTERRUPTION_INFO, event_no_error},
    {"an injected hardware exception must deliver an error code just if its vector has one",
     VMCS_ENTRY_INTERRUPTION_INFO, event_error},
    {"bits 30:12 of the information about an injected event must be 0",
     VMCS_ENTRY_INTERRUPTION_INFO, event_reserved},
    {"bits 31:16 of an injected error code must be 0", VMCS_ENTRY_EXCEPTION_ERROR,
     event_error_code},
    {"the instruction length of an injected software event must be 0 or 1 to 15",
     VMCS_ENTRY_INSTRUCTION_LENGTH, event_length},
};
const uint32_t audit_event_rule_count = ARRAY_SIZE(audit_event_rules);

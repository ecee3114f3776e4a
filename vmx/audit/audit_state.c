/* SPDX-License-Identifier: MIT */
/*
 * audit_state: SDM "Checks on Guest Descriptor-Table Registers", "Checks on Guest RIP, RFLAGS, and
 * SSP", "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table
 * Entries".
 */
#include "lib/x86/cr.h"
#include "vmx/audit/audit_parts.h"

#define RFLAGS_RESERVED (MASK64(63, 22) | BIT64(15) | BIT64(5) | BIT64(3))

#define DEBUGCTL_BTF BIT64(1)

/* Bit 11 (a bus lock) is reserved on older CPUs only: not held against the guest. */
#define PENDING_RESERVED (MASK64(63, 17) | BIT64(15) | BIT64(13) | MASK64(10, 4))
#define PENDING_ENABLED  BIT64(12)
#define PENDING_RTM      BIT64(16)
#define PENDING_WITH_RTM (PENDING_RTM | PENDING_ENABLED) /* nothing else may go with RTM */

#define INTERRUPTIBILITY_RESERVED MASK64(31, 5)

#define PDPTE_PRESENT  BIT64(0)
#define PDPTE_RESERVED (MASK64(8, 5) | MASK64(2, 1))

#define SHADOW (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)

static bool table_limit(const struct audit *a, uint64_t value)
{
    (void)a;
    return value >> 16 == 0;
}

/* ------------------------------------------------------------------ RIP, RFLAGS, SSP */

static bool audit_is_64bit(const struct audit *a)
{
    return a->ia32e && (a->g->segments[SEG_CS].access & SEGMENT_LONG);
}

static bool rip_high(const struct audit *a, uint64_t value)
{
    return audit_is_64bit(a) || value >> 32 == 0;
}

/* Not the same as canonical: bit N-1 need not agree with bits 63:N. */
static bool rip_identical(const struct audit *a, uint64_t value)
{
    if (!audit_is_64bit(a) || a->cpu->linear_bits == 64)
        return true;
    const uint64_t upper = MASK64(63, a->cpu->linear_bits);
    return (value & upper) == 0 || (value & upper) == upper;
}

static bool rflags_reserved(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & RFLAGS_RESERVED) && (value & RFLAGS_FIXED);
}

static bool rflags_vm(const struct audit *a, uint64_t value)
{
    return !(value & RFLAGS_VM) || (!a->ia32e && (a->g->cr0 & CR0_PE));
}

static bool rflags_if(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_EXTERNAL) || (value & RFLAGS_IF);
}

static bool ssp_aligned(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_CET) || (value & 3) == 0;
}

static bool ssp_canonical(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_CET) || rip_identical(a, value);
}

/* ------------------------------------------------------------------ activity */

static bool activity_supported(const struct audit *a, uint64_t value)
{
    return value == ACTIVITY_ACTIVE ||
           (value <= ACTIVITY_WAIT_SIPI && (a->cpu->misc >> (MISC_ACTIVITY_SHIFT + value) & 1));
}

static bool activity_hlt(const struct audit *a, uint64_t value)
{
    return value != ACTIVITY_HLT || bits_get(a->g->segments[SEG_SS].access, 6, 5) == 0;
}

static bool activity_shadow(const struct audit *a, uint64_t value)
{
    return value == ACTIVITY_ACTIVE || !(a->g->interruptibility & SHADOW);
}

/* What may be injected in a state that is not the active one. */
static bool activity_event(const struct audit *a, uint64_t value)
{
    const uint64_t vector = a->g->event & INTR_VECTOR_MASK;
    const bool check = audit_injects(a, INTR_HARDWARE_EXCEPTION) && vector == VECTOR_MC;
    const bool debug = audit_injects(a, INTR_HARDWARE_EXCEPTION) && vector == VECTOR_DB;

    if (!(a->g->event & INTR_VALID))
        return true;
    switch (value) {
    case ACTIVITY_HLT:
        return check || debug || audit_injects(a, INTR_EXTERNAL) || audit_injects(a, INTR_NMI) ||
               (audit_injects(a, INTR_OTHER) && vector == 0);
    case ACTIVITY_SHUTDOWN:
        return check || audit_injects(a, INTR_NMI);
    case ACTIVITY_WAIT_SIPI:
        return false;
    default:
        return true;
    }
}

/* ------------------------------------------------------------------ interruptibility */

static bool blocking_reserved(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & INTERRUPTIBILITY_RESERVED);
}

static bool blocking_both(const struct audit *a, uint64_t value)
{
    (void)a;
    return (value & SHADOW) != SHADOW;
}

static bool blocking_sti(const struct audit *a, uint64_t value)
{
    return !(value & BLOCKED_BY_STI) || (a->g->rflags & RFLAGS_IF);
}

static bool blocking_external(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_EXTERNAL) || !(value & SHADOW);
}

static bool blocking_nmi_mov_ss(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_NMI) || !(value & BLOCKED_BY_MOV_SS);
}

static bool blocking_smi(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & BLOCKED_BY_SMI);
}

static bool blocking_nmi(const struct audit *a, uint64_t value)
{
    return !audit_injects(a, INTR_NMI) || !(a->cpu->pin & PIN_VIRTUAL_NMIS) ||
           !(value & BLOCKED_BY_NMI);
}

static bool blocking_enclave(const struct audit *a, uint64_t value)
{
    return !(value & BLOCKED_ENCLAVE) || (a->cpu->has_sgx && !(value & BLOCKED_BY_MOV_SS));
}

/* ------------------------------------------------------------------ the rest */

static bool pending_reserved(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & PENDING_RESERVED);
}

/* The trap of a single-stepped STI or MOV SS must not get lost, and none be made up. */
static bool pending_step(const struct audit *a, uint64_t value)
{
    const bool steps = (a->g->rflags & RFLAGS_TF) && !(a->g->debugctl & DEBUGCTL_BTF);

    if (!(a->g->interruptibility & SHADOW) && a->g->activity != ACTIVITY_HLT)
        return true;
    return !(value & PENDING_DEBUG_BS) == !steps;
}

static bool pending_rtm(const struct audit *a, uint64_t value)
{
    if (!(value & PENDING_RTM))
        return true;
    return a->cpu->has_rtm && value == PENDING_WITH_RTM &&
           !(a->g->interruptibility & BLOCKED_BY_MOV_SS);
}

static bool link_pointer(const struct audit *a, uint64_t value)
{
    return value == UINT64_MAX ||
           ((value & (PAGE_SIZE - 1)) == 0 && value >> a->cpu->physical_bits == 0);
}

static bool pdpte(const struct audit *a, uint64_t value)
{
    if (a->ia32e || !(a->g->cr0 & CR0_PG) || !(a->g->cr4 & CR4_PAE) || !(value & PDPTE_PRESENT))
        return true;
    return !(value & PDPTE_RESERVED) && value >> a->cpu->physical_bits == 0;
}

#define PDPTE_TEXT "a present PDPTE must have its reserved bits 0"

const struct audit_rule audit_state_rules[] = {
    {"the base of GDTR must be canonical", VMCS_GUEST_GDTR_BASE, audit_canonical},
    {"the base of IDTR must be canonical", VMCS_GUEST_IDTR_BASE, audit_canonical},
    {"the limit of GDTR must have bits 31:16 0", VMCS_GUEST_GDTR_LIMIT, table_limit},
    {"the limit of IDTR must have bits 31:16 0", VMCS_GUEST_IDTR_LIMIT, table_limit},
    {"RIP must have bits 63:32 0 outside 64-bit mode", VMCS_GUEST_RIP, rip_high},
    {"RIP must have all bits beyond the linear-address width the same", VMCS_GUEST_RIP,
     rip_identical},
    {"RFLAGS must have bit 1 1 and its reserved bits 0", VMCS_GUEST_RFLAGS, rflags_reserved},
    {"RFLAGS.VM must be 0 in IA-32e mode or if CR0.PE is 0", VMCS_GUEST_RFLAGS, rflags_vm},
    {"RFLAGS.IF must be 1 if an external interrupt is injected", VMCS_GUEST_RFLAGS, rflags_if},
    {"SSP must have bits 1:0 0", VMCS_GUEST_SSP, ssp_aligned},
    {"SSP must have all bits beyond the linear-address width the same", VMCS_GUEST_SSP,
     ssp_canonical},
    {"the activity state must be one that the CPU supports", VMCS_GUEST_ACTIVITY,
     activity_supported},
    {"the activity state must not be HLT if the DPL of SS is not 0", VMCS_GUEST_ACTIVITY,
     activity_hlt},
    {"the activity state must be active if STI or MOV SS blocks", VMCS_GUEST_ACTIVITY,
     activity_shadow},
    {"the injected event must not be one that the activity state blocks", VMCS_GUEST_ACTIVITY,
     activity_event},
    {"the interruptibility state must have bits 31:5 0", VMCS_GUEST_INTERRUPTIBILITY,
     blocking_reserved},
    {"STI and MOV SS must not both block", VMCS_GUEST_INTERRUPTIBILITY, blocking_both},
    {"STI must not block if RFLAGS.IF is 0", VMCS_GUEST_INTERRUPTIBILITY, blocking_sti},
    {"neither STI nor MOV SS must block an injected external interrupt",
     VMCS_GUEST_INTERRUPTIBILITY, blocking_external},
    {"MOV SS must not block an injected NMI", VMCS_GUEST_INTERRUPTIBILITY, blocking_nmi_mov_ss},
    {"SMIs must not be blocked outside SMM", VMCS_GUEST_INTERRUPTIBILITY, blocking_smi},
    {"NMIs must not be blocked if one is injected with \"virtual NMIs\"",
     VMCS_GUEST_INTERRUPTIBILITY, blocking_nmi},
    {"enclave interruption needs SGX and no blocking by MOV SS", VMCS_GUEST_INTERRUPTIBILITY,
     blocking_enclave},
    {"pending debug exceptions must have their reserved bits 0", VMCS_GUEST_PENDING_DEBUG,
     pending_reserved},
    {"BS (bit 14) must be 1 just if TF is 1 and BTF 0 while STI, MOV SS or HLT blocks",
     VMCS_GUEST_PENDING_DEBUG, pending_step},
    {"RTM (bit 16) needs RTM, bit 12 alone beside it, and no blocking by MOV SS",
     VMCS_GUEST_PENDING_DEBUG, pending_rtm},
    {"the VMCS link pointer must be all ones or the physical address of a page",
     VMCS_VMCS_LINK_POINTER, link_pointer},
    {PDPTE_TEXT, VMCS_GUEST_PDPTE0, pdpte},
    {PDPTE_TEXT, VMCS_GUEST_PDPTE1, pdpte},
    {PDPTE_TEXT, VMCS_GUEST_PDPTE2, pdpte},
    {PDPTE_TEXT, VMCS_GUEST_PDPTE3, pdpte},
};
const uint32_t audit_state_rule_count = ARRAY_SIZE(audit_state_rules);

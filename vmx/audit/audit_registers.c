/* SPDX-License-Identifier: MIT */
/*
 * audit_registers: SDM "Checks on Guest Control Registers, Debug Registers, and MSRs".
 */
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "vmx/audit/audit_parts.h"

/* Reserved on every CPU; others are where the CPU lacks the feature, which cannot be asked. */
#define DEBUGCTL_RESERVED (MASK64(63, 16) | MASK64(5, 3))
#define EFER_RESERVED     (~(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
#define S_CET_RESERVED    MASK64(9, 6)
#define S_CET_SUPPRESS    BIT64(10)
#define S_CET_TRACKER     BIT64(11)

/* PAT memory types 0, 1, 4, 5, 6 and 7: the others are reserved. SDM "IA32_PAT MSR". */
#define PAT_TYPES 0xf3u

static bool audit_fixed(uint64_t value, uint64_t fixed0, uint64_t fixed1, uint64_t checked)
{
    return ((fixed0 & ~value) & checked) == 0 && ((value & ~fixed1) & checked) == 0;
}

/* "Bit 29 (NW) and bit 30 (CD) are never checked because ... not changed by VM entry". */
static bool cr0_supported(const struct audit *a, uint64_t value)
{
    const uint64_t exempt = CR0_NW | CR0_CD | (a->unrestricted ? CR0_PE | CR0_PG : 0);

    return audit_fixed(value, a->cpu->cr0_fixed0, a->cpu->cr0_fixed1, ~exempt);
}

static bool cr0_paging(const struct audit *a, uint64_t value)
{
    (void)a;
    return !(value & CR0_PG) || (value & CR0_PE);
}

static bool cr0_ia32e(const struct audit *a, uint64_t value)
{
    return !a->ia32e || (value & CR0_PG);
}

static bool cr4_supported(const struct audit *a, uint64_t value)
{
    return audit_fixed(value, a->cpu->cr4_fixed0, a->cpu->cr4_fixed1, UINT64_MAX);
}

static bool cr4_cet(const struct audit *a, uint64_t value)
{
    return !(value & CR4_CET) || (a->g->cr0 & CR0_WP);
}

static bool cr4_ia32e(const struct audit *a, uint64_t value)
{
    return !a->ia32e || (value & CR4_PAE);
}

static bool cr4_pcide(const struct audit *a, uint64_t value)
{
    return a->ia32e || !(value & CR4_PCIDE);
}

static bool physical_address(const struct audit *a, uint64_t value)
{
    return value >> a->cpu->physical_bits == 0;
}

static bool debugctl_reserved(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_DEBUG) || !(value & DEBUGCTL_RESERVED);
}

static bool dr7_high(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_DEBUG) || value >> 32 == 0;
}

static bool pat_types(const struct audit *a, uint64_t value)
{
    if (!(a->cpu->entry & ENTRY_LOAD_PAT))
        return true;
    for (uint32_t i = 0; i < 8; i++) {
        const uint64_t type = value >> 8 * i & 0xff;
        if (type > 7 || !(PAT_TYPES >> type & 1))
            return false;
    }
    return true;
}

static bool efer_reserved(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_EFER) || !(value & EFER_RESERVED);
}

static bool efer_lma(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_EFER) || !(value & EFER_LMA) == !a->ia32e;
}

static bool efer_lme(const struct audit *a, uint64_t value)
{
    if (!(a->cpu->entry & ENTRY_LOAD_EFER) || !(a->g->cr0 & CR0_PG))
        return true;
    return !(value & EFER_LMA) == !(value & EFER_LME);
}

static bool cet_canonical(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_CET) || audit_canonical(a, value);
}

static bool cet_reserved(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_CET) || !(value & S_CET_RESERVED);
}

static bool cet_tracker(const struct audit *a, uint64_t value)
{
    return !(a->cpu->entry & ENTRY_LOAD_CET) || !(value & S_CET_SUPPRESS) ||
           !(value & S_CET_TRACKER);
}

const struct audit_rule audit_register_rules[] = {
    {"CR0 must have the bits that VMX operation fixes as they are fixed", VMCS_GUEST_CR0,
     cr0_supported},
    {"CR0.PE must be 1 if CR0.PG is 1", VMCS_GUEST_CR0, cr0_paging},
    {"CR0.PG must be 1 if \"IA-32e mode guest\" is 1", VMCS_GUEST_CR0, cr0_ia32e},
    {"CR4 must have the bits that VMX operation fixes as they are fixed", VMCS_GUEST_CR4,
     cr4_supported},
    {"CR0.WP must be 1 if CR4.CET is 1", VMCS_GUEST_CR4, cr4_cet},
    {"CR4.PAE must be 1 if \"IA-32e mode guest\" is 1", VMCS_GUEST_CR4, cr4_ia32e},
    {"CR4.PCIDE must be 0 if \"IA-32e mode guest\" is 0", VMCS_GUEST_CR4, cr4_pcide},
    {"CR3 must be 0 beyond the physical-address width", VMCS_GUEST_CR3, physical_address},
    {"IA32_DEBUGCTL must have its reserved bits 0", VMCS_GUEST_DEBUGCTL, debugctl_reserved},
    {"DR7 must have bits 63:32 0", VMCS_GUEST_DR7, dr7_high},
    {"IA32_SYSENTER_ESP must be canonical", VMCS_GUEST_SYSENTER_ESP, audit_canonical},
    {"IA32_SYSENTER_EIP must be canonical", VMCS_GUEST_SYSENTER_EIP, audit_canonical},
    {"IA32_S_CET must be canonical", VMCS_GUEST_S_CET, cet_canonical},
    {"IA32_S_CET must have its reserved bits 0", VMCS_GUEST_S_CET, cet_reserved},
    {"IA32_S_CET must not have both TRACKER and SUPPRESS", VMCS_GUEST_S_CET, cet_tracker},
    {"IA32_INTERRUPT_SSP_TABLE_ADDR must be canonical", VMCS_GUEST_SSP_TABLE, cet_canonical},
    {"IA32_PAT must have only memory types 0, 1, 4, 5, 6 and 7", VMCS_GUEST_PAT, pat_types},
    {"IA32_EFER must have its reserved bits 0", VMCS_GUEST_EFER, efer_reserved},
    {"IA32_EFER.LMA must equal \"IA-32e mode guest\"", VMCS_GUEST_EFER, efer_lma},
    {"IA32_EFER.LMA must equal LME if CR0.PG is 1", VMCS_GUEST_EFER, efer_lme},
};
const uint32_t audit_register_rule_count = ARRAY_SIZE(audit_register_rules);

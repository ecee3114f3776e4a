/* SPDX-License-Identifier: MIT */
/*
 * audit_cases: guest states that a VM entry takes, one for each mode, and for each rule of
 * vmx/audit/audit.h changes to one of them that break just that rule. The host test asks the audit
 * about them, the test build of the hypervisor (tests/hook/audit.c) the audit and the processor.
 */
#pragma once

#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "vmx/audit/audit.h"
#include "vmx/bits.h"

enum audit_mode { REAL, PROTECTED, PAE, LONG, COMPATIBLE, V8086, AUDIT_MODES };

/* What is different about the CPU or the controls. */
enum audit_setting {
    AS_IT_IS,
    RESTRICTED, /* without "unrestricted guest" */
    WITH_CET,   /* with "load CET state" */
};

struct audit_case {
    enum audit_mode mode;
    enum audit_setting setting;
    struct {
        enum vmcs_field field;
        uint64_t flip; /* these bits of the mode's state */
    } changes[3];
    const char *rule; /* a part of its text; NULL: none is broken */
};

#define CODE16       UINT64_C(0x9b)
#define DATA16       UINT64_C(0x93)
#define CODE32       UINT64_C(0xc09b)
#define CODE64       UINT64_C(0xa09b)
#define DATA32       UINT64_C(0xc093)
#define TSS_BUSY     UINT64_C(0x8b)
#define LDT_PRESENT  UINT64_C(0x82)
#define V8086_RIGHTS UINT64_C(0xf3)
#define PAT_DEFAULT  UINT64_C(0x0007040600070406)

static inline void audit_set_segments(struct vmx_guest_fields *g, uint64_t code, uint64_t data,
                                      uint64_t limit)
{
    for (uint32_t s = 0; s <= SEG_GS; s++)
        g->segments[s] = (struct vmx_segment_fields){.limit = limit, .access = data};
    g->segments[SEG_CS].access = code;
    g->segments[SEG_TR] = (struct vmx_segment_fields){.limit = 0x67, .access = TSS_BUSY};
    g->segments[SEG_LDTR] = (struct vmx_segment_fields){.access = ACCESS_UNUSABLE};
}

/* A valid state; also sets "IA-32e mode guest" in cpu->entry as the mode wants it. */
static inline void audit_make_state(enum audit_mode mode, struct vmx_audit_cpu *cpu,
                                    struct vmx_guest_fields *g)
{
    *g = (struct vmx_guest_fields){
        .cr0 = cpu->cr0_fixed0 & ~(CR0_PE | CR0_PG),
        .cr4 = cpu->cr4_fixed0,
        .cr3 = 0x1000,
        .dr7 = 0x400,
        .pat = PAT_DEFAULT,
        .gdtr_limit = 0xffff,
        .idtr_limit = 0,
        .rip = 0x8000,
        .rflags = RFLAGS_FIXED,
        .link_pointer = UINT64_MAX,
    };
    cpu->entry &= ~ENTRY_IA32E;
    switch (mode) {
    case REAL:
        audit_set_segments(g, CODE16, DATA16, 0xffff);
        break;
    case PROTECTED:
        g->cr0 |= CR0_PE;
        audit_set_segments(g, CODE32, DATA32, UINT32_MAX);
        break;
    case PAE:
        g->cr0 |= CR0_PE | CR0_PG;
        g->cr4 |= CR4_PAE;
        audit_set_segments(g, CODE32, DATA32, UINT32_MAX);
        break;
    case LONG:
    case COMPATIBLE:
        g->cr0 |= CR0_PE | CR0_PG;
        g->cr4 |= CR4_PAE;
        g->efer = EFER_LME | EFER_LMA;
        cpu->entry |= ENTRY_IA32E;
        audit_set_segments(g, mode == LONG ? CODE64 : CODE32, DATA32, UINT32_MAX);
        break;
    case V8086:
        g->cr0 |= CR0_PE;
        g->rflags |= RFLAGS_VM;
        audit_set_segments(g, V8086_RIGHTS, V8086_RIGHTS, 0xffff);
        for (uint32_t s = 0; s <= SEG_GS; s++) {
            g->segments[s].selector = 0x100 * s;
            g->segments[s].base = 0x1000 * s;
        }
        break;
    case AUDIT_MODES:
        ASSERT(false); /* the number of modes */
    }
}

/* True when there is such a field. */
static inline bool audit_flip(struct vmx_guest_fields *g, enum vmcs_field wanted, uint64_t bits)
{
    enum vmcs_field field;
    uint64_t *place;

    for (uint32_t i = 0; (place = vmx_audit_place(g, i, &field)) != NULL; i++) {
        if (field == wanted) {
            *place ^= bits;
            return true;
        }
    }
    return false;
}

#define F(name, bits)       \
    {                       \
        VMCS_##name, (bits) \
    }
#define EVENT(bits)                                       \
    {                                                     \
        VMCS_ENTRY_INTERRUPTION_INFO, INTR_VALID | (bits) \
    }
#define EVENT_UD      EVENT(0x306)
#define EVENT_NMI     EVENT(0x202)
#define EVENT_IRQ     EVENT(0x020)
#define EVENT_MC      EVENT(0x312)
#define EVENT_GP      EVENT(0xb0d)
#define IF_ON         F(GUEST_RFLAGS, RFLAGS_IF)
#define BLOCKED(bits) F(GUEST_INTERRUPTIBILITY, bits)
#define USABLE_LDTR   F(GUEST_LDTR_ACCESS, ACCESS_UNUSABLE | LDT_PRESENT)

/* clang-format off */
static const struct audit_case audit_cases[] = {
    /* nothing broken */
    {REAL, AS_IT_IS, {{0}}, NULL},
    {PROTECTED, AS_IT_IS, {{0}}, NULL},
    {PAE, AS_IT_IS, {{0}}, NULL},
    {LONG, AS_IT_IS, {{0}}, NULL},
    {COMPATIBLE, AS_IT_IS, {{0}}, NULL},
    {V8086, AS_IT_IS, {{0}}, NULL},
    {PAE, RESTRICTED, {{0}}, NULL},
    {LONG, RESTRICTED, {{0}}, NULL},
    {LONG, WITH_CET, {{0}}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR0, CR0_CD | CR0_NW)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 8)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_ACCESS, 8)}, NULL},
    {PROTECTED, AS_IT_IS, {USABLE_LDTR}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_DS_ACCESS, ACCESS_UNUSABLE | DATA32)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_DS_SELECTOR, 3)}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT_UD}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT_GP}, NULL},
    {REAL, AS_IT_IS, {EVENT(0x30d)}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT_NMI}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT_IRQ, IF_ON}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT(0x480), F(ENTRY_INSTRUCTION_LENGTH, 2)}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT(0x501), F(ENTRY_INSTRUCTION_LENGTH, 1)}, NULL},
    {PROTECTED, AS_IT_IS, {EVENT(0x603), F(ENTRY_INSTRUCTION_LENGTH, 15)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT), EVENT_NMI}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT), EVENT_MC}, NULL},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_STI), IF_ON}, NULL},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_MOV_SS)}, NULL},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_NMI)}, NULL},
    {PROTECTED, AS_IT_IS,
     {BLOCKED(BLOCKED_BY_MOV_SS), F(GUEST_RFLAGS, RFLAGS_TF), F(GUEST_PENDING_DEBUG, 0x4000)}, NULL},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE1, 0x5001)}, NULL},
    {PROTECTED, AS_IT_IS, {F(GUEST_PDPTE1, UINT64_MAX)}, NULL},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE1, UINT64_MAX - 1)}, NULL},
    {LONG, AS_IT_IS, {F(GUEST_RIP, UINT64_C(0xffff) << 48)}, NULL},

    /* control registers, debug registers, MSRs */
    {PROTECTED, AS_IT_IS, {F(GUEST_CR0, CR0_NE)}, "CR0 must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR0, BIT64(32))}, "CR0 must have"},
    {PAE, RESTRICTED, {F(GUEST_CR0, CR0_PG)}, "CR0 must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR0, CR0_PE | CR0_PG)}, "CR0.PE must be 1"},
    {LONG, AS_IT_IS, {F(GUEST_CR0, CR0_PG)}, "CR0.PG must be 1"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR4, CR4_VMXE)}, "CR4 must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR4, BIT64(63))}, "CR4 must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR4, CR4_CET)}, "CR0.WP must be 1"},
    {LONG, AS_IT_IS, {F(GUEST_CR4, CR4_PAE)}, "CR4.PAE must be 1"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR4, CR4_PCIDE)}, "CR4.PCIDE must be 0"},
    {LONG, AS_IT_IS, {F(GUEST_CR3, BIT64(51))}, "CR3 must be 0"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CR3, BIT64(63))}, "CR3 must be 0"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DEBUGCTL, BIT64(3))}, "IA32_DEBUGCTL"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DEBUGCTL, BIT64(63))}, "IA32_DEBUGCTL"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DR7, BIT64(32))}, "DR7"},
    {PROTECTED, AS_IT_IS, {F(GUEST_SYSENTER_ESP, BIT64(60))}, "SYSENTER_ESP"},
    {LONG, AS_IT_IS, {F(GUEST_SYSENTER_EIP, BIT64(60))}, "SYSENTER_EIP"},
    {LONG, WITH_CET, {F(GUEST_S_CET, BIT64(60))}, "S_CET must be canonical"},
    {LONG, WITH_CET, {F(GUEST_S_CET, BIT64(7))}, "S_CET must have its reserved"},
    {LONG, WITH_CET, {F(GUEST_S_CET, BIT64(10) | BIT64(11))}, "TRACKER"},
    {LONG, WITH_CET, {F(GUEST_SSP_TABLE, BIT64(60))}, "SSP_TABLE"},
    {PROTECTED, AS_IT_IS, {F(GUEST_PAT, 4)}, "IA32_PAT"},
    {PROTECTED, AS_IT_IS, {F(GUEST_PAT, BIT64(59))}, "IA32_PAT"},
    {PROTECTED, AS_IT_IS, {F(GUEST_EFER, BIT64(1))}, "IA32_EFER must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_EFER, EFER_LMA | EFER_LME)}, "IA32_EFER.LMA must equal \""},
    {LONG, AS_IT_IS, {F(GUEST_EFER, EFER_LMA | EFER_LME)}, "IA32_EFER.LMA must equal \""},
    {LONG, AS_IT_IS, {F(GUEST_EFER, EFER_LME)}, "IA32_EFER.LMA must equal LME"},
    {PAE, AS_IT_IS, {F(GUEST_EFER, EFER_LME)}, "IA32_EFER.LMA must equal LME"},

    /* segment registers */
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_SELECTOR, 4)}, "TI (bit 2)"},
    {PROTECTED, AS_IT_IS, {USABLE_LDTR, F(GUEST_LDTR_SELECTOR, 4)}, "TI (bit 2)"},
    {PAE, RESTRICTED,
     {F(GUEST_SS_SELECTOR, 1), F(GUEST_SS_ACCESS, 0x20), F(GUEST_CS_ACCESS, 0x20)}, "same RPL"},
    {V8086, AS_IT_IS, {F(GUEST_DS_BASE, 0x10)}, "selector * 16"},
    {PROTECTED, AS_IT_IS, {F(GUEST_FS_BASE, BIT64(60))}, "the base must be canonical"},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_BASE, BIT64(60))}, "the base must be canonical"},
    {LONG, AS_IT_IS, {USABLE_LDTR, F(GUEST_LDTR_BASE, BIT64(60))}, "the base must be canonical"},
    {LONG, AS_IT_IS, {F(GUEST_GS_ACCESS, ACCESS_UNUSABLE), F(GUEST_GS_BASE, BIT64(60))},
     "the base must be canonical"},
    {LONG, AS_IT_IS, {F(GUEST_CS_BASE, BIT64(32))}, "the base must have bits"},
    {LONG, AS_IT_IS, {F(GUEST_ES_BASE, BIT64(32))}, "the base must have bits"},
    {V8086, AS_IT_IS, {F(GUEST_SS_LIMIT, 0x8000)}, "the limit must be 0xffff"},
    {V8086, AS_IT_IS, {F(GUEST_ES_ACCESS, 0x20)}, "must be 0xf3"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 1)}, "the type of CS must be"},
    {PAE, RESTRICTED, {F(GUEST_CS_ACCESS, 8)}, "the type of CS must be"},
    {PROTECTED, AS_IT_IS, {F(GUEST_SS_ACCESS, 2)}, "the type of a usable SS"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DS_ACCESS, 1)}, "marked accessed"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ES_ACCESS, 0xa)}, "must be readable"},
    {PROTECTED, AS_IT_IS, {F(GUEST_GS_ACCESS, 0x10)}, "usable code or data segment must be 1"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x10)}, "usable code or data segment must be 1"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x28)}, "the DPL of CS must be 0"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x20)}, "the DPL of CS must equal"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x24)}, "the DPL of CS must not be above"},
    {PAE, RESTRICTED, {F(GUEST_SS_ACCESS, 0x20), F(GUEST_CS_ACCESS, 0x20)},
     "the DPL of SS must equal its RPL"},
    {PROTECTED, AS_IT_IS, {F(GUEST_SS_ACCESS, 0x20), F(GUEST_CS_ACCESS, 8)},
     "the DPL of SS must be 0"},
    {REAL, AS_IT_IS, {F(GUEST_SS_ACCESS, 0x20), F(GUEST_CS_ACCESS, 0x20)},
     "the DPL of SS must be 0"},
    {PAE, RESTRICTED, {F(GUEST_DS_SELECTOR, 1)}, "the DPL of a data segment"},
    {LONG, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x4000)}, "D/B"},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_ACCESS, 2)}, "the type of TR"},
    {LONG, AS_IT_IS, {F(GUEST_TR_ACCESS, 8)}, "the type of TR"},
    {PROTECTED, AS_IT_IS, {F(GUEST_LDTR_ACCESS, ACCESS_UNUSABLE | 0x81)}, "a usable LDTR must be 2"},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_ACCESS, 0x10)}, "a usable LDTR must be 0"},
    {PROTECTED, AS_IT_IS, {USABLE_LDTR, F(GUEST_LDTR_ACCESS, 0x10)}, "a usable LDTR must be 0"},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_ACCESS, ACCESS_UNUSABLE)}, "TR must be usable"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DS_ACCESS, 0x80)}, "P (bit 7)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x80)}, "P (bit 7)"},
    {V8086, AS_IT_IS, {F(GUEST_TR_ACCESS, 0x80)}, "P (bit 7)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x100)}, "bits 11:8"},
    {PROTECTED, AS_IT_IS, {F(GUEST_SS_ACCESS, BIT64(31))}, "bits 11:8"},
    {LONG, AS_IT_IS, {F(GUEST_TR_ACCESS, BIT64(17))}, "bits 11:8"},
    {PROTECTED, AS_IT_IS, {F(GUEST_CS_ACCESS, 0x8000)}, "G (bit 15)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_DS_LIMIT, 1)}, "G (bit 15)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_TR_ACCESS, 0x8000)}, "G (bit 15)"},

    /* descriptor tables, RIP, RFLAGS, SSP */
    {LONG, AS_IT_IS, {F(GUEST_GDTR_BASE, BIT64(60))}, "base of GDTR"},
    {LONG, AS_IT_IS, {F(GUEST_IDTR_BASE, BIT64(60))}, "base of IDTR"},
    {PROTECTED, AS_IT_IS, {F(GUEST_GDTR_LIMIT, BIT64(16))}, "limit of GDTR"},
    {PROTECTED, AS_IT_IS, {F(GUEST_IDTR_LIMIT, BIT64(31))}, "limit of IDTR"},
    {PROTECTED, AS_IT_IS, {F(GUEST_RIP, BIT64(32))}, "RIP must have bits 63:32 0"},
    {COMPATIBLE, AS_IT_IS, {F(GUEST_RIP, BIT64(46))}, "RIP must have bits 63:32 0"},
    {LONG, AS_IT_IS, {F(GUEST_RIP, BIT64(62))}, "RIP must have all bits"},
    {PROTECTED, AS_IT_IS, {F(GUEST_RFLAGS, 2)}, "RFLAGS must have"},
    {PROTECTED, AS_IT_IS, {F(GUEST_RFLAGS, 8)}, "RFLAGS must have"},
    {LONG, AS_IT_IS, {F(GUEST_RFLAGS, BIT64(22))}, "RFLAGS must have"},
    {V8086, AS_IT_IS, {F(GUEST_CR0, CR0_PE)}, "RFLAGS.VM"},
    {PROTECTED, AS_IT_IS, {EVENT_IRQ}, "RFLAGS.IF"},
    {LONG, WITH_CET, {F(GUEST_SSP, 1)}, "SSP must have bits 1:0"},
    {LONG, WITH_CET, {F(GUEST_SSP, BIT64(62))}, "SSP must have all bits"},

    /* activity, interruptibility */
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, 4)}, "that the CPU supports"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, UINT32_MAX)}, "that the CPU supports"},
    {V8086, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT)}, "must not be HLT"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT), BLOCKED(BLOCKED_BY_STI), IF_ON},
     "state must be active"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_SHUTDOWN), BLOCKED(BLOCKED_BY_MOV_SS)},
     "state must be active"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_HLT), EVENT_UD}, "activity state blocks"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_SHUTDOWN), EVENT_IRQ, IF_ON},
     "activity state blocks"},
    {PROTECTED, AS_IT_IS, {F(GUEST_ACTIVITY, ACTIVITY_WAIT_SIPI), EVENT_NMI},
     "activity state blocks"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BIT64(5))}, "state must have bits 31:5 0"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BIT64(31))}, "state must have bits 31:5 0"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS), IF_ON}, "must not both"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_STI)}, "STI must not block if"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_STI), EVENT_IRQ, IF_ON}, "neither STI nor MOV SS"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_MOV_SS), EVENT_IRQ, IF_ON},
     "neither STI nor MOV SS"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_MOV_SS), EVENT_NMI}, "MOV SS must not block an"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_SMI)}, "SMIs must not"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_BY_NMI), EVENT_NMI}, "NMIs must not"},
    {PROTECTED, AS_IT_IS, {BLOCKED(BLOCKED_ENCLAVE)}, "enclave"},

    /* pending debug exceptions, link pointer, PDPTEs */
    {PROTECTED, AS_IT_IS, {F(GUEST_PENDING_DEBUG, BIT64(4))}, "exceptions must have their"},
    {PROTECTED, AS_IT_IS, {F(GUEST_PENDING_DEBUG, BIT64(13))}, "exceptions must have their"},
    {LONG, AS_IT_IS, {F(GUEST_PENDING_DEBUG, BIT64(17))}, "exceptions must have their"},
    {PROTECTED, AS_IT_IS, {F(GUEST_PENDING_DEBUG, BIT64(14)), BLOCKED(BLOCKED_BY_MOV_SS)},
     "BS (bit 14)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_RFLAGS, RFLAGS_TF), BLOCKED(BLOCKED_BY_MOV_SS)}, "BS (bit 14)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_RFLAGS, RFLAGS_TF), F(GUEST_ACTIVITY, ACTIVITY_HLT)},
     "BS (bit 14)"},
    {PROTECTED, AS_IT_IS, {F(GUEST_PENDING_DEBUG, BIT64(16))}, "RTM (bit 16)"},
    {PROTECTED, AS_IT_IS, {{VMCS_VMCS_LINK_POINTER, 1}}, "link pointer"},
    {PROTECTED, AS_IT_IS, {{VMCS_VMCS_LINK_POINTER, 0xfff}}, "link pointer"},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE0, 3)}, "a present PDPTE"},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE1, 0x21)}, "a present PDPTE"},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE2, BIT64(63) | 1)}, "a present PDPTE"},
    {PAE, AS_IT_IS, {F(GUEST_PDPTE3, BIT64(51) | 1)}, "a present PDPTE"},

    /* event injection */
    {PROTECTED, AS_IT_IS, {EVENT(0x120)}, "the reserved one"},
    {PROTECTED, AS_IT_IS, {EVENT(0x203)}, "injected NMI must be 2"},
    {PROTECTED, AS_IT_IS, {EVENT(0x320)}, "must be below 32"},
    {PROTECTED, AS_IT_IS, {EVENT(0x701)}, "other event must be 0"},
    {PROTECTED, AS_IT_IS, {EVENT(0xa02)}, "only hardware exceptions"},
    {REAL, AS_IT_IS, {EVENT_GP}, "only hardware exceptions"},
    {PROTECTED, AS_IT_IS, {EVENT(0x30d)}, "just if its vector has one"},
    {PROTECTED, AS_IT_IS, {EVENT(0xb06)}, "just if its vector has one"},
    {PROTECTED, AS_IT_IS, {EVENT(0x1306)}, "bits 30:12"},
    {PROTECTED, AS_IT_IS, {EVENT(0x40000306)}, "bits 30:12"},
    {PROTECTED, AS_IT_IS, {EVENT_GP, F(ENTRY_EXCEPTION_ERROR, BIT64(16))}, "injected error code"},
    {PROTECTED, AS_IT_IS, {EVENT(0x480), F(ENTRY_INSTRUCTION_LENGTH, 16)}, "software event"},
    {PROTECTED, AS_IT_IS, {EVENT(0x603)}, "software event"},
};
/* clang-format on */

/* Makes what the case says; false when this CPU cannot. `cpu` is changed for the setting. */
static inline bool audit_make_case(const struct audit_case *c, struct vmx_audit_cpu *cpu,
                                   struct vmx_guest_fields *g)
{
    switch (c->setting) {
    case AS_IT_IS:
        break;
    case RESTRICTED:
        cpu->cpu2 &= ~CPU2_UNRESTRICTED_GUEST;
        break;
    case WITH_CET:
        if (!cpu->has_cet)
            return false;
        cpu->entry |= ENTRY_LOAD_CET;
        break;
    }
    audit_make_state(c->mode, cpu, g);
    for (uint32_t i = 0; i < ARRAY_SIZE(c->changes) && c->changes[i].field; i++)
        ASSERT(audit_flip(g, c->changes[i].field, c->changes[i].flip));
    return true;
}

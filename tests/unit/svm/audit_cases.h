/* SPDX-License-Identifier: MIT */
/*
 * audit_cases: a VMCB that VMRUN takes, and for each rule of svm/audit.h changes of one field that
 * break it. The host test asks the audit about them, the test build of the hypervisor
 * (tests/hook/audit_svm.c) the audit and the processor.
 */
#pragma once

#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "svm/audit.h"
#include "svm/bits.h"

/* 64-bit mode with paging, all good; what leads to tables and bitmaps stays as it is. */
static inline void svm_audit_make_good(struct svm_vmcb *vmcb)
{
    vmcb->intercept_2 |= INTERCEPT2_VMRUN;
    vmcb->asid = 1;
    vmcb->nested_control = NESTED_NP_ENABLE;
    vmcb->g_pat = PAT_RESET;
    vmcb->efer = EFER_SVME | EFER_LME | EFER_LMA;
    vmcb->cr0 = CR0_PE | CR0_PG | CR0_ET;
    vmcb->cr3 = 0x1000;
    vmcb->cr4 = CR4_PAE;
    vmcb->cs.attributes = 0x9b | ATTRIBUTE_LONG;
    vmcb->dr6 = DR6_RESET;
    vmcb->dr7 = DR7_RESET;
}

/* One field of a good VMCB (or with `reset`, of one as after a reset) changed. */
struct svm_audit_case {
    const char *field;
    size_t offset, size;
    uint64_t value;
    bool reset;
    const char *rule; /* how the text of the broken rule begins; NULL: none is broken */
};

#define SET(field, value) \
#field, offsetof(struct svm_vmcb, field), sizeof(((const struct svm_vmcb *)0)->field), value
#define LONG_EFER (EFER_SVME | EFER_LME | EFER_LMA)
#define LONG_CR0  (CR0_PE | CR0_PG | CR0_ET)

static const struct svm_audit_case svm_audit_cases[] = {
    {SET(efer, EFER_LME | EFER_LMA), false, "EFER.SVME"},
    {SET(efer, LONG_EFER | EFER_NXE | EFER_SCE), false, NULL},
    {SET(efer, LONG_EFER | BIT64(14)), false, "EFER must have no bit"},
    {SET(efer, LONG_EFER | BIT64(63)), false, "EFER must have no bit"},
    {SET(cr0, LONG_CR0 | CR0_NW), false, "CR0.NW"},
    {SET(cr0, LONG_CR0 | CR0_CD), false, NULL},
    {SET(cr0, LONG_CR0 | CR0_CD | CR0_NW), false, NULL},
    {SET(cr0, LONG_CR0 | BIT64(32)), false, "bits 63:32 of CR0"},
    {SET(cr3, BIT64(40)), false, "CR3"},
    {SET(cr3, BIT64(63)), false, "CR3"},
    {SET(cr3, BIT64(40)), true, NULL}, /* only long mode reads it */
    {SET(cr4, CR4_PAE | CR4_SMEP), false, "CR4 must have no bit"},
    {SET(cr4, CR4_PAE | BIT64(11)), false, "CR4 must have no bit"},
    {SET(cr4, CR4_PAE | BIT64(40)), false, "CR4 must have no bit"},
    {SET(cr4, CR4_PAE | CR4_CET), false, "CR0.WP"},
    {SET(dr6, BIT64(32)), false, "bits 63:32 of DR6"},
    {SET(dr7, BIT64(63)), false, "bits 63:32 of DR7"},
    {SET(cr4, 0), false, "CR4.PAE"},
    {SET(cr0, CR0_PG), false, "CR0.PE"},
    {SET(cr0, 0), false, NULL}, /* LME without PG */
    {SET(cr0, CR0_PG | CR0_PE), true, NULL},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_LONG | ATTRIBUTE_BIG), false, "CS.L"},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_LONG | ATTRIBUTE_BIG), true, NULL},
    {SET(cs.attributes, 0x9b | ATTRIBUTE_BIG), false, NULL}, /* compatibility mode */
    {SET(intercept_2, ~INTERCEPT2_VMRUN), false, "VMRUN"},
    {SET(iopm_base, 0xffffffd000), false, NULL},
    {SET(iopm_base, 0xffffffe000), false, "the IOPM"},
    {SET(iopm_base, UINT64_MAX), false, "the IOPM"},
    {SET(msrpm_base, 0xffffffefff), false, NULL},
    {SET(msrpm_base, 0xfffffff000), false, "the MSRPM"},
    {SET(msrpm_base, BIT64(40)), false, "the MSRPM"},
    {SET(asid, 0), false, "the ASID"},
    {SET(nested_cr3, BIT64(40)), false, "nCR3"},
    {SET(g_pat, 0x0007040602070106), false, "gPAT"},
    {SET(g_pat, 0x0307040600070106), false, "gPAT"},
    {SET(g_pat, 0x0007080600070106), false, "gPAT"},
    {SET(g_pat, 0x0007050600070106), false, NULL}, /* write-protected */
    {SET(event_inject, EVENT_VALID | 1 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, EVENT_VALID | 5 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, EVENT_VALID | 7 << EVENT_TYPE_SHIFT), false, "an injected event's"},
    {SET(event_inject, 7 << EVENT_TYPE_SHIFT), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x302), false, "an injected exception's"},
    {SET(event_inject, EVENT_VALID | 0x320), false, "an injected exception's"},
    {SET(event_inject, EVENT_VALID | 0x31f), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x202), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x0ff), false, NULL},
    {SET(event_inject, EVENT_VALID | 0x4ff), false, NULL},
};

static inline void svm_audit_apply(const struct svm_audit_case *c, struct svm_vmcb *vmcb)
{
    memcpy((uint8_t *)vmcb + c->offset, &c->value, c->size);
}

/* SPDX-License-Identifier: MIT */
/*
 * fit: what the CPU says it can do (struct svm_caps, plain numbers) against what we need: the
 * complete list of what is missing. Pure. APM "Enabling SVM", "CPUID Fn8000_000A".
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* Zero where the CPU does not have the leaf or register. */
struct svm_caps {
    bool has_svm;      /* CPUID Fn8000_0001:ECX.SVM */
    bool is_guest;     /* CPUID.1:ECX.31, which only hypervisors set: one runs below us */
    bool has_pages_1g; /* CPUID Fn8000_0001:EDX.Page1GB */
    bool has_rdpru, has_invlpgb, has_mcommit; /* CPUID Fn8000_0008:EBX */
    uint64_t vm_cr;                           /* MSR_VM_CR */
    uint32_t asids;                           /* CPUID Fn8000_000A:EBX */
    uint32_t features;                        /* CPUID Fn8000_000A:EDX */
    uint32_t physical_bits;                   /* CPUID Fn8000_0008:EAX */
};

void svm_fit(const struct svm_caps *caps, struct virt_report *report);

/* What another core has otherwise than the boot core, of all that is decided by the boot core's
 * alone; both lack nothing. A noun, or NULL. */
const char *svm_fit_differs(const struct svm_caps *boot, const struct svm_caps *core);

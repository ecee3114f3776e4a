/* SPDX-License-Identifier: MIT */
/*
 * fit: what the CPU says it can do (struct vmx_caps, plain numbers) + what we ask for → the
 * control words, or the complete list of what is missing. Pure.
 * SDM appendix "VMX Capability Reporting Facility".
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* Copies of the capability registers; zero where the CPU does not have one. */
struct vmx_caps {
    bool has_vmx;             /* CPUID.1:ECX.VMX */
    bool is_guest;            /* CPUID.1:ECX.31, which only hypervisors set: one runs below us */
    bool is_tcg;              /* ... and that is QEMU without KVM */
    uint64_t feature_control; /* IA32_FEATURE_CONTROL */
    uint64_t basic;           /* IA32_VMX_BASIC */
    uint64_t pin, cpu, cpu2, exit,
        entry; /* the TRUE ones where there are: allowed-0 | allowed-1 << 32 */
    uint64_t misc;
    uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
    uint64_t cpu3; /* IA32_VMX_PROCBASED_CTLS3: bits that may be 1 */
    uint64_t ept_vpid;
    uint32_t physical_bits; /* MAXPHYADDR */
};

/* The control words that every guest runs with. */
struct vmx_controls {
    uint32_t pin, cpu, cpu2, exit, entry;
};

/* What we ask of one control word. */
struct ctl_ask {
    uint32_t must;  /* these bits have to be 1 */
    uint32_t wish;  /* these are 1 where possible */
    uint32_t never; /* these have to be 0 */
    uint32_t later; /* these are 0, and have to be allowed to be 1 while a guest runs */
};

/* The word that satisfies `ask` under `cap`; bits that cannot be had are returned in *missing
 * (must, later) and *forced (never). */
uint32_t ctl_fit(struct ctl_ask ask, uint64_t cap, uint32_t *missing, uint32_t *forced);

/* Fits everything; each lack becomes one row of report->missing. */
void vmx_fit(const struct vmx_caps *caps, struct vmx_controls *controls,
             struct virt_report *report);

/* What another core has otherwise than the boot core, of all that is decided by the boot core's
 * alone; both lack nothing. A noun, or NULL. */
const char *vmx_fit_differs(const struct vmx_caps *boot, const struct vmx_controls *boot_controls,
                            const struct vmx_caps *core, const struct vmx_controls *core_controls);

/* SPDX-License-Identifier: MIT */
/*
 * vmcb: the virtual machine control block, as the processor reads and writes it: the control area,
 * and from 0x400 on the state save area. Field names are the manual's. APM appendix "Layout of
 * VMCB". Fields of encrypted guests (SEV-ES, SNP) and of AVIC are only kept as what must be zero.
 */
#pragma once

#include "lib/types.h"

/* "State Save Area": the descriptor's bits 47:40 and 55:52 make up the 12 bits of `attributes`. */
struct svm_segment {
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit;
    uint64_t base;
};

struct svm_vmcb {
    /* ---- control area */
    uint16_t intercept_cr_read; /* a bit for each of CR0-15 */
    uint16_t intercept_cr_write;
    uint16_t intercept_dr_read;
    uint16_t intercept_dr_write;
    uint32_t intercept_exceptions; /* a bit for each vector */
    uint32_t intercept_1;          /* INTERCEPT1_* */
    uint32_t intercept_2;          /* INTERCEPT2_* */
    uint32_t intercept_3;          /* INTERCEPT3_* */
    uint8_t reserved_018[0x24];
    uint16_t pause_filter_threshold;
    uint16_t pause_filter_count;
    uint64_t iopm_base;
    uint64_t msrpm_base;
    uint64_t tsc_offset;
    uint32_t asid;
    uint8_t tlb_control; /* enum svm_tlb_control */
    uint8_t reserved_05d[3];
    uint64_t vintr;            /* VINTR_* */
    uint64_t interrupt_shadow; /* SHADOW_* */
    uint64_t exit_code;        /* enum svm_exit */
    uint64_t exit_info_1;
    uint64_t exit_info_2;
    uint64_t exit_int_info;  /* EVENT_*: what was being delivered */
    uint64_t nested_control; /* NESTED_* */
    uint64_t avic_apic_bar;
    uint64_t ghcb;
    uint64_t event_inject; /* EVENT_* */
    uint64_t nested_cr3;
    uint64_t virt_ext; /* VIRT_EXT_* */
    uint32_t clean;    /* CLEAN_* */
    uint32_t reserved_0c4;
    uint64_t next_rip;
    uint8_t fetched_count;
    uint8_t fetched_bytes[15];
    uint64_t avic_backing_page;
    uint64_t reserved_0e8;
    uint64_t avic_logical_table;
    uint64_t avic_physical_table;
    uint64_t reserved_100;
    uint64_t vmsa;
    uint8_t reserved_110[0x10];
    uint16_t bus_lock_threshold; /* so many go on without INTERCEPT3_BUS_LOCK; counts down */
    uint8_t reserved_122[0x400 - 0x122];

    /* ---- state save area */
    struct svm_segment es, cs, ss, ds, fs, gs;
    struct svm_segment gdtr, ldtr, idtr, tr;
    uint8_t reserved_4a0[0x2a];
    uint8_t vmpl;
    uint8_t cpl;
    uint32_t reserved_4cc;
    uint64_t efer;
    uint8_t reserved_4d8[0x70];
    uint64_t cr4;
    uint64_t cr3;
    uint64_t cr0;
    uint64_t dr7;
    uint64_t dr6;
    uint64_t rflags;
    uint64_t rip;
    uint8_t reserved_580[0x58]; /* performance counters, where those are virtualised */
    uint64_t rsp;
    uint64_t s_cet;
    uint64_t ssp;
    uint64_t isst_addr;
    uint64_t rax;
    uint64_t star;
    uint64_t lstar;
    uint64_t cstar;
    uint64_t sfmask;
    uint64_t kernel_gs_base;
    uint64_t sysenter_cs;
    uint64_t sysenter_esp;
    uint64_t sysenter_eip;
    uint64_t cr2;
    uint8_t reserved_648[0x20];
    uint64_t g_pat;
    uint64_t dbgctl;
    uint64_t br_from;
    uint64_t br_to;
    uint64_t last_excp_from;
    uint64_t last_excp_to;
    uint8_t reserved_698[0x48];
    uint64_t spec_ctrl;
    uint8_t reserved_6e8[0x1000 - 0x6e8];
};

#define VMCB_AT(field, offset) \
    _Static_assert(offsetof(struct svm_vmcb, field) == (offset), "APM, 'Layout of VMCB'")

VMCB_AT(intercept_exceptions, 0x008);
VMCB_AT(intercept_1, 0x00c);
VMCB_AT(intercept_2, 0x010);
VMCB_AT(intercept_3, 0x014);
VMCB_AT(pause_filter_threshold, 0x03c);
VMCB_AT(iopm_base, 0x040);
VMCB_AT(msrpm_base, 0x048);
VMCB_AT(tsc_offset, 0x050);
VMCB_AT(asid, 0x058);
VMCB_AT(tlb_control, 0x05c);
VMCB_AT(vintr, 0x060);
VMCB_AT(interrupt_shadow, 0x068);
VMCB_AT(exit_code, 0x070);
VMCB_AT(exit_info_1, 0x078);
VMCB_AT(exit_info_2, 0x080);
VMCB_AT(exit_int_info, 0x088);
VMCB_AT(nested_control, 0x090);
VMCB_AT(avic_apic_bar, 0x098);
VMCB_AT(ghcb, 0x0a0);
VMCB_AT(event_inject, 0x0a8);
VMCB_AT(nested_cr3, 0x0b0);
VMCB_AT(virt_ext, 0x0b8);
VMCB_AT(clean, 0x0c0);
VMCB_AT(next_rip, 0x0c8);
VMCB_AT(fetched_count, 0x0d0);
VMCB_AT(avic_backing_page, 0x0e0);
VMCB_AT(avic_logical_table, 0x0f0);
VMCB_AT(avic_physical_table, 0x0f8);
VMCB_AT(vmsa, 0x108);
VMCB_AT(bus_lock_threshold, 0x120);
VMCB_AT(es, 0x400);
VMCB_AT(cs, 0x410);
VMCB_AT(ss, 0x420);
VMCB_AT(ds, 0x430);
VMCB_AT(fs, 0x440);
VMCB_AT(gs, 0x450);
VMCB_AT(gdtr, 0x460);
VMCB_AT(ldtr, 0x470);
VMCB_AT(idtr, 0x480);
VMCB_AT(tr, 0x490);
VMCB_AT(vmpl, 0x4ca);
VMCB_AT(cpl, 0x4cb);
VMCB_AT(efer, 0x4d0);
VMCB_AT(cr4, 0x548);
VMCB_AT(cr3, 0x550);
VMCB_AT(cr0, 0x558);
VMCB_AT(dr7, 0x560);
VMCB_AT(dr6, 0x568);
VMCB_AT(rflags, 0x570);
VMCB_AT(rip, 0x578);
VMCB_AT(rsp, 0x5d8);
VMCB_AT(s_cet, 0x5e0);
VMCB_AT(rax, 0x5f8);
VMCB_AT(star, 0x600);
VMCB_AT(kernel_gs_base, 0x620);
VMCB_AT(sysenter_cs, 0x628);
VMCB_AT(cr2, 0x640);
VMCB_AT(g_pat, 0x668);
VMCB_AT(dbgctl, 0x670);
VMCB_AT(br_from, 0x678);
VMCB_AT(spec_ctrl, 0x6e0);
_Static_assert(sizeof(struct svm_vmcb) == PAGE_SIZE, "APM, 'Layout of VMCB': 4 KiB");

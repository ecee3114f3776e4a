/* SPDX-License-Identifier: MIT */
/*
 * look_fields: the table of a VMCB's fields. APM appendix "Layout of VMCB". Fields without a name
 * there, which hold several, are told by their offset.
 */
#include "svm/look_fields.h"

#include "lib/string.h"

const char *const svm_look_parts[LOOK_PARTS] = {"controls", "save"};
const char *const svm_look_titles[LOOK_PARTS] = {"Control area", "State save area"};

#define F(name, field, part, bits, words)                                                          \
    {                                                                                              \
        name, offsetof(struct svm_vmcb, field), part, sizeof(((const struct svm_vmcb *)0)->field), \
            0, bits, words                                                                         \
    }

uint64_t svm_look_value(const struct svm_vmcb *vmcb, const struct look_field *field)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)vmcb + field->place, field->bytes);
    return value;
}

/* clang-format off */
const struct look_field svm_look_fields[SVM_LOOK_FIELDS] = {
    /* APM "VMCB Layout, Control Area" */
    F("Intercept reads of CR0-15", intercept_cr_read, LOOK_CONTROL, NULL, svm_look_registers),
    F("Intercept writes of CR0-15", intercept_cr_write, LOOK_CONTROL, NULL, svm_look_registers),
    F("Intercept reads of DR0-15", intercept_dr_read, LOOK_CONTROL, NULL, svm_look_registers),
    F("Intercept writes of DR0-15", intercept_dr_write, LOOK_CONTROL, NULL, svm_look_registers),
    F("Intercept exception vectors 0-31", intercept_exceptions, LOOK_CONTROL, look_exception_bits, NULL),
    F("Intercepts, vector 3 (offset 00Ch)", intercept_1, LOOK_CONTROL, svm_look_intercept_1_bits, NULL),
    F("Intercepts, vector 4 (offset 010h)", intercept_2, LOOK_CONTROL, svm_look_intercept_2_bits, NULL),
    F("Intercepts, vector 5 (offset 014h)", intercept_3, LOOK_CONTROL, svm_look_intercept_3_bits, NULL),
    F("PAUSE Filter Threshold", pause_filter_threshold, LOOK_CONTROL, NULL, NULL),
    F("PAUSE Filter Count", pause_filter_count, LOOK_CONTROL, NULL, NULL),
    F("IOPM_BASE_PA", iopm_base, LOOK_CONTROL, NULL, NULL),
    F("MSRPM_BASE_PA", msrpm_base, LOOK_CONTROL, NULL, NULL),
    F("TSC_OFFSET", tsc_offset, LOOK_CONTROL, NULL, NULL),
    F("Guest ASID", asid, LOOK_CONTROL, NULL, NULL),
    F("TLB_CONTROL", tlb_control, LOOK_CONTROL, NULL, svm_look_tlb),
    F("Virtual interrupts (offset 060h)", vintr, LOOK_CONTROL, NULL, svm_look_vintr),
    F("Interrupt shadow (offset 068h)", interrupt_shadow, LOOK_CONTROL, svm_look_shadow_bits, NULL),
    F("EXITCODE", exit_code, LOOK_CONTROL, NULL, svm_look_exit_code),
    F("EXITINFO1", exit_info_1, LOOK_CONTROL, NULL, svm_look_exit_info),
    F("EXITINFO2", exit_info_2, LOOK_CONTROL, NULL, NULL),
    F("EXITINTINFO", exit_int_info, LOOK_CONTROL, NULL, svm_look_event),
    F("Nested paging and SEV (offset 090h)", nested_control, LOOK_CONTROL, svm_look_nested_bits, NULL),
    F("AVIC APIC_BAR", avic_apic_bar, LOOK_CONTROL, NULL, NULL),
    F("GHCB", ghcb, LOOK_CONTROL, NULL, NULL),
    F("EVENTINJ", event_inject, LOOK_CONTROL, NULL, svm_look_event),
    F("N_CR3", nested_cr3, LOOK_CONTROL, NULL, NULL),
    F("LBR and VMSAVE virtualization (offset 0B8h)", virt_ext, LOOK_CONTROL, svm_look_virt_ext_bits, NULL),
    F("VMCB Clean Bits", clean, LOOK_CONTROL, svm_look_clean_bits, NULL),
    F("nRIP", next_rip, LOOK_CONTROL, NULL, NULL),
    F("Number of bytes fetched", fetched_count, LOOK_CONTROL, NULL, NULL),
    {"Guest instruction bytes 0-7", offsetof(struct svm_vmcb, fetched_bytes) + 0, LOOK_CONTROL, 8, 0, NULL, NULL},
    {"Guest instruction bytes 8-14", offsetof(struct svm_vmcb, fetched_bytes) + 8, LOOK_CONTROL, 7, 0, NULL, NULL},
    F("AVIC APIC_BACKING_PAGE Pointer", avic_backing_page, LOOK_CONTROL, NULL, NULL),
    F("AVIC LOGICAL_TABLE Pointer", avic_logical_table, LOOK_CONTROL, NULL, NULL),
    F("AVIC PHYSICAL_TABLE Pointer", avic_physical_table, LOOK_CONTROL, NULL, NULL),
    F("VMSA Pointer", vmsa, LOOK_CONTROL, NULL, NULL),
    F("Bus Lock Threshold Counter", bus_lock_threshold, LOOK_CONTROL, NULL, NULL),
    /* "VMCB Layout, State Save Area" */
    F("ES selector", es.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("ES attrib", es.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("ES limit", es.limit, LOOK_SAVE, NULL, NULL),
    F("ES base", es.base, LOOK_SAVE, NULL, NULL),
    F("CS selector", cs.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("CS attrib", cs.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("CS limit", cs.limit, LOOK_SAVE, NULL, NULL),
    F("CS base", cs.base, LOOK_SAVE, NULL, NULL),
    F("SS selector", ss.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("SS attrib", ss.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("SS limit", ss.limit, LOOK_SAVE, NULL, NULL),
    F("SS base", ss.base, LOOK_SAVE, NULL, NULL),
    F("DS selector", ds.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("DS attrib", ds.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("DS limit", ds.limit, LOOK_SAVE, NULL, NULL),
    F("DS base", ds.base, LOOK_SAVE, NULL, NULL),
    F("FS selector", fs.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("FS attrib", fs.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("FS limit", fs.limit, LOOK_SAVE, NULL, NULL),
    F("FS base", fs.base, LOOK_SAVE, NULL, NULL),
    F("GS selector", gs.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("GS attrib", gs.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("GS limit", gs.limit, LOOK_SAVE, NULL, NULL),
    F("GS base", gs.base, LOOK_SAVE, NULL, NULL),
    F("GDTR selector", gdtr.selector, LOOK_SAVE, NULL, NULL),
    F("GDTR attrib", gdtr.attributes, LOOK_SAVE, NULL, NULL),
    F("GDTR limit", gdtr.limit, LOOK_SAVE, NULL, NULL),
    F("GDTR base", gdtr.base, LOOK_SAVE, NULL, NULL),
    F("LDTR selector", ldtr.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("LDTR attrib", ldtr.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("LDTR limit", ldtr.limit, LOOK_SAVE, NULL, NULL),
    F("LDTR base", ldtr.base, LOOK_SAVE, NULL, NULL),
    F("IDTR selector", idtr.selector, LOOK_SAVE, NULL, NULL),
    F("IDTR attrib", idtr.attributes, LOOK_SAVE, NULL, NULL),
    F("IDTR limit", idtr.limit, LOOK_SAVE, NULL, NULL),
    F("IDTR base", idtr.base, LOOK_SAVE, NULL, NULL),
    F("TR selector", tr.selector, LOOK_SAVE, NULL, svm_look_selector),
    F("TR attrib", tr.attributes, LOOK_SAVE, NULL, svm_look_attributes),
    F("TR limit", tr.limit, LOOK_SAVE, NULL, NULL),
    F("TR base", tr.base, LOOK_SAVE, NULL, NULL),
    F("VMPL", vmpl, LOOK_SAVE, NULL, NULL),
    F("CPL", cpl, LOOK_SAVE, NULL, NULL),
    F("EFER", efer, LOOK_SAVE, look_efer_bits, NULL),
    F("CR4", cr4, LOOK_SAVE, look_cr4_bits, NULL),
    F("CR3", cr3, LOOK_SAVE, NULL, NULL),
    F("CR0", cr0, LOOK_SAVE, look_cr0_bits, NULL),
    F("DR7", dr7, LOOK_SAVE, look_dr7_bits, NULL),
    F("DR6", dr6, LOOK_SAVE, look_dr6_bits, NULL),
    F("RFLAGS", rflags, LOOK_SAVE, look_rflags_bits, NULL),
    F("RIP", rip, LOOK_SAVE, NULL, NULL),
    F("RSP", rsp, LOOK_SAVE, NULL, NULL),
    F("S_CET", s_cet, LOOK_SAVE, NULL, NULL),
    F("SSP", ssp, LOOK_SAVE, NULL, NULL),
    F("ISST_ADDR", isst_addr, LOOK_SAVE, NULL, NULL),
    F("RAX", rax, LOOK_SAVE, NULL, NULL),
    F("STAR", star, LOOK_SAVE, NULL, NULL),
    F("LSTAR", lstar, LOOK_SAVE, NULL, NULL),
    F("CSTAR", cstar, LOOK_SAVE, NULL, NULL),
    F("SFMASK", sfmask, LOOK_SAVE, NULL, NULL),
    F("KernelGsBase", kernel_gs_base, LOOK_SAVE, NULL, NULL),
    F("SYSENTER_CS", sysenter_cs, LOOK_SAVE, NULL, NULL),
    F("SYSENTER_ESP", sysenter_esp, LOOK_SAVE, NULL, NULL),
    F("SYSENTER_EIP", sysenter_eip, LOOK_SAVE, NULL, NULL),
    F("CR2", cr2, LOOK_SAVE, NULL, NULL),
    F("G_PAT", g_pat, LOOK_SAVE, NULL, svm_look_pat),
    F("DBGCTL", dbgctl, LOOK_SAVE, look_debugctl_bits, NULL),
    F("BR_FROM", br_from, LOOK_SAVE, NULL, NULL),
    F("BR_TO", br_to, LOOK_SAVE, NULL, NULL),
    F("LASTEXCPFROM", last_excp_from, LOOK_SAVE, NULL, NULL),
    F("LASTEXCPTO", last_excp_to, LOOK_SAVE, NULL, NULL),
    F("SPEC_CTRL", spec_ctrl, LOOK_SAVE, NULL, NULL),
};
/* clang-format on */

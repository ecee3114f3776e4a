/* SPDX-License-Identifier: MIT */
/*
 * look_words: what the values of a VMCB's fields mean, by the manual's names. APM appendix "Layout
 * of VMCB"; "Event Injection", "Virtual Interrupts", "TLB Control", "VMCB Clean Field".
 */
#include "lib/bits.h"
#include "svm/bits.h"
#include "svm/look_fields.h"

#define END     \
    {           \
        0, NULL \
    }

/* clang-format off */
const struct look_bit svm_look_intercept_1_bits[] = {
    {0, "INTR"}, {1, "NMI"}, {2, "SMI"}, {3, "INIT"}, {4, "VINTR"},
    {5, "CR0 writes other than TS or MP"}, {6, "reads of IDTR"}, {7, "reads of GDTR"},
    {8, "reads of LDTR"}, {9, "reads of TR"}, {10, "writes of IDTR"}, {11, "writes of GDTR"},
    {12, "writes of LDTR"}, {13, "writes of TR"}, {14, "RDTSC"}, {15, "RDPMC"}, {16, "PUSHF"},
    {17, "POPF"}, {18, "CPUID"}, {19, "RSM"}, {20, "IRET"}, {21, "INTn"}, {22, "INVD"},
    {23, "PAUSE"}, {24, "HLT"}, {25, "INVLPG"}, {26, "INVLPGA"}, {27, "IOIO_PROT"},
    {28, "MSR_PROT"}, {29, "task switches"}, {30, "FERR_FREEZE"}, {31, "shutdown events"}, END};

const struct look_bit svm_look_intercept_2_bits[] = {
    {0, "VMRUN"}, {1, "VMMCALL"}, {2, "VMLOAD"}, {3, "VMSAVE"}, {4, "STGI"}, {5, "CLGI"},
    {6, "SKINIT"}, {7, "RDTSCP"}, {8, "ICEBP"}, {9, "WBINVD and WBNOINVD"}, {10, "MONITOR"},
    {11, "MWAIT"}, {12, "MWAIT if armed"}, {13, "XSETBV"}, {14, "RDPRU"}, {15, "writes of EFER"},
    END};

const struct look_bit svm_look_intercept_3_bits[] = {
    {0, "INVLPGB"}, {1, "illegal INVLPGB"}, {2, "INVPCID"}, {3, "MCOMMIT"}, {4, "TLBSYNC"},
    {5, "bus lock"}, {6, "idle HLT"}, END};

const struct look_bit svm_look_shadow_bits[] = {
    {0, "INTERRUPT_SHADOW"}, {1, "GUEST_INTERRUPT_MASK"}, END};

const struct look_bit svm_look_nested_bits[] = {
    {0, "NP_ENABLE"}, {1, "enable SEV"}, {2, "enable SEV-ES"}, {3, "guest mode execute trap"},
    {4, "SSSCheckEn"}, {5, "virtual transparent encryption"}, {6, "enable read-only guest page tables"},
    {7, "enable INVLPGB/TLBSYNC"}, END};

const struct look_bit svm_look_virt_ext_bits[] = {
    {0, "LBR_VIRTUALIZATION_ENABLE"}, {1, "virtualized VMSAVE and VMLOAD"}, {2, "IBS virtualization"},
    {3, "PMC virtualization"}, END};

const struct look_bit svm_look_clean_bits[] = {
    {0, "I"}, {1, "IOPM"}, {2, "ASID"}, {3, "TPR"}, {4, "NP"}, {5, "CRx"}, {6, "DRx"}, {7, "DT"},
    {8, "SEG"}, {9, "CR2"}, {10, "LBR"}, {11, "AVIC"}, {12, "CET"}, END};

static const struct look_bit tlb_controls[] = {
    {TLB_DO_NOTHING, "do nothing"}, {TLB_FLUSH_ALL, "flush entire TLB, all ASIDs"},
    {TLB_FLUSH_ASID, "flush this guest's TLB entries"},
    {TLB_FLUSH_ASID_PRIVATE, "flush this guest's non-global TLB entries"}, END};

static const struct look_bit vintr_bits[] = {
    {8, "V_IRQ"}, {9, "VGIF"}, {11, "V_NMI"}, {12, "V_NMI_MASK"}, {20, "V_IGN_TPR"},
    {24, "V_INTR_MASKING"}, {25, "guest virtual GIF enabled"}, {26, "V_NMI_ENABLE"},
    {30, "x2AVIC enable"}, {31, "AVIC enable"}, END};

static const struct look_bit event_types[] = {
    {EVENT_INTERRUPT, "external or virtual interrupt"}, {EVENT_NMI, "NMI"},
    {EVENT_EXCEPTION, "exception"}, {EVENT_SOFTWARE_INTERRUPT, "software interrupt"}, END};

static const struct look_bit nested_fault_bits[] = {
    {0, "P"}, {1, "RW"}, {2, "US"}, {3, "RSV"}, {4, "ID"}, {6, "SS"},
    {32, "final guest-physical address"}, {33, "guest page-table walk"}, END};
/* clang-format on */

/* A bit for each register. */
void svm_look_registers(struct look_line *l, uint64_t value, const void *context)
{
    static const struct look_bit none[] = {END};

    (void)context;
    look_bits(l, none, value);
}

void svm_look_tlb(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_number(l, "", tlb_controls, value);
}

void svm_look_vintr(struct look_line *l, uint64_t value, const void *context)
{
    const uint64_t numbers = VINTR_TPR_MASK | VINTR_PRIORITY_MASK | VINTR_VECTOR_MASK;

    (void)context;
    look_bits(l, vintr_bits, value & ~numbers);
    if (value & VINTR_TPR_MASK)
        look_word(l, "V_TPR %u", (uint32_t)(value & VINTR_TPR_MASK));
    if (value & VINTR_IRQ) {
        look_word(l, "V_INTR_PRIO %u", (uint32_t)bits_get(value, 19, 16));
        look_word(l, "V_INTR_VECTOR %u", (uint32_t)bits_get(value, 39, 32));
    }
}

/* As CPUs wrote it: -1 and its neighbours have all upper bits 1. */
void svm_look_exit_code(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_word(l, "VMEXIT_%s", svm_exit_name((uint32_t)value));
}

static void look_io(struct look_line *l, uint64_t value)
{
    look_word(l, "port 0x%x", (uint32_t)(value >> IOIO_PORT_SHIFT & 0xffff));
    look_word(l, value & IOIO_IN ? "IN" : "OUT");
    look_word(l, "size %u", (uint32_t)bits_get(value, 6, 4));
    if (value & IOIO_STRING)
        look_word(l, value & IOIO_REP ? "string, REP" : "string");
}

void svm_look_exit_info(struct look_line *l, uint64_t value, const void *context)
{
    const uint64_t code = ((const struct svm_vmcb *)context)->exit_code & 0xffff;

    if (code == SVM_EXIT_IOIO)
        look_io(l, value);
    else if (code == SVM_EXIT_NPF)
        look_bits(l, nested_fault_bits, value);
    else if (code == SVM_EXIT_MSR)
        look_word(l, value & 1 ? "WRMSR" : "RDMSR");
}

void svm_look_event(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    if (!(value & EVENT_VALID)) {
        look_word(l, "not valid");
        return;
    }
    look_word(l, "vector %u", (uint32_t)(value & EVENT_VECTOR_MASK));
    look_number(l, "type", event_types, (value & EVENT_TYPE_MASK) >> EVENT_TYPE_SHIFT);
    if (value & EVENT_HAS_ERROR)
        look_word(l, "error code 0x%x", (uint32_t)(value >> EVENT_ERROR_SHIFT));
    look_word(l, "valid");
}

void svm_look_selector(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_selector(l, value);
}

void svm_look_attributes(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_descriptor(l, value);
    if (value & ATTRIBUTE_AVL)
        look_word(l, "AVL");
    if (value & ATTRIBUTE_LONG)
        look_word(l, "L");
    if (value & ATTRIBUTE_BIG)
        look_word(l, "D/B");
    if (value & ATTRIBUTE_GRANULAR)
        look_word(l, "G");
}

void svm_look_pat(struct look_line *l, uint64_t value, const void *context)
{
    (void)context;
    look_pat(l, value);
}

/* SPDX-License-Identifier: MIT */
/*
 * bits: the control bits, exit codes and formats of SVM, by the manual's names. APM "Secure Virtual
 * Machine", appendix "Layout of VMCB", appendix "SVM Intercept Exit Codes".
 */
#pragma once

#include "lib/bits.h"

/* CPUID Fn8000_000A: EBX is the number of ASIDs, EDX: */
#define SVM_FEATURE_NP                 BIT32(0)
#define SVM_FEATURE_LBR_VIRT           BIT32(1)
#define SVM_FEATURE_LOCK               BIT32(2)
#define SVM_FEATURE_NRIPS              BIT32(3)
#define SVM_FEATURE_TSC_RATE           BIT32(4)
#define SVM_FEATURE_VMCB_CLEAN         BIT32(5)
#define SVM_FEATURE_FLUSH_BY_ASID      BIT32(6)
#define SVM_FEATURE_DECODE_ASSISTS     BIT32(7)
#define SVM_FEATURE_PAUSE_FILTER       BIT32(10)
#define SVM_FEATURE_PAUSE_THRESHOLD    BIT32(12)
#define SVM_FEATURE_AVIC               BIT32(13)
#define SVM_FEATURE_VMSAVE_VIRT        BIT32(15)
#define SVM_FEATURE_VGIF               BIT32(16)
#define SVM_FEATURE_SPEC_CTRL          BIT32(20)
#define SVM_FEATURE_VNMI               BIT32(25)
#define SVM_FEATURE_BUS_LOCK_THRESHOLD BIT32(29)
#define SVM_FEATURE_IDLE_HLT           BIT32(30)

/* Beside each: r/w, and when it exists. APM "SVM Related MSRs". */
enum svm_msr {
    MSR_VM_CR = 0xc0010114,       /* rw  CPUID Fn8000_0001:ECX.SVM */
    MSR_VM_HSAVE_PA = 0xc0010117, /* rw  the same */
};

#define VM_CR_DIS_A20M BIT64(2)
#define VM_CR_R_INIT   BIT64(1)
#define VM_CR_LOCK     BIT64(3)
#define VM_CR_SVMDIS   BIT64(4)

/* vmcb.intercept_1: 0x00c */
#define INTERCEPT1_INTR        BIT32(0)
#define INTERCEPT1_NMI         BIT32(1)
#define INTERCEPT1_SMI         BIT32(2)
#define INTERCEPT1_INIT        BIT32(3)
#define INTERCEPT1_VINTR       BIT32(4)
#define INTERCEPT1_CR0_SEL     BIT32(5) /* writes of CR0 that change more than TS or MP */
#define INTERCEPT1_IDTR_READ   BIT32(6)
#define INTERCEPT1_GDTR_READ   BIT32(7)
#define INTERCEPT1_LDTR_READ   BIT32(8)
#define INTERCEPT1_TR_READ     BIT32(9)
#define INTERCEPT1_IDTR_WRITE  BIT32(10)
#define INTERCEPT1_GDTR_WRITE  BIT32(11)
#define INTERCEPT1_LDTR_WRITE  BIT32(12)
#define INTERCEPT1_TR_WRITE    BIT32(13)
#define INTERCEPT1_RDTSC       BIT32(14)
#define INTERCEPT1_RDPMC       BIT32(15)
#define INTERCEPT1_PUSHF       BIT32(16)
#define INTERCEPT1_POPF        BIT32(17)
#define INTERCEPT1_CPUID       BIT32(18)
#define INTERCEPT1_RSM         BIT32(19)
#define INTERCEPT1_IRET        BIT32(20)
#define INTERCEPT1_SWINT       BIT32(21)
#define INTERCEPT1_INVD        BIT32(22)
#define INTERCEPT1_PAUSE       BIT32(23)
#define INTERCEPT1_HLT         BIT32(24)
#define INTERCEPT1_INVLPG      BIT32(25)
#define INTERCEPT1_INVLPGA     BIT32(26)
#define INTERCEPT1_IOIO        BIT32(27) /* as the IOPM says */
#define INTERCEPT1_MSR         BIT32(28) /* as the MSRPM says */
#define INTERCEPT1_TASK_SWITCH BIT32(29)
#define INTERCEPT1_FERR_FREEZE BIT32(30) /* an x87 fault, without CR0.NE and IGNNE# */
#define INTERCEPT1_SHUTDOWN    BIT32(31)

/* vmcb.intercept_2: 0x010 */
#define INTERCEPT2_VMRUN      BIT32(0) /* must be 1 */
#define INTERCEPT2_VMMCALL    BIT32(1)
#define INTERCEPT2_VMLOAD     BIT32(2)
#define INTERCEPT2_VMSAVE     BIT32(3)
#define INTERCEPT2_STGI       BIT32(4)
#define INTERCEPT2_CLGI       BIT32(5)
#define INTERCEPT2_SKINIT     BIT32(6)
#define INTERCEPT2_RDTSCP     BIT32(7)
#define INTERCEPT2_ICEBP      BIT32(8)
#define INTERCEPT2_WBINVD     BIT32(9) /* and WBNOINVD */
#define INTERCEPT2_MONITOR    BIT32(10)
#define INTERCEPT2_MWAIT      BIT32(11)
#define INTERCEPT2_MWAIT_ARM  BIT32(12) /* only if a MONITOR is armed */
#define INTERCEPT2_XSETBV     BIT32(13)
#define INTERCEPT2_RDPRU      BIT32(14)
#define INTERCEPT2_EFER_WRITE BIT32(15) /* after the write */

/* vmcb.intercept_3: 0x014 */
#define INTERCEPT3_INVLPGB         BIT32(0)
#define INTERCEPT3_INVLPGB_ILLEGAL BIT32(1)
#define INTERCEPT3_INVPCID         BIT32(2)
#define INTERCEPT3_MCOMMIT         BIT32(3)
#define INTERCEPT3_TLBSYNC         BIT32(4)
#define INTERCEPT3_BUS_LOCK        BIT32(5)
#define INTERCEPT3_IDLE_HLT        BIT32(6)

/* vmcb.asid: ours, a guest's, and the same guest's with other nested tables. */
enum svm_asid { ASID_OWN = 0, ASID_GUEST = 1, ASID_OPEN = 2 };

/* vmcb.tlb_control. "TLB Control" */
enum svm_tlb_control {
    TLB_DO_NOTHING = 0,
    TLB_FLUSH_ALL = 1,          /* of all ASIDs */
    TLB_FLUSH_ASID = 3,         /* SVM_FEATURE_FLUSH_BY_ASID, as the next */
    TLB_FLUSH_ASID_PRIVATE = 7, /* but for global translations */
};

/* vmcb.vintr. "Virtual Interrupts" */
#define VINTR_TPR_MASK       MASK64(7, 0)
#define VINTR_IRQ            BIT64(8)
#define VINTR_GIF            BIT64(9)
#define VINTR_NMI_PENDING    BIT64(11)
#define VINTR_NMI_BLOCKED    BIT64(12)
#define VINTR_PRIORITY_SHIFT 16
#define VINTR_PRIORITY_MASK  MASK64(19, 16)
#define VINTR_IGNORE_TPR     BIT64(20)
#define VINTR_MASKING        BIT64(24) /* RFLAGS.IF of the guest is about virtual ones only */
#define VINTR_GIF_ENABLE     BIT64(25)
#define VINTR_NMI_ENABLE     BIT64(26)
#define VINTR_VECTOR_SHIFT   32
#define VINTR_VECTOR_MASK    MASK64(39, 32)

/* vmcb.interrupt_shadow */
#define SHADOW_ACTIVE     BIT64(0) /* of STI or MOV SS */
#define SHADOW_GUEST_MASK BIT64(1) /* the guest's RFLAGS.IF, with VINTR_MASKING */

/* vmcb.nested_control, vmcb.virt_ext */
#define NESTED_NP_ENABLE     BIT64(0)
#define VIRT_EXT_LBR         BIT64(0)
#define VIRT_EXT_VMSAVE_LOAD BIT64(1)

/* vmcb.clean: 1: unchanged since the last exit. "VMCB Clean Bits" */
#define CLEAN_INTERCEPTS BIT32(0) /* all intercepts, TSC offset, pause filter */
#define CLEAN_MAPS       BIT32(1) /* IOPM, MSRPM */
#define CLEAN_ASID       BIT32(2)
#define CLEAN_VINTR      BIT32(3)
#define CLEAN_NP         BIT32(4) /* nested_cr3, g_pat */
#define CLEAN_CR         BIT32(5) /* CR0, CR3, CR4, EFER */
#define CLEAN_DR         BIT32(6) /* DR6, DR7 */
#define CLEAN_DT         BIT32(7) /* GDTR, IDTR */
#define CLEAN_SEGMENTS   BIT32(8) /* CS, DS, SS, ES, CPL */
#define CLEAN_CR2        BIT32(9)
#define CLEAN_LBR        BIT32(10)
#define CLEAN_AVIC       BIT32(11)
#define CLEAN_CET        BIT32(12)

/* EVENTINJ, EXITINTINFO: vector 7:0, type 10:8, error code valid 11, valid 31, error code 63:32.
 * "Event Injection" */
#define EVENT_VECTOR_MASK MASK64(7, 0)
#define EVENT_TYPE_SHIFT  8
#define EVENT_TYPE_MASK   MASK64(10, 8)
#define EVENT_HAS_ERROR   BIT64(11)
#define EVENT_RESERVED    MASK64(30, 12)
#define EVENT_VALID       BIT64(31)
#define EVENT_ERROR_SHIFT 32

enum svm_event_type {
    EVENT_INTERRUPT = 0,
    EVENT_NMI = 2,
    EVENT_EXCEPTION = 3,
    EVENT_SOFTWARE_INTERRUPT = 4,
};

/* exit_info_1 of EXIT_IOIO; exit_info_2 is the RIP behind the instruction. "IOIO Intercepts" */
#define IOIO_IN         BIT64(0)
#define IOIO_STRING     BIT64(2)
#define IOIO_REP        BIT64(3)
#define IOIO_SIZE_SHIFT 4 /* then 1, 2 or 4: bytes */
#define IOIO_SIZE_MASK  MASK64(6, 4)
#define IOIO_PORT_SHIFT 16

/* exit_info_1 of EXIT_NPF; exit_info_2 is the address. "Nested Page Faults" */
#define NPF_PRESENT     BIT64(0)
#define NPF_WRITE       BIT64(1)
#define NPF_USER        BIT64(2)
#define NPF_RESERVED    BIT64(3)
#define NPF_FETCH       BIT64(4)
#define NPF_FINAL       BIT64(32) /* the address of the access itself */
#define NPF_GUEST_TABLE BIT64(33) /* met while walking the guest's own page tables */

/* Segment attributes, 12 bits: type, S, DPL, P in 7:0 as in struct segment_state; then: */
#define ATTRIBUTE_AVL      BIT32(8)
#define ATTRIBUTE_LONG     BIT32(9)
#define ATTRIBUTE_BIG      BIT32(10)
#define ATTRIBUTE_GRANULAR BIT32(11)

/*
 * All exit codes by their low 16 bits, and the kind that each is: EXIT_FORBIDDEN for an instruction
 * that guests do not have. UNKNOWN is for what no intercept of ours turns on: such an exit is not
 * explained by anything we did. MSR is WRMSR if exit_info_1 is 1. Of CR0-15 and DR0-15 only those
 * that exist have rows; of exceptions those with a name.
 */
#define SVM_EXITS(R)                       \
    R(CR0_READ, 0x00, UNKNOWN)             \
    R(CR2_READ, 0x02, UNKNOWN)             \
    R(CR3_READ, 0x03, UNKNOWN)             \
    R(CR4_READ, 0x04, UNKNOWN)             \
    R(CR8_READ, 0x08, UNKNOWN)             \
    R(CR0_WRITE, 0x10, UNKNOWN)            \
    R(CR2_WRITE, 0x12, UNKNOWN)            \
    R(CR3_WRITE, 0x13, UNKNOWN)            \
    R(CR4_WRITE, 0x14, UNKNOWN)            \
    R(CR8_WRITE, 0x18, UNKNOWN)            \
    R(DR0_READ, 0x20, UNKNOWN)             \
    R(DR1_READ, 0x21, UNKNOWN)             \
    R(DR2_READ, 0x22, UNKNOWN)             \
    R(DR3_READ, 0x23, UNKNOWN)             \
    R(DR4_READ, 0x24, UNKNOWN)             \
    R(DR5_READ, 0x25, UNKNOWN)             \
    R(DR6_READ, 0x26, UNKNOWN)             \
    R(DR7_READ, 0x27, UNKNOWN)             \
    R(DR0_WRITE, 0x30, UNKNOWN)            \
    R(DR1_WRITE, 0x31, UNKNOWN)            \
    R(DR2_WRITE, 0x32, UNKNOWN)            \
    R(DR3_WRITE, 0x33, UNKNOWN)            \
    R(DR4_WRITE, 0x34, UNKNOWN)            \
    R(DR5_WRITE, 0x35, UNKNOWN)            \
    R(DR6_WRITE, 0x36, UNKNOWN)            \
    R(DR7_WRITE, 0x37, UNKNOWN)            \
    R(EXCEPTION_DE, 0x40, UNKNOWN)         \
    R(EXCEPTION_DB, 0x41, EXCEPTION)       \
    R(EXCEPTION_NMI, 0x42, UNKNOWN)        \
    R(EXCEPTION_BP, 0x43, UNKNOWN)         \
    R(EXCEPTION_OF, 0x44, UNKNOWN)         \
    R(EXCEPTION_BR, 0x45, UNKNOWN)         \
    R(EXCEPTION_UD, 0x46, UNKNOWN)         \
    R(EXCEPTION_NM, 0x47, UNKNOWN)         \
    R(EXCEPTION_DF, 0x48, UNKNOWN)         \
    R(EXCEPTION_TS, 0x4a, UNKNOWN)         \
    R(EXCEPTION_NP, 0x4b, UNKNOWN)         \
    R(EXCEPTION_SS, 0x4c, UNKNOWN)         \
    R(EXCEPTION_GP, 0x4d, UNKNOWN)         \
    R(EXCEPTION_PF, 0x4e, UNKNOWN)         \
    R(EXCEPTION_MF, 0x50, UNKNOWN)         \
    R(EXCEPTION_AC, 0x51, EXCEPTION)       \
    R(EXCEPTION_MC, 0x52, EXCEPTION)       \
    R(EXCEPTION_XF, 0x53, UNKNOWN)         \
    R(EXCEPTION_CP, 0x55, UNKNOWN)         \
    R(EXCEPTION_HV, 0x5c, UNKNOWN)         \
    R(EXCEPTION_VC, 0x5d, UNKNOWN)         \
    R(EXCEPTION_SX, 0x5e, UNKNOWN)         \
    R(INTR, 0x60, WINDOW)                  \
    R(NMI, 0x61, KICK)                     \
    R(SMI, 0x62, UNKNOWN)                  \
    R(INIT, 0x63, INIT)                    \
    R(VINTR, 0x64, WINDOW)                 \
    R(CR0_SEL_WRITE, 0x65, UNKNOWN)        \
    R(IDTR_READ, 0x66, UNKNOWN)            \
    R(GDTR_READ, 0x67, UNKNOWN)            \
    R(LDTR_READ, 0x68, UNKNOWN)            \
    R(TR_READ, 0x69, UNKNOWN)              \
    R(IDTR_WRITE, 0x6a, UNKNOWN)           \
    R(GDTR_WRITE, 0x6b, UNKNOWN)           \
    R(LDTR_WRITE, 0x6c, UNKNOWN)           \
    R(TR_WRITE, 0x6d, UNKNOWN)             \
    R(RDTSC, 0x6e, UNKNOWN)                \
    R(RDPMC, 0x6f, RDPMC)                  \
    R(PUSHF, 0x70, UNKNOWN)                \
    R(POPF, 0x71, UNKNOWN)                 \
    R(CPUID, 0x72, CPUID)                  \
    R(RSM, 0x73, FORBIDDEN)                \
    R(IRET, 0x74, WINDOW)                  \
    R(SWINT, 0x75, UNKNOWN)                \
    R(INVD, 0x76, CACHE)                   \
    R(PAUSE, 0x77, UNKNOWN)                \
    R(HLT, 0x78, HALT)                     \
    R(INVLPG, 0x79, UNKNOWN)               \
    R(INVLPGA, 0x7a, FORBIDDEN)            \
    R(IOIO, 0x7b, PIO)                     \
    R(MSR, 0x7c, RDMSR)                    \
    R(TASK_SWITCH, 0x7d, TASK_SWITCH)      \
    R(FERR_FREEZE, 0x7e, EXCEPTION)        \
    R(SHUTDOWN, 0x7f, TRIPLE_FAULT)        \
    R(VMRUN, 0x80, FORBIDDEN)              \
    R(VMMCALL, 0x81, HYPERCALL)            \
    R(VMLOAD, 0x82, FORBIDDEN)             \
    R(VMSAVE, 0x83, FORBIDDEN)             \
    R(STGI, 0x84, FORBIDDEN)               \
    R(CLGI, 0x85, FORBIDDEN)               \
    R(SKINIT, 0x86, FORBIDDEN)             \
    R(RDTSCP, 0x87, UNKNOWN)               \
    R(ICEBP, 0x88, UNKNOWN)                \
    R(WBINVD, 0x89, CACHE)                 \
    R(MONITOR, 0x8a, FORBIDDEN)            \
    R(MWAIT, 0x8b, FORBIDDEN)              \
    R(MWAIT_CONDITIONAL, 0x8c, FORBIDDEN)  \
    R(XSETBV, 0x8d, XSETBV)                \
    R(RDPRU, 0x8e, FORBIDDEN)              \
    R(EFER_WRITE_TRAP, 0x8f, UNKNOWN)      \
    R(CR0_WRITE_TRAP, 0x90, UNKNOWN)       \
    R(CR3_WRITE_TRAP, 0x93, UNKNOWN)       \
    R(CR4_WRITE_TRAP, 0x94, UNKNOWN)       \
    R(CR8_WRITE_TRAP, 0x98, UNKNOWN)       \
    R(INVLPGB, 0xa0, FORBIDDEN)            \
    R(INVLPGB_ILLEGAL, 0xa1, FORBIDDEN)    \
    R(INVPCID, 0xa2, UNKNOWN)              \
    R(MCOMMIT, 0xa3, FORBIDDEN)            \
    R(TLBSYNC, 0xa4, FORBIDDEN)            \
    R(BUS_LOCK, 0xa5, BUS_LOCK)            \
    R(IDLE_HLT, 0xa6, HALT)                \
    R(NPF, 0x400, NESTED_FAULT)            \
    R(AVIC_INCOMPLETE_IPI, 0x401, UNKNOWN) \
    R(AVIC_NOACCEL, 0x402, UNKNOWN)        \
    R(VMGEXIT, 0x403, UNKNOWN)             \
    R(INVALID_PMC, 0xfffc, ENTRY_FAILED)   \
    R(IDLE_REQUIRED, 0xfffd, ENTRY_FAILED) \
    R(BUSY, 0xfffe, ENTRY_FAILED)          \
    R(INVALID, 0xffff, ENTRY_FAILED)

enum svm_exit {
#define SVM_ENUM(name, number, kind) SVM_EXIT_##name = (number),
    SVM_EXITS(SVM_ENUM)
#undef SVM_ENUM
};

/* "NPF"; "?" for a number that is not in the list. Of the code only the low 16 bits count. */
const char *svm_exit_name(uint32_t hw_code);

/* SPDX-License-Identifier: MIT */
/*
 * bits: the control bits, exit reasons and formats of VT-x, by the manual's names.
 * SDM "Virtual Machine Control Structures", "VM Exits", appendix "VMX Basic Exit Reasons".
 */
#pragma once

#include "lib/bits.h"

/* Pin-Based VM-Execution Controls */
#define PIN_EXTERNAL_INTERRUPT BIT32(0)
#define PIN_NMI                BIT32(3)
#define PIN_VIRTUAL_NMIS       BIT32(5)
#define PIN_PREEMPTION_TIMER   BIT32(6)

/* Primary Processor-Based VM-Execution Controls */
#define CPU_INTERRUPT_WINDOW BIT32(2)
#define CPU_TSC_OFFSETTING   BIT32(3)
#define CPU_HLT              BIT32(7)
#define CPU_INVLPG           BIT32(9)
#define CPU_MWAIT            BIT32(10)
#define CPU_RDPMC            BIT32(11)
#define CPU_RDTSC            BIT32(12)
#define CPU_CR3_LOAD         BIT32(15)
#define CPU_CR3_STORE        BIT32(16)
#define CPU_TERTIARY         BIT32(17)
#define CPU_CR8_LOAD         BIT32(19)
#define CPU_CR8_STORE        BIT32(20)
#define CPU_TPR_SHADOW       BIT32(21)
#define CPU_NMI_WINDOW       BIT32(22)
#define CPU_MOV_DR           BIT32(23)
#define CPU_IO_ALL           BIT32(24)
#define CPU_IO_BITMAPS       BIT32(25)
#define CPU_MONITOR_TRAP     BIT32(27)
#define CPU_MSR_BITMAPS      BIT32(28)
#define CPU_MONITOR          BIT32(29)
#define CPU_PAUSE            BIT32(30)
#define CPU_SECONDARY        BIT32(31)

/* What is on while an event waits that the guest cannot take yet. */
#define CPU_WINDOWS (CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW | CPU_HLT)

/* Secondary Processor-Based VM-Execution Controls */
#define CPU2_EPT                BIT32(1)
#define CPU2_RDTSCP             BIT32(3)
#define CPU2_VPID               BIT32(5)
#define CPU2_WBINVD             BIT32(6)
#define CPU2_UNRESTRICTED_GUEST BIT32(7)
#define CPU2_INVPCID            BIT32(12)
#define CPU2_ENCLS              BIT32(15)
#define CPU2_ENCLV              BIT32(28) /* PCONFIG, bit 27, is #UD while that is 0 */
#define CPU2_BUS_LOCK           BIT32(30) /* "VMM bus-lock detection" */

/* VM-Exit Controls */
#define EXIT_SAVE_DEBUG BIT32(2)
#define EXIT_HOST_64    BIT32(9)
#define EXIT_SAVE_PAT   BIT32(18)
#define EXIT_LOAD_PAT   BIT32(19)
#define EXIT_SAVE_EFER  BIT32(20)
#define EXIT_LOAD_EFER  BIT32(21)
#define EXIT_SAVE_TIMER BIT32(22)

/* VM-Entry Controls */
#define ENTRY_LOAD_DEBUG BIT32(2)
#define ENTRY_IA32E      BIT32(9)
#define ENTRY_LOAD_PAT   BIT32(14)
#define ENTRY_LOAD_EFER  BIT32(15)
#define ENTRY_LOAD_CET   BIT32(20)

/* Beside each: r/w, and when it exists. SDM appendix "VMX Capability Reporting Facility". */
enum vmx_msr {
    MSR_VMX_BASIC = 0x480, /* r-  CPUID.1:ECX.VMX, and up to 0x48d */
    MSR_VMX_PINBASED_CTLS = 0x481,
    MSR_VMX_PROCBASED_CTLS = 0x482,
    MSR_VMX_EXIT_CTLS = 0x483,
    MSR_VMX_ENTRY_CTLS = 0x484,
    MSR_VMX_MISC = 0x485,
    MSR_VMX_CR0_FIXED0 = 0x486,
    MSR_VMX_CR0_FIXED1 = 0x487,
    MSR_VMX_CR4_FIXED0 = 0x488,
    MSR_VMX_CR4_FIXED1 = 0x489,
    MSR_VMX_PROCBASED_CTLS2 = 0x48b,    /* r-  PROCBASED_CTLS allows-1 bit 31 */
    MSR_VMX_EPT_VPID_CAP = 0x48c,       /* r-  PROCBASED_CTLS2 allows EPT or VPID */
    MSR_VMX_TRUE_PINBASED_CTLS = 0x48d, /* r-  VMX_BASIC bit 55, and up to 0x490 */
    MSR_VMX_TRUE_PROCBASED_CTLS = 0x48e,
    MSR_VMX_TRUE_EXIT_CTLS = 0x48f,
    MSR_VMX_TRUE_ENTRY_CTLS = 0x490,
    MSR_VMX_PROCBASED_CTLS3 = 0x492, /* r-  PROCBASED_CTLS allows-1 bit 17 */
};

/* IA32_VMX_BASIC */
#define VMX_BASIC_REVISION_MASK UINT64_C(0x7fffffff)
#define VMX_BASIC_TRUE_CONTROLS BIT64(55)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_WALK_4      BIT64(6)
#define EPT_CAP_WRITE_BACK  BIT64(14)
#define EPT_CAP_2M          BIT64(16)
#define EPT_CAP_1G          BIT64(17)
#define EPT_CAP_INVEPT      BIT64(20)
#define EPT_CAP_INVEPT_ONE  BIT64(25)
#define EPT_CAP_INVEPT_ALL  BIT64(26)
#define EPT_CAP_INVVPID     BIT64(32)
#define EPT_CAP_INVVPID_ONE BIT64(41)

/* Interruption information: vector 7:0, type 10:8, error code 11, NMI unblocking 12, valid 31.
 * SDM "Information for VM Exits Due to Vectored Events", "VM-Entry Controls for Event Injection" */
#define INTR_VECTOR_MASK UINT32_C(0xff)
#define INTR_TYPE_SHIFT  8
#define INTR_TYPE_MASK   UINT32_C(0x700)
#define INTR_HAS_ERROR   BIT32(11)
#define INTR_NMI_UNBLOCK BIT32(12)
#define INTR_VALID       BIT32(31)

enum intr_type {
    INTR_EXTERNAL = 0,
    INTR_RESERVED = 1,
    INTR_NMI = 2,
    INTR_HARDWARE_EXCEPTION = 3,
    INTR_SOFTWARE_INTERRUPT = 4,
    INTR_PRIVILEGED_SOFTWARE = 5, /* ICEBP */
    INTR_SOFTWARE_EXCEPTION = 6,  /* INT3, INTO */
    INTR_OTHER = 7,               /* vector 0: a monitor-trap-flag exit */
};

/* Guest interruptibility state */
#define BLOCKED_BY_STI    BIT32(0)
#define BLOCKED_BY_MOV_SS BIT32(1)
#define BLOCKED_BY_SMI    BIT32(2)
#define BLOCKED_BY_NMI    BIT32(3)
#define BLOCKED_ENCLAVE   BIT32(4)

/* Guest activity state */
enum activity { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_SIPI };
/* IA32_VMX_MISC: bit 6 HLT, 7 shutdown, 8 wait-for-SIPI; a bit for each state but active. */
#define MISC_ACTIVITY_SHIFT 5
/* The preemption timer counts when this bit of the TSC changes. */
#define MISC_TIMER_SHIFT_MASK UINT64_C(0x1f)

/* Pending debug exceptions */
#define PENDING_DEBUG_BS BIT64(14)

/* Segment access rights: the descriptor's bits, and this one. */
#define ACCESS_UNUSABLE BIT32(16)

#define EXIT_REASON_BUS_LOCK     BIT32(26) /* the instruction before made one, beside the reason */
#define EXIT_REASON_ENTRY_FAILED BIT32(31)

/*
 * All basic exit reasons, and the kind that each is: EXIT_FORBIDDEN for an instruction that guests
 * do not have, whether it exits always, by an MSR bitmap, or by a control that is off here. UNKNOWN
 * is for events that no control turns on, and for instructions that guests may use without an exit:
 * such an exit is not explained by anything we did. The kind of three (EXCEPTION_OR_NMI, CR_ACCESS,
 * IO) also depends on the qualification; 33, 34 and 41 come with EXIT_REASON_ENTRY_FAILED only.
 */
#define VMX_REASONS(R)                        \
    R(EXCEPTION_OR_NMI, 0, EXCEPTION)         \
    R(EXTERNAL_INTERRUPT, 1, UNKNOWN)         \
    R(TRIPLE_FAULT, 2, TRIPLE_FAULT)          \
    R(INIT, 3, INIT)                          \
    R(SIPI, 4, UNKNOWN)                       \
    R(IO_SMI, 5, UNKNOWN)                     \
    R(OTHER_SMI, 6, UNKNOWN)                  \
    R(INTERRUPT_WINDOW, 7, WINDOW)            \
    R(NMI_WINDOW, 8, WINDOW)                  \
    R(TASK_SWITCH, 9, TASK_SWITCH)            \
    R(CPUID, 10, CPUID)                       \
    R(GETSEC, 11, FORBIDDEN)                  \
    R(HLT, 12, HALT)                          \
    R(INVD, 13, CACHE)                        \
    R(INVLPG, 14, UNKNOWN)                    \
    R(RDPMC, 15, RDPMC)                       \
    R(RDTSC, 16, UNKNOWN)                     \
    R(RSM, 17, FORBIDDEN)                     \
    R(VMCALL, 18, HYPERCALL)                  \
    R(VMCLEAR, 19, FORBIDDEN)                 \
    R(VMLAUNCH, 20, FORBIDDEN)                \
    R(VMPTRLD, 21, FORBIDDEN)                 \
    R(VMPTRST, 22, FORBIDDEN)                 \
    R(VMREAD, 23, FORBIDDEN)                  \
    R(VMRESUME, 24, FORBIDDEN)                \
    R(VMWRITE, 25, FORBIDDEN)                 \
    R(VMXOFF, 26, FORBIDDEN)                  \
    R(VMXON, 27, FORBIDDEN)                   \
    R(CR_ACCESS, 28, CONTROL)                 \
    R(MOV_DR, 29, UNKNOWN)                    \
    R(IO, 30, PIO)                            \
    R(RDMSR, 31, RDMSR)                       \
    R(WRMSR, 32, WRMSR)                       \
    R(ENTRY_GUEST_STATE, 33, ENTRY_FAILED)    \
    R(ENTRY_MSR_LOADING, 34, ENTRY_FAILED)    \
    R(MWAIT, 36, FORBIDDEN)                   \
    R(MONITOR_TRAP, 37, STEP)                 \
    R(MONITOR, 39, FORBIDDEN)                 \
    R(PAUSE, 40, UNKNOWN)                     \
    R(ENTRY_MACHINE_CHECK, 41, MACHINE_CHECK) \
    R(TPR_BELOW_THRESHOLD, 43, UNKNOWN)       \
    R(APIC_ACCESS, 44, UNKNOWN)               \
    R(VIRTUALIZED_EOI, 45, UNKNOWN)           \
    R(GDTR_IDTR, 46, UNKNOWN)                 \
    R(LDTR_TR, 47, UNKNOWN)                   \
    R(EPT_VIOLATION, 48, NESTED_FAULT)        \
    R(EPT_MISCONFIGURATION, 49, UNKNOWN)      \
    R(INVEPT, 50, FORBIDDEN)                  \
    R(RDTSCP, 51, UNKNOWN)                    \
    R(PREEMPTION_TIMER, 52, TIMER)            \
    R(INVVPID, 53, FORBIDDEN)                 \
    R(WBINVD, 54, CACHE)                      \
    R(XSETBV, 55, XSETBV)                     \
    R(APIC_WRITE, 56, UNKNOWN)                \
    R(RDRAND, 57, UNKNOWN)                    \
    R(INVPCID, 58, UNKNOWN)                   \
    R(VMFUNC, 59, FORBIDDEN)                  \
    R(ENCLS, 60, FORBIDDEN)                   \
    R(RDSEED, 61, UNKNOWN)                    \
    R(PML_FULL, 62, UNKNOWN)                  \
    R(XSAVES, 63, FORBIDDEN)                  \
    R(XRSTORS, 64, FORBIDDEN)                 \
    R(PCONFIG, 65, FORBIDDEN)                 \
    R(SPP, 66, UNKNOWN)                       \
    R(UMWAIT, 67, FORBIDDEN)                  \
    R(TPAUSE, 68, FORBIDDEN)                  \
    R(LOADIWKEY, 69, FORBIDDEN)               \
    R(ENCLV, 70, FORBIDDEN)                   \
    R(ENQCMD_PASID, 72, FORBIDDEN)            \
    R(ENQCMDS_PASID, 73, FORBIDDEN)           \
    R(BUS_LOCK, 74, BUS_LOCK)                 \
    R(NOTIFY, 75, UNKNOWN)                    \
    R(SEAMCALL, 76, FORBIDDEN)                \
    R(TDCALL, 77, FORBIDDEN)                  \
    R(RDMSRLIST, 78, FORBIDDEN)               \
    R(WRMSRLIST, 79, FORBIDDEN)               \
    R(URDMSR, 80, FORBIDDEN)                  \
    R(UWRMSR, 81, FORBIDDEN)                  \
    R(RDMSR_IMMEDIATE, 84, FORBIDDEN)         \
    R(WRMSRNS_IMMEDIATE, 85, FORBIDDEN)

enum vmx_reason {
#define VMX_ENUM(name, number, kind) VMX_REASON_##name = (number),
    VMX_REASONS(VMX_ENUM)
#undef VMX_ENUM
};

/* "EPT_VIOLATION"; "?" for a number that is not in the list. */
const char *vmx_reason_name(uint32_t basic_reason);

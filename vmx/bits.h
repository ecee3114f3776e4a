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
#define CPU_CR8_LOAD         BIT32(19)
#define CPU_CR8_STORE        BIT32(20)
#define CPU_TPR_SHADOW       BIT32(21)
#define CPU_NMI_WINDOW       BIT32(22)
#define CPU_MOV_DR           BIT32(23)
#define CPU_IO_ALL           BIT32(24)
#define CPU_IO_BITMAPS       BIT32(25)
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

/* Pending debug exceptions */
#define PENDING_DEBUG_BS BIT64(14)

/* Segment access rights: the descriptor's bits, and this one. */
#define ACCESS_UNUSABLE BIT32(16)

#define EXIT_REASON_ENTRY_FAILED BIT32(31)

#define VMX_REASONS(R)          \
    R(EXCEPTION_OR_NMI, 0)      \
    R(EXTERNAL_INTERRUPT, 1)    \
    R(TRIPLE_FAULT, 2)          \
    R(INIT, 3)                  \
    R(SIPI, 4)                  \
    R(IO_SMI, 5)                \
    R(OTHER_SMI, 6)             \
    R(INTERRUPT_WINDOW, 7)      \
    R(NMI_WINDOW, 8)            \
    R(TASK_SWITCH, 9)           \
    R(CPUID, 10)                \
    R(GETSEC, 11)               \
    R(HLT, 12)                  \
    R(INVD, 13)                 \
    R(INVLPG, 14)               \
    R(RDPMC, 15)                \
    R(RDTSC, 16)                \
    R(RSM, 17)                  \
    R(VMCALL, 18)               \
    R(VMCLEAR, 19)              \
    R(VMLAUNCH, 20)             \
    R(VMPTRLD, 21)              \
    R(VMPTRST, 22)              \
    R(VMREAD, 23)               \
    R(VMRESUME, 24)             \
    R(VMWRITE, 25)              \
    R(VMXOFF, 26)               \
    R(VMXON, 27)                \
    R(CR_ACCESS, 28)            \
    R(MOV_DR, 29)               \
    R(IO, 30)                   \
    R(RDMSR, 31)                \
    R(WRMSR, 32)                \
    R(ENTRY_GUEST_STATE, 33)    \
    R(ENTRY_MSR_LOADING, 34)    \
    R(MWAIT, 36)                \
    R(MONITOR_TRAP, 37)         \
    R(MONITOR, 39)              \
    R(PAUSE, 40)                \
    R(ENTRY_MACHINE_CHECK, 41)  \
    R(TPR_BELOW_THRESHOLD, 43)  \
    R(APIC_ACCESS, 44)          \
    R(VIRTUALIZED_EOI, 45)      \
    R(GDTR_IDTR, 46)            \
    R(LDTR_TR, 47)              \
    R(EPT_VIOLATION, 48)        \
    R(EPT_MISCONFIGURATION, 49) \
    R(INVEPT, 50)               \
    R(RDTSCP, 51)               \
    R(PREEMPTION_TIMER, 52)     \
    R(INVVPID, 53)              \
    R(WBINVD, 54)               \
    R(XSETBV, 55)               \
    R(APIC_WRITE, 56)           \
    R(RDRAND, 57)               \
    R(INVPCID, 58)              \
    R(VMFUNC, 59)               \
    R(ENCLS, 60)                \
    R(RDSEED, 61)               \
    R(PML_FULL, 62)             \
    R(XSAVES, 63)               \
    R(XRSTORS, 64)              \
    R(PCONFIG, 65)              \
    R(SPP, 66)                  \
    R(UMWAIT, 67)               \
    R(TPAUSE, 68)               \
    R(LOADIWKEY, 69)            \
    R(ENCLV, 70)                \
    R(ENQCMD_PASID, 72)         \
    R(ENQCMDS_PASID, 73)        \
    R(BUS_LOCK, 74)             \
    R(NOTIFY, 75)               \
    R(SEAMCALL, 76)             \
    R(TDCALL, 77)

enum vmx_reason {
#define VMX_ENUM(name, number) VMX_REASON_##name = (number),
    VMX_REASONS(VMX_ENUM)
#undef VMX_ENUM
};

/* "EPT_VIOLATION"; "?" for a number that is not in the list. */
const char *vmx_reason_name(uint32_t basic_reason);

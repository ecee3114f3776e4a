/* SPDX-License-Identifier: MIT */
/*
 * msr: the model-specific registers we or our policy name, except VT-x's own (vmx/bits.h). Next to
 * each: r/w, and when it exists. SDM "Model-Specific Registers (MSRs)".
 */
#pragma once

enum msr_index {
    MSR_TSC = 0x10,                 /* rw */
    MSR_PLATFORM_ID = 0x17,         /* r- */
    MSR_APIC_BASE = 0x1b,           /* rw  CPUID.1:EDX.APIC */
    MSR_SMI_COUNT = 0x34,           /* r-  Intel's, by model: else #GP */
    MSR_FEATURE_CONTROL = 0x3a,     /* rw  CPUID.1:ECX.VMX or SMX; once locked r- */
    MSR_TSC_ADJUST = 0x3b,          /* rw  CPUID.(7,0):EBX.1 */
    MSR_SPEC_CTRL = 0x48,           /* rw  CPUID.(7,0):EDX.26/27/31 */
    MSR_PRED_CMD = 0x49,            /* -w  CPUID.(7,0):EDX.26 */
    MSR_UCODE_REV = 0x8b,           /* rw */
    MSR_MTRR_CAP = 0xfe,            /* r-  CPUID.1:EDX.MTRR */
    MSR_ARCH_CAPABILITIES = 0x10a,  /* r-  CPUID.(7,0):EDX.29 */
    MSR_FLUSH_CMD = 0x10b,          /* -w  CPUID.(7,0):EDX.28 */
    MSR_TSX_CTRL = 0x122,           /* rw  ARCH_CAPABILITIES bit 7 */
    MSR_SYSENTER_CS = 0x174,        /* rw */
    MSR_SYSENTER_ESP = 0x175,       /* rw */
    MSR_SYSENTER_EIP = 0x176,       /* rw */
    MSR_MCG_CAP = 0x179,            /* r-  CPUID.1:EDX.MCA */
    MSR_MCG_STATUS = 0x17a,         /* rw  CPUID.1:EDX.MCA */
    MSR_MCG_CTL = 0x17b,            /* rw  MCG_CAP bit 8 */
    MSR_MISC_ENABLE = 0x1a0,        /* rw */
    MSR_DEBUGCTL = 0x1d9,           /* rw */
    MSR_MTRR_PHYSBASE0 = 0x200,     /* rw  up to 0x213 by MTRR_CAP */
    MSR_MTRR_FIX64K = 0x250,        /* rw */
    MSR_MTRR_FIX16K = 0x258,        /* rw  2 registers */
    MSR_MTRR_FIX4K = 0x268,         /* rw  8 registers */
    MSR_PAT = 0x277,                /* rw  CPUID.1:EDX.PAT */
    MSR_MTRR_DEF_TYPE = 0x2ff,      /* rw */
    MSR_PERF_GLOBAL_CTRL = 0x38f,   /* rw  CPUID.0xA:EAX[7:0] > 1 */
    MSR_RTIT_CTL = 0x570,           /* rw  CPUID.(7,0):EBX.25 */
    MSR_TSC_DEADLINE = 0x6e0,       /* rw  CPUID.1:ECX.24 */
    MSR_X2APIC_FIRST = 0x800,       /* x2APIC mode only: else #GP */
    MSR_X2APIC_ID = 0x802,          /* r- */
    MSR_X2APIC_VERSION = 0x803,     /* r- */
    MSR_X2APIC_TPR = 0x808,         /* rw */
    MSR_X2APIC_PPR = 0x80a,         /* r- */
    MSR_X2APIC_EOI = 0x80b,         /* -w  0 only */
    MSR_X2APIC_LDR = 0x80d,         /* r- */
    MSR_X2APIC_SVR = 0x80f,         /* rw */
    MSR_X2APIC_ISR0 = 0x810,        /* r-  8 registers */
    MSR_X2APIC_TMR0 = 0x818,        /* r-  8 registers */
    MSR_X2APIC_IRR0 = 0x820,        /* r-  8 registers */
    MSR_X2APIC_ESR = 0x828,         /* rw  0 only */
    MSR_X2APIC_LVT_CMCI = 0x82f,    /* rw  MCG_CAP bit 10 */
    MSR_X2APIC_ICR = 0x830,         /* rw */
    MSR_X2APIC_LVT_TIMER = 0x832,   /* rw */
    MSR_X2APIC_LVT_THERMAL = 0x833, /* rw */
    MSR_X2APIC_LVT_PMI = 0x834,     /* rw */
    MSR_X2APIC_LVT_LINT0 = 0x835,   /* rw */
    MSR_X2APIC_LVT_LINT1 = 0x836,   /* rw */
    MSR_X2APIC_LVT_ERROR = 0x837,   /* rw */
    MSR_X2APIC_TIMER_INIT = 0x838,  /* rw */
    MSR_X2APIC_TIMER_NOW = 0x839,   /* r- */
    MSR_X2APIC_TIMER_DIV = 0x83e,   /* rw */
    MSR_X2APIC_SELF_IPI = 0x83f,    /* -w */
    MSR_X2APIC_LAST = 0x8ff,
    MSR_XSS = 0xda0,                       /* rw  CPUID.(0xD,1):EAX.3 */
    MSR_EFER = 0xc0000080,                 /* rw */
    MSR_STAR = 0xc0000081,                 /* rw */
    MSR_LSTAR = 0xc0000082,                /* rw */
    MSR_CSTAR = 0xc0000083,                /* rw */
    MSR_FMASK = 0xc0000084,                /* rw */
    MSR_FS_BASE = 0xc0000100,              /* rw */
    MSR_GS_BASE = 0xc0000101,              /* rw */
    MSR_KERNEL_GS_BASE = 0xc0000102,       /* rw */
    MSR_TSC_AUX = 0xc0000103,              /* rw  CPUID.0x80000001:EDX.27 or RDPID */
    MSR_DEBUG_EXTN_CTL = 0xc000010f,       /* rw  CPUID.0x80000022:EAX.1 (AMD) */
    MSR_PERF_CNTR_GLOBAL_CTL = 0xc0000301, /* rw  CPUID.0x80000022:EAX.0 (AMD) */

    /* AMD's own, each on all processors with x2APIC. AMD "Processor Programming Reference". */
    MSR_SYSCFG = 0xc0010010,   /* rw */
    MSR_HWCR = 0xc0010015,     /* rw */
    MSR_TOP_MEM = 0xc001001a,  /* rw */
    MSR_TOP_MEM2 = 0xc001001d, /* rw */
    MSR_NB_CFG = 0xc001001f,   /* rw */
    MSR_DE_CFG = 0xc0011029,   /* rw */
};

/* Bank i's, i < MCG_CAP bits 7:0. */
#define MSR_MC_CTL(i)    (0x400 + 4 * (i))
#define MSR_MC_STATUS(i) (0x401 + 4 * (i))
#define MSR_MC_ADDR(i)   (0x402 + 4 * (i)) /* the status has ADDRV */
#define MSR_MC_MISC(i)   (0x403 + 4 * (i)) /* the status has MISCV */

/* MSR_APIC_BASE */
#define APIC_BASE_BSP    (UINT64_C(1) << 8)
#define APIC_BASE_X2APIC (UINT64_C(1) << 10)
#define APIC_BASE_ENABLE (UINT64_C(1) << 11)

/* MSR_FEATURE_CONTROL */
#define FEATURE_CONTROL_LOCK (UINT64_C(1) << 0)
#define FEATURE_CONTROL_VMX  (UINT64_C(1) << 2) /* VMXON outside SMX */

/* MSR_MISC_ENABLE: Intel's alone */
#define MISC_ENABLE_XD_DISABLE (UINT64_C(1) << 34)

/* MSR_PAT after a reset. SDM "Programming the PAT", APM "PAT Register" */
#define PAT_RESET UINT64_C(0x0007040600070406)

/* MSR_DE_CFG: LFENCE waits for all before it */
#define DE_CFG_LFENCE_SERIALIZES (UINT64_C(1) << 1)

/* MSR_DEBUG_EXTN_CTL: records branches. APM "Debug-Extension-Control MSR (DebugExtnCtl)" */
#define DEBUG_EXTN_CTL_LBRS (UINT64_C(1) << 6)

/* MSR_FLUSH_CMD */
#define FLUSH_CMD_L1D (UINT64_C(1) << 0)

/* MSR_TSX_CTRL: each transaction aborts at once; CPUID does not show that there are any */
#define TSX_CTRL_RTM_DISABLE (UINT64_C(1) << 0)
#define TSX_CTRL_CPUID_CLEAR (UINT64_C(1) << 1)

/* MSR_PRED_CMD */
#define PRED_CMD_IBPB (UINT64_C(1) << 0)

/* MSR_EFER */
#define EFER_SCE    (UINT64_C(1) << 0)
#define EFER_LME    (UINT64_C(1) << 8)
#define EFER_LMA    (UINT64_C(1) << 10)
#define EFER_NXE    (UINT64_C(1) << 11)
#define EFER_SVME   (UINT64_C(1) << 12) /* AMD's, as the next */
#define EFER_AIBRSE (UINT64_C(1) << 21)

/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_bits: names of the CPUID bits that a guest may see, and of a few that it must not but
 * that the tests speak of. CPUID_<leaf><register>_<feature>: 1C is leaf 1, ECX; 7_1A leaf 7,
 * subleaf 1, EAX; E1D leaf 0x80000001, EDX. A bit without a name here is never shown.
 * SDM "CPUID: CPU Identification"; APM "Obtaining Processor Information Via the CPUID Instruction".
 */
#pragma once

#include "lib/bits.h"

/* Leaf 1, ECX */
#define CPUID_1C_SSE3         BIT32(0)
#define CPUID_1C_PCLMULQDQ    BIT32(1)
#define CPUID_1C_MONITOR      BIT32(3) /* hidden: MWAIT would be a power state of our choosing */
#define CPUID_1C_VMX          BIT32(5) /* hidden */
#define CPUID_1C_SMX          BIT32(6) /* hidden */
#define CPUID_1C_SSSE3        BIT32(9)
#define CPUID_1C_FMA          BIT32(12)
#define CPUID_1C_CX16         BIT32(13)
#define CPUID_1C_PCID         BIT32(17)
#define CPUID_1C_SSE4_1       BIT32(19)
#define CPUID_1C_SSE4_2       BIT32(20)
#define CPUID_1C_X2APIC       BIT32(21)
#define CPUID_1C_MOVBE        BIT32(22)
#define CPUID_1C_POPCNT       BIT32(23)
#define CPUID_1C_TSC_DEADLINE BIT32(24)
#define CPUID_1C_AES          BIT32(25)
#define CPUID_1C_XSAVE        BIT32(26)
#define CPUID_1C_OSXSAVE      BIT32(27) /* follows CR4 */
#define CPUID_1C_AVX          BIT32(28)
#define CPUID_1C_F16C         BIT32(29)
#define CPUID_1C_RDRAND       BIT32(30)
#define CPUID_1C_HYPERVISOR   BIT32(31)

/* Leaf 1, EDX */
#define CPUID_1D_FPU     BIT32(0)
#define CPUID_1D_VME     BIT32(1)
#define CPUID_1D_DE      BIT32(2)
#define CPUID_1D_PSE     BIT32(3)
#define CPUID_1D_TSC     BIT32(4)
#define CPUID_1D_MSR     BIT32(5)
#define CPUID_1D_PAE     BIT32(6)
#define CPUID_1D_MCE     BIT32(7) /* hidden: machine checks are the hypervisor's */
#define CPUID_1D_CX8     BIT32(8)
#define CPUID_1D_APIC    BIT32(9)
#define CPUID_1D_SEP     BIT32(11)
#define CPUID_1D_MTRR    BIT32(12)
#define CPUID_1D_PGE     BIT32(13)
#define CPUID_1D_MCA     BIT32(14) /* hidden */
#define CPUID_1D_CMOV    BIT32(15)
#define CPUID_1D_PAT     BIT32(16)
#define CPUID_1D_PSE36   BIT32(17)
#define CPUID_1D_CLFLUSH BIT32(19)
#define CPUID_1D_DS      BIT32(21) /* hidden: the debug store writes memory on its own */
#define CPUID_1D_ACPI    BIT32(22) /* hidden: clock modulation */
#define CPUID_1D_MMX     BIT32(23)
#define CPUID_1D_FXSR    BIT32(24)
#define CPUID_1D_SSE     BIT32(25)
#define CPUID_1D_SSE2    BIT32(26)
#define CPUID_1D_SS      BIT32(27)
#define CPUID_1D_HTT     BIT32(28) /* computed: the package has room for more than one id */

/* Leaf 6, EAX */
#define CPUID_6A_ARAT BIT32(2)

/* Leaf 7, EBX */
#define CPUID_7B_FSGSBASE        BIT32(0)
#define CPUID_7B_TSC_ADJUST      BIT32(1) /* hidden: the TSC is the machine's */
#define CPUID_7B_SGX             BIT32(2) /* hidden */
#define CPUID_7B_BMI1            BIT32(3)
#define CPUID_7B_AVX2            BIT32(5)
#define CPUID_7B_FDP_EXCPTN_ONLY BIT32(6)
#define CPUID_7B_SMEP            BIT32(7)
#define CPUID_7B_BMI2            BIT32(8)
#define CPUID_7B_ERMS            BIT32(9)  /* MSR_MISC_ENABLE bit 0 reads 1 */
#define CPUID_7B_INVPCID         BIT32(10) /* needs "enable INVPCID" */
#define CPUID_7B_RTM             BIT32(11) /* hidden */
#define CPUID_7B_ZERO_FCS_FDS    BIT32(13)
#define CPUID_7B_AVX512F         BIT32(16)
#define CPUID_7B_AVX512DQ        BIT32(17)
#define CPUID_7B_RDSEED          BIT32(18)
#define CPUID_7B_ADX             BIT32(19)
#define CPUID_7B_SMAP            BIT32(20)
#define CPUID_7B_AVX512_IFMA     BIT32(21)
#define CPUID_7B_CLFLUSHOPT      BIT32(23)
#define CPUID_7B_CLWB            BIT32(24)
#define CPUID_7B_PT              BIT32(25) /* hidden: writes physical memory past EPT */
#define CPUID_7B_AVX512CD        BIT32(28)
#define CPUID_7B_SHA             BIT32(29)
#define CPUID_7B_AVX512BW        BIT32(30)
#define CPUID_7B_AVX512VL        BIT32(31)

/* Leaf 7, ECX */
#define CPUID_7C_AVX512_VBMI      BIT32(1)
#define CPUID_7C_UMIP             BIT32(2)
#define CPUID_7C_PKU              BIT32(3) /* hidden: its XCR0 component is not allowed */
#define CPUID_7C_WAITPKG          BIT32(5) /* hidden: "user wait and pause" is off */
#define CPUID_7C_AVX512_VBMI2     BIT32(6)
#define CPUID_7C_CET_SS           BIT32(7) /* hidden */
#define CPUID_7C_GFNI             BIT32(8)
#define CPUID_7C_VAES             BIT32(9)
#define CPUID_7C_VPCLMULQDQ       BIT32(10)
#define CPUID_7C_AVX512_VNNI      BIT32(11)
#define CPUID_7C_AVX512_BITALG    BIT32(12)
#define CPUID_7C_AVX512_VPOPCNTDQ BIT32(14)
#define CPUID_7C_LA57             BIT32(16) /* hidden */
#define CPUID_7C_RDPID            BIT32(22) /* needs "enable RDTSCP" */
#define CPUID_7C_KEY_LOCKER       BIT32(23) /* hidden */
#define CPUID_7C_CLDEMOTE         BIT32(25)
#define CPUID_7C_MOVDIRI          BIT32(27)
#define CPUID_7C_MOVDIR64B        BIT32(28)
#define CPUID_7C_PKS              BIT32(31) /* hidden */

/* Leaf 7, EDX */
#define CPUID_7D_FSRM                BIT32(4) /* as ERMS */
#define CPUID_7D_UINTR               BIT32(5) /* hidden */
#define CPUID_7D_AVX512_VP2INTERSECT BIT32(8)
#define CPUID_7D_MD_CLEAR            BIT32(10) /* VERW: helps the guest, needs no MSR */
#define CPUID_7D_SERIALIZE           BIT32(14)
#define CPUID_7D_HYBRID              BIT32(15) /* leaf 1AH says which kind a core is */
#define CPUID_7D_CET_IBT             BIT32(20) /* hidden */
#define CPUID_7D_AVX512_FP16         BIT32(23)
#define CPUID_7D_AMX_TILE            BIT32(24) /* hidden */
#define CPUID_7D_SPEC_CTRL           BIT32(26) /* hidden, as the next five */
#define CPUID_7D_STIBP               BIT32(27)
#define CPUID_7D_L1D_FLUSH           BIT32(28)
#define CPUID_7D_ARCH_CAPABILITIES   BIT32(29)
#define CPUID_7D_CORE_CAPABILITIES   BIT32(30)
#define CPUID_7D_SSBD                BIT32(31)

/* Leaf 7, subleaf 1, EAX */
#define CPUID_7_1A_SHA512      BIT32(0)
#define CPUID_7_1A_SM3         BIT32(1)
#define CPUID_7_1A_SM4         BIT32(2)
#define CPUID_7_1A_AVX_VNNI    BIT32(4)
#define CPUID_7_1A_AVX512_BF16 BIT32(5)
#define CPUID_7_1A_LASS        BIT32(6) /* hidden */
#define CPUID_7_1A_CMPCCXADD   BIT32(7)
#define CPUID_7_1A_FZRM        BIT32(10)
#define CPUID_7_1A_FSRS        BIT32(11)
#define CPUID_7_1A_FSRC        BIT32(12)
#define CPUID_7_1A_FRED        BIT32(17) /* hidden */
#define CPUID_7_1A_AVX_IFMA    BIT32(23)
#define CPUID_7_1A_LAM         BIT32(26) /* hidden */
#define CPUID_7_1A_MSRLIST     BIT32(27) /* hidden */

/* Leaf 7, subleaf 1, EDX */
#define CPUID_7_1D_AVX_VNNI_INT8  BIT32(4)
#define CPUID_7_1D_AVX_NE_CONVERT BIT32(5)
#define CPUID_7_1D_AVX_VNNI_INT16 BIT32(10)
#define CPUID_7_1D_PREFETCHI      BIT32(14)
#define CPUID_7_1D_USER_MSR       BIT32(15) /* hidden */

/* Leaf 0xD, subleaf 1, EAX */
#define CPUID_D_1A_XSAVEOPT BIT32(0)
#define CPUID_D_1A_XSAVEC   BIT32(1)
#define CPUID_D_1A_XGETBV1  BIT32(2)
#define CPUID_D_1A_XSAVES   BIT32(3) /* hidden: "enable XSAVES" is off */

/* Leaf 0x80000001, ECX */
#define CPUID_E1C_LAHF         BIT32(0)
#define CPUID_E1C_CMP_LEGACY   BIT32(1) /* computed: HTT says cores, not threads */
#define CPUID_E1C_SVM          BIT32(2) /* hidden */
#define CPUID_E1C_EXTAPIC      BIT32(3) /* hidden: APIC registers from 0x400 on */
#define CPUID_E1C_LZCNT        BIT32(5)
#define CPUID_E1C_SSE4A        BIT32(6)
#define CPUID_E1C_MISALIGNSSE  BIT32(7)
#define CPUID_E1C_PREFETCHW    BIT32(8)
#define CPUID_E1C_OSVW         BIT32(9) /* hidden, as all that is from here on */
#define CPUID_E1C_IBS          BIT32(10)
#define CPUID_E1C_SKINIT       BIT32(12)
#define CPUID_E1C_WDT          BIT32(13)
#define CPUID_E1C_LWP          BIT32(15)
#define CPUID_E1C_TCE          BIT32(17)
#define CPUID_E1C_NODEID_MSR   BIT32(19)
#define CPUID_E1C_TOPOEXT      BIT32(22) /* shown: leaves 0x8000001d and 0x8000001e */
#define CPUID_E1C_PERFCTR_CORE BIT32(23)
#define CPUID_E1C_PERFCTR_NB   BIT32(24)
#define CPUID_E1C_DBEXT        BIT32(26)
#define CPUID_E1C_PERFTSC      BIT32(27)
#define CPUID_E1C_PERFCTR_LLC  BIT32(28)
#define CPUID_E1C_MWAITX       BIT32(29)

/* Leaf 0x80000001, EDX */
#define CPUID_E1D_SYSCALL BIT32(11)
#define CPUID_E1D_NX      BIT32(20)
#define CPUID_E1D_MMXEXT  BIT32(22)
#define CPUID_E1D_FFXSR   BIT32(25) /* hidden: a bit of EFER */
#define CPUID_E1D_PAGE_1G BIT32(26)
#define CPUID_E1D_RDTSCP  BIT32(27) /* needs "enable RDTSCP" */
#define CPUID_E1D_LM      BIT32(29)

/* Leaf 0x80000007, EDX */
#define CPUID_E7D_INVARIANT_TSC BIT32(8)

/* Leaf 0x80000008, EBX */
#define CPUID_E8B_CLZERO     BIT32(0)
#define CPUID_E8B_XSAVEERPTR BIT32(2)
#define CPUID_E8B_INVLPGB    BIT32(3)  /* hidden: reaches other cores */
#define CPUID_E8B_RDPRU      BIT32(4)  /* hidden: reads MPERF and APERF */
#define CPUID_E8B_MCOMMIT    BIT32(8)  /* hidden: a bit of EFER */
#define CPUID_E8B_IBPB       BIT32(12) /* hidden, as the next five: speculation control */
#define CPUID_E8B_IBRS       BIT32(14)
#define CPUID_E8B_STIBP      BIT32(15)
#define CPUID_E8B_PPIN       BIT32(23)
#define CPUID_E8B_SSBD       BIT32(24)
#define CPUID_E8B_VIRT_SSBD  BIT32(25)
#define CPUID_E8B_CPPC       BIT32(27) /* hidden */

/* Leaf 0x80000021, EAX */
#define CPUID_E21A_LFENCE_SERIALIZES BIT32(2) /* else MSR_DE_CFG says so */
#define CPUID_E21A_NULL_CLEARS_BASE  BIT32(6)
#define CPUID_E21A_AUTOMATIC_IBRS    BIT32(8) /* hidden: a bit of EFER */

/* Of a leaf's features, those that come with AVX and AVX-512. */
#define AVX512_7B                                                                      \
    (CPUID_7B_AVX512F | CPUID_7B_AVX512DQ | CPUID_7B_AVX512_IFMA | CPUID_7B_AVX512CD | \
     CPUID_7B_AVX512BW | CPUID_7B_AVX512VL)
#define AVX_7C (CPUID_7C_VAES | CPUID_7C_VPCLMULQDQ)
#define AVX512_7C                                                          \
    (CPUID_7C_AVX512_VBMI | CPUID_7C_AVX512_VBMI2 | CPUID_7C_AVX512_VNNI | \
     CPUID_7C_AVX512_BITALG | CPUID_7C_AVX512_VPOPCNTDQ)
#define AVX512_7D (CPUID_7D_AVX512_VP2INTERSECT | CPUID_7D_AVX512_FP16)
#define AVX_7_1A                                                                 \
    (CPUID_7_1A_SHA512 | CPUID_7_1A_SM3 | CPUID_7_1A_SM4 | CPUID_7_1A_AVX_VNNI | \
     CPUID_7_1A_AVX_IFMA)
#define AVX_7_1D (CPUID_7_1D_AVX_VNNI_INT8 | CPUID_7_1D_AVX_NE_CONVERT | CPUID_7_1D_AVX_VNNI_INT16)

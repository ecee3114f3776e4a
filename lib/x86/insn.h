/* SPDX-License-Identifier: MIT */
/*
 * insn: one inline function per privileged or special instruction. A file that includes this is
 * hardware code; a file that does not can be run on the desk.
 */
#pragma once

#include "lib/types.h"

static inline uint8_t in8(uint16_t port)
{
    uint8_t v;
    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t v;
    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t v;
    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void out8(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

/* The index is always one of lib/x86/msr.h, legal on this CPU by CPUID: never a guest's. */
static inline uint64_t rdmsr(uint32_t index)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(index));
    return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr_halves(uint32_t index, uint32_t high, uint32_t low)
{
    __asm__ volatile("wrmsr" : : "c"(index), "a"(low), "d"(high) : "memory");
}

static inline void wrmsr(uint32_t index, uint64_t v)
{
    wrmsr_halves(index, (uint32_t)(v >> 32), (uint32_t)v);
}

/*
 * The same for an MSR that CPUID does not vouch for, or that a processor's model lacks although it
 * should be there: false where there is a #GP, and `*value` is as before then. Only with our IDT
 * loaded: kernel/core/trap.c goes on behind the instruction, by a struct fixup in .fixup_gp.
 */
#define X86_TRY(instruction)            \
    "1: " instruction "\n\t"            \
    "mov $1, %b0\n"                     \
    "2:\n\t"                            \
    ".pushsection .fixup_gp, \"a\"\n\t" \
    ".balign 4\n\t"                     \
    ".long 1b - .\n\t"                  \
    ".long 2b - .\n\t"                  \
    ".long 2b - .\n\t"                  \
    ".popsection"

MUST_CHECK static inline bool rdmsr_try(uint32_t index, uint64_t *value)
{
    uint32_t lo = 0, hi = 0;
    bool ok = false;
    __asm__ volatile(X86_TRY("rdmsr") : "+q"(ok), "+a"(lo), "+d"(hi) : "c"(index));
    if (ok)
        *value = (uint64_t)hi << 32 | lo;
    return ok;
}

MUST_CHECK static inline bool wrmsr_try(uint32_t index, uint64_t value)
{
    bool ok = false;
    __asm__ volatile(X86_TRY("wrmsr")
                     : "+q"(ok)
                     : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return ok;
}

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

/* Not serialising: the counter may be read a few instructions early. */
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* False: nothing random was there in time. CPUID.1:ECX.30 and CPUID.(7,0):EBX.18, else #UD. */
static inline bool rdrand(uint64_t *v)
{
    bool ok;
    __asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(ok));
    return ok;
}

static inline bool rdseed(uint64_t *v)
{
    bool ok;
    __asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(ok));
    return ok;
}

#define X86_CR_ACCESSORS(n)                                        \
    static inline uint64_t read_cr##n(void)                        \
    {                                                              \
        uint64_t v;                                                \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v));          \
        return v;                                                  \
    }                                                              \
    static inline void write_cr##n(uint64_t v)                     \
    {                                                              \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); \
    }
X86_CR_ACCESSORS(0)
X86_CR_ACCESSORS(2)
X86_CR_ACCESSORS(3)
X86_CR_ACCESSORS(4)

#define X86_DR_ACCESSORS(n)                               \
    static inline uint64_t read_dr##n(void)               \
    {                                                     \
        uint64_t v;                                       \
        __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v)); \
        return v;                                         \
    }                                                     \
    static inline void write_dr##n(uint64_t v)            \
    {                                                     \
        __asm__ volatile("mov %0, %%dr" #n : : "r"(v));   \
    }
X86_DR_ACCESSORS(0)
X86_DR_ACCESSORS(1)
X86_DR_ACCESSORS(2)
X86_DR_ACCESSORS(3)
X86_DR_ACCESSORS(6)
X86_DR_ACCESSORS(7)

/* Needs CR4.OSXSAVE, else #UD; an illegal combination is a #GP: check before. */
static inline void xsetbv(uint32_t index, uint64_t v)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static inline void invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void cpu_pause(void)
{
    __asm__ volatile("pause");
}

static inline void cpu_halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

static inline void cpu_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

/* Clears buffers that hold data of ours, where CPUID.(7,0):EDX.10 is set; only the form with memory
 * does. Any segment would serve: it is ours. */
static inline void verw_own_segment(void)
{
    uint16_t selector;
    __asm__ volatile("mov %%cs, %0\n\tverw %0" : "=m"(selector) : : "cc");
}

/* Orders earlier stores before an x2APIC MSR write, which is not serialising.
 * SDM "Self IPI Register" / "MSR Access in x2APIC Mode". */
static inline void mfence_lfence(void)
{
    __asm__ volatile("mfence; lfence" : : : "memory");
}

/* IRET to the next instruction, which ends the blocking of NMIs. SDM "Handling Multiple NMIs". */
static inline void iret_here(void)
{
    uint64_t scratch;
    __asm__ volatile("mov %%rsp, %0\n\t"
                     "push $0\n\t"
                     "push %0\n\t"
                     "pushfq\n\t"
                     "mov %%cs, %k0\n\t"
                     "push %0\n\t"
                     "lea 1f(%%rip), %0\n\t"
                     "push %0\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
}

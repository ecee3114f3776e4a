/* SPDX-License-Identifier: MIT */
/*
 * instructions: what no guest has must be #UD, whatever the CPL, and what flushes caches must do
 * nothing worse than that.
 */
#include "guests/hvtest/hvtest.h"
#include "lib/x86/cr.h"

/* An instruction with a memory operand gets one that is there. */
static uint64_t operand[2];

#define UNDEFINED(name, text)                     \
    static struct fault undefined_##name(void)    \
    {                                             \
        try_begin();                              \
        __asm__ volatile(TRY_INSN(text)           \
                         : "+m"(operand)          \
                         : "a"(0), "c"(0), "d"(0) \
                         : "memory", "cc");       \
        return try_end();                         \
    }

/* RAX, RCX and RDX are 0: GETSEC[CAPABILITIES], VMFUNC 0, MONITOR at address 0. */
UNDEFINED(vmxon, "vmxon %0")
UNDEFINED(vmxoff, "vmxoff")
UNDEFINED(vmclear, "vmclear %0")
UNDEFINED(vmptrld, "vmptrld %0")
UNDEFINED(vmptrst, "vmptrst %0")
UNDEFINED(vmread, "vmread %%rax, %%rdx")
UNDEFINED(vmwrite, "vmwrite %%rdx, %%rax")
UNDEFINED(vmlaunch, "vmlaunch")
UNDEFINED(vmresume, "vmresume")
UNDEFINED(invept, "invept %0, %%rax")
UNDEFINED(invvpid, "invvpid %0, %%rax")
UNDEFINED(vmfunc, "vmfunc")
UNDEFINED(getsec, "getsec")
UNDEFINED(rsm, "rsm")
UNDEFINED(ud2, "ud2")

static const struct {
    const char *name;
    struct fault (*run)(void);
} undefined[] = {
    {"VMXON", undefined_vmxon},       {"VMXOFF", undefined_vmxoff},
    {"VMCLEAR", undefined_vmclear},   {"VMPTRLD", undefined_vmptrld},
    {"VMPTRST", undefined_vmptrst},   {"VMREAD", undefined_vmread},
    {"VMWRITE", undefined_vmwrite},   {"VMLAUNCH", undefined_vmlaunch},
    {"VMRESUME", undefined_vmresume}, {"INVEPT", undefined_invept},
    {"INVVPID", undefined_invvpid},   {"VMFUNC", undefined_vmfunc},
    {"GETSEC", undefined_getsec},     {"RSM", undefined_rsm},
    {"UD2", undefined_ud2},
};

bool hvtest_all_undefined(const char **first_wrong)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(undefined); i++) {
        if (!fault_is(undefined[i].run(), VECTOR_UD)) {
            *first_wrong = undefined[i].name;
            return false;
        }
    }
    return true;
}

void hvtest_instructions(void)
{
    const char *wrong = "";
    bool ok = hvtest_all_undefined(&wrong);

    check("insn-undefined", ok, "%s is not #UD", wrong);
    check_no_fault("insn-wbinvd", try_insn("wbinvd"));

    /* Hidden in CPUID, so it may be #UD or #GP, but not work. */
    try_begin();
    __asm__ volatile(TRY_INSN("rdpmc") : : "c"(0) : "rax", "rdx", "memory");
    check("insn-rdpmc", try_end().taken, "read a performance counter");

    try_begin();
    __asm__ volatile(TRY_INSN("monitor") : : "a"(operand), "c"(0), "d"(0) : "memory");
    check_fault("insn-monitor", try_end(), VECTOR_UD);
}

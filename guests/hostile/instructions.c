/* SPDX-License-Identifier: MIT */
/*
 * instructions: what no guest has must be #UD, whatever the CPL, and what flushes caches must do
 * nothing worse than that.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

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
UNDEFINED(vmrun, "vmrun")
UNDEFINED(vmload, "vmload")
UNDEFINED(vmsave, "vmsave")
UNDEFINED(stgi, "stgi")
UNDEFINED(clgi, "clgi")
UNDEFINED(skinit, "skinit")
UNDEFINED(invlpga, "invlpga")
UNDEFINED(rsm, "rsm")
UNDEFINED(ud2, "ud2")

/* While the processor has EFER.SVME set, which it needs to run a guest, it looks at the CPL before
 * it looks whether an instruction of SVM is intercepted. */
static const struct {
    const char *name;
    struct fault (*run)(void);
    bool is_svm;
} undefined[] = {
    {"VMXON", undefined_vmxon, false},       {"VMXOFF", undefined_vmxoff, false},
    {"VMCLEAR", undefined_vmclear, false},   {"VMPTRLD", undefined_vmptrld, false},
    {"VMPTRST", undefined_vmptrst, false},   {"VMREAD", undefined_vmread, false},
    {"VMWRITE", undefined_vmwrite, false},   {"VMLAUNCH", undefined_vmlaunch, false},
    {"VMRESUME", undefined_vmresume, false}, {"INVEPT", undefined_invept, false},
    {"INVVPID", undefined_invvpid, false},   {"VMFUNC", undefined_vmfunc, false},
    {"GETSEC", undefined_getsec, false},     {"RSM", undefined_rsm, false},
    {"UD2", undefined_ud2, false},           {"VMRUN", undefined_vmrun, true},
    {"VMLOAD", undefined_vmload, true},      {"VMSAVE", undefined_vmsave, true},
    {"STGI", undefined_stgi, true},          {"CLGI", undefined_clgi, true},
    {"SKINIT", undefined_skinit, true},      {"INVLPGA", undefined_invlpga, true},
};

bool hostile_all_undefined(const char **first_wrong, bool at_cpl_3)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(undefined); i++) {
        const struct fault f = undefined[i].run();
        const bool may_be_gp = undefined[i].is_svm && hostile_on_amd() && at_cpl_3;
        if (!fault_is(f, VECTOR_UD) && !(may_be_gp && fault_is(f, VECTOR_GP))) {
            *first_wrong = undefined[i].name;
            return false;
        }
    }
    return true;
}

/* Encodings without a name in every assembler. EAX, ECX, EDX are 0. */
static void instructions_hidden(void)
{
    row("PI-12");
    check_fault("insn-xsaves", try_insn(".byte 0x0f, 0xc7, 0x29 /* xsaves (rcx) */"), VECTOR_UD);
    check_fault("insn-tpause", try_insn(".byte 0x66, 0x0f, 0xae, 0xf0"), VECTOR_UD);
    check_fault("insn-umwait", try_insn(".byte 0xf2, 0x0f, 0xae, 0xf0"), VECTOR_UD);
    check_fault("insn-umonitor", try_insn(".byte 0xf3, 0x0f, 0xae, 0xf0"), VECTOR_UD);
    row("PI-15");
    check_fault("insn-seamcall", try_insn(".byte 0x66, 0x0f, 0x01, 0xcf"), VECTOR_UD);
    check_fault("insn-tdcall", try_insn(".byte 0x66, 0x0f, 0x01, 0xcc"), VECTOR_UD);
    row("X-03");
    check_fault("insn-other-call", bulkhead_uses_vmmcall ? try_insn("vmcall") : try_insn("vmmcall"),
                VECTOR_UD);
    check_fault("insn-invlpgb", try_insn(".byte 0x0f, 0x01, 0xfe"), VECTOR_UD);
    check_fault("insn-tlbsync", try_insn(".byte 0x0f, 0x01, 0xff"), VECTOR_UD);
    check_fault("insn-monitorx", try_insn(".byte 0x0f, 0x01, 0xfa"), VECTOR_UD);
    check_fault("insn-mwaitx", try_insn(".byte 0x0f, 0x01, 0xfb"), VECTOR_UD);
    check_fault("insn-rdpru", try_insn(".byte 0x0f, 0x01, 0xfd"), VECTOR_UD);
    check_fault("insn-encls", try_insn(".byte 0x0f, 0x01, 0xcf"), VECTOR_UD);
    check_fault("insn-enclu", try_insn(".byte 0x0f, 0x01, 0xd7"), VECTOR_UD);
    check_fault("insn-pconfig", try_insn(".byte 0x0f, 0x01, 0xc5"), VECTOR_UD);
    check_fault("insn-lock-vmcall", try_insn("lock; .byte 0x0f, 0x01, 0xc1"), VECTOR_UD);
    check_fault("insn-lock-vmmcall", try_insn("lock; .byte 0x0f, 0x01, 0xd9"), VECTOR_UD);
    check_fault("insn-lock-cpuid", try_insn("lock; .byte 0x0f, 0xa2"), VECTOR_UD);
    check_fault("insn-uiret", try_insn(".byte 0xf3, 0x0f, 0x01, 0xec"), VECTOR_UD);
    check_fault("insn-wrpkru", try_insn(".byte 0x0f, 0x01, 0xef"), VECTOR_UD);
    check_fault("insn-setssbsy", try_insn(".byte 0xf3, 0x0f, 0x01, 0xe8"), VECTOR_UD);
    check_fault("insn-wrss", try_insn(".byte 0x0f, 0x38, 0xf6, 0x00"), VECTOR_UD);
}

/* Those that a processor may have and exit for, though CPUID shows none of them to guests. */
static void instructions_unlisted(void)
{
    struct fault f;

    row("PI-23");
    /* Where WRMSRNS exits as WRMSR does, it is one to a closed MSR. */
    try_begin();
    __asm__ volatile(TRY_INSN(".byte 0x0f, 0x01, 0xc6") : : "a"(0), "c"(UINT32_MAX), "d"(0));
    f = try_end();
    check("insn-wrmsrns", fault_is(f, VECTOR_UD) || fault_is(f, VECTOR_GP), "taken %d vector %u",
          f.taken, f.vector);
    check_fault("insn-wrmsrns-imm", try_insn(".byte 0xc4, 0xe7, 0x7a, 0xf6, 0xc0, 0x79, 0, 0, 0"),
                VECTOR_UD);
    check_fault("insn-rdmsr-imm", try_insn(".byte 0xc4, 0xe7, 0x7b, 0xf6, 0xc0, 0x1b, 0, 0, 0"),
                VECTOR_UD);
    check_fault("insn-rdmsrlist", try_insn(".byte 0xf2, 0x0f, 0x01, 0xc6"), VECTOR_UD);
    check_fault("insn-wrmsrlist", try_insn(".byte 0xf3, 0x0f, 0x01, 0xc6"), VECTOR_UD);
    check_fault("insn-urdmsr", try_insn(".byte 0xf2, 0x0f, 0x38, 0xf8, 0xc1"), VECTOR_UD);
    check_fault("insn-uwrmsr", try_insn(".byte 0xf3, 0x0f, 0x38, 0xf8, 0xc1"), VECTOR_UD);
    check_fault("insn-loadiwkey", try_insn(".byte 0xf3, 0x0f, 0x38, 0xdc, 0xc1"), VECTOR_UD);
    check_fault("insn-enclv", try_insn(".byte 0x0f, 0x01, 0xc0"), VECTOR_UD);
    check_fault("insn-xrstors", try_insn(".byte 0x0f, 0xc7, 0x19"), VECTOR_UD);
    check_fault("insn-seamops", try_insn(".byte 0x66, 0x0f, 0x01, 0xce"), VECTOR_UD);
    check_fault("insn-seamret", try_insn(".byte 0x66, 0x0f, 0x01, 0xcd"), VECTOR_UD);
}

/* What CPUID shows works, and what it hides is #UD. */
static void instructions_shown(void)
{
    const bool rdtscp = cpuid(0x80000001, 0).edx >> 27 & 1, rdpid = cpuid(7, 0).ecx >> 22 & 1;
    const bool invpcid = cpuid(7, 0).ebx >> 10 & 1;
    static const uint64_t descriptor[2];
    struct fault f;

    row("PI-12");
    f = try_insn("rdtscp");
    check("insn-rdtscp", rdtscp ? !f.taken : fault_is(f, VECTOR_UD), "shown %d", rdtscp);
    f = try_insn(".byte 0xf3, 0x0f, 0xc7, 0xf8 /* rdpid rax */");
    check("insn-rdpid", rdpid ? !f.taken : fault_is(f, VECTOR_UD), "shown %d", rdpid);
    try_begin();
    __asm__ volatile(TRY_INSN("invpcid %0, %1")
                     :
                     : "m"(descriptor), "r"(UINT64_C(2)) /* all contexts */
                     : "memory");
    f = try_end();
    check("insn-invpcid", invpcid ? !f.taken : fault_is(f, VECTOR_UD), "shown %d", invpcid);
    row("MS-12");
    try_begin();
    __asm__ volatile(TRY_INSN("rdpmc") : : "c"(0) : "rax", "rdx", "memory");
    check_fault("insn-rdpmc", try_end(), VECTOR_GP);
    try_begin();
    __asm__ volatile(TRY_INSN("rdpmc") : : "c"(0x40000001) : "rax", "rdx", "memory");
    check_fault("insn-rdpmc-fixed", try_end(), VECTOR_GP);
}

static void instructions_wait(void)
{
    uint32_t works = 0;

    row("HL-04");
    try_begin();
    __asm__ volatile(TRY_INSN("monitor") : : "a"(operand), "c"(0), "d"(0) : "memory");
    check_fault("insn-monitor", try_end(), VECTOR_UD);
    for (uint32_t hint = 0; hint < 256; hint++) {
        for (uint32_t extension = 0; extension < 4; extension++) {
            try_begin();
            __asm__ volatile(TRY_INSN("mwait") : : "a"(hint), "c"(extension) : "memory");
            works += !fault_is(try_end(), VECTOR_UD);
        }
    }
    check("insn-mwait", works == 0, "%u hints work", works);
    for (uint32_t i = 0; i < 100000; i++)
        __asm__ volatile("pause");
    check("insn-pause", true, " ");
}

static void instructions_vmfunc(void)
{
    uint32_t works = 0;

    row("PI-10");
    for (uint32_t i = 0; i <= 64; i++) {
        uint32_t eax = i < 64 ? i : ~UINT32_C(0);
        try_begin();
        __asm__ volatile(TRY_INSN("vmfunc") : : "a"(eax), "c"(0) : "memory");
        works += !fault_is(try_end(), VECTOR_UD);
    }
    check("insn-vmfunc", works == 0, "%u functions work", works);
    row("PI-02");
    CHECK_FAULT("insn-getsec-smxe", try_write_cr4(read_cr4() | CR4_SMXE), VECTOR_GP);
    for (uint32_t eax = 0, bad = 0; eax <= 9; eax++) {
        try_begin();
        __asm__ volatile(TRY_INSN("getsec") : : "a"(eax), "b"(0), "c"(0) : "memory");
        bad += !fault_is(try_end(), VECTOR_UD);
        if (eax == 9)
            check("insn-getsec", bad == 0, "%u leaves work", bad);
    }
    row("PI-13");
    check_fault("insn-rsm", try_insn("rsm"), VECTOR_UD);
}

void hostile_instructions(void)
{
    const char *wrong = "";

    row("PI-08");
    bool ok = hostile_all_undefined(&wrong, false);
    check("insn-undefined", ok, "%s is not #UD", wrong);
    row("PI-03");
    *(volatile uint64_t *)operand = 0x1234;
    check_no_fault("insn-invd", try_insn("invd"));
    check_equal("insn-invd-keeps", *(volatile uint64_t *)operand, 0x1234);
    row("ABI");
    check_no_fault("insn-wbinvd", try_insn("wbinvd"));
    if (can_try("insn-wbnoinvd"))
        check_no_fault("insn-wbnoinvd", try_insn(".byte 0xf3, 0x0f, 0x09"));
    instructions_vmfunc();
    instructions_hidden();
    instructions_unlisted();
    instructions_shown();
    instructions_wait();
}

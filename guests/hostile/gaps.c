/* SPDX-License-Identifier: MIT */
/*
 * gaps: what the emulator lacks that this machine runs in, by the option engine=. A check that it
 * cannot pass is named here with the reason, and must not pass: a gap that has closed is BAD. Some
 * are not even tried, as they would end the guest.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/kit.h"
#include "lib/string.h"

struct gap {
    const char *id, *why;
};

#define CANONICAL "WRMSR does not check that an address is canonical"
#define BAD_CR0   "MOV to CR0 does not check what is written"
#define BAD_CR4   "MOV to CR4 does not check what is written: the next entry is refused"

#define BAD_CR3    "MOV to CR3 does not check what is written: the next entry is refused"
#define APIC_TAKES "the APIC does not check what is written"
#define NO_TARGET  "a jump does not check that its target is canonical"
#define HOST_TIME  "the machine's time is the host's"
#define NO_NRIP    "#VMEXIT has no nRIP: a prefix is not part of the instruction's length"
#define NO_CPL     "an intercept comes before the check of the CPL"

/* QEMU's TCG. */
static const struct gap tcg[] = {
    {"pat-types", "WRMSR does not check memory types"},
    {"canonical-sysenter-esp", CANONICAL},
    {"canonical-sysenter-eip", CANONICAL},
    {"canonical-lstar", CANONICAL},
    {"canonical-cstar", CANONICAL},
    {"canonical-fs", CANONICAL},
    {"canonical-gs", CANONICAL},
    {"canonical-kernel-gs", CANONICAL},
    {"cr0-nw-without-cd", BAD_CR0},
    {"insn-mwait", "MWAIT looks at ECX before it exits"},
    {"apic-eoi-value", APIC_TAKES},
    {"apic-esr-value", APIC_TAKES},
    {"apic-tpr-reserved", APIC_TAKES},
    {"timer-count-upper", APIC_TAKES},
    {"x87-fault-without-ne", "FERR is not tied to anything"},
    {"virtual-8086-wbinvd", NO_CPL},
    {"ring3-invd", NO_CPL},
    {"cut-event", "alignment is not checked"},
    {"life-pat", "VMRUN does not load the guest's PAT"},
};

/* These ask that something is quick, or not yet. Here the host decides, which has other work. */
static const struct gap tcg_unjudged[] = {
    {"time-rate", HOST_TIME},      {"pv-not-early", HOST_TIME},  {"pv-cancel", HOST_TIME},
    {"pv-replaced", HOST_TIME},    {"pv-clock", HOST_TIME},      {"deadline-disarmed", HOST_TIME},
    {"count-periodic", HOST_TIME}, {"count-stopped", HOST_TIME},
};

static const struct gap tcg_untried[] = {
    {"cr0-pg-in-64-bit", BAD_CR0},
    {"cr0-pg-without-pe", BAD_CR0},
    {"cr0-upper-half", BAD_CR0},
    {"cr0-refused", BAD_CR0},
    {"cr4-vmxe", BAD_CR4},
    {"cr4-vmxe-and-pge", BAD_CR4},
    {"cr4-smxe", BAD_CR4},
    {"cr4-reserved", BAD_CR4},
    {"cr4-pae-in-64-bit", BAD_CR4},
    {"cr4-la57-in-64-bit", BAD_CR4},
    {"cr4-cet", BAD_CR4},
    {"cr4-cet-without-wp", BAD_CR4},
    {"cr4-refused", BAD_CR4},
    {"insn-getsec-smxe", BAD_CR4},
    {"cr4-bits", BAD_CR4},
    {"cr4-all", BAD_CR4},
    {"cr3-reserved", BAD_CR3},
    {"insn-wbnoinvd", NO_NRIP},
    {"flushes-wbnoinvd", NO_NRIP},
    {"short-period", "the machine stands still while the APIC timer has a period of a microsecond"},
    {"nmis-before-init",
     "when an NMI arrives is the host's choice: it may be after the core's INIT"},
    {"illegal-vectors", "the APIC delivers vectors below 16"},
    {"jump-not-canonical", NO_TARGET},
    {"iret-not-canonical", NO_TARGET},
    {"real-cpuid-at-64k", "the limit of CS is not checked: what is behind 64 KiB would be run"},
};

static bool gaps_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

static const char *gaps_find(const struct gap *gaps, uint32_t count, const char *id)
{
    if (!option_is("engine", "tcg"))
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (gaps_same(gaps[i].id, id))
            return gaps[i].why;
    }
    return NULL;
}

const char *gaps_failing(const char *id)
{
    return gaps_find(tcg, ARRAY_SIZE(tcg), id);
}

const char *gaps_unjudged(const char *id)
{
    return gaps_find(tcg_unjudged, ARRAY_SIZE(tcg_unjudged), id);
}

const char *gaps_untried(const char *id)
{
    return gaps_find(tcg_untried, ARRAY_SIZE(tcg_untried), id);
}

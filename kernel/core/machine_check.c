/* SPDX-License-Identifier: MIT */
#include "kernel/core/machine_check.h"

#include "kernel/core/panic.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define CPUID_1_EDX_MCA      BIT32(14)
#define CPUID_RAS            0x80000007
#define CPUID_RAS_EBX_SUCCOR BIT32(1) /* errors can be contained */

/* MSR_MCG_CAP */
#define MCG_CAP_COUNT 0xff
#define MCG_CAP_CTL   BIT64(8)
#define MCG_CAP_SER   BIT64(24)

/* MSR_MCG_STATUS */
#define MCG_STATUS_RIPV BIT64(0)
#define MCG_STATUS_EIPV BIT64(1)

/* A bank's status */
#define STATUS_VALID      BIT64(63)
#define STATUS_OVER       BIT64(62)
#define STATUS_UC         BIT64(61)
#define STATUS_EN         BIT64(60)
#define STATUS_MISCV      BIT64(59)
#define STATUS_ADDRV      BIT64(58)
#define STATUS_PCC        BIT64(57)
#define STATUS_S          BIT64(56) /* Intel's: signalled by this #MC, ... */
#define STATUS_AR         BIT64(55) /* ... and somebody needs the data now */
#define STATUS_AMD_POISON BIT64(43)

/* Intel's MISC: the lowest bit of the address that counts, and what address it is. */
#define MISC_LSB(misc)     ((uint32_t)((misc)&0x3f))
#define MISC_MODE(misc)    ((uint32_t)((misc) >> 6 & 7))
#define MISC_MODE_PHYSICAL 2

/* AMD's address: the same two in one where MCA is scalable; at least a cache line. */
#define AMD_ADDRESS(address) ((address)&MASK64(55, 0))
#define AMD_LSB(address)     ((uint32_t)((address) >> 56 & 0x3f))
#define AMD_LSB_MIN          6

static bool machine_check_place(const struct machine_check *check,
                                const struct machine_check_bank *bank, struct range *place)
{
    uint64_t address = bank->address;
    uint32_t lsb;

    if (!(bank->status & STATUS_ADDRV))
        return false;
    if (check->kind == MACHINE_CHECK_INTEL) {
        if (!(bank->status & STATUS_MISCV) || MISC_MODE(bank->misc) != MISC_MODE_PHYSICAL)
            return false;
        lsb = MISC_LSB(bank->misc);
    } else {
        if (!(bank->status & STATUS_AMD_POISON))
            return false;
        lsb = AMD_LSB(address) > AMD_LSB_MIN ? AMD_LSB(address) : AMD_LSB_MIN;
        address = AMD_ADDRESS(address);
    }
    place->size = BIT64(lsb);
    place->base = align_down(address, place->size);
    return range_valid(*place);
}

/* "Machine-Check Error Codes", "UCR Error Classification" */
static enum machine_check_end machine_check_judge_bank(const struct machine_check *check,
                                                       const struct machine_check_bank *bank,
                                                       const struct guest_map *map)
{
    const uint64_t status = bank->status;
    const bool bystander =
        (check->global & MCG_STATUS_RIPV) != 0 && (check->global & MCG_STATUS_EIPV) == 0;
    struct range place;

    if (!(status & STATUS_VALID) || !(status & STATUS_UC))
        return MACHINE_CHECK_NOBODY;
    if ((status & STATUS_PCC) || check->kind == MACHINE_CHECK_PLAIN)
        return MACHINE_CHECK_MACHINE;
    if (check->kind == MACHINE_CHECK_INTEL) {
        if (!(status & STATUS_EN) || !(status & STATUS_S) || !(status & STATUS_AR))
            return MACHINE_CHECK_NOBODY; /* where others were lost, nobody needed them either */
        if (bystander && !(status & STATUS_OVER)) /* of a bank that several cores see */
            return MACHINE_CHECK_NOBODY;
    }
    if (status & STATUS_OVER) /* what was lost may have been another's */
        return MACHINE_CHECK_MACHINE;
    if (map == NULL || !machine_check_place(check, bank, &place) ||
        !guest_map_has_memory(map, place))
        return MACHINE_CHECK_MACHINE;
    return MACHINE_CHECK_GUEST;
}

enum machine_check_end machine_check_judge(const struct machine_check *check,
                                           const struct guest_map *map)
{
    enum machine_check_end end = MACHINE_CHECK_NOBODY;

    if (check->count > MACHINE_CHECK_BANKS_MAX) /* one that nobody read may be the one */
        return MACHINE_CHECK_MACHINE;
    for (uint32_t i = 0; i < check->count; i++) {
        const enum machine_check_end bank = machine_check_judge_bank(check, &check->banks[i], map);
        if (bank > end)
            end = bank;
    }
    /* Where the error belongs to no instruction, nothing says that it is the guest's; and what
     * cannot go on although no bank says why has met something else. */
    if (!(check->global & MCG_STATUS_RIPV) &&
        (end == MACHINE_CHECK_NOBODY || !(check->global & MCG_STATUS_EIPV)))
        return MACHINE_CHECK_MACHINE;
    return end;
}

void machine_check_print(const struct machine_check *check, char *buf, size_t size)
{
    size_t len =
        fmt_print(buf, size, "machine check: MCG_STATUS 0x%llx", (unsigned long long)check->global);

    for (uint32_t i = 0; i < check->count && i < MACHINE_CHECK_BANKS_MAX && len < size; i++) {
        const struct machine_check_bank *bank = &check->banks[i];
        if (!(bank->status & STATUS_VALID))
            continue;
        len += fmt_print(buf + len, size - len, "; bank %u status 0x%llx", i,
                         (unsigned long long)bank->status);
        if (bank->status & STATUS_ADDRV && len < size)
            len += fmt_print(buf + len, size - len, " address 0x%llx",
                             (unsigned long long)bank->address);
        if (bank->status & STATUS_MISCV && len < size)
            len += fmt_print(buf + len, size - len, " misc 0x%llx", (unsigned long long)bank->misc);
    }
}

/* ------------------------------------------------------------------ the registers */

static bool machine_check_promised(void)
{
    return (cpuid(1, 0).edx & CPUID_1_EDX_MCA) != 0;
}

/* False: there are no banks. An emulator may promise them all the same. */
static bool machine_check_cap(uint64_t *cap)
{
    return machine_check_promised() && rdmsr_try(MSR_MCG_CAP, cap);
}

static enum machine_check_kind machine_check_kind_of(uint64_t cap)
{
    if (cpuid_is_amd())
        return cpuid_leaf(CPUID_RAS, 0).ebx & CPUID_RAS_EBX_SUCCOR ? MACHINE_CHECK_AMD
                                                                   : MACHINE_CHECK_PLAIN;
    return (cap & MCG_CAP_SER) != 0 ? MACHINE_CHECK_INTEL : MACHINE_CHECK_PLAIN;
}

static void machine_check_read(struct machine_check *check, uint64_t cap)
{
    *check = (struct machine_check){
        .kind = machine_check_kind_of(cap),
        .global = rdmsr(MSR_MCG_STATUS),
        .count = (uint32_t)(cap & MCG_CAP_COUNT),
    };
    for (uint32_t i = 0; i < check->count && i < MACHINE_CHECK_BANKS_MAX; i++) {
        struct machine_check_bank *bank = &check->banks[i];
        bank->status = rdmsr(MSR_MC_STATUS(i));
        if (!(bank->status & STATUS_VALID))
            continue;
        if (bank->status & STATUS_ADDRV)
            bank->address = rdmsr(MSR_MC_ADDR(i));
        if (bank->status & STATUS_MISCV)
            bank->misc = rdmsr(MSR_MC_MISC(i));
    }
}

/* The core that the error belongs to still has to read a bank that a bystander sees as well. */
static void machine_check_clear(const struct machine_check *check, enum machine_check_end end)
{
    for (uint32_t i = 0; i < check->count && i < MACHINE_CHECK_BANKS_MAX; i++) {
        const uint64_t status = check->banks[i].status;
        const bool others = check->kind == MACHINE_CHECK_INTEL && end == MACHINE_CHECK_NOBODY &&
                            (status & STATUS_UC) != 0 && (status & STATUS_AR) != 0;
        if ((status & STATUS_VALID) && !others)
            wrmsr(MSR_MC_STATUS(i), 0);
    }
    wrmsr(MSR_MCG_STATUS, 0); /* MCIP: with it set, the next #MC shuts the core down */
}

/* "Machine-Check Initialization". AMD's MCi_CTL_MASK stays as the firmware has it. */
bool machine_check_init(void)
{
    struct machine_check left;
    char line[LOG_LINE_MAX];
    uint64_t cap;

    if (!machine_check_cap(&cap))
        return !machine_check_promised();
    machine_check_read(&left, cap);
    if (cap & MCG_CAP_CTL)
        wrmsr(MSR_MCG_CTL, UINT64_MAX);
    bool any = false;
    for (uint32_t i = 0; i < left.count && i < MACHINE_CHECK_BANKS_MAX; i++) {
        wrmsr(MSR_MC_CTL(i), UINT64_MAX);
        wrmsr(MSR_MC_STATUS(i), 0);
        any = any || (left.banks[i].status & STATUS_VALID) != 0;
    }
    wrmsr(MSR_MCG_STATUS, 0);
    if (any) {
        machine_check_print(&left, line, sizeof(line));
        log_line("left from before the start: %s", line);
    }
    return true;
}

enum machine_check_end machine_check_take(const struct guest_map *map)
{
    struct machine_check check;
    char line[LOG_LINE_MAX];
    uint64_t cap;

    if (!machine_check_cap(&cap))
        panic("machine check, and this CPU has no registers that say why");
    machine_check_read(&check, cap);
    const enum machine_check_end end = machine_check_judge(&check, map);
    machine_check_print(&check, line, sizeof(line));
    if (end == MACHINE_CHECK_MACHINE)
        panic("%s", line);
    if (map != NULL)
        log_line("%s", line);
    machine_check_clear(&check, end);
    return end;
}

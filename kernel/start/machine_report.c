/* SPDX-License-Identifier: MIT */
#include "kernel/start/machine_report.h"

#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/msr.h"
#include "lib/x86/signature.h"

#define CPUID_BRAND      0x80000002u /* and the next two: 16 characters each */
#define CPUID_BRAND_LAST 0x80000004u
#define BRAND_SIZE       49
#define NOT_ASCII        '?'

/* Words of a register are text, first byte first; what is not printable is replaced. */
static char *machine_report_text(char *to, uint32_t word)
{
    for (uint32_t i = 0; i < 4; i++) {
        const char c = (char)(word >> 8 * i & 0xff);
        *to++ = c == '\0' || (c >= ' ' && c <= '~') ? c : NOT_ASCII;
    }
    *to = '\0';
    return to;
}

static void machine_report_regs(char *to, const struct cpuid_regs *r)
{
    to = machine_report_text(to, r->eax);
    to = machine_report_text(to, r->ebx);
    to = machine_report_text(to, r->ecx);
    (void)machine_report_text(to, r->edx);
}

/* The processor's own name; its maker's, where it has none. Returns where it starts: some names are
 * padded in front. */
static const char *machine_report_brand(char brand[BRAND_SIZE])
{
    const struct cpuid_regs maker = cpuid(0, 0);
    const char *name = brand;

    memset(brand, 0, BRAND_SIZE);
    for (uint32_t leaf = CPUID_BRAND; leaf <= CPUID_BRAND_LAST; leaf++) {
        const struct cpuid_regs r = cpuid_leaf(leaf, 0);
        machine_report_regs(brand + 16 * (leaf - CPUID_BRAND), &r);
    }
    while (*name == ' ')
        name++;
    if (*name != '\0')
        return name;
    char *to = machine_report_text(brand, maker.ebx);
    to = machine_report_text(to, maker.edx);
    (void)machine_report_text(to, maker.ecx);
    return brand;
}

/* SDM "CPUID—CPU Identification", leaf 01H; "Microcode Update Facilities", "Determining the
 * Signature"; APM "Microcode Patch Level Register". */
static void machine_report_processor(log_sink say)
{
    char brand[BRAND_SIZE];
    const char *name = machine_report_brand(brand);
    uint64_t microcode = 0;

    /* Intel's register answers for the CPUID after a 0 was written; AMD's is read as it is. */
    bool known = !cpuid_is_intel() || wrmsr_try(MSR_UCODE_REV, 0);
    const uint32_t signature = cpuid(1, 0).eax;
    known = known && rdmsr_try(MSR_UCODE_REV, &microcode);
    const uint64_t revision = cpuid_is_intel() ? microcode >> 32 : microcode & UINT32_MAX;

    say("processor: %s, family 0x%x, model 0x%x, stepping %u", name, signature_family(signature),
        signature_model(signature), signature & 0xf);
    if (known && revision != 0)
        say("microcode: 0x%llx", (unsigned long long)revision);
    else
        say("microcode: the processor does not say");
}

static void machine_report_firmware(const struct boot_info *info, log_sink say)
{
    char vendor[BOOT_VENDOR_MAX];

    memcpy(vendor, info->firmware_vendor, sizeof(vendor));
    vendor[sizeof(vendor) - 1] = '\0';
    say("firmware: %s, revision 0x%x, UEFI %u.%u.%u", vendor[0] ? vendor : "(no name)",
        info->firmware_revision, info->uefi_revision >> 16, (info->uefi_revision & 0xffff) / 10,
        (info->uefi_revision & 0xffff) % 10);
}

static void machine_report_memory(const struct boot_info *info, log_sink say)
{
    const struct boot_range *ranges = (const struct boot_range *)(uintptr_t)info->ranges;
    uint64_t bytes[BOOT_RAM_BAD + 1] = {0};

    for (uint32_t i = 0; i < info->range_count; i++)
        if (ranges[i].kind <= BOOT_RAM_BAD)
            bytes[ranges[i].kind] += ranges[i].size;
    say("memory map: %u ranges; %llu MiB free, %llu MiB in use by us, %llu MiB the firmware's",
        info->range_count, (unsigned long long)(bytes[BOOT_RAM_FREE] / MIB),
        (unsigned long long)(bytes[BOOT_RAM_LOADER] / MIB),
        (unsigned long long)((bytes[BOOT_RAM_FIRMWARE] + bytes[BOOT_RAM_ACPI]) / MIB));
    if (bytes[BOOT_RAM_BAD] > 0)
        say("memory map: the firmware reports %llu KiB as broken",
            (unsigned long long)(bytes[BOOT_RAM_BAD] / 1024));
}

void machine_report(const struct boot_info *info, log_sink say)
{
    machine_report_processor(say);
    machine_report_firmware(info, say);
    machine_report_memory(info, say);
}

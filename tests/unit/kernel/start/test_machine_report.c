/* SPDX-License-Identifier: MIT */
/*
 * test_machine_report: what the boot log says of processor, firmware and memory, also where they
 * say nothing or nonsense.
 */
#include "kernel/start/machine_report.h"

#include <stdarg.h>
#include <stdio.h>

#include "recorder.h"

#include "kernel/start/machine_report.c"

static char said[1024];
static struct boot_info info;

static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
    va_list args;
    const size_t len = strlen(said);

    va_start(args, fmt);
    vsnprintf(said + len, sizeof(said) - len, fmt, args);
    va_end(args);
    strcat(said, "\n");
}

static const char *report(void)
{
    said[0] = '\0';
    machine_report(&info, say);
    return said;
}

static void expect_line(const char *line)
{
    const char *text = report();

    if (strstr(text, line) == NULL)
        fail_msg("'%s' is not in\n%s", line, text);
}

static void put_brand(uint32_t leaf, const char text[16])
{
    struct cpuid_regs r;

    memcpy(&r.eax, text, 4);
    memcpy(&r.ebx, text + 4, 4);
    memcpy(&r.ecx, text + 8, 4);
    memcpy(&r.edx, text + 12, 4);
    recorder_set_leaf(leaf, r);
}

static void begin(enum recorder_vendor vendor, uint32_t signature)
{
    static const struct boot_range none[1];

    recorder_clear();
    memset(&info, 0, sizeof(info));
    info.ranges = (uintptr_t)none;
    recorder_put_vendor(vendor, 1);
    recorder_put_leaf(1, (struct cpuid_regs){.eax = signature});
    recorder_put_leaf(0x80000000, (struct cpuid_regs){.eax = 0x80000004});
}

static void test_intel(void **state)
{
    (void)state;
    begin(GENUINE_INTEL, 0x50654);
    put_brand(0x80000002, "    Some CPU @ 3");
    put_brand(0x80000003, ".50GHz\0\0\0\0\0\0\0\0\0");
    expect_line("processor: Some CPU @ 3.50GHz, family 0x6, model 0x55, stepping 4\n");
    assert_true(recorder_has(WRITE_MSR, MSR_UCODE_REV, 0));
}

static bool revision_of_intel(uint32_t index, uint64_t *value)
{
    *value = UINT64_C(0x2006e05) << 32 | 7;
    return index == MSR_UCODE_REV;
}

static void test_microcode(void **state)
{
    (void)state;
    begin(GENUINE_INTEL, 0x906ea);
    recorder.on_rdmsr = revision_of_intel;
    expect_line("microcode: 0x2006e05\n");
    begin(AUTHENTIC_AMD, 0x830f10);
    recorder_put_msr(MSR_UCODE_REV, 0x8301055);
    expect_line("microcode: 0x8301055\n");
    assert_false(recorder_has(WRITE_MSR, MSR_UCODE_REV, 0));
    expect_line("processor: AuthenticAMD, family 0x17, model 0x31, stepping 0\n");
    recorder_put_msr(MSR_UCODE_REV, 0);
    expect_line("microcode: the processor does not say\n");
}

/* Neither the register nor a name. */
static void test_nothing(void **state)
{
    (void)state;
    begin(AUTHENTIC_AMD, 0x543);
    expect_line("microcode: the processor does not say\n");
    expect_line("processor: AuthenticAMD, family 0x5, model 0x4, stepping 3\n");
    put_brand(0x80000002, "\x01\x1b[2J\x7f\xff name   x");
    put_brand(0x80000003, "0123456789abcdef");
    put_brand(0x80000004, "0123456789abcdef");
    expect_line("processor: ??[2J?? name   x0123456789abcdef0123456789abcdef, family");
}

static void test_firmware_and_memory(void **state)
{
    static const struct boot_range ranges[] = {
        {0, 640 * 1024, BOOT_RAM_FREE, 0},
        {MIB, 511 * MIB, BOOT_RAM_FREE, 0},
        {512 * MIB, 4 * MIB, BOOT_RAM_LOADER, 0},
        {516 * MIB, 2 * MIB, BOOT_RAM_ACPI, 0},
        {518 * MIB, 3 * MIB, BOOT_RAM_FIRMWARE, 0},
        {600 * MIB, 8192, BOOT_RAM_BAD, 0},
        {700 * MIB, MIB, 99, 0},
    };

    (void)state;
    begin(AUTHENTIC_AMD, 0x543);
    expect_line("firmware: (no name), revision 0x0, UEFI 0.0.0\n");
    memset(info.firmware_vendor, 'x', sizeof(info.firmware_vendor));
    info.uefi_revision = 2 << 16 | 105;
    info.firmware_revision = 0x10000;
    info.ranges = (uintptr_t)ranges;
    info.range_count = ARRAY_SIZE(ranges);
    expect_line("firmware: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, revision 0x10000, UEFI "
                "2.10.5\n");
    expect_line("memory map: 7 ranges; 511 MiB free, 4 MiB in use by us, 5 MiB the firmware's\n");
    expect_line("memory map: the firmware reports 8 KiB as broken\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intel),
        cmocka_unit_test(test_microcode),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_firmware_and_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

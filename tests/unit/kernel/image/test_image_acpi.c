/* SPDX-License-Identifier: MIT */
/*
 * test_image_acpi: the guest's ACPI tables, walked as an operating system does; and the DSDT as
 * iasl disassembles it, where it is installed.
 */
#include "kernel/image/image_acpi.h"

#include <stdio.h>
#include <unistd.h>

#include "kernel/image/aml.h"
#include "support.h"

static struct image_acpi acpi;
static uint32_t ids[GUEST_CORES_MAX];

static void build(uint32_t count)
{
    for (uint32_t i = 0; i < GUEST_CORES_MAX; i++)
        ids[i] = 7 + 300 * i;
    memset(&acpi, 0x55, sizeof(acpi));
    image_acpi_build(&acpi, ids, count);
    assert_in_range(acpi.size, 1, sizeof(acpi.bytes));
}

static uint64_t get(const uint8_t *at, uint32_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes);
    return value;
}

/* The table at a guest-physical address, with its length and checksum right. */
static const uint8_t *table_at(uint64_t address, const char *signature, uint32_t *length)
{
    assert_in_range(address, ACPI_TABLES_AT, ACPI_TABLES_AT + acpi.size - 36);
    const uint8_t *t = acpi.bytes + (address - ACPI_TABLES_AT);
    *length = (uint32_t)get(t + 4, 4);
    assert_memory_equal(t, signature, 4);
    assert_in_range(*length, 36, acpi.size - (address - ACPI_TABLES_AT));
    assert_int_equal(aml_checksum(t, *length), 0);
    return t;
}

/* By way of RSDP and XSDT, which has the FADT and the MADT. */
static const uint8_t *find(const char *signature, uint32_t index, uint32_t *length)
{
    assert_memory_equal(acpi.bytes, "RSD PTR ", 8);
    assert_int_equal(acpi.bytes[15], 2);
    assert_int_equal(aml_checksum(acpi.bytes, 20), 0);
    assert_int_equal(get(acpi.bytes + 20, 4), 36);
    assert_int_equal(aml_checksum(acpi.bytes, 36), 0);
    const uint8_t *xsdt = table_at(get(acpi.bytes + 24, 8), "XSDT", length);
    assert_int_equal(*length, 36 + 2 * 8);
    return table_at(get(xsdt + 36 + 8 * index, 8), signature, length);
}

static void test_fadt(void **state)
{
    uint32_t length;
    (void)state;
    build(2);
    const uint8_t *fadt = find("FACP", 0, &length);
    assert_int_equal(length, 276);
    assert_int_equal(fadt[8], 6);
    assert_int_equal(get(fadt + 109, 2), 0x34);
    /* No timer, no sleep but S5: of what is set, all works (docs/guests/linux.md). */
    assert_int_equal(get(fadt + 112, 4), 0x180431);
    static const uint8_t reset[] = {1, 8, 0, 1, 0x02, 0x06, 0, 0, 0, 0, 0, 0};
    static const uint8_t control[] = {1, 8, 0, 1, 0x00, 0x06, 0, 0, 0, 0, 0, 0};
    static const uint8_t status[] = {1, 8, 0, 1, 0x01, 0x06, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(fadt + 116, reset, 12);
    assert_int_equal(fadt[128], 1);
    assert_memory_equal(fadt + 244, control, 12);
    assert_memory_equal(fadt + 256, status, 12);
    assert_int_equal(get(fadt + 40, 4), get(fadt + 140, 8));
    for (uint32_t i = 46; i < 109; i++)
        assert_int_equal(fadt[i], 0); /* no fixed hardware */
    for (uint32_t i = 148; i < 244; i++)
        assert_int_equal(fadt[i], 0);
    table_at(get(fadt + 140, 8), "DSDT", &length);
}

static void test_madt(void **state)
{
    uint32_t length;
    (void)state;
    for (uint32_t count = 0; count <= GUEST_CORES_MAX; count++) {
        build(count);
        const uint8_t *madt = find("APIC", 1, &length);
        assert_int_equal(length, 44 + 16 * count);
        assert_int_equal(get(madt + 36, 4), 0xfee00000);
        assert_int_equal(get(madt + 40, 4), 0);
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *entry = madt + 44 + 16 * i;
            assert_int_equal(get(entry, 4), 9 | 16 << 8);
            assert_int_equal(get(entry + 4, 4), ids[i]);
            assert_int_equal(get(entry + 8, 4), 1);
            assert_int_equal(get(entry + 12, 4), i);
        }
    }
}

static void test_disjoint(void **state)
{
    (void)state;
    build(GUEST_CORES_MAX);
    assert_true(ACPI_TABLES_AT + acpi.size <= RESET_CODE_AT);
    assert_true(RESET_CODE_AT + image_reset_code_size <= 0x100000);
    assert_memory_equal(image_reset_code, "\xb0\x01\xba\x02\x06\xee\xf4\xeb\xfd", 9);
}

static bool have_iasl(void)
{
    return system("iasl -v > /dev/null 2>&1") == 0;
}

/* The whole output of a command. */
static void output_of(const char *command, char *text, size_t size)
{
    FILE *f = popen(command, "r");
    assert_non_null(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    assert_int_equal(pclose(f), 0);
}

static void expect_text(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("iasl does not see '%s' in:\n%s", part, text);
}

static void test_iasl(void **state)
{
    static char text[1 << 16], command[256];
    char folder[] = "/tmp/bulkhead-aml-XXXXXX", path[64];
    uint32_t length;
    (void)state;
    if (!have_iasl()) {
        print_message("skipped, because iasl (package acpica-tools) is not installed\n");
        skip();
    }
    build(GUEST_CORES_MAX);
    const uint8_t *fadt = find("FACP", 0, &length);
    const uint8_t *dsdt = table_at(get(fadt + 140, 8), "DSDT", &length);

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/dsdt.aml", folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(dsdt, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
    snprintf(
        command, sizeof(command),
        "cd %s && iasl -d dsdt.aml > log 2>&1 && iasl -tc dsdt.dsl >> log 2>&1 && cat dsdt.dsl "
        "log; cd / && rm -r %s",
        folder, folder);
    output_of(command, text, sizeof(text));
    expect_text(text, "Name (_S5, Package (0x04)");
    expect_text(text, "Device (C000)");
    expect_text(text, "Device (C03F)");
    expect_text(text, "\"ACPI0007\"");
    expect_text(text, "Name (_UID, 0x3F)");
    expect_text(text, "EisaId (\"PNP0A03\")");
    expect_text(text, "WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,");
    expect_text(text, "IO (Decode16,");
    expect_text(text, "0x0CF8,             // Range Minimum");
    expect_text(text, "0x08,               // Length");
    expect_text(text, "0x0CF7,             // Range Maximum");
    expect_text(text, "0x0D00,             // Range Minimum");
    expect_text(text, "0xF300,             // Length");
    expect_text(text, "DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, "
                      "ReadWrite,");
    expect_text(text, "0xC0000000,         // Range Minimum");
    expect_text(text, "0xFDFFFFFF,         // Range Maximum");
    expect_text(text, "0x3E000000,         // Length");
    expect_text(text, " 0 Errors");
}

static void test_aml_terms(void **state)
{
    uint8_t bytes[16];
    struct aml a = {.bytes = bytes, .max = sizeof(bytes)};
    (void)state;
    aml_integer(&a, 255);
    aml_integer(&a, 256);
    assert_memory_equal(bytes, "\x0a\xff\x0c\x00\x01\x00\x00", 7);
    a.size = 0;
    aml_eisa_id(&a, "PNP0A08");
    assert_memory_equal(bytes, "\x0c\x41\xd0\x0a\x08", 5);
    a.size = 0;
    uint32_t begin = aml_begin(&a, 0, AML_BUFFER);
    aml_bytes(&a, "0123456789abc", 13);
    expect_assert_failure(aml_byte(&a, 0)); /* the buffer is full */
    aml_end(&a, begin);
    assert_memory_equal(bytes, "\x11\x4f\x00", 3);
    expect_assert_failure(aml_name(&a, "ABC"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fadt),      cmocka_unit_test(test_madt),
        cmocka_unit_test(test_disjoint),  cmocka_unit_test(test_iasl),
        cmocka_unit_test(test_aml_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

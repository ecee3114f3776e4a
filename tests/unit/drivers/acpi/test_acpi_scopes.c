/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_scopes: which devices an IOMMU and a range of reserved memory are for, by DMAR and by
 * IVRS: sound, broken in every byte, and more than there is room for.
 */
#include "drivers/acpi/acpi.h"

#include "acpi_machine.h"
#include "support.h"

static struct machine m;
static struct acpi_info info;
static struct blob *b;

static void begin(const char *signature)
{
    machine_make(&m);
    table_begin(&m, DMAR, signature, 48);
    put8(&m.blobs[DMAR], 37, 1);
    put64(&m.blobs[XSDT], m.blobs[XSDT].size, m.blobs[DMAR].address);
    m.blobs[XSDT].size += 8;
    table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
    b = &m.blobs[DMAR];
    table_seal(b, b->size);
}

static void append(const void *bytes, uint32_t size)
{
    put_bytes(b, b->size, bytes, size);
    b->size += size;
    table_seal(b, b->size);
}

#define APPEND(...)                             \
    do {                                        \
        const uint8_t bytes_[] = {__VA_ARGS__}; \
        append(bytes_, sizeof(bytes_));         \
    } while (0)

#define VTD_UNIT(length, flags) 0, 0, length, 0, flags, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0
#define RMRR(length) \
    1, 0, length, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0xff, 0x2f, 0x10, 0, 0, 0, 0, 0
#define IVHD10(length) \
    0x10, 0x0a, length, 0, 2, 0, 0x40, 0, 0, 0, 0xb8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define IVHD(type, length)                                                                         \
    type, 0x0a, length, 0, 2, 0, 0x40, 0, 0, 0, 0xb8, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define IVMD(type, first, last)                                                                    \
    type, 8, 32, 0, first, 0, last, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0x10, \
        0, 0, 0, 0, 0, 0

static void read_with(size_t warnings, const char *words)
{
    assert_true(machine_read(&m, &info));
    assert_int_equal(lines_count(), warnings);
    assert_int_equal(info.iommu_doubt, warnings > 0);
    assert_true(words == NULL || lines_contain(words));
}

static void vtd_scopes(void **state)
{
    (void)state;
    begin("DMAR");
    APPEND(VTD_UNIT(16 + 8 + 10 + 8 + 8, 0), 1, 8, 0, 0, 0, 0, 2, 0, /* 00:02.0 */
           2, 10, 0, 0, 0, 0x10, 0x1c, 4, 0, 0,                      /* 10:1c.4 and then 00.0 */
           3, 8, 0, 0, 2, 0xf0, 31, 7, 4, 8, 0, 0, 0, 0xf0, 15, 0);
    APPEND(VTD_UNIT(16, 1));
    put64(b, b->size - 8, 0xfed91000);
    table_seal(b, b->size);
    APPEND(RMRR(24 + 8), 1, 8, 0, 0, 0, 0, 0x1d, 0);
    APPEND(2, 0, 8, 0, 0xff, 0xff, 0xff, 0xff); /* ATSR: passed over */
    read_with(0, NULL);
    assert_true(info.iommu_remaps);
    assert_int_equal(info.iommu_count, 2);
    assert_true(!info.iommus[0].rest && info.iommus[1].rest);
    assert_int_equal(info.scope_count, 5);
    assert_int_equal(info.scopes[0].kind, ACPI_SCOPE_FUNCTION);
    assert_int_equal(info.scopes[0].path[0], 0x10);
    assert_int_equal(info.scopes[1].kind, ACPI_SCOPE_BRIDGE);
    assert_int_equal(info.scopes[1].steps, 2);
    assert_int_equal(info.scopes[1].bus, 0x10);
    assert_int_equal(info.scopes[1].path[0], 0xe4);
    assert_int_equal(info.scopes[2].kind, ACPI_SCOPE_IOAPIC);
    assert_int_equal(info.scopes[3].kind, ACPI_SCOPE_HPET);
    assert_true(info.scopes[4].reserved && info.scopes[4].of == 0);
    assert_int_equal(info.reserved[0].base, 0x100000);
    assert_int_equal(info.reserved[0].size, 0x3000);
}

static void vtd_flags(void **state)
{
    (void)state;
    for (uint8_t flags = 0; flags < 4; flags++) {
        begin("DMAR");
        APPEND(VTD_UNIT(16, 0));
        put8(b, 37, flags);
        table_seal(b, b->size);
        read_with(0, NULL);
        assert_int_equal(info.iommu_remaps, flags & 1);
        assert_int_equal(info.iommu_no_x2apic, flags >> 1);
    }
}

static void vtd_scopes_that_make_no_sense(void **state)
{
    static const struct {
        uint8_t bytes[8];
        const char *words;
    } bad[] = {{{0, 8, 0, 0, 0, 0, 2, 0}, "unknown kind"},   {{6, 8, 0, 0, 0, 0, 2, 0}, "unknown"},
               {{1, 7, 0, 0, 0, 0, 2, 0}, "invalid length"}, {{1, 9, 0, 0, 0, 0, 2, 0}, "invalid"},
               {{1, 0, 0, 0, 0, 0, 2, 0}, "invalid length"}, {{1, 6, 0, 0, 0, 0, 2, 0}, "invalid"},
               {{1, 8, 0, 0, 0, 0, 32, 0}, "invalid path"},  {{1, 8, 0, 0, 0, 0, 2, 8}, "invalid"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        begin("DMAR");
        APPEND(VTD_UNIT(16 + 8, 0));
        append(bad[i].bytes, 8);
        read_with(1, bad[i].words);
        assert_int_equal(info.scope_count, 0);
        assert_int_equal(info.iommu_count, 1); /* it is there, whoever it may be for */
    }
    begin("DMAR"); /* a path of nine steps */
    APPEND(VTD_UNIT(16 + 24, 0), 1, 24, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0,
           1, 0);
    read_with(1, "invalid path");
}

static void reserved_memory_that_makes_no_sense(void **state)
{
    (void)state;
    begin("DMAR");
    APPEND(VTD_UNIT(16, 0));
    APPEND(RMRR(24));
    put64(b, b->size - 16, 0x103000); /* behind its end */
    table_seal(b, b->size);
    read_with(1, "makes no sense");
    assert_int_equal(info.reserved_count, 0);
    put64(b, b->size - 8, UINT64_MAX);
    table_seal(b, b->size);
    read_with(1, "makes no sense");
    begin("DMAR");
    APPEND(VTD_UNIT(16, 0));
    for (uint32_t i = 0; i <= ACPI_RESERVED_MAX; i++)
        APPEND(RMRR(24));
    read_with(1, "more than 32");
    assert_int_equal(info.reserved_count, ACPI_RESERVED_MAX);
}

static void scopes_are_bounded(void **state)
{
    (void)state;
    begin("DMAR");
    for (uint32_t u = 0; u < 3; u++) {
        APPEND(VTD_UNIT(0, 0));
        put64(b, b->size - 8, 0xfed90000 + u * PAGE_SIZE);
        const uint32_t at = b->size - 16;
        for (uint32_t i = 0; i < 200; i++)
            APPEND(1, 8, 0, 0, 0, 0, 2, 0);
        put8(b, at + 2, (1616 & 0xff));
        put8(b, at + 3, 1616 >> 8);
    }
    table_seal(b, b->size);
    read_with(1, "more than 512");
    assert_int_equal(info.scope_count, ACPI_SCOPES_MAX);
}

static void amd_entries(void **state)
{
    (void)state;
    begin("IVRS");
    APPEND(IVHD10(24 + 12), 1, 0, 0, 0, 2, 8, 0, 0, 0, 0, 0, 0); /* all, one, padding */
    read_with(0, NULL);
    assert_int_equal(info.scope_count, 2);
    assert_int_equal(info.scopes[0].last, 0xffff);
    /* a newer description of the same unit takes its place; an older one behind it does not */
    APPEND(IVHD(0x40, 40 + 8 + 12 + 8 + 8 + 24), 3, 0, 1, 0, 4, 0xff, 1, 0, /* a range */
           0x43, 0, 2, 0, 0, 9, 2, 0, 4, 8, 2, 0,                           /* under another id */
           0x46, 0, 3, 0, 0, 0, 0, 0, 0x48, 0, 0, 0, 1, 0xa0, 0, 2,         /* and an HPET */
           0xf0, 0x11, 0, 0, 'I', 'D', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 'U', 'I');
    APPEND(IVHD(0x11, 40 + 4), 2, 0x77, 0, 0);
    APPEND(IVMD(0x20, 0, 0));
    APPEND(IVMD(0x21, 8, 1));
    APPEND(IVMD(0x22, 8, 9));
    read_with(0, NULL);
    assert_int_equal(info.iommu_count, 1);
    assert_int_equal(info.iommus[0].form, 0x40);
    assert_int_equal(info.iommus[0].flags, 0x0a);
    assert_int_equal(info.scope_count, 5 + 3);
    assert_int_equal(info.scopes[0].first, 0x100);
    assert_int_equal(info.scopes[0].last, 0x1ff);
    assert_false(info.scopes[0].has_alias);
    assert_int_equal(info.scopes[1].first, 0x200);
    assert_int_equal(info.scopes[1].last, 0x208);
    assert_true(info.scopes[1].has_alias);
    assert_int_equal(info.scopes[1].alias, 0x209);
    assert_int_equal(info.scopes[2].first, 0x300);
    assert_false(info.scopes[2].has_alias);
    assert_int_equal(info.scopes[3].kind, ACPI_SCOPE_HPET);
    assert_int_equal(info.scopes[3].first, 0xa0);
    assert_int_equal(info.scopes[4].first, 0x11);
    assert_int_equal(info.scopes[5].last, 0xffff);
    assert_int_equal(info.scopes[6].last, 8);
    assert_int_equal(info.scopes[7].last, 9);
    assert_int_equal(info.scopes[7].of, 2);
}

static void amd_entries_that_make_no_sense(void **state)
{
    static const struct {
        uint8_t bytes[8];
        const char *words;
    } bad[] = {
        {{4, 8, 0, 0, 0, 0, 0, 0}, "range of devices"},  /* an end without a beginning */
        {{3, 8, 0, 0, 0, 0, 0, 0}, "range of devices"},  /* the other way round */
        {{3, 8, 0, 0, 2, 9, 0, 0}, "range of devices"},  /* something in between */
        {{3, 8, 0, 0, 4, 7, 0, 0}, "range of devices"},  /* backwards */
        {{5, 8, 0, 0, 0, 0, 0, 0}, "unknown kind"},      /* */
        {{0x80, 8, 0, 0, 0, 0, 0, 0}, "invalid length"}, /* 16 bytes */
        {{0xc0, 8, 0, 0, 0, 0, 0, 0}, "invalid length"}, /* 32 */
        {{0xf0, 8, 0, 0, 0, 0, 0, 0}, "invalid length"}, /* 22 and more */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        begin("IVRS");
        APPEND(IVHD10(24 + 8));
        append(bad[i].bytes, 8);
        read_with(1, bad[i].words);
        assert_int_equal(info.iommu_count, 1);
    }
    begin("IVRS");
    APPEND(IVHD(0x11, 24));
    put8(b, b->size - 40 + 2, 40);
    b->size -= 16;
    put8(b, b->size - 24 + 2, 24);
    table_seal(b, b->size);
    read_with(1, "too short");
    begin("IVRS");
    APPEND(IVHD10(24));
    APPEND(IVMD(0x22, 9, 8));
    read_with(1, "range of devices");
    assert_int_equal(info.reserved_count, 0);
}

/* Every byte takes every value. */
/* abuse: BA-06 */
static void any_byte_is_anything(void **state)
{
    static struct blob sound;

    (void)state;
    for (uint32_t amd = 0; amd < 2; amd++) {
        begin(amd ? "IVRS" : "DMAR");
        if (amd) {
            APPEND(IVHD10(24 + 12), 3, 8, 0, 0, 4, 9, 0, 0, 2, 1, 0, 0);
            APPEND(IVHD(0x11, 40 + 16), 0x42, 0, 2, 0, 0, 9, 2, 0, 0x48, 0, 0, 0, 1, 0xa0, 0, 2);
            APPEND(IVMD(0x22, 8, 9));
        } else {
            APPEND(VTD_UNIT(16 + 18, 0), 1, 8, 0, 0, 0, 0, 2, 0, 2, 10, 0, 0, 0, 0, 1, 0, 1, 0);
            APPEND(RMRR(24 + 8), 1, 8, 0, 0, 0, 0, 2, 0);
        }
        sound = *b;
        for (uint32_t at = 36; at < sound.size; at++) {
            for (uint32_t value = 0; value < 256; value++) {
                put8(b, at, (uint8_t)value);
                table_seal(b, b->size);
                (void)machine_read(&m, &info);
                assert_true(m.calls < 500 && lines_count() <= 1);
                assert_true(info.iommu_count <= 2 && info.scope_count <= 40);
                for (uint32_t i = 0; i < info.scope_count; i++)
                    assert_true(info.scopes[i].of <
                                (info.scopes[i].reserved ? info.reserved_count : info.iommu_count));
            }
            *b = sound;
        }
    }
}

static void a_unit_is_dropped(void **state)
{
    (void)state;
    begin("DMAR");
    for (uint8_t u = 0; u < 3; u++) {
        APPEND(VTD_UNIT(16 + 8, 0), 1, 8, 0, 0, 0, 0, u, 0);
        put64(b, b->size - 16, 0xfed90000 + u * PAGE_SIZE);
    }
    table_seal(b, b->size);
    APPEND(RMRR(24 + 8), 1, 8, 0, 0, 0, 0, 7, 0);
    read_with(0, NULL);
    acpi_iommu_drop(&info, 1);
    assert_true(info.iommu_doubt);
    assert_int_equal(info.iommu_count, 2);
    assert_int_equal(info.iommus[1].address.v, 0xfed92000);
    assert_int_equal(info.scope_count, 3);
    assert_int_equal(info.scopes[0].of, 0);
    assert_int_equal(info.scopes[1].of, 1);
    assert_int_equal(info.scopes[1].path[0], 2 << 3);
    assert_true(info.scopes[2].reserved && info.scopes[2].of == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vtd_scopes),
        cmocka_unit_test(vtd_flags),
        cmocka_unit_test(vtd_scopes_that_make_no_sense),
        cmocka_unit_test(reserved_memory_that_makes_no_sense),
        cmocka_unit_test(scopes_are_bounded),
        cmocka_unit_test(amd_entries),
        cmocka_unit_test(amd_entries_that_make_no_sense),
        cmocka_unit_test(any_byte_is_anything),
        cmocka_unit_test(a_unit_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_devices: the configuration spaces of MCFG and the IOMMUs of DMAR and IVRS, sound and
 * broken; a table that lies costs its own facts only.
 */
#include "drivers/acpi/acpi.h"

#include "acpi_machine.h"
#include "support.h"

static struct machine m;
static struct acpi_info info;

static int setup(void **state)
{
    (void)state;
    machine_make(&m);
    return 0;
}

/* In the HPET's or another's place of the root table: it is one that nobody has. */
static struct blob *begin(enum blob_name name, const char *signature, uint32_t head)
{
    table_begin(&m, name, signature, head);
    put64(&m.blobs[XSDT], m.blobs[XSDT].size, m.blobs[name].address);
    m.blobs[XSDT].size += 8;
    table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
    return &m.blobs[name];
}

static void append(struct blob *b, const void *bytes, uint32_t size)
{
    put_bytes(b, b->size, bytes, size);
    b->size += size;
    table_seal(b, b->size);
}

static void add_ecam(struct blob *b, uint64_t base, uint16_t segment, uint8_t first, uint8_t last)
{
    uint8_t entry[16] = {0};

    memcpy(entry, &base, 8);
    memcpy(entry + 8, &segment, 2);
    entry[10] = first;
    entry[11] = last;
    append(b, entry, sizeof(entry));
}

static void add_unit(struct blob *b, uint64_t base, uint8_t flags, uint16_t length)
{
    uint8_t entry[24] = {0, 0, (uint8_t)length, 0, flags};

    memcpy(entry + 8, &base, 8);
    append(b, entry, length);
}

static void add_ivhd(struct blob *b, uint8_t type, uint64_t base, uint16_t segment)
{
    const uint8_t size = type == 0x10 ? 24 : 40;
    uint8_t entry[40] = {type, 0, size};

    memcpy(entry + 8, &base, 8);
    memcpy(entry + 16, &segment, 2);
    append(b, entry, size);
}

static void read_with_warnings(size_t warnings)
{
    assert_true(machine_read(&m, &info));
    assert_int_equal(lines_count(), warnings);
    assert_int_equal(info.core_count, 2); /* a table that lies costs its own facts only */
    assert_true(info.has_serial);
}

static void segments(void **state)
{
    struct blob *b = begin(MCFG, "MCFG", 44);
    (void)state;
    add_ecam(b, 0xe0000000, 0, 0, 255);
    add_ecam(b, UINT64_C(0x100000000), 1, 64, 127);
    read_with_warnings(0);
    assert_int_equal(info.ecam_count, 2);
    assert_int_equal(info.ecams[0].address.v, 0xe0000000);
    assert_int_equal(info.ecams[1].segment, 1);
    assert_int_equal(info.ecams[1].first_bus, 64);
    assert_int_equal(info.ecams[1].last_bus, 127);
}

static void segments_that_make_no_sense(void **state)
{
    static const struct {
        uint64_t base;
        uint8_t first, last;
    } bad[] = {
        {0, 0, 255}, {0xe0001000, 0, 255}, {0xe0000000, 2, 1}, {UINT64_MAX - 0x7ffffff, 0, 255}};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
        machine_make(&m);
        add_ecam(begin(MCFG, "MCFG", 44), bad[i].base, 0, bad[i].first, bad[i].last);
        read_with_warnings(1);
        assert_true(lines_contain("has an entry that makes no sense"));
        assert_int_equal(info.ecam_count, 0);
    }
}

static void buses_are_listed_once(void **state)
{
    struct blob *b = begin(MCFG, "MCFG", 44);
    (void)state;
    add_ecam(b, 0xe0000000, 0, 0, 127);
    add_ecam(b, 0xd0000000, 0, 127, 255);
    add_ecam(b, 0xc0000000, 1, 0, 255);
    read_with_warnings(1);
    assert_true(lines_contain("lists a bus twice"));
    assert_int_equal(info.ecam_count, 2);
}

static void segments_are_bounded(void **state)
{
    struct blob *b = begin(MCFG, "MCFG", 44);
    (void)state;
    for (uint16_t i = 0; i <= ACPI_ECAMS_MAX; i++)
        add_ecam(b, GIB * (i + 1), i, 0, 255);
    read_with_warnings(1);
    assert_int_equal(info.ecam_count, ACPI_ECAMS_MAX);
}

static void half_an_entry(void **state)
{
    struct blob *b = begin(MCFG, "MCFG", 44);
    (void)state;
    add_ecam(b, 0xe0000000, 0, 0, 255);
    append(b, "half", 4);
    read_with_warnings(1);
    assert_int_equal(info.ecam_count, 1);
}

static void vtd_units(void **state)
{
    struct blob *b = begin(DMAR, "DMAR", 48);
    const uint8_t reserved[24] = {1, 0, 24, [17] = 0x1f};
    (void)state;
    add_unit(b, 0xfed90000, 0, 16);
    append(b, reserved, sizeof(reserved));
    add_unit(b, 0xfed91000, 1, 16);
    read_with_warnings(0);
    assert_int_equal(info.iommu_count, 2);
    assert_int_equal(info.iommus[0].address.v, 0xfed90000);
    assert_false(info.iommus[0].amd);
    assert_false(info.iommus[0].rest);
    assert_true(info.iommus[1].rest);
    assert_int_equal(info.reserved_count, 1);
    assert_int_equal(info.reserved[0].size, 2 * PAGE_SIZE); /* widened */
}

static void amd_units(void **state)
{
    struct blob *b = begin(DMAR, "IVRS", 48);
    const uint8_t reserved[32] = {0x21, 0, 32, [25] = 0x10};
    (void)state;
    add_ivhd(b, 0x10, 0xfeb80000, 0);
    add_ivhd(b, 0x11, 0xfeb80000, 0); /* of the same unit */
    add_ivhd(b, 0x40, 0xfec80000, 1);
    append(b, reserved, sizeof(reserved));
    read_with_warnings(0);
    assert_int_equal(info.iommu_count, 2);
    assert_true(info.iommus[1].amd);
    assert_int_equal(info.iommus[1].segment, 1);
    assert_int_equal(info.reserved_count, 1);
}

static void units_that_make_no_sense(void **state)
{
    static const uint64_t bad[] = {0, 0xfed90800, UINT64_MAX - 0x7ff};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
        machine_make(&m);
        add_unit(begin(DMAR, "DMAR", 48), bad[i], 0, 16);
        read_with_warnings(1);
        assert_int_equal(info.iommu_count, 0);
    }
    machine_make(&m);
    struct blob *b = begin(DMAR, "DMAR", 48);
    add_unit(b, 0xfed90000, 0, 16);
    add_unit(b, 0xfed90000, 0, 16);
    read_with_warnings(1);
    assert_int_equal(info.iommu_count, 1);
}

static void units_of_wrong_length(void **state)
{
    (void)state;
    for (uint16_t length = 0; length < 16; length++) {
        struct blob *b;

        machine_make(&m);
        b = begin(DMAR, "DMAR", 48);
        add_unit(b, 0xfed90000, 0, 16);
        put8(b, 50, (uint8_t)length);
        table_seal(b, b->size);
        read_with_warnings(1);
        assert_int_equal(info.iommu_count, 0);
    }
    machine_make(&m);
    add_unit(begin(DMAR, "DMAR", 40), 0xfed90000, 0, 4); /* its fixed part is cut */
    read_with_warnings(1);
}

static void units_are_bounded(void **state)
{
    struct blob *b = begin(DMAR, "DMAR", 48);
    (void)state;
    for (uint32_t i = 0; i <= ACPI_IOMMUS_MAX; i++)
        add_unit(b, 0xfed00000 + i * 0x1000, 0, 16);
    read_with_warnings(1);
    assert_int_equal(info.iommu_count, ACPI_IOMMUS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(segments, setup),
        cmocka_unit_test_setup(segments_that_make_no_sense, setup),
        cmocka_unit_test_setup(buses_are_listed_once, setup),
        cmocka_unit_test_setup(segments_are_bounded, setup),
        cmocka_unit_test_setup(half_an_entry, setup),
        cmocka_unit_test_setup(vtd_units, setup),
        cmocka_unit_test_setup(amd_units, setup),
        cmocka_unit_test_setup(units_that_make_no_sense, setup),
        cmocka_unit_test_setup(units_of_wrong_length, setup),
        cmocka_unit_test_setup(units_are_bounded, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_acpi: sound tables are understood, in all the ways in which they may be sound, and one that
 * is not is named and costs only what it would have told. Malice is test_acpi_abuse's business.
 */
#include "drivers/acpi/acpi.h"

#include <stdio.h>

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

static void check_everything(void)
{
    assert_int_equal(info.core_count, 2);
    assert_int_equal(info.cores[0].apic_id, 0);
    assert_int_equal(info.cores[1].apic_id, 2);
    assert_int_equal(info.ioapic_count, 1);
    assert_int_equal(info.ioapics[0].address.v, 0xfec00000);
    assert_true(info.has_power_off);
    assert_int_equal(info.pm1a_control, 0x1804);
    assert_int_equal(info.pm1b_control, 0x1904);
    assert_int_equal(info.s5_type_a, 5);
    assert_int_equal(info.s5_type_b, 1);
    assert_int_equal(info.smi_port, 0xb2);
    assert_int_equal(info.acpi_enable, 0xf1);
    assert_true(info.has_reset);
    assert_int_equal(info.reset_port, 0xcf9);
    assert_int_equal(info.reset_value, 0x0f);
    assert_true(info.has_serial);
    assert_int_equal(info.serial_port, 0x2f8);
    assert_int_equal(info.serial_baud, 115200);
}

static void a_sound_machine_is_understood(void **state)
{
    (void)state;
    assert_true(machine_read(&m, &info));
    check_everything();
    assert_int_equal(lines_count(), 0);
}

static void the_rsdt_serves_where_there_is_no_xsdt(void **state)
{
    (void)state;
    put8(&m.blobs[RSDP], 15, 0); /* ACPI 1.0: what follows is not there */
    put64(&m.blobs[RSDP], 24, 1);
    m.blobs[RSDP].size = 20;
    blob_sum(&m.blobs[RSDP], 8, 20);
    assert_true(machine_read(&m, &info));
    check_everything();
    assert_int_equal(lines_count(), 0);

    machine_make(&m);
    m.blobs[XSDT].bytes[40] ^= 1;
    assert_true(machine_read(&m, &info));
    check_everything();
    assert_true(lines_contain("XSDT at 0x120000 has a bad checksum"));

    machine_make(&m);
    m.blobs[RSDP].bytes[32] ^= 1; /* the checksum of the second part */
    assert_true(machine_read(&m, &info));
    check_everything();
    assert_true(lines_contain("invalid ACPI 2.0 part"));
}

static void cores_come_in_order_and_once(void **state)
{
    (void)state;
    madt_add_lapic(&m, 9, 1);
    madt_add_x2apic(&m, 300, 1);
    madt_add_lapic(&m, 4, 0);    /* disabled */
    madt_add_lapic(&m, 6, 2);    /* online-capable: perhaps one day */
    madt_add_lapic(&m, 2, 1);    /* again */
    madt_add_x2apic(&m, 300, 1); /* again */
    madt_add_x2apic(&m, 9, 3);   /* again, in the other form */
    madt_add_lapic(&m, 0xff, 1);
    madt_add_x2apic(&m, 0xffffffff, 1);
    madt_add_x2apic(&m, 1, 3);
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.core_count, 5);
    assert_int_equal(info.cores[2].apic_id, 9);
    assert_int_equal(info.cores[3].apic_id, 300);
    assert_int_equal(info.cores[4].apic_id, 1);
    assert_int_equal(lines_count(), 0);
}

static void entries_do_not_borrow_from_the_next(void **state)
{
    (void)state;
    madt_add(&m, (uint8_t[]){0, 4, 7, 77}, 4);
    madt_add(&m, (uint8_t[]){9, 8, 0, 0, 88, 0, 0, 0}, 8);
    madt_add_lapic(&m, 5, 1);
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.core_count, 3);
    assert_int_equal(info.cores[2].apic_id, 5);
    assert_int_equal(lines_count(), 1);
    assert_true(lines_contain("APIC at 0x130000 has an entry that is too short"));
}

static void io_apics_are_bounded(void **state)
{
    uint8_t entry[12] = {1, 12};

    (void)state;
    for (uint8_t i = 0; i < 40; i++) {
        entry[7] = i; /* the first has address 0 */
        madt_add(&m, entry, sizeof(entry));
        madt_add(&m, entry, sizeof(entry));
    }
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.ioapic_count, ACPI_IOAPICS_MAX);
    assert_int_equal(info.ioapics[15].address.v, 0x0f000000);
    assert_int_equal(lines_count(), 1);
}

static void missing_tables_cost_only_what_they_tell(void **state)
{
    (void)state;
    m.blobs[SPCR].address = m.blobs[FADT].address = 0;
    assert_true(machine_read(&m, &info));
    assert_int_equal(info.core_count, 2);
    assert_false(info.has_serial || info.has_reset || info.has_power_off);

    machine_make(&m);
    m.blobs[MADT].bytes[0] = 'B';
    assert_false(machine_read(&m, &info));
    assert_int_equal(info.core_count, 0);
    assert_true(info.has_power_off && info.has_serial);

    machine_make(&m);
    m.blobs[RSDP].bytes[8] ^= 1;
    assert_false(machine_read(&m, &info));
    assert_true(lines_contain("no valid RSDP at 0xf0000"));
    m.blobs[RSDP].address = 0;
    assert_false(machine_read(&m, &info));
}

static void a_madt_without_cores_is_none(void **state)
{
    (void)state;
    m.blobs[MADT].bytes[48] = m.blobs[MADT].bytes[56] = 0;
    table_seal(&m.blobs[MADT], m.blobs[MADT].size);
    assert_false(machine_read(&m, &info));
    assert_int_equal(info.core_count, 0);
    assert_true(lines_contain("lists no core"));
}

static void the_older_fields_serve_where_the_newer_do_not(void **state)
{
    struct blob *fadt = &m.blobs[FADT];

    (void)state;
    put32(fadt, 68, 0x604 + 4);
    put64(fadt, 140, 0x999999);     /* X_DSDT: nowhere */
    put8(fadt, 172, 0);             /* X_PM1a: in memory */
    put64(fadt, 184 + 4, 0x123456); /* X_PM1b: beyond the ports */
    table_seal(fadt, fadt->size);
    assert_true(machine_read(&m, &info));
    assert_true(info.has_power_off);
    assert_int_equal(info.pm1a_control, 0x604);
    assert_int_equal(info.pm1b_control, 0x608);
    assert_true(lines_contain("DSDT at 0x999999 is not in readable memory"));

    machine_make(&m); /* an ACPI 1.0 FADT ends before the reset register */
    fadt->size = 116;
    table_seal(fadt, 116);
    assert_true(machine_read(&m, &info));
    assert_true(info.has_power_off);
    assert_int_equal(info.pm1a_control, 0x604);
    assert_int_equal(info.pm1b_control, 0);
    assert_false(info.has_reset);
}

static void what_the_flags_deny_is_not_used(void **state)
{
    struct blob *fadt = &m.blobs[FADT];

    (void)state;
    put32(fadt, 112, 1u << 20); /* HW_REDUCED_ACPI, no RESET_REG_SUP */
    table_seal(fadt, fadt->size);
    assert_true(machine_read(&m, &info));
    assert_false(info.has_reset || info.has_power_off);
    assert_int_equal(info.pm1a_control, 0);
    put32(fadt, 112, 1u << 10);
    put8(fadt, 116, 0); /* the reset register is in memory */
    table_seal(fadt, fadt->size);
    assert_true(machine_read(&m, &info));
    assert_true(info.has_reset && info.has_power_off);
    assert_int_equal(info.reset_port, 0);
    assert_int_equal(info.reset_memory.v, 0xcf9);
    put8(fadt, 116, 2); /* in a device's configuration space */
    table_seal(fadt, fadt->size);
    assert_true(machine_read(&m, &info));
    assert_false(info.has_reset);
}

static void serial_ports_we_cannot_drive_are_passed_over(void **state)
{
    static const struct {
        uint32_t at;
        uint8_t value;
        bool usable;
        uint32_t baud;
    } cases[] = {
        {36, 0x12, true, 115200}, {36, 1, true, 115200}, {36, 3, false, 0},
        {40, 0, false, 0},        {46, 1, false, 0},     {58, 0, true, 0},
        {58, 3, true, 9600},      {58, 5, true, 0},      {58, 200, true, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        machine_make(&m);
        put8(&m.blobs[SPCR], cases[i].at, cases[i].value);
        table_seal(&m.blobs[SPCR], 80);
        assert_true(machine_read(&m, &info));
        assert_int_equal(info.has_serial, cases[i].usable);
        if (cases[i].usable)
            assert_int_equal(info.serial_baud, cases[i].baud);
        assert_int_equal(lines_count(), 0);
    }
}

/* Puts `aml` into the DSDT (or an SSDT) behind `before` bytes of something else. */
static bool find_s5(enum blob_name name, uint32_t before, const void *aml, uint32_t size)
{
    machine_make(&m);
    table_begin(&m, DSDT, "DSDT", 36);
    table_begin(&m, name, name == DSDT ? "DSDT" : "SSDT", 36 + before + size);
    memset(m.blobs[name].bytes + 36, '_', before);
    put_bytes(&m.blobs[name], 36 + before, aml, size);
    table_seal(&m.blobs[name], m.blobs[name].size);
    assert_true(machine_read(&m, &info));
    return info.has_power_off;
}

#define FIND_S5(aml) find_s5(DSDT, 3, (aml), sizeof(aml) - 1)

static void sleep_types_in_all_encodings(void **state)
{
    (void)state;
    assert_true(FIND_S5("\x08_S5_\x12\x06\x04\x00\x01\x00\x00"));
    assert_int_equal(info.s5_type_a, 0);
    assert_int_equal(info.s5_type_b, 1);
    assert_true(FIND_S5("\x08\\_S5_\x12\x0a\x04\x0a\x07\x0a\x06\x0a\x00\x0a\x00"));
    assert_int_equal(info.s5_type_a, 7);
    assert_int_equal(info.s5_type_b, 6);
    assert_true(FIND_S5("\x08_S5_\x12\x0b\x02\x0b\x05\x00\x0c\x04\x00\x00\x00"));
    assert_int_equal(info.s5_type_a, 5);
    assert_int_equal(info.s5_type_b, 4);
    assert_true(FIND_S5("\x08_S5_\x12\x47\x00\x04\x0a\x03\x01\x00\x00")); /* long PkgLength */
    assert_int_equal(info.s5_type_a, 3);
}

static void what_is_no_s5_is_passed_over(void **state)
{
    (void)state;
    assert_false(FIND_S5("_S5_\x12\x06\x04\x00\x01\x00\x00"));         /* no NameOp */
    assert_false(FIND_S5("\x08_S5_\x13\x06\x04\x00\x01\x00\x00"));     /* no package */
    assert_false(FIND_S5("\x08_S5_\x12\x06\x01\x00\x01\x00\x00"));     /* one element */
    assert_false(FIND_S5("\x08_S5_\x12\x07\x04\x0a\x08\x01\x00\x00")); /* 8 > 7 */
    assert_false(FIND_S5("\x08_S5_\x12\x06\x04\x70\x01\x00\x00"));     /* no integer */
    assert_false(FIND_S5("\x08_S5_\x12\x03\x04\x00\x01\x00\x00"));     /* package ends */
    assert_false(FIND_S5("\x08_S5_\x12\x05\x04\x0a\x05\x0a\x06\x00")); /* in an integer */
    assert_false(FIND_S5("\x08_S5_\x12\x06\x04\x00"));                 /* table ends */
    assert_false(FIND_S5("\x08_S5_\x12\xff\x06"));
    assert_false(FIND_S5("\x08_S5_\x12"));
    assert_false(FIND_S5("\x08_S5_"));
    assert_false(FIND_S5("\x08_S5"));
}

static void s5_is_found_wherever_it_is(void **state)
{
    static const char aml[] = "\x08_S5_\x12\x06\x04\x00\x01\x00\x00";

    (void)state;
    for (uint32_t before = 0; before < 600; before++)
        assert_true(find_s5(DSDT, before, aml, sizeof(aml) - 1));
    assert_true(find_s5(SSDT, 10, aml, sizeof(aml) - 1));
}

/* The words of a real compiler. */
static void iasl_and_we_agree(void **state)
{
    static const char asl[] = "DefinitionBlock (\"\", \"DSDT\", 2, \"TEST\", \"TEST\", 1) {\n"
                              "Scope (\\_SB) { Device (PCI0) { Name (_ADR, 0) } }\n"
                              "Name (\\_S5, Package () { 6, 7, 0, 0 })\n}\n";
    char dir[] = "/tmp/bulkhead-acpi-XXXXXX", command[256];
    FILE *file;
    size_t size;

    (void)state;
    if (system("command -v iasl >/dev/null 2>&1") != 0) {
        print_message("skipped, because iasl is missing\n");
        skip();
    }
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof(command), "cd %s && cat > t.asl && iasl t.asl >/dev/null 2>&1", dir);
    file = popen(command, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(asl, 1, sizeof(asl) - 1, file), sizeof(asl) - 1);
    assert_int_equal(pclose(file), 0);

    snprintf(command, sizeof(command), "cat %s/t.aml && rm -r %s", dir, dir);
    file = popen(command, "r");
    assert_non_null(file);
    size = fread(m.blobs[DSDT].bytes, 1, BLOB_MAX, file);
    assert_int_equal(pclose(file), 0);
    m.blobs[DSDT].size = (uint32_t)size;

    assert_true(machine_read(&m, &info));
    assert_int_equal(lines_count(), 0);
    assert_true(info.has_power_off);
    assert_int_equal(info.s5_type_a, 6);
    assert_int_equal(info.s5_type_b, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_sound_machine_is_understood, setup),
        cmocka_unit_test_setup(the_rsdt_serves_where_there_is_no_xsdt, setup),
        cmocka_unit_test_setup(cores_come_in_order_and_once, setup),
        cmocka_unit_test_setup(entries_do_not_borrow_from_the_next, setup),
        cmocka_unit_test_setup(io_apics_are_bounded, setup),
        cmocka_unit_test_setup(missing_tables_cost_only_what_they_tell, setup),
        cmocka_unit_test_setup(a_madt_without_cores_is_none, setup),
        cmocka_unit_test_setup(the_older_fields_serve_where_the_newer_do_not, setup),
        cmocka_unit_test_setup(what_the_flags_deny_is_not_used, setup),
        cmocka_unit_test_setup(serial_ports_we_cannot_drive_are_passed_over, setup),
        cmocka_unit_test_setup(sleep_types_in_all_encodings, setup),
        cmocka_unit_test_setup(what_is_no_s5_is_passed_over, setup),
        cmocka_unit_test_setup(s5_is_found_wherever_it_is, setup),
        cmocka_unit_test_setup(iasl_and_we_agree, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_iasl: tables that ACPI's own compiler makes of the sources in tests/acpi: what we read
 * is what the source says. Then each is broken in every place, one at a time: each byte, each
 * length, each pointer. Broken in its frame, a table costs exactly what it would have told, and
 * nobody else anything; with its checksum mended it may lie, but only within its own facts and
 * their limits.
 */
#include "drivers/acpi/acpi.h"

#include <stdio.h>

#include "acpi_machine.h"
#include "support.h"

#define TABLES "tests/acpi"

static const struct guest_lines {
    enum blob_name name;
    const char *file, *signature;
    uint64_t address;
} sources[] = {
    {HPET, "hpet", "HPET", 0x200000}, {DMAR, "dmar", "DMAR", 0x201000},
    {SSDT, "ssdt", "SSDT", 0x202000}, {FADT, "fadt", "FACP", 0x203000},
    {MCFG, "mcfg", "MCFG", 0x204000}, {MADT, "madt", "APIC", 0x205000},
    {SPCR, "spcr", "SPCR", 0x206000}, {SRAT, "srat", "SRAT", 0x208000},
    {IVRS, "ivrs", "IVRS", 0x209000}, {DSDT, "dsdt", "DSDT", 0x207000},
};

#define LISTED (ARRAY_SIZE(sources) - 1) /* all but the DSDT */

static struct machine m, sound;
static struct acpi_info info, good;
static uint32_t cases;

/* ---------------------------------------------------------------------- the machine */

static void compile(const struct guest_lines *s, const char *folder)
{
    struct blob *b = &sound.blobs[s->name];
    char command[256];

    snprintf(command, sizeof(command), "iasl -p %s/%s %s/%s.asl >/dev/null 2>&1", folder, s->file,
             TABLES, s->file);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "%s/%s.aml", folder, s->file);
    FILE *file = fopen(command, "rb");
    assert_non_null(file);
    b->address = s->address;
    b->size = (uint32_t)fread(b->bytes, 1, BLOB_MAX, file);
    fclose(file);
    assert_memory_equal(b->bytes, s->signature, 4);
}

static void make_root(enum blob_name name, const char *signature, uint32_t entry_size)
{
    struct blob *b = &sound.blobs[name];

    b->size = 36 + (uint32_t)LISTED * entry_size;
    b->address = 0x100000 + (uint64_t)name * 0x10000;
    put_bytes(b, 0, signature, 4);
    for (uint32_t i = 0; i < LISTED; i++)
        put_bytes(b, 36 + i * entry_size, &sources[i].address, entry_size);
    table_seal(b, b->size);
}

static int make_all(void **state)
{
    char folder[] = "/tmp/bulkhead-iasl-XXXXXX", command[64];

    (void)state;
    if (system("command -v iasl >/dev/null 2>&1") != 0) {
        const char *ci = getenv("CI");
        const bool wanted = ci != NULL && *ci != '\0';

        if (wanted)
            print_message("FAIL, as CI is set and iasl is not installed\n");
        return wanted ? -1 : 0;
    }
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        compile(&sources[i], folder);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    put32(&sound.blobs[FADT], 40, (uint32_t)sources[LISTED].address);
    put64(&sound.blobs[FADT], 140, sources[LISTED].address);
    table_seal(&sound.blobs[FADT], sound.blobs[FADT].size);
    make_root(RSDT, "RSDT", 4);
    make_root(XSDT, "XSDT", 8);
    sound.blobs[RSDP] = (struct blob){.address = 0xf0000, .size = 36};
    put_bytes(&sound.blobs[RSDP], 0, "RSD PTR ", 8);
    put8(&sound.blobs[RSDP], 15, 2);
    put32(&sound.blobs[RSDP], 16, (uint32_t)sound.blobs[RSDT].address);
    put32(&sound.blobs[RSDP], 20, 36);
    put64(&sound.blobs[RSDP], 24, sound.blobs[XSDT].address);
    m = sound;
    rsdp_seal(&m);
    sound = m;
    return 0;
}

static int setup(void **state)
{
    (void)state;
    if (sound.blobs[MADT].size == 0) {
        print_message("skipped, because iasl is missing\n");
        skip();
    }
    m = sound;
    assert_true(machine_read(&m, &good));
    return 0;
}

/* ---------------------------------------------------------------------- what is said */

/* Each table's own facts; \_S5 is said by the DSDT or an SSDT, and needs the FADT. */
static bool same_cores(void)
{
    return info.core_count == good.core_count && info.ioapic_count == good.ioapic_count &&
           memcmp(info.cores, good.cores, good.core_count * sizeof(good.cores[0])) == 0 &&
           memcmp(info.ioapics, good.ioapics, good.ioapic_count * sizeof(good.ioapics[0])) == 0;
}

static bool no_cores(void)
{
    return info.core_count == 0 && info.ioapic_count == 0;
}

static bool same_fadt(void)
{
    return info.pm1a_control == good.pm1a_control && info.pm1b_control == good.pm1b_control &&
           info.smi_port == good.smi_port && info.acpi_enable == good.acpi_enable &&
           info.has_reset == good.has_reset && info.reset_port == good.reset_port &&
           info.reset_memory.v == good.reset_memory.v && info.reset_value == good.reset_value;
}

static bool no_fadt(void)
{
    return info.pm1a_control == 0 && info.pm1b_control == 0 && !info.has_reset;
}

static bool same_serial(void)
{
    return info.has_serial && info.serial_port == good.serial_port &&
           info.serial_baud == good.serial_baud;
}

static bool same_nodes(void)
{
    return info.node_count == 2 && info.near_count == good.near_count &&
           memcmp(info.domains, good.domains, 2 * sizeof(good.domains[0])) == 0 &&
           memcmp(info.core_nodes, good.core_nodes, good.core_count) == 0 &&
           memcmp(info.near, good.near, good.near_count * sizeof(good.near[0])) == 0;
}

static bool no_nodes(void)
{
    return info.node_count == 0 && info.near_count == 0;
}

static bool power_off_by(uint8_t a, uint8_t b)
{
    return info.has_power_off && info.s5_type_a == a && info.s5_type_b == b;
}

static bool same_all(void)
{
    return same_cores() && same_fadt() && same_serial() && same_nodes() && power_off_by(6, 7);
}

static void check_iommus(void)
{
    assert_true(info.iommu_count <= ACPI_IOMMUS_MAX && info.reserved_count <= ACPI_RESERVED_MAX);
    assert_true(info.scope_count <= ACPI_SCOPES_MAX);
    for (uint32_t i = 0; i < info.reserved_count; i++) {
        assert_true(info.reserved[i].size > 0 && info.reserved[i].size % PAGE_SIZE == 0);
        assert_true(info.reserved[i].size - 1 <= UINT64_MAX - info.reserved[i].base);
    }
    for (uint32_t i = 0; i < info.scope_count; i++) {
        const struct acpi_scope *s = &info.scopes[i];
        assert_true(s->of < (s->reserved ? info.reserved_count : info.iommu_count));
        assert_true(s->steps <= ACPI_PATH_MAX && s->first <= s->last);
    }
}

/* Whatever a table says. */
static void check_limits(bool ok)
{
    assert_int_equal(ok, info.core_count > 0);
    assert_true(info.core_count <= ACPI_CORES_MAX && info.ioapic_count <= ACPI_IOAPICS_MAX);
    assert_true(info.core_count <= m.blobs[MADT].size / 8);
    for (uint32_t i = 0; i < info.core_count; i++) {
        assert_true(info.cores[i].apic_id != UINT32_MAX);
        for (uint32_t k = 0; k < i; k++)
            assert_true(info.cores[i].apic_id != info.cores[k].apic_id);
    }
    for (uint32_t i = 0; i < info.ioapic_count; i++)
        assert_true(info.ioapics[i].address.v != 0);
    assert_true(info.node_count <= ACPI_NODES_MAX && info.near_count <= ACPI_NEAR_MAX);
    for (uint32_t i = 0; i < info.core_count; i++)
        assert_true(info.core_nodes[i] == 0 || info.core_nodes[i] < info.node_count);
    assert_true(!info.has_power_off ||
                (info.pm1a_control != 0 && info.s5_type_a <= 7 && info.s5_type_b <= 7));
    assert_true(!info.has_reset || info.reset_port != 0 || info.reset_memory.v != 0);
    assert_true(!info.has_serial || (info.serial_port != 0 && info.serial_port <= 0xfff8));
    check_iommus();
    assert_true(lines_count() < 20 && m.calls < 2000);
}

static bool read_machine(void)
{
    const bool ok = machine_read(&m, &info);

    cases++;
    check_limits(ok);
    return ok;
}

/* A table is out of action: the others' facts are there, its own are not, and a line names it. */
static bool only_missing(enum blob_name name)
{
    switch (name) {
    case MADT:
        return no_cores() && no_nodes() && same_fadt() && same_serial() && power_off_by(6, 7);
    case FADT:
        return same_cores() && same_nodes() && no_fadt() && same_serial() && !info.has_power_off;
    case SPCR:
        return same_cores() && same_nodes() && same_fadt() && !info.has_serial &&
               power_off_by(6, 7);
    case SRAT:
        return same_cores() && no_nodes() && same_fadt() && same_serial() && power_off_by(6, 7);
    case DSDT: /* then the SSDT's counts */
        return same_cores() && same_fadt() && same_serial() && power_off_by(4, 3);
    case RSDP: /* what is old in it, or all of it */
        return same_all() || (no_cores() && no_fadt() && !info.has_serial);
    case RSDT:
    case XSDT: /* one serves for the other */
    case SSDT:
    case HPET:
    case MCFG:
    case DMAR:
    case IVRS:
    case BLOBS_ALL:
        break;
    }
    return same_all();
}

/* A table lies: it can do so only about what it has to say. */
static bool others_hold(enum blob_name name)
{
    switch (name) {
    case MADT:
        return same_fadt() && same_serial() && power_off_by(6, 7);
    case FADT:
        return same_cores() && same_serial();
    case SPCR:
        return same_cores() && same_fadt() && power_off_by(6, 7);
    case DSDT:
        return same_cores() && same_fadt() && same_serial();
    case SRAT:
        return same_cores() && same_fadt() && same_serial() && power_off_by(6, 7);
    case RSDP:
    case RSDT:
    case XSDT:
        return true;
    case SSDT:
    case HPET:
    case MCFG:
    case DMAR:
    case IVRS:
    case BLOBS_ALL:
        break;
    }
    return same_all();
}

static void expect(bool held, enum blob_name name, uint32_t at, uint32_t value)
{
    if (!held)
        print_error("table %d, byte %u, value %x\n", name, at, value);
    assert_true(held);
}

static void mend(enum blob_name name)
{
    struct blob *b = &m.blobs[name];

    if (name == RSDP)
        rsdp_seal(&m);
    else
        blob_sum(b, 9, b->size);
}

static void restore(enum blob_name name)
{
    const struct blob *from = &sound.blobs[name];
    struct blob *b = &m.blobs[name];

    b->address = from->address;
    b->size = from->size;
    memcpy(b->bytes, from->bytes, from->size + 64);
}

/* ---------------------------------------------------------------------- the tests */

static void what_the_source_says_is_what_we_read(void **state)
{
    static const uint32_t cores[] = {0, 2, 0x100, 0x12345};

    (void)state;
    assert_true(read_machine());
    assert_int_equal(lines_count(), 0);
    assert_int_equal(info.core_count, ARRAY_SIZE(cores));
    for (size_t i = 0; i < ARRAY_SIZE(cores); i++)
        assert_int_equal(info.cores[i].apic_id, cores[i]);
    assert_int_equal(info.ioapic_count, 2);
    assert_int_equal(info.ioapics[1].address.v, 0xfec01000);
    assert_true(info.has_reset && info.has_serial && power_off_by(6, 7));
    assert_int_equal(info.pm1a_control, 0x1804);
    assert_int_equal(info.pm1b_control, 0x1904);
    assert_int_equal(info.smi_port, 0xb2);
    assert_int_equal(info.acpi_enable, 0xf1);
    assert_int_equal(info.reset_port, 0xcf9);
    assert_int_equal(info.reset_value, 0x0f);
    assert_int_equal(info.serial_port, 0x2f8);
    assert_int_equal(info.serial_baud, 115200);
    assert_int_equal(info.node_count, 2);
    assert_int_equal(info.domains[0], 2);
    assert_int_equal(info.domains[1], 0x40000001);
    assert_memory_equal(info.core_nodes, ((uint8_t[]){0, 0, 1, 1}), 4);
    assert_int_equal(info.near_count, 3);
    assert_int_equal(info.near[1].base, 4 * GIB);
    assert_int_equal(info.near[1].size, 2 * GIB);
    assert_int_equal(info.near[2].base, 6 * GIB);
    assert_int_equal(info.near[2].node, 1);
    assert_int_equal(info.iommu_count, 1);
    assert_true(info.iommus[0].rest && info.iommu_remaps && !info.iommu_doubt);
    assert_int_equal(info.reserved_count, 1);
    assert_int_equal(info.reserved[0].size, PAGE_SIZE);
    assert_int_equal(info.scope_count, 2);
    assert_int_equal(info.scopes[0].kind, ACPI_SCOPE_IOAPIC);
    assert_int_equal(info.scopes[1].path[0], 2);
    assert_true(info.scopes[1].reserved);
}

/* Without a DMAR, another vendor's table counts. */
static void what_the_other_source_says(void **state)
{
    (void)state;
    m.blobs[DMAR].address = 0;
    assert_true(read_machine());
    assert_int_equal(lines_count(), 0);
    assert_int_equal(info.iommu_count, 1);
    assert_true(info.iommus[0].amd && !info.iommu_doubt);
    assert_int_equal(info.iommus[0].flags, 0x14);
    assert_int_equal(info.reserved_count, 2);
    assert_int_equal(info.reserved[0].size, 2 * PAGE_SIZE);
    assert_int_equal(info.scope_count, 6);
    assert_int_equal(info.scopes[1].first, 0x100);
    assert_int_equal(info.scopes[1].last, 0x1ff);
    assert_true(info.scopes[2].has_alias);
    assert_int_equal(info.scopes[2].alias, 0x200);
    assert_int_equal(info.scopes[3].kind, ACPI_SCOPE_IOAPIC);
    assert_int_equal(info.scopes[5].last, 0x1ff);
}

static void every_byte_of(enum blob_name name)
{
    for (uint32_t at = 0; at < sound.blobs[name].size; at++) {
        const uint8_t was = sound.blobs[name].bytes[at];
        const uint8_t values[] = {0,
                                  0xff,
                                  was ^ 1,
                                  was ^ 0x80,
                                  was ^ 0xff,
                                  0x7f,
                                  1,
                                  (uint8_t)(was + 1),
                                  (uint8_t)(was - 1),
                                  (uint8_t)(was << 1)};
        for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
            if (values[v] == was)
                continue;
            m.blobs[name].bytes[at] = values[v];
            (void)read_machine();
            expect(only_missing(name), name, at, values[v]);
            mend(name);
            (void)read_machine();
            expect(others_hold(name), name, at, values[v]);
            restore(name);
        }
    }
}

/* abuse: BA-06 */
static void every_byte_of_every_table(void **state)
{
    (void)state;
    for (enum blob_name name = RSDP; name < BLOBS_ALL; name++)
        every_byte_of(name);
    assert_true(read_machine() && same_all());
    m.blobs[DMAR].address = 0; /* else nobody looks into this one */
    every_byte_of(IVRS);
}

/* abuse: BA-06 */
static void every_truncation(void **state)
{
    (void)state;
    for (enum blob_name name = RSDP; name < BLOBS_ALL; name++) {
        for (uint32_t size = 0; size < sound.blobs[name].size; size++) {
            m.blobs[name].size = size; /* memory ends there */
            (void)read_machine();
            expect(only_missing(name), name, size, 0);
            if (name != RSDP && size >= 10) { /* and the header says so */
                table_seal(&m.blobs[name], size);
                (void)read_machine();
                expect(others_hold(name), name, size, 1);
                m.blobs[name].size = sound.blobs[name].size; /* the rest is only not counted */
                (void)read_machine();
                expect(others_hold(name), name, size, 2);
            }
            restore(name);
        }
    }
}

/* abuse: BA-06 */
static void every_length_field(void **state)
{
    static const uint32_t lengths[] = {0,        1,        2,          9,          10,
                                       35,       36,       37,         43,         44,
                                       45,       0x100,    0xffff,     0x10000,    0xfffff,
                                       0x100000, 0x100001, 0x7fffffff, 0x80000000, UINT32_MAX};
    (void)state;
    for (enum blob_name name = RSDT; name < BLOBS_ALL; name++) {
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
            put32(&m.blobs[name], 4, lengths[i]);
            blob_sum(&m.blobs[name], 9,
                     lengths[i] < sound.blobs[name].size ? lengths[i] : m.blobs[name].size);
            (void)read_machine();
            expect(others_hold(name), name, 4, lengths[i]);
            if (lengths[i] < 36 || lengths[i] > m.blobs[name].size)
                expect(only_missing(name), name, 4, lengths[i]);
            restore(name);
        }
    }
    for (uint32_t at = 44; at < sound.blobs[MADT].size; at += sound.blobs[MADT].bytes[at + 1]) {
        for (uint32_t length = 0; length < 256; length++) { /* of each entry of the MADT */
            put8(&m.blobs[MADT], at + 1, (uint8_t)length);
            mend(MADT);
            (void)read_machine();
            expect(others_hold(MADT), MADT, at + 1, length);
            for (uint32_t i = 0; i < good.core_count && i < info.core_count; i++) {
                if (sound.blobs[MADT].bytes[at] <= 1 && at > 44 + 8 * (i + 1))
                    assert_int_equal(info.cores[i].apic_id, good.cores[i].apic_id);
            }
            restore(MADT);
        }
    }
}

/* abuse: BA-06 */
static void pointers_crossed(void **state)
{
    (void)state;
    for (enum blob_name to = RSDP; to < BLOBS_ALL; to++) {
        const uint64_t address = sound.blobs[to].address;
        for (uint64_t shift = 0; shift < 3; shift++) { /* to its head, or into it */
            for (uint32_t i = 0; i < LISTED; i++) {
                put64(&m.blobs[XSDT], 36 + 8 * i, address + 4 * shift);
                mend(XSDT);
                (void)read_machine();
                expect(others_hold(sources[i].name), sources[i].name, i, to);
                restore(XSDT);
            }
            put64(&m.blobs[FADT], 140, address + 4 * shift);
            mend(FADT);
            assert_true(read_machine());
            assert_true(same_cores() && same_fadt() && same_serial());
            assert_true(power_off_by(6, 7)); /* by the older field, or after all */
            put32(&m.blobs[FADT], 40, (uint32_t)(address + 4 * shift));
            mend(FADT);
            assert_true(read_machine());
            assert_true(power_off_by(6, 7) == (to == DSDT && shift == 0));
            assert_true(power_off_by(4, 3) == (to != DSDT || shift != 0)); /* the SSDT's */
            restore(FADT);
            put64(&m.blobs[RSDP], 24, address + 4 * shift);
            mend(RSDP);
            assert_true(read_machine() && same_all()); /* by the RSDT */
            put32(&m.blobs[RSDP], 16, (uint32_t)(address + 4 * shift));
            mend(RSDP);
            assert_true(read_machine() == ((to == RSDT || to == XSDT) && shift == 0));
            restore(RSDP);
        }
    }
}

/* Each table missing, twice there, and of each other's kind. */
static void tables_missing_and_double(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LISTED; i++) {
        const enum blob_name name = sources[i].name;
        m.blobs[name].address = 0;
        (void)read_machine();
        expect(only_missing(name), name, 0, 0);
        restore(name);
        for (uint32_t k = 0; k < LISTED; k++) {
            put64(&m.blobs[XSDT], 36 + 8 * k, sources[i].address);
            mend(XSDT);
            (void)read_machine();
            expect(only_missing(i == k ? HPET : sources[k].name), name, k, 0);
            restore(XSDT);
            memcpy(m.blobs[name].bytes, sources[k].signature, 4);
            mend(name);
            (void)read_machine(); /* as another table, it says nonsense at worst */
            restore(name);
        }
    }
    print_message("# %u cases\n", cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_the_source_says_is_what_we_read, setup),
        cmocka_unit_test_setup(what_the_other_source_says, setup),
        cmocka_unit_test_setup(every_byte_of_every_table, setup),
        cmocka_unit_test_setup(every_truncation, setup),
        cmocka_unit_test_setup(every_length_field, setup),
        cmocka_unit_test_setup(pointers_crossed, setup),
        cmocka_unit_test_setup(tables_missing_and_double, setup),
    };
    return cmocka_run_group_tests(tests, make_all, NULL);
}

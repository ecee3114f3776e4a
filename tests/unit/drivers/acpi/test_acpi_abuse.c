/* SPDX-License-Identifier: MIT */
/*
 * test_acpi_abuse: tables as no firmware should write them. Whatever they say, acpi_read() comes
 * back soon, reads only what it was given (the sanitizer looks) and returns numbers within their
 * limits. ABUSE rows BA-02 to BA-05.
 */
#include "drivers/acpi/acpi.h"

#include "acpi_machine.h"
#include "support.h"

#define MUTATIONS 100000

static struct machine m;
static struct acpi_info info;

static int setup(void **state)
{
    (void)state;
    machine_make(&m);
    return 0;
}

/* Reads, and checks what holds for every machine whatever. */
static bool read_and_check(void)
{
    bool ok = machine_read(&m, &info);

    assert_int_equal(ok, info.core_count > 0);
    assert_true(info.core_count <= ACPI_CORES_MAX && info.ioapic_count <= ACPI_IOAPICS_MAX);
    for (uint32_t i = 0; i < info.core_count; i++) {
        for (uint32_t k = 0; k < i; k++)
            assert_true(info.cores[i].apic_id != info.cores[k].apic_id);
    }
    if (info.has_power_off)
        assert_true(info.pm1a_control != 0 && info.s5_type_a <= 7 && info.s5_type_b <= 7);
    assert_true(!info.has_reset || info.reset_port != 0 || info.reset_memory.v != 0);
    assert_true(!info.has_serial || (info.serial_port != 0 && info.serial_port <= 0xfff8));
    assert_true(lines_count() < 300 && m.calls < 200000);
    return ok;
}

/* Each table, cut at each length, its header saying so and its checksum right. */
/* abuse: BA-04 */
static void tables_of_every_length(void **state)
{
    (void)state;
    for (int name = RSDT; name < BLOBS; name++) {
        machine_make(&m);
        for (uint32_t length = m.blobs[name].size; length-- > 0;) {
            machine_make(&m);
            table_seal(&m.blobs[name], length);
            (void)read_and_check();
            if (name == SPCR)
                assert_int_equal(info.has_serial, length >= 64);
            if (length < 36 && name != RSDT && name != SSDT) /* those two are not needed */
                assert_true(lines_contain("is shorter than its header"));
            m.blobs[name].size = length; /* and the memory ends there, too */
            (void)read_and_check();
        }
    }
    for (uint32_t length = 0; length < 36; length++) {
        machine_make(&m);
        m.blobs[RSDP].size = length;
        assert_int_equal(read_and_check(), length >= 20);
        machine_make(&m);
        put32(&m.blobs[RSDP], 20, length);
        rsdp_seal(&m);
        assert_true(read_and_check()); /* by the RSDT */
    }
}

static void lengths_beyond_reason(void **state)
{
    static const uint32_t lengths[] = {0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff8,
                                       0x100000,   0x100001,   BLOB_MAX,   BLOB_MAX + 1};

    (void)state;
    for (int name = RSDT; name < BLOBS; name++) {
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
            machine_make(&m);
            m.blobs[name].size = BLOB_MAX;
            put32(&m.blobs[name], 4, lengths[i]);
            blob_sum(&m.blobs[name], 9, lengths[i]);
            (void)read_and_check();
            if (lengths[i] > MIB && name != RSDT && name != SSDT)
                assert_true(lines_contain("is longer than 1 MiB"));
            m.blobs[name].address = UINT64_MAX - 100; /* and it would wrap */
            machine_make_fadt(&m);
            machine_make_roots(&m);
            (void)read_and_check();
            if (lengths[i] <= MIB && (name == MADT || name == DSDT))
                assert_true(lines_contain("extends beyond the address space"));
        }
    }
}

/* abuse: BA-02 */
static void root_entries_of_any_number(void **state)
{
    (void)state;
    for (uint32_t extra = 1; extra < 8; extra++) {
        machine_make(&m);
        m.blobs[XSDT].size += extra;
        table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
        assert_true(read_and_check());
        assert_true(lines_contain("in the middle of an entry"));
    }
    machine_make(&m);
    m.blobs[XSDT].size = 36 + 8 * 4000;
    for (uint32_t i = 0; i < 4000; i++) /* all of them one FADT that is broken, then the rest */
        put64(&m.blobs[XSDT], 36 + 8 * i, m.blobs[FADT].address);
    put64(&m.blobs[XSDT], 36 + 8 * 255, m.blobs[MADT].address);
    table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
    m.blobs[FADT].bytes[100] ^= 1;
    assert_true(read_and_check());
    assert_true(lines_count() > 200);
}

/* abuse: BA-02 */
static void pointers_to_nowhere_and_to_themselves(void **state)
{
    uint64_t targets[] = {
        0,       1,        0xdead0000, UINT64_MAX, UINT64_MAX - 3, UINT64_MAX - 35,
        0xf0000, 0x110000, 0x120000,   0x120008,   0x130000,       0x140000};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        for (uint32_t entry = 0; entry < 4; entry++) {
            machine_make(&m);
            put64(&m.blobs[XSDT], 36 + 8 * entry, targets[i]);
            table_seal(&m.blobs[XSDT], m.blobs[XSDT].size);
            (void)read_and_check();
        }
        machine_make(&m);
        put64(&m.blobs[RSDP], 24, targets[i]);
        put32(&m.blobs[RSDP], 16, (uint32_t)targets[i]);
        rsdp_seal(&m);
        (void)read_and_check();
        machine_make(&m);
        put64(&m.blobs[FADT], 140, targets[i]);
        put32(&m.blobs[FADT], 40, (uint32_t)targets[i]);
        table_seal(&m.blobs[FADT], m.blobs[FADT].size);
        assert_true(read_and_check());
        assert_false(info.has_power_off);
    }
}

/* abuse: BA-03 */
static void madt_entries_of_every_length(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 32; type++) { /* 0, 1, 9 are read, the rest passed over */
        for (uint32_t length = 0; length < 256; length++) {
            uint8_t entry[16] = {(uint8_t)type, (uint8_t)length, 0, 0, 1, 0, 0, 0, 1};
            machine_make_madt(&m);
            madt_add(&m, entry, sizeof(entry));
            assert_true(read_and_check());
            assert_true(info.core_count >= 2);
            if (length < 2 || length > sizeof(entry))
                assert_true(lines_contain("entry of invalid length"));
        }
    }
}

/* abuse: BA-03 */
static void a_thousand_cores(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        madt_add_x2apic(&m, i * 3, 1);
    assert_true(read_and_check());
    assert_int_equal(info.core_count, ACPI_CORES_MAX);
    assert_int_equal(info.cores[2].apic_id, 3);
}

/* A checksum that fails for every single bit. */
static void flipped_bits_are_noticed(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < 8 * m.blobs[MADT].size; bit++) {
        m.blobs[MADT].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(read_and_check());
        m.blobs[MADT].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(read_and_check());
}

static uint64_t seed;
static int target;
static uint32_t phase;

/* Changes a byte of the target in every call: what was checked is never what is used. */
static void interfere(struct machine *machine)
{
    struct blob *b = &machine->blobs[target];
    uint64_t r = random_next(&seed);

    b->bytes[r % b->size] = (uint8_t)(r >> 32);
}

/* A length and its entries that are sound in every other look only. */
static void alternate(struct machine *machine)
{
    struct blob *b = &machine->blobs[target];
    bool mad = (machine->calls + phase) % 2 == 0;

    put32(b, 4, mad ? 0xffffffff : b->size);
    if (target == MADT)
        put8(b, 45, mad ? 0xff : 8);
}

/* abuse: BA-05 */
static void tables_that_change_while_they_are_read(void **state)
{
    (void)state;
    seed = 5;
    for (target = RSDP; target < BLOBS; target++) {
        for (int i = 0; i < 1000; i++) {
            machine_make(&m);
            m.between = interfere;
            (void)read_and_check();
        }
        machine_make(&m);
        m.between = alternate;
        for (phase = 0; phase < 2; phase++)
            (void)read_and_check();
    }
}

/* Changes somewhere in a table; its frame is put right again mostly, so that they are seen. */
static void mutate(void)
{
    for (uint64_t changes = 1 + random_next(&seed) % 6; changes > 0; changes--) {
        uint64_t r = random_next(&seed);
        struct blob *b = &m.blobs[r % BLOBS];
        uint32_t at = (uint32_t)(r >> 8 & 0xffff) % b->size;
        static const uint8_t favourites[] = {0, 1, 2, 7, 8, 0x0a, 0x12, 0x7f, 0x80, 0xff};

        if ((r >> 24 & 7) == 0)
            b->size = 1 + (uint32_t)(r >> 32) % (b->size + 64);
        else if ((r >> 24 & 7) < 4)
            b->bytes[at] = favourites[(r >> 32) % ARRAY_SIZE(favourites)];
        else
            b->bytes[at] = (uint8_t)(r >> 32);
    }
    for (int name = RSDT; name < BLOBS; name++) {
        struct blob *b = &m.blobs[name];
        uint32_t length;

        memcpy(&length, b->bytes + 4, sizeof(length));
        if (random_next(&seed) % 8 != 0)
            table_seal(b, random_next(&seed) % 4 != 0 ? b->size : length);
    }
    if (random_next(&seed) % 4 != 0)
        rsdp_seal(&m);
}

static void random_tables_do_no_harm(void **state)
{
    static struct machine sound;
    uint32_t survived = 0;

    (void)state;
    machine_make(&sound);
    seed = 6;
    for (int i = 0; i < MUTATIONS; i++) {
        for (int name = 0; name < BLOBS; name++) { /* not all 256 KiB of it */
            struct blob *b = &m.blobs[name];
            b->address = sound.blobs[name].address;
            b->size = sound.blobs[name].size;
            memcpy(b->bytes, sound.blobs[name].bytes, 512);
        }
        mutate();
        survived += read_and_check();
    }
    /* Neither does everything get through nor nothing: the mutations reach the parsers. */
    assert_in_range(survived, MUTATIONS / 10, MUTATIONS - MUTATIONS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tables_of_every_length, setup),
        cmocka_unit_test_setup(lengths_beyond_reason, setup),
        cmocka_unit_test_setup(root_entries_of_any_number, setup),
        cmocka_unit_test_setup(pointers_to_nowhere_and_to_themselves, setup),
        cmocka_unit_test_setup(madt_entries_of_every_length, setup),
        cmocka_unit_test_setup(a_thousand_cores, setup),
        cmocka_unit_test_setup(flipped_bits_are_noticed, setup),
        cmocka_unit_test_setup(tables_that_change_while_they_are_read, setup),
        cmocka_unit_test_setup(random_tables_do_no_harm, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

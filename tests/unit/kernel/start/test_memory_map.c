/* SPDX-License-Identifier: MIT */
/*
 * test_memory_map: lists of memory that no machine should have: what guests may get is sorted,
 * apart, in the processor's address space and free by the list, and as much of it as there is room
 * for.
 */
#include "kernel/start/memory_map.h"

#include "lib/bits.h"
#include "support.h"

#define RANGES_MAX 8192
#define ROWS_MAX   (MACHINE_RANGES_MAX - RAM_ROWS_SPARE)
#define ROUNDS     20000

static struct boot_range ranges[RANGES_MAX];
static struct ram_list list;
static struct machine machine;
static struct acpi_info acpi;

static int setup(void **state)
{
    (void)state;
    list = (struct ram_list){.ranges = ranges, .physical_bits = 39};
    memset(&machine, 0, sizeof(machine));
    memset(&acpi, 0, sizeof(acpi));
    lines_clear();
    return 0;
}

static void add(uint64_t base, uint64_t size, uint32_t kind)
{
    ranges[list.count++] = (struct boot_range){.base = base, .size = size, .kind = kind};
}

static bool is_free(struct range r)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (ranges[i].kind == BOOT_RAM_FREE &&
            range_contains((struct range){ranges[i].base, ranges[i].size}, r))
            return true;
    return false;
}

static uint64_t find(void)
{
    uint64_t sum = 0;

    memory_map_find(&machine, &list);
    assert_true(machine.range_count <= ROWS_MAX);
    for (uint32_t i = 0; i < machine.range_count; i++) {
        const struct range r = machine.ranges[i];
        assert_true(r.size > 0 && range_valid(r) && is_free(r));
        assert_true(r.base >= MIB);
        assert_true((r.base + r.size - 1) >> list.physical_bits == 0);
        assert_true(i == 0 || machine.ranges[i - 1].base + machine.ranges[i - 1].size < r.base);
        sum += r.size;
    }
    return sum;
}

/* abuse: BU-06 */
static void test_every_address_width(void **state)
{
    (void)state;
    for (uint32_t bits = 32; bits <= 52; bits++) {
        const uint64_t end = BIT64(bits);
        setup(state);
        list.physical_bits = bits;
        add(2 * MIB, 16 * MIB, BOOT_RAM_FREE);
        add(end - 4 * MIB, 4 * MIB, BOOT_RAM_FREE);
        assert_int_equal(find(), 20 * MIB);
        assert_int_equal(lines_count(), 0);
        ranges[1].size += 3 * MIB; /* across the end */
        add(end + 5 * MIB, MIB, BOOT_RAM_FREE);
        add(UINT64_MAX - 2 * PAGE_SIZE + 1, PAGE_SIZE, BOOT_RAM_FREE);
        assert_int_equal(find(), 20 * MIB);
        assert_int_equal(lines_count(), 1);
        assert_true(lines_contain("the firmware lists 4100 KiB of memory beyond the "));
        assert_false(memory_map_readable(&list, (struct range){end - 1, 2}));
        assert_true(memory_map_readable(&list, (struct range){end - 2, 2}));
        assert_false(memory_map_readable(&list, (struct range){end + 5 * MIB, 8}));
    }
    setup(state);
    add(0, UINT64_MAX - PAGE_SIZE + 1, BOOT_RAM_FREE); /* everything, without the last page */
    assert_int_equal(find(), BIT64(39) - MIB);
}

static void test_the_first_mib_is_left_alone(void **state)
{
    (void)state;
    add(0, 0xa0000, BOOT_RAM_FREE);
    add(0xf0000, 0x20000, BOOT_RAM_FREE); /* across 1 MiB */
    assert_int_equal(find(), 0x10000);
    assert_int_equal(lines_count(), 0);
}

/* What is in thousands of pieces must not hide the one that is worth something. */
/* abuse: BU-06 */
static void test_the_largest_of_thousands(void **state)
{
    static const uint32_t places[] = {0, 1, 55, 56, 57, 4000, RANGES_MAX - 1};

    for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
        setup(state);
        for (uint32_t i = 0; i < RANGES_MAX; i++)
            add(GIB + i * 16 * MIB, i == places[p] ? 8 * MIB : PAGE_SIZE, BOOT_RAM_FREE);
        assert_int_equal(find(), 8 * MIB + (ROWS_MAX - 1) * PAGE_SIZE);
        assert_int_equal(machine.range_count, ROWS_MAX);
        assert_int_equal(lines_count(), 1);
        assert_true(lines_contain("memory is in more than 56 pieces: 8136 of the smallest not"));
    }
    setup(state); /* as many as there is room for */
    for (uint32_t i = 0; i < ROWS_MAX; i++)
        add(GIB + i * MIB, PAGE_SIZE, BOOT_RAM_FREE);
    assert_int_equal(find(), ROWS_MAX * PAGE_SIZE);
    assert_int_equal(lines_count(), 0);
}

static void test_no_memory_at_all(void **state)
{
    (void)state;
    assert_int_equal(find(), 0);
    for (uint32_t kind = 0; kind < 9; kind++)
        if (kind != BOOT_RAM_FREE)
            add(GIB + kind * MIB, MIB, kind);
    assert_int_equal(find(), 0);
    assert_int_equal(machine.range_count, 0);
    assert_int_equal(lines_count(), 0);
}

static void random_list(uint64_t *seed)
{
    uint64_t at = random_next(seed) % (8 * MIB);

    list.physical_bits = 32 + (uint32_t)(random_next(seed) % 21);
    for (uint64_t n = random_next(seed) % 200; n > 0; n--) {
        const uint64_t size =
            (1 + (random_next(seed) >> (random_next(seed) % 64))) & MASK64(49, 12);
        if (size == 0 || size >= UINT64_MAX - at - PAGE_SIZE)
            continue;
        add(align_down(at, PAGE_SIZE), size, (uint32_t)(1 + random_next(seed) % 6));
        at = align_down(at, PAGE_SIZE) + size + PAGE_SIZE; /* neighbours of a kind are one */
        at += random_next(seed) % (64 * MIB);
        if (random_next(seed) % 16 == 0)
            at += BIT64(random_next(seed) % 48);
    }
}

/* abuse: BU-06 */
static void test_random_lists(void **state)
{
    uint64_t seed = 11;

    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t least = UINT64_MAX;
        setup(state);
        random_list(&seed);
        (void)find();
        for (uint32_t i = 0; i < machine.range_count; i++)
            least = min_u64(least, machine.ranges[i].size);
        for (uint32_t i = 0; i < list.count; i++) { /* nothing better was left out */
            struct range r = {ranges[i].base, ranges[i].size};
            bool taken = false;
            r = range_intersect(r, (struct range){MIB, BIT64(list.physical_bits) - MIB});
            for (uint32_t k = 0; k < machine.range_count; k++)
                taken = taken || range_contains(machine.ranges[k], r);
            assert_true(taken || r.size == 0 || ranges[i].kind != BOOT_RAM_FREE ||
                        (machine.range_count == ROWS_MAX && r.size <= least));
        }
    }
}

/* abuse: BU-06 */
static void test_ioapics_in_memory(void **state)
{
    static const struct {
        uint64_t address;
        bool kept;
    } rows[] = {
        {0xfec00000, true}, {0xfec01000, true}, {0x200000, false},  {0x1fffe1, false},
        {0x1fffe0, true},   {0x2fffff, false},  {0x300000, true},   {0x400000, false},
        {0x500000, false},  {0x600000, true},   {0x700000, true},   {0x800000, false},
        {0x1000, false},    {0xffff0, false},   {UINT32_MAX, true},
    };

    (void)state;
    for (uint32_t kind = BOOT_RAM_FREE; kind <= BOOT_RAM_BAD; kind++) /* free, ours, ACPI ... */
        add(0x200000 + (kind == 1 ? 0 : kind * 0x100000), 0x100000, kind);
    assert_int_equal(ranges[1].base, 0x400000);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        acpi.ioapic_count = 2;
        acpi.ioapics[0] = (struct acpi_ioapic){hpa(rows[i].address)};
        acpi.ioapics[1] = (struct acpi_ioapic){hpa(0xfec02000)};
        lines_clear();
        memory_map_check_ioapics(&acpi, &list);
        assert_int_equal(acpi.ioapic_count, rows[i].kept ? 2 : 1);
        assert_int_equal(acpi.ioapics[acpi.ioapic_count - 1].address.v, 0xfec02000);
        assert_int_equal(lines_count(), rows[i].kept ? 0 : 1);
        assert_true(rows[i].kept || lines_contain("overlaps RAM: not used"));
    }
}

static void test_reset_register_in_memory(void **state)
{
    static const struct {
        uint64_t address;
        bool kept;
    } rows[] = {{0xfed00000, true}, {0x1fffff, true},   {0x200000, false},
                {0x2fffff, false},  {0x300000, true},   {0xcf9, false},
                {BIT64(38), true},  {BIT64(39), false}, {UINT64_MAX, false}};

    (void)state;
    list.physical_bits = 39;
    add(0x200000, 0x100000, BOOT_RAM_FREE);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        acpi = (struct acpi_info){.has_reset = true, .reset_memory = hpa(rows[i].address)};
        lines_clear();
        memory_map_check_reset(&acpi, &list);
        assert_int_equal(acpi.has_reset, rows[i].kept);
        assert_int_equal(lines_count(), rows[i].kept ? 0 : 1);
    }
    list.physical_bits = 52;
    acpi = (struct acpi_info){.has_reset = true, .reset_memory = hpa(BIT64(47))};
    memory_map_check_reset(&acpi, &list);
    assert_false(acpi.has_reset);
    acpi = (struct acpi_info){.has_reset = true, .reset_port = 0xcf9};
    memory_map_check_reset(&acpi, &list);
    assert_true(acpi.has_reset);
}

/* abuse: BU-06 */
static void test_iommus_in_memory(void **state)
{
    (void)state;
    add(0x200000, 0x100000, BOOT_RAM_FREE);
    for (uint32_t amd = 0; amd < 2; amd++) { /* one page of registers, or four */
        memset(&acpi, 0, sizeof(acpi));
        acpi.iommu_count = 3;
        acpi.iommus[0] = (struct acpi_iommu){.address = hpa(0x1fd000), .amd = amd};
        acpi.iommus[1] = (struct acpi_iommu){.address = hpa(0x2ff000), .amd = amd};
        acpi.iommus[2] = (struct acpi_iommu){.address = hpa(0xfed90000), .amd = amd};
        lines_clear();
        memory_map_check_iommus(&acpi, &list);
        assert_int_equal(acpi.iommu_count, amd ? 1 : 2);
        assert_int_equal(acpi.iommus[acpi.iommu_count - 1].address.v, 0xfed90000);
        assert_int_equal(lines_count(), amd ? 2 : 1);
        assert_true(acpi.iommu_doubt); /* whose its devices are */
    }
}

/* abuse: BU-06 */
static void test_reserved_memory(void **state)
{
    (void)state;
    add(0x200000, 0x100000, BOOT_RAM_FREE);
    add(0x300000, 0x100000, BOOT_RAM_FIRMWARE);
    acpi.reserved_count = 4;
    acpi.reserved[0] = (struct acpi_reserved){.base = 0x300000, .size = 0x100000};
    acpi.reserved[1] = (struct acpi_reserved){.base = 0x2ff000, .size = 0x2000};
    acpi.reserved[2] = (struct acpi_reserved){.base = 0xe0000, .size = 0x1000};
    acpi.reserved[3] = (struct acpi_reserved){.base = 0, .size = UINT64_MAX - 0xfff};
    memory_map_check_reserved(&acpi, &list);
    assert_true(acpi.reserved[0].apart);
    for (uint32_t i = 1; i < 4; i++)
        assert_false(acpi.reserved[i].apart);
}

static void test_functions_in_memory(void **state)
{
    static struct pci_list functions;

    (void)state;
    add(0x200000, 0x100000, BOOT_RAM_FREE);
    functions.count = 4;
    functions.entries[0].bars[5] = (struct pci_bar){.base = 0x2ff000, .size = 0x1000};
    functions.entries[1].bars[0] = (struct pci_bar){.base = 0x200, .size = 0x10, .io = true};
    functions.entries[1].bars[1] = (struct pci_bar){.base = 0xfe000000, .size = 0x1000};
    functions.entries[2].bars[0] = (struct pci_bar){.base = 0x100000, .size = 0x200000};
    functions.entries[3].bars[0] = (struct pci_bar){.base = 0, .size = 0x10000000};
    memory_map_check_functions(&functions, &list);
    assert_string_equal(functions.entries[0].kept, "has registers where the firmware has RAM");
    assert_null(functions.entries[1].kept);
    assert_non_null(functions.entries[2].kept);
    assert_null(functions.entries[3].kept); /* it has no place yet */
}

static void test_ecams_in_memory(void **state)
{
    (void)state;
    add(0xb0000000, 0x100000, BOOT_RAM_FREE);
    acpi.ecam_count = 2;
    acpi.ecams[0] = (struct acpi_ecam){.address = hpa(0xb0000000), .last_bus = 255};
    acpi.ecams[1] =
        (struct acpi_ecam){.address = hpa(0xc0000000), .segment = 1, .first_bus = 2, .last_bus = 3};
    memory_map_check_ecams(&acpi, &list);
    assert_int_equal(acpi.ecam_count, 1);
    assert_int_equal(acpi.ecams[0].segment, 1);
    assert_int_equal(memory_map_ecam(&acpi.ecams[0]).base, 0xc0200000);
    assert_int_equal(memory_map_ecam(&acpi.ecams[0]).size, 0x200000);
}

static void test_nodes_are_taken_over(void **state)
{
    (void)state;
    acpi.near_count = 2;
    acpi.near[0] = (struct acpi_near){0, 2 * GIB, 0};
    acpi.near[1] = (struct acpi_near){4 * GIB, GIB, 1};
    memory_map_near(&machine, &acpi);
    assert_int_equal(machine.near_count, 2);
    assert_int_equal(machine.near[0].where.size, 2 * GIB);
    assert_int_equal(machine.near[1].where.base, 4 * GIB);
    assert_int_equal(machine.near[1].node, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_address_width, setup),
        cmocka_unit_test_setup(test_the_first_mib_is_left_alone, setup),
        cmocka_unit_test_setup(test_the_largest_of_thousands, setup),
        cmocka_unit_test_setup(test_no_memory_at_all, setup),
        cmocka_unit_test_setup(test_random_lists, setup),
        cmocka_unit_test_setup(test_ioapics_in_memory, setup),
        cmocka_unit_test_setup(test_reset_register_in_memory, setup),
        cmocka_unit_test_setup(test_iommus_in_memory, setup),
        cmocka_unit_test_setup(test_reserved_memory, setup),
        cmocka_unit_test_setup(test_nodes_are_taken_over, setup),
        cmocka_unit_test_setup(test_functions_in_memory, setup),
        cmocka_unit_test_setup(test_ecams_in_memory, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_loader_maps: memory maps as no firmware should tell them, through the loader's whole way out
 * of boot services. What the hypervisor gets is compared, page by page, with what the UEFI
 * Specification says of each descriptor ("Memory Type Usage after ExitBootServices()"); a map that
 * cannot be one is refused in a sentence.
 */
#include "boot/loader.h"

#include "efi_devices.h"

#define ROUNDS 1500
#define SEED   2026

#define SPECIFIC_PURPOSE UINT64_C(0x40000)

static uint32_t odd(uint32_t type, uint64_t base, uint64_t pages, uint64_t attributes)
{
    assert_true(efi.odd_count < ARRAY_SIZE(efi.odd));
    efi.odd[efi.odd_count] = (EFI_MEMORY_DESCRIPTOR){
        .Type = type, .PhysicalStart = base, .NumberOfPages = pages, .Attribute = attributes};
    return efi.odd_count++;
}

/* ---------------------------------------------------------------------- the other opinion */

static uint32_t kind_of(const EFI_MEMORY_DESCRIPTOR *d)
{
    const uint32_t free_types = 1u << EfiLoaderCode | 1u << EfiLoaderData |
                                1u << EfiBootServicesCode | 1u << EfiBootServicesData |
                                1u << EfiConventionalMemory;

    if (d->Type == 9)
        return BOOT_RAM_ACPI;
    if (d->Type == 11 || d->Type == 12)
        return BOOT_RAM_MMIO;
    if (d->Type == 8)
        return BOOT_RAM_BAD;
    if (d->Type < 8 && (free_types >> d->Type & 1) && (d->Attribute & EFI_MEMORY_WB) &&
        !(d->Attribute & (EFI_MEMORY_RUNTIME | SPECIFIC_PURPOSE)))
        return BOOT_RAM_FREE;
    return BOOT_RAM_FIRMWARE;
}

/* What the page at `page` is, by all descriptors; 0: nobody lists it. */
static uint32_t kind_at(uint64_t page)
{
    uint32_t kind = 0;

    for (uint32_t i = 0; i < efi.map_count + efi.odd_count; i++) {
        const EFI_MEMORY_DESCRIPTOR *d =
            i < efi.map_count ? &efi.map[i] : &efi.odd[i - efi.map_count];
        const unsigned __int128 first = d->PhysicalStart;
        const unsigned __int128 end = first + (unsigned __int128)d->NumberOfPages * PAGE_SIZE;
        const uint32_t k = kind_of(d);
        bool covers;
        if (d->NumberOfPages == 0)
            continue;
        if (k == BOOT_RAM_FREE) /* whole pages only, and nothing of a lie */
            covers = end <= (unsigned __int128)1 << 64 && first <= page && page + PAGE_SIZE <= end;
        else
            covers = first < (unsigned __int128)page + PAGE_SIZE && page < end;
        if (covers && k > kind)
            kind = k;
    }
    return kind;
}

static bool is_own(uint64_t page)
{
    const struct boot_module *m = (const struct boot_module *)efi.info->modules;
    bool own = page - efi.info->image_base < efi.info->image_size ||
               page - efi.info->ranges < PAGE_SIZE || page - (uintptr_t)efi.info < PAGE_SIZE ||
               (efi.info->low_page != 0 && page == efi.info->low_page) ||
               page - efi.info->lastlog < efi.info->lastlog_size;

    for (uint32_t i = 0; i < efi.info->module_count; i++)
        own = own || page - m[i].base < m[i].size;
    return own;
}

static uint32_t listed_at(uint64_t page)
{
    const struct boot_range *r = (const struct boot_range *)efi.info->ranges;
    uint32_t low = 0, high = efi.info->range_count;

    while (low < high) { /* the list is sorted: that is looked at, too */
        const uint32_t middle = (low + high) / 2;
        if (page < r[middle].base)
            high = middle;
        else if (page - r[middle].base >= r[middle].size)
            low = middle + 1;
        else
            return r[middle].kind;
    }
    return 0;
}

static void check_page(uint64_t address)
{
    const uint64_t page = align_down(address, PAGE_SIZE);
    const uint32_t wanted = kind_at(page), listed = listed_at(page);

    if (page == UINT64_MAX - PAGE_SIZE + 1) { /* so that no end is 2^64 */
        assert_int_equal(listed, 0);
        return;
    }
    if (is_own(page))
        assert_true(listed >= BOOT_RAM_LOADER);
    else if (listed == BOOT_RAM_LOADER) /* the rest of our own pages */
        assert_true(wanted <= BOOT_RAM_FREE);
    else if (listed != wanted) {
        print_error("page %llx: %u, not %u\n", (unsigned long long)page, listed, wanted);
        fail();
    }
}

/* The first and last page of what is told, and their neighbours; of thousands, some. */
static void check_list(void)
{
    const struct boot_range *r = (const struct boot_range *)efi.info->ranges;
    const uint32_t told = efi.map_count + efi.odd_count;

    for (uint32_t i = 0; i < efi.info->range_count; i++) {
        assert_true(r[i].size > 0 && ((r[i].base | r[i].size) & (PAGE_SIZE - 1)) == 0);
        assert_true(r[i].size <= UINT64_MAX - r[i].base);
        assert_in_range(r[i].kind, BOOT_RAM_FREE, BOOT_RAM_BAD);
        assert_true(i == 0 || r[i - 1].base + r[i - 1].size <= r[i].base);
        assert_true(i == 0 || r[i - 1].base + r[i - 1].size < r[i].base ||
                    r[i - 1].kind != r[i].kind);
    }
    for (uint32_t i = 0; i < told; i += 1 + told / 500) {
        const EFI_MEMORY_DESCRIPTOR *d =
            i < efi.map_count ? &efi.map[i] : &efi.odd[i - efi.map_count];
        const uint64_t end = d->PhysicalStart + d->NumberOfPages * PAGE_SIZE;
        const uint64_t around[] = {
            d->PhysicalStart,   d->PhysicalStart - 1, d->PhysicalStart + PAGE_SIZE, end - 1, end,
            end - PAGE_SIZE - 1};
        for (size_t k = 0; k < ARRAY_SIZE(around); k++)
            check_page(around[k]);
    }
}

static void boots(void)
{
    assert_int_equal(efi_run(), END_JUMP);
    check_list();
}

static void refused(const char *why)
{
    const enum efi_end end = efi_run();

    assert_int_equal(end, efi.leaving ? END_RESET : END_BACK);
    assert_non_null(strstr(efi.serial, why));
    assert_int_equal(efi.leaving ? 0 : efi_taken(), 0);
}

/* ---------------------------------------------------------------------- the tests */

static void every_type(void **state)
{
    static const uint64_t attributes[] = {0,
                                          EFI_MEMORY_WB,
                                          EFI_MEMORY_WB | EFI_MEMORY_RUNTIME,
                                          EFI_MEMORY_UC,
                                          EFI_MEMORY_WB | SPECIFIC_PURPOSE,
                                          UINT64_MAX,
                                          EFI_MEMORY_WB | EFI_MEMORY_UC};
    (void)state;
    efi_make();
    for (uint32_t type = 0; type < 40; type++) {
        for (uint32_t a = 0; a < ARRAY_SIZE(attributes); a++)
            odd(type < 32 ? type : 0x6fffffff + (type - 32) * 0x20000000u,
                (1ull << 36) + (type * 64 + a * 2) * PAGE_SIZE, 1 + a % 2, attributes[a]);
    }
    boots();
}

/* abuse: BU-02 */
static void descriptors_of_every_size(void **state)
{
    static const UINTN steps[] = {40, 41, 44, 47, 48, 52, 56, 60, 64, 96, 128, 255, 1000, 4096};
    static const UINTN lies[] = {0,          1,         8,          24,         39,
                                 4097,       1 << 20,   1ull << 54, 1ull << 55, (1ull << 55) + 40,
                                 1ull << 63, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        efi_make();
        efi.step = steps[i];
        odd(EfiACPIReclaimMemory, 0x7fff0000, 5, EFI_MEMORY_WB);
        boots();
        assert_int_equal(listed_at(0x7fff0000), BOOT_RAM_ACPI);
    }
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        efi_make();
        efi.map_claims = 0x1000;
        efi.step = lies[i];
        refused("GetMemoryMap does not tell the size of the memory map");
        efi_make();
        efi.step_later = lies[i] != 0 ? lies[i] : 40;
        refused("GetMemoryMap failed: invalid parameter");
    }
}

/* abuse: BU-02 */
static void sizes_that_are_lies(void **state)
{
    static const UINTN more[] = {(64 << 20) + 1, 1ull << 32, 1ull << 60,
                                 1ull << 62,     1ull << 63, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
        efi_make();
        efi.map_claims = more[i];
        refused("GetMemoryMap does not tell the size of the memory map");
        efi_make();
        efi.size_later = more[i];
        refused("GetMemoryMap failed: invalid parameter");
    }
    efi_make(); /* less than it then is: that is what the spare room is for */
    efi.map_claims = 1;
    boots();
    efi_make(); /* half a descriptor at the end */
    efi.size_later = efi.step * 4 + efi.step / 2;
    assert_int_equal(efi_run(), END_JUMP);
}

/* abuse: BU-02 */
static void thousands_of_entries(void **state)
{
    uint64_t seed = SEED;

    (void)state;
    efi_make(); /* each with a hole behind it, from the last to the first */
    for (uint32_t i = 4000; i > 0; i--)
        odd(EfiConventionalMemory, GIB + i * 2 * PAGE_SIZE, 1, EFI_MEMORY_WB);
    boots();
    assert_true(efi.info->range_count > 4000);
    efi_make(); /* all over each other, of all types */
    for (uint32_t i = 0; i < 4000; i++)
        odd((uint32_t)(random_next(&seed) % 16), GIB + random_next(&seed) % 8000 * PAGE_SIZE,
            random_next(&seed) % 9, EFI_MEMORY_WB);
    boots();
    efi_make(); /* the same one, again and again */
    for (uint32_t i = 0; i < 8000; i++)
        odd(EfiConventionalMemory, GIB, 7, EFI_MEMORY_WB);
    assert_int_equal(efi_run(), END_JUMP);
    assert_int_equal(listed_at(GIB + 6 * PAGE_SIZE), BOOT_RAM_FREE);
    assert_int_equal(listed_at(GIB + 7 * PAGE_SIZE), 0);
    efi_make(); /* more than memory has room to list */
    efi.map_claims = 60 << 20;
    refused("there is no free memory for ");
}

/* Between asking for the map's size and leaving: there is spare room, but not for anything. */
static void a_map_that_grows(void **state)
{
    uint32_t boots_seen = 0;

    (void)state;
    for (uint32_t more = 0; more < 2000; more += 100) {
        efi_make();
        efi.odd_more = more;
        for (uint32_t i = 0; i < more; i++)
            odd(EfiMemoryMappedIO, 4 * GIB + i * 2 * PAGE_SIZE, 1, 0);
        efi.odd_count = 0; /* they come later */
        efi.stale = 2;
        const enum efi_end end = efi_run();
        assert_int_equal(end, more > 600 ? END_BACK : more <= 500 ? END_JUMP : end);
        if (end == END_JUMP)
            assert_int_equal(listed_at(4 * GIB), more > 0 ? BOOT_RAM_MMIO : 0);
        else
            assert_non_null(strstr(efi.serial, "GetMemoryMap failed: buffer too small"));
        boots_seen += end == END_JUMP;
    }
    assert_in_range(boots_seen, 6, 7);
}

/* abuse: BU-02 */
static void memory_that_is_nowhere(void **state)
{
    static const uint32_t widths[] = {32, 36, 39, 46, 47, 48, 52, 63};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) { /* the hypervisor knows the CPU's width */
        efi_make();
        for (uint32_t type = 0; type < 16; type++)
            odd(type, (1ull << widths[i]) - 8 * PAGE_SIZE + type * PAGE_SIZE, 1, EFI_MEMORY_WB);
        boots();
    }
    efi_make();
    odd(EfiConventionalMemory, 0, UINT64_MAX, EFI_MEMORY_WB);
    odd(EfiConventionalMemory, UINT64_MAX - 4095, 2, EFI_MEMORY_WB);
    odd(EfiConventionalMemory, 3, 1ull << 52, EFI_MEMORY_WB);
    odd(EfiMemoryMappedIO, UINT64_MAX - 4095, UINT64_MAX, 0);
    odd(EfiUnusableMemory, UINT64_MAX, 1, 0);
    boots();
    efi_make(); /* everything is broken: the loader's own pages as well */
    odd(EfiUnusableMemory, 0, UINT64_MAX, 0);
    boots();
    assert_int_equal(efi.info->range_count, 1);
}

static void no_conventional_memory(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < 16; type++) {
        efi_make();
        for (uint32_t i = 0; i < efi.map_count; i++)
            efi.map[i].Type = type;
        assert_int_equal(efi_run(), type == EfiConventionalMemory ? END_JUMP : END_BACK);
        assert_int_equal(strstr(efi.serial, "there is no free memory for ") != NULL,
                         type != EfiConventionalMemory);
    }
}

static void add_random(uint64_t *seed)
{
    static const uint64_t anchors[] = {0,          0x100000,   ARENA_BASE, GIB,        4 * GIB,
                                       1ull << 36, 1ull << 39, 1ull << 46, 1ull << 52, UINT64_MAX};
    const uint64_t r = random_next(seed), anchor = anchors[r % ARRAY_SIZE(anchors)];
    uint64_t base = anchor + ((r >> 8 & 0x3f) - 32) * PAGE_SIZE;
    uint64_t pages = r >> 16 & 0xf;

    if (anchor == ARENA_BASE)
        base = anchor + (r >> 24) % ARENA_PAGES * PAGE_SIZE;
    if ((r >> 40 & 7) == 0)
        base += r >> 48; /* not on a page */
    if ((r >> 43 & 15) == 0)
        pages = random_next(seed) >> (r >> 52 & 63);
    odd((r >> 47 & 15) == 0 ? (uint32_t)random_next(seed) : (uint32_t)(random_next(seed) % 17),
        base, pages, random_next(seed) % 4 == 0 ? random_next(seed) : EFI_MEMORY_WB);
}

/* abuse: BU-02 */
static void random_maps(void **state)
{
    const char *given = getenv("SEED");
    uint64_t start = given != NULL ? strtoull(given, NULL, 0) : SEED;

    (void)state;
    print_message("# SEED=%llu\n", (unsigned long long)start);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t seed = start + round;
        efi_make();
        efi.step = 40 + random_next(&seed) % 30;
        efi.stale = (uint32_t)(random_next(&seed) % 4);
        for (uint64_t n = random_next(&seed) % 30; n > 0; n--)
            add_random(&seed);
        boots();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(descriptors_of_every_size),
        cmocka_unit_test(sizes_that_are_lies),
        cmocka_unit_test(thousands_of_entries),
        cmocka_unit_test(a_map_that_grows),
        cmocka_unit_test(memory_that_is_nowhere),
        cmocka_unit_test(no_conventional_memory),
        cmocka_unit_test(random_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

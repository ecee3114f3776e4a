/* SPDX-License-Identifier: MIT */
/*
 * test_image_multiboot: multiboot kernels of both versions: where they go, what they are told, and
 * why one is refused.
 */
#include "kernel/image/image.h"

#include <stdio.h>

#include "kernel/image/multiboot.h"
#include "kernel/vm/reset.h"
#include "support.h"

#include "image_look.h"
#include "pvh_file.h"

#define HEADER_AT (PVH_FILE_DATA + 0x10)

static struct pvh_file file;
static struct guest_map map;
static const uint8_t initrd_bytes[0x2345] = {1};

/* The first segment of an ELF file without a PVH entry; its bytes hold the header. */
static int setup(void **state)
{
    (void)state;
    pvh_file_simple(&file);
    file.note.type = 17;
    file.header.entry = MIB + 0x30;
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), 16 * MIB);
    request = (struct image_request){
        .size = PVH_FILE_SIZE, .cmdline = "a=1 b", .map = &map, .name = "k.elf"};
    return 0;
}

static void words(uint64_t at, const uint32_t *values, uint32_t count)
{
    memcpy(file.bytes + at, values, count * sizeof(*values));
}

static void header1(uint32_t flags)
{
    words(HEADER_AT, (const uint32_t[]){0x1badb002, flags, -(0x1badb002 + flags)}, 3);
}

/* `count` words of tags, then the end tag. */
static void header2(const uint32_t *tags, uint32_t count)
{
    const uint32_t length = 16 + 4 * count + 8;

    words(HEADER_AT, (const uint32_t[]){0xe85250d6, 0, length, -(0xe85250d6 + length)}, 4);
    words(HEADER_AT + 16, tags, count);
    words(HEADER_AT + 16 + 4 * count, (const uint32_t[]){0, 8}, 2);
}
#define HEADER2(...) \
    header2((const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static bool prepare(void)
{
    return image_look_prepare(pvh_file_bytes(&file));
}

/* ---------------------------------------------------------------------- the kernel */

static void test_elf(void **state)
{
    static struct vcpu_state s;

    (void)state;
    header1(3);
    accept();
    assert_int_equal(image.mode, IMAGE_ENTER_MULTIBOOT32);
    assert_int_equal(image.entry.v, MIB + 0x30);
    assert_int_equal(image.pieces[0].to.v, MIB);
    assert_ptr_equal(image.pieces[0].source, file.bytes + PVH_FILE_DATA);
    reset_for_image(&s, &image);
    assert_int_equal(s.rip, MIB + 0x30);
    assert_int_equal(s.gpr[REG_RAX], 0x2badb002);
    assert_int_equal(s.gpr[REG_RBX], IMAGE_BOOT_DATA);
    assert_int_equal(s.cr0, 0x11);
    assert_int_equal(s.segments[SEG_CS].attributes, 0xc09b);
    setup(NULL);
    HEADER2(6, 8);
    accept();
    reset_for_image(&s, &image);
    assert_int_equal(s.gpr[REG_RAX], 0x36d76289);
}

/* A PVH entry comes first, and version 2 before version 1. */
static void test_preferred(void **state)
{
    (void)state;
    header1(3);
    file.note.type = 18;
    accept();
    assert_int_equal(image.mode, IMAGE_ENTER_PVH32);
    file.note.type = 17;
    accept();
    assert_string_equal(image_format(&image), "multiboot 1");
    words(HEADER_AT + 64, (const uint32_t[]){0xe85250d6, 0, 24, -(0xe85250d6 + 24), 0, 8}, 6);
    accept();
    assert_int_equal(image.magic, 0x36d76289);
    assert_string_equal(image_format(&image), "multiboot 2");
}

/* Kernels linked high are entered by a virtual address, or by a physical one. */
static void test_entry(void **state)
{
    (void)state;
    header1(0);
    file.segments[1].vaddr = 0xc0100000;
    file.header.entry = 0xc0100040;
    accept();
    assert_int_equal(image.entry.v, MIB + 0x40);
    file.header.entry = MIB + 0x50;
    accept();
    assert_int_equal(image.entry.v, MIB + 0x50);
    file.header.entry = MIB + file.segments[1].filesz;
    refuse("has its multiboot entry at 0x102000, where no segment has code");
    file.header.entry = 0;
    refuse("has its multiboot entry at 0x0, where no segment has code");
}

static void test_places(void **state)
{
    (void)state;
    header1(0);
    pvh_file_add(&file, 17 * MIB, 0x1000, 0x1000);
    refuse("needs memory up to 0x1100fff for a segment, but the guest has 16 MiB: write "
           "'memory = 18M' or more");
    file.header.phnum--;
    pvh_file_add(&file, IMAGE_BOOT_DATA, 0x1000, 0x1000);
    accept();
    assert_int_equal(image.start_info.v, IMAGE_BOOT_DATA + PAGE_SIZE);
    file.header.type = ET_DYN;
    assert_false(prepare());
    setup(NULL);
    words(0x2000 - 8, (const uint32_t[]){0x1badb002, 0, -0x1badb002u}, 3); /* beyond 8 KiB */
    refuse("has no PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY) and no multiboot header");
    words(0x2000 - 12, (const uint32_t[]){0x1badb002, 0, -0x1badb002u}, 3);
    accept();
    words(0x2000 - 12, (const uint32_t[]){0x1badb002, 0, 1 - 0x1badb002u}, 3);
    assert_false(prepare());
}

static void addresses(uint32_t header, uint32_t load, uint32_t load_end, uint32_t bss_end,
                      uint32_t entry)
{
    header1(0x10000);
    words(HEADER_AT + 12, (const uint32_t[]){header, load, load_end, bss_end, entry}, 5);
}

/* By the addresses in the header: no ELF file, and none that is looked at as one. */
static void test_addresses(void **state)
{
    (void)state;
    for (uint32_t as_elf = 0; as_elf < 2; as_elf++) {
        if (!as_elf)
            memset(&file.header, 0x90, sizeof(file.header));
        addresses(2 * MIB + 0x10, 2 * MIB, 2 * MIB + 0x1000, 2 * MIB + 0x3000, 2 * MIB + 0x40);
        accept();
        assert_int_equal(image.pieces[0].to.v, 2 * MIB);
        assert_ptr_equal(image.pieces[0].source, file.bytes + PVH_FILE_DATA);
        assert_int_equal(image.pieces[0].size, 0x1000);
        assert_int_equal(image.entry.v, 2 * MIB + 0x40);
        addresses(2 * MIB + HEADER_AT, 2 * MIB, 0, 0, 2 * MIB + 0x40); /* all of the file */
        accept();
        assert_ptr_equal(image.pieces[0].source, file.bytes);
        assert_int_equal(image.pieces[0].size, PVH_FILE_SIZE);
        setup(NULL);
    }
}

/* abuse: BI-08 */
static void test_wrong_addresses(void **state)
{
    (void)state;
    addresses(2 * MIB - 1, 2 * MIB, 0, 0, 2 * MIB);
    refuse("has a multiboot header whose load address 0x200000 does not fit its own place, "
           "0x1fffff");
    addresses(2 * MIB + HEADER_AT + 1, 2 * MIB, 0, 0, 2 * MIB);
    refuse("has a multiboot header whose load address 0x200000 does not fit its own place, "
           "0x201011");
    addresses(2 * MIB, 2 * MIB, 2 * MIB, 0, 2 * MIB);
    refuse("has a multiboot header that loads nothing");
    addresses(2 * MIB, 2 * MIB, 2 * MIB + PVH_FILE_SIZE - HEADER_AT + 1, 0, 2 * MIB);
    refuse("is cut off: its multiboot header wants more to be loaded");
    addresses(2 * MIB, 2 * MIB, 2 * MIB + 0x1000, 2 * MIB + 0xfff, 2 * MIB);
    refuse("has a multiboot header whose bss ends before its data");
    addresses(2 * MIB, 2 * MIB, 2 * MIB + 0x1000, UINT32_MAX, 2 * MIB);
    refuse(
        "has a segment at 0x200000-0xfffffffe, outside the guest's memory (16 MiB from 0 up, but "
        "none from 3 to 4 GiB)");
    addresses(2 * MIB, 2 * MIB, 2 * MIB + 0x1000, 0, 2 * MIB + 0x1000);
    refuse("has its multiboot entry at 0x201000, where nothing is loaded");
    addresses(2 * MIB, 2 * MIB, 2 * MIB + 0x1000, 0, 2 * MIB - 1);
    refuse("has its multiboot entry at 0x1fffff, where nothing is loaded");
    addresses(0x9f000, 0x9f000, 0xa0001, 0, 0x9f000);
    refuse("has a segment at 0x9f000-0xa0000, which touches the reserved 0xa0000-0xfffff; link it "
           "at 0x100000 or higher");
    addresses(2 * MIB, 2 * MIB, 0, 0, 2 * MIB);
    request.size = HEADER_AT + 31;
    refuse("is cut off: it ends in the multiboot header");
}

static void test_flags(void **state)
{
    (void)state;
    header1(0xfffe0003); /* what is above bit 16 may be ignored */
    accept();
    header1(4);
    refuse("is a multiboot kernel that asks for a video mode (flag bit 2), but a guest has no "
           "screen");
    header1(0x8000);
    refuse("is a multiboot kernel that requires flag bit 15, which is not known");
    header1(0x8);
    refuse("is a multiboot kernel that requires flag bit 3, which is not known");
}

/* ---------------------------------------------------------------------- what it is told */

static struct multiboot_info info1(void)
{
    struct multiboot_info info;

    memcpy(&info, image_look_at(image.start_info.v, sizeof(info)), sizeof(info));
    return info;
}

static void test_told_1(void **state)
{
    const struct multiboot_memory want[] = {
        {20, 0, 0xa0000, 1}, {20, 0xa0000, 0x60000, 2}, {20, MIB, 15 * MIB, 1}};

    (void)state;
    header1(3);
    accept();
    struct multiboot_info info = info1();
    assert_int_equal(info.flags, 0x24d);
    assert_int_equal(info.mem_lower, 640);
    assert_int_equal(info.mem_upper, 15 * 1024);
    assert_string_equal(image_look_at(info.cmdline, 6), "a=1 b");
    assert_string_equal(image_look_at(info.boot_loader_name, 9), "Bulkhead");
    assert_int_equal(info.mods_count, 0);
    assert_int_equal(info.mmap_length, sizeof(want));
    assert_memory_equal(image_look_at(info.mmap_addr, sizeof(want)), want, sizeof(want));
}

static void add_modules(void)
{
    request.initrd = initrd_bytes;
    request.initrd_size = sizeof(initrd_bytes);
    request.initrd_name = "env.txt";
    (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, true, "root.img");
}

static void test_modules_1(void **state)
{
    struct multiboot_module modules[2];

    (void)state;
    header1(3);
    add_modules();
    accept();
    assert_int_equal(info1().mods_count, 2);
    memcpy(modules, image_look_at(info1().mods_addr, sizeof(modules)), sizeof(modules));
    assert_int_equal(modules[0].start, 16 * MIB - 0x3000);
    assert_int_equal(modules[0].end, modules[0].start + sizeof(initrd_bytes));
    assert_ptr_equal(image_look_at(modules[0].start, 1), initrd_bytes);
    assert_string_equal(image_look_at(modules[0].string, 8), "env.txt");
    assert_int_equal(modules[1].start, 128 * MIB);
    assert_int_equal(modules[1].end, 130 * MIB);
    assert_string_equal(image_look_at(modules[1].string, 17), "disk root.img ro");
    (void)guest_map_add_disk(&map, hpa(GIB), 4 * GIB, true, "far.img"); /* 32 bits do not reach */
    accept();
    assert_int_equal(info1().mods_count, 2);
}

/* The tag of `type` number `n`, or NULL; checks that they follow each other to the end. */
static const struct multiboot2_tag *find_tag(uint32_t type, uint32_t n)
{
    const uint8_t *at = image_look_at(image.start_info.v, 8);
    const uint32_t total = ((const struct multiboot2_info *)(const void *)at)->total_size;
    const struct multiboot2_tag *found = NULL;

    assert_true(total <= PAGE_SIZE && total % 8 == 0);
    for (uint32_t used = 8;;) {
        const struct multiboot2_tag *tag = (const void *)(at + used);
        assert_true(used + 8 <= total && tag->size >= 8);
        if (tag->type == type && n-- == 0)
            found = tag;
        used += (tag->size + 7) & ~7u;
        if (tag->type == 0) {
            assert_int_equal(used, total);
            return found;
        }
    }
}

static void test_told_2(void **state)
{
    const struct multiboot2_map_entry want[] = {{0, 0xa0000, 1, 0},
                                                {0xa0000, 0x60000, 2, 0},
                                                {MIB, 15 * MIB, 1, 0},
                                                {128 * MIB, 2 * MIB, 2, 0}};

    (void)state;
    HEADER2(6, 8);
    add_modules();
    accept();
    assert_string_equal(find_tag(1, 0) + 1, "a=1 b");
    assert_int_equal(find_tag(1, 0)->size, 14);
    assert_string_equal(find_tag(2, 0) + 1, "Bulkhead");
    const struct multiboot2_module *module = (const void *)find_tag(3, 0);
    assert_int_equal(module->start, 16 * MIB - 0x3000);
    assert_int_equal(module->end, module->start + sizeof(initrd_bytes));
    assert_string_equal(module + 1, "env.txt");
    module = (const void *)find_tag(3, 1);
    assert_int_equal(module->start, 128 * MIB);
    assert_string_equal(module + 1, "disk root.img ro");
    assert_null(find_tag(3, 2));
    const struct multiboot2_memory *memory = (const void *)find_tag(4, 0);
    assert_int_equal(memory->lower, 640);
    assert_int_equal(memory->upper, 15 * 1024);
    const struct multiboot2_map *rows = (const void *)find_tag(6, 0);
    assert_int_equal(rows->tag.size, 16 + sizeof(want));
    assert_int_equal(rows->entry_size, 24);
    assert_int_equal(rows->entry_version, 0);
    assert_memory_equal(rows + 1, want, sizeof(want));
    assert_memory_equal(find_tag(14, 0) + 1, "RSD PTR ", 8);
    assert_int_equal(find_tag(14, 0)->size, 8 + 20);
    assert_memory_equal(find_tag(15, 0) + 1, image_look_at(ACPI_TABLES_AT, 36), 36);
    assert_int_equal(find_tag(15, 0)->size, 8 + 36);
}

/* The most that there can be still fits. */
static void test_longest(void **state)
{
    static const char name[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    char longest[CMDLINE_MAX];

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    request.cmdline = longest;
    add_modules();
    request.initrd_name = name;
    for (uint32_t i = 1; i < DISKS_MAX; i++)
        (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, true, name);
    HEADER2(6, 8);
    accept();
    assert_string_equal(find_tag(1, 0) + 1, longest);
    assert_non_null(find_tag(3, DISKS_MAX));
    header1(0);
    accept();
    assert_string_equal(image_look_at(info1().cmdline, sizeof(longest)), longest);
    assert_int_equal(info1().mods_count, 1 + DISKS_MAX);
}

/* ---------------------------------------------------------------------- version 2's tags */

#define OPTIONAL 0x10000

static void test_tags(void **state)
{
    (void)state;
    HEADER2(1, 24, 1, 6, 15, 14);
    accept();
    HEADER2(1 | OPTIONAL, 16, 8, 99);
    accept();
    HEADER2(1, 12, 8, 0);
    refuse("is a multiboot2 kernel that requires information of type 8, which Bulkhead does not "
           "have");
    HEADER2(1, 12, 5, 0);
    refuse("is a multiboot2 kernel that requires information of type 5, which Bulkhead does not "
           "have");
    HEADER2(5 | OPTIONAL, 20, 0, 0, 0, 0, 4 | OPTIONAL, 12, 3, 0, 7 | OPTIONAL, 8, 77 | OPTIONAL,
            8);
    accept();
    HEADER2(5, 20, 1024, 768, 32, 0);
    refuse("is a multiboot2 kernel that requires a screen (tag 5), but a guest has none");
    HEADER2(4, 12, 1, 0);
    refuse("is a multiboot2 kernel that requires a screen (tag 4), but a guest has none");
    HEADER2(7, 8);
    refuse("is a multiboot2 kernel that requires EFI boot services (tag 7), but a guest has no "
           "firmware");
    HEADER2(77, 8);
    refuse("is a multiboot2 kernel that requires tag 77, which is not known");
    HEADER2(8, 12, 1, 0, 9, 12, 1, 0, 10, 24, 0, 0, 0, 0);
    accept();
    HEADER2(3, 12, MIB + 0x70, 0); /* instead of the ELF file's */
    accept();
    assert_int_equal(image.entry.v, MIB + 0x70);
    HEADER2(3, 12, 0, 0);
    refuse("has its multiboot entry at 0x0, where no segment has code");
}

static void test_addresses_2(void **state)
{
    (void)state;
    HEADER2(2, 24, 2 * MIB + 0x10, 2 * MIB, 2 * MIB + 0x1000, 0, 3, 12, 2 * MIB + 0x40, 0);
    accept();
    assert_int_equal(image.pieces[0].to.v, 2 * MIB);
    assert_int_equal(image.entry.v, 2 * MIB + 0x40);
    HEADER2(2, 24, 2 * MIB + 0x10, 2 * MIB, 0, 0);
    refuse("has a multiboot2 header with an address tag but no entry tag");
    HEADER2(2, 16, 2 * MIB + 0x10, 2 * MIB);
    refuse("has a damaged multiboot2 header: its address tag is too short");
    HEADER2(3, 8);
    refuse("has a damaged multiboot2 header: its entry tag is too short");
}

/* abuse: BI-08 */
static void test_damaged_2(void **state)
{
    (void)state;
    words(HEADER_AT, (const uint32_t[]){0xe85250d6, 4, 24, -(0xe85250d6 + 28), 0, 8}, 6);
    refuse("is a multiboot2 kernel for another architecture (4)");
    HEADER2(6, 7);
    refuse("has a damaged multiboot2 header: tag 6 has 7 bytes");
    HEADER2(6, 17);
    refuse("has a damaged multiboot2 header: tag 6 has 17 bytes");
    HEADER2(6, UINT32_MAX);
    refuse("has a damaged multiboot2 header: tag 6 has 4294967295 bytes");
    HEADER2(6, 16);
    refuse("has a damaged multiboot2 header: it has no end tag");
    words(HEADER_AT, (const uint32_t[]){0xe85250d6, 0, 0, -0xe85250d6}, 4);
    refuse("has a damaged multiboot2 header: it has no end tag");
    words(HEADER_AT, (const uint32_t[]){0xe85250d6, 0, 0x7fffffff, -(0xe85250d6 + 0x7fffffff)}, 4);
    refuse("is cut off: it ends in the multiboot2 header");
    HEADER2(6, 8);
    request.size = HEADER_AT + 16 + 15;
    refuse("is cut off: it ends in the multiboot2 header");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_elf, setup),
        cmocka_unit_test_setup(test_preferred, setup),
        cmocka_unit_test_setup(test_entry, setup),
        cmocka_unit_test_setup(test_places, setup),
        cmocka_unit_test_setup(test_addresses, setup),
        cmocka_unit_test_setup(test_wrong_addresses, setup),
        cmocka_unit_test_setup(test_flags, setup),
        cmocka_unit_test_setup(test_told_1, setup),
        cmocka_unit_test_setup(test_modules_1, setup),
        cmocka_unit_test_setup(test_told_2, setup),
        cmocka_unit_test_setup(test_longest, setup),
        cmocka_unit_test_setup(test_tags, setup),
        cmocka_unit_test_setup(test_addresses_2, setup),
        cmocka_unit_test_setup(test_damaged_2, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_image: where a PVH guest's pieces go, what it is told, and why a file is refused.
 */
#include "kernel/image/image.h"

#include <stdio.h>

#include "kernel/config/config.h"
#include "kernel/image/pvh.h"
#include "mm/range.h"
#include "support.h"

#include "image_look.h"
#include "pvh_file.h"

#define PLATFORM 2 /* pieces that every guest has at last: ACPI tables, reset code */

static struct pvh_file file;
static struct guest_map map;
static uint64_t guest_memory; /* bytes: what prepare() makes `map` of */
static const uint8_t initrd_bytes[0x2345] = {1};

static void map_make(void)
{
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), guest_memory);
}

static int setup(void **state)
{
    (void)state;
    pvh_file_simple(&file);
    guest_memory = 16 * MIB;
    map_make();
    request = (struct image_request){.size = PVH_FILE_SIZE, .cmdline = "", .map = &map};
    return 0;
}

static bool prepare(void)
{
    map_make();
    return image_look_prepare(pvh_file_bytes(&file));
}

static void expect_piece(uint32_t i, uint64_t to, const uint8_t *source, uint64_t size)
{
    assert_in_range(i, 0, image.piece_count - 1);
    assert_int_equal(image.pieces[i].to.v, to);
    assert_ptr_equal(image.pieces[i].source, source);
    assert_int_equal(image.pieces[i].size, size);
}

static struct pvh_start_info start_info(void)
{
    struct pvh_start_info info;
    memcpy(&info, image_look_at(image.start_info.v, sizeof(info)), sizeof(info));
    return info;
}

/* ---------------------------------------------------------------------- what is accepted */

static void test_simple(void **state)
{
    (void)state;
    accept();
    assert_int_equal(image.mode, IMAGE_ENTER_PVH32);
    assert_string_equal(image_format(&image), "PVH");
    assert_int_equal(image.entry.v, MIB);
    assert_int_equal(image.start_info.v, IMAGE_BOOT_DATA);
    assert_int_equal(image.piece_count, PLATFORM + 2);
    expect_piece(0, MIB, file.bytes + PVH_FILE_DATA, 0x2000); /* bss has no piece */
    expect_piece(1, IMAGE_BOOT_DATA, image.boot_data.pvh, PAGE_SIZE);
    struct pvh_start_info info = start_info();
    assert_int_equal(info.magic, 0x336ec578);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.flags, 0);
    assert_int_equal(info.module_count, 0);
    assert_int_equal(info.modules, 0);
    assert_int_equal(info.rsdp, ACPI_TABLES_AT);
    assert_memory_equal(image_look_at(info.rsdp, 8), "RSD PTR ", 8);
    assert_int_equal(*(const uint8_t *)image_look_at(RESET_CODE_AT, 1), 0xb0);
    assert_int_equal(info.reserved, 0);
    assert_string_equal(image_look_at(info.cmdline, 1), "");
}

static void expect_map(uint64_t memory, uint32_t count, const struct pvh_memory *want)
{
    guest_memory = memory;
    accept();
    struct pvh_start_info info = start_info();
    assert_int_equal(info.memory_map_count, count);
    assert_memory_equal(image_look_at(info.memory_map, count * sizeof(*want)), want,
                        count * sizeof(*want));
}

static void test_memory_map(void **state)
{
    struct pvh_memory want[4] = {{0, 0xa0000, 1, 0}, {0xa0000, 0x60000, 2, 0}};
    (void)state;
    pvh_file_start(&file, 0x2000);
    pvh_file_add(&file, 0x2000, 0x1000, 0x1000);
    expect_map(MIB, 2, want);
    want[2] = (struct pvh_memory){MIB, PAGE_SIZE, 1, 0};
    expect_map(MIB + PAGE_SIZE, 3, want);
    want[2].size = 3 * GIB - MIB;
    expect_map(3 * GIB, 3, want);
    want[3] = (struct pvh_memory){4 * GIB, PAGE_SIZE, 1, 0};
    expect_map(3 * GIB + PAGE_SIZE, 4, want);
    want[3].size = GUEST_MEMORY_MAX - 3 * GIB;
    expect_map(GUEST_MEMORY_MAX, 4, want);
}

/* A guest is told of what it shares, and finds its devices by their bus. */
static void test_memory_map_regions(void **state)
{
    const struct guest_region shared = {gpa(5 * GIB),  hpa(16 * GIB), MIB, PT_R,
                                        PT_WRITE_BACK, REGION_SHARED, NULL};
    const struct guest_region device = {gpa(3 * GIB), hpa(0xf0000000), MIB, PT_R | PT_W,
                                        PT_UNCACHED,  REGION_DEVICE,   NULL};
    const struct pvh_memory want[] = {
        {0, 0xa0000, 1, 0}, {0xa0000, 0x60000, 2, 0}, {MIB, 15 * MIB, 1, 0}, {5 * GIB, MIB, 2, 0}};

    (void)state;
    request.bytes = pvh_file_bytes(&file);
    guest_map_add(&map, shared);
    guest_map_add(&map, device);
    assert_true(image_prepare(&image, &request));
    assert_int_equal(start_info().memory_map_count, ARRAY_SIZE(want));
    assert_memory_equal(image_look_at(start_info().memory_map, sizeof(want)), want, sizeof(want));
    pvh_file_start(&file, 3 * GIB);
    pvh_file_add(&file, 3 * GIB, 0x1000, 0x1000);
    request.bytes = pvh_file_bytes(&file);
    assert_false(image_prepare(&image, &request)); /* into the device */
}

static void test_cmdline(void **state)
{
    char longest[CMDLINE_MAX];
    (void)state;
    request.cmdline = "console=ttyS0 quiet";
    accept();
    assert_string_equal(image_look_at(start_info().cmdline, 20), "console=ttyS0 quiet");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    request.cmdline = longest;
    guest_memory = 4 * GIB; /* with the longest memory map */
    accept();
    assert_string_equal(image_look_at(start_info().cmdline, sizeof(longest)), longest);
}

static void add_initrd(uint64_t size)
{
    request.initrd = initrd_bytes;
    request.initrd_size = size;
}

static void expect_initrd(uint64_t at, uint64_t size)
{
    accept();
    expect_piece(image.piece_count - PLATFORM - 1, at, initrd_bytes, size);
    struct pvh_start_info info = start_info();
    assert_int_equal(info.module_count, 1);
    struct pvh_module module;
    memcpy(&module, image_look_at(info.modules, sizeof(module)), sizeof(module));
    assert_int_equal(module.base, at);
    assert_int_equal(module.size, size);
    assert_int_equal(module.cmdline, 0);
    assert_int_equal(module.reserved, 0);
}

static void expect_module(uint32_t i, uint64_t at, uint64_t size, const char *cmdline)
{
    const struct pvh_start_info info = start_info();
    struct pvh_module module;

    assert_true(i < info.module_count);
    memcpy(&module, image_look_at(info.modules + i * sizeof(module), sizeof(module)),
           sizeof(module));
    assert_int_equal(module.base, at);
    assert_int_equal(module.size, size);
    assert_int_equal(module.reserved, 0);
    assert_true((module.cmdline != 0) == (cmdline != NULL));
    if (cmdline != NULL)
        assert_string_equal(image_look_at(module.cmdline, strlen(cmdline) + 1), cmdline);
}

/* Persistent memory of the map, and modules behind the initrd's, which is there in any case. */
static void test_disks(void **state)
{
    static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    const struct pvh_memory want[] = {{0, 0xa0000, 1, 0},         {0xa0000, 0x60000, 2, 0},
                                      {MIB, 15 * MIB, 1, 0},      {128 * MIB, 2 * MIB, 7, 0},
                                      {256 * MIB, 4 * MIB, 7, 0}, {384 * MIB, 2 * MIB, 7, 0},
                                      {512 * MIB, 2 * MIB, 7, 0}};
    char text[80];

    (void)state;
    _Static_assert(sizeof(longest) == FILE_NAME_MAX, "no name is longer");
    request.bytes = pvh_file_bytes(&file);
    (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, true, "root.img");
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 4 * MIB, false, "data.img");
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 2 * MIB, true, longest);
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 2 * MIB, false, longest);
    assert_true(image_prepare(&image, &request));
    assert_int_equal(start_info().memory_map_count, ARRAY_SIZE(want));
    assert_memory_equal(image_look_at(start_info().memory_map, sizeof(want)), want, sizeof(want));
    assert_int_equal(start_info().module_count, 1 + 4);
    expect_module(0, 0, 0, NULL);
    expect_module(1, 128 * MIB, 2 * MIB, "disk root.img ro");
    expect_module(2, 256 * MIB, 4 * MIB, "disk data.img");
    snprintf(text, sizeof(text), "disk %s ro", longest);
    expect_module(3, 384 * MIB, 2 * MIB, text);
    snprintf(text, sizeof(text), "disk %s", longest);
    expect_module(4, 512 * MIB, 2 * MIB, text);
    add_initrd(0x2000);
    assert_true(image_prepare(&image, &request));
    assert_int_equal(start_info().module_count, 1 + 4);
    expect_module(0, 16 * MIB - 0x2000, 0x2000, NULL);
    expect_module(1, 128 * MIB, 2 * MIB, "disk root.img ro");
}

static void test_initrd(void **state)
{
    (void)state;
    add_initrd(0x2345);
    expect_initrd(16 * MIB - 0x3000, 0x2345);
    add_initrd(0x2000);
    expect_initrd(16 * MIB - 0x2000, 0x2000);
    add_initrd(1);
    expect_initrd(16 * MIB - 0x1000, 1);
    guest_memory = 8 * GIB; /* low memory, not the top of all */
    expect_initrd(3 * GIB - 0x1000, 1);
}

/* abuse: BI-07 */
static void test_initrd_below_segments(void **state)
{
    (void)state;
    add_initrd(0x2345);
    pvh_file_add(&file, 15 * MIB, 0x1000, MIB);
    pvh_file_add(&file, 15 * MIB - 0x4000, 0, 0x3000);
    /* between the two there is a page only */
    expect_initrd(15 * MIB - 0x4000 - 0x3000, 0x2345);
}

static void test_initrd_just_fits(void **state)
{
    (void)state;
    guest_memory = MIB + 0x8000;
    add_initrd(0x2345); /* three pages above the segment's five */
    expect_initrd(MIB + 0x5000, 0x2345);
    guest_memory = MIB + 0x7000;
    refuse("and its initrd of 9K do not fit in 1052K: write 'memory = 1056K' or more");
    guest_memory = 2 * MIB;
    add_initrd(2 * MIB);
    refuse("and its initrd of 2M do not fit in 2M: write 'memory = 4M' or more");
    guest_memory = 4 * MIB;
    accept();
    add_initrd(4 * MIB + 1);
    refuse("and its initrd of 5M do not fit in 4M: write 'memory = 6M' or more");
    add_initrd(3 * GIB);
    refuse("leaves no room below 0xc0000000 for its initrd of 3073M");
    add_initrd(UINT64_MAX);
    refuse("leaves no room below 0xc0000000 for its initrd of 17592186044416M");
}

/* What a refusal says would do, does; a page less does not. */
static void test_initrd_advice(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (uint32_t round = 0; round < 2000; round++) {
        unsigned long advised;
        char unit;

        setup(NULL);
        pvh_file_add(&file, 2 * MIB, 0x100, 0x100 + random_next(&seed) % MIB);
        guest_memory = (4 * MIB + random_next(&seed) % (4 * MIB)) & ~(PAGE_SIZE - 1);
        if (round % 2 == 0)
            guest_memory &= ~(MIB - 1);
        add_initrd(1 + random_next(&seed) % (16 * MIB));
        if (prepare())
            continue;
        const char *at = strstr(image.why, "'memory = ");
        assert_non_null(at);
        assert_int_equal(sscanf(at, "'memory = %lu%c'", &advised, &unit), 2);
        guest_memory = advised * (unit == 'M' ? MIB : KIB);
        accept();
        guest_memory -= unit == 'M' ? MIB : PAGE_SIZE;
        assert_false(prepare());
    }
}

/* The first place above 1 MiB serves; below it would lie in the legacy hole. */
static void test_initrd_lowest(void **state)
{
    (void)state;
    pvh_file_start(&file, 0x2000);
    pvh_file_add(&file, 0x2000, 0x1000, 0x1000);
    guest_memory = MIB + 0x3000;
    add_initrd(0x2345);
    expect_initrd(MIB, 0x2345);
    guest_memory = MIB + 0x2000;
    refuse("and its initrd of 9K do not fit in 1032K: write 'memory = 1036K' or more");
    guest_memory = MIB;
    refuse("and its initrd of 1M do not fit in 1M: write 'memory = 2M' or more");
}

static void test_boot_data_moves(void **state)
{
    (void)state;
    pvh_file_add(&file, 0x8fff, 1, 1);
    pvh_file_add(&file, 0xa000, 1, 1);
    accept();
    assert_int_equal(image.start_info.v, 0x9000);
    pvh_file_add(&file, 0x9fff, 1, 1);
    accept();
    assert_int_equal(image.start_info.v, 0xb000);
    struct pvh_start_info info = start_info();
    assert_in_range(info.cmdline, 0xb000, 0xbfff);
    assert_in_range(info.memory_map, 0xb000, 0xbfff);
}

static void test_boot_data_nowhere(void **state)
{
    (void)state;
    pvh_file_add(&file, 0, 0x10, 0x9f000); /* leaves the last page */
    accept();
    assert_int_equal(image.start_info.v, 0x9f000);
    file.segments[2].memsz++;
    refuse("leaves no page free from 0x9000 to 0x9ffff for the boot data");
}

static void test_sixteen_segments(void **state)
{
    (void)state;
    while (file.header.phnum < ELF_SEGMENTS_MAX)
        pvh_file_add(&file, MIB * file.header.phnum, 0x10, 0x10);
    file.segments[0].filesz = 24; /* the note stays where it is */
    add_initrd(0x1000);
    accept();
    assert_int_equal(image.piece_count, PLATFORM + ELF_SEGMENTS_MAX - 1 + 2);
    file.header.phnum++;
    refuse("has more than 16 program headers");
}

static void test_empty_segments(void **state)
{
    (void)state;
    pvh_file_add(&file, UINT64_C(1) << 50, 0, 0); /* nothing to place: anywhere will do */
    pvh_file_add(&file, 2 * MIB, 0, 0x1000);      /* bss only */
    accept();
    assert_int_equal(image.piece_count, PLATFORM + 2);
}

static void test_note_of_eight_bytes(void **state)
{
    (void)state;
    file.note.descsz = 8;
    pvh_file_entry(&file, MIB + 0x1fff);
    accept();
    assert_int_equal(image.entry.v, MIB + 0x1fff);
}

/* Any order of segments will do. */
static void test_note_last(void **state)
{
    (void)state;
    file.segments[2] = file.segments[0];
    file.segments[0] = file.segments[1];
    file.segments[1] = file.segments[2];
    add_initrd(0x2345);
    guest_memory = MIB + 0x8000;
    accept();
    assert_int_equal(image.piece_count, PLATFORM + 3);
    guest_memory = MIB + 0x7000;
    refuse("and its initrd of 9K do not fit in 1052K: write 'memory = 1056K' or more");
    guest_memory = MIB;
    refuse(
        "needs memory up to 0x104fff for a segment, but the guest has 1 MiB: write 'memory = 2M' "
        "or more");
}

static void test_high_segment(void **state)
{
    (void)state;
    guest_memory = 4 * GIB;
    pvh_file_add(&file, 5 * GIB - 0x1000, 0x1000, 0x1000);
    accept();
    expect_piece(1, 5 * GIB - 0x1000, file.bytes + PVH_FILE_DATA, 0x1000);
    file.segments[2].memsz++;
    refuse("has a segment at 0x13ffff000-0x140000000, outside the guest's memory (4 GiB from 0 "
           "up, but none from 3 to 4 GiB)");
}

/* ---------------------------------------------------------------------- what is refused */

#define WANTED  "; Bulkhead starts Linux bzImages, ELF kernels (PVH) and multiboot kernels"
#define UNKNOWN "is an unknown kind of file" WANTED "; a flat binary has to be called *.bin"
#define UNPACK  "; decompress it first"
#define NO_ADDRESSES \
    "is a multiboot kernel that is not an ELF file and has no addresses in its header"

static void test_kinds(void **state)
{
    (void)state;
    request.size = 0;
    refuse("is empty");
    request.size = 1;
    refuse(UNKNOWN);
    setup(NULL);
    memset(&file.header, 0, sizeof(file.header));
    refuse(UNKNOWN);
    setup(NULL);
    file.header.type = ET_REL;
    refuse("is an ELF object file, which must be linked first");
    setup(NULL);
    file.header.ident[4] = 3;
    refuse("is not a 64-bit ELF file");
    setup(NULL);
    file.header.machine = 183;
    refuse("is an ELF file for a processor other than x86-64");
    setup(NULL);
    file.header.ident[5] = 2;
    refuse("is an ELF file for a processor other than x86-64");
    setup(NULL);
    file.header.type = ET_DYN;
    refuse("is a position-independent executable (ET_DYN); a kernel linked at fixed addresses "
           "(ET_EXEC) is needed");
    setup(NULL);
    file.header.phnum = 0;
    refuse("has no program headers");
    setup(NULL);
    file.header.phnum = 1;
    refuse("has nothing to load");
}

/* Puts `bytes` at `at` and takes the ELF header away. */
static void holds(uint64_t at, const char *bytes, size_t len)
{
    static uint8_t whole[PVH_FILE_SIZE * 3];

    memset(whole, 0x90, sizeof(whole));
    memcpy(whole + at, bytes, len);
    request.bytes = whole;
    request.size = sizeof(whole);
    memset(&image, 0x55, sizeof(image));
    assert_false(image_prepare(&image, &request));
}

/* abuse: BI-01 */
static void test_other_files(void **state)
{
    static const struct {
        uint64_t at;
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        {0, "\x1f\x8b\x08", 3, "is compressed with gzip" UNPACK},
        {0,
         "\xfd"
         "7zXZ\0",
         6, "is compressed with xz" UNPACK},
        {0, "\x28\xb5\x2f\xfd", 4, "is compressed with zstd" UNPACK},
        {0, "BZh9", 4, "is compressed with bzip2" UNPACK},
        {0, "\x02\x21\x4c\x18", 4, "is compressed with lz4" UNPACK},
        {0, "\x04\x22\x4d\x18", 4, "is compressed with lz4" UNPACK},
        {0, "\x5d\0\0\x80\0", 5, "is compressed with lzma" UNPACK},
        {0, "\x89LZO\0\r\n\x1a\n", 9, "is compressed with lzop" UNPACK},
        {0, "PK\3\4", 4, "is a ZIP archive" UNPACK},
        {0, "7z\xbc\xaf\x27\x1c", 6, "is a 7-Zip archive" UNPACK},
        {0, "!<arch>\n", 8, "is an archive (ar, or a Debian package)" WANTED},
        {257, "ustar\0", 6, "is a tar archive" WANTED},
        {0, "070701", 6, "is a cpio archive: an initrd, not a kernel"},
        {56, "ARM\x64", 4, "is a kernel for 64-bit ARM; a kernel for x86-64 is needed"},
        {36, "\x18\x28\x6f\x01", 4, "is a kernel for 32-bit ARM; a kernel for x86-64 is needed"},
        {56, "RSC\5", 4, "is a kernel for RISC-V; a kernel for x86-64 is needed"},
        {0x8001, "CD001", 5, "is a CD image (ISO 9660); the kernel inside it is needed"},
        {512, "EFI PART", 8, "is a disk image; the kernel inside it is needed"},
        {0, "QFI\xfb", 4, "is a disk image (qcow2); the kernel inside it is needed"},
        {510, "\x55\xaa", 2,
         "is a boot sector or a disk image; if it is a flat binary, call it *.bin"},
        {0, "\x27\x05\x19\x56", 4, "is a U-Boot image" WANTED},
        {0, "\xd0\x0d\xfe\xed", 4, "is a device tree or a FIT image" WANTED},
        {0, "\xcf\xfa\xed\xfe", 4, "is a Mach-O program" WANTED},
        {0, "MZ\x90", 3, "is an EFI program (PE)" WANTED},
        {0, "\xff\xfe#\0", 4, "is text" WANTED},
        {4096, "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4", 12, NO_ADDRESSES},
        {8192, "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4", 12, UNKNOWN},
        {4096, "\x02\xb0\xad\x1b\0\0\0\0\xff\x4f\x52\xe4", 12, UNKNOWN},
        {16384, "\xd6\x50\x52\xe8\0\0\0\0\x18\0\0\0\x12\xaf\xad\x17\0\0\0\0\x08\0\0", 24,
         NO_ADDRESSES},
        {0, "", 0, UNKNOWN},
    };
    static uint8_t text[] = "#!/bin/sh\nexec \"$0\" # gr\xc3\xbc\xc3\x9f"
                            "e\n\t";

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        holds(rows[i].at, rows[i].bytes, rows[i].len);
        assert_string_equal(image.why, rows[i].why);
    }
    /* an ARM kernel that is an EFI program as well, and a CD that boots from a disk's sector */
    request.size = PVH_FILE_SIZE;
    holds(56, "ARM\x64", 4);
    memcpy((uint8_t *)request.bytes, "MZ", 2);
    assert_false(image_prepare(&image, &request));
    assert_string_equal(image.why, "is a kernel for 64-bit ARM; a kernel for x86-64 is needed");
    holds(0x8001, "CD001", 5);
    memcpy((uint8_t *)request.bytes + 510, "\x55\xaa", 2);
    assert_false(image_prepare(&image, &request));
    assert_string_equal(image.why, "is a CD image (ISO 9660); the kernel inside it is needed");
    request.bytes = text;
    for (request.size = 1; request.size < sizeof(text); request.size++) {
        assert_false(image_prepare(&image, &request));
        assert_string_equal(image.why, "is text" WANTED);
    }
}

static void test_damaged_linux(void **state)
{
    (void)state;
    memset(&file.header, 0, sizeof(file.header));
    memcpy(&file.header, "MZ", 2);
    refuse("is an EFI program (PE)" WANTED);
    memcpy((uint8_t *)file.segments + 0x202 - sizeof(file.header), "HdrS", 4);
    refuse("has a damaged Linux setup header");
    request.size = 0x205;
    refuse("is an EFI program (PE)" WANTED);
}

static void test_segment_places(void **state)
{
    (void)state;
    guest_memory = 2 * MIB;
    file.segments[1].memsz = MIB;
    accept();
    file.segments[1].memsz++;
    refuse(
        "needs memory up to 0x200000 for a segment, but the guest has 2 MiB: write 'memory = 3M' "
        "or more");
    guest_memory = 3 * GIB;
    file.segments[1].memsz = 3 * GIB - MIB;
    accept();
    file.segments[1].memsz++;
    refuse("has a segment at 0x100000-0xc0000000, outside the guest's memory (3 GiB from 0 up, "
           "but none from 3 to 4 GiB)");
    guest_memory = 8 * GIB;
    refuse("has a segment at 0x100000-0xc0000000, outside the guest's memory (8 GiB from 0 up, "
           "but none from 3 to 4 GiB)");
    file.segments[1].memsz = 0x2000;
    file.segments[1].paddr = 4 * GIB - 1;
    refuse("has a segment at 0xffffffff-0x100001ffe, outside the guest's memory (8 GiB from 0 "
           "up, but none from 3 to 4 GiB)");
    file.segments[1].paddr = -UINT64_C(0x2000); /* ends at 2^64 */
    refuse("has a segment at 0xffffffffffffe000-0xffffffffffffffff, outside the guest's memory "
           "(8 GiB from 0 up, but none from 3 to 4 GiB)");
    file.segments[1].paddr++;
    refuse("has a segment that wraps around the address space");
}

static void test_legacy_hole(void **state)
{
    (void)state;
    pvh_file_add(&file, 0x9f000, 0x1000, 0x1000);
    accept();
    file.segments[2].memsz++;
    refuse("has a segment at 0x9f000-0xa0000, which touches the reserved 0xa0000-0xfffff; link it "
           "at 0x100000 or higher");
    file.segments[2].paddr = 0xfefff;
    file.segments[2].memsz = 0x1001;
    refuse("has a segment at 0xfefff-0xfffff, which touches the reserved 0xa0000-0xfffff; link "
           "it at 0x100000 or higher");
}

/* abuse: BI-05 */
static void test_segment_shapes(void **state)
{
    (void)state;
    pvh_file_add(&file, MIB + 0x4fff, 1, 1);
    refuse("has segments that overlap in memory");
    setup(NULL);
    file.segments[1].filesz = file.segments[1].memsz + 1;
    file.segments[1].memsz = 0x1000;
    refuse("is cut off: a segment lies beyond the end of the file");
    file.segments[1].filesz = 0x1001;
    refuse("has a segment that is larger in the file than in memory");
    setup(NULL);
    request.size = PVH_FILE_DATA + 0x1fff;
    refuse("is cut off: a segment lies beyond the end of the file");
    request.size++;
    accept();
}

static void test_notes(void **state)
{
    static const char none[] = "has no PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY) and no "
                               "multiboot header";
    (void)state;
    file.note.type = 17;
    refuse(none);
    setup(NULL);
    file.note.name[0] = 'Y';
    refuse(none);
    setup(NULL);
    file.segments[0].type = PT_NOTE + 1000;
    refuse(none);
    setup(NULL);
    file.note.descsz = 9; /* runs out of the segment */
    refuse(none);
    file.note.descsz = 7;
    refuse("has a PVH entry note of 7 bytes; it must be 4 or 8");
    file.note.descsz = 0;
    refuse("has a PVH entry note of 0 bytes; it must be 4 or 8");
}

/* Without a PVH entry: what it is, and advice only for those whom it helps. */
static void test_kernels_without_entry(void **state)
{
    (void)state;
    file.note.type = 2;
    refuse("is a kernel for Xen's PV mode; it needs a PVH entry (ELF note 'Xen', type 18: "
           "PHYS32_ENTRY)");
    setup(NULL);
    file.note.namesz = 6;
    memcpy(file.note.name, "Linux\0\0\0", 8); /* its last four bytes are the descriptor's */
    file.note.type = 0x100;
    refuse("is a Linux kernel without a PVH entry: use its bzImage, or build it with CONFIG_PVH=y");
    setup(NULL);
    file.segments[0].type = PT_INTERP;
    refuse("is a program for an operating system, not a kernel");
}

static void make_linux(void)
{
    static const uint8_t note[] = {6,   0,   0,   0,   4,   0, 0, 0, 0, 1, 0, 0,
                                   'L', 'i', 'n', 'u', 'x', 0, 0, 0, 0, 0, 0, 0};
    struct elf64_phdr *s = pvh_file_add(&file, 0, sizeof(note), sizeof(note));

    s->type = PT_NOTE;
    s->offset = PVH_FILE_DATA + 0x2800;
    s->align = 4;
    memcpy(file.bytes + s->offset, note, sizeof(note));
}

/* Linux takes PVH's memory map for E820, where type 12 is what needs no ACPI table, and any module
 * for its initrd. */
static void test_linux_disks(void **state)
{
    const struct pvh_memory want = {128 * MIB, 2 * MIB, 12, 0};

    (void)state;
    make_linux();
    request.bytes = pvh_file_bytes(&file);
    (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, false, "root.img");
    assert_true(image_prepare(&image, &request));
    assert_int_equal(start_info().memory_map_count, 4);
    assert_memory_equal(image_look_at(start_info().memory_map + 3 * sizeof(want), sizeof(want)),
                        &want, sizeof(want));
    assert_int_equal(start_info().module_count, 0);
    add_initrd(0x2000);
    assert_true(image_prepare(&image, &request));
    assert_int_equal(start_info().module_count, 1);
    expect_module(0, 16 * MIB - 0x2000, 0x2000, NULL);
}

/* A Linux started by its PVH entry is told the TSC's rate and the options, too; nobody else is. */
static void test_tsc_rate(void **state)
{
    (void)state;
    request.cmdline = "quiet";
    request.linux_tsc_khz = 2600000;
    request.linux_options = "a=1 ";
    accept();
    assert_string_equal(image_look_at(start_info().cmdline, 40), "quiet");
    make_linux();
    accept();
    assert_string_equal(image_format(&image), "Linux by PVH");
    assert_string_equal(image_look_at(start_info().cmdline, 40), "tsc_early_khz=2600000 a=1 quiet");
}

/* A guest that knows only what a 32-bit linker writes gets what any other gets. */
static void test_elf32(void **state)
{
    static uint8_t whole[PVH_FILE_SIZE];
    struct pvh_start_info info;

    (void)state;
    add_initrd(0x2345);
    pvh_file_add(&file, 2 * MIB, 0x100, 0x3000);
    pvh_file_narrow(&file, whole);
    request.bytes = whole;
    assert_true(image_prepare(&image, &request));
    assert_int_equal(image.mode, IMAGE_ENTER_PVH32);
    assert_int_equal(image.entry.v, MIB);
    expect_piece(0, MIB, whole + PVH_FILE_DATA, 0x2000);
    expect_piece(1, 2 * MIB, whole + PVH_FILE_DATA, 0x100);
    expect_piece(2, IMAGE_BOOT_DATA, image.boot_data.pvh, PAGE_SIZE);
    memcpy(&info, image_look_at(image.start_info.v, sizeof(info)), sizeof(info));
    assert_int_equal(info.module_count, 1);
    file.segments[1].paddr = 0xfffff000; /* up to 4 GiB and beyond */
    pvh_file_narrow(&file, whole);
    assert_false(image_prepare(&image, &request));
    assert_string_equal(image.why, "has a segment that wraps around the address space");
}

/* abuse: BT-07 */
static void test_entries(void **state)
{
    (void)state;
    pvh_file_entry(&file, MIB + 0x1fff);
    accept();
    assert_int_equal(image.entry.v, MIB + 0x1fff);
    pvh_file_entry(&file, MIB + 0x2000); /* in the bss */
    refuse("has its PVH entry at 0x102000, where no segment has code");
    pvh_file_entry(&file, MIB - 1);
    refuse("has its PVH entry at 0xfffff, where no segment has code");
    pvh_file_entry(&file, 0);
    refuse("has its PVH entry at 0x0, where no segment has code");
    pvh_file_entry(&file, 4 * GIB + MIB);
    accept(); /* four bytes: the low half */
    file.note.descsz = 8;
    refuse("has its PVH entry at 0x100100000, beyond 4 GiB");
}

static void test_too_little_memory(void **state)
{
    (void)state;
    guest_memory = MIB - 1;
    refuse("needs at least 1 MiB of memory");
    guest_memory = 0;
    refuse("needs at least 1 MiB of memory");
}

/* ---------------------------------------------------------------------- any bytes at all */

static void check_pieces(void)
{
    assert_in_range(image.piece_count, 2, IMAGE_PIECES_MAX);
    for (uint32_t i = 0; i < image.piece_count; i++) {
        struct range piece = {image.pieces[i].to.v, image.pieces[i].size};
        assert_true(piece.size > 0 && range_valid(piece));
        const struct guest_region *row = guest_map_find(&map, gpa(piece.base));
        assert_non_null(row);
        assert_true(range_contains((struct range){row->at.v, row->size}, piece));
        for (uint32_t k = 0; k < i; k++) {
            struct range other = {image.pieces[k].to.v, image.pieces[k].size};
            assert_false(range_overlaps(piece, other));
        }
    }
}

/* abuse: BI-01 */
static void test_cut_everywhere(void **state)
{
    (void)state;
    for (uint64_t size = 0; size <= PVH_FILE_SIZE; size += size < 0x900 ? 1 : 97) {
        request.size = size;
        assert_int_equal(prepare(), size >= PVH_FILE_DATA + 0x2000);
    }
}

/* Headers with one to four fields of chance or of the sort that overflows. */
static void test_random(void **state)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   0xfff,
                                   0x1000,
                                   MIB,
                                   16 * MIB,
                                   3 * GIB,
                                   4 * GIB,
                                   UINT64_MAX,
                                   UINT64_MAX - 0xfff,
                                   UINT64_C(1) << 63};
    uint64_t seed = 11;
    uint32_t accepted = 0;
    (void)state;
    for (uint32_t round = 0; round < 10000; round++) {
        setup(NULL);
        pvh_file_add(&file, 4 * MIB, 0x100, 0x100);
        pvh_file_add(&file, 5 * MIB, 0x100, 0x100);
        if (round % 2 == 0)
            add_initrd(random_next(&seed) % (20 * MIB));
        for (uint64_t n = random_next(&seed) % 4; n > 0; n--) {
            uint8_t *headers = (uint8_t *)file.segments;
            uint64_t value = odd[random_next(&seed) % ARRAY_SIZE(odd)];
            size_t at = random_next(&seed) % (4 * sizeof(file.segments[0]) / 8) * 8;
            if (random_next(&seed) % 2 == 0)
                value = random_next(&seed) >> (random_next(&seed) % 64);
            memcpy(headers + at, &value, sizeof(value));
        }
        if (prepare()) {
            accepted++;
            check_pieces();
        }
    }
    assert_in_range(accepted, 1000, 9500);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_simple),
        TEST(test_memory_map),
        TEST(test_memory_map_regions),
        TEST(test_cmdline),
        TEST(test_tsc_rate),
        TEST(test_disks),
        TEST(test_linux_disks),
        TEST(test_initrd),
        TEST(test_initrd_below_segments),
        TEST(test_initrd_just_fits),
        TEST(test_initrd_lowest),
        TEST(test_boot_data_moves),
        TEST(test_boot_data_nowhere),
        TEST(test_sixteen_segments),
        TEST(test_empty_segments),
        TEST(test_note_of_eight_bytes),
        TEST(test_note_last),
        TEST(test_high_segment),
        TEST(test_kinds),
        TEST(test_other_files),
        TEST(test_damaged_linux),
        TEST(test_kernels_without_entry),
        TEST(test_elf32),
        TEST(test_initrd_advice),
        TEST(test_segment_places),
        TEST(test_legacy_hole),
        TEST(test_segment_shapes),
        TEST(test_notes),
        TEST(test_entries),
        TEST(test_too_little_memory),
        TEST(test_cut_everywhere),
        TEST(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_image_uki: the parts of a unified kernel image, what in the configuration replaces them, and
 * why one is refused.
 */
#include "kernel/image/image.h"

#include "kernel/config/config.h"
#include "support.h"

#include "image_look.h"

#define PE_AT       0x80u
#define OPTIONAL    0xf0u
#define SECTIONS_AT (PE_AT + 24 + OPTIONAL)
#define LINUX_AT    0x400u
#define LINUX_SIZE  (5 * 512 + 0x2000u)
#define INITRD_AT   (LINUX_AT + LINUX_SIZE)
#define INITRD_SIZE 0x1234u
#define CMDLINE_AT  (INITRD_AT + INITRD_SIZE)
#define FILE_SIZE   (CMDLINE_AT + 0x1000u)

static struct guest_map map;
static uint8_t file[FILE_SIZE];
static const uint8_t other_initrd[0x2345] = {1};

static void put(uint32_t at, uint32_t value, uint32_t bytes)
{
    memcpy(file + at, &value, bytes);
}

/* Section `i`: offsets in its row as the PE format has them. */
static void section(uint32_t i, const char *name, uint32_t at, uint32_t size, uint32_t file_size)
{
    const uint32_t row = SECTIONS_AT + 40 * i;

    memset(file + row, 0, 40);
    memcpy(file + row, name, strlen(name));
    put(row + 8, size, 4);
    put(row + 16, file_size, 4);
    put(row + 20, at, 4);
    put(PE_AT + 6, i + 1, 2);
}

static void cmdline(const char *text, uint32_t size)
{
    memcpy(file + CMDLINE_AT, text, size);
    section(3, ".cmdline", CMDLINE_AT, size, 0x1000);
}

static int setup(void **state)
{
    struct linux_header h = {.setup_sects = 4,
                             .syssize = 0x2000 / 16,
                             .boot_flag = 0xaa55,
                             .jump_offset = 0x26c - 0x202,
                             .magic = 0x53726448,
                             .version = 0x20f,
                             .loadflags = 1,
                             .initrd_addr_max = 0x7fffffff,
                             .xloadflags = 0x7f,
                             .cmdline_size = 2047,
                             .pref_address = 16 * MIB,
                             .init_size = MIB};

    (void)state;
    memset(file, 0x90, sizeof(file));
    memcpy(file, "MZ", 2);
    put(0x3c, PE_AT, 4);
    memcpy(file + PE_AT, "PE\0\0\x64\x86", 6);
    put(PE_AT + 20, OPTIONAL, 2);
    memcpy(file + LINUX_AT + LINUX_HEADER_AT, &h, sizeof(h));
    section(0, ".osrel", 0, 16, 512);
    section(1, ".linux", LINUX_AT, LINUX_SIZE, LINUX_SIZE);
    section(2, ".initrd", INITRD_AT, INITRD_SIZE, INITRD_SIZE);
    cmdline("a=1 b\n\0", 7);
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), 64 * MIB);
    request =
        (struct image_request){.size = FILE_SIZE, .cmdline = "", .map = &map, .name = "linux.efi"};
    return 0;
}

static bool prepare(void)
{
    return image_look_prepare(file);
}

static const struct linux_boot_data *told(void)
{
    return &image.boot_data.linux_boot;
}

static void test_parts(void **state)
{
    (void)state;
    accept();
    assert_int_equal(image.mode, IMAGE_ENTER_LINUX64);
    assert_string_equal(image_format(&image), "unified kernel image");
    assert_true(image.is_linux);
    assert_int_equal(image.entry.v, 16 * MIB + 0x200);
    assert_ptr_equal(image.pieces[0].source, file + LINUX_AT + 5 * 512);
    assert_int_equal(image.pieces[0].size, 0x2000);
    assert_ptr_equal(image.pieces[1].source, file + INITRD_AT);
    assert_int_equal(image.pieces[1].size, INITRD_SIZE);
    assert_int_equal(told()->params.header.ramdisk_size, INITRD_SIZE);
    assert_string_equal(told()->cmdline, "a=1 b");
    assert_false(image.has_console);
}

/* What the configuration says counts, and what it does not say the file does. */
static void test_replaced(void **state)
{
    (void)state;
    request.cmdline = "c";
    accept();
    assert_string_equal(told()->cmdline, "c");
    assert_int_equal(told()->params.header.ramdisk_size, INITRD_SIZE);
    request.cmdline = "";
    request.initrd = other_initrd;
    request.initrd_size = sizeof(other_initrd);
    accept();
    assert_string_equal(told()->cmdline, "a=1 b");
    assert_ptr_equal(image.pieces[1].source, other_initrd);
    assert_int_equal(told()->params.header.ramdisk_size, sizeof(other_initrd));
}

static void test_cmdline(void **state)
{
    char longest[CMDLINE_MAX];

    (void)state;
    cmdline("console=ttyS0", 13);
    accept();
    assert_true(image.has_console);
    cmdline("", 0); /* the size in memory is missing: the file's counts, and is all padding */
    memset(file + CMDLINE_AT, 0, 0x1000);
    accept();
    assert_string_equal(told()->cmdline, "");
    memset(longest, 'x', sizeof(longest));
    cmdline(longest, CMDLINE_MAX - 1);
    accept();
    assert_int_equal(strlen(told()->cmdline), CMDLINE_MAX - 1);
    cmdline(longest, CMDLINE_MAX);
    refuse("has a command line of 1024 characters; at most 1023 are possible");
    section(3, ".other", CMDLINE_AT, 7, 512);
    accept();
    assert_string_equal(told()->cmdline, "");
    section(2, ".other", INITRD_AT, 7, 512);
    accept();
    assert_int_equal(told()->params.header.ramdisk_size, 0);
}

/* abuse: BI-09 */
static void test_damaged(void **state)
{
    static const char efi[] = "is an EFI program (PE); Bulkhead starts Linux bzImages, ELF kernels "
                              "(PVH) and multiboot kernels";

    (void)state;
    section(2, ".initrd", FILE_SIZE - 15, 16, 16);
    refuse("is cut off: its section .initrd lies beyond the end of the file");
    section(2, ".initrd", UINT32_MAX, UINT32_MAX, UINT32_MAX);
    refuse("is cut off: its section .initrd lies beyond the end of the file");
    section(2, ".initrd", FILE_SIZE - 16, 16, 16);
    accept();
    section(1, ".linux", LINUX_AT + 1, LINUX_SIZE, LINUX_SIZE);
    refuse("is a unified kernel image whose .linux is not a Linux bzImage");
    section(1, ".linux", LINUX_AT, 0x205, LINUX_SIZE);
    refuse("is a unified kernel image whose .linux is not a Linux bzImage");
    section(1, ".linux", LINUX_AT, 0, 0);
    refuse("is a unified kernel image whose .linux is not a Linux bzImage");
    section(1, ".linux", LINUX_AT, 0x300, LINUX_SIZE);
    assert_false(prepare()); /* cut off inside */
    setup(NULL);
    put(PE_AT + 4, 0xaa64, 2);
    refuse("is a unified kernel image for another processor (PE machine 0xaa64)");
    setup(NULL);
    section(1, ".linuy", LINUX_AT, LINUX_SIZE, LINUX_SIZE);
    refuse(efi);
    setup(NULL);
    put(PE_AT + 6, 1, 2);
    refuse(efi);
    put(PE_AT + 20, UINT16_MAX, 2); /* sections beyond the end */
    refuse(efi);
    setup(NULL);
    file[PE_AT + 1] = 'X';
    refuse(efi);
    put(0x3c, UINT32_MAX, 4);
    refuse(efi);
    setup(NULL);
    for (request.size = 2; request.size < SECTIONS_AT + 80; request.size++)
        refuse(efi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_parts, setup),
        cmocka_unit_test_setup(test_replaced, setup),
        cmocka_unit_test_setup(test_cmdline, setup),
        cmocka_unit_test_setup(test_damaged, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

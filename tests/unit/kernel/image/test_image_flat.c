/* SPDX-License-Identifier: MIT */
/*
 * test_image_flat: which files are taken for flat binaries, where one goes, and how it is entered.
 */
#include "kernel/image/image.h"

#include <stdio.h>

#include "kernel/vm/reset.h"
#include "support.h"

#define ROOM 0x98400 /* from 0x7c00 to 0x9ffff */

static struct image image;
static struct guest_map map;
static struct image_request request;
static uint8_t bytes[ROOM + 1];

static int setup(void **state)
{
    (void)state;
    memset(bytes, 0x90, sizeof(bytes));
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), GUEST_MEMORY_MIN);
    request = (struct image_request){
        .name = "a.bin", .bytes = bytes, .size = 512, .cmdline = "", .map = &map};
    return 0;
}

static bool prepare(void)
{
    memset(&image, 0x55, sizeof(image));
    return image_prepare(&image, &request);
}

static void refuse(const char *why)
{
    assert_false(prepare());
    assert_string_equal(image.why, why);
}

static void test_pieces(void **state)
{
    (void)state;
    assert_true(prepare());
    assert_int_equal(image.mode, IMAGE_ENTER_REAL16);
    assert_string_equal(image_format(&image), "flat binary");
    assert_int_equal(image.piece_count, 5);
    assert_int_equal(image.pieces[0].to.v, 0);
    assert_int_equal(image.pieces[0].size, 256 * 4);
    for (uint32_t i = 0; i < 256; i++) { /* F000:FF80, little-endian */
        assert_memory_equal(image.pieces[0].source + 4 * i, "\x80\xff\x00\xf0", 4);
    }
    assert_int_equal(image.pieces[1].to.v, 0xfff80);
    assert_int_equal(image.pieces[2].to.v, 0x7c00);
    assert_ptr_equal(image.pieces[2].source, bytes);
    assert_int_equal(image.pieces[2].size, 512);
}

/* The code's own numbers: it reads its text and the empty table where they are. */
static void test_stop_code(void **state)
{
    const uint8_t *code = image_flat_stop;

    (void)state;
    const uint32_t text = code[2] | (uint32_t)code[3] << 8,
                   empty = code[18] | (uint32_t)code[19] << 8;
    assert_string_equal((const char *)code + (text - 0xff80),
                        "interrupt or exception, but no BIOS\n");
    assert_memory_equal(code + (empty - 0xff80), "\0\0\0\0\0\0", 6);
    assert_int_equal(image_flat_stop_size, text - 0xff80 + 37);
}

static void test_entry_state(void **state)
{
    static struct vcpu_state s;

    (void)state;
    assert_true(prepare());
    reset_for_image(&s, &image);
    assert_int_equal(s.rip, 0x7c00);
    assert_int_equal(s.gpr[REG_RSP], 0x7c00);
    assert_int_equal(s.gpr[REG_RDX], 0);
    assert_int_equal(s.rflags, 2);
    assert_int_equal(s.cr0, 0x10);
    assert_int_equal(s.efer, 0);
    assert_int_equal(s.cr4, 0);
    assert_int_equal(s.idtr_base, 0);
    assert_int_equal(s.idtr_limit, 0x3ff);
    assert_int_equal(s.segments[SEG_CS].selector, 0);
    assert_int_equal(s.segments[SEG_CS].base, 0);
    assert_int_equal(s.segments[SEG_CS].limit, 0xffff);
    assert_int_equal(s.segments[SEG_CS].attributes, 0x9b);
    assert_int_equal(s.segments[SEG_SS].attributes, 0x93);
    reset_for_sipi(&s, 0x9a); /* the same but for the place and the caches */
    assert_int_equal(s.segments[SEG_CS].base, 0x9a000);
    assert_int_equal(s.segments[SEG_CS].selector, 0x9a00);
    assert_int_equal(s.cr0, 0x60000010);
    assert_int_equal(s.idtr_limit, 0xffff);
    assert_int_equal(s.rip, 0);
}

static void test_sizes(void **state)
{
    (void)state;
    request.size = 1;
    assert_true(prepare());
    request.size = ROOM;
    assert_true(prepare());
    request.size = ROOM + 1;
    refuse("is a flat binary of 623617 bytes; from 0x7c00 to 0x9ffff there is room for 623616");
    request.size = 0;
    refuse("is empty");
}

#define WANTED "; Bulkhead starts Linux bzImages, ELF kernels (PVH) and multiboot kernels"

static void test_names(void **state)
{
    static const char *const flat[] = {"a.bin", "A.BIN", "boot.x.Bin"};
    static const char *const other[] = {"", ".bin", "a.bin2", "abin", "a.bi", "a.img", "bin"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(flat); i++) {
        request.name = flat[i];
        assert_true(prepare());
    }
    for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
        request.name = other[i];
        refuse("is an unknown kind of file" WANTED "; a flat binary has to be called *.bin");
    }
    request.name = NULL;
    assert_false(prepare());
}

/* What is known to be something else is not started, whatever its name; a boot sector is. */
static void test_kinds(void **state)
{
    (void)state;
    memcpy(bytes + 510, "\x55\xaa", 2);
    assert_true(prepare());
    memcpy(bytes, "\x1f\x8b\x08", 3);
    refuse("is compressed with gzip; decompress it first");
    memcpy(bytes, "MZ\x90", 3);
    refuse("is an EFI program (PE)" WANTED);
    memcpy(bytes,
           "\x7f"
           "ELF",
           4);
    assert_false(prepare());
    memset(bytes, 'x', 512);
    refuse("is text" WANTED);
}

static void test_what_it_could_not_find(void **state)
{
    (void)state;
    request.cmdline = "x";
    refuse("is a flat binary, which could not find its cmdline");
    request.cmdline = "";
    request.initrd = bytes;
    request.initrd_size = 1;
    refuse("is a flat binary, which could not find its initrd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_pieces, setup),
        cmocka_unit_test_setup(test_stop_code, setup),
        cmocka_unit_test_setup(test_entry_state, setup),
        cmocka_unit_test_setup(test_sizes, setup),
        cmocka_unit_test_setup(test_names, setup),
        cmocka_unit_test_setup(test_kinds, setup),
        cmocka_unit_test_setup(test_what_it_could_not_find, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

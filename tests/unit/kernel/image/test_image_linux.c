/* SPDX-License-Identifier: MIT */
/*
 * test_image_linux: where a bzImage's pieces go, what the kernel is told, and why a file is
 * refused.
 */
#include "kernel/image/image.h"

#include <stdio.h>

#include "kernel/vm/reset.h"
#include "lib/x86/cr.h"
#include "support.h"

#include "image_look.h"

#define SETUP_SECTS 3
#define CODE_AT     ((SETUP_SECTS + 1) * 512)
#define CODE_SIZE   0x2000
#define SIGNATURE   100 /* bytes behind the kernel that are none of it */
#define FILE_SIZE   (CODE_AT + CODE_SIZE + SIGNATURE)
#define INIT_SIZE   0x100000u
#define PREFERRED   (16 * MIB)

static struct guest_map map;
static uint64_t guest_memory; /* bytes: what prepare() makes `map` of */
static uint8_t file[FILE_SIZE];
static struct linux_header *const header = (struct linux_header *)(file + LINUX_HEADER_AT);
static const uint8_t initrd_bytes[0x2345] = {1};

static void map_make(void)
{
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), guest_memory);
}

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FILE_SIZE; i++)
        file[i] = (uint8_t)(i * 7 + i / 256);
    memset(header, 0, sizeof(*header));
    header->setup_sects = SETUP_SECTS;
    header->syssize = CODE_SIZE / 16;
    header->boot_flag = 0xaa55;
    header->jump_code = 0xeb;
    header->jump_offset = 0x26c - 0x202;
    header->magic = 0x53726448;
    header->version = 0x20f;
    header->loadflags = 1;
    header->initrd_addr_max = 0x7fffffff;
    header->kernel_alignment = 0x200000;
    header->relocatable_kernel = 1;
    header->xloadflags = 0x7f;
    header->cmdline_size = 2047;
    header->pref_address = PREFERRED;
    header->init_size = INIT_SIZE;
    guest_memory = 64 * MIB;
    map_make();
    request = (struct image_request){.size = FILE_SIZE,
                                     .cmdline = "console=ttyS1",
                                     .map = &map,
                                     .core_count = 2,
                                     .apic_ids = {5, 4}};
    return 0;
}

static bool prepare(void)
{
    map_make();
    return image_look_prepare(file);
}

static const struct linux_boot_params *params(void)
{
    return image_look_at(image.start_info.v, sizeof(struct linux_boot_params));
}

/* ---------------------------------------------------------------------- what is accepted */

static void test_simple(void **state)
{
    (void)state;
    accept();
    assert_int_equal(image.mode, IMAGE_ENTER_LINUX64);
    assert_string_equal(image_format(&image), "Linux bzImage");
    assert_int_equal(image.entry.v, PREFERRED + 0x200);
    assert_memory_equal(image_look_at(PREFERRED, CODE_SIZE), file + CODE_AT, CODE_SIZE);
    const struct linux_boot_params *p = params();
    assert_int_equal(p->acpi_rsdp_addr, ACPI_TABLES_AT);
    assert_memory_equal(image_look_at(ACPI_TABLES_AT, 8), "RSD PTR ", 8);
    assert_int_equal(*(const uint8_t *)image_look_at(0xffff0, 1), 0xb0);
    assert_int_equal(p->header.type_of_loader, 0xff);
    assert_int_equal(p->header.version, 0x20f);
    assert_int_equal(p->header.magic, 0x53726448);
    assert_int_equal(p->header.ramdisk_image, 0);
    assert_int_equal(p->header.ramdisk_size, 0);
    assert_int_equal(p->header.hardware_subarch, 0);
    assert_string_equal(image_look_at(p->header.cmd_line_ptr, 14), "console=ttyS1");
    for (uint32_t i = 0; i < sizeof(p->unused0); i++)
        assert_int_equal(p->unused0[i], 0);
    for (uint32_t i = 0; i < sizeof(p->unused3); i++)
        assert_int_equal(p->unused3[i], 0);
}

/* Only as much of the file as the kernel is; the last 16-byte unit may be incomplete. */
static void test_code_size(void **state)
{
    (void)state;
    accept();
    uint32_t code = 0;
    while (image.pieces[code].to.v != PREFERRED)
        code++;
    assert_int_equal(image.pieces[code].size, CODE_SIZE);
    request.size = FILE_SIZE - SIGNATURE - 15;
    accept();
    assert_int_equal(image.pieces[code].size, CODE_SIZE - 15);
    request.size--;
    refuse("is cut off: its Linux kernel has 10240 bytes, the file only 10224");
    header->setup_sects = 0; /* means 4 */
    request.size = FILE_SIZE;
    refuse("is cut off: its Linux kernel has 10752 bytes, the file only 10340");
    header->syssize -= 32;
    accept();
    assert_memory_equal(image_look_at(PREFERRED, CODE_SIZE - 512), file + 5 * 512, CODE_SIZE - 512);
}

static void expect_map(uint64_t memory, uint32_t count, const struct linux_e820 *want)
{
    guest_memory = memory;
    accept();
    assert_int_equal(params()->e820_count, count);
    assert_memory_equal(params()->e820, want, count * sizeof(*want));
    assert_int_equal(params()->e820[count].size, 0);
}

static void test_memory_map(void **state)
{
    struct linux_e820 want[4] = {
        {0, 0xa0000, 1}, {0xa0000, 0x60000, 2}, {MIB, 63 * MIB, 1}, {4 * GIB, PAGE_SIZE, 1}};
    (void)state;
    expect_map(64 * MIB, 3, want);
    want[2].size = 3 * GIB - MIB;
    expect_map(3 * GIB, 3, want);
    expect_map(3 * GIB + PAGE_SIZE, 4, want);
    want[3].size = GUEST_MEMORY_MAX - 3 * GIB;
    expect_map(GUEST_MEMORY_MAX, 4, want);
}

/* What nd_e820 makes /dev/pmem0 of. */
static void test_disks(void **state)
{
    const struct linux_e820 want[] = {{0, 0xa0000, 1},
                                      {0xa0000, 0x60000, 2},
                                      {MIB, 63 * MIB, 1},
                                      {128 * MIB, 2 * MIB, 12},
                                      {256 * MIB, 4 * MIB, 12}};

    (void)state;
    accept();
    (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, true, "root.img");
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 4 * MIB, false, "data.img");
    assert_true(image_prepare(&image, &request));
    assert_int_equal(params()->e820_count, ARRAY_SIZE(want));
    assert_memory_equal(params()->e820, want, sizeof(want));
}

static void expect_initrd(uint64_t at, uint64_t size)
{
    request.initrd = initrd_bytes;
    request.initrd_size = size;
    accept();
    assert_int_equal(params()->header.ramdisk_image, at);
    assert_int_equal(params()->header.ramdisk_size, size);
    assert_ptr_equal(image_look_at(at, size), initrd_bytes);
}

/* abuse: BI-07 */
static void test_initrd(void **state)
{
    (void)state;
    expect_initrd(64 * MIB - 0x3000, 0x2345);
    expect_initrd(64 * MIB - 0x1000, 1);
    guest_memory = 8 * GIB;
    expect_initrd(2 * GIB - 0x3000, 0x2345); /* not above initrd_addr_max */
    header->initrd_addr_max = UINT32_MAX;
    expect_initrd(3 * GIB - 0x3000, 0x2345);
    header->initrd_addr_max = 0x37ffffff;
    expect_initrd(0x38000000 - 0x3000, 0x2345);
    /* Between the kernel and the end there is no room: below it. */
    header->initrd_addr_max = UINT32_MAX;
    guest_memory = PREFERRED + INIT_SIZE + 0x2000;
    expect_initrd(PREFERRED - 0x3000, 0x2345);
    header->initrd_addr_max = 0xfffff;
    refuse("leaves no room below 0x100000 for its initrd of 1M");
    header->initrd_addr_max = 0;
    refuse("leaves no room below 0x1 for its initrd of 1M");
    header->initrd_addr_max = UINT32_MAX;
    request.initrd_size = 15 * MIB + 1;
    refuse("and its initrd of 15361K do not fit in 17416K: write 'memory = 32772K' or more");
    request.initrd_size = UINT64_MAX;
    refuse("leaves no room below 0xc0000000 for its initrd of 17592186044416M");
}

static void test_memory(void **state)
{
    (void)state;
    guest_memory = PREFERRED + INIT_SIZE;
    accept();
    guest_memory -= PAGE_SIZE;
    refuse("needs memory up to 0x10fffff to unpack itself, but the guest has 17404 KiB: write "
           "'memory = 17M' or more");
    guest_memory = MIB;
    refuse(
        "needs memory up to 0x10fffff to unpack itself, but the guest has 1 MiB: write 'memory = "
        "17M' or more");
}

static void test_cmdline(void **state)
{
    static char longest[CMDLINE_MAX];
    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    request.cmdline = longest;
    accept();
    assert_string_equal(image_look_at(params()->header.cmd_line_ptr, sizeof(longest)), longest);
    header->cmdline_size = 1022;
    refuse("takes a cmdline of at most 1022 characters; this one has 1023");
    header->cmdline_size = 0;
    request.cmdline = "";
    accept();
}

static void accept_cmdline(const char *want)
{
    accept();
    assert_string_equal(image_look_at(params()->header.cmd_line_ptr, 64), want);
}

/* The TSC's rate goes in front, where there is room. */
static void test_tsc_rate(void **state)
{
    static char longest[CMDLINE_MAX];
    (void)state;
    request.linux_tsc_khz = 2600000;
    accept_cmdline("tsc_early_khz=2600000 console=ttyS1");
    request.cmdline = "";
    accept_cmdline("tsc_early_khz=2600000 ");

    request.cmdline = "console=ttyS1"; /* 22 characters and 13 */
    header->cmdline_size = 35;
    accept_cmdline("tsc_early_khz=2600000 console=ttyS1");
    header->cmdline_size = 34;
    accept_cmdline("console=ttyS1");

    header->cmdline_size = 2047; /* then our own room is the limit */
    memset(longest, 'x', sizeof(longest) - 1 - 22);
    request.cmdline = longest;
    accept();
    assert_memory_equal(image_look_at(params()->header.cmd_line_ptr, CMDLINE_MAX),
                        "tsc_early_khz=2600000 xx", 24);
    assert_int_equal(strlen(image_look_at(params()->header.cmd_line_ptr, CMDLINE_MAX)),
                     CMDLINE_MAX - 1);
    longest[strlen(longest)] = 'x';
    accept();
    assert_string_equal(image_look_at(params()->header.cmd_line_ptr, CMDLINE_MAX), longest);
}

/* So do the machine's options, behind the rate; the rate goes first where there is room for one. */
static void test_options(void **state)
{
    (void)state;
    request.linux_options = "a=1 b "; /* 6 characters, the rate 22, the guest's own 13 */
    accept_cmdline("a=1 b console=ttyS1");
    request.linux_tsc_khz = 2600000;
    header->cmdline_size = 41;
    accept_cmdline("tsc_early_khz=2600000 a=1 b console=ttyS1");
    header->cmdline_size = 40;
    accept_cmdline("tsc_early_khz=2600000 console=ttyS1");
    header->cmdline_size = 34;
    accept_cmdline("a=1 b console=ttyS1");
    header->cmdline_size = 18;
    accept_cmdline("console=ttyS1");
}

/* Before a console on the UART comes an early one, or Linux prints its log twice. */
static void test_early_console(void **state)
{
    (void)state;
    request.cmdline = "quiet console=ttyS0,115200";
    accept_cmdline("earlycon=uart8250,io,0x3f8 quiet console=ttyS0,115200");
    request.linux_options = "a=1 ";
    accept_cmdline("a=1 earlycon=uart8250,io,0x3f8 quiet console=ttyS0,115200");
    header->cmdline_size = 26 + 27; /* room for one of them: the options are needed more */
    accept_cmdline("a=1 quiet console=ttyS0,115200");
    header->cmdline_size = 255;
    request.linux_options = NULL;
    static const char *const as_they_are[] = {"", "xconsole=ttyS0", "console=tty0",
                                              "console=ttyS0 earlycon",
                                              "earlyprintk=serial console=ttyS0"};
    for (size_t i = 0; i < ARRAY_SIZE(as_they_are); i++) {
        request.cmdline = as_they_are[i];
        accept_cmdline(as_they_are[i]);
    }
}

/* An older header ends earlier; what follows is code and not told. */
static void test_short_header(void **state)
{
    (void)state;
    header->version = 0x20c;
    header->jump_offset = 0x264 - 0x202;
    header->handover_offset = 0x12345678;
    accept();
    assert_int_equal(params()->header.handover_offset, 0);
    assert_int_equal(params()->header.init_size, INIT_SIZE);
    header->jump_offset--;
    refuse("has a damaged Linux setup header: it is too short");
    header->jump_offset = 255; /* a longer one is cut at what we know */
    accept();
    header->jump_offset = 0;
    refuse("has a damaged Linux setup header");
}

/* The entry state as the boot protocol has it. */
static void test_entry_state(void **state)
{
    static struct vcpu_state s;
    (void)state;
    accept();
    reset_for_image(&s, &image);
    assert_int_equal(s.rip, PREFERRED + 0x200);
    assert_int_equal(s.gpr[REG_RSI], image.start_info.v);
    assert_int_equal(s.rflags, 2);
    assert_int_equal(s.cr0, CR0_PG | CR0_NE | CR0_ET | CR0_PE);
    assert_int_equal(s.cr4, CR4_PAE);
    assert_int_equal(s.efer, 0x500);
    assert_int_equal(s.segments[SEG_CS].selector, 0x10);
    assert_int_equal(s.segments[SEG_CS].attributes, 0xa09b);
    assert_int_equal(s.segments[SEG_DS].selector, 0x18);
    assert_int_equal(s.segments[SEG_SS].attributes, 0xc093);
    const uint64_t *gdt = image_look_at(s.gdtr_base, s.gdtr_limit + 1);
    assert_int_equal(gdt[0], 0);
    assert_int_equal(gdt[2], 0x00af9b000000ffff);
    assert_int_equal(gdt[3], 0x00cf93000000ffff);
    /* One to one, as the processor walks it. */
    for (uint64_t at = 0; at < GIB; at += PAGE_SIZE_2M - 1) {
        const uint64_t *pml4 = image_look_at(s.cr3, PAGE_SIZE);
        assert_int_equal(pml4[0] & 0xfff, 3);
        const uint64_t *pdpt = image_look_at(pml4[0] & ~UINT64_C(0xfff), PAGE_SIZE);
        assert_int_equal(pdpt[0] & 0xfff, 3);
        const uint64_t *pd = image_look_at(pdpt[0] & ~UINT64_C(0xfff), PAGE_SIZE);
        assert_int_equal(pd[at >> 21], (at & ~(PAGE_SIZE_2M - 1)) | 0x83);
    }
}

/* ---------------------------------------------------------------------- what is refused */

static void test_header(void **state)
{
    (void)state;
    request.size = 0x28f;
    refuse("is cut off: it ends in the Linux setup header");
    request.size = 0x206;
    refuse("is cut off: it ends in the Linux setup header");
    request.size = 0x205;
    refuse("is a boot sector or a disk image; if it is a flat binary, call it *.bin");
    setup(NULL);
    header->boot_flag = 0;
    refuse("has a damaged Linux setup header: no boot flag 0xaa55");
    setup(NULL);
    header->version = 0x20b;
    refuse("is a Linux kernel with boot protocol 2.11; 2.12 (Linux 3.8) or newer is needed");
    header->version = 0;
    refuse("is a Linux kernel with boot protocol 0.00; 2.12 (Linux 3.8) or newer is needed");
    setup(NULL);
    header->loadflags = 0;
    refuse("is a Linux zImage; a bzImage is needed");
    setup(NULL);
    header->xloadflags = 0x7e;
    refuse("is a 32-bit Linux kernel; a 64-bit one is needed");
    setup(NULL);
    header->setup_sects = 255;
    refuse("is cut off: its Linux kernel has 139264 bytes, the file only 10340");
    setup(NULL);
    header->syssize = UINT32_MAX;
    refuse("is cut off: its Linux kernel has 68719478768 bytes, the file only 10340");
    header->syssize = 0;
    refuse("holds no Linux kernel after its setup header");
    header->syssize = 0x20;
    refuse("holds no Linux kernel after its setup header");
    header->syssize = 0x21;
    accept();
}

static void test_places(void **state)
{
    static const uint64_t bad[] = {
        0,   0xff000, PREFERRED + 1,     PREFERRED + 0x800, GIB - INIT_SIZE + PAGE_SIZE,
        GIB, 4 * GIB, UINT64_MAX - 0xfff};
    char why[128];
    (void)state;
    guest_memory = 2 * GIB;
    for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
        header->pref_address = bad[i];
        snprintf(why, sizeof(why),
                 "has a Linux kernel for address 0x%lx; it must be from 1 MiB to 1 GiB", bad[i]);
        refuse(why);
    }
    header->pref_address = MIB;
    accept();
    header->pref_address = GIB - INIT_SIZE;
    accept();
    header->pref_address = PREFERRED;
    header->init_size = CODE_SIZE - 1;
    refuse("has a damaged Linux setup header: init_size 0x1fff is less than the kernel's size");
    header->init_size = UINT32_MAX;
    refuse("has a Linux kernel for address 0x1000000; it must be from 1 MiB to 1 GiB");
}

/* Any header that is accepted leads to pieces inside guest memory that do not overlap. */
static void test_random_headers(void **state)
{
    uint64_t seed = 12;
    uint32_t accepted = 0;
    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        setup(NULL);
        request.initrd = initrd_bytes;
        request.initrd_size = 1 + random_next(&seed) % sizeof(initrd_bytes);
        guest_memory = (1 + random_next(&seed) % 32) * MIB;
        for (uint32_t i = random_next(&seed) % 4; i > 0; i--)
            file[LINUX_HEADER_AT + random_next(&seed) % sizeof(*header)] =
                (uint8_t)random_next(&seed);
        if (!prepare())
            continue;
        accepted++;
        for (uint32_t i = 0; i < image.piece_count; i++) {
            const struct image_piece *a = &image.pieces[i];
            assert_in_range(a->to.v, 0, guest_memory - 1);
            assert_in_range(a->size, 1, guest_memory - a->to.v);
            for (uint32_t k = 0; k < i; k++) {
                const struct image_piece *b = &image.pieces[k];
                assert_true(a->to.v + a->size <= b->to.v || b->to.v + b->size <= a->to.v);
            }
        }
    }
    assert_in_range(accepted, 1000, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_simple, setup),
        cmocka_unit_test_setup(test_code_size, setup),
        cmocka_unit_test_setup(test_memory_map, setup),
        cmocka_unit_test_setup(test_disks, setup),
        cmocka_unit_test_setup(test_initrd, setup),
        cmocka_unit_test_setup(test_memory, setup),
        cmocka_unit_test_setup(test_cmdline, setup),
        cmocka_unit_test_setup(test_tsc_rate, setup),
        cmocka_unit_test_setup(test_early_console, setup),
        cmocka_unit_test_setup(test_options, setup),
        cmocka_unit_test_setup(test_short_header, setup),
        cmocka_unit_test_setup(test_entry_state, setup),
        cmocka_unit_test_setup(test_header, setup),
        cmocka_unit_test_setup(test_places, setup),
        cmocka_unit_test_setup(test_random_headers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

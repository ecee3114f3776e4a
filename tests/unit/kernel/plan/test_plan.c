/* SPDX-License-Identifier: MIT */
/*
 * test_plan: who gets which cores, which memory and which files; each refusal word by word; and
 * plan_valid() against plans that were spoiled by hand.
 */
#include "kernel/plan/plan.h"

#include <stdio.h>

#include "support.h"

#include "plan_guest.h"
#include "pvh_file.h"

static struct config config;
static struct machine machine;
static struct plan plan;
static struct errors report;
static struct pvh_file kernel; /* runs in 1 MiB */
static struct pvh_file large;  /* needs memory up to 0x104fff */
static const uint8_t initrd_bytes[0x1000] = {1};

static void add_range(uint64_t base, uint64_t size)
{
    machine.ranges[machine.range_count++] = (struct range){.base = base, .size = size};
}

static void add_module(const char *name, const uint8_t *bytes, uint64_t size)
{
    struct machine_module *m = &machine.modules[machine.module_count++];
    snprintf(m->name, sizeof(m->name), "%s", name);
    m->bytes = bytes;
    m->size = size;
}

/* Four cores, one GiB from 2 MiB up, four files, no guests. */
static int setup(void **state)
{
    (void)state;
    memset(&config, 0, sizeof(config));
    memset(&machine, 0, sizeof(machine));
    memset(&report, 0, sizeof(report));
    config.machine.serial = config.machine.screen = true;
    machine.core_count = 4;
    machine.has_screen = true;
    add_range(2 * MIB, GIB);
    pvh_file_start(&kernel, 0x2000);
    pvh_file_add(&kernel, 0x2000, 0x2000, 0x5000);
    pvh_file_simple(&large);
    add_module("K.ELF", pvh_file_bytes(&kernel), PVH_FILE_SIZE);
    add_module("initrd.img", initrd_bytes, sizeof(initrd_bytes));
    add_module("empty", NULL, 0);
    add_module("large.elf", pvh_file_bytes(&large), PVH_FILE_SIZE);
    return 0;
}

static struct config_guest *add_guest(const char *name, uint32_t cores, uint64_t memory)
{
    return plan_guest_add(&config, name, cores, memory);
}

static void exact(struct config_guest *g, uint32_t count, ...)
{
    va_list args;
    va_start(args, count);
    g->cores.exact = true;
    g->cores.count = count;
    for (uint32_t i = 0; i < count; i++)
        g->cores.list[i] = va_arg(args, uint32_t);
    va_end(args);
}

static void reserve(uint32_t count)
{
    config.machine.reserve_given = true;
    config.machine.reserve = count;
    config.machine.reserve_line = 3;
}

static void show_report(void)
{
    char line[256];
    for (uint32_t i = 0; errors_print(&report, i, "conf", line, sizeof(line)); i++)
        print_error("%s\n", line);
}

static bool make(void)
{
    memset(&plan, 0x55, sizeof(plan));
    memset(&report, 0, sizeof(report));
    bool ok = plan_make(&plan, &config, &machine, &report);
    assert_int_equal(ok, report.count == 0);
    return ok;
}

static void accept(void)
{
    if (!make()) {
        show_report();
        fail();
    }
    assert_true(plan_valid(&plan, &machine));
}

/* Exactly these errors: `count` pairs of a line and a text. */
static void refuse(uint32_t count, ...)
{
    va_list args;
    assert_false(make());
    if (report.count != count)
        show_report();
    assert_int_equal(report.count, count);
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(report.rows[i].line, va_arg(args, uint32_t));
        assert_string_equal(report.rows[i].text, va_arg(args, const char *));
    }
    va_end(args);
}

static void has_cores(uint32_t guest, uint32_t count, ...)
{
    va_list args;
    assert_int_equal(plan.guests[guest].core_count, count);
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(plan.guests[guest].cores[i], va_arg(args, uint32_t));
    va_end(args);
}

static void has_ram(uint32_t guest, uint64_t base, uint64_t size)
{
    assert_int_equal(guest_map_ram(&plan.guests[guest].map).base, base);
    assert_int_equal(guest_map_ram(&plan.guests[guest].map).size, size);
}

/* ---------------------------------------------------------------------- cores */

static void test_simple(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 2, 16 * MIB);
    snprintf(g->initrd, sizeof(g->initrd), "INITRD.img");
    accept();
    assert_ptr_equal(plan.config, &config);
    assert_int_equal(plan.guest_count, 1);
    assert_int_equal(plan.reserved_cores, 1);
    has_cores(0, 2, 1, 2);
    has_ram(0, 2 * MIB, 16 * MIB);
    assert_ptr_equal(plan.guests[0].config, g);
    assert_ptr_equal(plan.guests[0].image_module, &machine.modules[0]);
    assert_ptr_equal(plan.guests[0].initrd_module, &machine.modules[1]);
    assert_int_equal(plan.guests[0].image.entry.v, 0x2000);
    assert_int_equal(plan.guests[0].image.piece_count, 5); /* segment, three of ours, initrd */
    machine.linux_tsc_khz = 2600000;                       /* the image is none */
    accept();
    assert_null(memmem(plan.guests[0].image.boot_data.pvh, PAGE_SIZE, "tsc_early_khz", 13));
    /* The MADT behind the DSDT of two cores: their real APIC ids, the boot core's first. */
    machine.apic_ids[1] = 0x1234;
    machine.apic_ids[2] = 0x5678;
    accept();
    const struct image_acpi *acpi = &plan.guests[0].image.acpi;
    const uint32_t ids[] = {0x1234, 0x5678};
    for (uint32_t i = 0; i < ARRAY_SIZE(ids); i++) {
        const uint8_t entry[] = {9, 16, 0, 0, (uint8_t)ids[i], (uint8_t)(ids[i] >> 8), 0, 0};
        const uint8_t *at = memmem(acpi->bytes, acpi->size, entry, sizeof(entry));
        assert_non_null(at);
        assert_int_equal(at[12], i);
    }
}

static void test_reserve_to_spare(void **state)
{
    (void)state;
    add_guest("a", 1, 16 * MIB);
    add_guest("b", 3, 16 * MIB);
    accept();
    assert_int_equal(plan.reserved_cores, 0);
    has_cores(0, 1, 0);
    has_cores(1, 3, 1, 2, 3);
    config.guests[1].cores.count = 2;
    accept();
    assert_int_equal(plan.reserved_cores, 1);
    has_cores(0, 1, 1);
    has_cores(1, 2, 2, 3);
    exact(&config.guests[1], 1, 0); /* named, so not the monitor's */
    accept();
    assert_int_equal(plan.reserved_cores, 0);
    has_cores(0, 1, 1);
    has_cores(1, 1, 0);
    exact(&config.guests[1], 1, 3);
    accept();
    assert_int_equal(plan.reserved_cores, 1);
    machine.core_count = 1;
    config.guest_count = 1;
    accept();
    assert_int_equal(plan.reserved_cores, 0);
    has_cores(0, 1, 0);
}

static void test_reserve_given(void **state)
{
    (void)state;
    add_guest("a", 1, 16 * MIB);
    reserve(0);
    accept();
    assert_int_equal(plan.reserved_cores, 0);
    has_cores(0, 1, 0);
    reserve(3);
    accept();
    assert_int_equal(plan.reserved_cores, 3);
    has_cores(0, 1, 3);
    reserve(4);
    refuse(1, 3, "reserve = 4 leaves no core for guests (4 in the machine): write 3 or less");
    reserve(63);
    config.guests[0].cores.count = 5;
    refuse(2, 3, "reserve = 63 leaves no core for guests (4 in the machine): write 3 or less", 11,
           "guest 'a' wants 5 cores, 4 are left (4 in the machine)");
}

/* Where core 0 has to watch guests' deadlines, it is kept; a file that says otherwise is refused.
 */
static void test_reserve_needed(void **state)
{
    (void)state;
    machine.needs_monitor = true;
    add_guest("a", 3, 16 * MIB);
    accept();
    assert_int_equal(plan.reserved_cores, 1);
    config.guests[0].cores.count = 4;
    refuse(1, 11,
           "guest 'a' wants 4 cores, 3 are left (4 in the machine, 1 reserved, as this processor "
           "needs it)");
    config.guests[0].cores.count = 1;
    reserve(0);
#define WATCHES                                                                             \
    "reserve = 0: no timer of this processor counts while a guest runs, so core #0 has to " \
    "watch the guests' deadlines: write 1 or more"
    refuse(1, 3, WATCHES);
    exact(&config.guests[0], 1, 0);
    refuse(2, 3, WATCHES, 11,
           "guest 'a' wants core #0, which this processor needs for the monitor");
    config.machine.reserve_given = false;
    config.machine.reserve_line = 0;
    refuse(1, 11, "guest 'a' wants core #0, which this processor needs for the monitor");
    config.guests[0].cores.exact = false;
    reserve(1);
    accept();
    config.guests[0].cores.count = 4;
    refuse(1, 11, "guest 'a' wants 4 cores, 3 are left (4 in the machine, 1 reserved)");
#undef WATCHES
}

/* What is advised there is not refused next. */
static void test_reserve_needed_of_few(void **state)
{
    (void)state;
    machine.needs_monitor = true;
    add_guest("a", 1, 16 * MIB);
    reserve(4);
    refuse(1, 3, "reserve = 4 leaves no core for guests (4 in the machine): write 3 or less");
    machine.core_count = 2;
    refuse(1, 3, "reserve = 4 leaves no core for guests (2 in the machine): write 1");
    machine.core_count = 1;
    refuse(2, 3, "reserve = 4 leaves no core for guests (1 in the machine)", 11,
           "guest 'a' wants 1 core, none is left (1 in the machine, 1 reserved, as this processor "
           "needs it)");
    machine.needs_monitor = false;
    refuse(1, 3, "reserve = 4 leaves no core for guests (1 in the machine): write 0");
}

static void test_exact_first(void **state)
{
    (void)state;
    machine.core_count = 6;
    add_guest("a", 2, 16 * MIB);
    exact(add_guest("b", 0, 16 * MIB), 3, 5, 0, 2);
    accept();
    has_cores(0, 2, 1, 3);
    has_cores(1, 3, 5, 0, 2); /* in the order of the list */
}

static void test_too_few_cores(void **state)
{
    (void)state;
    reserve(1);
    add_guest("clock", 1, 16 * MIB);
    add_guest("rtos", 4, 16 * MIB);
    refuse(1, 21,
           "guest 'rtos' wants 4 cores, 2 are left (4 in the machine, 1 reserved, 1 for 'clock')");
    reserve(0);
    config.guests[0].cores.count = 3;
    refuse(1, 21, "guest 'rtos' wants 4 cores, 1 is left (4 in the machine, 3 for 'clock')");
    config.guests[0].cores.count = 4;
    config.guests[1].cores.count = 1;
    refuse(1, 21, "guest 'rtos' wants 1 core, none is left (4 in the machine, 4 for 'clock')");
    config.guests[0].cores.count = 64;
    config.guests[1].cores.count = 4; /* what is refused takes nothing */
    refuse(1, 11, "guest 'clock' wants 64 cores, 4 are left (4 in the machine)");
}

static void test_many_takers(void **state)
{
    char name[16];
    (void)state;
    machine.core_count = 16;
    for (uint32_t i = 0; i < 15; i++) {
        snprintf(name, sizeof(name), "longest-name-%02u", i);
        add_guest(name, 1, MIB);
    }
    add_guest("last", 64, MIB);
    refuse(1, 161,
           "guest 'last' wants 64 cores, 1 is left (16 in the machine, 1 for 'longest-name-00', "
           "1 for 'longest-name-01', 1 for 'longest-name-02', more for 12 others)");
    config.guests[0].cores.count = 13;
    config.guest_count = 4;
    config.guests[1].cores.count = config.guests[2].cores.count = 1;
    config.guests[3].cores.count = 2;
    refuse(1, 41,
           "guest 'longest-name-03' wants 2 cores, 1 is left (16 in the machine, 13 for "
           "'longest-name-00', 1 for 'longest-name-01', more for 1 other)");
}

static void test_exact_conflicts(void **state)
{
    (void)state;
    reserve(1);
    exact(add_guest("a", 0, 16 * MIB), 4, 0, 2, 4, 63);
    exact(add_guest("b", 0, 16 * MIB), 2, 2, 3);
    refuse(4, 11, "guest 'a' wants core #0, which 'reserve = 1' (line 3) keeps for the monitor", 11,
           "guest 'a' wants core #4, but the machine has #0 to #3", 11,
           "guest 'a' wants core #63, but the machine has #0 to #3", 21,
           "guest 'b' wants core #2, which guest 'a' has (line 11)");
    machine.core_count = 1;
    config.guest_count = 1;
    reserve(0);
    exact(&config.guests[0], 1, 1);
    refuse(1, 11, "guest 'a' wants core #1, but the machine has only #0");
}

static void test_all_cores(void **state)
{
    (void)state;
    machine.core_count = CORES_MAX;
    add_guest("a", GUEST_CORES_MAX, 16 * MIB);
    accept();
    assert_int_equal(plan.reserved_cores, 1);
    assert_int_equal(plan.guests[0].core_count, GUEST_CORES_MAX);
    assert_int_equal(plan.guests[0].cores[63], 64);
    for (uint32_t i = 1; i < CORES_MAX / GUEST_CORES_MAX; i++)
        add_guest("more", GUEST_CORES_MAX, 16 * MIB);
    accept();
    assert_int_equal(plan.reserved_cores, 0);
    assert_int_equal(plan.guests[0].cores[0], 0);
    assert_int_equal(plan.guests[7].cores[63], CORES_MAX - 1);
}

/* ---------------------------------------------------------------------- memory */

static void test_largest_first(void **state)
{
    (void)state;
    add_guest("small", 1, MIB);
    add_guest("large", 1, 64 * MIB);
    add_guest("equal", 1, MIB);
    accept();
    has_ram(0, 66 * MIB, MIB);
    has_ram(1, 2 * MIB, 64 * MIB);
    has_ram(2, 68 * MIB, MIB); /* the next place on 2 MiB */
}

static void test_first_fit(void **state)
{
    (void)state;
    machine.range_count = 0;
    add_range(MIB, 2 * MIB);                    /* one MiB of it is on 2 MiB */
    add_range(5 * MIB + 4096, 32 * MIB - 8192); /* 31 MiB less a page */
    add_range(64 * MIB, 31 * MIB);
    add_guest("a", 1, 31 * MIB);
    add_guest("b", 1, MIB);
    add_guest("c", 1, 31 * MIB - 4096);
    accept();
    has_ram(0, 64 * MIB, 31 * MIB);
    has_ram(1, 2 * MIB, MIB);
    has_ram(2, 6 * MIB, 31 * MIB - 4096);
}

static void test_whole_range(void **state)
{
    (void)state;
    add_guest("a", 1, GIB);
    accept();
    has_ram(0, 2 * MIB, GIB);
    config.guests[0].memory += PAGE_SIZE;
    refuse(1, 12,
           "guest 'a' wants 1048580 KiB of memory, 1024 MiB are left "
           "(1024 MiB in the machine)");
}

static void test_huge_alignment(void **state)
{
    (void)state;
    machine.range_count = 0;
    add_range(2 * MIB, 3 * GIB - 2 * MIB);
    add_guest("a", 1, GIB);
    add_guest("b", 1, GIB - 2 * MIB); /* not worth it */
    accept();
    has_ram(0, GIB, GIB);
    has_ram(1, 2 * MIB, GIB - 2 * MIB);
    config.guest_count = 1;
    config.guests[0].memory = 2 * GIB + PAGE_SIZE; /* no room on 1 GiB */
    accept();
    has_ram(0, 2 * MIB, 2 * GIB + PAGE_SIZE);
}

/* A base on 1 GiB would leave no room for the second. */
static void test_huge_alignment_given_up(void **state)
{
    (void)state;
    machine.range_count = 0;
    add_range(64 * MIB, 3 * GIB - 64 * MIB);
    add_guest("a", 1, GIB + GIB / 2);
    add_guest("b", 1, GIB);
    accept();
    has_ram(0, 64 * MIB, GIB + GIB / 2);
    has_ram(1, 64 * MIB + GIB + GIB / 2, GIB);
}

/* abuse: BT-04 */
static void test_too_little_memory(void **state)
{
    (void)state;
    add_guest("clock", 1, 16 * MIB);
    add_guest("linux", 1, 2 * GIB);
    add_guest("web", 1, GIB);
    refuse(2, 12,
           "guest 'clock' wants 16 MiB of memory, none is left (1024 MiB in the machine, "
           "1 GiB for 'web')",
           22, "guest 'linux' wants 2 GiB of memory, 1024 MiB are left (1024 MiB in the machine)");
}

/* abuse: BT-04 */
static void test_memory_takers(void **state)
{
    (void)state;
    machine.range_count = 0;
    add_range(2 * MIB, 100 * MIB);
    add_range(201 * MIB, 50 * MIB);
    add_guest("small", 1, 40 * MIB);
    add_guest("large", 1, 64 * MIB);
    add_guest("web", 1, 37 * MIB);
    refuse(1, 32,
           "guest 'web' wants 37 MiB of memory, 46 MiB are left, 36 MiB of it in one piece "
           "(150 MiB in the machine, 40 MiB for 'small', 64 MiB for 'large')");
    config.guests[2].memory = 36 * MIB;
    accept();
}

static void test_no_memory(void **state)
{
    (void)state;
    machine.range_count = 0;
    add_guest("a", 1, MIB);
    refuse(1, 12, "guest 'a' wants 1 MiB of memory, none is left (0 MiB in the machine)");
    add_range(MIB, MIB); /* nothing on 2 MiB */
    refuse(1, 12,
           "guest 'a' wants 1 MiB of memory, 1 MiB is left, 0 MiB of it in one piece "
           "(1 MiB in the machine)");
    add_range(-MIB, MIB); /* up to 2^64 */
    refuse(1, 12,
           "guest 'a' wants 1 MiB of memory, 2 MiB are left, 0 MiB of it in one piece "
           "(2 MiB in the machine)");
}

/* As many ranges and guests as there can be. */
static void test_most_of_all(void **state)
{
    char name[16];
    (void)state;
    machine.range_count = 0;
    machine.core_count = 3 * GUESTS_MAX;
    for (uint32_t i = 0; i < MACHINE_RANGES_MAX; i++)
        add_range(MIB + i * 16 * MIB, 7 * MIB);
    for (uint32_t i = 0; i < GUESTS_MAX; i++) {
        snprintf(name, sizeof(name), "g%u", i);
        add_guest(name, 3, 2 * MIB);
    }
    accept();
    has_ram(0, 2 * MIB, 2 * MIB);
    has_ram(31, 4 * MIB + 10 * 16 * MIB, 2 * MIB);
}

/* ---------------------------------------------------------------------- files and console */

static void test_no_file(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 1, 16 * MIB);
    snprintf(g->image, sizeof(g->image), "kk.elf");
    snprintf(g->initrd, sizeof(g->initrd), "ramdisk.gz");
    refuse(2, 13, "guest 'a': there is no image 'kk.elf'; did you mean 'K.ELF'?", 14,
           "guest 'a': there is no initrd 'ramdisk.gz'; the files here are: K.ELF, initrd.img, "
           "empty, large.elf");
    snprintf(g->initrd, sizeof(g->initrd), "initrd.im");
    snprintf(g->image, sizeof(g->image), "kk"); /* as near to "zz" as to any two letters */
    add_module("zz", initrd_bytes, 1);
    refuse(2, 13,
           "guest 'a': there is no image 'kk'; the files here are: K.ELF, initrd.img, empty, "
           "large.elf, zz",
           14, "guest 'a': there is no initrd 'initrd.im'; did you mean 'initrd.img'?");
    snprintf(g->image, sizeof(g->image), "kk.elf");
    machine.module_count = 0;
    g->initrd[0] = '\0';
    refuse(1, 13,
           "guest 'a': there is no image 'kk.elf'; there are no files other than Bulkhead's own");
}

static void test_many_files(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 1, 16 * MIB);
    snprintf(g->image, sizeof(g->image), "vmlinux");
    machine.module_count = 0;
    for (uint32_t i = 0; i < MACHINE_MODULES_MAX; i++)
        add_module("some-file-name", initrd_bytes, 1);
    refuse(1, 13,
           "guest 'a': there is no image 'vmlinux'; the files here are: some-file-name, "
           "some-file-name, some-file-name, some-file-name, ...");
}

static void test_empty_files(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 1, 16 * MIB);
    snprintf(g->image, sizeof(g->image), "EMPTY");
    snprintf(g->initrd, sizeof(g->initrd), "empty");
    refuse(2, 13, "guest 'a': image 'EMPTY' is empty", 14, "guest 'a': initrd 'empty' is empty");
}

static void test_files_of_one_name(void **state)
{
    (void)state;
    add_guest("a", 1, 16 * MIB);
    add_module("k.Elf", NULL, 0);
    refuse(1, 13,
           "guest 'a': image 'k.elf' exists more than once: upper and lower case count as the "
           "same");
}

static void test_bad_image(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 1, MIB);
    snprintf(g->image, sizeof(g->image), "initrd.img");
    refuse(
        1, 13,
        "guest 'a': image 'initrd.img' is an unknown kind of file; Bulkhead starts Linux bzImages, "
        "ELF kernels (PVH) and multiboot kernels; a flat binary has to be called *.bin");
    snprintf(g->image, sizeof(g->image), "large.elf");
    refuse(
        1, 13,
        "guest 'a': image 'large.elf' needs memory up to 0x104fff for a segment, but the guest has "
        "1 MiB: write 'memory = 2M' or more");
    snprintf(g->initrd, sizeof(g->initrd), "initrd.img");
    g->memory = MIB + 0x5000;
    refuse(1, 13,
           "guest 'a': image 'large.elf' and its initrd of 4K do not fit in 1044K: write 'memory = "
           "1048K' or more");
}

static void test_one_image_for_two(void **state)
{
    (void)state;
    add_guest("a", 1, 2 * MIB);
    add_guest("b", 1, 4 * MIB);
    accept();
    assert_ptr_equal(plan.guests[0].image_module, plan.guests[1].image_module);
    assert_ptr_not_equal(plan.guests[0].image.pieces[1].source,
                         plan.guests[1].image.pieces[1].source);
}

static void test_no_screen(void **state)
{
    (void)state;
    add_guest("a", 1, 16 * MIB);
    machine.has_screen = false;
    accept();
    config.machine.serial = false;
    config.machine.console_line = 2;
    refuse(1, 2, "the machine has no screen: write 'console = serial' or 'serial screen'");
    machine.has_screen = true;
    accept();
}

static void test_debug(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 1, 16 * MIB);
    g->is_debugged = true;
    g->debug_line = 7;
    refuse(1, 7, "debug = serial2: the machine has no second serial port (0x2f8)");
    machine.has_serial2 = true;
    accept();
    config.machine.serial_port = 0x2f8;
    refuse(1, 7, "debug = serial2: the console is at that port (0x2f8)");
    config.machine.serial = false; /* only the screen */
    accept();
    config.machine.serial = true;
    config.machine.serial_port = 0;
    machine.console_port = 0x2f8;
    machine.has_serial2 = false;
    refuse(1, 7, "debug = serial2: the console is at that port (0x2f8)");
    config.machine.serial_port = 0x3f8;
    refuse(1, 7, "debug = serial2: the machine has no second serial port (0x2f8)");
    machine.has_serial2 = true;
    accept();
    config.machine.reserve_given = true;
    refuse(1, 7, "debug = serial2 needs a core for the monitor: write 'reserve = 1' in [machine]");
}

static void test_all_at_once(void **state)
{
    (void)state;
    struct config_guest *g = add_guest("a", 9, 2 * GIB);
    snprintf(g->image, sizeof(g->image), "none");
    g = add_guest("b", 9, 3 * GIB);
    snprintf(g->image, sizeof(g->image), "none");
    reserve(4);
    assert_false(make());
    assert_int_equal(report.count, 7);
    static const uint32_t lines[] = {3, 11, 12, 13, 21, 22, 23};
    for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_int_equal(report.rows[i].line, lines[i]);
}

static void test_asserts(void **state)
{
    (void)state;
    add_guest("a", 1, MIB);
    machine.core_count = 0;
    expect_assert_failure(make());
    machine.core_count = CORES_MAX + 1;
    expect_assert_failure(make());
}

/* ---------------------------------------------------------------------- plan_valid */

/* Three guests, one with exact cores, and more than one range. */
static void make_good(void)
{
    setup(NULL);
    machine.core_count = 8;
    add_range(2 * GIB, 6 * GIB);
    add_guest("a", 2, 4 * GIB);
    exact(add_guest("b", 0, 16 * MIB), 2, 6, 3);
    add_guest("c", 1, 32 * MIB);
    accept();
}

static void keep(uint64_t base, uint64_t size)
{
    machine.own[machine.own_count++] = (struct range){.base = base, .size = size};
}

#define SPOILT(change)                             \
    do {                                           \
        make_good();                               \
        change;                                    \
        assert_false(plan_valid(&plan, &machine)); \
    } while (0)

static void test_valid_counts(void **state)
{
    (void)state;
    SPOILT(plan.guest_count = 0);
    SPOILT(plan.guest_count = 2);
    SPOILT(plan.guest_count = config.guest_count = GUESTS_MAX + 1);
    SPOILT(machine.core_count = CORES_MAX + 1);
    SPOILT(machine.range_count = MACHINE_RANGES_MAX + 1);
    SPOILT(plan.guests[0].core_count = config.guests[0].cores.count = 0);
    SPOILT(plan.guests[1].core_count = 0);
    SPOILT(plan.guests[1].core_count = GUEST_CORES_MAX + 1);
    SPOILT(plan.guests[0].image.piece_count = IMAGE_PIECES_MAX + 1);
}

static void test_valid_cores(void **state)
{
    (void)state;
    SPOILT(plan.guests[0].core_count = 1);
    SPOILT(plan.guests[0].cores[1] = plan.guests[0].cores[0]);
    SPOILT(plan.guests[0].cores[1] = plan.guests[2].cores[0]);
    SPOILT(plan.guests[0].cores[1] = 0); /* the monitor's */
    SPOILT(plan.guests[0].cores[1] = 8);
    SPOILT(plan.guests[0].cores[1] = UINT32_MAX);
    SPOILT(plan.guests[1].cores[0] = 7);
    SPOILT(plan.reserved_cores = 2);
    SPOILT(machine.core_count = 6);
}

static struct guest_region *row(uint32_t guest, uint32_t i)
{
    return &plan.guests[guest].map.rows[i];
}

/* Guest 0 has RAM in two rows, 3 GiB and 1 GiB, one after the other in the host. */
static void move_first(uint64_t bytes)
{
    row(0, 0)->to.v += bytes;
    row(0, 1)->to.v += bytes;
}

/* abuse: BT-05 */
static void test_valid_ram(void **state)
{
    (void)state;
    SPOILT(row(0, 1)->size -= PAGE_SIZE);
    SPOILT(row(0, 1)->size = 0);
    SPOILT(plan.guests[0].map.count = 1);
    SPOILT(plan.guests[0].map.count = 1; config.guests[0].memory = 3 * GIB;
           plan.guests[0].map.count = 0);
    SPOILT(plan.guests[0].map.count = GUEST_REGIONS_MAX + 1);
    SPOILT(row(0, 1)->size = GIB - 1; config.guests[0].memory = 4 * GIB - 1);
    SPOILT(move_first(PAGE_SIZE));
    SPOILT(move_first(0 - 2 * GIB));
    SPOILT(move_first(4 * GIB));
    SPOILT(row(0, 1)->to.v += PAGE_SIZE_2M); /* not where its first row ends */
    SPOILT(row(0, 0)->to.v = 0 - 4 * GIB);
    SPOILT(row(0, 1)->to.v = 0 - GIB);
    SPOILT(row(0, 0)->at.v = PAGE_SIZE);
    SPOILT(row(0, 1)->at.v = 3 * GIB - PAGE_SIZE);
    SPOILT(row(0, 1)->at.v = (UINT64_C(1) << 48) - GIB + PAGE_SIZE);
    SPOILT(row(0, 0)->rights = 0);
    SPOILT(row(0, 0)->rights = PT_W);
    SPOILT(row(0, 0)->rights = PT_R | PT_USER);
    SPOILT(row(0, 0)->type = PT_UNCACHED);
    SPOILT(row(0, 0)->kind = REGION_SHARED);
    SPOILT(row(0, 0)->kind = REGION_DEVICE);
    SPOILT(row(0, 0)->kind = REGION_DISK);
    SPOILT(row(0, 0)->kind = (enum region_kind)4);
    SPOILT(row(1, 0)->to = row(2, 0)->to);
    SPOILT(row(1, 0)->to.v = row(2, 0)->to.v + 30 * MIB);
    SPOILT(row(1, 0)->to.v = row(0, 0)->to.v + 4 * GIB - 2 * MIB);
    SPOILT(machine.range_count = 1);
    SPOILT(keep(row(0, 0)->to.v + 4 * GIB - 1, 1));
    SPOILT(keep(row(2, 0)->to.v, PAGE_SIZE));
    SPOILT(keep(0, row(2, 0)->to.v + 1));
    SPOILT(keep(UINT64_MAX, 2)); /* wraps */
    SPOILT(machine.own_count = MACHINE_OWN_MAX + 1);
    make_good();
    keep(row(0, 0)->to.v - PAGE_SIZE, PAGE_SIZE);
    keep(row(0, 0)->to.v + 4 * GIB, PAGE_SIZE);
    assert_true(plan_valid(&plan, &machine));
    make_good();
    row(1, 0)->to.v = row(0, 0)->to.v + 4 * GIB; /* touches, no more */
    row(2, 0)->to.v = row(1, 0)->to.v + 16 * MIB;
    assert_true(plan_valid(&plan, &machine));
}

/* A link whose window of `size` is at `to`, as guest `g`'s and, on side 1, guest `o`'s. */
static void add_link(uint64_t to, uint64_t size, uint32_t g, uint32_t o, bool reads_only)
{
    const uint32_t l = plan.link_count++;
    struct config_link *link = &config.links[l];

    config.link_count = plan.link_count;
    *link = (struct config_link){.side_count = 2, .memory = size};
    snprintf(link->name, sizeof(link->name), "link%u", l);
    link->sides[0] = (struct config_side){.guest = g};
    link->sides[1] = (struct config_side){.guest = o, .read_only = reads_only};
    plan.links[l] = (struct plan_link){.config = link, .to = hpa(to)};
}

static void add_end(uint32_t g, uint32_t l, uint32_t side, uint64_t at)
{
    struct plan_guest *guest = &plan.guests[g];
    const struct config_link *link = plan.links[l].config;

    guest->ends[guest->end_count++] = (struct plan_end){.link = l, .side = side, .at = gpa(at)};
    guest_map_add_shared(&guest->map, gpa(at), plan.links[l].to, link->memory,
                         link->sides[side].read_only, link->name);
}

/*
 * The same three, and: a and b share 4 MiB at 7 GiB of the host, which b may only read; b and c
 * share a page at 7 GiB + 4 MiB; c has a device of 64 KiB at 16 GiB.
 */
static void make_regions(void)
{
    make_good();
    add_link(7 * GIB, 4 * MIB, 0, 1, true);
    add_link(7 * GIB + 4 * MIB, PAGE_SIZE, 1, 2, false);
    add_end(0, 0, 0, 5 * GIB);
    add_end(1, 0, 1, GIB);
    add_end(1, 1, 0, 2 * GIB);
    add_end(2, 1, 1, 2 * GIB);
    guest_map_add(&plan.guests[2].map,
                  (struct guest_region){gpa(3 * GIB), hpa(16 * GIB), 64 * KIB, PT_R | PT_W,
                                        PT_UNCACHED, REGION_DEVICE, NULL});
    assert_true(plan_valid(&plan, &machine));
}

#define MISSHARED(change)                          \
    do {                                           \
        make_regions();                            \
        change;                                    \
        assert_false(plan_valid(&plan, &machine)); \
    } while (0)

static void test_valid_shared(void **state)
{
    (void)state;
    MISSHARED(row(1, 1)->kind = REGION_RAM); /* a row that only one side names as shared */
    MISSHARED(plan.guests[0].map.count--);   /* nobody else has it */
    MISSHARED(plan.guests[1].map.count = 2); /* c is left alone with it */
    MISSHARED(row(1, 1)->size -= PAGE_SIZE);
    MISSHARED(row(1, 1)->to.v += PAGE_SIZE);
    MISSHARED(row(0, 2)->to = row(1, 1)->to = row(2, 0)->to); /* c's RAM */
    MISSHARED(row(0, 2)->to.v = row(1, 1)->to.v = row(0, 0)->to.v);
    MISSHARED(row(0, 2)->to.v = row(1, 1)->to.v = 8 * GIB); /* no memory of the machine */
    MISSHARED(keep(7 * GIB, PAGE_SIZE));
    MISSHARED(row(0, 2)->type = PT_UNCACHED);
    MISSHARED(row(1, 1)->rights = PT_W);
    MISSHARED(row(0, 2)->at.v = 5 * GIB - PAGE_SIZE);                    /* on top of its RAM */
    MISSHARED(row(1, 2)->to = row(1, 1)->to; row(1, 2)->size = 4 * MIB); /* twice in b */
    make_regions();
    config.links[0].side_count = 3; /* a third side, in the place of its other link */
    config.links[0].sides[2] = (struct config_side){.guest = 2};
    plan.guests[2].ends[0] = (struct plan_end){.link = 0, .side = 2, .at = gpa(2 * GIB)};
    *row(2, 1) = *row(0, 2);
    row(2, 1)->at.v = 2 * GIB;
    plan.guests[1].map.count = 2;
    assert_true(plan_valid(&plan, &machine));
}

/* Only the sides of a link have its memory, and write to it where they may. abuse: BT-05 */
static void test_valid_links(void **state)
{
    struct plan_end *a = &plan.guests[0].ends[0], *b = plan.guests[1].ends;

    (void)state;
    MISSHARED(row(1, 1)->rights |= PT_W); /* b only reads it */
    MISSHARED(row(0, 2)->rights |= PT_X);
    MISSHARED(row(1, 1)->rights |= PT_X);
    MISSHARED(config.links[0].sides[1].guest = 2); /* b is no side of it */
    /* On two sides, where the other is nobody's end; the last of a link without a window, too. */
    MISSHARED(config.links[0].side_count = 3; config.links[0].sides[2].guest = 1);
    MISSHARED(config.links[0].side_count = 3; config.links[0].sides[2].guest = 0);
    MISSHARED(add_link(0, 0, 2, 2, false));
    MISSHARED(add_link(0, 0, 0, 2, false); plan.guests[0].end_count = 3;
              plan.guests[0].ends[1] = plan.guests[0].ends[2] = (struct plan_end){.link = 2});
    MISSHARED(b[0].side = 0);
    MISSHARED(b[0].side = 2);
    MISSHARED(b[0].link = 1);
    MISSHARED(b[0].link = 2);
    MISSHARED(b[0].at.v += PAGE_SIZE);
    MISSHARED(plan.guests[1].end_count = 1);
    MISSHARED(plan.guests[1].end_count = GUEST_LINKS_MAX + 1);
    MISSHARED(a->side = 1);
    MISSHARED(config.links[0].side_count = LINK_SIDES_MAX + 1);
    MISSHARED(config.links[0].memory = 2 * MIB);
    MISSHARED(plan.links[0].to.v += PAGE_SIZE);
    MISSHARED(plan.links[0].to.v = UINT64_MAX - PAGE_SIZE);
    MISSHARED(plan.links[1].to.v -= PAGE_SIZE; row(1, 2)->to.v -= PAGE_SIZE;
              row(2, 1)->to.v -= PAGE_SIZE); /* one's window in another's */
    MISSHARED(plan.link_count = LINKS_MAX + 1);
    MISSHARED(plan.link_count = 1);
    make_regions();
    row(1, 2)->rights = PT_R;          /* it may do less */
    add_link(7 * GIB, 0, 0, 2, false); /* a link without a window is nowhere */
    assert_true(plan_valid(&plan, &machine));
}

static void test_valid_device(void **state)
{
    const struct guest_region other = {gpa(3 * GIB), hpa(16 * GIB + 0xf000), PAGE_SIZE, PT_R | PT_W,
                                       PT_UNCACHED,  REGION_DEVICE,          NULL};

    (void)state;
    MISSHARED(guest_map_add(&plan.guests[1].map, other)); /* two owners of a page */
    MISSHARED(guest_map_add(&plan.guests[1].map, *row(2, 2)));
    MISSHARED(guest_map_add(&plan.guests[2].map, *row(2, 2));
              row(2, 3)->at.v += MIB);              /* twice in one guest */
    MISSHARED(row(2, 2)->to.v = 7 * GIB + GIB / 2); /* nobody's, but memory */
    MISSHARED(row(2, 2)->to = row(1, 1)->to);
    MISSHARED(keep(16 * GIB + 0xf000, PAGE_SIZE));
    MISSHARED(row(2, 2)->type = PT_WRITE_BACK);
    MISSHARED(row(2, 2)->type = (enum pt_memory)3);
    MISSHARED(row(2, 2)->size++);
    MISSHARED(row(2, 2)->to.v = (UINT64_C(1) << 52) - PAGE_SIZE);
    MISSHARED(add_range(UINT64_MAX, 2)); /* wraps */
    make_regions();
    row(2, 2)->type = PT_WRITE_COMBINING;
    assert_true(plan_valid(&plan, &machine));
    guest_map_add(&plan.guests[1].map, other);
    row(1, 3)->to.v = 16 * GIB + 64 * KIB; /* touches, no more */
    assert_true(plan_valid(&plan, &machine));
}

static void test_valid_image(void **state)
{
    (void)state;
    SPOILT(plan.guests[0].image_module = NULL);
    SPOILT(plan.guests[0].image.pieces[0].source = NULL);
    SPOILT(plan.guests[0].image.pieces[0].size = 0);
    SPOILT(plan.guests[0].image.pieces[0].to = plan.guests[0].image.pieces[1].to);
    SPOILT(plan.guests[1].image.pieces[0].to.v = 16 * MIB - 0x1fff);
    SPOILT(plan.guests[0].image.pieces[0].to.v = 3 * GIB - 1);
    SPOILT(plan.guests[0].image.pieces[0].to.v = 4 * GIB - 1);
    SPOILT(plan.guests[0].image.pieces[0].to.v = 5 * GIB - 0x1fff);
    SPOILT(plan.guests[0].image.pieces[0].to.v = UINT64_MAX - 10);
    make_good();
    plan.guests[0].image.pieces[0].to.v = 5 * GIB - 0x2000;
    assert_true(plan_valid(&plan, &machine));
    plan.guests[0].image.pieces[0].to.v = 4 * GIB;
    assert_true(plan_valid(&plan, &machine));
}

/* Machines and wishes by chance: whatever plan_make() accepts, plan_valid() accepts. */
static void test_random(void **state)
{
    uint64_t seed = 5;
    uint32_t accepted = 0;
    (void)state;
    for (uint32_t round = 0; round < 6000; round++) {
        setup(NULL);
        machine.core_count = 1 + random_next(&seed) % 16;
        machine.range_count = 0;
        uint64_t base = 0;
        for (uint64_t n = random_next(&seed) % 8; n > 0; n--) {
            base += (1 + random_next(&seed) % 2000) * 256 * PAGE_SIZE;
            add_range(base, (1 + random_next(&seed) % 4000) * 256 * PAGE_SIZE);
            base += machine.ranges[machine.range_count - 1].size;
        }
        for (uint64_t n = 1 + random_next(&seed) % 5; n > 0; n--) {
            struct config_guest *g = add_guest("g", 1 + random_next(&seed) % 4, 0);
            g->memory = MIB + 0x5000 + random_next(&seed) % 500 * 1001 * PAGE_SIZE;
            if (random_next(&seed) % 4 == 0)
                exact(g, 1, (uint32_t)(random_next(&seed) % 16));
        }
        if (random_next(&seed) % 2 == 0)
            reserve(random_next(&seed) % 4);
        if (make()) {
            accepted++;
            assert_true(plan_valid(&plan, &machine));
        }
    }
    assert_in_range(accepted, 600, 5400);
}

/* ---------------------------------------------------------------------- plan_print */

#define LINE_MAX 104

static void expect_table(uint32_t count, ...)
{
    va_list args;

    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_int_equal(lines_count(), count);
    va_start(args, count);
    for (uint32_t i = 0; i < count; i++) {
        const char *line = lines_last(count - 1 - i);
        assert_string_equal(line, va_arg(args, const char *));
        assert_in_range(strlen(line), 1, LINE_MAX);
    }
    va_end(args);
}

#define HEADER \
    "guest           cores                 memory      host memory                    on crash"

static void test_print(void **state)
{
    (void)state;
    make_good();
    config.guests[0].on_crash = CRASH_RESTART;
    config.guests[0].restarts = 3;
    config.guests[1].on_crash = CRASH_REBOOT;
    config.guests[2].on_crash = CRASH_RESTART;
    config.guests[2].restarts = UINT32_MAX;
    plan.guests[1].initrd_module = &machine.modules[1];
    expect_table(
        12, "3 guests; core #0 is kept for the monitor", HEADER,
        "a               #1-2                  4 GiB       0x80000000-0x17fffffff         restart "
        "3",
        "  guest memory 0x0-0xbfffffff, 0x100000000-0x13fffffff", "  image        K.ELF, PVH",
        "b               #6,#3                 16 MiB      0x2200000-0x31fffff            reboot",
        "  guest memory 0x0-0xffffff", "  image        K.ELF, PVH", "  initrd       initrd.img",
        "c               #4                    32 MiB      0x200000-0x21fffff             restart",
        "  guest memory 0x0-0x1ffffff", "  image        K.ELF, PVH");
}

static void test_print_regions(void **state)
{
    (void)state;
    make_regions();
    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_int_equal(lines_count(), 11 + 4 * 2);
    assert_true(lines_contain("  link         link0, side 1, with"));
    assert_true(
        lines_contain("  shared       0x140000000-0x1403fffff, host 0x1c0000000-0x1c03fffff, rw-"));
    assert_true(
        lines_contain("  shared       0x40000000-0x403fffff, host 0x1c0000000-0x1c03fffff, r--"));
}

/* Nobody sees what a Linux prints that was not told to use the UART. */
static void test_print_mute_linux(void **state)
{
    static const struct {
        const char *cmdline;
        bool mute;
    } rows[] = {
        {"", true},
        {"quiet", true},
        {"console=tty0", true},
        {"xconsole=ttyS0", true},
        {"console=ttyS1", true},
        {"console=ttyS0", false},
        {"ro console=tty0 console=ttyS0,115200 quiet", false},
        {"console=uart8250,io,0x3f8", false},
    };
    static const char note[] =
        "  note         without 'console=ttyS0' in its cmdline, Linux prints "
        "nothing here";

    (void)state;
    make_good();
    plan.guest_count = 2;
    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_int_equal(lines_count(), 2 + 2 * 3);
    plan.guests[0].image.is_linux = true;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        snprintf(config.guests[0].cmdline, CMDLINE_MAX, "%s", rows[i].cmdline);
        lines_clear();
        plan_print(&plan, &machine, log_line);
        assert_int_equal(lines_count(), 2 + 2 * 3 + (rows[i].mute ? 1 : 0));
        assert_int_equal(strcmp(lines_last(3), note) == 0, rows[i].mute);
    }
}

static const char *print_line(size_t index)
{
    lines_clear();
    plan_print(&plan, &machine, log_line);
    return lines_last(lines_count() - 1 - index);
}

static void test_print_titles(void **state)
{
    (void)state;
    make_good();
    plan.reserved_cores = 0;
    assert_string_equal(print_line(0), "3 guests; no core is kept for the monitor");
    plan.reserved_cores = 3;
    plan.guest_count = 1;
    assert_string_equal(print_line(0), "1 guest; cores #0-2 are kept for the monitor");
}

static void expect_cores(const char *want)
{
    const char *line = print_line(2);
    assert_memory_equal(line + 16, want, strlen(want));
    assert_int_equal(line[16 + strlen(want)], ' ');
    assert_memory_equal(line + 16 + 22, "4 GiB ", 6);
}

static void test_print_cores(void **state)
{
    (void)state;
    make_good();
    struct plan_guest *g = &plan.guests[0];
    g->core_count = GUEST_CORES_MAX;
    for (uint32_t i = 0; i < GUEST_CORES_MAX; i++)
        g->cores[i] = i;
    expect_cores("#0-63");
    for (uint32_t i = 0; i < GUEST_CORES_MAX; i++)
        g->cores[i] = GUEST_CORES_MAX - 1 - i;
    expect_cores("#63,#62,#61... (64)");
    g->core_count = 7;
    for (uint32_t i = 0; i < 7; i++)
        g->cores[i] = 2 * i;
    expect_cores("#0,#2,#4,#6,#8... (7)");
    g->cores[6] = 11; /* as wide as the column may be */
    expect_cores("#0,#2,#4,#6,#8,#10-11");
    g->cores[5] = 9;
    g->core_count = 6;
    expect_cores("#0,#2,#4,#6,#8-9");
}

/* The widest of everything still fits. */
static void test_print_width(void **state)
{
    static const struct pci_entry card = {.class = 0x120000, .reset = PCI_RESET_BUS};
    (void)state;
    make_good();
    struct plan_guest *g = &plan.guests[0];
    memset(config.guests[0].name, 'n', GUEST_NAME_MAX - 1);
    config.guests[0].on_crash = CRASH_RESTART;
    config.guests[0].restarts = UINT32_MAX - 1;
    memset(machine.modules[0].name, 'f', FILE_NAME_MAX - 1);
    g->map.count = 0;
    guest_map_add_ram(&g->map, hpa(UINT64_C(1) << 51), GUEST_MEMORY_MAX - PAGE_SIZE);
    guest_map_add(&g->map, (struct guest_region){gpa((UINT64_C(1) << 47)), hpa(UINT64_C(1) << 51),
                                                 GIB, PT_R, PT_UNCACHED, REGION_DEVICE, NULL});
    g->device_count = 1;
    g->devices[0] = (struct plan_device){.entry = &card, .bars = {gpa(UINT64_C(1) << 47)}};
    lines_clear();
    plan_print(&plan, &machine, log_line);
    assert_int_equal(lines_count(), 2 + 3 * 3 + 3);
    for (size_t i = 0; i < lines_count(); i++)
        assert_in_range(strlen(lines_last(i)), 1, LINE_MAX);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_simple),
        TEST(test_reserve_to_spare),
        TEST(test_reserve_given),
        TEST(test_reserve_needed),
        TEST(test_reserve_needed_of_few),
        TEST(test_exact_first),
        TEST(test_too_few_cores),
        TEST(test_many_takers),
        TEST(test_exact_conflicts),
        TEST(test_all_cores),
        TEST(test_largest_first),
        TEST(test_first_fit),
        TEST(test_whole_range),
        TEST(test_huge_alignment),
        TEST(test_huge_alignment_given_up),
        TEST(test_too_little_memory),
        TEST(test_memory_takers),
        TEST(test_no_memory),
        TEST(test_most_of_all),
        TEST(test_no_file),
        TEST(test_many_files),
        TEST(test_empty_files),
        TEST(test_files_of_one_name),
        TEST(test_bad_image),
        TEST(test_one_image_for_two),
        TEST(test_debug),
        TEST(test_no_screen),
        TEST(test_all_at_once),
        TEST(test_asserts),
        TEST(test_valid_counts),
        TEST(test_valid_cores),
        TEST(test_valid_ram),
        TEST(test_valid_shared),
        TEST(test_valid_links),
        TEST(test_valid_device),
        TEST(test_valid_image),
        TEST(test_random),
        TEST(test_print),
        TEST(test_print_regions),
        TEST(test_print_mute_linux),
        TEST(test_print_titles),
        TEST(test_print_cores),
        TEST(test_print_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_loader: every call that the loader makes to the firmware fails once, or from then on always,
 * with every status: either the machine boots without what failed, or a person reads one sentence
 * and everything is given back. Then a firmware whose answers are successes that make no sense.
 */
#include "boot/loader.h"

#include "efi_devices.h"

static const EFI_STATUS statuses[] = {
    EFI_INVALID_PARAMETER, EFI_UNSUPPORTED, EFI_BUFFER_TOO_SMALL, EFI_DEVICE_ERROR,
    EFI_OUT_OF_RESOURCES,  EFI_NO_MEDIA,    EFI_NOT_FOUND,        EFI_ABORTED,
};

/* The sentences that a failure of each service may cause; none: the machine boots without it. */
static const char *const sentences[CALL_COUNT][4] = {
    [CALL_ALLOCATE] = {"not enough free memory for "},
    [CALL_HANDLE_OF] = {"the firmware does not report where the loader was started from: ",
                        "the loader was not started from a file system: "},
    [CALL_VOLUME] = {"the boot volume cannot be opened: "},
    [CALL_OPEN] = {"the folder \\bulkhead cannot be opened: ",
                   "the boot volume has no folder \\bulkhead", ": cannot be opened: "},
    [CALL_INFO] = {"the folder \\bulkhead cannot be read: "},
    [CALL_READ] = {"the folder \\bulkhead cannot be read: ", ": cannot be read: "},
    [CALL_SEEK] = {"the folder \\bulkhead cannot be read: "},
    [CALL_MAP] = {"GetMemoryMap does not return a usable size of the memory map",
                  "GetMemoryMap failed: "},
    [CALL_EXIT_SERVICES] = {"ExitBootServices failed: "},
    [CALL_ATTRIBUTES_CLEAR] = {"the firmware does not make its code executable: "},
};

static uint32_t count_of(const char *text, const char *what)
{
    uint32_t count = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        count++;
    return count;
}

/* All of a file that is named, of another one its name. */
static void check_module(const struct boot_module *m)
{
    const struct efi_file *f = efi.files;

    while (strcmp(f->name, m->name) != 0)
        assert_true(++f < efi.files + efi.file_count);
    assert_false(f->folder);
    if (strcmp(f->name, "spare.img") == 0) {
        assert_int_equal(m->base, 0);
        assert_int_equal(m->size, 0);
        return;
    }
    assert_int_equal(m->size, f->size);
    assert_int_equal(m->base % PAGE_SIZE, 0);
    assert_int_equal(m->room, (f->size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE);
    assert_memory_equal((const void *)m->base, f->bytes, f->size);
    for (uint64_t k = f->size; k % PAGE_SIZE != 0; k++)
        assert_int_equal(((const uint8_t *)m->base)[k], 0);
}

/* All of the image is one segment of code. */
static void check_code(void)
{
    const uint64_t *at = efi_attributes(efi.info->image_base, efi.info->image_size);
    const uint64_t looked_at =
        efi.failed == CALL_ATTRIBUTES_SET ? EFI_MEMORY_XP : EFI_MEMORY_XP | ATTRIBUTES_RO;

    assert_int_equal(efi.code != 0, efi.levels);
    if (!efi.strict || (efi.injected && efi.failed == CALL_LOCATE)) /* a firmware without it */
        return;
    for (uint64_t i = 0; i < efi.info->image_size / PAGE_SIZE; i++)
        assert_int_equal(at[i] & looked_at, ATTRIBUTES_RO & looked_at);
    if (efi.levels)
        assert_int_equal(*efi_attributes(efi.code, PAGE_SIZE) & looked_at,
                         ATTRIBUTES_RO & looked_at);
}

/* What the hypervisor would get. */
static void check_jump(void)
{
    const struct boot_module *m = (const struct boot_module *)efi.info->modules;

    assert_int_equal(efi.info->magic, BOOT_INFO_MAGIC);
    if (efi.failed != CALL_ATTRIBUTES_SET) /* which is said and no more */
        assert_int_equal(efi.screen_len + efi.serial_len, 0);
    check_code();
    assert_true(is_aligned(efi.info->image_base, PLACE_ALIGN) && efi.info->image_base < 4 * GIB);
    assert_int_equal(efi.entry - efi.info->image_base, sizeof(struct elf64_ehdr) + 56);
    assert_int_equal(*(const uint8_t *)efi.entry, 0x90);
    for (uint32_t i = 0; i < efi.info->module_count; i++)
        check_module(&m[i]);
    assert_int_equal(efi.info->module_count,
                     efi.file_count - 2); /* the folder; what nobody spells */
    assert_true(efi.info->range_count > 3);
}

static void make_modern(void)
{
    efi_make();
    efi.strict = efi.levels = true;
}

/* Of the memory map that the hypervisor gets. */
static uint32_t kind_at(uint64_t address)
{
    const struct boot_range *r = (const struct boot_range *)efi.info->ranges;

    for (uint32_t i = 0; i < efi.info->range_count; i++)
        if (address - r[i].base < r[i].size)
            return r[i].kind;
    return 0;
}

/* One sentence, on the screen while there is one, and on the serial port, and what follows. */
static void check_words(enum efi_end end, const char *sentence)
{
    const char *last =
        end == END_RESET ? "[bulkhead] powering off\r\n" : "[bulkhead] back to the firmware\r\n";

    assert_true(efi.serial_len > strlen(last));
    assert_string_equal(efi.serial + efi.serial_len - strlen(last), last);
    assert_int_equal(count_of(efi.serial, "[bulkhead] "), 2);
    assert_non_null(strstr(efi.serial, sentence));
    if (end == END_RESET || efi.failed == CALL_PRINT)
        return;
    assert_int_equal(count_of(efi.screen, "Bulkhead: "), 1);
    assert_non_null(strstr(efi.screen, sentence));
}

static void check_refused(enum efi_end end, const char *sentence)
{
    assert_int_equal(end, efi.leaving ? END_RESET : END_BACK);
    check_words(end, sentence);
    for (uint32_t i = 0; i < OPEN_MAX; i++)
        assert_false(efi.opens[i].used);
    if (end == END_BACK)
        assert_int_equal(efi_taken(), efi.leaked);
}

/* The sentence that the service which failed may cause and that is there. */
static const char *said(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(sentences[0]); i++) {
        const char *s = sentences[efi.failed][i];
        if (s != NULL && strstr(efi.serial, s) != NULL)
            return s;
    }
    print_error("service %d, call %u: %s\n", efi.failed, efi.fault_at, efi.serial);
    fail();
    return "";
}

static void a_sound_machine_boots(void **state)
{
    (void)state;
    efi_make();
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    assert_true(efi.info->low_page != 0 && efi.info->low_page < 0xa0000);
    assert_string_equal(efi.info->firmware_vendor, "EDK ??");
    assert_true(efi.info->uefi_revision == (2 << 16 | 70) &&
                efi.info->firmware_revision == 0x10000);
    assert_true(efi.info->lastlog != 0 && efi.info->seconds != 0 && efi.info->rsdp == 0xf0000);
    assert_int_equal(efi.info->framebuffer.format, BOOT_PIXEL_BGRX);
    assert_int_equal(efi.by[CALL_EXIT_SERVICES], 2); /* one key was stale */
    for (uint32_t s = 0; s < CALL_COUNT; s++) /* every service is met, so every one will fail */
        assert_true(efi.by[s] > 0 || s == CALL_PRINT || s >= CALL_MENU_PRINT);
}

/* Memory that is writable or executable, and five levels of paging. */
static void a_modern_machine_boots(void **state)
{
    (void)state;
    make_modern();
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    for (uint32_t s = 0; s < CALL_COUNT; s++)
        assert_true(efi.by[s] > 0 || s == CALL_PRINT ||
                    (s >= CALL_MENU_PRINT && s <= CALL_STALL) ||       /* test_menu */
                    s == CALL_GET_VARIABLE || s == CALL_SET_VARIABLE); /* test_next */
    assert_true(kind_at(efi.code) == BOOT_RAM_LOADER);
}

/* The firmware does not say what pages have: then all is asked for, and nothing is needed. */
static void attributes_that_nobody_knows(void **state)
{
    (void)state;
    make_modern();
    efi.fault = EFI_NO_MAPPING;
    efi.failed = CALL_ATTRIBUTES_GET;
    efi.injected = efi.fault_lasts = true;
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    assert_true(efi.by[CALL_ATTRIBUTES_CLEAR] == 4);
}

/* Call number `at` fails; false: there is no such call any more. */
static bool fail_at(uint32_t at, bool lasts, EFI_STATUS status, uint32_t *ends)
{
    make_modern();
    efi.fault_at = at;
    efi.fault_lasts = lasts;
    efi.fault = status;
    const enum efi_end end = efi_run();
    ends[end]++;
    if (end != END_JUMP) {
        check_refused(end, said());
        return efi.injected;
    }
    check_jump();
    if (efi.injected && efi.failed == CALL_ALLOCATE) /* these two it can do without */
        assert_true(efi.info->low_page == 0 || efi.info->lastlog != LASTLOG_BELOW(2 * MIB));
    else if (efi.injected && efi.failed == CALL_EXIT_SERVICES) /* once more, with a fresh key */
        assert_true(!lasts && status == EFI_INVALID_PARAMETER);
    else if (efi.injected && efi.failed == CALL_ATTRIBUTES_SET)
        assert_non_null(strstr(efi.serial, "the firmware does not write-protect its code: "));
    else if (efi.injected && efi.failed >= CALL_HANDLE_OF && efi.failed <= CALL_OPEN)
        assert_false(lasts); /* while \bulkhead\next\ was looked for: then there is none */
    else if (efi.injected)
        assert_null(sentences[efi.failed][0]);
    return efi.injected;
}

/* abuse: BU-05 */
static void every_call_fails(void **state)
{
    uint32_t ends[END_RESET + 1] = {0};
    uint32_t calls;

    (void)state;
    make_modern();
    assert_int_equal(efi_run(), END_JUMP);
    calls = efi.calls;
    for (size_t s = 0; s < ARRAY_SIZE(statuses); s++) {
        for (int lasts = 0; lasts < 2; lasts++) {
            uint32_t at = 1;
            while (fail_at(at, lasts, statuses[s], ends))
                at++;
            assert_in_range(at, calls, calls + 1); /* every one of them, and then none */
        }
    }
    print_message("# %u calls; %u boots, %u ways back, %u power-offs\n", calls, ends[END_JUMP],
                  ends[END_BACK], ends[END_RESET]);
    assert_true(ends[END_JUMP] > 100 && ends[END_BACK] > 100 && ends[END_RESET] > 5);
}

/* Only these may fail without a word: the machine boots, and knows what it does not have. */
static void what_is_not_needed_is_left_out(void **state)
{
    static const struct {
        enum efi_service service;
        bool screen, clock;
    } rows[] = {{CALL_WATCHDOG, true, true},  {CALL_CLOCK, true, false},
                {CALL_LOCATE, false, true},   {CALL_MODE_QUERY, false, true},
                {CALL_MODE_SET, false, true}, {CALL_FREE, true, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        efi_make();
        efi.fault = EFI_DEVICE_ERROR;
        efi.failed = rows[i].service;
        efi.injected = efi.fault_lasts = true; /* from the first call on */
        efi.fault_at = 0;
        assert_int_equal(efi_run(), END_JUMP);
        check_jump();
        assert_int_equal(efi.info->framebuffer.format != BOOT_PIXEL_NONE, rows[i].screen);
        assert_int_equal(efi.info->seconds != 0, rows[i].clock);
    }
}

/* Memory of every size, from none at all on: never half a boot. */
/* abuse: BU-05 */
static void memory_that_ends_anywhere(void **state)
{
    uint32_t boots = 0;

    (void)state;
    for (uint64_t pages = 0; pages < 1200; pages++) {
        efi_make();
        efi.map[3].NumberOfPages = pages;
        const enum efi_end end = efi_run();
        if (end == END_JUMP) {
            check_jump();
            boots++;
        } else {
            check_refused(end, "not enough free memory for ");
        }
    }
    assert_in_range(boots, 300, 1000);
}

/* abuse: BU-05 */
static void sizes_of_files_that_are_lies(void **state)
{
    static const uint64_t claims[] = {70001,      1 << 20,           1ull << 40,
                                      1ull << 63, UINT64_MAX - 4094, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        efi_make();
        efi.files[4].claims = claims[i];
        check_refused(efi_run(),
                      claims[i] <= 1 << 20
                          ? "\\bulkhead\\big.img: is shorter than its directory entry says"
                          : "\\bulkhead\\big.img: not enough free memory for ");
    }
    efi_make();
    efi.read_most = 1000; /* little by little is no fault */
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    efi_make();
    efi.read_extra = 1; /* more than was asked for has been written somewhere */
    check_refused(efi_run(), ": cannot be read: ");
}

/* RAM that the hypervisor may use. */
static uint64_t free_ram(void)
{
    const struct boot_range *r = (const struct boot_range *)efi.info->ranges;
    uint64_t size = 0;

    for (uint32_t i = 0; i < efi.info->range_count; i++)
        size += r[i].kind == BOOT_RAM_FREE ? r[i].size : 0;
    return size;
}

/* A file that nobody names may be larger than the memory: it costs none. */
static void a_spare_file_is_not_read(void **state)
{
    uint64_t free_before;

    (void)state;
    efi_make();
    assert_int_equal(efi_run(), END_JUMP);
    free_before = free_ram();
    efi_make();
    assert_string_equal(efi.files[5].name, "spare.img");
    efi.files[5].claims = 1ull << 40;
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    assert_int_equal(free_ram(), free_before);
}

/* abuse: BU-05 */
static void a_folder_without_end(void **state)
{
    (void)state;
    for (int folder = 0; folder < 2; folder++) {
        efi_make();
        efi.folder_has_no_end = true;
        efi.files[0].folder = folder; /* a chain of clusters that goes round in the FAT */
        check_refused(efi_run(), "the folder \\bulkhead never ends: the volume is damaged");
    }
}

static void a_screen_without_end(void **state)
{
    (void)state;
    efi_make();
    efi.mode_max = efi.modes_bad = UINT32_MAX;
    assert_int_equal(efi_run(), END_JUMP);
    check_jump();
    assert_int_equal(efi.info->framebuffer.format, BOOT_PIXEL_NONE);
}

static void a_serial_port_that_is_stuck(void **state)
{
    (void)state;
    efi_make();
    efi.uart_stuck = true;
    efi.file_count = 1;
    assert_int_equal(efi_run(), END_BACK);
    assert_int_equal(efi.serial_len, 0);
    assert_non_null(strstr(efi.screen, "bulkhead.elf: is missing on the boot volume"));
}

/* The sentence and ten dots, however much a Read gives; and where it fails half-way, what failed
 * stands on a line of its own. */
static void a_large_file_is_announced(void **state)
{
    static const char line[] = "Bulkhead: reading big.img, 17 MiB ..........\r\n";
    static uint8_t large[17 * MIB - 4096];
    const UINTN most[] = {0, 100000, 2 * MIB, 16 * MIB};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
        efi_make();
        efi.files[4].bytes = large;
        efi.files[4].size = efi.files[4].claims = sizeof(large);
        efi.read_most = most[i];
        assert_int_equal(efi_run(), END_JUMP);
        assert_string_equal(efi.screen, line);
        assert_int_equal(efi.serial_len, 0);
    }
    efi_make();
    efi.files[4].bytes = large;
    efi.files[4].size = 10 * MIB;
    efi.files[4].claims = sizeof(large);
    assert_int_equal(efi_run(), END_BACK);
    assert_int_equal(efi_taken(), efi.leaked);
    assert_non_null(
        strstr(efi.screen, "17 MiB .....\r\nBulkhead: \\bulkhead\\big.img: is shorter"));
    efi_make();
    efi.files[4].bytes = large;
    efi.files[4].size = efi.files[4].claims = 16 * MIB;
    assert_int_equal(efi_run(), END_JUMP);
    assert_int_equal(efi.screen_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_machine_boots),
        cmocka_unit_test(a_modern_machine_boots),
        cmocka_unit_test(attributes_that_nobody_knows),
        cmocka_unit_test(every_call_fails),
        cmocka_unit_test(what_is_not_needed_is_left_out),
        cmocka_unit_test(memory_that_ends_anywhere),
        cmocka_unit_test(sizes_of_files_that_are_lies),
        cmocka_unit_test(a_spare_file_is_not_read),
        cmocka_unit_test(a_folder_without_end),
        cmocka_unit_test(a_screen_without_end),
        cmocka_unit_test(a_large_file_is_announced),
        cmocka_unit_test(a_serial_port_that_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * test_next: two sets of files on the volume, and what the firmware's variables say of the newer
 * one. Whatever they say, and whatever of the newer set or of the firmware fails: the machine boots
 * one of the two, and says which and why.
 */
#include "boot/loader.h"

#include "efi_devices.h"

#include "lib/fmt.h"

#define TRIED     0
#define CONFIRMED 1

/* The firmware's code and data at run time; SetVariable is not looked for in the loader. */
static struct {
    uint32_t version, count, step, flags;
    EFI_MEMORY_DESCRIPTOR rows[3];
} runtime_memory;

static struct {
    uint16_t version, length;
    uint32_t supported;
} properties;

static char conf[128];

static void add_next(const char *name, const void *bytes, uint64_t size)
{
    efi_add_file(name, bytes, size);
    efi.files[efi.file_count - 1].next = true;
}

static struct efi_file *next_file(const char *name)
{
    struct efi_file *f = efi.files;

    while (!f->next || strcmp(f->name, name) != 0)
        assert_true(++f < efi.files + efi.file_count);
    return f;
}

/* Two sets that differ in a guest's name, in firmware that can do all that is asked for. */
static void make(void)
{
    static const uint8_t image[5000] = {1, 2, 3};
    uint64_t size;

    efi_make();
    const uint8_t *kernel = efi_kernel(&size);
    strcpy(conf, "[guest newer]\nmemory = 16M\nimage = k.img\ninitrd = i.img\ndisk = d.img\n");
    add_next("bulkhead.conf", conf, strlen(conf));
    add_next("bulkhead.elf", kernel, size);
    add_next("k.img", image, sizeof(image));
    add_next("i.img", image, 77);
    add_next("d.img", image, sizeof(image));
    runtime_memory = (__typeof__(runtime_memory)){.version = 1, .count = 2, .step = 40};
    _Static_assert(sizeof(EFI_MEMORY_DESCRIPTOR) == 40, "the step");
    runtime_memory.rows[0] = (EFI_MEMORY_DESCRIPTOR){.Type = EfiRuntimeServicesCode,
                                                     .PhysicalStart = 0x7000000,
                                                     .NumberOfPages = 3,
                                                     .Attribute = EFI_MEMORY_RUNTIME | RUNTIME_RO};
    runtime_memory.rows[1] =
        (EFI_MEMORY_DESCRIPTOR){.Type = EfiRuntimeServicesData,
                                .PhysicalStart = 0x7003000,
                                .NumberOfPages = 2,
                                .Attribute = EFI_MEMORY_RUNTIME | EFI_MEMORY_XP};
    efi.runtime_memory = &runtime_memory;
}

/* The flash chip, in the memory map only. */
static void add_flash(void)
{
    efi.odd[efi.odd_count++] = (EFI_MEMORY_DESCRIPTOR){.Type = EfiMemoryMappedIO,
                                                       .PhysicalStart = 0xffc00000,
                                                       .NumberOfPages = 0x84,
                                                       .Attribute = EFI_MEMORY_RUNTIME};
}

static bool is_next(void)
{
    const struct boot_module *m = (const struct boot_module *)efi.info->modules;

    return memcmp((const void *)m->base, "[guest newer]", 13) == 0;
}

static void set(int which, uint64_t id)
{
    const struct next_record r = next_record_of(id);

    efi.variables[which] = (struct efi_variable){true, NEXT_ATTRIBUTES, sizeof(r), {0}};
    memcpy(efi.variables[which].bytes, &r, sizeof(r));
}

static uint64_t id_in(int which)
{
    struct next_record r;

    if (!efi.variables[which].found)
        return 0;
    memcpy(&r, efi.variables[which].bytes, sizeof(r));
    return r.id;
}

/* The same volume in another boot of the same firmware. */
static void boot_again(void)
{
    struct efi_variable kept[2];
    struct efi_file files[FILES_MAX];
    const uint32_t count = efi.file_count;

    memcpy(kept, efi.variables, sizeof(kept));
    memcpy(files, efi.files, sizeof(files));
    make();
    memcpy(efi.variables, kept, sizeof(kept));
    memcpy(efi.files, files, sizeof(files));
    efi.file_count = count;
    assert_int_equal(efi_run(), END_JUMP);
}

static void old_is_taken(const char *note)
{
    assert_false(is_next());
    assert_int_equal(efi.info->set, BOOT_SET_PLAIN);
    assert_int_equal(efi.info->set_id, 0);
    assert_int_equal(efi.info->runtime_count, 0);
    assert_string_equal(efi.info->set_note, note);
    assert_int_equal(efi.by[CALL_FREE] > 0, true);
}

static void test_new_is_tried_once(void **state)
{
    (void)state;
    make();
    add_flash();
    assert_int_equal(efi_run(), END_JUMP);
    assert_true(is_next());
    assert_int_equal(efi.info->set, BOOT_SET_TRIED);
    assert_string_equal(efi.info->set_note, "");
    assert_int_equal(efi.info->set_id, id_in(TRIED));
    assert_int_equal(efi.info->set_variable, (uintptr_t)efi_set_variable);
    assert_int_equal(efi.info->runtime_count, 3);
    const struct boot_runtime *r = (const struct boot_runtime *)efi.info->runtime;
    assert_int_equal(r[0].base, 0x7000000);
    assert_int_equal(r[0].pages, 3);
    assert_int_equal(r[0].rights, BOOT_RUNTIME_EXECUTE);
    assert_int_equal(r[1].rights, BOOT_RUNTIME_WRITE);
    assert_int_equal(r[2].base, 0xffc00000);
    assert_int_equal(r[2].rights, BOOT_RUNTIME_WRITE | BOOT_RUNTIME_UNCACHED);
    for (int i = 0; i < 3; i++) {
        boot_again();
        old_is_taken("\\bulkhead\\next was tried and not confirmed; taking \\bulkhead");
        assert_non_null(strstr(efi.screen, "\\bulkhead\\next was tried and not confirmed"));
        assert_non_null(strstr(efi.screen, "Bulkhead: taking \\bulkhead\r\n"));
    }
}

static void test_confirmed_stays(void **state)
{
    (void)state;
    make();
    assert_int_equal(efi_run(), END_JUMP);
    set(CONFIRMED, efi.info->set_id);
    for (int i = 0; i < 3; i++) {
        boot_again();
        assert_true(is_next());
        assert_int_equal(efi.info->set, BOOT_SET_CONFIRMED);
        assert_int_equal(efi.info->runtime_count, 0);
        assert_int_equal(efi.by[CALL_SET_VARIABLE], 0);
    }
}

/* A bit in any of its files makes it another one, which is tried anew. */
static void test_changed_is_tried_anew(void **state)
{
    static const char *const names[] = {"bulkhead.conf", "bulkhead.elf", "k.img", "i.img", "d.img"};
    static uint8_t other[8192];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        make();
        assert_int_equal(efi_run(), END_JUMP);
        const uint64_t id = efi.info->set_id;
        set(CONFIRMED, id);
        struct efi_file *f = next_file(names[i]);
        memcpy(other, f->bytes, f->size);
        other[f->size - 1] ^= i == 0 ? '\n' ^ ' ' : 1;
        f->bytes = other;
        boot_again();
        assert_int_equal(efi.info->set, BOOT_SET_TRIED);
        assert_int_not_equal(efi.info->set_id, id);
        assert_int_equal(id_in(TRIED), efi.info->set_id);
        boot_again();
        assert_int_equal(efi.info->set, BOOT_SET_PLAIN);
    }
}

/* What cannot be run is not tried: the reason, and the old set in the same boot. */
static void test_broken_is_not_tried(void **state)
{
    static const struct {
        const char *file, *note;
    } gone[] = {
        {"bulkhead.elf", "\\bulkhead\\next\\bulkhead.elf: is missing on the boot volume"},
        {"k.img", "\\bulkhead\\next\\k.img: is missing on the boot volume"},
        {"i.img", "\\bulkhead\\next\\i.img: is missing on the boot volume"},
        {"d.img", "\\bulkhead\\next\\d.img: is missing on the boot volume"},
    };
    char note[BOOT_NOTE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
        make();
        next_file(gone[i].file)->name = "elsewhere";
        assert_int_equal(efi_run(), END_JUMP);
        fmt_print(note, sizeof(note), "%s; taking \\bulkhead", gone[i].note);
        old_is_taken(note);
        assert_false(efi.variables[TRIED].found);
    }
    make();
    next_file("bulkhead.elf")->size = next_file("bulkhead.elf")->claims = 60;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next\\bulkhead.elf: is cut off inside its ELF header; taking "
                 "\\bulkhead");
    make();
    next_file("k.img")->claims += 1;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next\\k.img: is shorter than its directory entry says; taking "
                 "\\bulkhead");
    make();
    next_file("k.img")->claims = 64 * GIB;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next\\k.img: not enough free memory for 68719476736 bytes; taking "
                 "\\bulkhead");
    make();
    memcpy(strstr(conf, "16M"), "16X", 3);
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next\\bulkhead.conf:2: '16X' is not a size: write a whole number and "
                 "K, M or G, such as 64M; taking \\bulkhead");
    assert_false(efi.variables[TRIED].found);
}

/* A folder without a bulkhead.conf is one that is still being filled. */
static void test_incomplete_is_none(void **state)
{
    (void)state;
    make();
    next_file("bulkhead.conf")->name = "bulkhead.new";
    assert_int_equal(efi_run(), END_JUMP);
    assert_false(is_next());
    assert_string_equal(efi.info->set_note, "");
    assert_int_equal(efi.screen_len, 0);
}

static void test_without_old_set(void **state)
{
    (void)state;
    make();
    efi.files[0].name = "other.txt"; /* bulkhead.conf of \bulkhead\ */
    assert_int_equal(efi_run(), END_JUMP);
    assert_true(is_next());
    const uint64_t id = efi.info->set_id;
    make();
    efi.files[0].name = "other.txt";
    set(TRIED, id);
    assert_int_equal(efi_run(), END_BACK);
    assert_non_null(strstr(efi.serial, "\\bulkhead\\next was tried and not confirmed\r\n"));
    assert_non_null(
        strstr(efi.serial, "\\bulkhead\\bulkhead.conf: is missing on the boot volume\r\n"));
    assert_int_equal(efi_taken(), 0);
}

/* abuse: BU-08: variables that another system, or a person, has written */
static void test_odd_variables(void **state)
{
    static const struct {
        uint32_t attributes;
        uint64_t size;
        uint32_t magic;
        const char *says;
    } rows[] = {
        {NEXT_ATTRIBUTES, 15, NEXT_MAGIC, "has a wrong size"},
        {NEXT_ATTRIBUTES, 17, NEXT_MAGIC, "has a wrong size"},
        {NEXT_ATTRIBUTES, 64, NEXT_MAGIC, "has a wrong size"},
        {NEXT_ATTRIBUTES, 0, NEXT_MAGIC, "has a wrong size"},
        {6, 16, NEXT_MAGIC, "has wrong attributes"},
        {NEXT_ATTRIBUTES | 0x20, 16, NEXT_MAGIC, "has wrong attributes"},
        {NEXT_ATTRIBUTES, 16, 0, "holds something else"},
    };
    char words[96];

    (void)state;
    make();
    assert_int_equal(efi_run(), END_JUMP);
    const uint64_t id = efi.info->set_id;
    for (int which = TRIED; which <= CONFIRMED; which++) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            make();
            set(which, id);
            efi.variables[which].attributes = rows[i].attributes;
            efi.variables[which].size = rows[i].size;
            memcpy(efi.variables[which].bytes, &rows[i].magic, sizeof(rows[i].magic));
            assert_int_equal(efi_run(), END_JUMP);
            assert_int_equal(efi.info->set, BOOT_SET_TRIED); /* as if it were not there */
            assert_int_equal(id_in(TRIED), id);
            assert_int_equal(id_in(CONFIRMED), 0);
            fmt_print(words, sizeof(words), "the variable %s %s: it is deleted",
                      which == TRIED ? "BulkheadTried" : "BulkheadConfirmed", rows[i].says);
            assert_non_null(strstr(efi.serial, words));
        }
    }
}

static void test_firmware_that_cannot(void **state)
{
    static const EFI_STATUS statuses[] = {EFI_WRITE_PROTECTED, EFI_OUT_OF_RESOURCES,
                                          EFI_INVALID_PARAMETER};
    static const char *const words[] = {"write-protected", "out of memory", "invalid parameter"};
    char note[BOOT_NOTE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        make();
        efi.failed = CALL_SET_VARIABLE;
        efi.fault = statuses[i];
        efi.injected = efi.fault_lasts = true;
        assert_int_equal(efi_run(), END_JUMP);
        fmt_print(note, sizeof(note),
                  "\\bulkhead\\next cannot be tried: SetVariable failed: %s; taking \\bulkhead",
                  words[i]);
        old_is_taken(note);
    }
    make();
    efi.forgets = true;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next cannot be tried: the firmware does not keep variables; taking "
                 "\\bulkhead");
    make();
    efi.runtime_memory = NULL;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next could not be confirmed: the firmware has no memory attributes "
                 "table; taking \\bulkhead");
    make();
    properties = (__typeof__(properties)){1, 8, 0x3f};
    efi.properties = &properties;
    assert_int_equal(efi_run(), END_JUMP);
    old_is_taken("\\bulkhead\\next could not be confirmed: the firmware has no SetVariable at run "
                 "time; taking \\bulkhead");
    make();
    properties.supported = 0x40;
    efi.properties = &properties;
    assert_int_equal(efi_run(), END_JUMP);
    assert_int_equal(efi.info->set, BOOT_SET_TRIED);
}

/* abuse: BU-08: a memory attributes table of any shape */
static void test_odd_runtime_memory(void **state)
{
    static const uint32_t counts[] = {0, 4097, UINT32_MAX};
    static const uint32_t steps[] = {0, 39, 4097, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts) + ARRAY_SIZE(steps); i++) {
        make();
        if (i < ARRAY_SIZE(counts))
            runtime_memory.count = counts[i];
        else
            runtime_memory.step = steps[i - ARRAY_SIZE(counts)];
        assert_int_equal(efi_run(), END_JUMP);
        assert_int_equal(efi.info->set, BOOT_SET_PLAIN);
    }
}

/* Every call fails, once or from then on: one of the two boots, or a sentence. */
static void test_every_call_fails(void **state)
{
    uint32_t next = 0, old = 0, back = 0;

    (void)state;
    for (int lasts = 0; lasts < 2; lasts++) {
        for (uint32_t at = 1;; at++) {
            make();
            efi.fault = EFI_DEVICE_ERROR;
            efi.fault_at = at;
            efi.fault_lasts = lasts;
            const enum efi_end end = efi_run();
            if (!efi.injected)
                break;
            for (uint32_t i = 0; i < OPEN_MAX; i++)
                assert_false(efi.opens[i].used);
            if (end != END_JUMP) {
                back++;
                assert_true(efi.serial_len > 0);
                if (end == END_BACK)
                    assert_int_equal(efi_taken(), efi.leaked);
            } else if (efi.info->set == BOOT_SET_PLAIN) {
                old++;
                assert_false(is_next());
                assert_true(efi.info->set_note[0] != '\0' ||
                            (efi.failed >= CALL_HANDLE_OF && efi.failed <= CALL_OPEN));
            } else {
                next++;
                assert_true(is_next());
                assert_int_equal(id_in(TRIED), efi.info->set_id);
            }
        }
    }
    print_message("# %u boots of the newer set, %u of the older, %u ways back\n", next, old, back);
    assert_true(next > 10 && old > 20 && back > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_is_tried_once),     cmocka_unit_test(test_confirmed_stays),
        cmocka_unit_test(test_changed_is_tried_anew), cmocka_unit_test(test_broken_is_not_tried),
        cmocka_unit_test(test_incomplete_is_none),    cmocka_unit_test(test_without_old_set),
        cmocka_unit_test(test_odd_variables),         cmocka_unit_test(test_firmware_that_cannot),
        cmocka_unit_test(test_odd_runtime_memory),    cmocka_unit_test(test_every_call_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

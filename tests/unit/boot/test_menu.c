/* SPDX-License-Identifier: MIT */
/*
 * test_menu: several *.conf files on a firmware whose keyboard a script types on: which one is
 * started, what a person reads, and that nothing a file, a name or the firmware does hangs it.
 */
#include "boot/loader.h"

#include <stdio.h>

#include "efi_devices.h"

#define GUEST(name) "[guest " name "]\nmemory = 16M\nimage = big.img\n"
#define UP          (KEY_SCAN | SCAN_CODE_UP)
#define DOWN        (KEY_SCAN | SCAN_CODE_DOWN)
#define END_KEY     (KEY_SCAN | SCAN_CODE_END)
#define ESC         (KEY_SCAN | SCAN_CODE_ESC)
#define LEFT        (KEY_SCAN | SCAN_CODE_LEFT)

static void add_conf(const char *name, const char *text)
{
    efi_add_file(name, text, strlen(text));
}

/* Three files, given in no order. */
static void make(const char *first)
{
    efi_make();
    efi.columns = 80;
    efi.rows = 25;
    efi.files[0].bytes = (const uint8_t *)first;
    efi.files[0].size = efi.files[0].claims = strlen(first);
    add_conf("z.conf", GUEST("z"));
    add_conf("A.CONF", GUEST("a") "cmdline = one two\n" GUEST("b"));
}

static void type(const uint16_t *keys, uint32_t count)
{
    efi.keys = keys;
    efi.key_count = count;
}

#define TYPE(...)                                     \
    do {                                              \
        static const uint16_t keys[] = {__VA_ARGS__}; \
        type(keys, ARRAY_SIZE(keys));                 \
    } while (0)

/* What the hypervisor finds under the name that it looks for. */
static void check_started(const char *name, const char *text)
{
    const struct boot_module *m = (const struct boot_module *)efi.info->modules;

    assert_string_equal(efi.info->config_name, name);
    assert_string_equal(m->name, FOLDER_CONFIG);
    assert_int_equal(m->size, strlen(text));
    assert_memory_equal((const void *)m->base, text, m->size);
    for (uint32_t i = 1; i < efi.info->module_count; i++)
        assert_false(span_is_any_case(span_of(m[i].name), FOLDER_CONFIG));
}

static bool was_shown(const char *text)
{
    efi.shown[efi.shown_len] = '\0';
    return strstr(efi.shown, text) != NULL;
}

static void the_countdown_takes_the_first(void **state)
{
    (void)state;
    make(GUEST("x"));
    assert_int_equal(efi_run(), END_JUMP);
    check_started("bulkhead.conf", GUEST("x"));
    assert_int_equal(efi.stalled, 5000000);
    assert_true(was_shown(">   1  bulkhead.conf ") && was_shown("    2  A.CONF "));
    assert_true(was_shown("    3  z.conf ") && was_shown("bulkhead.conf starts in 1 s;"));
}

static void the_first_file_sets_the_time(void **state)
{
    (void)state;
    make("[machine]\ntimeout = 0\n" GUEST("x"));
    TYPE('3', '\r'); /* too late */
    assert_int_equal(efi_run(), END_JUMP);
    check_started("bulkhead.conf", "[machine]\ntimeout = 0\n" GUEST("x"));
    assert_int_equal(efi.stalled + efi.shown_len + efi.by[CALL_KEY], 0);
    make("[machine]\ntimeout = 60\n" GUEST("x"));
    assert_int_equal(efi_run(), END_JUMP);
    assert_int_equal(efi.stalled, 60000000);
}

static void keys_choose(void **state)
{
    static const struct {
        uint16_t keys[6];
        uint32_t count;
        const char *name;
    } rows[] = {
        {{'\r'}, 1, "bulkhead.conf"},
        {{'2', '\r'}, 2, "A.CONF"},
        {{DOWN, DOWN, '\r'}, 3, "z.conf"},
        {{DOWN, DOWN, DOWN, UP, '\n'}, 5, "A.CONF"},
        {{END_KEY, '\r'}, 2, "z.conf"},
        {{UP, '9', 'x', ESC, '\r'}, 5, "bulkhead.conf"},
        {{'3', '1', 0x3b1, '\r'}, 4, "bulkhead.conf"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make(GUEST("x"));
        type(rows[i].keys, rows[i].count);
        assert_int_equal(efi_run(), END_JUMP);
        assert_string_equal(efi.info->config_name, rows[i].name);
    }
}

static void one_file_has_no_menu(void **state)
{
    (void)state;
    efi_make();
    efi_add_file("x.conf", "", 0);
    efi.files[efi.file_count - 1].folder = true;
    add_conf("conf", "");
    add_conf("a.conf.txt", "");
    assert_int_equal(efi_run(), END_JUMP);
    assert_int_equal(efi.stalled + efi.shown_len, 0);
    assert_string_equal(efi.info->config_name, FOLDER_CONFIG);
}

static void what_is_broken_is_not_started(void **state)
{
    (void)state;
    make(GUEST("x") "colour = red\n");
    TYPE(' ', '\r', ' ', 'e', ' ', '3', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    check_started("z.conf", GUEST("z"));
    assert_true(was_shown("bulkhead.conf has errors and cannot be started:"));
    assert_true(was_shown("bulkhead.conf:4: unknown key 'colour'"));
    make("");
    TYPE('\r', ' ', '2', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    assert_true(was_shown("bulkhead.conf: the file is empty"));
    assert_string_equal(efi.info->config_name, "A.CONF");
}

/* Not when its time has come, either: then the menu waits. */
static void what_is_broken_does_not_start_by_itself(void **state)
{
    (void)state;
    make("[machine]\ntimeout = 0\n" GUEST("x") "colour = red\n");
    TYPE(' ', '2', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    assert_true(was_shown("bulkhead.conf:6: unknown key 'colour'"));
    assert_string_equal(efi.info->config_name, "A.CONF");
}

/* With nobody there the hypervisor gets it, and says what is wrong. */
static void a_machine_without_a_console(void **state)
{
    (void)state;
    make("nonsense");
    efi.no_console = true;
    assert_int_equal(efi_run(), END_JUMP);
    check_started("bulkhead.conf", "nonsense");
    assert_int_equal(efi.stalled, 0);
}

static void an_edited_line(void **state)
{
    (void)state;
    make(GUEST("x"));
    TYPE('2', 'e', '\r', LEFT, 8, '2', 'w', 'X', 0x7f, '\r', 'e', '2', '\r', 'n', '\r', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    check_started("A.CONF", GUEST("a") "cmdline = one t2wo\n[guest b]\ncmdline = n\n"
                                       "memory = 16M\nimage = big.img\n");
    assert_true(was_shown("Edited for this start only: A.CONF"));
    make(GUEST("x")); /* Esc drops; a file that was looked at since is as it was */
    TYPE('e', 'q', ESC, 'e', 'r', '\r', '2', 'e', ESC, '1', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    check_started("bulkhead.conf", GUEST("x"));
}

static void a_line_that_is_a_comment(void **state)
{
    (void)state;
    make(GUEST("x"));
    TYPE('e', 'a', ' ', '#', ' ', 'b', '\r', ' ', 8, 8, 8, '\r', '\r');
    assert_int_equal(efi_run(), END_JUMP);
    assert_true(was_shown("a '#' after a blank begins a comment"));
    check_started("bulkhead.conf", "[guest x]\ncmdline = a \nmemory = 16M\nimage = big.img\n");
}

static void more_files_than_are_listed(void **state)
{
    static char names[500][16];
    (void)state;
    for (int with = 0; with < 2; with++) {
        make(GUEST("x"));
        for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
            snprintf(names[i], sizeof(names[i]), "m%03u.conf", i * 7 % 500);
            add_conf(names[i], GUEST("m"));
        }
        add_conf("S\u00e4ge.conf", "");
        add_conf("012345678901234567890123456789012345678901234567890123456789.conf", "");
        efi.rows = with != 0 ? 12 : 25;
        TYPE(END_KEY, '\r');
        assert_int_equal(efi_run(), END_JUMP);
        assert_string_equal(efi.info->config_name, "m125.conf"); /* behind bulkhead and a */
        assert_true(was_shown("and 377 not listed: too many, or an unusual name"));
        assert_true(was_shown("> 128  m125.conf "));
    }
}

static void screens_of_every_size(void **state)
{
    static const uint32_t sizes[][2] = {{0, 0}, {1, 1}, {40, 12}, {80, 25}, {240, 75}, {~0u, ~0u}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        make(GUEST("x") "a = b\nc = d\n");
        efi.columns = sizes[i][0];
        efi.rows = sizes[i][1];
        TYPE('\r', ' ', '2', 'e', '\r', 'a', '\r', '\r');
        assert_int_equal(efi_run(), END_JUMP);
        assert_string_equal(efi.info->config_name, "A.CONF");
    }
}

/* abuse: BU-05 */
static void every_call_fails(void **state)
{
    static const EFI_STATUS statuses[] = {EFI_DEVICE_ERROR, EFI_UNSUPPORTED, EFI_NOT_FOUND};
    uint32_t ends[END_RESET + 1] = {0};

    (void)state;
    for (size_t s = 0; s < 2 * ARRAY_SIZE(statuses); s++) {
        bool injected = true;
        for (uint32_t at = 1; injected; at++) {
            make(GUEST("x"));
            TYPE('2', 'e', '\r', 'a', '\r', '\r');
            efi.unplugged = true; /* or it would wait for a person */
            efi.fault_at = at;
            efi.fault_lasts = s % 2 != 0;
            efi.fault = statuses[s / 2];
            const enum efi_end end = efi_run();
            ends[end]++;
            injected = efi.injected;
            for (uint32_t i = 0; i < OPEN_MAX; i++)
                assert_false(efi.opens[i].used);
            if (end == END_BACK)
                assert_int_equal(efi_taken(), efi.leaked);
            else if (efi.failed == CALL_KEY && efi.fault_lasts)
                assert_string_equal(efi.info->config_name, "bulkhead.conf");
        }
    }
    assert_true(ends[END_JUMP] > 100 && ends[END_BACK] > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_countdown_takes_the_first),
        cmocka_unit_test(the_first_file_sets_the_time),
        cmocka_unit_test(keys_choose),
        cmocka_unit_test(one_file_has_no_menu),
        cmocka_unit_test(what_is_broken_is_not_started),
        cmocka_unit_test(what_is_broken_does_not_start_by_itself),
        cmocka_unit_test(a_machine_without_a_console),
        cmocka_unit_test(an_edited_line),
        cmocka_unit_test(a_line_that_is_a_comment),
        cmocka_unit_test(more_files_than_are_listed),
        cmocka_unit_test(screens_of_every_size),
        cmocka_unit_test(every_call_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

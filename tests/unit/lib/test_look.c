/* SPDX-License-Identifier: MIT */
/* test_look: lines that are full go on below, changes are marked once, and parts are found. */
#include "lib/look.h"

#include "support.h"

#include "lib/bits.h"
#include "lib/fmt.h"

static char lines[80][LOG_LINE_MAX + 1];
static uint32_t line_count;

static void put(const char *fmt, ...)
{
    va_list args;

    assert_true(line_count < ARRAY_SIZE(lines));
    va_start(args, fmt);
    fmt_vprint(lines[line_count++], sizeof(lines[0]), fmt, args);
    va_end(args);
}

static const struct look_bit colours[] = {{0, "red"}, {3, "green"}, {63, "blue"}, {0, NULL}};

static void say_context(struct look_line *l, uint64_t value, const void *context)
{
    look_word(l, "%llu of %s", (unsigned long long)value, (const char *)context);
}

static const struct look_field fields[] = {
    {"First", 0, 0, 8, 0, colours, NULL},
    {"Second field", 0, 1, 2, 0, NULL, say_context},
    {"Third", 0, 1, 4, 0, NULL, NULL},
    {"Fourth", 0, 1, 1, 0, NULL, NULL},
};
static const char *const parts[] = {"one", "other"}, *const titles[] = {"Part one", "The other"};

static uint64_t now[4], shown[4];
static bool is_absent[4];

static struct look make(void)
{
    memset(now, 0, sizeof(now));
    memset(shown, 0, sizeof(shown));
    memset(is_absent, 0, sizeof(is_absent));
    line_count = 0;
    return (struct look){.fields = fields,
                         .count = 4,
                         .parts = parts,
                         .titles = titles,
                         .part_count = 2,
                         .now = now,
                         .shown = shown,
                         .is_absent = is_absent,
                         .context = "many"};
}

static void test_fields(void **state)
{
    const struct look look = make();

    (void)state;
    now[0] = shown[0] = BIT64(63) | BIT64(9) | BIT64(5) | BIT64(4) | BIT64(2) | 1;
    now[1] = shown[1] = 7;
    look_show(&look, LOOK_ALL, put);
    assert_int_equal(line_count, 6);
    assert_string_equal(lines[0], "Part one:");
    assert_string_equal(lines[1], "  First 0x8000000000000235 red, bit 2, bits 5:4, bit 9, blue");
    assert_string_equal(lines[2], "The other:");
    assert_string_equal(lines[3], "  Second field 0x0007 7 of many");
    assert_string_equal(lines[4], "  Third        0x00000000");
    assert_string_equal(lines[5], "  Fourth       0x00");
}

static void test_a_part(void **state)
{
    const struct look look = make();
    uint32_t part;

    (void)state;
    assert_true(look_part(&look, "all", &part) && part == LOOK_ALL);
    assert_true(look_part(&look, "o", &part) && part == 0);
    assert_true(look_part(&look, "ot", &part) && part == 1);
    assert_true(look_part(&look, "other", &part) && part == 1);
    assert_false(look_part(&look, "others", &part));
    assert_false(look_part(&look, "", &part));
    assert_false(look_part(&look, "x", &part));
    is_absent[1] = is_absent[3] = true;
    look_show(&look, 1, put);
    assert_int_equal(line_count, 3);
    assert_string_equal(lines[1], "  Third        0x00000000");
    assert_string_equal(lines[2], "  not in this processor: Second field, Fourth");
}

/* A change is marked until it was shown, whatever else is shown before. */
static void test_changes(void **state)
{
    const struct look look = make();

    (void)state;
    look_show_changes(&look, put);
    assert_int_equal(line_count, 3);
    assert_string_equal(lines[0], "  one       Part one: 1 field, 0 changed");
    assert_string_equal(lines[1], "  other     The other: 3 fields, 0 changed");
    now[0] = 8;
    now[2] = 0xa;
    is_absent[3] = true;
    now[3] = 1;
    look_show(&look, 0, put);
    assert_string_equal(lines[4], "* First 0x0000000000000008 (was 0x0000000000000000) green");
    line_count = 0;
    look_show_changes(&look, put);
    assert_int_equal(line_count, 4);
    assert_string_equal(lines[0], "  one       Part one: 1 field, 0 changed");
    assert_string_equal(lines[1], "  other     The other: 2 fields, 1 changed");
    assert_string_equal(lines[3], "* Third        0x0000000a (was 0x00000000)");
    line_count = 0;
    look_show_changes(&look, put);
    assert_int_equal(line_count, 3);
}

/* No line is longer than people's terminals, and no word is lost. */
static void test_long_lines(void **state)
{
    struct look_line line = {.sink = put};
    char word[200];

    (void)state;
    line_count = 0;
    look_begin(&line, "  title");
    for (uint32_t i = 0; i < 40; i++)
        look_word(&line, "word %u", i);
    memset(word, 'x', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    look_word(&line, "%s", word); /* is cut */
    look_word(&line, "end");
    look_end(&line);
    uint32_t words = 0;
    for (uint32_t i = 0; i < line_count; i++) {
        assert_true(strlen(lines[i]) <= 89); /* 88, and a comma */
        if (i > 0)
            assert_memory_equal(lines[i], "        ", 8);
        for (const char *at = lines[i]; (at = strstr(at, "word ")) != NULL; at++)
            words++;
    }
    assert_int_equal(words, 40);
    assert_non_null(strstr(lines[line_count - 1], "end"));
}

static const char *said(void (*say)(struct look_line *l, uint64_t value), uint64_t value)
{
    struct look_line line = {.sink = put};

    line_count = 0;
    look_begin(&line, ":");
    say(&line, value);
    look_end(&line);
    return lines[line_count - 1];
}

static void test_registers(void **state)
{
    (void)state;
    assert_string_equal(said(look_selector, 0x10), ": GDT index 2, RPL 0");
    assert_string_equal(said(look_selector, 0xffff), ": LDT index 8191, RPL 3");
    assert_string_equal(said(look_descriptor, 0x9b),
                        ": type 11, code, execute/read, accessed, S, DPL 0, P");
    assert_string_equal(said(look_descriptor, 0x7c),
                        ": type 12, conforming code, execute-only, S, DPL 3, not present");
    assert_string_equal(said(look_descriptor, 0x96),
                        ": type 6, expand-down data, read/write, S, DPL 0, P");
    assert_string_equal(said(look_descriptor, 0x90), ": type 0, data, read-only, S, DPL 0, P");
    assert_string_equal(said(look_descriptor, 0x8b), ": system type 11 TSS, busy, DPL 0, P");
    assert_string_equal(said(look_descriptor, 0), ": system type 0, DPL 0, not present");
    assert_string_equal(said(look_pat, UINT64_C(0x0207040600070406)),
                        ": PA0 WB, PA1 WT, PA2 UC-, PA3 UC, PA4 WB, PA5 WT, PA6 UC-, "
                        "PA7 reserved type 2");
}

/* Each table ends, and has a bit once, in order. */
static void test_tables(void **state)
{
    static const struct look_bit *const tables[] = {
        look_cr0_bits, look_cr4_bits, look_rflags_bits,   look_efer_bits,
        look_dr6_bits, look_dr7_bits, look_debugctl_bits, look_exception_bits};

    (void)state;
    for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
        for (const struct look_bit *b = tables[t]; b[0].name && b[1].name; b++)
            assert_true(b[0].bit < b[1].bit && b[1].bit < 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),    cmocka_unit_test(test_a_part),
        cmocka_unit_test(test_changes),   cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_registers), cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

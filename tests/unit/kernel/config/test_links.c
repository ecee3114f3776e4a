/* SPDX-License-Identifier: MIT */
/*
 * test_links: what a [link NAME] section may say, and each error it can give word by word.
 */
#include "kernel/config/config.h"

#include <stdio.h>

#include "support.h"

static struct config config;
static struct errors report;

static bool parse(const char *text)
{
    memset(&config, 0x55, sizeof(config));
    memset(&report, 0, sizeof(report));
    return config_parse(&config, text, strlen(text), &report);
}

static void accept(const char *text)
{
    if (!parse(text))
        fail_msg("%s\n%u: %s", text, report.rows[0].line, report.rows[0].text);
}

static void refuse(const char *text, uint32_t line, const char *why)
{
    assert_false(parse(text));
    if (report.count != 1)
        fail_msg("%s\n%u errors, the first %s", text, report.count, report.rows[0].text);
    assert_string_equal(report.rows[0].text, why);
    assert_int_equal(report.rows[0].line, line);
}

#define ONE(name) "[guest " name "]\nmemory=16M\nimage=a.elf\n" /* three lines */
#define GUESTS    ONE("a") ONE("b") ONE("c")                    /* nine */
#define LINK      GUESTS "[link bus]\n"                         /* the header is line 10 */
#define SIDES     LINK "guests=a b\n"

static void what_may_be_said(void **state)
{
    (void)state;
    accept("[link bus]\nguests = A:ro  b c:rw\nmemory = 4M\nserial = no\n" GUESTS
           "[link two]\nguests = c a\nserial = yes\n");
    assert_int_equal(config.link_count, 2);
    const struct config_link *l = &config.links[0];
    assert_string_equal(l->name, "bus");
    assert_int_equal(l->line, 1);
    assert_int_equal(l->side_count, 3);
    assert_int_equal(l->sides[0].guest, 0);
    assert_true(l->sides[0].read_only);
    assert_int_equal(l->sides[1].guest, 1);
    assert_false(l->sides[1].read_only);
    assert_int_equal(l->sides[2].guest, 2);
    assert_false(l->sides[2].read_only);
    assert_int_equal(l->memory, 4 * MIB);
    assert_false(l->serial);
    assert_int_equal(l[1].sides[0].guest, 2);
    assert_int_equal(l[1].sides[1].guest, 0);
    assert_int_equal(l[1].memory, 0);
    assert_true(l[1].serial);
    accept(SIDES "memory=4K");
    assert_int_equal(config.links[0].memory, 4096);
    accept(SIDES "memory=512M");
    /* A key is read as the section's that it stands in. */
    assert_int_equal(config.guests[2].memory, 16 * MIB);
}

static void headers(void **state)
{
    (void)state;
    refuse(GUESTS "[link]\nguests=a b", 10, "a link needs a name: write [link NAME]");
    refuse(GUESTS "[link 9p]\nguests=a b", 10,
           "link name '9p': use only letters, digits, '-' and '_', starting with a letter");
    refuse(GUESTS "[link sixteen-letters-]\nguests=a b", 10,
           "link name 'sixteen-letters-' has 16 characters; the limit is 15");
    refuse(SIDES "[link BUS]\nguests=a b", 12, "link name 'BUS' is already used at line 10");
    refuse(GUESTS "[links bus]\nguests=a b", 10,
           "unknown section 'links bus'; did you mean 'link bus'?");
    refuse(LINK, 10, "link 'bus' has no guests: add 'guests = a:rw b:ro'");
    refuse(SIDES "cores=1", 12, "'cores' belongs in [guest NAME], not in [link NAME]");
    refuse(GUESTS "serial=yes", 10, "'serial' belongs in [link NAME], not in [guest NAME]");
    refuse(SIDES "size=4M", 12,
           "unknown key 'size'; the keys of [link NAME] are guests, memory, "
           "serial");
    refuse(GUESTS "shm=4M", 10,
           "unknown key 'shm'; write a [link NAME] section with 'guests = ...'");
    /* A link may have a guest's name. */
    accept(GUESTS "[link a]\nguests=a b");
}

static void sides(void **state)
{
    (void)state;
    refuse(LINK "guests=a", 11, "a link joins at least two guests: name another one");
    refuse(LINK "guests=a, b", 11, "guests = 'a, b': use spaces, not commas");
    refuse(LINK "guests=a=rw b", 11, "guests = 'a=rw b': use colons, as in a:rw");
    refuse(LINK "guests=a b=ro", 11, "guests = 'a b=ro': use colons, as in a:rw");
    refuse(LINK "guests=a b:ro A:ro", 11, "guest 'A' is named twice");
    refuse(LINK "guests=a:ro b:ro", 11, "all sides are read-only: nobody could write");
    refuse(LINK "guests=a;b", 11, "guests = 'a;b': use spaces, not semicolons");
    refuse(LINK "guests=a : rw b", 11, "guests = 'a : rw b': no space beside a colon, as in a:rw");
    refuse(LINK "guests=a: rw b", 11, "guests = 'a: rw b': no space beside a colon, as in a:rw");
    refuse(LINK "guests=a :rw b", 11, "guests = 'a :rw b': no space beside a colon, as in a:rw");
    refuse(LINK "guests=a:w b", 11, "'w' is not what a guest may do: write 'a:rw' or 'a:ro'");
    refuse(LINK "guests=:ro a", 11, "':ro' has no guest before it");
    refuse(LINK "guests=:", 11, "':' has no guest before it");
    refuse(LINK "guests=a b:", 11, "'' is not what a guest may do: write 'b:rw' or 'b:ro'");
    refuse(LINK "guests=a d", 11, "the file has no guest 'd'");
    refuse(ONE("linux") ONE("rtos") "[link x]\nguests=linux rots", 8,
           "the file has no guest 'rots'; did you mean 'rtos'?");
    refuse(LINK "guests=a name-of-sixteen", 11, "the file has no guest 'name-of-sixteen'");
    refuse(ONE("letters-fifteen") ONE("a") "[link x]\nguests=a letters-fifteen-more", 8,
           "guest name 'letters-fifteen-more' has 20 characters; the limit is 15");
    refuse(GUESTS "[link x]\nguests = a b\nguests = a c", 12, "'guests' is already set at line 11");
}

static void memory_and_serial(void **state)
{
    (void)state;
    refuse(SIDES "memory=3M", 12,
           "memory = 3M: a link's memory must be a power of two: write 2M or 4M");
    refuse(SIDES "memory=12K", 12,
           "memory = 12K: a link's memory must be a power of two: write 8K or 16K");
    refuse(SIDES "memory=0", 12, "memory = 0 is too small: the minimum is 4K");
    refuse(SIDES "memory=64", 12,
           "memory = 64 is too small: the minimum is 4K (is the M missing?)");
    refuse(SIDES "memory=6K", 12, "memory = 6K is not a multiple of 4K: write 4K or 8K");
    refuse(SIDES "memory=1G", 12, "memory = 1G: a link has at most 512M");
    refuse(SIDES "serial=on", 12, "serial = 'on': expected 'yes' or 'no'");
    refuse(LINK "guests=a b c\nserial=yes", 12, "a serial cable joins two guests; this link has 3");
}

static void how_many(void **state)
{
    char text[8192] = GUESTS;
    size_t len = strlen(text);

    (void)state;
    for (uint32_t i = 0; i < GUEST_LINKS_MAX; i++)
        len += (size_t)sprintf(text + len, "[link l%u]\nguests=a %c\n", i, i % 2 ? 'b' : 'c');
    accept(text);
    strcat(text, "[link more]\nguests=b:ro a\n");
    refuse(text, 19, "guest 'a' has more than 4 links");
    refuse(SIDES "memory=512M\n[link x]\nmemory=512M\nguests=a c", 14,
           "guest 'a' has links of more than 992M in all");
    refuse(SIDES "serial=yes\n[link x]\nguests=c a\nserial=yes", 15,
           "guest 'a' has more than 1 serial cable");
    strcpy(text, "");
    for (uint32_t g = 0; g < 10; g++)
        sprintf(text + strlen(text), "[guest g%u]\nmemory=1M\nimage=x\n", g);
    for (uint32_t i = 0; i <= LINKS_MAX; i++)
        sprintf(text + strlen(text), "[link l%u]\nguests=g%u g%u\n", i, i % 10, (i + 1) % 10);
    refuse(text, 63, "link 'l16' is one too many; the limit is 16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_said),  cmocka_unit_test(headers),  cmocka_unit_test(sides),
        cmocka_unit_test(memory_and_serial), cmocka_unit_test(how_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

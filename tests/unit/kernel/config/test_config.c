/* SPDX-License-Identifier: MIT */
/*
 * test_config: what bulkhead.conf may say, each error it can give word by word, and that no bytes
 * whatever do harm.
 */
#include "kernel/config/config.h"

#include <stdio.h>

#include "support.h"

static struct config config;
static struct errors report;

/* A copy of exactly the right length on the heap: a byte read behind it ends the test. */
static bool parse_bytes(const char *text, size_t size)
{
    char *exact = malloc(size == 0 ? 1 : size);
    assert_non_null(exact);
    memcpy(exact, text, size);
    memset(&config, 0x55, sizeof(config));
    memset(&report, 0, sizeof(report));
    bool ok = config_parse(&config, size == 0 ? NULL : exact, size, &report);
    free(exact);
    assert_int_equal(ok, report.count == 0);
    return ok;
}

static bool parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void show_report(void)
{
    char line[256];
    for (uint32_t i = 0; errors_print(&report, i, "conf", line, sizeof(line)); i++)
        print_error("%s\n", line);
}

static void accept(const char *text)
{
    if (!parse(text)) {
        show_report();
        fail_msg("refused: %s", text);
    }
}

/* Exactly this one error. */
static void refuse(const char *text, uint32_t line, const char *why)
{
    bool ok = parse(text);
    if (ok || report.count != 1 || report.rows[0].line != line ||
        strcmp(report.rows[0].text, why) != 0) {
        print_error("%s\nwant %u: %s\n", text, line, why);
        show_report();
        fail();
    }
}

#define GUEST     "[guest a]\nmemory=16M\nimage=a.elf\n" /* three lines */
#define IN_GUEST  GUEST                                  /* the line under test is line 4 */
#define IN_MEMORY "[guest a]\nimage=a.elf\nmemory="      /* line 3 */
#define IN_IMAGE  "[guest a]\nmemory=16M\nimage="        /* line 3 */
#define THE_GUEST (config.guests[0])

/* ---------------------------------------------------------------------- what is accepted */

static void test_example(void **state)
{
    (void)state;
    accept(
        "[machine]\n"
        "console  = serial screen      # serial [PORT [BAUD]], screen, or both\n"
        "reserve  = 1                  # cores kept for the monitor; 1 if there is one to spare\n"
        "[guest clock]\n"
        "cores    = 1                  # a count; or a list such as #2,#5-7 of exact cores\n"
        "memory   = 16M\n"
        "image    = clock.elf\n"
        "cmdline  = tick=1000\n"
        "on_crash = restart 3          # stop | restart [N] | reboot\n"
        "[guest linux]\n"
        "cores    = 2\n"
        "memory   = 512M\n"
        "image    = vmlinuz\n"
        "initrd   = initrd.img\n"
        "cmdline  = console=ttyS0\n");
    assert_true(config.machine.serial && config.machine.screen);
    assert_int_equal(config.machine.console_line, 2);
    assert_true(config.machine.reserve_given);
    assert_int_equal(config.machine.reserve, 1);
    assert_int_equal(config.machine.reserve_line, 3);
    assert_int_equal(config.guest_count, 2);
    const struct config_guest *clock = &config.guests[0];
    assert_string_equal(clock->name, "clock");
    assert_int_equal(clock->line, 4);
    assert_false(clock->cores.exact);
    assert_int_equal(clock->cores.count, 1);
    assert_int_equal(clock->cores.line, 5);
    assert_int_equal(clock->memory, 16 * MIB);
    assert_int_equal(clock->memory_line, 6);
    assert_string_equal(clock->image, "clock.elf");
    assert_int_equal(clock->image_line, 7);
    assert_string_equal(clock->initrd, "");
    assert_string_equal(clock->cmdline, "tick=1000");
    assert_int_equal(clock->on_crash, CRASH_RESTART);
    assert_int_equal(clock->restarts, 3);
    const struct config_guest *linux_guest = &config.guests[1];
    assert_string_equal(linux_guest->name, "linux");
    assert_int_equal(linux_guest->cores.count, 2);
    assert_int_equal(linux_guest->memory, 512 * MIB);
    assert_string_equal(linux_guest->initrd, "initrd.img");
    assert_int_equal(linux_guest->initrd_line, 14);
    assert_string_equal(linux_guest->cmdline, "console=ttyS0");
    assert_int_equal(linux_guest->on_crash, CRASH_STOP);
}

static void test_disks(void **state)
{
    (void)state;
    accept(GUEST "disk = root.img\ndisk = data.img fresh\ndisk=root.img\tro # note\n"
                 "disk = x ro\n"
                 "[guest b]\nmemory=1M\nimage=k\ndisk = y\n");
    assert_int_equal(THE_GUEST.disk_count, 4);
    assert_string_equal(THE_GUEST.disks[0].file, "root.img");
    assert_int_equal(THE_GUEST.disks[0].line, 4);
    assert_false(THE_GUEST.disks[0].read_only || THE_GUEST.disks[0].fresh);
    assert_string_equal(THE_GUEST.disks[1].file, "data.img");
    assert_int_equal(THE_GUEST.disks[1].line, 5);
    assert_true(!THE_GUEST.disks[1].read_only && THE_GUEST.disks[1].fresh);
    assert_string_equal(THE_GUEST.disks[2].file, "root.img");
    assert_true(THE_GUEST.disks[2].read_only && !THE_GUEST.disks[2].fresh);
    assert_int_equal(config.guests[1].disk_count, 1);
    assert_string_equal(config.guests[1].disks[0].file, "y");
    accept(GUEST);
    assert_int_equal(THE_GUEST.disk_count, 0);
}

static void test_defaults(void **state)
{
    (void)state;
    accept(GUEST);
    assert_true(config.machine.serial && config.machine.screen);
    assert_int_equal(config.machine.console_line, 0);
    assert_int_equal(config.machine.serial_port, 0);
    assert_int_equal(config.machine.serial_baud, 0);
    assert_false(config.machine.reserve_given);
    assert_false(config.machine.tsc_trusted);
    assert_false(THE_GUEST.cores.exact);
    assert_int_equal(THE_GUEST.cores.count, 1);
    assert_int_equal(THE_GUEST.cores.line, 1);
    assert_string_equal(THE_GUEST.initrd, "");
    assert_string_equal(THE_GUEST.cmdline, "");
    assert_int_equal(THE_GUEST.on_crash, CRASH_STOP);
}

/* The same file in every way that editors and people write it. */
static void test_spelling(void **state)
{
    static const char *const files[] = {
        "[guest a]\nmemory=16M\nimage=a.elf",
        "[guest a]\r\nmemory=16M\r\nimage=a.elf\r\n",
        "[guest a]\r\nmemory=16M\r\nimage=a.elf\r",
        "\xef\xbb\xbf[guest a]\nmemory=16M\nimage=a.elf\n",
        "  [  guest\t a  ]  \n\t memory \t=\t 16M \t\n \timage=  a.elf  \n",
        "# gr\xc3\xbc\xc3\x9f\n\n   \n[guest a] # x\nmemory=16M # \xe2\nimage=a.elf\n#end",
        "#1 at the start of a line\n[guest a] # x\n  #2 too\nmemory=16M\t# tab\nimage=a.elf #\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        accept(files[i]);
        assert_int_equal(config.guest_count, 1);
        assert_string_equal(THE_GUEST.name, "a");
        assert_int_equal(THE_GUEST.memory, 16 * MIB);
        assert_string_equal(THE_GUEST.image, "a.elf");
    }
}

static void test_comments(void **state)
{
    (void)state;
    accept(IN_GUEST "cmdline=a#b #c");
    assert_string_equal(THE_GUEST.cmdline, "a#b");
    accept(IN_GUEST "cmdline = x=#5 #6 # y");
    assert_string_equal(THE_GUEST.cmdline, "x=#5 #6");
    accept(IN_GUEST "cmdline = \"quotes stay\" [x] = y");
    assert_string_equal(THE_GUEST.cmdline, "\"quotes stay\" [x] = y");
    accept(IN_GUEST "cmdline = two  words\t stay");
    assert_string_equal(THE_GUEST.cmdline, "two  words\t stay");
    accept(IN_GUEST "# non-ASCII in a comment: \xc3\xa4\xff\x80\n");
}

static void test_console(void **state)
{
    static const struct {
        const char *value;
        bool serial, screen;
        uint16_t port;
        uint32_t baud;
    } rows[] = {
        {"serial", true, false, 0, 0},
        {"screen", false, true, 0, 0},
        {"serial screen", true, true, 0, 0},
        {"screen serial", true, true, 0, 0},
        {"serial com1", true, false, 0x3f8, 0},
        {"serial com2 9600", true, false, 0x2f8, 9600},
        {"serial COM3 1200 screen", true, true, 0x3e8, 1200},
        {"screen serial com4 115200", true, true, 0x2e8, 115200},
        {"serial 0x100", true, false, 0x100, 0},
        {"serial 0xFFF8 57600", true, false, 0xfff8, 57600},
        {"serial 0Xe000 screen", true, true, 0xe000, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[200];
        snprintf(text, sizeof(text), "[machine]\nconsole = %s\n" GUEST, rows[i].value);
        accept(text);
        assert_int_equal(config.machine.serial, rows[i].serial);
        assert_int_equal(config.machine.screen, rows[i].screen);
        assert_int_equal(config.machine.serial_port, rows[i].port);
        assert_int_equal(config.machine.serial_baud, rows[i].baud);
    }
}

static void test_cores(void **state)
{
    (void)state;
    accept(IN_GUEST "cores=64");
    assert_false(THE_GUEST.cores.exact);
    assert_int_equal(THE_GUEST.cores.count, 64);
    assert_int_equal(THE_GUEST.cores.line, 4);
    accept(IN_GUEST "cores = #2,#5-7 # comment");
    assert_true(THE_GUEST.cores.exact);
    assert_int_equal(THE_GUEST.cores.count, 4);
    static const uint32_t want[] = {2, 5, 6, 7};
    assert_memory_equal(THE_GUEST.cores.list, want, sizeof(want));
    accept(IN_GUEST "cores = #9 , #3-#4, #0"); /* the order is kept: the first boots */
    static const uint32_t kept[] = {9, 3, 4, 0};
    assert_int_equal(THE_GUEST.cores.count, 4);
    assert_memory_equal(THE_GUEST.cores.list, kept, sizeof(kept));
    accept(IN_GUEST "cores = #0-63");
    assert_int_equal(THE_GUEST.cores.count, 64);
    for (uint32_t i = 0; i < 64; i++)
        assert_int_equal(THE_GUEST.cores.list[i], i);
    accept(IN_GUEST "cores = 2P");
    assert_true(THE_GUEST.cores.by_kind);
    assert_int_equal(THE_GUEST.cores.count, 2);
    assert_int_equal(THE_GUEST.cores.of[CORE_PERFORMANCE], 2);
    accept(IN_GUEST "cores = 4E + 2P");
    assert_int_equal(THE_GUEST.cores.count, 6);
    assert_int_equal(THE_GUEST.cores.of[CORE_EFFICIENCY], 4);
    assert_int_equal(THE_GUEST.cores.of[CORE_PERFORMANCE], 2);
    accept(IN_GUEST "cores=#7");
    assert_false(THE_GUEST.cores.by_kind);
    assert_int_equal(THE_GUEST.cores.count, 1);
    assert_int_equal(THE_GUEST.cores.list[0], 7);
}

static void test_memory(void **state)
{
    static const struct {
        const char *value;
        uint64_t bytes;
    } rows[] = {
        {"1M", MIB},          {"1048576", MIB},
        {"1024K", MIB},       {"1028k", MIB + 4096},
        {"16m", 16 * MIB},    {"3 G", 3 * GIB},
        {"007g", 7 * GIB},    {"65536G", 65536 * GIB},
        {"1052672", 1052672}, {"70368744177664", UINT64_C(1) << 46},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[200];
        snprintf(text, sizeof(text), IN_MEMORY "%s", rows[i].value);
        accept(text);
        assert_int_equal(THE_GUEST.memory, rows[i].bytes);
    }
}

static void test_on_poweroff(void **state)
{
    (void)state;
    accept(IN_GUEST "cores = 1");
    assert_int_equal(THE_GUEST.on_poweroff, POWEROFF_STOP);
    accept(IN_GUEST "on_poweroff = stop");
    assert_int_equal(THE_GUEST.on_poweroff, POWEROFF_STOP);
    accept(IN_GUEST "on_poweroff = restart");
    assert_int_equal(THE_GUEST.on_poweroff, POWEROFF_RESTART);
    accept(IN_GUEST "on_poweroff = reboot # all of it");
    assert_int_equal(THE_GUEST.on_poweroff, POWEROFF_REBOOT);
}

static void test_on_dma_fault(void **state)
{
    (void)state;
    accept(IN_GUEST "cores = 1");
    assert_int_equal(THE_GUEST.on_dma_fault, DMA_FAULT_REPORT);
    accept(IN_GUEST "on_dma_fault = report");
    assert_int_equal(THE_GUEST.on_dma_fault, DMA_FAULT_REPORT);
    accept(IN_GUEST "devices = sata\non_dma_fault = stop");
    assert_int_equal(THE_GUEST.on_dma_fault, DMA_FAULT_STOP);
}

static void test_on_panic(void **state)
{
    (void)state;
    accept(GUEST);
    assert_false(config.machine.panic_reboots);
    accept("[machine]\non_panic = halt\n" GUEST);
    assert_false(config.machine.panic_reboots);
    accept("[machine]\non_panic = reboot\n" GUEST);
    assert_true(config.machine.panic_reboots);
}

/* abuse: BU-08 */
static void test_confirm(void **state)
{
    (void)state;
    accept(GUEST);
    assert_int_equal(THE_GUEST.confirms, CONFIRM_BY_OPERATOR);
    accept("[machine]\nconfirm = operator\n" GUEST);
    assert_int_equal(THE_GUEST.confirms, CONFIRM_BY_OPERATOR);
    accept("[machine]\nconfirm = poweroff a\n" GUEST);
    assert_int_equal(THE_GUEST.confirms, CONFIRM_BY_POWEROFF);
    accept("[guest b]\nmemory=16M\nimage=b\n" IN_GUEST
           "watchdog = 5s\n[machine]\nconfirm = watchdog  A # in any case\n");
    assert_int_equal(config.guests[0].confirms, CONFIRM_BY_OPERATOR);
    assert_int_equal(config.guests[1].confirms, CONFIRM_BY_WATCHDOG);
}

static void test_isolation(void **state)
{
    (void)state;
    accept(GUEST);
    assert_false(config.machine.guests_trusted);
    accept("[machine]\nisolation = strict\n" GUEST);
    assert_false(config.machine.guests_trusted);
    accept("[machine]\nisolation = trusted\n" GUEST);
    assert_true(config.machine.guests_trusted);
}

static void test_timeout(void **state)
{
    (void)state;
    accept(GUEST);
    assert_int_equal(config.machine.timeout, 5);
    accept("[machine]\ntimeout = 0\n" GUEST);
    assert_int_equal(config.machine.timeout, 0);
    accept("[machine]\ntimeout = 3600\n" GUEST);
    assert_int_equal(config.machine.timeout, 3600);
}

static void test_debug(void **state)
{
    (void)state;
    accept(IN_GUEST "cores = 1");
    assert_false(THE_GUEST.is_debugged);
    accept(IN_GUEST "debug = serial2 # gdb");
    assert_true(THE_GUEST.is_debugged);
    assert_int_equal(THE_GUEST.debug_line, 4);
}

static void test_watchdog(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {IN_GUEST "cores = 1", 0},
        {IN_GUEST "watchdog = off", 0},
        {IN_GUEST "watchdog = 10ms", 10},
        {IN_GUEST "watchdog = 5s", 5000},
        {IN_GUEST "watchdog = 5 s", 5000},
        {IN_GUEST "watchdog = 2m # minutes", 120000},
        {IN_GUEST "watchdog = 60m", 3600000},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        accept(good[i].text);
        assert_int_equal(THE_GUEST.watchdog_ns, good[i].ms * 1000000);
        assert_false(THE_GUEST.watchdog_each);
    }
    accept(IN_GUEST "watchdog = 200ms each");
    assert_int_equal(THE_GUEST.watchdog_ns, 200000000);
    assert_true(THE_GUEST.watchdog_each);
    accept(IN_GUEST "watchdog = 5 s  each # core");
    assert_int_equal(THE_GUEST.watchdog_ns, 5000000000);
    assert_true(THE_GUEST.watchdog_each);
}

static void test_trace(void **state)
{
    (void)state;
    accept(IN_GUEST "cores = 1");
    assert_int_equal(THE_GUEST.trace, 0);
    accept(IN_GUEST "trace = off");
    assert_int_equal(THE_GUEST.trace, 0);
    accept(IN_GUEST "trace = 32");
    assert_int_equal(THE_GUEST.trace, 32);
    accept(IN_GUEST "trace = 1024 # exits");
    assert_int_equal(THE_GUEST.trace, 1024);
}

static void test_on_crash(void **state)
{
    (void)state;
    accept(IN_GUEST "on_crash = stop");
    assert_int_equal(THE_GUEST.on_crash, CRASH_STOP);
    accept(IN_GUEST "on_crash = reboot");
    assert_int_equal(THE_GUEST.on_crash, CRASH_REBOOT);
    accept(IN_GUEST "on_crash = restart");
    assert_int_equal(THE_GUEST.on_crash, CRASH_RESTART);
    assert_int_equal(THE_GUEST.restarts, UINT32_MAX);
    accept(IN_GUEST "on_crash = restart  1");
    assert_int_equal(THE_GUEST.restarts, 1);
    accept(IN_GUEST "on_crash = restart 4294967294");
    assert_int_equal(THE_GUEST.restarts, UINT32_MAX - 1);
}

/* Values of the greatest length that is allowed; one byte more is refused below. */
/* abuse: BT-03 */
static void test_longest(void **state)
{
    char text[2000];
    (void)state;
    snprintf(text, sizeof(text), "[guest a23456789012345]\nmemory=1M\nimage=%063d\ncmdline=%01023d",
             1, 2);
    accept(text);
    assert_string_equal(THE_GUEST.name, "a23456789012345");
    assert_int_equal(strlen(THE_GUEST.image), 63);
    assert_int_equal(strlen(THE_GUEST.cmdline), 1023);
    assert_int_equal(THE_GUEST.cmdline[1022], '2');
}

static void test_guests_max(void **state)
{
    static char text[(GUESTS_MAX + 4) * 64];
    size_t len = 0;
    (void)state;
    for (int i = 0; i < GUESTS_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "[guest g%d]\nmemory=1M\nimage=x\n",
                                i);
    accept(text);
    assert_int_equal(config.guest_count, GUESTS_MAX);
    assert_string_equal(config.guests[31].name, "g31");
    snprintf(text + len, sizeof(text) - len, "[guest more]\nmemory=1M\nbad key = 1\n");
    refuse(text, 97, "guest 'more' is one too many; the limit is 32");
}

/* ---------------------------------------------------------------------- what is refused */

struct refusal {
    const char *text;
    uint32_t line;
    const char *why;
};

static void refuse_all(const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        refuse(rows[i].text, rows[i].line, rows[i].why);
}

#define REFUSE_ALL(rows) refuse_all((rows), ARRAY_SIZE(rows))

static void test_file(void **state)
{
    static const struct refusal rows[] = {
        {"", 0, "the file is empty: it needs at least one [guest NAME] section"},
        {"\n \r\n\t\n", 0, "the file is empty: it needs at least one [guest NAME] section"},
        {"\xef\xbb\xbf", 0, "the file is empty: it needs at least one [guest NAME] section"},
        {"# only this", 0, "the file has no [guest NAME] section: it needs at least one"},
        {"[machine]\nreserve=1", 0, "the file has no [guest NAME] section: it needs at least one"},
        {"\xff\xfe[", 0, "the file is UTF-16 text: save it as UTF-8 or ASCII"},
        {"\xfe\xff[", 0, "the file is UTF-16 text: save it as UTF-8 or ASCII"},
    };
    (void)state;
    REFUSE_ALL(rows);
}

/* abuse: BT-03 */
static void test_file_size(void **state)
{
    static char text[CONFIG_SIZE_MAX + 1];
    (void)state;
    memset(text, '\n', sizeof(text));
    memcpy(text, GUEST, strlen(GUEST));
    assert_true(parse_bytes(text, CONFIG_SIZE_MAX));
    assert_false(parse_bytes(text, CONFIG_SIZE_MAX + 1));
    assert_int_equal(report.count, 1);
    assert_int_equal(report.rows[0].line, 0);
    assert_string_equal(report.rows[0].text, "the file is longer than the limit of 65536 bytes");
    memset(text, 'x', sizeof(text)); /* one line of the greatest length */
    assert_false(parse_bytes(text, CONFIG_SIZE_MAX));
    assert_int_equal(report.count, 2);
    assert_string_equal(report.rows[1].text, "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is "
                                             "neither 'key = value' nor a [section]");
}

static void test_bytes(void **state)
{
    static const struct refusal rows[] = {
        {IN_GUEST "cmdline=\x01", 4, "byte 0x01 in column 9 is not text: delete it"},
        {IN_GUEST "cmdline=\x1b\x1b\x1b", 4, "byte 0x1b in column 9 is not text: delete it"},
        {IN_GUEST "# \x7f", 4, "byte 0x7f in column 3 is not text: delete it"},
        {IN_GUEST "a\rb", 4, "byte 0x0d in column 2 is not text: delete it"},
        {IN_GUEST "cmdline=1\r\r\n", 4, "byte 0x0d in column 10 is not text: delete it"},
        {IN_GUEST "cmdline=\xc3\xa4", 4,
         "byte 0xc3 in column 9 is not ASCII; only comments may hold it"},
        {IN_GUEST "cmdline=a\xff# x", 4,
         "byte 0xff in column 10 is not ASCII; only comments may hold it"},
        {IN_GUEST "\xef\xbb\xbf", 4, "column 1 has an invisible byte order mark: delete it"},
        {IN_GUEST "cmdline = \xe2\x80\x9cx\xe2\x80\x9d", 4,
         "column 11 has a typographic quotation mark: write values without quotes"},
        {IN_GUEST "cmdline = \xe2\x80\x98x\xe2\x80\x99", 4,
         "column 11 has a typographic quotation mark: write values without quotes"},
        {IN_GUEST "cmdline = \xc2\xabx\xc2\xbb", 4,
         "column 11 has a quotation mark: write values without quotes"},
        {IN_GUEST "cores = #1\xe2\x80\x93"
                  "2",
         4, "column 11 has a typographic dash: write '-'"},
        {IN_GUEST "cores =\xc2\xa0"
                  "1",
         4, "column 8 has a no-break space: use an ordinary space"},
        {IN_GUEST "cmdline=\xe2\x80", 4,
         "byte 0xe2 in column 9 is not ASCII; only comments may hold it"},
    };
    static const char nul[] = GUEST "cmdline=a\0b\n";
    (void)state;
    REFUSE_ALL(rows);
    assert_false(parse_bytes(nul, sizeof(nul) - 1));
    assert_int_equal(report.count, 1);
    assert_string_equal(report.rows[0].text, "byte 0x00 in column 10 is not text: delete it");
}

static void test_headers(void **state)
{
    static const struct refusal rows[] = {
        {GUEST "[machine", 4, "the section's ']' is missing"},
        {GUEST "[", 4, "the section's ']' is missing"},
        {GUEST "[machine] reserve=1", 4, "text after the section's ']': put it on its own line"},
        {GUEST "[machine]# x", 4, "text after the section's ']': put it on its own line"},
        {GUEST "[]", 4,
         "unknown section ''; the sections are [machine], [guest NAME] and [link NAME]"},
        {GUEST "[Machine]", 4, "unknown section 'Machine'; did you mean 'machine'?"},
        {GUEST "[ machin ]\nreserve = 1", 4, "unknown section 'machin'; did you mean 'machine'?"},
        {GUEST "[machine x]", 4,
         "unknown section 'machine x'; the sections are [machine], [guest NAME] and [link NAME]"},
        {GUEST "[monitor]\nany = thing\n!\n[machine]", 4,
         "unknown section 'monitor'; the sections are [machine], [guest NAME] and [link NAME]"},
        {GUEST "[gest b]", 4, "unknown section 'gest b'; did you mean 'guest b'?"},
        {"[Guest a]\nmemory=16M", 1, "unknown section 'Guest a'; did you mean 'guest a'?"},
        {"[machine]\nreserve=0\n[machine]\nreserve=1\n" GUEST, 3,
         "a second [machine] section; the first is at line 1"},
    };
    (void)state;
    REFUSE_ALL(rows);
}

static void test_names(void **state)
{
#define REST "\nmemory=1M\nimage=x\n"
    static const struct refusal rows[] = {
        {"[guest]" REST, 1, "a guest needs a name: write [guest NAME]"},
        {"[guest ]" REST, 1, "a guest needs a name: write [guest NAME]"},
        {"[guest]\n", 1, "a guest needs a name: write [guest NAME]"},
        {"[guest]\nmemory=1M\n[guest b]" REST, 1, "a guest needs a name: write [guest NAME]"},
        {"[guest 9p]" REST, 1,
         "guest name '9p': use only letters, digits, '-' and '_', starting with a letter"},
        {"[guest -a]" REST, 1,
         "guest name '-a': use only letters, digits, '-' and '_', starting with a letter"},
        {"[guest a b]" REST, 1,
         "guest name 'a b': use only letters, digits, '-' and '_', starting with a letter"},
        {"[guest a.b]" REST, 1,
         "guest name 'a.b': use only letters, digits, '-' and '_', starting with a letter"},
        {"[guest a234567890123456]" REST, 1,
         "guest name 'a234567890123456' has 16 characters; the limit is 15"},
        {"[guest BulkHead]" REST, 1,
         "a guest cannot be called 'BulkHead': that name marks Bulkhead's own lines"},
        {"[guest a]" REST "[guest A]" REST, 4, "guest name 'A' is already used at line 1"},
        {"[guest a]" REST "[guest b]" REST "[guest b]" REST, 7,
         "guest name 'b' is already used at line 4"},
    };
    (void)state;
    REFUSE_ALL(rows);
    assert_false(parse("[guest]" REST "[guest]" REST)); /* two without a name are not the same */
    assert_int_equal(report.count, 2);
    accept("[guest Z_-9]" REST);
    assert_string_equal(THE_GUEST.name, "Z_-9");
#undef REST
}

/* A name that could be taken for the hypervisor's own in a log. */
static void test_names_that_imitate(void **state)
{
    static const char *const imitate[] = {
        "bulkhead-", "bulkhead_", "bulk-head",  "b-u-l-k-h-e-a-d", "bu1khead",
        "bu1kh3ad",  "bulkhaed",  "BULKHEAD_",  "Bulkhead-",       "buikhead",
        "buIkhead",  "BU1KHEAD",  "bulkhead2",  "bulkheads",       "bulkhad",
        "bullkhead", "xbulkhead", "bu-1-khea0", "blukhead",        "bulkead",
    };
    static const char *const apart[] = {"bulk",        "head", "bulkhead-web", "block",
                                        "blockhead",   "hull", "hulk",         "bighead",
                                        "bulkhead-12", "bk",   "bulk-ahead-1"};
    char text[100], why[120];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(imitate); i++) {
        snprintf(text, sizeof(text), "[guest %s]\nmemory=1M\nimage=x\n", imitate[i]);
        snprintf(why, sizeof(why),
                 "a guest cannot be called '%s': it looks like 'bulkhead', which marks Bulkhead's "
                 "own lines",
                 imitate[i]);
        refuse(text, 1, why);
    }
    for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
        snprintf(text, sizeof(text), "[guest %s]\nmemory=1M\nimage=x\n", apart[i]);
        accept(text);
    }
}

static void test_lines(void **state)
{
    static const struct refusal rows[] = {
        {"memory = 1M\n" GUEST, 1, "'memory' comes before the first section, [guest NAME]"},
        {"reserve = 1\n" GUEST, 1, "'reserve' comes before the first section, [machine]"},
        {"colour = 1\n" GUEST, 1,
         "'colour' comes before the first section, [machine] or [guest NAME]"},
        {GUEST "cores 2", 4, "'cores 2': write 'cores = 2'"},
        {GUEST "cores", 4, "'cores' has no value; add one or remove the line"},
        {GUEST "cores:", 4, "'cores' has no value; add one or remove the line"},
        {GUEST "cores : 2", 4, "'cores : 2': write 'cores = 2'"},
        {GUEST "CORES: 2", 4, "'CORES: 2': write 'cores = 2'"},
        {GUEST "cmdline: a=b c=d", 4, "'cmdline: a=b c=d': write 'cmdline = a=b c=d'"},
        {GUEST "cmdline: = x", 4, "'cmdline: = x': write 'cmdline = x'"},
        {GUEST "cmdline := x", 4, "'cmdline := x': write 'cmdline = x'"},
        {GUEST "cmdline: =", 4, "'cmdline' has no value; add one or remove the line"},
        {GUEST "cmdline a=b", 4, "'cmdline a=b': write 'cmdline = a=b'"},
        {"[guest a]\nmemory 16M\nimage=x", 2, "'memory 16M': write 'memory = 16M'"},
        {GUEST "two cores", 4, "'two cores' is neither 'key = value' nor a [section]"},
        {GUEST "= 2", 4, "there is no key before the '='"},
        {GUEST "=", 4, "there is no key before the '='"},
        {GUEST "cores =", 4, "'cores' has no value; add one or remove the line"},
        {GUEST "cmdline = # 1", 4, "'cmdline' has no value; add one or remove the line"},
        {"[guest a]\nmemory=\nimage=x", 2, "'memory' has no value; add one or remove the line"},
        {GUEST "memory = 32M", 4, "'memory' is already set at line 2"},
        {GUEST "reserve = 1", 4, "'reserve' belongs in [machine], not in [guest NAME]"},
        {"[machine]\ncores = 1\n" GUEST, 2, "'cores' belongs in [guest NAME], not in [machine]"},
    };
    (void)state;
    REFUSE_ALL(rows);
}

/* A bad value still counts as given. */
static void test_given_badly_twice(void **state)
{
    (void)state;
    assert_false(parse("[guest a]\nmemory=x\nmemory=y\nimage=x"));
    assert_int_equal(report.count, 2);
    assert_int_equal(report.rows[0].line, 2);
    assert_int_equal(report.rows[1].line, 3);
    assert_string_equal(report.rows[1].text, "'memory' is already set at line 2");
}

/* abuse: BT-03 */
static void test_unknown_keys(void **state)
{
    static const struct refusal rows[] = {
        {GUEST "corse = 2", 4, "unknown key 'corse'; did you mean 'cores'?"},
        {GUEST "Cores = 1", 4, "unknown key 'Cores'; did you mean 'cores'?"},
        {GUEST "CMDLINE = 1", 4, "unknown key 'CMDLINE'; did you mean 'cmdline'?"},
        {GUEST "on-crash = stop", 4, "unknown key 'on-crash'; did you mean 'on_crash'?"},
        {"[guest a]\nmemry=16M\nimage=x", 2, "unknown key 'memry'; did you mean 'memory'?"},
        {"[guest a]\nmmeory=16M\nimage=x", 2, "unknown key 'mmeory'; did you mean 'memory'?"},
        {GUEST "colour scheme = 1", 4,
         "unknown key 'colour scheme'; the keys of [guest NAME] are cores, memory, image, initrd, "
         "disk, devices, cmdline, on_crash, on_poweroff, on_dma_fault, "
         "watchdog, debug, trace"},
        {GUEST "gdb = 1", 4, "unknown key 'gdb'; did you mean 'debug'?"},
        {GUEST "memoryyy = 1", 4, "unknown key 'memoryyy'; did you mean 'memory'?"},
        {GUEST "cor = 1", 4, "unknown key 'cor'; did you mean 'cores'?"},
        {"[machine]\nthreads = both\n" GUEST, 2,
         "threads = 'both': expected 'separate' or 'shared'"},
        {"[machine]\ntsc = invariant\n" GUEST, 2,
         "tsc = 'invariant': expected 'trusted'; otherwise delete the line"},
        {"[machine]\ntsc = trusted#yes\n" GUEST, 2,
         "tsc = 'trusted#yes' (a comment needs a space before its '#'): expected 'trusted'; "
         "otherwise delete the line"},
        {GUEST "tsc = trusted\n", 4, "'tsc' belongs in [machine], not in [guest NAME]"},
        {"[machine]\nserv = 1\n" GUEST, 2,
         "unknown key 'serv'; the keys of [machine] are console, reserve, threads, tsc, on_panic, "
         "timeout, isolation, confirm"},
        {"[machine]\nx = 1\n" GUEST, 2,
         "unknown key 'x'; the keys of [machine] are console, reserve, threads, tsc, on_panic, "
         "timeout, isolation, confirm"},
        {"[machine]\nconsol = 1\n" GUEST, 2, "unknown key 'consol'; did you mean 'console'?"},
    };
    (void)state;
    REFUSE_ALL(rows);
}

static void test_long_key(void **state)
{
    char text[1000];
    (void)state;
    for (int len = 62; len < 600; len++) {
        snprintf(text, sizeof(text), "[machine]\n%0*d = 1\n" GUEST, len, 0);
        refuse(text, 2,
               "unknown key '0000000000000000000000000000000000000000...'; the keys of [machine] "
               "are console, "
               "reserve, threads, tsc, on_panic, timeout, isolation, confirm");
    }
}

static void test_missing(void **state)
{
    static const struct refusal rows[] = {
        {"[guest a]\nimage=x", 1, "guest 'a' has no memory: add 'memory = 64M'"},
        {"\n[guest a]\nmemory=1M\n[machine]", 2,
         "guest 'a' has no image: add 'image = kernel.elf'"},
        {"[guest a]\nmemory=1M\n\n"
         "[guest b]\nmemory=1M\nimage=x",
         1, "guest 'a' has no image: add 'image = kernel.elf'"},
    };
    (void)state;
    REFUSE_ALL(rows);
    assert_false(parse("[guest a]\n[guest b]"));
    assert_int_equal(report.count, 4);
}

/* One mistake, one error: what is there but wrong is not missing as well. */
static void test_no_error_follows(void **state)
{
    static const struct refusal rows[] = {
        {"[guest a]\nmemory = 1M\nimage: k\n", 3, "'image: k': write 'image = k'"},
        {"[guest a]\nmemory = 1M\nImage: k\n", 3, "'Image: k': write 'image = k'"},
        {"[guest a]\nmemory = 1M\nimage k\n", 3, "'image k': write 'image = k'"},
        {"[guest a]\nmemory = 1M\nkernel: k\n", 3, "'kernel: k': write 'image = k'"},
        {"[guest a]\nmemory: 64M\nimage = k\n", 2, "'memory: 64M': write 'memory = 64M'"},
        {"[guest a]\nmemory = 1M\nimage = k\xc3\xb6.elf\n", 3,
         "byte 0xc3 in column 10 is not ASCII; only comments may hold it"},
        {"[guest a]\nmemory = 1M\nim\xc3\xa4ge = k\n", 3,
         "byte 0xc3 in column 3 is not ASCII; only comments may hold it"},
        {"[guest a]\nmemory = 1M\nimage = \x01\n", 3,
         "byte 0x01 in column 9 is not text: delete it"},
        {"[guest a]\nmemory = 1M\nimage = \xe2\x80\x9ck\xe2\x80\x9d\n", 3,
         "column 9 has a typographic quotation mark: write values without quotes"},
        {"[guest a]\nmemory = 1M\nimage\n", 3, "'image' has no value; add one or remove the line"},
        {"[guest a]\nmemory = 1M\nkernel = k\n", 3, "unknown key 'kernel'; did you mean 'image'?"},
        {"[guest a]\nRAM = 1M\nimage = k\n", 2, "unknown key 'RAM'; did you mean 'memory'?"},
        {GUEST "[guest m\xc3\xbcller]\nmemory = 1M\nimage = k\nmemory = 2M\n", 4,
         "byte 0xc3 in column 9 is not ASCII; only comments may hold it"},
        {"[guest m\xc3\xbcller]\nmemory = 1M\nimage = k\n", 1,
         "byte 0xc3 in column 9 is not ASCII; only comments may hold it"},
        {"memory = 1M\nimage = k\ncores = 2\n", 1,
         "'memory' comes before the first section, [guest NAME]"},
        {"guest a]\nmemory = 1M\nimage = k\n" GUEST, 1, "'guest a]': the section's '[' is missing"},
    };
    (void)state;
    REFUSE_ALL(rows);
}

/* What other programs have. */
static void test_other_words(void **state)
{
#define ROOT   "; write 'disk = FILE', and 'root=/dev/pmem0' into the cmdline"
#define DEVICE "; write 'devices = KIND' for a device of the machine's"
    static const struct refusal rows[] = {
        {GUEST "drive = root.img", 4, "unknown key 'drive'; did you mean 'disk'?"},
        {GUEST "root = /dev/sda", 4, "unknown key 'root'" ROOT},
        {GUEST "net = eth0", 4,
         "unknown key 'net'; a [link NAME] section joins guests; a network card of the machine's "
         "is 'devices = ethernet'"},
        {GUEST "pci = sata", 4, "unknown key 'pci'" DEVICE},
        {GUEST "device = sata", 4, "unknown key 'device'; did you mean 'devices'?"},
        {GUEST "vcpus = 2", 4, "unknown key 'vcpus'; did you mean 'cores'?"},
        {GUEST "initramfs = x", 4, "unknown key 'initramfs'; did you mean 'initrd'?"},
        {GUEST "append = x", 4, "unknown key 'append'; did you mean 'cmdline'?"},
        {GUEST "cmd = x", 4, "unknown key 'cmd'; did you mean 'cmdline'?"},
        {"[machine]\nsmt = off\n" GUEST, 2, "unknown key 'smt'; did you mean 'threads'?"},
        {"[machine]\npanic = reboot\n" GUEST, 2, "unknown key 'panic'; did you mean 'on_panic'?"},
        {"[machine]\nHT = 1\n" GUEST, 2, "unknown key 'HT'; did you mean 'threads'?"},
        {"[machine]\nkernel = x\n" GUEST, 2,
         "unknown key 'kernel'; the keys of [machine] are console, reserve, threads, tsc, "
         "on_panic, timeout, isolation, confirm"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef ROOT
#undef DEVICE
}

static void test_bad_devices(void **state)
{
#define HOW "is no device; write a kind ('sata'), an id ('8086:10d3') or a place ('02:00.0')"
    static const struct refusal rows[] = {
        {GUEST "devices =", 4, "'devices' has no value; add one or remove the line"},
        {GUEST "devices = sata\ndevices = usb", 5, "'devices' is already set at line 4"},
        {GUEST "devices = sata,", 4, "there is no device between two commas, or behind the last"},
        {GUEST "devices = sata,,usb", 4,
         "there is no device between two commas, or behind the last"},
        {GUEST "devices = sta", 4, "'sta' is no kind of device; did you mean 'sata'?"},
        {GUEST "devices = NIC", 4, "'NIC' is no kind of device; did you mean 'ethernet'?"},
        {GUEST "devices = SATA", 4, "'SATA' is no kind of device; did you mean 'sata'?"},
        {GUEST "devices = 8086", 4, "'8086' " HOW},
        {GUEST "devices = 8086:10d33", 4, "'8086:10d33' " HOW},
        {GUEST "devices = 8086:10g3", 4, "'8086:10g3' " HOW},
        {GUEST "devices = 00:20.0", 4, "'00:20.0' " HOW},
        {GUEST "devices = 00:1f.8", 4, "'00:1f.8' " HOW},
        {GUEST "devices = 0:1f.2", 4, "'0:1f.2' " HOW},
        {GUEST "devices = 0001:00:1f.2", 4,
         "'0001:00:1f.2': only devices of PCI segment 0 can be given away, and are written "
         "without it"},
        {GUEST "devices = sata usb", 4,
         "'usb' behind a device: only '#1', '#2' and so on can stand there; use commas between "
         "devices"},
        {GUEST "devices = sata #0", 4,
         "'#0' behind a device: only '#1', '#2' and so on can stand there; use commas between "
         "devices"},
        {GUEST "devices = sata #257", 4,
         "'#257' behind a device: only '#1', '#2' and so on can stand there; use commas between "
         "devices"},
        {GUEST "devices = 00:1f.2 #1", 4,
         "'#1' behind a device's place: only its id can stand there, as in '02:00.0 8086:10d3'"},
        {GUEST "devices = usb #1,usb #2,usb #3,usb #4,usb #5,usb #6,usb #7,usb #8,usb #9", 4,
         "guest 'a' has more than 8 devices"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef HOW
}

static void test_devices(void **state)
{
    (void)state;
    parse(GUEST "devices = sata, ethernet #2,8086:10D3 #3 , 02:1f.7, 00:02.0 1234:11e8 # comment");
    const struct config_guest *g = &config.guests[0];
    const struct config_device *d = g->devices;

    assert_int_equal(report.count, 0);
    assert_int_equal(g->device_count, 5);
    assert_int_equal(g->devices_line, 4);
    assert_string_equal(d[0].kind, "sata");
    assert_int_equal(d[0].number, 0);
    assert_string_equal(d[1].kind, "ethernet");
    assert_int_equal(d[1].number, 2);
    assert_string_equal(d[1].text, "ethernet #2");
    assert_true(d[2].by_id && !d[2].by_place && d[2].kind[0] == '\0');
    assert_int_equal(d[2].vendor, 0x8086);
    assert_int_equal(d[2].device, 0x10d3);
    assert_int_equal(d[2].number, 3);
    assert_true(d[3].by_place && !d[3].by_id);
    assert_int_equal(d[3].bus, 2);
    assert_int_equal(d[3].slot, 31);
    assert_int_equal(d[3].function, 7);
    assert_true(d[4].by_place && d[4].by_id);
    assert_int_equal(d[4].device, 0x11e8);
}

static void test_bad_disks(void **state)
{
#define OPTION "is not an option of a disk; use ro or fresh"
    static const struct refusal rows[] = {
        {GUEST "disk =", 4, "'disk' has no value; add one or remove the line"},
        {GUEST "disk root.img", 4, "'disk root.img': write 'disk = root.img'"},
        {GUEST "disk = a/b", 4,
         "file name 'a/b' contains a folder; all files must be next to bulkhead.conf"},
        {GUEST "disk = bulkhead.conf", 4,
         "file name 'bulkhead.conf' is Bulkhead's own, not a guest's"},
        {GUEST "disk = a, ro", 4, "disk = 'a, ro': use spaces, not commas"},
        {GUEST "disk = a.img fresh,ro", 4, "'fresh,ro': use spaces between options, not commas"},
        {GUEST "disk = a.img,ro", 4, "disk = 'a.img,ro': use spaces, not commas"},
        {GUEST "disk = a.img,FRESH ro", 4, "disk = 'a.img,FRESH ro': use spaces, not commas"},
        {GUEST "disk = a rw", 4, "a disk can be written unless it is 'ro': delete 'rw'"},
        {GUEST "disk = a RO", 4, "'RO' is not an option of a disk; did you mean 'ro'?"},
        {GUEST "disk = a kept", 4, "'kept' " OPTION},
        {GUEST "disk = a ro,fresh", 4, "'ro,fresh': use spaces between options, not commas"},
        {GUEST "disk = a frsh", 4, "'frsh' is not an option of a disk; did you mean 'fresh'?"},
        {GUEST "disk = a ro ro", 4, "'ro' is given twice"},
        {GUEST "disk = a fresh fresh ro", 4, "'fresh' is given twice"},
        {GUEST "disk = a fresh ro", 4,
         "a disk that is only read stays as it is in the file: delete 'fresh' or 'ro'"},
        {GUEST "disk=a\ndisk=b\ndisk=c\ndisk=d\ndisk=e", 8, "guest 'a' has more than 4 disks"},
        {"[machine]\ndisk = a\n" GUEST, 2, "'disk' belongs in [guest NAME], not in [machine]"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef OPTION
}

static void test_bad_console(void **state)
{
#define SPEEDS \
    " is not a serial port speed; use 115200, 57600, 38400, 19200, 9600, 4800, 2400 or 1200"
#define PORT " cannot be a serial port; use a multiple of 8 from 0x100 to 0xfff8, but not 0xcf8"
    static const struct refusal rows[] = {
        {"vga", 2, "'vga' is not a console; use serial [PORT [BAUD]], screen, or both"},
        {"serial, screen", 2, "console = 'serial, screen': use spaces, not commas"},
        {"serial,screen", 2, "console = 'serial,screen': use spaces, not commas"},
        {"screen screen", 2, "'screen' is given twice"},
        {"serial screen serial", 2, "'serial' is given twice"},
        {"screen com1", 2, "'com1' is not a console: write 'serial com1'"},
        {"COM2  115200 screen", 2, "'COM2' is not a console: write 'serial COM2 115200'"},
        {"0x3f8 screen", 2, "'0x3f8' is not a console: write 'serial 0x3f8'"},
        {"9600", 2, "'9600' is not a console: write 'serial com1 9600'"},
        {"com5", 2, "'com5' is not a console; use serial [PORT [BAUD]], screen, or both"},
        {"serial com5", 2,
         "'com5' is not a serial port; use com1..com4 or an I/O port such as 0x3f8"},
        {"serial 3f8", 2,
         "'3f8' is not a serial port; use com1..com4 or an I/O port such as 0x3f8"},
        {"serial 0x", 2, "'0x' is not a serial port; use com1..com4 or an I/O port such as 0x3f8"},
        {"serial 0x3g8", 2,
         "'0x3g8' is not a serial port; use com1..com4 or an I/O port such as 0x3f8"},
        {"serial scren", 2, "'scren' is not a console; did you mean 'screen'?"},
        {"serial 9600", 2, "'9600' is where the port should be: write 'serial com1 9600'"},
        {"serial 1x3f8", 2,
         "'1x3f8' is not a serial port; use com1..com4 or an I/O port such as 0x3f8"},
        {"serial 0xf8", 2, "'0xf8'" PORT},
        {"serial 0xf8 fast vga", 2, "'0xf8'" PORT},
        {"serial 0x3f9", 2, "'0x3f9'" PORT},
        {"serial 0xcf8", 2, "'0xcf8'" PORT},
        {"serial 0x10000", 2, "'0x10000'" PORT},
        {"serial 0x100000000000003f8", 2, "'0x100000000000003f8'" PORT},
        {"serial com1 9601", 2, "'9601'" SPEEDS},
        {"serial com1 fast", 2, "'fast'" SPEEDS},
        {"serial com1 230400", 2, "'230400'" SPEEDS},
        {"serial com1 0", 2, "'0'" SPEEDS},
        {"serial com1 9600 8n1", 2,
         "'8n1' is not a console; use serial [PORT [BAUD]], screen, or both"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[200];
        snprintf(text, sizeof(text), "[machine]\nconsole = %s\n" GUEST, rows[i].text);
        refuse(text, rows[i].line, rows[i].why);
    }
#undef SPEEDS
#undef PORT
}

static void test_bad_reserve(void **state)
{
    static const struct refusal rows[] = {
        {"[machine]\nreserve=one\n" GUEST, 2, "'one' is not a number of cores"},
        {"[machine]\nreserve=-1\n" GUEST, 2, "'-1' is not a number of cores"},
        {"[machine]\nreserve=1 2\n" GUEST, 2, "'1 2' is not a number of cores"},
        {"[machine]\nreserve=1 #2\n" GUEST, 2,
         "'1 #2' (a comment needs a space after its '#') is not a number of cores"},
        {"[machine]\nreserve=512\n" GUEST, 2,
         "reserve = 512 leaves no core for guests; Bulkhead supports at most 512 cores"},
        {"[machine]\nreserve=18446744073709551616\n" GUEST, 2,
         "reserve = 18446744073709551616 leaves no core for guests; Bulkhead supports at most 512 "
         "cores"},
    };
    (void)state;
    REFUSE_ALL(rows);
    accept("[machine]\nreserve=63\n" GUEST);
    assert_int_equal(config.machine.reserve, 63);
    accept("[machine]\nreserve=0\n" GUEST);
    assert_true(config.machine.reserve_given);
    assert_int_equal(config.machine.reserve, 0);
    accept("[machine]\ntsc = trusted # by us\n" GUEST);
    assert_true(config.machine.tsc_trusted);
}

static void test_bad_cores(void **state)
{
#define NEITHER " is neither a number of cores, such as 2 or 2P+2E, nor a list such as #2,#5-7"
#define LIST    " in the list of cores: each item is a core or a range, as in #2,#5-7"
    static const struct refusal rows[] = {
        {IN_GUEST "cores=0", 4, "a guest needs at least 1 core"},
        {IN_GUEST "cores=0P+0E", 4, "a guest needs at least 1 core"},
        {IN_GUEST "cores=60P+5E", 4, "'60P+5E' cores: a guest has at most 64"},
        {IN_GUEST "cores=1P+18446744073709551615E", 4,
         "'1P+18446744073709551615E' cores: a guest has at most 64"},
        {IN_GUEST "cores=2p", 4, "'2p'" NEITHER},
        {IN_GUEST "cores=P", 4, "'P'" NEITHER},
        {IN_GUEST "cores=2P+2", 4, "'2P+2'" NEITHER},
        {IN_GUEST "cores=2P+2P", 4, "'2P+2P'" NEITHER},
        {IN_GUEST "cores=2P+", 4, "'2P+'" NEITHER},
        {IN_GUEST "cores=2P,2E", 4, "'2P,2E'" NEITHER},
        {IN_GUEST "cores=65", 4, "'65' cores: a guest has at most 64"},
        {IN_GUEST "cores=4294967297", 4, "'4294967297' cores: a guest has at most 64"},
        {IN_GUEST "cores=99999999999999999999", 4,
         "'99999999999999999999' cores: a guest has at most 64"},
        {IN_GUEST "cores=two", 4, "'two'" NEITHER},
        {IN_GUEST "cores=-1", 4, "'-1'" NEITHER},
        {IN_GUEST "cores=2-3", 4, "cores = '2-3': write exact cores as '#2-3'"},
        {IN_GUEST "cores=2,3", 4, "cores = '2,3': write exact cores as '#2,#3'"},
        {IN_GUEST "cores = 1 - 2, 10", 4, "cores = '1 - 2, 10': write exact cores as '#1-2,#10'"},
        {IN_GUEST "cores=2,,3", 4, "'2,,3'" NEITHER},
        {IN_GUEST "cores=2-", 4, "'2-'" NEITHER},
        {IN_GUEST "cores=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22", 4,
         "'1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,1...'" NEITHER},
        {IN_GUEST "cores=2,#3", 4, "'2,#3'" NEITHER},
        {IN_GUEST "cores=2 #2 cores", 4,
         "'2 #2 cores' (a comment needs a space after its '#')" NEITHER},
        {IN_GUEST "cores=#", 4, "'#'" LIST},
        {IN_GUEST "cores=#x", 4, "'#x'" LIST},
        {IN_GUEST "cores=#2,3", 4, "'3'" LIST},
        {IN_GUEST "cores=#2,x3", 4, "'x3'" LIST},
        {IN_GUEST "cores=#2,", 4, "''" LIST},
        {IN_GUEST "cores=,#2", 4, "''" LIST},
        {IN_GUEST "cores=#2,,#3", 4, "''" LIST},
        {IN_GUEST "cores=#2-", 4, "'#2-'" LIST},
        {IN_GUEST "cores=#-2", 4, "'#-2'" LIST},
        {IN_GUEST "cores=#2-#", 4, "'#2-#'" LIST},
        {IN_GUEST "cores=#2 #3", 4, "'#2 #3' (a comment needs a space after its '#')" LIST},
        {IN_GUEST "cores=#1-2-3", 4, "'#1-2-3'" LIST},
        {IN_GUEST "cores=#5-2,#x,#99", 4, "'#5-2' runs backwards: write #2-5"},
        {IN_GUEST "cores=#512,#x", 4, "'#512': Bulkhead supports cores #0 to #511"},
        {IN_GUEST "cores=#2,#2,#2", 4, "core #2 is listed twice"},
        {IN_GUEST "cores=#5-2", 4, "'#5-2' runs backwards: write #2-5"},
        {IN_GUEST "cores=#512", 4, "'#512': Bulkhead supports cores #0 to #511"},
        {IN_GUEST "cores=#0-18446744073709551615", 4,
         "'#0-18446744073709551615': Bulkhead supports cores #0 to #511"},
        {IN_GUEST "cores=#2,#2", 4, "core #2 is listed twice"},
        {IN_GUEST "cores=#0-63,#63", 4, "core #63 is listed twice"},
        {IN_GUEST "cores=#0-64", 4, "a guest has at most 64 cores"},
        {IN_GUEST "cores=#400-450,#500-511,#1,#2", 4, "a guest has at most 64 cores"},
        {IN_GUEST "cores=#3-5,#1-3", 4, "core #3 is listed twice"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef NEITHER
#undef LIST
}

/* abuse: BT-04 */
static void test_bad_memory(void **state)
{
#define SIZE " is not a size: write a whole number and K, M or G, such as 64M"
    static const struct refusal rows[] = {
        {IN_MEMORY "much", 3, "'much'" SIZE},
        {IN_MEMORY "M", 3, "'M'" SIZE},
        {IN_MEMORY "16MB", 3, "'16MB'" SIZE},
        {IN_MEMORY "1.5G", 3, "'1.5G'" SIZE},
        {IN_MEMORY "-16M", 3, "'-16M'" SIZE},
        {IN_MEMORY "0x1000K", 3, "'0x1000K'" SIZE},
        {IN_MEMORY "16M 16M", 3, "'16M 16M'" SIZE},
        {IN_MEMORY "1T", 3, "'1T'" SIZE},
        {IN_MEMORY "16M #64M before", 3,
         "'16M #64M before' (a comment needs a space after its '#')" SIZE},
        {IN_MEMORY "64M# note", 3, "'64M# note' (a comment needs a space before its '#')" SIZE},
        {IN_MEMORY "64M#note", 3, "'64M#note' (a comment needs a space before its '#')" SIZE},
        {IN_MEMORY "64M#2", 3, "'64M#2' (a comment needs a space before and after its '#')" SIZE},
        {IN_MEMORY "0", 3, "memory = 0 is too small: the minimum is 1M"},
        {IN_MEMORY "0G", 3, "memory = 0G is too small: the minimum is 1M"},
        {IN_MEMORY "16", 3, "memory = 16 is too small: the minimum is 1M (is the M missing?)"},
        {IN_MEMORY "1020K", 3, "memory = 1020K is too small: the minimum is 1M"},
        {IN_MEMORY "1048575", 3,
         "memory = 1048575 is too small: the minimum is 1M (is the M missing?)"},
        {IN_MEMORY "1025K", 3, "memory = 1025K is not a multiple of 4K: write 1024K or 1028K"},
        {IN_MEMORY "1048577", 3, "memory = 1048577 is not a multiple of 4K: write 1024K or 1028K"},
        {IN_MEMORY "65537G", 3, "memory = 65537G is more memory than any machine has"},
        {IN_MEMORY "70368744177665", 3,
         "memory = 70368744177665 is more memory than any machine has"},
        {IN_MEMORY "18014398509481984K", 3,
         "memory = 18014398509481984K is more memory than any machine has"},
        {IN_MEMORY "17179869185G", 3, "memory = 17179869185G is more memory than any machine has"},
        {IN_MEMORY "99999999999999999999", 3,
         "memory = 99999999999999999999 is more memory than any machine has"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef SIZE
}

static void test_bad_files(void **state)
{
#define FOLDER " contains a folder; all files must be next to bulkhead.conf"
#define FAT    " contains one of * ? < > | :, which FAT does not allow"
#define SPACE  " contains a space; rename the file"
    static const struct refusal rows[] = {
        {IN_IMAGE "a/b", 3, "file name 'a/b'" FOLDER},
        {IN_IMAGE "\\efi\\x", 3, "file name '\\efi\\x'" FOLDER},
        {IN_IMAGE "..", 3, "file name '..' is a folder"},
        {IN_IMAGE ".", 3, "file name '.' is a folder"},
        {IN_IMAGE "\"a.elf\"", 3, "file name '\"a.elf\"' has quotes; remove them"},
        {IN_IMAGE "a b", 3, "file name 'a b'" SPACE},
        {IN_IMAGE "a\tb", 3, "file name 'a\tb'" SPACE},
        {IN_IMAGE "a.elf #1", 3,
         "file name 'a.elf #1' (a comment needs a space after its '#')" SPACE},
        {IN_IMAGE "a.elf# note", 3,
         "file name 'a.elf# note' (a comment needs a space before its '#')" SPACE},
        {IN_IMAGE "c:x", 3, "file name 'c:x'" FAT},
        {IN_IMAGE "x*", 3, "file name 'x*'" FAT},
        {IN_IMAGE "?", 3, "file name '?'" FAT},
        {IN_IMAGE "a|b", 3, "file name 'a|b'" FAT},
        {IN_IMAGE "<a", 3, "file name '<a'" FAT},
        {IN_IMAGE "a>", 3, "file name 'a>'" FAT},
        {IN_IMAGE "0123456789012345678901234567890123456789012345678901234567890123", 3,
         "file name '0123456789012345678901234567890123456789...' has 64 characters; the limit is "
         "63"},
        {IN_GUEST "initrd = a/b", 4, "file name 'a/b'" FOLDER},
    };
    (void)state;
    REFUSE_ALL(rows);
    accept(IN_IMAGE "...");
    accept(IN_IMAGE "a#1");
#undef FOLDER
#undef FAT
#undef SPACE
}

static void test_bad_cmdline(void **state)
{
    char text[1200];
    (void)state;
    snprintf(text, sizeof(text), IN_GUEST "cmdline = %01024d # comment", 1);
    refuse(text, 4, "the command line is 1024 bytes long; the limit is 1023");
}

static void test_bad_confirm(void **state)
{
#define WRITE ": write operator, poweroff GUEST or watchdog GUEST"
    static const struct refusal rows[] = {
        {"[machine]\nconfirm = yes\n" GUEST, 2, "confirm = 'yes'" WRITE},
        {"[machine]\nconfirm = operator a\n" GUEST, 2, "confirm = 'operator a'" WRITE},
        {"[machine]\nconfirm = poweroff\n" GUEST, 2, "confirm = 'poweroff'" WRITE},
        {"[machine]\nconfirm = watchdog\n" GUEST, 2, "confirm = 'watchdog'" WRITE},
        {"[machine]\nconfirm = a\n" GUEST, 2, "confirm = 'a'" WRITE},
        {"[machine]\nconfirm = poweroff b\n" GUEST, 2, "the file has no guest 'b'"},
        {"[machine]\nconfirm = poweroff rots\n[guest rtos]\nmemory=1M\nimage=x\n", 2,
         "the file has no guest 'rots'; did you mean 'rtos'?"},
        {"[machine]\nconfirm = poweroff a 0\n" GUEST, 2, "the file has no guest 'a 0'"},
        {"[machine]\nconfirm = poweroff abcdefghijklmnopq\n" GUEST, 2,
         "the file has no guest 'abcdefghijklmnopq'"},
        {"[machine]\nconfirm = watchdog a\n" GUEST, 2,
         "confirm = watchdog a: it has no watchdog: add 'watchdog = 5s' to it"},
        {GUEST "confirm = operator\n", 4, "'confirm' belongs in [machine], not in [guest NAME]"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef WRITE
}

static void test_bad_on_poweroff_and_watchdog(void **state)
{
#define TIME    ": write a time such as 500ms, 2m or 5s [each], or off"
#define FROM_TO ": it must be from 10ms to 60m"
#define POWERS  ": it must be 32, 64, 128, 256, 512 or 1024"
    static const struct refusal rows[] = {
        {"[machine]\ntimeout = 5s\n" GUEST, 2, "timeout = '5s': write 0 to 3600, in seconds"},
        {"[machine]\ntimeout = 3601\n" GUEST, 2, "timeout = '3601': write 0 to 3600, in seconds"},
        {"[machine]\ntimeout = -1\n" GUEST, 2, "timeout = '-1': write 0 to 3600, in seconds"},
        {"[machine]\non_panic = restart\n" GUEST, 2, "on_panic = 'restart': write halt or reboot"},
        {"[machine]\nisolation = none\n" GUEST, 2, "isolation = 'none': write strict or trusted"},
        {IN_GUEST "on_dma_fault = restart", 4, "on_dma_fault = 'restart': write report or stop"},
        {IN_GUEST "on_dma_fault = stop 3", 4, "on_dma_fault = 'stop 3': write report or stop"},
        {IN_GUEST "on_poweroff = halt", 4, "on_poweroff = 'halt': write stop, restart or reboot"},
        {IN_GUEST "on_poweroff = restart 3", 4,
         "on_poweroff = 'restart 3': write stop, restart or reboot"},
        {IN_GUEST "debug = com2", 4, "debug = 'com2': write serial2"},
        {IN_GUEST "debug = serial2\n[guest b]\nmemory = 1M\nimage = k\ndebug = serial2", 8,
         "debug = serial2: guest 'a' has it at line 4"},
        {IN_GUEST "watchdog = 5", 4, "watchdog = '5'" TIME},
        {IN_GUEST "watchdog = each", 4, "watchdog = 'each'" TIME},
        {IN_GUEST "watchdog = each 1s", 4, "watchdog = 'each 1s'" TIME},
        {IN_GUEST "watchdog = 5seach", 4, "watchdog = '5seach'" TIME},
        {IN_GUEST "watchdog = off each", 4, "watchdog = 'off each'" TIME},
        {IN_GUEST "watchdog = 9ms each", 4, "watchdog = 9ms each" FROM_TO},
        {IN_GUEST "watchdog = s", 4, "watchdog = 's'" TIME},
        {IN_GUEST "watchdog = 5h", 4, "watchdog = '5h'" TIME},
        {IN_GUEST "watchdog = -5s", 4, "watchdog = '-5s'" TIME},
        {IN_GUEST "watchdog = 1.5s", 4, "watchdog = '1.5s'" TIME},
        {IN_GUEST "watchdog = on", 4, "watchdog = 'on'" TIME},
        {IN_GUEST "watchdog = 99999999999999999999s", 4,
         "watchdog = 99999999999999999999s" FROM_TO},
        {IN_GUEST "watchdog = 9ms", 4, "watchdog = 9ms" FROM_TO},
        {IN_GUEST "watchdog = 0s", 4, "watchdog = 0s" FROM_TO},
        {IN_GUEST "watchdog = 61m", 4, "watchdog = 61m" FROM_TO},
        {IN_GUEST "watchdog = 18446744073709551615s", 4,
         "watchdog = 18446744073709551615s" FROM_TO},
        {IN_GUEST "trace = on", 4, "trace = 'on': write a number of exits, or off"},
        {IN_GUEST "trace = 1K", 4, "trace = '1K': write a number of exits, or off"},
        {IN_GUEST "trace = 0", 4, "trace = 0" POWERS},
        {IN_GUEST "trace = 16", 4, "trace = 16" POWERS},
        {IN_GUEST "trace = 1000", 4, "trace = 1000" POWERS},
        {IN_GUEST "trace = 2048", 4, "trace = 2048" POWERS},
    };

    (void)state;
    REFUSE_ALL(rows);
#undef TIME
#undef FROM_TO
#undef POWERS
}

static void test_bad_on_crash(void **state)
{
#define WRITE ": write stop, restart [N] or reboot"
    static const struct refusal rows[] = {
        {IN_GUEST "on_crash = explode", 4, "on_crash = 'explode'" WRITE},
        {IN_GUEST "on_crash = stop 3", 4, "on_crash = 'stop 3'" WRITE},
        {IN_GUEST "on_crash = reboot 3", 4, "on_crash = 'reboot 3'" WRITE},
        {IN_GUEST "on_crash = restart x", 4, "on_crash = 'restart x'" WRITE},
        {IN_GUEST "on_crash = restart -1", 4, "on_crash = 'restart -1'" WRITE},
        {IN_GUEST "on_crash = restart 1 2", 4, "on_crash = 'restart 1 2'" WRITE},
        {IN_GUEST "on_crash = stop #2", 4,
         "on_crash = 'stop #2' (a comment needs a space after its '#')" WRITE},
        {IN_GUEST "on_crash = restart 0", 4, "on_crash = restart 0: write 'stop' for no restart"},
        {IN_GUEST "on_crash = restart 4294967295", 4,
         "on_crash = restart 4294967295: write 'restart' for no limit"},
        {IN_GUEST "on_crash = restart 99999999999999999999", 4,
         "on_crash = restart 99999999999999999999: write 'restart' for no limit"},
    };
    (void)state;
    REFUSE_ALL(rows);
#undef WRITE
}

/* Everything that is wrong is told at once, in the order of the lines. */
static void test_all_at_once(void **state)
{
    static const uint32_t lines[] = {2, 3, 4, 6, 7, 8, 9, 10};
    (void)state;
    assert_false(parse("[machine]\n"
                       "reserve = x\n"
                       "colour = 1\n"
                       "[guest 1a]\n"
                       "image=x\n"
                       "cores = 0\n"
                       "memory = 1\n"
                       "on_crash = no\n"
                       "nonsense\n"
                       "[guest b]\n"
                       "memory = 1M\n"));
    assert_int_equal(report.count, ARRAY_SIZE(lines));
    for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_int_equal(report.rows[i].line, lines[i]);
}

/* A report that holds errors already does not make a good file bad. */
static void test_old_errors(void **state)
{
    (void)state;
    memset(&report, 0, sizeof(report));
    errors_add(&report, 1, "from before");
    assert_true(config_parse(&config, GUEST, strlen(GUEST), &report));
    assert_int_equal(report.count, 1);
}

/* ---------------------------------------------------------------------- any bytes at all */

static const char everything[] =
    "[machine]\nconsole = serial 0x3f8 9600 screen\nreserve = 2\n[guest a]\ncores = #1,#3-5\n"
    "memory = 16M\nimage = a.elf\ninitrd = i.img\ndisk = d ro\ncmdline = a=b # c\non_crash = "
    "restart 7\n"
    "[guest b]\r\ncores = 2\r\nmemory = 1G\r\nimage = b\r\n";

/* abuse: BT-01 */
static void test_cut_everywhere(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof(everything); size++)
        (void)parse_bytes(everything, size);
    accept(everything);
}

static void test_every_byte_changed(void **state)
{
    char text[sizeof(everything)];
    (void)state;
    for (size_t i = 0; i < sizeof(everything) - 1; i++)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(text, everything, sizeof(text));
            text[i] = (char)byte;
            (void)parse_bytes(text, sizeof(text) - 1);
        }
}

/* What plan relies on, whenever a file was accepted. */
static void check_accepted(void)
{
    assert_in_range(config.guest_count, 1, GUESTS_MAX);
    assert_in_range(config.machine.reserve, 0, CORES_MAX - 1);
    for (uint32_t g = 0; g < config.guest_count; g++) {
        const struct config_guest *guest = &config.guests[g];
        assert_in_range(guest->cores.count, 1, GUEST_CORES_MAX);
        assert_in_range(guest->memory, GUEST_MEMORY_MIN, GUEST_MEMORY_MAX);
        assert_int_equal(guest->memory % PAGE_SIZE, 0);
        assert_true(guest->image[0] != '\0' && guest->name[0] != '\0');
        assert_in_range(guest->disk_count, 0, DISKS_MAX);
        for (uint32_t i = 0; i < guest->disk_count; i++)
            assert_true(guest->disks[i].file[0] != '\0');
        for (uint32_t i = 0; guest->cores.exact && i < guest->cores.count; i++)
            assert_in_range(guest->cores.list[i], 0, CORES_MAX - 1);
    }
}

static void test_random_pieces(void **state)
{
    static const char *const pieces[] = {
        "[machine]",  "[guest ",
        "a]",         "\n",
        "\n",         "=",
        " = ",        "cores",
        "memory",     "image",
        "console",    "serial",
        "screen",     "#",
        "#1",         ",",
        "-",          "16M",
        "4294967296", "99999999999999999999999",
        "K",          "com1",
        "0x3f8",      "cmdline",
        "initrd",     "on_crash",
        "restart",    "stop",
        "reserve",    "]",
        "\r\n",       " ",
        "\t",         "\xef\xbb\xbf",
        "\x7f",       "\xff",
        "x.elf",      "[guest b]\nmemory=1M\nimage=x\n",
        "disk",       "fresh",
        "ro",         "disk = x",
    };
    uint64_t seed = 7;
    uint32_t accepted = 0;
    (void)state;
    for (uint32_t round = 0; round < 50000; round++) {
        char text[2048];
        size_t len = 0;
        for (uint64_t n = random_next(&seed) % 40; n > 0; n--)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
                                    pieces[random_next(&seed) % ARRAY_SIZE(pieces)]);
        if (parse_bytes(text, len)) {
            accepted++;
            check_accepted();
        }
    }
    assert_true(accepted > 0);
}

static void test_noise(void **state)
{
    static char text[CONFIG_SIZE_MAX];
    uint64_t seed = 3;
    (void)state;
    for (uint32_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = (char)(random_next(&seed) >> 56);
        assert_false(parse_bytes(text, sizeof(text)));
        assert_true(report.count <= sizeof(text) + 1);
    }
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 == 0 ? '\1' : '\n'; /* the most errors that a file can have */
    assert_false(parse_bytes(text, sizeof(text)));
    assert_int_equal(report.count, sizeof(text) / 2 + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_disks),
        cmocka_unit_test(test_bad_devices),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_bad_disks),
        cmocka_unit_test(test_spelling),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_cores),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_on_crash),
        cmocka_unit_test(test_on_poweroff),
        cmocka_unit_test(test_debug),
        cmocka_unit_test(test_on_dma_fault),
        cmocka_unit_test(test_on_panic),
        cmocka_unit_test(test_confirm),
        cmocka_unit_test(test_bad_confirm),
        cmocka_unit_test(test_isolation),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_watchdog),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_guests_max),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_size),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_names_that_imitate),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_given_badly_twice),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_long_key),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_no_error_follows),
        cmocka_unit_test(test_other_words),
        cmocka_unit_test(test_bad_console),
        cmocka_unit_test(test_bad_reserve),
        cmocka_unit_test(test_bad_cores),
        cmocka_unit_test(test_bad_memory),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_bad_cmdline),
        cmocka_unit_test(test_bad_on_crash),
        cmocka_unit_test(test_bad_on_poweroff_and_watchdog),
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_old_errors),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_random_pieces),
        cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

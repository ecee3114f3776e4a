/* SPDX-License-Identifier: MIT */
/*
 * test_commands_export: `trace export`, line by line, of a guest with the short ring and one with
 * the long; and that no line is cut, whatever the numbers are. scripts/traceview/read.py reads
 * these lines: tests/boot/test_trace_page.py has the same ones.
 */
#include "kernel/monitor/commands_export.h"

#include <stdio.h>

#include "support.h"

#include "kernel/console/console.h"
#include "kernel/core/cores.h"
#include "kernel/vm/trace_text.h"
#include "lib/log.h"

#define LINES_MAX 256

static char lines[LINES_MAX][LOG_LINE_MAX + 1];
static uint32_t line_count;
static bool is_clear;

void console_show(const char *line, size_t len)
{
    assert_true(line_count < LINES_MAX && len < LOG_LINE_MAX);
    memcpy(lines[line_count], line, len);
    lines[line_count++][len] = '\0';
}

bool console_is_clear(void)
{
    return is_clear;
}

/* What is not part of this program but of the virtual machine's. */
const char *virt_exit_name(uint32_t hw_code)
{
    (void)hw_code;
    return "?";
}

static struct trace_place_long places[64];
static struct cpu cores[2];
static struct vcpu_soft softs[2];
static struct vcpu vcpus[2];
static struct vm vm;
static struct tsc tsc = {.hz = 50000000};
static struct commands commands;

static void exit_of(uint32_t vcpu, enum exit_kind kind, uint64_t time)
{
    const struct stay stay = {.kind = kind, .time = time, .rip = 0x1000, .hw_code = 0x1e};

    trace_exit(&softs[vcpu].stats.trace, &stay, kind);
}

static int setup(void **state)
{
    (void)state;
    memset(softs, 0, sizeof(softs));
    memset(places, 0, sizeof(places));
    for (uint32_t i = 0; i < 2; i++) {
        cores[i].id = i + 3;
        vcpus[i] = (struct vcpu){.index = i, .cpu = &cores[i], .soft = &softs[i], .vm = &vm};
        trace_reset(&softs[i].stats.trace);
    }
    vm = (struct vm){.name = "a", .vcpu_count = 1, .vcpus = vcpus, .restarts = 1};
    commands = (struct commands){
        .view = {.tsc = &tsc, .vendor = vendor_of(POLICY_INTEL)},
    };
    line_count = 0;
    is_clear = true;
    return 0;
}

static void say_all(void)
{
    while (commands_export_step(&commands, 0xabcdef)) {
    }
}

static void a_short_ring(void **state)
{
    (void)state;
    exit_of(0, EXIT_PIO, 0x111);
    exit_of(0, EXIT_TIMER, 0x222);
    commands_on_export(&commands, &vm);
    say_all();
    assert_int_equal(line_count, 5);
    assert_string_equal(lines[0],
                        "trace-export 1 guest=a on=VT-x vcpus=1 life=2 hz=50000000 now=abcdef");
    assert_string_equal(lines[1], "trace-core 0 core=3 exits=2 kept=16 registers=no");
    assert_string_equal(lines[2], "trace-row 0 1 111 1000 1e port next");
    assert_string_equal(lines[3], "trace-row 0 2 222 1000 1e timer again");
    assert_string_equal(lines[4], "trace-end rows=2 lost=0");
    assert_null(commands.export.vm);
    assert_false(commands_export_step(&commands, 0));
}

static void long_ring(uint32_t vcpu, uint32_t count)
{
    softs[vcpu].trace_long = (struct trace_long){.places = places, .count = count};
    vcpus[vcpu].is_traced = true;
}

static void put(uint64_t number)
{
    const struct trace_entry entry = {.row = {.time = number, .rip = 0x10, .kind = EXIT_CPUID},
                                      .ticks = 0x20,
                                      .info = 0x30,
                                      .extra = 0x40,
                                      .before = {1, 2, 3, 4},
                                      .after = {5, 6, 7, 8}};

    trace_long_put(&softs[0].trace_long, number, &entry);
}

/* More than is said in one step; and a guest of two cores, on AMD. */
static void a_long_ring_step_by_step(void **state)
{
    uint32_t steps = 0;

    (void)state;
    vm.vcpu_count = 2;
    commands.view.vendor = vendor_of(POLICY_AMD);
    long_ring(0, 64);
    for (uint64_t n = 1; n <= 70; n++)
        put(n);
    commands_on_export(&commands, &vm);
    assert_true(atomic_load(&softs[0].trace_long.is_held));
    commands_on_export(&commands, &vm);
    assert_string_equal(lines[0], "the trace of guest 'a' is still being exported");
    line_count = 0;
    for (; commands_export_step(&commands, 1); steps++)
        assert_true(line_count <= (steps + 1) * 32 + 2);
    assert_int_equal(steps, 6); /* 64 rows, the other core, the end */
    assert_int_equal(line_count, 1 + 1 + 2 * 64 + 1 + 1);
    assert_string_equal(lines[0], "trace-export 1 guest=a on=SVM vcpus=2 life=2 hz=50000000 now=1");
    assert_string_equal(lines[1], "trace-core 0 core=3 exits=0 kept=64 registers=yes");
    assert_string_equal(lines[2], "trace-row 0 7 7 10 0 cpuid next");
    assert_string_equal(lines[3], "trace-more 0 7 20 30 40 1 2 3 4 5 6 7 8");
    assert_string_equal(lines[130], "trace-core 1 core=4 exits=0 kept=16 registers=no");
    assert_string_equal(lines[131], "trace-end rows=64 lost=0");
    assert_false(atomic_load(&softs[0].trace_long.is_held));
}

static void it_waits_for_the_console(void **state)
{
    (void)state;
    commands_on_export(&commands, &vm);
    is_clear = false;
    assert_false(commands_export_step(&commands, 0));
    assert_int_equal(line_count, 0);
    is_clear = true;
    say_all();
    assert_string_equal(lines[line_count - 1], "trace-end rows=0 lost=0");
}

static void what_is_missing_is_counted(void **state)
{
    (void)state;
    long_ring(0, 64);
    put(1);
    put(4);
    commands_on_export(&commands, &vm);
    say_all();
    assert_string_equal(lines[line_count - 1], "trace-end rows=2 lost=2");
}

/* A line that is cut off ends in "...". */
static void no_line_is_too_long(void **state)
{
    struct trace_entry entry;
    struct trace_core core;
    struct trace_head head = {"a23456789012345", false, 64, UINT32_MAX, UINT64_MAX, UINT64_MAX};
    char line[LOG_LINE_MAX + 100];

    (void)state;
    memset(&entry, 0xff, sizeof(entry));
    memset(&core, 0xff, sizeof(core));
    trace_text_head(&head, line, sizeof(line));
    assert_true(strlen(line) < LOG_LINE_MAX);
    core.has_registers = true;
    trace_text_core(&core, line, sizeof(line));
    assert_true(strlen(line) < LOG_LINE_MAX);
    for (uint32_t kind = 0; kind < EXIT_KIND_COUNT; kind++) {
        entry.row.kind = (uint8_t)kind;
        entry.row.verdict = DO_REFLECT;
        trace_text_row(63, UINT64_MAX, &entry.row, line, sizeof(line));
        assert_true(strlen(line) < LOG_LINE_MAX);
    }
    trace_text_more(63, UINT64_MAX, &entry, line, sizeof(line));
    assert_true(strlen(line) < LOG_LINE_MAX);
    trace_text_end(UINT64_MAX, UINT64_MAX, line, sizeof(line));
    assert_true(strlen(line) < LOG_LINE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_short_ring, setup),
        cmocka_unit_test_setup(a_long_ring_step_by_step, setup),
        cmocka_unit_test_setup(it_waits_for_the_console, setup),
        cmocka_unit_test_setup(what_is_missing_is_counted, setup),
        cmocka_unit_test_setup(no_line_is_too_long, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

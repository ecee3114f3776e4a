/* SPDX-License-Identifier: MIT */
/*
 * test_diagnosis: every exit and verdict has a name, and registers, places and traces are put in
 * words that fit a line of the log.
 */
#include "kernel/vm/diagnosis.h"

#include <stdio.h>

#include "guests/kit/abi.h"
#include "lib/log.h"
#include "lib/x86/msr.h"
#include "support.h"

static char line[LOG_LINE_MAX];

static void everything_has_a_name(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++) {
        assert_non_null(diagnosis_exit_kind((enum exit_kind)k));
        for (uint32_t other = 0; other < k; other++)
            assert_string_not_equal(diagnosis_exit_kind((enum exit_kind)k),
                                    diagnosis_exit_kind((enum exit_kind)other));
    }
    assert_string_equal(diagnosis_exit_kind(EXIT_KIND_COUNT), "?");
    for (uint32_t v = DO_NEXT; v <= DO_STOP; v++)
        assert_string_not_equal(diagnosis_verdict((enum verdict)v), "?");
}

static void expect_first_line(const struct vcpu_state *s, const char *want)
{
    assert_true(diagnosis_state_line(s, 0, line, sizeof(line)));
    assert_string_equal(line, want);
}

static void modes_are_named(void **state)
{
    struct vcpu_state s = {.rip = 0x7c00, .rflags = 2};

    (void)state;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 2 CPL 0, real mode");
    s.cr0 = 1;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 2 CPL 0, protected mode, no paging");
    s.cr0 |= UINT64_C(1) << 31;
    s.segments[SEG_SS].attributes = 3u << 5 | 0x13;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 2 CPL 3, protected mode, paging");
    s.efer = UINT64_C(1) << 10;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 2 CPL 3, compatibility mode");
    s.segments[SEG_CS].attributes = SEGMENT_LONG;
    s.in_shadow = s.in_nmi = true;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 2 CPL 3, 64-bit mode, behind STI or "
                          "MOV SS, in an NMI");
    s.efer = 0;
    s.rflags |= 1u << 17;
    expect_first_line(&s, "  RIP 7c00 RSP 0 RFLAGS 20002 CPL 3, virtual-8086 mode, behind STI or "
                          "MOV SS, in an NMI");
}

/* With every bit set all lines still fit. */
static void state_lines_fit(void **state)
{
    struct vcpu_state s;
    uint32_t count = 0;

    (void)state;
    memset(&s, 0xff, sizeof(s));
    s.in_shadow = s.in_nmi = true;
    s.is_lost = false;
    while (diagnosis_state_line(&s, count, line, sizeof(line))) {
        assert_in_range(strlen(line), 10, LOG_LINE_MAX - 2);
        assert_memory_equal(line, "  ", 2);
        count++;
    }
    assert_int_equal(count, 7);
    s.is_lost = true;
    for (count = 0; diagnosis_state_line(&s, count, line, sizeof(line)); count++)
        assert_in_range(strlen(line), 10, LOG_LINE_MAX - 2);
    assert_int_equal(count, 3);
    memset(&s, 0, sizeof(s));
    assert_true(diagnosis_state_line(&s, 4, line, sizeof(line)));
    assert_string_equal(line, "  ES unusable  CS unusable  SS unusable  DS unusable");
}

/* What a refused entry has lost is not made up. */
static void lost_registers_are_not_shown(void **state)
{
    struct vcpu_state s = {.rip = 0x7c00, .cr3 = 0xbad, .is_lost = true};

    (void)state;
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        s.gpr[i] = i == REG_RAX || i == REG_RSP ? 0xbad : i;
    expect_first_line(&s, "  RIP 7c00, the other registers are lost but for these:");
    assert_true(diagnosis_state_line(&s, 1, line, sizeof(line)));
    assert_string_equal(line, "  RBX 3 RCX 1 RDX 2 RSI 6 RDI 7 RBP 5");
    assert_true(diagnosis_state_line(&s, 2, line, sizeof(line)));
    assert_string_equal(line, "  R8 8 R9 9 R10 a R11 b R12 c R13 d R14 e R15 f");
    assert_false(diagnosis_state_line(&s, 3, line, sizeof(line)));
}

static void qualifications_are_explained(void **state)
{
    struct vcpu_exit x = {.kind = EXIT_NESTED_FAULT};

    (void)state;
    x.fault.access = NESTED_READ | NESTED_WRITE;
    diagnosis_access(&x, line, sizeof(line));
    assert_string_equal(line, "read write by the instruction");
    x.fault.access = NESTED_EXEC;
    x.fault.table_walk = true;
    diagnosis_access(&x, line, sizeof(line));
    assert_string_equal(line, "fetch by a page-table walk");
    x = (struct vcpu_exit){.kind = EXIT_EXCEPTION};
    x.exception.vector = 8;
    diagnosis_access(&x, line, sizeof(line));
    assert_string_equal(line, "vector 8");
    x = (struct vcpu_exit){.kind = EXIT_TRIPLE_FAULT};
    diagnosis_access(&x, line, sizeof(line));
    assert_string_equal(line, "");
}

static void places_are_named(void **state)
{
    static const struct {
        uint64_t address, memory;
        const char *want;
    } rows[] = {
        {16 * MIB, 16 * MIB, "the first byte after its memory"},
        {16 * MIB + 64 * KIB, 16 * MIB, "64 KiB past its end"},
        {0xfee00030, 16 * MIB, "the local APIC's registers on a PC: use x2APIC"},
        {0xfec00000, 16 * MIB, "an I/O APIC's registers on a PC: there is none"},
        {0xfed00fff, 16 * MIB, "the HPET's registers on a PC: there is none"},
        {0xfed803c0, 16 * MIB, "an AMD chipset's registers on a PC: there are none"},
        {0xfffffff0, 16 * MIB, "the firmware's flash on a PC: there is none"},
        {0xe0000000, 8 * GIB, "PCI configuration space on a PC: there is none"},
        {3 * GIB, 8 * GIB, "the hole below 4 GiB"},
        {9 * GIB, 8 * GIB, "the first byte after its memory"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct guest_map map = {0};
        char want[100];
        guest_map_add_ram(&map, hpa(GIB), rows[i].memory);
        diagnosis_place(gpa(rows[i].address), &map, line, sizeof(line));
        snprintf(want, sizeof(want), "outside its memory: %s", rows[i].want);
        assert_string_equal(line, want);
    }
}

/* An address that leads somewhere, but not in that way. */
static void regions_are_named(void **state)
{
    const struct guest_region shared = {gpa(4 * GIB),  hpa(8 * GIB),  MIB,  PT_R,
                                        PT_WRITE_BACK, REGION_SHARED, "bus"};
    const struct guest_region device = {gpa(0xfee00000), hpa(0xf0000000), PAGE_SIZE, PT_R | PT_W,
                                        PT_UNCACHED,     REGION_DEVICE,   NULL};
    struct guest_map map = {0};

    (void)state;
    guest_map_add_ram(&map, hpa(GIB), 16 * MIB);
    guest_map_add(&map, shared);
    guest_map_add(&map, device);
    diagnosis_place(gpa(4 * GIB + MIB - 1), &map, line, sizeof(line));
    assert_string_equal(line, "the memory of link 'bus', which it may only read");
    diagnosis_place(gpa(0xfee00fff), &map, line, sizeof(line));
    assert_string_equal(line, "its device's registers, which it may only read and write");
    diagnosis_place(gpa(16 * MIB - 1), &map, line, sizeof(line));
    assert_string_equal(line, "its memory, which it may read, write and execute");
    diagnosis_place(gpa(4 * GIB + MIB), &map, line, sizeof(line));
    assert_string_equal(line, "outside its memory: 4081 MiB past its end");
    (void)guest_map_add_disk(&map, hpa(GIB), 2 * MIB, true, "root.img");
    (void)guest_map_add_disk(&map, hpa(2 * GIB), 2 * MIB, false, "data.img");
    diagnosis_place(gpa(128 * MIB), &map, line, sizeof(line));
    assert_string_equal(line, "its disk 'root.img', which it may only read and execute");
    diagnosis_place(gpa(258 * MIB), &map, line, sizeof(line));
    assert_string_equal(line, "outside its memory: the first byte after its disk 'data.img'");
    diagnosis_place(gpa(259 * MIB), &map, line, sizeof(line));
    assert_string_equal(line, "outside its memory: 243 MiB past its end");
    diagnosis_place(gpa(17 * MIB), &map, line, sizeof(line));
    assert_string_equal(line, "outside its memory: 1 MiB past its end");
}

static void expect_report(uint32_t code, uint64_t error, const char *want)
{
    const struct crash_report report = {.code = code, .rip = 0x102b74, .error = error};

    diagnosis_report(&report, 0x8, line, sizeof(line));
    assert_string_equal(line, want);
}

static void reports_are_put_in_words(void **state)
{
    (void)state;
    expect_report(0, 0, "it has no handler for a divide error (#DE) at RIP 0x102b74");
    expect_report(2, 0, "it has no handler for an NMI at RIP 0x102b74");
    expect_report(13, 0x18,
                  "it has no handler for a general-protection fault (#GP) at RIP 0x102b74, error "
                  "code 0x18");
    expect_report(15, 0, "it has no handler for vector 15, at RIP 0x102b74");
    expect_report(22, 0, "it has no handler for vector 22, at RIP 0x102b74");
    expect_report(255, 0, "it has no handler for vector 255, at RIP 0x102b74");
    expect_report(256, 0, "it gave up with code 0 at RIP 0x102b74");
    expect_report(511, 7, "it gave up with code 255 at RIP 0x102b74");
#define PAGE_FAULT "it has no handler for a page fault (#PF) at RIP 0x102b74: it "
    expect_report(14, 0, PAGE_FAULT "read from 0x8, which is not mapped");
    expect_report(14, 2, PAGE_FAULT "wrote to 0x8, which is not mapped");
    expect_report(14, 3, PAGE_FAULT "wrote to 0x8, which is not writable");
    expect_report(14, 5, PAGE_FAULT "read from 0x8, which is not readable");
    expect_report(14, 0x10, PAGE_FAULT "jumped to 0x8, which is not mapped");
    expect_report(14, 0x11, PAGE_FAULT "jumped to 0x8, which is not executable");
    expect_report(14, 9,
                  PAGE_FAULT "read from 0x8, which has a reserved bit set in its page tables");
}

/* Whatever a guest puts into its registers fits a line, behind the guest's own name. */
static void reports_fit(void **state)
{
    static const uint64_t errors[] = {0, 1, 2, 9, 0x10, 0x11, UINT64_MAX};

    (void)state;
    for (uint32_t code = 0; code <= BULKHEAD_CRASH_LAST; code++) {
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
            const struct crash_report report = {code, UINT64_MAX, errors[i]};
            diagnosis_report(&report, UINT64_MAX, line, sizeof(line));
            assert_in_range(strlen(line), 10, LOG_LINE_MAX - 80);
        }
    }
}

static void source_lines_can_be_typed(void **state)
{
    struct vcpu_state s = {.rip = 0x102b74, .efer = EFER_LMA};

    (void)state;
    s.segments[SEG_CS] = (struct segment_state){.base = 0x1000, .attributes = SEGMENT_LONG};
    diagnosis_source_line(&s, "hello.elf", line, sizeof(line));
    assert_string_equal(line, "  source line: addr2line -fe hello.elf 0x102b74");
    s.efer = 0; /* L means nothing outside of IA-32e mode: the base counts */
    diagnosis_source_line(&s, "hello.elf", line, sizeof(line));
    assert_string_equal(line, "  source line: addr2line -fe hello.elf 0x103b74");
}

static void traces_have_columns(void **state)
{
    const struct trace_row row = {
        .rip = 0x102b24, .hw_code = 18, .kind = EXIT_HYPERCALL, .verdict = DO_NEXT};

    (void)state;
    diagnosis_trace_line(&row, "VMCALL", 1234, line, sizeof(line));
    assert_string_equal(
        line, "        1234 us ago  hypercall     VMCALL               RIP 102b24           next");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_has_a_name),
        cmocka_unit_test(modes_are_named),
        cmocka_unit_test(lost_registers_are_not_shown),
        cmocka_unit_test(state_lines_fit),
        cmocka_unit_test(qualifications_are_explained),
        cmocka_unit_test(places_are_named),
        cmocka_unit_test(regions_are_named),
        cmocka_unit_test(traces_have_columns),
        cmocka_unit_test(reports_are_put_in_words),
        cmocka_unit_test(reports_fit),
        cmocka_unit_test(source_lines_can_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

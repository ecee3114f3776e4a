/* SPDX-License-Identifier: MIT */
/*
 * test_look: a VMCS in words: each field that this hypervisor touches is in the table, once; a
 * field is read where the processor has it; what the words say, and that the rules are looked at.
 */
#include "vmx/vmx.h"

#include "support.h"

#include "lib/fmt.h"
#include "vmx/look.c"

struct vmx_caps vmx_caps;

static char lines[400][2000];
static uint32_t line_count;

/* What goes on below a full line is put behind it. */
static void put(const char *fmt, ...)
{
    char line[LOG_LINE_MAX + 1];
    va_list args;

    assert_true(line_count < ARRAY_SIZE(lines));
    va_start(args, fmt);
    fmt_vprint(line, sizeof(line), fmt, args);
    va_end(args);
    if (strncmp(line, "        ", 8) == 0 && strncmp(line, "        this", 12) != 0)
        strcat(lines[line_count - 1], line + 7);
    else
        (void)text_copy(lines[line_count++], sizeof(lines[0]), line);
}

static bool has_line(const char *text)
{
    for (uint32_t i = 0; i < line_count; i++) {
        if (strstr(lines[i], text))
            return true;
    }
    return false;
}

static uint64_t values[1 << 15]; /* by encoding */
static bool lacks[1 << 15], was_read[1 << 15];
static struct vmx_vcpu hw;
static struct vcpu vcpu = {.hw = &hw};

bool vmread_if(enum vmcs_field field, uint64_t *value)
{
    was_read[field] = true;
    if (lacks[field])
        return false;
    *value = values[field];
    return true;
}

void vmx_make_audit_cpu(struct vmx_audit_cpu *cpu, uint32_t pin, uint32_t cpu2, uint32_t entry)
{
    *cpu = (struct vmx_audit_cpu){.cr0_fixed1 = UINT64_MAX,
                                  .cr4_fixed1 = UINT64_MAX,
                                  .physical_bits = 40,
                                  .linear_bits = 48,
                                  .pin = pin,
                                  .cpu2 = cpu2,
                                  .entry = entry};
}

static void begin(void)
{
    memset(&hw, 0, sizeof(hw));
    memset(values, 0, sizeof(values));
    memset(lacks, 0, sizeof(lacks));
    memset(was_read, 0, sizeof(was_read));
    vmx_caps = (struct vmx_caps){.pin = UINT64_MAX << 32,
                                 .cpu = UINT64_MAX << 32,
                                 .cpu2 = UINT64_MAX << 32,
                                 .cpu3 = UINT64_MAX,
                                 .exit = UINT64_MAX << 32,
                                 .entry = UINT64_MAX << 32,
                                 .misc = 4 << 16};
    line_count = 0;
}

static void show(const char *part)
{
    line_count = 0;
    vmx_look(&vcpu);
    assert_true(vmx_look_show(&vcpu, part, put));
}

static void test_table(void **state)
{
    static const uint32_t ours[] = {
#define ENCODING(name, encoding) encoding,
        VMCS_FIELDS(ENCODING)};
    static const uint32_t bytes[] = {2, 8, 4, 8}; /* by enum vmcs_width */

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
        uint32_t found = 0;
        for (uint32_t f = 0; f < VMX_LOOK_FIELDS; f++)
            found += vmx_look_fields[f].place == ours[i];
        if (found != 1)
            fail_msg("0x%x is in the table %u times", ours[i], found);
    }
    for (uint32_t f = 0; f < VMX_LOOK_FIELDS; f++) {
        const struct look_field *field = &vmx_look_fields[f];

        assert_true(field->place < 0x8000 && !(field->place & 1) && field->name[0]);
        assert_int_equal(field->bytes, bytes[VMCS_WIDTH_OF(field->place)]);
        assert_true(field->part < LOOK_PARTS);
        assert_true(!field->bits || !field->words);
        for (uint32_t g = 0; g < f; g++) {
            assert_int_not_equal(vmx_look_fields[g].place, field->place);
            assert_string_not_equal(vmx_look_fields[g].name, field->name);
        }
        /* "Field Encoding": host state, and what is read-only, stand in their groups. */
        assert_int_equal((field->place >> 10 & 3) == 3, field->part == LOOK_HOST);
        assert_int_equal((field->place >> 10 & 3) == 1, field->part == LOOK_INFO);
    }
}

/* What no control word allows is not even tried; what is not there in spite of it is left out. */
static void test_fields_that_are_not_there(void **state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t *word;
        uint64_t without;
    } rows[] = {
        {VMCS_PREEMPTION_TIMER, &vmx_caps.pin, BIT64(32 + 6)},
        {VMCS_MSR_BITMAP, &vmx_caps.cpu, BIT64(32 + 28)},
        {VMCS_EPT_POINTER, &vmx_caps.cpu2, BIT64(32 + 1)},
        {(enum vmcs_field)0x2040, &vmx_caps.cpu3, BIT64(1)},
        {VMCS_HOST_PAT, &vmx_caps.exit, BIT64(32 + 19)},
        {VMCS_GUEST_SSP, &vmx_caps.entry, BIT64(32 + 20)},
        {(enum vmcs_field)0x600e, &vmx_caps.misc, 1 << 16 | 4 << 16},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        vmx_look(&vcpu);
        assert_true(was_read[rows[i].field]);
        was_read[rows[i].field] = false;
        *rows[i].word &= ~rows[i].without;
        vmx_look(&vcpu);
        assert_false(was_read[rows[i].field]);
        assert_true(was_read[VMCS_GUEST_RIP]);
    }
    begin();
    lacks[VMCS_GUEST_DEBUGCTL] = true;
    show("guest");
    assert_true(has_line("  not in this processor: Guest IA32_DEBUGCTL"));
    assert_false(has_line("  Guest IA32_DEBUGCTL "));
}

static void test_words(void **state)
{
    static const struct {
        uint32_t field;
        uint64_t value;
        const char *part, *says;
    } rows[] = {
        {VMCS_GUEST_CS_ACCESS, 0x1a09b, "guest", "0x0001a09b unusable"},
        {VMCS_GUEST_CS_ACCESS, 0xf09b, "guest", "DPL 0, P, AVL, L, D/B, G"},
        {VMCS_GUEST_TR_SELECTOR, 0x18, "guest", "0x0018 GDT index 3, RPL 0"},
        {VMCS_GUEST_ACTIVITY, 3, "guest", "3 wait-for-SIPI"},
        {VMCS_GUEST_INTERRUPTIBILITY, 9, "guest", "blocking by STI, blocking by NMI"},
        {VMCS_GUEST_PAT, 6, "guest", "PA0 WB, PA1 UC"},
        {VMCS_EPT_POINTER, 0x123401e, "controls", "memory type 6 (WB)"},
        {VMCS_EPT_POINTER, 0x1234058, "controls", "accessed and dirty flags on"},
        {VMCS_SECONDARY_CONTROLS, 2, "controls", "0x00000002 enable EPT"},
        {0x2034, 2, "controls", "enable HLAT"},
        {VMCS_ENTRY_CONTROLS, 0x204, "entry", "load debug controls, IA-32e mode guest"},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0x306, "entry", "0x00000306 not valid"},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0d, "entry", "vector 13, type 3 hardware"},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0d, "entry", "error code valid"},
        {VMCS_EXIT_INTERRUPTION_INFO, 0x80001202, "info", "NMI unblocking due to IRET"},
        {VMCS_EXIT_REASON, 0x80000021, "info", "33 ENTRY_GUEST_STATE, VM-entry failure"},
        {VMCS_VM_INSTRUCTION_ERROR, 7, "info", "7 VM entry with invalid control"},
        {VMCS_EXIT_CONTROLS, 0x200, "exit", "host address-space size"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        values[rows[i].field] = rows[i].value;
        show(rows[i].part);
        if (!has_line(rows[i].says))
            fail_msg("row %zu: no line has '%s'", i, rows[i].says);
    }
}

static void test_qualification(void **state)
{
    static const struct {
        uint64_t reason, qualification;
        const char *says;
    } rows[] = {
        {VMX_REASON_CR_ACCESS, 0x314, "access 1 MOV from CR, CR4, register 3"},
        {VMX_REASON_IO, 0x3f80000, "port 0x3f8, OUT, size 1"},
        {VMX_REASON_IO, 0x3f8001b, "port 0x3f8, IN, size 4, string"},
        {VMX_REASON_EPT_VIOLATION, 0x182, "data write, linear address valid, not in a page"},
        {VMX_REASON_CPUID, 0, "0x0000000000000000"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        values[VMCS_EXIT_REASON] = rows[i].reason;
        values[VMCS_EXIT_QUALIFICATION] = rows[i].qualification;
        show("info");
        if (!has_line(rows[i].says))
            fail_msg("row %zu: no line has '%s'", i, rows[i].says);
    }
}

/* Which bits are the hardware's, not ours. */
static void test_forced_bits(void **state)
{
    (void)state;
    begin();
    vmx_caps.pin = UINT64_C(0x7f00000016);
    values[VMCS_PIN_BASED_CONTROLS] = 0x3e;
    show("controls");
    assert_true(has_line("0x0000003e bits 2:1, NMI exiting, bit 4"));
    assert_true(has_line("  this processor does not allow 0 in: bits 2:1, bit 4"));
    assert_true(has_line("  this processor does not allow 1 in: process posted interrupts"));
    assert_true(has_line("  this processor does not allow 0 in: no bit"));
    assert_true(has_line("  this processor does not allow 1 in: no bit with a name"));
}

static void test_changes(void **state)
{
    (void)state;
    begin();
    show("");
    assert_int_equal(line_count, LOOK_PARTS + 1);
    assert_string_equal(lines[4], "  entry     VM-entry control fields: 6 fields, 0 changed");
    values[VMCS_GUEST_RIP] = 0x1234;
    show("host");
    show("");
    assert_int_equal(line_count, LOOK_PARTS + 2);
    assert_true(has_line("* Guest RIP "));
    show("all");
    assert_true(has_line("  Guest RIP "));
    assert_true(line_count > VMX_LOOK_FIELDS);
    assert_false(vmx_look_show(&vcpu, "nothing", put));
    assert_string_equal(vmx_look_name(), "vmcs");
}

static void test_audit(void **state)
{
    (void)state;
    begin();
    values[VMCS_GUEST_TR_ACCESS] = 0x10000;
    values[VMCS_GUEST_RFLAGS] = 2;
    show("audit");
    assert_true(has_line("Checks on Guest Segment Registers:"));
    assert_true(
        has_line("  BROKEN  TR must be usable (bit 16 must be 0): GUEST_TR_ACCESS is 0x10000"));
    assert_true(has_line("  holds   RFLAGS must have bit 1 1 and its reserved bits 0"));
    assert_true(has_line("  holds   a present PDPTE must have its reserved bits 0"));
    uint32_t rules = 0;
    for (uint32_t i = 0; i < line_count; i++)
        rules += strncmp(lines[i], "  holds   ", 10) == 0;
    assert_true(rules > 60);
}

/* More is broken than is kept: the rest is counted. */
static void test_audit_of_a_ruin(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 0; i < ARRAY_SIZE(values); i++)
        values[i] = UINT64_C(0x5555555555555555);
    show("audit");
    assert_true(has_line(" more are broken"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),       cmocka_unit_test(test_fields_that_are_not_there),
        cmocka_unit_test(test_words),       cmocka_unit_test(test_qualification),
        cmocka_unit_test(test_forced_bits), cmocka_unit_test(test_changes),
        cmocka_unit_test(test_audit),       cmocka_unit_test(test_audit_of_a_ruin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

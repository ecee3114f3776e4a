/* SPDX-License-Identifier: MIT */
/* test_look: a VMCB in words: no byte of it is in two fields, and what the words say. */
#include "svm/svm.h"

#include "support.h"

#include "lib/fmt.h"
#include "svm/audit.h"
#include "svm/look.c"

static char lines[300][2000];
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

void svm_explain_audit(const struct svm_vmcb *vmcb, log_sink sink)
{
    const struct svm_audit_cpu cpu = {.physical_bits = 40};

    svm_audit_show(vmcb, &cpu, sink);
}

static struct svm_vcpu hw;
static struct vcpu vcpu = {.hw = &hw};

static void begin(void)
{
    memset(&hw, 0, sizeof(hw));
}

static void show(const char *part)
{
    line_count = 0;
    svm_look(&vcpu);
    assert_true(svm_look_show(&vcpu, part, put));
}

static void test_table(void **state)
{
    static bool taken[sizeof(struct svm_vmcb)];

    (void)state;
    for (uint32_t f = 0; f < SVM_LOOK_FIELDS; f++) {
        const struct look_field *field = &svm_look_fields[f];

        assert_true(field->bytes >= 1 && field->bytes <= 8);
        assert_int_equal(field->part, field->place < 0x400 ? LOOK_CONTROL : LOOK_SAVE);
        assert_true(!field->bits || !field->words);
        for (uint32_t b = 0; b < field->bytes; b++) {
            assert_false(taken[field->place + b]);
            taken[field->place + b] = true;
        }
        for (uint32_t g = 0; g < f; g++)
            assert_string_not_equal(svm_look_fields[g].name, field->name);
    }
    assert_true(taken[offsetof(struct svm_vmcb, rip)] && taken[offsetof(struct svm_vmcb, clean)]);
    assert_false(taken[offsetof(struct svm_vmcb, reserved_018)]);
}

/* Each row sets a field and looks for words. */
#define SAYS(field, value, part, words)                                             \
    {                                                                               \
        offsetof(struct svm_vmcb, field), sizeof(hw.vmcb.field), value, part, words \
    }

static void test_words(void **state)
{
    static const struct {
        size_t offset, size;
        uint64_t value;
        const char *part, *says;
    } rows[] = {
        SAYS(intercept_cr_write, 0x11, "controls", "0x0011 bit 0, bit 4"),
        SAYS(intercept_exceptions, 0x2002, "controls", "#DB, #GP"),
        SAYS(intercept_1, BIT64(18), "controls", "0x00040000 CPUID"),
        SAYS(tlb_control, 3, "controls", "0x03 3 flush this guest's TLB entries"),
        SAYS(tlb_control, 2, "controls", "0x02 2"),
        SAYS(vintr, UINT64_C(0x300f0105), "controls", "V_TPR 5"),
        SAYS(vintr, UINT64_C(0x30000f0100), "controls", "V_IRQ, V_INTR_PRIO 15, V_INTR_VECTOR 48"),
        SAYS(exit_code, UINT64_MAX, "controls", "VMEXIT_INVALID"),
        SAYS(exit_int_info, 0x80000b0d | UINT64_C(7) << 32, "controls",
             "vector 13, type 3 exception, error code 0x7, valid"),
        SAYS(event_inject, 0x20d, "controls", "not valid"),
        SAYS(event_inject, 0x80000202, "controls", "vector 2, type 2 NMI, valid"),
        SAYS(virt_ext, 2, "controls", "virtualized VMSAVE and VMLOAD"),
        SAYS(cs.attributes, 0xf9b, "save", "DPL 0, P, AVL, L, D/B, G"),
        SAYS(cs.selector, 0x0f, "save", "0x000f LDT index 1, RPL 3"),
        SAYS(g_pat, 6, "save", "PA0 WB, PA1 UC"),
        SAYS(efer, 0x1500, "save", "LME, LMA, SVME"),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        memcpy((uint8_t *)&hw.vmcb + rows[i].offset, &rows[i].value, rows[i].size);
        show(rows[i].part);
        if (!has_line(rows[i].says))
            fail_msg("row %zu: no line has '%s'", i, rows[i].says);
    }
}

static void test_exit_information(void **state)
{
    static const struct {
        uint64_t code, info;
        const char *says;
    } rows[] = {
        {SVM_EXIT_IOIO, 0x3f80011, "port 0x3f8, IN, size 1"},
        {SVM_EXIT_IOIO, 0x3f8004c, "port 0x3f8, OUT, size 4, string, REP"},
        {SVM_EXIT_IOIO, 0x3f80014, "port 0x3f8, OUT, size 1, string"},
        {SVM_EXIT_NPF, UINT64_C(0x100000004), "US, final guest-physical address"},
        {SVM_EXIT_MSR, 1, "WRMSR"},
        {SVM_EXIT_MSR, 0, "RDMSR"},
        {SVM_EXIT_CPUID, 0, "VMEXIT_CPUID"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        hw.vmcb.exit_code = rows[i].code;
        hw.vmcb.exit_info_1 = rows[i].info;
        show("controls");
        if (!has_line(rows[i].says))
            fail_msg("row %zu: no line has '%s'", i, rows[i].says);
    }
}

/* What is shown is what was copied, not what the VMCB holds since. */
static void test_changes(void **state)
{
    (void)state;
    begin();
    show("");
    assert_int_equal(line_count, LOOK_PARTS + 1);
    hw.vmcb.rip = 0x1234;
    assert_true(svm_look_show(&vcpu, "", put));
    assert_false(has_line("RIP"));
    show("");
    assert_true(has_line("* RIP "));
    assert_true(has_line("0x0000000000001234 (was 0x0000000000000000)"));
    show("all");
    assert_true(has_line("  RIP "));
    assert_false(svm_look_show(&vcpu, "nothing", put));
    assert_string_equal(svm_look_name(), "vmcb");
    assert_false(has_line("an emulator"));
    hw.is_lost = true;
    show("");
    assert_true(has_line("an emulator that refused the entry"));
}

static void test_audit(void **state)
{
    (void)state;
    begin();
    show("audit");
    assert_true(has_line("  BROKEN  the ASID must not be 0: asid is 0x0"));
    assert_true(has_line("  holds   CR0.NW must be 0 if CR0.CD is"));
    uint32_t rules = 0;
    while (svm_audit_rule(rules))
        rules++;
    assert_int_equal(line_count, rules + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_changes), cmocka_unit_test(test_exit_information),
        cmocka_unit_test(test_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

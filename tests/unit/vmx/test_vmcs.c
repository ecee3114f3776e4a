/* SPDX-License-Identifier: MIT */
/* test_vmcs: the control fields that exist only on some processors: written there, and not else. */
#include "vmx/vmx.h"

#include "support.h"

#include "vmx/vmcs.c"

struct vmx_caps vmx_caps;
struct vmx_controls vmx_controls;
struct spec_plan vmx_spec;

static uint64_t fields[1 << 15]; /* by encoding */
static bool written[1 << 15];

void vmwrite_raw(enum vmcs_field field, uint64_t value)
{
    fields[field] = value;
    written[field] = true;
}

uint64_t vmread_raw(enum vmcs_field field)
{
    return fields[field];
}

uint64_t rdmsr(uint32_t index)
{
    (void)index;
    return 0;
}

#define NEVER_READ(name)       \
    uint64_t name(void)        \
    {                          \
        fail_msg("%s", #name); \
        return 0;              \
    }
NEVER_READ(read_cr0)
NEVER_READ(read_cr2)
NEVER_READ(read_cr3)
NEVER_READ(read_cr4)

void vmx_exit(void)
{
}

void vmx_exit_one(void)
{
}

void vmx_exit_fill(void)
{
}

void vmx_exit_traced(void)
{
}

static void enclaves_exit_whatever_the_leaf(void **state)
{
    static const struct {
        uint32_t control;
        enum vmcs_field bitmap;
    } rows[] = {{BIT32(15), VMCS_ENCLS_EXITING_BITMAP}, {BIT32(28), VMCS_ENCLV_EXITING_BITMAP}};
    static const struct vmx_shared shared;
    static struct vmx_vcpu hw = {.shared = &shared};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        memset(written, 0, sizeof(written));
        vmx_controls.cpu2 = 0;
        vmx_write_controls(&hw);
        assert_false(written[rows[i].bitmap]); /* a VMWRITE to it would fail */
        vmx_controls.cpu2 = rows[i].control;
        vmx_write_controls(&hw);
        assert_true(written[rows[i].bitmap]);
        assert_true(fields[rows[i].bitmap] == UINT64_MAX);
        assert_true(fields[VMCS_SECONDARY_CONTROLS] == rows[i].control);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enclaves_exit_whatever_the_leaf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

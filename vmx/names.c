/* SPDX-License-Identifier: MIT */
/*
 * names: numbers of VMCS fields and exit reasons as words, for diagnoses. Pure.
 */
#include "vmx/bits.h"
#include "vmx/fields.h"

struct name_row {
    uint32_t number;
    const char *name;
};

static const char *names_find(const struct name_row *rows, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].number == number)
            return rows[i].name;
    }
    return "?";
}

const char *vmcs_field_name(enum vmcs_field field)
{
    static const struct name_row rows[] = {
#define ROW(name, encoding) {encoding, #name},
        VMCS_FIELDS(ROW)
#undef ROW
    };
    return names_find(rows, ARRAY_SIZE(rows), field);
}

const char *vmx_reason_name(uint32_t basic_reason)
{
    static const struct name_row rows[] = {
#define ROW(name, number, kind) {number, #name},
        VMX_REASONS(ROW)
#undef ROW
    };
    return names_find(rows, ARRAY_SIZE(rows), basic_reason);
}

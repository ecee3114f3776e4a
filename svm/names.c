/* SPDX-License-Identifier: MIT */
/*
 * names: exit codes as words, for diagnoses. Pure.
 */
#include "svm/bits.h"

const char *svm_exit_name(uint32_t hw_code)
{
    static const struct {
        uint32_t number;
        const char *name;
    } rows[] = {
#define ROW(name, number, kind) {number, #name},
        SVM_EXITS(ROW)
#undef ROW
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].number == (hw_code & 0xffff))
            return rows[i].name;
    }
    return "?";
}

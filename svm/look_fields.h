/* SPDX-License-Identifier: MIT */
/*
 * look_fields: every field of a VMCB, by the manual's names and in its two areas, for the monitor's
 * `vmcb`. What the fields mean is look_words.c's. Pure.
 */
#pragma once

#include "lib/look.h"
#include "svm/vmcb.h"

enum svm_look_part { LOOK_CONTROL, LOOK_SAVE, LOOK_PARTS };

#define SVM_LOOK_FIELDS 108

extern const struct look_field svm_look_fields[SVM_LOOK_FIELDS];
extern const char *const svm_look_parts[LOOK_PARTS], *const svm_look_titles[LOOK_PARTS];

uint64_t svm_look_value(const struct svm_vmcb *vmcb, const struct look_field *field);

/* look_words.c: struct look_field's words(); the context is the VMCB. */
void svm_look_registers(struct look_line *l, uint64_t value, const void *context);
void svm_look_tlb(struct look_line *l, uint64_t value, const void *context);
void svm_look_vintr(struct look_line *l, uint64_t value, const void *context);
void svm_look_exit_code(struct look_line *l, uint64_t value, const void *context);
void svm_look_exit_info(struct look_line *l, uint64_t value, const void *context);
void svm_look_event(struct look_line *l, uint64_t value, const void *context);
void svm_look_selector(struct look_line *l, uint64_t value, const void *context);
void svm_look_attributes(struct look_line *l, uint64_t value, const void *context);
void svm_look_pat(struct look_line *l, uint64_t value, const void *context);

extern const struct look_bit svm_look_intercept_1_bits[], svm_look_intercept_2_bits[],
    svm_look_intercept_3_bits[], svm_look_shadow_bits[], svm_look_nested_bits[],
    svm_look_virt_ext_bits[], svm_look_clean_bits[];

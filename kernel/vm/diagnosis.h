/* SPDX-License-Identifier: MIT */
/*
 * diagnosis: what a person needs to understand why a guest was stopped, as lines of text.
 * Pure: takes copies of everything.
 */
#pragma once

#include "kernel/core/trace.h"
#include "kernel/virt.h"
#include "lib/types.h"

/* Registers, segments and what blocks interrupts: line `index` of them; false: no more. The first
 * DIAGNOSIS_KEPT are general and control registers. */
#define DIAGNOSIS_KEPT 4
MUST_CHECK bool diagnosis_state_line(const struct vcpu_state *s, uint32_t index, char *buf,
                                     size_t size);

/* What more there is to tell of an exit, "" where there is nothing. */
void diagnosis_access(const struct vcpu_exit *x, char *buf, size_t size);

/* What a guest-physical address is that a guest may not use, or not so: "outside its memory: 16
 * KiB past its end", "shared memory, which it may only read", ... */
void diagnosis_place(gpa_t address, const struct guest_map *map, char *buf, size_t size);

/* Why a guest says that it crashed, as the rest of a sentence; `cr2` is its CR2. */
void diagnosis_report(const struct crash_report *report, uint64_t cr2, char *buf, size_t size);

/* What to type for the line of the source: `image` is an ELF file, the guest was in `s`. */
void diagnosis_source_line(const struct vcpu_state *s, const char *image, char *buf, size_t size);

/* One row of a trace; `why` in the processor's word; `ago_us`: how long before the line is made. */
void diagnosis_trace_line(const struct trace_row *row, const char *why, uint64_t ago_us, char *buf,
                          size_t size);

const char *diagnosis_exit_kind(enum exit_kind kind);
const char *diagnosis_verdict(enum verdict verdict);

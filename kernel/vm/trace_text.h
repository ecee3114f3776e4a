/* SPDX-License-Identifier: MIT */
/*
 * trace_text: the lines of `trace export`, which scripts/trace reads out of a log. Numbers that the
 * processor counts or holds are hexadecimal without 0x, others decimal. No line is longer than
 * LOG_LINE_MAX, whatever the numbers are. docs/study/trace.md describes the form. Pure.
 */
#pragma once

#include "kernel/core/trace_long.h"
#include "lib/types.h"

#define TRACE_TEXT_VERSION 1

struct trace_head {
    const char *guest;
    bool is_svm;
    uint32_t vcpu_count;
    uint32_t life; /* from 1 */
    uint64_t hz;   /* of the TSC */
    uint64_t now;  /* TSC */
};

/* A vCPU's part begins. */
struct trace_core {
    uint32_t vcpu;
    uint32_t core;
    uint64_t exits;     /* of this life */
    uint32_t kept;      /* the most that its ring holds */
    bool has_registers; /* it is the long ring */
};

void trace_text_head(const struct trace_head *head, char *buf, size_t size);
void trace_text_core(const struct trace_core *core, char *buf, size_t size);

/* Exit `number` of the life, from 1. */
void trace_text_row(uint32_t vcpu, uint64_t number, const struct trace_row *row, char *buf,
                    size_t size);

/* What the long ring has of it besides. */
void trace_text_more(uint32_t vcpu, uint64_t number, const struct trace_entry *entry, char *buf,
                     size_t size);

/* The last line: how many rows there were before it, and how many of a long ring's are missing
 * among them: those of exits during an earlier export. */
void trace_text_end(uint64_t rows, uint64_t lost, char *buf, size_t size);

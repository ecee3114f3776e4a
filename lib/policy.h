/* SPDX-License-Identifier: MIT */
/*
 * policy: closed by default, each opening one named row. The row types that the devices (vdev)
 * fill and the hardware bitmaps (vmx) are built from. Pure.
 */
#pragma once

#include "lib/types.h"

/* What happens to a guest's RDMSR or WRMSR. */
enum msr_access {
    MSR_REFUSE = 0, /* #GP(0): what every MSR without a row gets */
    MSR_DIRECT,     /* the hardware register, no exit */
    MSR_EMULATE,    /* exits; vdev/vmsr.c, vdev/vapic.c or the backend answers */
    MSR_CONST,      /* read: row.value; no exit-free way, so it exits */
    MSR_IGNORE,     /* write: dropped */
    MSR_KEEP,       /* write: row.value, which it has anyway; else #GP(0) */
};

struct msr_row {
    uint32_t first, last; /* inclusive */
    enum msr_access read, write;
    uint64_t value; /* MSR_CONST, MSR_KEEP */
    const char *name;
};

struct msr_policy {
    const struct msr_row *rows; /* sorted, disjoint */
    uint32_t count;
};

/* Whose processors a table of rows is for. The backend that was picked knows. */
enum policy_vendor { POLICY_INTEL, POLICY_AMD, POLICY_COUNT };

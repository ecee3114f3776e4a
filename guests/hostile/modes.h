/* SPDX-License-Identifier: MIT */
/*
 * modes: what modes.asm and modes.c share, at a fixed place in low memory, and the way for others
 * into 32-bit protected mode.
 */
#pragma once

#include "lib/types.h"

#define MODES_LOW UINT64_C(0x6000)
#define MODE_ROWS 32

enum mode {
    MODE_COMPAT,
    MODE_PROT,
    MODE_PAE,
    MODE_LEGACY,
    MODE_V86,
    MODE_PROT16,
    MODE_REAL,
    MODES,
};

struct modes_row {
    uint32_t vector; /* of the exception, or all ones */
    uint32_t eax;    /* afterwards */
    uint32_t error;  /* code, or all ones; in real mode the frame's length */
    uint32_t unused;
};

struct modes { /* also in modes.asm and protected.asm */
    uint32_t vector, resume, error;
    uint32_t cr3_long, cr3_pae, cr3_bad, cr3_legacy;
    uint32_t hook; /* called in protected mode without paging, on the way */
    uint64_t gdt[16];
    uint64_t idt32[64];
    uint32_t scratch[4];
    struct modes_row results[MODES][MODE_ROWS];
    uint32_t at_64k; /* the instruction at the end of real mode's segment */
    uint32_t page;   /* to be written to in real mode, below 4 GiB; 0: none */
};

struct modes *modes_shared(void);

/* Fills the low memory; takes all exceptions until modes_leave(). */
void modes_prepare(void);
void modes_leave(void);

void modes_round(void); /* modes.asm */

/* The TSS that TR names in protected mode. */
void *modes_task(void);

/* A gate of a 32-bit IDT; `type` is its second word's upper half. */
uint64_t modes_gate(uint32_t entry, uint16_t selector, uint16_t type);
